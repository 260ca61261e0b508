"""Who gets a token, and how long it is good."""

from __future__ import annotations

import pytest

from qqbot_sync.simulator.refusal import Refusal
from qqbot_sync.simulator.tokens import Tokens
from tests.support import FakeClock

GOOD = {"appId": "1", "clientSecret": "s"}


def make() -> tuple[Tokens, FakeClock]:
    clock = FakeClock()
    return Tokens(clock, "1", "s"), clock


def test_a_token_lives_7200_seconds_and_says_so_as_text() -> None:
    tokens, clock = make()
    answer = tokens.issue(GOOD)
    assert answer["expires_in"] == "7200"
    clock.advance(7199)
    assert tokens.is_good(str(answer["access_token"]))
    clock.advance(1)
    assert not tokens.is_good(str(answer["access_token"]))


def test_the_same_token_is_given_out_until_its_last_60_seconds() -> None:
    tokens, clock = make()
    first = tokens.issue(GOOD)["access_token"]
    clock.advance(7139)
    again = tokens.issue(GOOD)
    assert again == {"access_token": first, "expires_in": "61"}
    clock.advance(1)
    second = tokens.issue(GOOD)
    assert second["access_token"] != first
    assert second["expires_in"] == "7200"


def test_old_and_new_token_are_both_good_in_the_last_60_seconds() -> None:
    tokens, clock = make()
    first = str(tokens.issue(GOOD)["access_token"])
    clock.advance(7150)
    second = str(tokens.issue(GOOD)["access_token"])
    assert tokens.is_good(first)
    assert tokens.is_good(second)
    clock.advance(50)
    assert not tokens.is_good(first)
    assert tokens.is_good(second)


def test_the_app_id_may_come_as_a_number() -> None:
    tokens, _ = make()
    assert tokens.issue({"appId": 1, "clientSecret": "s"})["access_token"]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"appId": "2", "clientSecret": "s"}, 100007),
        ({"appId": "1", "clientSecret": "wrong"}, 100016),
        ({"appId": "1"}, 100016),
        ({}, 100007),
        (None, 100016),
        ([], 100016),
    ],
)
def test_a_wrong_app_id_or_secret_is_refused_with_http_200(body: object, code: int) -> None:
    tokens, _ = make()
    with pytest.raises(Refusal) as refused:
        tokens.issue(body)
    assert (refused.value.code, refused.value.status) == (code, 200)


def test_calling_too_often_is_refused_until_a_minute_has_passed() -> None:
    tokens, clock = make()
    tokens.calls_per_minute = 3
    for _ in range(3):
        tokens.issue(GOOD)
    with pytest.raises(Refusal) as refused:
        tokens.issue(GOOD)
    assert refused.value.code == 100001
    clock.advance(59.5)
    with pytest.raises(Refusal):
        tokens.issue(GOOD)
    clock.advance(0.5)
    assert tokens.issue(GOOD)


def test_expired_tokens_are_worthless_and_a_new_one_is_given() -> None:
    tokens, _ = make()
    first = str(tokens.issue(GOOD)["access_token"])
    tokens.expire()
    assert not tokens.is_good(first)
    assert tokens.issue(GOOD)["access_token"] != first
