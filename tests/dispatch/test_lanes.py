"""The pure part: order within a lane, fairness between lanes, nothing lost, permits never exceeded."""

from __future__ import annotations

from collections import deque

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from qqbot_sync.dispatch.lanes import Lane, Lanes, Permits, key_of
from qqbot_sync.events import RawEvent
from tests.dispatch.support import an_event


def texts(lane: Lane) -> list[str]:
    return [bytes(event.d).decode() for event in lane.events]


def spare_nobody(_: RawEvent) -> bool:
    return False


def test_events_of_one_key_share_a_lane_in_order() -> None:
    lanes = Lanes()
    for text in "abc":
        lanes.put(an_event(text), "ann")
    lane = lanes.take()
    assert lane is not None
    assert texts(lane) == ["a", "b", "c"]
    assert lanes.take() is None


def test_a_taken_lane_is_not_taken_twice_even_when_events_are_added() -> None:
    lanes = Lanes()
    lanes.put(an_event("a"), "ann")
    lane = lanes.take()
    lanes.put(an_event("b"), "ann")
    assert lanes.take() is None
    assert lane is not None
    assert texts(lane) == ["a", "b"]


def test_a_released_lane_goes_behind_all_that_are_ready() -> None:
    lanes = Lanes()
    lanes.put(an_event("a1"), "ann")
    lanes.put(an_event("a2"), "ann")
    lanes.put(an_event("b"), "bob")
    ann = lanes.take()
    assert ann is not None
    lanes.next(ann)
    lanes.release(ann)
    bob = lanes.take()
    assert bob is not None
    assert bob.key == "bob"


def test_an_empty_lane_is_forgotten_when_released() -> None:
    lanes = Lanes()
    for number in range(100):
        lanes.put(an_event(), number)
        lane = lanes.take()
        assert lane is not None
        lanes.next(lane)
        lanes.release(lane)
    assert not lanes._by_key
    assert not lanes.ready


def test_without_a_key_every_event_has_a_lane_of_its_own() -> None:
    lanes = Lanes()
    lanes.put(an_event("a"), None)
    lanes.put(an_event("b"), None)
    first, second = lanes.take(), lanes.take()
    assert first is not None
    assert second is not None
    assert (texts(first), texts(second)) == (["a"], ["b"])


def test_the_oldest_over_all_lanes_is_dropped_first() -> None:
    lanes = Lanes(track_oldest=True)
    for text, key in (("a1", "ann"), ("b1", "bob"), ("a2", "ann")):
        lanes.put(an_event(text), key)
    dropped = [lanes.drop_oldest(spare_nobody) for _ in range(4)]
    assert [bytes(event.d).decode() if event else None for event in dropped] == ["a1", "b1", "a2", None]


def test_spared_events_are_not_dropped() -> None:
    lanes = Lanes(track_oldest=True)
    lanes.put(an_event("a1", name="READY"), "ann")
    lanes.put(an_event("a2"), "ann")
    dropped = lanes.drop_oldest(lambda event: event.name == "READY")
    assert dropped is not None
    assert bytes(dropped.d) == b"a2"
    lane = lanes.take()
    assert lane is not None
    assert texts(lane) == ["a1"]


def test_a_lane_emptied_by_drops_is_passed_over() -> None:
    lanes = Lanes(track_oldest=True)
    lanes.put(an_event("a"), "ann")
    lanes.put(an_event("b"), "bob")
    lanes.drop_oldest(spare_nobody)
    lane = lanes.take()
    assert lane is not None
    assert lane.key == "bob"


def test_clear_returns_everything_that_has_not_begun() -> None:
    lanes = Lanes(track_oldest=True)
    for text, key in (("a1", "ann"), ("b1", "bob"), ("c", None), ("a2", "ann")):
        lanes.put(an_event(text), key)
    taken = lanes.take()
    assert taken is not None
    lanes.next(taken)
    assert sorted(bytes(event.d).decode() for event in lanes.clear()) == ["a2", "b1", "c"]


@pytest.mark.parametrize(
    ("ordering", "one", "other", "same"),
    [
        ("author", {"author": "ann"}, {"author": "ann"}, True),
        ("author", {"author": "ann"}, {"author": "bob"}, False),
        ("author", {"author": "ann"}, {"author": "ann", "place": "group:other"}, False),
        ("conversation", {"author": "ann"}, {"author": "bob"}, True),
        ("conversation", {"place": "group:g"}, {"place": "group:h"}, False),
        ("author", {"author": "", "place": "", "name": "READY"}, {"author": "", "place": "", "name": "NEW"}, False),
        ("conversation", {"place": "", "name": "READY"}, {"place": "", "name": "READY"}, True),
    ],
)
def test_the_lane_follows_the_ordering(ordering: str, one: dict, other: dict, same: bool) -> None:
    key = key_of(ordering)
    assert (key(an_event(**one)) == key(an_event(**other))) is same


def test_ordering_none_gives_no_lane() -> None:
    assert key_of("none")(an_event()) is None


def test_one_task_is_sent_at_a_time_and_never_more_than_workers() -> None:
    permits = Permits(workers=2, max_waiting=0)
    assert permits.send([1, 2, 3])
    assert not permits.send([1, 2, 3])
    permits.coming -= 1
    assert permits.send([2, 3])
    permits.coming -= 1
    assert not permits.send([3])
    assert not Permits(workers=2, max_waiting=0).send([])


class LanesMachine(RuleBasedStateMachine):
    """Producers put, tasks take, run and release, handlers wait and wake: compared with plain queues."""

    def __init__(self) -> None:
        super().__init__()
        self.lanes = Lanes(track_oldest=True)
        self.permits = Permits(workers=3, max_waiting=2)
        self.expected: dict[int, deque[RawEvent]] = {}
        self.arrivals: list[RawEvent] = []
        self.tasks: list[Lane | None] = []
        self.begun = 0

    def waiting(self) -> int:
        return sum(len(queue) for queue in self.expected.values())

    @rule(key=st.integers(0, 5))
    def put(self, key: int) -> None:
        event = an_event()
        self.lanes.put(event, key)
        self.expected.setdefault(key, deque()).append(event)
        self.arrivals.append(event)

    @rule()
    def send(self) -> None:
        if self.permits.send(self.lanes.ready):
            self.permits.coming -= 1
            self.tasks.append(None)

    @precondition(lambda self: self.tasks)
    @rule(data=st.data())
    def step(self, data: st.DataObject) -> None:
        index = data.draw(st.integers(0, len(self.tasks) - 1))
        lane = self.tasks[index]
        if self.permits.running > self.permits.workers:
            self.leave(index)
            return
        if lane is None or not lane.events:
            if lane is not None:
                self.lanes.release(lane)
            lane = self.tasks[index] = self.lanes.take()
            if lane is None:
                self.leave(index)
                return
        event = self.lanes.next(lane)
        key = lane.key
        assert isinstance(key, int)
        assert event is self.expected[key].popleft(), "out of order"
        self.arrivals.remove(event)
        self.begun += 1

    def leave(self, index: int) -> None:
        lane = self.tasks.pop(index)
        if lane is not None:
            self.lanes.release(lane)
        self.permits.running -= 1

    @precondition(lambda self: self.tasks)
    @rule(data=st.data())
    def wait(self, data: st.DataObject) -> None:
        if self.permits.reserve():
            index = data.draw(st.integers(0, len(self.tasks) - 1))
            lane = self.tasks.pop(index)
            if lane is not None:
                self.lanes.release(lane)
            self.permits.running -= 1
            self.permits.outside += 1

    @precondition(lambda self: self.permits.outside)
    @rule()
    def wake(self) -> None:
        self.permits.outside -= 1
        self.permits.slots -= 1
        self.permits.running += 1
        self.tasks.append(None)

    @rule()
    def drop(self) -> None:
        event = self.lanes.drop_oldest(spare_nobody)
        assert event is (self.arrivals.pop(0) if self.arrivals else None)
        for queue in self.expected.values():
            if event in queue:
                queue.remove(event)

    @invariant()
    def nothing_is_lost_and_no_lane_is_taken_twice(self) -> None:
        taken = [lane for lane in self.tasks if lane is not None]
        assert len({id(lane) for lane in taken}) == len(taken)
        lanes = {id(lane): lane for lane in (*taken, *self.lanes.ready)}
        assert sum(len(lane.events) for lane in lanes.values()) == self.waiting()
        assert {id(lane) for lane in taken}.isdisjoint(id(lane) for lane in self.lanes.ready)

    @invariant()
    def tasks_and_waiters_fit_the_pool(self) -> None:
        assert self.permits.running == len(self.tasks)
        assert self.permits.running + self.permits.outside <= self.permits.workers + self.permits.max_waiting


TestLanesMachine = LanesMachine.TestCase
TestLanesMachine.settings = settings(max_examples=60, stateful_step_count=60, deadline=None)
