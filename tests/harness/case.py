"""The base of every integration test: a temporary folder, things that are ended afterwards, a time limit."""
import os
import shutil
import signal
import tempfile
import unittest

from harness import postfix
from harness.certs import CertificateAuthority
from harness.dns import DnsServer
from harness.paths import ENGINE, ON_POSTFIX
from harness.relay import Relay
from harness.sink import Sink

TEST_TIMEOUT = int(os.environ.get("WAYPOST_TEST_TIMEOUT", "60"))  # seconds a test may take


def waypost_only(reason):
    """For what Postfix of Debian 12 does otherwise."""
    return unittest.skipIf(ON_POSTFIX, "not on Postfix: " + reason)


class RelayCase(unittest.TestCase):
    time_limit = TEST_TIMEOUT

    def setUp(self):
        signal.signal(signal.SIGALRM, self._too_long)
        signal.alarm(self.time_limit)
        self.addCleanup(signal.alarm, 0)
        self.folder = tempfile.mkdtemp(prefix="waypost-test-")
        os.chmod(self.folder, 0o755)
        self.addCleanup(self._remove_folder)
        self._dns = self._authority = None

    def _remove_folder(self):
        if os.environ.get("WAYPOST_TEST_KEEP"):
            print("kept: " + self.folder, flush=True)
        else:
            shutil.rmtree(self.folder, ignore_errors=True)

    def _too_long(self, *_):
        raise TimeoutError("the test took longer than %d s" % self.time_limit)

    @property
    def dns(self):
        if self._dns is None:
            self._dns = DnsServer()
            self.addCleanup(self._dns.end)
        return self._dns

    @property
    def authority(self):
        if self._authority is None:
            self._authority = CertificateAuthority(os.path.join(self.folder, "ca"))
        return self._authority

    def certificate(self, *names):
        return self.authority.issue(list(names) or ["localhost", "127.0.0.1"])

    def sink(self, name="sink", **options):
        sink = Sink(self.folder, name, **options)
        self.addCleanup(sink.end)
        return sink

    def relay(self, main=None, start=True, sink=None, **options):
        """A relay, started; with `sink` it is the relayhost."""
        settings = {"relayhost": "[127.0.0.1]:%d" % sink.port} if sink else {}
        settings.update(main or {})
        try:
            relay = Relay(self.folder, settings, dns=self.dns, **options)
        except postfix.Unavailable as error:
            self.skipTest(str(error))
        self.addCleanup(relay.end)
        return relay.start() if start else relay

    def assertReply(self, answer, code, *parts):
        self.assertTrue(answer.startswith(str(code)), "expected %s, got %r" % (code, answer))
        for part in parts:
            self.assertIn(part, answer)

    @property
    def engine(self):
        return ENGINE
