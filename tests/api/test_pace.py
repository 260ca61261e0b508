"""All threads of a bot together stay within the published rates."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from qqbot_sync.api import Api
from qqbot_sync.errors import OutcomeUnknown, RateLimited, Stopped
from qqbot_sync.protocol.replies import Anchor, Group
from tests.api.support import Peer, QuickClock, reply, reset
from tests.support import FakeClock, eventually

ITEM = {"name": "a", "type": "send_message", "send_message": "b"}


def test_a_call_waits_for_its_turn(peer: Peer, api: Api, clock: QuickClock) -> None:
    start = clock.now()
    for _ in range(11):
        api.update_menu([ITEM], timeout=100)
    assert clock.waits == [60.0, 60.0]
    assert clock.now() - start == 120.0
    assert len(peer.requests) == 11


def test_threads_share_the_turns(peer: Peer) -> None:
    clock = FakeClock()
    with Api("1", "s", environment=peer.environment, clock=clock) as api, ThreadPoolExecutor(8) as pool:
        calls = [pool.submit(api.update_menu, [ITEM], timeout=100) for _ in range(8)]
        eventually(lambda: len(peer.requests) == 5)
        clock.advance(59.9)
        assert len(peer.requests) == 5
        clock.advance(0.2)
        for call in calls:
            call.result(20)
    assert len(peer.requests) == 8


def test_other_routes_are_not_held_up(peer: Peer, api: Api, clock: QuickClock) -> None:
    for _ in range(5):
        api.update_menu([ITEM])
        api.get_menu()
        api.get_panel("P")
    assert clock.waits == []


def test_a_turn_that_comes_too_late_is_an_error_at_once_and_nothing_is_sent(
    peer: Peer, api: Api, clock: QuickClock
) -> None:
    for _ in range(5):
        api.update_menu([ITEM])
    with pytest.raises(RateLimited, match="PUT /v2/menu") as caught:
        api.update_menu([ITEM], timeout=30)
    assert caught.value.retry_after == 60.0
    assert caught.value.retryable
    assert " / " in str(caught.value)
    assert (len(peer.requests), clock.waits) == (5, [])


def test_who_does_not_want_to_wait_is_told(peer: Peer) -> None:
    with Api("1", "s", environment=peer.environment, clock=QuickClock(), pacing="raise") as api:
        for _ in range(5):
            api.update_menu([ITEM])
        with pytest.raises(RateLimited):
            api.update_menu([ITEM], timeout=100)
        api.pace.pacing = "off"
        api.update_menu([ITEM])
    assert len(peer.requests) == 6


def test_a_pacing_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="wait, raise, off"):
        Api("1", "s", pacing="never")  # type: ignore[arg-type]


def test_close_wakes_whoever_waits_and_gives_the_turn_back(peer: Peer) -> None:
    clock = FakeClock()
    api = Api("1", "s", environment=peer.environment, clock=clock)
    for _ in range(5):
        api.update_menu([ITEM])
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(api.update_menu, [ITEM], timeout=100)
        [bucket] = api.pace._buckets._buckets.values()
        eventually(lambda: len(bucket._taken) == 6)
        api.close()
        with pytest.raises(Stopped):
            waiting.result(20)
    assert len(bucket._taken) == 5
    api.close()


def test_messages_are_paced_too_and_a_reply_keeps_its_number(peer: Peer, api: Api, clock: QuickClock) -> None:
    peer.default = reply({"id": "m"})
    for number in range(201):
        api.send(Group("G"), "x", anchor=Anchor(msg_id=f"in-{number}"))
    assert clock.waits == [1.0, 1.0]
    assert all(got.json["msg_seq"] == 1 for got in peer.requests)


def test_a_reply_in_doubt_whose_turn_comes_too_late_stays_in_doubt(peer: Peer, api: Api, clock: QuickClock) -> None:
    peer.default = reply({"id": "m"})
    api.pace.pacing = "raise"
    for number in range(99):
        api.send(Group("G"), "x", anchor=Anchor(msg_id=f"in-{number}"))
    peer.say(reset)
    # The pause before the next try must not bring a turn.
    api.pace._clock = FakeClock(clock.now())
    with pytest.raises(OutcomeUnknown):
        api.send(Group("G"), "x", anchor=Anchor(msg_id="in-doubt"), timeout=5)
    assert len(peer.requests) == 100
