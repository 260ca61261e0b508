"""What the flight recorder costs: the same flood with it and without it, in turn.

Run: python benchmarks/recorder.py [--events N] [--runs N]
"""

from __future__ import annotations

import argparse
import statistics
import sys
from pathlib import Path

from throughput import RATES, Contender, compare, row_of, table

HERE = Path(__file__).parent


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--events", type=int, default=20_000, help="events per run")
    parser.add_argument("--runs", type=int, default=9, help="runs of each")
    arguments = parser.parse_args()
    clients, python = HERE / "clients", Path(sys.executable)
    contenders = [
        Contender("recording", python, clients / "sync_flood.py", clients / "sync_echo.py"),
        Contender("not recording", python, clients / "sync_unrecorded.py", clients / "sync_echo.py"),
    ]
    found = compare(contenders, arguments.events, arguments.runs)
    table(
        f"{arguments.events:,} events, handler does nothing, {arguments.runs} paired runs",
        RATES,
        [row_of(name, runs) for name, runs in found.items()],
    )
    on, off = found.values()
    price = statistics.median(a.price / b.price for a, b in zip(on, off, strict=True))
    print(f"  recording / not recording, paired: CPU per event x {price:.3f}")


if __name__ == "__main__":
    main()
