"""Parameters of the sending half, each seen from outside: what a server gets, what the log says, what comes back."""
import email
import email.policy
import os
import quopri
import unittest

from harness import Dialogue, RelayCase
from harness.case import waypost_only
from harness.servers import Server
from harness.waiting import wait_until

PLACE = r"127\.0\.0\.1\[127\.0\.0\.1\]:%d"


class ClientCase(RelayCase):
    def server(self, *keywords, **options):
        server = Server(keywords, **options)
        self.addCleanup(server.end)
        return server

    def to(self, server, start=True, **settings):
        """A relay whose relayhost is `server`."""
        return self.relay(dict({"relayhost": "[127.0.0.1]:%d" % server.port}, **settings), start=start)

    def content(self, server, count=1):
        return wait_until(lambda: len(server.contents) >= count and server.contents[count - 1], 15, "content at the server")


class TlsPolicy(ClientCase):
    def with_policy(self, sink, entry, **settings):
        relay = self.relay(dict({"smtp_tls_CAfile": self.authority.file, "smtp_tls_loglevel": "1"}, **settings), sink=sink, start=False)
        path = relay.write_file("tls_policy", "[127.0.0.1]:%d %s\n" % (sink.port, entry))
        relay.main["smtp_tls_policy_maps"] = "texthash:" + path
        relay.write()
        return relay.start()

    def outcome(self, relay):
        relay.submit()
        return relay.log.wait_for(r"to=<rcpt@example\.org>, .*status=\w+ .*").group(0)

    def test_an_entry_asks_for_more_than_main_cf(self):
        relay = self.with_policy(self.sink(), "encrypt", smtp_tls_security_level="may")
        self.assertRegex(self.outcome(relay), r"dsn=4\.7\.4, status=deferred \(TLS is required, but was not offered by host")

    def test_an_entry_asks_for_less_than_main_cf(self):
        sink = self.sink()
        relay = self.with_policy(sink, "none", smtp_tls_security_level="encrypt")
        self.assertIn("status=sent", self.outcome(relay))
        self.assertFalse(sink.messages()[0].tls)

    def test_match_and_protocols_of_an_entry(self):
        sink = self.sink(cert=self.certificate("mx.provider.example"))
        relay = self.with_policy(sink, "secure match=.provider.example protocols=TLSv1.2 ciphers=high")
        self.assertIn("status=sent", self.outcome(relay))
        relay.log.wait_for("Verified TLS connection established to " + PLACE % sink.port + r": TLSv1\.2 with cipher")

    def test_trust_anchors_of_an_entry(self):
        sink = self.sink(cert=self.certificate("127.0.0.1"))
        relay = self.with_policy(sink, "verify match=127.0.0.1 tafile=" + self.authority.file, smtp_tls_CAfile="")
        self.assertRegex(self.outcome(relay), r"status=(sent|deferred \(Server certificate not verified\))")
        self.assertNotIn("not trusted", relay.log.text())

    def test_a_malformed_entry_defers(self):
        sink = self.sink()
        for name, entry in (("level", "always"), ("attribute", "encrypt cipher=high"), ("place", "encrypt match=x")):
            with self.subTest(name):
                relay = self.relay({}, sink=sink, start=False, name="relay-" + name)
                path = relay.write_file("tls_policy", "[127.0.0.1]:%d %s\n" % (sink.port, entry))
                relay.main["smtp_tls_policy_maps"] = "texthash:" + path
                relay.write()
                relay.start()
                self.assertRegex(self.outcome(relay), r"relay=none, .*dsn=4\.7\.5, status=deferred \(client TLS configuration problem\)")
                relay.log.wait_for(r"warning: smtp_tls_policy_maps, next-hop destination \"\[127\.0\.0\.1\]:%d\": " % sink.port)
                relay.end()
        self.assertEqual(sink.stats()["messages"], 0)

    def test_a_table_that_fails_defers(self):
        sink = self.sink()
        relay = self.relay({"smtp_tls_policy_maps": "texthash:/nonexistent/policy"}, sink=sink)
        self.assertRegex(self.outcome(relay), r"dsn=4\.7\.5, status=deferred \(client TLS configuration problem\)")

    @waypost_only("it still has it")
    def test_the_obsolete_table_is_refused(self):
        relay = self.relay({"smtp_tls_per_site": "texthash:/etc/tls_per_site"}, start=False)
        result = relay.postfix("check")
        self.assertNotEqual(result.returncode, 0)
        self.assertIn("smtp_tls_per_site is obsolete and not supported; use smtp_tls_policy_maps", result.stderr + relay.log.text())

    @waypost_only("3.7 has no such field")
    def test_the_status_of_tls_is_logged_where_it_is_asked_for(self):
        relay = self.relay({"smtp_tls_security_level": "may", "smtp_log_tls_feature_status": "yes"}, sink=self.sink())
        self.assertRegex(self.outcome(relay), r"delays=[\d./]+, tls=may:none, dsn=2\.0\.0, status=sent")


class Lmtp(ClientCase):
    def outcomes(self, relay, *recipients):
        return [relay.log.wait_for(r"postfix/lmtp\[\d+\]: [0-9A-F]+: to=<%s>, .*status=\w+ .*" % r).group(0) for r in recipients]

    def test_each_recipient_has_its_own_fate(self):
        server = self.server("PIPELINING", finals=["250 2.1.5 saved", "552 5.2.2 full", "451 4.3.0 later"])
        relay = self.relay({"default_transport": "lmtp:inet:127.0.0.1:%d" % server.port})
        relay.submit(None, "a@example.org", "b@example.org", "c@example.org")
        a, b, c = self.outcomes(relay, "a@example.org", "b@example.org", "c@example.org")
        self.assertRegex(a, "relay=" + PLACE % server.port + r", .*dsn=2\.1\.5, status=sent \(250 2\.1\.5 saved\)")
        self.assertRegex(b, r"dsn=5\.2\.2, status=bounced \(host 127\.0\.0\.1\[127\.0\.0\.1\] said: 552 5\.2\.2 full \(in reply to end of DATA command\)\)")
        self.assertRegex(c, r"dsn=4\.3\.0, status=deferred \(host 127\.0\.0\.1\[127\.0\.0\.1\] said: 451 4\.3\.0 later \(in reply to end of DATA command\)\)")
        self.assertEqual(server.commands("LHLO")[0], "LHLO relay.example.com")

    def test_a_socket_of_the_file_system(self):
        relay = self.relay({"default_transport": "lmtp:unix:private/store"})
        os.makedirs(relay.queue + "/private", exist_ok=True)
        server = self.server(path=relay.queue + "/private/store")
        os.chmod(relay.queue + "/private/store", 0o777)
        relay.submit()
        line = self.outcomes(relay, "rcpt@example.org")[0]
        self.assertRegex(line, r"relay=relay\.example\.com\[private/store\], .*status=sent \(250 2\.0\.0 Ok: queued as TEST\)")
        self.assertEqual(len(server.contents), 1)

    def test_a_socket_that_is_not_there_defers(self):
        relay = self.relay({"default_transport": "lmtp:unix:private/nobody"})
        relay.submit()
        line = self.outcomes(relay, "rcpt@example.org")[0]
        self.assertRegex(line, r"relay=none, .*dsn=4\.4\.1, status=deferred \(connect to relay\.example\.com\[private/nobody\]: No such file or directory\)")

    def test_its_parameters_have_names_of_their_own(self):
        server = self.server("PIPELINING", "XFORWARD NAME ADDR")
        relay = self.relay({"default_transport": "lmtp:inet:127.0.0.1:%d" % server.port, "lmtp_lhlo_name": "store.example.com",
                            "smtp_helo_name": "other.example.com", "lmtp_discard_lhlo_keywords": "pipelining", "lmtp_send_xforward_command": "yes"})
        relay.submit()
        self.content(server)
        self.assertEqual(server.seen[0], "LHLO store.example.com")
        self.assertTrue(server.commands("XFORWARD")[0].startswith("XFORWARD NAME="))


class Commands(ClientCase):
    def test_quoting_of_local_parts(self):
        for name, value, wanted in (("on", "yes", 'RCPT TO:<"a b"@example.org>'), ("off", "no", "RCPT TO:<a b@example.org>")):
            server = self.server()
            relay = self.relay({"relayhost": "[127.0.0.1]:%d" % server.port, "smtp_quote_rfc821_envelope": value}, name="relay-" + name)
            relay.submit(None, '"a b"@example.org')
            self.content(server)
            self.assertEqual(server.commands("RCPT")[0], wanted)
            relay.end()

    def test_xforward_tells_whose_mail_it_is(self):
        server = self.server("XFORWARD NAME ADDR PROTO HELO IDENT SOURCE")
        relay = self.to(server, smtp_send_xforward_command="yes")
        queue_id = relay.submit()
        self.content(server)
        client, message = server.commands("XFORWARD")
        self.assertRegex(client, r"^XFORWARD NAME=\S+ ADDR=127\.0\.0\.1$")
        self.assertRegex(message, r"^XFORWARD PROTO=ESMTP HELO=client\.example IDENT=%s SOURCE=\w+$" % queue_id)

    def test_keywords_are_passed_over_by_address(self):
        server = self.server("SIZE 100000", "DSN")
        relay = self.to(server, smtp_discard_ehlo_keyword_address_maps="inline:{127.0.0.1=size}", smtp_discard_ehlo_keywords="dsn")
        relay.submit()
        self.content(server)
        self.assertNotIn("SIZE=", server.commands("MAIL")[0])
        self.assertIn("ORCPT=", server.commands("RCPT")[0])  # the entry stands instead of the list

    def test_connections_to_listed_destinations_are_kept(self):
        server = self.server()
        relay = self.to(server, smtp_connection_cache_on_demand="no", smtp_connection_cache_destinations="127.0.0.1", smtp_connection_cache_time_limit="20s")
        relay.submit()
        self.content(server)
        relay.log.wait_for(r"status=sent", count=1)
        relay.submit()
        self.content(server, 2)
        relay.log.wait_for(r"conn_use=2")
        self.assertEqual(server.connections, 1)

    def test_unknown_sasl_types_are_refused(self):
        relay = self.relay({"smtp_sasl_type": "dovecot", "smtp_sasl_auth_enable": "yes", "smtp_sasl_password_maps": "inline:{x=y}"}, start=False)
        if self.engine == "postfix":
            self.skipTest("its client only fails when it is used")
        result = relay.postfix("check")
        self.assertNotEqual(result.returncode, 0)
        self.assertIn("smtp_sasl_type", result.stderr + relay.log.text())


class Content(ClientCase):
    MESSAGE = "Subject: x\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n.caf\u00e9 = \r\n"

    def send(self, relay, content):
        with Dialogue(relay.port) as client:
            client.ehlo()
            self.assertReply(client.command("MAIL FROM:<sender@example.net> BODY=8BITMIME"), 250)
            self.assertReply(client.command("RCPT TO:<rcpt@example.org>"), 250)
            self.assertReply(client.command("DATA"), 354)
            self.assertReply(client.command(content.replace("\r\n.", "\r\n..") + "."), 250)

    def test_eight_bit_text_is_converted_for_servers_that_take_none(self):
        server = self.server()
        self.send(self.to(server), self.MESSAGE)
        head, body = self.content(server).split(b"\r\n\r\n", 1)
        self.assertIn(b"Content-Transfer-Encoding: quoted-printable", head)
        self.assertNotIn(b"8bit", head)
        self.assertTrue(body.isascii())
        self.assertEqual(quopri.decodestring(body).replace(b"\r\n", b"\n").decode(), ".caf\u00e9 = \n")
        self.assertNotIn("BODY=", server.commands("MAIL")[0])

    def test_nothing_is_converted_where_the_server_takes_it_or_the_operator_says_so(self):
        for name, keywords, settings in (("offered", ["8BITMIME"], {}), ("disabled", [], {"disable_mime_output_conversion": "yes"})):
            server = self.server(*keywords)
            relay = self.relay(dict({"relayhost": "[127.0.0.1]:%d" % server.port}, **settings), name="relay-" + name)
            self.send(relay, self.MESSAGE)
            head, body = self.content(server).split(b"\r\n\r\n", 1)
            self.assertIn(b"Content-Transfer-Encoding: 8bit", head)
            self.assertEqual(body, b".caf\xc3\xa9 = \r\n")
            relay.end()

    def test_a_large_message_is_converted_on_its_way_from_the_spool(self):
        server = self.server()
        lines = "".join("line %d caf\u00e9\r\n" % i for i in range(100_000))
        self.send(self.to(server), self.MESSAGE + lines)
        body = self.content(server).split(b"\r\n\r\n", 1)[1]
        self.assertEqual(quopri.decodestring(body).replace(b"\r\n", b"\n").decode(), (".caf\u00e9 = \n" + lines.replace("\r\n", "\n")))

    def test_long_lines_are_folded(self):
        server = self.server()
        relay = self.to(server, smtp_line_length_limit="998")
        relay.submit(content="Subject: x\r\n\r\n%s\r\n%s\r\n" % ("a" * 998, "b" * 2000))
        self.assertEqual(self.content(server).split(b"\r\n\r\n", 1)[1], (b"a" * 998 + b"\r\n" + b"b" * 998 + b"\r\n " + b"b" * 997 + b"\r\n " + b"b" * 5 + b"\r\n"))
        relay.log.wait_for(r"postfix/smtp\[\d+\]: [0-9A-F]+: breaking line > 998 bytes with <CR><LF>SPACE")

    def test_without_a_limit_lines_stay_as_they_are(self):
        server = self.server()
        self.to(server, smtp_line_length_limit="0").submit(content="Subject: x\r\n\r\n%s\r\n" % ("b" * 2000))
        self.assertTrue(self.content(server).endswith(b"\r\n\r\n" + b"b" * 2000 + b"\r\n"))


class Notices(ClientCase):
    def ask(self, relay, notify):
        with Dialogue(relay.port) as client:
            client.ehlo()
            self.assertReply(client.command("MAIL FROM:<sender@example.net> RET=HDRS ENVID=abc"), 250)
            self.assertReply(client.command("RCPT TO:<rcpt@example.org> NOTIFY=%s" % notify), 250)
            self.assertReply(client.content(), 250)

    def notice(self, server, count=2):
        return email.message_from_bytes(self.content(server, count), policy=email.policy.default)

    def test_success_is_reported_when_the_server_does_not(self):
        server = self.server()
        relay = self.to(server)
        self.ask(relay, "SUCCESS,FAILURE")
        notice = self.notice(server)
        self.assertEqual(notice["Subject"], "Successful Mail Delivery Report")
        status = notice.get_payload()[1].as_string()
        self.assertIn("Action: relayed", status)
        self.assertIn("Final-Recipient: rfc822; rcpt@example.org", status)
        self.assertIn("Original-Envelope-Id: abc", status)
        relay.log.wait_for(r"postfix/bounce\[\d+\]: [0-9A-F]+: sender delivery status notification: [0-9A-F]+")
        relay.wait_queue(0)

    def test_a_server_with_dsn_is_asked_to_report(self):
        server = self.server("DSN")
        relay = self.to(server)
        self.ask(relay, "SUCCESS")
        self.content(server)
        relay.wait_queue(0)
        self.assertEqual(server.commands("MAIL")[0], "MAIL FROM:<sender@example.net> ENVID=abc RET=HDRS")
        self.assertEqual(server.commands("RCPT")[0], "RCPT TO:<rcpt@example.org> ORCPT=rfc822;rcpt@example.org NOTIFY=SUCCESS")
        self.assertEqual(len(server.contents), 1)

    def test_the_operators_words_stand_in_bounces(self):
        sink = self.sink(rules=["rcpt/rcpt@*=550 5.1.1 unknown"])
        relay = self.relay({}, sink=sink, start=False)
        relay.main["bounce_template_file"] = relay.write_file("bounce.cf", "failure_template = <<EOF\nFrom: MAILER-DAEMON (Our Post)\nSubject: Sorry\n\n"
                                                             "$myhostname gave up after $maximal_queue_lifetime_hours hours.\nEOF\n")
        relay.main["maximal_queue_lifetime"] = "2d"
        relay.write()
        relay.start()
        relay.submit()
        notice = sink.wait_messages(1)[0]
        self.assertEqual(notice.message["Subject"], "Sorry")
        self.assertIn(b"From: MAILER-DAEMON@example.com (Our Post)\r\n", notice.content)
        self.assertIn("relay.example.com gave up after 48 hours.", notice.message.get_payload()[0].get_content())

    def test_the_postmaster_gets_copies_of_bounces(self):
        sink = self.sink(rules=["rcpt/rcpt@*=550 5.1.1 unknown"])
        relay = self.relay({"notify_classes": "bounce", "bounce_notice_recipient": "bounces@example.com"}, sink=sink)
        relay.submit(content="Subject: secret\r\n\r\nnot for the postmaster\r\n")
        messages = {m.recipients[0]: m for m in sink.wait_messages(2)}
        copy = messages["bounces@example.com"]
        self.assertEqual(copy.message["Subject"], "Postmaster Copy: Undelivered Mail")
        self.assertEqual(copy.sender.split("@")[0], "double-bounce")
        self.assertNotIn(b"not for the postmaster", copy.content)
        self.assertEqual(messages["sender@example.net"].message["Subject"], "Undelivered Mail Returned to Sender")
        relay.log.wait_for("postmaster non-delivery notification: ")

    def test_the_postmaster_learns_of_undeliverable_bounces_once(self):
        sink = self.sink(rules=["rcpt/rcpt@*=550 5.1.1 unknown"])
        relay = self.relay({"notify_classes": "2bounce", "2bounce_notice_recipient": "rcpt@example.com"}, sink=sink)
        relay.submit(sender="")
        relay.log.wait_for(r"from=<double-bounce@\S+>")
        relay.log.wait_for(r"to=<rcpt@example\.com>, .*status=bounced")
        relay.wait_queue(0)  # and what cannot be delivered to the postmaster either ends there
        self.assertEqual(sink.stats()["messages"], 0)

    def test_a_delay_that_ends_is_told_where_wanted(self):
        sink = self.sink(rules=["rcpt/rcpt@*=450 4.2.0 later"])
        relay = self.relay({"delay_warning_time": "1s", "confirm_delay_cleared": "yes", "minimal_backoff_time": "2s", "queue_run_delay": "1s"}, sink=sink)
        relay.submit()
        relay.log.wait_for("sender delay notification: ", timeout=30)
        sink.no_rules()
        relay.run("postqueue", "-f")
        relay.log.wait_for("sender delivery status notification: ", timeout=30)
        subjects = [m.message["Subject"] for m in sink.wait_messages(3, timeout=30)]
        self.assertIn("Successful Mail Delivery Report", subjects)


if __name__ == "__main__":
    unittest.main()
