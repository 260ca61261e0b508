"""What every model has in common: conversion to and from dicts and JSON.

A model is an ordinary dataclass whose field names are the platform's. Reading has two paths that give equal objects:
the strict one (`qqbot_sync.codec`, msgspec) and `_coerce`, which accepts anything. No module in this package may use
`from __future__ import annotations`: dataclasses-json reads the annotations themselves.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum, IntEnum
from typing import Any, ClassVar, TypeVar

from dataclasses_json import DataClassJsonMixin, Undefined, config
from marshmallow import fields as schema_fields

from ._coerce import coerce

__all__ = [
    "AS_SENT",
    "Model",
    "OpenIntEnum",
    "OpenStrEnum",
    "Timestamp",
    "nested_list",
    "read_json",
]

Timestamp = int | str | None
"""A point in time as it was sent: RFC 3339 text, unix seconds or milliseconds as number or text, or Go's own format."""


class OpenIntEnum(IntEnum):
    """Numbers the platform gives meanings to; one that is not listed here is kept, and `is_known` is False."""

    @classmethod
    def _missing_(cls, value: object) -> Any:
        if isinstance(value, int) and not isinstance(value, bool):
            member = int.__new__(cls, value)
            member._name_ = f"UNKNOWN_{value}"
            member._value_ = int(value)
            return member
        return None

    @property
    def is_known(self) -> bool:
        """Whether this package knows what the number means."""
        return self._name_ in type(self)._member_map_

    # The number, as Python 3.11 has it for every IntEnum; 3.10 would write the member's name into a query string.
    def __str__(self) -> str:
        return int.__repr__(self)

    def __format__(self, format_spec: str) -> str:
        return int.__format__(self, format_spec)


class OpenStrEnum(str, Enum):
    """Words the platform gives meanings to; one that is not listed here is kept, and `is_known` is False."""

    @classmethod
    def _missing_(cls, value: object) -> Any:
        if isinstance(value, str):
            member = str.__new__(cls, value)
            member._name_ = f"UNKNOWN_{value}"
            member._value_ = str.__str__(value)
            return member
        return None

    @property
    def is_known(self) -> bool:
        """Whether this package knows what the word means."""
        return self._name_ in type(self)._member_map_

    def __str__(self) -> str:
        return str(self._value_)


M = TypeVar("M", bound="Model")


@dataclass
class Model(DataClassJsonMixin):
    """The base of every model: plain data, compared field by field. Not thread-safe to change, safe to read.

    `to_dict`, `to_json` and `schema` are dataclasses-json's own.
    """

    dataclass_json_config = config(undefined=Undefined.EXCLUDE)["dataclasses_json"]
    _remembers_event: ClassVar[bool] = False

    @classmethod
    def from_dict(cls: type[M], kvs: Any, *, infer_missing: bool = False) -> M:  # noqa: ARG003
        """Builds the model from a dict, however odd its values; unknown keys are ignored.

        Args:
            kvs: the dict; what does not fit a field is converted where that loses nothing, else the field's default.
            infer_missing: accepted for dataclasses-json; missing fields always have their defaults.

        Raises:
            TypeError: `kvs` is not a mapping.
        """
        if not isinstance(kvs, Mapping):
            raise TypeError(
                f"{cls.__name__}.from_dict 需要 dict,得到 {type(kvs).__name__} / "
                f"{cls.__name__}.from_dict takes a dict, not {type(kvs).__name__}"
            )
        return coerce(cls, kvs)


def read_json(text: str | bytes) -> Any:
    """What `json.loads` makes of it; raises ValueError and RecursionError as that does."""
    return json.loads(text)


AS_SENT: Any = config(mm_field=schema_fields.Raw(allow_none=True))
"""Metadata of a field whose value is kept as it was sent, of whatever type."""


def nested_list(model: Callable[[], type[Model]]) -> Any:
    """Metadata of a list field of the model it belongs to; without it the schema of such a model would never end."""
    return config(mm_field=schema_fields.List(schema_fields.Nested(lambda: model().schema())))
