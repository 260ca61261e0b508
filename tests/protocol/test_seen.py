"""Claims: every event once, none forgotten that a Resume could bring again."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qqbot_sync.protocol.seen import SeenIds
from tests.protocol.support import BOUNDED


def key(number: int) -> tuple[str, str]:
    return ("GROUP", f"id-{number}")


def handle(seen: SeenIds, number: int, s: int | None = None) -> None:
    assert seen.claim(key(number))
    seen.done(key(number), s)


def test_only_the_first_claim_is_granted() -> None:
    seen = SeenIds()
    assert seen.claim(key(1))
    assert not seen.claim(key(1))
    assert seen.claim(("C2C", "id-1")), "the same id in another family is another event"


def test_a_done_event_is_a_duplicate() -> None:
    seen = SeenIds()
    handle(seen, 1, s=1)
    assert not seen.claim(key(1))
    assert key(1) in seen


def test_an_event_given_back_may_come_again() -> None:
    seen = SeenIds()
    seen.claim(key(1))
    seen.give_back(key(1))
    assert key(1) not in seen
    assert seen.claim(key(1))


def test_what_is_done_is_not_given_back() -> None:
    seen = SeenIds()
    handle(seen, 1, s=1)
    seen.give_back(key(1))
    seen.give_back(key(2))
    assert not seen.claim(key(1))


def test_a_stored_key_is_remembered_without_a_claim() -> None:
    seen = SeenIds()
    seen.done(key(1))
    seen.done(key(2), 17)
    assert not seen.claim(key(1))
    assert not seen.claim(key(2))


def test_done_twice_is_done_once() -> None:
    seen = SeenIds()
    handle(seen, 1, s=1)
    seen.done(key(1), 2)
    assert len(seen) == 1
    seen.forget_up_to(5)
    assert len(seen) == 1


def test_a_key_that_may_be_forgotten_does_not_come_under_protection_by_being_done_again() -> None:
    seen = SeenIds(limit=1)
    handle(seen, 1)
    seen.done(key(1), 5)
    assert len(seen) == 1
    handle(seen, 2)
    assert key(1) not in seen


def test_the_first_number_of_a_session_is_above_the_first_resume_point() -> None:
    seen = SeenIds(limit=1)
    handle(seen, 1, s=1)
    handle(seen, 2)
    handle(seen, 3)
    assert key(1) in seen


def test_beyond_the_limit_the_oldest_is_forgotten() -> None:
    seen = SeenIds(limit=3)
    for number in range(1, 6):
        handle(seen, number, s=number)
        seen.forget_up_to(number)
    assert [number for number in range(1, 6) if key(number) in seen] == [3, 4, 5]
    assert len(seen) == 3


def test_ids_without_a_number_can_be_forgotten_at_once() -> None:
    seen = SeenIds(limit=2)
    for number in range(5):
        handle(seen, number)
    assert len(seen) == 2


def test_ids_above_the_resume_point_are_never_forgotten() -> None:
    seen = SeenIds(limit=3)
    for number in range(1, 101):
        handle(seen, number, s=number)
    assert all(key(number) in seen for number in range(1, 101))
    seen.forget_up_to(90)
    assert [number for number in range(1, 101) if key(number) in seen] == [88, 89, 90, *range(91, 101)]
    seen.forget_up_to(100)
    assert len(seen) == 3


def test_the_order_of_finishing_does_not_hold_anything_back() -> None:
    seen = SeenIds(limit=2)
    for number in range(1, 101):
        assert seen.claim(key(number))
    for number in range(100, 0, -1):
        seen.done(key(number), number)
    seen.forget_up_to(99)
    assert [number for number in range(1, 101) if key(number) in seen] == [98, 99, 100]


def test_the_resume_point_never_goes_back() -> None:
    seen = SeenIds(limit=1)
    seen.forget_up_to(10)
    seen.forget_up_to(3)
    seen.forget_up_to(None)
    handle(seen, 1, s=5)
    handle(seen, 2, s=6)
    assert len(seen) == 1


def test_claims_under_way_are_never_forgotten() -> None:
    seen = SeenIds(limit=1)
    assert seen.claim(key(1))
    for number in range(2, 20):
        handle(seen, number)
    assert not seen.claim(key(1))


def test_ids_survive_a_new_session_whose_numbers_start_again() -> None:
    seen = SeenIds(limit=3)
    for number in range(1, 6):
        handle(seen, number, s=1000 + number)
    seen.new_session()
    assert [number for number in range(1, 6) if key(number) in seen] == [3, 4, 5], "no replay of the old session comes"
    handle(seen, 6, s=1)
    assert not seen.claim(key(5))
    assert not seen.claim(key(6))
    seen.forget_up_to(0)
    for number in range(7, 12):
        handle(seen, number)
    assert key(6) in seen, "s=1 lies above the resume point of the new session"


def test_what_was_forgotten_after_a_new_session_stays_forgotten() -> None:
    seen = SeenIds(limit=1)
    handle(seen, 1, s=1)
    seen.new_session()
    handle(seen, 2)
    assert key(1) not in seen
    seen.forget_up_to(10)
    assert key(1) not in seen
    assert key(2) in seen


def test_an_event_of_the_old_session_that_ends_in_the_new_one_is_not_kept_for_a_replay() -> None:
    seen = SeenIds(limit=1)
    assert seen.claim(key(1))
    seen.new_session()
    seen.done(key(1), 500)
    assert not seen.claim(key(1))
    handle(seen, 2)
    assert key(1) not in seen


def test_keys_need_not_be_comparable() -> None:
    seen = SeenIds()
    for odd in (("a", 1), ("a", "b"), None, 5):
        seen.done(odd, 7)
    seen.forget_up_to(7)
    assert len(seen) == 4


@pytest.mark.parametrize("limit", [0, -1])
def test_a_limit_below_one_is_an_error(limit: int) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        SeenIds(limit)


@BOUNDED
@given(
    st.integers(1, 5),
    st.lists(
        st.tuples(st.sampled_from(["claim", "claim", "done", "done", "back", "point", "session"]), st.integers(0, 15)),
        max_size=80,
    ),
)
def test_nothing_above_the_resume_point_is_ever_granted_twice(limit: int, steps: list[tuple[str, int]]) -> None:
    seen = SeenIds(limit)
    claimed: set[int] = set()
    done: dict[int, int] = {}
    point = 0
    for step, number in steps:
        if step == "claim":
            granted = seen.claim(key(number))
            if number in claimed or done.get(number, 0) > point:
                assert not granted
            if granted:
                claimed.add(number)
                done.pop(number, None)
        elif step == "done" and number in claimed:
            claimed.discard(number)
            seen.done(key(number), number + 1)
            done[number] = number + 1
        elif step == "back":
            seen.give_back(key(number))
            claimed.discard(number)
        elif step == "point":
            point = max(point, number)
            seen.forget_up_to(number)
        elif step == "session":
            # Claims under way end with their session in this model: their numbers mean nothing in the next.
            for under_way in claimed:
                seen.give_back(key(under_way))
            claimed.clear()
            done.clear()
            point = 0
            seen.new_session()
        kept = {number for number, s in done.items() if s > point}
        assert len(seen) <= limit + len(kept) + len(claimed)
        assert all(key(number) in seen for number in kept | claimed)
