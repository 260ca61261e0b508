"""The memory of handled events."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable

from qqbot_sync.dispatch import Claims
from qqbot_sync.events import RawEvent
from tests.dispatch.support import Finished, an_event


def test_families_share_their_ids_and_nobody_else_does() -> None:
    def key(name: str) -> object:
        return an_event(name=name, id="m").dedupe

    assert key("AT_MESSAGE_CREATE") == key("MESSAGE_CREATE")
    assert key("GROUP_AT_MESSAGE_CREATE") == key("GROUP_MESSAGE_CREATE")
    assert key("AT_MESSAGE_CREATE") != key("GROUP_AT_MESSAGE_CREATE")
    assert key("C2C_MESSAGE_CREATE") != key("GROUP_MESSAGE_CREATE")
    assert key("NEW_EVENT") == ("NEW_EVENT", "m")
    assert an_event(id=None).dedupe is None


def test_what_was_given_back_can_be_claimed_again_and_what_is_done_cannot() -> None:
    claims = Claims()
    event = an_event(id="m")
    assert claims.claim(event)
    assert not claims.claim(event)
    claims.give_back(event)
    assert claims.claim(event)
    claims.done(event)
    claims.give_back(event)
    assert not claims.claim(event)


def test_an_event_without_an_id_is_always_claimed() -> None:
    claims = Claims()
    for _ in range(2):
        event = an_event(id=None)
        assert claims.claim(event)
        claims.done(event)
        claims.give_back(event)


def test_what_an_earlier_process_handled_is_a_duplicate() -> None:
    claims = Claims()
    claims.remember((0, 1), ("AT_MESSAGE_CREATE", "m"), 7)
    assert not claims.claim(an_event(name="MESSAGE_CREATE", id="m"))


def test_done_keys_below_the_resume_point_are_forgotten_beyond_the_limit() -> None:
    claims = Claims(limit=3)
    events = [an_event(id=str(number)) for number in range(10)]
    for event in events:
        claims.claim(event)
        claims.done(event)
    assert not any(claims.claim(event) for event in events)
    claims.forget_up_to((0, 1), events[-1].seq)
    assert [claims.claim(event) for event in events] == [True] * 7 + [False] * 3
    claims.new_session((0, 1))
    assert not claims.claim(events[-1])


def test_of_many_threads_exactly_one_claims() -> None:
    claims, wins = Claims(), []
    start = threading.Barrier(8)

    def claim() -> None:
        start.wait()
        for number in range(200):
            if claims.claim(an_event(id=str(number))):
                wins.append(number)

    threads = [threading.Thread(target=claim) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(wins) == list(range(200))


# -- copies that outlast a start ------------------------------------------------------------------------------------


def books() -> tuple[list[RawEvent], Callable[[RawEvent], None]]:
    """What one run writes down as finished."""
    finished: list[RawEvent] = []
    return finished, lambda event: finished.append(event)


def test_a_copy_in_the_same_books_is_finished_at_once() -> None:
    """A restart resumes before the event that it repeats."""
    claims, (finished, write) = Claims(), books()
    first, copy = an_event(id="m", done=write), an_event(id="m", done=write)
    assert claims.claim(first, never)
    assert not claims.claim(copy, never)
    assert finished == [copy]


def test_a_copy_in_other_books_is_finished_with_the_event_that_it_repeats() -> None:
    claims, (old, write_old), (new, write_new) = Claims(), books(), books()
    first, copy, third = (an_event(id="m", done=write) for write in (write_old, write_new, write_new))
    assert claims.claim(first, never)
    assert not claims.claim(copy, never)
    assert not claims.claim(third, never)
    assert new == [third], "the copy before it stands in the same books"
    claims.done(first)
    first.finish()
    assert new == [third, copy]
    assert old == [first]
    assert not claims.claim(an_event(id="m"), never)


def test_a_copy_is_handled_in_the_place_of_an_event_that_is_given_back() -> None:
    claims, (finished, write_second), (more, write_third) = Claims(), books(), books()
    first, second, third = an_event(id="m"), an_event(id="m", done=write_second), an_event(id="m", done=write_third)
    handled: list[RawEvent] = []
    assert claims.claim(first, never)
    assert not claims.claim(second, handled.append)
    assert not claims.claim(third, handled.append)
    claims.give_back(first)
    assert handled == [second]
    assert not finished
    claims.give_back(second)
    assert handled == [second, third]
    claims.done(third)
    third.finish()
    assert more == [third]
    assert not claims.claim(an_event(id="m"), never)


def test_a_copy_that_comes_while_its_event_ends_is_finished_exactly_once() -> None:
    """Whichever of the two is first."""
    rounds, finished = 500, Finished()
    claims, start = Claims(), threading.Barrier(2)
    firsts = [an_event(id=str(number)) for number in range(rounds)]
    for event in firsts:
        assert claims.claim(event)

    def end() -> None:
        for event in firsts:
            start.wait()
            claims.done(event)

    ender = threading.Thread(target=end)
    ender.start()
    for number in range(rounds):
        copy = an_event(f"{number}", id=str(number), done=finished)
        start.wait()
        assert not claims.claim(copy, never)
    ender.join()
    assert finished.times == Counter({f"{number}": 1 for number in range(rounds)})


def never(event: RawEvent) -> None:
    raise AssertionError(f"{event} is a duplicate, and nothing was given back")
