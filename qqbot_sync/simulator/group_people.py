"""What persons do in groups beyond writing: they ask to be let in."""

from __future__ import annotations

from qqbot_sync.clock import Clock
from qqbot_sync.simulator.group_api import move_member
from qqbot_sync.simulator.guard import Guard
from qqbot_sync.simulator.platform import Platform
from qqbot_sync.simulator.said import Said

__all__ = ["GroupPeople"]


class GroupPeople:
    """Part of the simulator. Thread-safe."""

    _platform: Platform
    _guard: Guard
    _clock: Clock

    def ask_to_join(self, user: str, where: str = "group", message: str = "") -> Said:
        """A person asks to be let into a group: GROUP_JOIN_REQUEST. A rule that lists their name lets them in at once.

        Args:
            user: any name; as a QQ number it can be listed by a rule.
            where: "group" or "group:ID".
            message: what they say about themselves.

        Raises:
            ValueError: they are in already, on the black list, or there is no such group.
        """
        with self._guard:
            platform = self._platform
            person = platform.rooms.person(user)
            place = platform.rooms.place(where, person)
            if place.scene != "group":
                raise ValueError(f"one asks to be let into groups, not into {where!r}")
            request = platform.desk.request(person, place, message=message, now=platform.clock.wall())
            anchor = platform.happen("GROUP_JOIN_REQUEST", request, place, user=user, where=where, text=message)
            if "auto_approved" in request:
                move_member(platform, platform.rooms.groups[place.id], person, joins=True)
            return Said(anchor, self._guard, self._clock)

    def group_role(self, role: str, where: str = "group") -> None:
        """Makes the bot a "member", "admin" (what it is at first) or "owner" of a group."""
        if role not in ("member", "admin", "owner"):
            raise ValueError(f"role must be member, admin or owner, not {role!r}")
        with self._guard:
            place = self._platform.rooms.place(where, self._platform.rooms.home.owner)
            if place.scene != "group":
                raise ValueError(f"roles are for groups here, not for {where!r}")
            self._platform.desk.facts(place.id).bot_role = role
