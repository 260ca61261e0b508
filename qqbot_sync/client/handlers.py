"""Registering handlers: the decorators of a client."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, TypeVar, overload

from qqbot_sync.context import Context
from qqbot_sync.dispatch import MessageFilter, Registration, Router, names_of

__all__ = ["Handlers"]

log = logging.getLogger("qqbot_sync.client")

F = TypeVar("F", bound=Callable[..., Any])
M = TypeVar("M")
R = TypeVar("R")


class Handlers:
    """The decorators, each with or without parentheses. Thread-safe."""

    def __init__(self) -> None:
        self._router = Router()

    def _added(self, entry: Registration) -> None:
        """A handler was registered."""

    @overload
    def on(self, event: type[M]) -> Callable[[Callable[[Context, M], R]], Callable[[Context, M], R]]: ...
    @overload
    def on(self, event: str) -> Callable[[F], F]: ...

    def on(self, event: Any) -> Callable[[Any], Any]:
        """Registers a handler `fn(ctx, event)`.

        Args:
            event: the platform's name (`"GROUP_AT_MESSAGE_CREATE"`; unknown names are legal and deliver raw data), a
                member of `Event`, or a model class (every event that carries it).

        Raises:
            TypeError, ValueError: no event, or a function with the wrong number of arguments.
        """
        names_of(event)

        def register(fn: F) -> F:
            self._added(self._router.add("event", fn, event=event))
            return fn

        return register

    @overload
    def on_message(self, fn: F) -> F: ...
    @overload
    def on_message(
        self,
        *,
        scene: str | tuple[str, ...] | list[str] | None = None,
        guilds: Any = None,
        channels: Any = None,
        startswith: str | tuple[str, ...] | None = None,
        where: Callable[[Any], object] | None = None,
    ) -> Callable[[F], F]: ...

    def on_message(
        self,
        fn: Any = None,
        *,
        scene: Any = None,
        guilds: Any = None,
        channels: Any = None,
        startswith: Any = None,
        where: Callable[[Any], object] | None = None,
    ) -> Any:
        """Registers a handler for messages of every kind: in guild channels, direct, in groups and one to one.

        Of a guild it hears what mentions the bot. To hear every guild message a private-domain bot also registers
        `on("MESSAGE_CREATE")` or sets `intents=`; a message that comes both ways is handled once.

        Args:
            scene: `guild`, `direct`, `group`, `c2c`, or several of them.
            guilds: ids of guilds to listen to.
            channels: ids of channels to listen to.
            startswith: a prefix of the text, or several; a leading mention of the bot does not count.
            where: a function of the message; the handler runs where it gives something true.
        """
        chosen = MessageFilter.of(scene=scene, guilds=guilds, channels=channels, startswith=startswith, where=where)

        def register(fn: F) -> F:
            self._added(self._router.add("message", fn, filter=chosen))
            return fn

        return register if fn is None else register(fn)

    def on_raw(self, fn: Any = None, /) -> Any:
        """Registers `fn(ctx, envelope)` for every event, known or not; `envelope` is the whole frame as a dict."""
        return self._hook("raw", fn)

    def on_start(self, fn: Any = None, /) -> Any:
        """Registers `fn(ctx, ready)`, called once per start; `ready` is None where the session was resumed."""
        return self._hook("start", fn)

    def on_ready(self, fn: Any = None, /) -> Any:
        """Registers `fn(ctx, ready)`, called at each READY: at the start and after a session was lost."""
        return self._hook("ready", fn)

    def on_resumed(self, fn: Any = None, /) -> Any:
        """Registers `fn(ctx, None)`, called at each RESUMED: the connection is back and everything was replayed."""
        return self._hook("resumed", fn)

    def on_error(self, fn: Any = None, /) -> Any:
        """Registers `fn(ctx, error)`: an exception of a handler, or (`ctx` None) a fatal cause."""
        return self._hook("error", fn)

    def _hook(self, kind: Any, fn: Any) -> Any:
        def register(fn: F) -> F:
            self._added(self._router.add(kind, fn))
            return fn

        return register if fn is None else register(fn)
