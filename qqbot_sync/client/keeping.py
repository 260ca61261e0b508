"""Writing down what is finished, so that the next process knows: in groups, behind the handlers' back."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from qqbot_sync.store import Done, Record, Remembered, Store

if TYPE_CHECKING:
    from qqbot_sync.clock import Clock
    from qqbot_sync.events import RawEvent

__all__ = ["Keeper", "Numbers"]

log = logging.getLogger("qqbot_sync.client")

GROUP_SECONDS = 0.05
GROUP_EVENTS = 100
"""What is finished is committed after so long, or so many events, whichever comes first."""
BLOCK = 256
"""Sequence numbers marked ahead as begun, so that the mark costs one commit for so many events."""
JOIN_TIMEOUT = 2.0
"""Seconds a store that hangs may hold up the end."""
RETRY_SECONDS = 1.0
"""Between two tries to write to a store that fails."""
MOST_KEPT = 10_000
"""Finished events held in memory while the store fails."""
COMPLAIN_EVERY = 60.0
"""Seconds between two log lines about a store that fails."""

Numbers = tuple[int, int]
"""(shard id, shard count)."""


class Keeper:
    """The memory of one run. Thread-safe; `start` and `stop` belong to the run.

    Args:
        key_of: what a shard's memory is kept under.
        describe: the present record of a shard, with the mark that is given.
        broken: told if the thread that writes dies.
    """

    def __init__(
        self,
        store: Store,
        key_of: Callable[[Numbers], str],
        *,
        clock: Clock,
        describe: Callable[[Numbers, int], Record],
        broken: Callable[[BaseException], None] | None = None,
    ) -> None:
        self._store = store
        self._key_of = key_of
        self._clock = clock
        self._describe = describe
        self._broken = broken
        self._lock = threading.Lock()
        self._pending: dict[Numbers, list[Done]] = {}
        self._marks: dict[Numbers, int] = {}
        self._unwritten: set[Numbers] = set()
        """Shards whose last commit failed."""
        # Held while the store writes: an older record must never follow a newer one. Guards nothing else.
        self._writing = threading.Lock()
        self._opened: list[Numbers] = []
        self._something = threading.Event()
        self._enough = threading.Event()
        self._over = threading.Event()
        self._complained_at: float | None = None
        self._last: Callable[[], None] = self.release
        self._thread = threading.Thread(target=self._run, name="qqbot-store", daemon=True)

    def open(self, numbers: Numbers) -> Remembered:
        """What an earlier run left. Raises AlreadyRunning if another process has it open."""
        remembered = self._store.open(self._key_of(numbers))
        self._pending[numbers] = []
        self._marks[numbers] = remembered.record.mark if remembered.record is not None else 0
        self._opened.append(numbers)
        return remembered

    def start(self) -> None:
        """Starts the thread that writes."""
        self._thread.start()

    def reserve(self, numbers: Numbers, seq: int | None) -> None:
        """Before this event begins, the store must know that it may have. Called by the shard's reader alone."""
        if seq is not None and seq > self._marks[numbers]:
            self._marks[numbers] = seq + BLOCK - 1
            self._commit(numbers)

    def renew(self, numbers: Numbers) -> None:
        """A new session: its numbers begin anew, and nothing of the old one will be replayed."""
        self._marks[numbers] = BLOCK
        self._commit(numbers)

    def finished(self, event: RawEvent, session_id: str | None) -> None:
        """The event is done with; the store learns of it within 50 ms."""
        family, identity = event.dedupe or (None, None)
        done = Done(session_id, event.seq, family, identity)
        with self._lock:
            pending = self._pending.get(event.shard)
            if pending is None:
                return  # of a shard that has been given up: its session is gone, and nothing of it is replayed
            pending.append(done)
            count = len(pending)
        if count == 1:
            self._something.set()
        elif count == GROUP_EVENTS:
            self._enough.set()

    def stop(self, highest: Callable[[Numbers], int]) -> None:
        """Writes the rest and closes the store. `highest` tells how far a shard really came."""

        def write() -> None:
            for numbers in tuple(self._opened):
                # Nothing begins any more: the mark need not lie ahead.
                self._marks[numbers] = highest(numbers)
                self._commit(numbers)

        self._end(write)

    def abandon(self) -> None:
        """The run was never READY: what an earlier one left stays as it is, but for events that a replay brought."""

        def write() -> None:
            for numbers in tuple(self._opened):
                if self._pending.get(numbers):
                    self._commit(numbers)

        self._end(write)

    def _end(self, write: Callable[[], None]) -> None:
        def last() -> None:
            try:
                write()
            finally:
                self.release()

        # The thread does it, so that a store that hangs holds up nobody else for long.
        self._last = last
        self._over.set()
        self._something.set()
        self._enough.set()
        if not self._thread.is_alive():
            last()
            return
        self._thread.join(JOIN_TIMEOUT)
        if self._thread.is_alive():
            log.error(
                "状态在 %g 秒内未能保存,重启后可能重复处理部分消息 / "
                "the store took longer than %g s: after a restart some messages may be handled again",
                JOIN_TIMEOUT,
                JOIN_TIMEOUT,
            )

    def release(self) -> None:
        """Forgets every shard of the run; another process may have them."""
        while self._opened:
            numbers = self._opened.pop()
            with self._writing, self._lock:
                del self._pending[numbers]
            try:
                self._store.close(self._key_of(numbers))
            except Exception as error:  # noqa: BLE001  as in `_commit`
                self._complain(error)

    @property
    def is_running(self) -> bool:
        return self._thread.is_alive()

    def _run(self) -> None:
        try:
            while not self._over.is_set():
                self._clock.wait(self._something, None)
                self._something.clear()
                self._clock.wait(self._enough, GROUP_SECONDS)
                self._enough.clear()
                if not self._write_all():
                    self._clock.wait(self._over, RETRY_SECONDS)
            self._last()
        except BaseException as error:
            log.critical("store thread died", exc_info=True)
            if self._broken is not None:
                self._broken(error)

    def _write_all(self) -> bool:
        """Writes what there is; False where the store fails."""
        fine = True
        for numbers in tuple(self._opened):
            if (self._pending.get(numbers) or numbers in self._unwritten) and not self._over.is_set():
                fine = self._commit(numbers) and fine
        return fine

    def _commit(self, numbers: Numbers) -> bool:
        with self._writing:
            with self._lock:
                if numbers not in self._pending:
                    return True
                done, self._pending[numbers] = self._pending[numbers], []
            # Described after `done` was taken: the record may know more than the list, never less.
            record = self._describe(numbers, self._marks[numbers])
            try:
                self._store.commit(self._key_of(numbers), record, done)
            except Exception as error:  # noqa: BLE001  a store of the user's may raise anything; the bot goes on
                with self._lock:
                    self._pending[numbers] = [*done, *self._pending[numbers]][-MOST_KEPT:]
                self._unwritten.add(numbers)
                self._something.set()
                self._complain(error)
                return False
            self._unwritten.discard(numbers)
            return True

    def _complain(self, error: Exception) -> None:
        now = self._clock.now()
        if self._complained_at is not None and now - self._complained_at < COMPLAIN_EVERY:
            return
        self._complained_at = now
        log.error(
            "状态无法保存,重启后可能重复处理部分消息 / "
            "the store cannot be written: after a restart some messages may be handled again",
            exc_info=error,
        )
