"""Everything that was said, dispatched and answered, as data."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Collection
from typing import Any

from qqbot_sync.clock import Clock

__all__ = ["KINDS", "Log"]

KINDS: dict[str, tuple[str, ...]] = {
    "said": ("id", "event_id", "event", "user", "where", "scene", "place", "text", "at_bot"),
    "pushed": ("id", "event_id", "event"),
    "happened": ("event_id", "event", "user", "where", "scene", "place", "text"),
    "dispatched": ("id", "event_id", "event", "session", "s", "shard", "connected"),
    "answered": ("id", "scene", "place", "msg_id", "event_id", "msg_seq", "content"),
    "sent": ("id", "scene", "place", "msg_id", "event_id", "msg_seq", "content"),
    "acknowledged": ("id", "code"),
    "recalled": ("id", "scene", "place", "by"),
    "refused": ("method", "path", "status", "code", "message", "trace_id"),
    "audit": ("audit_id", "result", "message_id"),
    "token": ("given",),
    "connected": ("connection",),
    "identified": ("connection", "session", "intents", "shard"),
    "resumed": ("connection", "session", "seq", "replayed"),
    "turned_away": ("connection", "op", "code", "reason"),
    "heartbeat": ("connection", "d"),
    "disconnected": ("connection", "session", "code", "reason"),
    "fault": ("verb", "arguments"),
}
"""Kind of entry → its fields, after `kind` and `time`."""


class Log:
    """The transcript. Not thread-safe.

    Entries are kept as tuples: a million of them must fit while a benchmark runs.
    """

    def __init__(self, clock: Clock, *, limit: int = 1_000_000) -> None:
        self._clock = clock
        self._entries: deque[tuple[Any, ...]] = deque(maxlen=limit)
        self._written = 0

    def write(self, kind: str, *values: Any) -> None:
        """Adds one entry; `values` in the order of `KINDS[kind]`."""
        self._written += 1
        self._entries.append((kind, self._clock.wall(), *values))

    def read(self, *, since: int = 0, kinds: Collection[str] | None = None) -> list[dict[str, Any]]:
        """The entries as dicts: `number` (from 1), `kind`, `time` (seconds since 1970) and the fields of the kind.

        Args:
            since: only entries whose number is higher.
            kinds: only these kinds; None means all.

        Raises:
            ValueError: a kind that does not exist.
        """
        for kind in kinds or ():
            if kind not in KINDS:
                raise ValueError(f"no entries of kind {kind!r}; known: {', '.join(KINDS)}")
        first = self._written - len(self._entries) + 1
        return [
            {"number": number, "kind": entry[0], "time": entry[1], **dict(zip(KINDS[entry[0]], entry[2:], strict=True))}
            for number, entry in enumerate(self._entries, first)
            if number > since and (kinds is None or entry[0] in kinds)
        ]

    def clear(self) -> None:
        """Forgets all entries."""
        self._entries.clear()

    def tally(self) -> dict[str, int]:
        """How many were `said`, `answered`, `lost` and `doubled`, counted by the platform alone.

        An answer counts for the message that its `msg_id` names. `lost` is what nobody answered, `doubled` the
        messages answered more than once.
        """
        said = {entry[2] for entry in self._entries if entry[0] == "said"}
        answers = Counter(entry[5] for entry in self._entries if entry[0] == "answered" and entry[5] in said)
        return {
            "said": len(said),
            "answered": len(answers),
            "lost": len(said) - len(answers),
            "doubled": sum(1 for count in answers.values() if count > 1),
        }
