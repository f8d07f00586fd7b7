"""Parameters of delivery as such: who is asked, from where, how much at once, and what a failure means."""
import re
import unittest

from harness import RelayCase
from harness.case import waypost_only
from harness.servers import Server
from harness.waiting import free_port, wait_until

TO = r"to=<rcpt@example\.org>, "


class DeliveryCase(RelayCase):
    def server(self, *keywords, **options):
        server = Server(keywords, **options)
        self.addCleanup(server.end)
        return server

    def to(self, server, **settings):
        return self.relay(dict({"relayhost": "[127.0.0.1]:%d" % server.port}, **settings))

    def served(self, server, count=1):
        return wait_until(lambda: len(server.contents) >= count, 20, "%d message(s) at the server" % count)

    def outcome(self, relay, pattern, timeout=15):
        return relay.log.wait_for(r"postfix/\w+\[\d+\]: [0-9A-F]+: " + TO + ".*" + pattern, timeout)


class Hosts(DeliveryCase):
    def test_helo_name_and_source_address(self):
        server = self.server()
        relay = self.to(server, smtp_helo_name="out.example.com", smtp_bind_address="127.0.0.3")
        relay.submit()
        self.served(server)
        self.assertEqual(server.seen[0], "EHLO out.example.com")
        self.assertEqual(server.peers, ["127.0.0.3"])

    def test_the_fallback_relay_takes_what_the_relayhost_does_not(self):
        for name, replies in (("closed", None), ("busy", {"CONNECT": "421 4.3.2 busy"}), ("greylist", {"RCPT": "450 4.2.0 later"})):
            with self.subTest(name):
                fallback = self.server()
                port = free_port() if replies is None else self.server(replies=replies).port
                relay = self.relay({"relayhost": "[127.0.0.1]:%d" % port, "smtp_fallback_relay": "[127.0.0.1]:%d" % fallback.port}, name="relay-" + name)
                relay.submit()
                self.served(fallback)
                self.outcome(relay, r"relay=127\.0\.0\.1\[127\.0\.0\.1\]:%d, .*status=sent" % fallback.port)
                relay.end()

    def test_the_default_port_is_a_parameter(self):
        server = self.server()
        relay = self.relay({"relayhost": "[127.0.0.1]", "smtp_tcp_port": str(server.port)})
        relay.submit()
        self.served(server)

    @waypost_only("uses the machine's resolver")
    def test_an_alias_names_the_server_where_wanted(self):
        self.dns.add("mx.example.org", "CNAME", "real.example.net")
        self.dns.add("real.example.net", "A", "127.0.0.1")
        for value, name in (("no", "mx.example.org"), ("yes", "real.example.net")):
            server = self.server()
            relay = self.relay({"relayhost": "[mx.example.org]:%d" % server.port, "smtp_cname_overrides_servername": value}, name="relay-" + value)
            relay.submit()
            self.outcome(relay, r"relay=%s\[127\.0\.0\.1\]" % re.escape(name))
            relay.end()


class Loads(DeliveryCase):
    def test_recipients_are_split_at_the_limit(self):
        server = self.server()
        relay = self.to(server, smtp_destination_recipient_limit="2")
        relay.submit(None, *("r%d@example.org" % i for i in range(5)))
        self.served(server, 3)
        self.assertEqual((len(server.commands("MAIL")), len(server.commands("RCPT"))), (3, 5))

    def test_a_transport_has_limits_of_its_own(self):
        server = self.server()
        relay = self.relay({"relayhost": "[127.0.0.1]:%d" % server.port, "default_transport": "slow", "slow_destination_recipient_limit": "1"},
                           services="slow unix - - n - - smtp\n")
        relay.submit(None, "a@example.org", "b@example.org")
        self.served(server, 2)
        self.assertEqual(len(server.commands("MAIL")), 2)

    def test_a_rate_delay_spaces_deliveries(self):
        for name, setting in (("destination", "smtp_destination_rate_delay"), ("transport", "smtp_transport_rate_delay")):
            with self.subTest(name):
                server = self.server()
                relay = self.relay({"relayhost": "[127.0.0.1]:%d" % server.port, setting: "2s"}, name="relay-" + name)
                for _ in range(3):
                    relay.submit()
                self.served(server, 3)
                relay.log.wait_for(TO + ".*status=sent", count=3)
                # the third waits for two pauses
                delays = [float(m) for m in re.findall(TO + r"relay=\S+ (?:conn_use=\d+, )?delay=([\d.]+), .*status=sent", relay.log.text())]
                self.assertGreaterEqual(max(delays), 3.0, relay.log.text())
                relay.end()

    def test_a_deferred_transport_waits_for_a_flush(self):
        server = self.server()
        relay = self.to(server, defer_transports="smtp")
        relay.submit()
        self.outcome(relay, r"relay=none, .*dsn=4\.3\.2, status=deferred \(deferred transport\)")
        relay.run("postqueue", "-f")
        self.served(server)


class Failures(DeliveryCase):
    def test_soft_bounce_keeps_the_mail(self):
        relay = self.to(self.server(replies={"RCPT": "550 5.1.1 unknown"}), soft_bounce="yes")
        relay.submit()
        self.outcome(relay, r"dsn=4\.1\.1, status=SOFTBOUNCE \(host ")
        relay.wait_queue(1, "deferred")

    def test_a_greeting_of_5xx_is_only_a_reason_to_go_on(self):
        for value, status in (("yes", "deferred"), ("no", "bounced")):
            relay = self.relay({"relayhost": "[127.0.0.1]:%d" % self.server(replies={"CONNECT": "554 5.7.1 go away"}).port,
                                "smtp_skip_5xx_greeting": value}, name="relay-" + value)
            relay.submit(sender="")
            self.outcome(relay, r"status=%s \(host 127\.0\.0\.1\[127\.0\.0\.1\] refused to talk to me: 554 5\.7\.1 go away\)" % status)
            relay.end()

    def test_replies_pass_through_the_filter(self):
        server = self.server(replies={"RCPT": "550 5.1.1 no, but come again"})
        relay = self.relay({"relayhost": "[127.0.0.1]:%d" % server.port}, start=False)
        relay.main["smtp_reply_filter"] = "regexp:" + relay.write_file("reply_filter", "/^550 5.1.1 (.*come again.*)/ 450 4.1.1 $1\n")
        relay.write()
        relay.start()
        relay.submit()
        self.outcome(relay, r"dsn=4\.1\.1, status=deferred \(host \S+ said: 450 4\.1\.1 no, but come again \(in reply to RCPT TO command\)\)")

    def test_a_reply_filter_that_fails_defers(self):
        relay = self.to(self.server(), smtp_reply_filter="texthash:/nonexistent/filter")
        relay.submit()
        self.outcome(relay, r"status=deferred ")
        relay.wait_queue(1)


class Ciphers(DeliveryCase):
    def test_grades_and_exclusions_choose_the_cipher(self):
        for name, settings, wanted in (
                ("grade", {"tls_medium_cipherlist": "ECDHE-ECDSA-AES128-GCM-SHA256"}, "ECDHE-ECDSA-AES128-GCM-SHA256"),
                ("exclude", {"smtp_tls_exclude_ciphers": "AES256, CHACHA20"}, r"\S*AES128\S*|\S*ARIA128\S*|\S*CAMELLIA128\S*"),
        ):
            with self.subTest(name):
                sink = self.sink(name="sink-" + name, cert=self.certificate("127.0.0.1"))
                relay = self.relay(dict({"smtp_tls_security_level": "may", "smtp_tls_loglevel": "1", "smtp_tls_protocols": "TLSv1.2"}, **settings),
                                   sink=sink, name="relay-" + name)
                relay.submit()
                relay.log.wait_for(r"TLS connection established to 127\.0\.0\.1\[127\.0\.0\.1\]:%d: TLSv1\.2 with cipher (%s) " % (sink.port, wanted))
                relay.end()

    def test_curves_and_groups_are_parameters(self):
        sink = self.sink(cert=self.certificate("127.0.0.1"))
        relay = self.relay({"smtp_tls_security_level": "may", "smtp_tls_loglevel": "1", "tls_eecdh_auto_curves": "no-such-curve secp384r1", "tls_ffdhe_auto_groups": ""}, sink=sink)
        relay.submit()
        relay.log.wait_for(r"TLSv1\.3 with cipher \S+ \(\d+/\d+ bits\) key-exchange ECDHE \(secp384r1\)|TLSv1\.3 .*key-exchange ECDHE \(P-384\)")

    def test_a_wildcard_stands_for_one_label_whatever_the_parameter_says(self):
        sink = self.sink(cert=self.certificate("*.provider.example"))
        for name, status in (("b", "sent"), ("a.b", r"deferred \(Server certificate not verified\)")):
            relay = self.relay({"smtp_tls_security_level": "verify", "smtp_tls_verify_cert_match": name + ".provider.example", "smtp_tls_CAfile": self.authority.file,
                                "tls_wildcard_matches_multiple_labels": "yes"}, sink=sink, name="relay-" + name)
            relay.submit()
            self.outcome(relay, "status=" + status)
            relay.end()

    def test_trust_anchors_stand_instead_of_the_authorities(self):
        sink = self.sink(cert=self.certificate("127.0.0.1", "sink.example"))
        for name, settings, status in (("anchor", {"smtp_tls_trust_anchor_file": self.authority.file}, "sent"),
                                       ("authority", {"smtp_tls_CAfile": self.authority.file}, "sent"), ("none", {}, "deferred")):
            relay = self.relay(dict({"smtp_tls_security_level": "verify", "smtp_tls_verify_cert_match": "sink.example"}, **settings), sink=sink, name="relay-" + name)
            relay.submit()
            self.outcome(relay, "status=" + status)
            relay.end()


if __name__ == "__main__":
    unittest.main()
