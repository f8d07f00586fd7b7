"""One relay under test: its configuration folder, its process, its commands and its log."""
import json
import os
import pwd
import re
import shutil
import signal

from harness import configuration, postfix
from harness.maillog import MailLog
from harness.paths import BIN, ENGINE
from harness.process import Child, run
from harness.smtp import Dialogue
from harness.waiting import accepts_connections, free_port, wait_until

MAIL_OWNER = "daemon"  # on every Debian; the tests submit as "nobody"


class Relay:
    """`main` (dict) is added to the defaults below; `services` are further master.cf lines; `listeners` maps names to
    -o overrides, each gets a port of its own: relay.ports["submission"]. relay.port is that of "smtp". `engine`: see paths.py."""

    def __init__(self, folder, main=None, services="", listeners=None, dns=None, name="relay", engine=ENGINE):
        self.on_postfix = engine == "postfix"
        self.folder = os.path.join(folder, name)
        self.config = os.path.join(self.folder, "etc")
        self.queue = os.path.join(self.folder, "queue")
        self.data = os.path.join(self.folder, "data")
        self.log = MailLog(os.path.join(self.folder, "mail.log"))
        for directory in (self.config, self.queue, self.data):
            os.makedirs(directory)
        self.listeners = {"smtp": {}} if listeners is None else listeners
        self.ports = {listener: free_port() for listener in self.listeners}
        self.services = services
        self.main = self._defaults(dns)
        self.main.update(main or {})
        if os.geteuid() == 0:
            owner = pwd.getpwnam(self.main["mail_owner"])
            os.chown(self.data, owner.pw_uid, owner.pw_gid)
        self.child = None
        self.write()

    def _defaults(self, dns):
        settings = {
            "compatibility_level": "3.6",
            "queue_directory": self.queue,
            "data_directory": self.data,
            "maillog_file": self.log.path,
            "maillog_file_prefixes": self.folder,
            "mail_owner": MAIL_OWNER,
            "myhostname": "relay.example.com",
            "mydomain": "example.com",
            "myorigin": "$mydomain",
            "inet_interfaces": "127.0.0.1",
            "inet_protocols": "ipv4",
            "mynetworks": "127.0.0.1/32",
            "mydestination": "",
            "local_transport": "error:local delivery disabled",
        }
        if self.on_postfix:
            self.postfix_root = postfix.root()
            settings.update(postfix.settings(self.postfix_root))
            settings["smtp_bind_address"] = "127.0.0.1"  # nothing may leave this machine
            return settings
        settings["waypost_spool_segment_size"] = str(4 << 20)  # spares the disk the 64 MiB that each start would write
        if dns:
            settings["waypost_resolver"] = "127.0.0.1@%d" % dns.port
        return settings

    @property
    def port(self):
        return self.ports["smtp"]

    def write(self):
        """Writes both files from self.main, self.listeners and self.services."""
        self.write_file("main.cf", configuration.main_cf(self.main))
        listeners = "".join(configuration.listener(self.ports[name], options) for name, options in self.listeners.items())
        self.write_file("master.cf", listeners + configuration.SERVICES + self.services)

    def write_file(self, name, text, mode=0o644):
        """A file of the configuration folder; its path."""
        path = os.path.join(self.config, name)
        with open(path, "w") as f:
            f.write(text)
        os.chmod(path, mode)
        return path

    def start(self, wait=True):
        self.child = Child([self.program("postfix"), "-c", self.config, "start-fg"], self.folder, "postfix", env=self.environment())
        if wait:
            wait_until(self._serving, 45, lambda: "relay serves; stderr: %s\nlog:\n%s" % (self.child.stderr(), self.log.text()))
        return self

    def _serving(self):
        if not self.child.running():
            raise AssertionError("the relay ended with %s\n%s\n%s" % (self.child.process.returncode, self.child.stderr(), self.log.text()))
        return all(accepts_connections(port) for port in self.ports.values())

    def running(self):
        return self.child is not None and self.child.running()

    def stop(self):
        """An orderly end; the exit status."""
        if self.on_postfix:
            self.postfix("stop")  # its master is a child of the script that was started
        return self.child.stop()

    def kill(self):
        """SIGKILL for everything it runs."""
        if self.on_postfix:
            self._kill_master()
        self.child.kill()

    def _kill_master(self):
        """Postfix's master leads a process group of its own."""
        try:
            with open(os.path.join(self.queue, "pid/master.pid")) as f:
                os.killpg(int(f.read()), signal.SIGKILL)
        except (OSError, ValueError):
            pass

    def restart(self):
        self.stop()
        return self.start()

    def end(self):
        """For clean-up: never fails."""
        if self.child:
            if self.on_postfix:
                self.postfix("stop")
                self._kill_master()
            self.child.end()
        if not os.environ.get("WAYPOST_TEST_KEEP"):
            shutil.rmtree(self.folder, ignore_errors=True)

    # commands

    def program(self, name):
        if not self.on_postfix:
            return os.path.join(BIN, name)
        for folder in ("usr/sbin", "usr/lib/postfix/sbin"):
            path = os.path.join(self.postfix_root, folder, "sendmail" if name == "mailq" else name)
            if os.path.exists(path):
                return path
        raise FileNotFoundError(name)

    def environment(self):
        environment = postfix.environment(self.postfix_root) if self.on_postfix else dict(os.environ)
        environment["MAIL_CONFIG"] = self.config
        environment["PATH"] = os.pathsep.join([BIN, environment.get("PATH", "/usr/bin:/bin"), "/usr/sbin", "/sbin"])
        return environment

    def run(self, command, *arguments, input=None, **options):
        """One of the commands with this relay's configuration (by MAIL_CONFIG)."""
        if self.on_postfix and command == "mailq":
            command, arguments = "sendmail", ("-bp", *arguments)
        return run([self.program(command), *arguments], input=input, env=self.environment(), **options)

    def postfix(self, *arguments):
        return self.run("postfix", "-c", self.config, *arguments)

    def reload(self):
        """Reloads and waits until that is done."""
        before = len(self.log.matching("reload -- version"))
        result = self.postfix("reload")
        if result.returncode == 0:
            self.log.wait_for("reload -- version", count=before + 1)
        return result

    def mailq(self):
        return self.run("mailq").stdout

    def queue_json(self):
        """postqueue -j, one dict a message."""
        result = self.run("postqueue", "-j")
        if result.returncode != 0:
            raise AssertionError("postqueue -j: " + result.stderr)
        return [json.loads(line) for line in result.stdout.splitlines()]

    def wait_queue(self, count, queue_name=None, timeout=10):
        """Until so many messages are queued (in the queue of that name); they are returned."""
        def look():
            listed = [m for m in self.queue_json() if queue_name in (None, m["queue_name"])]
            return (listed or True) if len(listed) == count else None

        found = wait_until(look, timeout, lambda: "%d message(s) queued; mailq says:\n%s" % (count, self.mailq()))
        return [] if found is True else found

    def submit(self, port=None, *recipients, sender="sender@example.net", content="Subject: test\r\n\r\ntext\r\n"):
        """Sends one message by SMTP (to relay.port when none is given); its queue id."""
        with Dialogue(port or self.port) as client:
            client.ehlo()
            answer = client.message(sender, *recipients, content=content)
            client.command("QUIT")
        match = re.search(r"queued as (\S+)", answer)
        if not match:
            raise AssertionError("not accepted: " + answer)
        return match.group(1)
