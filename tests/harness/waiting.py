"""Waiting with an end: every wait in the tests goes through here."""
import socket
import time


class TimedOut(AssertionError):
    pass


def wait_until(condition, timeout=10.0, what="condition", step=0.01):
    """Calls `condition` until it answers something true, which is returned."""
    end = time.monotonic() + timeout
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() > end:
            raise TimedOut("%s did not come true within %g s" % (what() if callable(what) else what, timeout))
        time.sleep(step)
        step = min(step * 1.5, 0.1)


def stays(condition, duration=0.5, what="condition"):
    """Checks that `condition` stays true for so long."""
    end = time.monotonic() + duration
    while time.monotonic() < end:
        if not condition():
            raise AssertionError("%s did not stay true" % what)
        time.sleep(0.02)


def free_port(address="127.0.0.1"):
    """A port nobody listens on now. The kernel hands out ephemeral ports in turn, so it stays free for a while."""
    with socket.socket() as s:
        s.bind((address, 0))
        return s.getsockname()[1]


def accepts_connections(port, address="127.0.0.1"):
    try:
        socket.create_connection((address, port), timeout=2).close()
        return True
    except OSError:
        return False
