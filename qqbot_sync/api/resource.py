"""What every file of calls stands on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar
from urllib.parse import quote

from qqbot_sync import codec
from qqbot_sync.api.caller import Caller
from qqbot_sync.models import Model

__all__ = ["Resource", "checked_id", "quoted"]

M = TypeVar("M", bound=Model)


class Resource:
    """The calls of one resource of the platform; `Api` inherits from all of them. Thread-safe."""

    _caller: Caller
    _decoder: codec.ModelDecoder

    def _call(
        self,
        method: str,
        path: str,
        *,
        body: Mapping[str, Any] | None = None,
        query: Mapping[str, Any] | None = None,
        timeout: float = 30.0,
        retries: bool = True,
    ) -> Any:
        """The decoded body of one call; see `Caller.call`."""
        return self._caller.call(method, path, body=body, query=query, timeout=timeout, retries=retries).data

    def _call_for(
        self,
        model: type[M],
        method: str,
        path: str,
        *,
        body: Mapping[str, Any] | None = None,
        query: Mapping[str, Any] | None = None,
        timeout: float = 30.0,
    ) -> M:
        """The body of one call as a model."""
        answer = self._caller.call(method, path, body=body, query=query, timeout=timeout)
        return self._decoder.decode(model, answer.body or b"null")


def checked_id(name: str, value: object) -> str:
    """An id that is one.

    Raises:
        TypeError, ValueError: naming the argument.
    """
    if not isinstance(value, str):
        raise TypeError(f"{name} 必须是文本 / {name} must be text, not {type(value).__name__}")
    if not value.strip() or value in (".", ".."):
        raise ValueError(f"{name} 不能为空 / {name} is not an id: {value!r}")
    return value


def quoted(name: str, value: object) -> str:
    """A checked id, as it stands in a path."""
    return quote(checked_id(name, value), safe="")
