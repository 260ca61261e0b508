"""Calls in a replay: which recorded one answers which."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from qqbot_sync import ConnectionFailed, Environment
from qqbot_sync.api.http import Response
from qqbot_sync.clock import SystemClock
from qqbot_sync.recording import NotRecorded
from qqbot_sync.recording.clocks import ReplayClock
from qqbot_sync.recording.exchange import Call, Exchange, Paths, described
from qqbot_sync.recording.scrubbing import Scrubber
from qqbot_sync.recording.stand_in import Matches, StandIn
from tests.support import eventually

LOCAL = Environment.local("http://127.0.0.1:1")


def exchange(call: Call, answer: str) -> Exchange:
    return Exchange(0.0, 0.25, call, 200, answer=answer.encode())


def message(content: str, msg_id: str = "m1", msg_seq: int = 1) -> Call:
    return Call("POST", "/v2/users/A/messages", {"content": content, "msg_id": msg_id, "msg_seq": msg_seq})


def taken(matches: Matches, call: Call) -> str | None:
    found = matches.take(call)
    return None if found is None else found.answer.decode()


def test_an_equal_call_comes_first_whatever_the_order() -> None:
    """Handlers that run side by side may be faster or slower than they were."""
    matches = Matches([exchange(message("a"), "1"), exchange(message("b", "m2"), "2"), exchange(message("c"), "3")])
    assert [taken(matches, message("c")), taken(matches, message("b", "m2")), taken(matches, message("a"))] == [
        "3",
        "2",
        "1",
    ]
    assert matches.matched == 3


def test_a_call_of_the_same_shape_gets_the_first_answer_that_is_left() -> None:
    """Texts that change from run to run, such as the time of day, do not matter; which message is answered does."""
    matches = Matches([exchange(message("12:00", "m2"), "other"), exchange(message("12:00"), "1")])
    assert taken(matches, message("13:00")) == "1"
    assert taken(matches, message("13:01")) is None
    assert matches.unmatched == {"POST /v2/users/A/messages": 1}


def test_each_recorded_answer_is_given_once_in_order() -> None:
    """The same call, refused first and accepted later, is so again."""
    matches = Matches([exchange(message("a"), "refused"), exchange(message("a"), "accepted")])
    assert [taken(matches, message("a")) for _ in range(3)] == ["refused", "accepted", None]


def test_a_read_may_be_repeated() -> None:
    """It gets the last answer again; a write does not."""
    call = Call("GET", "/users/@me")
    matches = Matches([exchange(call, "first"), exchange(call, "last")])
    assert [taken(matches, call) for _ in range(4)] == ["first", "last", "last", "last"]
    assert not matches.unmatched


def test_recorded_calls_that_nobody_made_are_told() -> None:
    """Except those that a client makes to connect."""
    matches = Matches([exchange(message("a"), "1"), exchange(Call("GET", "/gateway/bot"), "2")])
    assert matches.left == {"POST /v2/users/A/messages": 1}


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("http://127.0.0.1:1/v2/groups/G/messages", "/v2/groups/G/messages"),
        ("http://127.0.0.1:1/app/getAppAccessToken", ""),
        ("https://user:pw@cos.example:8443/part/1?sign=secret", "https://cos.example:8443/part/1"),
    ],
)
def test_calls_are_named_without_host_and_rights(url: str, path: str) -> None:
    """So that a recording made in one place is found in another."""
    assert Paths(LOCAL).of(url) == path


def test_both_hosts_of_the_platform_count_as_one() -> None:
    """The newer host serves the same paths and the same tokens."""
    paths = Paths(Environment.production())
    assert (
        paths.of("https://api.sgroup.qq.com/users/@me") == paths.of("https://api.bot.qq.com/users/@me") == "/users/@me"
    )
    assert paths.of("https://api.bot.qq.com/app/getAppAccessToken") == ""


def test_the_order_of_a_query_does_not_matter() -> None:
    """Nor does a body that is no JSON stand in the file: its size and kind do."""
    scrubber = Scrubber()
    first = described("GET", "/guilds?limit=1&after=x", {}, None, scrubber=scrubber)
    assert first == described("GET", "/guilds?after=x&limit=1", {}, None, scrubber=scrubber)
    form = described("POST", "/x", {"Content-Type": "multipart/form-data; boundary=1"}, b"--1--", scrubber=scrubber)
    assert form.body == {"bytes": 5, "kind": "multipart/form-data"}


def test_a_long_text_is_kept_as_its_hash() -> None:
    """A file in base64 would make the recording as large as everything the bot has sent."""
    body = b'{"file_data":"' + b"A" * 5000 + b'"}'
    call = described("POST", "/v2/users/A/files", {}, body, scrubber=Scrubber())
    assert len(str(call.body)) < 200
    assert call == described("POST", "/v2/users/A/files", {}, body, scrubber=Scrubber())


def stand_in(*exchanges: Exchange, **options: Any) -> StandIn:
    given: dict[str, Any] = {"clock": ReplayClock(SystemClock()), "unmatched": "error", **options}
    return StandIn(Paths(LOCAL), Matches(exchanges), scrubber=Scrubber(), **given)


def test_tokens_are_made_up() -> None:
    """Nobody is asked for one."""
    http = stand_in()
    response = http.request("POST", LOCAL.token_url, headers={}, body=b'{"clientSecret":"x"}')
    assert b"access_token" in response.body
    http.close()


def test_a_call_is_answered_from_the_recording() -> None:
    """Status and body as recorded; what is not in it is `NotRecorded`."""
    http = stand_in(exchange(message("hi"), '{"id":"1"}'))
    url = "http://127.0.0.1:1/v2/users/A/messages"
    body = b'{"content":"hi","msg_id":"m1","msg_seq":1}'
    assert http.request("POST", url, headers={}, body=body)[::2] == (200, b'{"id":"1"}')
    with pytest.raises(NotRecorded):
        http.request("POST", url, headers={}, body=body)
    http.close()


def test_an_answer_comes_when_it_came_in_the_recording() -> None:
    """Not before the replay has reached that moment; at once where nothing is being played."""
    clock = ReplayClock(SystemClock())
    clock.begin()
    http = stand_in(exchange(message("hi"), "{}"), exchange(message("hi"), "{}"), clock=clock)
    got: list[Response] = []
    body = b'{"content":"hi","msg_id":"m1","msg_seq":1}'
    url = "http://127.0.0.1:1/v2/users/A/messages"
    thread = threading.Thread(target=lambda: got.append(http.request("POST", url, headers={}, body=body)))
    thread.start()
    eventually(lambda: thread.ident in clock.resting)
    clock.reach(0.2)
    assert thread.ident in clock.resting
    clock.reach(0.25)
    thread.join(20)
    assert len(got) == 1
    clock.end()
    http.request("POST", url, headers={}, body=body)
    http.close()


def test_nothing_is_connected() -> None:
    """Whoever asks for a way to a host is told that there is none."""
    http = stand_in()
    with pytest.raises(ConnectionFailed, match="replay"):
        http.proxy_for("wss://api.sgroup.qq.com/websocket")
    http.close()
