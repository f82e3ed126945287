// Is this a build with a sanitizer? Then memory is kept for a while after it was freed, and every
// access takes longer.
#pragma once

#if defined(__SANITIZE_THREAD__)
#define HANGUP_TSAN 1
#elif defined(__SANITIZE_ADDRESS__)
#define HANGUP_ASAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define HANGUP_TSAN 1
#elif __has_feature(address_sanitizer)
#define HANGUP_ASAN 1
#endif
#endif

namespace hangup::test {

#ifdef HANGUP_TSAN
inline constexpr bool tsan = true;
#else
inline constexpr bool tsan = false;
#endif
#ifdef HANGUP_ASAN
inline constexpr bool asan = true;
#else
inline constexpr bool asan = false;
#endif
inline constexpr bool sanitized = tsan || asan;

// Of a loop: fewer where every access is checked.
constexpr int rounds(int plain) {
  return sanitized ? (plain + 9) / 10 : plain;
}

}  // namespace hangup::test
