"""Tests of what scripts/check-docs is made of."""

import os
import select
import signal
import sys
import tempfile
import textwrap
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from pages import Page, PageError, anchor_of, commands_of, read_check
from processes import Server, Shell, free_port
from sessions import Sessions, merged, port_in, started_by
from still import check_blocks, check_lengths, check_links
from wildcards import difference, in_order, matches


def page(text, name="docs/page.md"):
    return Page(name, textwrap.dedent(text))


class Wildcards(unittest.TestCase):
    def fits(self, shown, printed, ports=()):
        self.assertTrue(matches([shown], [printed], ports), f"{shown!r} and {printed!r}")

    def differs(self, shown, printed, ports=()):
        self.assertFalse(matches([shown], [printed], ports), f"{shown!r} and {printed!r}")

    def test_times_durations_ids_traces_and_ports_are_wildcards(self):
        self.fits("2026-11-21T07:30:06.071Z info GET /x 499 client_closed: client closed (FIN), 498.87 ms, "
                  "stopped in 0.023 ms [127.0.0.1:33898 a9a391a0850238a4]",
                  "2031-01-02T00:00:00.000Z info GET /x 499 client_closed: client closed (FIN), 7 ms, "
                  "stopped in 1e-05 ms [127.0.0.1:1 0000000000000000 " + 32 * "a" + "-" + 16 * "b" + "]")
        self.fits("... config/server.json, pid 12779", "hangup with config/server.json, pid 3")
        self.fits("curl: (28) Operation timed out after 500 milliseconds with 0 bytes received",
                  "curl: (28) Operation timed out after 511 milliseconds with 12 out of 99 bytes received")
        self.fits('          "age_ms": 2235.341362,', '          "age_ms": 1,')
        self.fits('hangup_stop_seconds_sum{route="/x"} 2.2722e-05', 'hangup_stop_seconds_sum{route="/x"} 1')

    def test_a_client_that_closes_may_have_been_reset_but_not_the_other_way_round(self):
        self.fits("499 client_closed: client closed (FIN), 4 ms", "499 client_reset: client reset (RST), 4 ms")
        self.fits('x{end="client_closed"} 1', 'x{end="client_reset"} 1')
        self.differs("499 client_reset: client reset (RST), 4 ms", "499 client_closed: client closed (FIN), 4 ms")
        self.differs("499 client_closed: client closed (FIN), 4 ms", "499 client_vanished: x, 4 ms")

    def test_durations_have_a_bound(self):
        self.fits("took 416.07 ms", "took 8300 ms")
        self.differs("took 416.07 ms", "took 8400 ms")
        self.fits("after 0.05 ms", "after 1000 ms")
        self.differs("after 0.05 ms", "after 1001 ms")
        self.differs("after 0.05 ms", "after -1 ms")
        self.fits("in 20 µs", "in 900000 µs")
        self.fits("502 after 0.1 s", "502 after 1.9 s")
        self.differs("502 after 0.1 s", "502 after 2.1 s")
        self.fits("client closed, stopped in 70 ms", "client closed, stopped in 999 ms")
        self.differs("client closed, stopped in 70 ms", "client closed, stopped in 1001 ms")
        self.fits('"age_ms": 2235.3,', '"age_ms": 44000,')
        self.differs('"age_ms": 2235.3,', '"age_ms": 60000,')
        self.fits('"started_ns": 1,', '"started_ns": 5386994824445,')
        self.differs('hangup_stop_seconds_sum{route="/x"} 0.02', 'hangup_stop_seconds_sum{route="/x"} 1.5')
        timed_out = "curl: (28) Operation timed out after {} milliseconds with 0 bytes received"
        self.differs(timed_out.format(500), timed_out.format(10001))

    def test_everything_else_has_to_be_right(self):
        self.differs("499 client_closed", "504 client_closed")
        self.differs('hangup_requests_total{route="/x"} 1', 'hangup_requests_total{route="/x"} 2')
        self.differs('hangup_stop_seconds_count{route="/x"} 1', 'hangup_stop_seconds_count{route="/x"} 2')
        self.differs("listen.port = 8082", "listen.port = 8083")
        self.differs("deadline_ms = 30000", "deadline_ms = 10000")
        self.differs("a9a391a0850238a4", "a9a391a0850238a")
        self.differs("rows=1000&row_ms=10", "rows=1000&row_ms=20")

    def test_a_port_of_the_page_has_to_be_right_and_others_need_not(self):
        self.fits("http://127.0.0.1:8080/x", "http://127.0.0.1:8080/x", [8080])
        self.differs("http://127.0.0.1:8080/x", "http://127.0.0.1:8081/x", [8080])
        self.fits("[127.0.0.1:33898 ", "[127.0.0.1:50000 ", [8080])

    def test_three_dots_stand_for_any_text_or_any_lines(self):
        self.fits('{"row":...,"customer":"customer-..."}', '{"row":48,"customer":"customer-48"}')
        self.assertTrue(matches(["a", "...", "d"], ["a", "b", "c", "d"]))
        self.assertTrue(matches(["a", "...", "d"], ["a", "d"]))
        self.assertTrue(matches(["..."], []))
        self.assertFalse(matches(["a", "...", "d"], ["a", "b"]))
        self.assertFalse(matches([], ["a"]))
        self.assertFalse(matches(["a"], []))

    def test_lines_of_a_log_are_found_in_their_order(self):
        log = ["x", "a 1 ms", "y", "b"]
        self.assertEqual(in_order(["a 5 ms", "b"], log), (4, None))
        self.assertEqual(in_order(["b", "a 5 ms"], log), (None, "a 5 ms"))

    def test_a_difference_shows_what_fits_as_it_was_printed(self):
        self.assertEqual(difference(["took 1 ms", "one"], ["took 2 ms", "two"]),
                         ["    took 2 ms", "  - one", "  + two"])


class Pages(unittest.TestCase):
    def test_a_comment_says_how_the_block_behind_it_is_checked(self):
        check = page("""\
            <!-- check: server=tls
                 flags="--port 8081" needs=nginx,haproxy -->
            ```console
            $ true
            ```
            """).blocks[0].check
        self.assertEqual(check.keys["flags"], "--port 8081")
        self.assertEqual(check.needs, ["nginx", "haproxy"])
        self.assertEqual(read_check("not run: takes an hour", 1).not_run, "takes an hour")

    def test_a_comment_that_is_not_understood_is_refused(self):
        for wrong in ["sever=default", "not run:", "config={", 'flags="x', "starts"]:
            with self.assertRaises(PageError, msg=wrong):
                read_check(wrong, 7)

    def test_a_session_is_commands_with_what_they_print(self):
        block = page("""\
            ```console
            # says nothing
            $ one \\
              --more
            1
            # HELP is of /metrics

            $ two
            ```
            """).blocks[0]
        one, two = commands_of(block)
        self.assertEqual((one.line, one.text, one.expected), (3, "one \\\n  --more", ["1", "# HELP is of /metrics"]))
        self.assertEqual((two.line, two.expected), (8, []))
        with self.assertRaises(PageError):
            commands_of(page("```console\nprinted\n```\n").blocks[0])

    def test_headings_have_the_anchors_that_github_gives_them(self):
        self.assertEqual(anchor_of("Next to Go, over HTTP"), "next-to-go-over-http")
        self.assertEqual(anchor_of("`--check` and [a link](x.md)"), "--check-and-a-link")
        self.assertEqual(page("# A\n\n## A\n").anchors, {"a", "a-1"})

    def test_links_in_code_are_none(self):
        self.assertEqual([t for _, t in page("[a](b.md) `[c](d.md)`\n\n```\n[e](f.md)\n```\n").links], ["b.md"])


class Still(unittest.TestCase):
    def test_links_lead_to_files_and_headings_that_there_are(self):
        pages = {"docs/page.md": page("[a](#top) [b](other.md#there) [c](../src.h) [d](https://x.y) [e](gone.md) "
                                      "[f](other.md#gone) [g](#gone)\n\n# Top\n"),
                 "docs/other.md": page("# There\n", "docs/other.md")}
        wrong = [what for _, what in check_links(pages["docs/page.md"], pages, {"docs/other.md", "src.h"}.__contains__)]
        self.assertEqual(wrong, ["gone.md: there is no such file", "other.md#gone: docs/other.md has no such heading",
                                 "#gone: docs/page.md has no such heading"])

    def test_a_block_without_a_comment_is_an_error(self):
        for info, line in [("console", "$ true"), ("log", "x"), ("cpp", "x"), ("json", "{}"), ("sh", "x"), ("", "$ x")]:
            self.assertEqual(len(list(check_blocks(page(f"```{info}\n{line}\n```\n"), lambda path: None))), 1, info)
        for right in ["```text\nx\n```\n", "```\n ├──► x\n```\n"]:
            self.assertEqual(list(check_blocks(page(right), lambda path: None)), [])
        self.assertEqual(len(list(check_blocks(page("```\ncmake --preset release\n```\n"), lambda path: None))), 1)
        self.assertEqual(len(page("text\n\n    $ curl x\n").wrong), 1)

    def test_shown_source_is_that_of_its_file(self):
        def wrong(comment, body):
            return list(check_blocks(page(f"<!-- check: file=a.cpp {comment}-->\n```cpp\n{body}\n```\n"),
                                     {"a.cpp": "int a;\n  int b;\n  int c;\n"}.get))
        self.assertEqual(wrong("", "int a;\n  int b;\n  int c;"), [])
        self.assertEqual(len(wrong("", "int a;\n  int b;")), 1)
        self.assertEqual(wrong("part ", "int b;\nint c;"), [])
        self.assertEqual(len(wrong("part ", "int a;\nint c;")), 1)

    def test_pages_are_not_too_long(self):
        long = "x\n" * 251
        self.assertEqual(len(list(check_lengths(Page("docs/a.md", long)))), 1)
        self.assertEqual(len(list(check_lengths(Page("README.md", "x\n" * 151)))), 1)
        self.assertEqual(len(list(check_lengths(Page("README.md", "x" * 10241)))), 1)
        made = "<!-- generated: a -->\n" + long + "<!-- end of generated -->\n"
        self.assertEqual(list(check_lengths(Page("docs/a.md", made))), [])


class Shells(unittest.TestCase):
    def setUp(self):
        self.shell = Shell("/", dict(os.environ))
        self.addCleanup(self.shell.end)

    def test_commands_share_a_shell_and_print_to_a_terminal(self):
        self.assertEqual(self.shell.run("x=1; f() { echo f; }", 10), ([], True))
        self.assertEqual(self.shell.run("echo $x; f; test -t 1 && echo terminal; echo e >&2", 10),
                         (["1", "f", "terminal", "e"], True))
        self.assertEqual(self.shell.run("printf 'a\\rb\\n\\033[1mc\\033[m\\n'; read -r y; echo \"$y\"", 10),
                         (["b", "c"], True))

    def test_a_command_without_end_is_killed_with_what_it_has_started(self):
        printed, in_time = self.shell.run("sleep 1000 & echo $!; sleep 1000", 0.3)
        self.assertFalse(in_time)
        self.assertFalse(self.shell.is_alive)
        self.assertTrue(ends(int(printed[0])))


def ends(pid):
    """Waits for the end of a process."""
    try:
        process = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    with os.fdopen(process):
        return bool(select.select([process], [], [], 20)[0])


class Servers(unittest.TestCase):
    # Stands for the program: says where it listens, then what it is sent by signals. They wait for sigwait(): a Python
    # handler of a signal that arrives just before a sleep is not run until the sleep is over.
    PROGRAM = ("import os, signal, sys\n"
               "signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGHUP])\n"
               "print('x listens on http://127.0.0.1:%s with %s, pid 1' % (sys.argv[2], sys.argv[1]), flush=True)\n"
               "while signal.sigwait([signal.SIGHUP]):\n"
               "    os.write(1, b'2031-01-01T00:00:00.000Z info heard\\n')\n")

    def test_a_server_is_waited_for_read_and_ended(self):
        server = Server([sys.executable, "-c", self.PROGRAM, "a", "1"], "/", dict(os.environ))
        self.addCleanup(server.end)
        self.assertTrue(server.comes_up(20))
        os.kill(server._process.pid, signal.SIGHUP)
        self.assertTrue(server.wait_for(lambda: len(server.lines) == 2, 20), server.lines)
        server.end()
        self.assertTrue(ends(server._process.pid))

    def test_a_server_that_ends_by_itself_is_not_waited_for(self):
        begin = time.monotonic()
        server = Server(["/bin/sh", "-c", "echo no; exit 1"], "/", dict(os.environ))
        self.addCleanup(server.end)
        self.assertFalse(server.comes_up(1000))
        self.assertLess(time.monotonic() - begin, 20)
        self.assertEqual(server.lines, ["no"])

    def run_page(self, text):
        """In a folder that stands for the repository, with a program that stands for the server."""
        with tempfile.TemporaryDirectory() as root, tempfile.TemporaryDirectory() as scratch:
            os.mkdir(os.path.join(root, "config"))
            with open(os.path.join(root, "config/server.json"), "w", encoding="utf-8") as file:
                file.write('{"listen": {"port": 8080}}')
            with open(os.path.join(root, "config/proxy.cfg"), "w", encoding="utf-8") as file:
                file.write("bind :8000\nserver 127.0.0.1:8080\n")
            binary = os.path.join(root, "program")
            with open(binary, "w", encoding="utf-8") as file:
                file.write(f"#!{sys.executable}\n" + self.PROGRAM)
            os.chmod(binary, 0o755)
            result = Sessions(page(text), root, binary, scratch).run()
            return result

    def test_a_page_is_run_with_ports_and_a_tmp_of_its_own(self):
        result = self.run_page("""\
            <!-- check: start server=default -->
            ```console
            $ scripts/run
            ...
            x listens on http://127.0.0.1:8080 with --port, pid 5
            ```

            <!-- check: server=default ports=8000 -->
            ```console
            $ pwd >/tmp/here; echo /tmp/here :8080
            /tmp/here :8080
            $ pwd >build/there; ls $PWD/build/there; test -e build && echo it is not ours
            build/there
            $ test ! -e /tmp/there && ls /tmp/here && cat config/proxy.cfg; grep -c :8080 config/proxy.cfg
            /tmp/here
            bind :8000
            server 127.0.0.1:8080
            1
            ```
            """)
        self.assertEqual(result.failures, [])
        self.assertEqual(result.run, 2)

    def test_what_is_not_printed_and_what_is_not_logged_is_a_failure_with_its_line(self):
        result = self.run_page("""\
            <!-- check: server=default -->
            ```console
            $ echo one
            two
            ```

            <!-- check: log server=default -->
            ```log
            x listens on http://127.0.0.1:8080 with --port, pid 5
            ```

            <!-- check: not run: nobody can -->
            ```console
            $ false
            ```

            <!-- check: server=none needs=no-such-program -->
            ```console
            $ false
            ```
            """)
        self.assertEqual(result.failures, [(3, ["$ echo one", "  - two", "  + one"])])
        self.assertEqual((result.run, result.not_run, result.skipped),
                         (2, [(14, "nobody can")], [(19, "no-such-program")]))

    def test_a_command_is_run_again_until_it_prints_what_is_shown(self):
        result = self.run_page("""\
            <!-- check: server=none eventually -->
            ```console
            $ echo x >>/tmp/n; wc -l </tmp/n
            3
            ```

            <!-- check: server=none -->
            ```console
            $ echo x >>/tmp/m; wc -l </tmp/m
            3
            $ curl() { echo x >>/tmp/o; wc -l </tmp/o; }
            $ curl -s http://127.0.0.1:8080/metrics
            3
            $ curl -X DELETE http://127.0.0.1:8080/jobs/1
            5
            ```
            """)
        self.assertEqual([(line, said[0][:6]) for line, said in result.failures], [(9, "$ echo"), (14, "$ curl")])

    def test_the_second_description_of_a_server_has_to_be_the_same(self):
        result = self.run_page("""\
            <!-- check: server=a flags="--port 8081" -->
            ```console
            $ true
            ```

            <!-- check: server=a flags="--port 8082" -->
            ```console
            $ true
            ```
            """)
        self.assertEqual([line for line, _ in result.failures], [8])

    def test_a_server_is_stopped_where_a_page_says_so(self):
        result = self.run_page("""\
            <!-- check: server=a -->
            ```console
            $ true
            ```

            <!-- check: server=none stops=a -->
            ```console
            $ true
            ```

            <!-- check: server=none stops=a -->
            ```console
            $ true
            ```
            """)
        self.assertEqual(result.failures, [(13, ["check: stops: found 'a', allowed is a server that runs"])])

    def test_a_port_is_found_where_it_is_said(self):
        self.assertEqual(port_in([], {}, None), 8080)
        self.assertEqual(port_in(["--port", "1"], {"HANGUP_LISTEN__PORT": "2"}, {"listen": {"port": 3}}), 1)
        self.assertEqual(port_in([], {"HANGUP_LISTEN__PORT": "2"}, {"listen": {"port": 3}}), 2)
        self.assertEqual(port_in([], {}, {"listen": {"port": 3}}), 3)

    def test_a_start_says_flags_and_environment(self):
        block = page("```console\n$ A=b build/release/hangup --port 1\n```\n").blocks[0]
        self.assertEqual(started_by(commands_of(block)[0]), (["--port", "1"], {"A": "b"}))

    def test_json_is_merged_over_json(self):
        self.assertEqual(merged({"a": {"b": 1}, "c": [1]}, {"a": {"b": 2, "d": 3}, "c": [2, 3]}),
                         {"a": {"b": 1, "d": 3}, "c": [1]})

    def test_ports_are_given_once(self):
        self.assertEqual(len({free_port() for _ in range(50)}), 50)


if __name__ == "__main__":
    unittest.main()
