"""Lanes: events of one key in order, events of different keys side by side. Pure: no thread, no lock, no clock."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable, Hashable
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from qqbot_sync.events import RawEvent

__all__ = ["Lane", "Lanes", "Permits", "key_of"]


class Lane:
    """The events of one key that have not begun, oldest first. In use by at most one task at a time."""

    __slots__ = ("events", "key")

    def __init__(self, key: Hashable) -> None:
        self.key = key
        self.events: deque[RawEvent] = deque()


class Lanes:
    """All lanes with something to do. Not thread-safe: the backlog's lock guards it.

    A lane is either *ready* (waiting for a task, in the order it became so) or *taken*. A lane that is empty when it
    is released is forgotten, so that memory follows the backlog and not the number of authors.

    Args:
        track_oldest: keep the order of arrival over all lanes, which only `drop_oldest` needs.
    """

    def __init__(self, *, track_oldest: bool = False) -> None:
        self.ready: deque[Lane] = deque()
        self._by_key: dict[Hashable, Lane] = {}
        # An OrderedDict, because finding the first key of a plain dict walks over all that were deleted before it.
        self._arrivals: OrderedDict[RawEvent, Lane] | None = OrderedDict() if track_oldest else None

    def put(self, event: RawEvent, key: Hashable | None) -> None:
        """Adds `event` at the end of the lane of `key`; None: a lane of its own, in order with nobody."""
        lane = None if key is None else self._by_key.get(key)
        if lane is None:
            lane = Lane(key)
            if key is not None:
                self._by_key[key] = lane
            self.ready.append(lane)
        lane.events.append(event)
        if self._arrivals is not None:
            self._arrivals[event] = lane

    def take(self) -> Lane | None:
        """The lane that has been ready for longest, now taken; None when no lane is ready."""
        while self.ready:
            lane = self.ready.popleft()
            if lane.events:
                return lane
            self._forget(lane)
        return None

    def next(self, lane: Lane) -> RawEvent:
        """Removes and returns the oldest event of a taken lane, which is not empty."""
        event = lane.events.popleft()
        if self._arrivals is not None:
            del self._arrivals[event]
        return event

    def release(self, lane: Lane) -> None:
        """A taken lane becomes ready again, behind all others; an empty one is forgotten."""
        if lane.events:
            self.ready.append(lane)
        else:
            self._forget(lane)

    def drop_oldest(self, spared: Callable[[RawEvent], bool]) -> RawEvent | None:
        """Removes and returns the event that arrived first, over all lanes; None when all are `spared`."""
        if self._arrivals is None:
            return None
        for event, lane in self._arrivals.items():
            if not spared(event):
                del self._arrivals[event]
                # The oldest of all is the oldest of its lane, unless a spared one stands before it.
                lane.events.remove(event)
                return event
        return None

    def heads(self) -> list[RawEvent]:
        """The oldest event of every lane that has one."""
        lanes = {id(lane): lane for lane in (*self._by_key.values(), *self.ready)}
        return [lane.events[0] for lane in lanes.values() if lane.events]

    def clear(self) -> list[RawEvent]:
        """Empties all lanes and returns their events, lane by lane. Taken lanes stay taken."""
        lanes = {id(lane): lane for lane in (*self._by_key.values(), *self.ready)}
        left = []
        for lane in lanes.values():
            # One by one: the task that has the lane may still take its next event, which is then not left.
            while lane.events:
                with suppress(IndexError):
                    left.append(lane.events.popleft())
        for lane in self.ready:
            self._forget(lane)
        self.ready.clear()
        if self._arrivals is not None:
            self._arrivals.clear()
        return left

    def _forget(self, lane: Lane) -> None:
        if lane.key is not None:
            del self._by_key[lane.key]


class Permits:
    """Who may run: `workers` permits, and slots for those that wait. Not thread-safe: the backlog's lock guards it.

    At most `workers` tasks run; a handler that waits steps out, and steps in again at once when it wakes, which may
    make one too many: the next task between two events retires. So tasks and waiters together never exceed
    `workers + max_waiting`, the size of the pool.
    """

    __slots__ = ("coming", "max_waiting", "outside", "running", "slots", "workers")

    def __init__(self, workers: int, max_waiting: int) -> None:
        self.workers = workers
        self.max_waiting = max_waiting
        self.running = 0
        """Permits in use, those of tasks under way to a thread included."""
        self.coming = 0
        """Tasks handed to the executor that have not begun."""
        self.outside = 0
        """Handlers that wait, without a permit."""
        self.slots = 0
        """Slots in use: handlers that wait or have announced it."""

    @property
    def idle(self) -> bool:
        """Nobody runs, nobody is under way, nobody waits."""
        return not self.running and not self.outside

    def send(self, ready: object) -> bool:
        """Whether to hand one more task to the executor, given that lanes are `ready`; takes the permit for it.

        One at a time: each task that begins sends the next one before it calls a handler. A burst that one task can
        finish alone so costs two submits and not sixteen.
        """
        if ready and not self.coming and self.running < self.workers:
            self.running += 1
            self.coming += 1
            return True
        return False

    def reserve(self) -> bool:
        """Takes a slot for waiting; False if all are in use."""
        if self.slots >= self.max_waiting:
            return False
        self.slots += 1
        return True


def key_of(ordering: str) -> Callable[[RawEvent], Hashable | None]:
    """The function that names the lane of an event, for one of the three orderings.

    An event that belongs to no conversation shares a lane with those of its own name only, so that a handler of READY
    that never returns cannot hold up others.
    """
    if ordering == "none":
        return _no_lane
    return _author_lane if ordering == "author" else _conversation_lane


def _author_lane(event: RawEvent) -> Hashable:
    keys = event.keys
    return (keys.conversation, keys.author) if keys.conversation or keys.author else event.name


def _conversation_lane(event: RawEvent) -> Hashable:
    return event.keys.conversation or event.name


def _no_lane(event: RawEvent) -> None:  # noqa: ARG001  one shape for all three
    return None
