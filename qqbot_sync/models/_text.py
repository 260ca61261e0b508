"""The tags inside message texts: faces, emoji, mentions. Pure functions."""

import base64
import binascii
import re
from dataclasses import dataclass
from typing import Any

from ._base import Model, read_json

__all__ = ["Face", "faces_in", "find_mentions", "shown", "without_mentions"]

_FACE = re.compile(r'<faceType=(?P<type>\d+),faceId="(?P<id>[^"]*)"(?:,ext="(?P<ext>[^"]*)")?[^<>]*>')
_EMOJI = re.compile(r"<emoji:(?P<id>[^<>\s]+)>")
_MENTION = re.compile(r'<@!?(?P<id>[^<>]+)>|<qqbot-at-user\s+id="(?P<tag>[^"]*)"\s*/?>')


@dataclass
class Face(Model):
    """A face or emoji found in a message text. No payload of its own: it is decoded from `content`."""

    id: str | None = None
    """The platform's number of the face."""
    type: int | None = None
    """The `faceType` of the tag; None for a guild's `<emoji:…>`."""
    text: str = ""
    """What the face is called, e.g. 汪汪; empty where the tag does not say."""


def faces_in(content: str) -> list[Face]:
    """The faces of a text in the order in which they stand."""
    found = [(match.start(), _face(match)) for match in _FACE.finditer(content)]
    found += [(match.start(), Face(id=match["id"])) for match in _EMOJI.finditer(content)]
    return [face for _, face in sorted(found, key=lambda pair: pair[0])]


def shown(content: str) -> str:
    """The text as a person reads it: faces by their name, no-break spaces as spaces, `&lt;` as `<`."""
    text = _FACE.sub(lambda match: _name(_face(match)), content).replace("\u00a0", " ")
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def find_mentions(content: str) -> list[str]:
    """The ids of the `<@…>` tags in the order in which they stand."""
    return [match["id"] or match["tag"] or "" for match in _MENTION.finditer(content)]


def without_mentions(content: str, ids: set[str]) -> str:
    """The text less the `<@…>` tags of these ids."""
    return _MENTION.sub(lambda match: "" if (match["id"] or match["tag"]) in ids else match[0], content)


def _face(match: re.Match[str]) -> Face:
    return Face(id=match["id"], type=int(match["type"][:9]), text=_caption(match["ext"] or ""))


def _name(face: Face) -> str:
    return f"[{face.text}]" if face.text else f"[表情:{face.id}]"


def _caption(ext: str) -> str:
    """The name inside the base64 JSON of a face tag; empty where it cannot be read."""
    try:
        data: Any = read_json(base64.b64decode(ext + "=" * (-len(ext) % 4)))
    except (binascii.Error, ValueError, RecursionError):
        return ""
    text = data.get("text") if isinstance(data, dict) else None
    return text if isinstance(text, str) else ""
