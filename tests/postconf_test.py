"""postconf against Postfix's own on the same files: standard output byte for byte, warnings in the same words, the same exit status."""
import glob
import os
import shutil
import stat
import subprocess
import tempfile
import unittest

from harness import postfix
from harness.paths import ROOT, program
from harness.postconf import MASTER, OTHER_DEFAULTS, OTHER_WHEN_EXPANDED, Postconfs, read_files, write_files

FORMS = sorted(glob.glob(os.path.join(ROOT, "tests/data/main_cf/*.cf")))
STOCK = """smtpd_banner = $myhostname ESMTP $mail_name (Debian/GNU)
biff = no
compatibility_level = 3.6
smtpd_relay_restrictions = permit_mynetworks permit_sasl_authenticated defer_unauth_destination
myhostname = mx.example.com
mydestination = $myhostname, mx, localhost.localdomain, , localhost
relayhost =
mynetworks = 127.0.0.0/8 [::ffff:127.0.0.0]/104 [::1]/128
inet_interfaces = all
myorigin = $mine
mine = ${other?{$other}:{x}}
other = 1
smtpd_recipient_restrictions = check_client_access hash:/etc/postfix/clients1, check_client_access hash:/etc/postfix/clients2,
    check_client_access hash:/etc/postfix/clients3, reject
uucp_destination_concurrency_limit = 5
"""
SHOW = [[], ["-n"], ["-d"], ["-nf"], ["-f"], ["-x"], ["-nx"], ["-dx"], ["-H"], ["-nH"], ["-dH"], ["-p"], ["-M"], ["-Mf"], ["-Mx"], ["-Mxf"], ["-F"], ["-Ff"],
        ["-Fx"], ["-FH"], ["-P"], ["-Px"], ["-Pf"], ["-PH"], ["-Ph"], ["-C", "service"], ["-C", "user"], ["-C", "builtin"], ["-C", "ALL"],
        ["-n", "-C", "builtin,user"], ["-d", "-C", "user service"], ["-l"], ["-T", "public-key-algorithms"], ["-T", "nonsense"],
        ["myorigin", "nope", "mynetworks"], ["-h", "myhostname", "mydomain", "relayhost"], ["-xh", "myorigin"], ["-d", "mine", "relayhost"], ["virtual_maps"],
        ["-n", "relayhost", "mydomain"], ["config_directory", "process_name", "service_name"], ["-o", "myorigin=$mydomain", "-x", "myorigin"],
        ["-o", "spare=1", "-n"], ["-o", "relayhost", "-n"], ["-M", "smtp/unix", "nope/inet"], ["-M", "*/unix", "smtp"], ["-M", "smtp", "s*"],
        ["-M", "/smtp"], ["-M", "a/b/c"], ["-F", "*/inet/command"], ["-F", "*/*/nope"], ["-F", "smtp/inet/chroot", "x/y/z"], ["-Fh", "qmgr/unix"],
        ["-P", "*/*/syslog_name"], ["-P", "smtp/inet"], ["-P", "submission/*/nope"], ["-P", "submission"], ["-Phx", "relay/unix/syslog_name"], ["-P", "a/b/c/d"]]
CONFLICTS = [["-n", "-d"], ["-nde"], ["-M", "-F", "-x"], ["-Mn"], ["-Md"], ["-Mh"], ["-Fn"], ["-FX", "a/b/c"], ["-P#", "a/b/c"], ["-hH"], ["-ex", "a=b"],
             ["-eh", "a=b"], ["-ef", "a=b"], ["-eo", "a=b", "c=d"], ["-do", "a=b"], ["-n", "a=b"], ["-mn"], ["-ml"], ["-ae"], ["-bt"], ["-bb"], ["-tn"],
             ["-T", "x", "-T", "y"], ["-Tx", "-n"], ["-C", "odd"], ["-C", "builtin,odd"], ["-e"], ["-X"], ["-#"], ["-MX"], ["-Me"], ["-pM"], ["-Z"], ["-E"],
             ["-n", "myorigin", "-d"], ["-m", "-C", "user", "-o", "a=b"]]
EDITED_MAIN = STOCK + "# a comment\nmyorigin = a\n  b\n\n# inside\n  c\n#myorigin = d\nspare=e"
EDITS = [["-e", "myorigin=c"], ["-e", "foo = bar baz"], ["-e", "myorigin=c", "foo=bar"], ["-e", "empty="], ["-e", "  relayhost  =  [x]:25  "], ["myorigin=z"],
         ["-X", "myorigin", "nope"], ["-#", "myorigin"], ["-#", "nope"], ["-e", "foo"], ["-e", "=foo"], ["-e", "a=1\nb=2"], ["-e", "# a=1"],
         ["-X", "a=b"], ["-X", ""], ["-e", "relayhost=$$x ${y?{z}}"], ["-e", "biff = yes", "biff = no"], ["-e", "biff = yes", "biff = yes"], ["-Me", "new/inet = new inet n - n - - smtpd -o a=b -o {c = d e}"],
         ["-Me", "smtp/inet = smtp inet n - n - - smtpd"], ["-M", "smtp/inet = renamed inet n - n - - smtpd"], ["-M", "nope/inet = smtp unix - - n - - lmtp"],
         ["-Me", "*/unix = all unix - - n - - lmtp"], ["-Me", "x/inet = x inet n"], ["-Me", "x/inet = x inet maybe - n - - smtpd"], ["-Me", "x/inet"],
         ["-Me", "x = x inet n - n - - smtpd"], ["-MX", "relay/unix"], ["-MX", "*/unix", "nope/unix"], ["-MX", "relay"], ["-MX", "a/b=c"],
         ["-M#", "submission/inet"], ["-M#", "*/inet"], ["-F", "smtp/inet/chroot=n"], ["-F", "smtp/inet/command = smtpd -v -o a=b"], ["-F", "*/*/chroot=n"],
         ["-F", "smtp/inet/chroot=x"], ["-F", "smtp/inet/wakeup=1 2"], ["-F", "smtp/inet/*=n"], ["-Fe", "smtp/inet/nope=n"], ["-F", "smtp/inet=n"],
         ["-F", "nope/inet/chroot=n"], ["-F", "smtp/inet/service=smtps", "smtp/inet/chroot=n"], ["-P", "smtp/unix/foo=q"], ["-P", "submission/inet/syslog_name=x"],
         ["-P", "*/inet/syslog_name=x"], ["-P", "uucp/unix/foo=q"], ["-P", "smtp/inet/a=b c"], ["-P", "smtp/inet/*=b"], ["-P", "smtp/inet=b"],
         ["-P", "nope/inet/a=b"], ["-PX", "submission/inet/syslog_name"], ["-PX", "submission/inet/smtpd_client_restrictions"], ["-PX", "submission/inet/nope"]]


class PostconfCase(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        try:
            cls.postconfs = Postconfs()
        except postfix.Unavailable as error:
            raise unittest.SkipTest(str(error))
        cls.folder = tempfile.mkdtemp(prefix="waypost-postconf-")
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
        write_files(cls.folder, STOCK)
        names = [set(cls.postconfs.run(which, cls.folder, ["-d", "-H"]).output.split()) for which in (0, 1)]
        cls.only_theirs, cls.only_ours = names[0] - names[1], names[1] - names[0]

    def comparable(self, outcome):
        """Without what is meant to differ."""
        differing = self.only_ours | set(OTHER_DEFAULTS) | set(OTHER_WHEN_EXPANDED)
        return [entry for entry in outcome.entries() if entry.split(" =")[0] not in differing]

    def assertSame(self, arguments, words=True):
        theirs, ours = self.postconfs.both(self.folder, arguments)
        where = "postconf " + " ".join(arguments)
        self.assertEqual(theirs.status, ours.status, where)
        if words and theirs.status != 0:
            # Postfix ends at the first malformed value that it comes upon, in an order of its own
            self.assertLessEqual(set(theirs.messages), set(ours.messages), where)
        elif words:
            self.assertEqual(theirs.messages, ours.messages, where)
        # what Postfix printed before it gave up depends on its buffers
        if theirs.status == 0:
            self.assertEqual(self.comparable(theirs), self.comparable(ours), where)


class Show(PostconfCase):
    def test_every_way_to_show_a_configuration(self):
        for arguments in SHOW:
            with self.subTest(arguments=arguments):
                self.assertSame(arguments)

    def test_contradictions_are_refused_in_the_same_words(self):
        for arguments in CONFLICTS:
            with self.subTest(arguments=arguments):
                self.assertSame(arguments, words=not {"-Z", "-E"} & set(arguments))

    def test_every_default_is_the_same_or_listed(self):
        self.assertEqual(self.only_theirs, set(), "parameters that only Postfix has")
        theirs, ours = [dict(entry.split(" =", 1) for entry in outcome.entries()) for outcome in self.postconfs.both(self.folder, ["-d"])]
        differing = {name for name in theirs if name in ours and theirs[name] != ours[name]}
        self.assertEqual(differing, set(OTHER_DEFAULTS), "found, and meant to be")

    def test_what_is_asked_for_is_found_wanting_first(self):
        for main, master in ((b"nonsense\n", b"smtp inet n\n"), (b"mynetworks_style = odd\n", b"smtp inet n\n")):
            write_files(self.folder, main, master)
            for arguments in (["-n"], ["-M"], ["-F"], ["-P"]):
                with self.subTest(main=main, arguments=arguments):
                    theirs, ours = self.postconfs.both(self.folder, arguments)
                    self.assertEqual((theirs.status, theirs.messages), (ours.status, ours.messages))

    def test_a_definition_that_cannot_be_read_is_told_once(self):
        definition = os.path.join(self.folder, "broken.cf")
        with open(definition, "w") as file:
            file.write("user = x\nnonsense\nodd = 1\n")
        write_files(self.folder, "virtual_alias_maps = mysql:%s\n" % definition, "")
        done = subprocess.run([program("postconf"), "-c", self.folder, "-n"], capture_output=True, text=True, timeout=20)
        self.assertEqual(done.returncode, 1)
        self.assertEqual(done.stderr, "postconf: fatal: %s, line 2: missing '=' after attribute name: \"nonsense\"\n" % definition)

    def test_a_folder_without_files(self):
        empty = tempfile.mkdtemp(dir=self.folder)
        for arguments in (["-n"], ["-d", "relayhost"], ["-M"], ["-e", "a=b"], ["-Me", "a/unix = a unix - - n - - x"]):
            outcomes = [self.postconfs.run(which, empty, arguments) for which in (0, 1)]
            self.assertEqual(outcomes[0].status, outcomes[1].status, arguments)
            shutil.rmtree(empty)
            os.mkdir(empty)


class Forms(PostconfCase):
    """tests/data/main_cf: main.cf as operators write it."""

    def test_there_are_many(self):
        self.assertGreaterEqual(len(FORMS), 40)

    def compare(self, arguments):
        for path in FORMS:
            with self.subTest(file=os.path.basename(path)):
                with open(path, "rb") as file:
                    write_files(self.folder, file.read())
                self.assertSame(arguments)

    def test_what_is_set(self):
        self.compare(["-n"])

    def test_everything(self):
        self.compare([])

    def test_expanded(self):
        self.compare(["-nx"])

    def test_folded(self):
        self.compare(["-nf"])

    def test_services(self):
        self.compare(["-Mx"])


class Values(PostconfCase):
    """What every program of Postfix refuses before it does anything, `postfix check` refuses, and nothing else about main.cf."""
    # no smtpd: it has more to say about a main.cf that protects no relay
    MASTER = "pickup unix n - n 60 1 pickup\nqmgr unix n - n 300 1 qmgr\nsmtp unix - - n - - smtp\nrelay unix - - n - - smtp\n"

    def test_forms_are_accepted_or_refused_alike(self):
        try:
            root = postfix.root()
        except postfix.Unavailable as error:
            self.skipTest(str(error))
        environment = dict(postfix.environment(root), LC_ALL="C")
        for path in FORMS:
            with self.subTest(file=os.path.basename(path)):
                with open(path, "rb") as file:
                    write_files(self.folder, file.read() + b"\n", self.MASTER)
                statuses = [subprocess.run(command, capture_output=True, env=environment, timeout=20).returncode for command in (
                    [os.path.join(root, "usr/sbin/postmap"), "-c", self.folder, "-q", "x", "static:y"], [program("postfix"), "-c", self.folder, "check"])]
                self.assertEqual(statuses[0] == 0, statuses[1] == 0, statuses)
                self.assertIn(statuses[1], (0, 1))


class Edit(PostconfCase):
    def test_every_way_to_edit(self):
        for arguments in EDITS:
            with self.subTest(arguments=arguments):
                results = []
                for which in (0, 1):
                    write_files(self.folder, EDITED_MAIN + "\n", MASTER)
                    outcome = self.postconfs.run(which, self.folder, arguments)
                    results.append([outcome.status, outcome.messages, outcome.output] + read_files(self.folder))
                self.assertEqual(results[0], results[1])
                self.assertEqual(sorted(os.listdir(self.folder)), ["main.cf", "master.cf"])

    def test_forms_survive_an_edit(self):
        for path in FORMS:
            with self.subTest(file=os.path.basename(path)):
                with open(path, "rb") as file:
                    form = file.read()
                if b"\0" in form:
                    continue  # Postfix drops what follows in that line, the next line's start included
                for arguments in (["-e", "myhostname = edited.example.com"], ["-#", "mynetworks"], ["-X", "relayhost"]):
                    results = []
                    for which in (0, 1):
                        # Postfix 3.7 glues what it appends to a last line without its line feed
                        write_files(self.folder, form if form.endswith(b"\n") else form + b"\n")
                        results.append([self.postconfs.run(which, self.folder, arguments).status] + read_files(self.folder))
                    self.assertEqual(results[0], results[1], arguments)


class Files(unittest.TestCase):
    """What happens to the file itself."""

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="waypost-postconf-")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        write_files(self.folder, "a = 1\n")
        self.main = os.path.join(self.folder, "main.cf")

    def edit(self, *arguments):
        return subprocess.run([program("postconf"), "-c", self.folder] + list(arguments), capture_output=True, text=True, timeout=20)

    def content(self):
        return read_files(self.folder)[0]

    def test_mode_and_owner_stay(self):
        os.chmod(self.main, 0o640)
        if os.geteuid() == 0:
            os.chown(self.main, 1, 2)
        before = os.stat(self.main)
        self.assertEqual(self.edit("-e", "b=2").returncode, 0)
        after = os.stat(self.main)
        self.assertNotEqual(before.st_ino, after.st_ino)
        self.assertEqual((stat.S_IMODE(after.st_mode), after.st_uid, after.st_gid), (0o640, before.st_uid, before.st_gid))
        self.assertEqual(self.content(), "a = 1\nb = 2\n")

    def test_an_edit_that_changes_nothing_leaves_the_file_alone(self):
        before = os.stat(self.main)
        self.assertEqual(self.edit("-e", "a=1").returncode, 0)
        after = os.stat(self.main)
        self.assertEqual((before.st_ino, before.st_mtime_ns), (after.st_ino, after.st_mtime_ns))

    def test_a_refused_edit_leaves_the_file_alone(self):
        before = os.stat(self.main)
        self.assertEqual(self.edit("-e", "b=2", "nonsense").returncode, 1)
        self.assertEqual(before.st_ino, os.stat(self.main).st_ino)
        self.assertEqual(sorted(os.listdir(self.folder)), ["main.cf", "master.cf"])

    def test_a_link_stays_a_link(self):
        real = os.path.join(self.folder, "real.cf")
        os.rename(self.main, real)
        os.symlink("real.cf", self.main)
        self.assertEqual(self.edit("-e", "b=2").returncode, 0)
        self.assertTrue(os.path.islink(self.main))
        self.assertEqual(self.content(), "a = 1\nb = 2\n")

    def test_what_a_crash_left_is_not_written_through(self):
        # the rename went to disk half: both names are the one file
        os.link(self.main, self.main + ".tmp")
        self.assertEqual(self.edit("-e", "b=2").returncode, 0)
        self.assertEqual(self.content(), "a = 1\nb = 2\n")
        self.assertFalse(os.path.exists(self.main + ".tmp"))

    def test_edits_at_once_are_all_there_afterwards(self):
        children = [subprocess.Popen([program("postconf"), "-c", self.folder, "-e", "p%02d=%d" % (n, n)]) for n in range(20)]
        self.assertEqual([child.wait(30) for child in children], [0] * 20)
        lines = self.content().splitlines()
        self.assertEqual(sorted(lines), ["a = 1"] + ["p%02d = %d" % (n, n) for n in range(20)])

    def test_a_folder_that_cannot_be_written_is_told(self):
        os.symlink("/nonexistent/x", self.main + ".tmp")
        done = self.edit("-e", "b=2")
        self.assertEqual(done.returncode, 1)
        self.assertIn("fatal: open %s.tmp: " % os.path.realpath(self.main), done.stderr)
        self.assertEqual(self.content(), "a = 1\n")


class Kinds(unittest.TestCase):
    """What this build has is its own."""

    def lines(self, *arguments):
        done = subprocess.run([program("postconf")] + list(arguments), capture_output=True, text=True, timeout=20)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout.splitlines()

    def test_table_types_are_those_that_postmap_can_ask(self):
        types = self.lines("-m")
        self.assertEqual(types, sorted(types))
        self.assertLessEqual({"cidr", "inline", "proxy", "static", "texthash"}, set(types))
        for table in ("inline:{a=b}", "static:b", "proxy:inline:{a=b}"):
            done = subprocess.run([program("postmap"), "-q", "a", table], capture_output=True, text=True, timeout=20)
            self.assertEqual((done.returncode, done.stdout), (0, "b\n"), table)

    def test_sasl_types_and_versions(self):
        self.assertEqual(self.lines("-a"), ["dovecot", "waypost"])
        self.assertEqual(self.lines("-A"), ["cyrus"])
        for topic in ("compile-version", "run-version"):
            self.assertTrue(self.lines("-T", topic)[0].startswith("OpenSSL "), topic)


if __name__ == "__main__":
    unittest.main()
