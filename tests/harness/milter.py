"""A milter that accepts everything and edits every message in the same way."""
import socket
import struct
import threading

VERSION = 6
ACTIONS = 0x7F  # every edit there is
SILENT = b"D"  # macros: no answer


def edit(command, *values):
    """One modification: integers as four bytes, texts ended by NUL (but for a body, which is as it is)."""
    data = b"".join(struct.pack(">I", v) if isinstance(v, int) else v.encode() + (b"" if command == "b" else b"\0") for v in values)
    return command.encode() + data


def packets(data):
    return struct.pack(">I", len(data)) + data


class Milter:
    def __init__(self, edits):
        self.edits = edits
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.socket.settimeout(0.2)
        self.port = self.socket.getsockname()[1]
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
            threading.Thread(target=self._talk, args=(connection,), daemon=True).start()

    def _talk(self, connection):
        connection.settimeout(30)
        with connection, connection.makefile("rb") as stream:
            while len(head := stream.read(4)) == 4:
                packet = stream.read(struct.unpack(">I", head)[0])
                for answer in self._answers(packet):
                    connection.sendall(packets(answer))
                if packet[:1] == b"Q":
                    return

    def _answers(self, packet):
        command = packet[:1]
        if command == b"O":
            return [b"O" + struct.pack(">III", VERSION, ACTIONS, 0)]
        if command == b"E":
            return [*self.edits, b"a"]
        return [] if command in SILENT + b"AKQ" else [b"c"]

    def end(self):
        self.stopping = True
        self.thread.join(2)
        self.socket.close()
