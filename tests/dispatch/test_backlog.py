"""What is accepted and not begun, without any thread."""

from __future__ import annotations

import threading

import pytest

from qqbot_sync.dispatch.backlog import Backlog
from qqbot_sync.dispatch.entries import Glimpse, Offer, Task
from qqbot_sync.dispatch.waiting import Waiters
from tests.dispatch.support import an_event
from tests.support import FakeClock


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def backlog(clock: FakeClock) -> Backlog:
    return Backlog(clock, Waiters(), size=10, overflow="drop_oldest", ordering="author", workers=2, max_waiting=1)


def begun(backlog: Backlog) -> Task:
    task = Task()
    assert backlog.begin(task)
    return task


def test_a_task_sorts_the_rest_itself_when_no_other_can_be_sent(backlog: Backlog, clock: FakeClock) -> None:
    backlog.add(an_event("sorted"))
    assert backlog.sort() == ([], True)
    task = begun(backlog)
    assert backlog.next(task) is not None
    event = an_event("not sorted")
    backlog.add(event)
    backlog.finish_by(clock.now() + 10)
    assert backlog.next(task) is event
    backlog.add(an_event("too late"))
    clock.advance(10)
    assert backlog.next(task) is None
    assert (backlog.running, backlog.depth) == (0, 1)


def test_a_task_that_was_given_up_does_not_begin_and_its_permit_is_back(backlog: Backlog) -> None:
    backlog.add(an_event())
    backlog.sort()
    task = Task()
    assert backlog.running == 1
    assert backlog.void(task)
    assert not backlog.void(task)
    assert not backlog.begin(task)
    assert backlog.running == 0
    assert backlog.wants_task()


def test_a_successor_keeps_the_permit_and_the_order_of_lanes(backlog: Backlog) -> None:
    for text in ("a1", "a2", "b"):
        backlog.add(an_event(text, author=text[0]))
    backlog.sort()
    task = begun(backlog)
    first = backlog.next(task)
    assert first is not None
    task.sends = False
    assert backlog.hand_over(task)
    successor = begun(backlog)
    second = backlog.next(successor)
    assert second is not None
    assert bytes(second.d) == b"b"


def test_a_refused_successor_leaves_the_permit_with_the_task(backlog: Backlog) -> None:
    for text in ("a1", "a2"):
        backlog.add(an_event(text))
    backlog.sort()
    task, successor = begun(backlog), Task()
    backlog.next(task)
    assert backlog.hand_over(task)
    assert backlog.take_over(task, successor)
    assert not backlog.begin(successor)
    assert backlog.next(task) is not None
    assert backlog.next(task) is None
    assert backlog.running == 0


def test_a_successor_that_began_nevertheless_keeps_the_permit(backlog: Backlog) -> None:
    for text in ("a1", "a2"):
        backlog.add(an_event(text))
    backlog.sort()
    task, successor = begun(backlog), Task()
    backlog.next(task)
    assert backlog.hand_over(task)
    assert backlog.begin(successor)
    assert not backlog.take_over(task, successor)
    assert backlog.next(successor) is not None
    assert not backlog.leave(task)
    assert backlog.running == 1


def test_the_oldest_to_drop_is_one_that_has_not_begun(backlog: Backlog) -> None:
    events = [an_event(str(number)) for number in range(11)]
    for event in events[:3]:
        backlog.add(event)
    backlog.sort()
    task = begun(backlog)
    assert [backlog.next(task), backlog.next(task)] == events[:2]
    for event in events[3:]:
        backlog.add(event)
    assert backlog.depth == 9
    assert backlog.add(an_event()) == (Offer.ACCEPTED, None)
    assert backlog.add(an_event()) == (Offer.ACCEPTED, events[2])
    assert backlog.depth == 10


def test_in_the_middle_of_a_lane_a_task_that_is_one_too_many_retires(clock: FakeClock) -> None:
    backlog = Backlog(clock, Waiters(), size=9, overflow="block", ordering="author", workers=1, max_waiting=1)
    for text in ("ask", "b1", "b2"):
        backlog.add(an_event(text, author=text[0]))
    backlog.sort()
    asking = begun(backlog)
    assert backlog.next(asking) is not None
    assert backlog.step_out(asking)
    busy = begun(backlog)
    assert backlog.next(busy) is not None
    backlog.step_in()
    assert backlog.running == 2
    assert backlog.next(busy) is None
    assert (backlog.running, backlog.depth) == (1, 1)
    assert backlog.next(asking) is not None, "the one that woke goes on, and serves the lane that was left"


def test_glimpses_count_until_they_are_sorted_and_are_left_behind_like_events(backlog: Backlog) -> None:
    event = an_event("seen")
    assert backlog.add(Glimpse(event)) == (Offer.ACCEPTED, None)
    assert backlog.depth == 1
    assert backlog.sort() == ([event], False)
    assert backlog.depth == 0
    backlog.add(Glimpse(event))
    assert len(backlog.stop()) == 1
    assert backlog.sort() is None
    assert backlog.put_back(event) is None


def test_quiet_is_told_when_nothing_waits_and_nobody_runs(backlog: Backlog) -> None:
    quiet = threading.Event()
    backlog.on_quiet(quiet)
    assert quiet.is_set()
    backlog.add(an_event())
    quiet = threading.Event()
    backlog.on_quiet(quiet)
    backlog.sort()
    task = begun(backlog)
    assert backlog.next(task) is not None
    assert not quiet.is_set()
    assert backlog.next(task) is None
    assert quiet.is_set()


def test_the_oldest_is_looked_for_in_the_lanes_and_in_the_intake(backlog: Backlog) -> None:
    assert backlog.oldest() is None
    backlog.add(an_event(at=7.0))
    assert backlog.oldest() == 7.0
    backlog.sort()
    backlog.add(an_event(at=8.0))
    assert backlog.oldest() == 7.0
