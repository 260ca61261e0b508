"""Measures the process it runs in, from the end of the warm-up to the last event. Imports nothing of ours.

After the warm-up it says so, and the benchmark waits for that before it goes on: so nothing that is measured has been
read before the watch is started, however much a client reads ahead.

The environment tells a client what to do: SIMULATOR_URL, SIMULATOR_APP_ID, SIMULATOR_SECRET, BENCH_EVENTS (how many
come after the warm-up; 0: until it is killed) and BENCH_WARMUP.
"""

from __future__ import annotations

import itertools
import json
import os
import sys
import time

__all__ = ["EVENTS", "WARMUP", "seen"]

EVENTS, WARMUP = int(os.environ.get("BENCH_EVENTS", "0")), int(os.environ.get("BENCH_WARMUP", "0"))
_LAST = WARMUP + EVENTS
# `next` of a count is one step of the interpreter: threads need no lock around it.
_numbers = itertools.count(1)
_began = (0.0, 0.0)


def seen() -> None:
    """One more event has reached its handler; after the last one the process reports and leaves. Thread-safe."""
    global _began
    number = next(_numbers)
    if number == WARMUP:
        _began = (time.perf_counter(), time.process_time())
        sys.stdout.write("warm\n")
        sys.stdout.flush()
    elif number == _LAST:
        seconds, cpu = time.perf_counter() - _began[0], time.process_time() - _began[1]
        sys.stdout.write(json.dumps({"events": EVENTS, "seconds": seconds, "cpu": cpu}) + "\n")
        sys.stdout.flush()
        os._exit(0)
