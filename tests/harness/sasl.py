"""Dovecot's authentication server with one passwd-file, as smtpd_sasl_type = dovecot uses it."""
import os
import shutil

from harness.process import Child, run
from harness.waiting import accepts_connections, free_port, wait_until

CONFIGURATION = """\
base_dir = {folder}/run
log_path = {folder}/dovecot.log
auth_verbose = yes
ssl = no
protocols =
auth_mechanisms = plain login
disable_plaintext_auth = no
passdb {{
  driver = passwd-file
  args = {folder}/users
}}
userdb {{
  driver = static
  args = uid=65534 gid=65534 home=/nonexistent
}}
service auth {{
  unix_listener {folder}/auth {{
    mode = 0666
  }}
  inet_listener {{
    address = 127.0.0.1
    port = {port}
  }}
}}
service stats {{
  unix_listener stats-reader {{
    mode = 0
  }}
  unix_listener stats-writer {{
    mode = 0
  }}
}}
"""


def available():
    return os.geteuid() == 0 and shutil.which("dovecot", path="/usr/sbin:/usr/bin:/sbin") is not None


class Dovecot:
    def __init__(self, folder, users):
        self.folder = os.path.join(folder, "dovecot")
        os.makedirs(self.folder)
        self.port = free_port()
        self.socket = os.path.join(self.folder, "auth")
        with open(os.path.join(self.folder, "users"), "w") as f:
            for user, password in users.items():
                f.write("%s:{PLAIN}%s\n" % (user, password))
        configuration = os.path.join(self.folder, "dovecot.conf")
        with open(configuration, "w") as f:
            f.write(CONFIGURATION.format(folder=self.folder, port=self.port))
        self.child = Child(["/usr/sbin/dovecot", "-F", "-c", configuration], self.folder, "dovecot")
        wait_until(lambda: os.path.exists(self.socket) and accepts_connections(self.port), 10, lambda: "dovecot runs: " + self.child.stderr())

    def end(self):
        self.child.end()


def crypt_hash(password):
    """A crypt(3) hash of the kind that passwords are kept with ($6$)."""
    return run(["openssl", "passwd", "-6", password]).stdout.strip()
