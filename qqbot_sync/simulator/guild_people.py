"""What persons do in guilds beyond writing: voice channels, settings, permissions of the bot."""

from __future__ import annotations

from qqbot_sync.simulator.guard import Guard
from qqbot_sync.simulator.platform import Platform

__all__ = ["GuildPeople"]

_VOICE_TYPES = {2: 2, 10005: 5}
"""Type of the channel → the number that the events call it by."""


class GuildPeople:
    """Part of the simulator. Thread-safe."""

    _platform: Platform
    _guard: Guard

    def enter_voice(self, user: str, where: str) -> None:
        """A person enters a voice or live channel ("channel:ID"): AUDIO_OR_LIVE_CHANNEL_MEMBER_ENTER.

        Raises:
            ValueError: there is no such channel, or it is of another type.
        """
        self._voice(user, where, enters=True)

    def leave_voice(self, user: str, where: str) -> None:
        """A person leaves a voice or live channel: AUDIO_OR_LIVE_CHANNEL_MEMBER_EXIT. Arguments as `enter_voice`."""
        self._voice(user, where, enters=False)

    def forbid(self, method: str, path: str, forbidden: bool = True) -> None:
        """Guilds take a call away from the bot, or give it back: it answers 11264.

        Args:
            method: of HTTP.
            path: as the platform's documents write it, e.g. "/guilds/{guild_id}/members".
            forbidden: False gives it back.
        """
        with self._guard:
            key = (method.upper(), path)
            if forbidden:
                self._platform.interior.forbidden.add(key)
            else:
                self._platform.interior.forbidden.discard(key)

    def private_domain(self, private: bool = True) -> None:
        """Makes the bot one of the private or the public domain; calls for the former only then answer 11253."""
        with self._guard:
            self._platform.interior.is_private_domain = private

    def _voice(self, user: str, where: str, *, enters: bool) -> None:
        with self._guard:
            platform = self._platform
            person = platform.rooms.person(user)
            place = platform.rooms.place(where, person)
            if place.scene != "channel":
                raise ValueError(f"voice is spoken in channels, not in {where!r}")
            _, inside = platform.interior.channel(place.id)
            kind = _VOICE_TYPES.get(inside.facts["type"])
            if kind is None:
                raise ValueError(f"{where!r} is neither a voice nor a live channel")
            platform.rooms.enter(place, person)
            if enters:
                inside.voice[person.user_id] = person
            else:
                inside.voice.pop(person.user_id, None)
            body = {"guild_id": place.guild_id, "channel_id": place.id, "channel_type": kind}
            name = f"AUDIO_OR_LIVE_CHANNEL_MEMBER_{'ENTER' if enters else 'EXIT'}"
            platform.happen(name, {**body, "user_id": person.user_id}, place, user=user, where=where)
