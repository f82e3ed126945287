// The part of JSON Schema (draft 2020-12) that config/server.schema.json is written in, and no
// more: it says of a document from a stranger what is wrong with it, one line each. The schema
// itself is ours; a keyword in it that this does not understand is refused, never skipped.
//
//   any        type, title, description, default, writeOnly (a secret), $schema
//   object     properties, required, additionalProperties (false or a schema), propertyNames
//   array      items, maxItems (both)
//   integer    minimum, maximum (both)
//   number     the same
//   boolean
//   string     enum, or minLength, maxLength and pattern
//
// A mistake is one line, without the name of the document:
//   http.idle_timout_ms: unknown key; did you mean "idle_timeout_ms"?
//   listen.port: found 99999, allowed 0..65535
// What the stranger wrote is in it escaped, and at most 64 bytes of each text; of what is
// writeOnly, nothing. Nothing here keeps state between calls: const functions are thread-safe.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "server/mistakes.h"
#include "server/words.h"

namespace hangup::server {

class schema {
 public:
  // Throws std::invalid_argument naming the place if there is a keyword that is not understood
  // here, a number without a range, an array or a string without a greatest length, a default that
  // is not allowed, or a key without a default that is neither required nor an object.
  explicit schema(nlohmann::json root);

  // Checks the document and fills in the defaults of what it leaves out: afterwards every key is
  // there. Keys are looked at in alphabetical order, those that are there before those that are
  // missing. A document with a mistake is left as it is in that place. Never throws for what is in
  // it.
  mistakes complete(nlohmann::json& document) const;

  // Is this a value that the key may have?
  bool allows(std::string_view key, nlohmann::json value) const;

  // Is there such a key? Names in a map are any that it allows. `unknown key "listen.prot"; did you
  // mean "port"?`
  problem knows(std::string_view key) const;

  // Reads the value of one key ("listen.port") as people write it on a command line, in UTF-8; of
  // an array or an object, as JSON. The mistakes do not name the key: `found "fast", allowed one of
  // "text", "json"`. This, allows() and the rest throw nlohmann's out_of_range for a key that the
  // schema does not have.
  mistakes read_text(std::string_view key, std::string_view text, nlohmann::json& value) const;

  // "an integer 0..65535"
  std::string allowed(std::string_view key) const;

  // Is it not to be shown?
  bool is_secret(std::string_view key) const;

  // For --help: its description, what is allowed, and the default.
  std::string about(std::string_view key) const;

 private:
  const nlohmann::json& at(std::string_view key) const;

  nlohmann::json root_;
};

}  // namespace hangup::server
