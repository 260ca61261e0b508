"""From the reader's thread to the handlers': the sink of every source of events.

offer → intake queue → dispatcher thread → lanes → tasks on an executor → handlers
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Container
from concurrent.futures import Executor
from typing import TYPE_CHECKING, Any

from qqbot_sync.config import ORDERINGS, OVERFLOWS
from qqbot_sync.dispatch import advice
from qqbot_sync.dispatch.attention import Attention
from qqbot_sync.dispatch.backlog import Backlog
from qqbot_sync.dispatch.chain import Chain, Counters
from qqbot_sync.dispatch.checks import check_choice, check_executor, check_settings
from qqbot_sync.dispatch.claims import Claims
from qqbot_sync.dispatch.doing import Doing, doing_of, stacks_of
from qqbot_sync.dispatch.entries import LIFECYCLE, Entry, Glimpse, Offer
from qqbot_sync.dispatch.filters import MESSAGE_NAMES
from qqbot_sync.dispatch.listening import Listening
from qqbot_sync.dispatch.waiting import Waiters
from qqbot_sync.dispatch.workers import Workers
from qqbot_sync.errors import Stopped
from qqbot_sync.logs import catch_up

if TYPE_CHECKING:
    from qqbot_sync.clock import Clock
    from qqbot_sync.config import MaxAge
    from qqbot_sync.dispatch.router import Router
    from qqbot_sync.events import RawEvent
    from qqbot_sync.recorder import Call

__all__ = ["Dispatcher"]

TICK = 1.0
"""Seconds between two looks of the watchdog."""
_REMEMBERED = 1000


class Dispatcher(Listening):
    """Takes events from any thread and runs their handlers. Thread-safe. It runs once: make a new one for each start.

    `watch`, `wait_for` and `expect` may be called before `start`.

    Args:
        router: the handlers; more may be added at any time.
        context: makes what handlers get, from an event.
        claims: the dedupe keys, shared by all dispatchers of a client.
        workers: handlers that run at the same time.
        max_waiting: handlers that wait in `ask` or `wait_for` at the same time.
        queue_size: events accepted and not yet begun.
        overflow: what a full queue does: `block`, `drop_oldest`, `drop_newest`.
        ordering: what is kept in order: the events of one `author` in a conversation, of a `conversation`, `none`.
        executor: runs the handlers in place of a pool of ours; needs threads of this process.
        max_age: seconds after which an event that has not begun is dropped and counted; "reply": when its message can
            no longer be answered; None: never.
        slow_after: seconds after which a handler that runs is logged with its stack; None: never.
        grace: seconds that handlers may still begin when the interpreter ends.
        counters: where numbers go.
        calls: gets an entry for a handler that ended, for the record: for each slow one, and one for each `CALL_GAP`.
        timings: told the name of each handler that ended, and the seconds it ran.
        failed: told the name of each handler that raised, and what it raised.
        on_tick: called about once a second by the watchdog; it must not fail.
        on_closing: called if nothing can be handled any more, from an internal thread: with None when the interpreter
            ends, with the error when the caller's executor refuses tasks or an internal thread has died.

    Raises:
        TypeError, ValueError: an executor that is none, or needs pickling; a setting out of range.
    """

    def __init__(
        self,
        router: Router,
        *,
        context: Callable[[RawEvent], Any],
        clock: Clock,
        claims: Claims | None = None,
        workers: int = 16,
        max_waiting: int = 256,
        queue_size: int = 1000,
        overflow: str = "block",
        ordering: str = "author",
        executor: Executor | None = None,
        max_age: MaxAge | None = None,
        slow_after: float | None = 30.0,
        grace: float = 10.0,
        counters: Counters | None = None,
        calls: deque[Call] | None = None,
        timings: Callable[[str, float], None] | None = None,
        failed: Callable[[str, BaseException], None] | None = None,
        on_tick: Callable[[], None] | None = None,
        on_closing: Callable[[BaseException | None], None] | None = None,
    ) -> None:
        check_settings(workers=workers, max_waiting=max_waiting, queue_size=queue_size)
        check_choice("overflow", overflow, OVERFLOWS)
        check_choice("ordering", ordering, ORDERINGS)
        if executor is not None:
            check_executor(executor)
        claims = claims or Claims()
        waiters = Waiters()
        backlog = Backlog(
            clock,
            waiters,
            size=queue_size,
            overflow=overflow,
            ordering=ordering,
            workers=workers,
            max_waiting=max_waiting,
        )
        chain = Chain(
            router,
            context=context,
            claims=claims,
            clock=clock,
            counters=counters,
            is_end=waiters.is_end,
            is_over=lambda: backlog.stopped,
            max_age=max_age,
            calls=calls,
            timings=timings,
            failed=failed,
        )
        pool = Workers(
            backlog,
            chain.run,
            clock=clock,
            pool_size=workers + max_waiting,
            executor=executor,
            grace=grace,
            on_closing=self._closing,
        )
        super().__init__(
            waiters,
            backlog,
            pool,
            claims=claims,
            context=context,
            clock=clock,
            limit=queue_size,
            counters=counters,
        )
        self._attention = Attention(backlog, pool, clock=clock, slow_after=slow_after, size=queue_size, permits=workers)
        self._router = router
        self._chain = chain
        self._on_tick = on_tick
        self._on_closing = on_closing
        self._lock = threading.Lock()
        self._is_started = False
        self._dropped = 0
        self._advised: set[str] = set()
        self._dropped_reminder = advice.Reminder(
            clock, lambda count: advice.events_dropped(count, overflow, queue_size)
        )
        self._forgotten_reminder = advice.Reminder(clock, advice.watch_dropped)
        self._over = threading.Event()
        self._threads: list[threading.Thread] = []

    # -- the sink -------------------------------------------------------------------------------------------------

    def hears(self, name: str) -> bool:
        """Whether events of this name are worth offering. One that is not is counted, and its first is logged."""
        asked = name in MESSAGE_NAMES and self._waiters.anybody_asked
        if self._router.hears(name) or asked or self._waiters.watches(name):
            return True
        self._unheard(name)
        return False

    def offer(self, event: RawEvent) -> Offer:
        """Takes one event. Under `block` it waits for room, until the intake closes.

        `event.finish()` is called exactly once: when its handlers are done, at once where nobody handles it, for a
        duplicate perhaps not before what it repeats is done; never for an event that is REFUSED.
        """
        if self._backlog.closed:
            return Offer.REFUSED
        name = event.name
        if not (self._router.hears(name) or self._waiters.expects(event)):
            return self._glimpse(event)
        if name in LIFECYCLE:
            if self._chain.first is None:
                self._chain.first = event
        elif not self._claims.claim(event, self._return):
            self._count("events_deduplicated")
            return Offer.DUPLICATE
        verdict, dropped = self._backlog.add(event)
        if verdict is Offer.REFUSED:
            self._claims.give_back(event)
        elif verdict is Offer.DROPPED:
            dropped = event
        if dropped is not None:
            self._drop(dropped)
        return verdict

    def _glimpse(self, event: RawEvent) -> Offer:
        """Only watches may want it: it claims no id, so that a copy with handlers of its own still reaches them."""
        if not self._waiters.watches(event.name):
            self._unheard(event.name)
            event.finish()
            return Offer.UNHEARD
        glimpse = Glimpse(event)
        verdict, dropped = self._backlog.add(glimpse)
        if verdict is Offer.DROPPED:
            dropped = glimpse
        if dropped is not None:
            self._drop(dropped)
        return verdict

    def _drop(self, entry: Entry) -> None:
        with self._lock:
            self._dropped += 1
        self._count("events_dropped")
        if isinstance(entry, Glimpse):
            entry.event.is_given_up = True
            entry.event.finish()
        else:
            entry.is_given_up = True
            self._claims.give_back(entry)
            entry.finish()

    def _unheard(self, name: str) -> None:
        self._count("events_unheard")
        if name in self._advised or name in LIFECYCLE:
            return
        with self._lock:
            if name in self._advised or len(self._advised) >= _REMEMBERED:
                return
            self._advised.add(name)
        # Somebody talks to the bot and gets no answer: worth a warning. Anything else may well be meant so.
        log = advice.log.warning if name in MESSAGE_NAMES else advice.log.info
        log(advice.nobody_handles(name))

    def _count(self, name: str) -> None:
        if self._counters is not None:
            self._counters.count(name)

    # -- life cycle -----------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Starts the dispatcher and the watchdog thread. Raises RuntimeError at a second call."""
        with self._lock:
            if self._is_started or self._backlog.stopped:
                raise RuntimeError(advice.RUN_ONCE)
            self._is_started = True
        for name, loop in (("qqbot-dispatcher", self._sort), ("qqbot-watchdog", self._watch_over)):
            thread = threading.Thread(target=self._guarded, args=(loop,), name=name, daemon=True)
            self._threads.append(thread)
            thread.start()

    def close_intake(self) -> None:
        """Nothing is accepted any more: a blocked `offer` returns REFUSED. A second call does nothing."""
        self._backlog.close()

    def end_waiters(self, error: BaseException | None = None) -> None:
        """Ends every `wait_for`, `watch` and `expect`, now and later, with `error` (None: Stopped)."""
        self._waiters.end(error or Stopped(advice.CLIENT_STOPPED))

    def drain(self, timeout: float | None = None) -> bool:
        """Waits until everything accepted is handled. Close the intake first, or it may never be.

        Args:
            timeout: seconds; None waits for ever.

        Returns:
            True when all is done; False when the time was over first.

        Raises:
            RuntimeError: called by a handler, which would wait for itself.
        """
        if self.in_worker():
            raise RuntimeError(advice.DRAIN_IN_HANDLER)
        quiet = threading.Event()
        self._backlog.on_quiet(quiet)
        return self._clock.wait(quiet, timeout)

    def stop(self) -> int:
        """Ends the threads. Nothing begins any more; what runs goes on by itself. A second call does nothing.

        Events not begun are not finished and their ids are given back, so that they come again. Handlers that still
        run are left to end by themselves: `doing()` and `stacks()` tell what they are at.

        Returns:
            events accepted and never begun.
        """
        self.close_intake()
        self.end_waiters()
        left = self._backlog.stop()
        for entry in left:
            if not isinstance(entry, Glimpse):
                self._claims.give_back(entry)
        self._over.set()
        me = threading.current_thread()
        for thread in self._threads:
            if thread is not me:
                thread.join(TICK)
        self._remind(last=True)
        self._workers.shut_down(wait=not self._workers.tasks())
        return len(left)

    def report(self, error: BaseException, ctx: Any = None) -> None:
        """Tells the `on_error` hooks of an error that no handler raised, in the calling thread. Raises nothing."""
        self._chain.report(error, ctx)

    def _closing(self, error: BaseException | None) -> None:
        self.end_waiters(Stopped(advice.PROGRAM_ENDS) if error is None else error)
        if self._on_closing is not None:
            self._on_closing(error)

    # -- threads --------------------------------------------------------------------------------------------------

    def _guarded(self, loop: Callable[[], None]) -> None:
        try:
            loop()
        except BaseException as error:  # noqa: BLE001  an error of this package: better a loud end than a silent bot
            advice.log.critical(advice.THREAD_DIED, exc_info=True)
            self.close_intake()
            self._closing(error)

    def _sort(self) -> None:
        while True:
            batch = self._backlog.sort()
            if batch is None:
                return
            glimpsed, send = batch
            if send:
                self._workers.send()
            for event in glimpsed:
                event.finish()

    def _watch_over(self) -> None:
        while not self._clock.wait(self._over, TICK):
            self._workers.look()
            self._attention.look()
            self._remind()
            catch_up()
            if self._on_tick is not None:
                self._on_tick()

    def _remind(self, *, last: bool = False) -> None:
        self._dropped_reminder.look(self._dropped, last=last)
        self._forgotten_reminder.look(self._waiters.forgotten, last=last)

    # -- for humans -----------------------------------------------------------------------------------------------

    def in_worker(self) -> bool:
        """Whether the calling thread runs a handler of this dispatcher."""
        return self._workers.current() is not None

    @property
    def is_running(self) -> bool:
        """Whether both threads are alive."""
        return bool(self._threads) and all(thread.is_alive() for thread in self._threads)

    def threads(self) -> dict[str, bool]:
        """The two threads by name, and whether they are alive; empty before the start."""
        return {thread.name: thread.is_alive() for thread in self._threads}

    def depth(self) -> int:
        """Events accepted and not begun."""
        return self._backlog.depth

    def busy(self, resting: Container[int]) -> int:
        """Handlers that do something, and whether more could begin; 0: nothing happens until something comes.

        Args:
            resting: threads that do nothing and were not woken, by their idents.
        """
        # Counted first: who wakes up meanwhile is counted twice rather than not at all.
        tasks = [(task.waits, task.ident in resting) for task in self._workers.tasks()]
        waking = sum(bool(waits) and not rests for waits, rests in tasks)
        return waking + self._backlog.busy - sum(rests and not waits for waits, rests in tasks)

    def age(self) -> float:
        """Seconds since the oldest of them was received; 0.0 when there is none."""
        oldest = self._backlog.oldest()
        return 0.0 if oldest is None else max(0.0, self._clock.now() - oldest)

    def stuck_for(self) -> float:
        """Seconds for which the queue has been full and no handler has ended; 0.0 while things go on."""
        full_at = self._backlog.full_at
        if full_at is None:
            return 0.0
        return max(0.0, self._clock.now() - max(full_at, self._workers.last_ended))

    def is_stuck(self, seconds: float = 60.0) -> bool:
        """Whether `stuck_for()` has reached `seconds`: handlers that hang have filled the queue."""
        return self.stuck_for() >= seconds

    def doing(self) -> list[Doing]:
        """What every worker is doing now."""
        return doing_of(self._workers.tasks(), self._clock.now())

    def stacks(self) -> str:
        """What every worker is doing, with the stack of its thread, as text for the log."""
        return stacks_of(self.doing())
