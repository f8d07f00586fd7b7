"""Reload: settings and certificates change under running connections; a broken file changes nothing."""
import os
import signal
import ssl
import unittest

from harness import Dialogue, RelayCase
from harness.case import waypost_only
from harness.waiting import free_port, wait_until


BROKEN = r"main\.cf, line 4: missing '=' after attribute name: \"this line is broken\""


class Reload(RelayCase):
    def test_new_settings_hold_for_new_sessions_and_old_sessions_live_on(self):
        sink = self.sink()
        relay = self.relay({"message_size_limit": "100000"}, sink=sink)
        with Dialogue(relay.port) as old:
            self.assertEqual(old.ehlo()["SIZE"], "100000")
            self.assertReply(old.envelope("a@example.net", "rcpt@example.org"), 250)
            relay.main["message_size_limit"] = "200000"
            relay.write()
            self.assertEqual(relay.reload().returncode, 0)
            def new_limit():
                with Dialogue(relay.port) as new:
                    return new.ehlo()["SIZE"] == "200000"
            wait_until(new_limit, 10, "the new limit")
            self.assertReply(old.content(), 250)
            self.assertReply(old.command("QUIT"), 221)
        sink.wait_messages(1)
        relay.log.wait_for(r"postfix/master\[\d+\]: reload -- version [^,]+, configuration %s" % relay.config)

    def test_new_relayhost_takes_the_next_message(self):
        first, second = self.sink("first"), self.sink("second")
        relay = self.relay(sink=first)
        relay.submit()
        first.wait_messages(1)
        relay.main["relayhost"] = "[127.0.0.1]:%d" % second.port
        relay.write()
        relay.reload()
        relay.submit()
        second.wait_messages(1)

    def test_new_certificate_is_shown_to_new_sessions(self):
        old, new = self.certificate("old.example.com"), self.certificate("new.example.com")
        relay = self.relay({"smtpd_tls_security_level": "may", "smtpd_tls_cert_file": old.certificate, "smtpd_tls_key_file": old.key}, sink=self.sink())
        with Dialogue(relay.port) as running:
            running.ehlo()
            running.starttls()
            self.assertIn(b"old.example.com", running.socket.getpeercert(True))
            relay.main.update(smtpd_tls_cert_file=new.certificate, smtpd_tls_key_file=new.key)
            relay.write()
            self.assertEqual(relay.reload().returncode, 0)
            wait_until(lambda: b"new.example.com" in shown_certificate(relay.port), 10, "the new certificate")
            self.assertReply(running.message(), 250)

    @waypost_only("it does not say it")
    def test_the_log_says_what_changed(self):
        relay = self.relay({"message_size_limit": "100000"}, sink=self.sink(), start=False)
        path = relay.write_file("domains", "a.example x\n")
        relay.main.update({"relay_domains": "hash:" + path, "smtp_sasl_password_maps": "static:user:old-secret"})
        relay.write()
        relay.start()
        relay.main.update(message_size_limit="200000", smtp_sasl_password_maps="static:user:new-secret", delay_warning_time="4h")
        relay.write_file("domains", "a.example x\nb.example x\n")
        relay.listeners["smtp"] = {"syslog_name": "postfix/new"}
        relay.services = "slow unix - - n - - smtp\n"
        relay.write()
        self.assertEqual(relay.reload().returncode, 0)
        for line in ("message_size_limit: 100000 -> 200000", r"delay_warning_time: \(not set\) -> 4h", r"smtp_sasl_password_maps: \(hidden\) -> \(hidden\)",
                     "service slow/unix: added", r"service 127\.0\.0\.1:%d/inet: -o syslog_name: \(not set\) -> postfix/new" % relay.port,
                     "table hash:%s: changed" % path):
            self.assertEqual(len(relay.log.matching(r"postfix/master\[\d+\]: reload: %s$" % line)), 1, line + "\n" + relay.log.text())
        self.assertNotIn("secret", relay.log.text())
        before = len(relay.log.matching("reload: "))
        self.assertEqual(relay.reload().returncode, 0)
        self.assertEqual(len(relay.log.matching("reload: ")), before, "nothing changed")

    @waypost_only("it has no such check")
    def test_a_listener_without_protection_is_refused_as_a_whole(self):
        relay = self.relay({"message_size_limit": "100000"}, sink=self.sink())
        relay.main.update({"message_size_limit": "200000", "smtpd_relay_restrictions": "permit_mynetworks"})
        relay.write()
        result = relay.postfix("reload")
        self.assertEqual(result.returncode, 1)
        self.assertIn("specify at least one working instance", result.stderr)
        self.assertEqual(relay.log.matching("reload: "), [])
        with Dialogue(relay.port) as client:
            self.assertEqual(client.ehlo()["SIZE"], "100000")

    @waypost_only("it says nothing")
    def test_an_open_relay_is_served_but_named(self):
        relay = self.relay(sink=self.sink())
        relay.main["mynetworks"] = "0.0.0.0/0"
        relay.write()
        self.assertEqual(relay.reload().returncode, 0)
        relay.log.wait_for(r"warning: .*: open relay: .*mynetworks holds every IPv4 address")
        self.assertEqual(relay.postfix("check").returncode, 1)

    @waypost_only("it stops at the file's next reading")
    def test_broken_file_is_refused_with_its_line_and_the_old_settings_stay(self):
        sink = self.sink()
        relay = self.relay(sink=sink)
        with open(relay.config + "/main.cf") as f:
            lines = f.read().splitlines()
        relay.write_file("main.cf", "\n".join(lines[:3] + ["this line is broken"] + lines[3:]) + "\n")
        result = relay.postfix("reload")
        self.assertNotEqual(result.returncode, 0)
        self.assertRegex(result.stderr, BROKEN)
        relay.submit()
        sink.wait_messages(1)
        relay.write()
        self.assertEqual(relay.reload().returncode, 0)

    @waypost_only("it stops at the file's next reading")
    def test_broken_file_at_a_hangup_signal_is_refused_in_the_log(self):
        sink = self.sink()
        relay = self.relay(sink=sink)
        with open(relay.config + "/main.cf") as f:
            lines = f.read().splitlines()
        relay.write_file("main.cf", "\n".join(lines[:3] + ["this line is broken"] + lines[3:]) + "\n")
        relay.child.signal(signal.SIGHUP)
        relay.log.wait_for(BROKEN)
        relay.submit()
        sink.wait_messages(1)

    @waypost_only("it notices only when the parameter is used")
    def test_bad_value_is_refused_and_named(self):
        relay = self.relay({"message_size_limit": "100000"}, sink=self.sink())
        relay.main["message_size_limit"] = "many"
        relay.write()
        result = relay.postfix("reload")
        self.assertNotEqual(result.returncode, 0)
        self.assertIn("bad numerical configuration: message_size_limit = many", result.stderr)
        with Dialogue(relay.port) as client:
            self.assertEqual(client.ehlo()["SIZE"], "100000")

    @waypost_only("it drops the certificate")
    def test_unreadable_certificate_is_refused(self):
        certificate = self.certificate("old.example.com")
        relay = self.relay({"smtpd_tls_security_level": "may", "smtpd_tls_cert_file": certificate.certificate, "smtpd_tls_key_file": certificate.key}, sink=self.sink())
        relay.main["smtpd_tls_cert_file"] = "/no/such/file.pem"
        relay.write()
        self.assertNotEqual(relay.postfix("reload").returncode, 0)
        relay.log.wait_for("/no/such/file.pem")
        self.assertIn(b"old.example.com", shown_certificate(relay.port))

    def test_listeners_come_and_go(self):
        relay = self.relay(sink=self.sink())
        relay.listeners["2525"] = {}
        relay.ports["2525"] = free_port()
        relay.write()
        relay.reload()
        wait_until(lambda: greets(relay.ports["2525"]), 10, "the new listener")
        del relay.listeners["2525"]
        relay.write()
        relay.reload()
        wait_until(lambda: not greets(relay.ports["2525"]), 10, "the end of the listener")
        self.assertTrue(greets(relay.port))

    def test_changed_lookup_table_needs_no_reload(self):
        sink = self.sink(auth="user:right", require_auth=True)
        if self.engine == "postfix":
            self.skipTest("texthash tables are read once")
        relay = self.relay({"smtp_sasl_auth_enable": "yes", "minimal_backoff_time": "1s"}, sink=sink, start=False)
        path = relay.write_file("sasl_passwd", "[127.0.0.1]:%d user:wrong\n" % sink.port, 0o600)
        relay.main["smtp_sasl_password_maps"] = "hash:" + path
        relay.write()
        relay.start()
        relay.submit()
        relay.wait_queue(1, "deferred")
        relay.write_file("sasl_passwd", "[127.0.0.1]:%d user:right\n" % sink.port, 0o600)

        def delivered():
            relay.run("postqueue", "-f")
            return sink.stats()["messages"] == 1

        wait_until(delivered, 15, "delivery with the new password", step=0.3)

    def test_changed_file_of_a_list_needs_no_reload(self):
        if self.engine == "postfix":
            self.skipTest("its processes read such files when they start")
        relay = self.relay({"smtpd_relay_restrictions": "permit_mynetworks, reject"}, start=False)
        path = relay.write_file("networks", "10.0.0.0/8\n")
        relay.main["mynetworks"] = path
        relay.write()
        relay.start()

        def may_relay():
            with Dialogue(relay.port) as client:
                client.ehlo()
                client.command("MAIL FROM:<sender@example.net>")
                return client.command("RCPT TO:<user@example.org>").startswith("250")

        self.assertFalse(may_relay())
        relay.write_file("networks", "10.0.0.0/8\n# and this host\n127.0.0.1\n")
        wait_until(may_relay, 15, "the new network may relay", step=0.3)
        relay.log.wait_for("mynetworks: %s has changed -- read anew" % path)
        os.unlink(path)
        kept = "mynetworks: %s: open file %s: No such file or directory; keeping the old content" % (path, path)
        wait_until(lambda: may_relay() and relay.log.matching(kept), 15, "the missing file is told of", step=0.3)
        self.assertTrue(may_relay())
        self.assertEqual(len(relay.log.matching(kept)), 1)


def greets(port):
    try:
        with Dialogue(port, timeout=2) as client:
            return client.greeting.startswith("220")
    except OSError:
        return False


def shown_certificate(port):
    with Dialogue(port) as client:
        client.ehlo()
        client.starttls()
        assert isinstance(client.socket, ssl.SSLSocket)
        return client.socket.getpeercert(True)


if __name__ == "__main__":
    unittest.main()
