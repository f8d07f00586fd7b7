#!/usr/bin/env python3
"""Our postconf against Postfix's own, on the same files: the same output byte for byte where the tables mean to be equal.

POSTFIX_ROOT  folder into which Debian's postfix package was unpacked (dpkg -x); without it nothing is compared
WAYPOST_BIN   folder of our postconf (default: build/release/bin)

Exit status 1 when anything differs that is not listed here with its reason.
"""
import os
import re
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
OURS = os.path.join(os.environ.get("WAYPOST_BIN", os.path.join(ROOT, "build/release/bin")), "postconf")
POSTFIX = os.environ.get("POSTFIX_ROOT", "")
THEIRS = os.path.join(POSTFIX, "usr/sbin/postconf")
TIMEOUT = 30  # seconds a command

# Values that differ because our table follows a newer Postfix or names our own program.
OTHER_VALUES = {
    "address_verify_map", "alias_database", "alias_maps", "import_environment", "mail_release_date", "mail_version", "milter_default_action",
    "milter_macro_v", "postscreen_cache_map", "process_id", "proxy_read_maps", "smtp_tls_dane_insecure_mx_policy", "smtp_tls_security_level",
    "smtpd_forbid_bare_newline", "smtpd_forbid_unauth_pipelining", "tls_eecdh_auto_curves", "tls_export_cipherlist", "tls_high_cipherlist",
    "tls_low_cipherlist", "tls_medium_cipherlist", "tls_null_cipherlist", "tlsproxy_client_policy_maps", "tlsproxy_client_security_level",
}

STOCK_MAIN = """smtpd_banner = $myhostname ESMTP $mail_name (Debian/GNU)
biff = no
append_dot_mydomain = no
readme_directory = no
compatibility_level = 3.6
smtpd_relay_restrictions = permit_mynetworks permit_sasl_authenticated defer_unauth_destination
myhostname = mx.example.com
alias_maps = hash:/etc/aliases
mydestination = $myhostname, mx, localhost.localdomain, , localhost
relayhost =
mynetworks = 127.0.0.0/8 [::ffff:127.0.0.0]/104 [::1]/128
mailbox_size_limit = 0
inet_interfaces = all
"""
MAIN_FILES = {
    "stock": STOCK_MAIN,
    "empty": "",
    "relay": "myhostname = relay.example.com\nmydomain = example.com\nmyorigin = $mydomain\ninet_protocols = ipv4\nmydestination =\n"
             "relayhost = [smtp.provider.example]:587\nsmtp_sasl_password_maps = hash:/etc/postfix/sasl_passwd\n",
    "continued": "mynetworks = 127.0.0.0/8,\n  # ours\n\n   10.0.0.0/8,\n\t192.168.0.0/16\nmyorigin=a   b\n",
    "user made": "myorigin = $mine\nmine = ${other?{$other}:{x}}\nother = 1\nspare = 2\nsmtpd_restriction_classes = strict\nstrict = permit\n",
    "undefined": "myorigin = $nope\nmydestination = ${missing:x} $myhostname\n",
    "conditions": "compatibility_level = 2\nmyorigin = ${{$compatibility_level} <level {3} ? {old} : {new}}\nmyhostname = a$$b\n"
                  "smtpd_banner = ${stress?busy}${stress:idle}\n",
    "networks": "mynetworks_style = class\ninet_protocols = ipv4\n",
    "loopback": "inet_interfaces = loopback-only\nmydomain = example.org\n",
    "services": "uucp_destination_concurrency_limit = 5\nuucp_time_limit = 5\nnobody_time_limit = 3\nvirtual_maps = hash:/x\n",
    "long": "smtpd_recipient_restrictions = %s\n" % ", ".join("check_client_access hash:/etc/postfix/clients%d" % i for i in range(12)),
    "malformed": "myorigin = a\nthis is not a setting\n",
    "bad expansion": "myorigin = ${mydomain\n",
}
STOCK_MASTER = """smtp      inet  n       -       y       -       -       smtpd
submission inet n       -       y       -       -       smtpd
  -o syslog_name=postfix/submission
  -o smtpd_tls_security_level=encrypt -o { smtpd_client_restrictions = permit_sasl_authenticated reject }
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
SHOW = [[], ["-n"], ["-d"], ["-nf"], ["-f"], ["-x"], ["-nx"], ["-H"], ["-nh"], ["-M"], ["-Mf"], ["-Mx"], ["-F"], ["-Ff"], ["-FH"], ["-P"], ["-Px"],
        ["-C", "service"], ["-C", "user"], ["-n", "-C", "builtin,user"], ["-l"], ["-T", "public-key-algorithms"], ["myorigin", "nope", "mynetworks"],
        ["-h", "myhostname", "mydomain"], ["-xh", "myorigin"], ["-o", "myorigin=$mydomain", "-x", "myorigin"], ["-M", "smtp/unix", "nope/inet"],
        ["-F", "*/inet/command"], ["-P", "*/*/syslog_name"], ["-n", "-d"], ["-M", "a/b/c"]]
EDITS = [["-e", "myorigin=c", "foo = bar baz"], ["-X", "myorigin", "nope"], ["-#", "myorigin"], ["myorigin=z"], ["-e", "foo"],
         ["-Me", "new/inet = new inet n - n - - smtpd -o a=b -o {c = d e}"], ["-Me", "smtp/inet = smtp inet n - n - - smtpd"], ["-MX", "relay/unix"],
         ["-M#", "submission/inet"], ["-F", "smtp/inet/chroot=n"], ["-P", "smtp/unix/foo=q"], ["-P", "submission/inet/syslog_name=x"],
         ["-PX", "submission/inet/syslog_name"], ["-Fe", "smtp/inet/nope=n"], ["-P", "uucp/unix/foo=q"]]


def run(program, directory, arguments):
    environment = dict(os.environ, LD_LIBRARY_PATH=os.path.join(POSTFIX, "usr/lib/postfix"), LC_ALL="C")
    done = subprocess.run([program, "-c", directory] + arguments, capture_output=True, text=True, timeout=TIMEOUT, env=environment)
    return done.returncode, done.stdout, done.stderr


def write(directory, main):
    for name, text in (("main.cf", main), ("master.cf", STOCK_MASTER)):
        with open(os.path.join(directory, name), "w") as file:
            file.write(text)


def read(directory):
    return [open(os.path.join(directory, name)).read() for name in ("main.cf", "master.cf")]


def known_names(directory):
    """The names that both programs have."""
    names = [set(run(program, directory, ["-d", "-H"])[1].split()) for program in (THEIRS, OURS)]
    return names[0] & names[1]


def entries(output):
    """Folded lines put together with their first one."""
    return re.split(r"\n(?! )", output.rstrip("\n"))


def comparable(output, only_ours):
    kept = []
    for entry in entries(output):
        name = entry.split(" =")[0]
        if name not in OTHER_VALUES and name not in only_ours:
            kept.append(entry)
    return kept


def warnings(text):
    """Each once, without the name of the program: Postfix repeats them for each time it reads a file."""
    return sorted({re.sub(r"^\S*postconf: ", "", line) for line in text.splitlines() if "unused" in line or "undefined" in line or "unknown" in line})


def compare(what, theirs, ours):
    if theirs == ours:
        return 0
    print("DIFFERS %s" % what)
    for mark, one, other in (("Postfix", theirs, ours), ("Waypost", ours, theirs)):
        lines = [line for line in one if line not in other] if isinstance(one, list) else [one]
        for line in lines[:5]:
            print("   %s: %r" % (mark, line))
    return 1


def compare_shown(directory, label, only_ours):
    bad = 0
    for arguments in SHOW:
        # Postfix shows defaults beside a main.cf that it could not use; every command of ours refuses such a file
        if label == "malformed" and "-d" in arguments:
            continue
        what = "%s: postconf %s" % (label, " ".join(arguments))
        if "-h" in arguments[:1] or "-nh" in arguments[:1]:
            arguments = arguments + ([] if len(arguments) > 1 else ["myorigin", "mynetworks", "relayhost"])
        theirs, ours = run(THEIRS, directory, arguments), run(OURS, directory, arguments)
        bad += compare(what + " (status)", theirs[0], ours[0])
        bad += compare(what, comparable(theirs[1], only_ours), comparable(ours[1], only_ours))
        if theirs[0] == 0:
            bad += compare(what + " (warnings)", warnings(theirs[2]), warnings(ours[2]))
    return bad


def compare_edits(directory):
    bad = 0
    for arguments in EDITS:
        results = []
        for program in (THEIRS, OURS):
            write(directory, STOCK_MAIN + "# a comment\nmyorigin = a\n  b\n")
            status = run(program, directory, arguments)[0]
            results.append([str(status)] + read(directory))
        bad += compare("postconf " + " ".join(arguments), *results)
    return bad


def main():
    if not POSTFIX or not os.access(THEIRS, os.X_OK):
        print("skipped: POSTFIX_ROOT does not hold Postfix's programs")
        return 0
    bad = 0
    with tempfile.TemporaryDirectory(prefix="waypost-postconf-") as directory:
        write(directory, STOCK_MAIN)
        both = known_names(directory)
        only_ours = set(run(OURS, directory, ["-d", "-H"])[1].split()) - both
        missing = set(run(THEIRS, directory, ["-d", "-H"])[1].split()) - both
        bad += compare("names that only Postfix has", [], sorted(missing))
        for label, main_cf in MAIN_FILES.items():
            write(directory, main_cf)
            bad += compare_shown(directory, label, only_ours)
        bad += compare_edits(directory)
    print("%d differences" % bad)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
