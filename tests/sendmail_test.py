"""sendmail(1): how scripts and programs of this machine submit, as any user, also while the relay is down."""
import os
import shutil
import unittest

from harness import RelayCase, postfix
from harness.paths import ON_POSTFIX
from harness.process import run

MESSAGE = "From: Script <script@example.com>\nTo: one@example.org\nCc: two@example.org\nBcc: three@example.org\nSubject: from a script\n\nhello\n"


class SendmailCase(RelayCase):
    def submitting_relay(self, main=None, **options):
        self.provider = self.sink()
        relay = self.relay(main, sink=self.provider, **options)
        return relay


class AsRoot(SendmailCase):
    def test_recipients_on_the_command_line(self):
        relay = self.submitting_relay()
        result = relay.run("sendmail", "-f", "sender@example.com", "a@example.org", "b@example.org", input="Subject: x\n\nhello\n")
        self.assertEqual((result.returncode, result.stdout, result.stderr), (0, "", ""))
        received = self.provider.wait_messages(1)[0]
        self.assertEqual(received.sender, "sender@example.com")
        self.assertEqual(sorted(received.recipients), ["a@example.org", "b@example.org"])
        self.assertEqual(received.body, b"hello\r\n")
        relay.log.wait_for(r"postfix/pickup\[\d+\]: ([0-9A-F]+): uid=0 from=<sender@example\.com>")

    def test_missing_headers_are_added(self):
        relay = self.submitting_relay()
        relay.run("sendmail", "a@example.org", input="Subject: bare\n\nhello\n")
        message = self.provider.wait_messages(1)[0].message
        self.assertIn("root@example.com", str(message["From"]))
        self.assertRegex(message["Message-Id"], r"^<\d{14}\.[0-9A-F]+@relay\.example\.com>$")
        self.assertTrue(message["Date"])
        self.assertRegex(str(message["Received"]), r"by relay\.example\.com \(Postfix, from userid 0\)\s+id [0-9A-F]+;")

    def test_recipients_from_the_header_and_bcc_is_removed(self):
        relay = self.submitting_relay()
        self.assertEqual(relay.run("sendmail", "-t", "-i", input=MESSAGE).returncode, 0)
        received = self.provider.wait_messages(1)[0]
        self.assertEqual(sorted(received.recipients), ["one@example.org", "three@example.org", "two@example.org"])
        self.assertNotIn(b"three@example.org", received.content)
        self.assertEqual(received.sender, "root@example.com")

    def test_a_dot_line_ends_input_unless_told_otherwise(self):
        relay = self.submitting_relay()
        text = "Subject: x\n\nbefore\n.\nafter\n"
        relay.run("sendmail", "a@example.org", input=text)
        self.assertEqual(self.provider.wait_messages(1)[0].body, b"before\r\n")
        for option in ("-i", "-oi"):
            relay.run("sendmail", option, "a@example.org", input=text)
        self.assertEqual([m.body for m in self.provider.wait_messages(3)[1:]], [b"before\r\n.\r\nafter\r\n"] * 2)

    def smtp(self, relay, *commands):
        """The first word of each reply of sendmail -bs, the greeting's first."""
        result = relay.run("sendmail", "-bs", input="\r\n".join(commands) + "\r\n")
        self.assertEqual(result.returncode, 0, result.stderr)
        return [line.split()[0] for line in result.stdout.splitlines() if line and line[3:4] != "-"], result.stdout

    def test_smtp_on_standard_input(self):
        relay = self.submitting_relay()
        codes, said = self.smtp(relay, "EHLO program.example", "MAIL FROM:<s@example.net> BODY=8BITMIME", 'RCPT TO:<"a b"@example.org>', "RCPT TO:<bad",
                                "RCPT TO:<b@example.org>", "DATA", "Subject: one", "", "..d\u00f6t", ".", "MAIL FROM:<>", "RCPT TO:<c@example.org>", "DATA", "Subject: two\n\nunix lines\n.", "STARTTLS", "NOSUCH", "QUIT")
        self.assertEqual(codes, ["220", "250", "250", "250", "501", "250", "354", "250", "250", "250", "354", "250", "502", "500", "221"])
        self.assertRegex(said, r"\n250 2\.0\.0 Ok: queued as [0-9A-F]+\n")
        one, two = sorted(self.provider.wait_messages(2), key=lambda m: m.sender, reverse=True)
        self.assertEqual((one.sender, sorted(one.recipients), one.body), ("s@example.net", ['"a b"@example.org', "b@example.org"], ".d\u00f6t\r\n".encode()))
        self.assertIn("BODY=8BITMIME", one.mail_parameters)
        self.assertEqual((two.sender, two.recipients, two.body), ("", ["c@example.org"], b"unix lines\r\n"))
        relay.log.wait_for(r"postfix/pickup\[\d+\]: ([0-9A-F]+): uid=0 from=<s@example\.net>")

    def test_smtp_on_standard_input_that_ends_early_submits_nothing(self):
        relay = self.submitting_relay({"message_size_limit": "2000"})
        begin = ("EHLO x", "MAIL FROM:<s@example.net>", "RCPT TO:<a@example.org>", "DATA", "Subject: x", "")
        self.assertEqual(self.smtp(relay, *begin, "cut")[0], ["220", "250", "250", "250", "354"])
        self.assertEqual(self.smtp(relay, *begin, *["x" * 70] * 40, ".", "QUIT")[0], ["220", "250", "250", "250", "354", "552", "221"])
        self.assertEqual(self.smtp(relay, *begin, "whole", ".", "QUIT")[0], ["220", "250", "250", "250", "354", "250", "221"])
        self.assertEqual([m.body for m in self.provider.wait_messages(1)], [b"whole\r\n"])
        relay.wait_queue(0)
        self.assertEqual(len(self.provider.messages()), 1)

    def test_null_sender(self):
        relay = self.submitting_relay()
        relay.run("sendmail", "-f", "<>", "a@example.org", input="Subject: x\n\nx\n")
        self.assertEqual(self.provider.wait_messages(1)[0].sender, "")

    def test_no_recipients_is_an_error(self):
        relay = self.submitting_relay()
        result = relay.run("sendmail", "-t", input="Subject: x\n\nx\n")
        self.assertEqual(result.returncode, 75)
        self.assertIn("No recipient addresses found in message header", result.stderr)

    def test_mail_is_kept_while_the_relay_is_down(self):
        relay = self.submitting_relay()
        relay.stop()
        self.assertEqual(relay.run("sendmail", "-t", input=MESSAGE).returncode, 0)
        self.assertEqual(self.provider.stats()["messages"], 0)
        relay.start()
        self.assertEqual(len(self.provider.wait_messages(1)[0].recipients), 3)

    def test_crlf_input_is_understood(self):
        relay = self.submitting_relay()
        relay.run("sendmail", "-t", "-i", input=MESSAGE.replace("\n", "\r\n"))
        self.assertEqual(self.provider.wait_messages(1)[0].body, b"hello\r\n")


class AsOrdinaryUser(SendmailCase):
    USER = "nobody"

    def setUp(self):
        super().setUp()
        if os.geteuid() != 0:
            self.skipTest("needs root to become somebody else")
        if ON_POSTFIX:
            self.skipTest("postdrop of an unpacked tree is not set-gid")

    def as_user(self, relay, command, *arguments, input=None):
        environment = dict(relay.environment(), HOME="/nonexistent", USER=self.USER, LOGNAME=self.USER)
        return run(["setpriv", "--reuid", self.USER, "--regid", "nogroup", "--clear-groups", relay.program(command), *arguments], input=input, env=environment, cwd="/")

    def test_submission_with_the_relay_up_and_down(self):
        relay = self.submitting_relay()
        self.assertEqual(self.as_user(relay, "sendmail", "-t", "-i", input=MESSAGE).returncode, 0)
        self.provider.wait_messages(1)
        relay.log.wait_for(r"postfix/pickup\[\d+\]: [0-9A-F]+: uid=65534 from=<nobody>")
        relay.stop()
        result = self.as_user(relay, "sendmail", "-f", "own@example.com", "x@example.org", input="Subject: down\n\nx\n")
        self.assertEqual(result.returncode, 0, result.stderr)
        relay.start()
        self.assertEqual(self.provider.wait_messages(2)[1].sender, "own@example.com")

    def test_mail_command_of_bsd_mailx(self):
        mail = shutil.which("bsd-mailx") or self.unpacked_mailx()
        relay = self.submitting_relay()
        environment = dict(relay.environment(), HOME="/nonexistent", USER=self.USER, LOGNAME=self.USER)
        rc = os.path.join(self.folder, "mail.rc")
        with open(rc, "w") as f:
            f.write("set sendmail=%s\n" % self.reachable(relay.program("sendmail")))
        environment["MAILRC"] = rc
        result = run(["setpriv", "--reuid", self.USER, "--regid", "nogroup", "--clear-groups", mail, "-s", "Relay Test", "test@yourdomain.example"], input="Test relay message\n",
                     env=environment, cwd="/")
        self.assertEqual(result.returncode, 0, result.stderr)
        received = self.provider.wait_messages(1)[0]
        self.assertEqual(received.message["Subject"], "Relay Test")
        self.assertEqual(received.recipients, ["test@yourdomain.example"])
        self.assertEqual(received.body, b"Test relay message\r\n")

    def reachable(self, program):
        """The program where every user can run it: a checkout may be in a folder that is its owner's alone."""
        if self.engine == "postfix":
            return program
        copy = os.path.join(self.folder, "sendmail")
        shutil.copy(os.path.realpath(program), copy)
        os.chmod(copy, 0o755)
        return copy

    def unpacked_mailx(self):
        try:
            postfix.unpack("liblockfile1")
            return os.path.join(postfix.unpack("bsd-mailx"), "usr/bin/bsd-mailx")
        except postfix.Unavailable as error:
            self.skipTest(str(error))

    def test_ordinary_user_cannot_read_the_drop_folder_or_spool(self):
        relay = self.submitting_relay()
        relay.stop()
        self.as_user(relay, "sendmail", "a@example.org", input="Subject: secret\n\nsecret\n")
        for folder, _, files in os.walk(relay.queue):
            for name in files:
                path = os.path.join(folder, name)
                if name == "master.pid":
                    continue
                result = run(["setpriv", "--reuid", "daemon", "--regid", "nogroup", "--clear-groups", "cat", path])
                owner = os.stat(path).st_uid
                if owner != 1:  # files of the mail owner are his to read
                    self.assertNotIn("secret", result.stdout, path)


if __name__ == "__main__":
    unittest.main()
