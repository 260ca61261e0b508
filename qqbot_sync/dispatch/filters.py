"""Which messages an `on_message` handler gets."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from qqbot_sync.dispatch.registration import check_function
from qqbot_sync.events import EVENTS

__all__ = ["MESSAGE_NAMES", "SCENES", "MessageFilter"]

SCENES = ("guild", "direct", "group", "c2c")

MESSAGE_NAMES: dict[str, str] = {spec.name: spec.scene or "" for spec in EVENTS.values() if spec.is_message}
"""The events that `on_message` merges, with the scene of each."""


@dataclass(frozen=True, eq=False)
class MessageFilter:
    """The conditions of one `on_message`, all of which must hold. Immutable, thread-safe.

    Make it with `of`, which checks what it is given.
    """

    scenes: frozenset[str]
    guilds: frozenset[str] | None
    channels: frozenset[str] | None
    startswith: tuple[str, ...]
    where: Callable[[Any], object] | None

    @classmethod
    def of(
        cls,
        *,
        scene: str | Iterable[str] | None = None,
        guilds: str | Iterable[str] | None = None,
        channels: str | Iterable[str] | None = None,
        startswith: str | Iterable[str] | None = None,
        where: Callable[[Any], object] | None = None,
    ) -> MessageFilter:
        """Checks the arguments of `on_message`.

        Args:
            scene: `guild`, `direct`, `group`, `c2c`, or several of them; None: all.
            guilds: ids of guilds; a direct message also counts for the guild in which the talk began.
            channels: ids of channels.
            startswith: beginnings of the text, after the mention of the bot and blanks.
            where: called with the message in the worker; true lets it through.

        Raises:
            TypeError, ValueError: a value that can never match, or of the wrong kind; the message names the argument.
        """
        scenes = _texts("scene", scene)
        for name in scenes or ():
            if name not in SCENES:
                near = get_close_matches(name.lower(), SCENES, n=1)
                advice = f"; did you mean {near[0]!r}?" if near else ""
                raise ValueError(
                    f"scene 只能是 {'、'.join(SCENES)},而不是 {name!r} / "
                    f"scene must be one or several of {', '.join(SCENES)}, not {name!r}{advice}"
                )
        return cls(
            scenes=frozenset(scenes or SCENES),
            guilds=_ids("guilds", guilds),
            channels=_ids("channels", channels),
            startswith=_texts("startswith", startswith) or (),
            where=None if where is None else check_function("where", where, 1),
        )

    @property
    def names(self) -> frozenset[str]:
        """The events that can pass."""
        return frozenset(name for name, scene in MESSAGE_NAMES.items() if scene in self.scenes)

    @property
    def is_trivial(self) -> bool:
        """Whether every message of its events passes."""
        return self.guilds is None and self.channels is None and self.where is None and not self.startswith

    @property
    def rule(self) -> object:
        """Equal for two filters that let the same messages through."""
        return (self.scenes, self.guilds, self.channels, self.startswith, getattr(self.where, "__qualname__", None))

    def passes(self, message: Any) -> bool:
        """Whether the handler gets this message. Runs `where`, which is the user's code."""
        if self.guilds is not None:
            found = {getattr(message, "guild_id", None), getattr(message, "src_guild_id", None)}
            if self.guilds.isdisjoint(found):
                return False
        if self.channels is not None and getattr(message, "channel_id", None) not in self.channels:
            return False
        if self.startswith and not message.text.startswith(self.startswith):
            return False
        return self.where is None or bool(self.where(message))


def _texts(argument: str, value: object) -> tuple[str, ...] | None:
    """One text or several as a tuple; None for None."""
    if value is None:
        return None
    if isinstance(value, str):
        texts: tuple[object, ...] = (value,)
    elif isinstance(value, Iterable) and not isinstance(value, (bytes, bytearray)):
        texts = tuple(value)
    else:
        texts = (value,)
    for text in texts:
        if not isinstance(text, str):
            raise TypeError(
                f"{argument} 必须是文本或若干文本,而不是 {text!r} / "
                f"{argument} must be text, or several texts, not {text!r} ({type(text).__name__})"
            )
        if not text.strip():
            raise ValueError(f"{argument} 不能是空文本 / {argument} must not be empty text")
    if not texts:
        raise ValueError(
            f"{argument} 是空的,什么也不会匹配;不需要时请省略 / {argument} is empty: it would match nothing"
        )
    return tuple(str(text) for text in texts)


def _ids(argument: str, value: object) -> frozenset[str] | None:
    texts = _texts(argument, value)
    return None if texts is None else frozenset(texts)
