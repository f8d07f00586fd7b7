"""Child processes that are always ended, and always by their own pid."""
import os
import signal
import subprocess

COMMAND_TIMEOUT = 30


class Child:
    """A long-running program. Its output goes to files below `folder`."""

    def __init__(self, arguments, folder, name, env=None, **options):
        self.name = name
        self.stdout_path = os.path.join(folder, name + ".out")
        self.stderr_path = os.path.join(folder, name + ".err")
        with open(self.stdout_path, "ab") as out, open(self.stderr_path, "ab") as err:
            self.process = subprocess.Popen(arguments, stdin=subprocess.DEVNULL, stdout=out, stderr=err, env=env, start_new_session=True, **options)
        self.pid = self.process.pid

    def running(self):
        return self.process.poll() is None

    def stdout(self):
        with open(self.stdout_path, errors="replace") as f:
            return f.read()

    def stderr(self):
        with open(self.stderr_path, errors="replace") as f:
            return f.read()

    def signal(self, number):
        if self.running():
            os.kill(self.pid, number)

    def wait(self, timeout=20):
        return self.process.wait(timeout)

    def stop(self, timeout=20):
        """SIGTERM, then SIGKILL when that is not obeyed in time. Returns the exit status."""
        self.signal(signal.SIGTERM)
        try:
            return self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError("%s (pid %d) did not stop within %g s of SIGTERM" % (self.name, self.pid, timeout))

    def kill(self):
        self.signal(signal.SIGKILL)
        return self.process.wait(10)

    def end(self):
        """For clean-up: never fails."""
        try:
            self.stop(5)
        except (AssertionError, subprocess.TimeoutExpired, OSError):
            pass


def run(arguments, input=None, timeout=COMMAND_TIMEOUT, env=None, **options):
    """A command that ends by itself; text in, text out."""
    return subprocess.run([str(a) for a in arguments], input=input, stdin=subprocess.DEVNULL if input is None else None, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, errors="replace", timeout=timeout, env=env, **options)


def resident_kib(pid):
    """Resident memory of one process."""
    with open("/proc/%d/status" % pid) as f:
        return next(int(line.split()[1]) for line in f if line.startswith("VmRSS:"))
