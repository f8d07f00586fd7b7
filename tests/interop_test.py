"""Waypost and Postfix in one chain, either way round, in plaintext and under TLS: every message arrives unchanged."""
import unittest

from harness import RelayCase, run_source
from harness.case import waypost_only


def ledger(path):
    """What each line says about its message, sorted; the order of recipients is the relay's to choose."""
    with open(path) as f:
        lines = [line.split() for line in f]
    return sorted((run, seq, sha256, sorted(recipients.split(","))) for _, _, run, seq, sha256, recipients in lines)


@waypost_only("it takes both")
class Chain(RelayCase):
    time_limit = 120

    def chain(self, engines, tls):
        """source -> first -> second -> sink; the ledgers of both ends are compared."""
        certificate = self.certificate("localhost", "127.0.0.1")
        settings = {"smtpd_client_connection_count_limit": "0"}
        if tls:
            settings.update(smtpd_tls_security_level="may", smtpd_tls_cert_file=certificate.certificate, smtpd_tls_key_file=certificate.key,
                            smtp_tls_security_level="encrypt", smtp_tls_CAfile=self.authority.file)
        sink = self.sink(store=False, ledger=self.folder + "/received", cert=certificate if tls else None)
        second = self.relay(dict(settings, myhostname="second.example.com"), sink=sink, name="second", engine=engines[1])
        first = self.relay(dict(settings, relayhost="[127.0.0.1]:%d" % second.port), name="first", engine=engines[0])
        report = run_source(first.port, "-c", 5, "-n", 150, "-s", "300-60000", "--unique", "--recipients", 3, "--domains", 2, "--pipelining", "--run", "chain",
                            "--ledger", self.folder + "/sent", *(["--tls", "starttls"] if tls else []))
        self.assertEqual((report["accepted"], report["errors"]), (150, {}))
        self.assertEqual(sink.control("wait 150 30000", timeout=40)["unique"], 150)
        self.assertEqual(ledger(self.folder + "/sent"), ledger(self.folder + "/received"))

    def test_waypost_sends_to_postfix(self):
        self.chain(("waypost", "postfix"), tls=False)

    def test_postfix_sends_to_waypost(self):
        self.chain(("postfix", "waypost"), tls=False)

    def test_waypost_sends_to_postfix_under_tls(self):
        self.chain(("waypost", "postfix"), tls=True)

    def test_postfix_sends_to_waypost_under_tls(self):
        self.chain(("postfix", "waypost"), tls=True)


if __name__ == "__main__":
    unittest.main()
