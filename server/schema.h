// The subset of JSON Schema (draft 2020-12) that the keys of the configuration are described by
// (keys.h). It describes each mistake of a document in one line. The schema itself is part of the
// program; a keyword in it that is not supported here is an error, not ignored.
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
// Text of the document is escaped in it, and limited to 64 bytes each; values that are writeOnly
// are not shown. No state is kept between calls, so const functions are thread-safe.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "server/message_text.h"
#include "server/mistakes.h"

namespace hangup::server {

class schema {
 public:
  // Throws std::invalid_argument, naming the place, if the schema has an unsupported keyword, a
  // number without a range, an array or a string without a maximum length, a default that is not
  // allowed, or a key that has no default and is neither required nor an object.
  explicit schema(nlohmann::json root);

  // Checks the document and adds the defaults of absent keys, so that afterwards every key exists.
  // Keys are checked in alphabetical order, existing ones before missing ones. A value with a
  // mistake is left as it is. Never throws because of the document's contents.
  mistakes complete(nlohmann::json& document) const;

  // Whether the key may have this value.
  bool allows(std::string_view key, nlohmann::json value) const;

  // Whether the key exists. In a map, every name that the map allows exists.
  bool has(std::string_view key) const;

  // The same in words: `unknown key "listen.prot"; did you mean "port"?`
  problem knows(std::string_view key) const;

  // The key with each unknown part replaced by the nearest one: "listen.port" for "listen.prot".
  // nullopt if there is none that is near.
  std::optional<std::string> nearest_key(std::string_view key) const;

  // Parses the value of one key ("listen.port") as it is written on a command line, in UTF-8; the
  // value of an array or an object is JSON. The mistakes do not contain the key: `found "fast",
  // allowed one of "text", "json"`. This, allows() and the following functions throw nlohmann's
  // out_of_range if the schema does not have the key.
  mistakes read_text(std::string_view key, std::string_view text, nlohmann::json& value) const;

  // The allowed values as text: "an integer 0..65535".
  std::string allowed(std::string_view key) const;

  // Whether the value must not be shown.
  bool is_secret(std::string_view key) const;

  // The text for --help: the description, the allowed values and the default.
  std::string about(std::string_view key) const;

 private:
  const nlohmann::json& at(std::string_view key) const;

  nlohmann::json root_;
};

}  // namespace hangup::server
