"""Reads a Markdown page: its fenced blocks with the comments that say how to check them, its
headings as anchors, and its links. No block is run here."""

import json
import re
import shlex
from dataclasses import dataclass, field

FENCE = re.compile(r"^(\s*)(`{3,}|~{3,})\s*(\S*)\s*$")
COMMENT = re.compile(r"<!--\s*check:(.*?)-->\s*$", re.S)
LINK = re.compile(r"!?\[(?:[^\[\]]|\[[^\]]*\])*\]\(\s*<?([^()\s>]+(?:\([^()\s]*\)[^()\s>]*)?)>?(?:\s+\"[^\"]*\")?\s*\)")
REFERENCE = re.compile(r"^\s{0,3}\[[^\]]+\]:\s*<?(\S+?)>?\s*$")

# The words and the keys that a comment may have.
WORDS = {"start", "log", "part", "lines", "config", "eventually"}
KEYS = {"server", "flags", "env", "config", "needs", "ports", "timeout", "file", "fragment", "stops"}


class PageError(Exception):
    """What is wrong with a page; says the line."""

    def __init__(self, line, what):
        super().__init__(what)
        self.line = line
        self.what = what


@dataclass
class Check:
    """What stands in a `check:` comment."""

    words: set = field(default_factory=set)
    keys: dict = field(default_factory=dict)
    not_run: str = ""

    @property
    def needs(self):
        return [n for n in self.keys.get("needs", "").split(",") if n]


@dataclass
class Block:
    line: int  # of the first line inside the fence, counted from 1
    info: str
    lines: list
    check: Check | None


@dataclass
class Command:
    line: int
    text: str
    expected: list  # the lines that are shown below it


def read_check(text, line):
    """`server=default needs=nginx` -> Check. Raises PageError for what is not known."""
    text = text.strip()
    if text.startswith("not run:"):
        reason = text.removeprefix("not run:").strip()
        if not reason:
            raise PageError(line, "check: not run: needs a reason")
        return Check(not_run=reason)
    check = Check()
    try:
        parts = shlex.split(text)
    except ValueError as error:
        raise PageError(line, f"check: {error}") from error
    for part in parts:
        key, sign, value = part.partition("=")
        if sign and key in KEYS:
            check.keys[key] = value
        elif not sign and part in WORDS:
            check.words.add(part)
        else:
            raise PageError(line, f"check: found {part!r}, allowed are {', '.join(sorted(WORDS))}, "
                                  f"not run: REASON, and {', '.join(k + '=' for k in sorted(KEYS))}")
    if "config" in check.keys:
        try:
            json.loads(check.keys["config"])
        except ValueError as error:
            raise PageError(line, f"check: config= is no JSON: {error}") from error
    return check


class Page:
    """A page that has been read. `wrong` has what cannot be understood, as (line, what)."""

    def __init__(self, name, text):
        self.name = name
        self.text = text
        self.lines = text.split("\n")
        if self.lines and self.lines[-1] == "":
            self.lines.pop()
        self.blocks = []
        self.anchors = set()
        self.links = []  # (line, target)
        self.wrong = []
        self._read()

    def _read(self):
        at = 0
        slugs = {}
        in_comment = False
        while at < len(self.lines):
            line = self.lines[at]
            if in_comment:
                in_comment = "-->" not in line
                at += 1
                continue
            if "<!--" in line and "-->" not in line:
                in_comment = True
                at += 1
                continue
            fence = FENCE.match(line)
            if fence:
                at = self._read_block(at, fence)
                continue
            if re.match(r"^( {4,}|\t)\$ \S", line):
                self.wrong.append((at + 1, "a session stands in a fenced block with the info string `console`"))
            heading = re.match(r"^#{1,6}\s+(.*?)\s*#*\s*$", line)
            if heading:
                slug = anchor_of(heading.group(1))
                count = slugs.get(slug, 0)
                slugs[slug] = count + 1
                self.anchors.add(slug if count == 0 else f"{slug}-{count}")
            plain = re.sub(r"(`+).*?\1", "", line)
            for name in re.findall(r"<a\s+(?:name|id)=\"([^\"]+)\"", plain):
                self.anchors.add(name)
            self.links += [(at + 1, target) for target in LINK.findall(plain)]
            self.links += [(at + 1, target) for target in REFERENCE.findall(plain)]
            at += 1

    def _read_block(self, at, fence):
        indent, marks, info = fence.groups()
        body = []
        first = at + 1
        end = first
        while end < len(self.lines):
            closing = FENCE.match(self.lines[end])
            if closing and not closing.group(3) and closing.group(2).startswith(marks):
                break
            body.append(self.lines[end].removeprefix(indent))
            end += 1
        else:
            self.wrong.append((at + 1, "this block has no end"))
        try:
            check = self._check_before(at)
        except PageError as error:
            self.wrong.append((error.line, error.what))
            check = Check(not_run="its comment is wrong")
        self.blocks.append(Block(first + 1, info, body, check))
        return end + 1

    def _check_before(self, fence_at):
        """The comment whose last line stands right before the fence; it may have several lines."""
        last = fence_at - 1
        if last < 0 or not self.lines[last].rstrip().endswith("-->"):
            return None
        first = last
        while first >= 0 and "<!--" not in self.lines[first]:
            first -= 1
        found = COMMENT.search("\n".join(self.lines[max(first, 0):last + 1]))
        return read_check(found.group(1), first + 1) if found else None


def anchor_of(heading):
    """The anchor that GitHub gives to a heading."""
    text = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", heading)
    text = re.sub(r"<[^>]+>", "", text).lower()
    return re.sub(r"[^\w\- ]", "", text).replace(" ", "-")


def commands_of(block):
    """The commands of a session, each with the lines that it is said to print."""
    commands = []
    goes_on = False
    for offset, line in enumerate(block.lines):
        here = block.line + offset
        if goes_on:
            commands[-1].text += "\n" + line
            goes_on = line.endswith("\\")
        elif line.startswith("$ "):
            commands.append(Command(here, line[2:], []))
            goes_on = line.endswith("\\")
        elif re.match(r"# (?!HELP |TYPE )", line):
            continue
        elif commands:
            commands[-1].expected.append(line)
        elif line.strip():
            raise PageError(here, "a session begins with a command: `$ ...`")
    if not commands:
        raise PageError(block.line, "a session without a command")
    for command in commands:
        while command.expected and not command.expected[-1].strip():
            command.expected.pop()
    return commands
