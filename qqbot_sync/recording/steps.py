"""What a recording consists of, one line each. Pure: values and their JSON, no file, no thread.

docs/recording.md describes the format.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from qqbot_sync import codec
from qqbot_sync._version import __version__
from qqbot_sync.recording.exchange import Exchange
from qqbot_sync.recording.scrubbing import Scrubber

__all__ = [
    "FORMAT",
    "VERSION",
    "Down",
    "End",
    "EventStep",
    "Fact",
    "Header",
    "Lost",
    "Mark",
    "Note",
    "Step",
    "Stop",
    "Verdict",
    "step_from_json",
]

FORMAT = "qqbot_sync-recording"
VERSION = 1
"""Changes when an older qqbot_sync could not replay the file; what is merely added does not change it."""


@dataclass(frozen=True)
class Header:
    """The first line. Immutable."""

    app_id: str
    api_url: str
    began_at: str
    """UTC, as ISO 8601."""
    hides_texts: bool = False
    by: str = __version__
    """The qqbot_sync that recorded it."""
    version: int = VERSION

    def to_json(self) -> dict[str, Any]:
        return {
            "kind": FORMAT,
            "version": self.version,
            "by": f"qqbot_sync {self.by}",
            "began_at": self.began_at,
            "app_id": self.app_id,
            "api_url": self.api_url,
            "hides_texts": self.hides_texts,
        }

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> Header:
        return cls(
            app_id=str(record["app_id"]),
            api_url=str(record["api_url"]),
            began_at=str(record["began_at"]),
            hides_texts=bool(record.get("hides_texts")),
            by=str(record.get("by", "")),
            version=record["version"],
        )


@dataclass(frozen=True)
class EventStep:
    """An event as the sink got it, duplicates included. Immutable."""

    t: float
    """Seconds from the start of the recording."""
    number: int
    """From 1, in the order of arrival."""
    shard: tuple[int, int]
    frame: bytes
    """The whole frame."""
    redelivered: bool = False

    def to_json(self, scrubber: Scrubber) -> dict[str, Any]:
        record: dict[str, Any] = {"kind": "event", "t": self.t, "n": self.number, "shard": list(self.shard)}
        if self.redelivered:
            record["redelivered"] = True
        try:
            record["frame"] = scrubber.json(codec.loads(self.frame))
        except (codec.Undecodable, RecursionError):
            record["frame_base64"] = base64.b64encode(scrubber.bytes(self.frame)).decode()
        return record

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> EventStep:
        try:
            frame = (
                codec.dumps(record["frame"])
                if "frame" in record
                else base64.b64decode(record["frame_base64"], validate=True)
            )
        except binascii.Error as error:
            raise ValueError(str(error)) from error
        codec.decode_envelope(frame)
        shard_id, shard_count = record["shard"]
        return cls(
            t=float(record["t"]),
            number=int(record["n"]),
            shard=(int(shard_id), int(shard_count)),
            frame=frame,
            redelivered=bool(record.get("redelivered")),
        )


@dataclass(frozen=True)
class Mark:
    """Something happened to the handlers of an event; `number` 0 stands for threads that run no handler. Immutable."""

    t: float
    what: str
    """`done`: they came to their end · `wait`: one began to wait for events · `over`: it waits no more."""
    number: int
    wait: int = 0
    """Which of its waits begins or ends, from 1."""

    def to_json(self) -> dict[str, Any]:
        record = {"kind": self.what, "t": self.t, "n": self.number}
        return {**record, "wait": self.wait} if self.wait else record


@dataclass(frozen=True)
class Verdict:
    """An event was not for the handlers. Immutable."""

    t: float
    number: int
    verdict: str
    """`duplicate`, `dropped` or `refused`."""

    def to_json(self) -> dict[str, Any]:
        return {"kind": "verdict", "t": self.t, "n": self.number, "verdict": self.verdict}


@dataclass(frozen=True)
class Down:
    """A connection ended. Immutable."""

    t: float
    shard_id: int
    verdict: str
    """`resume`, `identify` or `fatal`."""
    cause: str
    reason: str

    def to_json(self) -> dict[str, Any]:
        facts = {"verdict": self.verdict, "cause": self.cause, "reason": self.reason}
        return {"kind": "down", "t": self.t, "shard_id": self.shard_id, **facts}


@dataclass(frozen=True)
class Stop:
    """The bot began to stop; what follows was under way. Immutable."""

    t: float

    def to_json(self) -> dict[str, Any]:
        return {"kind": "stop", "t": self.t}


@dataclass(frozen=True)
class Note:
    """Something for people. Immutable."""

    t: float
    text: str

    def to_json(self) -> dict[str, Any]:
        return {"kind": "note", "t": self.t, "text": self.text}


@dataclass(frozen=True)
class Fact:
    """The bot's own user, known from an earlier session: a resumed one has no READY to tell it. Immutable."""

    t: float
    user: Mapping[str, Any]

    def to_json(self) -> dict[str, Any]:
        return {"kind": "user", "t": self.t, "user": self.user}


@dataclass(frozen=True)
class Lost:
    """So many records could not be kept. Immutable."""

    t: float
    count: int

    def to_json(self) -> dict[str, Any]:
        return {"kind": "lost", "t": self.t, "count": self.count}


@dataclass(frozen=True)
class End:
    """The last line; a file without it was cut off. Immutable."""

    t: float
    events: int
    calls: int
    lost: int

    def to_json(self) -> dict[str, Any]:
        return {"kind": "end", "t": self.t, "events": self.events, "calls": self.calls, "lost": self.lost}


Step = EventStep | Mark | Verdict | Down | Stop | Note | Fact | Lost | End | Exchange


def step_from_json(record: Mapping[str, Any]) -> Step | None:
    """One line but the first; None for a kind that a later version has added.

    Raises:
        KeyError, TypeError, ValueError: something is missing or wrong.
    """
    kind, t = record["kind"], float(record["t"])
    if kind == "event":
        return EventStep.from_json(record)
    if kind == "http":
        return Exchange.from_json(record)
    if kind == "done":
        return Mark(t, kind, int(record["n"]))
    if kind in ("wait", "over"):
        return Mark(t, kind, int(record["n"]), int(record["wait"]))
    if kind == "verdict":
        return Verdict(t, int(record["n"]), str(record["verdict"]))
    if kind == "down":
        facts = str(record["verdict"]), str(record["cause"]), str(record["reason"])
        return Down(t, int(record["shard_id"]), *facts)
    if kind == "stop":
        return Stop(t)
    if kind == "note":
        return Note(t, str(record["text"]))
    if kind == "user":
        return Fact(t, dict(record["user"]))
    if kind == "lost":
        return Lost(t, int(record["count"]))
    if kind == "end":
        return End(t, int(record["events"]), int(record["calls"]), int(record["lost"]))
    return None
