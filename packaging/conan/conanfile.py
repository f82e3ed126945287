"""A recipe that builds the checkout that it lies in: conan create packaging/conan"""

import os

from conan import ConanFile
from conan.errors import ConanInvalidConfiguration
from conan.tools.build import check_min_cppstd
from conan.tools.cmake import CMake, CMakeDeps, CMakeToolchain, cmake_layout
from conan.tools.files import copy, load


class Hangup(ConanFile):
    name = "hangup"
    description = "When the client hangs up, the work stops"
    license = "MIT"
    topics = ("http", "cancellation", "cpp-httplib")
    package_type = "library"
    settings = "os", "arch", "compiler", "build_type"
    options = {
        "shared": [True, False],
        "fPIC": [True, False],
        "http": [True, False],
        "httplib": [True, False],
        "tls": [True, False],
    }
    default_options = {"shared": False, "fPIC": True, "http": True, "httplib": True, "tls": True}

    def set_version(self):
        numbers = {}
        text = load(self, os.path.join(self.recipe_folder, "..", "..", "include", "hangup", "version.h"))
        for line in text.splitlines():
            words = line.split()
            if len(words) == 3 and words[0] == "#define" and words[1].startswith("HANGUP_VERSION_"):
                numbers[words[1][len("HANGUP_VERSION_"):]] = words[2]
        self.version = f"{numbers['MAJOR']}.{numbers['MINOR']}.{numbers['PATCH']}"

    def export_sources(self):
        root = os.path.join(self.recipe_folder, "..", "..")
        for pattern in "CMakeLists.txt", "LICENSE", "cmake/*", "context/*", "worker/*", "http/*", "include/*":
            copy(self, pattern, root, self.export_sources_folder)

    def configure(self):
        if self.options.shared:
            self.options.rm_safe("fPIC")
        if not self.options.http:
            self.options.rm_safe("httplib")
            self.options.rm_safe("tls")

    def validate(self):
        if self.settings.os != "Linux":
            raise ConanInvalidConfiguration("hangup needs Linux (epoll, eventfd, futex)")
        check_min_cppstd(self, 20)

    def requirements(self):
        if self.options.http:
            self.requires("zlib/[>=1.2.11 <2]")
        if self.options.get_safe("tls"):
            self.requires("openssl/[>=1.1 <4]")
        if self.options.get_safe("httplib"):
            # Its headers are compiled by who uses hangup::httplib.
            self.requires("cpp-httplib/[>=0.11.4 <1]", transitive_headers=True)

    def layout(self):
        cmake_layout(self)

    def generate(self):
        CMakeDeps(self).generate()
        toolchain = CMakeToolchain(self)
        toolchain.cache_variables["HANGUP_SHARED"] = bool(self.options.shared)
        toolchain.cache_variables["HANGUP_HTTP"] = bool(self.options.http)
        toolchain.cache_variables["HANGUP_HTTPLIB"] = bool(self.options.get_safe("httplib"))
        toolchain.cache_variables["HANGUP_TLS"] = bool(self.options.get_safe("tls"))
        for name in "SERVER", "TESTS", "EXAMPLES":
            toolchain.cache_variables[f"HANGUP_{name}"] = False
        toolchain.generate()

    def build(self):
        cmake = CMake(self)
        cmake.configure()
        cmake.build()

    def package(self):
        copy(self, "LICENSE", self.source_folder, os.path.join(self.package_folder, "licenses"))
        CMake(self).install()

    def package_info(self):
        # The package has a hangupConfig.cmake and pkg-config files of its own: with components, and with the
        # cpp-httplib of who uses it.
        self.cpp_info.set_property("cmake_find_mode", "none")
        self.cpp_info.builddirs = [os.path.join("lib", "cmake", "hangup")]
        self.cpp_info.libs = ["hangup-worker", "hangup-context"]
        if self.options.http:
            self.cpp_info.libs.insert(0, "hangup-http")
        self.cpp_info.system_libs = ["pthread"]
