"""A DNS server with a scripted zone, on a UDP port of its own."""
import ipaddress
import socket
import struct
import threading

TYPES = {"A": 1, "NS": 2, "CNAME": 5, "SOA": 6, "PTR": 12, "MX": 15, "TXT": 16, "AAAA": 28}
NAMES = {number: name for name, number in TYPES.items()}
NOERROR, SERVFAIL, NXDOMAIN = 0, 2, 3


class DnsServer:
    """Answers from `records`: {(name, type): [text, ...]}; unknown names do not exist. `broken` names get SERVFAIL,
    `silent` ones no answer. A record's text is that of a zone file: "10 mx.example.org", "127.0.0.1"."""

    def __init__(self):
        self.records = {}
        self.broken = set()
        self.silent = set()
        self.queries = []
        self.add("1.0.0.127.in-addr.arpa", "PTR", "localhost")
        self.add("localhost", "A", "127.0.0.1")
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.settimeout(0.2)
        self.port = self.socket.getsockname()[1]
        self.stopping = False
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def add(self, name, record_type, *texts):
        self.records.setdefault((name.lower().rstrip("."), record_type), []).extend(texts)

    def asked(self, name, record_type):
        return (name.lower(), record_type) in self.queries

    def end(self):
        self.stopping = True
        self.thread.join(2)
        self.socket.close()

    def _serve(self):
        while not self.stopping:
            try:
                query, client = self.socket.recvfrom(4096)
                answer = self._answer(query)
                if answer:
                    self.socket.sendto(answer, client)
            except TimeoutError:
                continue
            except OSError:
                return

    def _answer(self, query):
        name, end = _read_name(query, 12)
        number = struct.unpack_from(">H", query, end)[0]
        question = query[12:end + 4]
        record_type = NAMES.get(number, str(number))
        self.queries.append((name, record_type))
        if name in self.silent:
            return None
        code, answers = self._look_up(name, record_type)
        flags = 0x8180 | (struct.unpack_from(">H", query, 2)[0] & 0x0110) | code
        authority = b"" if answers or code == SERVFAIL else _record("", "SOA", ". . 1 60 60 60 1")
        header = query[:2] + struct.pack(">HHHHH", flags, 1, len(answers), 1 if authority else 0, 0)
        return header + question + b"".join(answers) + authority

    def _look_up(self, name, record_type):
        if name in self.broken:
            return SERVFAIL, []
        answers = []
        for _ in range(8):
            alias = self.records.get((name, "CNAME"))
            if not alias or record_type == "CNAME":
                break
            answers.append(_record(name, "CNAME", alias[0]))
            name = alias[0].lower().rstrip(".")
        answers += [_record(name, record_type, text) for text in self.records.get((name, record_type), [])]
        known = any(n == name or n.endswith("." + name) for n, _ in self.records)
        return (NOERROR if known else NXDOMAIN), answers


def _read_name(packet, at):
    labels = []
    while packet[at]:
        labels.append(packet[at + 1:at + 1 + packet[at]].decode(errors="replace").lower())
        at += packet[at] + 1
    return ".".join(labels), at + 1


def _name(text):
    out = b""
    for label in text.rstrip(".").split("."):
        if label:
            out += bytes([len(label)]) + label.encode()
    return out + b"\0"


def _record(name, record_type, text, ttl=5):
    words = text.split()
    if record_type in ("A", "AAAA"):
        data = ipaddress.ip_address(text).packed
    elif record_type == "MX":
        data = struct.pack(">H", int(words[0])) + _name(words[1])
    elif record_type == "TXT":
        data = bytes([len(text)]) + text.encode()
    elif record_type == "SOA":
        data = _name(words[0]) + _name(words[1]) + struct.pack(">IIIII", *map(int, words[2:]))
    else:
        data = _name(text)
    return _name(name) + struct.pack(">HHIH", TYPES[record_type], 1, ttl, len(data)) + data
