"""The memory of handled events."""

from __future__ import annotations

import threading

from qqbot_sync.dispatch import Claims
from tests.dispatch.support import an_event


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
