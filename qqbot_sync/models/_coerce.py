"""Builds models from whatever the platform sends: the path that accepts anything.

Numbers become text and text numbers where that loses nothing; what else does not fit gives way to the field's default.
"""

import math
import types
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from functools import cache
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

__all__ = ["Report", "coerce"]

M = TypeVar("M")
Report = Callable[[str], None]


class _Misfit(Enum):
    """What a reader gives when nothing can be made of a value."""

    MISFIT = "misfit"


MISFIT: Literal[_Misfit.MISFIT] = _Misfit.MISFIT


class _Reading:
    """One pass over one payload: where mismatches are told, and how deep models may still nest. Not thread-safe."""

    __slots__ = ("depth_left", "report")

    def __init__(self, report: Report | None, depth: int) -> None:
        self.report: Report = report or _ignore
        self.depth_left = depth


def _ignore(_path: str) -> None:
    return None


_Reader = Callable[[object, str, _Reading], object]


def coerce(model: type[M], value: object, report: Report | None = None, *, depth: int = 1_000_000) -> M:
    """Builds `model` from anything `json.loads` can give; instances inside it are taken as they are. Thread-safe.

    Args:
        model: the dataclass to build; every field has a default.
        value: any JSON value; what is not an object gives the model with all its defaults.
        report: called with the dotted name of each field whose value had to be converted or given up; the empty name
            stands for the payload as a whole.
        depth: how many levels of models inside models to read; what lies deeper is given up.
    """
    built = _build(model, value, "", _Reading(report, depth))
    return built if isinstance(built, model) else model()


def _build(model: type, value: object, path: str, reading: _Reading) -> object:
    if isinstance(value, model):
        return value
    other_encodings = getattr(model, "_from_wire", None)
    if other_encodings is not None:
        value = other_encodings(value)
    if not isinstance(value, Mapping) or reading.depth_left <= 0:
        reading.report(path)
        return MISFIT
    reading.depth_left -= 1
    prefix = f"{path}." if path else ""
    found = {}
    for name, reader in _plan(model):
        if name in value:
            read = reader(value[name], prefix + name, reading)
            if read is not MISFIT:
                found[name] = read
    reading.depth_left += 1
    return model(**found)


@cache
def _plan(model: Any) -> tuple[tuple[str, _Reader], ...]:
    hints = get_type_hints(model)
    return tuple((each.name, _reader(hints[each.name])) for each in fields(model))


def _reader(hint: Any) -> _Reader:
    """The reader of one annotation."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (types.UnionType, Union):
        return _union(tuple(each for each in arguments if each is not types.NoneType))
    if hint is Any:
        return lambda value, _path, _reading: value
    if origin is list:
        return _list(_reader(arguments[0]))
    if origin is dict:
        return _dict(_reader(arguments[1]))
    if isinstance(hint, type):
        if is_dataclass(hint):
            return lambda value, path, reading: _build(hint, value, path, reading)
        if issubclass(hint, Enum):
            return _enum(hint, _SCALARS[int] if issubclass(hint, int) else _SCALARS[str])
        if hint in _SCALARS:
            return _scalar(hint, _SCALARS[hint])
    raise TypeError(f"no model field may be of type {hint!r}")


def _union(members: tuple[Any, ...]) -> _Reader:
    """`X | None`, or a choice of which the first member that fits exactly wins."""
    readers = [_reader(each) for each in members]

    def read(value: object, path: str, reading: _Reading) -> object:
        if value is None:
            return None
        if len(readers) == 1:
            return readers[0](value, path, reading)
        for reader in readers:
            bent: list[str] = []
            got = reader(value, path, _Reading(bent.append, reading.depth_left))
            if not bent:
                return got
        reading.report(path)
        for reader in readers:
            got = reader(value, path, _Reading(None, reading.depth_left))
            if got is not MISFIT:
                return got
        return MISFIT

    return read


def _list(element: _Reader) -> _Reader:
    def read(value: object, path: str, reading: _Reading) -> object:
        if not isinstance(value, list):
            reading.report(path)
            return MISFIT
        got = []
        for each in value:
            one = element(each, path, reading)
            if one is not MISFIT:
                got.append(one)
        return got

    return read


def _dict(element: _Reader) -> _Reader:
    def read(value: object, path: str, reading: _Reading) -> object:
        if not isinstance(value, dict):
            reading.report(path)
            return MISFIT
        got = {}
        for key, each in value.items():
            one = element(each, path, reading)
            if one is not MISFIT:
                got[key] = one
        return got

    return read


def _scalar(kind: type, convert: Callable[[object], object]) -> _Reader:
    def read(value: object, path: str, reading: _Reading) -> object:
        if type(value) is kind:
            return value
        got = convert(value)
        # A whole number is a float to every JSON reader; nothing else converts without being told.
        if not (kind is float and type(value) is int and got is not MISFIT):
            reading.report(path)
        return got

    return read


def _enum(kind: type[Enum], convert: Callable[[object], object]) -> _Reader:
    plain: type = int if issubclass(kind, int) else str

    def read(value: object, path: str, reading: _Reading) -> object:
        if isinstance(value, kind):
            return value
        if type(value) is not plain:
            reading.report(path)
            value = convert(value)
            if value is MISFIT:
                return MISFIT
        return kind(value)

    return read


def _to_text(value: object) -> object:
    if isinstance(value, str):
        return value
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return MISFIT
    try:
        return str(value)
    except ValueError:  # Python refuses to spell out numbers of more than 4,300 digits
        return MISFIT


def _to_int(value: object) -> object:
    try:
        if isinstance(value, (int, str)):
            return int(value)
        if isinstance(value, float) and value.is_integer():
            return int(value)
    except ValueError:
        pass
    return MISFIT


def _to_float(value: object) -> object:
    if isinstance(value, (int, float, str)) and not isinstance(value, bool):
        try:
            number = float(value)
        except (ValueError, OverflowError):
            return MISFIT
        if math.isfinite(number):
            return number
    return MISFIT


def _to_bool(value: object) -> object:
    if isinstance(value, (int, float)) and value in (0, 1):
        return bool(value)
    if isinstance(value, str):
        return {"true": True, "1": True, "false": False, "0": False}.get(value.strip().lower(), MISFIT)
    return MISFIT


_SCALARS: dict[type, Callable[[object], object]] = {str: _to_text, int: _to_int, float: _to_float, bool: _to_bool}
