"""What a dispatcher offers to threads that wait for events: handlers, scripts, notebooks."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

from qqbot_sync.dispatch import advice
from qqbot_sync.dispatch.checks import checker
from qqbot_sync.dispatch.router import names_of
from qqbot_sync.dispatch.waiting import Expectation, Waiters, Watch

if TYPE_CHECKING:
    from qqbot_sync.clock import Clock
    from qqbot_sync.dispatch.backlog import Backlog
    from qqbot_sync.dispatch.chain import Counters
    from qqbot_sync.dispatch.claims import Claims
    from qqbot_sync.dispatch.witness import Waiting, Witness
    from qqbot_sync.dispatch.workers import Workers
    from qqbot_sync.events import RawEvent

__all__ = ["Listening"]


class Listening:
    """The waiting half of a dispatcher. Thread-safe; everything here may be called before the start.

    Args:
        limit: events that may wait in a watch before the oldest is forgotten.
    """

    def __init__(
        self,
        waiters: Waiters,
        backlog: Backlog,
        workers: Workers,
        *,
        claims: Claims,
        context: Callable[[RawEvent], Any],
        clock: Clock,
        limit: int,
        counters: Counters | None = None,
    ) -> None:
        self._waiters = waiters
        self._backlog = backlog
        self._workers = workers
        self._claims = claims
        self._context = context
        self._clock = clock
        self._limit = limit
        self._counters = counters
        self.witness: Witness | None = None
        """Told about every wait that begins, where somebody records or replays."""

    def watch(self, *events: object, limit: int | None = None) -> Watch:
        """A blocking iterator over the contexts of these events, from now on; of all events when none is named.

        Args:
            events: names, members of `Event`, or model classes.
            limit: events that may wait in it before the oldest is forgotten; None: `queue_size`.

        Raises:
            TypeError, ValueError: not an event.
        """
        names = frozenset().union(*map(names_of, events)) if events else None
        waiting = self._witnessed()
        watch = Watch(
            names,
            limit=limit or self._limit,
            clock=self._clock,
            pause=self._workers.pausing,
            context=self._context,
            closed=self._waiters.remove_watch,
            waiting=waiting,
        )
        self._waiters.add_watch(watch)
        if waiting is not None:
            waiting.begun()
        return watch

    def wait_for(
        self, *events: object, check: Callable[..., object] | None = None, timeout: float | None = None
    ) -> Any:
        """Waits for the next of these events and returns its context; handlers get the event all the same.

        Args:
            events: names, members of `Event`, or model classes.
            check: called in this thread with the context (a function of two arguments also gets the event); true
                accepts it.
            timeout: seconds; None waits for ever.

        Raises:
            TimeoutError: nothing came in time.
            TooManyWaiting: called in a handler while `max_waiting` others wait already.
            Stopped: the client was stopped (or the fatal error that ended it).
            TypeError, ValueError: not an event, or a `check` that cannot be called.
        """
        matches = checker(check)
        end = None if timeout is None else self._clock.now() + timeout
        with self.watch(*events) as watch, self._workers.pausing():
            while True:
                left = None if end is None else max(0.0, end - self._clock.now())
                try:
                    ctx = watch.next(left)
                except TimeoutError:
                    raise TimeoutError(advice.nothing_came(timeout)) from None
                if matches(ctx):
                    return ctx

    def pausing(self) -> AbstractContextManager[None]:
        """Around any other wait: a handler gives its worker and its lane to others meanwhile. Others just wait.

        Raises:
            TooManyWaiting: `max_waiting` others wait already.
        """
        return self._workers.pausing()

    def expect(self, conversation: str, author: str) -> Expectation:
        """Takes the next message of this person away from the handlers. Call it before sending the question.

            with dispatcher.expect(keys.conversation, keys.author) as answer:
                ...send the question...
                ctx = answer.wait(timeout)

        Raises:
            TooManyWaiting: called in a handler while `max_waiting` others wait already.
            ValueError: no conversation or no author, so that nothing could ever match.
        """
        if not conversation or not author:
            raise ValueError(advice.NOBODY_TO_ASK)
        has_slot = self._workers.reserve()
        asker = self._workers.current()
        waiting = self._witnessed()

        def owe(event: RawEvent) -> None:
            if asker is not None and asker is self._workers.current():
                asker.owed.append(event)
            else:
                self._claims.done(event)
                event.finish()
                if self._counters is not None:
                    self._counters.count("events_processed")

        def closed(expectation: Expectation, unread: RawEvent | None) -> None:
            nonlocal has_slot
            self._waiters.remove_expectation(expectation)
            if has_slot:
                has_slot = False
                self._workers.unreserve()
            if unread is not None:
                self._return(unread)

        expectation = Expectation(
            (conversation, author),
            clock=self._clock,
            pause=lambda: self._workers.pausing(has_slot=has_slot),
            context=self._context,
            owe=owe,
            closed=closed,
            waiting=waiting,
        )
        self._waiters.add_expectation(expectation)
        if waiting is not None:
            waiting.begun()
        return expectation

    def _witnessed(self) -> Waiting | None:
        """Tells the witness that the calling thread is about to wait; may block where it replays."""
        if self.witness is None:
            return None
        task = self._workers.current()
        return self.witness.waits(None if task is None else task.event)

    def _return(self, event: RawEvent) -> None:
        """Nobody has dealt with this event after all: the handlers get it, ahead of what has not been sorted yet."""
        send = self._backlog.put_back(event)
        if send is None:
            self._claims.give_back(event)
        elif send:
            self._workers.send()
