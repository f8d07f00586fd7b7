"""What bench/run.py is made of. The relays, sinks and certificates come from tests/harness."""
import os
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
WORK = os.path.join(ROOT, "build/bench")
sys.path.insert(0, os.path.join(ROOT, "tests"))
