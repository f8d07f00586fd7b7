"""The parameter table against the sources: what it calls honoured is read somewhere, and what is read is honoured."""
import glob
import os
import re
import sys
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(ROOT, "src", "config"))

import parameters  # noqa: E402

# Parameters that src/config itself uses to work out other values, or that are read in no other place by nature.
READ_BY_CONFIG = {"config_directory", "compatibility_level", "mynetworks_style", "mydomain", "inet_protocols", "process_id",
                  "process_name", "service_name"}
READING_CALLS = re.compile(r'\b\w*[rR]eader_?(?:\.|->|\([^()]*\)\.)(?:text|flag|number|duration|list|words|choice)\(\s*"([A-Za-z0-9_]+)"')
SUFFIX_PREFIXES = ("transport_", "smtp_", "lmtp_")


def sources():
    for path in sorted(glob.glob(os.path.join(ROOT, "src", "**", "*.*"), recursive=True)):
        if path.endswith((".cc", ".h")) and not path.endswith("_test.cc") and os.sep + "config" + os.sep not in path:
            with open(path, encoding="utf-8") as file:
                yield os.path.relpath(path, ROOT), file.read()


class ParameterTable(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.rows = {row["name"]: row for row in parameters.read_table()}
        cls.sources = list(sources())
        cls.strings = set()
        for _, text in cls.sources:
            cls.strings.update(re.findall(r'"([^"\\\n]*)"', text))

    def is_read(self, name):
        # names that are put together from a service or protocol appear by their second half
        halves = {half for prefix in SUFFIX_PREFIXES if name.startswith(prefix)
                  for half in (name[len(prefix):], name[len(prefix) - 1:], "{}" + name[len(prefix) - 1:])}
        default = self.rows[name]["default"]
        referenced = any("$" + name in row["default"] or "{" + name in row["default"] for row in self.rows.values())
        service_name = re.fullmatch(r"(smtp|relay|lmtp|local|virtual)_destination_\w+_limit", name)
        return name in self.strings or bool(halves & self.strings) or name in READ_BY_CONFIG or referenced or \
            bool(service_name and default.startswith("$default_"))

    def names_of(self, word):
        """What a reader's word stands for: itself, or both protocols' parameter."""
        both = [protocol + word for protocol in ("smtp_", "lmtp_") if protocol + word in self.rows]
        return both or [word]

    def test_every_honoured_parameter_is_read(self):
        unread = [name for name, row in self.rows.items() if row["status"] == "honoured" and not self.is_read(name)]
        self.assertEqual(unread, [], "honoured in src/config/parameters.tsv and read nowhere")

    def test_every_parameter_that_is_read_is_honoured(self):
        wrong = sorted({"%s reads %s" % (path, name) for path, text in self.sources for word in READING_CALLS.findall(text)
                        for name in self.names_of(word) if self.rows.get(name, {"status": "missing"})["status"] != "honoured"})
        self.assertEqual(wrong, [], "not honoured in src/config/parameters.tsv")

    def test_the_reference_page_is_up_to_date(self):
        with open(os.path.join(ROOT, "docs", "reference", "parameters.md"), encoding="utf-8") as file:
            self.assertEqual(file.read(), parameters.markdown(parameters.read_table()),
                             "run src/config/parameters.py --markdown docs/reference/parameters.md")


if __name__ == "__main__":
    unittest.main()
