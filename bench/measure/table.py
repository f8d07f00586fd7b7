"""The results as tables: the figures of both relays side by side, and how they stand to what is to be reached."""
import statistics

from measure.cells import KIB, MAX_NOISE, Cell, describe

COLUMNS = [("rate", "msg/s", "%.0f"), ("accept_rate", "acc/s", "%.0f"), ("p50_ms", "p50 ms", "%.2f"), ("p99_ms", "p99 ms", "%.2f"), ("cpu_s_per_1000", "CPU s/1000", "%.3f"),
           ("memory_mib", "PSS MiB", "%.0f"), ("kib_written", "KiB wr", "%.1f"), ("flushes", "flushes", "%.3f"), ("noise", "noise", "%.2f")]


def medians(results):
    """{(cell, peer): {figure: median}} with the sums of what must be nought."""
    groups = {}
    for result in results:
        groups.setdefault((Cell(**result["cell"]), result["peer"]), []).append(result)
    out = {}
    for key, runs in groups.items():
        out[key] = {name: statistics.median(run[name] for run in runs) for name, _, _ in COLUMNS}
        out[key]["lost"] = sum(run["sent"] - run["arrived"] for run in runs)
        out[key]["duplicates"] = sum(run["duplicates"] for run in runs)
        out[key]["errors"] = sum(sum(run["errors"].values()) for run in runs)
    return out


def figures(results):
    """One line for each cell and relay."""
    table = medians(results)
    lines = ["%-42s %-8s" % ("cell", "relay") + "".join("%11s" % title for _, title, _ in COLUMNS) + "  lost/dup/err"]
    for (cell, peer), row in sorted(table.items(), key=lambda item: (item[0][0], item[0][1] != "waypost")):
        lines.append("%-42s %-8s" % (describe(cell), peer) + "".join("%11s" % (form % row[name]) for name, _, form in COLUMNS) +
                     "  %d/%d/%d" % (row["lost"], row["duplicates"], row["errors"]))
    return "\n".join(lines)


def targets():
    """(cell, what, figure, relation): a relation of the two relays, or a limit for Waypost alone."""
    ten = 10 * KIB
    found = []
    for sessions in (10, 50, 100):
        found.append((Cell(False, ten, 0, sessions), "rate, times Postfix", "rate", ("ratio", ">=", 8)))
        found.append((Cell(False, ten, 0, sessions), "CPU, part of Postfix", "cpu_s_per_1000", ("ratio", "<=", 1 / 12)))
        found.append((Cell(False, ten, 1, sessions), "rate, times Postfix", "rate", ("ratio", ">=", 5)))
        found.append((Cell(True, ten, 1, sessions), "rate, times Postfix", "rate", ("ratio", ">=", 5)))
    found.append((Cell(False, ten, 0, 50), "accept p99, part of Postfix", "p99_ms", ("ratio", "<=", 1 / 8)))
    found.append((Cell(False, ten, 0, 1), "accept p50, part of Postfix", "p50_ms", ("ratio", "<=", 0.6)))
    found.append((Cell(False, ten, 0, 50), "KiB written a message", "kib_written", ("own", "<=", 14)))
    found.append((Cell(False, ten, 0, 50), "flushes a message", "flushes", ("own", "<=", 0.1)))
    return found


def standing(results):
    """How the measured cells stand to the targets."""
    table = medians(results)
    lines = []
    for cell, what, figure, (kind, relation, limit) in targets():
        ours, theirs = table.get((cell, "waypost")), table.get((cell, "postfix"))
        if not ours or (kind == "ratio" and not theirs):
            continue
        value = ours[figure] / max(1e-9, theirs[figure]) if kind == "ratio" else ours[figure]
        reached = value >= limit if relation == ">=" else value <= limit
        disturbed = max(row["noise"] for row in (ours, theirs or ours)) > MAX_NOISE
        lines.append("%-42s %-28s %8.3f  (%s %.3f)  %s%s" % (describe(cell), what, value, relation, limit, "reached" if reached else "NOT reached",
                                                             ", but others used the machine" if disturbed else ""))
    return "\n".join(lines)
