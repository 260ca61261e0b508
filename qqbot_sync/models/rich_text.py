"""The text of forum threads, which the platform encodes in three ways.

https://bot.q.qq.com/wiki/develop/api-v2/server-inter/channel/content/forum/model.html
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from ._base import Model, OpenIntEnum, read_json
from .rich_object import AtInfo, ChannelInfo, EmojiInfo

__all__ = [
    "Alignment",
    "Elem",
    "ElemType",
    "ImageElem",
    "Paragraph",
    "ParagraphProps",
    "PlatImage",
    "PlatVideo",
    "RichText",
    "TextElem",
    "TextProps",
    "UrlElem",
    "VideoCover",
    "VideoElem",
]


class Alignment(OpenIntEnum):
    """Where a paragraph stands."""

    LEFT = 0
    MIDDLE = 1
    RIGHT = 2


class ElemType(OpenIntEnum):
    """What a part of a paragraph is."""

    TEXT = 1
    IMAGE = 2
    VIDEO = 3
    URL = 4


@dataclass
class TextProps(Model):
    """How a text looks."""

    font_bold: bool | None = None
    """Bold."""
    italic: bool | None = None
    """Italic."""
    underline: bool | None = None
    """Underlined."""


@dataclass
class TextElem(Model):
    """A text."""

    text: str = ""
    """The text."""
    props: TextProps | None = None
    """How it looks."""


@dataclass
class PlatImage(Model):
    """A picture the platform keeps."""

    url: str = ""
    """Where it is."""
    width: int | None = None
    """Pixels."""
    height: int | None = None
    """Pixels."""
    image_id: str | None = None
    """Its id."""


@dataclass
class ImageElem(Model):
    """A picture."""

    third_url: str = ""
    """When writing: where to fetch it."""
    plat_image: PlatImage | None = None
    """When reading: the platform's copy."""
    width_percent: float | None = None
    """Its width in parts of the text's width."""


@dataclass
class VideoCover(Model):
    """The picture shown before a video plays."""

    url: str = ""
    """Where it is."""
    width: int | None = None
    """Pixels."""
    height: int | None = None
    """Pixels."""


@dataclass
class PlatVideo(Model):
    """A video the platform keeps."""

    url: str = ""
    """Where it is."""
    width: int | None = None
    """Pixels."""
    height: int | None = None
    """Pixels."""
    video_id: str | None = None
    """Its id."""
    duration: int | None = None
    """How long it is; the platform does not say in what unit."""
    cover: VideoCover | None = None
    """The picture shown before it plays."""


@dataclass
class VideoElem(Model):
    """A video."""

    third_url: str = ""
    """When writing: where to fetch it."""
    plat_video: PlatVideo | None = None
    """When reading: the platform's copy."""


@dataclass
class UrlElem(Model):
    """A link."""

    url: str = ""
    """Where it leads."""
    desc: str = ""
    """What it says."""


@dataclass
class Elem(Model):
    """A part of a paragraph; one of its fields is filled."""

    type: ElemType | None = None
    """What it is; may be missing or 0, then see `kind`."""
    text: TextElem | None = None
    """The text, where it is one."""
    image: ImageElem | None = None
    """The picture, where it is one."""
    video: VideoElem | None = None
    """The video, where it is one."""
    url: UrlElem | None = None
    """The link, where it is one."""
    at_info: AtInfo | None = None
    """The mention, where it is one; only from the encoding of 2021."""
    emoji_info: EmojiInfo | None = None
    """The emoji, where it is one; only from the encoding of 2021."""
    channel_info: ChannelInfo | None = None
    """The channel, where it is one; only from the encoding of 2021."""

    @property
    def kind(self) -> str:
        """What it is: the name of the filled field, "" when none is."""
        return next((name for name in _KINDS if getattr(self, name) is not None), "")

    @property
    def plain_text(self) -> str:
        """What a person reads; pictures and videos as their address."""
        if self.text:
            return self.text.text
        if self.url:
            return self.url.desc or self.url.url
        if self.at_info:
            return self.at_info.text
        if self.emoji_info:
            return f"[{self.emoji_info.name or '表情:' + (self.emoji_info.id or '')}]"
        if self.channel_info:
            return self.channel_info.channel_name
        if self.image:
            return self.image.plat_image.url if self.image.plat_image else self.image.third_url
        if self.video:
            return self.video.plat_video.url if self.video.plat_video else self.video.third_url
        return ""


_KINDS = ("text", "image", "video", "url", "at_info", "emoji_info", "channel_info")


@dataclass
class ParagraphProps(Model):
    """How a paragraph looks."""

    alignment: Alignment | None = None
    """Where it stands."""


@dataclass
class Paragraph(Model):
    """A paragraph."""

    elems: list[Elem] = field(default_factory=list)
    """Its parts."""
    props: ParagraphProps | None = None
    """How it looks."""


@dataclass
class RichText(Model):
    """A text with paragraphs, pictures and links: one form for the three encodings of the platform.

    These are JSON text of this very structure (events today), plain text (a thread's title in the API), and a list of
    `RichObject` (the documentation's events of 2021).
    """

    paragraphs: list[Paragraph] = field(default_factory=list)
    """The paragraphs."""

    @property
    def text(self) -> str:
        """The text alone, one line per paragraph."""
        return "\n".join("".join(elem.plain_text for elem in each.elems) for each in self.paragraphs)

    @classmethod
    def _from_wire(cls, value: object) -> object:
        if isinstance(value, str):
            try:
                inner = read_json(value)
            except (ValueError, RecursionError):
                inner = None
            # A title like "2024" or "null" is JSON by accident.
            if not isinstance(inner, (dict, list)):
                return _paragraph([{"type": 1, "text": {"text": value}}]) if value else {}
            value = inner
        if isinstance(value, list):
            return _paragraph([_elem(each) for each in value])
        return value


def _paragraph(elems: list[object]) -> dict[str, object]:
    return {"paragraphs": [{"elems": elems}]}


def _elem(old: object) -> object:
    """One part in the encoding of 2021 as a part of today's."""
    if not isinstance(old, Mapping):
        return old
    elem: dict[str, object] = {}
    text, url = old.get("text_info"), old.get("url_info")
    if isinstance(text, Mapping):
        elem |= {"type": ElemType.TEXT, "text": {"text": text.get("text", "")}}
    if isinstance(url, Mapping):
        elem |= {"type": ElemType.URL, "url": {"url": url.get("url", ""), "desc": url.get("display_text", "")}}
    for name in ("at_info", "emoji_info", "channel_info"):
        if name in old:
            elem[name] = old[name]
    # Pictures and videos have the same keys in both encodings, as far as anybody has seen them.
    for name, kind in (("image", ElemType.IMAGE), ("video", ElemType.VIDEO)):
        found = old.get(name, old.get(f"{name}_info"))
        if isinstance(found, Mapping):
            elem |= {"type": kind, name: found}
    return elem
