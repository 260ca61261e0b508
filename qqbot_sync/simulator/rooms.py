"""Who is there and where: persons, guilds with channels, groups, direct-message sessions."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Literal

from qqbot_sync.simulator.ids import Ids

__all__ = ["Channel", "Group", "Guild", "Person", "Place", "Rooms", "Scene"]

Scene = Literal["channel", "direct", "group", "c2c"]


@dataclass(frozen=True)
class Person:
    """Somebody who writes. The same openid serves in groups and one to one, as on the platform."""

    name: str
    user_id: str
    openid: str
    dms_guild_id: str
    dms_channel_id: str


@dataclass(frozen=True)
class Place:
    """Where a message is: `id` is what the URL of the sending endpoint names."""

    scene: Scene
    id: str
    guild_id: str = ""
    channel_id: str = ""


@dataclass
class Guild:
    id: str
    name: str
    owner: Person
    members: dict[str, Person] = field(default_factory=dict)


@dataclass
class Channel:
    id: str
    name: str
    guild: Guild


@dataclass
class Group:
    id: str
    name: str
    members: dict[str, Person] = field(default_factory=dict)


class Rooms:
    """All rooms of one platform, and the persons in them. Not thread-safe."""

    def __init__(self, ids: Ids) -> None:
        self._ids = ids
        self.persons: dict[str, Person] = {}
        self.guilds: dict[str, Guild] = {}
        self.channels: dict[str, Channel] = {}
        self.groups: dict[str, Group] = {}
        self.friends: dict[str, Person] = {}
        """By openid: those who can be written to one to one."""
        self.dms: dict[str, Person] = {}
        """By the id of the virtual guild of a direct-message session."""
        self._seqs: dict[str, int] = {}
        self.home = self.add_guild(None, "模拟频道")
        self.lobby = self.add_channel(self.home.id, None, "大厅")
        self.group = self.add_group(None, "模拟群")

    def person(self, name: str) -> Person:
        """The person of this name, who comes into being on first use."""
        if not isinstance(name, str) or not name.strip():
            raise ValueError(f"user must be a name, not {name!r}")
        known = self.persons.get(name)
        if known is None:
            ids = self._ids
            known = self.persons[name] = Person(
                name=name,
                user_id=ids.number("user", name),
                openid=ids.openid("user", name),
                dms_guild_id=ids.number("dms", name),
                dms_channel_id=ids.short_number("dms", name),
            )
            self.dms[known.dms_guild_id] = known
        return known

    def add_guild(self, id: str | None, name: str | None) -> Guild:
        """Adds a guild without channels.

        Raises:
            ValueError: an id that is no decimal number (the shard rule needs one), or that is taken.
        """
        id = _fresh(id, self.guilds, "guild") or self._ids.number("guild", str(len(self.guilds)))
        if not id.isdecimal():
            raise ValueError(f"a guild id is a decimal number, not {id!r}; give a name with name=")
        owner = self.person("频道主")
        guild = self.guilds[id] = Guild(id, name or f"guild {id[-4:]}", owner, {owner.user_id: owner})
        return guild

    def add_channel(self, guild: str | None, id: str | None, name: str | None) -> Channel:
        """Adds a text channel to `guild` (an id; None means the guild that always exists)."""
        home = self.home if guild is None else self.guilds.get(guild)
        if home is None:
            raise ValueError(
                f"there is no guild {guild!r}; add it with add_guild first (a channel's own id goes to id=)"
            )
        id = _fresh(id, self.channels, "channel") or self._ids.short_number("channel", str(len(self.channels)))
        channel = self.channels[id] = Channel(id, name or f"channel {id[-4:]}", home)
        return channel

    def add_group(self, id: str | None, name: str | None) -> Group:
        """Adds a group."""
        id = _fresh(id, self.groups, "group") or self._ids.openid("group", str(len(self.groups)))
        group = self.groups[id] = Group(id, name or f"group {id[-4:]}")
        return group

    def place(self, where: str, person: Person) -> Place:
        """The place that `where` names, for this person.

        Args:
            where: "channel", "direct", "group", "c2c", "channel:ID" or "group:ID".

        Raises:
            ValueError: a place that does not exist.
        """
        if not isinstance(where, str):
            raise ValueError(f"where must be text like 'channel' or 'group:ID', not {where!r}")
        kind, colon, id = where.partition(":")
        if kind == "channel" and (not colon or id in self.channels):
            return self.of_channel(self.channels[id] if colon else self.lobby)
        if kind == "group" and (not colon or id in self.groups):
            return Place("group", id or self.group.id)
        if kind == "direct" and not colon:
            return Place("direct", person.dms_guild_id, person.dms_guild_id, person.dms_channel_id)
        if kind == "c2c" and not colon:
            return Place("c2c", person.openid)
        advice = (
            f"add it with add_{kind} first"
            if colon and kind in ("channel", "group")
            else ("known: channel, direct, group, c2c, channel:ID, group:ID")
        )
        raise ValueError(f"没有这个地方 / there is no place {where!r}; {advice}")

    def enter(self, place: Place, person: Person) -> None:
        """Makes `person` a member of the place (a friend, one to one)."""
        if place.scene == "channel":
            self.channels[place.id].guild.members.setdefault(person.user_id, person)
        elif place.scene == "direct":
            self.home.members.setdefault(person.user_id, person)
        elif place.scene == "group":
            self.groups[place.id].members.setdefault(person.openid, person)
        else:
            self.friends.setdefault(person.openid, person)

    def leave(self, place: Place, person: Person) -> None:
        """Takes `person` out of the place."""
        if place.scene == "channel":
            self.channels[place.id].guild.members.pop(person.user_id, None)
        elif place.scene == "group":
            self.groups[place.id].members.pop(person.openid, None)
        elif place.scene == "c2c":
            self.friends.pop(person.openid, None)

    def next_seq(self, place: Place) -> int:
        """Counts one more message in a channel or a direct-message session."""
        self._seqs[place.channel_id] = seq = self._seqs.get(place.channel_id, 0) + 1
        return seq

    def knows(self, scene: Scene, id: str) -> Place | None:
        """The place that a sending endpoint names, or None."""
        if scene == "channel":
            return self.of_channel(self.channels[id]) if id in self.channels else None
        if scene == "group":
            return Place("group", id) if id in self.groups else None
        if scene == "c2c":
            return Place("c2c", id) if id in self.friends else None
        person = self.dms.get(id)
        return Place("direct", id, id, person.dms_channel_id) if person else None

    def learn(self, conversation: str, *, guild_id: str, channel_id: str) -> Place:
        """The place of a frame that was pushed from outside; it exists from now on, so that it can be written to.

        Args:
            conversation: as `events.keys_of` names it.
            guild_id: of the frame, "" where it has none.
            channel_id: of the frame, "" where it has none.
        """
        kind, _, id = conversation.partition(":")
        if kind == "group":
            self.groups.setdefault(id, Group(id, id))
            return Place("group", id)
        if kind == "c2c":
            self.friends.setdefault(id, Person(id, "", id, "", ""))
            return Place("c2c", id)
        if kind == "direct":
            self.dms.setdefault(id, Person(id, id, id, id, channel_id))
            return Place("direct", id, id, channel_id)
        guild = self.guilds.setdefault(guild_id, Guild(guild_id, guild_id, self.home.owner)) if guild_id else self.home
        if kind == "channel":
            return self.of_channel(self.channels.setdefault(id, Channel(id, id, guild)))
        return Place("channel", "", guild.id)

    @staticmethod
    def of_channel(channel: Channel) -> Place:
        return Place("channel", channel.id, channel.guild.id, channel.id)


def _fresh(id: str | None, taken: Collection[str], noun: str) -> str | None:
    if id is None:
        return None
    if not isinstance(id, str) or not id:
        raise ValueError(f"a {noun} id must be text, not {id!r}")
    if id in taken:
        raise ValueError(f"there is a {noun} {id!r} already")
    return id
