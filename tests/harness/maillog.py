"""The mail log as the operator reads it."""
import os
import re

from harness.waiting import TimedOut, wait_until


class MailLog:
    def __init__(self, path):
        self.path = path

    def lines(self):
        if not os.path.exists(self.path):
            return []
        with open(self.path, errors="replace") as f:
            return f.read().splitlines()

    def text(self):
        return "\n".join(self.lines())

    def matching(self, pattern):
        compiled = re.compile(pattern)
        return [line for line in self.lines() if compiled.search(line)]

    def wait_for(self, pattern, timeout=10, count=1):
        """The match of the last of `count` lines that match; the log's end is shown when they do not come."""
        compiled = re.compile(pattern)

        def look():
            found = [m for m in map(compiled.search, self.lines()) if m]
            return found[-1] if len(found) >= count else None

        try:
            return wait_until(look, timeout)
        except TimedOut:
            raise TimedOut("no log line matches %r; the log ends:\n%s" % (pattern, "\n".join(self.lines()[-25:]))) from None
