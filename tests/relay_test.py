"""The main job: mail submitted here arrives at the provider, over TLS and authenticated, and the log says so."""
import os
import re
import smtplib
import unittest
from email.message import EmailMessage

from harness import Dialogue, RelayCase, postfix
from harness.paths import ON_POSTFIX
from harness.process import run
from harness.waiting import free_port

# The configuration that tutorials give for a relay behind a provider. Only the provider's name and port, the place of
# files, and the name of the CA file are replaced.
ARTICLE = """\
myhostname = relay.example.com
mydomain = example.com
myorigin = $mydomain
inet_interfaces = all
inet_protocols = ipv4
mynetworks = 127.0.0.1/32, 10.0.0.0/8, 192.168.0.0/16
mydestination =
local_transport = error:local delivery disabled
relayhost = [{host}]:{port}
smtp_sasl_auth_enable = yes
smtp_sasl_password_maps = hash:{config}/sasl_passwd
smtp_sasl_security_options = noanonymous
smtp_tls_security_level = encrypt
smtp_tls_CAfile = {ca_file}
smtp_tls_loglevel = 1
smtpd_relay_restrictions = permit_mynetworks, reject
"""

PLACES = ("queue_directory", "data_directory", "maillog_file", "maillog_file_prefixes", "mail_owner", "waypost_resolver")


class ArticleConfiguration(RelayCase):
    def article_relay(self, sink, postmap=True, host="127.0.0.1"):
        relay = self.relay(start=False)
        text = ARTICLE.format(host=host, port=sink.port, config=relay.config, ca_file=self.authority.file)
        places = {name: value for name, value in relay.main.items() if name in PLACES}
        if ON_POSTFIX:
            places.update((name, value) for name, value in relay.main.items() if name not in text and name != "compatibility_level")
        relay.write_file("main.cf", text + "".join("%s = %s\n" % item for item in places.items()))
        relay.write_file("sasl_passwd", "[%s]:%d apikey:secret:word\n" % (host, sink.port), 0o600)
        if postmap:
            self.assertEqual(relay.run("postmap", "hash:%s/sasl_passwd" % relay.config).returncode, 0)
            os.chmod(os.path.join(relay.config, "sasl_passwd.db"), 0o600)
        return relay

    def provider(self, **options):
        return self.sink(cert=self.certificate("smtp.provider.example", "127.0.0.1"), auth="apikey:secret:word", require_tls=True, require_auth=True, **options)

    def test_message_reaches_provider_over_tls_and_authenticated(self):
        sink = self.provider()
        relay = self.article_relay(sink).start()
        queue_id = relay.submit(None, "rcpt@example.org", content="Subject: hello\r\n\r\n.leading dot\r\n".replace("\r\n.", "\r\n.."))
        received = sink.wait_messages(1)[0]
        self.assertTrue(received.tls)
        self.assertEqual(received.user, "apikey")
        self.assertEqual(received.sender, "sender@example.net")
        self.assertEqual(received.recipients, ["rcpt@example.org"])
        self.assertEqual(received.body, b".leading dot\r\n")
        relay.log.wait_for(r"postfix/qmgr\[\d+\]: %s: removed" % queue_id)

    def test_log_lines_have_the_shapes_that_readers_parse(self):
        sink = self.provider()
        relay = self.article_relay(sink).start()
        queue_id = relay.submit(None, "rcpt@example.org", content="Subject: x\r\nMessage-ID: <abc@client.example>\r\n\r\nx\r\n")
        self.assertRegex(queue_id, r"^[0-9A-F]{6,}$")
        stamp = r"^[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \S+ "
        client = r"\S+\[127\.0\.0\.1\]"
        for pattern in (
                r"postfix/smtpd\[(\d+)\]: connect from " + client + "$",
                r"postfix/smtpd\[\d+\]: %s: client=%s$" % (queue_id, client),
                r"postfix/cleanup\[\d+\]: %s: message-id=<abc@client\.example>$" % queue_id,
                r"postfix/qmgr\[\d+\]: %s: from=<sender@example\.net>, size=\d+, nrcpt=1 \(queue active\)$" % queue_id,
                r"postfix/smtp\[\d+\]: (Untrusted|Trusted) TLS connection established to 127\.0\.0\.1\[127\.0\.0\.1\]:%d: TLSv1\.3 with cipher TLS_\S+ \(256/256 bits\)" % sink.port,
                r"postfix/smtp\[\d+\]: %s: to=<rcpt@example\.org>, relay=127\.0\.0\.1\[127\.0\.0\.1\]:%d, delay=[\d.]+, delays=[\d.]+/[\d.]+/[\d.]+/[\d.]+, "
                r"dsn=2\.0\.0, status=sent \(250 2\.0\.0 Ok: queued\)$" % (queue_id, sink.port),
                r"postfix/smtpd\[\d+\]: disconnect from %s ehlo=1 mail=1 rcpt=1 data=1 quit=1 commands=5$" % client,
                r"postfix/qmgr\[\d+\]: %s: removed$" % queue_id):
            relay.log.wait_for(stamp + pattern)

    def test_password_file_works_without_postmap(self):
        if ON_POSTFIX:
            self.skipTest("Postfix needs postmap")
        sink = self.provider()
        relay = self.article_relay(sink, postmap=False).start()
        relay.submit()
        self.assertEqual(sink.wait_messages(1)[0].user, "apikey")

    def test_swaks_and_smtplib_can_submit(self):
        sink = self.provider()
        relay = self.article_relay(sink).start()
        sent = run(["swaks", "--server", "127.0.0.1:%d" % relay.port, "--from", "a@example.net", "--to", "b@example.org", "--h-Subject", "by swaks", "--hide-all"])
        self.assertEqual(sent.returncode, 0, sent.stdout + sent.stderr)
        message = EmailMessage()
        message["From"], message["To"], message["Subject"] = "a@example.net", "b@example.org", "by smtplib"
        message.set_content("grüße\n", charset="utf-8")
        with smtplib.SMTP("127.0.0.1", relay.port, timeout=10) as client:
            self.assertEqual(client.send_message(message), {})
        received = sink.wait_messages(2)
        self.assertEqual({m.message["Subject"] for m in received}, {"by swaks", "by smtplib"})
        by_smtplib = next(m for m in received if m.message["Subject"] == "by smtplib")
        self.assertEqual(by_smtplib.message.get_content().strip(), "grüße")

    def test_stock_master_cf_with_its_services_uncommented_runs(self):
        if ON_POSTFIX:
            self.skipTest("its chroot needs a populated queue directory")
        sink = self.provider()
        relay = self.article_relay(sink)
        for service in ("submission", "submissions", "2525"):
            relay.ports[service] = free_port()
        relay.write_file("master.cf", self.stock_master_cf(relay.ports))
        certificate = self.certificate("relay.example.com")
        with open(os.path.join(relay.config, "main.cf"), "a") as f:
            f.write("smtpd_tls_cert_file = %s\nsmtpd_tls_key_file = %s\n" % (certificate.certificate, certificate.key))
        relay.start()
        self.assertRegex(relay.submit(relay.ports["2525"]), "^[0-9A-F]+$")
        with Dialogue(relay.ports["submission"]) as client:
            self.assertIn("STARTTLS", client.ehlo())
            self.assertReply(client.command("MAIL FROM:<a@example.net>"), 530, "5.7.0 Must issue a STARTTLS command first")
        with Dialogue(relay.ports["submissions"], tls=True) as client:
            self.assertReply(client.greeting, 220)
        sink.wait_messages(1)

    def stock_master_cf(self, ports):
        """Debian's own file with both submission services uncommented and a service on "2525"; other port numbers."""
        try:
            path = os.path.join(postfix.unpack("postfix"), "usr/share/postfix/master.cf.dist")
        except postfix.Unavailable as error:
            self.skipTest(str(error))
        with open(path) as f:
            text = f.read()
        for service in ("submission", "submissions"):
            block = re.search(r"^#%s\s+inet.*\n(#  .*\n)+" % service, text, re.M).group(0)
            text = text.replace(block, re.sub(r"^#(?!     )", "", block, flags=re.M))
        text += "2525 inet n - y - - smtpd\n"
        for service, port in ports.items():
            text = re.sub(r"^%s(\s+inet)" % service, r"%d\1" % port, text, flags=re.M)
        return text


class Relaying(RelayCase):
    def test_received_line_is_added_on_top_and_the_rest_is_untouched(self):
        sink = self.sink()
        relay = self.relay(sink=sink)
        content = "Received: from old\r\nDate: Mon, 06 Jan 2025 10:00:00 +0000\r\nFrom: a@example.net\r\nMessage-ID: <1@example.net>\r\nSubject:  odd   spacing \r\n\r\nline\r\n\r\nend\r\n"
        queue_id = relay.submit(content=content)
        received = sink.wait_messages(1)[0].content.decode()
        match = re.match(r"Received: from client\.example \(\S+ \[127\.0\.0\.1\]\)\r\n\tby relay\.example\.com \(Postfix\) with ESMTP id %s\r\n"
                         r"\tfor <rcpt@example\.org>; \w{3}, [ \d]\d \w{3} \d{4} \d\d:\d\d:\d\d [+-]\d{4} \(\w+\)\r\n" % queue_id, received)
        self.assertTrue(match, received)
        self.assertEqual(received[match.end():], content)

    def test_many_recipients_arrive_in_one_transaction(self):
        sink = self.sink()
        relay = self.relay(sink=sink)
        recipients = ["r%d@example.org" % i for i in range(20)]
        relay.submit(None, *recipients)
        received = sink.wait_messages(1)
        self.assertEqual(sorted(received[0].recipients), sorted(recipients))
        self.assertEqual(sink.stats()["messages"], 1)

    def test_waiting_mail_reuses_the_connection(self):
        sink = self.sink(rules=["eod=delay 50"])
        relay = self.relay({"smtp_destination_concurrency_limit": "1", "initial_destination_concurrency": "1"}, sink=sink)
        for _ in range(8):
            relay.submit()
        sink.wait_messages(8)
        self.assertLess(sink.stats()["sessions"], 8)
        relay.log.wait_for(r"postfix/smtp\[\d+\]: [0-9A-F]+: to=<rcpt@example.org>, relay=\S+, conn_use=\d+, delay=")

    def test_a_large_message_arrives_unchanged(self):
        sink = self.sink()
        relay = self.relay(sink=sink)
        body = "".join("%07d %s\r\n" % (i, "x" * (i % 70)) for i in range(120000))
        content = "Date: Mon, 06 Jan 2025 10:00:00 +0000\r\nFrom: a@example.net\r\nMessage-ID: <big@example.net>\r\nSubject: large\r\n\r\n" + body
        relay.submit(content=content)
        received = sink.wait_messages(1, timeout=30)[0]
        self.assertEqual(received.body, body.encode())

    def test_domain_nexthop_is_resolved_through_mx(self):
        if ON_POSTFIX:
            self.skipTest("uses the machine's resolver")
        sink = self.sink()
        self.dns.add("provider.example", "MX", "10 down.provider.example", "20 mx.provider.example")
        self.dns.add("down.provider.example", "A", "127.0.0.9")
        self.dns.add("mx.provider.example", "A", "127.0.0.1")
        relay = self.relay({"relayhost": "provider.example:%d" % sink.port})
        relay.submit()
        sink.wait_messages(1)
        relay.log.wait_for(r"connect to down\.provider\.example\[127\.0\.0\.9\]:%d: Connection refused" % sink.port)
        relay.log.wait_for(r"relay=mx\.provider\.example\[127\.0\.0\.1\]:%d, .*status=sent" % sink.port)


if __name__ == "__main__":
    unittest.main()
