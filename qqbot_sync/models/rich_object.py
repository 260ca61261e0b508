"""The parts of forum texts in the encoding of 2021, which the documentation's events still show.

https://bot.q.qq.com/wiki/develop/api-v2/server-inter/channel/content/forum/model.html
"""

from dataclasses import dataclass

from ._base import Model, OpenIntEnum

__all__ = [
    "AtGuild",
    "AtInfo",
    "AtRole",
    "AtType",
    "AtUser",
    "ChannelInfo",
    "EmojiInfo",
    "RichObject",
    "RichObjectType",
    "TextInfo",
    "UrlInfo",
]


class RichObjectType(OpenIntEnum):
    """What a part of a text in the encoding of 2021 is."""

    TEXT = 1
    AT = 2
    URL = 3
    EMOJI = 4
    CHANNEL = 5
    VIDEO = 10
    IMAGE = 11


class AtType(OpenIntEnum):
    """Who was mentioned."""

    USER = 1
    ROLE = 2
    GUILD = 3


@dataclass
class TextInfo(Model):
    """A text, in the encoding of 2021."""

    text: str = ""
    """The text."""


@dataclass
class AtUser(Model):
    """A user who was mentioned."""

    id: str | None = None
    """The user."""
    nick: str = ""
    """The name in this guild."""


@dataclass
class AtRole(Model):
    """A role that was mentioned."""

    role_id: str | None = None
    """The role; sent as a number."""
    name: str = ""
    """Its name."""
    color: int | None = None
    """ARGB."""


@dataclass
class AtGuild(Model):
    """A guild that was mentioned (everybody in it)."""

    guild_id: str | None = None
    """The guild."""
    guild_name: str = ""
    """Its name."""


@dataclass
class AtInfo(Model):
    """A mention."""

    type: AtType | None = None
    """Who was mentioned."""
    user_info: AtUser | None = None
    """The user, where it is one."""
    role_info: AtRole | None = None
    """The role, where it is one."""
    guild_info: AtGuild | None = None
    """The guild, where it is one."""

    @property
    def text(self) -> str:
        """The mention as a person reads it."""
        if self.user_info:
            return f"@{self.user_info.nick or self.user_info.id or ''}"
        if self.role_info:
            return f"@{self.role_info.name}"
        return f"@{self.guild_info.guild_name}" if self.guild_info else ""


@dataclass
class UrlInfo(Model):
    """A link, in the encoding of 2021."""

    url: str = ""
    """Where it leads."""
    display_text: str = ""
    """What it says."""


@dataclass
class EmojiInfo(Model):
    """An emoji."""

    id: str | None = None
    """Its number in its list; sent as a number."""
    type: str | None = None
    """The list, e.g. "1"."""
    name: str = ""
    """What it is called."""
    url: str = ""
    """Its picture."""


@dataclass
class ChannelInfo(Model):
    """A channel that was named."""

    channel_id: str | None = None
    """The channel; sent as a number."""
    channel_name: str = ""
    """Its name, with the #."""


@dataclass
class RichObject(Model):
    """A part of a text in the encoding of 2021. `RichText` turns them into its own parts."""

    type: RichObjectType | None = None
    """What it is."""
    text_info: TextInfo | None = None
    """The text, where it is one."""
    at_info: AtInfo | None = None
    """The mention, where it is one."""
    url_info: UrlInfo | None = None
    """The link, where it is one."""
    emoji_info: EmojiInfo | None = None
    """The emoji, where it is one."""
    channel_info: ChannelInfo | None = None
    """The channel, where it is one."""
