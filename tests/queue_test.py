"""The queue as operators see and steer it: mailq, postqueue, postsuper, retries, bounces, expiry."""
import email
import email.policy
import re
import unittest

from harness import RelayCase, run_source
from harness.case import waypost_only
from harness.process import resident_kib
from harness.waiting import stays, wait_until

BUSY = "rcpt=450 4.2.0 greylisted"
REASON = r"host 127\.0\.0\.1\[127\.0\.0\.1\] said: 450 4\.2\.0 greylisted \(in reply to RCPT TO command\)"


class Concurrency(RelayCase):
    """What one destination is spared: sinks that think before they answer the envelope show who is there at once."""

    def crowd(self, messages=4, services="", rules=("rcpt=delay 700",), **settings):
        sink = self.sink("sink%d" % len(settings) + "".join(settings), rules=list(rules))
        relay = self.relay(settings, sink=sink, services=services, name="relay" + "".join(settings))
        for i in range(messages):
            relay.submit(None, "r%d@example.org" % i)
        sink.wait_messages(messages, timeout=20)
        return sink.stats()["most_open"]

    def test_no_more_than_the_limit_from_the_start(self):
        self.assertEqual(self.crowd(smtp_destination_concurrency_limit="1"), 1)
        self.assertEqual(self.crowd(default_destination_concurrency_limit="2"), 2)
        self.assertEqual(self.crowd(services="slow unix - - n - - smtp\n", default_transport="slow", slow_destination_concurrency_limit="1"), 1)

    def test_a_new_destination_begins_with_few(self):
        self.assertEqual(self.crowd(initial_destination_concurrency="1", messages=2), 1)
        self.assertEqual(self.crowd(smtp_initial_destination_concurrency="3"), 3)

    def test_a_transport_pauses_after_each_delivery(self):
        sink = self.sink(rules=["connect=delay 1000"])
        relay = self.relay({"smtp_transport_rate_delay": "2s", "smtp_connection_cache_on_demand": "no"}, sink=sink)
        for name in ("a", "b"):
            relay.submit(None, name + "@example.org")
        sink.wait_messages(2, timeout=20)
        self.assertEqual(sink.stats()["most_open"], 1)
        sent = relay.log.wait_for(r"postfix/smtp\[\d+\]: .* delays=[\d.]+/([\d.]+)/\S+ .*status=sent", count=2)
        self.assertGreater(float(sent.group(1)), 2.5)  # the first one's second, and the pause


class Listing(RelayCase):
    def test_empty_queue(self):
        relay = self.relay(sink=self.sink())
        self.assertEqual(relay.mailq(), "Mail queue is empty\n")
        self.assertEqual(relay.run("postqueue", "-p").stdout, "Mail queue is empty\n")
        self.assertEqual(relay.run("postqueue", "-j").stdout, "")

    def test_mailq_has_postfix_columns(self):
        relay = self.relay(sink=self.sink(rules=[BUSY]))
        queue_id = relay.submit(None, "one@example.org", "two@example.org")
        relay.wait_queue(1, "deferred")
        reason = r"\(host 127\.0\.0\.1\[127\.0\.0\.1\] said: 450 4\.2\.0 greylisted \(in reply to RCPT TO command\)\)"
        self.assertRegex(relay.mailq(), r"\A-Queue ID-  --Size-- ----Arrival Time---- -Sender/Recipient-------\n"
                         r"%-11s +\d+ \w{3} \w{3} [ \d]\d \d\d:\d\d:\d\d +sender@example\.net\n *%s\n {41}one@example\.org\n {41}two@example\.org\n\n"
                         r"-- 0 Kbytes in 1 Request\.\n\Z" % (queue_id + " " * (11 - len(queue_id)) if len(queue_id) < 11 else queue_id, reason))

    def test_json_listing(self):
        relay = self.relay(sink=self.sink(rules=[BUSY]))
        queue_id = relay.submit(None, "one@example.org", sender="")
        message = relay.wait_queue(1, "deferred")[0]
        self.assertEqual(list(message)[:6], ["queue_name", "queue_id", "arrival_time", "message_size", "forced_expire", "sender"])
        self.assertEqual((message["queue_id"], message["sender"], message["forced_expire"]), (queue_id, "MAILER-DAEMON", False))
        self.assertEqual(message["recipients"][0]["address"], "one@example.org")
        self.assertRegex(message["recipients"][0]["delay_reason"], REASON)
        self.assertRegex(relay.run("postqueue", "-j").stdout, r'^\{"queue_name": "deferred", "queue_id": "')

    def test_addresses_are_quoted_where_they_need_it(self):
        relay = self.relay(sink=self.sink(rules=[BUSY]))
        relay.submit(None, '"a b"@example.org', sender='"s \\"t"@example.net')
        message = relay.wait_queue(1, "deferred")[0]
        self.assertEqual((message["sender"], message["recipients"][0]["address"]), ('"s \\"t"@example.net', '"a b"@example.org'))
        self.assertRegex(relay.mailq(), r'(?s)  "s \\"t"@example\.net\n.*  "a b"@example\.org\n')

    def test_marks_of_active_and_held_mail(self):
        sink = self.sink(rules=["rcpt=delay 3000"])
        relay = self.relay(sink=sink)
        active = relay.submit()
        wait_until(lambda: re.search(r"^%s\*" % active, relay.mailq(), re.M), 5, "active mark")
        sink.no_rules()
        sink.rule(BUSY)
        held = relay.submit()
        relay.log.wait_for(held + r": .*status=deferred")
        relay.run("postsuper", "-h", held)
        self.assertRegex(relay.mailq(), r"(?m)^%s!" % held)


class Steering(RelayCase):
    def deferred(self, count=1, **settings):
        self.provider = self.sink(rules=[BUSY])
        relay = self.relay(settings, sink=self.provider)
        ids = [relay.submit(None, "r%d@example.org" % i) for i in range(count)]
        relay.wait_queue(count, "deferred")
        return relay, ids

    def test_flush_tries_everything_now(self):
        relay, ids = self.deferred(3)
        self.provider.no_rules()
        self.assertEqual(relay.run("postqueue", "-f").returncode, 0)
        self.provider.wait_messages(3)
        relay.wait_queue(0)

    def test_single_message_can_be_tried(self):
        relay, ids = self.deferred(2)
        self.provider.no_rules()
        self.assertEqual(relay.run("postqueue", "-i", ids[0]).returncode, 0)
        self.provider.wait_messages(1)
        self.assertEqual(relay.wait_queue(1)[0]["queue_id"], ids[1])
        self.assertEqual(relay.run("postqueue", "-i", "ABCDEF0123").returncode, 0)
        self.assertEqual(relay.run("postqueue", "-i", "not/an/id").returncode, 69)

    def test_postsuper_deletes(self):
        relay, ids = self.deferred(3)
        result = relay.run("postsuper", "-d", ids[0])
        self.assertEqual(result.returncode, 0)
        self.assertRegex(result.stderr, r"postsuper: %s: removed\npostsuper: Deleted: 1 message\n" % ids[0])
        relay.wait_queue(2)
        self.assertRegex(relay.run("postsuper", "-d", "-", input=ids[1] + "\n").stderr, "Deleted: 1 message")
        self.assertRegex(relay.run("postsuper", "-d", "ALL").stderr, r"postsuper: Deleted: 1 message")
        self.assertEqual(relay.mailq(), "Mail queue is empty\n")
        self.assertEqual(relay.run("postsuper", "-d", "ABCDEF0123").returncode, 0)

    @waypost_only("it reads without end")
    def test_a_list_of_ids_is_taken_whole_or_not_at_all(self):
        relay, ids = self.deferred(1)
        result = relay.run("postsuper", "-d", "-", input=ids[0] + "\n" * (64 << 20))
        self.assertEqual(result.returncode, 1)
        self.assertIn("stdin: more than", result.stderr)
        self.assertEqual(len(relay.queue_json()), 1)

    def test_postsuper_says_how_many_also_when_there_are_none(self):
        relay, (first, second) = self.deferred(2)

        def said(*arguments, input=None):
            result = relay.run("postsuper", *arguments, input=input)
            return result.returncode, re.sub(r"(?m)^postsuper: ", "", result.stderr).splitlines()

        self.assertEqual(said("-d", "ABCDEF0123"), (0, ["Deleted: 0 messages"]))
        self.assertEqual(said("-H", "ALL"), (0, ["Released from hold: 0 messages"]))
        self.assertEqual(said("-h", first, "incoming"), (0, ["Placed on hold: 0 messages"]))
        self.assertEqual(said("-h", first, "-H", second), (0, [first + ": placed on hold", "Placed on hold: 1 message", "Released from hold: 0 messages"]))
        self.assertEqual(said("-f", "-", input=first + "\n"), (0, [first + ": expired", first + ": released from hold", "Force-expired: 1 message", "Released from hold: 1 message"]))
        self.assertEqual(said("-d", "a/b"), (0, ["warning: invalid mail queue id: a/b", "Deleted: 0 messages"]))
        self.assertEqual(said("-d", "all"), (0, ["Deleted: 0 messages"]))  # only ALL is all
        listed = "%s 267 Thu Nov 26 03:22:37\n\n(x)\n" % second  # as mailq prints it: not an id
        self.assertEqual(said("-d", "-", input=listed), (0, ["warning: invalid mail queue id: " + line for line in listed.splitlines()] + ["Deleted: 0 messages"]))
        self.assertEqual(said("-h", "ALL", "nosuch"), (1, ["fatal: invalid directory name: nosuch"]))
        self.assertEqual(said("-h", second), (0, [second + ": placed on hold", "Placed on hold: 1 message"]))
        self.assertEqual(said("-H", "ALL", "hold"), (0, ["Released from hold: 1 message"]))

    def test_held_mail_waits_until_it_is_released(self):
        relay, ids = self.deferred(1)
        self.assertRegex(relay.run("postsuper", "-h", ids[0]).stderr, r"postsuper: %s: placed on hold\npostsuper: Placed on hold: 1 message\n" % ids[0])
        self.assertEqual(relay.queue_json()[0]["queue_name"], "hold")
        self.provider.no_rules()
        relay.run("postqueue", "-f")
        stays(lambda: self.provider.stats()["messages"] == 0, 1.0, "held")
        self.assertRegex(relay.run("postsuper", "-H", ids[0]).stderr, r"postsuper: %s: released from hold\npostsuper: Released from hold: 1 message\n" % ids[0])
        relay.run("postqueue", "-f")
        self.provider.wait_messages(1)

    def test_held_mail_stays_held_over_a_restart(self):
        relay, ids = self.deferred(1)
        relay.run("postsuper", "-h", ids[0])
        relay.restart()
        self.assertEqual(relay.queue_json()[0]["queue_name"], "hold")

    def test_requeued_mail_goes_out_with_a_new_received_line(self):
        relay, ids = self.deferred(1)
        self.provider.no_rules()
        self.assertRegex(relay.run("postsuper", "-r", ids[0]).stderr, r"postsuper: %s: requeued\npostsuper: Requeued: 1 message\n" % ids[0])
        relay.run("postqueue", "-f")
        received = self.provider.wait_messages(1)[0]
        self.assertEqual(received.recipients, ["r0@example.org"])

    def test_queue_survives_an_orderly_restart_without_repeats(self):
        relay, ids = self.deferred(5)
        relay.restart()
        self.assertEqual({m["queue_id"] for m in relay.wait_queue(5)}, set(ids))
        self.provider.no_rules()
        relay.run("postqueue", "-f")
        self.provider.wait_messages(5)
        relay.wait_queue(0)
        self.assertEqual(self.provider.stats()["messages"], 5)


class Schedule(RelayCase):
    def test_deferred_mail_is_tried_again_by_itself(self):
        sink = self.sink(rules=["rcpt#2=450 4.2.0 greylisted"])
        relay = self.relay({"minimal_backoff_time": "1s", "maximal_backoff_time": "3s", "queue_run_delay": "1s"}, sink=sink)
        queue_id = relay.submit()
        relay.log.wait_for(queue_id + r": .*status=deferred", count=2, timeout=20)
        relay.log.wait_for(queue_id + r": .*status=sent", timeout=20)

    def test_expired_mail_is_returned(self):
        sink = self.sink(rules=["rcpt/rcpt@*=450 4.2.0 greylisted"])
        relay = self.relay({"maximal_queue_lifetime": "1s", "bounce_queue_lifetime": "1s", "minimal_backoff_time": "1s", "maximal_backoff_time": "2s", "queue_run_delay": "1s"}, sink=sink)
        queue_id = relay.submit()
        relay.log.wait_for(r"postfix/qmgr\[\d+\]: %s: from=<sender@example\.net>, status=expired, returned to sender" % queue_id, 20)
        bounce = sink.wait_messages(1, 20)[0]
        self.assertEqual(bounce.recipients, ["sender@example.net"])
        self.assertIn(b"greylisted", bounce.content)

    def test_lifetime_zero_means_one_attempt(self):
        sink = self.sink(rules=["rcpt/rcpt@*=450 4.2.0 greylisted"])
        relay = self.relay({"maximal_queue_lifetime": "0"}, sink=sink)
        relay.submit()
        self.assertEqual(sink.wait_messages(1, 20)[0].recipients, ["sender@example.net"])


class Bounces(RelayCase):
    def test_a_bounce_is_an_rfc_3464_report(self):
        sink = self.sink(rules=["rcpt/rcpt@*=550 5.1.1 no such user"])
        relay = self.relay(sink=sink)
        queue_id = relay.submit(content="Subject: lost\r\nMessage-ID: <lost@example.net>\r\n\r\nthe text\r\n")
        received = sink.wait_messages(1)[0]
        self.assertEqual((received.sender, received.recipients), ("", ["sender@example.net"]))
        message = received.message
        self.assertEqual(str(message["From"]), "Mail Delivery System <MAILER-DAEMON@example.com>")  # @$myorigin
        self.assertEqual(message["Subject"], "Undelivered Mail Returned to Sender")
        self.assertEqual(message["To"], "sender@example.net")
        self.assertEqual(message["Auto-Submitted"], "auto-replied")
        self.assertEqual(message.get_content_type(), "multipart/report")
        self.assertEqual(message.get_param("report-type"), "delivery-status")
        notification, report, original = message.iter_parts()
        self.assertRegex(notification.get_content(), r"(?s)<rcpt@example\.org>: host\s+127\.0\.0\.1\[127\.0\.0\.1\]\s+said:\s+550\s+5\.1\.1\s+no\s+such\s+user")
        self.assertEqual(report.get_content_type(), "message/delivery-status")
        fields = report.as_string()
        for field in ("Reporting-MTA: dns; relay.example.com", "X-Postfix-Queue-ID: " + queue_id, "X-Postfix-Sender: rfc822; sender@example.net",
                      "Final-Recipient: rfc822; rcpt@example.org", "Action: failed", "Status: 5.1.1", "Remote-MTA: dns; 127.0.0.1", "Diagnostic-Code: smtp; 550 5.1.1"):
            self.assertIn(field, fields)
        self.assertEqual(original.get_content_type(), "message/rfc822")
        self.assertIn("the text", original.as_string())
        self.assertEqual(email.message_from_string(original.get_content().as_string(), policy=email.policy.default)["Message-ID"], "<lost@example.net>")
        relay.log.wait_for(r"postfix/bounce\[\d+\]: %s: sender non-delivery notification: [0-9A-F]+" % queue_id)
        relay.wait_queue(0)

    def test_undeliverable_bounce_is_dropped_with_a_log_line(self):
        sink = self.sink(rules=["rcpt=550 5.1.1 no such user"])
        relay = self.relay(sink=sink)
        queue_id = relay.submit(sender="")
        relay.log.wait_for(queue_id + r": to=<rcpt@example\.org>, .*status=bounced")
        relay.log.wait_for(queue_id + r": removed")
        self.assertEqual(relay.mailq(), "Mail queue is empty\n")

    def test_refused_recipients_of_one_message_share_a_bounce(self):
        sink = self.sink(rules=["rcpt/bad*@*=550 5.1.1 no such user"])
        relay = self.relay(sink=sink)
        relay.submit(None, "bad1@example.org", "good@example.org", "bad2@example.org")
        received = sink.wait_messages(2)
        bounce = next(m for m in received if m.sender == "")
        self.assertIn(b"Final-Recipient: rfc822; bad1@example.org", bounce.content)
        self.assertIn(b"Final-Recipient: rfc822; bad2@example.org", bounce.content)
        self.assertNotIn(b"Final-Recipient: rfc822; good@example.org", bounce.content)

    def test_large_original_is_returned_as_headers_only(self):
        sink = self.sink(rules=["rcpt/rcpt@*=550 5.1.1 no such user"])
        relay = self.relay({"bounce_size_limit": "2000"}, sink=sink)
        relay.submit(content="Subject: big\r\n\r\n" + ("unwanted" * 8 + "\r\n") * 100)
        bounce = sink.wait_messages(1)[0]
        self.assertNotIn(b"unwanted", bounce.content)
        self.assertIn("text/rfc822-headers", [part.get_content_type() for part in bounce.message.iter_parts()])


class Memory(RelayCase):
    time_limit = 180

    @waypost_only("its queue is on disk alone")
    def test_twenty_thousand_messages_to_dead_domains_cost_little_memory(self):
        relay = self.relay({"relayhost": "", "smtpd_client_connection_count_limit": "0", "default_transport": "smtp", "smtp_connect_timeout": "1s",
                            "minimal_backoff_time": "3600s", "maximal_backoff_time": "7200s"})
        for i in range(1000):
            self.dns.add("dest%d.example" % i, "A", "127.9.0.1")  # nothing listens on port 25 there
        relay.submit(None, "x@dest0.example")
        relay.wait_queue(1, "deferred")
        idle = resident_kib(relay.child.pid)
        self.assertLessEqual(idle, 30 * 1024, "idle KiB")
        report = run_source(relay.port, "-c", 20, "-n", 20000, "-s", 2048, "--domains", 1000)
        self.assertEqual(report["accepted"], 20000, report["errors"])
        relay.wait_queue(20001, "deferred", timeout=90)
        # what the burst itself took may take a moment to go back to the system
        wait_until(lambda: resident_kib(relay.child.pid) - idle <= 15 * 1024, 20, lambda: "growth of %d KiB subsides" % (resident_kib(relay.child.pid) - idle))


if __name__ == "__main__":
    unittest.main()
