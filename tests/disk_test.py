"""A short disk: 452 while there is no room, service again when there is, and nothing accepted is lost."""
import os
import unittest

from harness import Dialogue, RelayCase
from harness.case import waypost_only
from harness.process import run
from harness.waiting import wait_until

MIB = 1 << 20


class ShortDisk(RelayCase):
    def setUp(self):
        super().setUp()
        if os.geteuid() != 0:
            self.skipTest("needs root to mount a small volume")

    def volume(self, relay, options):
        """A small tmpfs over the relay's queue directory."""
        result = run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", relay.queue])
        if result.returncode != 0:
            self.skipTest("cannot mount: " + result.stderr.strip())
        self.addCleanup(run, ["umount", "-l", relay.queue])
        self.addCleanup(relay.end)  # before the volume goes

    def answer(self, relay, content="Subject: x\r\n\r\nx\r\n"):
        with Dialogue(relay.port) as client:
            client.ehlo()
            return client.message(content=content)

    def fill(self, relay):
        """Leaves no byte free on the volume."""
        path = os.path.join(relay.queue, "filler")
        with open(path, "wb") as f:
            try:
                while True:
                    f.write(b"\0" * MIB)
                    f.flush()
            except OSError:
                pass
        return path

    def test_queue_minfree(self):
        relay = self.relay({"queue_minfree": str(1 << 60)}, sink=self.sink())
        self.assertReply(self.answer(relay), 452, "4.3.1 Insufficient system storage")
        relay.log.wait_for(r"warning: not enough free space in mail queue: \d+ bytes < ")

    def test_one_and_a_half_times_the_message_size_limit_must_be_free(self):
        relay = self.relay({"message_size_limit": "100000000"}, sink=self.sink(), start=False)
        self.volume(relay, "size=140m")
        relay.start()
        self.assertReply(self.answer(relay), 452, "4.3.1 Insufficient system storage")
        relay.log.wait_for(r"warning: not enough free space in mail queue: \d+ bytes < 1\.5\*message size limit")

    @waypost_only("a spool of its own kind")
    def test_full_volume_gives_452_and_service_recovers_by_itself(self):
        sink = self.sink(rules=["rcpt=450 4.2.0 later"])
        relay = self.relay({"queue_minfree": "0", "message_size_limit": "1000000", "waypost_spool_segment_size": str(4 * MIB)}, sink=sink, start=False)
        self.volume(relay, "size=64m")
        relay.start()
        accepted = [relay.submit()]
        filler = self.fill(relay)
        body = "Subject: x\r\n\r\n" + ("y" * 76 + "\r\n") * 5000
        answers = [self.answer(relay, body) for _ in range(60)]
        self.assertTrue(any(a.startswith("452 4.3.1") for a in answers), answers[-1])
        self.assertFalse([a for a in answers if a[:3] not in ("250", "452", "451")])
        accepted += [a for a in answers if a.startswith("250")]
        self.assertEqual(len(relay.queue_json()), len(accepted))
        os.unlink(filler)
        wait_until(lambda: self.answer(relay).startswith("250"), 20, "service after room was made")
        sink.no_rules()
        relay.run("postqueue", "-f")
        sink.wait_messages(len(accepted) + 1, 30)

    @waypost_only("a spool of its own kind")
    def test_out_of_inodes(self):
        relay = self.relay({"queue_minfree": "0", "message_size_limit": "1000000", "waypost_spool_segment_size": str(4 * MIB)}, sink=self.sink(rules=["rcpt=450 4.2.0 later"]),
                           start=False)
        self.volume(relay, "size=256m,nr_inodes=60")
        relay.start()
        self.assertReply(self.answer(relay), 250)
        made = []
        try:
            while True:
                made.append(os.path.join(relay.queue, "inode%d" % len(made)))
                open(made[-1], "w").close()
        except OSError:
            made.pop()
        body = "Subject: x\r\n\r\n" + ("y" * 76 + "\r\n") * 10000
        answers = [self.answer(relay, body) for _ in range(60)]
        self.assertTrue(any(a.startswith("452") for a in answers), answers[-1])
        for path in made:
            os.unlink(path)
        wait_until(lambda: self.answer(relay).startswith("250"), 20, "service after inodes were freed")


if __name__ == "__main__":
    unittest.main()
