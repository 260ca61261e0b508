"""Chaos at random, for minutes or hours: nothing lost, nothing doubled, memory and threads flat.

    python benchmarks/soak.py                       # three minutes
    python benchmarks/soak.py --minutes 600 --rate 50 --seed 7

Twenty people write numbers while the simulator plays fault verbs at random. The bot is a process of its own, whose
memory is measured; every few seconds its client is stopped and another one started on the same `SqliteStore`. In the
end everything that the platform's log says was sent is compared with what handlers got.

A session that the platform ends takes with it what it had not delivered: those events are counted apart, and only above
the last one of their session that was handled. The exit status is 1 if anything was lost, doubled or out of order.
"""

from __future__ import annotations

import argparse
import logging
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

from qqbot_sync import BotClient, BotError, Context, Environment, HeartbeatConfig, ReconnectConfig, Simulator
from qqbot_sync.store import SqliteStore

AUTHORS = 20
PLACES = ("group", "c2c")
REPLY_EVERY = 10
"""One message of so many is answered."""
SETTLE = 60.0
"""Seconds after the chaos in which the last events must be handled."""
SAMPLES = 120


# -- the bot, in a process of its own -------------------------------------------------------------------------------


def bot(url: str, app_id: str, secret: str, store: str, journal: str) -> None:
    """Serves until standard input ends; each line of it means: stop, and start again."""
    logging.disable(logging.ERROR)
    file = os.open(journal, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    pause, dice = threading.Event(), random.Random()

    def write(*words: object) -> None:
        os.write(file, (" ".join(map(str, words)) + "\n").encode())

    def note(ctx: Context, message: Any) -> None:
        number = int(message.content)
        write("handled", number, ctx.keys.author)
        pause.wait(min(dice.expovariate(200), 0.1))
        if number % REPLY_EVERY == 0:
            try:
                ctx.reply(str(number))
            except BotError as error:
                write("failed", type(error).__name__)

    while True:
        client = BotClient(
            app_id,
            secret,
            environment=Environment.local(url),
            store=SqliteStore(store),
            heartbeat=HeartbeatConfig(interval=1.0),
            reconnect=ReconnectConfig(initial_delay=0.05, max_delay=1.0),
            workers=8,
        )
        client.on_message(note)
        client.start(timeout=300)
        write("started")
        line = sys.stdin.readline()
        client.stop(timeout=60)
        if not line:
            return


# -- the rest -------------------------------------------------------------------------------------------------------


class Crowd(threading.Thread):
    """Twenty people who write numbers at a steady rate."""

    def __init__(self, qq: Simulator, rate: float) -> None:
        super().__init__(name="crowd", daemon=True)
        self._qq, self._rate = qq, rate
        self._over = threading.Event()
        self.said = 0

    def run(self) -> None:
        began = time.monotonic()
        while not self._over.wait(0.01):
            while self.said < (time.monotonic() - began) * self._rate and not self._over.is_set():
                author = self.said % AUTHORS
                self._qq.say(f"p{author}", PLACES[author % len(PLACES)], str(self.said))
                self.said += 1

    def end(self) -> None:
        self._over.set()
        self.join()


class Sample(NamedTuple):
    """The bot's process at one moment."""

    at: float
    memory: float
    """MiB."""
    threads: int
    descriptors: int


class Soak:
    """One run."""

    def __init__(self, arguments: argparse.Namespace, qq: Simulator, directory: Path) -> None:
        self.arguments = arguments
        self._qq = qq
        self._journal = directory / "journal"
        self._dice = random.Random(arguments.seed)
        self._pause = threading.Event()
        self.samples: list[Sample] = []
        self.process = subprocess.Popen(
            [sys.executable, __file__, "--bot", qq.url, qq.app_id, qq.secret, directory / "bot.db", self._journal],
            stdin=subprocess.PIPE,
        )

    def run(self) -> dict[str, Any]:
        while not self.journal("started"):
            self._check()
        crowd = Crowd(self._qq, self.arguments.rate)
        crowd.start()
        began = time.monotonic()
        end = began + self.arguments.minutes * 60
        self._qq.chaos(self.arguments.seed, self.arguments.faults)
        restart_at = began + self._next_restart()
        while (now := time.monotonic()) < end:
            self._check()
            self._sample(now - began)
            if now >= restart_at:
                self._restart()
                restart_at = now + self._next_restart()
        self._qq.chaos(rate=0)
        crowd.end()
        give_up = time.monotonic() + SETTLE
        while self.judge()["lost"] and time.monotonic() < give_up:
            self._check()
        self.end()
        return {"elapsed": time.monotonic() - began, "said": crowd.said, **self.judge()}

    def end(self) -> None:
        """The bot stops; a second call does nothing."""
        if self.process.stdin is not None and not self.process.stdin.closed:
            self.process.stdin.close()
        self.process.wait(120)

    def journal(self, kind: str) -> list[list[str]]:
        """What the bot wrote down."""
        if not self._journal.exists():
            return []
        words = [line.split() for line in self._journal.read_text().splitlines()]
        return [rest for first, *rest in words if first == kind]

    def _next_restart(self) -> float:
        every = self.arguments.restart
        return self._dice.uniform(0.5, 1.5) * every if every else float("inf")

    def _restart(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(b"\n")
        self.process.stdin.flush()

    def _check(self) -> None:
        self._pause.wait(0.25)
        if self.process.poll() is not None:
            raise SystemExit(f"the bot has ended with status {self.process.returncode}")

    def _sample(self, at: float) -> None:
        if self.samples and at - self.samples[-1].at < self.arguments.minutes * 60 / SAMPLES:
            return
        proc = Path(f"/proc/{self.process.pid}")
        if proc.exists():
            status = dict(line.split(":", 1) for line in (proc / "status").read_text().splitlines())
            memory, threads = int(status["VmRSS"].split()[0]) / 1024, int(status["Threads"])
            self.samples.append(Sample(at, memory, threads, len(os.listdir(proc / "fd"))))

    def judge(self) -> dict[str, Any]:
        """Compares the platform's log with what handlers got."""
        text: dict[str, int] = {}
        wire, identified = [], []
        for entry in self._qq.entries(kinds=("said", "dispatched", "identified")):
            if entry["kind"] == "said":
                text[entry["id"]] = int(entry["text"])
            elif entry["kind"] == "dispatched":
                wire.append((text[entry["id"]], entry["session"], entry["s"]))
            else:
                identified.append(entry["session"])
        calls = [(int(number), author) for number, author in self.journal("handled")]
        handled = Counter(number for number, _ in calls)
        reached: dict[str, int] = defaultdict(int)
        for number, session, s in wire:
            if handled[number]:
                reached[session] = max(reached[session], s)
        sent = {number for number, session, s in wire if session == identified[-1] or s <= reached[session]}
        answers = Counter((entry["msg_id"], entry["content"]) for entry in self._qq.entries(kinds=("answered",)))
        return {
            "handled": len(handled),
            "sent": len(sent),
            "lost": len([number for number in sent if not handled[number]]),
            "doubled": sum(count - 1 for count in handled.values()),
            "out of order": _out_of_order(calls, wire),
            "undelivered": len(
                {number for number, *_ in wire} - sent - {number for number in handled if handled[number]}
            ),
            "unsent": len(text) - len({number for number, *_ in wire}),
            "sessions": len(identified),
            "answered": len(answers),
            "replies doubled": sum(count - 1 for count in answers.values()),
        }


def _out_of_order(calls: Sequence[tuple[int, str]], wire: Sequence[tuple[int, str, int]]) -> int:
    place: dict[int, int] = {}
    for position, (number, *_) in enumerate(wire):
        place.setdefault(number, position)
    by_author: dict[str, list[int]] = defaultdict(list)
    for number, author in calls:
        by_author[author].append(place[number])
    return sum(one > other for places in by_author.values() for one, other in pairwise(places))


def report(soak: Soak, result: dict[str, Any], faults: Counter[str]) -> str:
    """The figures, for people."""
    arguments, samples = soak.arguments, soak.samples
    failures = Counter(name for (name,) in soak.journal("failed"))
    rows = [
        f"soak: {result['elapsed'] / 60:.1f} min, {arguments.rate:g} messages/s, {arguments.faults:g} faults/s, "
        f"seed {arguments.seed}, Python {sys.version.split()[0]}, {os.cpu_count()} cores",
        f"  faults played       {sum(faults.values())}: "
        + ", ".join(f"{name} {count}" for name, count in sorted(faults.items())),
        f"  starts of the bot   {len(soak.journal('started'))}, sessions {result['sessions']}",
        f"  messages            said {result['said']}, sent {result['sent']}, handled {result['handled']}",
        f"  lost                {result['lost']}",
        f"  doubled             {result['doubled']}",
        f"  out of order        {result['out of order']}",
        f"  not sent            {result['unsent']} while there was no session, "
        f"{result['undelivered']} not delivered before the platform ended their session",
        f"  replies             {result['answered']}, doubled {result['replies doubled']}, "
        f"failed {dict(failures) or 0}",
    ]
    third = len(samples) // 3
    if third:
        for number, name in ((1, "memory, MiB"), (2, "threads"), (3, "descriptors")):
            parts = (samples[:third], samples[third:-third], samples[-third:])
            medians = [sorted(sample[number] for sample in part)[len(part) // 2] for part in parts]
            rows.append(f"  {name:<19} {' → '.join(f'{one:.0f}' for one in medians)} (medians of the thirds)")
    return "\n".join(rows)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--minutes", type=float, default=3.0)
    parser.add_argument("--rate", type=float, default=100.0, help="messages a second")
    parser.add_argument("--faults", type=float, default=1.0, help="fault verbs a second")
    parser.add_argument("--restart", type=float, default=15.0, help="seconds between restarts of the client; 0: never")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--bot", nargs=5, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.bot:
        bot(*arguments.bot)
        return 0
    with tempfile.TemporaryDirectory() as directory, Simulator() as qq:
        soak = Soak(arguments, qq, Path(directory))
        try:
            result = soak.run()
            faults = Counter(entry["verb"] for entry in qq.entries(kinds=("fault",)))
            faults.pop("chaos", None)
            print(report(soak, result, faults))
        finally:
            soak.end()
    return int(any(result[name] for name in ("lost", "doubled", "out of order", "replies doubled")))


if __name__ == "__main__":
    sys.exit(main())
