"""Threads that wait for events: watches, which see them pass, and expectations, which take one away."""

from __future__ import annotations

import threading
from collections import OrderedDict, deque
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

from qqbot_sync.dispatch import advice
from qqbot_sync.dispatch.filters import MESSAGE_NAMES
from qqbot_sync.errors import Stopped

if TYPE_CHECKING:
    from qqbot_sync.clock import Clock
    from qqbot_sync.dispatch.witness import Waiting
    from qqbot_sync.events import RawEvent

__all__ = ["Expectation", "Waiters", "Watch"]

Pause = Callable[[], AbstractContextManager[None]]
"""Entered around every blocking wait: a handler gives its permit and its lane to others meanwhile."""


class _Mailbox:
    """Where one waiting thread is handed its events. Thread-safe; it never blocks whoever delivers."""

    def __init__(self, clock: Clock, pause: Pause, waiting: Waiting | None) -> None:
        self._clock = clock
        self._pause = pause
        self._waiting = waiting
        self._lock = threading.Lock()
        self._events: deque[RawEvent] = deque()
        self._end: BaseException | None = None
        self._something = threading.Event()

    def end(self, error: BaseException) -> None:
        """What is still in the mailbox is handed out; then every wait ends with `error`."""
        with self._lock:
            if self._end is None:
                self._end = error
            self._something.set()

    def _is_over(self) -> None:
        """The witness is told once."""
        waiting, self._waiting = self._waiting, None
        if waiting is not None:
            waiting.over()

    def _receive(self, timeout: float | None) -> RawEvent:
        event = self._take()
        if event is not None:
            return event
        end = None if timeout is None else self._clock.now() + timeout
        with self._pause():
            while True:
                left = None if end is None else max(0.0, end - self._clock.now())
                came = self._clock.wait(self._something, left)
                event = self._take()
                if event is not None:
                    return event
                if not came:
                    # Here, and not when it is closed: what comes in between was not waited for any more.
                    self._is_over()
                    raise TimeoutError(advice.nothing_came(timeout))

    def _take(self) -> RawEvent | None:
        with self._lock:
            if self._events:
                event = self._events.popleft()
                if not self._events and self._end is None:
                    self._something.clear()
                return event
            if self._end is None:
                self._something.clear()
                return None
            error = self._end
        if type(error) is Stopped:
            # One instance each: threads that share one would grow each other's traceback.
            raise Stopped(*error.args)
        raise error.with_traceback(None)


class Watch(_Mailbox):
    """A view of the events of some names. Thread-safe; made by `Dispatcher.watch`, ended by `close`.

    It sees each event once, handlers or not, and never holds anything up: when `limit` events wait in it, the oldest
    of them is forgotten and counted.

    Attributes:
        dropped: events forgotten because nobody fetched them in time.
    """

    def __init__(
        self,
        names: frozenset[str] | None,
        *,
        limit: int,
        clock: Clock,
        pause: Pause,
        context: Callable[[RawEvent], Any],
        closed: Callable[[Watch], None],
        waiting: Waiting | None = None,
    ) -> None:
        super().__init__(clock, pause, waiting)
        self.names = names
        self.dropped = 0
        self._limit = limit
        self._context = context
        self._closed = closed
        self._shown: OrderedDict[tuple[str, str], None] = OrderedDict()

    def sees(self, name: str) -> bool:
        """Whether events of this name are shown here."""
        return self.names is None or name in self.names

    def show(self, event: RawEvent) -> None:
        """Called by the dispatcher alone."""
        key = event.dedupe
        with self._lock:
            if self._end is not None:
                return
            if key is not None:
                if key in self._shown:
                    return
                self._shown[key] = None
                if len(self._shown) > 2 * self._limit:
                    self._shown.popitem(last=False)
            if len(self._events) >= self._limit:
                self._events.popleft()
                self.dropped += 1
            self._events.append(event)
            self._something.set()

    def next(self, timeout: float | None = None) -> Any:
        """Waits for the next event and returns its context.

        Args:
            timeout: seconds; None waits for ever.

        Raises:
            TimeoutError: nothing came in time.
            Stopped: the client was stopped (or the fatal error that ended it).
            TooManyWaiting: called in a handler while `max_waiting` others wait already.
        """
        return self._context(self._receive(timeout))

    def close(self) -> None:
        """Sees nothing any more; iterating ends. A second call does nothing."""
        self._closed(self)
        self._is_over()
        self.end(Stopped(advice.WATCH_CLOSED))

    def __iter__(self) -> Watch:
        return self

    def __next__(self) -> Any:
        try:
            return self.next()
        except Stopped:
            raise StopIteration from None

    def __enter__(self) -> Watch:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Expectation(_Mailbox):
    """One thread that waits for the next message of one person. Thread-safe; made by `Dispatcher.expect`.

    Use it as a context manager. An answer that came and was not fetched goes to the handlers when it ends.
    """

    def __init__(
        self,
        keys: tuple[str, str],
        *,
        clock: Clock,
        pause: Pause,
        context: Callable[[RawEvent], Any],
        owe: Callable[[RawEvent], None],
        closed: Callable[[Expectation, RawEvent | None], None],
        waiting: Waiting | None = None,
    ) -> None:
        super().__init__(clock, pause, waiting)
        self.keys = keys
        self.since = clock.now()
        self._context = context
        self._owe = owe
        self._closed = closed

    def give(self, event: RawEvent) -> bool:
        """Called by the dispatcher alone: False when the asker is gone."""
        with self._lock:
            if self._end is not None:
                return False
            self._events.append(event)
            self._something.set()
            return True

    def wait(self, timeout: float | None = None) -> Any:
        """Waits for the answer and returns its context. Call it once.

        Args:
            timeout: seconds; None waits for ever.

        Raises:
            TimeoutError: nobody answered in time.
            Stopped: the client was stopped (or the fatal error that ended it).
        """
        event = self._receive(timeout)
        self._owe(event)
        return self._context(event)

    def close(self) -> None:
        """Expects nothing any more. A second call does nothing."""
        with self._lock:
            self._end = self._end or Stopped(advice.WATCH_CLOSED)
            unread = self._events.popleft() if self._events else None
        self._closed(self, unread)
        self._is_over()

    def __enter__(self) -> Expectation:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Waiters:
    """Everybody who waits. Thread-safe; the dispatcher asks it about each event."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        # Both are replaced, never changed, or read by single operations: the hot path takes no lock.
        self._watches: tuple[Watch, ...] = ()
        self._expected: dict[tuple[str, str], deque[Expectation]] = {}
        self._end: BaseException | None = None
        self._forgotten = 0

    def add_watch(self, watch: Watch) -> None:
        with self._lock:
            self._watches = (*self._watches, watch)
            end = self._end
        if end is not None:
            watch.end(end)

    def remove_watch(self, watch: Watch) -> None:
        with self._lock:
            if watch in self._watches:
                self._forgotten += watch.dropped
                self._watches = tuple(other for other in self._watches if other is not watch)

    def add_expectation(self, expectation: Expectation) -> None:
        with self._lock:
            self._expected.setdefault(expectation.keys, deque()).append(expectation)
            end = self._end
        if end is not None:
            expectation.end(end)

    def remove_expectation(self, expectation: Expectation) -> None:
        with self._lock:
            same = self._expected.get(expectation.keys)
            if same is not None and expectation in same:
                same.remove(expectation)
                if not same:
                    del self._expected[expectation.keys]

    @property
    def busy(self) -> bool:
        """Whether anybody waits at all."""
        return bool(self._watches or self._expected)

    @property
    def anybody_asked(self) -> bool:
        """Whether an answer is awaited."""
        return bool(self._expected)

    @property
    def forgotten(self) -> int:
        """Events that watches, open or closed, have forgotten because nobody fetched them."""
        with self._lock:
            return self._forgotten + sum(watch.dropped for watch in self._watches)

    def watches(self, name: str) -> bool:
        """Whether a watch sees events of this name."""
        return any(watch.sees(name) for watch in self._watches)

    def expects(self, event: RawEvent) -> bool:
        """Whether somebody asked the author of this message."""
        return bool(self._expected) and event.name in MESSAGE_NAMES and event.keys[1:] in self._expected

    def show(self, event: RawEvent) -> None:
        """Shows `event` to every watch that wants it."""
        for watch in self._watches:
            if watch.sees(event.name):
                watch.show(event)

    def take(self, event: RawEvent) -> bool:
        """Gives a message to whoever asked its author first; False if nobody did, before it arrived."""
        if not self.expects(event):
            return False
        with self._lock:
            same = self._expected.get(event.keys[1:])
            while same:
                expectation = same[0]
                if expectation.since > event.received_at:
                    return False
                same.popleft()
                if not same:
                    del self._expected[expectation.keys]
                if expectation.give(event):
                    return True
            return False

    def is_end(self, error: BaseException) -> bool:
        """Whether a handler that raises this was only told that everything ends."""
        return isinstance(error, Stopped) or error is self._end

    def end(self, error: BaseException) -> None:
        """Ends everybody who waits, now and later, with `error`."""
        with self._lock:
            if self._end is None:
                self._end = error
            waiting: list[_Mailbox] = [*self._watches]
            for same in self._expected.values():
                waiting.extend(same)
        for mailbox in waiting:
            mailbox.end(error)
