#!/usr/bin/env python3
"""What ./dev run shows: Waypost between an application and a stand-in provider, on unprivileged loopback ports.

Writes a relayhost configuration as tutorials give it, starts our smtp-sink as the provider (STARTTLS and AUTH required)
and the relay in front of it, sends one message through, prints the delivery's log line and the message as it arrived, and
then stays until Ctrl-C. Everything lives in one temporary folder that goes at the end.
"""
import os
import pwd
import shutil
import signal
import smtplib
import socket
import subprocess
import sys
import tempfile
import time
from email.message import EmailMessage

MAIN_CF = """\
# What an operator writes (only ports and places differ from the usual ones)
myhostname = relay.example.com
mydomain = example.com
myorigin = $mydomain
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.1/32, 10.0.0.0/8, 192.168.0.0/16
mydestination =
local_transport = error:local delivery disabled
relayhost = [127.0.0.1]:{provider_port}
smtp_sasl_auth_enable = yes
smtp_sasl_password_maps = hash:{etc}/sasl_passwd
smtp_sasl_security_options = noanonymous
smtp_tls_security_level = encrypt
smtp_tls_CAfile = {ca}
smtp_tls_loglevel = 1
smtpd_relay_restrictions = permit_mynetworks, reject
# Where this demonstration keeps its things
queue_directory = {queue}
maillog_file = {log}
maillog_file_prefixes = {folder}
mail_owner = {owner}
smtpd_tls_cert_file = {cert}
smtpd_tls_key_file = {key}
smtpd_tls_security_level = may
"""

MASTER_CF = """\
{port}      inet  n       -       n       -       -       smtpd
pickup    unix  n       -       n       60      1       pickup
cleanup   unix  n       -       n       -       0       cleanup
qmgr      unix  n       -       n       300     1       qmgr
smtp      unix  -       -       n       -       -       smtp
relay     unix  -       -       n       -       -       smtp
error     unix  -       -       n       -       -       error
retry     unix  -       -       n       -       -       error
bounce    unix  -       -       n       -       0       bounce
"""


def free_port(wanted):
    """`wanted` if nobody has it, else any."""
    for port in (wanted, 0):
        with socket.socket() as s:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                s.bind(("127.0.0.1", port))
                return s.getsockname()[1]
            except OSError:
                continue
    raise SystemExit("no free port")


def wait_for(what, seconds, found):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        result = found()
        if result:
            return result
        time.sleep(0.05)
    raise SystemExit("gave up waiting for " + what)


def connects(port):
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
        return True
    except OSError:
        return False


def write(path, text, mode=0o644):
    with open(path, "w") as f:
        f.write(text)
    os.chmod(path, mode)
    return path


def make_certificate(folder):
    key, cert = folder + "/key.pem", folder + "/cert.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                    "-subj", "/CN=smtp.provider.example", "-addext", "subjectAltName=DNS:smtp.provider.example,DNS:relay.example.com",
                    "-keyout", key, "-out", cert], check=True, stderr=subprocess.DEVNULL)
    return cert, key


def title(text):
    print("\n\033[1m%s\033[0m" % text, flush=True)


def indented(text):
    print("".join("    %s\n" % line for line in text.rstrip("\n").split("\n")), end="", flush=True)


class Demo:
    def __init__(self, binaries):
        self.bin = os.path.abspath(binaries)
        self.folder = tempfile.mkdtemp(prefix="waypost-demo-")
        os.chmod(self.folder, 0o755)
        self.etc, self.queue = self.folder + "/etc", self.folder + "/queue"
        self.log, self.store = self.folder + "/mail.log", self.folder + "/arrived"
        for path in (self.etc, self.queue, self.store):
            os.mkdir(path)
        self.port, self.provider_port = free_port(2525), free_port(2587)
        self.processes = []

    def start(self):
        cert, key = make_certificate(self.folder)
        owner = "nobody" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
        write(self.etc + "/main.cf", MAIN_CF.format(provider_port=self.provider_port, etc=self.etc, ca=cert, cert=cert, key=key,
                                                    queue=self.queue, log=self.log, folder=self.folder, owner=owner))
        write(self.etc + "/master.cf", MASTER_CF.format(port=self.port))
        write(self.etc + "/sasl_passwd", "[127.0.0.1]:%d apikey:s3cret\n" % self.provider_port, 0o600)
        subprocess.run([self.bin + "/postmap", "-c", self.etc, "hash:%s/sasl_passwd" % self.etc], check=True)
        self.spawn("provider", [self.bin + "/smtp-sink", "--port", str(self.provider_port), "--name", "smtp.provider.example", "--cert", cert, "--key", key,
                                "--auth", "apikey:s3cret", "--require-tls", "--require-auth", "--store", self.store], self.provider_port)
        self.spawn("relay", [self.bin + "/postfix", "-c", self.etc, "start-fg"], self.port)

    def spawn(self, name, command, port):
        output = open("%s/%s.out" % (self.folder, name), "w")
        process = subprocess.Popen(command, stdout=output, stderr=output, start_new_session=True)
        self.processes.insert(0, (name, process))

        def ready():
            if process.poll() is not None:
                raise SystemExit("the %s ended at once:\n%s%s" % (name, open(output.name).read(), open(self.log).read() if os.path.exists(self.log) else ""))
            return connects(port)
        wait_for("the %s to listen on port %d" % (name, port), 20, ready)

    def send(self):
        message = EmailMessage()
        message["From"], message["To"], message["Subject"] = "app@example.com", "someone@example.net", "Hello through Waypost"
        message.set_content("This message was accepted on port %d, kept safe on disk,\nand relayed over TLS with a password.\n" % self.port)
        with smtplib.SMTP("127.0.0.1", self.port, timeout=10) as client:
            client.send_message(message)

    def delivered(self):
        return next((line for line in open(self.log) if "status=sent" in line), None)

    def arrived(self):
        names = sorted(name for name in os.listdir(self.store) if name.endswith(".eml"))
        return open(os.path.join(self.store, names[0]), newline="").read().replace("\r\n", "\n") if names else None

    def show(self):
        title("A message sent to the relay on 127.0.0.1:%d has reached the provider on 127.0.0.1:%d" % (self.port, self.provider_port))
        line = wait_for("the delivery", 20, self.delivered)
        title("The delivery in the mail log (%s)" % self.log)
        indented(line)
        title("The message as it arrived")
        indented(wait_for("the message at the provider", 5, self.arrived))
        title("Send one yourself")
        indented("swaks --server 127.0.0.1:%d --from you@example.com --to someone@example.net\n"
                 "openssl s_client -connect 127.0.0.1:%d -starttls smtp -CAfile %s/cert.pem\n"
                 "%s/mailq -C %s\n"
                 "tail -f %s" % (self.port, self.port, self.folder, self.bin, self.etc, self.log))
        title("Point it at a real provider")
        indented("In main.cf:      relayhost = [smtp.your-provider.example]:587\n"
                 "                 smtp_tls_CAfile = /etc/ssl/certs/ca-certificates.crt\n"
                 "In sasl_passwd:  [smtp.your-provider.example]:587 user:password      (then: postmap hash:/etc/postfix/sasl_passwd)\n"
                 "Run it:          ./dev run -- -c /etc/postfix\n"
                 "This demonstration's own files: %s" % self.etc)
        title("Running. Ctrl-C stops it in order.")

    def stop(self):
        for name, process in self.processes:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
                try:
                    process.wait(15)
                except subprocess.TimeoutExpired:
                    process.kill()
                    print("the %s did not stop by itself" % name, file=sys.stderr)
        shutil.rmtree(self.folder, ignore_errors=True)


def main():
    demo = Demo(sys.argv[1])
    stopped = []
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.append(True))
    try:
        demo.start()
        demo.send()
        demo.show()
        while not stopped and "--once" not in sys.argv and all(process.poll() is None for _, process in demo.processes):
            time.sleep(0.2)
        print("stopping", flush=True)
    finally:
        demo.stop()


if __name__ == "__main__":
    main()
