"""Who gets which event."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterable
from typing import Any

from qqbot_sync.dispatch import advice
from qqbot_sync.dispatch.filters import MessageFilter
from qqbot_sync.dispatch.handler import EventHandler
from qqbot_sync.dispatch.registration import (
    NOT_MEANT,
    Handled,
    Kind,
    Registration,
    check_function,
    identity,
    name_of,
    same_code,
    where_is,
)
from qqbot_sync.events import EVENTS, events_of, nearest, normalise, spec_of
from qqbot_sync.intents import PRIVILEGED, Intents
from qqbot_sync.models._base import Model

__all__ = ["Router", "in_ipython", "names_of"]

_NOTHING = Intents.none()
_MESSAGE_WISHES = Intents.DIRECT_MESSAGE | Intents.GROUP_AND_C2C_EVENT | Intents.PUBLIC_GUILD_MESSAGES
_REMEMBERED = 1000
"""Names of which the handlers are remembered; more than there are, so that odd ones cannot fill the memory."""

_LIFECYCLE: dict[str, frozenset[str]] = {
    "start": frozenset({"READY", "RESUMED"}),
    "ready": frozenset({"READY"}),
    "resumed": frozenset({"RESUMED"}),
}


def in_ipython() -> bool:
    """Whether this is a notebook or an IPython shell, where cells are run again and again."""
    module = sys.modules.get("IPython")
    get = getattr(module, "get_ipython", None)
    return callable(get) and get() is not None


def names_of(event: object) -> frozenset[str]:
    """The event names that `on(event)` means: a name, a member of `Event`, or a model class.

    Raises:
        TypeError: none of these, a target of `send`, or a model that no event carries.
        ValueError: an empty name.
    """
    if isinstance(event, str):
        return frozenset({normalise(event)})
    if not isinstance(event, type):
        if _is_target(type(event)):
            raise TypeError(advice.target_not_model(type(event).__name__))
        raise TypeError(advice.not_an_event(event))
    if _is_target(event):
        raise TypeError(advice.target_not_model(event.__name__))
    if not issubclass(event, Model):
        raise TypeError(advice.not_an_event(event))
    names = frozenset(spec.name for spec in events_of(event))
    if not names:
        raise TypeError(advice.model_without_event(event.__name__))
    return names


def _is_target(kind: type) -> bool:
    return kind.__module__ == "qqbot_sync.protocol.replies"


class _Table:
    """All registrations at one moment, and what was looked up. Replaced as a whole, so that reading needs no lock."""

    __slots__ = ("found", "registrations", "starting")

    def __init__(self, registrations: tuple[Registration, ...] = ()) -> None:
        self.registrations = registrations
        self.found: dict[str, tuple[Registration, ...]] = {}
        self.starting = tuple(entry for entry in registrations if entry.kind == "start")

    def find(self, name: str) -> tuple[Registration, ...]:
        matching = [entry for entry in self.registrations if _hears(entry, name)]
        # Stable: everything but `on_raw` stays in the order of registration.
        found = tuple(sorted(matching, key=lambda entry: entry.kind != "raw"))
        if len(self.found) < _REMEMBERED:
            self.found[name] = found
        return found


def _hears(entry: Registration, name: str) -> bool:
    if entry.kind in ("error", "start"):
        return False
    if entry.names is not None:
        return name in entry.names
    return entry.kind == "raw" or spec_of(name) is None


class Router:
    """The registered handlers. Thread-safe; reading takes no lock.

    Args:
        replaces: whether a function that is defined again takes the place of the older one, as in a notebook.
    """

    def __init__(self, *, replaces: Callable[[], bool] = in_ipython) -> None:
        self._replaces = replaces
        self._lock = threading.Lock()
        self._table = _Table()

    # -- registering ----------------------------------------------------------------------------------------------

    def add(
        self,
        kind: Kind,
        fn: Callable[..., Any],
        *,
        event: object = None,
        filter: MessageFilter | None = None,
    ) -> Registration:
        """Registers one function.

        Args:
            kind: `event` (with `event`), `message` (with `filter`), `raw`, `start`, `ready`, `resumed` or `error`.
            fn: called with two arguments: the context, and the event (`raw`: the whole frame as a dict; `error`: the
                exception; `start`: a `Ready`, or None where the session was resumed; `resumed`: None).
            event: a name, a member of `Event`, or a model class.
            filter: which messages; None: all.

        Raises:
            TypeError: `fn` is not callable, takes the wrong number of arguments, or is a coroutine or generator
                function; `event` is none of the above.
            ValueError: an empty name.
        """
        check_function(kind, fn, 2)
        if kind == "event":
            entry = self._for_event(fn, event)
        elif kind == "message":
            entry = _for_messages(fn, filter or MessageFilter.of())
        else:
            entry = _entry(kind, fn, _CALLS[kind](fn), names=_LIFECYCLE.get(kind))
        self._insert([entry])
        return entry

    def add_handler(self, handler: EventHandler) -> tuple[Registration, ...]:
        """Registers every method that the class of `handler` overrides.

        Raises:
            TypeError: no instance of an `EventHandler`, or a method that takes the wrong number of arguments.
        """
        if isinstance(handler, type) and issubclass(handler, EventHandler):
            raise TypeError(advice.handler_class(handler.__name__))
        if not isinstance(handler, EventHandler):
            raise TypeError(advice.not_a_handler(handler))
        entries = [_for_method(handler, name) for name in _METHODS if _overrides(handler, name)]
        self._insert(entries)
        _warn_of_near_methods(handler)
        return tuple(entries)

    def _for_event(self, fn: Callable[..., Any], event: object) -> Registration:
        names = names_of(event)
        where = where_is(fn)
        specs = [spec for spec in map(spec_of, names) if spec is not None]
        required = wished = _NOTHING
        if isinstance(event, type):
            bits = _union(spec.intents for spec in specs)
            wished = bits & ~PRIVILEGED
            if not wished and bits:
                listed = ", ".join(sorted(names))
                advice.log.warning(advice.never_asked(event.__name__, listed, str(bits & PRIVILEGED), where))
        else:
            required = _union(spec.intents for spec in specs)
            wished = _union(spec.wishes for spec in specs)
            if not specs:
                name = next(iter(names))
                near = nearest(name)
                if near is not None:
                    advice.log.warning(advice.near_miss(name, near, where))
        return _entry("event", fn, _CALLS["event"](fn), names=names, required=required, wished=wished)

    def _insert(self, entries: list[Registration]) -> None:
        replaces = self._replaces()
        with self._lock:
            registrations = list(self._table.registrations)
            replaced = [_put(registrations, entry, replaces=replaces) for entry in entries]
            self._table = _Table(tuple(registrations))
        for entry, was_there in zip(entries, replaced, strict=True):
            if was_there:
                advice.log.info(advice.replaced(entry.name))

    # -- asking ---------------------------------------------------------------------------------------------------

    def hears(self, name: str) -> bool:
        """Whether anybody handles events of this name, `on_raw` included."""
        table = self._table
        found = table.found.get(name)
        if found is None:
            found = table.find(name)
        return bool(found) or (bool(table.starting) and name in _LIFECYCLE["start"])

    def handlers_for(self, name: str, *, starting: bool = False) -> tuple[Registration, ...]:
        """Who handles events of this name, in order: `on_raw` first, then in order of registration.

        Args:
            starting: this is the first READY or RESUMED since the start: `on_start` comes right after `on_raw`.
        """
        table = self._table
        found = table.found.get(name)
        if found is None:
            found = table.find(name)
        if not starting or not table.starting:
            return found
        raw = tuple(entry for entry in found if entry.kind == "raw")
        return (*raw, *table.starting, *found[len(raw) :])

    def error_hooks(self) -> tuple[Registration, ...]:
        """Who is told of errors."""
        return tuple(entry for entry in self._table.registrations if entry.kind == "error")

    @property
    def registrations(self) -> tuple[Registration, ...]:
        """Everything registered, in order."""
        return self._table.registrations

    def required(self) -> Intents:
        """The bits without which a handler can never run."""
        return _union(entry.required for entry in self._table.registrations)

    def wished(self) -> Intents:
        """The bits that handlers would like, less the required ones."""
        return _union(entry.wished for entry in self._table.registrations) & ~self.required()

    def needed_by(self, bits: Intents | int) -> list[str]:
        """The names of the handlers that need any of these bits, those that require them first."""
        wanted = int(bits)
        entries = self._table.registrations
        requiring = [entry.name for entry in entries if int(entry.required) & wanted]
        wishing = [entry.name for entry in entries if int(entry.wished) & wanted]
        return list(dict.fromkeys(requiring + wishing))


def _put(registrations: list[Registration], entry: Registration, *, replaces: bool) -> bool:
    """Adds `entry`, in a notebook in place of what it defines again; returns whether it replaced something."""
    older = [position for position, other in enumerate(registrations) if replaces and _is_older(other, entry)]
    if not older:
        registrations.append(entry)
        return False
    registrations[older[0]] = entry
    for position in reversed(older[1:]):
        del registrations[position]
    return True


def _is_older(other: Registration, entry: Registration) -> bool:
    name = identity(entry.fn)
    if name is None or identity(other.fn) != name:
        return False
    if not same_code(other.fn, entry.fn):
        return True
    # The same function for another event (stacked decorators), or the method of another object, is no repetition.
    same_object = getattr(other.fn, "__self__", None) is getattr(entry.fn, "__self__", None)
    return same_object and (other.kind, other.names, other.rule) == (entry.kind, entry.names, entry.rule)


def _entry(
    kind: Kind,
    fn: Callable[..., Any],
    call: Callable[..., Any],
    *,
    names: frozenset[str] | None = None,
    required: Intents = _NOTHING,
    wished: Intents = _NOTHING,
    rule: object = None,
) -> Registration:
    return Registration(kind, fn, call, name_of(fn), where_is(fn), names, required, wished, rule)


def _for_messages(fn: Callable[..., Any], chosen: MessageFilter) -> Registration:
    def call(ctx: Handled) -> object:
        message = ctx.event
        return fn(ctx, message) if chosen.passes(message) else NOT_MEANT

    names = chosen.names
    wished = _union(EVENTS[name].intents for name in names) & _MESSAGE_WISHES
    chosen_call = _CALLS["event"](fn) if chosen.is_trivial else call
    return _entry("message", fn, chosen_call, names=names, wished=wished, rule=chosen.rule)


# -- EventHandler -------------------------------------------------------------------------------------------------

_BY_METHOD: dict[str, str] = {spec.callback: spec.name for spec in EVENTS.values()}
_METHODS: tuple[str, ...] = (*_BY_METHOD, "error", "unknown_event")


def _for_method(handler: EventHandler, name: str) -> Registration:
    method = getattr(handler, name)
    if name == "resumed":
        check_function("check", method, 1)
        return _entry("resumed", method, lambda ctx: method(ctx), names=_LIFECYCLE["resumed"])
    check_function("event", method, 2)
    if name == "error":
        return _entry("error", method, _CALLS["error"](method))
    if name == "unknown_event":
        return _entry("unknown", method, lambda ctx: method(ctx, ctx.raw))
    event = _BY_METHOD[name]
    kind: Kind = "ready" if event == "READY" else "event"
    spec = EVENTS[event]
    call = _CALLS["event"](method)
    return _entry(kind, method, call, names=frozenset({event}), required=spec.intents, wished=spec.wishes)


def _overrides(handler: EventHandler, name: str) -> bool:
    return getattr(getattr(handler, name), "__func__", None) is not getattr(EventHandler, name)


def _warn_of_near_methods(handler: EventHandler) -> None:
    """A method that is nearly an event's would never be called, in silence."""
    for name in dir(handler):
        if name.startswith("_") or hasattr(EventHandler, name):
            continue
        method = getattr(type(handler), name, None)
        if not callable(method) or not hasattr(method, "__code__"):
            continue
        bare = name.removeprefix("on_")
        near = bare if bare in _METHODS else _method_near(bare)
        if near is not None:
            advice.log.warning(advice.near_method(name, near, where_is(method)))


def _method_near(name: str) -> str | None:
    event = nearest(name.upper())
    return None if event is None else EVENTS[event].callback


# -- how each kind is called --------------------------------------------------------------------------------------


def _with_event(fn: Callable[..., Any]) -> Callable[..., Any]:
    return lambda ctx: fn(ctx, ctx.event)


def _with_envelope(fn: Callable[..., Any]) -> Callable[..., Any]:
    return lambda ctx: fn(ctx, ctx.envelope)


def _with_ready(fn: Callable[..., Any]) -> Callable[..., Any]:
    return lambda ctx: fn(ctx, ctx.event if ctx.name == "READY" else None)


def _with_nothing(fn: Callable[..., Any]) -> Callable[..., Any]:
    return lambda ctx: fn(ctx, None)


def _as_it_is(fn: Callable[..., Any]) -> Callable[..., Any]:
    return fn


_CALLS: dict[Kind, Callable[[Callable[..., Any]], Callable[..., Any]]] = {
    "event": _with_event,
    "raw": _with_envelope,
    "start": _with_ready,
    "ready": _with_event,
    "resumed": _with_nothing,
    "error": _as_it_is,
}


def _union(sets: Iterable[Intents]) -> Intents:
    whole = _NOTHING
    for bits in sets:
        whole |= bits
    return whole
