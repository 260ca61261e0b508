"""Bytes to JSON to models and back: with `models/_base` the only place that knows JSON libraries.

Reading has a fast path (msgspec) and a path that accepts anything; where the fast one accepts, both give equal objects.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import cache
from typing import Any, TypeVar

import msgspec
from msgspec import Raw

from .models._base import Model
from .models._coerce import coerce

__all__ = ["Envelope", "Head", "ModelDecoder", "Raw", "Undecodable", "decode_envelope", "decode_head", "dumps", "loads"]

M = TypeVar("M", bound=Model)
S = TypeVar("S", bound=msgspec.Struct)
Json = bytes | bytearray | memoryview | str | Raw

_NULL = Raw(b"null")
_REFUSALS = (msgspec.MsgspecError, UnicodeError, RecursionError)
"""Whatever msgspec may refuse a text with; a lone surrogate alone is a DecodeError."""
_DEPTH = 32
"""Levels of models in models that are read where the stack does not hold all of them."""


class Undecodable(ValueError):
    """No JSON decoder of Python can read this, or a frame is no JSON object."""


class Envelope(msgspec.Struct):
    """One frame of the gateway, its body still as bytes. Not thread-safe to change, safe to read."""

    op: int
    """The opcode."""
    d: Raw = _NULL
    """The body as JSON bytes; `null` when missing. Refers to the frame it came from."""
    s: int | None = None
    """The sequence number of a dispatch."""
    t: str | None = None
    """The event's name."""
    id: str | None = None
    """The event's id."""


@dataclass
class _Head(Model):
    """The fields of an envelope but `d`, as the tolerant path reads them."""

    op: int | None = None
    s: int | None = None
    t: str | None = None
    id: str | None = None


_decode_envelope = msgspec.json.Decoder(Envelope).decode


def decode_envelope(frame: bytes) -> Envelope:
    """Reads a frame of the gateway or the webhook, however odd its fields. Thread-safe.

    Raises:
        Undecodable: it is no JSON, or no object, or has neither an opcode nor an event name.
    """
    try:
        return _decode_envelope(frame)
    except _REFUSALS:
        return _envelope_of(loads(frame))


def _envelope_of(data: Any) -> Envelope:
    if not isinstance(data, dict):
        raise Undecodable(
            f"网关帧不是 JSON 对象({type(data).__name__}) / the frame is no JSON object but {type(data).__name__}"
        )
    found = coerce(_Head, data)
    if found.op is None and not found.t:
        raise Undecodable("网关帧没有 op / the frame has no opcode")
    # A dispatch is the only frame that has a name.
    op = found.op if found.op is not None else 0
    return Envelope(op=op, d=Raw(dumps(data.get("d"))), s=found.s, t=found.t, id=found.id)


Name = str | int | None
"""An id as it was sent: text, in old events a number."""


class _Person(msgspec.Struct, frozen=True):
    id: Name = None
    user_openid: Name = None
    member_openid: Name = None


class _Gone(msgspec.Struct, frozen=True):
    channel_id: Name = None
    guild_id: Name = None
    author: _Person = _Person()


class _Resolved(msgspec.Struct, frozen=True):
    user_id: Name = None


class _Content(msgspec.Struct, frozen=True):
    resolved: _Resolved = _Resolved()


class Head(msgspec.Struct, frozen=True):
    """The few fields of a body that say which event it is, where it happened and whose it is. Thread-safe."""

    id: Name = None
    audit_id: Name = None
    join_request_id: Name = None
    guild_id: Name = None
    channel_id: Name = None
    group_openid: Name = None
    group_open_id: Name = None
    group_id: Name = None
    openid: Name = None
    user_openid: Name = None
    user_id: Name = None
    member_openid: Name = None
    group_member_openid: Name = None
    op_member_openid: Name = None
    author_id: Name = None
    op_user_id: Name = None
    author: _Person = _Person()
    user: _Person = _Person()
    message: _Gone = _Gone()
    data: _Content = _Content()


_decode_head = msgspec.json.Decoder(Head).decode


def decode_head(d: Json) -> Head:
    """Reads the head of an event's body; what is not as expected is None; never raises. Thread-safe."""
    try:
        return _decode_head(d)
    except _REFUSALS:
        try:
            return _part_of(Head(), loads(d))
        except Undecodable:
            return Head()


def _part_of(empty: S, data: Any) -> S:
    """The struct `empty` filled with what fits of `data`."""
    if not isinstance(data, dict):
        return empty
    found: dict[str, Any] = {}
    for name in empty.__struct_fields__:
        default, value = getattr(empty, name), data.get(name)
        if isinstance(default, msgspec.Struct):
            found[name] = _part_of(default, value)
        elif isinstance(value, (str, int, float)) and not isinstance(value, bool):
            found[name] = value
    return type(empty)(**found)


def loads(data: Json) -> Any:
    """Reads JSON, tolerating bad UTF-8 (replaced), lone surrogates, raw control characters, NaN and a BOM. Thread-safe.

    Raises:
        Undecodable: Python's JSON decoders cannot read it.
    """
    try:
        return msgspec.json.decode(data)
    except _REFUSALS:
        pass
    text = data if isinstance(data, str) else bytes(data).decode("utf-8-sig", errors="replace")
    try:
        return json.loads(text.removeprefix("\ufeff"), parse_int=_whole, strict=False)
    except (ValueError, RecursionError) as error:
        raise Undecodable(f"无法解析的 JSON / this JSON cannot be read: {error}") from error


def _whole(digits: str) -> int | str:
    try:
        return int(digits)
    except ValueError:  # Python refuses numbers of more than 4,300 digits
        return digits


def dumps(value: Any) -> bytes:
    """Writes compact UTF-8 JSON; of models only what is set (no None, no empty list or dict). Thread-safe.

    Args:
        value: plain data, models, or both mixed. Lone surrogates are written as escapes.

    Raises:
        TypeError: `value` holds something that JSON does not know.
    """
    try:
        return _write(value, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        return _write(value, ensure_ascii=True).encode("ascii")


def _write(value: Any, *, ensure_ascii: bool) -> str:
    return json.dumps(value, ensure_ascii=ensure_ascii, separators=(",", ":"), default=_set_fields)


def _set_fields(value: Any) -> dict[str, Any]:
    if isinstance(value, Model):
        # A list that is empty in a model was not sent; an empty list in a dict was meant.
        pairs = ((field.name, getattr(value, field.name)) for field in fields(value))
        return {name: each for name, each in pairs if each is not None and each != [] and each != {}}
    raise TypeError(f"{type(value).__name__} 不能写成 JSON / cannot be written as JSON")


class ModelDecoder:
    """Builds models from the body of an event, whatever it is. Thread-safe.

    Args:
        on_mismatch: called with the event's name and the dotted name of each field that was not what the model says
            (once per field and payload); the empty name means the body as a whole. Called in the thread of `decode`.
        decoded: called for each model that was built, likewise.
    """

    def __init__(
        self,
        on_mismatch: Callable[[str, str], None] | None = None,
        *,
        decoded: Callable[[], object] | None = None,
    ) -> None:
        self._on_mismatch = on_mismatch
        self._decoded = decoded

    def decode(self, model: type[M], d: Json, *, event: str = "") -> M:
        """Builds `model` from `d`; never raises: what cannot be read at all gives the model with its defaults.

        Args:
            model: the class to build.
            d: the body as JSON.
            event: the event's name; reported with mismatches, and remembered by messages (`mentions_me` needs it).
        """
        built: M
        try:
            built = _decoder(model).decode(d)
        except _REFUSALS as refusal:
            built = self._decode_anything(model, d, event, isinstance(refusal, msgspec.ValidationError))
        if event and model._remembers_event:
            object.__setattr__(built, "_event", event)
        if self._decoded is not None:
            self._decoded()
        return built

    def _decode_anything(self, model: type[M], d: Json, event: str, is_json: bool) -> M:
        bent: set[str] = set()
        try:
            data = loads(d)
        except Undecodable:
            bent.add("")
            built = model()
        else:
            try:
                built = coerce(model, data, bent.add)
            except RecursionError:
                built = coerce(model, data, bent.add, depth=_DEPTH)
            if not bent and not is_json:
                bent.add("")
        if self._on_mismatch is not None:
            for field in sorted(bent):
                self._on_mismatch(event, field)
        return built


@cache
def _decoder(model: type[M]) -> msgspec.json.Decoder[M]:
    return msgspec.json.Decoder(model)
