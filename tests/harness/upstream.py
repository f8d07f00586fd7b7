"""An upstream that follows a script: for misbehaviour that smtp-sink has no rule for."""
import socket
import threading


class Upstream:
    """Runs `script(conversation)` in a thread for each connection: to a port of its own, or to the unix socket `path`."""

    def __init__(self, script, path=None):
        self.script = script
        self.connections = 0
        self.seen = []  # every line received, over all connections
        self.port = None
        if path is None:
            self.socket = socket.create_server(("127.0.0.1", 0))
            self.port = self.socket.getsockname()[1]
        else:
            self.socket = socket.socket(socket.AF_UNIX)
            self.socket.bind(path)
            self.socket.listen()
        self.socket.settimeout(0.2)
        self.stopping = False
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def _serve(self):
        while not self.stopping:
            try:
                connection, _ = self.socket.accept()
            except TimeoutError:
                continue
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._talk, args=(connection,), daemon=True).start()

    def _talk(self, connection):
        connection.settimeout(20)
        with connection:
            try:
                self.script(Conversation(connection, self.seen))
            except OSError:
                pass

    def end(self):
        self.stopping = True
        self.thread.join(2)
        self.socket.close()


class Conversation:
    def __init__(self, connection, seen):
        self.socket = connection
        self.seen = seen
        self.file = connection.makefile("rb")

    def say(self, text):
        self.socket.sendall(text.encode() if isinstance(text, str) else text)

    def hear(self):
        """One line, without its end; None at the end."""
        line = self.file.readline()
        if not line:
            return None
        text = line.decode(errors="replace").rstrip("\r\n")
        self.seen.append(text)
        return text

    def until_dot(self):
        while (line := self.hear()) is not None and line != ".":
            pass
        return line
