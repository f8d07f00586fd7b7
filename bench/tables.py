#!/usr/bin/env python3
"""Measures lookup tables: Waypost's (tables-bench, built with `ninja tables-bench`) beside Debian's postmap -q -.

bench/tables.py [--rows N] [--rules N] [--bench PATH]   prints one line a table; files are kept below build/bench/tables.

Times are of the processor. postmap's load is that of a run that asks for one key; its rate is that of the keys beyond.
"""
import argparse
import os
import random
import resource
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "tests"))
from harness import postfix  # noqa: E402
from harness.paths import ROOT  # noqa: E402

WORK = os.path.join(ROOT, "build/bench/tables")
SEED = 7


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000, help="rows of the hash, btree, cdb, lmdb and cidr tables")
    parser.add_argument("--rules", type=int, default=1_000, help="rules of the regexp and pcre tables")
    parser.add_argument("--bench", default=os.path.join(ROOT, "build/release/bin/tables-bench"))
    parser.add_argument("--only", help="this table type alone")
    return parser.parse_args()


def write(name, lines):
    path = os.path.join(WORK, name)
    with open(path, "w") as f:
        f.writelines(line + "\n" for line in lines)
    os.utime(path, (1_600_000_000, 1_600_000_000))
    return path


def make_rows(count):
    """user names; a third of the keys that are asked for is not there."""
    write("rows", ("user%d@example%d.com relay%d.example.net:587" % (i, i % 1000, i % 17) for i in range(count)))
    pick = random.Random(SEED)
    numbers = [pick.randrange(count * 3 // 2) for _ in range(200_000)]
    write("rows.keys", ("user%d@example%d.com" % (n, n % 1000) for n in numbers))


def make_networks(count):
    """Mostly single addresses and small networks, in no order, with wide ones among them, as block lists are."""
    pick = random.Random(SEED)

    def rule(i):
        bits = pick.choice((32, 32, 32, 28, 24, 24, 20, 16)) if i % 1000 else 12
        base = pick.getrandbits(32) >> (32 - bits) << (32 - bits)
        return "%d.%d.%d.%d/%d %s" % (base >> 24, base >> 16 & 255, base >> 8 & 255, base & 255, bits, "REJECT" if i % 3 else "DUNNO")
    write("networks", (rule(i) for i in range(count)))
    write("networks.keys", (".".join(str(pick.randrange(256)) for _ in range(4)) for _ in range(200_000)))


def make_rules(count):
    """Header checks: a literal start each, the last of them a group; one key in ten matches one."""
    write("rules", ("/^X-Header-%d: (spam|ham) [0-9]+$/ WARN $1" % i if i % 2 else "/^Subject: .*word%d/ REJECT" % i for i in range(count)))
    pick = random.Random(SEED)

    def key(i):
        if i % 10:
            return "Received: from host%d.example.com (host%d.example.com [192.0.2.%d])" % (i, i, i % 256)
        return "X-Header-%d: spam 12345" % (pick.randrange(count // 2) * 2 + 1)
    write("rules.keys", (key(i) for i in range(20_000)))


def ours(bench, table, keys):
    return subprocess.run([bench, table, keys, "3"], capture_output=True, text=True, cwd=WORK).stdout.strip()


def run_postmap(environment, root, table, lines):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([root + "/usr/sbin/postmap", "-q", "-", table], input="".join(lines), text=True, stdout=subprocess.DEVNULL, env=environment, cwd=WORK)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def theirs(environment, root, table, keys, count):
    with open(os.path.join(WORK, keys)) as f:
        lines = f.readlines()[:count]
    load = run_postmap(environment, root, table, lines[:1])
    took = run_postmap(environment, root, table, lines)
    return "load %.2f s, %.0f lookups a CPU s" % (load, (len(lines) - 1) / max(took - load, 1e-9))


def reference():
    """Debian's postmap with its plug-ins: environment and root."""
    root = postfix.root()
    config = os.path.join(WORK, "config")
    os.makedirs(config, exist_ok=True)
    settings = dict(postfix.settings(root), meta_directory=config, compatibility_level="3.6")
    plugins = {"pcre": "dict_pcre_open", "lmdb": "dict_lmdb_open mkmap_lmdb_open", "cdb": "dict_cdb_open mkmap_cdb_open"}
    with open(os.path.join(config, "main.cf"), "w") as f:
        f.writelines("%s = %s\n" % item for item in settings.items())
    with open(os.path.join(config, "dynamicmaps.cf"), "w") as f:
        f.writelines("%s %s/usr/lib/postfix/postfix-%s.so %s\n" % (name, postfix.unpack("postfix-" + name), name, functions) for name, functions in plugins.items())
    return dict(postfix.environment(root), MAIL_CONFIG=config), root


def main():
    arguments = parse_arguments()
    os.makedirs(WORK, exist_ok=True)
    make_rows(arguments.rows)
    make_networks(arguments.rows)
    make_rules(arguments.rules)
    environment, root = reference()
    tables = [(kind, "rows", 200_000) for kind in ("hash", "btree", "cdb", "lmdb", "texthash")]
    tables += [("cidr", "networks", 300), ("regexp", "rules", 5_000), ("pcre", "rules", 20_000)]
    for kind, source, count in tables:
        if arguments.only and kind != arguments.only:
            continue
        table = "%s:%s" % (kind, source)
        if kind in ("hash", "btree", "cdb", "lmdb"):
            begin = time.monotonic()
            subprocess.run([root + "/usr/sbin/postmap", table], env=environment, cwd=WORK, check=True)
            print("%-9s built by Debian's postmap in %.1f s" % (kind, time.monotonic() - begin), flush=True)
        print("%-9s waypost  %s" % (kind, ours(arguments.bench, table, source + ".keys")), flush=True)
        print("%-9s postmap  %s" % (kind, theirs(environment, root, table, source + ".keys", count)), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
