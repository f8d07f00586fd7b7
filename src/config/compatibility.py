#!/usr/bin/env python3
"""Keep the generated parts of docs/compatibility.md up to date: parameters, table types, restrictions, commands.

    compatibility.py            writes them anew from the sources
    compatibility.py --check    exit status 1 when they are not what the sources say

A generated part stands between <!-- begin NAME --> and <!-- end NAME -->; everything else in the page is written by hand.
"""

import os
import re
import sys

import parameters

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PAGE = os.path.join(ROOT, "docs", "compatibility.md")
# How often names occur in published configurations; 5: none of the ones that were looked at.
TIERS = {"1": "nearly every relay", "2": "common", "3": "now and then", "4": "rare", "5": "never seen"}
STATUSES = [("honoured", "honoured"), ("no_effect", "without meaning here"), ("not_yet", "not supported yet")]


def source(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        return file.read()


def names(words):
    return ", ".join("`%s`" % word for word in words)


def parameter_part():
    rows = parameters.read_table()
    out = ["| how often it is set | %s |\n|---|%s\n" % (" | ".join(title for _, title in STATUSES), "---|" * len(STATUSES))]
    for tier, title in TIERS.items():
        counts = [sum(row["tier"] == tier and row["status"] == status for row in rows) for status, _ in STATUSES]
        out.append("| %s | %s |\n" % (title, " | ".join(map(str, counts))))
    for tier in ("1", "2"):
        missing = [row["name"] for row in rows if row["tier"] == tier and row["status"] == "not_yet"]
        if missing:
            out.append("\nNot supported yet, %s: %s.\n" % (TIERS[tier], names(missing)))
    return "".join(out)


def table_types():
    """({type: ""} of those that are there, {type: why} of the others)."""
    text = source("src/tables/registry.cc")
    reasons = dict(re.findall(r'string_view (k\w+) = "([^"]*)"', text))
    there, missing = {}, {}
    for name, maker, why in re.findall(r'\bType(?: \w+)?\{"([a-z]+)", (\w+)(?:, (\w+|"[^"]*"))?\}', text):
        if maker != "nullptr":
            there[name] = ""
        elif name not in there:
            missing[name] = reasons.get(why, why.strip('"')) or "not yet"
    missing = {name: why for name, why in missing.items() if name not in there}
    there["proxy"] = ""
    return there, missing


def table_part():
    there, missing = table_types()
    by_reason = {}
    for name, why in missing.items():
        by_reason.setdefault(why, []).append(name)
    out = ["Supported: %s.\n" % names(sorted(there))]
    for why, types in sorted(by_reason.items()):
        out.append("\nNot supported (%s): %s.\n" % (why, names(sorted(types))))
    return "".join(out)


def restrictions():
    """Names that are evaluated, that are known only, that Postfix 3.9 took away."""
    built, known, removed = [], [], []
    for name, rest in re.findall(r'\{\.name = "(\w+)"([^}]*)\}', source("src/access/restrictions.cc")):
        if ".instead" in rest:
            removed.append(name)
        elif re.search(r"\.(decide|look_up|is_modifier)\b", rest):
            built.append(name)
        else:
            known.append(name)
    return built, known, removed


def restriction_part():
    built, known, removed = restrictions()
    out = "Evaluated: %s.\n" % names(built)
    if known:
        out += "\nNot supported yet: %s.\n" % names(sorted(known))
    return out + "\nRemoved, as in Postfix 3.9: %s.\n" % names(removed)


def commands():
    return re.findall(r'Command\{"([\w-]+)", \w+, "([^"]+)"\}', source("src/tools/main.cc"))


def command_part():
    return "| command | |\n|---|---|\n" + "".join("| `%s` | %s |\n" % command for command in commands())


PARTS = {"parameters": parameter_part, "tables": table_part, "restrictions": restriction_part, "commands": command_part}


def render(page):
    for name, part in PARTS.items():
        begin, end = "<!-- begin %s -->\n" % name, "<!-- end %s -->\n" % name
        if page.count(begin) != 1 or page.count(end) != 1:
            sys.exit("%s: the marks of %s must be there once" % (PAGE, name))
        head, rest = page.split(begin)
        page = head + begin + part() + end + rest.split(end)[1]
    return page


def main(arguments):
    with open(PAGE, encoding="utf-8") as file:
        page = file.read()
    fresh = render(page)
    if arguments == ["--check"]:
        sys.exit(0 if fresh == page else "docs/compatibility.md is out of date: run src/config/compatibility.py")
    if arguments:
        sys.exit(__doc__)
    with open(PAGE, "w", encoding="utf-8") as file:
        file.write(fresh)


if __name__ == "__main__":
    main(sys.argv[1:])
