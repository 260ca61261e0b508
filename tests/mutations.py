"""Captured bodies with something wrong with them, for tests of everything that reads what the platform sends."""

from __future__ import annotations

import copy
import itertools
import json
from dataclasses import dataclass, fields
from typing import Any

from hypothesis import strategies as st

from qqbot_sync.events import EVENTS, keys_of
from qqbot_sync.models import Model
from tests.models.payloads import bodies
from tests.support import payload

__all__ = ["ODD", "Pushed", "frames", "mutated", "names_of", "places", "read_back"]

BODIES = bodies()
EVENT_BODIES = [(payload(name)["t"], model, body) for name, model, body in BODIES if name != "ready"]

ODD: list[Any] = [
    None, "", "x", "7", "1.5", 0, 1, -1, 1.0, 1.5, 1e30, True, False, [], {}, [None], [""], [[]], {"": ""}, [1, "a"],
    13595572922435876753, 10**40, "\u00a0", "null", "{}", "[]", {"id": 1}, [{"id": None}], "2026-07-21T10:00:00+08:00",
]  # fmt: skip

WHOLE = {
    "@nested@": b"[" * 200 + b"]" * 200,
    "@objects@": b'{"a":' * 200 + b"1" + b"}" * 200,
    "@nan@": b"NaN",
    "@infinite@": b"-1e999",
}
"""Marks that stand for a whole value, and what is sent in their place."""
INSIDE = {
    "@surrogate@": b"\\ud83d",
    "@reversed@": b"\\ude00\\ud83d",
    "@bytes@": b"\xff\xfe\x80",
    "@cut@": "中".encode()[:2],
    "@encoded surrogate@": b"\xed\xa0\xbd",
    "@control@": b"\x00\t\n\x1f",
    "@nul@": b"\\u0000",
}
"""Marks that stand inside a text, and what is sent in their place."""

_CHANGES = ("odd", "omit", "wrap", "nest", "unwrap", "add", "text")
_numbers = itertools.count(1)


def places(value: Any) -> list[tuple[Any, Any]]:
    """Every (container, key) of a body."""
    found: list[tuple[Any, Any]] = []
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in pairs:
        found.append((value, key))
        found += places(inner)
    return found


def names_of(model: type[Model]) -> list[str]:
    """The wire names of a model."""
    return [field.name for field in fields(model)]


def _change(draw: st.DrawFn, d: Any, model: type[Model], kinds: tuple[str, ...]) -> None:
    """Does one thing to a body, in place."""
    where = places(d)
    if not where:
        return
    holder, key = draw(st.sampled_from(where))
    kind = draw(st.sampled_from(kinds))
    if kind == "odd":
        holder[key] = copy.deepcopy(draw(st.sampled_from(ODD)))
    elif kind == "omit":
        del holder[key]
    elif kind == "wrap":
        holder[key] = [holder[key]]
    elif kind == "nest":
        holder[key] = {str(key): holder[key]}
    elif kind == "unwrap" and isinstance(holder[key], (list, dict)) and holder[key]:
        inner = holder[key]
        holder[key] = next(iter(inner.values())) if isinstance(inner, dict) else inner[0]
    elif kind == "text":
        holder[key] = json.dumps(holder[key]) if not isinstance(holder[key], str) else 7
    elif kind == "whole":
        holder[key] = draw(st.sampled_from(sorted(WHOLE)))
    elif kind == "inside":
        text, mark = str(holder[key]), draw(st.sampled_from(sorted(INSIDE)))
        cut = draw(st.integers(0, len(text)))
        holder[key] = text[:cut] + mark + text[cut:]
    elif kind == "key" and isinstance(holder, dict):
        holder[f"{key}{draw(st.sampled_from(sorted(INSIDE)))}"] = holder.pop(key)
    elif isinstance(holder, dict):
        holder[draw(st.sampled_from([*names_of(model), "surprise"]))] = copy.deepcopy(draw(st.sampled_from(ODD)))


@st.composite
def mutated(draw: st.DrawFn) -> tuple[str, type[Model], Any]:
    """A captured body with one to four changes: of type, to null, left out, added, nested, un-nested."""
    name, model, body = draw(st.sampled_from(BODIES))
    d: Any = copy.deepcopy(body)
    for _ in range(draw(st.integers(1, 4))):
        _change(draw, d, model, _CHANGES)
    return name, model, d


@dataclass
class Pushed:
    """One frame to send, as bytes, and what must come of it."""

    name: str
    frame: dict[str, Any]
    """The frame with marks in place of what no dict can hold."""

    def sent(self, seq: int) -> bytes:
        """The frame with that number as its `s`, and with an id that no other frame had."""
        frame = copy.deepcopy(self.frame)
        if "s" in frame:
            frame["s"] = type(frame["s"])(seq)
        if frame.get("id") == "@id@":
            frame["id"] = f"{self.name}:{next(_numbers)}"
        _freshen(self.name, frame)
        data = json.dumps(frame, ensure_ascii=False).encode()
        for mark, raw in WHOLE.items():
            data = data.replace(f'"{mark}"'.encode(), raw)
        for mark, raw in INSIDE.items():
            data = data.replace(mark.encode(), raw)
        return data


def read_back(data: bytes) -> dict[str, Any]:
    """What Python's own JSON reader makes of a frame when bad bytes are replaced."""
    frame: dict[str, Any] = json.loads(data.decode("utf-8", errors="replace"), strict=False)
    return frame


def _freshen(name: str, frame: dict[str, Any]) -> None:
    """Gives the body a new id of the same type: a second copy would rightly be left out."""
    d, id_field = frame.get("d"), EVENTS[name].id_field
    if not id_field or not isinstance(d, dict):
        return
    if not keys_of(name, json.dumps(d).encode(), None).dedupe_id:
        return
    old, number = d[id_field], next(_numbers)
    d[id_field] = f"{old}-{number}" if isinstance(old, str) else type(old)(number)


@st.composite
def frames(draw: st.DrawFn, *, as_json: bool = False) -> Pushed:
    """A captured dispatch with something wrong in its body, in its envelope, or with its body as a whole.

    Args:
        as_json: only what a dict can hold, in an envelope as it should be.
    """
    name, model, body = draw(st.sampled_from(EVENT_BODIES))
    d: Any = copy.deepcopy(body)
    kinds = _CHANGES if as_json else (*_CHANGES, "whole", "inside", "inside", "key")
    for _ in range(draw(st.integers(1, 4))):
        _change(draw, d, model, kinds)
    if draw(st.integers(0, 9)) == 0:
        d = copy.deepcopy(draw(st.sampled_from(ODD if as_json else [*ODD, *WHOLE, *INSIDE])))
    frame: dict[str, Any] = {"op": 0, "s": 0, "t": name, "id": "@id@", "d": d}
    if not as_json:
        frame["op"] = draw(st.sampled_from([0, 0, 0, "0", 0.0]))
        frame["s"] = draw(st.sampled_from([0, 0, 0, "0", 0.0]))
        frame["id"] = draw(st.sampled_from(["@id@", "@id@", "@id@", None, "", [], {"id": 1}]))
        for field in draw(st.lists(st.sampled_from(["op", "s", "id", "d"]), max_size=1)):
            del frame[field]
        for field in draw(st.lists(st.sampled_from(["new", "msg", "message"]), max_size=1)):
            frame[field] = copy.deepcopy(draw(st.sampled_from([*ODD, *WHOLE, *INSIDE])))
    return Pushed(name, frame)
