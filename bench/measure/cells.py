"""One run of load through one relay, and which runs there are."""
import collections
import os
import time

from harness.sink import run_source
from measure import machine

KIB = 1024
MAX_NOISE = 0.12  # share of the machine's CPU used by others; above, the run is repeated once

# per_connection: 0 as many messages as there are, 1 a connection for each
Cell = collections.namedtuple("Cell", "tls size per_connection sessions")

FULL = [Cell(tls, size * KIB, per, sessions) for tls in (False, True) for size in (2, 10, 100) for per in (0, 1) for sessions in (1, 10, 50, 100)]
QUICK = [Cell(False, 10 * KIB, 0, 1), Cell(False, 10 * KIB, 0, 10), Cell(False, 10 * KIB, 0, 50), Cell(False, 10 * KIB, 1, 10), Cell(True, 10 * KIB, 1, 10)]


def describe(cell):
    return "%3d KiB, %3d session%s, %s%s" % (cell.size // KIB, cell.sessions, "s" if cell.sessions > 1 else " ", "1/conn" if cell.per_connection else "many  ",
                                             ", STARTTLS" if cell.tls else "")


def message_count(cell, peer):
    """So many that a run takes between one and a few seconds."""
    count = 2000 if cell.size < 50 * KIB else 800
    if peer.name == "waypost":
        count *= 5
    if cell.tls and cell.per_connection:
        count //= 2
    return max(200, count // 4) if cell.sessions == 1 else count


def run_once(peer, sink, volume, cell, count):
    machine.wait_idle()
    run_id = "b%x" % (time.monotonic_ns() // 1000)
    sink.control("reset " + run_id)
    sink_cpu = sink.stats()["cpu_s"]
    start, busy, cpu, disk = time.monotonic(), machine.busy_seconds(), peer.group.cpu_seconds(), machine.disk_counters(volume.device)
    options = ["-c", cell.sessions, "-n", count, "-s", cell.size, "-m", cell.per_connection, "--run", run_id, "--timeout", 30]
    sent = run_source(peer.port, *options, *(["--tls", "starttls"] if cell.tls else []), timeout=120)
    sink.control("wait %d 30000" % sent["accepted"], timeout=60)
    time.sleep(0.25)  # the removal of the last message counts too
    cpu_used = peer.group.cpu_seconds() - cpu
    written, flushes = (after - before for after, before in zip(machine.disk_counters(volume.device), disk))
    stats = sink.stats()
    elapsed = time.monotonic() - start
    others = machine.busy_seconds() - busy - cpu_used - sent["cpu_s"] - (stats["cpu_s"] - sink_cpu)
    arrived = max(1, stats["unique"])
    return {
        "peer": peer.name, "cell": cell._asdict(), "sent": sent["accepted"], "arrived": stats["unique"], "duplicates": stats["duplicates"],
        "rate": stats["unique"] / max(1e-9, (stats["last_ns"] - sent["start_ns"]) / 1e9), "accept_rate": sent["accept_rate"],
        "p50_ms": sent["latency_us"]["p50"] / 1e3, "p99_ms": sent["latency_us"]["p99"] / 1e3, "cpu_s_per_1000": cpu_used / arrived * 1000,
        "memory_mib": peer.group.memory_kib() / 1024, "kib_written": written / arrived / KIB, "flushes": flushes / arrived,
        "noise": max(0.0, others) / (elapsed * os.cpu_count()), "errors": sent["errors"],
    }


def run_quietly(peer, sink, volume, cell):
    """The quieter of two runs when the first one was disturbed."""
    count = message_count(cell, peer)
    first = run_once(peer, sink, volume, cell, count)
    if first["noise"] <= MAX_NOISE:
        return first
    return min(first, run_once(peer, sink, volume, cell, count), key=lambda result: result["noise"])
