"""What the flight recorder costs: the same flood with it and without it, in turn.

Run: python benchmarks/recorder.py [--events N] [--runs N]

It costs about a hundredth, which threads that wander from core to core would drown: where the system allows, the client
has one core for itself, and the server the others.
"""

from __future__ import annotations

import argparse
import math
import os
import statistics
import sys
from collections.abc import Sequence
from pathlib import Path

from throughput import RATES, Contender, compare, row_of, table

HERE = Path(__file__).parent


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--events", type=int, default=40_000, help="events per run")
    parser.add_argument("--runs", type=int, default=41, help="runs of each")
    arguments = parser.parse_args()
    clients, python = HERE / "clients", Path(sys.executable)
    core = core_of_its_own()
    contenders = [
        Contender("recording", python, clients / "sync_flood.py", clients / "sync_echo.py", core),
        Contender("not recording", python, clients / "sync_unrecorded.py", clients / "sync_echo.py", core),
    ]
    found = compare(contenders, arguments.events, arguments.runs)
    table(
        f"{arguments.events:,} events, handler does nothing, {arguments.runs} paired runs",
        RATES,
        [row_of(name, runs) for name, runs in found.items()],
    )
    on, off = found.values()
    for what, ratios in (
        ("CPU per event", [a.price / b.price for a, b in zip(on, off, strict=True)]),
        ("seconds", [a.seconds / b.seconds for a, b in zip(on, off, strict=True)]),
    ):
        lowest, highest = interval(ratios)
        middle = statistics.median(ratios)
        print(f"  recording / not recording, paired: {what} x {middle:.3f} (95 %: {lowest:.3f} to {highest:.3f})")


def core_of_its_own() -> int | None:
    """Leaves this process the other cores; None where that cannot be."""
    if not hasattr(os, "sched_setaffinity") or len(cores := os.sched_getaffinity(0)) < 2:
        return None
    core = max(cores)
    os.sched_setaffinity(0, cores - {core})
    return core


def interval(ratios: Sequence[float]) -> tuple[float, float]:
    """Where the true median lies in 95 of 100 cases, whatever the distribution: a sign test turned round."""
    ordered, count = sorted(ratios), len(ratios)
    below, chance = 0, 0.0
    while below < count // 2:
        chance += math.comb(count, below) / 2**count
        if chance > 0.025:
            break
        below += 1
    return ordered[max(0, below - 1)], ordered[min(count - 1, count - below)]


if __name__ == "__main__":
    main()
