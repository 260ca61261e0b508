"""The sequence ledger knows where a Resume has to begin, however events come and end."""

from __future__ import annotations

import random
from collections import OrderedDict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qqbot_sync.protocol.ledger import SeqLedger
from tests.protocol.support import BOUNDED


def take(ledger: SeqLedger, *numbers: int | None) -> None:
    for s in numbers:
        ledger.accepted(s)
        ledger.received(s)


def test_a_new_ledger_knows_nothing() -> None:
    ledger = SeqLedger()
    assert ledger.highest is None
    assert ledger.lowest_unfinished is None
    assert ledger.unfinished == 0
    assert ledger.resume_point_within_process is None
    assert ledger.resume_point_across_restart is None


def test_the_resume_points_differ_while_an_event_is_unfinished() -> None:
    ledger = SeqLedger()
    take(ledger, 1, 2, 3, 4, 5)
    for s in (1, 2, 4):
        ledger.finished(s)
    assert ledger.lowest_unfinished == 3
    assert ledger.resume_point_within_process == 5
    assert ledger.resume_point_across_restart == 2
    assert ledger.unfinished == 2
    ledger.finished(3)
    assert ledger.resume_point_across_restart == 4
    ledger.finished(5)
    assert ledger.lowest_unfinished is None
    assert ledger.resume_point_across_restart == 5


def test_an_event_nobody_hears_is_received_and_no_more() -> None:
    ledger = SeqLedger()
    ledger.received(1)
    take(ledger, 2)
    ledger.received(3)
    assert ledger.resume_point_across_restart == 1
    ledger.finished(2)
    assert ledger.resume_point_across_restart == 3


def test_an_event_that_is_being_offered_is_not_received_yet() -> None:
    ledger = SeqLedger()
    take(ledger, 1)
    ledger.accepted(2)
    assert ledger.highest == 1
    ledger.finished(1)
    assert ledger.resume_point_across_restart == 1


def test_a_refused_event_will_be_replayed() -> None:
    ledger = SeqLedger()
    take(ledger, 1)
    ledger.finished(1)
    ledger.accepted(2)
    ledger.finished(2)
    assert ledger.resume_point_within_process == 1
    assert ledger.resume_point_across_restart == 1


def test_a_handler_may_be_done_before_the_offer_has_returned() -> None:
    ledger = SeqLedger()
    ledger.accepted(1)
    ledger.finished(1)
    ledger.received(1)
    assert ledger.resume_point_across_restart == 1
    assert ledger.unfinished == 0


def test_a_gap_below_the_first_unfinished_event_is_not_claimed() -> None:
    ledger = SeqLedger()
    ledger.received(3)
    ledger.accepted(9)
    assert ledger.resume_point_across_restart == 3, "4 to 8 were never seen"


def test_frames_without_a_number_change_nothing() -> None:
    ledger = SeqLedger()
    ledger.accepted(None)
    ledger.received(None)
    ledger.finished(None)
    assert ledger.highest is None
    assert ledger.unfinished == 0


def test_finishing_what_is_not_outstanding_changes_nothing() -> None:
    ledger = SeqLedger()
    take(ledger, 1)
    ledger.finished(7)
    ledger.finished(1)
    ledger.finished(1)
    assert ledger.resume_point_across_restart == 1


def test_the_same_number_accepted_twice_is_finished_twice() -> None:
    ledger = SeqLedger()
    take(ledger, 1, 1)
    ledger.finished(1)
    assert ledger.lowest_unfinished == 1
    ledger.finished(1)
    assert ledger.lowest_unfinished is None


def test_a_replay_of_lower_numbers_is_accepted_again() -> None:
    ledger = SeqLedger()
    take(ledger, 5, 6, 9)
    take(ledger, 3, 2, 2, 4)
    assert ledger.highest == 9
    assert ledger.lowest_unfinished == 2
    for s, lowest in ((2, 2), (3, 2), (2, 4), (5, 4), (4, 6), (6, 9)):
        ledger.finished(s)
        assert ledger.lowest_unfinished == lowest
    ledger.finished(9)
    assert ledger.lowest_unfinished is None
    take(ledger, 4)
    assert ledger.lowest_unfinished == 4
    assert ledger.highest == 9


def test_a_new_session_starts_from_nothing_and_ignores_the_events_of_the_old_one() -> None:
    ledger = SeqLedger()
    old = ledger.generation
    take(ledger, 1, 2, 3)
    ledger.reset()
    assert ledger.generation != old
    assert ledger.highest is None
    take(ledger, 1, 2)
    ledger.finished(1, generation=old)
    assert ledger.lowest_unfinished == 1
    ledger.finished(1, generation=ledger.generation)
    assert ledger.lowest_unfinished == 2


def test_a_replay_that_was_under_way_does_not_reach_into_the_new_session() -> None:
    ledger = SeqLedger()
    take(ledger, 8, 9, 3)
    ledger.reset()
    assert ledger.lowest_unfinished is None
    assert ledger.unfinished == 0
    take(ledger, 5, 6)
    assert ledger.lowest_unfinished == 5


def test_a_stored_session_goes_on_where_it_stood() -> None:
    assert SeqLedger(1337).resume_point_across_restart == 1337
    ledger = SeqLedger()
    ledger.reset(1337)
    assert ledger.resume_point_within_process == 1337
    take(ledger, 1338)
    assert ledger.resume_point_across_restart == 1337


def test_one_event_that_hangs_keeps_only_what_is_unfinished() -> None:
    ledger = SeqLedger()
    take(ledger, 1)
    for s in range(2, 20_000):
        take(ledger, s)
        ledger.finished(s)
    assert ledger.unfinished == 1
    assert len(ledger._open) + len(ledger._late) + len(ledger._late_order) == 1
    assert ledger.resume_point_across_restart == 0


def test_the_first_unfinished_number_is_found_without_walking_over_the_finished_ones() -> None:
    # A plain dict passes every other test and takes time that grows with the square of the backlog.
    assert type(SeqLedger()._open) is OrderedDict


class Model:
    """The same rules, plainly and slowly."""

    def __init__(self) -> None:
        self.open: list[int] = []
        self.highest: int | None = None

    def lowest(self) -> int | None:
        return min(self.open, default=None)


@BOUNDED
@given(
    st.lists(
        st.tuples(st.sampled_from(["next", "next", "replay", "finish", "finish", "front"]), st.integers(0, 30)),
        max_size=80,
    )
)
def test_it_agrees_with_a_plain_list(steps: list[tuple[str, int]]) -> None:
    ledger, model = SeqLedger(), Model()
    for step, number in steps:
        if step in ("next", "replay"):
            s = (model.highest or 0) + 1 if step == "next" else number
            take(ledger, s)
            model.open.append(s)
            model.highest = max(s, model.highest if model.highest is not None else s)
        elif step == "finish":
            ledger.finished(number)
            if number in model.open:
                model.open.remove(number)
        elif model.open:
            ledger.finished(min(model.open))
            model.open.remove(min(model.open))
        assert ledger.lowest_unfinished == model.lowest()
        assert ledger.unfinished == len(set(model.open))
        assert ledger.highest == model.highest
        point = ledger.resume_point_across_restart
        assert point == (model.highest if not model.open else min(model.open) - 1)


@pytest.mark.parametrize("seed", range(3))
def test_nothing_stays_behind_after_any_order_of_finishing(seed: int) -> None:
    ledger, numbers = SeqLedger(), list(range(1, 1001))
    take(ledger, *numbers)
    take(ledger, *range(500, 700))
    order = numbers + list(range(500, 700))
    random.Random(seed).shuffle(order)
    for s in order:
        ledger.finished(s)
    assert ledger.unfinished == 0
    assert not ledger._late_order
    assert ledger.resume_point_across_restart == 1000
