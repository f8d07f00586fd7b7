"""What goes wrong upstream: each trouble defers or bounces as it should, and nothing is ever sent in clear."""
import unittest

from harness import CertificateAuthority, RelayCase
from harness.case import waypost_only
from harness.process import resident_kib
from harness.upstream import Upstream
from harness.waiting import free_port

SENT = r"status=sent"


class UpstreamCase(RelayCase):
    """Messages are tried once a test: min. back-off is long, so a deferred one stays."""

    def outcome(self, relay, status, timeout=15):
        """The delivery line of the one message of the test."""
        line = relay.log.wait_for(r"postfix/\w+\[\d+\]: [0-9A-F]+: to=<rcpt@example\.org>, .*, status=(sent|deferred|bounced) .*", timeout).group(0)
        self.assertIn("status=" + status, line)
        return line

    def upstream(self, script):
        upstream = Upstream(script)
        self.addCleanup(upstream.end)
        return upstream


class Encryption(UpstreamCase):
    def encrypting(self, sink, level="encrypt", **settings):
        return self.relay(dict({"smtp_tls_security_level": level, "smtp_tls_CAfile": self.authority.file, "smtp_tls_loglevel": "1"}, **settings), sink=sink)

    def test_no_starttls_at_level_encrypt_is_deferred_never_in_clear(self):
        sink = self.sink()
        relay = self.encrypting(sink)
        relay.submit()
        line = self.outcome(relay, "deferred")
        self.assertRegex(line, r"dsn=4\.7\.4, status=deferred \(TLS is required, but was not offered by host 127\.0\.0\.1\[127\.0\.0\.1\]\)")
        self.assertEqual(sink.stats()["messages"], 0)
        self.assertEqual(len(relay.queue_json()), 1)

    def test_refused_starttls_at_level_encrypt_never_in_clear(self):
        sink = self.sink(cert=self.certificate(), rules=["starttls=454 4.7.0 TLS not available now"])
        relay = self.encrypting(sink)
        relay.submit()
        self.outcome(relay, "deferred")
        self.assertEqual(sink.stats()["messages"], 0)

    def test_failed_handshake_is_deferred(self):
        def script(peer):
            peer.say("220 mx ESMTP\r\n")
            peer.hear()
            peer.say("250-mx\r\n250 STARTTLS\r\n")
            peer.hear()
            peer.say("220 go on\r\n")
            peer.say(b"this is no TLS record\r\n" * 10)
            while peer.hear() is not None:
                pass

        upstream = self.upstream(script)
        relay = self.encrypting(upstream)
        relay.submit()
        self.assertRegex(self.outcome(relay, "deferred"), r"dsn=4\.7\.5, status=deferred \(Cannot start TLS: handshake failure\)")
        self.assertFalse(any(line.startswith("MAIL") for line in upstream.seen))

    def test_wrong_name_in_certificate_is_deferred_at_level_verify(self):
        sink = self.sink(cert=self.certificate("other.example"))
        relay = self.encrypting(sink, "verify")
        relay.submit()
        self.assertRegex(self.outcome(relay, "deferred"), r"dsn=4\.7\.5, status=deferred \(Server certificate not verified\)")
        self.assertEqual(sink.stats()["messages"], 0)

    def test_unknown_issuer_is_deferred_at_level_secure(self):
        stranger = CertificateAuthority(self.folder + "/stranger", "Stranger").issue(["127.0.0.1"])
        sink = self.sink(cert=stranger)
        relay = self.encrypting(sink, "secure")
        relay.submit()
        self.assertRegex(self.outcome(relay, "deferred"), r"dsn=4\.7\.5, status=deferred \(Server certificate not (trusted|verified)\)")
        relay.log.wait_for(r"certificate verification failed for 127\.0\.0\.1\[127\.0\.0\.1\]:%d: untrusted issuer" % sink.port)

    def test_expired_certificate_is_deferred_at_level_verify(self):
        sink = self.sink(cert=self.authority.issue(["127.0.0.1"], days=-1))
        relay = self.encrypting(sink, "verify")
        relay.submit()
        self.assertRegex(self.outcome(relay, "deferred"), r"dsn=4\.7\.5, status=deferred \(Server certificate not (trusted|verified)\)")

    def test_any_certificate_will_do_at_level_encrypt(self):
        sink = self.sink(cert=self.certificate("other.example"))
        relay = self.encrypting(sink)
        relay.submit()
        self.outcome(relay, "sent")
        self.assertTrue(sink.messages()[0].tls)


class Authentication(UpstreamCase):
    def authenticating(self, sink, login="user:wrong", **settings):
        relay = self.relay(dict({"smtp_sasl_auth_enable": "yes", "smtp_sasl_security_options": "noanonymous"}, **settings), sink=sink, start=False)
        path = relay.write_file("sasl_passwd", "[127.0.0.1]:%d %s\n" % (sink.port, login), 0o600)
        relay.main["smtp_sasl_password_maps"] = ("texthash:" if self.engine == "postfix" else "hash:") + path
        relay.write()
        return relay.start()

    def test_wrong_credentials_are_deferred_and_the_reply_is_logged(self):
        sink = self.sink(auth="user:right", require_auth=True)
        relay = self.authenticating(sink)
        relay.submit()
        self.assertRegex(self.outcome(relay, "deferred"),
                         r"dsn=4\.7\.8, status=deferred \(SASL authentication failed; server 127\.0\.0\.1\[127\.0\.0\.1\] said: 535 5\.7\.8 Error: authentication failed: bad credentials\)")
        self.assertEqual(sink.stats()["messages"], 0)

    def test_no_usable_mechanism_is_deferred(self):
        sink = self.sink(auth="user:right", mechanisms="X-FOREIGN")
        relay = self.authenticating(sink, "user:right")
        relay.submit()
        self.assertRegex(self.outcome(relay, "deferred"),
                         r"status=deferred \(SASL authentication failed; cannot authenticate to server 127\.0\.0\.1\[127\.0\.0\.1\]: no mechanism available\)")

    def test_each_mechanism_authenticates(self):
        for mechanism in ("PLAIN", "LOGIN", "CRAM-MD5"):
            with self.subTest(mechanism):
                if self.engine == "postfix":
                    self.skipTest("needs the Cyrus SASL plugins")
                sink = self.sink(name=mechanism, auth="user:ri:ght", mechanisms=mechanism, require_auth=True)
                relay = self.authenticating(sink, "user:ri:ght")
                relay.submit()
                self.assertEqual(sink.wait_messages(1)[0].user, "user")
                relay.end()

    @waypost_only("needs the Cyrus SASL plugins")
    def test_noplaintext_leaves_cram_md5(self):
        sink = self.sink(auth="user:right", mechanisms="PLAIN LOGIN", require_auth=True)
        relay = self.authenticating(sink, "user:right", smtp_sasl_security_options="noanonymous, noplaintext")
        relay.submit()
        self.assertIn("no mechanism available", self.outcome(relay, "deferred"))


class Refusals(UpstreamCase):
    """(rule of the sink, status, dsn, text in brackets)"""

    host = r"host 127\.0\.0\.1\[127\.0\.0\.1\]"
    CASES = [
        ("connect=421 4.3.2 busy", "deferred", "4.3.2", host + r" refused to talk to me: 421 4\.3\.2 busy"),
        ("connect=554 5.7.1 go away", "deferred", "4.7.1", host + r" refused to talk to me: 554 5\.7\.1 go away"),
        ("mail=450 4.1.0 later", "deferred", "4.1.0", host + r" said: 450 4\.1\.0 later \(in reply to MAIL FROM command\)"),
        ("mail=550 5.1.0 never", "bounced", "5.1.0", host + r" said: 550 5\.1\.0 never \(in reply to MAIL FROM command\)"),
        ("rcpt=450 4.2.0 greylisted", "deferred", "4.2.0", host + r" said: 450 4\.2\.0 greylisted \(in reply to RCPT TO command\)"),
        ("rcpt=550 5.1.1 no such user", "bounced", "5.1.1", host + r" said: 550 5\.1\.1 no such user \(in reply to RCPT TO command\)"),
        ("rcpt=552 5.2.2 mailbox full", "bounced", "5.2.2", host + r" said: 552 5\.2\.2 mailbox full \(in reply to RCPT TO command\)"),
        ("data=451 4.3.0 later", "deferred", "4.3.0", host + r" said: 451 4\.3\.0 later \(in reply to DATA command\)"),
        ("data=554 5.7.1 never", "bounced", "5.7.1", host + r" said: 554 5\.7\.1 never \(in reply to DATA command\)"),
        ("eod=451 4.3.0 later", "deferred", "4.3.0", host + r" said: 451 4\.3\.0 later \(in reply to end of DATA command\)"),
        ("eod=554 5.6.0 never", "bounced", "5.6.0", host + r" said: 554 5\.6\.0 never \(in reply to end of DATA command\)"),
        ("rcpt=450 no enhanced code", "deferred", "4.0.0", host + r" said: 450 no enhanced code \(in reply to RCPT TO command\)"),
    ]

    def test_each_refusal_has_its_outcome(self):
        sink = self.sink()
        relay = self.relay({"notify_classes": "", "bounce_queue_lifetime": "0"}, sink=sink)
        for number, (rule, status, dsn, text) in enumerate(self.CASES):
            with self.subTest(rule):
                sink.no_rules()
                sink.rule(rule)
                recipient = "r%d@example.org" % number
                # the null sender: a bounce would only be one more message on its way
                queue_id = relay.submit(None, recipient, sender="")
                relay.log.wait_for(r"%s: to=<%s>, .*dsn=%s, status=%s \(%s\)" % (queue_id, recipient, dsn.replace(".", r"\."), status, text), timeout=15)
                relay.run("postsuper", "-d", "ALL")

    def test_one_refused_recipient_does_not_hold_up_the_others(self):
        sink = self.sink(rules=["rcpt/bad@*=550 5.1.1 no such user", "rcpt/later@*=450 4.2.1 later"])
        relay = self.relay(sink=sink)
        queue_id = relay.submit(None, "good@example.org", "bad@example.org", "later@example.org", sender="")
        self.assertEqual(sink.wait_messages(1)[0].recipients, ["good@example.org"])
        for recipient, status in (("good", "sent"), ("bad", "bounced"), ("later", "deferred")):
            relay.log.wait_for(r"%s: to=<%s@example\.org>, .*status=%s" % (queue_id, recipient, status))
        queued = relay.wait_queue(1, "deferred")
        self.assertEqual([r["address"] for r in queued[0]["recipients"]], ["later@example.org"])

    def test_refused_ehlo_falls_back_to_helo(self):
        sink = self.sink(rules=["ehlo=502 5.5.1 not implemented"])
        relay = self.relay(sink=sink)
        relay.submit()
        sink.wait_messages(1)

    def test_message_larger_than_announced_size_is_bounced_without_sending_it(self):
        sink = self.sink(size=500)
        relay = self.relay(sink=sink)
        relay.submit(content="Subject: x\r\n\r\n" + "x" * 60 + "\r\n" * 500, sender="")
        self.assertRegex(self.outcome(relay, "bounced"), r"dsn=5\.3\.4, status=bounced \(message size \d+ exceeds size limit 500 of server 127\.0\.0\.1\[127\.0\.0\.1\]\)")
        self.assertEqual(sink.stats()["messages"], 0)


class BrokenConversations(UpstreamCase):
    def test_nothing_listens(self):
        port = free_port()
        relay = self.relay({"relayhost": "[127.0.0.1]:%d" % port})
        relay.submit()
        line = self.outcome(relay, "deferred")
        self.assertRegex(line, r"relay=none, delay=\S+, delays=\S+, dsn=4\.4\.1, status=deferred \(connect to 127\.0\.0\.1\[127\.0\.0\.1\]:%d: Connection refused\)" % port)

    def test_close_after_the_final_dot_is_tried_again(self):
        sink = self.sink(rules=["eod#1=close"])
        relay = self.relay({"minimal_backoff_time": "1s", "queue_run_delay": "1s", "maximal_backoff_time": "2s"}, sink=sink)
        relay.submit()
        relay.log.wait_for(r"status=deferred \(lost connection with 127\.0\.0\.1\[127\.0\.0\.1\] while sending end of data -- message may be sent more than once\)", 15)
        relay.log.wait_for(SENT, 15)
        self.assertEqual(sink.stats()["messages"], 1)

    def test_close_at_each_stage_defers(self):
        for stage, where in (("ehlo", "performing the EHLO handshake"), ("mail", "sending MAIL FROM"), ("rcpt", "sending RCPT TO")):
            with self.subTest(stage):
                sink = self.sink(name=stage, rules=[stage + "=close"])
                relay = self.relay(sink=sink, name="relay-" + stage)
                relay.submit()
                self.assertRegex(self.outcome(relay, "deferred"), r"dsn=4\.4\.2, status=deferred \(lost connection with 127\.0\.0\.1\[127\.0\.0\.1\] while " + where + r"\)")
                relay.end()

    def test_silence_times_out(self):
        settings = {"smtp_helo_timeout": "1s", "smtp_mail_timeout": "1s", "smtp_rcpt_timeout": "1s", "smtp_data_init_timeout": "1s", "smtp_data_done_timeout": "1s",
                    "smtp_connect_timeout": "1s"}
        for stage in ("connect", "ehlo", "mail", "rcpt", "data", "eod"):
            with self.subTest(stage):
                sink = self.sink(name="silent-" + stage, rules=[stage + "=silence"])
                relay = self.relay(settings, sink=sink, name="relay-" + stage)
                relay.submit()
                self.assertRegex(self.outcome(relay, "deferred"), r"status=deferred \(conversation with 127\.0\.0\.1\[127\.0\.0\.1\] timed out while ")
                relay.end()

    @waypost_only("it reads an endless reply as long as the time-out allows")
    def test_endless_replies_are_cut_off_in_bounded_memory(self):
        for action in ("endless", "flood"):
            with self.subTest(action):
                sink = self.sink(name=action, rules=["ehlo=" + action])
                relay = self.relay({"smtp_helo_timeout": "3s"}, sink=sink, name="relay-" + action)
                relay.submit()
                self.outcome(relay, "deferred", timeout=30)
                self.assertLess(resident_kib(relay.child.pid), 100 * 1024, "KiB")
                relay.end()

    def test_dead_destination_suspends_the_rest(self):
        sink = self.sink(rules=["connect=delay 700 421 4.3.2 busy"])
        relay = self.relay(sink=sink)
        for i in range(10):  # the window of five fails as a whole while others wait
            relay.submit(None, "later%d@example.org" % i)
        relay.log.wait_for(r"to=<later\d@example\.org>, relay=none, .*status=deferred \(delivery temporarily suspended: host 127\.0\.0\.1\[127\.0\.0\.1\] refused to talk to me: 421 4\.3\.2 busy\)")


class Names(UpstreamCase):
    @waypost_only("uses the machine's resolver")
    def test_unknown_relayhost_is_a_configuration_problem_not_a_bounce(self):
        relay = self.relay({"relayhost": "[no-such-host.example]"})
        relay.submit()
        self.assertIn("status=deferred (Host or domain name not found. Name service error for name=no-such-host.example type=A", self.outcome(relay, "deferred"))

    @waypost_only("uses the machine's resolver")
    def test_without_relayhost_a_domain_that_does_not_exist_bounces(self):
        relay = self.relay()
        relay.submit(sender="")
        self.assertRegex(self.outcome(relay, "bounced"), r"dsn=5\.4\.4, status=bounced \(Host or domain name not found\. Name service error for name=example\.org type=(A|AAAA): Host not found\)")

    @waypost_only("uses the machine's resolver")
    def test_null_mx_bounces(self):
        self.dns.add("example.org", "MX", "0 .")
        relay = self.relay()
        relay.submit(sender="")
        self.assertRegex(self.outcome(relay, "bounced"), r"dsn=5\.1\.0, status=bounced \(Domain example\.org does not accept mail \(nullMX\)\)")

    @waypost_only("uses the machine's resolver")
    def test_broken_dns_defers(self):
        self.dns.broken.add("example.org")
        relay = self.relay()
        relay.submit()
        self.assertRegex(self.outcome(relay, "deferred", 30), r"dsn=4\.4\.3, status=deferred \(Host or domain name not found\. Name service error for name=example\.org type=MX: Host not found, try again\)")


if __name__ == "__main__":
    unittest.main()
