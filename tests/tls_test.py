"""TLS on both sides: levels, versions, session reuse, what the log and the Received line say."""
import ssl
import unittest

from harness import CertificateAuthority, Dialogue, RelayCase
from harness.case import waypost_only
from harness.sasl import crypt_hash
from harness.smtp import client_context


class Server(RelayCase):
    def tls_relay(self, **settings):
        certificate = self.certificate("relay.example.com", "127.0.0.1")
        main = {"smtpd_tls_security_level": "may", "smtpd_tls_cert_file": certificate.certificate, "smtpd_tls_key_file": certificate.key, "smtpd_tls_loglevel": "1"}
        main.update(settings)
        self.provider = self.sink()
        return self.relay(main, sink=self.provider)

    def test_starttls_is_logged_and_noted_in_received(self):
        relay = self.tls_relay(smtpd_tls_received_header="yes")
        with Dialogue(relay.port) as client:
            self.assertIn("STARTTLS", client.ehlo())
            self.assertNotIn("STARTTLS", client.starttls())
            self.assertReply(client.command("STARTTLS"), 554, "5.5.1 Error: TLS already active")
            self.assertReply(client.message(), 250)
        relay.log.wait_for(r"postfix/smtpd\[\d+\]: Anonymous TLS connection established from \S+\[127\.0\.0\.1\]: TLSv1\.3 with cipher TLS_\S+ \(256/256 bits\)")
        received = self.provider.wait_messages(1)[0].content.decode()
        self.assertRegex(received, r"\(using TLSv1\.3 with cipher TLS_\S+ \(256/256 bits\)")
        self.assertIn("with ESMTPS id", received)

    @waypost_only("it offers what then fails")
    def test_without_a_certificate_starttls_is_not_offered(self):
        relay = self.relay({"smtpd_tls_security_level": "may"}, sink=self.sink())
        with Dialogue(relay.port) as client:
            self.assertNotIn("STARTTLS", client.ehlo())
            self.assertRegex(client.command("STARTTLS"), "^(502|454|500)")

    def test_level_none_offers_nothing(self):
        relay = self.tls_relay(smtpd_tls_security_level="none")
        with Dialogue(relay.port) as client:
            self.assertNotIn("STARTTLS", client.ehlo())

    @waypost_only("needs an authentication server to start")
    def test_auth_only_after_tls(self):
        users = self.folder + "/sasl_users"
        with open(users, "w") as f:
            f.write("app@example.com:%s\n" % crypt_hash("word"))
        relay = self.tls_relay(smtpd_tls_auth_only="yes", smtpd_sasl_auth_enable="yes", smtpd_sasl_type="waypost", waypost_sasl_password_file=users)
        with Dialogue(relay.port) as client:
            self.assertNotIn("AUTH", client.ehlo())
            self.assertRegex(client.auth_plain("app@example.com", "word"), "^(503|504|538)")
            self.assertIn("AUTH", client.starttls())
            self.assertReply(client.auth_plain("app@example.com", "word"), 235)

    @waypost_only("its default floor is TLS 1.0")
    def test_old_protocols_are_refused_by_default(self):
        relay = self.tls_relay()
        with Dialogue(relay.port) as client:
            client.ehlo()
            client.command("STARTTLS")
            context = client_context()
            context.set_ciphers("ALL:@SECLEVEL=0")
            context.minimum_version = ssl.TLSVersion.TLSv1
            context.maximum_version = ssl.TLSVersion.TLSv1_1
            with self.assertRaises((ssl.SSLError, OSError)):
                context.wrap_socket(client.socket)

    def test_sessions_are_resumed(self):
        relay = self.tls_relay(smtpd_tls_session_cache_database="btree:%s/smtpd_scache" % self.folder)
        context = client_context()
        session = None
        for attempt in range(2):
            client = Dialogue(relay.port)
            client.ehlo()
            client.command("STARTTLS")
            client.socket = context.wrap_socket(client.socket, session=session)
            client.ehlo()
            if attempt == 1:
                self.assertTrue(client.socket.session_reused)
            client.command("NOOP")
            session = client.socket.session
            client.command("QUIT")
            client.close()

    def test_certificate_of_the_chain_is_checked_by_a_strict_client(self):
        relay = self.tls_relay()
        context = ssl.create_default_context(cafile=self.authority.file)
        with Dialogue(relay.port) as client:
            client.ehlo()
            client.command("STARTTLS")
            client.socket = context.wrap_socket(client.socket, server_hostname="relay.example.com")
            client.ehlo()


class Client(RelayCase):
    def deliver(self, sink, **settings):
        relay = self.relay(dict({"smtp_tls_CAfile": self.authority.file, "smtp_tls_loglevel": "1"}, **settings), sink=sink)
        relay.submit()
        return relay

    def test_level_none_stays_in_clear(self):
        sink = self.sink(cert=self.certificate("127.0.0.1"))
        self.deliver(sink, smtp_tls_security_level="none")
        self.assertFalse(sink.wait_messages(1)[0].tls)

    def test_level_may_takes_what_is_offered(self):
        sink = self.sink(cert=self.certificate("127.0.0.1"))
        self.deliver(sink, smtp_tls_security_level="may")
        self.assertTrue(sink.wait_messages(1)[0].tls)

    def test_level_may_goes_without_when_nothing_is_offered(self):
        sink = self.sink()
        self.deliver(sink, smtp_tls_security_level="may")
        self.assertFalse(sink.wait_messages(1)[0].tls)

    def test_known_issuer_is_logged_as_trusted_and_stranger_as_untrusted(self):
        stranger = CertificateAuthority(self.folder + "/stranger", "Stranger")
        for name, certificate, word in (("known", self.certificate("127.0.0.1"), "Trusted"), ("unknown", stranger.issue(["127.0.0.1"]), "Untrusted")):
            sink = self.sink(name=name, cert=certificate)
            relay = self.relay({"smtp_tls_security_level": "encrypt", "smtp_tls_CAfile": self.authority.file, "smtp_tls_loglevel": "1"}, sink=sink, name="relay-" + name)
            relay.submit()
            sink.wait_messages(1)
            relay.log.wait_for(r"postfix/smtp\[\d+\]: %s TLS connection established to 127\.0\.0\.1\[127\.0\.0\.1\]:%d: TLSv1\.3 with cipher" % (word, sink.port))
            relay.end()

    @waypost_only("uses the machine's resolver")
    def test_verified_and_secure_names(self):
        self.dns.add("mx.provider.example", "A", "127.0.0.1")
        sink = self.sink(cert=self.certificate("mx.provider.example"))
        for level in ("verify", "secure"):
            relay = self.relay({"relayhost": "[mx.provider.example]:%d" % sink.port, "smtp_tls_security_level": level, "smtp_tls_CAfile": self.authority.file, "smtp_tls_loglevel": "1"},
                               name="relay-" + level)
            relay.submit()
            relay.log.wait_for(r"Verified TLS connection established to mx\.provider\.example\[127\.0\.0\.1\]:%d" % sink.port)
            relay.log.wait_for(r"status=sent")
            relay.end()

    def test_wrapper_mode_speaks_tls_from_the_start(self):
        sink = self.sink(cert=self.certificate("127.0.0.1"), implicit_tls=True)
        self.deliver(sink, smtp_tls_security_level="encrypt", smtp_tls_wrappermode="yes")
        self.assertTrue(sink.wait_messages(1)[0].tls)

    def test_sessions_are_resumed(self):
        sink = self.sink(cert=self.certificate("127.0.0.1"))
        relay = self.deliver(sink, smtp_tls_security_level="encrypt", smtp_tls_session_cache_database="btree:$data_directory/smtp_scache",
                             smtp_connection_cache_on_demand="no", smtp_tls_connection_reuse="no")
        sink.wait_messages(1)
        for count in (2, 3):
            relay.submit()
            sink.wait_messages(count)
        self.assertGreaterEqual(sink.stats()["resumed"], 1, sink.stats())

    def test_offered_starttls_is_noted_when_it_is_not_used(self):
        sink = self.sink(cert=self.certificate("127.0.0.1"))
        relay = self.deliver(sink, smtp_tls_security_level="none" if self.engine == "waypost" else "", smtp_tls_note_starttls_offer="yes")
        sink.wait_messages(1)
        relay.log.wait_for(r"postfix/smtp\[\d+\]: Host offered STARTTLS: \[127\.0\.0\.1\]")


if __name__ == "__main__":
    unittest.main()
