"""Events, contexts and dispatchers for the tests of `qqbot_sync.dispatch`."""

from __future__ import annotations

import itertools
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from qqbot_sync.clock import Clock, SystemClock
from qqbot_sync.dispatch import Dispatcher, Offer, Router
from qqbot_sync.events import Keys, RawEvent
from tests.support import PATIENCE

GROUP = "GROUP_AT_MESSAGE_CREATE"
_numbers = itertools.count(1)


class Ctx:
    """The least a context must have. The event of these tests is a text, its body."""

    def __init__(self, raw_event: RawEvent) -> None:
        self.raw_event = raw_event
        self.propagation_stopped = False

    @property
    def name(self) -> str:
        return self.raw_event.name

    @property
    def event(self) -> Any:
        return bytes(self.raw_event.d).decode()

    @property
    def raw(self) -> Any:
        return {"raw": self.event}

    @property
    def envelope(self) -> dict[str, Any]:
        return {"t": self.name, "d": self.event}

    def stop_propagation(self) -> None:
        self.propagation_stopped = True


class Finished:
    """Counts how often each event was finished. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.times: Counter[str] = Counter()

    def __call__(self, event: RawEvent) -> None:
        with self._lock:
            self.times[bytes(event.d).decode()] += 1

    @property
    def texts(self) -> list[str]:
        with self._lock:
            return sorted(self.times)


def an_event(
    text: str = "hi",
    *,
    author: str = "ann",
    place: str = "group:g",
    name: str = GROUP,
    id: str | None = "",
    at: float = 1e9,
    done: Callable[[RawEvent], None] | None = None,
) -> RawEvent:
    """One event; its id is new unless given, its body the text, its time in the far future unless given."""
    number = next(_numbers)
    keys = Keys(f"id-{number}" if id == "" else id, place, author)
    return RawEvent(
        name=name,
        d=text.encode(),
        frame=b"{}",
        event_id=f"event-{number}",
        seq=number,
        shard=(0, 1),
        received_at=at,
        keys=keys,
        done=done,
    )


class Counts:
    """A sink for numbers. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.numbers: Counter[str] = Counter()

    def count(self, name: str, by: int = 1) -> None:
        with self._lock:
            self.numbers[name] += by


class Bot:
    """A router and a running dispatcher, with shorthands."""

    def __init__(self, *, clock: Clock | None = None, **settings: Any) -> None:
        self.router = Router()
        self.counts = Counts()
        self.finished = Finished()
        self.closings: list[BaseException | None] = []
        self.dispatcher = Dispatcher(
            self.router,
            context=settings.pop("context", Ctx),
            clock=clock or SystemClock(),
            counters=self.counts,
            on_closing=self.closings.append,
            **settings,
        )

    def on(self, event: object = GROUP) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        def register(fn: Callable[..., Any]) -> Callable[..., Any]:
            self.router.add("event", fn, event=event)
            return fn

        return register

    def offer(self, text: str = "hi", **facts: Any) -> Offer:
        return self.dispatcher.offer(an_event(text, done=self.finished, **facts))

    def drain(self) -> None:
        assert self.dispatcher.drain(PATIENCE), f"not drained:\n{self.dispatcher.stacks()}"


@contextmanager
def running(**settings: Any) -> Iterator[Bot]:
    """A bot that is stopped at the end, whatever happened."""
    bot = Bot(**settings)
    bot.dispatcher.start()
    try:
        yield bot
    finally:
        bot.dispatcher.close_intake()
        bot.dispatcher.end_waiters()
        bot.dispatcher.drain(PATIENCE)
        bot.dispatcher.stop()


class Gate:
    """Where handlers stop until the test lets them go on; it counts who has come. Thread-safe."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self.came: list[str] = []
        self._is_open = False

    def pass_through(self, text: str = "") -> None:
        with self._changed:
            self.came.append(text)
            self._changed.notify_all()
            assert self._changed.wait_for(lambda: self._is_open, PATIENCE), "the gate was never opened"

    def wait_for_visitors(self, count: int) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.came) >= count, PATIENCE), f"only {self.came} came"

    def open(self) -> None:
        with self._changed:
            self._is_open = True
            self._changed.notify_all()
