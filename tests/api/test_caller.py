"""What a call tries again, what it does not, and what it says in the end."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from qqbot_sync.api import Api
from qqbot_sync.clock import SystemClock
from qqbot_sync.errors import (
    ApiError,
    AuthenticationFailed,
    ConnectionFailed,
    Forbidden,
    NotFound,
    OutcomeUnknown,
    RateLimited,
    ServerError,
    Stopped,
)
from tests.api.support import Peer, QuickClock, dead_port, raw, reply, reset, silence
from tests.support import eventually

BOT = {"id": "1", "username": "bot"}


def test_every_call_says_who_it_is(peer: Peer, api: Api) -> None:
    peer.say(reply({"url": "wss://gateway.example/websocket"}))
    assert api.get_gateway_url() == "wss://gateway.example/websocket"
    [got] = peer.requests
    assert (got.method, got.path) == ("GET", "/gateway")
    assert got.headers["authorization"] == "QQBot token-1"
    assert got.headers["x-union-appid"] == "1024"
    assert got.headers["user-agent"].startswith("qqbot_sync/")
    assert "content-type" not in got.headers


@pytest.mark.parametrize(
    "trouble",
    [
        pytest.param(reply({"message": "busy"}, 429), id="429"),
        pytest.param(reply(b"<html>bad</html>", 502), id="502"),
        pytest.param(reply({"code": 304006}, 500), id="500 with a code"),
        pytest.param(reply({"code": 501004}, 400), id="a code that may pass"),
        pytest.param(reset, id="reset"),
        pytest.param(silence, id="closed"),
        pytest.param(raw(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"), id="half"),
    ],
)
def test_a_read_survives_what_passes(peer: Peer, api: Api, clock: QuickClock, trouble: Any) -> None:
    peer.say(trouble, trouble, reply(BOT))
    assert api.me().username == "bot"
    assert len(peer.requests) == 3
    # A connection that was found closed is no reason to wait.
    assert len(clock.waits) == (1 if trouble in (reset, silence) else 2)


def test_a_read_waits_as_long_as_the_platform_asks(peer: Peer, api: Api, clock: QuickClock) -> None:
    peer.say(reply({}, 429, {"Retry-After": "4"}), reply(b"", 503, {"Retry-After": "2"}), reply(BOT))
    api.me()
    assert 4 <= clock.waits[0] <= 4.5
    assert 2 <= clock.waits[1] <= 3


def test_a_longer_wait_than_there_is_time_for_is_an_error_at_once(peer: Peer, api: Api, clock: QuickClock) -> None:
    peer.say(reply({"code": 20028, "message": "slow"}, 429, {"Retry-After": "60"}))
    with pytest.raises(RateLimited) as caught:
        api.me(timeout=30)
    assert caught.value.retry_after == 60
    assert not clock.waits


def test_a_read_gives_up_on_a_platform_that_goes_on_failing(peer: Peer, api: Api) -> None:
    peer.default = reply(b"", 500)
    with pytest.raises(ServerError):
        api.me()
    assert len(peer.requests) == 4


def test_a_read_gives_up_on_a_network_that_stays_away_at_its_deadline(peer: Peer, api: Api, clock: QuickClock) -> None:
    peer.default = reset
    with pytest.raises(ConnectionFailed, match="/users/@me") as caught:
        api.me(timeout=20)
    assert caught.value.__cause__ is not None
    assert len(peer.requests) > 4
    assert sum(clock.waits) <= 20


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (400, {"code": 12002, "message": "bad"}, ApiError),
        (403, {}, Forbidden),
        (404, {}, NotFound),
        (200, {"code": 11253, "message": "no"}, Forbidden),
        (200, {"err_code": 306004, "message": "no"}, Forbidden),
        (500, {"code": 306004, "message": "no"}, Forbidden),
        (302, {}, ApiError),
    ],
)
def test_a_refusal_that_stays_is_raised_at_once(peer: Peer, api: Api, status: int, body: Any, kind: type) -> None:
    peer.say(reply(body, status))
    with pytest.raises(ApiError) as caught:
        api.me()
    assert type(caught.value) is kind
    assert len(peer.requests) == 1


@pytest.mark.parametrize(("status", "body"), [(401, {}), (401, None), (200, {"code": 11241})])
@pytest.mark.parametrize("code", [11241, 11242, 11243, 11244])
def test_a_refused_token_is_renewed_once(peer: Peer, api: Api, status: int, body: Any, code: int) -> None:
    refusal = reply(body and {**body, "code": code}, status)
    peer.say(refusal, reply(BOT))
    assert api.me().username == "bot"
    assert [got.headers["authorization"] for got in peer.requests] == ["QQBot token-1", "QQBot token-2"]
    peer.say(refusal, refusal)
    with pytest.raises(AuthenticationFailed):
        api.me()
    assert len(peer.requests) == 4


@pytest.mark.parametrize("code", [11298, 40023002])
def test_the_ip_whitelist_is_named_and_not_mistaken_for_the_token(peer: Peer, api: Api, code: int) -> None:
    peer.say(reply({"code": code, "message": "ip"}, 401))
    with pytest.raises(Forbidden, match=r"IP 白名单") as caught:
        api.me()
    assert caught.value.code == code
    assert len(peer.requests) == len(peer.token_requests) == 1


def test_a_write_is_repeated_only_when_nothing_was_sent(peer: Peer, api: Api) -> None:
    for trouble in (reset, silence):
        peer.requests.clear()
        peer.say(trouble)
        with pytest.raises(OutcomeUnknown, match="DELETE") as caught:
            api.recall_message("c", "m")
        assert caught.value.__cause__ is not None
        assert len(peer.requests) == 1
    for status in (429, 500, 502, 504):
        peer.requests.clear()
        peer.say(reply(b"", status))
        with pytest.raises(ApiError):
            api.recall_message("c", "m")
        assert len(peer.requests) == 1
    peer.requests.clear()
    peer.say(reply({"code": 11244}, 401), reply(b""))
    api.recall_message("c", "m")
    assert len(peer.requests) == 2


def test_a_write_that_was_not_sent_is_tried_until_the_deadline(
    peer: Peer, api: Api, clock: QuickClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    api.token.get()
    monkeypatch.setattr(api._caller._host, "_url", f"http://127.0.0.1:{dead_port()}")
    with pytest.raises(ConnectionFailed, match="refused"):
        api.recall_message("c", "m", timeout=10)
    assert len(clock.waits) >= 3
    assert sum(clock.waits) <= 10


def test_a_platform_without_tokens_is_unreachable_and_says_why(peer: Peer, api: Api, clock: QuickClock) -> None:
    peer.token_answers.extend([reply(b"", 503)] * 2)
    peer.say(reply(BOT))
    assert api.me().id == "1"
    peer.token_answers.extend([reply(b"", 503)] * 99)
    api.token.expire(api.token.get())
    with pytest.raises(ServerError, match="getAppAccessToken"):
        api.me(timeout=10)
    with pytest.raises(ServerError, match="getAppAccessToken"):
        api.recall_message("c", "m", timeout=10)
    assert len(peer.requests) == 1


def test_a_wrong_secret_is_told_at_once(peer: Peer, api: Api) -> None:
    peer.token_answers.append(reply({"code": 100016, "message": "invalid"}))
    with pytest.raises(AuthenticationFailed, match="100016"):
        api.me()
    assert len(peer.token_requests) == 1
    assert not peer.requests


def test_an_empty_answer_is_a_success(peer: Peer, api: Api) -> None:
    for step in (reply(None, 204), reply(b"", 200), reply({}, 200), reply(b"  \r\n", 200)):
        peer.say(step)
        api.recall_group_message("g", "m")
    assert [got.method for got in peer.requests] == ["DELETE"] * 4


def test_close_wakes_a_call_that_waits_and_later_calls_work(peer: Peer) -> None:
    api = Api("1", "secret", environment=peer.environment, clock=SystemClock())
    api.token.get()
    peer.say(reply({}, 429, {"Retry-After": "25"}))
    failed: list[BaseException] = []

    def call() -> None:
        try:
            api.me(timeout=60)
        except Stopped as error:
            failed.append(error)

    thread = threading.Thread(target=call)
    thread.start()
    eventually(lambda: peer.requests, what="the call")
    while thread.is_alive():
        api.close()
        thread.join(0.05)
    assert isinstance(failed[0], Stopped)
    peer.say(reply({}, 429, {"Retry-After": "0"}), reply(BOT))
    assert api.me().username == "bot", "also one that has to wait"
    api.close()


def test_a_gateway_url_that_is_none_is_the_platforms_fault(peer: Peer, api: Api) -> None:
    peer.say(reply({"shards": 1}), reply({}))
    with pytest.raises(ServerError, match="/gateway/bot"):
        api.get_gateway()
    with pytest.raises(ServerError, match="/gateway:"):
        api.get_gateway_url()


@pytest.mark.parametrize("trouble", [reset, reply(b"", 502), reply({}, 429, {"Retry-After": "1"})])
def test_whoever_has_a_patience_of_his_own_hears_of_the_first_failure(
    peer: Peer, api: Api, clock: QuickClock, trouble: Any
) -> None:
    peer.default = trouble
    with pytest.raises((ConnectionFailed, ApiError)):
        api.get_gateway(retries=False)
    # A connection from the pool that turns out to be closed is no failure of the call.
    assert len(peer.requests) == (2 if trouble is reset else 1)
    assert not clock.waits


def test_the_gateway_is_described(peer: Peer, api: Api) -> None:
    limit = {"total": 1000, "remaining": 7, "reset_after": 86_400_000, "max_concurrency": 2}
    peer.say(reply({"url": "wss://g.example/ws", "shards": 3, "session_start_limit": limit}))
    info = api.get_gateway()
    assert (info.url, info.shards, info.remaining, info.reset_after) == ("wss://g.example/ws", 3, 7, 86_400.0)
    assert (info.max_concurrency, peer.requests[0].path) == (2, "/gateway/bot")


@pytest.mark.parametrize("timeout", [0, -1, float("nan"), "3", None, True])
def test_a_timeout_that_is_none_is_refused_before_anything_is_sent(peer: Peer, api: Api, timeout: Any) -> None:
    with pytest.raises((ValueError, TypeError), match="timeout"):
        api.me(timeout=timeout)
    assert not peer.requests
    assert not peer.token_requests
