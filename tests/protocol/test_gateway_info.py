"""The answer of /gateway/bot is read as it comes."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qqbot_sync.protocol.gateway_info import GatewayInfo
from tests.protocol.support import BOUNDED
from tests.support import payload

URL = "wss://api.bot.qq.com/websocket"


def test_the_captured_answer_is_read_with_times_in_seconds() -> None:
    assert GatewayInfo.parse(payload("_rest_gateway_bot")) == GatewayInfo(
        url=URL, shards=1, total=1000, remaining=1000, reset_after=86400.0, max_concurrency=1
    )


def test_the_plain_gateway_answer_has_defaults_for_the_rest() -> None:
    info = GatewayInfo.parse(payload("_rest_gateway"))
    assert info == GatewayInfo(url=URL + "/", shards=1, total=None, remaining=None, reset_after=None, max_concurrency=1)
    assert not info.is_exhausted


@pytest.mark.parametrize(
    ("limit", "expected"),
    [
        (None, (None, None, None, 1)),
        ("", (None, None, None, 1)),
        ([], (None, None, None, 1)),
        ({}, (None, None, None, 1)),
        ({"total": "1000", "remaining": " 7 ", "reset_after": "1500", "max_concurrency": "2"}, (1000, 7, 1.5, 2)),
        ({"total": 10.0, "remaining": 0, "reset_after": 2500.9, "max_concurrency": 0}, (10, 0, 2.5, 1)),
        ({"total": -1, "remaining": True, "reset_after": None, "max_concurrency": -5}, (None, None, None, 1)),
        ({"total": "many", "remaining": [], "reset_after": {}, "max_concurrency": "²"}, (None, None, None, 1)),
        ({"total": float("nan"), "remaining": float("inf"), "reset_after": "9" * 5000}, (None, None, None, 1)),
    ],
)
def test_odd_numbers_fall_back_to_their_defaults(limit: Any, expected: tuple[Any, ...]) -> None:
    info = GatewayInfo.parse({"url": URL, "session_start_limit": limit})
    assert (info.total, info.remaining, info.reset_after, info.max_concurrency) == expected


@pytest.mark.parametrize(("told", "expected"), [(4, 4), ("3", 3), (0, 1), (-2, 1), (None, 1), ("x", 1), (False, 1)])
def test_there_is_at_least_one_shard(told: Any, expected: int) -> None:
    assert GatewayInfo.parse({"url": URL, "shards": told}).shards == expected


def test_no_session_left_is_seen() -> None:
    assert GatewayInfo.parse({"url": URL, "session_start_limit": {"remaining": "0"}}).is_exhausted


@pytest.mark.parametrize("url", [URL, f"  {URL}\n", "ws://127.0.0.1:8080/ws", "wss://[::1]:1/"])
def test_a_usable_url_is_taken_without_blanks(url: str) -> None:
    assert GatewayInfo.parse({"url": url}).url == url.strip()


@pytest.mark.parametrize(
    "data",
    [
        None,
        "",
        [],
        {},
        {"url": None},
        {"url": ""},
        {"url": 7},
        {"url": "api.bot.qq.com"},
        {"url": "https://api.bot.qq.com"},
        {"url": "wss://"},
        {"url": "wss://[::1"},
        {"url": "wss://host:port"},
        {"url": "wss://host:99999"},
        {"url": "wss://host:0"},
    ],
)
def test_without_a_usable_url_it_is_an_error(data: Any) -> None:
    with pytest.raises(ValueError, match="no usable gateway URL"):
        GatewayInfo.parse(data)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


@BOUNDED
@given(
    st.one_of(JSON, st.fixed_dictionaries({"url": JSON | st.just(URL), "shards": JSON, "session_start_limit": JSON}))
)
def test_any_json_is_an_answer_or_a_value_error(data: Any) -> None:
    try:
        info = GatewayInfo.parse(data)
    except ValueError:
        return
    assert info.shards >= 1
    assert info.max_concurrency >= 1
