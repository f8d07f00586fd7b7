#!/usr/bin/env python3
"""Runs the integration tests: tests/run.py [-j N] [-v] [NAME...]

NAME is a file without _test.py (relay), or one test of it (relay.Relaying.test_x). Without names everything runs.
Each file runs in a process of its own and has a time limit of its own beside that of each test. The last line of the
output is "N passed, N failed"; exit status 1 when anything failed. See harness/paths.py for the environment.
"""
import argparse
import concurrent.futures
import glob
import json
import os
import subprocess
import sys
import time
import unittest

TESTS = os.path.dirname(os.path.abspath(__file__))
FILE_TIMEOUT = 900  # seconds; tests/crash has its own limit inside
MARK = "##result "


class Result(unittest.TestResult):
    """Prints one line a test, with the reason of each failure, and a machine-readable line at the end."""

    def __init__(self):
        super().__init__()
        self.counts = {"passed": 0, "failed": 0, "skipped": 0}

    def _line(self, word, test, detail=""):
        name = test.id() if hasattr(test, "id") else str(test)
        print("%-7s %s%s" % (word, name, detail and "  " + detail), flush=True)

    def addSuccess(self, test):
        self.counts["passed"] += 1
        self._line("ok", test)

    def addSkip(self, test, reason):
        self.counts["skipped"] += 1
        self._line("skipped", test, reason)

    def addFailure(self, test, error):
        self._failed(test, error)

    def addError(self, test, error):
        self._failed(test, error)

    def addSubTest(self, test, subtest, error):
        if error:
            self._failed(subtest, error)

    def _failed(self, test, error):
        self.counts["failed"] += 1
        self._line("FAILED", test)
        print("        " + self._exc_info_to_string(error, test).replace("\n", "\n        "), flush=True)


def run_here(name):
    """In the child: runs one file or one test."""
    sys.path.insert(0, TESTS)
    file, _, test = name.partition(".")
    if os.path.exists(os.path.join(TESTS, file, file + "_test.py")):
        sys.path.insert(0, os.path.join(TESTS, file))
    module = file + "_test"
    result = Result()
    unittest.defaultTestLoader.loadTestsFromName(module + ("." + test if test else "")).run(result)
    print(MARK + json.dumps(result.counts), flush=True)


def run_child(name):
    """Runs one file in a process of its own: (name, output, counts)."""
    begun = time.monotonic()
    try:
        child = subprocess.run([sys.executable, os.path.abspath(__file__), "--child", name], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                               errors="replace", timeout=FILE_TIMEOUT)
        output = child.stdout
    except subprocess.TimeoutExpired as error:
        output = (error.stdout or b"").decode(errors="replace") + "FAILED  %s: no end within %d s\n" % (name, FILE_TIMEOUT)
    lines = output.splitlines()
    for line in reversed(lines):
        if line.startswith(MARK):
            lines.append("   %s took %d s" % (name, time.monotonic() - begun))
            return name, "\n".join(l for l in lines if not l.startswith(MARK)), json.loads(line[len(MARK):])
    return name, output, {"passed": 0, "failed": 1, "skipped": 0}


def all_names():
    """The long ones, which have a folder of their own, first: they run beside the others instead of after them."""
    names = sorted(os.path.basename(os.path.dirname(path)) for path in glob.glob(os.path.join(TESTS, "*/*_test.py"))
                   if os.path.basename(path) == os.path.basename(os.path.dirname(path)) + "_test.py")
    return names + sorted(os.path.basename(path)[:-len("_test.py")] for path in glob.glob(os.path.join(TESTS, "*_test.py")))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-j", type=int, default=2, help="files at once")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    parser.add_argument("names", nargs="*")
    arguments = parser.parse_args()
    if arguments.child:
        return run_here(arguments.child)
    totals = {"passed": 0, "failed": 0, "skipped": 0}
    with concurrent.futures.ThreadPoolExecutor(arguments.j) as pool:
        for future in concurrent.futures.as_completed([pool.submit(run_child, name) for name in arguments.names or all_names()]):
            name, output, counts = future.result()
            print("== %s\n%s" % (name, output), flush=True)
            for key in totals:
                totals[key] += counts[key]
    if totals["skipped"]:
        print("%d skipped" % totals["skipped"])
    print("%d passed, %d failed" % (totals["passed"], totals["failed"]))
    return 1 if totals["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
