"""postmap(1), postalias(1) and newaliases(1) beside Debian's own: the same inputs, the same output, messages, exit status
and database files; each reads what the other wrote."""
import os
import re
import shutil
import tempfile
import threading
import unittest

from harness import postfix
from harness.paths import ON_POSTFIX, program
from harness.process import run

MAIN_CF = {"compatibility_level": "3.6", "myhostname": "relay.example.com", "mydestination": "", "maillog_file": "", "alias_database": ""}
PLUGINS = {"pcre": "dict_pcre_open", "lmdb": "dict_lmdb_open mkmap_lmdb_open", "cdb": "dict_cdb_open mkmap_cdb_open"}
DATABASE_TYPES = ("hash", "btree", "lmdb", "cdb")
SUFFIXES = {"hash": ".db", "btree": ".db", "lmdb": ".lmdb", "cdb": ".cdb"}

SOURCE = r"""# a comment
Key	value
key again
two	words  in a row
  and a continuation
"quoted key" x
"with \" quote" y
back\ slash z
lonely
colon: v
"open quote
 leading blank
@example.com admin@example.com
user+ext@Example.COM  target

# the end
last one"""

ALIASES = r"""# aliases
root: admin
Postmaster:	root, abuse,
  hostmaster
list: :include:/etc/list, "|/usr/bin/prog -a 'b c'"
"a b": "c d"@example.com
comment (nested (one)) name: x (y)
file: /var/mail/file
x\ y: z\,1
esc: "say \"hi\" \\ there"
lit: user@[10.0.0.1], Name <c@d.example>
empty:
: nothing
no pair
a, b: c
a@b: c
a%b: c
root: duplicate
"": ""
unfinished: "abc
"""

REGEXP = r"""# rules
/^Received: from (internal|localhost)/ IGNORE
/^X-(Originating)-(IP):/ PREPEND $2 ${1} $(2) $$
!/e/ no e
/[[:digit:]]{3,}/ digits
/case/i lower
if /^subject:/
/viagra|casino/ REJECT $1
/^Subject: (.*)$/ WARN <$1>
if !/^x/
/ponies/ DUNNO
endif
endif
/^a.c$/m multi
/^body/!/text$/ two
/\/slash/ slash
|pipe| pipe
/(x)(y)?z/ [$1][$2]
/bad/q flag
/unclosed x
/norep/
/(/ paren
/ok/ $2
!/neg/ $1
/tail/ ${1
word
endif
/last/ done   
if /open/
/inner/ in
"""

PCRE = r"""/^Received: from (?:internal|localhost)/ IGNORE
/^X-(?<a>Originating)-(IP):/ PREPEND $2 ${1} $(2) $$
!/e/ no e
/\d{3,}/ digits
/case/i lower
if /^subject:/
/^Subject: (.*)$/ WARN <$1>
endif
/^a.c$/m multi
/a.b/s nodot
/x y # c/x extended
/anch/A anchored
/end$/E end
/(q+)/U <$1>
/(x)(y)?z/ [$1][$2]
/obs/X obsolete
/bad/q flag
/unclosed x
/norep/
/(/ paren
/ok/ $2
endif
/last/ done
"""

CIDR = r"""10.0.0.0/8 ten
10.1.0.0/16 hidden
!172.16.0.0/12 outside
[2001:db8::]/32 doc
if 192.168.0.0/16
192.168.1.0/24 one
endif
192.168.1.1 never
1.2.3 bad
10.1.1.1/8 host bits
1.2.3.4
endif
::/0 six
"""

KEYS = ["Key", "KEY", "key", "two", '"quoted key"', "colon:", "none", "", "Received: from internal", "X-Originating-IP: 1", "zzz", "12345", "CASE", "case",
        "Subject: buy viagra", "subject: ponies", "Subject: x", "b\nx", "body abc", "body text", "a/slash", "a|pipe", "xz", "xyz", "ok", "last", "inner", "open inner",
        "norep", "a b", "xy", "anch", "an anch", "qqq", "end", "10.1.2.3", "172.16.1.1", "192.168.1.1", "192.168.2.1", "2001:db8::1", "::1", "1.2.3.4", "root", "POSTMASTER"]

MESSAGE = """Received: from internal
	by somewhere
Subject : hello
 world
X-Originating-IP: 1.2.3.4
Content-Type: multipart/mixed; boundary="b1"; x=y

preamble
--b1
Content-Type: message/rfc822

Subject: attached
From: someone

attached body
--b1
Content-Type: text/plain
X-Originating-IP: inner

part body 12345
--b1--
epilogue
"""


class Reference:
    """Debian's commands with their plug-ins, in a folder of their own."""

    def __init__(self, folder):
        root = postfix.root()
        plugins = {name: postfix.unpack("postfix-" + name) for name in PLUGINS}
        self.bin = os.path.join(root, "usr/sbin")
        self.config = os.path.join(folder, "original")
        os.makedirs(self.config)
        settings = dict(postfix.settings(root), meta_directory=self.config, queue_directory=self.config + ".work", data_directory=self.config + ".data", **MAIN_CF)
        write(os.path.join(self.config, "main.cf"), "".join("%s = %s\n" % item for item in settings.items()))
        write(os.path.join(self.config, "master.cf"), "")
        write(os.path.join(self.config, "dynamicmaps.cf"), "".join(
            "%s %s/usr/lib/postfix/postfix-%s.so %s\n" % (name, plugins[name], name, functions) for name, functions in PLUGINS.items()))
        self.env = dict(postfix.environment(root), MAIL_CONFIG=self.config)
        os.symlink(os.path.join(self.bin, "sendmail"), os.path.join(self.config, "newaliases"))

    def run(self, command, *arguments, **options):
        return run([os.path.join(self.config if command == "newaliases" else self.bin, command), *arguments], env=self.env, **options)


class Ours:
    def __init__(self, folder):
        self.config = os.path.join(folder, "ours")
        os.makedirs(self.config)
        write(os.path.join(self.config, "main.cf"), "".join("%s = %s\n" % item for item in MAIN_CF.items()))
        write(os.path.join(self.config, "master.cf"), "")
        self.env = dict(os.environ, MAIL_CONFIG=self.config)

    def run(self, command, *arguments, **options):
        return run([program(command), *arguments], env=self.env, **options)


def write(path, text):
    with open(path, "w", encoding="latin-1") as f:
        f.write(text)
    os.utime(path, (1_600_000_000, 1_600_000_000))


def note_modes(folder, modes, stop):
    """Until `stop`: the modes of the files in `folder` that are about to replace another."""
    while not stop.is_set():
        for name in os.listdir(folder):
            if name.endswith(".new"):
                try:
                    modes.add(os.stat(os.path.join(folder, name)).st_mode & 0o777)
                except FileNotFoundError:
                    pass  # it has taken its place


@unittest.skipIf(ON_POSTFIX, "compares both by itself")
class MapCase(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="waypost-test-")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        try:
            self.reference = Reference(self.folder)
        except postfix.Unavailable as error:
            self.skipTest(str(error))
        self.ours = Ours(self.folder)
        # The same relative names for both, so that messages are the same.
        self.work = {}
        for side in (self.reference, self.ours):
            self.work[side] = side.config + ".work"
            os.makedirs(self.work[side])

    def put(self, name, text):
        for folder in self.work.values():
            write(os.path.join(folder, name), text)

    def on(self, side, command, *arguments, input=None):
        result = side.run(command, *arguments, input=input, cwd=self.work[side])
        return result.returncode, result.stdout, result.stderr

    def assertSame(self, command, *arguments, input=None, sort=False):
        """Both say the same; the answer is that. `sort`: lines may come in any order."""
        original = self.on(self.reference, command, *arguments, input=input)
        ours = self.on(self.ours, command, *arguments, input=input)
        if sort:
            original, ours = ((code, sorted(out.splitlines()), err) for code, out, err in (original, ours))
        self.assertEqual(ours, original, "%s %s" % (command, " ".join(arguments)))
        return original

    def file(self, side, name):
        return os.path.join(self.work[side], name)


class Building(MapCase):
    def test_every_type_and_option(self):
        self.put("t", SOURCE)
        for kind in DATABASE_TYPES:
            for options in ((), ("-r",), ("-w",), ("-f",), ("-n",), ("-N",), ("-u",), ("-o", "-p")):
                self.assertSame("postmap", *options, kind + ":t")
                if kind != "cdb":
                    self.assertSame("postmap", "-s", kind + ":t", sort=True)
                self.assertSame("postmap", "-q", "-", kind + ":t", input='key\nKey\ntwo\n"quoted key"\nnone\n')

    def test_each_reads_what_the_other_wrote(self):
        self.put("t", "".join("key%d value %d\n" % (i, i) for i in range(3000)) + "long %s\n" % ("x" * 20000))
        keys = "".join("key%d\n" % i for i in range(0, 3000, 7)) + "long\nnone\n"
        for kind in DATABASE_TYPES:
            file = "t" + SUFFIXES[kind]
            for writer, reader in ((self.reference, self.ours), (self.ours, self.reference)):
                self.assertEqual(self.on(writer, "postmap", kind + ":t")[0], 0)
                expected = self.on(writer, "postmap", "-q", "-", kind + ":t", input=keys)
                shutil.copy2(self.file(writer, file), self.file(reader, file))
                self.assertEqual(self.on(reader, "postmap", "-q", "-", kind + ":t", input=keys), expected, kind)
                self.assertGreater(len(expected[1]), 20000)

    def test_update_and_remove(self):
        self.put("t", "a 1\nb 2\nc 3\n")
        for kind in DATABASE_TYPES:
            made = kind + ":made-" + kind
            self.assertSame("postmap", kind + ":t")
            self.assertSame("postmap", "-i", kind + ":t", input="A new\nd 4\n")
            self.assertSame("postmap", "-ir", kind + ":t", input="a newer\n")
            self.assertSame("postmap", "-d", "B", kind + ":t")
            self.assertSame("postmap", "-d", "B", kind + ":t")
            self.assertSame("postmap", "-d", "-", kind + ":t", input="c\nnone\n")
            self.assertSame("postmap", "-s", kind + ":t", sort=True)
            self.assertSame("postmap", "-i", made, input="k v\n")
            self.assertSame("postmap", "-q", "k", made)

    def test_several_files_and_the_default_type(self):
        self.put("a", "x 1\n")
        self.put("b", "x 2\ny 3\n")
        self.assertSame("postmap", "a", "btree:b")
        self.assertSame("postmap", "-q", "y", "a", "btree:b")
        self.assertSame("postmap", "-q", "-", "a", "btree:b", input="x\ny\nz\n")
        self.assertSame("postmap", "-d", "x", "a", "btree:b")
        self.assertSame("postmap", "-s", "a", "btree:b")

    def test_values_from_files(self):
        self.put("one", "first\nfile\n")
        self.put("two", "second")
        self.put("t", "a one\nb one, two\nc none\nd one two\n")
        self.assertSame("postmap", "-F", "hash:t")
        self.assertSame("postmap", "-s", "hash:t", sort=True)
        for key in "abcd":
            self.assertSame("postmap", "-F", "-q", key, "hash:t")
        self.put("plain", "a notbase64!\n")
        self.assertSame("postmap", "hash:plain")
        self.assertSame("postmap", "-F", "-q", "a", "hash:plain")

    def test_text_that_is_not_utf8(self):
        self.put("t", "k\xff v\nplain w\xfe\ngood \xc3\xa9\n")
        self.assertSame("postmap", "hash:t")
        self.assertSame("postmap", "-s", "hash:t", sort=True)
        self.assertSame("postmap", "-u", "hash:t")
        self.assertSame("postmap", "-q", "plain", "hash:t")
        self.assertSame("postmap", "-u", "-q", "plain", "hash:t")

    def test_owner_and_mode_follow_the_source(self):
        self.put("t", "a b\n")
        for side in (self.reference, self.ours):
            os.chmod(self.work[side], 0o777)
            os.chmod(self.file(side, "t"), 0o640)
            os.chown(self.file(side, "t"), 65534, 65534)
        for kind in DATABASE_TYPES:
            self.assertSame("postmap", kind + ":t")
            stats = [os.stat(self.file(side, "t" + SUFFIXES[kind])) for side in (self.reference, self.ours)]
            self.assertEqual(*[(s.st_mode, s.st_uid, s.st_gid) for s in stats])

    def test_a_changed_table_of_passwords_is_never_open_to_others(self):
        """Its rows are written to a new file, which everybody could read before it was given the mode of the old."""
        self.put("t", "".join("host%d user:password%d\n" % (i, i) for i in range(200000)))
        folder = self.work[self.ours]
        for kind in ("hash", "lmdb"):
            self.assertEqual(self.on(self.ours, "postmap", kind + ":t")[0], 0)
            os.chmod(self.file(self.ours, "t" + SUFFIXES[kind]), 0o600)
            for arguments, rows in ((("-d", "host7"), ""), (("-i",), "host7 user:again\n")):
                modes, stop = set(), threading.Event()
                watcher = threading.Thread(target=note_modes, args=(folder, modes, stop))
                watcher.start()
                code = self.on(self.ours, "postmap", *arguments, kind + ":t", input=rows)[0]
                stop.set()
                watcher.join()
                self.assertEqual((code, modes), (0, {0o600}), (kind, arguments))

    def test_what_cannot_be_built(self):
        self.put("t", "a b\n")
        for arguments in (("hash:none",), ("texthash:t",), ("static:t",), ("foo:t",), ("proxy:hash:t",), ("fail:t",), ("-i", "foo:t"), ("-i", "texthash:t"),
                          ("-d", "a", "hash:none"), ("-d", "a", "texthash:t"), ("-d", "a", "static:x"), ("-d", "a", "foo:t"), ("-d", "a", "fail:t"),
                          ("-d", "a", "hash:"), ("-d", "a", ":x"), ("-d", "a", "regexp:t"), ("-d", "a", "environ:x"), ("-d", "a", "unix:passwd.byname"), ("-s", "hash:none"), ("-s", "static:x"), ("-s", "fail:x"),
                          ("-s", "regexp:t"), ("-s", "environ:x"), ("-s", "foo:x"), ("-s",), (), ("-Z",), ("-q",), ("-q", "a", "-d", "b", "t"), ("-s", "-q", "b", "t"),
                          ("-q", "b", "-s", "t"), ("-b", "t"), ("-h", "-q", "a", "t"), ("-m", "-q", "-", "static:x")):
            self.assertSame("postmap", *arguments, input="k v\n" if arguments[:1] == ("-i",) else "")

    def test_the_articles_header_checks(self):
        self.put("smtp_header_checks", "/^Received: from (internal|localhost)/ IGNORE\n/^X-Originating-IP:/ IGNORE\n/^X-Mailer:/ IGNORE\n")
        code, _, messages = self.assertSame("postmap", "-r", "smtp_header_checks")
        self.assertEqual(code, 0)
        self.assertIn("alias file?", messages)
        self.assertTrue(os.path.exists(self.file(self.ours, "smtp_header_checks.db")))


class Asking(MapCase):
    def ask_all(self, table, keys=KEYS):
        """All at once, and each that has something of its own alone."""
        lines = "".join(key + "\n" for key in keys if "\n" not in key)
        self.assertSame("postmap", "-q", "-", table, input=lines)
        for key in keys:
            if "\n" in key or key in ("", "root", "norep"):
                self.assertSame("postmap", "-q", key, table)

    def test_rules_in_files(self):
        self.put("regexp", REGEXP)
        self.put("pcre", PCRE)
        self.put("cidr", CIDR)
        for kind in ("regexp", "pcre", "cidr"):
            self.ask_all("%s:%s" % (kind, kind))

    def test_text_and_small_types(self):
        self.put("t", SOURCE.replace("key again\n", ""))
        self.ask_all("texthash:t")
        for table in ("static:x", "static:{two words}", "inline:{key=v, {two = w w}}", "fail:x", "internal:x", "environ:x", "unix:passwd.byname", "unix:group.byname",
                      "unix:other", "randmap:{only}", "unionmap:{static:a,inline:{key=b}}", "pipemap:{inline:{key=two},inline:{two=three}}", "pipemap:{static:a}",
                      "unionmap:x", "pipemap:{x}", "randmap:{}", "inline:{a=b c}", "static:{a", "regexp:{{/^K(.*)/ <$1>}}", "pcre:{{/^k(?=e)/ look}}",
                      "cidr:{{10.0.0.0/8 ten}, {::/0 six}}", "regexp:{{/a/ b}", "regexp:{{/a/ b}}x", "cidr:{x}", "regexp:none", "pcre:none", "cidr:none", "texthash:none",
                      "hash:none", "cdb:none", "lmdb:none", "foo:x", "static:", ":x", "proxy:", "inline:{=a}", 'inline:{{"a b" = c}}', 'inline:{"a b"=c}', "inline:{{a b = c}}",
                      "inline:{{ a = {b} }}"):
            self.ask_all(table, ["Key", "two", "10.1.1.1", "::1", "root", ""])

    def test_duplicates_in_texthash(self):
        self.put("t", "a 1\na 2\n")
        for options in ((), ("-r",), ("-w",)):
            self.assertSame("postmap", *options, "-q", "a", "texthash:t")

    def test_parts_of_a_message(self):
        self.put("rules", "/^(.{1,9})/ <$1>\n/^$/ empty\n")
        for options in ("-hq", "-bq", "-hbq", "-hmq", "-bmq", "-hbmq"):
            for text in (MESSAGE, "not a header\n\nbody\n", "Subject: only\n", "", "A: b\nrubbish\nmore\n", MESSAGE.replace("multipart/mixed", "multipart/digest"),
                         MESSAGE.replace('"b1"', "b1 (comment)"), MESSAGE.replace("--b1\n", "--b1 trailing\n", 1)):
                self.assertSame("postmap", options, "-", "regexp:rules", input=text)


class Aliases(MapCase):
    def test_source_and_dump(self):
        self.put("aliases", ALIASES)
        for kind in DATABASE_TYPES:
            self.assertSame("postalias", kind + ":aliases")
            self.assertSame("postalias", "-q", "ROOT", kind + ":aliases")
            self.assertSame("postalias", "-q", "-", kind + ":aliases", input="root\npostmaster\nlist\na b\nx y\nesc\n@\nnone\nlit\n\n")
            if kind != "cdb":
                self.assertEqual(*[re.sub(r"(YP_LAST_MODIFIED:\t)\d+", r"\1N", "\n".join(sorted(self.on(side, "postalias", "-s", kind + ":aliases")[1].splitlines())))
                                   for side in (self.ours, self.reference)])

    def test_options(self):
        self.put("aliases", "a: 1\nA: 2\n")
        for options in ((), ("-r",), ("-w",), ("-f",), ("-n",)):
            self.assertSame("postalias", *options, "aliases")
            self.assertSame("postalias", "-q", "a", "aliases")
        self.assertSame("postalias", "-i", "aliases", input="b: 3\n@: x\n")
        self.assertSame("postalias", "-d", "a", "aliases")
        self.assertSame("postalias", "-q", "b", "aliases")
        for arguments in ((), ("-b", "aliases"), ("-Z",), ("none",), ("-q", "a", "-s", "aliases")):
            self.assertSame("postalias", *arguments, input="")

    def test_newaliases(self):
        self.put("one", "a: x\n")
        self.put("two", "b: y\nbad\n")
        self.put("three", "c: z\n")
        self.assertSame("newaliases")
        for side in (self.reference, self.ours):
            path = os.path.join(side.config, "main.cf")
            with open(path) as f:
                text = f.read()
            write(path, text.replace("alias_database = \n", "alias_database = hash:one, btree:two\n"))
        for command in (("newaliases",), ("sendmail", "-bi"), ("sendmail", "-I"), ("sendmail", "-oAhash:three", "-bi"), ("newaliases", "recipient")):
            self.assertSame(*command)
        self.assertSame("postalias", "-q", "b", "btree:two")


if __name__ == "__main__":
    unittest.main()
