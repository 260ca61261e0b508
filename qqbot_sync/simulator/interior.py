"""What is inside guilds and channels: roles, mutes, pins, appointments, threads, reactions, old messages.

Pure state. It comes into being on first use, so that rooms made in any way have it.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any

from qqbot_sync.simulator.messages import Author, Message
from qqbot_sync.simulator.refusal import Refusal
from qqbot_sync.simulator.rooms import Channel, Guild, Person, Place, Rooms

__all__ = ["ChannelInterior", "GuildInterior", "Interior", "Json", "Role"]

Json = dict[str, Any]

KEPT_MESSAGES = 500
"""Messages remembered in each channel."""
_AVATAR = "http://thirdqq.qlogo.cn/0"


@dataclass
class Role:
    """A role and who has it."""

    id: str
    name: str
    color: int = 4278245297
    hoist: int = 0
    member_limit: int = 2000
    members: dict[str, None] = field(default_factory=dict)
    """User ids, in the order in which they got it."""

    def body(self, *, number: int | None = None) -> Json:
        """As the API shows it."""
        return {
            "id": self.id,
            "name": self.name,
            "color": self.color,
            "hoist": self.hoist,
            "number": len(self.members) if number is None else number,
            "member_limit": self.member_limit,
        }


def _default_roles() -> dict[str, Role]:
    names = {"1": "全体成员", "2": "管理员", "4": "频道主", "5": "子频道管理员"}
    return {id: Role(id, name) for id, name in names.items()}


@dataclass
class GuildInterior:
    """Of one guild. Times in seconds since 1970."""

    roles: dict[str, Role] = field(default_factory=_default_roles)
    mute_ends: float = 0.0
    mutes: dict[str, float] = field(default_factory=dict)
    """User id → when it ends."""
    blacklist: set[str] = field(default_factory=set)
    announce: Json | None = None
    setting: Json = field(
        default_factory=lambda: {
            "disable_create_dm": False,
            "disable_push_msg": False,
            "channel_ids": [],
            "channel_push_max_num": 20,
        }
    )
    demands: list[float] = field(default_factory=list)
    """When the bot asked for permissions."""

    def roles_of(self, user_id: str, owner_id: str) -> list[str]:
        """The role ids of a member."""
        held = [role.id for role in self.roles.values() if user_id in role.members]
        return held + (["4"] if user_id == owner_id else []) or ["1"]

    def mute_end_of(self, user_id: str) -> float:
        """When the last mute of this member ends."""
        return max(self.mute_ends, self.mutes.get(user_id, 0.0))


@dataclass
class ChannelInterior:
    """Of one channel."""

    facts: Json
    """What the API shows of it beyond id, guild and name."""
    permissions: dict[tuple[str, str], int] = field(default_factory=dict)
    """("user" or "role", id) → bits."""
    messages: OrderedDict[str, Json] = field(default_factory=OrderedDict)
    """The newest messages, as the API shows them."""
    pins: list[str] = field(default_factory=list)
    announce: str | None = None
    schedules: dict[str, Json] = field(default_factory=dict)
    threads: dict[str, Json] = field(default_factory=dict)
    voice: dict[str, Person] = field(default_factory=dict)
    """Who is in it, by user id."""
    reactions: dict[tuple[str, int, str], dict[str, Json]] = field(default_factory=dict)
    """(message, type, emoji) → the users who reacted."""
    playing: Json | None = None
    """What the bot plays."""
    has_microphone: bool = False


class Interior:
    """All guilds and channels of one platform. Not thread-safe."""

    def __init__(self, rooms: Rooms, bot: Author) -> None:
        self._rooms = rooms
        self._bot = bot
        self._guilds: dict[str, GuildInterior] = {}
        self._channels: dict[str, ChannelInterior] = {}
        self.is_private_domain = True
        """Whether the bot is of the private domain, which some calls ask for."""
        self.may_recall_members = False
        """Whether the bot, as an admin of the guilds, may take back what members wrote in channels."""
        self.forbidden: set[tuple[str, str]] = set()
        """Method and path (as documents write it) of calls that guilds have not allowed."""

    def guild(self, id: str) -> tuple[Guild, GuildInterior]:
        """A guild; Refusal when there is none."""
        guild = self._rooms.guilds.get(id)
        if guild is None:
            raise Refusal(10004, "unknown guild", status=404)
        return guild, self._guilds.setdefault(id, GuildInterior())

    def channel(self, id: str) -> tuple[Channel, ChannelInterior]:
        """A channel; Refusal when there is none."""
        channel = self._rooms.channels.get(id)
        if channel is None:
            raise Refusal(10003, "unknown channel", status=404)
        return channel, self.of(channel)

    def of(self, channel: Channel) -> ChannelInterior:
        """What is inside a channel."""
        found = self._channels.get(channel.id)
        if found is None:
            last = max((self._channels[one.id].facts["position"] for one in self._known(channel.guild)), default=0)
            facts: Json = {
                "type": 0,
                "sub_type": 0,
                "position": last + 1,
                "parent_id": "0",
                "owner_id": channel.guild.owner.user_id,
                "private_type": 0,
                "speak_permission": 1,
                "application_id": "0",
                "permissions": "7",
            }
            found = self._channels[channel.id] = ChannelInterior(facts)
        return found

    def channels_of(self, guild: Guild) -> list[Channel]:
        """The channels of a guild, in the order in which people see them."""
        own = [channel for channel in self._rooms.channels.values() if channel.guild.id == guild.id]
        return sorted(own, key=lambda channel: int(self.of(channel).facts["position"]))

    def remove(self, channel: Channel) -> None:
        """Deletes a channel for good."""
        self._rooms.channels.pop(channel.id, None)
        self._channels.pop(channel.id, None)

    def member(self, guild: Guild, user_id: str) -> Person:
        """A member; Refusal when there is none."""
        person = guild.members.get(user_id)
        if person is None:
            raise Refusal(10001, "unknown member", status=404)
        return person

    # ---------------------------------------------------------------- messages

    def remember(self, body: Json) -> None:
        """Keeps a channel message, as the API shows it."""
        channel = self._rooms.channels.get(str(body.get("channel_id")))
        if channel is not None:
            messages = self.of(channel).messages
            messages[body["id"]] = body
            if len(messages) > KEPT_MESSAGES:
                messages.popitem(last=False)

    def remember_sent(self, place: Place, message: Message, seq: int) -> None:
        """Keeps a message that the bot sent, unless it went elsewhere than to a channel."""
        if place.scene != "channel":
            return
        body: Json = {
            "id": message.id,
            "channel_id": place.channel_id,
            "guild_id": place.guild_id,
            "content": message.content,
            "timestamp": message.timestamp,
            "mention_everyone": False,
            "author": {"id": self._bot.id, "username": self._bot.username, "avatar": _AVATAR, "bot": True},
            "seq": seq,
            "seq_in_channel": str(seq),
        }
        if isinstance(message.raw.get("message_reference"), dict):
            body["message_reference"] = message.raw["message_reference"]
        picture = message.raw.get("file_image")
        if isinstance(picture, dict):
            body["attachments"] = [{"url": f"gchat.qpic.cn/{message.id}", "filename": picture.get("filename")}]
        self.remember(body)

    def forget(self, channel_id: str, message_id: str) -> Json | None:
        """A message was taken back; gives it where it is known."""
        channel = self._rooms.channels.get(channel_id)
        return None if channel is None else self.of(channel).messages.pop(message_id, None)

    def react(self, place: Place, key: tuple[str, int, str], user: Json, *, comes: bool = True) -> bool:
        """Sets or takes back a reaction; False when it was so already."""
        channel = self._rooms.channels.get(place.channel_id)
        if channel is None:
            return False
        users = self.of(channel).reactions.setdefault(key, {})
        changes = (user["id"] in users) is not comes
        if comes:
            users[user["id"]] = user
        else:
            users.pop(user["id"], None)
        return changes

    # ---------------------------------------------------------------- who may speak

    def check_may_speak(self, person: Person, place: Place, now: float) -> None:
        """Raises ValueError for a person whom the guild has muted or banned: their client would not let them write."""
        inside = self._guilds.get(place.guild_id) if place.scene == "channel" else None
        if inside is None:
            return
        if person.user_id in inside.blacklist:
            raise ValueError(f"{person.name!r} is on the blacklist of the guild and cannot write")
        end = inside.mute_end_of(person.user_id)
        if now < end and person.user_id != self._rooms.guilds[place.guild_id].owner.user_id:
            raise ValueError(f"{person.name!r} is muted for another {end - now:.0f} s and cannot write")

    def _known(self, guild: Guild) -> list[Channel]:
        own = (channel for channel in self._rooms.channels.values() if channel.guild.id == guild.id)
        return [channel for channel in own if channel.id in self._channels]
