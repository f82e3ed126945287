"""Runs a Conan recipe without Conan: the part of its interface that packaging/conan uses, and no more. Dependencies are
those of this machine.   conan_stub.py RECIPE_FOLDER WORK_FOLDER [OPTION=VALUE...]"""

import glob
import importlib.util
import os
import shutil
import subprocess
import sys
import types


class InvalidConfiguration(Exception):
    pass


class Options:
    def __init__(self, allowed, default):
        self.__dict__.update(default)
        self._allowed = allowed

    def rm_safe(self, name):
        self.__dict__.pop(name, None)

    def get_safe(self, name):
        return self.__dict__.get(name)

    def choose(self, name, value):
        if value not in self._allowed[name]:
            sys.exit(f"option {name}: found {value}, allowed are {self._allowed[name]}")
        setattr(self, name, value)


class CppInfo:
    def __init__(self):
        self.properties = {}
        self.libs, self.system_libs, self.builddirs, self.bindir = [], [], [], ""

    def set_property(self, name, value):
        self.properties[name] = value


class ConanFile:
    def __init__(self, folder, work):
        self.recipe_folder = folder
        self.export_sources_folder = self.source_folder = os.path.join(work, "source")
        self.build_folder = os.path.join(work, "build")
        self.package_folder = os.path.join(work, "package")
        self.settings = types.SimpleNamespace(os="Linux", arch="x86_64", compiler="gcc", build_type="Release")
        self.cpp_info = CppInfo()
        self.cpp = types.SimpleNamespace(build=CppInfo())
        self.required = []
        self.cache_variables = {}

    def requires(self, reference, **_):
        self.required.append(reference)

    def run(self, command, **_):
        subprocess.run(command, shell=True, check=True)


class CMakeToolchain:
    def __init__(self, recipe):
        self.recipe, self.cache_variables = recipe, {}

    def generate(self):
        self.recipe.cache_variables.update(self.cache_variables)


class CMake:
    def __init__(self, recipe):
        self.recipe = recipe

    def configure(self):
        recipe = self.recipe
        words = {True: "ON", False: "OFF"}
        flags = [f"-D{name}={words.get(value, value)}" for name, value in recipe.cache_variables.items()]
        shared = getattr(recipe, "options", None) and recipe.options.get_safe("shared")
        subprocess.run(["cmake", "-S", recipe.source_folder, "-B", recipe.build_folder, "-G", "Ninja", "-DCMAKE_CXX_STANDARD=20",
                        "-DCMAKE_BUILD_TYPE=None", "-DCMAKE_UNITY_BUILD=ON", f"-DBUILD_SHARED_LIBS={words[bool(shared)]}",
                        "-DCMAKE_INSTALL_LIBDIR=lib", f"-DCMAKE_INSTALL_PREFIX={recipe.package_folder}", *flags], check=True)

    def build(self):
        subprocess.run(["cmake", "--build", self.recipe.build_folder], check=True)

    def install(self):
        subprocess.run(["cmake", "--install", self.recipe.build_folder], check=True)


def copy(_, pattern, src, dst):
    for path in glob.glob(os.path.join(src, pattern)):
        to = os.path.join(dst, os.path.relpath(path, src))
        os.makedirs(os.path.dirname(to), exist_ok=True)
        if os.path.isdir(path):
            shutil.copytree(path, to, dirs_exist_ok=True)
        else:
            shutil.copy(path, to)


def cmake_layout(recipe):
    recipe.cpp.build.bindir = recipe.build_folder


def module(name, **members):
    sys.modules[name] = types.ModuleType(name)
    sys.modules[name].__dict__.update(members)


module("conan", ConanFile=ConanFile)
module("conan.errors", ConanInvalidConfiguration=InvalidConfiguration)
module("conan.tools")
module("conan.tools.build", check_min_cppstd=lambda *_: None, can_run=lambda _: True)
module("conan.tools.cmake", CMake=CMake, CMakeToolchain=CMakeToolchain, cmake_layout=cmake_layout,
       CMakeDeps=lambda _: types.SimpleNamespace(generate=lambda: None))
module("conan.tools.files", copy=copy, load=lambda _, path: open(path, encoding="utf-8").read())


def recipe_in(folder, work):
    spec = importlib.util.spec_from_file_location("recipe", os.path.join(folder, "conanfile.py"))
    loaded = importlib.util.module_from_spec(spec)
    sys.dont_write_bytecode = True
    spec.loader.exec_module(loaded)
    kind = next(c for c in vars(loaded).values() if isinstance(c, type) and issubclass(c, ConanFile) and c is not ConanFile)
    return kind(folder, work)


def main():
    folder, work = map(os.path.abspath, sys.argv[1:3])
    recipe = recipe_in(folder, work)
    recipe.options = Options(type(recipe).options, type(recipe).default_options)
    for choice in sys.argv[3:]:
        name, value = choice.split("=")
        recipe.options.choose(name, value == "True")
    recipe.set_version()
    recipe.configure()
    recipe.validate()
    recipe.settings.os = "Windows"
    try:
        recipe.validate()
        sys.exit("the recipe takes Windows")
    except InvalidConfiguration:
        recipe.settings.os = "Linux"
    recipe.requirements()
    recipe.export_sources()
    recipe.layout()
    recipe.generate()
    recipe.build()
    recipe.package()
    recipe.package_info()
    names = os.listdir(os.path.join(recipe.package_folder, "lib"))
    for lib in recipe.cpp_info.libs:
        if not any(name.startswith(f"lib{lib}.") for name in names):
            sys.exit(f"package_info() names {lib}, and the package has {sorted(names)}")
    built = sorted(name for name in names if name.startswith("lib") and name.endswith((".a", ".so")))
    if len(built) != len(recipe.cpp_info.libs):
        sys.exit(f"package_info() names {recipe.cpp_info.libs}, and the package has {built}")

    test = recipe_in(os.path.join(folder, "test_package"), os.path.join(work, "test"))
    test.source_folder = os.path.join(folder, "test_package")
    test.tested_reference_str = f"{recipe.name}/{recipe.version}"
    test.requirements()
    test.layout()
    test.cache_variables["CMAKE_PREFIX_PATH"] = ";".join(os.path.join(recipe.package_folder, d) for d in recipe.cpp_info.builddirs)
    test.build()
    sys.stdout.flush()
    test.test()
    print(f"{test.tested_reference_str} with {sys.argv[3:] or 'default options'} requires {recipe.required}")


main()
