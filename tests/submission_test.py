"""Submission: 587 demands TLS and a login, 465 speaks TLS from the start, 2525 is a plain alternative."""
import os
import ssl
import unittest

from harness import Dialogue, RelayCase
from harness.case import waypost_only
from harness.sasl import Dovecot, available, crypt_hash
from harness.smtp import b64

SUBMISSION = {
    "syslog_name": "postfix/submission",
    "smtpd_tls_security_level": "encrypt",
    "smtpd_sasl_auth_enable": "yes",
    "smtpd_client_restrictions": "permit_sasl_authenticated,reject",
    "smtpd_relay_restrictions": "permit_sasl_authenticated,reject",
    "smtpd_recipient_restrictions": "permit_sasl_authenticated,reject",
}
LISTENERS = {
    "smtp": {},
    "submission": SUBMISSION,
    "smtps": {"syslog_name": "postfix/smtps", "smtpd_tls_wrappermode": "yes", "smtpd_sasl_auth_enable": "yes",
              "smtpd_relay_restrictions": "permit_sasl_authenticated,reject"},
    "2525": {},
}
USERS = {"app@example.com": "s3cret word"}


class SubmissionCase(RelayCase):
    def submission_relay(self, sink, **settings):
        certificate = self.certificate("relay.example.com", "127.0.0.1")
        main = {
            "smtpd_tls_cert_file": certificate.certificate,
            "smtpd_tls_key_file": certificate.key,
            "smtpd_tls_security_level": "may",
            "mynetworks": "127.0.0.9/32",
        }
        main.update(settings)
        return self.relay(main, sink=sink, listeners=LISTENERS)

    def dovecot_relay(self, sink, inet=False):
        if not available():
            self.skipTest("dovecot cannot be run here")
        dovecot = Dovecot(self.folder, USERS)
        self.addCleanup(dovecot.end)
        path = "inet:127.0.0.1:%d" % dovecot.port if inet else dovecot.socket
        return self.submission_relay(sink, smtpd_sasl_type="dovecot", smtpd_sasl_path=path)

    def submit_as(self, relay, user, password, login="auth_plain"):
        """The replies to AUTH and, when that succeeded, to a message."""
        with Dialogue(relay.ports["submission"]) as client:
            client.ehlo()
            client.starttls()
            answer = getattr(client, login)(user, password)
            return answer, answer.startswith("235") and client.message("app@example.com", "rcpt@example.org")


class SubmissionPort(SubmissionCase):
    def test_nothing_but_starttls_is_possible_before_starttls(self):
        relay = self.dovecot_relay(self.sink())
        with Dialogue(relay.ports["submission"]) as client:
            keywords = client.ehlo()
            self.assertIn("STARTTLS", keywords)
            for command in ("MAIL FROM:<a@example.net>", "AUTH PLAIN " + b64("\0u\0p"), "RSET", "VRFY a"):
                self.assertReply(client.command(command), 530, "5.7.0 Must issue a STARTTLS command first")
            self.assertReply(client.command("NOOP"), 250)

    def test_unauthenticated_client_is_refused(self):
        relay = self.dovecot_relay(self.sink())
        with Dialogue(relay.ports["submission"]) as client:
            client.ehlo()
            self.assertNotIn("STARTTLS", client.starttls())
            self.assertReply(client.envelope("a@example.net", "rcpt@example.org"), 554, "5.7.1", "Client host rejected: Access denied")
        relay.log.wait_for(r"postfix/submission/smtpd\[\d+\]: NOQUEUE: reject: RCPT from \S+\[127\.0\.0\.1\]: 554 5\.7\.1 <\S+\[127\.0\.0\.1\]>: Client host rejected: "
                           r"Access denied; from=<a@example\.net> to=<rcpt@example\.org> proto=ESMTP helo=<client\.example>")

    def test_plain_and_login_against_dovecot_over_its_unix_socket(self):
        sink = self.sink()
        relay = self.dovecot_relay(sink)
        for login in ("auth_plain", "auth_login"):
            answer, sent = self.submit_as(relay, "app@example.com", "s3cret word", login)
            self.assertReply(answer, 235, "2.7.0 Authentication successful")
            self.assertReply(sent, 250, "queued as")
        relay.log.wait_for(r"postfix/submission/smtpd\[\d+\]: [0-9A-F]+: client=\S+\[127\.0\.0\.1\], sasl_method=PLAIN, sasl_username=app@example\.com$")
        relay.log.wait_for(r"sasl_method=LOGIN, sasl_username=app@example\.com$")
        sink.wait_messages(2)

    def test_dovecot_over_tcp(self):
        sink = self.sink()
        relay = self.dovecot_relay(sink, inet=True)
        self.assertReply(self.submit_as(relay, "app@example.com", "s3cret word")[1], 250)

    def test_wrong_password_is_refused_and_logged_for_fail2ban(self):
        relay = self.dovecot_relay(self.sink())
        answer, _ = self.submit_as(relay, "app@example.com", "wrong")
        self.assertReply(answer, 535, "5.7.8 Error: authentication failed:")
        relay.log.wait_for(r"postfix/submission/smtpd\[\d+\]: warning: \S+\[127\.0\.0\.1\]: SASL PLAIN authentication failed: .*sasl_username=app@example\.com")
        relay.log.wait_for(r"disconnect from \S+\[127\.0\.0\.1\] ehlo=2 starttls=1 auth=0/1 commands=3/4")

    def test_authentication_can_be_aborted_and_repeated(self):
        relay = self.dovecot_relay(self.sink())
        with Dialogue(relay.ports["submission"]) as client:
            client.ehlo()
            self.assertIn("PLAIN", client.starttls()["AUTH"])
            self.assertReply(client.command("AUTH LOGIN"), 334)
            self.assertReply(client.command("*"), 501, "5.7.0 Authentication aborted")
            self.assertReply(client.command("AUTH X-UNKNOWN"), 535)
            self.assertReply(client.auth_plain("app@example.com", "s3cret word"), 235)
            self.assertReply(client.auth_plain("app@example.com", "s3cret word"), 503, "5.5.1 Error: already authenticated")

    def test_dead_authentication_server_is_a_temporary_failure(self):
        if not available():
            self.skipTest("dovecot cannot be run here")
        dovecot = Dovecot(self.folder, USERS)
        self.addCleanup(dovecot.end)
        relay = self.submission_relay(self.sink(), smtpd_sasl_type="dovecot", smtpd_sasl_path=dovecot.socket)
        self.assertReply(self.submit_as(relay, "app@example.com", "s3cret word")[0], 235)
        dovecot.end()
        with Dialogue(relay.ports["submission"]) as client:
            client.ehlo()
            if client.command("STARTTLS").startswith("220"):  # Postfix may end the session here
                client.wrap()
                client.command("EHLO client.example")
                self.assertFalse(client.auth_plain("app@example.com", "s3cret word").startswith("2"))
        self.assertTrue(relay.running())


class OurPasswordFile(SubmissionCase):
    def file_relay(self, sink):
        path = os.path.join(self.folder, "sasl_users")
        with open(path, "w") as f:
            f.write("# users of the relay\napp@example.com:%s\n" % crypt_hash("s3cret word"))
        return self.submission_relay(sink, smtpd_sasl_type="waypost", waypost_sasl_password_file=path), path

    @waypost_only("a kind of its own")
    def test_plain_and_login_against_crypt_hashes(self):
        sink = self.sink()
        relay, _ = self.file_relay(sink)
        for login in ("auth_plain", "auth_login"):
            answer, sent = self.submit_as(relay, "app@example.com", "s3cret word", login)
            self.assertReply(answer, 235)
            self.assertReply(sent, 250)
        self.assertReply(self.submit_as(relay, "app@example.com", "wrong")[0], 535)
        self.assertReply(self.submit_as(relay, "nobody@example.com", "s3cret word")[0], 535)
        sink.wait_messages(2)


    @waypost_only("a command of its own")
    def test_users_are_added_and_removed_by_command_without_a_reload(self):
        sink = self.sink()
        path = os.path.join(self.folder, "sasl_users")
        relay = self.submission_relay(sink, smtpd_sasl_type="waypost", waypost_sasl_password_file=path)
        command = lambda *arguments, **options: relay.run("waypost", "sasl-user", "-c", relay.config, *arguments, **options)
        added = command("add", "new@example.com", input="pass word\n")
        self.assertEqual(added.returncode, 0, added.stderr)
        self.assertEqual(command("list").stdout, "new@example.com\n")
        with open(path) as f:
            self.assertNotIn("pass word", f.read())
        self.assertReply(self.submit_as(relay, "new@example.com", "pass word")[1], 250)
        self.assertEqual(command("remove", "new@example.com").returncode, 0)
        self.assertReply(self.submit_as(relay, "new@example.com", "pass word")[0], 535)


class OtherPorts(SubmissionCase):
    def test_smtps_speaks_tls_from_the_start(self):
        sink = self.sink()
        relay = self.dovecot_relay(sink)
        with Dialogue(relay.ports["smtps"], tls=True) as client:
            self.assertReply(client.greeting, 220, "relay.example.com ESMTP")
            keywords = client.ehlo()
            self.assertNotIn("STARTTLS", keywords)
            self.assertReply(client.envelope("a@example.net", "rcpt@example.org"), 554)
            self.assertReply(client.command("RSET"), 250)
            self.assertReply(client.auth_plain("app@example.com", "s3cret word"), 235)
            self.assertReply(client.message("a@example.net", "rcpt@example.org"), 250)
        self.assertIn("with ESMTPSA", sink.wait_messages(1)[0].content.decode())

    def test_smtps_closes_on_plaintext(self):
        relay = self.dovecot_relay(self.sink())
        with Dialogue(relay.ports["smtps"], greet=False) as client:
            client.send("EHLO client.example\r\n")
            answer = client.reply()
            self.assertFalse(answer.startswith("220") or answer.startswith("250"), answer)

    def test_2525_serves_like_25_with_optional_tls(self):
        sink = self.sink()
        relay = self.submission_relay(sink, mynetworks="127.0.0.1/32")
        for port in (relay.ports["2525"], relay.port):
            relay.submit(port)
            with Dialogue(port) as client:
                self.assertIn("STARTTLS", client.ehlo())
                client.starttls()
                self.assertIsInstance(client.socket, ssl.SSLSocket)
                self.assertReply(client.message(), 250)
        received = sink.wait_messages(4)
        self.assertIn("with ESMTPS id", "".join(m.content.decode() for m in received))


if __name__ == "__main__":
    unittest.main()
