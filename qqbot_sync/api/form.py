"""A channel message with a picture of its own, as `multipart/form-data`.

https://bot.q.qq.com/wiki/develop/api-v2/server-inter/message/post_messages.html
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import urllib3

from qqbot_sync import codec

__all__ = ["FileImage", "Picture", "encode_form", "read_picture"]

FileImage = bytes | bytearray | str | os.PathLike[str] | BinaryIO
"""A picture: its bytes, the path of a file, or a file opened for reading bytes."""

_KINDS = (
    (b"\x89PNG\r\n\x1a\n", "image/png", "png"),
    (b"\xff\xd8\xff", "image/jpeg", "jpg"),
    (b"GIF8", "image/gif", "gif"),
    (b"BM", "image/bmp", "bmp"),
)


class Picture(NamedTuple):
    """What is uploaded. Immutable."""

    name: str
    data: bytes
    content_type: str


def read_picture(name: str, source: object) -> Picture:
    """Reads a picture, whole.

    Args:
        name: of the argument, for errors.
        source: see `FileImage`.

    Raises:
        TypeError, ValueError: it is none of these, or empty.
        OSError: the file cannot be read.
    """
    filename = ""
    if isinstance(source, (bytes, bytearray)):
        data: object = bytes(source)
    elif isinstance(source, (str, os.PathLike)):
        path = Path(source)
        data, filename = path.read_bytes(), path.name
    elif hasattr(source, "read"):
        data = source.read()
        filename = os.path.basename(str(getattr(source, "name", "")))
    else:
        data = None
    if not isinstance(data, bytes):
        raise TypeError(
            f"{name} 必须是字节、文件路径或以二进制打开的文件 / "
            f"{name} must be bytes, the path of a file or a file opened in binary mode, not {type(source).__name__}"
        )
    if not data:
        raise ValueError(f"{name} 是空的 / {name} is empty")
    content_type, ending = _kind(data)
    return Picture(filename or f"image.{ending}", data, content_type)


def encode_form(fields: Mapping[str, Any], picture: Picture) -> tuple[str, bytes]:
    """The content type, and the body: texts as they are, objects as JSON inside of a JSON object of their own name.

    (The platform's text says only "as JSON"; its sample wraps them, and so do clients that are known to work.)
    """
    parts: dict[str, Any] = {
        name: value if isinstance(value, str) else codec.dumps({name: value}).decode("utf-8")
        for name, value in fields.items()
    }
    parts["file_image"] = (picture.name, picture.data, picture.content_type)
    body, content_type = urllib3.encode_multipart_formdata(parts)
    return content_type, body


def _kind(data: bytes) -> tuple[str, str]:
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp", "webp"
    found = next(((kind, ending) for start, kind, ending in _KINDS if data.startswith(start)), None)
    return found or ("application/octet-stream", "bin")
