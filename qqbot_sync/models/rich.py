"""Embeds, arks, markdown and references: message parts beyond text, both sent and received.

https://bot.q.qq.com/wiki/develop/api-v2/server-inter/message/type/markdown.html
"""

from dataclasses import dataclass, field

from ._base import Model, OpenStrEnum

__all__ = [
    "Ark",
    "ArkKv",
    "ArkObj",
    "ArkObjKv",
    "Embed",
    "EmbedField",
    "EmbedThumbnail",
    "Markdown",
    "MarkdownFontSize",
    "MarkdownParam",
    "MarkdownStyle",
    "MessageReference",
]


@dataclass
class EmbedThumbnail(Model):
    """The picture of an embed."""

    url: str | None = None
    """Where it is."""


@dataclass
class EmbedField(Model):
    """One line of an embed."""

    name: str = ""
    """The line's text."""
    value: str | None = None
    """A second text, where there is one."""


@dataclass
class Embed(Model):
    """A card; guilds only."""

    title: str = ""
    """The headline."""
    prompt: str = ""
    """What the notification says."""
    description: str | None = None
    """The text."""
    thumbnail: EmbedThumbnail | None = None
    """The picture."""
    fields: list[EmbedField] = field(default_factory=list)
    """The lines."""


@dataclass
class ArkObjKv(Model):
    """One value of one entry of an ark list."""

    key: str | None = None
    """The template's variable."""
    value: str = ""
    """Its value."""


@dataclass
class ArkObj(Model):
    """One entry of an ark list."""

    obj_kv: list[ArkObjKv] = field(default_factory=list)
    """Its values."""


@dataclass
class ArkKv(Model):
    """One variable of an ark template: a text or a list."""

    key: str | None = None
    """The template's variable, e.g. `#DESC#`."""
    value: str | None = None
    """Its value, where it is a text."""
    obj: list[ArkObj] = field(default_factory=list)
    """Its entries, where it is a list."""


@dataclass
class Ark(Model):
    """A message made from one of the platform's templates."""

    template_id: int | None = None
    """23 list of links, 24 text with thumbnail, 37 big picture."""
    kv: list[ArkKv] = field(default_factory=list)
    """The template's variables."""


@dataclass
class MessageReference(Model):
    """The message that another one quotes."""

    message_id: str | None = None
    """Its id; in group and C2C messages its `REFIDX_…`."""
    ignore_get_message_error: bool | None = None
    """When sending: send without the quote if the message is gone."""


class MarkdownFontSize(OpenStrEnum):
    """Sizes of markdown text."""

    SMALL = "small"
    MIDDLE = "middle"
    LARGE = "large"


@dataclass
class MarkdownParam(Model):
    """One variable of a markdown template."""

    key: str | None = None
    """The template's variable."""
    values: list[str] = field(default_factory=list)
    """Its values."""


@dataclass
class MarkdownStyle(Model):
    """How markdown is shown."""

    main_font_size: MarkdownFontSize | None = None
    """The size of the text."""
    layout: str | None = None
    """`hide_avatar_and_center` is known."""


@dataclass
class Markdown(Model):
    """Markdown: a text of its own or a template with values, never both."""

    content: str | None = None
    """The markdown itself."""
    custom_template_id: str | None = None
    """A template of the bot's own; deprecated for groups and C2C."""
    template_id: int | None = None
    """One of the platform's templates; deprecated for groups and C2C."""
    params: list[MarkdownParam] = field(default_factory=list)
    """The template's variables."""
    style: MarkdownStyle | None = None
    """How it is shown; undocumented."""
    process_msg: str | None = None
    """Undocumented."""
    force_verify_image_resource: bool | None = None
    """Refuse the message when a picture in it cannot be fetched (since August 2026)."""
