"""smtp-sink as a provider or destination, and smtp-source as a load generator."""
import email
import email.policy
import json
import os
import shutil
import socket

from harness.paths import program
from harness.process import Child, run
from harness.waiting import TimedOut, wait_until


class Received:
    """One message as the sink got it."""

    def __init__(self, envelope, content):
        self.sender = envelope["sender"]
        self.recipients = envelope["recipients"]
        self.mail_parameters = envelope["mail_parameters"]
        self.rcpt_parameters = envelope["rcpt_parameters"]
        self.user = envelope["user"]
        self.tls = envelope["tls"]
        self.helo = envelope["helo"]
        self.content = content
        self.message = email.message_from_bytes(content, policy=email.policy.default)

    @property
    def body(self):
        return self.content.split(b"\r\n\r\n", 1)[1]


class Sink:
    """Keyword options become smtp-sink's: auth="u:p", cert=Certificate, rules=[...], max_sessions=3, require_tls=True."""

    def __init__(self, folder, name="sink", cert=None, rules=(), store=True, port=0, **options):
        self.folder = os.path.join(folder, name)
        shutil.rmtree(self.folder, ignore_errors=True)
        os.makedirs(self.folder)
        self.store = os.path.join(self.folder, "messages")
        arguments = [program("smtp-sink"), "--port", str(port)]
        if store:
            arguments += ["--store", self.store]
        if cert:
            arguments += ["--cert", cert.certificate, "--key", cert.key]
        for rule in rules:
            arguments += ["--rule", rule]
        for key, value in options.items():
            option = "--" + key.replace("_", "-")
            arguments += [option] if value is True else [option, str(value)]
        self.child = Child(arguments, self.folder, "smtp-sink")
        ports = wait_until(self._announced, 5, "smtp-sink's first line")
        self.port, self.control_port = int(ports[1]), int(ports[3])

    def _announced(self):
        if not self.child.running():
            raise AssertionError("smtp-sink ended: " + self.child.stderr())
        words = self.child.stdout().split()
        return words if len(words) >= 4 else None

    def control(self, command, timeout=30):
        with socket.create_connection(("127.0.0.1", self.control_port), timeout=timeout) as s:
            s.sendall(command.encode() + b"\n")
            line = s.makefile().readline().strip()
        return json.loads(line) if line.startswith("{") else line

    def stats(self):
        return self.control("stats")

    def rule(self, text):
        answer = self.control("rule " + text)
        if answer != "OK":
            raise AssertionError("rule %r: %s" % (text, answer))

    def no_rules(self):
        self.control("norules")

    def messages(self):
        if not os.path.isdir(self.store):
            return []
        found = []
        for name in sorted((n for n in os.listdir(self.store) if n.endswith(".json")), key=lambda n: int(n[:-5])):
            base = os.path.join(self.store, name[:-5])
            with open(base + ".json") as envelope, open(base + ".eml", "rb") as content:
                found.append(Received(json.load(envelope), content.read()))
        return found

    def wait_messages(self, count=1, timeout=10):
        try:
            return wait_until(lambda: len(m := self.messages()) >= count and m, timeout)
        except TimedOut:
            raise TimedOut("%d message(s) at the sink instead of %d; %s" % (len(self.messages()), count, self.stats())) from None

    def end(self):
        self.child.end()


def run_source(port, *options, timeout=120):
    """Runs smtp-source to its end; its report as a dict, with the exit status under "exit"."""
    result = run([program("smtp-source"), "--port", port, *options], timeout=timeout)
    if not result.stdout.startswith("{"):
        raise AssertionError("smtp-source failed: " + result.stderr)
    report = json.loads(result.stdout)
    report["exit"] = result.returncode
    return report
