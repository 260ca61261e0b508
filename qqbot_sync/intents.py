"""Intents: which events the gateway is asked to send.

https://bot.q.qq.com/wiki/develop/api-v2/dev-prepare/interface-framework/event-emit.html
"""

from __future__ import annotations

from difflib import get_close_matches
from enum import IntFlag

__all__ = ["PRIVILEGED", "Intents"]


class Intents(IntFlag):
    """A set of intent bits, named as the platform names them.

    Values are immutable; `with_…` and `without_…` give a new value. Thread-safe.

        Intents.default().with_guild_messages()
        Intents.from_names("guilds", "public_guild_messages")
    """

    GUILDS = 1 << 0
    """Guilds and channels come, change and go."""
    GUILD_MEMBERS = 1 << 1
    """Members of guilds join, change and leave."""
    GUILD_MESSAGES = 1 << 9
    """Every message of a guild; private-domain bots only."""
    GUILD_MESSAGE_REACTIONS = 1 << 10
    """Reactions to guild messages."""
    DIRECT_MESSAGE = 1 << 12
    """Direct messages of guilds."""
    OPEN_FORUM_EVENT = 1 << 18
    """Forum notices for public-domain bots."""
    AUDIO_OR_LIVE_CHANNEL_MEMBER = 1 << 19
    """Members enter and leave voice and live channels."""
    ENTER_AIO = 1 << 23
    """A user opens the chat window of an agent bot; undocumented."""
    GROUP_MEMBER_EVENT = 1 << 24
    """Members join and leave groups; applied for."""
    GROUP_AND_C2C_EVENT = 1 << 25
    """Group and one-to-one messages, friends, group management."""
    INTERACTION = 1 << 26
    """Buttons and menus."""
    MESSAGE_AUDIT = 1 << 27
    """Results of message audits."""
    FORUMS_EVENT = 1 << 28
    """Forum events; private-domain bots only."""
    AUDIO_ACTION = 1 << 29
    """Audio playback and microphones; audio bots only."""
    PUBLIC_GUILD_MESSAGES = 1 << 30
    """Guild messages that mention the bot."""

    @classmethod
    def new(cls) -> Intents:
        """The empty set, to build on with `with_…`."""
        return cls(0)

    @classmethod
    def none(cls) -> Intents:
        """The empty set."""
        return cls(0)

    @classmethod
    def all(cls) -> Intents:
        """Every known bit. No bot is granted all of them; for a simulator and for tests."""
        return _ALL

    @classmethod
    def default(cls) -> Intents:
        """What a public-domain bot normally has: bits 0, 1, 10, 12, 25, 26, 27 and 30."""
        return _DEFAULT

    @classmethod
    def from_names(cls, *names: str) -> Intents:
        """The set of the named bits; platform, botrs and botpy names, in any case.

        Raises:
            ValueError: a name that does not exist; the message names the nearest one.
        """
        chosen = cls(0)
        for name in names:
            if not isinstance(name, str):
                raise TypeError(f"intent names are text, not {type(name).__name__}")
            bit = _BY_NAME.get(name.strip().lower())
            if bit is None:
                near = get_close_matches(name.strip().lower(), _BY_NAME, n=1)
                advice = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(_NAMES)}"
                raise ValueError(f"没有名为 {name!r} 的 intent / there is no intent named {name!r}; {advice}")
            chosen |= bit
        return chosen

    def contains(self, other: Intents | int) -> bool:
        """Whether every bit of `other` is in this set."""
        return int(self) & int(other) == int(other)

    def has_privileged(self) -> bool:
        """Whether a bit is in the set that a public-domain bot must apply for (9, 24 or 28)."""
        return bool(int(self) & int(PRIVILEGED))

    def names(self) -> tuple[str, ...]:
        """The platform's names of the bits, in ascending order; an unknown bit as `1<<N`."""
        value, names = int(self), []
        for bit in range(value.bit_length()):
            if value & 1 << bit:
                known = _BY_BIT.get(bit)
                names.append(known if known else f"1<<{bit}")
        return tuple(names)

    def __repr__(self) -> str:
        return f"<Intents {int(self)}: {' | '.join(self.names()) or 'none'}>"

    def __str__(self) -> str:
        return " | ".join(self.names()) or "none"

    def with_guilds(self) -> Intents:
        """This set and GUILDS: guilds and channels come, change and go."""
        return self | Intents.GUILDS

    def without_guilds(self) -> Intents:
        """This set less GUILDS."""
        return self & ~Intents.GUILDS

    def with_guild_members(self) -> Intents:
        """This set and GUILD_MEMBERS: members of guilds join, change and leave."""
        return self | Intents.GUILD_MEMBERS

    def without_guild_members(self) -> Intents:
        """This set less GUILD_MEMBERS."""
        return self & ~Intents.GUILD_MEMBERS

    def with_guild_messages(self) -> Intents:
        """This set and GUILD_MESSAGES: every message of a guild; private-domain bots only."""
        return self | Intents.GUILD_MESSAGES

    def without_guild_messages(self) -> Intents:
        """This set less GUILD_MESSAGES."""
        return self & ~Intents.GUILD_MESSAGES

    def with_guild_message_reactions(self) -> Intents:
        """This set and GUILD_MESSAGE_REACTIONS: reactions to guild messages."""
        return self | Intents.GUILD_MESSAGE_REACTIONS

    def without_guild_message_reactions(self) -> Intents:
        """This set less GUILD_MESSAGE_REACTIONS."""
        return self & ~Intents.GUILD_MESSAGE_REACTIONS

    def with_direct_message(self) -> Intents:
        """This set and DIRECT_MESSAGE: direct messages of guilds."""
        return self | Intents.DIRECT_MESSAGE

    def without_direct_message(self) -> Intents:
        """This set less DIRECT_MESSAGE."""
        return self & ~Intents.DIRECT_MESSAGE

    def with_open_forum_event(self) -> Intents:
        """This set and OPEN_FORUM_EVENT: forum notices for public-domain bots."""
        return self | Intents.OPEN_FORUM_EVENT

    def without_open_forum_event(self) -> Intents:
        """This set less OPEN_FORUM_EVENT."""
        return self & ~Intents.OPEN_FORUM_EVENT

    def with_audio_or_live_channel_member(self) -> Intents:
        """This set and AUDIO_OR_LIVE_CHANNEL_MEMBER: members enter and leave voice and live channels."""
        return self | Intents.AUDIO_OR_LIVE_CHANNEL_MEMBER

    def without_audio_or_live_channel_member(self) -> Intents:
        """This set less AUDIO_OR_LIVE_CHANNEL_MEMBER."""
        return self & ~Intents.AUDIO_OR_LIVE_CHANNEL_MEMBER

    def with_enter_aio(self) -> Intents:
        """This set and ENTER_AIO: a user opens the chat window of an agent bot; undocumented."""
        return self | Intents.ENTER_AIO

    def without_enter_aio(self) -> Intents:
        """This set less ENTER_AIO."""
        return self & ~Intents.ENTER_AIO

    def with_group_member_event(self) -> Intents:
        """This set and GROUP_MEMBER_EVENT: members join and leave groups; applied for."""
        return self | Intents.GROUP_MEMBER_EVENT

    def without_group_member_event(self) -> Intents:
        """This set less GROUP_MEMBER_EVENT."""
        return self & ~Intents.GROUP_MEMBER_EVENT

    def with_group_and_c2c_event(self) -> Intents:
        """This set and GROUP_AND_C2C_EVENT: group and one-to-one messages, friends, group management."""
        return self | Intents.GROUP_AND_C2C_EVENT

    def without_group_and_c2c_event(self) -> Intents:
        """This set less GROUP_AND_C2C_EVENT."""
        return self & ~Intents.GROUP_AND_C2C_EVENT

    def with_interaction(self) -> Intents:
        """This set and INTERACTION: buttons and menus."""
        return self | Intents.INTERACTION

    def without_interaction(self) -> Intents:
        """This set less INTERACTION."""
        return self & ~Intents.INTERACTION

    def with_message_audit(self) -> Intents:
        """This set and MESSAGE_AUDIT: results of message audits."""
        return self | Intents.MESSAGE_AUDIT

    def without_message_audit(self) -> Intents:
        """This set less MESSAGE_AUDIT."""
        return self & ~Intents.MESSAGE_AUDIT

    def with_forums_event(self) -> Intents:
        """This set and FORUMS_EVENT: forum events; private-domain bots only."""
        return self | Intents.FORUMS_EVENT

    def without_forums_event(self) -> Intents:
        """This set less FORUMS_EVENT."""
        return self & ~Intents.FORUMS_EVENT

    def with_audio_action(self) -> Intents:
        """This set and AUDIO_ACTION: audio playback and microphones; audio bots only."""
        return self | Intents.AUDIO_ACTION

    def without_audio_action(self) -> Intents:
        """This set less AUDIO_ACTION."""
        return self & ~Intents.AUDIO_ACTION

    def with_public_guild_messages(self) -> Intents:
        """This set and PUBLIC_GUILD_MESSAGES: guild messages that mention the bot."""
        return self | Intents.PUBLIC_GUILD_MESSAGES

    def without_public_guild_messages(self) -> Intents:
        """This set less PUBLIC_GUILD_MESSAGES."""
        return self & ~Intents.PUBLIC_GUILD_MESSAGES

    # The names botrs and botpy (and, where they differ, adapter-qq) use for the same bits.
    with_audio_live_member = with_audio_or_live_channel_member
    without_audio_live_member = without_audio_or_live_channel_member
    with_group_members = with_group_member_event
    without_group_members = without_group_member_event
    with_public_messages = with_group_and_c2c_event
    without_public_messages = without_group_and_c2c_event
    with_forums = with_forums_event
    without_forums = without_forums_event
    with_at_messages = with_public_guild_messages
    without_at_messages = without_public_guild_messages


PRIVILEGED = Intents.GUILD_MESSAGES | Intents.GROUP_MEMBER_EVENT | Intents.FORUMS_EVENT
"""What a public-domain bot does not have: asked for only when named."""

_ALL = Intents(sum(1 << bit for bit in (0, 1, 9, 10, 12, 18, 19, 23, 24, 25, 26, 27, 28, 29, 30)))
_DEFAULT = Intents(sum(1 << bit for bit in (0, 1, 10, 12, 25, 26, 27, 30)))
_BY_BIT: dict[int, str] = {int(bit).bit_length() - 1: bit.name or "" for bit in Intents}
_NAMES: tuple[str, ...] = tuple(name.lower() for name in _BY_BIT.values())
_ALIASES: dict[str, Intents] = {
    "audio_live_member": Intents.AUDIO_OR_LIVE_CHANNEL_MEMBER,
    "group_members": Intents.GROUP_MEMBER_EVENT,
    "public_messages": Intents.GROUP_AND_C2C_EVENT,
    "forums": Intents.FORUMS_EVENT,
    "at_messages": Intents.PUBLIC_GUILD_MESSAGES,
}
_BY_NAME: dict[str, Intents] = {(bit.name or "").lower(): bit for bit in Intents} | _ALIASES
