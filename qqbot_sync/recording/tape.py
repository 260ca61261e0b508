"""Writing a recording: one JSON line after the other, on a thread of its own."""

from __future__ import annotations

import atexit
import gzip
import logging
import queue
import threading
from collections.abc import Mapping
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Protocol

from qqbot_sync import codec
from qqbot_sync.clock import Clock
from qqbot_sync.recording.exchange import Exchange
from qqbot_sync.recording.scrubbing import Scrubber
from qqbot_sync.recording.steps import Down, End, EventStep, Fact, Header, Lost, Mark, Note, Step, Stop, Verdict

__all__ = ["Tape", "free_path"]

log = logging.getLogger("qqbot_sync.client")

MOST_WAITING = 20_000
"""Records that wait for the disk; the bot is not held up for more."""
JOIN_TIMEOUT = 5.0
"""Seconds a slow disk may hold up the end."""
COMPLAIN_EVERY = 60.0
"""Seconds between two log lines about records that were lost."""
LOOK = 1.0
"""Seconds between two looks whether the tape was closed while there was no room for the last word."""
AT_ONCE = 200
"""Records between two flushes where many wait."""


class _File(Protocol):
    def write(self, data: bytes, /) -> int: ...
    def flush(self) -> None: ...
    def close(self) -> None: ...


class Tape:
    """One recording under way. Thread-safe: whoever records only puts a value into a queue.

    Args:
        path: of a file that does not exist; compressed where the name ends in `.gz`.
        app_id, api_url: of the bot, for the first line.
        scrubber: takes the secrets out.
        clock: tells the offsets; they count from here.
        size: records that may wait for the disk. What comes while it is full is counted, and said loudly.

    Raises:
        OSError: the file cannot be made, or exists.
    """

    def __init__(
        self, path: Path, *, app_id: str, api_url: str, scrubber: Scrubber, clock: Clock, size: int = MOST_WAITING
    ) -> None:
        self.path = path
        self.scrubber = scrubber
        self._clock = clock
        self._began = clock.now()
        began_at = datetime.fromtimestamp(clock.wall(), timezone.utc).isoformat(timespec="seconds")
        header = Header(app_id, api_url, began_at, hides_texts=scrubber.hides_texts)
        self._lock = threading.Lock()
        self._events = self._calls = self._lost = 0
        self._told_lost = 0
        self._complained_at: float | None = None
        self._is_broken = False
        self._closed = False
        self._queue: queue.Queue[Step | None] = queue.Queue(size)
        self._raw = path.open("xb")
        self._file: _File = self._raw
        if path.suffix == ".gz":
            self._file = gzip.GzipFile(filename="", mode="wb", fileobj=self._raw, compresslevel=6, mtime=0)
        try:
            self._write(header.to_json())
            self._file.flush()
        except BaseException:
            self._shut()
            raise
        self._thread = threading.Thread(target=self._run, name="qqbot-recorder", daemon=True)
        self._thread.start()
        # A program that never says stop() still leaves a whole file.
        atexit.register(self.close)

    # -- what is recorded -----------------------------------------------------------------------------------------

    def since(self, when: float) -> float:
        """Seconds from the start of the recording to `when`, of `clock.now()`."""
        return round(when - self._began, 6)

    def now(self) -> float:
        """Seconds from the start of the recording."""
        return self.since(self._clock.now())

    def event(self, received_at: float, shard: tuple[int, int], frame: bytes, *, redelivered: bool) -> int:
        """An event came; returns its number."""
        with self._lock:
            self._events += 1
            number = self._events
        self._put(EventStep(self.since(received_at), number, shard, frame, redelivered))
        return number

    def mark(self, what: str, number: int, wait: int = 0, *, when: float | None = None) -> None:
        """As in `Mark`; `when` in seconds of the clock, None: now."""
        self._put(Mark(self.now() if when is None else self.since(when), what, number, wait))

    def verdict(self, number: int, verdict: str) -> None:
        """As in `Verdict`."""
        self._put(Verdict(self.now(), number, verdict))

    def down(self, shard_id: int, *, verdict: str, cause: str, reason: str) -> None:
        """A connection ended."""
        self._put(Down(self.now(), shard_id, verdict, cause, reason))

    def stop(self) -> None:
        """The bot begins to stop."""
        self._put(Stop(self.now()))

    def note(self, text: str) -> None:
        """Something for people."""
        self._put(Note(self.now(), text))

    def user(self, user: Mapping[str, Any]) -> None:
        """The bot's own user, where no READY will tell it."""
        self._put(Fact(self.now(), user))

    def exchange(self, exchange: Exchange) -> None:
        """A call was answered, or failed. It is scrubbed already."""
        with self._lock:
            self._calls += 1
        self._put(exchange)

    @property
    def counts(self) -> tuple[int, int, int]:
        """(events, calls, records lost) so far."""
        with self._lock:
            return self._events, self._calls, self._lost

    # -- the end --------------------------------------------------------------------------------------------------

    def close(self) -> None:
        """Writes what waits, and the last line. A second call does nothing; what is recorded later is ignored."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
        atexit.unregister(self.close)
        if not self._thread.is_alive():
            # It has given up, and said so.
            return
        try:
            self._queue.put(None, timeout=JOIN_TIMEOUT)
        except queue.Full:
            log.error("录制文件 %s 写入太慢,没有写完 / the disk is too slow: %s is not whole", self.path, self.path)
            return
        self._thread.join(JOIN_TIMEOUT)

    # -- the thread -----------------------------------------------------------------------------------------------

    def _put(self, step: Step) -> None:
        if self._closed:
            return
        if self._is_broken:
            with self._lock:
                self._lost += 1
            return
        try:
            self._queue.put_nowait(step)
        except queue.Full:
            self._lose()

    def _lose(self) -> None:
        now = self._clock.now()
        with self._lock:
            self._lost += 1
            lost = self._lost
            if self._complained_at is not None and now - self._complained_at < COMPLAIN_EVERY:
                return
            self._complained_at = now
        log.error(
            "录制跟不上,已丢失 %s 条记录:%s / the recording cannot keep up, %s records are lost so far: %s",
            lost,
            self.path,
            lost,
            self.path,
        )

    def _run(self) -> None:
        try:
            self._write_all()
        except OSError as error:
            self._give_up(error)
        except Exception as error:
            log.critical("recorder thread died", exc_info=True)
            self._give_up(error)
        finally:
            self._shut()

    def _write_all(self) -> None:
        written = 0
        step = self._next()
        while step is not None:
            self._tell_lost()
            self._write(_plain(step, self.scrubber))
            written += 1
            if self._queue.empty() or written % AT_ONCE == 0:
                self._file.flush()
            step = self._next()
        self._tell_lost()
        self._write(End(self.now(), *self.counts).to_json())

    def _next(self) -> Step | None:
        while True:
            try:
                return self._queue.get(timeout=LOOK)
            except queue.Empty:
                if self._closed:
                    return None

    def _tell_lost(self) -> None:
        """Where records are missing, the file says so in their place."""
        _, _, lost = self.counts
        if lost > self._told_lost:
            self._write(Lost(self.now(), lost - self._told_lost).to_json())
            self._told_lost = lost

    def _write(self, record: Mapping[str, Any]) -> None:
        self._file.write(codec.dumps(record) + b"\n")

    def _give_up(self, error: Exception) -> None:
        """The bot goes on; only the recording ends here."""
        self._is_broken = True
        log.error(
            "录制中断,机器人继续运行:%s / the recording ends here, the bot goes on: %s: %s",
            self.path,
            self.path,
            error,
        )

    def _shut(self) -> None:
        try:
            self._file.close()
        except OSError as error:
            if not self._is_broken:
                self._give_up(error)
        finally:
            # Closing the compressor does not close what it writes to.
            self._raw.close()


def free_path(path: str) -> Path:
    """`path`, or the first of `name-2.jsonl`, `name-3.jsonl`, … that is not there: nothing is ever overwritten."""
    chosen, number = Path(path), 1
    while chosen.exists():
        number += 1
        stem, dot, endings = Path(path).name.partition(".")
        chosen = Path(path).with_name(f"{stem}-{number}{dot}{endings}")
    return chosen


def _plain(step: Step, scrubber: Scrubber) -> Mapping[str, Any]:
    """A step as JSON without secrets; an exchange was scrubbed by whoever made it."""
    if isinstance(step, EventStep):
        return step.to_json(scrubber)
    record = step.to_json()
    if isinstance(step, Fact):
        return {**record, "user": scrubber.json(record["user"])}
    if isinstance(step, Down | Note):
        return {key: scrubber.text(value) if isinstance(value, str) else value for key, value in record.items()}
    return record
