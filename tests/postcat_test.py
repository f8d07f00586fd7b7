"""postcat: the same output as Postfix's for Postfix's files, and the same form for our own messages."""
import glob
import os
import re
import subprocess
import unittest

from harness import RelayCase, postfix
from harness.case import waypost_only
from harness.paths import BIN, ROOT
from harness.waiting import wait_until

SEEDS = os.path.join(ROOT, "fuzz/corpus/postfix_queue")
OPTIONS = ["", "-e", "-h", "-b", "-eh", "-hb", "-eb", "-o", "-d", "-v", "-vo", "-vr", "-od", "-oh", "-vdo", "-s AT", "-es AT"]


@waypost_only("it compares both")
class Postcat(RelayCase):
    def setUp(self):
        super().setUp()
        self.config = os.path.join(self.folder, "etc")
        os.makedirs(self.config)
        with open(self.config + "/main.cf", "w") as f:
            f.write("compatibility_level = 3.6\nqueue_directory = %s\n" % self.folder)
        open(self.config + "/master.cf", "w").close()

    def theirs(self, *arguments, **options):
        try:
            root = postfix.root()
        except postfix.Unavailable as error:
            self.skipTest(str(error))
        return self.call([root + "/usr/sbin/postcat", "-c", self.config, *arguments], postfix.environment(root), **options)

    def ours(self, *arguments, **options):
        return self.call([os.path.join(BIN, "postcat"), "-c", self.config, *arguments], os.environ, **options)

    def call(self, command, environment, stdin=os.devnull):
        with open(stdin, "rb") as data:
            result = subprocess.run(command, env=dict(environment, TZ="Europe/Vienna"), stdin=data, capture_output=True, timeout=30)
        return result.stdout, re.sub(rb"(?m)^[^:]*postcat: ", b"", result.stderr), result.returncode

    def test_prints_queue_files_as_postfix_does(self):
        compared = 0
        for path in sorted(glob.glob(SEEDS + "/*")):
            if path.endswith("defer_log"):
                continue
            at_sender = re.search(rb"(?m)^ *(\d+) sender: ", self.ours("-o", path)[0]).group(1).decode()
            for options in OPTIONS:
                arguments = [*options.replace("AT", at_sender).split(), path]
                ours, theirs = self.ours(*arguments), self.theirs(*arguments)
                self.assertEqual((ours[0], ours[2]), (theirs[0], theirs[2]), arguments)
                if "v" not in options and ours[2] == 0:  # with -v Postfix also tells of its own inner life
                    self.assertEqual(ours[1], theirs[1], arguments)
                compared += 1
        self.assertGreater(compared, 50)

    def test_says_what_is_wrong_as_postfix_does(self):
        broken = os.path.join(self.folder, "broken")
        with open(SEEDS + "/dsn", "rb") as f:
            data = f.read()
        for content in (data[:300], data[:-2], b"no queue file", b"", data.replace(b"M\0", b"E\0", 1), data.replace(b"X\0", b"M\0", 1)):
            with open(broken, "wb") as f:
                f.write(content)
            ours, theirs = self.ours(broken), self.theirs(broken)
            self.assertEqual(ours[2], theirs[2], content)
            self.assertTrue(ours[0].startswith(theirs[0]), content)  # Postfix loses what it had not written yet
        for arguments in (["/nonexistent/file"], ["-q", "a/b"], ["-q", "ABCDEF12345"], ["-s", "x", broken]):
            ours, theirs = self.ours(*arguments), self.theirs(*arguments)
            self.assertEqual((ours[0], ours[2]), (theirs[0], theirs[2]), arguments)
            self.assertTrue(ours[1].startswith(b"fatal: "), ours[1])

    def test_reads_standard_input(self):
        self.assertEqual(self.ours(stdin=SEEDS + "/null"), self.theirs(stdin=SEEDS + "/null"))

    def test_finds_postfix_files_by_id(self):
        for queue in ("hold", "deferred/A", "maildrop"):
            os.makedirs(os.path.join(self.folder, queue), exist_ok=True)
        with open(SEEDS + "/held", "rb") as f:
            data = f.read()
        for path in ("hold/BBCDE1234", "deferred/A/ABCDE1234", "maildrop/CBCDE1234"):
            with open(os.path.join(self.folder, path), "wb") as f:
                f.write(data)
            name = os.path.basename(path)
            self.assertEqual(self.ours("-q", name), self.theirs("-q", name))

    def test_shows_a_message_of_our_own(self):
        sink = self.sink(rules=["rcpt/later@example.org=450 4.2.0 later"])
        relay = self.relay(sink=sink)
        queue_id = relay.submit(None, "now@example.org", "later@example.org", content="Subject: shown\r\n\r\nits body\r\n")
        relay.wait_queue(1, "deferred")
        # What became of a delivery reaches the disk a moment after mailq knows it.
        wait_until(lambda: "done_recipient: " in relay.run("postcat", "-q", queue_id).stdout, what="the delivered recipient is marked")
        shown = relay.run("postcat", "-q", queue_id)
        self.assertEqual(shown.returncode, 0, shown.stderr)
        lines = shown.stdout.splitlines()
        self.assertEqual(lines[0], "*** ENVELOPE RECORDS deferred/%s ***" % queue_id)
        self.assertEqual(lines[-1], "*** MESSAGE FILE END deferred/%s ***" % queue_id)
        for line in ("sender: sender@example.net", "done_recipient: now@example.org", "recipient: later@example.org", "*** MESSAGE CONTENTS deferred/%s ***" % queue_id,
                     "Subject: shown", "its body", "named_attribute: log_client_address=127.0.0.1", "*** HEADER EXTRACTED deferred/%s ***" % queue_id):
            self.assertIn(line, lines)
        self.assertEqual(relay.run("postcat", "-bq", queue_id).stdout, "\nits body\n")
        self.assertTrue(relay.run("postcat", "-hq", queue_id).stdout.startswith("Received: from "))
        missing = relay.run("postcat", "-q", "ABCDEF12345")
        self.assertEqual((missing.returncode, missing.stderr), (1, "postcat: fatal: open queue file ABCDEF12345: No such file or directory\n"))


if __name__ == "__main__":
    unittest.main()
