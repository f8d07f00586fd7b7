"""Taking over the queue of a real Postfix, and going back: nothing is lost, changed or sent twice either way."""
import fcntl
import glob
import os
import signal
import subprocess
import unittest

from harness import RelayCase, run_source
from harness.case import waypost_only
from harness.paths import BIN
from harness.milter import Milter, edit
from harness.smtp import Dialogue
from harness.waiting import free_port, wait_until

HEADER = b"Message-Id: <1@example.net>\r\nDate: Thu, 26 Nov 2026 03:22:37 +0000\r\nFrom: sender@example.net\r\n"
CONTENTS = {
    "plain@a.example": HEADER + b"Subject: plain\r\n\r\n.leading dot\r\n\r\ntext\r\n",
    "eight@a.example": HEADER + "Subject: gr\u00fc\u00dfe\r\n\r\n\u00e4\u00f6\u00fc\r\n".encode(),
    "large@a.example": HEADER + b"Subject: large\r\n\r\n" + b"".join(b"%07d %s\r\n" % (i, b"x" * 60) for i in range(20000)),
    "lines@a.example": HEADER + b"Subject: long lines\r\n\r\n" + b"y" * 2047 + b"\r\n" + b"z" * 2048 + b"\r\n" + b"l" * 900 + b"\r\n",
    "null@a.example": HEADER + b"Subject: from nobody\r\n\r\n\r\n",
    "held@a.example": HEADER + b"Subject: held\r\n\r\nheld\r\n",
}


def dotted(content):
    return b"\r\n".join(b"." + line if line.startswith(b".") else line for line in content.split(b"\r\n"))


def sent(message):
    """What one delivery was, but for what two relays may say differently: the size that is announced."""
    parameters = sorted(p for p in message.mail_parameters.split() if not p.startswith("SIZE="))
    return message.sender, parameters, tuple(sorted(zip(message.recipients, message.rcpt_parameters))), message.content


def by_first_recipient(messages):
    return {sorted(m.recipients)[0]: m for m in messages}


class Takeover(RelayCase):
    """`postfix`: a Postfix; become() makes the same configuration Waypost's, as an operator would, and back."""
    time_limit = 150

    def postfix(self, main=None, **options):
        settings = {"relayhost": "[127.0.0.1]:%d" % free_port(), "message_size_limit": "50000000", "smtp_line_length_limit": "0",
                    "minimal_backoff_time": "1000s", "maximal_backoff_time": "2000s", "delay_warning_time": "4h"}
        return self.relay(dict(settings, **(main or {})), engine="postfix", name="postfix", **options)

    def become(self, relay, engine, **main):
        relay.on_postfix = engine == "postfix"
        relay.main.update(main, waypost_spool_segment_size=str(4 << 20))
        if relay.on_postfix:
            del relay.main["waypost_spool_segment_size"]
        relay.write()
        return relay

    def stop(self, relay):
        """Until nobody holds the queue any more: Postfix's master may outlive the command that stops it."""
        relay.stop()
        wait_until(lambda: not self.is_locked(relay), 20, "the end of the relay")

    def is_locked(self, relay):
        with open(os.path.join(relay.queue, "pid/master.pid")) as f:
            try:
                fcntl.flock(f, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
        return False

    def route_to(self, relay, sink):
        relay.main["relayhost"] = "[127.0.0.1]:%d" % sink.port
        relay.write()

    def transaction(self, relay, mail, recipients, content):
        with Dialogue(relay.port) as client:
            client.ehlo()
            self.assertReply(client.command("MAIL FROM:" + mail), 250)
            for recipient in recipients:
                self.assertReply(client.command("RCPT TO:" + recipient), 250)
            self.assertReply(client.command("DATA"), 354)
            client.send(dotted(content))
            answer = client.command(".")
            self.assertReply(answer, 250)
            return answer.split()[-1]

    def fill(self, relay):
        """One message of each kind; ids by recipient."""
        ids = {}
        for address, content in CONTENTS.items():
            sender = "<> " if address.startswith("null") else "<sender@example.net> "
            options = "BODY=8BITMIME" if address.startswith("eight") else ""
            ids[address] = self.transaction(relay, sender + options, ["<%s>" % address], content)
        ids["dsn@a.example"] = self.transaction(relay, "<sender@example.net> RET=HDRS ENVID=an+20id", [
            "<dsn@a.example> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;first+2Bx@a.example", "<never@a.example> NOTIFY=NEVER"], b"Subject: dsn\r\n\r\ndsn\r\n")
        return ids

    def filled_postfix(self):
        """Stopped, with all kinds of mail: deferred to a dead relayhost, and one on hold."""
        relay = self.postfix()
        ids = self.fill(relay)
        relay.wait_queue(len(ids), "deferred", timeout=30)
        relay.run("postsuper", "-h", ids["held@a.example"])
        self.stop(relay)
        return relay, ids

    def waypost(self, relay, *arguments, **options):
        return subprocess.run([os.path.join(BIN, "waypost"), *arguments], env=dict(os.environ, MAIL_CONFIG=relay.config), stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, timeout=60, **options)

    def import_queue(self, relay, *arguments, status=0):
        result = self.waypost(relay, "import-queue", *arguments)
        self.assertEqual(result.returncode, status, result.stdout + result.stderr)
        return result

    def export_queue(self, relay, status=0):
        result = self.waypost(relay, "export-queue", relay.queue)
        self.assertEqual(result.returncode, status, result.stdout + result.stderr)
        return result

    def deliver(self, relay, count, name, **sink_options):
        """Starts `relay` on a new sink; what arrives."""
        sink = self.sink(name, **{"with": "DSN", **sink_options})
        self.route_to(relay, sink)
        relay.start()
        relay.run("postsuper", "-H", "ALL")
        relay.run("postqueue", "-f")
        messages = sink.wait_messages(count, timeout=40)
        relay.wait_queue(0, timeout=30)
        self.stop(relay)
        self.assertEqual(len(sink.messages()), count)
        return messages

    def path_of(self, relay, queue_id):
        return next(os.path.join(relay.queue, path) for path in self.queue_files(relay) if path.endswith("/" + queue_id))

    def ledger(self, path):
        """Message and content of each line; which of them came twice shows."""
        with open(path) as f:
            return sorted(line.split()[3:5] for line in f)

    def queue_files(self, relay, *queues):
        return sorted(os.path.relpath(path, relay.queue) for queue in queues or ("maildrop", "incoming", "active", "deferred", "hold")
                      for path in glob.glob(os.path.join(relay.queue, queue, "**"), recursive=True) if os.path.isfile(path))


@waypost_only("it takes both")
class ImportQueue(Takeover):
    def test_all_of_a_queue_is_taken_over_and_delivered_as_postfix_would_have(self):
        relay, ids = self.filled_postfix()
        before = self.queue_files(relay)
        self.become(relay, "waypost")
        seen = self.import_queue(relay, "--dry-run")
        self.assertIn("to be taken over: 7 messages", seen.stdout)
        self.assertEqual(self.queue_files(relay), before)
        taken = self.import_queue(relay)
        self.assertRegex(taken.stdout, r"taken over: 7 messages \(\d+ bytes, 8 recipients, 1 on hold\)")
        self.assertEqual(self.queue_files(relay), [])
        aside = [os.path.relpath(path, "waypost/imported") for path in self.queue_files(relay, "waypost/imported")]
        self.assertEqual([path for path in aside if not path.startswith("defer/")], before)

        relay.start()
        listed = {m["queue_id"]: m for m in relay.queue_json()}
        self.assertEqual(set(listed), set(ids.values()), "ids are kept")
        self.assertEqual(listed[ids["held@a.example"]]["queue_name"], "hold")
        self.assertEqual(listed[ids["plain@a.example"]]["queue_name"], "deferred")
        self.assertIn("Connection refused", listed[ids["plain@a.example"]]["recipients"][0]["delay_reason"])
        self.stop(relay)
        ours = self.deliver(relay, 7, "ours")
        for address, content in CONTENTS.items():
            self.assertTrue(by_first_recipient(ours)[address].content.endswith(b"\r\n" + content), address)

        # The files that went aside are still a queue: moved back, Postfix delivers the very same.
        self.become(relay, "postfix")
        for path in self.queue_files(relay, "waypost/imported"):
            os.rename(os.path.join(relay.queue, path), os.path.join(relay.queue, os.path.relpath(path, "waypost/imported")))
        theirs = self.deliver(relay, 7, "theirs")
        for address, message in by_first_recipient(theirs).items():
            self.assertEqual(sent(by_first_recipient(ours)[address]), sent(message), address)


    def test_recipients_that_were_served_are_not_served_again(self):
        sink = self.sink("first", rules=["rcpt/later@a.example=450 4.2.0 later", "rcpt/never@a.example=550 5.1.1 no such user"])
        relay = self.postfix({"relayhost": "[127.0.0.1]:%d" % sink.port})
        relay.start()
        self.transaction(relay, "<sender@example.net>", ["<now@a.example>", "<later@a.example>", "<never@a.example>"], HEADER + b"\r\ntext\r\n")
        sink.wait_messages(2)  # the message and the bounce
        self.assertEqual([r["address"] for r in relay.wait_queue(1, "deferred")[0]["recipients"]], ["later@a.example"])
        self.stop(relay)
        self.become(relay, "waypost")
        self.assertIn("1 message (", self.import_queue(relay).stdout)
        self.assertIn("host 127.0.0.1[127.0.0.1] said: 450 4.2.0 later", relay.start().mailq())
        self.stop(relay)
        self.assertEqual([m.recipients for m in self.deliver(relay, 1, "second")], [["later@a.example"]])

    def test_a_bounce_that_was_not_sent_yet_is_sent(self):
        relay, ids = self.filled_postfix()
        queue_id = ids["plain@a.example"]
        path = self.path_of(relay, queue_id)
        with open(path, "r+b") as f:
            data = f.read()
            at = data.index(b"R\x0fplain@a.example")
            f.seek(at)
            f.write(b"D")
        with open(os.path.join(relay.queue, "bounce", queue_id), "w") as f:
            f.write("\nrecipient=plain@a.example\noffset=%d\nstatus=5.1.1\naction=failed\nreason=unknown user\n\n" % at)
        self.become(relay, "waypost")
        self.import_queue(relay)
        messages = self.deliver(relay, 7, "sink", rules=["rcpt/plain@a.example=550 5.1.1 unknown user"])
        self.assertEqual([m.recipients for m in messages if m.sender == "" and m.recipients != ["null@a.example"]], [["sender@example.net"]])

    def test_what_sendmail_left_in_the_maildrop_is_picked_up(self):
        relay, _ = self.filled_postfix()
        submitted = relay.run("sendmail", "-i", "-f", "user@example.net", "-F", "Some User", "-N", "never", "rcpt@a.example", "\"a b\"@a.example", input="Subject: dropped\n\n.\ntext\n")
        self.assertEqual(submitted.returncode, 0, submitted.stderr)
        self.become(relay, "waypost")
        self.assertIn("1 submitted by sendmail", self.import_queue(relay).stdout)
        self.assertEqual(self.queue_files(relay), [])
        messages = [m for m in self.deliver(relay, 8, "sink") if m.sender == "user@example.net"]
        self.assertEqual([sorted(m.recipients) for m in messages], [["\"a b\"@a.example", "rcpt@a.example"]])
        self.assertIn("NOTIFY=NEVER", messages[0].rcpt_parameters[0])
        self.assertEqual(messages[0].message["From"], "Some User <user@example.net>")
        self.assertEqual(messages[0].body, b".\r\ntext\r\n")
        self.assertIn("from userid 0", messages[0].message["Received"])

    def test_what_postsuper_put_into_the_maildrop_is_still_a_whole_message(self):
        relay, ids = self.filled_postfix()
        relay.run("postsuper", "-r", ids["dsn@a.example"])
        self.assertIn("maildrop/" + ids["dsn@a.example"], self.queue_files(relay))
        self.become(relay, "waypost")
        self.assertRegex(self.import_queue(relay).stdout, r"taken over: 7 messages \(\d+ bytes, 8 recipients, 1 on hold\)\n$")
        messages = by_first_recipient(self.deliver(relay, 7, "sink"))
        self.assertEqual(messages["dsn@a.example"].content.count(b"Received: "), 1)

    def test_edits_by_a_milter_are_kept(self):
        milter = Milter([edit("i", 0, "X-First", "1"), edit("h", "X-Last", "2"), edit("m", 1, "Subject", "changed"), edit("+", "<added@a.example>"),
                         edit("-", "<removed@a.example>"), edit("b", "another body\r\n" * 3000)])
        self.addCleanup(milter.end)
        relay = self.postfix({"smtpd_milters": "inet:127.0.0.1:%d" % milter.port}).start()
        queue_id = self.transaction(relay, "<sender@example.net>", ["<kept@a.example>", "<removed@a.example>"], HEADER + b"Subject: old\r\n\r\nold body\r\n")
        relay.wait_queue(1, "deferred", timeout=30)
        self.stop(relay)
        with open(self.path_of(relay, queue_id), "rb") as f:
            self.assertIn(b"p\x0f", f.read())
        self.become(relay, "waypost", smtpd_milters="")
        self.import_queue(relay)
        message, = self.deliver(relay, 1, "sink")
        self.assertEqual(sorted(message.recipients), ["added@a.example", "kept@a.example"])
        self.assertEqual(message.body, b"another body\r\n" * 3000)
        self.assertEqual([message.message[name] for name in ("X-First", "X-Last", "Subject")], ["1", "2", "changed"])

    def test_long_queue_ids_are_shortened_and_the_mapping_is_told(self):
        relay = self.postfix({"enable_long_queue_ids": "yes"}).start()
        long_id = self.transaction(relay, "<sender@example.net>", ["<r@a.example>"], HEADER + b"\r\ntext\r\n")
        relay.wait_queue(1, "deferred", timeout=30)
        self.stop(relay)
        inode = os.stat(self.path_of(relay, long_id)).st_ino
        self.become(relay, "waypost", enable_long_queue_ids="no")
        self.assertRegex(self.import_queue(relay).stdout, r"deferred/\w/%s -> [0-9A-F]{5}%X\n" % (long_id, inode))
        relay.log.wait_for(r"import-queue\[\d+\]: [0-9A-F]{5}%X: from=<sender@example.net>, size=\d+, nrcpt=1 \(taken over from deferred/\w/%s\)" % (inode, long_id))

    def test_refuses_while_a_relay_runs(self):
        relay = self.postfix().start()
        refused = self.import_queue(relay, status=1)
        self.assertIn("already running", refused.stderr)
        self.import_queue(relay, "--dry-run")
        self.stop(relay)
        self.become(relay, "waypost")
        relay.start()
        self.assertIn("already running", self.import_queue(relay, status=1).stderr)

    def test_a_bad_file_is_named_and_stays_while_the_rest_is_taken(self):
        relay, ids = self.filled_postfix()
        bad = {"eight@a.example": lambda data: data[:-2], "null@a.example": lambda data: data.replace(b"S\0", b"S\x05", 1),
               "dsn@a.example": lambda data: data.replace(b"S\x12sender", b"L\x0ascan:dummyS\x12sender", 1)}
        for address, change in bad.items():
            with open(self.path_of(relay, ids[address]), "r+b") as f:
                data = f.read()
                f.seek(0)
                f.truncate()
                f.write(change(data))
        with open(os.path.join(relay.queue, "incoming", "ABCDE123"), "wb") as f:
            f.write(b"half a file")  # mode 0600: its writer never finished
        self.become(relay, "waypost")
        result = self.import_queue(relay, status=1)
        for address in bad:
            self.assertRegex(result.stderr, r"%s: skipped: \w+" % ids[address])
            self.assertTrue(os.path.exists(self.path_of(relay, ids[address])))
        self.assertRegex(result.stdout, r"taken over: 4 messages .*; 1 never accepted, left in place; 3 skipped, left in place")
        self.assertEqual(self.import_queue(relay, status=1).stdout.split("; ")[1:], result.stdout.split("; ")[1:])

    def test_a_queue_with_a_backup_of_links_is_taken_once(self):
        relay, ids = self.filled_postfix()
        subprocess.run(["cp", "-al", relay.queue + "/deferred", relay.folder + "/backup"], check=True)
        path = self.path_of(relay, ids["plain@a.example"])
        os.link(path, path + "0")
        self.become(relay, "waypost")
        result = self.import_queue(relay, status=1)
        self.assertIn("taken over: 7 messages", result.stdout)
        self.assertRegex(result.stderr, r"%s0: skipped: it is another name of a file that is taken over\n" % ids["plain@a.example"])

    def test_a_file_that_lost_its_mode_is_named(self):
        relay, ids = self.filled_postfix()
        for address, mode in (("plain@a.example", 0o600), ("held@a.example", 0o644)):
            os.chmod(self.path_of(relay, ids[address]), mode)
        self.become(relay, "waypost")
        result = self.import_queue(relay, status=1)
        self.assertIn("taken over: 5 messages", result.stdout)
        self.assertIn("; 2 skipped, left in place", result.stdout)
        self.assertRegex(result.stderr, r"%s: skipped: its mode 0600 is not that of a complete message" % ids["plain@a.example"])
        self.assertRegex(result.stderr, r"%s: skipped: its mode 0644" % ids["held@a.example"])
        for address in ("plain@a.example", "held@a.example"):
            os.chmod(self.path_of(relay, ids[address]), 0o700)
        self.assertIn("taken over: 2 messages", self.import_queue(relay).stdout)

    def test_what_the_spool_cannot_hold_stays_and_is_not_in_the_way(self):
        relay, ids = self.filled_postfix()
        path = self.path_of(relay, ids["plain@a.example"])
        with open(path, "rb") as f:
            data = f.read()
        recipients = b"".join(b"R\x7f" + b"%07d" % i + b"x" * 110 + b"@a.example" for i in range(40000))
        at = data.index(b"M\0")
        sizes = [int(n) for n in data[2:97].split()]
        sizes[1] += len(recipients)
        with open(path, "wb") as f:
            f.write(b"C_" + b" ".join(b"%15d" % n for n in sizes) + data[97:at] + recipients + data[at:])
        self.become(relay, "waypost")
        result = self.import_queue(relay, status=1)
        self.assertIn("taken over: 6 messages", result.stdout)
        self.assertRegex(result.stderr, r"%s: skipped: the record is larger than a segment of the spool" % ids["plain@a.example"])
        self.assertTrue(os.path.exists(path))
        self.assertEqual([m.recipients for m in self.deliver(relay, 6, "sink") if m.recipients == ["plain@a.example"]], [])

    def test_a_kill_at_any_point_loses_and_repeats_nothing(self):
        relay = self.postfix({"smtpd_client_connection_count_limit": "0", "in_flow_delay": "0", "defer_transports": "smtp"}).start()
        report = run_source(relay.port, "-c", 10, "-n", 600, "-s", "200-3000", "--unique", "--run", "kill", "--ledger", self.folder + "/sent")
        self.assertEqual(report["accepted"], 600)
        self.stop(relay)
        total = len(self.queue_files(relay))
        self.assertEqual(total, 600)
        self.become(relay, "waypost", defer_transports="")
        kills = 0
        for after in (1, 100, 300):  # files that went aside so far
            child = subprocess.Popen([os.path.join(BIN, "waypost"), "import-queue", "-c", relay.config], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            wait_until(lambda: child.poll() is not None or len(self.queue_files(relay)) <= total - after, 30, step=0.001)
            child.send_signal(signal.SIGKILL)
            kills += child.wait(10) == -signal.SIGKILL
            if os.path.exists(os.path.join(relay.queue, "waypost/import.unfinished")):
                refused = self.waypost(relay, "master", "-c", relay.config)
                self.assertIn("import-queue", refused.stderr)
                self.assertEqual(refused.returncode, 1)
        self.assertGreaterEqual(kills, 2)
        self.import_queue(relay)
        listed = self.waypost(relay, "spool", "-c", relay.config, "ls").stdout.splitlines()
        self.assertEqual(len(listed), 600)
        ledger = self.folder + "/received"
        sink = self.sink("sink", store=False, ledger=ledger)
        self.route_to(relay, sink)
        relay.start()
        relay.run("postqueue", "-f")
        self.assertEqual(sink.control("wait 600 40000", timeout=50)["unique"], 600)
        relay.wait_queue(0, timeout=20)
        self.assertEqual(self.ledger(self.folder + "/sent"), self.ledger(ledger))


@waypost_only("it takes both")
class ExportQueue(Takeover):
    def test_postfix_delivers_what_waypost_gives_back(self):
        relay, ids = self.filled_postfix()
        self.become(relay, "waypost")
        self.import_queue(relay)
        relay.start()
        self.transaction(relay, "<sender@example.net>", ["<new@a.example>"], HEADER + b"\r\nof our own\r\n")
        relay.wait_queue(7, "deferred")
        self.stop(relay)
        result = self.export_queue(relay)
        self.assertIn("given back: 8 messages (1 on hold)", result.stdout)
        self.assertEqual(self.waypost(relay, "spool", "-c", relay.config, "ls").stdout, "")
        self.become(relay, "postfix")
        relay.start()
        listed = relay.queue_json()
        self.assertEqual(sorted(m["queue_name"] for m in listed), ["deferred"] * 7 + ["hold"])
        self.assertTrue(all("Connection refused" in r["delay_reason"] for m in listed if m["queue_name"] == "deferred" for r in m["recipients"]))
        for message in listed:  # the names are the ones that were told, and are not changed by Postfix's own check
            self.assertIn(message["queue_id"], result.stdout)
        self.stop(relay)
        messages = by_first_recipient(self.deliver(relay, 8, "theirs"))
        for address, content in CONTENTS.items():
            self.assertTrue(messages[address].content.endswith(b"\r\n" + content), address)
        self.assertLessEqual({"RET=HDRS", "ENVID=an+20id"}, set(messages["dsn@a.example"].mail_parameters.split()))
        self.assertEqual(dict(zip(messages["dsn@a.example"].recipients, messages["dsn@a.example"].rcpt_parameters)), {
            "dsn@a.example": "ORCPT=rfc822;first+2Bx@a.example NOTIFY=SUCCESS,DELAY", "never@a.example": "ORCPT=rfc822;never@a.example NOTIFY=NEVER"})
        self.assertEqual(messages["null@a.example"].sender, "")
        self.assertIn("BODY=8BITMIME", messages["eight@a.example"].mail_parameters)
        self.assertTrue(messages["new@a.example"].content.endswith(b"\r\nof our own\r\n"))

    def test_a_kill_at_any_point_loses_and_repeats_nothing(self):
        sink = self.sink("later", rules=["rcpt=450 4.2.0 later"], store=False)
        relay = self.postfix({"smtpd_client_connection_count_limit": "0", "relayhost": "[127.0.0.1]:%d" % sink.port})
        relay.start()  # makes the queue's folders
        self.stop(relay)
        self.become(relay, "waypost")
        relay.start()
        report = run_source(relay.port, "-c", 10, "-n", 300, "-s", "200-3000", "--unique", "--run", "kill", "--ledger", self.folder + "/sent")
        self.assertEqual(report["accepted"], 300)
        relay.wait_queue(300, "deferred", timeout=30)
        self.stop(relay)
        kills = 0
        for after in (1, 80):  # files that stand where Postfix looks
            child = subprocess.Popen([os.path.join(BIN, "waypost"), "export-queue", "-c", relay.config, relay.queue], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            wait_until(lambda: child.poll() is not None or len(self.queue_files(relay)) >= after, 30, step=0.001)
            child.send_signal(signal.SIGKILL)
            kills += child.wait(10) == -signal.SIGKILL
            if os.path.exists(os.path.join(relay.queue, "waypost/export.unfinished")):
                self.assertIn("export-queue", self.waypost(relay, "master", "-c", relay.config).stderr)
                self.assertIn("export-queue", self.import_queue(relay, status=1).stderr)
        self.assertGreaterEqual(kills, 1)
        self.export_queue(relay)
        self.assertEqual(len(self.queue_files(relay)), 300)
        self.assertEqual(self.queue_files(relay, "waypost/exporting"), [])
        self.become(relay, "postfix")
        ledger = self.folder + "/received"
        sink = self.sink("sink", store=False, ledger=ledger)
        self.route_to(relay, sink)
        relay.start()
        relay.run("postqueue", "-f")
        self.assertEqual(sink.control("wait 300 40000", timeout=50)["unique"], 300)
        relay.wait_queue(0, timeout=20)
        self.assertEqual(self.ledger(self.folder + "/sent"), self.ledger(ledger))

    def test_a_damaged_message_is_named_and_stays_while_the_rest_is_given_back(self):
        relay, ids = self.filled_postfix()
        self.become(relay, "waypost")
        self.import_queue(relay)
        for segment in glob.glob(os.path.join(relay.queue, "waypost/segments/*.seg")):
            with open(segment, "r+b") as f:
                at = f.read().find(b".leading dot")
                if at >= 0:
                    f.seek(at)
                    f.write(b"!")
        result = self.export_queue(relay, status=1)
        self.assertIn("%s: skipped: " % ids["plain@a.example"], result.stderr)
        self.assertIn("given back: 6 messages (1 on hold); 1 skipped, left in the spool", result.stdout)
        self.assertEqual(len(self.queue_files(relay)), 6)
        self.assertEqual(self.queue_files(relay, "waypost/exporting"), [])

    def test_refuses_a_folder_that_is_no_queue_and_a_running_relay(self):
        relay = self.postfix().start()
        self.stop(relay)
        self.become(relay, "waypost").start()
        running = self.waypost(relay, "export-queue", relay.queue)
        self.assertEqual(running.returncode, 1)
        self.assertIn("already running", running.stderr)
        nowhere = self.waypost(relay, "export-queue", self.folder)
        self.assertEqual(nowhere.returncode, 1)
        self.assertIn("no queue directory of Postfix", nowhere.stderr)


if __name__ == "__main__":
    unittest.main()
