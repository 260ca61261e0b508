"""The platform's rules for sending, as data and as pure checks.

https://bot.q.qq.com/wiki/develop/api-v2/server-inter/message/send-receive/send.html
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from qqbot_sync.simulator.messages import Anchor
from qqbot_sync.simulator.refusal import Refusal
from qqbot_sync.simulator.rooms import Scene

__all__ = ["RULES", "Quotas", "SceneRules", "check_anchor", "check_content", "check_urls", "msg_seq_of"]


@dataclass(frozen=True)
class Quota:
    """At most `count` active messages in `seconds`, per place or for the whole bot."""

    seconds: float
    count: int
    code: int
    per_place: bool = True


@dataclass(frozen=True)
class SceneRules:
    """What holds in one scene; the names of codes as in the platform's list."""

    window: float
    """Seconds in which a message can be answered."""
    max_replies: int | None
    unknown_place: tuple[int, str]
    wrong_msg_id: int
    expired: int
    active_forbidden: int
    url_forbidden: int
    empty: int
    numbered: bool
    """Whether replies carry `msg_seq`."""
    repliable: frozenset[str]
    """Events that may be answered by `event_id`."""
    quotas: tuple[Quota, ...]


_GUILD_EVENTS = frozenset(
    {
        "GUILD_MEMBER_ADD",
        "GUILD_MEMBER_UPDATE",
        "GUILD_MEMBER_REMOVE",
        "MESSAGE_REACTION_ADD",
        "MESSAGE_REACTION_REMOVE",
        "FORUM_THREAD_CREATE",
        "FORUM_THREAD_UPDATE",
        "FORUM_THREAD_DELETE",
        "FORUM_POST_CREATE",
        "FORUM_POST_DELETE",
        "FORUM_REPLY_CREATE",
        "FORUM_REPLY_DELETE",
        "INTERACTION_CREATE",
    }
)
_DAY = 86400.0

RULES: dict[Scene, SceneRules] = {
    "channel": SceneRules(
        window=300.0,
        max_replies=None,
        unknown_place=(10003, "unknown channel"),
        wrong_msg_id=304026,
        expired=304027,
        active_forbidden=304046,
        url_forbidden=304003,
        empty=50006,
        numbered=False,
        repliable=_GUILD_EVENTS,
        quotas=(Quota(_DAY, 20, 304045),),
    ),
    "direct": SceneRules(
        window=300.0,
        max_replies=None,
        unknown_place=(304032, "direct message session does not exist"),
        wrong_msg_id=304026,
        expired=304027,
        active_forbidden=304048,
        url_forbidden=304003,
        empty=50006,
        numbered=False,
        repliable=_GUILD_EVENTS,
        quotas=(Quota(_DAY, 2, 304049), Quota(_DAY, 200, 304050, per_place=False)),
    ),
    "group": SceneRules(
        window=300.0,
        max_replies=5,
        unknown_place=(40054003, "bot is not a member of the group"),
        wrong_msg_id=40034024,
        expired=40034005,
        active_forbidden=40034105,
        url_forbidden=40054010,
        empty=304061,
        numbered=True,
        repliable=frozenset({"INTERACTION_CREATE", "GROUP_ADD_ROBOT", "GROUP_MSG_RECEIVE", "GROUP_MEMBER_ADD"}),
        quotas=(Quota(60.0, 20, 40034100), Quota(_DAY, 1000, 40034100), Quota(60.0, 60, 40034100, per_place=False)),
    ),
    "c2c": SceneRules(
        window=3600.0,
        max_replies=4,
        unknown_place=(40054004, "not friends"),
        wrong_msg_id=40034024,
        expired=40034005,
        active_forbidden=40034105,
        url_forbidden=40054010,
        empty=304061,
        numbered=True,
        repliable=frozenset({"INTERACTION_CREATE", "C2C_MSG_RECEIVE", "FRIEND_ADD"}),
        quotas=(Quota(60.0, 20, 40034100), Quota(_DAY, 1000, 40034100), Quota(1.0, 10, 40034100, per_place=False)),
    ),
}

_GUILD_CONTENT = ("content", "embed", "ark", "markdown", "image", "file_image")
_TYPED_CONTENT = {0: "content", 2: "markdown", 3: "ark", 4: "embed", 6: "input_notify", 7: "media"}
_URL = re.compile(r"https?://([^\s/:?#]+)|\bwww\.[^\s/:?#]+", re.IGNORECASE)


def check_content(scene: Scene, body: dict[str, Any]) -> None:
    """Raises Refusal for an empty message, or one whose content does not fit its `msg_type`."""
    rules = RULES[scene]
    if not rules.numbered:
        if not any(body.get(name) for name in _GUILD_CONTENT):
            raise Refusal(rules.empty, "empty message")
        return
    kind = body.get("msg_type", 0)
    field = _TYPED_CONTENT.get(kind) if isinstance(kind, int) else None
    if field is None or (field == "input_notify" and scene == "group"):
        raise Refusal(340069 if scene == "group" else 50059, "invalid msg_type")
    if not body.get(field):
        raise Refusal(rules.empty if kind == 0 else 22006, "msg_type does not match the content")


def check_urls(scene: Scene, body: dict[str, Any], allowed: Collection[str] | None) -> None:
    """Raises Refusal for a URL whose host is not registered; None allows all."""
    if allowed is None:
        return
    markdown = body.get("markdown")
    text = f"{body.get('content') or ''} {markdown.get('content') or '' if isinstance(markdown, dict) else ''}"
    for match in _URL.finditer(text):
        if (match.group(1) or match.group(0)).lower() not in allowed:
            raise Refusal(RULES[scene].url_forbidden, "url is not allowed")


def msg_seq_of(body: dict[str, Any]) -> int:
    """The number of a reply; 1 when it names none."""
    value = body.get("msg_seq")
    if value is None:
        return 1
    if isinstance(value, bool) or not isinstance(value, int):
        raise Refusal(12002, "msg_seq must be a whole number")
    return value


def check_anchor(scene: Scene, anchor: Anchor, *, now: float, msg_seq: int, by_event: bool) -> None:
    """Raises Refusal when this reply comes too late, twice, or once too often."""
    rules = RULES[scene]
    if by_event and anchor.event not in rules.repliable:
        raise Refusal(40034027, "event can not be replied")
    if now - anchor.at > rules.window:
        raise Refusal(40034026 if by_event else rules.expired, "event_id expired" if by_event else "msg_id expired")
    if rules.numbered and msg_seq in anchor.seqs:
        raise Refusal(40054005, "消息被去重,请检查请求msgseq")
    if rules.max_replies is not None and len(anchor.seqs) >= rules.max_replies:
        raise Refusal(40034128, "reply window or number exceeded")


class Quotas:
    """Counts active messages. Not thread-safe."""

    def __init__(self) -> None:
        self._sent: dict[tuple[Scene, str], deque[float]] = {}

    def check(self, scene: Scene, place: str, now: float) -> None:
        """Raises Refusal when an allowance of the scene is used up."""
        for quota in RULES[scene].quotas:
            sent = self._sent.get((scene, place if quota.per_place else ""), ())
            if sum(1 for at in sent if at > now - quota.seconds) >= quota.count:
                raise Refusal(quota.code, "active message quota exceeded", status=429)

    def count(self, scene: Scene, place: str, now: float) -> None:
        """One more active message was sent."""
        for key in (place, ""):
            sent = self._sent.setdefault((scene, key), deque())
            while sent and sent[0] <= now - _DAY:
                sent.popleft()
            sent.append(now)
