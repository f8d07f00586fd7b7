"""smtp-source and smtp-sink themselves: what they report must be so, or nothing that rests on them is proven."""
import time
import unittest

from harness import Dialogue, RelayCase, run_source
from harness.smtp import b64


def ledger(path):
    """Its lines without their times, sorted."""
    with open(path) as f:
        return sorted(line.split(" ", 1)[1] for line in f.read().splitlines())


class LoadTools(RelayCase):
    def test_ledgers_agree_when_nothing_stands_between(self):
        sink = self.sink(store=False, ledger=self.folder + "/received", cert=self.certificate(), auth="user:pass:word")
        for run, options in {"plain": [], "pipelined": ["--pipelining", "--recipients", 3, "--domains", 4], "unique": ["--unique", "-s", "100-30000"],
                             "tls": ["--tls", "starttls", "--auth", "user:pass:word", "--mechanism", "CRAM-MD5", "-m", 3],
                             "login": ["--auth", "user:pass:word", "--mechanism", "LOGIN"]}.items():
            report = run_source(sink.port, "-c", 4, "-n", 60, "--run", run, "--ledger", self.folder + "/sent", *options)
            self.assertEqual((report["exit"], report["accepted"], report["errors"]), (0, 60, {}), run)
        self.assertEqual(ledger(self.folder + "/sent"), ledger(self.folder + "/received"))

    def test_received_lines_do_not_change_the_digest_but_everything_else_does(self):
        sink = self.sink(store=False, ledger=self.folder + "/received")
        header = "X-Seq: r-%010d-1\r\nSubject: x\r\n\r\n"
        bodies = ("Received: a\r\n\tb\r\n" + header % 1 + "text\r\n", header % 2 + "text\r\n", header % 1 + "text\r\n", header % 1 + "text \r\n")
        with Dialogue(sink.port) as client:
            client.ehlo()
            for content in bodies:
                self.assertReply(client.message(content=content), 250)
        with open(self.folder + "/received") as f:
            digests = [line.split(" ")[4] for line in f]
        self.assertEqual(digests[0], digests[2])
        self.assertEqual(len(set(digests)), 3)

    def test_lost_and_repeated_messages_are_counted(self):
        sink = self.sink(store=False)
        with Dialogue(sink.port) as client:
            client.ehlo()
            for seq in (0, 1, 1, 3):
                client.message(content="X-Seq: run-%010d-1\r\n\r\nx\r\n" % seq)
        stats = sink.stats()
        self.assertEqual((stats["messages"], stats["unique"], stats["duplicates"]), (4, 3, 1))
        self.assertEqual(sink.control("missing 5"), "2 4")

    def test_message_whose_answer_never_came_is_of_unknown_fate(self):
        sink = self.sink(store=False, rules=["eod#1=close"])
        report = run_source(sink.port, "-n", 3, "--run", "r", "--ledger", self.folder + "/sent", "--no-resend")
        self.assertEqual((report["accepted"], report["unknown"]), (2, 1))
        self.assertEqual([line.split()[0] for line in ledger(self.folder + "/sent")], ["accepted", "accepted", "unknown"])

    def test_rules_are_obeyed(self):
        sink = self.sink(rules=["rcpt/bad*@*=550 5.1.1 no", "mail/slow@*=delay 300", "rset#1=450 4.0.0 once", "quit=421 4.0.0 two\\nlines"])
        with Dialogue(sink.port) as client:
            client.ehlo()
            self.assertReply(client.envelope("a@x", "good@y"), 250)
            self.assertReply(client.command("RCPT TO:<bad1@y>"), 550)
            self.assertReply(client.command("RSET"), 450)
            self.assertReply(client.command("RSET"), 250)
            start = time.monotonic()
            self.assertReply(client.command("MAIL FROM:<slow@x>"), 250)
            self.assertGreater(time.monotonic() - start, 0.25)
        sink.no_rules()
        sink.rule("ehlo=endless")
        with Dialogue(sink.port) as client:
            client.send("EHLO x\r\n")
            self.assertEqual({client.line()[:4] for _ in range(10000)}, {b"250-"})
        sink.no_rules()
        sink.rule("ehlo=silence")
        with Dialogue(sink.port, timeout=0.5) as client:
            with self.assertRaises(TimeoutError):
                client.command("EHLO x")
        with Dialogue(sink.port) as client:
            self.assertReply(client.command("NOOP"), 250)

    def test_wrong_password_is_refused_by_each_mechanism(self):
        sink = self.sink(auth="user:right")
        for mechanism in ("PLAIN", "LOGIN", "CRAM-MD5"):
            report = run_source(sink.port, "-n", 1, "--auth", "user:wrong", "--mechanism", mechanism, "--max-errors", 1, "--retry-ms", 1)
            self.assertEqual((report["accepted"], report["exit"]), (0, 1))
        with Dialogue(sink.port) as client:
            client.ehlo()
            self.assertReply(client.command("AUTH PLAIN " + b64("\0user\0right")), 235)

    def test_sessions_over_the_limit_are_refused(self):
        sink = self.sink(max_sessions=2)
        clients = [Dialogue(sink.port) for _ in range(2)]
        with Dialogue(sink.port) as third:
            self.assertReply(third.greeting, 421)
        for client in clients:
            client.close()

    def test_rate_is_kept(self):
        sink = self.sink(store=False)
        report = run_source(sink.port, "-c", 5, "-n", 50, "--rate", 50)
        self.assertLess(abs(report["seconds"] - 1.0), 0.3)


if __name__ == "__main__":
    unittest.main()
