"""Ids as the platform gives them: decimal 64-bit numbers in guilds, openids elsewhere, opaque message ids."""

from __future__ import annotations

import hashlib
import itertools
import secrets
import uuid

__all__ = ["Ids"]


class Ids:
    """Makes ids of one platform. Not thread-safe.

    Persons and rooms keep their ids for the same `seed`, so that a script can be run again. Message and event ids
    never repeat, not even across restarts: a bot that remembers what it has seen would take them for duplicates.
    """

    def __init__(self, seed: str) -> None:
        self._seed = seed
        self._counter = itertools.count(1)
        self._unique = secrets.token_hex(16)

    def number(self, *names: str) -> str:
        """The 64-bit decimal id of a guild, a guild member or the bot."""
        return str(int.from_bytes(self._digest(names)[:8], "big") | 1 << 63)

    def short_number(self, *names: str) -> str:
        """The shorter decimal id of a channel."""
        return str(int.from_bytes(self._digest(names)[:4], "big") | 1 << 31)

    def openid(self, *names: str) -> str:
        """The openid of a user, a group member or a group: 32 upper-case hex digits."""
        return self._digest(names)[:16].hex().upper()

    def guild_message(self) -> str:
        """The id of a message in a guild."""
        return f"08{self._unique}{next(self._counter):012x}48{self._unique[:12]}"

    def qq_message(self) -> str:
        """The id of a group or one-to-one message."""
        return f"ROBOT1.0_{self._unique}.{next(self._counter):012X}-{self._unique[::-1][:18]}!"

    def reference(self) -> str:
        """The index under which a group or one-to-one message can be quoted."""
        return f"REFIDX_{next(self._counter):012x}{self._unique[:4]}=="

    @staticmethod
    def uuid() -> str:
        """A fresh uuid: session ids, interactions, the tail of event ids."""
        return str(uuid.uuid4())

    @staticmethod
    def trace() -> str:
        """A fresh trace id."""
        return secrets.token_hex(16)

    def _digest(self, names: tuple[str, ...]) -> bytes:
        # A lone surrogate in a name must not stop a simulator that is there to be fed rubbish.
        return hashlib.sha256("\0".join((self._seed, *names)).encode("utf-8", "surrogatepass")).digest()
