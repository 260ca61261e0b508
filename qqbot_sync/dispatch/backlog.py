"""Everything accepted and not begun, and who may begin it: the one lock of the dispatcher, and what it guards."""

from __future__ import annotations

import queue
import threading
from collections import deque
from typing import TYPE_CHECKING

from qqbot_sync.dispatch.entries import Entry, Glimpse, Offer, Task, is_spared
from qqbot_sync.dispatch.lanes import Lanes, Permits, key_of

if TYPE_CHECKING:
    from qqbot_sync.clock import Clock
    from qqbot_sync.dispatch.waiting import Waiters
    from qqbot_sync.events import RawEvent

__all__ = ["Backlog"]

SORT_AT_ONCE = 256
"""Events sorted into lanes under one hold of the lock: a quarter of a millisecond that others may have to wait."""


class Backlog:
    """Intake queue, lanes and permits. Thread-safe: under its locks nothing blocks and no user code runs.

    The *door* is passed by those that offer, one after another; the *lock* guards lanes and permits. Where many threads
    take one lock for every event, each comes to wait for a lock whose holder waits for the interpreter: with a free
    core that costs two thread switches an event. So the common cases take none: `add` only the door, `next` nothing.
    They rely on single reads and writes of attributes, which no thread sees half done.

    Args:
        size: events accepted and not begun, intake and lanes together.
        overflow: `block`, `drop_oldest` or `drop_newest`.
        ordering: `author`, `conversation` or `none`.
        workers: permits.
        max_waiting: slots for handlers that wait.
        waiters: shown each event on its way to the lanes; they may take it.
    """

    def __init__(
        self,
        clock: Clock,
        waiters: Waiters,
        *,
        size: int,
        overflow: str,
        ordering: str,
        workers: int,
        max_waiting: int,
    ) -> None:
        self._clock = clock
        self._waiters = waiters
        self._size = size
        self._overflow = overflow
        self._key = key_of(ordering)
        self._door = threading.Lock()
        self._lock = threading.Lock()
        self._room = threading.Condition(self._lock)
        self._wants_room = False
        self._bell: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._sorter_sleeps = False
        self._intake: deque[Entry] = deque()
        self._lanes = Lanes(track_oldest=overflow == "drop_oldest")
        self._permits = Permits(workers, max_waiting)
        self._tasks: set[Task] = set()
        self._accepted = 0
        # What has begun or is gone otherwise, less what the tasks in `_tasks` have begun: each counts its own.
        self._gone = 0
        self._known_gone = 0
        self._closed = self._stopped = False
        self._deadline: float | None = None
        self._is_careful = overflow == "drop_oldest"
        self._quiet: list[threading.Event] = []
        self.full_at: float | None = None
        """When an offer first found no room, since the last event began."""

    # -- what comes in --------------------------------------------------------------------------------------------

    def add(self, entry: Entry) -> tuple[Offer, Entry | None]:
        """Accepts `entry`, or does what the overflow policy says. Blocks under `block` while there is no room.

        Returns:
            the verdict, and the entry that was dropped to make room.
        """
        while True:
            with self._door:
                if self._closed:
                    return Offer.REFUSED, None
                is_full = (
                    self._accepted - self._known_gone >= self._size and not is_spared(entry) and not self._has_room()
                )
                if is_full and self._overflow == "drop_newest":
                    return Offer.DROPPED, None
                if not is_full or self._overflow == "drop_oldest":
                    dropped = self._drop_oldest() if is_full else None
                    self._accepted += 1
                    self._intake.append(entry)
                    if self._sorter_sleeps:
                        self._sorter_sleeps = False
                        self._bell.put(None)
                    return Offer.ACCEPTED, dropped
            self._wait_for_room()

    def put_back(self, event: RawEvent) -> bool | None:
        """An accepted event that nobody fetched goes to its lane after all.

        Returns:
            whether to send a task; None when nothing begins any more.
        """
        with self._door, self._lock:
            if self._stopped:
                return None
            self._accepted += 1
            self._lanes.put(event, self._key(event))
            return self._permits.send(self._lanes.ready)

    def _has_room(self) -> bool:
        with self._lock:
            self._known_gone = self._count_gone()
            if self._accepted - self._known_gone < self._size:
                return True
            if self.full_at is None:
                self.full_at = self._clock.now()
            return False

    def _wait_for_room(self) -> None:
        with self._lock:
            while not self._closed:
                # Said before looking: whoever begins an event after the look reads it, and comes to the lock.
                self._wants_room = True
                if self._accepted - self._count_gone() < self._size:
                    return
                self._room.wait()

    def _drop_oldest(self) -> Entry | None:
        with self._lock:
            # What is in the lanes came before what is in the intake.
            oldest: Entry | None = self._lanes.drop_oldest(is_spared)
            if oldest is None:
                oldest = next((entry for entry in self._intake if not is_spared(entry)), None)
                if oldest is None:
                    return None
                self._intake.remove(oldest)
            self._gone += 1
            return oldest

    def _count_gone(self) -> int:
        return self._gone + sum(task.count for task in self._tasks)

    # -- into the lanes -------------------------------------------------------------------------------------------

    def sort(self) -> tuple[list[RawEvent], bool] | None:
        """Waits for events and brings a batch of them to their lanes. Called by the dispatcher thread alone.

        Returns:
            the events that only watches wanted, and whether to send a task; None when the run is over.
        """
        while not self._intake:
            # Said before looking again: whoever adds an entry after the look reads it, and rings.
            self._sorter_sleeps = True
            if self._stopped:
                return None
            if not self._intake:
                self._bell.get()
        with self._lock:
            glimpsed = self._sort_some()
            self._tell_if_quiet()
            return glimpsed, self._permits.send(self._lanes.ready)

    def _sort_some(self) -> list[RawEvent]:
        glimpsed: list[RawEvent] = []
        taken = 0
        for _ in range(min(len(self._intake), SORT_AT_ONCE)):
            entry = self._intake.popleft()
            if isinstance(entry, Glimpse):
                self._waiters.show(entry.event)
                glimpsed.append(entry.event)
                continue
            if self._waiters.busy:
                self._waiters.show(entry)
                if self._waiters.take(entry):
                    taken += 1
                    continue
            self._lanes.put(entry, self._key(entry))
        if taken or glimpsed:
            self._gone += taken + len(glimpsed)
            self._make_room()
        return glimpsed

    def _make_room(self) -> None:
        self._wants_room = False
        self._room.notify_all()

    # -- tasks ----------------------------------------------------------------------------------------------------

    def begin(self, task: Task) -> bool:
        """A task has reached a thread; False if it was given up before."""
        with self._lock:
            if task.void:
                return False
            task.begun = True
            self._tasks.add(task)
            self._permits.coming -= 1
            return True

    def void(self, task: Task) -> bool:
        """The executor did not take `task`: its permit comes back. False if it has begun nevertheless."""
        with self._lock:
            if task.begun or task.void:
                return False
            task.void = True
            self._permits.coming -= 1
            self._permits.running -= 1
            self._tell_if_quiet()
            return True

    def next(self, task: Task) -> RawEvent | None:
        """The event that `task` is to run now; None when it has left: nothing to do, one too many, or the end.

        `task.sends` says whether another task has to be sent before a handler is called: only where a lane was taken,
        because whatever else makes a lane ready or a permit free sends one itself.
        """
        lane, permits = task.lane, self._permits
        if lane is None or self._is_careful or permits.running > permits.workers:
            return self._next_carefully(task)
        try:
            # Nobody else takes from a taken lane, unless careful.
            event = lane.events.popleft()
        except IndexError:
            return self._next_carefully(task)
        task.count += 1
        if self._wants_room or self.full_at is not None:
            with self._lock:
                self.full_at = None
                self._make_room()
        return event

    def _next_carefully(self, task: Task) -> RawEvent | None:
        with self._lock:
            permits, lanes = self._permits, self._lanes
            if self._stopped or permits.running > permits.workers or self._is_late():
                self._leave(task)
                return None
            lane = task.lane
            if lane is None or not lane.events:
                if lane is not None:
                    lanes.release(lane)
                lane = task.lane = lanes.take()
                if lane is None and self._deadline is not None and self._intake:
                    # The dispatcher thread may be too late to find a task that still runs.
                    self._sort_some()
                    lane = task.lane = lanes.take()
                if lane is None:
                    self._leave(task)
                    return None
            event = lanes.next(lane)
            task.count += 1
            self.full_at = None
            if self._wants_room:
                self._make_room()
            task.sends = permits.send(lanes.ready)
            return event

    def hand_over(self, task: Task) -> bool:
        """The task has run for long enough. True: send its successor; False: nothing is ready and it has left."""
        with self._lock:
            if task.lane is not None:
                self._lanes.release(task.lane)
                task.lane = None
            if not self._lanes.ready or self._stopped or self._permits.running > self._permits.workers:
                self._leave(task)
                return False
            self._permits.coming += 1
            task.left = True
            return True

    def take_over(self, task: Task, successor: Task) -> bool:
        """The executor did not take the successor: `task` goes on itself. False if it has begun nevertheless."""
        with self._lock:
            if successor.begun:
                return False
            successor.void = True
            self._permits.coming -= 1
            task.left = False
            return True

    def leave(self, task: Task) -> bool:
        """`task` ends, whatever happened to it; returns whether another one is to be sent in its place."""
        with self._lock:
            if not task.left:
                self._leave(task)
            self._settle(task)
            return self._permits.send(self._lanes.ready)

    def _leave(self, task: Task) -> None:
        task.left = True
        if task.lane is not None:
            self._lanes.release(task.lane)
            task.lane = None
        self._permits.running -= 1
        self._settle(task)
        self._tell_if_quiet()

    def _settle(self, task: Task) -> None:
        self._tasks.discard(task)
        self._gone += task.count
        task.count = 0

    def wants_task(self) -> bool:
        """Whether a lane is ready, a permit is free and nobody is on the way; takes the permit."""
        with self._lock:
            return not self._stopped and self._permits.send(self._lanes.ready)

    # -- handlers that wait ---------------------------------------------------------------------------------------

    def reserve(self) -> bool:
        """Takes a slot for waiting; False if all are in use."""
        with self._lock:
            return self._permits.reserve()

    def unreserve(self) -> None:
        with self._lock:
            self._permits.slots -= 1

    def step_out(self, task: Task) -> bool:
        """The handler of `task` waits: permit and lane are for others. Returns whether to send a task."""
        with self._lock:
            if task.lane is not None:
                self._lanes.release(task.lane)
                task.lane = None
            self._permits.running -= 1
            self._permits.outside += 1
            return self._permits.send(self._lanes.ready)

    def step_in(self) -> None:
        """It goes on, even if that is one too many: the next task between two events retires."""
        with self._lock:
            self._permits.outside -= 1
            self._permits.running += 1

    def waits_alone(self) -> bool:
        """Whether a handler waits without a running task beside it."""
        with self._lock:
            return self._permits.outside > 0 and not self._permits.running

    # -- the end --------------------------------------------------------------------------------------------------

    @property
    def closed(self) -> bool:
        """Whether the intake is closed."""
        return self._closed

    @property
    def stopped(self) -> bool:
        return self._stopped

    def close(self) -> None:
        """Closes the intake: blocked offers return, later ones are refused."""
        with self._door, self._lock:
            self._closed = True
            self._make_room()

    def finish_by(self, deadline: float) -> None:
        """The executor takes no more tasks: those that run finish the backlog, and begin nothing after `deadline`."""
        with self._lock:
            self._deadline = deadline
            self._is_careful = True

    def stop(self) -> list[Entry]:
        """Nothing begins any more. Returns what was accepted and never begun."""
        with self._door, self._lock:
            self._closed = self._stopped = True
            left: list[Entry] = [*self._lanes.clear(), *self._intake]
            self._intake.clear()
            self._gone += len(left)
            self._make_room()
            self._bell.put(None)
            self._tell_if_quiet()
            return left

    def on_quiet(self, quiet: threading.Event) -> None:
        """Sets `quiet` as soon as nothing waits to begin and nobody runs, at once if that is so now."""
        with self._lock:
            self._quiet.append(quiet)
            self._tell_if_quiet()

    def _tell_if_quiet(self) -> None:
        if self._quiet and self._permits.idle and self._accepted == self._count_gone():
            for quiet in self._quiet:
                quiet.set()
            self._quiet.clear()

    def _is_late(self) -> bool:
        return self._deadline is not None and self._clock.now() >= self._deadline

    # -- for humans -----------------------------------------------------------------------------------------------

    @property
    def depth(self) -> int:
        """Events accepted and not begun."""
        with self._lock:
            return self._accepted - self._count_gone()

    @property
    def running(self) -> int:
        """Permits in use."""
        return self._permits.running

    @property
    def busy(self) -> int:
        """Permits in use, and what could begin now: what waits behind a handler of its lane does not count."""
        with self._lock:
            permits, lanes = self._permits, self._lanes
            can_begin = bool(lanes.ready) and permits.running < permits.workers
            return permits.running + len(self._intake) + can_begin

    @property
    def waiting(self) -> int:
        """Handlers that wait."""
        return self._permits.outside

    @property
    def unfinished(self) -> int:
        """Events not begun, and tasks that run or wait."""
        with self._lock:
            return self._accepted - self._count_gone() + self._permits.running + self._permits.outside

    def oldest(self) -> float | None:
        """When the oldest event not begun was received; None when there is none."""
        with self._lock:
            events = self._lanes.heads()
            if self._intake:
                first = self._intake[0]
                events.append(first.event if isinstance(first, Glimpse) else first)
            return min((event.received_at for event in events), default=None)
