"""Compares what is shown with what was printed. Times, durations, ids, trace ids, process ids and
ephemeral ports of the shown text stand for any other of their kind; `...` in a line stands for any
text, and a line of only `...` for any number of lines. All else has to be right. A duration may be
up to twenty times the shown one, or up to a second; what stopped has stopped within a second."""

import difflib
import re
from dataclasses import dataclass

NUMBER = r"-?\d+(?:\.\d+)?(?:e[+-]?\d+)?"
DURATION = r"\d+(?:\.\d+)?(?:e[+-]?\d+)?"

# Of each unit how many are a second.
SECOND = {"ns": 1e9, "us": 1e6, "µs": 1e6, "ms": 1e3, "milliseconds": 1e3, "s": 1, "second": 1, "seconds": 1}
TIMES = 20


@dataclass
class Bounded:
    """The regular expression of a duration, in its group, and the most that it may be."""

    regex: str
    most: float


def _most(shown, unit):
    return max(TIMES * float(shown), SECOND[unit])


def _tokens(ports):
    """A list of (pattern, function from its match to the regular expression that it stands for, or
    to a Bounded)."""

    def stands_for(regex):
        return lambda match: regex

    def after_key(match):
        return re.escape(match.group(1)) + NUMBER

    def address(match):
        kept = int(match.group(2)) in ports
        return re.escape(match.group(0)) if kept else re.escape(match.group(1)) + r"\d+"

    def timed_out(match):
        return Bounded(rf"after ({DURATION}) milliseconds with \d+ (?:out of \d+ )?bytes",
                       _most(match.group(1), "milliseconds"))

    def stopped(match):
        return Bounded(rf"stopped in ({DURATION}) ms\b", SECOND["ms"])

    def of_key(match):
        key, unit, shown = match.groups()
        return Bounded(re.escape(key) + f"({DURATION})", _most(shown, unit))

    def duration(match):
        shown, unit = match.groups()
        return Bounded(f"({DURATION})" + re.escape(unit), _most(shown, unit.strip()))

    return [
        (r"\.\.\.", stands_for(".*")),
        (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z", stands_for(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z")),
        (r"[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT",
         stands_for(r"[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} [\d:]+ GMT")),
        (r"after (\d+) milliseconds with \d+ (?:out of \d+ )?bytes", timed_out),
        (rf"stopped in {DURATION} ms\b", stopped),
        # The trace of a log line may be left out.
        (r"(?<= )[0-9a-f]{16}\]$", stands_for(r"[0-9a-f]{16}(?: [0-9a-f]{32}-[0-9a-f]{16})?\]")),
        (r"(?<![0-9A-Za-z])[0-9a-f]{32}(?![0-9A-Za-z])", stands_for("[0-9a-f]{32}")),
        (r"(?<![0-9A-Za-z])[0-9a-f]{16}(?![0-9A-Za-z])", stands_for("[0-9a-f]{16}")),
        (r"((?:127\.0\.0\.1|localhost|\[::1\]):)(\d+)", address),
        (r"(\bpid[ =:]+)\d+", after_key),
        (r'("(?:\w*_)?ns":\s*)-?\d[\d.e+-]*', after_key),  # a reading of a clock
        (rf'("(?:\w*_)?(ms|us|s|seconds)":\s*)({DURATION})', of_key),
        (rf"(^hangup_\w*_(seconds)_(?:sum|total)(?:\{{[^}}]*\}})? )({DURATION})", of_key),
        (r"(^hangup_\w*_seconds_bucket(?:\{[^}]*\})? )\d+", after_key),
        (rf"(?<![\w.])({DURATION})( ?(?:ns|us|µs|ms|s|seconds?|milliseconds)\b)", duration),
    ]


class LinePattern:
    """All lines that a shown line stands for."""

    def __init__(self, regex, most):
        self._regex = re.compile(regex, re.S)
        self._most = most  # of each group

    def fullmatch(self, line):
        found = self._regex.fullmatch(line)
        return found is not None and all(float(d) <= most for d, most in zip(found.groups(), self._most))


def line_pattern(shown, ports=()):
    """The pattern of all lines that a shown line stands for. Of `ports`, which the page names, each
    has to be right; other ports are wildcards."""
    kinds = _tokens(set(ports))
    every = re.compile("|".join(f"(?P<k{i}>{pattern_without_groups(p)})" for i, (p, _) in enumerate(kinds)))
    out = []
    bounds = []
    at = 0
    shown = shown.rstrip()
    for found in every.finditer(shown):
        out.append(re.escape(shown[at:found.start()]))
        pattern, meaning = kinds[int(found.lastgroup[1:])]
        stands_for = meaning(re.compile(pattern).match(shown, found.start()))
        if isinstance(stands_for, Bounded):
            bounds.append(stands_for.most)
            stands_for = stands_for.regex
        out.append(stands_for)
        at = found.end()
    out.append(re.escape(shown[at:]))
    return LinePattern("".join(out) + r"\s*", bounds)


def pattern_without_groups(pattern):
    """The same without capturing, so that several can be put together."""
    return re.sub(r"(?<!\\)\((?!\?)", "(?:", pattern)


def is_any_lines(line):
    return line.strip() == "..."


def matches(shown, printed, ports=()):
    """Do the printed lines fit the shown ones?"""
    patterns = [None if is_any_lines(line) else line_pattern(line, ports) for line in shown]
    # possible[i]: the patterns up to here can have taken the first i printed lines.
    possible = [True] + [False] * len(printed)
    for pattern in patterns:
        if pattern is None:
            reached = False
            for i, fits in enumerate(possible):
                reached = reached or fits
                possible[i] = reached
        else:
            possible = [False] + [possible[i] and pattern.fullmatch(printed[i])
                                  for i in range(len(printed))]
    return possible[-1]


def in_order(shown, printed, ports=()):
    """Are the shown lines among the printed ones, in this order? The number of printed lines up to
    the last of them, or None and the first shown line that is not there."""
    at = 0
    for line in shown:
        if is_any_lines(line) or not line.strip():
            continue
        pattern = line_pattern(line, ports)
        while at < len(printed) and not pattern.fullmatch(printed[at]):
            at += 1
        if at == len(printed):
            return None, line
        at += 1
    return at, None


def _aligned(shown, printed, ports):
    """Of shown and printed lines what difflib says; a printed line that fits a shown one is the same."""
    patterns = [line_pattern(line, ports) for line in shown]
    named = []
    for line in printed:
        fit = next((s for s, p in zip(shown, patterns) if not is_any_lines(s) and p.fullmatch(line)), None)
        named.append(line if fit is None else fit)
    for tag, i1, i2, j1, j2 in difflib.SequenceMatcher(None, shown, named, autojunk=False).get_opcodes():
        yield tag == "equal", shown[i1:i2], printed[j1:j2]


def difference(shown, printed, ports=()):
    """Lines for a person: `-` is shown and was not printed, `+` was printed and is not shown."""
    out = []
    for same, were, are in _aligned(shown, printed, ports):
        if same:
            out += ["    " + line for line in are]
        else:
            out += ["  - " + line for line in were] + ["  + " + line for line in are]
    return out


def renewed(shown, printed, ports=()):
    """What is to be shown instead: what still fits stays as it is."""
    return [line for same, were, are in _aligned(shown, printed, ports) for line in (were if same else are)]
