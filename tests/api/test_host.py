"""The newer host is tried once when the first call cannot connect or gets 404, and remembered."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from qqbot_sync.api import Api
from qqbot_sync.config import Environment
from qqbot_sync.errors import ConnectionFailed, NotFound, OutcomeUnknown
from qqbot_sync.protocol.replies import Channel
from tests.api.support import Peer, QuickClock, dead_port, reply, reset


@pytest.fixture
def newer() -> Iterator[Peer]:
    peer = Peer()
    yield peer
    peer.close()


def api_at(url: str, newer: Peer, clock: QuickClock) -> Api:
    first = Environment.local(url)
    return Api(
        "1", "secret", clock=clock,
        environment=Environment(first.api_url, first.token_url, is_local=True, fallback=newer.environment),
    )  # fmt: skip


def test_a_host_that_is_gone_is_replaced_for_token_and_api(
    newer: Peer, clock: QuickClock, caplog: pytest.LogCaptureFixture
) -> None:
    newer.default = reply({"id": "1", "username": "bot"})
    with api_at(f"http://127.0.0.1:{dead_port()}", newer, clock) as api:
        assert api.me().username == "bot"
        assert api.me().username == "bot"
    assert len(newer.token_requests) == 1
    assert len(newer.requests) == 2
    lines = [record for record in caplog.records if record.name == "qqbot_sync.http"]
    assert [record.levelno for record in lines] == [logging.WARNING] * 2, "one for the token, one for the API"


def test_a_host_that_knows_no_such_call_is_replaced(peer: Peer, newer: Peer, clock: QuickClock) -> None:
    peer.default = reply(b"<html>404</html>", 404)
    newer.default = reply({"id": "m1"})
    with api_at(peer.url, newer, clock) as api:
        assert api.send(Channel("1"), "hi").id == "m1"
        assert api.send(Channel("1"), "ho").id == "m1"
    assert len(peer.requests) == 1
    assert len(newer.requests) == 2
    assert len(peer.token_requests) == 1, "each host is judged by its own calls"


def test_a_host_that_answered_is_never_left_again(peer: Peer, newer: Peer, clock: QuickClock) -> None:
    with api_at(peer.url, newer, clock) as api:
        api.me()
        peer.default = reply({"code": 10003, "message": "no channel"}, 404)
        with pytest.raises(NotFound):
            api.me()
    assert not newer.requests


def test_404_from_both_is_the_first_hosts_word(peer: Peer, newer: Peer, clock: QuickClock) -> None:
    peer.default = reply({"code": 10003, "message": "first"}, 404)
    newer.default = reply({"message": "second"}, 404)
    with api_at(peer.url, newer, clock) as api:
        for _ in range(2):
            with pytest.raises(NotFound, match="first"):
                api.me()
    assert (len(peer.requests), len(newer.requests)) == (2, 1)


def test_an_outage_of_both_settles_nothing(newer: Peer, clock: QuickClock) -> None:
    newer.close()
    with api_at(f"http://127.0.0.1:{dead_port()}", newer, clock) as api:
        with pytest.raises(ConnectionFailed):
            api.me(timeout=3)
        assert api.token._host._fallback is not None


def test_a_message_that_may_have_arrived_is_not_sent_to_the_other_host(
    peer: Peer, newer: Peer, clock: QuickClock
) -> None:
    peer.say(reset)
    with api_at(peer.url, newer, clock) as api, pytest.raises(OutcomeUnknown):
        api.send(Channel("1"), "hi")
    assert not newer.requests


def test_production_falls_back_to_the_newer_host_and_the_sandbox_does_not() -> None:
    with Api("1", "s", environment=Environment.production()) as api:
        assert api.token._host._fallback == "https://api.bot.qq.com/app/getAppAccessToken"
        assert api._caller._host._fallback == "https://api.bot.qq.com"
    with Api("1", "s", environment=Environment.sandbox()) as api:
        assert api._caller._host._fallback is None
