#include "examples/llm/openai.h"

#include <algorithm>
#include <ctime>
#include <nlohmann/json.hpp>
#include <stdexcept>

namespace llm {
namespace {

using json = nlohmann::json;

constexpr std::size_t most_tokens = 100'000;
constexpr const char* name = "one-head";

// Words may be cut in the middle of a character that a client has sent: replaced, not thrown.
std::string dumped(const json& j) {
  return j.dump(-1, ' ', false, json::error_handler_t::replace);
}

std::uint64_t number(const json& from, const char* key, std::uint64_t otherwise) {
  const auto at = from.find(key);
  if (at == from.end() || at->is_null()) {
    return otherwise;
  }
  if (!at->is_number_unsigned()) {
    throw std::invalid_argument(std::string("\"") + key + "\" must be a whole number");
  }
  return at->get<std::uint64_t>();
}

std::string text_at(const json& from, const char* key) {
  const auto at = from.find(key);
  if (at == from.end() || !at->is_string()) {
    throw std::invalid_argument(std::string("\"") + key + "\" must be a text");
  }
  return at->get<std::string>();
}

json chunk(const job& j, json delta, json finish) {
  return {
      {"id", "chatcmpl-" + std::to_string(j.number())},
      {"object", "chat.completion.chunk"},
      {"created", std::time(nullptr)},
      {"model", name},
      {"choices",
       json::array(
           {{{"index", 0}, {"delta", std::move(delta)}, {"finish_reason", std::move(finish)}}})}};
}

std::string as_event(const json& j) {
  return "data: " + dumped(j) + "\n\n";
}

}  // namespace

question read_question(form f, const std::string& body) {
  const auto asked = json::parse(body, nullptr, false);
  if (!asked.is_object()) {
    throw std::invalid_argument("the body must be an object of JSON");
  }
  question q;
  if (f == form::chat) {
    const auto messages = asked.find("messages");
    if (messages == asked.end() || !messages->is_array() || messages->empty()) {
      throw std::invalid_argument("\"messages\" must be a list that is not empty");
    }
    for (const auto& m : *messages) {
      if (!m.is_object()) {
        throw std::invalid_argument("a message must be an object");
      }
      q.prompt += text_at(m, "content") + "\n";
    }
  } else {
    q.prompt = text_at(asked, "prompt");
  }
  const auto tokens = number(asked, f == form::chat ? "max_tokens" : "n_predict", q.max_tokens);
  q.max_tokens = std::clamp<std::size_t>(tokens, 1, most_tokens);
  q.seed = number(asked, "seed", 0);
  if (const auto at = asked.find("stream"); at != asked.end()) {
    if (!at->is_boolean()) {
      throw std::invalid_argument("\"stream\" must be true or false");
    }
    q.stream = at->get<bool>();
  }
  return q;
}

std::string event(form f, const job& j, std::string_view words) {
  return as_event(f == form::chat ? chunk(j, {{"content", words}}, nullptr)
                                  : json{{"content", words}, {"stop", false}});
}

std::string last_events(form f, const job& j) {
  if (f == form::completion) {
    return as_event({{"content", ""}, {"stop", true}, {"tokens_predicted", j.tokens()}});
  }
  return as_event(chunk(j, json::object(), "length")) + "data: [DONE]\n\n";
}

std::string whole(form f, const job& j, std::string_view words) {
  if (f == form::completion) {
    return dumped({{"content", words}, {"stop", true}, {"tokens_predicted", j.tokens()}});
  }
  return dumped({{"id", "chatcmpl-" + std::to_string(j.number())},
                 {"object", "chat.completion"},
                 {"created", std::time(nullptr)},
                 {"model", name},
                 {"choices", json::array({{{"index", 0},
                                           {"message", {{"role", "assistant"}, {"content", words}}},
                                           {"finish_reason", "length"}}})},
                 {"usage", {{"completion_tokens", j.tokens()}}}});
}

std::string problem(int status, std::string_view type, std::string_view message) {
  return dumped({{"error", {{"code", status}, {"type", type}, {"message", message}}}});
}

std::string health(const slots& of) {
  const auto all = of.now();
  const auto busy = std::count_if(all.begin(), all.end(), [](const auto& s) { return s.busy; });
  return dumped({{"status", "ok"},
                 {"slots_processing", busy},
                 {"slots_idle", static_cast<std::ptrdiff_t>(all.size()) - busy},
                 {"queued", of.queued()}});
}

std::string slots_now(const slots& of) {
  auto list = json::array();
  for (const auto& s : of.now()) {
    list.push_back({{"id", list.size()},
                    {"is_processing", s.busy},
                    {"job", s.busy ? json(s.job) : json()},
                    {"n_decoded", s.tokens}});
  }
  return dumped(list);
}

std::string models() {
  return dumped({{"object", "list"}, {"data", json::array({{{"id", name}, {"object", "model"}}})}});
}

bool has_key(std::string_view authorization, std::string_view key) noexcept {
  constexpr std::string_view bearer = "Bearer ";
  if (authorization.substr(0, bearer.size()) != bearer) {
    return false;
  }
  authorization.remove_prefix(bearer.size());
  unsigned different = authorization.size() == key.size() ? 0U : 1U;
  for (std::size_t i = 0; i < authorization.size(); ++i) {
    const char c = key.empty() ? '\0' : key[i % key.size()];
    different |= static_cast<unsigned>(static_cast<unsigned char>(authorization[i] ^ c));
  }
  return different == 0;
}

}  // namespace llm
