"""What can be checked of pages without running anything: links and anchors, lengths, that each
block says how it is checked, and that shown source is that of the file."""

import os
import posixpath
import re
import textwrap
import urllib.parse

README_LINES, README_BYTES, PAGE_LINES = 150, 10 * 1024, 250
SESSIONS = ("console", "log")
SHELLS = ("sh", "bash", "shell", "shell-session")
DRAWN = re.compile("[\u2500-\u257f\u25b2-\u25c4]")  # lines, corners and arrowheads of a diagram


GENERATED = re.compile(r"^<!-- generated: .*?^<!-- end of generated -->$", re.M | re.S)


def check_lengths(page):
    """Generated parts do not count. Yields (line, what)."""
    lines, size = len(page.lines), len(page.text.encode())
    lines -= sum(part.group(0).count("\n") for part in GENERATED.finditer(page.text))
    if page.name == "README.md":
        if lines > README_LINES or size > README_BYTES:
            yield 1, f"{lines} lines, {size} bytes; allowed are {README_LINES} lines, {README_BYTES} bytes"
    elif page.name.startswith("docs/") and lines > PAGE_LINES:
        yield 1, f"{lines} lines; allowed are {PAGE_LINES}"


def check_links(page, pages, exists):
    """Relative links lead to files and headings that there are. `exists(path)`: a file or folder of
    the repository. Yields (line, what)."""
    for line, target in page.links:
        url = urllib.parse.urlsplit(target)
        if url.scheme or target.startswith("//"):
            continue
        path = posixpath.normpath(posixpath.join(posixpath.dirname(page.name), urllib.parse.unquote(url.path)))
        if not url.path:
            path = page.name
        elif path.startswith("..") or not exists(path):
            yield line, f"{target}: there is no such file"
            continue
        if url.fragment and path in pages and urllib.parse.unquote(url.fragment) not in pages[path].anchors:
            yield line, f"{target}: {path} has no such heading"


def check_blocks(page, read):
    """Each block that a reader may run or compile says how it is checked, and shown source is that
    of its file. `read(path)`: a file's text, or None. Yields (line, what)."""
    for block in page.blocks:
        check = block.check
        if check is None:
            if block.info in SESSIONS:
                yield block.line, f"a `{block.info}` block without a `check:` comment before it"
            elif block.info in ("cpp", "json"):
                yield block.line, f"a `{block.info}` block without a `check:` comment before it (file=, fragment=, config)"
            elif block.info in SHELLS or any(line.startswith("$ ") for line in block.lines):
                yield block.line, "commands stand in a `console` block, with a `check:` comment before it"
            elif not block.info and not DRAWN.search("\n".join(block.lines)):
                yield block.line, "a block that says not what it is and is no diagram: `console`, `log`, `cpp`, `json`, or `text`"
        elif "file" in check.keys:
            yield from check_shown(block, check.keys["file"], read(check.keys["file"]))


def check_shown(block, path, text):
    if text is None:
        yield block.line, f"{path}: there is no such file"
        return
    whole = text.rstrip("\n").split("\n")
    if "part" not in block.check.words:
        if block.lines != whole:
            at = next((i for i, (a, b) in enumerate(zip(block.lines, whole)) if a != b),
                      min(len(block.lines), len(whole)))
            yield block.line + at, f"this is not the text of {path}, line {at + 1}"
        return
    shown = textwrap.dedent("\n".join(block.lines))
    size = len(block.lines)
    if not any(textwrap.dedent("\n".join(whole[i:i + size])) == shown for i in range(len(whole) - size + 1)):
        yield block.line, f"this is no part of {path}"


def exists_in(root):
    return lambda path: os.path.exists(os.path.join(root, path))


def read_in(root):
    def read(path):
        try:
            with open(os.path.join(root, path), encoding="utf-8") as file:
                return file.read()
        except OSError:
            return None
    return read
