"""waypost spool: what is on disk can be seen, checked and taken out, with the daemon up or down and the disk damaged."""
import glob
import os
import pwd
import unittest

from harness import RelayCase
from harness.case import waypost_only

BODY = "unmistakable content %d\r\n"


@waypost_only("a spool of its own kind")
class SpoolTool(RelayCase):
    def spooled(self, count=3):
        self.provider = self.sink(rules=["rcpt=450 4.2.0 later"])
        relay = self.relay(sink=self.provider)
        ids = [relay.submit(None, "r%d@example.org" % i, content="Subject: x\r\n\r\n" + BODY % i) for i in range(count)]
        relay.wait_queue(count, "deferred")
        return relay, ids

    def spool(self, relay, *arguments):
        return relay.run("waypost", "spool", "-c", relay.config, *arguments)

    def test_messages_are_listed_and_shown_while_the_relay_runs(self):
        relay, ids = self.spooled()
        listed = self.spool(relay, "ls")
        self.assertEqual(listed.returncode, 0, listed.stderr)
        for queue_id in ids:
            self.assertIn(queue_id, listed.stdout)
        shown = self.spool(relay, "cat", ids[1])
        self.assertIn("unmistakable content 1", shown.stdout)
        self.assertNotEqual(self.spool(relay, "cat", "ABCDEF0123").returncode, 0)

    def test_verify_finds_nothing_wrong_after_a_kill(self):
        relay, ids = self.spooled()
        relay.kill()
        verified = self.spool(relay, "verify")
        self.assertEqual(verified.returncode, 0, verified.stdout + verified.stderr)
        relay.start()
        self.assertEqual({m["queue_id"] for m in relay.queue_json()}, set(ids))

    @unittest.skipIf(os.geteuid() != 0, "root only")
    def test_what_root_changes_while_the_relay_is_down_belongs_to_the_mail_owner(self):
        relay, ids = self.spooled()
        relay.stop()
        self.assertIn("Placed on hold: 1 message", relay.run("postsuper", "-h", ids[0]).stderr)
        files = glob.glob(os.path.join(relay.queue, "waypost/segments/*"))
        self.assertEqual({pwd.getpwuid(os.stat(path).st_uid).pw_name for path in files}, {relay.main["mail_owner"]})
        relay.start()
        self.assertEqual([m["queue_id"] for m in relay.wait_queue(1, "hold")], [ids[0]])

    def test_export_writes_message_and_envelope(self):
        relay, ids = self.spooled()
        out = os.path.join(self.folder, "out")
        exported = self.spool(relay, "export", "ALL", out)
        self.assertEqual(exported.returncode, 0, exported.stderr)
        self.assertEqual(len(glob.glob(out + "/*.eml")), 3)
        with open(os.path.join(out, ids[2] + ".eml")) as f:
            self.assertIn("unmistakable content 2", f.read())
        with open(os.path.join(out, ids[2] + ".env")) as f:
            self.assertIn("r2@example.org", f.read())

    def test_damage_is_reported_and_the_rest_is_delivered(self):
        relay, ids = self.spooled()
        relay.kill()
        self.flip(relay, (BODY % 1).encode())
        self.assertNotEqual(self.spool(relay, "verify").returncode, 0)
        out = os.path.join(self.folder, "out")
        self.spool(relay, "salvage", out)
        self.assertGreaterEqual(len(glob.glob(out + "/*")), 2)
        self.provider.no_rules()
        relay.start()
        relay.run("postqueue", "-f")
        bodies = {m.body for m in self.provider.wait_messages(2)}
        self.assertLessEqual({(BODY % 0).encode(), (BODY % 2).encode()}, bodies)
        self.assertNotIn(b"unmistakable content \x01", b"".join(bodies))
        relay.log.wait_for(r"warning: .*(quarantin|damaged|corrupt)")

    def flip(self, relay, text):
        """Changes one byte behind `text` in whichever segment holds it."""
        for folder, _, files in os.walk(relay.queue):
            for name in files:
                path = os.path.join(folder, name)
                if not os.path.isfile(path):
                    continue
                with open(path, "r+b") as f:
                    at = f.read().find(text)
                    if at >= 0:
                        f.seek(at + text.index(b"content") + 8)
                        f.write(b"\x01")
                        return
        self.fail("the text is not in the spool")


if __name__ == "__main__":
    unittest.main()
