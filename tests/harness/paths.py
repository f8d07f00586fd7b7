"""Where programs are, and which relay is under test.

WAYPOST_BIN   folder of waypost, smtp-sink and smtp-source (default: build/release/bin)
WAYPOST_TEST_ENGINE=postfix   runs the tests against Debian's Postfix instead (unpacked, never installed): what must hold
              for both is held to be true by the original first.
"""
import os

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BIN = os.environ.get("WAYPOST_BIN", os.path.join(ROOT, "build/release/bin"))
ENGINE = os.environ.get("WAYPOST_TEST_ENGINE", "waypost")
ON_POSTFIX = ENGINE == "postfix"


def program(name):
    return os.path.join(BIN, name)
