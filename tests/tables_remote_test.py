"""Tables whose answers come from a server: tcp, socketmap, memcache, sqlite, pgsql, mysql and ldap, against the real thing,
by postmap and through a running relay."""
import os
import shutil
import socket
import sqlite3
import tempfile
import threading
import time
import unittest

from harness import Dialogue, RelayCase
from harness.case import waypost_only
from harness.certs import CertificateAuthority
from harness.databases import MariaDb, Memcached, OpenLdap, PostgreSql
from harness.lookup_servers import Socketmap, TcpTable
from harness.waiting import accepts_connections, wait_until

# What must stay data, whatever it looks like.
HOSTILE = ["o'x' or '1'='1", "x'; drop table t; --", 'a"b', "a\\", "\\'; select 1; --", "%s", "%25", "*", "*)(uid=*", "a,dc=com", "ä'ö", "a\tb"]


class TableCase(RelayCase):
    """`self.place` is a relay that does not run: a folder with configuration and commands."""

    def setUp(self):
        super().setUp()
        self.place = self.relay(start=False)

    def definition(self, kind, parameters, name="table.cf", relay=None):
        path = (relay or self.place).write_file(name, "".join("%s = %s\n" % item for item in parameters.items()), 0o600)
        return "%s:%s" % (kind, path)

    def lookup(self, table, key, *options):
        """The value, None when there is none; a failure fails the test."""
        done = self.place.run("postmap", *options, "-q", key, table)
        self.assertEqual(done.stderr, "", key)
        if done.returncode == 1 and not done.stdout:
            return None
        self.assertEqual(done.returncode, 0)
        return done.stdout.rstrip("\n")

    def assertLookupFails(self, table, key, *parts):
        done = self.place.run("postmap", "-q", key, table)
        self.assertEqual((done.returncode, done.stdout), (1, ""), "%s: %s" % (key, done.stderr))
        for part in parts + ("table %s: query error" % table,):
            self.assertIn(part, done.stderr)

    def gate(self, relay_domains, **options):
        """A relay for the domains of a table only."""
        main = {"relay_domains": relay_domains, "mynetworks": "127.0.0.99/32", "smtpd_relay_restrictions": "reject_unauth_destination",
                "smtpd_delay_reject": "yes", "smtpd_soft_error_limit": "1000", "smtpd_hard_error_limit": "2000"}
        return self.relay(main, name="gate", **options)

    def rcpt(self, relay, recipient):
        with Dialogue(relay.port) as client:
            client.ehlo()
            client.command("MAIL FROM:<sender@example.net>")
            return client.command("RCPT TO:<%s>" % recipient)


class Tcp(TableCase):
    def server(self, rows, **options):
        server = TcpTable(rows, **options)
        self.addCleanup(server.end)
        return server, "tcp:127.0.0.1:%d" % server.port

    def test_postmap_asks_the_server(self):
        server, table = self.server({"user@example.com": "a value", "Mixed Case%": "as it is", "later": lambda _: b"400 try again\n"})
        self.assertEqual(self.lookup(table, "user@example.com"), "a value")
        self.assertEqual(self.lookup(table, "Mixed Case%"), "as it is", "keys are not folded")
        self.assertIsNone(self.lookup(table, "nobody"))
        self.assertLookupFails(table, "later")
        for key in HOSTILE:
            server.rows[key] = "found"
            self.assertEqual(self.lookup(table, key), "found", key)

    def test_one_command_keeps_one_connection(self):
        server, table = self.server({str(i): "value %d" % i for i in range(50)})
        done = self.place.run("postmap", "-q", "-", table, input="".join("%d\n" % i for i in range(60)))
        self.assertEqual(done.stdout, "".join("%d\tvalue %d\n" % (i, i) for i in range(50)))
        self.assertEqual(server.connections, 1)

    def test_replies_that_break_the_protocol_are_failures(self):
        _, table = self.server({"long": lambda _: b"200 " + b"x" * 5000 + b"\n", "bad": lambda _: b"hello\n", "two": lambda _: b"200 a\n200 b\n"})
        self.assertLookupFails(table, "bad", "read TCP map reply from", "malformed reply: hello")
        if self.engine == "waypost":
            self.assertLookupFails(table, "long", "text longer than 4096")
            self.assertLookupFails(table, "two", "more than one reply")

    def test_no_partial_keys_are_asked_for(self):
        server, table = self.server({"sub.example.com": "x"})
        relay = self.gate(table)
        self.assertReply(self.rcpt(relay, "a@sub.example.com"), 250)
        self.assertReply(self.rcpt(relay, "a@deep.sub.example.com"), 554)
        self.assertNotIn("example.com", server.asked)

    @waypost_only("its tcp client tries for ten seconds")
    def test_server_that_is_gone_defers_and_its_return_is_noticed(self):
        server, table = self.server({"good.example": "x"})
        relay = self.gate(table)
        self.assertReply(self.rcpt(relay, "a@good.example"), 250)
        server.stop()
        self.assertReply(self.rcpt(relay, "a@good.example"), 451, "4.3.0")
        self.assertReply(self.rcpt(relay, "a@other.example"), 451)
        relay.log.wait_for("warning: connect to TCP map 127.0.0.1:%d: Connection refused" % server.port)
        self.assertEqual(len(relay.log.matching("warning: connect to TCP map")), 1, "told once")
        server.start()
        self.assertReply(self.rcpt(relay, "a@good.example"), 250)
        self.assertReply(self.rcpt(relay, "a@other.example"), 554)
        relay.log.wait_for("%s: lookups work again" % table)

    @waypost_only("its one resolver would wait")
    def test_slow_server_delays_nobody_else(self):
        held = threading.Event()
        self.addCleanup(held.set)
        server, table = self.server({"good.example": "x", "slow.example": lambda _: held.wait(30) and b"200 x\n" or b"400 gave up\n"})
        relay = self.gate(table)
        waiting = [Dialogue(relay.port) for _ in range(5)]
        for client in waiting:
            self.addCleanup(client.close)
            client.ehlo()
            client.command("MAIL FROM:<sender@example.net>")
            client.send("RCPT TO:<a@slow.example>\r\n")
        wait_until(lambda: server.asked.count("slow.example") == 5, 10, "all five are asked for at once")
        start = time.monotonic()
        for _ in range(10):
            self.assertReply(self.rcpt(relay, "a@good.example"), 250)
        self.assertLess(time.monotonic() - start, 10)
        held.set()
        for client in waiting:
            self.assertReply(client.reply(), 250)

    @waypost_only("it has a process for each client instead")
    def test_stop_does_not_wait_for_a_slow_server(self):
        held = threading.Event()
        self.addCleanup(held.set)
        server, table = self.server({"slow.example": lambda _: held.wait(60) and b"200 x\n"})
        relay = self.gate(table)
        with Dialogue(relay.port) as client:
            client.ehlo()
            client.command("MAIL FROM:<sender@example.net>")
            client.send("RCPT TO:<a@slow.example>\r\n")
            wait_until(lambda: server.asked, 10, "the server is asked")
            start = time.monotonic()
            relay.stop()
            self.assertLess(time.monotonic() - start, 20)

    @waypost_only("asks for lists of clients when they connect")
    def test_stop_after_a_reload_does_not_wait_for_a_slow_server(self):
        held = threading.Event()
        self.addCleanup(held.set)
        server, table = self.server({"127.0.0.1": lambda _: held.wait(60) and b"500 no\n", "localhost": lambda _: held.wait(60) and b"500 no\n"})
        relay = self.relay({"debug_peer_list": table}, start=False, name="listing")
        relay.start(wait=False)
        wait_until(lambda: accepts_connections(relay.port), 20, "the relay listens")
        with socket.create_connection(("127.0.0.1", relay.port)):
            wait_until(lambda: server.asked, 10, "the server is asked")
            relay.reload()
            start = time.monotonic()
            relay.stop()
            self.assertLess(time.monotonic() - start, 18)

    def test_start_and_check_ask_no_server(self):
        server, table = self.server({})
        relay = self.relay({"relay_domains": "example.org", "relay_recipient_maps": table, "smtp_sasl_password_maps": table,
                            "smtp_sasl_auth_enable": "yes", "smtpd_relay_restrictions": "permit_mynetworks, reject_unauth_destination"}, name="checked")
        relay.postfix("check")
        relay.reload()
        self.assertEqual(server.asked, [])

    @waypost_only("its words differ")
    def test_bad_name_is_told_at_start(self):
        relay = self.gate("tcp:nowhere")
        relay.log.wait_for(r'tcp:nowhere is unavailable. bad tcp:host:port: need host:port, not "nowhere"')
        self.assertReply(self.rcpt(relay, "a@good.example"), 451)


class SocketmapTables(TableCase):
    def server(self, rows, **options):
        server = Socketmap(rows, **options)
        self.addCleanup(server.end)
        return server

    def test_by_port_and_by_path(self):
        rows = {"virtual user@example.com": "a value", "virtual Mixed": "as it is", "other user@example.com": "another"}
        inet, unix = self.server(rows), self.server(rows, path=os.path.join(self.folder, "socket"))
        for address in ("inet:127.0.0.1:%d" % inet.port, "unix:" + unix.path):
            table = "socketmap:%s:virtual" % address
            self.assertEqual(self.lookup(table, "user@example.com"), "a value")
            self.assertEqual(self.lookup(table, "Mixed"), "as it is")
            self.assertIsNone(self.lookup(table, "nobody"))
            self.assertEqual(self.lookup("socketmap:%s:other" % address, "user@example.com"), "another")

    def test_hostile_keys_stay_keys(self):
        server = self.server({"m " + key: "found" for key in HOSTILE + ["a,3:m x,"]})
        for key in HOSTILE + ["a,3:m x,"]:
            self.assertEqual(self.lookup("socketmap:inet:127.0.0.1:%d:m" % server.port, key), "found", key)

    def test_failures_name_their_reason(self):
        def reply(text):
            return lambda _: ("%d:%s," % (len(text), text)).encode()

        server = self.server({"m temp": reply("TEMP database is down"), "m perm": reply("PERM no such map"), "m odd": reply("MAYBE x"),
                              "m broken": lambda _: b"no netstring\n"})
        table = "socketmap:inet:127.0.0.1:%d:m" % server.port
        self.assertLookupFails(table, "temp", "%s socketmap server temporary error: database is down" % table)
        self.assertLookupFails(table, "perm", "%s socketmap server permanent error: no such map" % table)
        self.assertLookupFails(table, "odd", "%s socketmap server unknown error" % table)
        self.assertLookupFails(table, "broken", "table %s lookup error: input format error" % table)

    @waypost_only("Postfix of Debian 12 has no such parameters")
    def test_sizes_are_limited_by_parameters(self):
        server = self.server({"m ten": "0123456", "m more": "01234567", "m " + "k" * 20: "longkey"})
        self.place.main.update({"socketmap_max_reply_size": "10", "socketmap_max_query_size": "20"})
        self.place.write()
        table = "socketmap:inet:127.0.0.1:%d:m" % server.port
        self.assertEqual(self.lookup(table, "ten"), "0123456")
        self.assertLookupFails(table, "more", "input exceeds size limit")
        self.assertEqual(self.lookup(table, "k" * 20), "longkey")
        done = self.place.run("postmap", "-q", "k" * 21, table)
        self.assertEqual(done.returncode, 1)
        self.assertIn("query too large: '%s', returning 'not found'" % ("k" * 21), done.stderr)

    def test_relay_survives_a_restart_of_the_server(self):
        server = self.server({"domains good.example": "x"})
        relay = self.gate("socketmap:inet:127.0.0.1:%d:domains" % server.port)
        self.assertReply(self.rcpt(relay, "a@good.example"), 250)
        server.stop()
        server.start()
        self.assertReply(self.rcpt(relay, "a@good.example"), 250)
        self.assertEqual(relay.log.matching("lookup error"), [], "a kept connection that died is replaced unseen")


class MemcacheTables(TableCase):
    def setUp(self):
        super().setUp()
        self.server = Memcached(self.folder)
        self.addCleanup(self.server.end)
        self.parameters = {"memcache": "inet:127.0.0.1:%d" % self.server.port}

    def test_keys_values_and_formats(self):
        self.server.set("user@example.com", "a value")
        self.server.set("mail:example:user", "formatted")
        table = self.definition("memcache", self.parameters)
        self.assertEqual(self.lookup(table, "user@example.com"), "a value")
        self.assertEqual(self.lookup(table, "User@Example.Com"), "a value", "keys are folded")
        self.assertIsNone(self.lookup(table, "nobody"))
        self.assertIsNone(self.lookup(table, "two words"), "cannot be a key")
        formatted = self.definition("memcache", dict(self.parameters, key_format="mail:%2:%u"))
        self.assertEqual(self.lookup(formatted, "user@example.com"), "formatted")
        self.assertIsNone(self.lookup(formatted, "user"))

    @waypost_only("Postfix of Debian 12 has no key_digest")
    def test_key_digest(self):
        self.server.set("04f8996da763b7a969b1028ee3007569eaf3a635486ddab211d512c85b9df8fb", "hashed")
        table = self.definition("memcache", dict(self.parameters, key_digest="sha256"))
        self.assertEqual(self.lookup(table, "user"), "hashed")

    def test_backup_table_answers_and_fills_the_cache(self):
        path = self.place.write_file("backup", "stored value\nuser@example.com from the file\n")
        table = self.definition("memcache", dict(self.parameters, backup="texthash:" + path, key_format="t:%s"))
        self.assertEqual(self.lookup(table, "user@example.com"), "from the file")
        self.assertEqual(self.server.get("t:user@example.com"), "from the file")
        self.server.set("t:stored", "cached")
        self.assertEqual(self.lookup(table, "stored"), "cached")
        self.assertIsNone(self.lookup(table, "nobody"))
        self.server.stop()
        done = self.place.run("postmap", "-q", "user@example.com", table)
        self.assertEqual((done.returncode, done.stdout), (0, "from the file\n"))

    def test_hanging_server_is_a_failure_after_its_time(self):
        table = self.definition("memcache", dict(self.parameters, timeout="1", max_try="1"))
        self.server.pause()
        start = time.monotonic()
        done = self.place.run("postmap", "-q", "user", table)
        self.assertEqual(done.returncode, 1)
        self.assertIn("table %s: query error" % table, done.stderr)
        self.assertLess(time.monotonic() - start, 15)

    def test_limits_of_replies(self):
        self.server.set("ten", "0123456789")
        self.server.set("eleven", "0123456789x")
        table = self.definition("memcache", dict(self.parameters, data_size_limit="10", max_try="1"))
        self.assertEqual(self.lookup(table, "ten"), "0123456789")
        done = self.place.run("postmap", "-q", "eleven", table)
        self.assertEqual((done.returncode, done.stdout), (1, ""))

    @waypost_only("its words differ")
    def test_unknown_parameter_is_named_with_its_place(self):
        table = self.definition("memcache", dict(self.parameters, time_out="secret"))
        done = self.place.run("postmap", "-q", "user", table)
        self.assertIn("%s, line 2: a memcache table has no parameter time_out; did you mean timeout?" % table[len("memcache:"):], done.stderr)
        self.assertNotIn("secret", done.stderr)


ROWS = [("user@example.com", "one@a.example"), ("user@example.com", "two@b.example"), ("single", "value"), ("empty", ""), ("null", None), ("good.example", "x"),
        ("ünïcode@example.com", "grüße")]


def insert(quote):
    """SQL that fills the table of rows; `quote` makes a literal."""
    values = ", ".join("(%s, %s)" % (quote(key), "NULL" if value is None else quote(value)) for key, value in ROWS + [(key, "hostile %d" % i) for i, key in enumerate(HOSTILE)])
    return "CREATE TABLE t (k VARCHAR(200), v VARCHAR(200));\nINSERT INTO t (k, v) VALUES %s;\n" % values


class SqlTables:
    """What all SQL types do alike. A class has `kind` and parameters()."""
    query = "SELECT v FROM t WHERE k = '%s' ORDER BY v"

    def table(self, relay=None, **parameters):
        return self.definition(self.kind, {**self.parameters(), "query": self.query, **parameters}, relay=relay)

    def test_values(self):
        table = self.table()
        self.assertEqual(self.lookup(table, "user@example.com"), "one@a.example,two@b.example")
        self.assertEqual(self.lookup(table, "USER@example.com"), "one@a.example,two@b.example", "keys are folded")
        self.assertEqual(self.lookup(table, "single"), "value")
        self.assertEqual(self.lookup(table, "ünïcode@example.com"), "grüße")
        for key in ("nobody", "null", "empty"):
            self.assertIsNone(self.lookup(table, key), key)
        rubbish = self.place.run("postmap", "-q", "bad \udcff utf-8", table)
        self.assertEqual((rubbish.returncode, rubbish.stdout), (1, ""))
        self.assertIn("malformed UTF-8", rubbish.stderr)
        self.assertIsNone(self.lookup(table, "Single", "-f") if self.kind != "mysql" else None, "not folded with -f")

    def test_hostile_keys_stay_keys(self):
        table = self.table()
        for number, key in enumerate(HOSTILE):
            self.assertEqual(self.lookup(table, key), "hostile %d" % number, key)
            self.assertIsNone(self.lookup(table, key + "'"), key)
            self.assertIsNone(self.lookup(table, "'" + key), key)
        self.assertEqual(self.lookup(table, "single"), "value", "the table is still there")

    def test_formats_and_limits(self):
        self.assertEqual(self.lookup(self.table(result_format="smtp:[%d]"), "user@example.com"), "smtp:[a.example],smtp:[b.example]")
        self.assertIsNone(self.lookup(self.table(result_format="smtp:[%d]"), "single"), "no value has a domain")
        self.assertEqual(self.lookup(self.table(result_format="%s/%U/%2"), "user@example.com"), "one@a.example/user/example,two@b.example/user/example")
        self.assertIsNone(self.lookup(self.table(result_format="%s/%D"), "single"), "the key has no domain")
        self.assertEqual(self.lookup(self.table(expansion_limit="2"), "user@example.com"), "one@a.example,two@b.example")
        self.assertLookupFails(self.table(expansion_limit="1"), "user@example.com", "Expansion limit exceeded for key: 'user@example.com'")

    def test_parts_of_the_key(self):
        table = self.table(query="SELECT '%u|%d|%1|%2|%%' FROM t WHERE k = 'single'")
        self.assertEqual(self.lookup(table, "user@mail.example.com"), "user|mail.example.com|com|example|%")
        self.assertIsNone(self.lookup(table, "user"))
        self.assertIsNone(self.lookup(table, "@example.com"))
        self.assertEqual(self.lookup(table, "o'x@d'x.e'x"), "o'x|d'x.e'x|e'x|d'x|%")

    def test_domain_list(self):
        domains = self.place.write_file("domains", "listed.example x\n")
        table = self.table(query="SELECT 'asked' FROM t WHERE k = 'single'", domain="example.com, texthash:" + domains)
        self.assertEqual(self.lookup(table, "user@example.com"), "asked")
        self.assertEqual(self.lookup(table, "user@listed.example"), "asked")
        for key in ("user@other.example", "user", "@example.com", "user@", "example.com"):
            self.assertIsNone(self.lookup(table, key), key)

    def test_query_from_its_parts(self):
        table = self.definition(self.kind, {**self.parameters(), "table": "t", "select_field": "v", "where_field": "k", "additional_conditions": "AND v <> 'two@b.example'"})
        self.assertEqual(self.lookup(table, "user@example.com"), "one@a.example")

    def test_definition_in_main_cf(self):
        self.place.main.update({"lookup_" + name: value.replace("$", "$$") for name, value in {**self.parameters(), "query": self.query}.items()})
        self.place.write()
        self.assertEqual(self.lookup(self.kind + ":lookup", "single"), "value")
        self.assertEqual(self.lookup("proxy:" + self.kind + ":lookup", "single"), "value")

    def test_wrong_definitions_are_told(self):
        for parameters, words in (({"query": "SELECT %q"}, "Invalid query template: SELECT %q"), ({"query": ""}, "neither query nor table is defined"),
                                  ({"expansion_limit": "many"}, "bad numerical configuration: expansion_limit = many")):
            done = self.place.run("postmap", "-q", "single", self.table(**parameters))
            self.assertEqual(done.returncode, 1)
            self.assertIn(words, done.stderr)
        missing = self.place.run("postmap", "-q", "single", self.kind + ":/nowhere/x.cf")
        self.assertIn("postmap: fatal: open /nowhere/x.cf: No such file or directory", missing.stderr)
        unquoted = self.place.run("postmap", "-q", "1", self.table(query="SELECT v FROM t WHERE k = '%s' OR 1 = %s LIMIT 1"))
        self.assertIn("contains >%s< without the recommended '' quotes", unquoted.stderr)

    def test_tables_of_tables(self):
        both = "unionmap:{inline:{single=inline}, %s}" % self.table()
        self.assertEqual(self.lookup(both, "single"), "inline,value")
        piped = "pipemap:{inline:{first=single}, %s}" % self.table()
        self.assertEqual(self.lookup(piped, "first"), "value")
        relay = self.gate("unionmap:{inline:{other.example=x}, %s}" % self.table())
        self.assertReply(self.rcpt(relay, "a@good.example"), 250)
        self.assertReply(self.rcpt(relay, "a@other.example"), 250)
        self.assertReply(self.rcpt(relay, "a@third.example"), 554)

    def test_wrong_query_is_a_failure(self):
        self.assertLookupFails(self.table(query="SELECT v FROM nowhere WHERE k = '%s'"), "single", "nowhere")

    def test_endless_answer_is_cut_off(self):
        self.assertLookupFails(self.table(query=self.endless), "single", "more than 1048576 bytes")

    def test_slow_query_is_a_failure_after_its_time(self):
        start = time.monotonic()
        self.assertLookupFails(self.table(query=self.slow, timeout="1"), "single")
        self.assertLess(time.monotonic() - start, 15)

    def test_relay_asks_for_its_domains(self):
        relay = self.gate(self.table())
        self.assertReply(self.rcpt(relay, "a@good.example"), 250)
        self.assertReply(self.rcpt(relay, "a@sub.good.example"), 250)
        self.assertReply(self.rcpt(relay, "a@other.example"), 554)


class ServerTables(SqlTables):
    """What those do alike that have a server."""

    def test_wrong_password(self):
        self.assertLookupFails(self.table(password="guess word"), "single", "connect to %s server %s" % (self.kind, self.parameters()["hosts"]))
        done = self.place.run("postmap", "-q", "single", self.table(password="guess word"))
        self.assertNotIn("guess", done.stderr)

    def test_another_server_stands_in(self):
        hosts = "127.0.0.1:1 " + self.parameters()["hosts"]
        relay = self.gate(self.table(hosts=hosts))
        for _ in range(10):
            self.assertReply(self.rcpt(relay, "a@good.example"), 250)
        self.assertLessEqual(len(relay.log.matching("connect to %s server 127.0.0.1:1: " % self.kind)), 2, "left alone for a minute after its failure")

    def test_server_that_is_gone_defers_and_its_return_is_noticed(self):
        table = self.table()
        relay = self.gate(table)
        self.assertReply(self.rcpt(relay, "a@good.example"), 250)
        self.server.stop()
        self.assertReply(self.rcpt(relay, "a@good.example"), 451, "4.3.0")
        self.assertReply(self.rcpt(relay, "a@other.example"), 451)
        relay.log.wait_for("warning: connect to %s server %s: " % (self.kind, self.parameters()["hosts"]))
        self.server.start()
        self.assertReply(self.rcpt(relay, "a@good.example"), 250)
        self.assertReply(self.rcpt(relay, "a@other.example"), 554)
        relay.log.wait_for("%s: lookups work again" % table)

    def test_hanging_server_delays_nobody_else(self):
        relay = self.gate("inline:{quick.example=x}, " + self.table(timeout="3"))
        self.assertReply(self.rcpt(relay, "a@good.example"), 250)
        self.server.pause()
        try:
            waiting = [Dialogue(relay.port) for _ in range(20)]
            start = time.monotonic()
            for client in waiting:
                self.addCleanup(client.close)
                client.ehlo()
                client.command("MAIL FROM:<sender@example.net>")
                client.send("RCPT TO:<a@good.example>\r\n")
            self.assertReply(self.rcpt(relay, "a@quick.example"), 250)
            self.assertLess(time.monotonic() - start, 3, "before any of the others")
            for client in waiting:
                self.assertReply(client.reply(), 451)
        finally:
            self.server.resume()
        self.assertReply(self.rcpt(relay, "a@good.example"), 250)

    def test_credentials_for_the_provider(self):
        sink = self.sink(auth="mail user:pass:word", require_auth=True)
        relay = self.relay({"smtp_sasl_auth_enable": "yes", "smtp_sasl_security_options": "noanonymous"}, sink=sink, start=False, name="client")
        key = "[127.0.0.1]:%d" % sink.port
        relay.main["smtp_sasl_password_maps"] = self.table(relay=relay, query="SELECT 'mail user:pass:word' FROM t WHERE k = 'single' AND '%%s' = '%s'" % key)
        relay.write()
        relay.start()
        relay.submit(None, "rcpt@example.org")
        self.assertEqual(sink.wait_messages(1)[0].user, "mail user")
        self.server.stop()
        queue_id = relay.submit(None, "rcpt@example.org", content="Subject: second\r\n\r\nx\r\n")
        relay.log.wait_for("%s: .*status=deferred" % queue_id)
        self.server.start()
        relay.run("postqueue", "-f")
        sink.wait_messages(2)
        self.assertNotIn("pass:word", relay.log.text())


class WithServer(TableCase):
    """One server for all tests of a class."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.shared = tempfile.mkdtemp(prefix="waypost-test-")
        os.chmod(cls.shared, 0o755)
        cls.addClassCleanup(shutil.rmtree, cls.shared, ignore_errors=True)
        cls.server = cls.make_server()
        cls.addClassCleanup(cls.server.end)

    def parameters(self):
        return self.server.parameters()


@waypost_only("Debian has it in a package of its own")
class Pgsql(ServerTables, WithServer):
    kind = "pgsql"
    slow = "SELECT pg_sleep(30)::text || '%s'"
    endless = "SELECT repeat('x', 1000) || '%s' FROM t a, t b, t c, t d, t e, t f"

    @classmethod
    def make_server(cls):
        server = PostgreSql(cls.shared)
        server.execute(insert(lambda text: "'%s'" % text.replace("'", "''")) + "CREATE FUNCTION answer(key text) RETURNS text LANGUAGE sql AS $$ SELECT v FROM t WHERE k = key $$;")
        return server

    def test_kinds_of_hosts(self):
        default = os.path.join(self.folder, ".s.PGSQL.5432")
        os.symlink(os.path.join(self.server.folder, ".s.PGSQL.%d" % self.server.port), default)
        for host in ("unix:" + self.folder, self.folder):
            self.assertEqual(self.lookup(self.table(hosts=host), "single"), "value")
        uri = "postgresql://mail:secret%%20word@127.0.0.1:%d/mail?application_name=waypost" % self.server.port
        table = self.definition("pgsql", {"hosts": uri, "query": self.query})
        self.assertEqual(self.lookup(table, "single"), "value")
        wrong = self.definition("pgsql", {"hosts": uri.replace("secret%20word", "guess"), "query": self.query})
        self.assertLookupFails(wrong, "single", "connect to pgsql server postgresql://mail@127.0.0.1:%d/mail: " % self.server.port)
        done = self.place.run("postmap", "-q", "single", wrong)
        self.assertNotIn("guess", done.stderr)

    def test_a_malformed_uri_is_not_repeated_with_its_password(self):
        for uri in ("postgresql://mail:guess@[127.0.0.1/mail", "postgresql://mail:guess%zz@127.0.0.1/mail", "postgresql://mail:my@guess%@127.0.0.1/mail"):
            done = self.place.run("postmap", "-q", "single", self.definition("pgsql", {"hosts": uri, "query": self.query}))
            self.assertEqual(done.returncode, 1)
            self.assertIn("malformed URI in hosts: postgresql://mail@", done.stderr)
            self.assertNotIn("guess", done.stderr)

    def test_select_function_and_encoding(self):
        table = self.definition("pgsql", {**self.parameters(), "select_function": "answer"})
        self.assertEqual(self.lookup(table, "single"), "value")
        self.assertLookupFails(self.table(encoding="NONSENSE"), "single", "NONSENSE")
        self.assertEqual(self.lookup(self.table(encoding="SQL_ASCII"), "single"), "value")

    def test_dbname_is_needed(self):
        done = self.place.run("postmap", "-q", "single", self.table(dbname=""))
        self.assertIn("requires dbname setting", done.stderr)


@waypost_only("Debian has it in a package of its own")
class Mysql(ServerTables, WithServer):
    kind = "mysql"
    slow = "SELECT CONCAT(SLEEP(30), '%s')"
    endless = "SELECT CONCAT(REPEAT('x', 1000), '%s') FROM seq_1_to_100000000"

    @classmethod
    def make_server(cls):
        rows = insert(lambda text: "'%s'" % text.replace("\\", "\\\\").replace("'", "''").replace("\t", "\\t"))
        rows = rows.replace("CREATE TABLE t (k VARCHAR(200)", "DROP TABLE IF EXISTS t;\nCREATE TABLE t (k VARCHAR(200) COLLATE utf8mb4_bin").replace("v VARCHAR(200))", "v VARCHAR(200)) CHARSET utf8mb4")
        # One statement a line.
        procedure = "CREATE OR REPLACE DEFINER = mail@'%' PROCEDURE answer(IN wanted VARCHAR(200)) SELECT v FROM t WHERE k = wanted;\n"
        return MariaDb(cls.shared, "SET NAMES utf8mb4;\n" + rows + procedure)

    def test_kinds_of_hosts(self):
        self.assertEqual(self.lookup(self.table(hosts="unix:" + self.server.socket), "single"), "value")
        self.assertLookupFails(self.table(hosts="unix:/nowhere"), "single", "connect to mysql server unix:/nowhere: ")

    def test_stored_procedures(self):
        self.assertEqual(self.lookup(self.table(query="CALL answer('%s')"), "single"), "value")
        self.assertIsNone(self.lookup(self.table(query="CALL answer('%s')"), "nobody"))
        no_rows = "SET @x = '%s'"
        self.assertLookupFails(self.table(query=no_rows), "single", "query returned no result set")
        self.assertIsNone(self.lookup(self.table(query=no_rows, require_result_set="no"), "single"))

    def test_option_file(self):
        options = self.place.write_file("my.cnf", "[special]\npassword=secret word\nuser=mail\n")
        table = self.definition("mysql", {"hosts": self.parameters()["hosts"], "dbname": "mail", "query": self.query, "option_file": options, "option_group": "special"})
        self.assertEqual(self.lookup(table, "single"), "value")


@waypost_only("Debian has it in a package of its own")
class Sqlite(SqlTables, TableCase):
    kind = "sqlite"
    slow = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) || '%s' FROM n"
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx' || '%s' FROM n"

    def setUp(self):
        super().setUp()
        self.path = self.place.write_file("database", "")
        self.fill()

    def fill(self, path=None):
        with sqlite3.connect(path or self.path) as database:
            database.executescript(insert(lambda text: "'%s'" % text.replace("'", "''")))
        database.close()

    def parameters(self):
        return {"dbpath": self.path}

    def test_locked_database_is_waited_for(self):
        holder = sqlite3.connect(self.path, isolation_level=None, check_same_thread=False)
        self.addCleanup(holder.close)
        holder.execute("BEGIN EXCLUSIVE")
        self.assertLookupFails(self.table(timeout="1"), "single", "database is locked")
        timer = threading.Timer(0.5, holder.execute, ("ROLLBACK",))
        timer.start()
        self.addCleanup(timer.join)
        table = self.table(timeout="20")
        self.assertEqual(self.lookup(table, "single"), "value")

    def test_reload_reads_the_definition_anew(self):
        relay = self.gate(self.table())
        self.assertReply(self.rcpt(relay, "a@good.example"), 250)
        self.table(query="SELECT v FROM t WHERE k = 'not %s'")
        self.assertEqual(relay.reload().returncode, 0)
        self.assertReply(self.rcpt(relay, "a@good.example"), 554)
        self.table(query="SELECT %q")
        self.assertEqual(relay.reload().returncode, 0)
        relay.log.wait_for("is unavailable. Invalid query template: SELECT %q")
        self.assertReply(self.rcpt(relay, "a@good.example"), 451)
        self.table()
        self.assertEqual(relay.reload().returncode, 0)
        self.assertReply(self.rcpt(relay, "a@good.example"), 250)

    def test_missing_database_defers_and_is_noticed(self):
        aside = self.path + ".aside"
        os.rename(self.path, aside)
        relay = self.gate(self.table())
        self.assertReply(self.rcpt(relay, "a@good.example"), 451)
        relay.log.wait_for("open database %s: unable to open database file" % self.path)
        os.rename(aside, self.path)
        self.assertReply(self.rcpt(relay, "a@good.example"), 250)
        replaced = self.place.write_file("replaced", "")
        with sqlite3.connect(replaced) as database:
            database.execute("CREATE TABLE t (k TEXT, v TEXT)")
        database.close()
        os.rename(replaced, self.path)
        self.assertReply(self.rcpt(relay, "a@good.example"), 554)


LDIF = """\
dn: dc=example,dc=com
objectClass: dcObject
objectClass: organization
dc: example
o: Example

dn: cn=reader,dc=example,dc=com
objectClass: inetOrgPerson
cn: reader
sn: reader
userPassword: secret word

dn: ou=people,dc=example,dc=com
objectClass: organizationalUnit
ou: people

dn: uid=ann,ou=people,dc=example,dc=com
objectClass: inetOrgPerson
uid: ann
cn: Ann
sn: Example
mail: ann@example.com
mail: ann.alias@example.com
description: ann@inside.example

dn: uid=bob,ou=people,dc=example,dc=com
objectClass: inetOrgPerson
uid: bob
cn: Bob
sn: Example
mail: bob@example.com
description: bob@inside.example
o: bob@special.example

dn: uid=odd,ou=people,dc=example,dc=com
objectClass: inetOrgPerson
uid: odd
cn: Odd (*)\\
sn: Example
mail: o*(d)@example.com
description: odd@inside.example

dn: cn=team,dc=example,dc=com
objectClass: groupOfNames
cn: team
businessCategory: team@example.com
member: uid=ann,ou=people,dc=example,dc=com
member: uid=bob,ou=people,dc=example,dc=com
member: uid=gone,ou=people,dc=example,dc=com

dn: cn=loop,dc=example,dc=com
objectClass: groupOfNames
cn: loop
businessCategory: loop@example.com
member: cn=loop,dc=example,dc=com

dn: cn=dynamic,dc=example,dc=com
objectClass: groupOfNames
cn: dynamic
businessCategory: dynamic@example.com
member: cn=dynamic,dc=example,dc=com
seeAlso: cn=dynamic,dc=example,dc=com

dn: dc=good.example,dc=example,dc=com
objectClass: dNSDomain
dc: good.example
"""


@waypost_only("Debian has it in a package of its own")
class Ldap(WithServer):
    @classmethod
    def make_server(cls):
        cls.ca = CertificateAuthority(os.path.join(cls.shared, "ca"))
        return OpenLdap(cls.shared, LDIF, cls.ca.issue(["localhost", "127.0.0.1"]))

    def table(self, **parameters):
        return self.definition("ldap", {"server_host": "ldap://127.0.0.1:%d" % self.server.port, "version": "3", "search_base": "dc=example,dc=com", "bind": "yes",
                                        "bind_dn": "cn=reader,dc=example,dc=com", "bind_pw": "secret word", "query_filter": "(mail=%s)", "result_attribute": "description",
                                        **parameters})

    def test_values(self):
        table = self.table()
        self.assertEqual(self.lookup(table, "ann@example.com"), "ann@inside.example")
        self.assertEqual(self.lookup(table, "ANN.alias@example.com"), "ann@inside.example")
        self.assertIsNone(self.lookup(table, "nobody@example.com"))
        both = self.lookup(self.table(result_attribute="mail"), "ann@example.com")
        self.assertEqual(sorted(both.split(",")), ["ann.alias@example.com", "ann@example.com"])
        self.assertEqual(self.lookup(self.table(result_format="lmtp:[%d]"), "ann@example.com"), "lmtp:[inside.example]")
        self.assertEqual(self.lookup(self.table(query_filter="(uid=%u)", domain="example.com"), "bob@example.com"), "bob@inside.example")
        self.assertIsNone(self.lookup(self.table(query_filter="(uid=%u)", domain="example.com"), "bob@other.example"))

    def test_hostile_keys_stay_keys(self):
        table = self.table()
        self.assertEqual(self.lookup(table, "o*(d)@example.com"), "odd@inside.example")
        for key in ("*", "*@example.com", "*)(uid=*", "a*", "ann@example.com)(mail=*", "\\2a", "x\\", "ann@example.com\\"):
            self.assertIsNone(self.lookup(table, key), key)
        base = self.table(search_base="uid=%u,ou=people,dc=example,dc=com", query_filter="(|(objectClass=*)(mail=%s))", scope="base")
        self.assertEqual(self.lookup(base, "ann@example.com"), "ann@inside.example")
        for key in ("nobody@example.com", "x,uid=ann@example.com", "ann,ou=people@example.com", "ann+cn=x@example.com"):
            self.assertIsNone(self.lookup(base, key), key)

    def test_scopes_and_bases(self):
        self.assertIsNone(self.lookup(self.table(scope="one"), "ann@example.com"))
        self.assertEqual(self.lookup(self.table(scope="one", search_base="ou=people,dc=example,dc=com"), "ann@example.com"), "ann@inside.example")
        self.assertLookupFails(self.table(search_base="ou=nowhere,dc=example,dc=com"), "ann@example.com", "Search base 'ou=nowhere,dc=example,dc=com' not found: 32")
        done = self.place.run("postmap", "-q", "ann@example.com", self.table(scope="all"))
        self.assertIn("Unrecognized value all specified for scope; using sub", done.stderr)
        self.assertEqual(done.stdout, "ann@inside.example\n")

    def test_groups_are_followed(self):
        group = {"query_filter": "(|(mail=%s)(businessCategory=%s))", "result_attribute": "mail", "special_result_attribute": "member"}
        done = self.place.run("postmap", "-q", "team@example.com", self.table(**group))
        self.assertEqual(sorted(done.stdout.strip().split(",")), ["ann.alias@example.com", "ann@example.com", "bob@example.com"])
        self.assertIn("DN uid=gone,ou=people,dc=example,dc=com not found, skipping", done.stderr)
        self.assertLookupFails(self.table(**group, recursion_limit="5"), "loop@example.com", "Recursion limit exceeded for special attribute member")
        self.assertLookupFails(self.table(**group, expansion_limit="2"), "team@example.com")

    def test_leaf_and_terminal_attributes(self):
        group = {"query_filter": "(|(mail=%s)(businessCategory=%s))", "special_result_attribute": "member"}
        leaf = self.place.run("postmap", "-q", "team@example.com", self.table(**group, leaf_result_attribute="mail businessCategory", result_attribute=""))
        self.assertEqual(sorted(leaf.stdout.strip().split(",")), ["ann.alias@example.com", "ann@example.com", "bob@example.com"], "the group's own address is not a leaf")
        terminal = self.place.run("postmap", "-q", "team@example.com", self.table(**group, terminal_result_attribute="o", result_attribute="mail"))
        self.assertEqual(sorted(terminal.stdout.strip().split(",")), ["ann.alias@example.com", "ann@example.com", "bob@special.example"])

    def test_limits(self):
        wide = {"query_filter": "(|(mail=%s)(mail=*))", "result_attribute": "uid"}
        self.assertEqual(sorted(self.lookup(self.table(**wide), "x").split(",")), ["ann", "bob", "odd"])
        self.assertLookupFails(self.table(**wide, size_limit="2"), "x", "Search error 4")
        self.assertLookupFails(self.table(**wide, expansion_limit="2", size_limit="0"), "x", "Expansion limit exceeded")

    def test_ways_to_the_server(self):
        by_path = "ldapi://" + self.server.socket.replace("/", "%2F")
        self.assertEqual(self.lookup(self.table(server_host=by_path), "ann@example.com"), "ann@inside.example")
        self.assertEqual(self.lookup(self.table(server_host="127.0.0.1", server_port=str(self.server.port)), "ann@example.com"), "ann@inside.example")
        self.assertEqual(self.lookup(self.table(server_host="127.0.0.1:1 127.0.0.1:%d" % self.server.port), "ann@example.com"), "ann@inside.example")
        tls = {"start_tls": "yes", "tls_require_cert": "yes"}
        self.assertEqual(self.lookup(self.table(**tls, tls_ca_cert_file=self.ca.file), "ann@example.com"), "ann@inside.example")
        self.assertLookupFails(self.table(**tls), "ann@example.com", "Unable to set STARTTLS")

    def test_binds(self):
        self.assertLookupFails(self.table(bind_pw="guess word"), "ann@example.com", "with dn cn=reader,dc=example,dc=com: 49 (Invalid credentials)")
        self.assertNotIn("guess", self.place.run("postmap", "-q", "x", self.table(bind_pw="guess word")).stderr)
        self.assertLookupFails(self.table(bind="sasl", sasl_mechs="NONSENSE"), "ann@example.com", "Unable to bind to server")
        by_path = "ldapi://" + self.server.socket.replace("/", "%2F")
        self.assertEqual(self.lookup(self.table(server_host=by_path, bind="sasl", sasl_mechs="EXTERNAL", bind_dn="", bind_pw=""), "ann@example.com"), "ann@inside.example")
        wrong = self.place.run("postmap", "-q", "x", self.table(bind="maybe"))
        self.assertIn("unsupported parameter value: bind = maybe", wrong.stderr)
        anonymous = self.place.run("postmap", "-q", "ann@example.com", self.table(bind="no"))
        self.assertEqual(anonymous.stdout, "", "the server shows nothing to strangers")

    def test_server_that_is_gone_defers_and_its_return_is_noticed(self):
        table = self.table(query_filter="(dc=%s)", result_attribute="dc", timeout="3")
        relay = self.gate(table)
        self.assertReply(self.rcpt(relay, "a@good.example"), 250)
        self.server.stop()
        self.assertReply(self.rcpt(relay, "a@good.example"), 451)
        relay.log.wait_for("Can't contact LDAP server")
        self.server.start()
        self.assertReply(self.rcpt(relay, "a@good.example"), 250)
        self.assertReply(self.rcpt(relay, "a@other.test"), 554)
        self.server.pause()
        try:
            self.assertReply(self.rcpt(relay, "a@good.example"), 451)
        finally:
            self.server.resume()
        self.assertReply(self.rcpt(relay, "a@good.example"), 250)
        relay.log.wait_for("%s: lookups work again" % table, count=2)


if __name__ == "__main__":
    unittest.main()
