"""Who may send what: relay protection and restriction lists."""
import unittest

from harness import Dialogue, RelayCase
from harness.waiting import wait_until

OUTSIDER = "127.0.0.2"  # not in mynetworks


class RelayProtection(RelayCase):
    def test_outsider_is_denied_with_the_default_restrictions(self):
        relay = self.relay(sink=self.sink())
        with Dialogue(relay.port, source=OUTSIDER) as client:
            client.ehlo()
            self.assertReply(client.envelope("a@example.net", "rcpt@example.org"), 454, "4.7.1 <rcpt@example.org>: Relay access denied")
            self.assertReply(client.command("DATA"), 554, "5.5.1 Error: no valid recipients")
        relay.log.wait_for(r"NOQUEUE: reject: RCPT from \S+\[127\.0\.0\.2\]: 454 4\.7\.1 <rcpt@example\.org>: Relay access denied; "
                           r"from=<a@example\.net> to=<rcpt@example\.org> proto=ESMTP helo=<client\.example>")

    def test_reject_unauth_destination_denies_for_good(self):
        relay = self.relay({"smtpd_relay_restrictions": "permit_mynetworks, reject_unauth_destination"}, sink=self.sink())
        with Dialogue(relay.port, source=OUTSIDER) as client:
            client.command("HELO x")
            self.assertReply(client.envelope("a@example.net", "rcpt@example.org"), 554, "5.7.1 <rcpt@example.org>: Relay access denied")
        relay.log.wait_for(r"NOQUEUE: reject: .*proto=SMTP helo=<x>")

    def test_relay_domains_are_open_to_all_with_their_subdomains(self):
        sink = self.sink()
        relay = self.relay({"relay_domains": "partner.example"}, sink=sink)
        with Dialogue(relay.port, source=OUTSIDER) as client:
            client.ehlo()
            self.assertReply(client.message("a@example.net", "b@partner.example"), 250)
            self.assertReply(client.message("a@example.net", "b@sub.partner.example"), 250)
            self.assertReply(client.envelope("a@example.net", "b@otherpartner.example"), 454)
        sink.wait_messages(2)

    def test_source_routes_and_percent_hacks_do_not_relay(self):
        relay = self.relay({"relay_domains": "partner.example"}, sink=self.sink())
        with Dialogue(relay.port, source=OUTSIDER) as client:
            client.ehlo()
            for address in ("victim%example.org@partner.example", "example.org!victim@partner.example", "\"victim@example.org\"@partner.example"):
                answer = client.envelope("a@example.net", address)
                self.assertRegex(answer, "^[45]", address)
                client.command("RSET")

    def test_without_relay_protection_it_refuses_to_serve(self):
        relay = self.relay({"smtpd_relay_restrictions": "", "smtpd_recipient_restrictions": "permit_mynetworks"}, sink=self.sink(), start=False)
        relay.start(wait=False)
        fatal = (r"fatal: in parameter smtpd_relay_restrictions or smtpd_recipient_restrictions, specify at least one working instance of: "
                 r"reject_unauth_destination, defer_unauth_destination, reject, defer, defer_if_permit or check_relay_domains")

        def refused():
            try:
                with Dialogue(relay.port, timeout=1) as client:
                    self.assertFalse(client.greeting.startswith("220"), client.greeting)
            except OSError:
                pass
            return relay.log.matching(fatal)

        wait_until(refused, 10, "the reason is logged")


class Restrictions(RelayCase):
    def answer(self, **settings):
        """What an outsider hears at RCPT."""
        relay = self.relay(settings, sink=self.sink())
        with Dialogue(relay.port, source=OUTSIDER) as client:
            client.ehlo()
            return client.envelope("a@example.net", "rcpt@example.org")

    def test_client_restrictions_are_applied_at_rcpt_by_default(self):
        relay = self.relay({"smtpd_client_restrictions": "permit_mynetworks, reject"}, sink=self.sink())
        with Dialogue(relay.port, source=OUTSIDER) as client:
            self.assertReply(client.greeting, 220)
            client.ehlo()
            self.assertReply(client.command("MAIL FROM:<a@example.net>"), 250)
            self.assertReply(client.command("RCPT TO:<rcpt@example.org>"), 554, "5.7.1", "[127.0.0.2]>: Client host rejected: Access denied")

    def test_client_restrictions_are_applied_at_connect_without_delay_reject(self):
        relay = self.relay({"smtpd_client_restrictions": "permit_mynetworks, reject", "smtpd_delay_reject": "no"}, sink=self.sink())
        with Dialogue(relay.port, source=OUTSIDER) as client:
            self.assertReply(client.greeting + client.command("EHLO x"), 5)

    def test_first_restriction_that_decides_wins(self):
        self.assertReply(self.answer(smtpd_relay_restrictions="permit_mynetworks, reject", smtpd_recipient_restrictions="permit"), 554)

    def test_permit_ends_only_its_own_list(self):
        self.assertReply(self.answer(smtpd_relay_restrictions="permit", smtpd_recipient_restrictions="reject"), 554)

    def test_reject_says_so(self):
        self.assertReply(self.answer(smtpd_relay_restrictions="reject"), 554, "5.7.1 <rcpt@example.org>: Recipient address rejected: Access denied")

    def test_defer_is_temporary(self):
        self.assertReply(self.answer(smtpd_relay_restrictions="defer"), 450, "4.3.2 <rcpt@example.org>: Recipient address rejected: Try again later")

    def test_comment_after_a_restriction_word_is_tolerated_with_a_warning(self):
        settings = {"smtpd_recipient_restrictions": "\n    permit_mynetworks,        # Allow internal clients\n    reject_unauth_destination # Reject the rest",
                    "smtpd_relay_restrictions": ""}
        if self.engine == "postfix":
            self.skipTest("Postfix reads the comment as restrictions")
        relay = self.relay(settings, sink=self.sink())
        relay.submit()
        with Dialogue(relay.port, source=OUTSIDER) as client:
            client.ehlo()
            self.assertReply(client.envelope("a@example.net", "rcpt@example.org"), 554, "5.7.1 <rcpt@example.org>: Relay access denied")
        relay.log.wait_for(r"warning: .*# Allow internal clients.*smtpd_recipient_restrictions")

    def test_unknown_restriction_defers_when_it_is_reached(self):
        relay = self.relay({"smtpd_recipient_restrictions": "permit_mynetworks, no_such_restriction, reject", "smtpd_relay_restrictions": ""}, sink=self.sink())
        relay.submit()
        with Dialogue(relay.port, source=OUTSIDER) as client:
            client.ehlo()
            self.assertReply(client.envelope("a@example.net", "rcpt@example.org"), 451, "4.3.5", "Server configuration error")
        relay.log.wait_for(r"warning: unknown smtpd restriction: \"no_such_restriction\"")

    def test_unusable_table_in_mynetworks_defers(self):
        relay = self.relay({"mynetworks": "127.0.0.1/32, hash:/no/such/table"}, sink=self.sink())
        with Dialogue(relay.port, source=OUTSIDER) as client:
            client.ehlo()
            self.assertReply(client.envelope("a@example.net", "rcpt@example.org"), 45)

    def test_mynetworks_tables_and_exclusions(self):
        settings = {"mynetworks": "!127.0.0.5, 127.0.0.0/29, cidr:$config_directory/networks"}
        relay = self.relay(settings, sink=self.sink(), start=False)
        relay.main["mynetworks"] = settings["mynetworks"].replace("$config_directory", relay.config)
        relay.write()
        relay.write_file("networks", "127.1.0.0/16 OK\n")
        relay.start()
        for source, code in (("127.0.0.2", 250), ("127.0.0.5", 454), ("127.1.2.3", 250), ("127.2.0.1", 454)):
            with Dialogue(relay.port, source=source) as client:
                client.ehlo()
                self.assertReply(client.envelope("a@example.net", "rcpt@example.org"), code)


if __name__ == "__main__":
    unittest.main()
