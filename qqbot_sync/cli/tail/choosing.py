"""Which events to show, and which intents that takes. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from fnmatch import fnmatchcase

from qqbot_sync.cli.tail.rows import Row
from qqbot_sync.events import EVENTS, Keys, nearest, normalise
from qqbot_sync.intents import PRIVILEGED, Intents

__all__ = ["Choice", "Names", "read_intents"]

_NO_BITS = Intents.none()
_GLOB = re.compile(r"[*?\[]")


@dataclass(frozen=True)
class Names:
    """The events that were named. Immutable."""

    patterns: tuple[str, ...] = ()
    """In capitals; empty: all."""
    required: Intents = _NO_BITS
    """Bits of those that were named in full: without them the user waits in vain."""
    wished: Intents = _NO_BITS
    """Bits of those that a pattern covers: what the platform refuses of them is left out."""
    unknown: tuple[str, ...] = ()
    """Names that the table does not have and that are like none in it: a newer platform's, perhaps."""

    @classmethod
    def read(cls, words: Sequence[str]) -> Names:
        """Names and patterns as they were typed.

        Raises:
            ValueError: a name that is nearly a known one, or a pattern that covers none.
        """
        patterns, unknown = [], []
        required = wished = Intents(0)
        for word in words:
            name = normalise(word)
            if _GLOB.search(name):
                wished |= _bits_of_pattern(name)
            elif name in EVENTS:
                required |= EVENTS[name].intents
            else:
                meant = nearest(name) or next(iter(get_close_matches(name, EVENTS, n=1, cutoff=0.7)), None)
                if meant is not None:
                    raise ValueError(f"没有事件 / there is no event {word!r};是不是 / did you mean {meant}?")
                unknown.append(name)
            patterns.append(name)
        return cls(tuple(patterns), required, wished, tuple(unknown))

    def cover(self, name: str) -> bool:
        """Whether events of this name are shown."""
        return not self.patterns or any(fnmatchcase(name, pattern) for pattern in self.patterns)


def _bits_of_pattern(pattern: str) -> Intents:
    matched = [spec for name, spec in EVENTS.items() if fnmatchcase(name, pattern)]
    if not matched:
        plain = _GLOB.sub("", pattern)
        near = next(iter(get_close_matches(plain, EVENTS, n=1, cutoff=0.4)), "GROUP_*")
        raise ValueError(f"没有事件符合 / no event fits {pattern!r};例如 / for instance {near}")
    bits = Intents(0)
    for spec in matched:
        bits |= spec.intents
    # Asked for in vain these cost every start of a public bot an Identify: only where nothing else is meant.
    return bits & ~PRIVILEGED or bits


@dataclass(frozen=True)
class Choice:
    """Which rows are shown. Immutable."""

    names: Names
    authors: tuple[str, ...] = ()
    """Names or ids, with `*` and `?`; empty: all."""
    places: tuple[str, ...] = ()
    """`group:OPENID`, an id alone or a kind alone, with `*` and `?`; empty: all."""
    grep: re.Pattern[str] | None = None
    """Found in the text."""

    def shows(self, row: Row, keys: Keys) -> bool:
        """Whether this one is shown."""
        if not self.names.cover(row.event):
            return False
        kind, _, place_id = keys.conversation.partition(":")
        return (
            _any_fits(self.authors, (row.author, keys.author))
            and _any_fits(self.places, (keys.conversation, kind, place_id))
            and (self.grep is None or self.grep.search(row.text) is not None)
        )


def _any_fits(patterns: tuple[str, ...], values: tuple[str, ...]) -> bool:
    return not patterns or any(fnmatchcase(value, pattern) for pattern in patterns for value in values if value)


def read_intents(text: str) -> Intents:
    """`default`, `all`, a number, or names with commas; `default,forums_event` adds to the usual ones.

    Raises:
        ValueError: none of these; the message names the nearest.
    """
    if text.strip().isdecimal():
        return Intents(int(text)) & Intents.all()
    chosen = Intents(0)
    for word in filter(None, (part.strip().lower() for part in text.split(","))):
        known = {"all": Intents.all(), "default": Intents.default()}
        chosen |= known[word] if word in known else Intents.from_names(word)
    if not chosen:
        raise ValueError("没有 intent / no intent is named; 例如 / for instance default,guild_messages")
    return chosen
