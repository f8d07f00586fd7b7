"""postfix(1): start, stop, status, check, reload, flush: exit codes and texts."""
import os
import re
import unittest

from harness import RelayCase
from harness.case import waypost_only
from harness.waiting import accepts_connections, wait_until


class Commands(RelayCase):
    def daemon(self, **options):
        """A relay that is started in the background by `postfix start`."""
        relay = self.relay(start=False, **options)
        self.addCleanup(relay.postfix, "stop")
        return relay

    def said(self, relay, result):
        return result.stdout + result.stderr + relay.log.text()

    def test_start_status_stop(self):
        relay = self.daemon(sink=self.sink())
        self.assertEqual(relay.postfix("status").returncode, 1)
        started = relay.postfix("start")
        self.assertEqual(started.returncode, 0, started.stderr)
        wait_until(lambda: accepts_connections(relay.port), 10, "the listener")
        relay.log.wait_for(r"postfix/postfix-script\[\d+\]: starting the Postfix mail system")
        relay.log.wait_for(r"postfix/master\[\d+\]: daemon started -- version [^,]+, configuration %s" % relay.config)
        with open(os.path.join(relay.queue, "pid/master.pid")) as f:
            pid = int(f.read())
        status = relay.postfix("status")
        self.assertEqual(status.returncode, 0)
        self.assertRegex(self.said(relay, status), r"the Postfix mail system is running: PID: %d" % pid)
        relay.submit()
        stopped = relay.postfix("stop")
        self.assertEqual(stopped.returncode, 0)
        self.assertRegex(self.said(relay, stopped), r"stopping the Postfix mail system")
        self.assertFalse(accepts_connections(relay.port))
        wait_until(lambda: not os.path.exists("/proc/%d" % pid) or ends(pid), 10, "the end of the process")
        if self.engine == "waypost":  # Postfix's log writer may be gone by then
            relay.log.wait_for(r"postfix/master\[\d+\]: terminating on signal 15")

    def test_starting_twice_is_an_error(self):
        relay = self.daemon(sink=self.sink())
        relay.postfix("start")
        wait_until(lambda: accepts_connections(relay.port), 10, "the listener")
        again = relay.postfix("start")
        self.assertEqual(again.returncode, 1)
        self.assertIn("fatal: the Postfix mail system is already running", self.said(relay, again))

    def test_commands_need_a_running_relay(self):
        relay = self.daemon(sink=self.sink())
        for command in ("stop", "reload", "flush"):
            result = relay.postfix(command)
            self.assertNotEqual(result.returncode, 0, command)
            if command != "flush":
                self.assertEqual(result.returncode, 1, command)
                self.assertIn("the Postfix mail system is not running", self.said(relay, result))

    def test_flush_tries_deferred_mail(self):
        sink = self.sink(rules=["rcpt=450 4.2.0 later"])
        relay = self.relay(sink=sink)
        relay.submit()
        relay.wait_queue(1, "deferred")
        sink.no_rules()
        self.assertEqual(relay.postfix("flush").returncode, 0)
        sink.wait_messages(1)

    def test_check_is_silent_when_all_is_well(self):
        relay = self.relay(sink=self.sink(), start=False)
        result = relay.postfix("check")
        self.assertEqual(result.returncode, 0, result.stderr)
        if self.engine == "waypost":
            self.assertEqual(result.stdout + result.stderr, "")

    def test_check_names_file_and_line_of_an_error(self):
        relay = self.relay(sink=self.sink(), start=False)
        relay.write_file("main.cf", "myhostname = a.example\nbroken line\n")
        result = relay.postfix("check")
        self.assertNotEqual(result.returncode, 0)
        if self.engine == "waypost":  # Postfix says it only where the log goes by default
            self.assertRegex(result.stderr, r"main\.cf, line 2: missing '=' after attribute name: \"broken line\"")

    def test_bad_master_cf_is_refused(self):
        relay = self.relay(sink=self.sink(), start=False)
        with open(os.path.join(relay.config, "master.cf"), "a") as f:
            f.write("smtp inet n - n\n")
        relay.start(wait=False)
        self.assertNotEqual(relay.child.wait(), 0)
        self.assertRegex(relay.log.text() + relay.child.stderr(), r"master\.cf(:|,) line \d+: bad field count")

    @waypost_only("it ignores what it does not know")
    def test_parameters_without_effect_are_named_once(self):
        relay = self.relay({"mailbox_size_limit": "51200000", "smtp_tls_security_levle": "may", "virtual_alias_maps": "hash:/etc/aliases"}, sink=self.sink())
        relay.log.wait_for("daemon started")
        log = relay.log.text()
        self.assertEqual(len(re.findall(r"warning: .*virtual_alias_maps", log)), 1, log)
        self.assertRegex(log, r"warning: .*smtp_tls_security_levle.*smtp_tls_security_level")
        self.assertRegex(relay.postfix("check").stderr, r"virtual_alias_maps")

    def test_myorigin_may_be_in_a_file_as_on_debian(self):
        path = os.path.join(self.folder, "mailname")
        with open(path, "w") as f:
            f.write("origin.example\n")
        sink = self.sink()
        relay = self.relay({"myorigin": path}, sink=sink)
        relay.submit(sender="root")
        self.assertEqual(sink.wait_messages(1)[0].sender, "root@origin.example")

    def test_port_in_use_is_a_clear_error(self):
        sink = self.sink()
        relay = self.relay(sink=sink, start=False)
        relay.ports["smtp"] = sink.port
        relay.write()
        relay.start(wait=False)
        self.assertNotEqual(relay.child.wait(), 0)
        self.assertRegex(relay.log.text() + relay.child.stderr(), r"fatal: bind 127\.0\.0\.1( port |:)%d: Address already in use" % sink.port)

    def test_stop_finishes_what_is_in_flight(self):
        sink = self.sink(rules=["eod=delay 700"])
        relay = self.relay(sink=sink)
        queue_id = relay.submit()
        wait_until(lambda: sink.stats()["messages"] == 1, 10, "the message at the sink")
        relay.stop()
        if self.engine == "waypost":
            relay.log.wait_for(queue_id + r": to=<rcpt@example\.org>, .*status=sent")
            relay.start()
            self.assertEqual(relay.queue_json(), [])


def ends(pid):
    """True when the process is a zombie that only waits for its parent."""
    try:
        with open("/proc/%d/stat" % pid) as f:
            return f.read().rsplit(")", 1)[1].split()[0] == "Z"
    except FileNotFoundError:
        return True


if __name__ == "__main__":
    unittest.main()
