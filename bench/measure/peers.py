"""The relays that are measured: Waypost and Debian's Postfix, with the same settings where both have them."""
import os
import shutil

from harness import configuration, postfix
from harness.paths import program
from harness.process import Child, run
from harness.waiting import accepts_connections, free_port, wait_until
from measure.machine import ProcessGroup

# Postfix as well tuned as it can be for this load; Waypost gets those that it has too.
COMMON = {
    "compatibility_level": "3.6",
    "myhostname": "relay.example",
    "mydestination": "",
    "inet_interfaces": "127.0.0.1",
    "inet_protocols": "ipv4",
    "mynetworks": "127.0.0.0/8",
    "default_process_limit": "200",
    "initial_destination_concurrency": "50",
    "default_destination_concurrency_limit": "100",
    "smtp_destination_concurrency_limit": "100",
    "smtp_connection_reuse_time_limit": "300s",
    "smtpd_client_connection_count_limit": "0",
    "smtpd_peername_lookup": "no",
    "smtpd_relay_restrictions": "permit_mynetworks, reject",
    "smtpd_recipient_restrictions": "",
    "local_header_rewrite_clients": "",
}
POSTFIX_TUNING = {
    "biff": "no",
    "append_dot_mydomain": "no",
    "smtp_bind_address": "127.0.0.1",  # nothing may leave this machine
    "in_flow_delay": "0",
    "smtp_destination_concurrency_positive_feedback": "1",
    "qmgr_message_active_limit": "50000",
    "qmgr_message_recipient_limit": "50000",
    "smtp_connection_cache_on_demand": "yes",
    "smtp_dns_support_level": "disabled",
    "smtpd_client_connection_rate_limit": "0",
    "receive_override_options": "no_unknown_recipient_checks, no_header_body_checks, no_address_mappings, no_milters",
    "smtpd_delay_open_until_valid_rcpt": "no",
    "hash_queue_names": "deferred, defer",
    "max_use": "10000",
    "max_idle": "100s",
}


class Peer:
    """A relay with a spool on `volume` that sends everything to `sink_port`; with `certificate` it uses STARTTLS both ways."""

    name = ""

    def __init__(self, volume, sink_port, certificate=None):
        self.folder = os.path.join(volume.path, self.name)
        shutil.rmtree(self.folder, ignore_errors=True)
        for directory in ("etc", "queue", "data"):
            os.makedirs(os.path.join(self.folder, directory))
        self.config = os.path.join(self.folder, "etc")
        self.port = free_port()
        self.group = ProcessGroup(self.name)
        settings = dict(COMMON, queue_directory=self.folder + "/queue", data_directory=self.folder + "/data", maillog_file=self.folder + "/mail.log",
                        maillog_file_prefixes=self.folder, relayhost="[127.0.0.1]:%d" % sink_port)
        if certificate:
            settings.update(smtpd_tls_cert_file=certificate.certificate, smtpd_tls_key_file=certificate.key, smtpd_tls_security_level="may",
                            smtp_tls_security_level="may", smtp_tls_session_cache_database="btree:${data_directory}/smtp_scache",
                            smtpd_tls_session_cache_database="btree:${data_directory}/smtpd_scache", smtp_tls_connection_reuse="yes")
        settings.update(self.own_settings(sink_port))
        shutil.chown(self.folder + "/data", settings["mail_owner"])
        with open(os.path.join(self.config, "main.cf"), "w") as f:
            f.write(configuration.main_cf(settings))
        with open(os.path.join(self.config, "master.cf"), "w") as f:
            f.write(configuration.listener(self.port) + configuration.SERVICES)
        self.child = None

    def start(self):
        self.child = Child([self.program("postfix"), "-c", self.config, "start-fg"], self.folder, self.name, env=self.environment(), preexec_fn=self.group.enter)
        self.group.pid = self.child.pid
        wait_until(self._serving, 30, lambda: "%s serves: %s" % (self.name, self.child.stderr()))

    def _serving(self):
        if not self.child.running():
            raise AssertionError("%s ended: %s" % (self.name, self.child.stderr()))
        return accepts_connections(self.port)

    def stop(self):
        if self.child and self.child.running():
            run([self.program("postfix"), "-c", self.config, "stop"], env=self.environment())
            self.child.end()
        self.group.remove()


class Waypost(Peer):
    name = "waypost"

    def own_settings(self, sink_port):
        return {"mail_owner": "daemon"}

    def program(self, name):
        return program(name)

    def environment(self):
        return dict(os.environ)


class Postfix(Peer):
    name = "postfix"

    def __init__(self, volume, sink_port, certificate=None):
        self.root = postfix.root()
        super().__init__(volume, sink_port, certificate)

    def own_settings(self, sink_port):
        return dict(POSTFIX_TUNING, **postfix.settings(self.root), smtp_connection_cache_destinations="[127.0.0.1]:%d" % sink_port)

    def program(self, name):
        return os.path.join(self.root, "usr/sbin", name)

    def environment(self):
        return postfix.environment(self.root)


PEERS = {peer.name: peer for peer in (Waypost, Postfix)}
