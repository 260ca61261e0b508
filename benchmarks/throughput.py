"""Events per second and CPU per event of qqbot_sync against qq-botpy; latency of an answer; the simulator's ceiling.

    python benchmarks/throughput.py [--events 20000] [--runs 5] [--quick]

Both clients get the same frames, one after the other, again and again (A B A B …), each time in a fresh process; the
table shows medians. A client measures itself with `time.process_time()`, after a warm-up of 1,000 events, so neither
the server nor the start counts. qq-botpy is installed from PyPI into an environment of its own; without it only
qqbot_sync is measured. Figures depend on the machine: compare columns of one run, not numbers of two.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

HERE = Path(__file__).resolve().parent
FOREIGN = HERE.parent / "tests" / "simulator" / "foreign"
sys.path.insert(0, str(HERE.parent))

from benchmarks.flood import AUTHORS, Flood, body_of, encode_events  # noqa: E402
from qqbot_sync import __version__  # noqa: E402
from qqbot_sync.simulator import Simulator  # noqa: E402
from tests.simulator.foreign.environments import Missing, prepare, version_of  # noqa: E402

WARMUP = 1000
PATIENCE = 180.0
"""Seconds a run may take at most."""
ANSWER_EVERY = 0.0125
"""Seconds from one timed message to the next."""
EVENT = "GROUP_AT_MESSAGE_CREATE"


class Server(Protocol):
    """What a client connects to."""

    url: str
    app_id: str
    secret: str


@dataclass(frozen=True)
class Contender:
    """A client under test: which Python runs which scripts."""

    name: str
    python: Path
    flood: Path
    echo: Path
    core: int | None = None
    """The only processor it may use in a flood; None: any."""


@dataclass(frozen=True)
class Run:
    """One client through one flood."""

    events: int
    seconds: float
    cpu: float

    @property
    def rate(self) -> float:
        """Events per second."""
        return self.events / self.seconds

    @property
    def price(self) -> float:
        """CPU microseconds per event."""
        return self.cpu / self.events * 1e6


@contextmanager
def client(
    python: Path, script: Path, server: Server, *, events: int = 0, core: int | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """A client process, killed at the end if it has not left by itself."""
    environ = {key: value for key, value in os.environ.items() if not key.lower().endswith("_proxy")}
    environ.update(
        SIMULATOR_URL=server.url,
        SIMULATOR_APP_ID=server.app_id,
        SIMULATOR_SECRET=server.secret,
        BENCH_EVENTS=str(events),
        BENCH_WARMUP=str(WARMUP),
        PYTHONPATH=os.pathsep.join(map(str, (FOREIGN, HERE / "clients"))),
    )
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(
            [str(python), str(script)], env=environ, stdout=subprocess.PIPE, stderr=errors, cwd=HERE.parent
        )
        if core is not None:
            os.sched_setaffinity(process.pid, {core})
        # A client that hangs must not hang the benchmark, wherever this side waits for it.
        limit = threading.Timer(PATIENCE, process.kill)
        limit.start()
        try:
            yield process
        except (RuntimeError, OSError) as error:
            process.kill()
            errors.seek(0)
            said = errors.read()[-1000:].decode("utf-8", "replace")
            raise RuntimeError(f"{script.name}: {error}; its last words:\n{said}") from error
        finally:
            limit.cancel()
            process.kill()
            process.wait()
            if process.stdout is not None:
                process.stdout.close()


def wait_until_warm(process: subprocess.Popen[bytes]) -> None:
    """Waits until the client has handled the warm-up."""
    _line(process, b"warm")


def result_of(process: subprocess.Popen[bytes]) -> Run:
    """What the client reports of itself after the last event."""
    return Run(**json.loads(_line(process, b'{"events"')))


def _line(process: subprocess.Popen[bytes], start: bytes) -> bytes:
    """The next line that begins so; what else a client prints is skipped."""
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith(start):
            return line
    raise RuntimeError(f"it ended, or was ended, before it wrote {start.decode()!r}")


# -- the three measurements -------------------------------------------------------------------------------------------


def flooded(contender: Contender, warmup: list[bytes], chunks: list[bytes], events: int) -> Run:
    """One client reading frames that were encoded beforehand."""
    with (
        Flood() as server,
        client(contender.python, contender.flood, server, events=events, core=contender.core) as process,
    ):
        server.wait_for_client(30)
        server.write(warmup)
        wait_until_warm(process)
        server.write(chunks)
        return result_of(process)


def simulated(python: Path, script: Path, events: int, emit: Callable[[Simulator, int], object]) -> Run:
    """One client on the simulator, which makes, logs and keeps every event while it sends; `emit` makes one."""
    with Simulator() as qq, client(python, script, qq, events=events) as process:
        _wait_for_session(qq, process)
        for number in range(WARMUP):
            emit(qq, number)
        wait_until_warm(process)
        for number in range(WARMUP, WARMUP + events):
            emit(qq, number)
        return result_of(process)


def answered(contender: Contender, count: int) -> list[float]:
    """Seconds from `say` to the answer at the simulator, message by message.

    Slower than the platform's 100 messages a second, for which qqbot_sync would wait by itself.
    """
    with Simulator() as qq, client(contender.python, contender.echo, qq) as process:
        _wait_for_session(qq, process)
        times = []
        for number in range(count + 20):
            began = time.perf_counter()
            said = qq.say(f"群友{number % AUTHORS}", "group", f"第 {number} 句")
            if not said.replies(timeout=10):
                raise RuntimeError(f"{contender.name} did not answer message {number}")
            times.append(time.perf_counter() - began)
            time.sleep(max(0.0, began + ANSWER_EVERY - time.perf_counter()))
        return times[20:]


def _wait_for_session(qq: Simulator, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + 30
    while not qq.entries(kinds=["identified"]):
        if time.monotonic() > end or process.poll() is not None:
            raise RuntimeError("the client did not connect to the simulator")
        time.sleep(0.01)
    time.sleep(0.2)


def _say(qq: Simulator, number: int) -> object:
    return qq.say(f"群友{number % AUTHORS}", "group", f"今天天气怎么样 {number}")


def pushing(events: int) -> Callable[[Simulator, int], object]:
    """Pushes event by number; the bodies are made beforehand."""
    bodies = [body_of(number) for number in range(WARMUP + events)]
    return lambda qq, number: qq.push(EVENT, bodies[number])


def starts(count: int) -> list[float]:
    """Seconds that a simulator takes to make and start, once imported."""
    times = []
    for _ in range(count):
        began = time.perf_counter()
        with Simulator():
            times.append(time.perf_counter() - began)
    return times


# -- the report -------------------------------------------------------------------------------------------------------


def table(title: str, head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Prints a small table in plain text."""
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head))]
    print(f"\n{title}")
    for row in (head, ["-" * width for width in widths], *rows):
        first, *others = (
            cell.ljust(width) if not column else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        print("  " + "  ".join((first, *others)))


def row_of(name: str, runs: Sequence[Run]) -> list[str]:
    rates = [run.rate for run in runs]
    return [
        name,
        f"{statistics.median(rates):,.0f}",
        f"{min(rates):,.0f} - {max(rates):,.0f}",
        f"{statistics.median(run.price for run in runs):.1f}",
    ]


RATES = ("", "events/s", "lowest - highest", "CPU us/event")


def compare(contenders: Sequence[Contender], events: int, runs: int) -> dict[str, list[Run]]:
    """The clients in turn, `runs` times; every other time the last one first, so that drift favours none."""
    warmup, chunks = encode_events(range(WARMUP)), encode_events(range(WARMUP, WARMUP + events))
    found: dict[str, list[Run]] = {contender.name: [] for contender in contenders}
    for number in range(runs):
        for contender in contenders if number % 2 == 0 else contenders[::-1]:
            found[contender.name].append(flooded(contender, warmup, chunks, events))
    return found


def report(contenders: Sequence[Contender], arguments: argparse.Namespace) -> None:
    events, runs = arguments.events, arguments.runs
    found = compare(contenders, events, runs)
    rows = [row_of(name, results) for name, results in found.items()]
    table(f"{events:,} {EVENT} from {AUTHORS} authors, handler does nothing, frames encoded beforehand", RATES, rows)
    if len(found) == 2:
        ours, theirs = found.values()
        rate = statistics.median(a.rate / b.rate for a, b in zip(ours, theirs, strict=True))
        price = statistics.median(a.price / b.price for a, b in zip(ours, theirs, strict=True))
        print(f"  qqbot_sync / qq-botpy, paired: events per second x {rate:.2f}, CPU per event x {price:.2f}")

    reader, python = HERE / "clients" / "bare_reader.py", Path(sys.executable)
    rows = []
    for name, emit in (("say (a person writes)", _say), ("push (any frame)", pushing(events))):
        rows.append(row_of(f"bare reader, {name}", [simulated(python, reader, events, emit) for _ in range(runs)]))
    for contender in contenders:
        results = [simulated(contender.python, contender.flood, events, _say) for _ in range(runs)]
        rows.append(row_of(f"{contender.name}, say", results))
    table("The same from the simulator, which makes and logs each event as it goes", RATES, rows)
    print("  where a client is no slower than the bare reader, the simulator is what was measured")

    rows = []
    for contender in contenders:
        times = sorted(answered(contender, arguments.answers))
        p99 = times[min(len(times) - 1, int(len(times) * 0.99))]
        rows.append([contender.name, f"{statistics.median(times) * 1e3:.2f}", f"{p99 * 1e3:.2f}"])
    table(
        f"From `say` to the answer at the simulator, {arguments.answers:,} messages, 80 a second",
        ("", "median ms", "p99 ms"),
        rows,
    )
    print(f"\nSimulator, made and started: {statistics.median(starts(20)) * 1e3:.1f} ms (median of 20)")


def contenders_here() -> list[Contender]:
    """The clients that can be measured on this machine."""
    clients = HERE / "clients"
    here = Path(sys.executable)
    found = [Contender(f"qqbot_sync {__version__}", here, clients / "sync_flood.py", clients / "sync_echo.py")]
    try:
        python = prepare("botpy")
        name = f"qq-botpy {version_of(python, 'qq-botpy')}"
        found.append(Contender(name, python, clients / "botpy_flood.py", FOREIGN / "botpy_echo.py"))
    except Missing as error:
        print(f"missing: {error}; only qqbot_sync is measured")
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--events", type=int, default=20_000, help="events per run")
    parser.add_argument("--runs", type=int, default=5, help="runs of each client")
    parser.add_argument("--answers", type=int, default=500, help="messages whose answer is timed")
    parser.add_argument("--quick", action="store_true", help="4,000 events, 2 runs, 100 answers")
    arguments = parser.parse_args()
    if arguments.quick:
        arguments.events, arguments.runs, arguments.answers = 4000, 2, 100
    if min(arguments.events, arguments.runs, arguments.answers) < 1:
        parser.error("--events, --runs and --answers must be at least 1")
    contenders = contenders_here()
    print(
        f"{platform.python_implementation()} {platform.python_version()}, {platform.system()}, {os.cpu_count()} cores"
    )
    print(", ".join(contender.name for contender in contenders) + f"; medians of {arguments.runs} paired runs")
    report(contenders, arguments)


if __name__ == "__main__":
    main()
