"""The access token: one flight for all threads, renewed in time, never shown."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from qqbot_sync.api.http import Http
from qqbot_sync.api.token import Token
from qqbot_sync.clock import SystemClock
from qqbot_sync.config import Environment
from qqbot_sync.errors import AuthenticationFailed, BotError, ConnectionFailed, RateLimited, ServerError
from tests.api.support import Peer, dead_port, hang, raw, reply, reset, silence
from tests.support import FakeClock, eventually

SECRET = "s3cr3t-of-the-bot"


@pytest.fixture
def fake() -> FakeClock:
    return FakeClock()


@pytest.fixture
def token(peer: Peer, fake: FakeClock) -> Iterator[Token]:
    http = Http(clock=fake)
    yield Token("1024", SECRET, peer.environment, http, fake)
    http.close()


def at_once(count: int, work: Any) -> list[Any]:
    """Runs `work` in many threads that start together; results or errors."""
    start, results = threading.Barrier(count), []

    def run() -> None:
        start.wait(20)
        try:
            results.append(work())
        except BotError as error:
            results.append(error)

    threads = [threading.Thread(target=run) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    return results


def test_the_request_is_what_the_platform_documents(peer: Peer, token: Token) -> None:
    assert token.get() == "token-1"
    assert token.header() == "QQBot token-1"
    [got] = peer.token_requests
    assert (got.method, got.path) == ("POST", "/app/getAppAccessToken")
    assert got.json == {"appId": "1024", "clientSecret": SECRET}
    assert got.headers["content-type"] == "application/json"
    assert "authorization" not in got.headers


@pytest.mark.parametrize(
    "expires_in",
    ["7200", 7200, 7200.0, " 7200 ", None, "soon", [], True, 10**12, float("inf"), "nan", {"a": 1}],
    ids=repr,
)
def test_a_life_in_any_form_is_understood(peer: Peer, token: Token, fake: FakeClock, expires_in: object) -> None:
    peer.token_answers.append(reply({"access_token": "first", "expires_in": expires_in}))
    assert token.get() == "first"
    fake.advance(7200 - 46)
    assert token.get() == "first"
    fake.advance(2)
    assert token.get() == "token-2"
    assert len(peer.token_requests) == 2


def test_a_life_that_is_missing_counts_as_the_documented_one(peer: Peer, token: Token, fake: FakeClock) -> None:
    peer.token_answers.append(reply({"access_token": "first"}))
    token.get()
    fake.advance(7000)
    assert token.get() == "first"


@pytest.mark.parametrize("expires_in", ["30", 44, 45, "3", 0, -5, 0.5])
def test_a_short_life_neither_spins_nor_lasts_for_ever(
    peer: Peer, token: Token, fake: FakeClock, expires_in: object
) -> None:
    peer.token_answers.extend([reply({"access_token": f"short-{n}", "expires_in": expires_in}) for n in range(100)])
    for _ in range(600):
        token.get()
        fake.advance(0.1)
    assert 60 / 45 <= len(peer.token_requests) <= 60 / 2.4, "over one minute"


def test_a_suspend_makes_the_token_stale(peer: Peer, token: Token, fake: FakeClock) -> None:
    token.get()
    fake.suspend(8000)
    assert token.get() == "token-2"


def test_a_wall_clock_that_jumps_changes_nothing(peer: Peer, token: Token, fake: FakeClock) -> None:
    token.get()
    fake.jump_wall(10**7)
    assert token.get() == "token-1"


def test_a_refused_token_is_fetched_anew_once_for_all_who_used_it(peer: Peer, token: Token) -> None:
    used = token.get()
    token.expire(used)
    assert token.get() == "token-2"
    token.expire(used)
    token.expire("")
    assert token.get() == "token-2"


def test_many_threads_share_one_flight(peer: Peer) -> None:
    http = Http()
    token = Token("1024", SECRET, peer.environment, http, SystemClock())
    peer.hold_tokens = threading.Event()
    results: list[Any] = []
    asking = threading.Thread(target=lambda: results.extend(at_once(50, token.get)))
    asking.start()
    eventually(lambda: peer.token_requests, what="the one request")
    peer.hold_tokens.set()
    asking.join(20)
    http.close()
    assert results == ["token-1"] * 50
    assert len(peer.token_requests) == 1


def test_a_failed_flight_is_shared_too_and_every_thread_has_an_error_of_its_own(peer: Peer) -> None:
    http = Http()
    token = Token("1024", SECRET, peer.environment, http, SystemClock())
    peer.token_answers.extend([reply({"code": 100016, "message": "invalid appid or secret"})] * 50)
    peer.hold_tokens = threading.Event()
    results: list[Any] = []
    asking = threading.Thread(target=lambda: results.extend(at_once(20, token.get)))
    asking.start()
    eventually(lambda: peer.token_requests and waiters_of(token), what="threads that wait")
    peer.hold_tokens.set()
    asking.join(20)
    http.close()
    assert len(results) == len({id(error) for error in results}) == 20
    assert all(isinstance(error, AuthenticationFailed) and error.code == 100016 for error in results)
    assert len(peer.token_requests) < 20


def waiters_of(token: Token) -> bool:
    """Whether at least one thread waits for the flight under way."""
    flight = token._flight
    return flight is not None and len(flight.landed._cond._waiters) > 0  # type: ignore[attr-defined]


def test_nobody_waits_longer_than_he_wants_to(peer: Peer) -> None:
    http = Http()
    token = Token("1024", SECRET, peer.environment, http, SystemClock())
    peer.hold_tokens = threading.Event()
    first: list[Any] = []
    leader = threading.Thread(target=lambda: first.append(token.get(timeout=20)))
    leader.start()
    eventually(lambda: peer.token_requests, what="the flight")
    with pytest.raises(ConnectionFailed, match=r"0\.1 s"):
        token.get(timeout=0.1)
    peer.hold_tokens.set()
    leader.join(20)
    http.close()
    assert first == ["token-1"]


def test_a_leader_in_a_hurry_does_not_speak_for_the_patient(peer: Peer) -> None:
    http = Http()
    token = Token("1024", SECRET, peer.environment, http, SystemClock())
    peer.token_answers.append(hang)
    hasty: list[Any] = []
    leader = threading.Thread(target=lambda: hasty.extend(at_once(1, lambda: token.get(timeout=0.3))))
    leader.start()
    eventually(lambda: peer.token_requests, what="the hasty flight")
    assert token.get(timeout=20) == "token-2"
    leader.join(20)
    http.close()
    assert isinstance(hasty[0], ConnectionFailed)


def test_while_the_old_token_lives_only_one_thread_waits_for_the_new_one(peer: Peer, fake: FakeClock) -> None:
    http = Http(clock=fake)
    token = Token("1024", SECRET, peer.environment, http, fake)
    token.get()
    fake.advance(7200 - 40)
    peer.hold_tokens = threading.Event()
    renewed: list[Any] = []
    leader = threading.Thread(target=lambda: renewed.append(token.get()))
    leader.start()
    eventually(lambda: len(peer.token_requests) == 2, what="the renewal")
    assert at_once(10, token.get) == ["token-1"] * 10
    peer.hold_tokens.set()
    leader.join(20)
    http.close()
    assert renewed == ["token-2"]


@pytest.mark.parametrize(
    "trouble",
    [
        pytest.param(reply(b"<html>bad gateway</html>", 502), id="502"),
        pytest.param(reply({"code": 100002, "message": "internal err"}), id="100002"),
        pytest.param(reply({"code": 100001, "message": "too many"}), id="100001"),
        pytest.param(reply(b""), id="empty"),
        pytest.param(reset, id="reset"),
        pytest.param(reply({"code": 987654}), id="unknown code"),
    ],
)
def test_trouble_does_not_hurt_while_the_old_token_lives(
    peer: Peer, token: Token, fake: FakeClock, trouble: Any, caplog: pytest.LogCaptureFixture
) -> None:
    token.get()
    peer.token_answers.extend([trouble] * 2)
    fake.advance(7200 - 40)
    assert [token.get() for _ in range(10)] == ["token-1"] * 10
    assert len(peer.token_requests) <= 3, "a failed renewal is not repeated at every call"
    assert "token-1" not in caplog.text
    fake.advance(39)
    peer.token_answers.clear()
    assert token.get() != "token-1"


def test_too_many_requests_are_not_answered_with_more_of_them(peer: Peer, token: Token, fake: FakeClock) -> None:
    peer.token_answers.append(reply({"code": 100001, "message": "too many"}, headers={"Retry-After": "7"}))
    with pytest.raises(RateLimited) as caught:
        token.get()
    assert (caught.value.retry_after, caught.value.code) == (7.0, 100001)
    fake.advance(3)
    with pytest.raises(RateLimited) as caught:
        token.get()
    assert caught.value.retry_after == pytest.approx(4.0)
    assert len(peer.token_requests) == 1
    fake.advance(4)
    assert token.get() == "token-2"


def test_too_many_requests_without_a_time_mean_half_a_minute(peer: Peer, token: Token) -> None:
    peer.token_answers.append(reply({"code": "100001", "message": "too many"}))
    with pytest.raises(RateLimited) as caught:
        token.get()
    assert caught.value.retry_after == 30.0


@pytest.mark.parametrize("code", [100007, 100016, 10004, 100017])
def test_a_wrong_secret_is_explained(peer: Peer, token: Token, code: int) -> None:
    peer.token_answers.append(reply({"code": code, "message": f"no: {SECRET}"}))
    with pytest.raises(AuthenticationFailed) as caught:
        token.get()
    assert caught.value.code == code
    assert "AppSecret" in str(caught.value)
    assert "console of q.qq.com" in str(caught.value)
    assert SECRET not in f"{caught.value!r} {caught.value} {caught.value.__dict__}"


@pytest.mark.parametrize(
    "answer",
    [
        reply(b"<html><title>502 Bad Gateway</title></html>", 502),
        reply(b"<html>login to the hotel's wifi</html>"),
        reply({}),
        reply({"access_token": ""}),
        reply({"access_token": 5}),
        reply({"access_token": "a\r\nX-Evil: b"}),
        reply([1]),
        reply({"code": 4711, "message": "?"}),
        reply(b'{"access_token":"half-a-token'),
    ],
)
def test_an_answer_without_a_token_is_the_platforms_fault(peer: Peer, token: Token, answer: Any) -> None:
    peer.token_answers.append(answer)
    with pytest.raises(ServerError) as caught:
        token.get()
    assert caught.value.retryable
    assert "half-a-token" not in str(caught.value)
    assert token.get() == "token-2"


def test_an_unreachable_host_is_named_with_its_cause(fake: FakeClock) -> None:
    token = Token("1024", SECRET, Environment.local(f"http://127.0.0.1:{dead_port()}"), Http(), fake)
    with pytest.raises(ConnectionFailed, match=r"127\.0\.0\.1.*refused") as caught:
        token.get()
    assert caught.value.__cause__ is not None


def test_a_stale_connection_costs_nothing(peer: Peer, token: Token) -> None:
    token.get()
    token.expire("token-1")
    peer.token_answers.append(silence)
    assert token.get() == "token-3"


def test_neither_secret_nor_token_is_ever_shown(peer: Peer, token: Token, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    peer.token_answers.extend([raw(b"nonsense"), reply({"code": 1, "message": SECRET})])
    errors = []
    for _ in range(2):
        with pytest.raises((ConnectionFailed, ServerError)) as caught:
            token.get()
        errors.append(f"{caught.value} {caught.value!r} {vars(caught.value)}")
    shown = token.get()
    seen = f"{token!r} {vars(token._host)} {caplog.text} {errors}"
    assert SECRET not in seen
    assert shown not in seen
