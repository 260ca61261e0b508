"""Entries of the simulator's log as lines to read. Every sign outside the conversation is one a GBK console has."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.text import Text

__all__ = ["BOT", "COLOURS", "SHOWN", "clean", "line_of"]

BOT = "机器人"
COLOURS = {"channel": "cyan", "direct": "magenta", "group": "green", "c2c": "yellow"}
"""Scene → colour."""
SHOWN = (
    "said",
    "happened",
    "answered",
    "sent",
    "recalled",
    "acknowledged",
    "audit",
    "refused",
    "identified",
    "resumed",
    "turned_away",
    "disconnected",
    "fault",
)
"""The kinds of entries that are shown."""


def clean(text: str) -> str:
    """The text without anything that would move a terminal's cursor; continuation lines are indented."""
    lines = str(text).splitlines() or [""]
    return "\n    ".join("".join(sign if sign.isprintable() else "?" for sign in line) for line in lines)


def line_of(entry: Mapping[str, Any], names: Mapping[str, str]) -> Text:
    """One entry as a line.

    Args:
        entry: of a kind in `SHOWN`.
        names: message or event id → who is behind it.
    """
    kind = entry["kind"]
    if kind == "said":
        return speech(entry["user"], entry["where"], entry["text"], scene=entry["scene"])
    if kind in ("answered", "sent"):
        to = names.get(entry["msg_id"] or "") or names.get(entry["event_id"] or "") or ""
        content = clean(entry["content"]) or "(没有文字 / no text)"
        place = Text(f"[{clean(entry['scene'])}] ", style=f"dim {COLOURS.get(entry['scene'], '')}")
        return Text.assemble(place, (BOT, "bold blue"), (f" → {clean(to)}" if to else "", "dim"), ": ", content)
    style = "red" if kind in ("refused", "turned_away") else "dim"
    return Text(f"── {_news(entry)}", style=style)


def speech(who: str, where: str, text: str, *, scene: str) -> Text:
    """What a person says."""
    return Text.assemble((f"{clean(who)}@{clean(where)}", f"bold {COLOURS.get(scene, '')}"), ": ", clean(text))


def _news(entry: Mapping[str, Any]) -> str:
    kind = entry["kind"]
    if kind == "fault":
        given = {key: value for key, value in entry["arguments"].items() if value is not None}
        words = " ".join(f"{key}={value}" for key, value in given.items())
        return clean(f"故障 / fault: {entry['verb']} {words}".rstrip())
    if kind == "refused":
        return clean(_NEWS[kind].format_map({**entry, "code": entry["code"] or entry["status"]}))
    return clean(_NEWS[kind].format_map(entry))


_NEWS = {
    "happened": "{user}@{where}: {event} {text}",
    "recalled": "撤回 / recalled by {by}: {id}",
    "acknowledged": "互动已回应 / interaction acknowledged, code {code}",
    "audit": "审核 / audit: {result}",
    "refused": "拒绝 / refused: {method} {path}: {code} {message}",
    "identified": "机器人上线 / the bot is online, shard {shard}",
    "resumed": "机器人恢复 / the bot is back, {replayed} replayed",
    "turned_away": "机器人被拒 / the bot was turned away: {code} {reason}",
    "disconnected": "连接断开 / disconnected: {code} {reason}",
}
"""Kind → the rest of its line, filled in from the entry."""
