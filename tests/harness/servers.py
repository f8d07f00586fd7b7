"""Scripts for harness.upstream: an SMTP or LMTP server that keeps the contents it was given."""
import socket

from harness.upstream import Conversation, Upstream


class Server(Upstream):
    """Offers `keywords`; answers each command by `replies` (by its first word; CONNECT is the greeting), else 250. `contents`: each message's bytes.
    LMTP: `finals` are the replies after the content, one for each accepted recipient (250 when there are none left)."""

    def __init__(self, keywords=(), replies=None, finals=(), path=None):
        self.keywords = keywords
        self.replies = replies or {}
        self.finals = list(finals)
        self.contents = []
        self.peers = []  # the clients' addresses
        super().__init__(self._serve_session, path)

    def commands(self, verb):
        return [line for line in self.seen if line.upper().startswith(verb)]

    def _serve_session(self, peer: Conversation):
        self.peers.append(peer.socket.getpeername()[0] if peer.socket.family == socket.AF_INET else "")
        peer.say(self.replies.get("CONNECT", "220 mx.test ESMTP") + "\r\n")
        accepted, lmtp = 0, False
        while (line := peer.hear()) is not None:
            verb = line.split(" ")[0].split(":")[0].upper()
            if verb in ("EHLO", "LHLO"):
                lmtp = verb == "LHLO"
                peer.say("".join("250-%s\r\n" % word for word in ("mx.test", *self.keywords)) + "250 HELP\r\n")
            elif verb == "QUIT":
                return peer.say("221 bye\r\n")
            elif verb == "DATA" and accepted:
                peer.say("354 go\r\n")
                self._take_content(peer)
                for _ in range(accepted if lmtp else 1):
                    peer.say((self.finals.pop(0) if self.finals else "250 2.0.0 Ok: queued as TEST") + "\r\n")
                accepted = 0
            else:
                reply = self.replies.get(verb, "250 2.0.0 Ok")
                accepted += verb == "RCPT" and reply.startswith("250")
                peer.say(reply + "\r\n")

    def _take_content(self, peer):
        lines = []
        while (line := peer.file.readline()) not in (b"", b".\r\n"):
            lines.append(line[1:] if line.startswith(b".") else line)
        self.contents.append(b"".join(lines))
