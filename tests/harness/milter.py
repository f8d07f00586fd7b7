"""A milter that accepts everything and edits every message in the same way."""
import struct

from harness.upstream import Upstream

VERSION = 6
ACTIONS = 0x7F  # every edit there is
SILENT = b"D"  # macros: no answer


def edit(command, *values):
    """One modification: integers as four bytes, texts ended by NUL (but for a body, which is as it is)."""
    data = b"".join(struct.pack(">I", v) if isinstance(v, int) else v.encode() + (b"" if command == "b" else b"\0") for v in values)
    return command.encode() + data


def packets(data):
    return struct.pack(">I", len(data)) + data


class Milter(Upstream):
    def __init__(self, edits):
        self.edits = edits
        super().__init__(self._exchange)

    def _exchange(self, peer):
        while len(head := peer.file.read(4)) == 4:
            packet = peer.file.read(struct.unpack(">I", head)[0])
            for answer in self._answers(packet):
                peer.say(packets(answer))
            if packet[:1] == b"Q":
                return

    def _answers(self, packet):
        command = packet[:1]
        if command == b"O":
            return [b"O" + struct.pack(">III", VERSION, ACTIONS, 0)]
        if command == b"E":
            return [*self.edits, b"a"]
        return [] if command in SILENT + b"AKQ" else [b"c"]
