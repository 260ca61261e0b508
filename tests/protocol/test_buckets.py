"""Published rates: the table, and buckets that never let more through than it says."""

from __future__ import annotations

import random

import pytest

from qqbot_sync.protocol.buckets import Bucket, Buckets
from qqbot_sync.protocol.limits import LIMITS, Limit, limit_of

# Copied by hand from the platform's tables: calls → calls per seconds.
PUBLISHED = [
    ("POST", "/v2/users/ABC/messages", 100, 1),
    ("POST", "/v2/groups/ABC/messages", 100, 1),
    ("GET", "/users/@me", 50, 1),
    ("GET", "/users/@me/guilds", 50, 1),
    ("POST", "/v2/generate_url_link", 50, 1),
    ("GET", "/guilds/1", 50, 1),
    ("GET", "/guilds/1/channels", 50, 1),
    ("POST", "/guilds/1/channels", 50, 1),
    ("GET", "/channels/1", 50, 1),
    ("PATCH", "/channels/1", 50, 1),
    ("DELETE", "/channels/1", 50, 1),
    ("PUT", "/interactions/a-b", 50, 1),
    ("POST", "/v2/users/U/files", 50, 1),
    ("POST", "/v2/groups/G/files", 50, 1),
    ("POST", "/v2/users/U/stream_messages", 50, 1),
    ("DELETE", "/v2/users/U/messages/M", 10, 1),
    ("DELETE", "/v2/groups/G/messages/M", 10, 1),
    ("POST", "/v2/users/U/upload_prepare", 10, 1),
    ("POST", "/v2/groups/G/upload_prepare", 10, 1),
    ("POST", "/v2/users/U/upload_part_finish", 10, 1),
    ("POST", "/v2/groups/G/upload_part_finish", 10, 1),
    ("POST", "/channels/1/messages", 5, 1),
    ("POST", "/v2/groups/G/approval_join_request/M", 60, 60),
    ("POST", "/v2/groups/G/restrict_chat_setting", 60, 60),
    ("GET", "/v2/groups/join_approval_strategy", 60, 60),
    ("POST", "/v2/groups/join_approval_strategy", 60, 60),
    ("PATCH", "/v2/groups/join_approval_strategy/S", 60, 60),
    ("DELETE", "/v2/groups/join_approval_strategy/S", 60, 60),
    ("POST", "/v2/groups/join_approval_strategy/S/execute", 60, 60),
    ("POST", "/v2/groups/join_approval_strategy/S/whitelist_users", 60, 60),
    ("GET", "/v2/groups/G/members", 60, 60),
    ("POST", "/v2/groups/G/member_blacklist", 60, 60),
    ("PUT", "/v2/panels/P/target", 60, 60),
    ("GET", "/v2/groups/G/info", 30, 60),
    ("GET", "/v2/groups/G/bot_state", 30, 60),
    ("GET", "/v2/groups/G/join_request_list", 30, 60),
    ("GET", "/v2/groups/G/restrict_chat_setting", 30, 60),
    ("GET", "/v2/groups/G/members/M", 30, 60),
    ("POST", "/v2/groups/G/batch_remove_members", 30, 60),
    ("GET", "/v2/groups/G/member_blacklist", 30, 60),
    ("GET", "/v2/menu", 30, 60),
    ("GET", "/v2/panels", 30, 60),
    ("GET", "/v2/panels/P", 30, 60),
    ("POST", "/v2/panels", 10, 60),
    ("PUT", "/v2/panels/P", 10, 60),
    ("DELETE", "/v2/panels/P", 10, 60),
    ("PUT", "/v2/menu", 5, 60),
]


@pytest.mark.parametrize(("method", "path", "count", "period"), PUBLISHED, ids=lambda value: str(value))
def test_a_published_rate_is_in_the_table(method: str, path: str, count: int, period: float) -> None:
    found = limit_of(method, path)
    assert found is not None
    assert found[1] == Limit(count, period)


def test_nothing_else_is_limited() -> None:
    assert len(PUBLISHED) == len(LIMITS)
    for method, path in (
        ("GET", "/gateway/bot"),
        ("POST", "/dms/1/messages"),
        ("DELETE", "/channels/1/messages/2"),
        ("PUT", "/guilds/1"),
        ("GET", "/v2/groups/G"),
    ):
        assert limit_of(method, path) is None


def test_all_groups_share_one_route_and_channels_have_one_each() -> None:
    def route(method: str, path: str) -> str:
        found = limit_of(method, path)
        assert found is not None
        return found[0]

    assert route("POST", "/v2/groups/A/messages") == route("POST", "/v2/groups/B/messages")
    assert route("POST", "/channels/1/messages") != route("POST", "/channels/2/messages")


def test_no_more_calls_than_the_limit_pass_at_once_and_the_next_waits_its_turn() -> None:
    bucket = Bucket(Limit(3, 10.0))
    assert [bucket.take(100.0) for _ in range(3)] == [100.0] * 3
    assert [bucket.take(104.0) for _ in range(4)] == [110.0, 110.0, 110.0, 120.0]


def test_tokens_come_back_one_by_one() -> None:
    bucket = Bucket(Limit(2, 10.0))
    bucket.take(0.0)
    bucket.take(4.0)
    assert bucket.next_turn(5.0) == 10.0
    assert bucket.take(11.0) == 11.0
    assert bucket.next_turn(11.0) == 14.0
    assert not bucket.is_full(20.0)
    assert bucket.is_full(21.0)


def test_a_turn_that_comes_too_late_is_not_taken() -> None:
    bucket = Bucket(Limit(1, 10.0))
    bucket.take(0.0)
    assert bucket.take(1.0, within=8.9) == 10.0
    assert bucket.take(1.0, within=9.0) == 10.0
    assert bucket.next_turn(1.0) == 20.0


def test_a_token_that_was_given_back_can_be_taken_again() -> None:
    bucket = Bucket(Limit(1, 10.0))
    bucket.take(0.0)
    later = bucket.take(1.0)
    bucket.give_back(later)
    bucket.give_back(later)
    assert bucket.take(2.0) == 10.0


@pytest.mark.parametrize("seed", range(20))
def test_no_window_of_any_length_holds_more_than_its_share(seed: int) -> None:
    dice = random.Random(seed)
    limit = Limit(dice.randint(1, 6), dice.choice((1.0, 60.0)))
    bucket, now, calls = Bucket(limit), 0.0, []
    for _ in range(300):
        now += dice.choice((0.0, 0.01, limit.period / limit.count, limit.period)) * dice.random()
        at = bucket.take(now)
        if at > now and dice.random() < 0.2:
            bucket.give_back(at)
        else:
            calls.append(at)
    assert calls == sorted(calls)
    for first, after in zip(calls, calls[limit.count :], strict=False):
        assert after - first >= limit.period - 1e-9


def test_buckets_are_kept_by_route_and_forgotten_when_they_are_full_again() -> None:
    buckets = Buckets(most=2)
    assert buckets.take("GET", "/gateway", now=0.0) is None
    for channel in range(5):
        for _ in range(5):
            turn = buckets.take("POST", f"/channels/{channel}/messages", now=0.0)
            assert turn is not None
            assert (turn.at, turn.is_taken) == (0.0, True)
    late = buckets.take("POST", "/channels/0/messages", now=0.5, within=0.1)
    assert late is not None
    assert (late.at, late.is_taken) == (1.0, False)
    for channel in range(10, 20):
        buckets.take("POST", f"/channels/{channel}/messages", now=5.0 + channel)
    assert len(buckets._buckets) <= 3


@pytest.mark.parametrize(("count", "period"), [(0, 1.0), (-1, 1.0), (1, 0.0)])
def test_a_limit_that_is_none_is_refused(count: int, period: float) -> None:
    with pytest.raises(ValueError):
        Limit(count, period)
