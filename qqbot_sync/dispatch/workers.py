"""Tasks on an executor: who runs events, when a task ends, and how the end of the interpreter is noticed.

The interpreter joins the threads of every ThreadPoolExecutor at exit, before `atexit` and while the main thread still
counts as alive. A task that waited for work inside itself would therefore keep the process for ever. So a task never
waits: it ends when nothing is to do, and after 64 events or 50 ms it sends a successor. An executor that refuses one is
how the end is noticed.
"""

from __future__ import annotations

import threading
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager
from threading import get_ident
from typing import TYPE_CHECKING

from qqbot_sync.dispatch import advice
from qqbot_sync.dispatch.backlog import Backlog
from qqbot_sync.dispatch.entries import Task
from qqbot_sync.errors import TooManyWaiting
from qqbot_sync.logs import here

if TYPE_CHECKING:
    from qqbot_sync.clock import Clock
    from qqbot_sync.events import RawEvent

__all__ = ["Workers"]

EVENTS_AT_ONCE = 64
SECONDS_AT_ONCE = 0.05
_REFUSAL = "cannot schedule new futures"
"""How every version of `concurrent.futures` says that it is over; "can't start new thread" is another matter."""


class Workers:
    """Runs the events of a backlog on an executor. Thread-safe.

    Args:
        backlog: what to run, and the permits.
        run: runs all handlers of one event; it must not raise.
        executor: the caller's own, which is never shut down here; None for a ThreadPoolExecutor of ours.
        grace: seconds that tasks may go on beginning events once the executor takes no more of them.
        on_closing: called once when the executor takes no more tasks, from the thread that noticed: with None when the
            interpreter ends, else with the error.
    """

    def __init__(
        self,
        backlog: Backlog,
        run: Callable[[RawEvent, Task], None],
        *,
        clock: Clock,
        pool_size: int,
        executor: Executor | None,
        grace: float,
        on_closing: Callable[[BaseException | None], None],
    ) -> None:
        self._backlog = backlog
        self._run = run
        self._clock = clock
        self._is_foreign = executor is not None
        self._executor = executor or ThreadPoolExecutor(pool_size, thread_name_prefix="qqbot-worker")
        self._grace = grace
        self._on_closing = on_closing
        self._tasks: dict[int, Task] = {}
        self._lock = threading.Lock()
        self._is_closing = False
        self._program_ends = False
        self._complained_at: float | None = None
        self.last_ended = 0.0
        """When the handlers of an event last came to their end."""

    # -- sending tasks --------------------------------------------------------------------------------------------

    def send(self) -> None:
        """Hands one task to the executor, for which the backlog has given a permit."""
        task = Task()
        error = self._submit(task)
        if error is not None and self._backlog.void(task):
            self._refused(error)

    def _submit(self, task: Task) -> BaseException | None:
        try:
            future = self._executor.submit(self._drain, task)
        except Exception as error:  # noqa: BLE001  an executor of the caller may raise anything; all of it means no
            return error
        if self._is_foreign and isinstance(future, Future):
            # Cancelled, or failed to reach a thread: without this the permit would be lost in silence.
            future.add_done_callback(lambda done: self._check(done, task))
        return None

    def _check(self, future: Future[None], task: Task) -> None:
        if future.cancelled():
            error: BaseException | None = RuntimeError("the executor cancelled the task")
        else:
            error = future.exception()
        if error is not None and self._backlog.void(task):
            self._refused(error)

    def _refused(self, error: BaseException) -> None:
        if self._backlog.stopped:
            return
        if self._is_foreign:
            self._close(None if _interpreter_ends() else error)
        elif _REFUSAL in str(error):
            self._close(None)
        else:
            # "can't start new thread": the machine is out of threads. The watchdog tries again each second.
            self._complain(error)

    def _close(self, error: BaseException | None) -> None:
        with self._lock:
            if self._is_closing:
                return
            self._is_closing = True
        if error is not None:
            advice.log.critical(advice.executor_refuses(type(self._executor).__name__), exc_info=error)
        self._backlog.close()
        self._backlog.finish_by(self._clock.now() + self._grace)
        self._on_closing(error)
        if error is None:
            self._program_ends = True
            self._count_left()

    def _count_left(self) -> None:
        """The last one out says what nobody will begin any more: where a program just ends, no `stop` does."""
        backlog = self._backlog
        with self._lock:
            is_last = self._program_ends and not backlog.running and not backlog.waiting and not backlog.stopped
            self._program_ends = self._program_ends and not is_last
        if is_last and backlog.depth:
            advice.log.info(advice.left_behind(backlog.depth))

    def _complain(self, error: BaseException) -> None:
        now = self._clock.now()
        with self._lock:
            if self._complained_at is not None and now - self._complained_at < advice.WARN_EVERY:
                return
            self._complained_at = now
        advice.log.error(advice.NO_THREAD, exc_info=error)

    # -- a task ---------------------------------------------------------------------------------------------------

    def _drain(self, task: Task) -> None:
        if not self._backlog.begin(task):
            return
        task.ident = ident = get_ident()
        # An executor may run its tasks inside `submit`, within another one.
        outer = self._tasks.get(ident)
        self._tasks[ident] = here.what = task
        try:
            while not self._turn(task):
                pass
        except BaseException:  # noqa: BLE001  nobody reads the future of a task; the next lines keep the bot alive
            _shout()
        finally:
            here.what = outer
            if outer is None:
                del self._tasks[ident]
            else:
                self._tasks[ident] = outer
            if self._backlog.leave(task):
                self.send()
            if self._program_ends:
                self._count_left()

    def _turn(self, task: Task) -> bool:
        """Runs events for a while; True when the task has left."""
        backlog, run, now = self._backlog, self._run, self._clock.now
        end = now() + SECONDS_AT_ONCE
        for _ in range(EVENTS_AT_ONCE):
            event = backlog.next(task)
            if task.sends:
                task.sends = False
                self.send()
            if event is None:
                return True
            run(event, task)
            self.last_ended = ended = now()
            if ended >= end:
                break
        if not backlog.hand_over(task):
            return True
        successor = Task()
        error = self._submit(successor)
        if error is None or not backlog.take_over(task, successor):
            return True
        self._refused(error)
        return False

    # -- handlers that wait ---------------------------------------------------------------------------------------

    def current(self) -> Task | None:
        """The task that the calling thread runs."""
        return self._tasks.get(get_ident())

    def reserve(self) -> bool:
        """Takes a slot for waiting if the caller is a handler: True if it was taken, and has to be given back.

        Raises:
            TooManyWaiting: all slots are in use.
        """
        if self.current() is None:
            return False
        if not self._backlog.reserve():
            raise TooManyWaiting(advice.TOO_MANY_WAITING)
        return True

    def unreserve(self) -> None:
        self._backlog.unreserve()

    @contextmanager
    def pausing(self, *, has_slot: bool = False) -> Iterator[None]:
        """Around every wait: a handler gives its permit and its lane to others meanwhile. Others just wait.

        Raises:
            TooManyWaiting: all slots are in use.
        """
        task = self.current()
        if task is None or task.waits:
            yield
            return
        took_slot = not has_slot and self.reserve()
        task.waits += 1
        if self._backlog.step_out(task):
            self.send()
        try:
            yield
        finally:
            self._backlog.step_in()
            task.waits -= 1
            if took_slot:
                self.unreserve()

    # -- the watchdog's part --------------------------------------------------------------------------------------

    def look(self) -> None:
        """Once a second: notices an executor that refuses while nobody else would, and sends what could not be sent."""
        if self._backlog.waits_alone():
            try:
                self._executor.submit(_nothing)
            except Exception as error:  # noqa: BLE001  as in `_submit`
                self._refused(error)
        if self._backlog.wants_task():
            self.send()

    # -- the end --------------------------------------------------------------------------------------------------

    def shut_down(self, *, wait: bool) -> None:
        """Ends the threads of our own pool; a foreign executor is left alone."""
        if not self._is_foreign:
            self._executor.shutdown(wait=wait, cancel_futures=True)

    def tasks(self) -> list[Task]:
        """What runs or waits now."""
        return list(self._tasks.values())


def _nothing() -> None:
    """What is submitted to learn whether an executor still takes tasks."""


def _interpreter_ends() -> bool:
    """Whether this process is on its way out, which the error of a foreign executor does not tell."""
    with ThreadPoolExecutor(1, thread_name_prefix="qqbot-probe") as probe:
        try:
            probe.submit(_nothing)
        except RuntimeError as error:
            return _REFUSAL in str(error)
    return False


def _shout() -> None:
    """Something failed that cannot: a logging handler of the user, or this package. It must not fail again here."""
    try:
        advice.log.critical(advice.TASK_FAILED, exc_info=True)
    except BaseException:  # noqa: BLE001  logging is what failed: stderr is all that is left
        traceback.print_exc()
