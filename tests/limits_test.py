"""Limits and defences of the SMTP server against clients that are large, slow, sloppy or hostile."""
import threading
import time
import unittest

from harness import Dialogue, RelayCase, run_source
from harness.case import waypost_only
from harness.process import resident_kib

HEADER = "Date: Mon, 06 Jan 2025 10:00:00 +0000\r\nFrom: a@example.net\r\nMessage-ID: <1@example.net>\r\nSubject: x\r\n\r\n"


class Sizes(RelayCase):
    def test_announced_size_over_the_limit_is_refused_at_mail(self):
        relay = self.relay({"message_size_limit": "50000"}, sink=self.sink())
        with Dialogue(relay.port) as client:
            self.assertEqual(client.ehlo()["SIZE"], "50000")
            self.assertReply(client.command("MAIL FROM:<a@example.net> SIZE=50001"), 552, "5.3.4 Message size exceeds fixed limit")
            client.command("RSET")
            self.assertReply(client.command("MAIL FROM:<a@example.net> SIZE=40000"), 250)

    def test_content_over_the_limit_is_refused_after_the_final_dot(self):
        sink = self.sink()
        relay = self.relay({"message_size_limit": "50000"}, sink=sink)
        with Dialogue(relay.port) as client:
            client.ehlo()
            client.envelope("a@example.net", "rcpt@example.org")
            self.assertReply(client.content(HEADER + ("x" * 70 + "\r\n") * 1000), 552, "5.3.4 Error: message file too big")
            self.assertReply(client.message(content=HEADER + "small\r\n"), 250)
        self.assertEqual(sink.wait_messages(1)[0].body, b"small\r\n")

    def test_more_recipients_than_the_limit_are_deferred(self):
        sink = self.sink()
        relay = self.relay({"smtpd_recipient_limit": "5"}, sink=sink)
        with Dialogue(relay.port) as client:
            client.ehlo()
            self.assertReply(client.envelope("a@example.net", *["r%d@example.org" % i for i in range(5)]), 250)
            self.assertReply(client.command("RCPT TO:<r5@example.org>"), 452, "4.5.3 Error: too many recipients")
            self.assertReply(client.content(), 250)
        self.assertEqual(len(sink.wait_messages(1)[0].recipients), 5)

    def test_overlong_command_line_does_not_upset_the_order_of_replies(self):
        relay = self.relay(sink=self.sink())
        with Dialogue(relay.port) as client:
            client.ehlo()
            self.assertRegex(client.command("NOOP " + "x" * 3000), "^(250|500)")
            self.assertReply(client.command("MAIL FROM:<a@example.net>"), 250, "2.1.0")

    def test_endless_command_line_is_cut_off_or_skipped(self):
        relay = self.relay(sink=self.sink())
        with Dialogue(relay.port) as client:
            client.ehlo()
            self.assertRegex(client.command("NOOP " + "x" * 1000000), "^(250|500|$)")
            self.assertRegex(client.command("MAIL FROM:<a@example.net>"), "^(250 2.1.0|$)")
        relay.submit()

    def test_overlong_content_lines_do_not_lose_bytes(self):
        sink = self.sink()
        relay = self.relay({"smtp_line_length_limit": "0"}, sink=sink)
        line = "y" * 60000
        relay.submit(content=HEADER + line + "\r\n")
        self.assertEqual(sink.wait_messages(1)[0].body, line.encode() + b"\r\n")


class Errors(RelayCase):
    def test_too_many_errors_end_the_session(self):
        relay = self.relay({"smtpd_hard_error_limit": "4", "smtpd_error_sleep_time": "0"}, sink=self.sink())
        with Dialogue(relay.port) as client:
            client.ehlo()
            answers = [client.command("FROBNICATE") for _ in range(5)]
            self.assertReply(answers[0], 500, "5.5.2 Error: command not recognized")
            self.assertIn("421 4.7.0 relay.example.com Error: too many errors", answers)
        relay.log.wait_for(r"too many errors after UNKNOWN from \S+\[127\.0\.0\.1\]")

    def test_commands_out_of_order_are_refused(self):
        relay = self.relay({"smtpd_hard_error_limit": "100", "smtpd_soft_error_limit": "100", "smtpd_helo_required": "yes"}, sink=self.sink())
        with Dialogue(relay.port) as client:
            self.assertReply(client.command("MAIL FROM:<a@example.net>"), 503, "5.5.1 Error: send HELO/EHLO first")
            client.ehlo()
            self.assertReply(client.command("RCPT TO:<b@example.org>"), 503, "5.5.1 Error: need MAIL command")
            self.assertReply(client.command("DATA"), 503, "5.5.1 Error: need RCPT command")
            self.assertReply(client.command("MAIL FROM:<a@example.net>"), 250, "2.1.0 Ok")
            self.assertReply(client.command("MAIL FROM:<a@example.net>"), 503, "5.5.1 Error: nested MAIL command")
            self.assertReply(client.command("RSET"), 250, "2.0.0 Ok")
            self.assertReply(client.command("MAIL FROM"), 501, "5.5.4 Syntax: MAIL FROM:<address>")
            self.assertReply(client.command("MAIL FROM:<a@example.net> FROB=1"), 555, "5.5.4 Unsupported option: FROB=1")
            self.assertReply(client.command("STARTTLS"), 5)
            self.assertReply(client.command("QUIT"), 221, "2.0.0 Bye")

    def test_non_smtp_command_is_hung_up_on(self):
        relay = self.relay(sink=self.sink())
        with Dialogue(relay.port) as client:
            self.assertReply(client.command("GET / HTTP/1.1"), 221, "2.7.0 Error: I can break rules, too. Goodbye.")
            self.assertTrue(client.closed())
        relay.log.wait_for(r"warning: non-SMTP command from \S+\[127\.0\.0\.1\]: GET / HTTP/1\.1")

    def test_silent_client_is_timed_out(self):
        relay = self.relay({"smtpd_timeout": "2s"}, sink=self.sink())
        with Dialogue(relay.port) as client:
            client.ehlo()
            start = time.monotonic()
            self.assertReply(client.reply(), 421, "4.4.2 relay.example.com Error: timeout exceeded")
            self.assertLess(abs(time.monotonic() - start - 2), 1.5)
        relay.log.wait_for(r"timeout after EHLO from \S+\[127\.0\.0\.1\]")

    def test_client_that_trickles_its_command_is_timed_out(self):
        relay = self.relay({"smtpd_timeout": "2s", "smtpd_per_request_deadline": "yes"}, sink=self.sink())
        with Dialogue(relay.port) as client:
            start = time.monotonic()
            try:
                for letter in "NOOP                                        ":
                    client.send(letter)
                    time.sleep(0.2)
            except OSError:
                pass
            self.assertLess(time.monotonic() - start, 12)
        relay.log.wait_for(r"(timeout|lost connection) after CONNECT from")

    def test_lost_connection_inside_a_message_leaves_nothing_behind(self):
        sink = self.sink()
        relay = self.relay(sink=sink)
        with Dialogue(relay.port) as client:
            client.ehlo()
            client.envelope("a@example.net", "rcpt@example.org")
            client.command("DATA")
            client.send(HEADER + "half a mess")
        relay.log.wait_for(r"lost connection after DATA \(\d+ bytes\) from \S+\[127\.0\.0\.1\]")
        self.assertEqual(relay.queue_json(), [])
        self.assertEqual(sink.stats()["messages"], 0)


class Pipelining(RelayCase):
    def test_a_pipelined_group_is_answered_in_order(self):
        sink = self.sink()
        relay = self.relay(sink=sink)
        with Dialogue(relay.port) as client:
            self.assertIn("PIPELINING", client.ehlo())
            client.send("MAIL FROM:<a@example.net>\r\nRCPT TO:<b@example.org>\r\nRCPT TO:<not an address>\r\nDATA\r\n")
            self.assertEqual([client.reply()[:3] for _ in range(4)], ["250", "250", "501", "354"])
            client.send(HEADER + "x\r\n.\r\nRSET\r\nQUIT\r\n")
            self.assertEqual([client.reply()[:3] for _ in range(3)], ["250", "250", "221"])
        sink.wait_messages(1)

    def test_smtp_source_with_pipelining(self):
        sink = self.sink(store=False)
        relay = self.relay({"smtpd_client_connection_count_limit": "0"}, sink=sink)
        report = run_source(relay.port, "-c", 10, "-n", 200, "--pipelining", "--recipients", 3)
        self.assertEqual((report["accepted"], report["errors"]), (200, {}))
        self.assertEqual(sink.control("wait 200 20000")["unique"], 200)

    @waypost_only("a defence of Postfix 3.9")
    def test_client_that_talks_before_the_greeting_is_refused(self):
        relay = self.relay({"smtpd_forbid_unauth_pipelining": "yes"}, sink=self.sink())
        with Dialogue(relay.port, greet=False) as client:
            client.send("EHLO client.example\r\nMAIL FROM:<a@example.net>\r\nRCPT TO:<b@example.org>\r\n")
            answers = [client.reply(), client.reply(), client.reply()]
            self.assertTrue(any(answer.startswith("554 5.5.0 Error: SMTP protocol synchronization") for answer in answers), answers)
        relay.log.wait_for(r"improper command pipelining after \S+ from \S+\[127\.0\.0\.1\]")

    def test_commands_sent_with_starttls_do_not_count(self):
        certificate = self.certificate("relay.example.com")
        relay = self.relay({"smtpd_tls_security_level": "may", "smtpd_tls_cert_file": certificate.certificate, "smtpd_tls_key_file": certificate.key}, sink=self.sink())
        with Dialogue(relay.port) as client:
            client.ehlo()
            client.send("STARTTLS\r\nRSET\r\n")
            answer = client.reply()
            if answer.startswith("220"):
                client.wrap()
                client.send("NOOP\r\n")
                self.assertReply(client.reply(), 250)
                client.send("QUIT\r\n")
                self.assertReply(client.reply(), 221)
            else:
                self.assertReply(answer, 5)


class Smuggling(RelayCase):
    """Only <CR><LF>.<CR><LF> may end a message, for us and for whoever gets it from us."""

    ENDINGS = {"lf dot lf": b"\n.\n", "lf dot crlf": b"\n.\r\n", "crlf dot lf": b"\r\n.\n", "cr dot cr": b"\r.\r", "crlf dot cr": b"\r\n.\r", "cr dot crlf": b"\r.\r\n"}

    def send(self, relay, ending):
        with Dialogue(relay.port) as client:
            client.ehlo()
            client.envelope("a@example.net", "rcpt@example.org")
            client.command("DATA")
            client.send(HEADER.encode() + b"before" + ending + b"MAIL FROM:<evil@example.net>\r\nRCPT TO:<victim@example.org>\r\nDATA\r\n" + HEADER.encode() +
                        b"smuggled\r\n.\r\n")
            return client.reply()

    @waypost_only("the default since Postfix 3.9")
    def test_no_other_ending_smuggles_a_message_in_or_out(self):
        sink = self.sink()
        relay = self.relay(sink=sink)
        accepted = 0
        for name, ending in self.ENDINGS.items():
            answer = self.send(relay, ending)
            self.assertTrue(answer.startswith("250") or answer.startswith("5"), "%s: %s" % (name, answer))
            accepted += answer.startswith("250")
        received = sink.wait_messages(accepted) if accepted else []
        for message in received:
            self.assertEqual(message.recipients, ["rcpt@example.org"])
            content = message.content
            self.assertNotIn(b"\n", content.replace(b"\r\n", b""), "bare LF on the way out")
            self.assertNotIn(b"\r", content.replace(b"\r\n", b""), "bare CR on the way out")
        self.assertEqual(sink.stats()["messages"], accepted)

    @waypost_only("a parameter of Postfix 3.9")
    def test_reject_mode_refuses_bare_line_feeds(self):
        relay = self.relay({"smtpd_forbid_bare_newline": "reject", "smtpd_forbid_bare_newline_exclusions": ""}, sink=self.sink())
        with Dialogue(relay.port) as client:
            client.ehlo()
            client.envelope("a@example.net", "rcpt@example.org")
            client.command("DATA")
            client.send(HEADER.encode() + b"one\ntwo\r\n.\r\n")
            self.assertReply(client.reply(), 550, "5.5.2", "bare <LF> received")


class Connections(RelayCase):
    time_limit = 120

    def test_connections_over_the_limit_of_one_client_get_421(self):
        relay = self.relay({"smtpd_client_connection_count_limit": "3", "smtpd_client_event_limit_exceptions": ""}, sink=self.sink())
        clients = [Dialogue(relay.port) for _ in range(3)]
        for client in clients:
            self.assertReply(client.greeting, 220)
        with Dialogue(relay.port) as fourth:
            self.assertReply(fourth.greeting, 421, "4.7.0 relay.example.com Error: too many connections from 127.0.0.1")
        relay.log.wait_for(r"warning: Connection concurrency limit exceeded: 4 from \S+\[127\.0\.0\.1\] for service ")
        for client in clients:
            client.close()

    @waypost_only("it serves with a process each")
    def test_two_thousand_idle_clients_are_all_greeted_and_cheap(self):
        relay = self.relay({"smtpd_client_connection_count_limit": "0", "default_process_limit": "2500"}, sink=self.sink())
        relay.submit()
        before = resident_kib(relay.child.pid)
        report = {}
        thread = threading.Thread(target=lambda: report.update(run_source(relay.port, "-c", 2000, "--idle", 4, "--timeout", 20)))
        thread.start()
        try:
            grown = 0
            while thread.is_alive():
                grown = max(grown, resident_kib(relay.child.pid) - before)
                time.sleep(0.2)
        finally:
            thread.join()
        self.assertEqual(report["held"], 2000, report["errors"])
        self.assertLessEqual(grown / 2000, 16, "KiB for an idle client")

    @waypost_only("it serves with a process each")
    def test_over_the_process_limit_clients_get_421(self):
        relay = self.relay({"smtpd_client_connection_count_limit": "0", "default_process_limit": "10"}, sink=self.sink())
        clients = [Dialogue(relay.port) for _ in range(10)]
        self.assertEqual([c.greeting[:3] for c in clients], ["220"] * 10)
        with Dialogue(relay.port) as one_more:
            self.assertReply(one_more.greeting, 421)
        for client in clients:
            client.close()
        relay.submit()


if __name__ == "__main__":
    unittest.main()
