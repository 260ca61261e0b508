"""One handler as it was registered: how to call it, what it is called, where it stands, which intents it needs."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any, Literal, Protocol

from qqbot_sync.dispatch import advice
from qqbot_sync.intents import Intents

__all__ = [
    "NOT_MEANT",
    "Handled",
    "Kind",
    "Registration",
    "accepts",
    "check_function",
    "identity",
    "name_of",
    "where_is",
]

Kind = Literal["event", "message", "raw", "start", "ready", "resumed", "error", "unknown"]

NOT_MEANT = object()
"""What `Registration.call` returns where a filter kept the event from the handler: it was not run."""
_PACKAGE = Path(__file__).resolve().parent.parent


class Handled(Protocol):
    """What the dispatcher needs of a context; everything else is the handlers' business."""

    @property
    def name(self) -> str: ...
    @property
    def event(self) -> Any: ...
    @property
    def raw(self) -> Any: ...
    @property
    def envelope(self) -> dict[str, Any]: ...
    @property
    def propagation_stopped(self) -> bool: ...


@dataclass(frozen=True, eq=False)
class Registration:
    """One handler. Immutable, thread-safe."""

    kind: Kind
    fn: Callable[..., Any]
    """What the user registered."""
    call: Callable[..., Any]
    """Calls it: with the context, for a hook on errors with context and error. It may return `NOT_MEANT`."""
    name: str
    """`module.qualname`, for people."""
    where: str
    """`file:line` of the user's code."""
    names: frozenset[str] | None
    """The events it hears; None: all (raw), or those without a name here (unknown)."""
    required: Intents
    wished: Intents
    rule: object = None
    """What else makes this registration the same as another: the filter of a message handler."""


def check_function(what: str, fn: object, arguments: int) -> Callable[..., Any]:
    """Returns `fn` if it can be called with that many positional arguments.

    Args:
        what: a key of `advice.FORMS`.

    Raises:
        TypeError: not callable, the wrong number of arguments, a coroutine function or a generator function.
    """
    if isinstance(fn, type) or not callable(fn):
        raise TypeError(advice.not_callable(what, fn))
    inner = _unwrap(fn)
    if inspect.iscoroutinefunction(inner) or inspect.isasyncgenfunction(inner):
        raise TypeError(advice.is_async(name_of(fn)))
    if inspect.isgeneratorfunction(inner):
        raise TypeError(advice.is_generator(name_of(fn)))
    if not accepts(fn, arguments):
        raise TypeError(advice.wrong_arguments(what, name_of(fn), inspect.signature(fn)))
    return fn


def accepts(fn: Callable[..., Any], arguments: int) -> bool:
    """Whether `fn` takes that many positional arguments; True when nobody can tell (some builtins)."""
    try:
        signature = inspect.signature(fn)
    except (TypeError, ValueError):
        return True
    try:
        signature.bind(*range(arguments))
    except TypeError:
        return False
    return True


def name_of(fn: object) -> str:
    """`module.qualname` of a function, a bound method, a partial or a callable object."""
    inner = fn
    while isinstance(inner, partial):
        inner = inner.func
    if not hasattr(inner, "__qualname__"):
        inner = type(inner)
    return f"{getattr(inner, '__module__', None) or '?'}.{getattr(inner, '__qualname__', '?')}"


def where_is(fn: object) -> str:
    """`file:line` of a function's definition; of the caller outside this package when it has none."""
    code = getattr(_unwrap(fn), "__code__", None)
    if code is not None:
        return f"{code.co_filename}:{code.co_firstlineno}"
    frame: FrameType | None = sys._getframe()
    while frame is not None and _PACKAGE in Path(frame.f_code.co_filename).parents:
        frame = frame.f_back
    return f"{frame.f_code.co_filename}:{frame.f_lineno}" if frame is not None else "?"


def identity(fn: object) -> object | None:
    """What stays the same when a cell of a notebook that defines `fn` is run again; None for what has no such name."""
    name = name_of(fn)
    last = name.rpartition(".")[2]
    if "<" in name or not hasattr(_unwrap(fn), "__code__") or isinstance(fn, partial) or last == "_":
        return None
    return name


def same_code(one: object, other: object) -> bool:
    """Whether both are the same function, or the same method of different objects."""
    return getattr(one, "__func__", one) is getattr(other, "__func__", other)


def _unwrap(fn: object) -> object:
    """The function behind partials, bound methods, `functools.wraps` and callable objects."""
    while isinstance(fn, partial):
        fn = fn.func
    if callable(fn):
        fn = inspect.unwrap(fn)
    fn = getattr(fn, "__func__", fn)
    if not hasattr(fn, "__code__"):
        fn = vars(type(fn)).get("__call__", fn)
    return fn
