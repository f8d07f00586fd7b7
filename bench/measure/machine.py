"""What the machine says about a run: CPU of a group of processes, memory, disk writes, and how much others disturbed."""
import os
import time

CGROUP_ROOTS = ("/sys/fs/cgroup/cpuacct", "/sys/fs/cgroup")
TICKS = os.sysconf("SC_CLK_TCK")


class ProcessGroup:
    """CPU and memory of a relay with all its children, also those that have ended: by a control group where one can be
    made, else by walking /proc."""

    def __init__(self, name):
        self.pid = None
        self.folder = None
        for root in CGROUP_ROOTS:
            folder = os.path.join(root, "waypost-bench-" + name)
            try:
                os.makedirs(folder, exist_ok=True)
                if os.access(os.path.join(folder, "cgroup.procs"), os.W_OK):
                    self.folder = folder
                    break
            except OSError:
                continue

    def enter(self):
        """In the child, before the program starts."""
        if self.folder:
            with open(os.path.join(self.folder, "cgroup.procs"), "w") as f:
                f.write(str(os.getpid()))

    def pids(self):
        if self.folder:
            with open(os.path.join(self.folder, "cgroup.procs")) as f:
                return [int(pid) for pid in f.read().split()]
        return descendants(self.pid)

    def cpu_seconds(self):
        if self.folder:
            usage = os.path.join(self.folder, "cpuacct.usage")
            if os.path.exists(usage):
                with open(usage) as f:
                    return int(f.read()) / 1e9
            with open(os.path.join(self.folder, "cpu.stat")) as f:
                return next(int(line.split()[1]) for line in f if line.startswith("usage_usec")) / 1e6
        return sum(process_cpu(pid) for pid in self.pids())

    def memory_kib(self):
        """Proportional set size: pages that processes share count once."""
        total = 0
        for pid in self.pids():
            try:
                with open("/proc/%d/smaps_rollup" % pid) as f:
                    total += next((int(line.split()[1]) for line in f if line.startswith("Pss:")), 0)
            except OSError:
                continue
        return total

    def remove(self):
        if self.folder:
            try:
                os.rmdir(self.folder)
            except OSError:
                pass


def stat_fields(pid):
    with open("/proc/%d/stat" % pid) as f:
        return f.read().rsplit(")", 1)[1].split()


def process_cpu(pid):
    """User and system time of a process and of its children that have ended."""
    try:
        return sum(int(ticks) for ticks in stat_fields(pid)[11:15]) / TICKS
    except OSError:
        return 0.0


def descendants(pid):
    children = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                children.setdefault(int(stat_fields(int(name))[1]), []).append(int(name))
            except OSError:
                continue
    found, todo = [], [pid]
    while todo:
        found.append(todo.pop())
        todo += children.get(found[-1], [])
    return found


def disk_counters(device):
    """(bytes written, flushes) of one block device, or of all when it is empty."""
    written = flushes = 0
    with open("/proc/diskstats") as f:
        for line in f:
            fields = line.split()
            if fields[2] == device or (not device and os.path.isdir("/sys/block/" + fields[2]) and not fields[2].startswith(("loop", "ram"))):
                written += int(fields[9]) * 512
                flushes += int(fields[18]) if len(fields) > 18 else 0
    return written, flushes


def busy_seconds():
    """CPU seconds that all processes of the machine used."""
    with open("/proc/stat") as f:
        fields = f.readline().split()
    return sum(int(ticks) for ticks in fields[1:4]) / TICKS


def wait_idle(limit=6):
    """Until little else runs on this machine."""
    end = time.monotonic() + limit
    while time.monotonic() < end:
        before, start = busy_seconds(), time.monotonic()
        time.sleep(0.4)
        if (busy_seconds() - before) / ((time.monotonic() - start) * os.cpu_count()) < 0.15:
            return
