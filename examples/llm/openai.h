// What such servers take and give, as JSON: the chat of OpenAI, and /completion of llama.cpp.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "examples/llm/slots.h"

namespace llm {

enum class form { chat, completion };

// Throws std::invalid_argument, whose text is for the client.
question read_question(form f, const std::string& body);

// Of a stream: an event of SSE with these words, and the last events.
std::string event(form f, const job& j, std::string_view words);
std::string last_events(form f, const job& j);
// The answer that is no stream.
std::string whole(form f, const job& j, std::string_view words);

std::string problem(int status, std::string_view type, std::string_view message);
std::string health(const slots& of);
std::string slots_now(const slots& of);
std::string models();

// Whether the header is "Bearer " and this key. Takes the same time whatever differs.
bool has_key(std::string_view authorization, std::string_view key) noexcept;

}  // namespace llm
