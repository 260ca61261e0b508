"""One event through all of its handlers. What user code raises ends here."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

from qqbot_sync.dispatch import advice
from qqbot_sync.dispatch.registration import NOT_MEANT
from qqbot_sync.events import spec_of
from qqbot_sync.protocol.replies import REPLY_WINDOWS
from qqbot_sync.recorder import CALL_GAP

if TYPE_CHECKING:
    from qqbot_sync.clock import Clock
    from qqbot_sync.config import MaxAge
    from qqbot_sync.dispatch.claims import Claims
    from qqbot_sync.dispatch.entries import Task
    from qqbot_sync.dispatch.registration import Handled
    from qqbot_sync.dispatch.router import Router
    from qqbot_sync.events import RawEvent
    from qqbot_sync.recorder import Call

__all__ = ["Chain", "Counters"]


class Counters(Protocol):
    """Where numbers go. Implementations are thread-safe and quick.

    Names: `events_processed`, `events_failed`, `events_unheard`, `events_deduplicated`, `events_dropped`,
    `events_expired`.
    """

    def count(self, name: str) -> None: ...


class Chain:
    """Runs the handlers of an event one after another. Thread-safe.

    Args:
        context: makes the context of an event; called once for each event, in the worker.
        calls: gets an entry for a handler that ended, for the record: for each slow one, and one for each `CALL_GAP`.
        max_age: seconds after which an event that has not begun is dropped; "reply": when its message can no longer
            be answered; None: never.
        counters: where processed and failed events are counted.
        timings: told the name of each handler that ended, and the seconds it ran.
        failed: told the name of each handler that raised, and what it raised.
        is_over: whether the dispatcher has stopped.
        is_end: whether an exception is only what ended a wait at the stop: no failure of the handler.
    """

    def __init__(
        self,
        router: Router,
        *,
        context: Callable[[RawEvent], Any],
        claims: Claims,
        clock: Clock,
        counters: Counters | None,
        is_end: Callable[[BaseException], bool],
        is_over: Callable[[], bool],
        max_age: MaxAge | None = None,
        calls: deque[Call] | None = None,
        timings: Callable[[str, float], None] | None = None,
        failed: Callable[[str, BaseException], None] | None = None,
    ) -> None:
        self._router = router
        self._context = context
        self._claims = claims
        self._clock = clock
        self._counters = counters
        self._is_end = is_end
        self._is_over = is_over
        self._max_age = max_age
        self._calls = calls
        # Written by every worker, without a lock: at worst a few more calls are kept than need be.
        self._next_call = 0.0
        self._timings = timings
        self._failed = failed
        self.first: RawEvent | None = None
        """The READY or RESUMED that `on_start` gets."""

    def run(self, event: RawEvent, task: Task) -> None:
        """Runs all handlers of `event` in the calling thread and finishes it. Raises nothing that they raise."""
        if self._max_age is not None and self._is_too_old(event):
            event.is_given_up = True
            self._claims.done(event)
            event.finish()
            if self._counters is not None:
                self._counters.count("events_expired")
            return
        task.event = event
        failures, interrupted = 0, False
        try:
            failures, interrupted = self._handle(event, task)
        finally:
            task.event = task.registration = None
            is_given_back = interrupted and self._is_over()
            if is_given_back:
                # It had not ended when the books were closed: the next start replays it, and must not find it done.
                self._claims.give_back(event)
            else:
                self._claims.done(event)
                event.finish()
        if self._counters is not None and not is_given_back:
            self._counters.count("events_processed")
            if failures:
                self._counters.count("events_failed")

    def _is_too_old(self, event: RawEvent) -> bool:
        limit = self._max_age
        if limit == "reply":
            spec = spec_of(event.name)
            scene = spec.scene if spec is not None and spec.is_message else None
            limit = REPLY_WINDOWS[scene].seconds if scene is not None else None
        return isinstance(limit, (int, float)) and self._clock.now() - event.received_at > limit

    def _handle(self, event: RawEvent, task: Task) -> tuple[int, bool]:
        """(handlers that failed, whether one was interrupted by the end of the client)."""
        failures, interrupted = 0, False
        try:
            ctx: Handled = self._context(event)
        except BaseException as error:  # noqa: BLE001  whatever it is, it must not end the worker
            advice.log.error(advice.context_failed(event.name, event.event_id), exc_info=error)
            self.report(error, None, task)
            return 1, False
        for registration in self._router.handlers_for(event.name, starting=event is self.first):
            task.registration = registration
            task.since = began = self._clock.now()
            returned = None
            try:
                returned = registration.call(ctx)
            except BaseException as error:  # noqa: BLE001  SystemExit too: a handler ends nothing but itself
                if self._is_end(error):
                    interrupted = True
                    advice.log.info(advice.handler_interrupted(registration.name, event.name, event.event_id))
                else:
                    failures += 1
                    if self._failed is not None:
                        self._failed(registration.name, error)
                    said = advice.handler_failed(registration.name, event.name, event.event_id)
                    advice.log.error(said, exc_info=error)
                    self.report(error, ctx, task)
            finally:
                if returned is not NOT_MEANT:
                    ended = self._clock.now()
                    seconds = ended - began
                    if self._calls is not None and (seconds >= CALL_GAP or ended >= self._next_call):
                        self._next_call = ended + CALL_GAP
                        self._calls.append((began, ended, registration.name, event.name, event.event_id))
                    if self._timings is not None:
                        self._timings(registration.name, seconds)
                if task.owed:
                    self._settle(task, handled=not (interrupted and self._is_over()))
            if ctx.propagation_stopped:
                break
        return failures, interrupted

    def report(self, error: BaseException, ctx: Any = None, task: Task | None = None) -> None:
        """Tells every `on_error` hook, in the calling thread. What a hook raises is logged."""
        for hook in self._router.error_hooks():
            if task is not None:
                task.registration = hook
                task.since = self._clock.now()
            try:
                hook.call(ctx, error)
            except BaseException as failure:  # noqa: BLE001  the hook of last resort has none of its own
                advice.log.error(advice.hook_failed(hook.name, error), exc_info=failure)

    def _settle(self, task: Task, *, handled: bool) -> None:
        """The handler that asked has ended: the answers it took are handled, or come again together with its event."""
        owed, task.owed = task.owed, []
        for event in owed:
            if handled:
                self._claims.done(event)
                event.finish()
                if self._counters is not None:
                    self._counters.count("events_processed")
            else:
                self._claims.give_back(event)
