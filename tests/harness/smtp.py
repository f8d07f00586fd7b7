"""A raw SMTP client: says exactly what the test says."""
import base64
import socket
import ssl


class Dialogue:
    def __init__(self, port, host="127.0.0.1", source=None, tls=False, timeout=30, greet=True):
        self.socket = socket.create_connection((host, port), timeout=timeout, source_address=(source, 0) if source else None)
        if tls:
            self.wrap()
        self.buffer = b""
        self.greeting = self.reply() if greet else None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def wrap(self, session=None):
        """TLS from here on; certificates are not checked."""
        self.socket = client_context().wrap_socket(self.socket, session=session)

    def send(self, data):
        """Bytes or text as they are: no line end is added."""
        self.socket.sendall(data if isinstance(data, bytes) else data.encode())

    def line(self):
        """One line without its end; empty bytes at the end of the connection."""
        while b"\n" not in self.buffer:
            data = self.socket.recv(65536)
            if not data:
                return b""
            self.buffer += data
        line, self.buffer = self.buffer.split(b"\n", 1)
        return line.rstrip(b"\r")

    def reply(self):
        """The next reply, its lines joined by newlines; "" at the end of the connection."""
        lines = []
        while True:
            try:
                line = self.line()
            except (ConnectionResetError, BrokenPipeError, ssl.SSLError):
                line = b""
            if not line:
                return "\n".join(lines)
            lines.append(line.decode(errors="replace"))
            if line[3:4] != b"-":
                return "\n".join(lines)

    def command(self, text):
        try:
            self.send(text + "\r\n")
        except (ConnectionResetError, BrokenPipeError, ssl.SSLError):
            pass  # what the peer said before it closed is still to be read
        return self.reply()

    def ehlo(self, name="client.example"):
        """The keywords offered, as a dict of keyword -> parameters."""
        lines = self.command("EHLO " + name).split("\n")
        if not lines[0].startswith("250"):
            raise AssertionError("EHLO: " + lines[0])
        return {words[0]: " ".join(words[1:]) for words in (line[4:].split(" ") for line in lines[1:])}

    def starttls(self, name="client.example"):
        """STARTTLS and EHLO again; the keywords offered under TLS."""
        answer = self.command("STARTTLS")
        if not answer.startswith("220"):
            raise AssertionError("STARTTLS: " + answer)
        self.wrap()
        return self.ehlo(name)

    def auth_plain(self, user, password):
        return self.command("AUTH PLAIN " + b64("\0%s\0%s" % (user, password)))

    def auth_login(self, user, password):
        answer = self.command("AUTH LOGIN")
        for word in (user, password):
            if not answer.startswith("334"):
                return answer
            answer = self.command(b64(word))
        return answer

    def envelope(self, sender="sender@example.net", *recipients):
        """MAIL and RCPTs; the last reply."""
        answer = self.command("MAIL FROM:<%s>" % sender)
        for recipient in recipients:
            if not answer.startswith("250"):
                return answer
            answer = self.command("RCPT TO:<%s>" % recipient)
        return answer

    def content(self, content="Subject: test\r\n\r\ntext\r\n"):
        """DATA and a message that needs no dot-stuffing; the last reply."""
        answer = self.command("DATA")
        if not answer.startswith("354"):
            return answer
        return self.command(content + ".") if content.endswith("\r\n") else self.command(content + "\r\n.")

    def message(self, sender="sender@example.net", *recipients, content="Subject: test\r\n\r\ntext\r\n"):
        answer = self.envelope(sender, *(recipients or ("rcpt@example.org",)))
        return self.content(content) if answer.startswith("250") else answer

    def closed(self):
        """True when the peer has closed the connection (within the time-out)."""
        try:
            return self.socket.recv(1) == b""
        except (ConnectionResetError, ssl.SSLError):
            return True
        except TimeoutError:
            return False

    def close(self):
        self.socket.close()


def client_context():
    """A TLS client that takes any certificate."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def b64(text):
    return base64.b64encode(text.encode()).decode()
