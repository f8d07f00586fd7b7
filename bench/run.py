#!/usr/bin/env python3
"""Measures Waypost and Debian's Postfix side by side, on this machine, with the same load and the same volume.

Load generator -> relay -> sink, all on loopback. Rates are end to end: unique messages at the sink, from the start of
the load to the last arrival. Latency is what the client sees: MAIL to the 250 after the final dot, with one message a
connection from connect. Medians of the runs; every run is printed and kept in build/bench/results.jsonl.
"""
import argparse
import fcntl
import json
import os
import signal
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from measure import WORK  # noqa: E402  (puts tests/ on the path)
from harness import CertificateAuthority, Sink  # noqa: E402
from harness.postfix import Unavailable  # noqa: E402
from measure import cells, table  # noqa: E402
from measure.peers import PEERS  # noqa: E402
from measure.volume import Volume  # noqa: E402


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="five cells instead of all 48")
    parser.add_argument("--runs", type=int, default=3, help="runs a cell")
    parser.add_argument("--peer", choices=sorted(PEERS), action="append", help="only this relay")
    parser.add_argument("--cell", action="append", metavar="[tls:]KIB:PER:SESSIONS", help="these cells, for example 10:0:50 (PER 0: many a connection)")
    return parser.parse_args()


def chosen_cells(arguments):
    if not arguments.cell:
        return cells.QUICK if arguments.quick else cells.FULL
    found = []
    for text in arguments.cell:
        tls, _, rest = text.rpartition("tls:")
        kib, per, sessions = (int(number) for number in rest.split(":"))
        found.append(cells.Cell("tls:" in text and not tls, kib * cells.KIB, per, sessions))
    return found


def measure_peer(peer_type, volume, sink, certificate, chosen, runs, out):
    """All runs of one relay with or without TLS."""
    peer = peer_type(volume, sink.port, certificate)
    results = []
    try:
        peer.start()
        for cell in chosen:
            for _ in range(runs):
                result = cells.run_quietly(peer, sink, volume, cell)
                results.append(result)
                out.write(json.dumps(result) + "\n")
                out.flush()
                print("  %-8s %s  %6.0f msg/s  p50 %6.2f ms  p99 %7.2f ms  %6.3f CPU s/1000  noise %.2f %s" % (
                    peer.name, cells.describe(cell), result["rate"], result["p50_ms"], result["p99_ms"], result["cpu_s_per_1000"], result["noise"],
                    result["errors"] or ""), flush=True)
    finally:
        peer.stop()
    return results


def main():
    arguments = parse_arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that everything is ended and unmounted
    os.makedirs(WORK, exist_ok=True)
    with open(os.path.join(tempfile.gettempdir(), "waypost-bench.lock"), "w") as lock, open(os.path.join(WORK, "results.jsonl"), "w") as out:
        fcntl.flock(lock, fcntl.LOCK_EX)
        volume = Volume()
        certificate = CertificateAuthority(os.path.join(WORK, "ca")).issue(["localhost", "127.0.0.1"])
        results = []
        try:
            print(volume.note, flush=True)
            for tls in (False, True):
                chosen = [cell for cell in chosen_cells(arguments) if cell.tls == tls]
                for name in arguments.peer or ("waypost", "postfix"):
                    if not chosen:
                        continue
                    sink = Sink(WORK, "sink", cert=certificate if tls else None, store=False)
                    try:
                        results += measure_peer(PEERS[name], volume, sink, certificate if tls else None, chosen, arguments.runs, out)
                    except Unavailable as error:
                        print("%s is not measured: %s" % (name, error))
                    finally:
                        sink.end()
        finally:
            volume.end()
    print("\n%s\n\n%s" % (table.figures(results), table.standing(results)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
