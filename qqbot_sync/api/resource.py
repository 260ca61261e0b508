"""What every file of calls stands on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar
from urllib.parse import quote

from qqbot_sync import codec
from qqbot_sync.api.answers import Answer
from qqbot_sync.api.caller import Caller
from qqbot_sync.errors import ServerError
from qqbot_sync.models import Model

__all__ = ["Resource", "checked_id", "quoted", "unreadable"]

M = TypeVar("M", bound=Model)


class Resource:
    """The calls of one resource of the platform; `Api` inherits from all of them. Thread-safe.

    In every call `timeout` is in seconds, for everything: retries, pauses, and the wait for the call's turn. And every
    call raises

    * TypeError or ValueError for bad arguments, before anything is sent;
    * ApiError, or one of its kinds, when the platform refuses;
    * ConnectionFailed when the platform cannot be reached: nothing was done;
    * OutcomeUnknown when a change was asked for and no answer came: it may have been made;
    * Stopped when the client is closed meanwhile.
    """

    _caller: Caller
    _decoder: codec.ModelDecoder

    def _call(
        self,
        method: str,
        path: str,
        *,
        body: Mapping[str, Any] | None = None,
        query: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float = 30.0,
        retries: bool = True,
    ) -> Any:
        """The decoded body of one call; see `Caller.call`."""
        answer = self._caller.call(
            method, path, body=body, query=query, headers=headers, timeout=timeout, retries=retries
        )
        return answer.data

    def _call_for(
        self,
        model: type[M],
        method: str,
        path: str,
        *,
        body: Mapping[str, Any] | None = None,
        query: Mapping[str, Any] | None = None,
        timeout: float = 30.0,
        inside: str = "",
    ) -> M:
        """The body of one call as a model.

        Args:
            inside: the name under which the platform sometimes puts the object.

        Raises:
            ServerError: the call succeeded, but the answer holds no such object.
        """
        answer = self._caller.call(method, path, body=body, query=query, timeout=timeout)
        data = answer.data
        if not isinstance(data, dict):
            raise unreadable(answer, method, path)
        wrapped = data.get(inside) if inside else None
        return self._decoder.decode(model, codec.dumps(wrapped) if isinstance(wrapped, dict) else answer.body)

    def _call_for_list(
        self,
        model: type[M],
        method: str,
        path: str,
        *,
        inside: str,
        body: Mapping[str, Any] | None = None,
        query: Mapping[str, Any] | None = None,
        timeout: float = 30.0,
    ) -> list[M]:
        """The body of one call as models; nothing at all is an empty list.

        Args:
            inside: the name of the list: the platform's pages and its answers disagree whether it comes bare.

        Raises:
            ServerError: the call succeeded, but the answer holds no such list.
        """
        answer = self._caller.call(method, path, body=body, query=query, timeout=timeout)
        data = answer.data
        found = (data.get(inside) if data else []) if isinstance(data, dict) else data
        if found is None and answer.is_json and not isinstance(data, dict):
            return []
        if not isinstance(found, list):
            raise unreadable(answer, method, path)
        return [self._decoder.decode(model, codec.dumps(one)) for one in found]


def unreadable(answer: Answer, method: str, path: str) -> ServerError:
    """The error for a call that succeeded and whose answer does not hold what it should."""
    return ServerError(
        "平台接受了请求,但没有返回应有的内容 / the platform accepted the call, but did not answer with what it should",
        status=answer.status,
        trace_id=answer.trace_id,
        method=method,
        path=path,
    )


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
