"""Every block of C++ in the pages and in the public headers is compiled, and who does not compile one is found."""

import glob
import os
import sys
import textwrap
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from check_docs import pages_of
from code_blocks import COMPILED_IN, check_header, check_page, included
from pages import Page
from still import read_in

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def includes_of_all():
    read = read_in(ROOT)
    return included([read(os.path.relpath(path, ROOT))
                     for folder in COMPILED_IN for path in glob.glob(os.path.join(ROOT, folder, "*.cpp"))])


class OfThisProject(unittest.TestCase):
    def test_every_block_of_a_page_is_compiled(self):
        pages = pages_of(ROOT)
        self.assertTrue(any(block.info == "cpp" for page in pages.values() for block in page.blocks))
        self.assertEqual([(name, *wrong) for name, page in pages.items()
                          for wrong in check_page(page, read_in(ROOT), includes_of_all())], [])

    def test_every_block_of_a_public_header_is_compiled(self):
        headers = [os.path.relpath(path, ROOT)
                   for path in glob.glob(os.path.join(ROOT, "include", "**", "*.h"), recursive=True)
                   if "/detail/" not in path]
        self.assertGreater(len(headers), 30)
        self.assertEqual([(path, *wrong) for path in headers
                          for wrong in check_header(path, read_in(ROOT)(path), includes_of_all())], [])


class Checker(unittest.TestCase):
    def wrong(self, text, includes=(), files=()):
        page = Page("docs/page.md", textwrap.dedent(text))
        return [what for _, what in check_page(page, dict(files).get, set(includes))]

    def test_a_fragment_is_included_by_its_name(self):
        text = """\
            <!-- check: fragment=loop -->
            ```cpp
            f();
            ```
            """
        self.assertIn("nothing in", self.wrong(text)[0])
        self.assertEqual(self.wrong(text, ["docs/page.md/loop.body"]), [])
        self.assertEqual(self.wrong(text, ["docs/page.md/loop.functions"]), [])
        self.assertIn("nothing in", self.wrong(text, ["docs/other.md/loop.body", "docs/page.md/loops.body"])[0])
        self.assertIn("second", self.wrong(text + textwrap.dedent(text), ["docs/page.md/loop.body"])[0])

    def test_a_block_without_a_file_or_a_name_is_found(self):
        self.assertIn("has a name", self.wrong("""\
            <!-- check: not run: no reason is one -->
            ```cpp
            f();
            ```
            """)[0])

    def test_a_file_is_one_that_is_built(self):
        text = """\
            <!-- check: file=examples/a.cpp part -->
            ```cpp
            f();
            ```
            """
        self.assertIn("is in no build", self.wrong(text)[0])
        self.assertIn("is in no build", self.wrong(text, files={"examples/CMakeLists.txt": "example(ab)"})[0])
        self.assertEqual(self.wrong(text, files={"examples/CMakeLists.txt": "example(a)"}), [])

    def test_the_example_that_opens_a_header_and_those_within_are_two(self):
        header = textwrap.dedent("""\
            // Text.
            //
            //   f();
            //
            //   g();
            #pragma once
            class c {
              //   h();
            };
            // - a point of a list;
            //   and its second line
            //   | a table |
            """)
        self.assertEqual([(line, what.split()[-1]) for line, what in check_header("include/c.h", header, set())],
                         [(3, "include/c.h.example"), (8, "include/c.h.inner.example")])
        self.assertEqual(list(check_header("include/c.h", header, {"include/c.h.example", "include/c.h.inner.example"})), [])


if __name__ == "__main__":
    unittest.main()
