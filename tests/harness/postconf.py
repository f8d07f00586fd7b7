"""Our postconf beside Postfix's own on the same files, and what is meant to be different, each with its reason."""
import os
import re
import subprocess

from harness import postfix
from harness.paths import program

TIMEOUT = 20  # seconds a command may take
OLD = 946684800  # Postfix waits for a file that was written within this second

MASTER = """smtp      inet  n       -       y       -       -       smtpd
submission inet n       -       y       -       -       smtpd
  -o syslog_name=postfix/submission
  -o smtpd_tls_security_level=encrypt -o { smtpd_client_restrictions = permit_sasl_authenticated reject }
  -o smtpd_helo_restrictions=$mua_helo_restrictions
  -o smtpd_sender_restrictions=$mua_sender_restrictions
pickup    unix  n       -       y       60      1       pickup
qmgr      unix  n       -       n       300     1       qmgr
tlsmgr    unix  -       -       y       1000?   1       tlsmgr
smtp      unix  -       -       y       -       -       smtp
relay     unix  -       -       y       -       -       smtp
        -o syslog_name=postfix/$service_name
discard   unix  -       -       y       -       -       discard
local     unix  -       n       n       -       -       local
virtual   unix  -       n       n       -       -       virtual
lmtp      unix  -       -       y       -       -       lmtp
postlog   unix-dgram n  -       n       -       1       postlogd
uucp      unix  -       n       n       -       -       pipe
  flags=Fqhu user=uucp argv=uux -r -n -z -a$sender - $nexthop!rmail ($recipient)
a-very-long-service-name unix - - n - - smtp -v -o smtp_bind_address=192.0.2.1 -o smtp_helo_name=a.very.long.name.example.com
"""

NEWER = "our table follows Postfix 3.12, Debian has 3.7"
BUILD = "says how the program was built"
# Defaults that differ from those of Debian's Postfix.
OTHER_DEFAULTS = {
    "address_verify_map": NEWER, "alias_database": NEWER, "alias_maps": NEWER, "import_environment": NEWER, "mail_release_date": BUILD,
    "mail_version": BUILD, "milter_default_action": NEWER, "postscreen_cache_map": NEWER, "process_id": "of the process itself",
    "proxy_read_maps": NEWER, "smtp_tls_dane_insecure_mx_policy": NEWER, "smtp_tls_security_level": NEWER, "smtpd_forbid_bare_newline": NEWER,
    "smtpd_forbid_unauth_pipelining": NEWER, "tls_eecdh_auto_curves": NEWER, "tls_export_cipherlist": NEWER, "tls_high_cipherlist": NEWER,
    "tls_low_cipherlist": NEWER, "tls_medium_cipherlist": NEWER, "tls_null_cipherlist": NEWER, "tlsproxy_client_policy_maps": NEWER,
    "tlsproxy_client_security_level": NEWER,
}
# The same text, which refers to one of them.
OTHER_WHEN_EXPANDED = {"milter_macro_v": BUILD}
# Warnings that only one of both has.
OTHER_WARNINGS = [
    (r'duplicate master\.cf entry for service', "Postfix's master says it, our postconf too"),
    (r'option -o of service .* has no name=value', "Postfix drops it without a word"),
    (r'in option -o of service|master\.cf: missing (\'=\' after )?attribute name', "Postfix names neither service nor line, and is silent without {}"),
]


class Outcome:
    def __init__(self, status, output, errors):
        self.status, self.output = status, output
        self.messages = sorted(set(filter(None, map(self._message, errors.splitlines()))))

    @staticmethod
    def _message(line):
        """Without the name of the program and of the folder."""
        text = re.sub(r"^\S*postconf: ", "", line)
        text = re.sub(r"(\S*/)?((main|master)\.cf)\b", r"\2", text)
        return None if any(re.search(pattern, text) for pattern, _ in OTHER_WARNINGS) else text

    def entries(self):
        """Folded lines put together with their first one."""
        return re.split(r"\n(?! )", self.output.rstrip("\n"))


class Postconfs:
    """Both programs. Raises postfix.Unavailable when Postfix's package cannot be had."""

    def __init__(self):
        root = postfix.unpack()
        self._environment = dict(postfix.environment(root), LC_ALL="C")
        self._environment.pop("MAIL_CONFIG", None)
        self._programs = (os.path.join(root, "usr/sbin/postconf"), program("postconf"))

    def run(self, which, folder, arguments):
        done = subprocess.run([self._programs[which], "-c", folder] + list(arguments), capture_output=True, timeout=TIMEOUT, env=self._environment,
                              stdin=subprocess.DEVNULL)
        return Outcome(done.returncode, done.stdout.decode("latin-1"), done.stderr.decode("latin-1"))

    def both(self, folder, arguments):
        """(Postfix's, ours)"""
        return self.run(0, folder, arguments), self.run(1, folder, arguments)


def write_files(folder, main, master=MASTER):
    for name, content in (("main.cf", main), ("master.cf", master)):
        path = os.path.join(folder, name)
        with open(path, "wb") as file:
            file.write(content if isinstance(content, bytes) else content.encode("latin-1"))
        os.utime(path, (OLD, OLD))


def read_files(folder):
    contents = []
    for name in ("main.cf", "master.cf"):
        with open(os.path.join(folder, name), "rb") as file:
            contents.append(file.read().decode("latin-1"))
    return contents
