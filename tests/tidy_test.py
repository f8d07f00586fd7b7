"""How the code reads, as far as a machine can tell. tidy_exceptions.txt lists what is let off; it may only shrink: an
exception that is not needed any more fails the test too."""
import fnmatch
import os
import re
import unittest

from harness.paths import ROOT
from harness.process import run

MAX_LINES = {".cc": 500, ".h": 250}
MAX_FUNCTION_LINES = 70
MAX_COLUMNS = 160
EXCEPTIONS = os.path.join(ROOT, "tests/tidy_exceptions.txt")
# Unfinished work does not belong into the tree, nor does talk about how it came to be there.
FORBIDDEN = re.compile(r"\b(TODO|FIXME|XXX|HACK|stub(bed)?|placeholder|not implemented yet)\b")


def tracked_files(*patterns):
    """Files of the project that match; outside a git checkout everything but the build folder."""
    listed = run(["git", "-c", "safe.directory=*", "-C", ROOT, "ls-files", "--cached", "--others", "--exclude-standard", *patterns])
    if listed.returncode == 0:
        return sorted(path for path in listed.stdout.splitlines() if os.path.exists(os.path.join(ROOT, path)))
    paths = [os.path.relpath(os.path.join(folder, name), ROOT) for folder, _, names in os.walk(ROOT) for name in names]
    return sorted(path for path in paths if not re.match(r"(build|\.git)/", path) and
                  (not patterns or any(fnmatch.fnmatch(path, pattern) for pattern in patterns)))


def code_files():
    return [p for p in tracked_files("*.cc", "*.h") if p.startswith(("src/", "bench/", "fuzz/"))]


def lines_of(path):
    with open(os.path.join(ROOT, path), errors="replace") as f:
        return f.read().splitlines()


def exceptions():
    """{(kind, name)} from lines such as "function src/x/y.cc:Parser::parse"."""
    if not os.path.exists(EXCEPTIONS):
        return set()
    with open(EXCEPTIONS) as f:
        return {tuple(line.split(None, 1)) for line in f.read().splitlines() if line and not line.startswith("#")}


def long_functions(path):
    """(name, lines) of the functions above the limit. clang-format puts the closing brace of a function body in the same
    column as the line that opened it, which is all this relies on."""
    found = []
    opened = None  # (indent, line, name)
    for number, line in enumerate(lines_of(path)):
        if opened is None:
            head = re.match(r"^( {0,2})(?!namespace|class|struct|enum|union|extern|if|for|while|switch|else|do\b)(\S.*)?\)[^;]*\{$", line)
            if head:
                name = re.search(r"([~\w:]+)\s*\([^()]*(\([^()]*\)[^()]*)*\)[^()]*\{$", line)
                opened = (head.group(1), number, name.group(1) if name else "line %d" % (number + 1))
        elif line.startswith(opened[0] + "}") and not line.startswith(opened[0] + " "):
            if number - opened[1] + 1 > MAX_FUNCTION_LINES:
                found.append((opened[2], number - opened[1] + 1))
            opened = None
    return found


class Tidy(unittest.TestCase):
    def check(self, kind, found):
        """`found`: {name: what is wrong}."""
        excused = {name for k, name in exceptions() if k == kind}
        wrong = ["%s: %s" % (name, text) for name, text in found.items() if name not in excused]
        self.assertEqual(wrong, [], "\n" + "\n".join(wrong))
        self.assertEqual(sorted(excused - set(found)), [], "exceptions that are not needed any more")

    def test_files_are_short(self):
        found = {}
        for path in code_files():
            count, limit = len(lines_of(path)), MAX_LINES[os.path.splitext(path)[1]]
            if count > limit and not path.endswith("_test.cc"):
                found[path] = "%d lines, limit %d" % (count, limit)
        self.check("file", found)

    def test_functions_fit_a_screen(self):
        found = {}
        for path in code_files():
            for name, count in long_functions(path):
                found["%s:%s" % (path, name)] = "%d lines, limit %d" % (count, MAX_FUNCTION_LINES)
        self.check("function", found)

    def test_headers_guard_themselves_and_say_what_they_are(self):
        found = {}
        for path in code_files():
            if not path.endswith(".h"):
                continue
            lines = lines_of(path)
            if "#pragma once" not in lines:
                found[path] = "no #pragma once"
            elif not lines[0].startswith("//"):
                found[path] = "no comment at its head"
        self.check("header", found)

    def test_no_unfinished_work(self):
        found = {}
        for path in code_files() + tracked_files("*.py", "*.md", "*.txt", "*.cmake", "dev"):
            if path.startswith("tests/tidy"):
                continue
            for number, line in enumerate(lines_of(path), 1):
                if FORBIDDEN.search(line):
                    found["%s:%d" % (path, number)] = line.strip()
        self.check("word", found)

    def test_no_tabs_or_trailing_blanks(self):
        found = {}
        for path in code_files():
            for number, line in enumerate(lines_of(path), 1):
                if "\t" in line or line != line.rstrip():
                    found["%s:%d" % (path, number)] = "tab or trailing blank"
        self.check("blank", found)

    def test_no_file_names_the_folder_it_stands_in(self):
        found = {}
        for path in tracked_files():
            for number, line in enumerate(lines_of(path), 1):
                if ROOT in line:
                    found["%s:%d" % (path, number)] = line.strip()[:100]
        self.check("path", found)


if __name__ == "__main__":
    unittest.main()
