// The only place that includes cpp-httplib, which is the program's own: whatever version the target
// hangup::httplib has found, or was told (cmake/cpp_httplib.cmake). hangup's compiled libraries
// contain nothing of it.
//
// The types of cpp-httplib differ between its versions, and their layout depends on macros
// (CPPHTTPLIB_OPENSSL_SUPPORT and others). A program of which two parts are compiled with different
// ones would crash, so it does not link: the linker then says that
// hangup_one_program_one_cpp_httplib is defined twice. This compares the parts that one linker puts
// into one program or one shared library, and of these the sources that include this header. So a
// source that needs nothing else of hangup, but belongs to the same program, includes this one in
// place of <httplib.h>. It does not compare a program with the shared libraries that it loads.
#pragma once

#if !defined(HANGUP_HTTPLIB_COMPILED)
#error \
    "link hangup::httplib; or define HANGUP_HTTPLIB_COMPILED: 1 if your cpp-httplib is a compiled library, \
whose own definitions (CPPHTTPLIB_..._SUPPORT) you then need as well, and 0 if it is only a header"
#endif

#include <httplib.h>

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace hangup::http::detail {

#if defined(HANGUP_HTTPLIB_FOUND_VERSION)
static_assert(std::string_view(CPPHTTPLIB_VERSION) == HANGUP_HTTPLIB_FOUND_VERSION,
              "hangup::httplib has found the cpp-httplib of the system, and another <httplib.h> is "
              "included: name the target of yours in HANGUP_HTTPLIB_TARGET");
#endif

// A number made of the version, of the sizes that the macros change, and of how it is compiled.
constexpr std::uint32_t httplib_tag() noexcept {
  std::uint32_t made = 2166136261U;  // FNV-1a
  const auto add = [&made](std::size_t part) {
    for (; part != 0; part >>= 8U) {
      made = (made ^ static_cast<std::uint32_t>(part & 0xffU)) * 16777619U;
    }
  };
  for (const char* c = CPPHTTPLIB_VERSION; *c != 0; ++c) {
    add(static_cast<unsigned char>(*c));
  }
  add(sizeof(httplib::Request));
  add(sizeof(httplib::Response));
  add(sizeof(httplib::Server));
  add(sizeof(httplib::Client));
  add(1 + HANGUP_HTTPLIB_COMPILED);
  return made & 0x7fffffffU;
}

// Never called. Linkers accept the same absolute symbol twice if it has the same value. The error
// is for parts that are compiled together (link-time optimisation).
[[gnu::used]] static void tag_of_httplib() {
  asm volatile(
      ".ifdef hangup_one_program_one_cpp_httplib\n"
      ".if hangup_one_program_one_cpp_httplib - %c0\n"
      ".error \"hangup_one_program_one_cpp_httplib: two parts have different ones\"\n"
      ".endif\n"
      ".else\n"
      ".globl hangup_one_program_one_cpp_httplib\n"
      ".hidden hangup_one_program_one_cpp_httplib\n"
      ".set hangup_one_program_one_cpp_httplib, %c0\n"
      ".endif\n" ::"i"(httplib_tag()));
}

}  // namespace hangup::http::detail
