"""docs/compatibility.md says what the sources and the built program say."""
import os
import re
import subprocess
import sys
import unittest

from harness.paths import ON_POSTFIX, ROOT, program

sys.path.insert(0, os.path.join(ROOT, "src", "config"))

import compatibility  # noqa: E402


@unittest.skipIf(ON_POSTFIX, "about Waypost alone")
class CompatibilityPage(unittest.TestCase):
    def test_the_generated_parts_are_up_to_date(self):
        with open(compatibility.PAGE, encoding="utf-8") as file:
            page = file.read()
        self.assertEqual(page, compatibility.render(page), "run src/config/compatibility.py")

    def test_the_table_types_are_those_of_the_program(self):
        listed = subprocess.run([program("postconf"), "-m"], capture_output=True, text=True, timeout=30, check=True).stdout.split()
        there, missing = compatibility.table_types()
        self.assertLessEqual(set(listed), set(there))
        self.assertFalse(set(listed) & set(missing))
        optional = set(re.findall(r'constexpr Type k\w+\{"(\w+)"', compatibility.source("src/tables/registry.cc")))
        self.assertLessEqual(set(there) - set(listed), optional)  # their libraries were not there when this was built

    def test_the_commands_are_those_of_the_program(self):
        shown = subprocess.run([program("waypost"), "help"], capture_output=True, text=True, timeout=30, check=True).stdout
        commands = compatibility.commands()
        self.assertGreater(len(commands), 5)
        self.assertEqual([line.split()[0] for line in shown.splitlines() if line.startswith("  ")], [name for name, _ in commands])

    def test_every_known_restriction_is_named_once(self):
        built, known, removed = compatibility.restrictions()
        self.assertIn("permit_mynetworks", built)
        self.assertIn("check_relay_domains", removed)
        self.assertEqual(len(set(built + known + removed)), len(built + known + removed))


if __name__ == "__main__":
    unittest.main()
