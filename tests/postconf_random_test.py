"""postconf against Postfix's own on files that nobody wrote: expansion, master.cf, edits.

WAYPOST_POSTCONF_ROUNDS   how many files of each kind (12)
WAYPOST_POSTCONF_SEED     the first file's; each failure names its own
"""
import os
import random
import shutil
import tempfile
import unittest

from harness import postfix
from harness.postconf import Postconfs, read_files, write_files

ROUNDS = int(os.environ.get("WAYPOST_POSTCONF_ROUNDS", "12"))
SEED = int(os.environ.get("WAYPOST_POSTCONF_SEED", "1"))
# Parameters that take any text, so that one file holds many expressions.
SLOTS = ["mail_name", "smtpd_banner", "myorigin", "mydestination", "relayhost", "smtp_helo_name", "notify_classes", "relay_domains", "transport_maps",
         "canonical_maps", "header_checks", "smtp_sasl_path", "content_filter", "bounce_notice_recipient", "error_notice_recipient", "always_bcc"]
NAMES = {
    "one": "x", "two": "$one y", "three": "${two?{[$two]}:{none}}", "empty": "", "blank": "$empty", "ten": "10", "nine": "9", "big": "9223372036854775807",
    "level": "3.6", "level_new": "3.11", "odd": "a:b?c", "braces": "{one}", "dollar": "a$$b", "chain0": "$chain1", "chain1": "$chain2", "chain2": "end",
}
# Everything refers to these, so that they are nobody's unused parameters.
KEEP = "local_command_shell = %s\n" % " ".join("$" + name for name in NAMES)


class Expressions:
    """Text with references, mostly well formed."""

    def __init__(self, rng):
        self.rng = rng

    def blanks(self):
        return self.rng.choice(["", "", "", " ", "  ", "\t"])

    def name(self):
        return self.rng.choice(list(NAMES) + ["undefined", "myhostname", "compatibility_level", "Not_There9"])

    def literal(self, _=0):
        return "".join(self.rng.choice("ab1 .,:?-=@/[]+") for _ in range(self.rng.randint(0, 4)))

    def text(self, depth):
        return "".join(self.part(depth) for _ in range(self.rng.randint(0, 3)))

    def part(self, depth):
        kinds = ["literal", "plain", "round", "curly", "escaped"]
        if depth > 0:
            kinds += ["test", "choice", "choice", "relation", "relation", "group"]
        return getattr(self, self.rng.choice(kinds))(depth)

    def escaped(self, _):
        return "$$"

    def group(self, depth):
        return "{%s}" % self.text(depth - 1)

    def plain(self, _):
        return "$" + self.name()

    def round(self, _):
        return "$(%s%s%s)" % (self.blanks(), self.name(), self.blanks())

    def curly(self, _):
        return "${%s%s%s}" % (self.blanks(), self.name(), self.blanks())

    def test(self, depth):
        return "${%s%s%s%s}" % (self.name(), self.blanks(), self.rng.choice("?:"), self.text(depth - 1))

    def branches(self, depth):
        first = "{%s}" % self.text(depth - 1)
        second = self.rng.choice(["{%s}" % self.text(depth - 1), self.literal()])
        mark = self.rng.choice(["?", "?", ":"])
        return mark + self.blanks() + first + self.blanks() + (":" + self.blanks() + second + self.blanks() if mark == "?" and self.rng.random() < 0.7 else "")

    def choice(self, depth):
        return "${%s%s%s%s}" % (self.blanks(), self.name(), self.blanks(), self.branches(depth))

    def relation(self, depth):
        if self.rng.random() < 0.3:
            left, right = [self.rng.choice(["$level", "${level_new}", "3", "3.6.0", " 3.6", "+3", "3.1024"]) for _ in range(2)]
            operator = self.rng.choice(["==", "!=", "<", "<=", ">", ">="]) + "level"
        else:
            left, right = [self.rng.choice([self.text(depth - 1), "$ten", "$nine", "007", "$big", " 10 "]) for _ in range(2)]
            operator = self.rng.choice(["==", "!=", "<", "<=", ">", ">=", "=="])
        return "${%s{%s}%s%s%s{%s}%s%s}" % (self.blanks(), left, self.blanks(), operator, self.blanks(), right, self.blanks(),
                                           self.branches(depth) if self.rng.random() < 0.8 else "")

    def expression(self):
        text = self.text(3)
        if self.rng.random() < 0.04 and text:
            at = self.rng.randrange(len(text))
            text = text[:at] + self.rng.choice(["", "{", "}", "$", "?", ":", "=", "${", "-"]) + text[at + self.rng.randint(0, 2):]
        return " ".join(text.split("\n"))


class Services:
    """Lines of master.cf, mostly well formed."""

    def __init__(self, rng):
        self.rng = rng
        self.expressions = Expressions(rng)

    def argument(self):
        rng = self.rng
        name = rng.choice(["mail_name", "one", "myorigin", "syslog_name", "own", "relayhost"])
        value = rng.choice(["b", "", "$one", "a,b", "x=y", "${one?{a}:{b}}", "{x}", "$own"])
        spaced = rng.choice(["a b", "$two", " x", "permit_mynetworks, reject", "{ a b }"])
        # Postfix's postconf takes -oNAME=VALUE apart at each further letter o
        attached = "%s=%s" % (name, value) if "o" not in name + value else "mail_name=b"
        return rng.choice([
            "-v", "-vv", "-D", "-o %s=%s" % (name, value), "-o" + attached, "-vo %s=%s" % (name, value), "-o { %s = %s }" % (name, spaced),
            "-o {%s=%s}" % (name, spaced), "-o\t%s=%s" % (name, value), "-vo" + attached, "-o { %s=%s" % (name, value) if rng.random() < 0.1 else "-v",
            "-o {%s=%s}x" % (name, value) if rng.random() < 0.2 else "-v"])

    def operand(self):
        return self.rng.choice(["flags=DRhu", "user=a:b", "argv=/bin/x", "${recipient}", "{a b}", "{ a }", "-f", "--", "a{b c}d", "$sender", "{}"])

    def line(self, broken):
        rng = self.rng
        kind, limit, wakeup = rng.choice(["inet", "unix", "unix", "fifo", "pass", "unix-dgram"]), rng.choice(["-", "0", "1", "100"]), rng.choice(["-", "60", "1000?", "0"])
        if broken:
            kind, limit, wakeup = rng.choice([(kind, "x", wakeup), ("odd", limit, wakeup), (kind, limit, "1m"), (kind, "1?", wakeup), (kind, "", wakeup)])
        fields = [rng.choice(["smtp", "relay", "own", "127.0.0.1:2525", "slow", "a-long-service-name-that-needs-room"]), kind, rng.choice("yn-"), rng.choice("yn-"),
                  rng.choice("yn-"), wakeup, limit, rng.choice(["smtpd", "smtp", "pipe", "lmtp", "spawn", "local"])]
        fields += [self.argument() for _ in range(rng.randint(0, 5))]
        if rng.random() < 0.4:
            # Postfix's postconf forgets the braces of the first
            fields += ["flags=DRhu"] + [self.operand() for _ in range(rng.randint(0, 4))]
        text = fields[0] + " " + fields[1]
        for field in fields[2:]:
            text += rng.choice([" ", " ", "  ", "\t", "\n ", "\n\t", " \n    ", "\n# a comment\n  ", "\n  # indented\n\n  "]) + field
        return text + rng.choice(["\n", "\n", " \n", "\n\n", "\n# after\n"])

    def file(self):
        return "".join(self.line(False) for _ in range(self.rng.randint(1, 6)))


class Random(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        try:
            cls.postconfs = Postconfs()
        except postfix.Unavailable as error:
            raise unittest.SkipTest(str(error))
        cls.folder = tempfile.mkdtemp(prefix="waypost-postconf-")
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
        cls.base = KEEP + "".join("%s = %s\n" % pair for pair in NAMES.items())

    def compare(self, arguments, text):
        """Whether Postfix found everything well formed."""
        theirs, ours = self.postconfs.both(self.folder, arguments)
        self.assertEqual(theirs.status, ours.status, "postconf %s: %s, %s\n%s" % (arguments, theirs.messages, ours.messages, text))
        if theirs.status == 0:
            self.assertEqual(theirs.output, ours.output, "postconf %s\n%s" % (arguments, text))
            self.assertEqual(theirs.messages, ours.messages, "postconf %s\n%s" % (arguments, text))
        else:
            # Postfix ends at the first that it comes upon, and may say more about that one
            self.assertTrue(set(theirs.messages) & set(ours.messages), "%s, %s\n%s" % (theirs.messages, ours.messages, text))
        return theirs.status == 0

    def test_expansion(self):
        for seed in range(SEED, SEED + ROUNDS):
            with self.subTest(seed=seed):
                expressions = Expressions(random.Random(seed))
                lines = ["%s = %s\n" % (slot, expressions.expression()) for slot in SLOTS]
                write_files(self.folder, self.base + "".join(lines), "")
                if self.compare(["-nx"], "".join(lines)):
                    continue
                # which of them it was would hide what the others do
                for line in lines:
                    write_files(self.folder, self.base + line, "")
                    self.compare(["-nx"], line)

    def test_services(self):
        for seed in range(SEED, SEED + ROUNDS):
            with self.subTest(seed=seed):
                text = Services(random.Random(seed)).file()
                write_files(self.folder, self.base, text)
                for arguments in (["-M"], ["-Mf"], ["-Mx"], ["-F"], ["-Ff"], ["-P"], ["-Px"], ["-C", "service"]):
                    self.compare(arguments, text)

    def test_broken_services(self):
        for seed in range(SEED, SEED + ROUNDS):
            with self.subTest(seed=seed):
                text = Services(random.Random(seed)).line(True)
                write_files(self.folder, self.base, text)
                self.compare(["-M"], text)

    def test_edits(self):
        for seed in range(SEED, SEED + ROUNDS):
            rng = random.Random(seed)
            services = Services(rng)
            # Postfix moves comments and empty lines in front of a service whose fields it edits
            master = "".join(line for line in services.file().splitlines(True) if line.strip() and not line.lstrip().startswith("#"))
            if master.count("{") != master.count("}"):
                continue  # Postfix writes what it could not read; ours refuses
            main = self.base + "".join(rng.choice(["one = 2\n", "# c\n", "\n", "new = a\n  b\n", "  stray\n", "new=\n# in\n  c\n", "odd : x\n"]) for _ in range(12))
            target = rng.choice(["smtp/inet", "*/unix", "relay/*", "own/unix", "*/*"])
            arguments = rng.choice([
                ["-e", "new=" + rng.choice(["", "a b", "$x", "{y}"])], ["-X", "new"], ["-#", "new", "one"], ["-MX", target], ["-M#", target],
                ["-Me", target + "=" + " ".join(services.line(False).replace("# a comment", "").replace("# indented", "").replace("# after", "").split())],
                ["-F", target + "/chroot=" + rng.choice("yn-x")], ["-F", target + "/command=smtp " + services.argument().replace("\t", " ") + " x"],
                ["-P", target + "/mail_name=" + rng.choice(["", "z", "$q"])], ["-PX", target + "/myorigin"]])
            with self.subTest(seed=seed, arguments=arguments):
                results = []
                for which in (0, 1):
                    write_files(self.folder, main, master)
                    results.append([self.postconfs.run(which, self.folder, arguments).status] + read_files(self.folder))
                self.assertEqual(results[0], results[1])


if __name__ == "__main__":
    unittest.main()
