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


def markdown(rows):
    out = ["# Parameters\n\n",
           "Generated from `src/config/parameters.tsv` by `src/config/parameters.py --markdown`; do not edit.\n\n",
           "Every name of main.cf that Waypost knows. **Honoured** ones do what Postfix's do (where Waypost differs,\n",
           "`docs/compatibility.md` says so). Setting one of the others is reported once at start and by `postfix check`.\n"]
    chapters = [("Honoured", "honoured"), ("Without effect in Waypost", "no_effect"), ("Not supported yet", "not_yet")]
    for title, status in chapters:
        chosen = [row for row in rows if row["status"] == status]
        out.append(f"\n## {title} ({len(chosen)})\n\n")
        if status == "honoured":
            out.append("| name | default | meaning |\n|---|---|---|\n")
            for row in chosen:
                default = f"`{cell(row['default'])}`" if row["default"] else ""
                out.append(f"| `{row['name']}` | {default} | {cell(row['meaning'])} |\n")
        elif status == "no_effect":
            reasons = {}
            for row in chosen:
                reasons.setdefault(row["why"], []).append(row["name"])
            for why, names in sorted(reasons.items()):
                out.append(f"- {why} {', '.join(f'`{name}`' for name in names)}\n")
        else:
            out.append(", ".join(f"`{row['name']}`" for row in chosen) + "\n")
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
