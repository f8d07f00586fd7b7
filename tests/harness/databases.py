"""Servers that tables ask: PostgreSQL, MariaDB, slapd and memcached from Debian, each in a folder of its own, on loopback,
as an ordinary user."""
import os
import pwd
import shutil
import signal
import socket
import subprocess

from harness.process import Child, run
from harness.waiting import accepts_connections, free_port, wait_until

USER = "daemon"
START_TIMEOUT = 60
POSTGRESQL = "/usr/lib/postgresql/15/bin"


def as_user():
    """subprocess options of a program that must not run as root."""
    return {"user": USER, "group": pwd.getpwnam(USER).pw_gid, "extra_groups": []} if os.geteuid() == 0 else {}


def prepare(folder, name):
    path = os.path.join(folder, name)
    os.makedirs(path)
    if os.geteuid() == 0:
        shutil.chown(path, USER)
    return path


def command(arguments, input=None, timeout=START_TIMEOUT, **options):
    done = run(arguments, input=input, timeout=timeout, **as_user(), **options)
    if done.returncode != 0:
        raise AssertionError("%s: %s%s" % (arguments[0], done.stdout, done.stderr))
    return done.stdout


class Server:
    """start(), stop() and pause() as often as wanted; the content stays."""
    stop_signal = signal.SIGTERM

    def __init__(self, folder, name):
        self.folder = prepare(folder, name)
        self.name = name
        self.port = free_port()
        self.child = None

    def arguments(self):
        raise NotImplementedError

    def start(self):
        self.child = Child(self.arguments(), self.folder, self.name, cwd=self.folder, **as_user())
        wait_until(self._serving, START_TIMEOUT, lambda: "%s serves: %s" % (self.name, self.child.stderr()))
        return self

    def _serving(self):
        if not self.child.running():
            raise AssertionError("%s ended: %s" % (self.name, self.child.stderr()))
        return accepts_connections(self.port)

    def pause(self):
        """As a machine that hangs: connections stay, nothing answers."""
        self._signal_all(signal.SIGSTOP)

    def resume(self):
        self._signal_all(signal.SIGCONT)

    def _signal_all(self, number):
        """The process and those it started (PostgreSQL has one for each connection)."""
        with open("/proc/%d/task/%d/children" % (self.child.pid, self.child.pid)) as f:
            children = [int(pid) for pid in f.read().split()]
        for pid in [self.child.pid] + children:
            os.kill(pid, number)

    def stop(self):
        self.child.signal(self.stop_signal)
        self.child.wait(30)

    def end(self):
        if self.child and self.child.running():
            self.resume()
            self.child.signal(self.stop_signal)
            try:
                self.child.wait(10)
            except subprocess.TimeoutExpired:
                self.child.kill()


class PostgreSql(Server):
    """The database "mail", owned by "mail" with the password "secret word"."""
    stop_signal = signal.SIGINT  # does not wait for clients

    def __init__(self, folder):
        super().__init__(folder, "postgresql")
        self.data = os.path.join(self.folder, "data")
        password = os.path.join(self.folder, "password")
        with open(password, "w") as f:
            f.write("secret word\n")
        command([POSTGRESQL + "/initdb", "-D", self.data, "-U", "mail", "--pwfile", password, "--auth-host", "scram-sha-256", "--auth-local", "trust",
                 "-E", "UTF8", "--locale", "C", "--no-sync"], cwd=self.folder)
        self.start()
        self.execute("CREATE DATABASE mail", "postgres")

    def arguments(self):
        return [POSTGRESQL + "/postgres", "-D", self.data, "-k", self.folder, "-p", str(self.port), "-c", "listen_addresses=127.0.0.1", "-c", "fsync=off",
                "-c", "shared_buffers=8MB", "-c", "autovacuum=off"]

    def _serving(self):
        if not super()._serving():
            return False
        return run([POSTGRESQL + "/pg_isready", "-h", self.folder, "-p", str(self.port)], cwd=self.folder).returncode == 0

    def execute(self, sql, database="mail"):
        return command([POSTGRESQL + "/psql", "-h", self.folder, "-p", str(self.port), "-U", "mail", "-d", database, "-v", "ON_ERROR_STOP=1", "-qAt"], input=sql,
                       cwd=self.folder)

    def parameters(self):
        return {"hosts": "inet:127.0.0.1:%d" % self.port, "user": "mail", "password": "secret word", "dbname": "mail"}


class MariaDb(Server):
    """The database "mail", open to "mail" with the password "secret word". SQL runs at start: there is no client."""

    def __init__(self, folder, sql):
        super().__init__(folder, "mariadb")
        self.data = os.path.join(self.folder, "data")
        self.socket = os.path.join(self.folder, "socket")
        self._install()
        self.script = os.path.join(self.folder, "init.sql")
        with open(self.script, "w") as f:
            f.write("CREATE DATABASE IF NOT EXISTS mail;\nCREATE OR REPLACE USER mail@'%' IDENTIFIED BY 'secret word';\nGRANT ALL ON mail.* TO mail@'%';\nUSE mail;\n" + sql)
        self.start()

    def _install(self):
        """The system tables, without the script of the package, which wants the client's package too."""
        os.mkdir(prepare(self.folder, "data") + "/mysql")
        if os.geteuid() == 0:
            shutil.chown(self.data + "/mysql", USER)
        sql = "USE mysql;\nSET @auth_root_socket=NULL;\n"
        for name in ("mysql_system_tables.sql", "mysql_performance_tables.sql", "mysql_system_tables_data.sql"):
            with open("/usr/share/mysql/" + name) as f:
                sql += f.read()
        command(self._program() + ["--bootstrap"], input=sql, cwd=self.folder)

    def _program(self):
        return ["/usr/sbin/mariadbd", "--no-defaults", "--datadir=" + self.data, "--skip-name-resolve", "--innodb-buffer-pool-size=8M", "--innodb-log-file-size=4M",
                "--innodb-flush-method=nosync", "--performance-schema=off"]

    def arguments(self):
        return self._program() + ["--socket=" + self.socket, "--port=%d" % self.port, "--bind-address=127.0.0.1", "--init-file=" + self.script,
                                  "--pid-file=" + os.path.join(self.folder, "pid")]

    def parameters(self):
        return {"hosts": "127.0.0.1:%d" % self.port, "user": "mail", "password": "secret word", "dbname": "mail"}


class OpenLdap(Server):
    """The directory dc=example,dc=com with the entries of `ldif`; cn=reader,dc=example,dc=com has the password "secret word"."""

    def __init__(self, folder, ldif, certificate=None):
        super().__init__(folder, "slapd")
        data = prepare(self.folder, "data")
        self.config = os.path.join(self.folder, "slapd.conf")
        tls = ""
        if certificate:
            tls = "TLSCertificateFile %s\nTLSCertificateKeyFile %s\n" % tuple(self._own(path) for path in (certificate.certificate, certificate.key))
        with open(self.config, "w") as f:
            f.write("include /etc/ldap/schema/core.schema\ninclude /etc/ldap/schema/cosine.schema\ninclude /etc/ldap/schema/inetorgperson.schema\n"
                    "modulepath /usr/lib/ldap\nmoduleload back_mdb\npidfile %s/pid\n%s"
                    "access to attrs=userPassword by anonymous auth\naccess to * by users read by anonymous auth\n"
                    "database mdb\nsuffix dc=example,dc=com\nrootdn cn=admin,dc=example,dc=com\ndirectory %s\ndbnosync\n" % (self.folder, tls, data))
        command(["/usr/sbin/slapadd", "-f", self.config, "-q"], input=ldif, cwd=self.folder)
        self.socket = os.path.join(self.folder, "ldapi")
        self.start()

    def _own(self, path):
        copy = os.path.join(self.folder, os.path.basename(path))
        shutil.copy(path, copy)
        if os.geteuid() == 0:
            shutil.chown(copy, USER)
        return copy

    def arguments(self):
        return ["/usr/sbin/slapd", "-d", "0", "-f", self.config, "-h", "ldap://127.0.0.1:%d ldapi://%s" % (self.port, self.socket.replace("/", "%2F"))]


class Memcached(Server):
    def __init__(self, folder):
        super().__init__(folder, "memcached")
        self.start()

    def arguments(self):
        return ["/usr/bin/memcached", "-l", "127.0.0.1", "-p", str(self.port), "-U", "0", "-m", "8", "-t", "1"]

    def talk(self, text):
        with socket.create_connection(("127.0.0.1", self.port), timeout=10) as connection:
            connection.sendall(text.encode() + b"quit\r\n")
            received = b""
            while data := connection.recv(65536):
                received += data
            return received.decode()

    def set(self, key, value):
        if self.talk("set %s 0 0 %d\r\n%s\r\n" % (key, len(value), value)) != "STORED\r\n":
            raise AssertionError("memcached did not store " + key)

    def get(self, key):
        lines = self.talk("get %s\r\n" % key).split("\r\n")
        return lines[1] if lines[0].startswith("VALUE") else None
