"""Identify slots: so many in five seconds, and not one more."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qqbot_sync.protocol.pacing import IDENTIFY_WINDOW, IdentifyPace
from tests.protocol.support import BOUNDED


def test_the_first_identify_need_not_wait() -> None:
    pace = IdentifyPace()
    assert pace.delay(100.0) == 0.0
    assert pace.take(100.0)


def test_a_slot_in_flight_blocks_for_a_time_nobody_knows() -> None:
    pace = IdentifyPace()
    pace.take(100.0)
    assert pace.delay(100.0) is None
    assert pace.delay(1000.0) is None
    assert not pace.take(1000.0)
    assert pace.held == 1


def test_a_sent_identify_occupies_its_slot_for_the_window() -> None:
    pace = IdentifyPace()
    pace.take(100.0)
    pace.sent(107.0)
    assert pace.delay(107.0) == IDENTIFY_WINDOW == 5.0
    assert pace.delay(110.0) == 2.0
    assert not pace.take(111.9)
    assert pace.delay(112.0) == 0.0
    assert pace.take(112.0)


def test_a_slot_given_back_is_free_at_once() -> None:
    pace = IdentifyPace()
    pace.take(100.0)
    pace.given_back()
    assert pace.delay(100.0) == 0.0
    assert pace.take(100.0)


def test_several_slots_are_counted_together() -> None:
    pace = IdentifyPace(2)
    assert pace.take(0.0)
    assert pace.take(0.0)
    assert pace.delay(0.0) is None
    pace.sent(1.0)
    assert pace.delay(1.0) == 5.0, "one slot is in flight, the other free again at 6"
    pace.sent(2.0)
    assert pace.delay(2.0) == 4.0
    assert pace.take(6.0)
    assert pace.delay(6.0) == 1.0


def test_more_slots_are_there_as_soon_as_the_platform_says_so() -> None:
    pace = IdentifyPace()
    pace.take(0.0)
    pace.max_concurrency = 2
    assert pace.delay(0.0) == 0.0
    assert pace.max_concurrency == 2


def test_fewer_slots_leave_the_taken_ones_taken() -> None:
    pace = IdentifyPace(3)
    for second in range(3):
        pace.take(float(second))
        pace.sent(float(second))
    pace.max_concurrency = 1
    assert pace.delay(2.0) == 5.0, "only when the last of three is over is one of one free"
    assert pace.take(7.0)


@pytest.mark.parametrize("told", [0, -3])
def test_there_is_always_one_slot(told: int) -> None:
    assert IdentifyPace(told).max_concurrency == 1


def test_an_identify_without_a_slot_counts_all_the_same() -> None:
    pace = IdentifyPace()
    pace.sent(0.0)
    assert pace.held == 0
    assert pace.delay(0.0) == 5.0


def test_giving_back_twice_does_no_harm() -> None:
    pace = IdentifyPace()
    pace.take(0.0)
    pace.given_back()
    pace.given_back()
    assert pace.take(0.0)
    assert not pace.take(0.0)


def test_the_window_can_be_another() -> None:
    pace = IdentifyPace(window=0.5)
    pace.take(0.0)
    pace.sent(0.0)
    assert pace.delay(0.25) == 0.25


@BOUNDED
@given(
    st.integers(1, 4),
    st.lists(st.tuples(st.sampled_from(["take", "sent", "back", "wait"]), st.integers(0, 12)), max_size=60),
)
def test_no_window_ever_holds_more_identifies_than_allowed(slots: int, steps: list[tuple[str, int]]) -> None:
    pace, now, flying = IdentifyPace(slots), 0.0, 0
    sent: list[float] = []
    for step, half_seconds in steps:
        if step == "take":
            expected = pace.delay(now) == 0.0
            assert pace.take(now) is expected
            flying += expected
        elif step == "wait":
            now += half_seconds / 2
        elif flying:
            flying -= 1
            if step == "sent":
                pace.sent(now)
                sent.append(now)
            else:
                pace.given_back()
        assert pace.held == flying
        assert sum(now - 5 < moment <= now for moment in sent) + flying <= slots
        wait = pace.delay(now)
        if wait is not None and wait > 0:
            assert pace.delay(now + wait) == 0.0
