"""The platform's published rate limits, as data: which call may be made how often.

What is not listed here has no published figure. Quotas (proactive messages a day, schedules a day, …) are no rates:
waiting does not help against them, and the platform counts them.

https://bot.q.qq.com/wiki/develop/api-v2/
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

__all__ = ["LIMITS", "Limit", "Rate", "limit_of"]

SECOND, MINUTE = 1.0, 60.0


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `count` calls in any `period` seconds. Immutable."""

    count: int
    period: float

    def __post_init__(self) -> None:
        if self.count < 1 or self.period <= 0:
            raise ValueError(f"a limit is at least one call in a time above 0, not {self.count} in {self.period}")


class Rate(NamedTuple):
    """One row of the table."""

    method: str
    path: str
    """With `{}` for every id."""
    limit: Limit
    is_per_place: bool = False
    """Whether every place (every value of the ids) is counted by itself, not the bot as a whole."""


def _rates(count: int, period: float, *calls: str, is_per_place: bool = False) -> list[Rate]:
    limit = Limit(count, period)
    return [Rate(method, path, limit, is_per_place) for method, path in (call.split() for call in calls)]


_STRATEGY = "/v2/groups/join_approval_strategy"

LIMITS: tuple[Rate, ...] = (
    *_rates(100, SECOND, "POST /v2/users/{}/messages", "POST /v2/groups/{}/messages"),
    *_rates(
        50,
        SECOND,
        "GET /users/@me",
        "GET /users/@me/guilds",
        "POST /v2/generate_url_link",
        "GET /guilds/{}",
        "GET /guilds/{}/channels",
        "POST /guilds/{}/channels",
        "GET /channels/{}",
        "PATCH /channels/{}",
        "DELETE /channels/{}",
        "PUT /interactions/{}",
        "POST /v2/users/{}/files",
        "POST /v2/groups/{}/files",
        "POST /v2/users/{}/stream_messages",
    ),
    *_rates(
        10,
        SECOND,
        "DELETE /v2/users/{}/messages/{}",
        "DELETE /v2/groups/{}/messages/{}",
        "POST /v2/users/{}/upload_prepare",
        "POST /v2/groups/{}/upload_prepare",
        "POST /v2/users/{}/upload_part_finish",
        "POST /v2/groups/{}/upload_part_finish",
    ),
    *_rates(5, SECOND, "POST /channels/{}/messages", is_per_place=True),
    *_rates(
        60,
        MINUTE,
        "POST /v2/groups/{}/approval_join_request/{}",
        "POST /v2/groups/{}/restrict_chat_setting",
        f"GET {_STRATEGY}",
        f"POST {_STRATEGY}",
        f"PATCH {_STRATEGY}/{{}}",
        f"DELETE {_STRATEGY}/{{}}",
        f"POST {_STRATEGY}/{{}}/execute",
        f"POST {_STRATEGY}/{{}}/whitelist_users",
        "GET /v2/groups/{}/members",
        "POST /v2/groups/{}/member_blacklist",
        "PUT /v2/panels/{}/target",
    ),
    *_rates(
        30,
        MINUTE,
        "GET /v2/groups/{}/info",
        "GET /v2/groups/{}/bot_state",
        "GET /v2/groups/{}/join_request_list",
        "GET /v2/groups/{}/restrict_chat_setting",
        "GET /v2/groups/{}/members/{}",
        "POST /v2/groups/{}/batch_remove_members",
        "GET /v2/groups/{}/member_blacklist",
        "GET /v2/menu",
        "GET /v2/panels",
        "GET /v2/panels/{}",
    ),
    *_rates(10, MINUTE, "POST /v2/panels", "PUT /v2/panels/{}", "DELETE /v2/panels/{}"),
    *_rates(5, MINUTE, "PUT /v2/menu"),
)
"""Every published figure."""

_BY_SHAPE: dict[tuple[str, int], list[tuple[tuple[str, ...], Rate]]] = {}
for _rate in LIMITS:
    _parts = tuple(_rate.path.split("/"))
    _BY_SHAPE.setdefault((_rate.method, len(_parts)), []).append((_parts, _rate))


def limit_of(method: str, path: str) -> tuple[str, Limit] | None:
    """The route that is counted for this call, and its limit; None where none is published. Thread-safe.

    Args:
        path: with its ids, quoted, and without query.
    """
    parts = path.split("/")
    for pattern, rate in _BY_SHAPE.get((method, len(parts)), ()):
        if all(wanted == "{}" or wanted == part for wanted, part in zip(pattern, parts, strict=True)):
            return f"{method} {path if rate.is_per_place else rate.path}", rate.limit
    return None
