#!/usr/bin/env python3
"""Turn parameters.tsv into the rows of the parameter table, or into the reference page.

    parameters.py --rows FILE        C++ initialisers for src/config/parameter.cc
    parameters.py --markdown [FILE]  docs/reference/parameters.md (default: standard output)
"""

import os
import sys

TABLE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "parameters.tsv")
COLUMNS = ["name", "default", "type", "daemons", "tier", "status", "why", "meaning"]
TYPES = {
    "string": "text", "bool": "flag", "int": "number", "size": "size", "time": "duration", "list": "list",
    "table-list": "tables", "restriction-list": "restrictions", "computed": "computed", "legacy": "legacy",
}
STATUSES = ["honoured", "no_effect", "not_yet"]


def read_table(path=TABLE):
    """The rows as dictionaries; a malformed row ends the program with its line number."""
    with open(path, encoding="utf-8") as file:
        lines = file.read().split("\n")
    if lines[0].split("\t") != COLUMNS or lines[-1] != "":
        sys.exit(f"{path}: the first line must name the columns, the last must end in a newline")
    rows = []
    for number, line in enumerate(lines[1:-1], 2):
        cells = line.split("\t")
        if len(cells) != len(COLUMNS):
            sys.exit(f"{path}:{number}: {len(cells)} columns, expected {len(COLUMNS)}")
        row = dict(zip(COLUMNS, cells))
        if row["type"] not in TYPES and not row["type"].startswith("choice:"):
            sys.exit(f"{path}:{number}: unknown type {row['type']}")
        if row["status"] not in STATUSES:
            sys.exit(f"{path}:{number}: unknown status {row['status']}")
        if bool(row["why"]) != (row["status"] == "no_effect"):
            sys.exit(f"{path}:{number}: a reason belongs to no_effect and only there")
        if rows and rows[-1]["name"] >= row["name"]:
            sys.exit(f"{path}:{number}: {row['name']} is out of order")
        rows.append(row)
    return rows


def literal(text):
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def initialiser(row):
    kind, choices = row["type"], ""
    if kind.startswith("choice:"):
        kind, choices = "text", kind[len("choice:"):]
    kind = TYPES.get(kind, kind)
    cells = [literal(row["name"]), literal(row["default"]), f"Type::{kind}", f"Status::{row['status']}",
             literal(row["daemons"]), literal(row["why"]), literal(choices), row["tier"]]
    return "{" + ", ".join(cells) + "},\n"


def cell(text):
    return text.replace("|", "\\|").replace("<", "&lt;")


TIERS = {
    "1": "What nearly every relay sets or rests on",
    "2": "What many relays set",
    "3": "What few relays set",
    "4": "How the parts of the mail system work together",
    "5": "Beyond a relay: mailboxes, postscreen, probes and the like",
}
STATUS_WORDS = {"honoured": "honoured", "no_effect": "no effect", "not_yet": "not supported yet"}
TYPE_WORDS = {"bool": "yes, no", "int": "number", "size": "bytes", "table-list": "tables", "restriction-list": "restrictions", "string": "text"}


def type_cell(row):
    kind = row["type"]
    if kind.startswith("choice:"):
        return ", ".join(word or "(empty)" for word in kind[len("choice:"):].split(","))
    return TYPE_WORDS.get(kind, kind)


def overview(rows):
    out = ["| | " + " | ".join(STATUS_WORDS[status] for status in STATUSES) + " |\n|---|" + "---|" * len(STATUSES) + "\n"]
    for tier, title in TIERS.items():
        counts = [sum(row["tier"] == tier and row["status"] == status for row in rows) for status in STATUSES]
        out.append(f"| [{title}](#tier-{tier}) | " + " | ".join(map(str, counts)) + " |\n")
    return "".join(out)


def markdown(rows):
    out = ["# Parameters\n\n",
           "Generated from `src/config/parameters.tsv` by `src/config/parameters.py --markdown`; do not edit.\n\n",
           "Every name that main.cf may set, what it holds, and its default as `postconf -d` prints it.\n\n",
           "- **honoured**: it does what Postfix's does; where Waypost differs, the page on compatibility says so.\n",
           "- **no effect**: nothing in Waypost needs it, for the reason given. Setting it is a remark of `postfix check`.\n",
           "- **not supported yet**: Postfix has it and Waypost does not. Setting it is a warning of `postfix check` and at start.\n\n",
           "A time is a number with one of `s m h d w` behind it; without, it counts in the unit of the default. Names that begin\n",
           "with `transport_` stand for those of each delivery service of master.cf: `slow_destination_rate_delay`.\n\n",
           overview(rows)]
    for tier, title in TIERS.items():
        out.append(f'\n## <a id="tier-{tier}"></a>{title}\n\n| name | type | default | status | meaning |\n|---|---|---|---|---|\n')
        for row in rows:
            if row["tier"] != tier:
                continue
            default = "`" + row["default"].replace("|", "\\|") + "`" if row["default"] else ""
            status = STATUS_WORDS[row["status"]]
            status = f"**{status}**" if row["status"] == "honoured" else status
            meaning = cell(row["meaning"]) + (f" *{cell(row['why'])}*" if row["why"] else "")
            out.append(f"| `{row['name']}` | {cell(type_cell(row))} | {default} | {status} | {meaning} |\n")
    return "".join(out)


def write(path, text):
    """Leave the file alone when nothing changed, so that nothing is rebuilt for it."""
    if path and os.path.exists(path) and open(path, encoding="utf-8").read() == text:
        return
    if not path:
        sys.stdout.write(text)
        return
    os.makedirs(os.path.dirname(os.path.abspath(path)), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def main(arguments):
    if arguments[:1] == ["--rows"] and len(arguments) == 2:
        rows = read_table()
        write(arguments[1], "".join(initialiser(row) for row in rows))
        os.utime(arguments[1])
    elif arguments[:1] == ["--markdown"] and len(arguments) <= 2:
        write(arguments[1] if len(arguments) == 2 else "", markdown(read_table()))
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main(sys.argv[1:])
