"""-o settings of the mail system's own services in master.cf: they count for the work that is done in their place."""
import unittest

from harness import Dialogue, RelayCase

TOO_MANY_HOPS = "Received: a\r\nReceived: b\r\n\r\ntext\r\n"


class Overrides(RelayCase):
    def with_service(self, line, *options, sink=None, **main):
        return self.relay(main, sink=sink, services=line + "".join("\n  -o " + option for option in options) + "\n")

    def test_cleanup(self):
        sink = self.sink()
        relay = self.with_service("cleanup unix n - n - 0 cleanup", "hopcount_limit=3", "message_drop_headers=x-secret", "always_add_missing_headers=yes",
                                  sink=sink, local_header_rewrite_clients="")
        with Dialogue(relay.port) as client:
            client.ehlo()
            self.assertReply(client.message(content=TOO_MANY_HOPS), 554, "5.4.0 Error: too many hops")
            self.assertReply(client.message(content="X-Secret: 1\r\nSubject: s\r\n\r\ntext\r\n"), 250)
        relay.log.wait_for(r"postfix/cleanup\[\d+\]: warning: \w+: message rejected: hopcount exceeded")
        message = sink.wait_messages(1)[0].message
        self.assertIsNone(message["X-Secret"])
        self.assertIsNotNone(message["Date"])

    def test_qmgr(self):
        sink = self.sink(rules=["rcpt=450 4.2.0 greylisted"])
        relay = self.with_service("qmgr unix n - n 300 1 qmgr", "maximal_queue_lifetime=0", "syslog_name=postfix/special", sink=sink)
        relay.submit()
        relay.log.wait_for(r"postfix/special/qmgr\[\d+\]: \w+: from=<sender@example\.net>, status=expired, returned to sender")

    def test_bounce(self):
        sink = self.sink(rules=["rcpt/bad*=550 5.1.1 unknown"])
        relay = self.with_service("bounce unix - - n - 0 bounce", "notify_classes=bounce", "bounce_notice_recipient=pm@example.org", "mail_name=Relay", sink=sink)
        relay.submit(None, "bad@example.org")
        messages = {message.recipients[0]: message.content.decode() for message in sink.wait_messages(2)}
        self.assertEqual(set(messages), {"pm@example.org", "sender@example.net"})
        for content in messages.values():
            self.assertRegex(content, r"\AReceived: by relay\.example\.com \(Relay\)\r\n")
            self.assertIn("X-Relay-Queue-ID: ", content)

    def test_rewrite(self):
        sink = self.sink()
        relay = self.with_service("rewrite unix - - n - - trivial-rewrite", "append_dot_mydomain=yes", "myorigin=origin.example", sink=sink, append_dot_mydomain="no")
        relay.submit(None, "a@host", "b")
        self.assertEqual(sorted(sink.wait_messages(1)[0].recipients), ["a@host.example.com", "b@origin.example"])

    def test_pickup(self):
        sink = self.sink()
        relay = self.with_service("pickup unix n - n 1 1 pickup", "mail_name=Local", sink=sink)
        self.assertEqual(relay.run("sendmail", "-f", "me@example.net", "rcpt@example.org", input="Subject: s\n\ntext\n").returncode, 0)
        self.assertRegex(sink.wait_messages(1)[0].content.decode(), r"\AReceived: by relay\.example\.com \(Local, from userid \d+\)\r\n")

    def test_an_smtpd_signs_with_its_own_name(self):
        sink = self.sink()
        relay = self.relay(sink=sink, listeners={"smtp": {}, "other": {"myhostname": "other.example", "mail_name": "Other"}})
        for name, trace in (("smtp", "by relay.example.com (Postfix) with ESMTP id "), ("other", "by other.example (Other) with ESMTP id ")):
            relay.submit(relay.ports[name], name + "@example.org")
            received = next(m.content.decode() for m in sink.wait_messages(1 if name == "smtp" else 2) if m.recipients == [name + "@example.org"])
            self.assertIn(trace, received)


class Content(RelayCase):
    def test_a_lone_cr_goes_or_stays(self):
        for value, body in (("yes", b"a b\r\n"), ("no", b"a\rb\r\n")):
            sink = self.sink(value)
            relay = self.relay({"cleanup_replace_stray_cr_lf": value}, sink=sink, name=value)
            relay.submit(content="Subject: s\r\n\r\na\rb\r\n")
            self.assertEqual(sink.wait_messages(1)[0].body, body)

    def test_headers_are_cut_at_their_limit(self):
        sink = self.sink()
        relay = self.relay({"header_size_limit": "300"}, sink=sink)
        relay.submit(content="Subject: %s\r\nX-Next: %s\r\n\r\ntext\r\n" % ("s" * 500, "n" * 292))
        message = sink.wait_messages(1)[0].message
        self.assertEqual(message["Subject"], "s" * 291)
        self.assertEqual(message["X-Next"], "n" * 292)


if __name__ == "__main__":
    unittest.main()
