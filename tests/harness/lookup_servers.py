"""Scripted servers of the tcp: and socketmap: protocols."""
import os
import socket
import threading
import urllib.parse


class LookupServer:
    """Answers lookups from `rows`; what a row is to a function is called with the connection, and its answer sent as it is."""

    def __init__(self, rows, path=None, port=0):
        self.rows = rows
        self.path = path
        self.port = port
        self.asked = []
        self.connections = 0
        self.listener = None
        self.open = []
        self.start()

    def start(self):
        if self.path:
            if os.path.exists(self.path):
                os.unlink(self.path)
            self.listener = socket.socket(socket.AF_UNIX)
            self.listener.bind(self.path)
            os.chmod(self.path, 0o666)
            self.listener.listen()
        else:
            self.listener = socket.create_server(("127.0.0.1", self.port))
            self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, args=(self.listener,), daemon=True).start()

    def _accept(self, listener):
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            self.connections += 1
            self.open.append(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        try:
            file = connection.makefile("rb")
            while (key := self.read(file)) is not None:
                self.asked.append(key)
                row = self.rows.get(key)
                connection.sendall(row(connection) if callable(row) else self.reply(row))
        except (OSError, ValueError):
            pass
        connection.close()

    def stop(self):
        """Closes everything, as a server that ends."""
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for connection in self.open:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        self.open = []

    def end(self):
        try:
            self.stop()
        except OSError:
            pass


class TcpTable(LookupServer):
    def read(self, file):
        line = file.readline().decode()
        if not line.startswith("get "):
            return None
        return urllib.parse.unquote(line[4:].rstrip("\n"))

    def reply(self, value):
        return ("500 not found\n" if value is None else "200 %s\n" % urllib.parse.quote(value)).encode()


class Socketmap(LookupServer):
    """Rows are keyed by "MAP KEY"."""

    def read(self, file):
        digits = b""
        while (byte := file.read(1)) not in (b":", b""):
            digits += byte
        if not digits:
            return None
        text = file.read(int(digits)).decode()
        return text if file.read(1) == b"," else None

    def reply(self, value):
        text = "NOTFOUND " if value is None else "OK " + value
        return ("%d:%s," % (len(text), text)).encode()
