"""`waypost who-may-relay`: the proof, held against what the running relay answers."""
import json
import unittest

from check_test import AUTH, USERS, ConfigurationCase
from harness import Dialogue, RelayCase
from harness.case import waypost_only

LISTENER = "127.0.0.1:PORT inet n - n - - smtpd\n"


@waypost_only("it has no such command")
class RelayProof(ConfigurationCase):
    def prove(self, *options):
        result = self.command("waypost", "who-may-relay", "-c", self.config, "--json", *options)
        self.assertTrue(result.stdout, result.stderr)
        return json.loads(result.stdout), result.returncode

    def outcomes(self, proof, service=0):
        """{(client class, destination class): outcome}; "may permit" where it depends."""
        out = {}
        for client in proof["services"][service]["clients"]:
            for row in client["destinations"]:
                if "absent" in row:
                    continue
                outcome = row["outcome"]
                if any(other["outcome"] == "permit" for other in row["otherwise"]):
                    outcome = "may permit"
                out[client["class"], row["class"]] = outcome
        return out

    def row(self, proof, client, destination, service=0):
        return next(row for c in proof["services"][service]["clients"] if c["class"] == client for row in c["destinations"] if row["class"] == destination)

    def assertOpen(self, main, because, **options):
        self.write(main, **options)
        proof, status = self.prove()
        self.assertEqual((proof["open"], status), (True, 1), proof)
        self.assertIn(because, " ".join(proof["services"][0]["open"]))
        words = self.command("waypost", "verify-relay", "-c", self.config)
        self.assertEqual(words.returncode, 1)
        self.assertIn("OPEN RELAY", words.stdout)

    def assertClosed(self, main, **options):
        self.write(main, **options)
        proof, status = self.prove()
        self.assertEqual((proof["open"], status), (False, 0), proof)
        return proof

    def test_the_usual_lists_are_closed(self):
        proof = self.assertClosed("smtpd_relay_restrictions = permit_mynetworks,\n  reject_unauth_destination\nrelay_domains = partner.example\n")
        self.assertEqual(self.outcomes(proof), {("own-networks", "foreign"): "permit", ("own-networks", "relay-domains"): "permit",
                                                ("everybody-else", "foreign"): "reject", ("everybody-else", "relay-domains"): "permit"})
        own = self.row(proof, "own-networks", "foreign")["decided_by"]
        self.assertEqual(own, {"restriction": "permit_mynetworks", "parameter": "smtpd_relay_restrictions", "file": self.config + "/main.cf", "line": 1})
        stranger = self.row(proof, "everybody-else", "foreign")
        self.assertEqual((stranger["decided_by"]["restriction"], stranger["decided_by"]["line"]), ("reject_unauth_destination", 2))
        self.assertRegex(stranger["reply"], "^554 5.7.1 <.*>: Relay access denied$")

    def test_default_restrictions_defer(self):
        proof = self.assertClosed("")
        row = self.row(proof, "everybody-else", "foreign")
        self.assertEqual((row["outcome"], row["decided_by"]["restriction"], row["decided_by"]["file"]), ("defer", "defer_unauth_destination", None))

    def test_permit_before_the_protection(self):
        self.assertOpen("smtpd_relay_restrictions = permit\nsmtpd_recipient_restrictions = permit, reject_unauth_destination\n", "everybody else may send")

    def test_networks_that_are_everybody(self):
        for networks, because in (("0.0.0.0/0", "every IPv4 address"), ("0.0.0.0/1 128.0.0.0/1", "every IPv4 address"), ("cidr:DIR/networks", "every IPv4 address"),
                                  ("static:all", "every IPv4 address")):
            with self.subTest(networks):
                self.assertOpen("mynetworks = %s\n" % networks, because, files={"networks": "0.0.0.0/0 ok\n"})

    def test_one_family_alone_is_open(self):
        self.assertOpen("inet_protocols = all\nmynetworks = 127.0.0.1/32 [::]/0\n", "every IPv6 address", listener="[::1]:PORT inet n - n - - smtpd\n")

    def test_relay_domains_that_are_everything(self):
        self.assertOpen("relay_domains = com, partner.example\n", "everything below com")
        self.assertOpen("relay_domains = static:all\n", "everything below")

    def test_relay_domains_that_are_a_country(self):
        self.assertOpen("relay_domains = zz\n", "everything below zz")
        self.assertClosed("relay_domains = lan, partner.example\n")

    def test_own_domains_that_are_everything_and_are_passed_on(self):
        self.assertOpen("mydestination = static:all\nlocal_transport = smtp:[192.0.2.1]\nlocal_recipient_maps =\n", "this host's own domains, which are everything below")
        self.assertClosed("mydestination = static:all\nlocal_transport = discard:\nlocal_recipient_maps =\n")

    def test_networks_and_relay_domains_that_are_everything(self):
        self.assertOpen("mynetworks = static:all\nrelay_domains = static:all\n", "every IPv4 address")

    # A word that has_relay_protection() accepts, with a class before it that lets everybody pass.
    PERMISSIVE = "smtpd_restriction_classes = pass\npass = permit\nsmtpd_relay_restrictions = pass, reject\n"

    def test_a_helo_list_does_not_hold_who_sends_no_helo(self):
        self.assertOpen(self.PERMISSIVE + "smtpd_helo_restrictions = reject\n", "without HELO, may send")
        self.assertClosed(self.PERMISSIVE + "smtpd_helo_restrictions = reject\nsmtpd_helo_required = yes\n")

    def test_a_data_list_does_not_hold_who_has_several_recipients(self):
        self.assertOpen(self.PERMISSIVE + "smtpd_data_restrictions = reject_unauth_destination\n", "to several recipients, may send")

    def test_an_early_list_does_not_know_the_recipient(self):
        self.assertOpen(self.PERMISSIVE + "smtpd_delay_reject = no\nsmtpd_sender_restrictions = reject_unauth_destination\n", "everybody else may send")
        self.assertClosed(self.PERMISSIVE + "smtpd_sender_restrictions = reject_unauth_destination\n")

    def test_whoever_may_use_xclient_is_whoever_it_likes(self):
        for hosts in ("0.0.0.0/0", "static:all", "0.0.0.0/1, 128.0.0.0/1"):
            self.assertOpen("smtpd_authorized_xclient_hosts = %s\n" % hosts, "by XCLIENT")
        self.assertClosed("smtpd_authorized_xclient_hosts = 192.0.2.0/24\n")
        self.assertClosed("smtpd_authorized_xclient_hosts = 0.0.0.0/0\nsmtpd_relay_restrictions = reject\n")

    def test_a_proxy_header_can_be_forged(self):
        header = "smtpd_upstream_proxy_protocol = haproxy\n"
        self.assertFalse(self.assertClosed(header)["forgeable"])
        proof = self.assertClosed(header, listener="0.0.0.0:PORT inet n - n - - smtpd\n")
        self.assertIn("smtpd_upstream_proxy_protocol", " ".join(proof["services"][0]["forgeable"]))

    def test_a_table_that_permits_everybody(self):
        for table in ("static:OK", "cidr:DIR/table"):
            self.assertOpen("smtpd_relay_restrictions = permit_mynetworks, check_client_access %s, reject\n" % table, "everybody else may send",
                            files={"table": "192.0.2.1 REJECT\n0.0.0.0/0 OK\n"})
        self.assertClosed("smtpd_relay_restrictions = permit_mynetworks, check_client_access cidr:DIR/table, reject\n", files={"table": "0.0.0.0/0 DUNNO\n0.0.0.0/0 OK\n"})

    def test_a_listener_without_protection_is_told_though_it_does_not_serve(self):
        self.assertOpen("smtpd_relay_restrictions =\nsmtpd_recipient_restrictions =\n", "everybody else may send")
        proof, _ = self.prove()
        self.assertIn("specify at least one working instance", proof["services"][0]["refusal"])

    def test_overrides_of_one_service_count_for_it_alone(self):
        self.write("", listener=LISTENER + "127.0.0.1:4225 inet n - n - - smtpd\n  -o mynetworks=0.0.0.0/0\n")
        proof, status = self.prove()
        self.assertEqual(status, 1)
        self.assertEqual([bool(service["open"]) for service in proof["services"]], [False, True])

    def test_what_clients_with_a_password_may(self):
        protected = "smtpd_relay_restrictions = permit_mynetworks, permit_sasl_authenticated, reject_unauth_destination\n"
        proof = self.assertClosed(protected + AUTH, files=USERS)
        self.assertEqual(self.outcomes(proof)["authenticated", "foreign"], "permit")
        proof = self.assertClosed(protected)
        absent = next(c["absent"] for c in proof["services"][0]["clients"] if c["class"] == "authenticated")
        self.assertEqual(absent, "smtpd_sasl_auth_enable = no")

    def test_what_clients_with_a_certificate_may(self):
        issued = self.certificate("relay.example.com")
        lists = "smtpd_relay_restrictions = permit_tls_clientcerts, reject\nrelay_clientcerts = inline:{ { AA:BB = known } }\n"
        tls = "smtpd_tls_security_level = may\nsmtpd_tls_cert_file = %s\nsmtpd_tls_key_file = %s\n" % (issued.certificate, issued.key)
        proof = self.assertClosed(lists + tls + "smtpd_tls_ask_ccert = yes\n")
        self.assertEqual(self.outcomes(proof)["certificate", "foreign"], "permit")
        self.assertEqual(self.outcomes(proof)["everybody-else", "foreign"], "reject")
        proof = self.assertClosed(lists + tls)
        absent = next(c["absent"] for c in proof["services"][0]["clients"] if c["class"] == "certificate")
        self.assertIn("smtpd_tls_ask_ccert = no", absent)
        # Who makes a certificate is known, when everybody is; who buys one, when whoever sells them is trusted.
        self.assertOpen(lists.replace("inline:{ { AA:BB = known } }", "static:known") + tls + "smtpd_tls_ask_ccert = yes\n", "with a certificate of their own, may send")
        self.assertOpen("smtpd_relay_restrictions = permit_tls_all_clientcerts, reject\nsmtpd_tls_CApath = /etc/ssl/certs\n" + tls + "smtpd_tls_ask_ccert = yes\n",
                        "with a certificate of a public authority, may send")

    def test_both_lists_must_let_mail_pass(self):
        proof = self.assertClosed("smtpd_relay_restrictions = permit\nsmtpd_recipient_restrictions = permit_mynetworks, reject\n")
        self.assertEqual(self.outcomes(proof)["everybody-else", "foreign"], "reject")
        self.assertEqual(self.row(proof, "everybody-else", "foreign")["decided_by"]["parameter"], "smtpd_recipient_restrictions")

    def test_warn_if_reject_is_no_protection(self):
        self.assertOpen("smtpd_relay_restrictions = permit_mynetworks, warn_if_reject reject_unauth_destination\nsmtpd_recipient_restrictions = permit_mynetworks, "
                        "permit, reject\n", "everybody else may send")

    def test_defer_if_permit_defers(self):
        proof = self.assertClosed("smtpd_relay_restrictions = permit_mynetworks, defer_if_permit\n")
        row = self.row(proof, "everybody-else", "foreign")
        self.assertEqual((row["outcome"], row["decided_by"]["restriction"]), ("defer", "defer_if_permit"))

    def test_unlisted_recipients_are_refused(self):
        proof = self.assertClosed("mydestination = here.example\nsmtpd_relay_restrictions = permit_mynetworks, reject_unauth_destination\n")
        row = self.row(proof, "everybody-else", "own-domains")
        self.assertEqual((row["outcome"], row["decided_by"]["restriction"]), ("reject", "reject_unlisted_recipient"))

    def test_client_lists_count_too(self):
        proof = self.assertClosed("smtpd_client_restrictions = permit_mynetworks, reject\nrelay_domains = partner.example\n")
        self.assertEqual(self.outcomes(proof)["everybody-else", "relay-domains"], "reject")

    def test_a_table_makes_it_conditional(self):
        proof = self.prove_table("check_client_access", "192.0.2.1 OK\n")
        self.assertEqual(self.outcomes(proof)["everybody-else", "foreign"], "may permit")
        condition = self.row(proof, "everybody-else", "foreign")["otherwise"][0]["conditions"][0]
        self.assertEqual((condition["restriction"], condition["verdict"], condition["line"]), ("check_client_access hash:%s/table" % self.config, "permit", 2))

    def test_a_table_that_only_refuses_opens_nothing(self):
        proof = self.prove_table("check_client_access", "192.0.2.1 REJECT\n192.0.2.2 450 later\n192.0.2.3 DUNNO\n")
        self.assertEqual(self.outcomes(proof)["everybody-else", "foreign"], "reject")

    def test_a_sender_table_can_be_forged(self):
        proof = self.prove_table("check_sender_access", "boss@example.com OK\n")
        self.assertTrue(proof["forgeable"])
        self.assertEqual(self.prove("--strict")[1], 1)
        self.assertIn("forge", self.command("waypost", "who-may-relay", "-c", self.config).stdout)

    def prove_table(self, restriction, rows):
        self.write("smtpd_relay_restrictions = permit_mynetworks,\n  %s hash:DIR/table,\n  reject_unauth_destination\n" % restriction, files={"table": rows})
        proof, status = self.prove()
        self.assertEqual((proof["open"], status), (False, 0), proof)
        return proof

    def test_unknown_words_end_in_a_deferral(self):
        proof = self.assertClosed("smtpd_relay_restrictions = permit_mynetworks, permit_friends, reject\n")
        row = self.row(proof, "everybody-else", "foreign")
        self.assertEqual((row["outcome"], row["decided_by"]["restriction"]), ("defer", "permit_friends"))
        self.assertIn("451 4.3.5 Server configuration error", row["reply"])

    def test_no_listener_no_relay(self):
        self.write("", listener="")
        result = self.command("waypost", "who-may-relay", "-c", self.config)
        self.assertEqual((result.returncode, result.stdout), (0, "No smtpd service listens: nobody may relay.\n"))

    def test_files_that_do_not_parse(self):
        self.write("broken\n")
        result = self.command("waypost", "who-may-relay", "-c", self.config)
        self.assertEqual(result.returncode, 1)
        self.assertRegex(result.stderr, r"main\.cf, line 1: missing '='")


@waypost_only("it has no such command")
class ProofAndPractice(RelayCase):
    """What the proof says is what a client gets."""

    LISTS = ["permit_mynetworks, reject_unauth_destination", "permit_mynetworks, defer_unauth_destination", "permit_mynetworks, reject", "permit_mynetworks, defer",
             "permit_mynetworks, permit_auth_destination, reject", "reject_unauth_destination", "permit_mynetworks, defer_if_permit",
             "defer_if_reject, permit_mynetworks, reject", "permit_mynetworks, no_such_word, reject", "reject_plaintext_session, permit_mynetworks, reject"]

    def test_each_list_decides_as_the_proof_says(self):
        listeners = {str(i): {"smtpd_relay_restrictions": words} for i, words in enumerate(self.LISTS)}
        relay = self.relay({"relay_domains": "partner.example"}, sink=self.sink(), listeners=listeners)
        result = relay.run("waypost", "who-may-relay", "-c", relay.config, "--json")
        for i, service in enumerate(json.loads(result.stdout)["services"]):
            for client in service["clients"]:
                source = {"own-networks": "127.0.0.1", "everybody-else": "127.0.0.2"}.get(client["class"])
                for row in client["destinations"]:
                    if "absent" in row or source is None:
                        continue
                    with self.subTest(self.LISTS[i], client=client["class"], destination=row["class"]):
                        with Dialogue(relay.ports[str(i)], source=source) as dialogue:
                            dialogue.ehlo()
                            answer = dialogue.envelope("sender@relay-proof.example", row["recipient"])
                        self.assertEqual(answer[:3], row["reply"][:3] if row["reply"] else "250", answer)

    def test_who_sends_no_helo_relays_as_the_proof_says(self):
        relay = self.relay({"smtpd_restriction_classes": "pass", "pass": "permit", "smtpd_relay_restrictions": "pass, reject", "smtpd_helo_restrictions": "reject"},
                           sink=self.sink())
        self.assertEqual(relay.run("waypost", "who-may-relay", "-c", relay.config).returncode, 1)
        with Dialogue(relay.port, source="127.0.0.2") as dialogue:
            self.assertReply(dialogue.envelope("sender@relay-proof.example", "recipient@elsewhere.example"), 250)


if __name__ == "__main__":
    unittest.main()
