"""What an event says in one line: when, where, who, what. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from qqbot_sync.codec import Undecodable, dumps, loads
from qqbot_sync.events import Keys, spec_of
from qqbot_sync.models._text import shown

__all__ = ["AREAS", "Row", "row_of"]

AREAS = {"channel": "cyan", "guild": "cyan", "direct": "magenta", "group": "green", "c2c": "yellow", "": "white"}
"""Kind of conversation → its colour, as in the simulator's prompt."""
_PEOPLE = ("author", "user", "member")
_NAMES = ("username", "nick", "nickname")
_WHERE_AND_WHO = frozenset(
    (
        *("id", "guild_id", "channel_id", "group_openid", "group_open_id", "group_id", "openid", "user_openid"),
        *("user_id", "member_openid", "group_member_openid", "op_member_openid", "author_id", "op_user_id"),
        *("timestamp", "joined_at", "application_id", "version", "src_guild_id", "msg_idx", "seq", "seq_in_channel"),
    )
)
"""Fields that the other columns show, or that tell a reader nothing."""


class Row(NamedTuple):
    """One event as it is shown."""

    at: datetime
    shard: tuple[int, int]
    event: str
    place: str
    """`group:OPENID`, `channel:ID`, `direct:GUILD`, `c2c:OPENID`, `guild:ID`; "" where the event tells none."""
    author: str
    """A name where the event has one, else an id."""
    text: str
    """What was written, or what else the event is about; may hold line breaks, and nothing that moves a cursor."""

    @property
    def area(self) -> str:
        """The kind of the place, a key of `AREAS`."""
        kind = self.place.partition(":")[0]
        return kind if kind in AREAS else ""


def row_of(name: str, d: Any, keys: Keys, *, at: datetime, shard: tuple[int, int]) -> Row:
    """The row of one event; whatever its body is, there is one.

    Args:
        d: the body as decoded.
        keys: where it happened and whose it is.
    """
    body = d if isinstance(d, dict) else {}
    return Row(at, shard, name, _plain(keys.conversation), _plain(_author(body) or keys.author), _plain(_text(name, d)))


def _author(body: Mapping[str, Any]) -> str:
    inner = body.get("message")
    for source in (body, inner if isinstance(inner, dict) else {}):
        for role in _PEOPLE:
            person = source.get(role)
            if not isinstance(person, dict):
                continue
            for field in _NAMES:
                name = person.get(field)
                if isinstance(name, str) and name.strip():
                    return name.strip()
    return ""


def _text(name: str, d: Any) -> str:
    if not isinstance(d, dict):
        return "" if d in (None, "") else dumps(d).decode("utf-8", "replace")
    spec = spec_of(name)
    content = d.get("content")
    if spec is not None and spec.is_message:
        said = shown(content).strip() if isinstance(content, str) else ""
        return " ".join(part for part in (said, _enclosed(d)) if part)
    inside = d.get("data")
    if name == "INTERACTION_CREATE" and isinstance(inside, dict):
        resolved = inside.get("resolved")
        return _pairs(resolved if isinstance(resolved, dict) else inside)
    return _pairs(d)


def _enclosed(d: Mapping[str, Any]) -> str:
    """What a message brings beside its text."""
    attachments = d.get("attachments")
    kinds = [
        str(one.get("filename") or one.get("content_type") or "?") if isinstance(one, dict) else "?"
        for one in (attachments if isinstance(attachments, list) else [])
    ]
    parts = [f"[附件 / attachment: {kind}]" for kind in kinds]
    parts += [f"[{field}]" for field in ("embeds", "ark_obj", "markdown", "message_reference") if d.get(field)]
    return " ".join(parts)


def _pairs(d: Mapping[str, Any]) -> str:
    """`name=value` of what is not in another column; nested objects by their own simple fields."""
    found = []
    for key, value in d.items():
        if key in _WHERE_AND_WHO or value in (None, "", [], {}) or key in _PEOPLE:
            continue
        if isinstance(value, dict):
            inner = _pairs(value)
            found += [f"{key}({inner})"] if inner else []
        elif isinstance(value, list):
            found.append(f"{key}=[{len(value)}]")
        else:
            found.append(f"{key}={_value(value)}")
    return " ".join(found)


def _value(value: Any) -> str:
    if isinstance(value, str) and value[:1] in "{[":
        # Forum events carry JSON in a text.
        try:
            inner = loads(value)
        except Undecodable:
            return value
        return dumps(inner).decode("utf-8", "replace")
    return str(value).lower() if isinstance(value, bool) else str(value)


def _plain(text: str) -> str:
    """Without what would move a terminal's cursor; line breaks stay."""
    lines = text.replace("\t", " ").splitlines()
    return "\n".join("".join(sign if sign.isprintable() else "?" for sign in line).rstrip() for line in lines)
