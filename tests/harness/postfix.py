"""Debian's Postfix, unpacked below build/peers (never installed), for comparison in tests and measurements."""
import fcntl
import glob
import grp
import os
import pwd

from harness.paths import ROOT
from harness.process import run

PEERS = os.path.join(ROOT, "build/peers")


class Unavailable(Exception):
    """No package archive to be reached, or not root."""


def unpack(package="postfix"):
    """The folder with the package's files; downloads them when they are not there yet."""
    folder = os.path.join(PEERS, package)
    os.makedirs(PEERS, exist_ok=True)
    with open(os.path.join(PEERS, ".lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if os.path.isdir(folder):
            return folder
        result = run(["apt-get", "-qq", "download", package], timeout=120, cwd=PEERS)
        packages = glob.glob(os.path.join(PEERS, package + "_*.deb"))
        if result.returncode != 0 or not packages:
            raise Unavailable("apt-get download %s: %s" % (package, result.stderr.strip()))
        extracted = run(["dpkg", "-x", packages[0], folder + ".new"], timeout=120)
        if extracted.returncode != 0:
            raise Unavailable("dpkg -x: " + extracted.stderr.strip())
        if package == "postfix":
            _wrap_postdrop(folder + ".new", folder)
        os.rename(folder + ".new", folder)
    return folder


def _wrap_postdrop(folder, final):
    """sendmail starts postdrop without the environment that tells where the libraries are."""
    program = os.path.join(folder, "usr/sbin/postdrop")
    os.rename(program, program + ".real")
    with open(program, "w") as f:
        f.write("#!/bin/sh\nexport LD_LIBRARY_PATH=%s/usr/lib/postfix\nexec %s/usr/sbin/postdrop.real \"$@\"\n" % (final, final))
    os.chmod(program, 0o755)


def root():
    """POSTFIX_ROOT: the unpacked tree, with the users it needs made."""
    if os.geteuid() != 0:
        raise Unavailable("Postfix runs only as root")
    folder = unpack("postfix")
    try:
        grp.getgrnam("postdrop")
    except KeyError:
        run(["groupadd", "--system", "postdrop"])
    try:
        pwd.getpwnam("postfix")
    except KeyError:
        run(["useradd", "--system", "--no-create-home", "--home-dir", "/nonexistent", "--shell", "/usr/sbin/nologin", "--user-group", "postfix"])
    return folder


def environment(postfix_root):
    return dict(os.environ, LD_LIBRARY_PATH=os.path.join(postfix_root, "usr/lib/postfix"))


def settings(postfix_root):
    """What main.cf must say so that programs are found in the unpacked tree."""
    return {
        "command_directory": postfix_root + "/usr/sbin",
        "daemon_directory": postfix_root + "/usr/lib/postfix/sbin",
        "shlib_directory": postfix_root + "/usr/lib/postfix",
        "meta_directory": postfix_root + "/etc/postfix",
        "sendmail_path": postfix_root + "/usr/sbin/sendmail",
        "mailq_path": postfix_root + "/usr/sbin/sendmail",
        "newaliases_path": postfix_root + "/usr/sbin/sendmail",
        "mail_owner": "postfix",
        "setgid_group": "postdrop",
        "import_environment": "MAIL_CONFIG MAIL_DEBUG MAIL_LOGTAG TZ LANG=C POSTLOG_SERVICE POSTLOG_HOSTNAME LD_LIBRARY_PATH=%s/usr/lib/postfix" % postfix_root,
        "alias_maps": "",
        "alias_database": "",
    }
