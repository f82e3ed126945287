"""Checks the documentation against the program: see `scripts/check-docs --help`."""

import argparse
import collections
import concurrent.futures
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading

from pages import Page
from processes import adopt_orphans, end_all
from sessions import PageError, Sessions, check_config
from still import check_blocks, check_lengths, check_links, exists_in, read_in

PAGES_AT_ONCE = 3
ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def options():
    parser = argparse.ArgumentParser(
        prog="scripts/check-docs",
        description="Runs every terminal session of README.md, docs/ and the other Markdown pages against the "
                    "built program, and compares what is printed with what is shown. Checks links, lengths, and "
                    "shown source and configuration, too. HANGUP: the program, else build/release/hangup, which "
                    "is built first.",
        epilog="Exit code: 0 all is right, 1 something is not, 2 wrong arguments.")
    parser.add_argument("pages", nargs="*", metavar="FILE", help="only these pages, such as docs/relay.md")
    parser.add_argument("--no-run", action="store_true", help="check what needs no program, and run no session")
    parser.add_argument("--skip", action="append", default=[], metavar="WHAT",
                        help="skip the sessions that need this (docker, postgres, nginx ...), in CI, too")
    parser.add_argument("--update", action="store_true",
                        help="write what commands have printed into the pages, where it differs from what they show")
    parser.add_argument("-v", "--verbose", action="store_true", help="say which pages are run")
    return parser.parse_args()


def pages_of(root):
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", "-z", "--", "*.md"], cwd=root,
                            capture_output=True, text=True)
    if listed.returncode == 0:
        names = [n for n in listed.stdout.split("\0") if n]
    else:  # no clone, but an archive
        names = [os.path.relpath(os.path.join(folder, name), root)
                 for folder, folders, files in os.walk(root)
                 for name in files
                 if name.endswith(".md") and not os.path.relpath(folder, root).startswith(("build", "."))]
    read = read_in(root)
    return {name: Page(name, text) for name in sorted(names) if (text := read(name)) is not None}


class Report:
    def __init__(self):
        self._lock = threading.Lock()
        self.failures = 0

    def fail(self, page, line, lines):
        with self._lock:
            self.failures += 1
            print(f"{page}:{line}: {lines[0]}", *(lines[1:]), sep="\n", flush=True)


def check_still(page, pages, root, report):
    for line, what in [*page.wrong, *check_lengths(page), *check_links(page, pages, exists_in(root)),
                       *check_blocks(page, read_in(root))]:
        report.fail(page.name, line, [what])


def check_configs(page, root, binary, scratch, report):
    for block in page.blocks:
        if block.info == "json" and block.check and "config" in block.check.words:
            try:
                wrong = check_config(block, root, binary, scratch)
            except PageError as error:
                report.fail(page.name, error.line, [error.what])
                continue
            if wrong:
                report.fail(page.name, block.line, ["this is not a configuration that the program takes: " + wrong])


def update(page, root, updates):
    """Puts what was printed in the place of what is shown, from the last line to the first."""
    lines = list(page.lines)
    for line, shown, printed in sorted(updates, key=lambda u: u[0], reverse=True):
        if lines[line - 1:line - 1 + len(shown)] == shown:  # it is not if there are comments in between
            lines[line - 1:line - 1 + len(shown)] = printed
    with open(os.path.join(root, page.name), "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")
    print(f"{page.name}: updated")


def run_page(page, root, binary, scratch, report, given):
    folder = tempfile.mkdtemp(dir=scratch)
    os.chmod(folder, 0o755)
    if given.verbose:
        print(f"running {page.name}", flush=True)
    check_configs(page, root, binary, folder, report)
    result = Sessions(page, root, binary, folder, given.skip).run()
    for line, lines in result.failures:
        report.fail(page.name, line, lines)
    if given.update and result.updates:
        update(page, root, result.updates)
    return result


def built(root):
    """The program of the preset release, which is built where it is not current."""
    subprocess.run(["bash", "-euo", "pipefail", "-c", "source scripts/packages.sh; need_packages \"${packages_to_run[@]}\"; "
                    "build release hangup", "check-docs"], cwd=root, check=True)
    return os.path.join(root, "build/release/hangup")


def counted(number, of):
    return f"{number} {of}{'' if number == 1 else 's'}"


def main():
    given = options()
    root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    pages = pages_of(root)
    chosen = {os.path.relpath(os.path.abspath(name), root) for name in given.pages}
    unknown = sorted(chosen - pages.keys())
    if unknown:
        print(f"check-docs: {unknown[0]}: found no such page, allowed are the Markdown files of the repository",
              file=sys.stderr)
        return 2
    report = Report()
    some = [page for name, page in pages.items() if not chosen or name in chosen]
    for page in some:
        check_still(page, pages, root, report)
    if given.no_run:
        print(f"check-docs: {counted(len(some), 'page')}, no session run: {counted(report.failures, 'failure')}")
        return 1 if report.failures else 0

    binary = os.environ.get("HANGUP") or built(root)
    if not os.path.isfile(binary) or not os.access(binary, os.X_OK):
        print(f"check-docs: HANGUP: found {binary!r}, allowed the path of the built program", file=sys.stderr)
        return 2
    binary = os.path.abspath(binary)
    adopt_orphans()
    scratch = tempfile.mkdtemp(prefix="check-docs-")
    os.chmod(scratch, 0o755)  # for PostgreSQL, which runs as somebody else
    try:
        workers = concurrent.futures.ThreadPoolExecutor(PAGES_AT_ONCE)
        runs = {page: workers.submit(run_page, page, root, binary, scratch, report, given)
                for page in some if any(b.info in ("console", "log", "json") and b.check for b in page.blocks)}
        results = {page.name: run.result() for page, run in runs.items()}
    finally:
        end_all()
        while os.path.exists(scratch):  # a page that was interrupted may still make a file
            shutil.rmtree(scratch, ignore_errors=True)

    run = sum(result.run for result in results.values())
    skipped = [(name, *skip) for name, result in results.items() for skip in result.skipped]
    not_run = [(name, *reason) for name, result in results.items() for reason in result.not_run]
    for name, line, reason in not_run:
        print(f"{name}:{line}: not run: {reason}")
    for name, line, missing in skipped:
        if os.environ.get("CI") and not set(missing.split(", ")) & set(given.skip):
            report.fail(name, line, [f"needs {missing}, which is not there, and in CI nothing is skipped"])
        else:
            print(f"{name}:{line}: skipped: needs {missing}")
    why = collections.Counter(missing for _, _, missing in skipped)
    print(f"check-docs: {counted(run, 'session')} run in {counted(len(results), 'page')}, {len(skipped)} skipped"
          + (f" (needs {'; '.join(f'{w}: {n}' for w, n in why.items())})" if why else "")
          + f", {len(not_run)} not run, {counted(report.failures, 'failure')}")
    return 1 if report.failures else 0


def interrupted(*_):
    for number in ENDING:  # once: a second one must not keep it from ending what it has started
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


if __name__ == "__main__":
    for ending in ENDING:
        signal.signal(ending, interrupted)
    try:
        sys.exit(main())
    except subprocess.CalledProcessError:
        sys.exit(1)  # the build has said why
    except KeyboardInterrupt:
        print("\ncheck-docs: interrupted", file=sys.stderr, flush=True)
        os._exit(130)  # without a wait for the threads that ran the pages
