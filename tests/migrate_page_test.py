"""docs/migrate-from-postfix.md, run as it stands: every command in it, in its order, on a machine of its own.

The machine is this one's file system with an overlay in front, in namespaces of its own: /etc/postfix, port 25 and
/usr/sbin/sendmail are there to be changed, and nothing outside sees it.
"""
import os
import re
import subprocess
import tempfile
import unittest

from harness import postfix
from harness.paths import BIN, ON_POSTFIX, ROOT

PAGE = os.path.join(ROOT, "docs/migrate-from-postfix.md")
TIME_LIMIT = 240  # seconds

ENTER = """\
set -e
mount -t tmpfs -o size=2G tmpfs {folder}
mkdir {folder}/upper {folder}/work {folder}/root
mount -t overlay overlay -o lowerdir=/,upperdir={folder}/upper,workdir={folder}/work {folder}/root
mount -t proc proc {folder}/root/proc
mount --rbind /dev {folder}/root/dev
ip link set lo up
mkdir {folder}/root/migration
cp {script} {folder}/root/migration/script
exec chroot {folder}/root bash /migration/script
"""

# Debian's Postfix with a queue: five messages that wait for a relayhost that is down, one of them on hold.
PREPARE = """\
dpkg -x {package} /migration/postfix
cp -a /migration/postfix/usr/. /usr/; cp -a /migration/postfix/etc/. /etc/; cp -a /migration/postfix/var/. /var/
mkdir -p /opt/waypost /var/spool/postfix /var/lib/postfix
cp -a {bin} /opt/waypost/bin
cp /usr/share/postfix/master.cf.dist /etc/postfix/master.cf
cat > /etc/postfix/main.cf <<END
compatibility_level = 3.6
myhostname = relay.example.com
myorigin = example.com
mydestination =
local_transport = error:local delivery disabled
relayhost = [127.0.0.1]:2599
mynetworks = 127.0.0.0/8
inet_interfaces = loopback-only
smtpd_relay_restrictions = permit_mynetworks, reject
alias_maps =
maillog_file = /var/log/mail.log
END
rm -f /var/log/mail.log
ln -sf sendmail /usr/sbin/mailq
postfix set-permissions 2> /dev/null
until_true() {{ for i in $(seq 300); do "$@" > /dev/null 2>&1 && return; sleep 0.2; done; echo "NEVER TRUE: $*"; }}
lines_are() {{ [ "$(grep -c "$2" "$3")" -ge "$1" ]; }}
queued() {{ [ "$("$@" -j | grep -c '"deferred"')" = "$COUNT" ]; }}
files_are() {{ [ "$(ls $2 | wc -l)" = "$1" ]; }}
/usr/sbin/postfix start
for i in 1 2 3 4 5; do printf 'Subject: %s\\n\\nbody\\n' $i | /usr/sbin/sendmail -f s@example.net r$i@example.org; done
COUNT=5 until_true queued /usr/sbin/postqueue
/usr/sbin/postsuper -h $(/usr/sbin/postqueue -j | head -1 | cut -d'"' -f8)
"""

# What a reader does by looking: waits until something has happened before he goes on.
BEFORE = {
    "grep -c status=sent /var/log/postfix-rehearsal.log": "until_true lines_are 100 status=sent /var/log/postfix-rehearsal.log",
    "kill $SINK": "until_true files_are 104 '/tmp/rehearsal/*.eml'",
    "$W/waypost import-queue": "printf 'Subject: late\\n\\nbody\\n' | /usr/sbin/sendmail -f late@example.net r6@example.org",
    "$W/mailq | tail -1": "until_true lines_are 1 'to=<r6@example.org>.*status=deferred' /var/log/mail.log",
}
AFTER = {"/usr/sbin/postqueue -f": "COUNT=5 until_true queued /usr/sbin/postqueue; /usr/sbin/mailq; /usr/sbin/postfix stop"}


def commands():
    with open(PAGE, encoding="utf-8") as page:
        blocks = re.findall(r"```sh\n(.*?)```", page.read(), re.DOTALL)
    return [line for block in blocks for line in block.splitlines() if line.strip()]


def script(package):
    lines = [PREPARE.format(package=package, bin=BIN)]
    for command in commands():
        lines += [BEFORE.get(command, ":"), "echo '>>> '%s" % quoted(command), command, "echo \"<<< $?\"", AFTER.get(command, ":")]
    return "\n".join(lines) + "\n"


def quoted(text):
    return "'" + text.replace("'", "'\\''") + "'"


@unittest.skipIf(ON_POSTFIX, "it takes both")
class MigrationPage(unittest.TestCase):
    def run_page(self):
        try:
            postfix.root()
        except postfix.Unavailable as error:
            self.skipTest(str(error))
        package = next(os.path.join(postfix.PEERS, name) for name in os.listdir(postfix.PEERS) if re.match(r"postfix_.*\.deb$", name))
        folder = tempfile.mkdtemp(prefix="waypost-test-")
        self.addCleanup(os.rmdir, folder)
        paths = {name: os.path.join(tempfile.gettempdir(), "%s.%s" % (os.path.basename(folder), name)) for name in ("script", "enter")}
        for path in paths.values():
            self.addCleanup(os.unlink, path)
        with open(paths["script"], "w") as f:
            f.write(script(package))
        with open(paths["enter"], "w") as f:
            f.write(ENTER.format(folder=folder, script=paths["script"]))
        trial = subprocess.run(["unshare", "-m", "bash", "-c", "mount -t tmpfs tmpfs {0} && mkdir {0}/u {0}/w {0}/r && mount -t overlay overlay -o lowerdir=/,upperdir={0}/u,workdir={0}/w {0}/r"
                                .format(folder)], capture_output=True, text=True, timeout=30)
        if trial.returncode != 0:
            self.skipTest("no overlay in a namespace of its own here: " + trial.stderr.strip())
        # The first process of the namespace ends all others with itself.
        result = subprocess.run(["unshare", "-m", "-n", "-p", "-f", "--kill-child", "bash", paths["enter"]], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                errors="replace", stdin=subprocess.DEVNULL, timeout=TIME_LIMIT)
        return result.stdout

    def test_every_command_of_the_page_works(self):
        output = self.run_page()
        self.assertNotIn("NEVER TRUE", output, output)
        self.assertNotIn("command not found", output)
        seen = re.findall(r"^>>> (.*?)$(.*?)^<<< (\d+)$", output, re.MULTILINE | re.DOTALL)
        self.assertEqual([command for command, _, _ in seen], commands(), output)
        may_find_nothing = {"grep -E 'warning|fatal|error' /var/log/mail.log | tail", "grep -c status=sent /var/log/mail.log"}
        self.assertEqual([command for command, _, status in seen if status != "0" and command not in may_find_nothing], [], output)
        said = dict((command, text) for command, text, _ in seen)
        for command, text in {
            "$W/waypost import-queue --dry-run": "to be taken over: 5 messages (",
            "grep -c status=sent /var/log/postfix-rehearsal.log": "\n100\n",
            "ls /tmp/rehearsal/*.eml | wc -l": "\n104\n",
            "$W/waypost import-queue": "1 on hold); 1 submitted by sendmail, left for pickup",
            "$W/mailq | tail -1": "in 6 Requests.",
            "$W/waypost spool verify": "0 damaged records",
            "$W/waypost export-queue /var/spool/postfix": "given back: 6 messages (1 on hold)",
        }.items():
            self.assertIn(text, said[command], output)
        self.assertIn("in 6 Requests.", output.split(">>> /usr/sbin/postqueue -f")[1], "Postfix has all of it again")


if __name__ == "__main__":
    unittest.main()
