"""What the parameters of the SMTP server do that no other test is about: rates, identities, certificates, tables."""
import base64
import os
import ssl
import unittest

from harness import Dialogue, RelayCase
from harness.case import waypost_only
from harness.process import run
from harness.smtp import client_context

OUTSIDER = "127.0.0.2"  # not in mynetworks
LONG_ID = r"[0-9B-DF-HJ-NP-TV-Zb-df-hj-np-tv-z]{10}z[0-9B-DF-HJ-NP-TV-Zb-df-hj-np-tv-y]+"
NO_DATE = "Subject: test\r\n\r\ntext\r\n"


class QueueIds(RelayCase):
    def test_long_ids_stand_in_replies_logs_listings_and_message_ids(self):
        sink = self.sink(rules=["rcpt=450 4.2.0 greylisted"])
        relay = self.relay({"enable_long_queue_ids": "yes"}, sink=sink)
        with Dialogue(relay.port) as client:
            client.ehlo()
            answer = client.message(content=NO_DATE)
        self.assertRegex(answer, r"^250 2\.0\.0 Ok: queued as %s$" % LONG_ID)
        queue_id = answer.split()[-1]
        relay.wait_queue(1, "deferred")
        relay.log.wait_for(r"postfix/cleanup\[\d+\]: %s: message-id=<%s@relay\.example\.com>" % (queue_id, queue_id))
        table = relay.mailq()
        self.assertTrue(table.startswith("----Queue ID----- --Size-- ---Arrival Time---- --Sender/Recipient------\n"), table)
        self.assertRegex(table, r"(?m)^%-17s +\d+ \w{3} \w{3} [ \d]\d \d\d:\d\d:\d\d sender@example\.net$" % queue_id)
        self.assertRegex(table, r"(?m)^ {47}rcpt@example\.org$")
        self.assertEqual(relay.run("postsuper", "-d", queue_id).returncode, 0)
        relay.wait_queue(0)

    @waypost_only("its ids are file names")
    def test_both_forms_live_in_one_queue_and_survive_a_restart(self):
        sink = self.sink(rules=["rcpt=450 4.2.0 greylisted"])
        relay = self.relay({"enable_long_queue_ids": "yes"}, sink=sink)
        ids = [relay.submit()]
        relay.main["enable_long_queue_ids"] = "no"
        relay.write()
        self.assertEqual(relay.postfix("reload").returncode, 0)
        relay.log.wait_for("reload -- version")
        ids.append(relay.submit())
        self.assertRegex(ids[0], "^%s$" % LONG_ID)
        self.assertRegex(ids[1], "^[0-9A-F]{6,}$")
        relay.restart()
        self.assertEqual({message["queue_id"] for message in relay.queue_json()}, set(ids))


class Rates(RelayCase):
    def limited(self, name, limit=2, **more):
        return self.relay(dict({name: str(limit), "smtpd_client_event_limit_exceptions": "", "anvil_rate_time_unit": "60s"}, **more), sink=self.sink())

    def test_connections(self):
        relay = self.limited("smtpd_client_connection_rate_limit")
        seen = []
        for _ in range(6):  # the harness itself has connected to see that it serves
            with Dialogue(relay.port) as client:
                seen.append(client.greeting)
        self.assertReply(seen[-1], 421, "4.7.0 relay.example.com Error: too many connections from 127.0.0.1")
        relay.log.wait_for(r"warning: Connection rate limit exceeded: \d+ from \S+\[127\.0\.0\.1\] for service \S+")

    def test_messages(self):
        relay = self.limited("smtpd_client_message_rate_limit")
        with Dialogue(relay.port) as client:
            client.ehlo()
            for _ in range(2):
                self.assertReply(client.message(), 250)
            self.assertReply(client.command("MAIL FROM:<a@example.net>"), 450, "4.7.1 Error: too much mail from 127.0.0.1")
        relay.log.wait_for(r"warning: Message delivery request rate limit exceeded: 3 from \S+\[127\.0\.0\.1\] for service \S+")

    def test_recipients(self):
        relay = self.limited("smtpd_client_recipient_rate_limit")
        with Dialogue(relay.port) as client:
            client.ehlo()
            self.assertReply(client.envelope("a@example.net", "b@example.org", "c@example.org"), 250)
            self.assertReply(client.command("RCPT TO:<d@example.org>"), 450, "4.7.1 Error: too many recipients from 127.0.0.1")
        relay.log.wait_for(r"warning: Recipient address rate limit exceeded: 3 from \S+\[127\.0\.0\.1\] for service \S+")

    def test_authentications(self):
        relay = self.limited("smtpd_client_auth_rate_limit", smtpd_sasl_auth_enable="yes", smtpd_sasl_type="dovecot", smtpd_sasl_path=self.authentication())
        with Dialogue(relay.port) as client:
            client.ehlo()
            for _ in range(2):
                self.assertReply(client.auth_plain("app", "wrong"), 535)
            self.assertReply(client.auth_plain("app", "word"), 450, "4.7.1 Error: too many AUTH commands from 127.0.0.1")
        relay.log.wait_for(r"warning: AUTH command rate limit exceeded: 3 from \S+\[127\.0\.0\.1\] for service \S+")

    def authentication(self):
        from harness import sasl
        if not sasl.available():
            self.skipTest("needs Dovecot, and root")
        dovecot = sasl.Dovecot(self.folder, {"app": "word"})
        self.addCleanup(dovecot.end)
        return "inet:127.0.0.1:%d" % dovecot.port

    def test_new_tls_sessions(self):
        certificate = self.certificate("relay.example.com")
        relay = self.limited("smtpd_client_new_tls_session_rate_limit", 1, smtpd_tls_security_level="may", smtpd_tls_cert_file=certificate.certificate,
                             smtpd_tls_key_file=certificate.key)
        with Dialogue(relay.port) as client:
            client.ehlo()
            client.starttls()
        with Dialogue(relay.port) as client:
            client.ehlo()
            self.assertReply(client.command("STARTTLS"), 220)
            client.wrap()
            self.assertReply(client.command("EHLO client.example"), 421, "4.7.0 relay.example.com Error: too many new TLS sessions from ")
        relay.log.wait_for(r"warning: New TLS session rate limit exceeded: 2 from \S+\[127\.0\.0\.1\] for service \S+")
        with Dialogue(relay.port) as client:
            client.ehlo()
            self.assertReply(client.command("STARTTLS"), 454, "4.7.0 Error: too many new TLS sessions from ")
        relay.log.wait_for(r"warning: Refusing STARTTLS request from \S+\[127\.0\.0\.1\] for service \S+")

    def test_exempt_clients_are_not_counted(self):
        relay = self.limited("smtpd_client_message_rate_limit", 1, smtpd_client_event_limit_exceptions="127.0.0.1")
        with Dialogue(relay.port) as client:
            client.ehlo()
            for _ in range(3):
                self.assertReply(client.message(), 250)

    @waypost_only("a parameter of Postfix 3.8")
    def test_a_network_counts_as_one_client(self):
        relay = self.limited("smtpd_client_message_rate_limit", 1, smtpd_client_ipv4_prefix_length="24", mynetworks="127.0.0.0/8")
        for source, code in (("127.0.0.1", 250), ("127.0.0.2", 450), ("127.0.1.1", 250)):
            with Dialogue(relay.port, source=source) as client:
                client.ehlo()
                self.assertReply(client.command("MAIL FROM:<a@example.net>"), code)

    def test_the_time_unit_ends(self):
        relay = self.limited("smtpd_client_message_rate_limit", 1, anvil_rate_time_unit="1s")
        with Dialogue(relay.port) as client:
            client.ehlo()
            self.assertReply(client.message(), 250)
            answers = []
            while not answers or not answers[-1].startswith("250"):  # bounded by the test's own time limit
                answers.append(client.command("MAIL FROM:<a@example.net>"))
            self.assertReply(answers[-1], 250)


class Commands(RelayCase):
    def answers(self, *commands, **settings):
        relay = self.relay(settings, name="relay%d" % len(os.listdir(self.folder)))
        said = []
        for command in commands:
            with Dialogue(relay.port) as client:
                said.append(client.command(command)[:3])
        return said

    def test_forbidden_commands(self):
        commands = ("GET /", "post", "+ x", "FOO", "NOOP")
        self.assertEqual(self.answers(*commands), ["221", "221", "221", "500", "250"])
        for value, expected in (("", ["500", "500", "500", "500", "250"]), ("foo", ["500", "500", "500", "221", "250"]),
                                ("!post, static:all", ["221", "500", "221", "221", "250"]),
                                ("inline:{foo=x} regexp:{{/^P/ x}}", ["500", "221", "500", "221", "250"])):
            self.assertEqual(self.answers(*commands, smtpd_forbidden_commands=value), expected, value)

    def test_commands_without_effect(self):
        self.assertEqual(self.answers("FOO x", "bar", smtpd_noop_commands="foo"), ["250", "500"])
        self.assertEqual(self.answers("FOO x", "bar", smtpd_noop_commands="inline:{foo=x}"), ["250", "500"])
        self.assertEqual(self.answers("FOO x", "bar", smtpd_noop_commands="!foo, static:all"), ["500", "250"])


class Identities(RelayCase):
    def test_the_client_port_is_logged(self):
        relay = self.relay({"smtpd_client_port_logging": "yes"}, sink=self.sink())
        with Dialogue(relay.port) as client:
            port = client.socket.getsockname()[1]
            client.ehlo()
            self.assertReply(client.message(), 250)
        relay.log.wait_for(r"postfix/smtpd\[\d+\]: connect from \S+\[127\.0\.0\.1\]:%d$" % port)
        relay.log.wait_for(r": client=\S+\[127\.0\.0\.1\]:%d$" % port)
        relay.log.wait_for(r"disconnect from \S+\[127\.0\.0\.1\]:%d ehlo=1" % port)

    @waypost_only("a parameter of Postfix 3.10")
    def test_the_client_is_left_out_of_received(self):
        sink = self.sink()
        relay = self.relay({"smtpd_hide_client_session": "yes"}, sink=sink)
        queue_id = relay.submit(None, "one@example.org")
        received = sink.wait_messages(1)[0].content.decode()
        self.assertRegex(received, r"\AReceived: by relay\.example\.com \(Postfix\) id %s\r\n\tfor <one@example\.org>; " % queue_id)

    def test_xclient_makes_another_client(self):
        sink = self.sink()
        relay = self.relay({"smtpd_authorized_xclient_hosts": "127.0.0.1"}, sink=sink)
        with Dialogue(relay.port) as client:
            self.assertEqual(client.ehlo()["XCLIENT"], "NAME ADDR PROTO HELO REVERSE_NAME PORT LOGIN DESTADDR DESTPORT")
            self.assertReply(client.command("XCLIENT FROB=1"), 501, "5.5.4 Bad XCLIENT attribute name: FROB")
            self.assertReply(client.command("XCLIENT NAME=mail.example ADDR=198.51.100.7 HELO=they.example"), 220, "relay.example.com ESMTP")
            self.assertReply(client.envelope("a@example.net", "rcpt@example.org"), 454, "Relay access denied")
            client.ehlo()
            self.assertReply(client.command("XCLIENT ADDR=127.0.0.1"), 5)
        relay.log.wait_for(r"NOQUEUE: reject: RCPT from mail\.example\[198\.51\.100\.7\]: 454 4\.7\.1 <rcpt@example\.org>: Relay access denied; "
                           r"from=<a@example\.net> to=<rcpt@example\.org> proto=SMTP helo=<they\.example>")
        relay.log.wait_for(r"disconnect from mail\.example\[198\.51\.100\.7\] ehlo=2 xclient=0/3 ")

    def say_login(self, **settings):
        """What a client hears at RCPT that XCLIENT logged in."""
        self.proxied = self.relay(dict({"smtpd_authorized_xclient_hosts": "127.0.0.0/8", "smtpd_relay_restrictions": "permit_sasl_authenticated, reject"}, **settings),
                                  sink=self.sink())
        with Dialogue(self.proxied.port) as client:
            client.ehlo()
            self.assertReply(client.command("XCLIENT LOGIN=app@example.com ADDR=198.51.100.7 PROTO=ESMTP"), 220)
            client.ehlo()
            return client.envelope("a@example.net", "rcpt@example.org")

    def test_a_login_by_xclient_does_not_count_without_authentication(self):
        self.assertReply(self.say_login(), 554, "Access denied")
        self.proxied.log.wait_for(r"NOQUEUE: reject: RCPT from \S+\[198\.51\.100\.7\]: 554 .* proto=ESMTP helo=<client\.example>")

    @waypost_only("needs an authentication server to start")
    def test_xclient_logs_somebody_in(self):
        users = self.folder + "/sasl_users"
        with open(users, "w"):
            pass
        self.assertReply(self.say_login(smtpd_sasl_auth_enable="yes", smtpd_sasl_type="waypost", waypost_sasl_password_file=users), 250)
        self.proxied.log.wait_for(r": client=\S+\[198\.51\.100\.7\], sasl_method=XCLIENT, sasl_username=app@example\.com")

    def test_xclient_and_xforward_are_for_those_that_are_named(self):
        relay = self.relay({"smtpd_authorized_xclient_hosts": "127.0.0.9", "smtpd_authorized_xforward_hosts": "127.0.0.9"}, sink=self.sink())
        with Dialogue(relay.port) as client:
            offered = client.ehlo()
            self.assertNotIn("XCLIENT", offered)
            self.assertNotIn("XFORWARD", offered)
            self.assertReply(client.command("XCLIENT ADDR=198.51.100.7"), 550, "5.7.0 Error: insufficient authorization")
            self.assertReply(client.command("XFORWARD ADDR=198.51.100.7"), 550, "5.7.0 Error: insufficient authorization")

    def test_xforward_is_logged_with_its_message_only(self):
        relay = self.relay({"smtpd_authorized_xforward_hosts": "127.0.0.1"}, sink=self.sink())
        with Dialogue(relay.port) as client:
            self.assertEqual(client.ehlo()["XFORWARD"], "NAME ADDR PROTO HELO SOURCE PORT IDENT")
            self.assertReply(client.command("XFORWARD NAME=app.example ADDR=198.51.100.7 IDENT=ABC123"), 250, "2.0.0 Ok")
            self.assertReply(client.command("XFORWARD SOURCE=REMOTE"), 250)
            first = client.message().split()[-1]
            second = client.message().split()[-1]
        relay.log.wait_for(first + r": client=\S+\[127\.0\.0\.1\], orig_queue_id=ABC123, orig_client=app\.example\[198\.51\.100\.7\]$")
        relay.log.wait_for(second + r": client=\S+\[127\.0\.0\.1\]$")


class Proxy(RelayCase):
    def proxied(self, **settings):
        return self.relay(dict({"smtpd_upstream_proxy_protocol": "haproxy", "smtpd_upstream_proxy_timeout": "2s", "smtpd_relay_restrictions": "permit_mynetworks, reject"},
                               **settings), sink=self.sink(), listeners={"smtp": {"smtpd_upstream_proxy_protocol": ""}, "proxied": {}})

    def test_version_1_says_who_the_client_is(self):
        relay = self.proxied()
        with Dialogue(relay.ports["proxied"], greet=False) as client:
            client.send("PROXY TCP4 198.51.100.7 203.0.113.1 4711 25\r\n")
            self.assertReply(client.reply(), 220)
            client.ehlo()
            self.assertReply(client.envelope("a@example.net", "rcpt@example.org"), 554)
        relay.log.wait_for(r"connect from \S+\[198\.51\.100\.7\]$")
        relay.log.wait_for(r"NOQUEUE: reject: RCPT from \S+\[198\.51\.100\.7\]: 554")

    def test_version_2_in_pieces(self):
        relay = self.proxied()
        header = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\x7f\0\0\x01\xcb\x00\x71\x01\x12\x67\0\x19"
        if self.engine == "postfix":
            pieces = [header]
        else:
            pieces = [header[:5], header[5:20], header[20:]]
        with Dialogue(relay.ports["proxied"], greet=False) as client:
            for piece in pieces:
                client.send(piece)
            self.assertReply(client.reply(), 220)
            client.ehlo()
            self.assertReply(client.message(), 250)

    def test_without_a_header_nobody_is_served(self):
        relay = self.proxied()
        with Dialogue(relay.ports["proxied"], greet=False) as client:
            client.send("EHLO client.example\r\n")
            self.assertReply(client.reply(), 421, "4.3.0 relay.example.com Server local error")
        relay.log.wait_for(r"warning: haproxy read: unrecognized protocol header: EHLO client\.example")
        with Dialogue(relay.ports["proxied"], greet=False) as client:
            self.assertReply(client.reply(), 421, "4.3.0")
        relay.log.wait_for(r"warning: haproxy read: timeout error")

    def test_tls_follows_the_header_in_wrapper_mode(self):
        certificate = self.certificate("relay.example.com")
        relay = self.proxied(smtpd_tls_cert_file=certificate.certificate, smtpd_tls_key_file=certificate.key)
        relay.listeners["proxied"]["smtpd_tls_wrappermode"] = "yes"
        relay.write()
        relay.restart()
        with Dialogue(relay.ports["proxied"], greet=False) as client:
            client.send("PROXY TCP4 127.0.0.1 203.0.113.1 4711 25\r\n")
            client.wrap()
            self.assertReply(client.reply(), 220)
            client.ehlo()
            self.assertReply(client.message(), 250)


class Certificates(RelayCase):
    def tls_relay(self, **settings):
        certificate = self.certificate("relay.example.com", "127.0.0.1")
        self.provider = self.sink()
        return self.relay(dict({"smtpd_tls_security_level": "may", "smtpd_tls_cert_file": certificate.certificate, "smtpd_tls_key_file": certificate.key,
                                "smtpd_tls_CAfile": self.authority.file, "smtpd_tls_loglevel": "1", "smtpd_tls_ask_ccert": "yes",
                                "smtpd_tls_received_header": "yes"}, **settings), sink=self.provider)

    def say(self, relay, certificate, source=OUTSIDER, twelve=False):
        """A client behind STARTTLS and EHLO, with its certificate."""
        client = Dialogue(relay.port, source=source)
        self.addCleanup(client.close)
        client.ehlo()
        self.assertReply(client.command("STARTTLS"), 220)
        context = client_context()
        if twelve:
            context.maximum_version = ssl.TLSVersion.TLSv1_2
        if certificate:
            context.load_cert_chain(certificate.certificate, certificate.key)
        client.socket = context.wrap_socket(client.socket)
        return client

    def fingerprint(self, certificate, digest="sha256"):
        text = run(["openssl", "x509", "-in", certificate.certificate, "-noout", "-fingerprint", "-" + digest]).stdout
        return text.strip().split("=")[1]

    def test_a_known_fingerprint_may_relay_and_a_strange_one_not(self):
        known, strange = self.certificate("known.example"), self.certificate("strange.example")
        for digest in ("sha256", "sha1"):
            relay = self.tls_relay(smtpd_relay_restrictions="permit_tls_clientcerts, reject", smtpd_tls_fingerprint_digest=digest,
                                   relay_clientcerts="inline:{{ %s = known }}" % self.fingerprint(known, digest))
            client = self.say(relay, known)
            client.ehlo()
            self.assertReply(client.message(), 250)
            received = self.provider.wait_messages(1)[0].content.decode()
            self.assertIn('(Client CN "known.example", Issuer "Test CA" (verified OK))', received)
            client = self.say(relay, strange)
            client.ehlo()
            self.assertReply(client.envelope("a@example.net", "b@example.org"), 554)
            relay.end()

    def test_any_certificate_of_our_authority_may_relay(self):
        from harness import CertificateAuthority
        relay = self.tls_relay(smtpd_relay_restrictions="permit_tls_all_clientcerts, reject")
        client = self.say(relay, self.certificate("client.example"))
        client.ehlo()
        self.assertReply(client.message(), 250)
        stranger = CertificateAuthority(self.folder + "/stranger", "Stranger").issue(["client.example"])
        client = self.say(relay, stranger)
        client.ehlo()
        self.assertReply(client.envelope("a@example.net", "b@example.org"), 554)
        relay.log.wait_for(r"Trusted TLS connection established from \S+\[127\.0\.0\.2\]")
        relay.log.wait_for(r"Untrusted TLS connection established from \S+\[127\.0\.0\.2\]")

    @waypost_only("3.7 says it in other words")
    def test_a_required_certificate_that_is_missing(self):
        relay = self.tls_relay(smtpd_tls_security_level="encrypt", smtpd_tls_req_ccert="yes", mynetworks="127.0.0.0/8")
        client = self.say(relay, None)
        self.assertReply(client.command("EHLO client.example"), 421, "4.7.1 relay.example.com Error: No client certificate presented")
        relay.log.wait_for(r"NOQUEUE: abort: TLS from \S+\[127\.0\.0\.2\]: No client certificate presented")
        client = self.say(relay, self.certificate("client.example"))
        client.ehlo()
        self.assertReply(client.message(), 250)

    def chain(self, *names):
        """Key and certificate in one file."""
        certificate = self.certificate(*names)
        path = "%s/%s.chain" % (self.folder, names[0])
        with open(path, "w") as f:
            for part in (certificate.key, certificate.certificate):
                with open(part) as source:
                    f.write(source.read())
        return path, certificate

    def shown(self, relay, name):
        """The certificate that a client is shown that asks for `name`, as DER."""
        with Dialogue(relay.port) as client:
            client.ehlo()
            client.command("STARTTLS")
            client.socket = client_context().wrap_socket(client.socket, server_hostname=name)
            return client.socket.getpeercert(binary_form=True)

    def test_the_certificate_follows_the_name(self):
        one, one_certificate = self.chain("one.example")
        two, two_certificate = self.chain("two.example")
        relay = self.tls_relay(tls_server_sni_maps="hash:%s/sni" % self.folder)
        with open(self.folder + "/sni", "w") as f:
            for name, chain in (("one.example", one), (".two.example", two)):
                with open(chain, "rb") as source:
                    f.write("%s %s\n" % (name, base64.b64encode(source.read()).decode()))  # what postmap -F would store
        self.assertEqual(relay.run("postmap", "hash:%s/sni" % self.folder).returncode, 0)
        relay.restart()
        der = {}
        for name, certificate in (("one", one_certificate), ("two", two_certificate), ("own", None)):
            path = certificate.certificate if certificate else relay.main["smtpd_tls_cert_file"]
            with open(path) as f:
                der[name] = ssl.PEM_cert_to_DER_cert(f.read())
        self.assertEqual(self.shown(relay, "one.example"), der["one"])
        self.assertEqual(self.shown(relay, "mx.two.example"), der["two"])
        self.assertEqual(self.shown(relay, "other.example"), der["own"])
        self.assertEqual(self.shown(relay, None), der["own"])
        relay.log.wait_for(r"TLS connection established from \S+\[127\.0\.0\.1\] to one\.example: TLSv1\.3")

    @waypost_only("3.7 wants a table made by postmap -F")
    def test_the_files_of_a_name_may_stand_in_the_table(self):
        one, certificate = self.chain("one.example")
        relay = self.tls_relay(tls_server_sni_maps="inline:{{ONE.example = %s}, {broken.example = /no/such/file}}" % one)
        with open(certificate.certificate) as f:
            self.assertEqual(self.shown(relay, "one.example"), ssl.PEM_cert_to_DER_cert(f.read()))
        with self.assertRaises((ssl.SSLError, OSError)):
            self.shown(relay, "broken.example")
        relay.log.wait_for(r"warning: TLS SNI broken\.example: open /no/such/file: No such file or directory")

    def resumed(self, **settings):
        """Whether a second connection takes the first one's session up."""
        relay = self.tls_relay(**settings)
        context, session = client_context(), None
        for _ in range(2):
            with Dialogue(relay.port) as client:
                client.ehlo()
                client.command("STARTTLS")
                client.socket = context.wrap_socket(client.socket, session=session)
                client.ehlo()
                session, reused = client.socket.session, client.socket.session_reused
        return reused

    def test_sessions_are_not_resumed_without_tickets(self):
        self.assertFalse(self.resumed(tls_ssl_options="NO_TICKET"))

    @waypost_only("its cache goes by other rules")
    def test_sessions_last_as_long_as_they_may(self):
        self.assertFalse(self.resumed(smtpd_tls_session_cache_timeout="0s"))

    def test_curves_are_those_that_are_listed(self):
        for curves, accepted in (("X25519 prime256v1", True), ("secp384r1", False)):
            relay = self.tls_relay(tls_eecdh_auto_curves=curves, tls_ffdhe_auto_groups="")
            with Dialogue(relay.port) as client:
                client.ehlo()
                client.command("STARTTLS")
                context = client_context()
                context.set_ecdh_curve("prime256v1")
                if accepted:
                    client.socket = context.wrap_socket(client.socket)
                else:
                    with self.assertRaises((ssl.SSLError, OSError)):
                        context.wrap_socket(client.socket)
            relay.end()

    @waypost_only("it ignores what it does not know")
    def test_unknown_options_are_refused(self):
        relay = self.tls_relay()
        for name, value in (("tls_ssl_options", "NO_TICKETS"), ("smtpd_tls_eecdh_grade", "best"),
                            ("smtpd_tls_fingerprint_digest", "sha257"), ("smtpd_tls_dh1024_param_file", "/no/such/file")):
            relay.main[name] = value
            relay.write()
            self.assertNotEqual(relay.postfix("reload").returncode, 0, name)
            del relay.main[name]
        relay.log.wait_for(r"reload refused: .*NO_TICKETS")

    def test_without_asking_nobody_can_show_a_certificate(self):
        relay = self.tls_relay(smtpd_tls_ask_ccert="no", smtpd_relay_restrictions="permit_tls_clientcerts, reject", relay_clientcerts="static:yes")
        client = self.say(relay, self.certificate("client.example"))
        client.ehlo()
        self.assertReply(client.envelope("a@example.net", "b@example.org"), 554)
        relay.log.wait_for(r'warning: permit_tls_clientcerts is requested, but "smtpd_tls_ask_ccert = no"')


class Recipients(RelayCase):
    TABLE = "inline:{{known@partner.example = x}, {@all.example = x}}"

    def refusal(self, recipient, sender="a@example.net", **settings):
        relay = self.relay(dict({"relay_domains": "partner.example, all.example", "relay_recipient_maps": self.TABLE}, **settings), sink=self.sink(), name="relay-" + recipient)
        with Dialogue(relay.port) as client:
            client.ehlo()
            return client.envelope(sender, recipient)

    def test_unknown_relay_recipients_are_refused(self):
        self.assertReply(self.refusal("known@partner.example"), 250)
        self.assertReply(self.refusal("known+tag@partner.example", recipient_delimiter="+"), 250)
        self.assertReply(self.refusal("anybody@all.example"), 250)
        self.assertReply(self.refusal("other@partner.example"), 550, "5.1.1 <other@partner.example>: Recipient address rejected: User unknown in relay recipient table")

    def test_the_code_and_the_words_can_be_chosen(self):
        self.assertReply(self.refusal("other@partner.example", unknown_relay_recipient_reject_code="450", show_user_unknown_table_name="no"), 450,
                         "4.1.1 <other@partner.example>: Recipient address rejected: User unknown")

    def test_unknown_local_recipients_are_refused(self):
        local = {"mydestination": "local.example", "local_transport": "discard:", "local_recipient_maps": "inline:{{known = x}}"}
        self.assertReply(self.refusal("known@local.example", **local), 250)
        self.assertReply(self.refusal("postmaster@local.example", **local), 250)
        self.assertReply(self.refusal("other@local.example", unknown_local_recipient_reject_code="551", **local), 551,
                         "5.1.1 <other@local.example>: Recipient address rejected: User unknown in local recipient table")

    def test_a_broken_table_defers(self):
        self.assertReply(self.refusal("known@partner.example", relay_recipient_maps="hash:/no/such/table"), 451, "4.3.0")

    def test_a_sender_that_nobody_could_write_to_is_refused(self):
        self.assertReply(self.refusal("known@partner.example", sender="other@partner.example"), 250)
        self.assertReply(self.refusal("rcpt@example.org", sender="other@partner.example", smtpd_reject_unlisted_sender="yes"), 550,
                         "5.1.0 <other@partner.example>: Sender address rejected: User unknown in relay recipient table")

    @waypost_only("its log has no addresses as the client wrote them")
    def test_original_recipients_are_kept_or_not(self):
        for keep, line in (("yes", r"to=<user@example\.com>, orig_to=<user>, relay"), ("no", r"to=<user@example\.com>, relay")):
            sink = self.sink(name="sink-" + keep)
            relay = self.relay({"enable_original_recipient": keep}, sink=sink, name="relay-" + keep)
            relay.submit(None, "user")
            sink.wait_messages(1)
            relay.log.wait_for(line)
            relay.end()

    def test_plaintext_reject_code(self):
        self.assertReply(self.refusal("rcpt@example.org", smtpd_recipient_restrictions="reject_plaintext_session", plaintext_reject_code="554"), 554,
                         "5.7.1 Session encryption is required")


class Users(RelayCase):
    """Who of this host may do what."""

    def as_nobody(self, relay, command, *arguments, input=None):
        if os.geteuid() != 0:
            self.skipTest("needs root to become somebody else")
        return run(["setpriv", "--reuid", "nobody", "--regid", "nogroup", "--clear-groups", relay.program(command), *arguments], input=input,
                   env=relay.environment(), cwd="/")

    @waypost_only("postdrop of an unpacked tree is not set-gid")
    def test_lists_of_users(self):
        everybody = {"authorized_submit_users": "!daemon, static:anyone", "authorized_flush_users": "nobody", "authorized_mailq_users": "inline:{nobody=x}"}
        nobody = dict.fromkeys(everybody, "root, !nobody")
        for lists, allowed in ((everybody, True), (nobody, False)):
            sink = self.sink(name="sink-%s" % allowed)
            relay = self.relay(lists, sink=sink, name="relay-%s" % allowed)
            submitted = self.as_nobody(relay, "sendmail", "a@example.org", input="Subject: x\n\nx\n")
            listed, flushed = self.as_nobody(relay, "mailq"), self.as_nobody(relay, "postqueue", "-f")
            if allowed:
                self.assertEqual([r.returncode for r in (submitted, listed, flushed)], [0, 0, 0], submitted.stderr + listed.stderr + flushed.stderr)
                sink.wait_messages(1)
            else:
                self.assertEqual([r.returncode for r in (submitted, listed, flushed)], [75, 77, 77])
                self.assertIn("fatal: User nobody(65534) is not allowed to submit mail", submitted.stderr)
                self.assertIn("fatal: User nobody(65534) is not allowed to view the mail queue", listed.stderr)
                self.assertIn("fatal: User nobody(65534) is not allowed to flush the mail queue", flushed.stderr)
            relay.end()

    @waypost_only("postdrop of an unpacked tree is not set-gid")
    def test_lists_of_users_that_cannot_be_read(self):
        lists = dict.fromkeys(("authorized_submit_users", "authorized_flush_users", "authorized_mailq_users"), "fail:x")
        sink = self.sink()
        relay = self.relay(lists, sink=sink)
        for command, words, status in ((("sendmail", "a@example.org"), "submit", 75), (("mailq",), "mailq", 69), (("postqueue", "-f"), "flush", 69)):
            done = self.as_nobody(relay, *command, input="Subject: x\n\nx\n")
            self.assertEqual(done.returncode, status, done.stderr)
            self.assertIn("authorized_%s_users: fail:x: table lookup problem" % words, done.stderr)

    @waypost_only("only its own postdrop writes into the folder")
    def test_a_file_that_was_dropped_without_leave_is_set_aside(self):
        sink = self.sink()
        relay = self.relay(sink=sink)
        relay.stop()
        self.assertEqual(self.as_nobody(relay, "sendmail", "a@example.org", input="Subject: x\n\nx\n").returncode, 0)
        relay.main["authorized_submit_users"] = "root"
        relay.write()
        relay.start()
        relay.log.wait_for(r"warning: \S+/drop/\S+: User nobody\(65534\) is not allowed to submit mail; moved to ")
        self.assertEqual((relay.queue_json(), sink.stats()["messages"]), ([], 0))

    @waypost_only("only its own postdrop writes into the folder")
    def test_a_dropped_file_stays_while_nobody_can_say_who_may_submit(self):
        sink = self.sink()
        relay = self.relay(sink=sink)
        relay.stop()
        self.assertEqual(relay.run("sendmail", "a@example.org", input="Subject: x\n\nx\n").returncode, 0)
        relay.main["authorized_submit_users"] = "fail:x"
        relay.write()
        relay.start()
        relay.log.wait_for(r"warning: \S+/drop/\S+: authorized_submit_users: fail:x: table lookup problem; it stays for another attempt")
        relay.main["authorized_submit_users"] = "static:anyone"
        relay.write()
        relay.reload()
        self.assertEqual(relay.run("sendmail", "a@example.org", input="Subject: y\n\ny\n").returncode, 0)  # wakes pickup
        sink.wait_messages(2)


class Notices(RelayCase):
    """What the postmaster is told about sessions."""

    def noticed(self, sink, count=1):
        return [m for m in sink.wait_messages(count) if m.recipients == ["postmaster@example.com"]][-1]

    def test_a_bad_client_is_reported_with_its_dialogue(self):
        sink = self.sink()
        relay = self.relay({"notify_classes": "protocol, policy", "relay_domains": "example.com"}, sink=sink)
        with Dialogue(relay.port, source=OUTSIDER) as client:
            client.ehlo()
            client.command("FROB")
            client.command("QUIT")
        notice = self.noticed(sink)
        self.assertEqual(notice.sender, "double-bounce@example.com")
        text = notice.content.decode()
        self.assertRegex(text, r"Subject: Postfix SMTP server: errors from \S+\[127\.0\.0\.2\]\r\n")
        self.assertIn("\r\n In:  FROB\r\n Out: 500 5.5.2 Error: command not recognized\r\n", text)
        with Dialogue(relay.port, source=OUTSIDER) as client:
            client.ehlo()
            self.assertReply(client.envelope("a@example.net", "rcpt@elsewhere.example"), 454)
            client.command("QUIT")
        self.assertIn("Relay access denied", self.noticed(sink, 2).content.decode())

    def test_what_goes_wrong_here_is_reported_by_default(self):
        sink = self.sink()
        relay = self.relay({"smtpd_recipient_restrictions": "no_such_restriction, permit", "relay_domains": "example.com"}, sink=sink)
        with Dialogue(relay.port) as client:
            client.ehlo()
            client.command("FROB")
            self.assertReply(client.envelope("a@example.net", "rcpt@example.org"), 451)
            client.command("QUIT")
        self.assertIn("451 4.3.5 Server configuration error", self.noticed(sink).content.decode())

    def test_nobody_is_told_of_classes_that_are_not_asked_for(self):
        sink = self.sink()
        relay = self.relay({"notify_classes": "resource", "relay_domains": "example.com"}, sink=sink)
        with Dialogue(relay.port, source=OUTSIDER) as client:
            client.ehlo()
            client.command("FROB")
            client.envelope("a@example.net", "rcpt@elsewhere.example")
            client.command("QUIT")
        relay.submit()
        self.assertEqual([m.sender for m in sink.wait_messages(1)], ["sender@example.net"])


class Lists(RelayCase):
    def test_restriction_classes(self):
        relay = self.relay({"smtpd_restriction_classes": "insiders_only, nobody", "insiders_only": "permit_mynetworks, nobody", "nobody": "reject",
                            "smtpd_relay_restrictions": "insiders_only"}, sink=self.sink())
        relay.submit()
        with Dialogue(relay.port, source=OUTSIDER) as client:
            client.ehlo()
            self.assertReply(client.envelope("a@example.net", "b@example.org"), 554, "5.7.1 <b@example.org>: Recipient address rejected: Access denied")

    @waypost_only("its smtpd ends with a fatal error")
    def test_a_class_without_definition_is_refused(self):
        relay = self.relay(sink=self.sink())
        relay.main["smtpd_restriction_classes"] = "nowhere"
        relay.write()
        self.assertNotEqual(relay.postfix("reload").returncode, 0)
        relay.log.wait_for(r"reload refused: .*restriction class `nowhere' needs a definition")

    def test_etrn_restrictions(self):
        relay = self.relay({"smtpd_etrn_restrictions": "permit_mynetworks, reject"}, sink=self.sink())
        with Dialogue(relay.port, source=OUTSIDER) as client:
            client.ehlo()
            self.assertReply(client.command("ETRN example.org"), 554, "5.7.1 <example.org>: Etrn command rejected: Access denied")

    def test_keywords_hidden_from_one_client(self):
        relay = self.relay({"smtpd_discard_ehlo_keyword_address_maps": "inline:{{127.0.0.2 = pipelining, dsn}}"}, sink=self.sink())
        for source, hidden in (("127.0.0.1", False), (OUTSIDER, True)):
            with Dialogue(relay.port, source=source) as client:
                offered = client.ehlo()
                self.assertEqual(("PIPELINING" in offered, "DSN" in offered, "8BITMIME" in offered), (not hidden, not hidden, True))

    def test_who_may_leave_out_headers(self):
        for clients, completed in (("permit_inet_interfaces", False), ("permit_mynetworks", True), ("static:all", True), ("inline:{127.0.0.2=x}", True), ("", False)):
            sink = self.sink(name="sink-%s" % len(clients))
            relay = self.relay({"local_header_rewrite_clients": clients, "mynetworks": "127.0.0.0/8"}, sink=sink, name="relay-%s" % len(clients))
            with Dialogue(relay.port, source=OUTSIDER) as client:
                client.ehlo()
                self.assertReply(client.message(content=NO_DATE), 250)
            content = sink.wait_messages(1)[0].content.decode()
            self.assertEqual("\r\nDate: " in content and "\r\nMessage-Id: " in content, completed, clients)
            relay.end()

    def test_mechanisms_are_filtered(self):
        from harness import sasl
        if not sasl.available():
            self.skipTest("needs Dovecot, and root")
        dovecot = sasl.Dovecot(self.folder, {"app": "word"})
        self.addCleanup(dovecot.end)
        relay = self.relay({"smtpd_sasl_auth_enable": "yes", "smtpd_sasl_type": "dovecot", "smtpd_sasl_path": "inet:127.0.0.1:%d" % dovecot.port,
                            "smtpd_sasl_mechanism_filter": "!login, static:rest"}, sink=self.sink())
        with Dialogue(relay.port) as client:
            self.assertEqual(client.ehlo()["AUTH"], "PLAIN")
            if self.engine == "waypost":  # 3.7 only does not announce it
                self.assertReply(client.command("AUTH LOGIN"), 535)
            self.assertReply(client.auth_plain("app", "word"), 235)

    def test_commands_are_replaced(self):
        relay = self.relay({"smtpd_command_filter": "regexp:{{/^FROB$$/ NOOP}, {/^RCPT TO:<bad@example.org>/ RCPT TO:<good@example.org>}}"}, sink=self.sink())
        with Dialogue(relay.port) as client:
            client.ehlo()
            self.assertReply(client.command("FROB"), 250, "2.0.0 Ok")
            self.assertReply(client.message(), 250)
        relay.log.wait_for(r'\[127\.0\.0\.1\]: replacing command "FROB" with "NOOP"')

    @waypost_only("it logs the password")
    def test_a_replaced_auth_command_is_logged_without_its_password(self):
        response = "AHVzZXIAcGFzc3dvcmQx"
        relay = self.relay({"smtpd_command_filter": "regexp:{{/^AUTH PLAIN / AUTH LOGIN %s}}" % response}, sink=self.sink())
        with Dialogue(relay.port) as client:
            client.ehlo()
            client.command("AUTH PLAIN " + response)
        relay.log.wait_for(r'replacing command "AUTH PLAIN \(initial response\)" with "AUTH LOGIN \(initial response\)"')
        self.assertNotIn(response, relay.log.text())

    def test_content_that_trickles_has_one_deadline(self):
        relay = self.relay({"smtpd_per_request_deadline": "yes", "smtpd_min_data_rate": "1000", "smtpd_timeout": "2s"}, sink=self.sink())
        with Dialogue(relay.port, timeout=20) as client:
            client.ehlo()
            client.envelope("a@example.net", "rcpt@example.org")
            client.command("DATA")
            client.socket.settimeout(0.2)
            sent = 0
            while sent < 60:
                try:
                    client.send("x\r\n")
                    sent += 1
                    if not client.socket.recv(100):
                        break
                    break  # a goodbye
                except TimeoutError:
                    continue
                except OSError:
                    break
            self.assertLess(sent, 40, "the client earned time that it should not have")
        relay.log.wait_for(r"timeout after DATA \(\d+ bytes\) from \S+\[127\.0\.0\.1\]")

    @waypost_only("its daemons end one by one")
    def test_a_table_that_does_not_open_may_be_fatal(self):
        relay = self.relay({"relay_domains": "hash:/no/such/table"}, sink=self.sink())
        relay.main["daemon_table_open_error_is_fatal"] = "yes"
        relay.write()
        self.assertNotEqual(relay.postfix("reload").returncode, 0)
        relay.log.wait_for(r"reload refused: .*main\.cf, line \d+: hash:/no/such/table is unavailable")

    def test_who_is_not_offered_authentication(self):
        users = self.folder + "/sasl_users"
        with open(users, "w"):
            pass
        if self.engine == "postfix":
            self.skipTest("needs an authentication server to start")
        relay = self.relay({"smtpd_sasl_auth_enable": "yes", "smtpd_sasl_type": "waypost", "waypost_sasl_password_file": users,
                            "smtpd_sasl_exceptions_networks": "127.0.0.2/32"}, sink=self.sink())
        for source, offered in (("127.0.0.1", True), (OUTSIDER, False)):
            with Dialogue(relay.port, source=source) as client:
                self.assertEqual("AUTH" in client.ehlo(), offered)

    def test_a_dialogue_is_logged_for_debugging(self):
        relay = self.relay({"debug_peer_list": "127.0.0.2", "debug_peer_level": "1"}, sink=self.sink())
        for source in ("127.0.0.1", OUTSIDER):
            with Dialogue(relay.port, source=source) as client:
                client.ehlo("name-%s" % source[-1])
                client.command("QUIT")
        relay.log.wait_for(r"postfix/smtpd\[\d+\]: < \S+\[127\.0\.0\.2\]: EHLO name-2")
        relay.log.wait_for(r"postfix/smtpd\[\d+\]: > \S+\[127\.0\.0\.2\]: 250-PIPELINING")
        self.assertEqual(relay.log.matching("EHLO name-1"), [])


if __name__ == "__main__":
    unittest.main()
