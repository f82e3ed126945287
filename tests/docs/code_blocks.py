"""Finds the blocks of C++ in pages and in public headers that no build compiles."""

import posixpath
import re

# What includes the blocks: see cmake/page_examples.cmake and cmake/header_examples.cmake.
COMPILED_IN = ("tests/page_examples", "tests/header_examples")


def included(sources):
    """The texts after #include in these sources: {"docs/contexts.md/loop.body", ...}."""
    return {name for text in sources for name in re.findall(r'^\s*#include "([^"]+)"', text, re.M)}


def check_page(page, read, includes):
    """Each block of C++ is (a part of) a file that is built, or is included by its name. `read(path)`:
    a file's text, or None. Yields (line, what)."""
    names = set()
    for block in page.blocks:
        if block.info != "cpp" or block.check is None:
            continue  # still.py has told of a block that does not say how it is checked
        name = block.check.keys.get("fragment")
        path = block.check.keys.get("file")
        if path:
            folder, file = posixpath.split(path)
            stem = posixpath.splitext(file)[0]
            if not re.search(rf"\b{re.escape(stem)}\b", read(posixpath.join(folder, "CMakeLists.txt")) or ""):
                yield block.line, f"{path} is in no build: {folder}/CMakeLists.txt does not name it"
        elif not name:
            yield block.line, "a block of C++ is a file (file=), or has a name (fragment=) by which it is compiled"
        elif name in names:
            yield block.line, f"fragment={name}: the second of this name on the page"
        elif not {f"{page.name}/{name}.body", f"{page.name}/{name}.functions"} & includes:
            yield block.line, f"fragment={name}: nothing in {COMPILED_IN[0]} includes {page.name}/{name}.body or .functions"
        names.add(name)


def is_code(lines):
    return any(re.search(r"[;{}]\s*(//.*)?$", line) for line in lines)


def blocks_in(header):
    """The blocks of code in comments, each as (line, opens the file, lines)."""
    blocks = []
    opening = True
    goes_on = False
    for number, line in enumerate(header.split("\n"), 1):
        opening = opening and not line.startswith("#pragma once")
        found = re.match(r"\s*//   (?! *- )(.*)$", line)
        if not found:
            goes_on = goes_on and re.match(r"\s*//$", line) is not None
            continue
        if goes_on:
            blocks[-1][2].append(found.group(1))
        else:
            blocks.append((number, opening, [found.group(1)]))
        goes_on = True
    return [block for block in blocks if is_code(block[2])]


def check_header(path, text, includes):
    """Yields (line, what)."""
    for line, opening, _ in blocks_in(text):
        name = f"{path}.example" if opening else f"{path}.inner.example"
        if name not in includes:
            yield line, f"nothing in {COMPILED_IN[1]} includes {name}"
