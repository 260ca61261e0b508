"""What tests of the memory share: a bot that writes down what it handles, and a file as a dead process left it."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from qqbot_sync import BotClient, Context, Simulator
from qqbot_sync.client.run import record_key
from qqbot_sync.store import Record, Remembered, SqliteStore
from tests.support import eventually

GATE_TIMEOUT = 60.0
"""Seconds a held handler waits; only a broken test waits that long."""


class Handled(NamedTuple):
    """One call of a handler."""

    text: str
    redelivered: bool
    seq: int | None
    author: str


class Held:
    """A handler of messages that waits to be let go, and notes the texts it has handled."""

    def __init__(self, client: BotClient) -> None:
        self.begun, self.go_on = threading.Event(), threading.Event()
        self.handled: list[str] = []
        client.on_message(self._take)

    def _take(self, ctx: Context, message: Any) -> None:
        self.begun.set()
        assert self.go_on.wait(GATE_TIMEOUT)
        self.handled.append(message.content.strip())


class Diary:
    """Handlers that write down what they get; some texts are held until they are let go."""

    def __init__(self, *, reply: Callable[[Context, str], object] | None = None) -> None:
        self._lock = threading.Lock()
        self.begun: list[Handled] = []
        self.ended: list[str] = []
        self._gates: dict[str, threading.Event] = {}
        self._reply = reply

    def hold(self, *texts: str) -> None:
        """Handlers of these texts wait for `let_go`."""
        for text in texts:
            self._gates[text] = threading.Event()

    def let_go(self) -> None:
        for gate in self._gates.values():
            gate.set()

    def attach(self, client: BotClient) -> BotClient:
        """Has `client` write into this diary."""

        @client.on_message()
        def note(ctx: Context, message: Any) -> None:
            text = message.content.strip()
            with self._lock:
                self.begun.append(Handled(text, ctx.redelivered, ctx.seq, ctx.keys.author))
            if self._reply is not None:
                self._reply(ctx, text)
            gate = self._gates.get(text)
            if gate is not None:
                gate.wait(GATE_TIMEOUT)
            with self._lock:
                self.ended.append(text)

        return client

    def texts(self) -> list[str]:
        with self._lock:
            return [one.text for one in self.begun]

    def until(self, *texts: str) -> None:
        """Waits until all of these have begun."""
        eventually(lambda: set(texts) <= set(self.texts()), what=f"handling {texts}")

    def until_ended(self, *texts: str) -> None:
        eventually(lambda: set(texts) <= set(self.ended), what=f"the end of {texts}")


Again = Callable[..., tuple[BotClient, Diary]]


def remembered(path: Path, client: BotClient, numbers: tuple[int, int] = (0, 1)) -> Remembered:
    """What the file tells a process that starts now, read without a lock."""
    copy = _copied(path)
    try:
        store = SqliteStore(copy)
        key = record_key(client.api, numbers)
        found = store.open(key)
        store.close(key)
        return found
    finally:
        for part in copy.parent.glob(f"{copy.name}*"):
            part.unlink()


def record_of(path: Path, client: BotClient, numbers: tuple[int, int] = (0, 1)) -> Record:
    record = remembered(path, client, numbers).record
    assert record is not None
    return record


def until_done(path: Path, client: BotClient, *seqs: int | None) -> None:
    """Waits until the file says that these events are done."""

    def is_written() -> bool:
        found = remembered(path, client)
        written = {one.seq for one in found.done}
        return all(seq in written for seq in seqs)

    eventually(is_written, what=f"{seqs} in the file")


def until_written(path: Path, client: BotClient, seq: int) -> None:
    """Waits until the file knows that this event is over, by its number or by the resume point."""

    def is_written() -> bool:
        found = remembered(path, client)
        return found.record is not None and (found.record.seq >= seq or seq in {one.seq for one in found.done})

    eventually(is_written, what=f"{seq} in the file")


class Grave:
    """The file as a process that dies now leaves it; `dig` brings it back after the client has been stopped."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._copy = _copied(path, ".grave")

    def dig(self) -> None:
        for suffix in ("-wal", "-shm"):
            self._path.with_name(self._path.name + suffix).unlink(missing_ok=True)
        self._copy.replace(self._path)


def died(client: BotClient, diary: Diary, path: Path) -> None:
    """What the next process finds is what there would be if this one had been killed now."""
    grave = Grave(path)
    diary.let_go()
    client.stop()
    grave.dig()


def _copied(path: Path, suffix: str = ".copy") -> Path:
    copy = path.with_name(path.name + suffix)
    source, target = sqlite3.connect(path, timeout=30), sqlite3.connect(copy)
    try:
        source.backup(target)
    finally:
        source.close()
        target.close()
    return copy


def edit(path: Path, sql: str, *values: object) -> None:
    """Changes what a stopped bot left."""
    connection = sqlite3.connect(path)
    try:
        with connection:
            connection.execute(sql, values)
    finally:
        connection.close()


def entries(qq: Simulator, *kinds: str) -> list[dict[str, Any]]:
    return qq.entries(kinds=kinds)


def seq_of(qq: Simulator, said: Any) -> int:
    return next(entry["s"] for entry in entries(qq, "dispatched") if entry["id"] == said.id)
