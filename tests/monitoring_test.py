"""The monitoring commands that tutorials give, run as they are."""
import os
import re
import unittest

from harness import Dialogue, RelayCase
from harness.case import waypost_only
from harness.paths import ON_POSTFIX
from harness.process import run

QUEUE_DEPTH = """\
QUEUE_DEPTH=$(mailq | grep -c "^[A-F0-9]" 2>/dev/null || echo "0")
if [ "$QUEUE_DEPTH" -gt 2 ]; then
echo "ALERT: Postfix queue depth is $QUEUE_DEPTH"
fi
"""


class Monitoring(RelayCase):
    def shell(self, relay, command, check=True):
        """As typed at the operator's shell, with the log at the place of this test."""
        result = run(["sh", "-c", command.replace("/var/log/mail.log", relay.log.path)], env=self.environment(relay))
        if check:
            self.assertEqual(result.returncode, 0, command + ": " + result.stdout + result.stderr)
        return result.stdout

    def environment(self, relay):
        environment = relay.environment()
        if ON_POSTFIX:
            folder = os.path.join(self.folder, "bin")
            os.makedirs(folder, exist_ok=True)
            if not os.path.exists(folder + "/mailq"):
                os.symlink(relay.program("mailq"), folder + "/mailq")
            environment["PATH"] = folder + os.pathsep + environment["PATH"]
        return environment

    def busy_relay(self):
        """3 sent, 2 bounced, 3 deferred, 1 refused."""
        self.provider = self.sink(rules=["rcpt/bad*=550 5.1.1 no such user", "rcpt/later*=450 4.2.0 later"])
        relay = self.relay({"smtpd_relay_restrictions": "permit_mynetworks, reject"}, sink=self.provider)
        for name in ("good1", "good2", "good3", "later1", "later2", "later3"):
            relay.submit(None, name + "@example.org")
        for name in ("bad1", "bad2"):
            relay.submit(None, name + "@example.org", sender="")
        with Dialogue(relay.port, source="127.0.0.2") as client:
            client.ehlo()
            client.envelope("a@example.net", "b@example.org")
        self.provider.wait_messages(3)
        relay.wait_queue(3, "deferred")
        relay.wait_queue(3)
        for pattern, count in (("status=", 8), ("NOQUEUE", 1), ("removed", 5)):
            relay.log.wait_for(pattern, count=count)
        return relay

    def test_queue_watch(self):
        relay = self.busy_relay()
        self.assertRegex(self.shell(relay, "mailq | tail -5"), r"-- \d+ Kbytes in 3 Requests\.\n\Z")

    def test_counting_the_last_hour(self):
        relay = self.busy_relay()
        for status, count in (("sent", 3), ("bounced", 2), ("deferred", 3)):
            out = self.shell(relay, "grep \"$(date '+%b %e %H')\" /var/log/mail.log | grep \"status=" + status + "\" | wc -l")
            self.assertEqual(int(out), count, status)
        self.assertEqual(len(self.shell(relay, 'grep -E "status=|relay=" /var/log/mail.log').splitlines()), 8)

    def test_delivery_errors(self):
        relay = self.busy_relay()
        lines = self.shell(relay, 'grep "NOQUEUE" /var/log/mail.log | tail -20').splitlines()
        self.assertEqual(len(lines), 1)
        self.assertIn("NOQUEUE: reject: RCPT from", lines[0])

    def test_processes_are_found(self):
        relay = self.relay(sink=self.sink())
        self.assertTrue(self.shell(relay, 'ps aux | grep "postfix/" | grep -v grep'))
        title = run(["ps", "-o", "args=", "-p", str(relay.child.pid)]).stdout
        self.assertIn("postfix/", title)

    def test_queue_depth_script(self):
        relay = self.busy_relay()
        self.assertEqual(self.shell(relay, QUEUE_DEPTH), "ALERT: Postfix queue depth is 3\n")
        relay.run("postsuper", "-d", "ALL")
        self.assertNotIn("ALERT", self.shell(relay, QUEUE_DEPTH, check=False))

    def test_pflogsumm_totals_are_exact(self):
        relay = self.busy_relay()
        report = self.shell(relay, "pflogsumm /var/log/mail.log")
        totals = {name: int(number) for number, name in re.findall(r"^ +(\d+) {2,3}(received|delivered|forwarded|deferred|bounced|rejected|held|discarded)", report, re.M)}
        self.assertEqual({name: totals[name] for name in ("received", "delivered", "deferred", "bounced", "rejected", "held", "discarded")},
                         {"received": 8, "delivered": 3, "deferred": 3, "bounced": 2, "rejected": 1, "held": 0, "discarded": 0}, report)
        self.assertIn("sender@example.net", report)

    def test_smtpd_statistics_of_pflogsumm_pair_sessions(self):
        relay = self.busy_relay()
        relay.log.wait_for("disconnect from", count=9)
        report = self.shell(relay, "pflogsumm --smtpd-stats /var/log/mail.log")
        sessions = re.search(r"^ +(\d+) +connections$", report, re.M)
        self.assertTrue(sessions, report)
        self.assertGreaterEqual(int(sessions.group(1)), 9)

    @waypost_only("its sessions are processes")
    def test_sessions_at_the_same_time_have_numbers_of_their_own(self):
        relay = self.relay(sink=self.sink())
        clients = [Dialogue(relay.port) for _ in range(5)]
        relay.log.wait_for(r"smtpd\[\d+\]: connect from", count=6)  # the first one looked whether it serves
        numbers = [re.search(r"smtpd\[(\d+)\]", line).group(1) for line in relay.log.matching(r"smtpd\[\d+\]: connect from")[-5:]]
        self.assertEqual(len(set(numbers)), 5)
        for client in clients:
            client.close()

    def test_log_file_is_reopened_after_rotation(self):
        relay = self.relay(sink=self.sink())
        relay.submit()
        os.rename(relay.log.path, relay.log.path + ".1")
        self.assertEqual(relay.postfix("reload").returncode, 0)
        relay.submit()
        relay.log.wait_for("status=sent")


class Postlog(RelayCase):
    """Scripts that write to the mail log. The relay need not run."""

    def logged(self, *arguments, input=None, name="relay"):
        """What one call writes, from the tag on."""
        relay = self.relay(start=False, name=name)
        result = relay.run("postlog", *arguments, input=input)
        self.assertEqual((result.returncode, result.stdout, result.stderr), (0, "", ""), arguments)
        return [line[len("Nov 26 03:24:26 "):].split(" ", 1)[1] for line in relay.log.lines()]

    def test_words_are_one_record(self):
        self.assertRegex(self.logged("two", "words")[0], r"^postfix/postlog\[\d+\]: two words$")

    def test_tag_and_priority(self):
        for priority, prefix in (("info", ""), ("warn", "warning: "), ("error", "error: "), ("fatal", "fatal: ")):
            self.assertRegex(self.logged("-i", "-t", "backup", "-p", priority, "text", name=priority)[0], r"^backup\[\d+\]: %stext$" % prefix)

    def test_each_line_of_standard_input_is_a_record(self):
        records = self.logged("-p", "warn", input="one\n\n  three\nlast without newline")
        self.assertEqual([re.sub(r".*?\]: ", "", record, count=1) for record in records], ["warning: one", "warning: ", "warning:   three", "warning: last without newline"])

    def test_unknown_priority_is_an_error(self):
        relay = self.relay(start=False)
        self.assertEqual(relay.run("postlog", "-p", "loud", "text").returncode, 1)
        self.assertEqual(relay.log.lines(), [])


if __name__ == "__main__":
    unittest.main()
