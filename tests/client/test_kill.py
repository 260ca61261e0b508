"""A bot is killed with `kill -9` under a stream of messages, again and again: nothing is missing, nothing is doubled.

What may be handled again is what was running, or had ended within the commit interval; each time the handler is told.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from qqbot_sync import Simulator
from qqbot_sync.store import Record, SqliteStore
from tests.client.memory import entries
from tests.client.talkers import Talkers
from tests.support import eventually

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")

ROOT = Path(__file__).parents[2]
PLACES = ("group", "c2c", "group", "c2c", "channel")
COMMIT_SLACK = 3.0
"""Seconds: the commit interval is 0.05; the rest is for a machine that has other things to do."""
PATIENCE = 120.0


class Line(NamedTuple):
    """One line of the journal."""

    kind: str
    text: str
    seq: int
    redelivered: bool
    at: float


@dataclass
class Life:
    """What one process did, and what the file said after its death."""

    lines: list[Line]
    died_at: float
    record: Record | None = None
    done: set[int] = field(default_factory=set)

    def running(self) -> set[str]:
        begun = Counter(line.text for line in self.lines if line.kind == "B")
        begun.subtract(line.text for line in self.lines if line.kind == "E")
        return {text for text, count in begun.items() if count > 0}

    def is_durable(self, seq: int) -> bool:
        return self.record is not None and (seq <= self.record.seq or seq in self.done)


class Victim:
    """One bot process."""

    def __init__(self, qq: Simulator, directory: Path) -> None:
        self._journal = directory / "journal"
        self._store = directory / "bot.db"
        self._offset = self._journal.stat().st_size if self._journal.exists() else 0
        environment = {
            **{name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")},
            "QQ_BOT_APP_ID": qq.app_id,
            "QQ_BOT_SECRET": qq.secret,
            "QQ_BOT_ENVIRONMENT": qq.url,
        }
        self._errors = (directory / "stderr").open("ab")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.client.killed_bot", str(self._store), str(self._journal)],
            env=environment,
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=self._errors,
            stderr=self._errors,
        )

    def lines(self) -> list[Line]:
        if not self._journal.exists():
            return []
        with self._journal.open("rb") as file:
            file.seek(self._offset)
            whole = file.read().rpartition(b"\n")[0].decode()
        parts = [line.split() for line in whole.splitlines()]
        return [Line(kind, text, int(seq), redelivered == "1", float(at)) for kind, text, seq, redelivered, at in parts]

    def kill(self) -> Life:
        assert self.process.poll() is None, "it had ended by itself"
        at = time.monotonic()
        self.process.kill()
        self.process.wait()
        self._errors.close()
        life = Life(self.lines(), at)
        # Another process opens the file, as the next one will.
        store = SqliteStore(self._store)
        (key,) = _keys(self._store)
        found = store.open(key)
        store.close(key)
        life.record = found.record
        assert life.record is not None
        life.done = {one.seq for one in found.done if one.seq is not None and one.session_id == life.record.session_id}
        return life

    def end(self) -> Life:
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(PATIENCE) == 0
        self._errors.close()
        return Life(self.lines(), time.monotonic())

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self._errors.close()


def _keys(path: Path) -> list[str]:
    import sqlite3

    connection = sqlite3.connect(path)
    try:
        return [key for (key,) in connection.execute("SELECT key FROM record")]
    finally:
        connection.close()


def _kill_at_random(qq: Simulator, directory: Path, dice: random.Random, *, first: bool, early: bool) -> Life:
    victim = Victim(qq, directory)
    try:
        if early and not first:
            # While it starts, or in the middle of the replay.
            threading.Event().wait(dice.uniform(0.2, 1.0))
        else:
            enough = dice.randint(20, 160)
            eventually(lambda: len(victim.lines()) >= enough, within=PATIENCE, what=f"{enough} lines")
            threading.Event().wait(dice.uniform(0.0, 0.03))
        return victim.kill()
    finally:
        victim.close()


@pytest.mark.parametrize(
    ("seed", "kills"),
    [
        pytest.param(6, 5, id="5 times"),
        pytest.param(66, 50, id="50 times", marks=[pytest.mark.long, pytest.mark.timeout(900)]),
    ],
)
def test_a_killed_bot_misses_nothing_and_doubles_no_reply(seed: int, kills: int, tmp_path: Path) -> None:
    dice = random.Random(seed)
    lives: list[Life] = []
    with Simulator() as qq:
        talkers = Talkers(qq, places=PLACES)
        last = first = Victim(qq, tmp_path)
        try:
            # From READY on, which the file knows before any handler runs.
            eventually(lambda: first.lines(), within=PATIENCE, what="READY")
            talkers.start()
            eventually(lambda: len(first.lines()) >= 100, within=PATIENCE, what="100 lines")
            lives.append(first.kill())
            for number in range(1, kills):
                lives.append(_kill_at_random(qq, tmp_path, dice, first=False, early=number % 5 == 4))
            talkers.end()
            last = Victim(qq, tmp_path)
            texts = {str(number) for number in range(talkers.said)}
            _until_all_ended(lives, last, texts)
            lives.append(last.end())
        finally:
            talkers.end()
            first.close()
            last.close()
        log = entries(qq, "said", "dispatched", "answered", "identified")
    check(lives, log, kills=kills)


def _until_all_ended(lives: list[Life], last: Victim, texts: set[str]) -> None:
    ended = {line.text for life in lives for line in life.lines if line.kind == "E"}

    def missing() -> set[str]:
        return texts - ended - {line.text for line in last.lines() if line.kind == "E"}

    try:
        # What ended in a process that died at once may be handled again: there is no telling it from the journal.
        eventually(lambda: not missing(), within=PATIENCE)
    except AssertionError:
        raise AssertionError(f"missing: {sorted(missing(), key=int)[:20]} of {len(texts)}") from None


def check(lives: list[Life], log: list[dict[str, Any]], *, kills: int) -> None:
    said = {entry["id"]: entry for entry in log if entry["kind"] == "said"}
    wire = [entry for entry in log if entry["kind"] == "dispatched"]
    assert len([entry for entry in log if entry["kind"] == "identified"]) == 1, "one session through all deaths"
    assert {entry["id"] for entry in wire} == set(said)
    assert len(lives) == kills + 1
    busy = sum(bool(life.running()) for life in lives[:-1])
    assert busy * 2 >= kills, f"only {busy} of {kills} kills while handlers ran"
    _check_repeats(lives)
    _check_order(lives, [said[entry["id"]] for entry in wire])
    _check_replies(log, said)


def _check_repeats(lives: list[Life]) -> None:
    """Handled again is only what may be, and the handler knows."""
    known: dict[str, tuple[int, Life]] = {}
    for number, life in enumerate(lives):
        running = life.running()
        for line in life.lines:
            if line.kind != "B":
                continue
            assert line.text not in known or known[line.text][0] < number, f"{line.text} twice in one process"
            if line.text in known:
                before = known[line.text][1]
                assert line.redelivered, f"{line.text} was begun before and its handler was not told"
                assert not before.is_durable(line.seq), f"{line.text} was known to be done"
                ends = [one.at for one in before.lines if one.kind == "E" and one.text == line.text]
                assert line.text in before.running() or before.died_at - ends[-1] < COMMIT_SLACK, (
                    f"{line.text} had ended {before.died_at - ends[-1]:.3f} s before the end"
                )
            known[line.text] = (number, life)
        if life.record is not None:
            begun = [line.seq for line in life.lines if line.kind == "B"]
            assert max(begun, default=0) <= life.record.mark, "begun above the mark"
            for text in running:
                seq = next(line.seq for line in life.lines if line.text == text)
                assert not life.is_durable(seq), f"{text} was running and the file said it was done"


def _check_order(lives: list[Life], wire: list[dict[str, Any]]) -> None:
    """Each author's messages begin in the order they were sent, whichever process they meet."""
    position = {entry["text"]: index for index, entry in enumerate(wire)}
    users = {entry["text"]: entry["user"] for entry in wire}
    for life in lives:
        begun = defaultdict(list)
        for line in life.lines:
            if line.kind == "B":
                begun[users[line.text]].append(position[line.text])
        for user, order in begun.items():
            assert order == sorted(order), f"the messages of {user} out of order"


def _check_replies(log: list[dict[str, Any]], said: dict[str, dict[str, Any]]) -> None:
    answers: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for entry in log:
        if entry["kind"] == "answered" and entry["scene"] in ("group", "c2c"):
            answers[entry["msg_id"]].append(entry)
    for id, message in said.items():
        if message["scene"] not in ("group", "c2c"):
            continue
        text = message["text"]
        expected = [f"first to {text}", *([f"second to {text}"] if int(text) % 4 == 0 else [])]
        assert [one["content"] for one in answers[id]] == expected, f"replies to {text}: lost or doubled"
        assert [one["msg_seq"] for one in answers[id]] == list(range(1, len(expected) + 1))
