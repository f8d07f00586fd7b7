"""kill -9 at random moments under load: nothing accepted is lost or changed, and what arrives twice was in flight.

A load generator with a ledger sends through the relay to a sink with a ledger. The relay is killed again and again; the
generator goes on as soon as it is back. At the end the queue drains and the two ledgers are compared:

  lost      accepted by the relay (250 seen), not at the sink
  changed   at the sink with another content or other recipients than were sent
  false     at the sink, but never sent
  extra     at the sink more than once

WAYPOST_CRASH_KILLS   how many kills (default 50)
WAYPOST_CRASH_SEED    repeats the moments of an earlier run
"""
import collections
import os
import random
import signal
import time
import unittest

from harness import RelayCase
from harness.case import waypost_only
from harness.paths import program
from harness.process import Child
from harness.waiting import wait_until

KILLS = int(os.environ.get("WAYPOST_CRASH_KILLS", "50"))
MAX_EXTRA = 0.002
# A delivery that the killed relay had begun this long before its death may be repeated: its outcome waits up to 20 ms
# for the disk, and the sink's clock stops before the relay's knowledge of it.
IN_FLIGHT_NS = 1_000_000_000

Entry = collections.namedtuple("Entry", "at_ns state run seq sha256 recipients")


def read_ledger(path):
    with open(path) as f:
        lines = f.read().splitlines()
    entries = []
    for line in lines:
        at_ns, state, run, seq, sha256, recipients = line.split(" ")
        entries.append(Entry(int(at_ns), state, run, int(seq), sha256, tuple(recipients.split(","))))
    return entries


class Balance:
    """What two ledgers say together."""

    def __init__(self, sent, received, kills):
        promised = {e.seq: e for e in sent if e.state == "accepted"}
        known = {}
        for e in sent:
            known.setdefault(e.seq, []).append(e)
        arrived = collections.defaultdict(list)
        for e in received:
            arrived[e.seq].append(e)
        self.accepted, self.arrived = len(promised), len(arrived)
        self.unknown = len({e.seq for e in sent} - set(promised))
        self.lost = sorted(seq for seq, e in promised.items() if not self._all_recipients(e, arrived[seq]))
        self.false = sorted(seq for seq in arrived if seq not in known)
        self.changed = sorted(seq for seq, copies in arrived.items() if seq in known and not all(self._unchanged(c, known[seq]) for c in copies))
        self.extra = {seq: again for seq, copies in arrived.items() if (again := self._repeated(copies))}
        self.extra_copies = sum(map(len, self.extra.values()))
        self.unexplained = sorted(seq for seq, again in self.extra.items() if not all(self._at_a_kill(copy, kills) for copy in again))

    @staticmethod
    def _repeated(copies):
        """The copies whose recipients (some of them) got the message once more later."""
        copies = sorted(copies)
        return [copy for i, copy in enumerate(copies) if any(set(copy.recipients) & set(later.recipients) for later in copies[i + 1:])]

    @staticmethod
    def _all_recipients(entry, copies):
        return set(entry.recipients) <= {r for copy in copies for r in copy.recipients}

    @staticmethod
    def _unchanged(copy, sent):
        return any(copy.sha256 == e.sha256 and set(copy.recipients) <= set(e.recipients) for e in sent)

    @staticmethod
    def _at_a_kill(copy, kills):
        return any(0 <= kill + IN_FLIGHT_NS // 10 - copy.at_ns <= IN_FLIGHT_NS for kill in kills)

    def __str__(self):
        return "%d accepted, %d of unknown fate, %d arrived, %d lost, %d changed, %d false, %d extra copies (%d unexplained)" % (
            self.accepted, self.unknown, self.arrived, len(self.lost), len(self.changed), len(self.false), self.extra_copies, len(self.unexplained))


@waypost_only("its processes go on when the first one is killed")
class Crash(RelayCase):
    time_limit = 180 + 10 * KILLS

    def load(self, relay, ledger):
        return Child([program("smtp-source"), "--port", str(relay.port), "-c", "20", "-n", "100000000", "-s", "500-40000", "--unique", "--no-resend", "--recipients", "2",
                      "--domains", "5", "--rate", "1000", "--retry-ms", "20", "--timeout", "20", "--max-errors", "100000000", "--run", "crash", "--ledger", ledger],
                     self.folder, "smtp-source")

    def large_load(self, relay, ledger):
        """Messages above the size that is written in chunks; numbers of their own run."""
        return Child([program("smtp-source"), "--port", str(relay.port), "-c", "2", "-n", "100000000", "-s", "1100000-2500000", "--unique", "--no-resend", "--rate", "3",
                      "--retry-ms", "20", "--timeout", "20", "--max-errors", "100000000", "--run", "large", "--ledger", ledger], self.folder, "smtp-source-large")

    def test_nothing_accepted_is_lost(self):
        seed = int(os.environ.get("WAYPOST_CRASH_SEED", str(random.SystemRandom().randrange(1 << 32))))
        moments = random.Random(seed)
        ledgers = {name: os.path.join(self.folder, name) for name in ("sent", "sent-large", "received")}
        sink = self.sink(store=False, ledger=ledgers["received"], rules=["rcpt%0.02=450 4.2.0 later", "eod%0.01=451 4.3.0 later"])
        relay = self.relay({"smtpd_client_connection_count_limit": "0", "minimal_backoff_time": "2s", "maximal_backoff_time": "5s", "queue_run_delay": "2s",
                            "message_size_limit": "20000000"}, sink=sink)
        generators = [self.load(relay, ledgers["sent"]), self.large_load(relay, ledgers["sent-large"])]
        for generator in generators:
            self.addCleanup(generator.end)
        kills = []
        for _ in range(KILLS):
            time.sleep(moments.uniform(0.2, 4))
            kills.append(time.monotonic_ns())
            relay.kill()
            relay.start()
        for generator in generators:
            generator.signal(signal.SIGTERM)
        for generator in generators:
            generator.wait(30)
        self.drain(relay)
        received = read_ledger(ledgers["received"])
        for run, name in (("crash", "sent"), ("large", "sent-large")):
            balance = Balance(read_ledger(ledgers[name]), [e for e in received if e.run == run], kills)
            print("%s: seed %d, %d kills: %s" % (run, seed, len(kills), balance), flush=True)
            self.judge(balance)

    def judge(self, balance):
        self.assertGreater(balance.accepted, 0)
        self.assertEqual(balance.lost, [], "lost")
        self.assertEqual(balance.changed, [], "changed")
        self.assertEqual(balance.false, [], "never sent")
        self.assertEqual(balance.unexplained, [], "repeated without a kill nearby")
        self.assertLessEqual(balance.extra_copies, max(1, MAX_EXTRA * balance.arrived), "extra copies")

    def drain(self, relay):
        def empty():
            relay.run("postqueue", "-f")
            return not relay.queue_json()

        wait_until(empty, 60, lambda: "the queue drains; mailq ends: " + relay.mailq()[-500:], step=0.5)


class BalanceBites(unittest.TestCase):
    """The comparison of the ledgers finds what it is there to find."""

    def entry(self, seq, state="accepted", sha256="aa", recipients=("a@x", "b@x"), at_ns=5_000_000_000):
        return Entry(at_ns, state, "crash", seq, sha256, recipients)

    def test_a_clean_run(self):
        balance = Balance([self.entry(1), self.entry(2, "unknown")], [self.entry(1)], [])
        self.assertEqual((balance.lost, balance.changed, balance.false, balance.extra_copies), ([], [], [], 0))

    def test_lost_message_and_lost_recipient(self):
        self.assertEqual(Balance([self.entry(1)], [], []).lost, [1])
        self.assertEqual(Balance([self.entry(1)], [self.entry(1, recipients=("a@x",))], []).lost, [1])

    def test_recipients_may_arrive_in_parts(self):
        self.assertEqual(Balance([self.entry(1)], [self.entry(1, recipients=("a@x",)), self.entry(1, recipients=("b@x",))], []).lost, [])

    def test_changed_content_and_foreign_recipient(self):
        self.assertEqual(Balance([self.entry(1)], [self.entry(1, sha256="bb")], []).changed, [1])
        self.assertEqual(Balance([self.entry(1)], [self.entry(1, recipients=("a@x", "b@x", "c@x"))], []).changed, [1])

    def test_message_nobody_sent(self):
        self.assertEqual(Balance([], [self.entry(9)], []).false, [9])

    def test_repeat_away_from_every_kill(self):
        copies = [self.entry(1), self.entry(1, at_ns=9_000_000_000)]
        self.assertEqual(Balance([self.entry(1)], copies, [5_100_000_000]).unexplained, [])
        self.assertEqual(Balance([self.entry(1)], copies, [8_000_000_000]).unexplained, [1])


if __name__ == "__main__":
    unittest.main()
