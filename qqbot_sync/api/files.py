"""A file to upload, whatever it comes as: read in pieces, hashed, and recognised.

https://bot.q.qq.com/wiki/develop/api-v2/server-inter/message/send-receive/rich-media.html
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, cast

from qqbot_sync.models import FileType

__all__ = ["HARD_LIMIT", "SOFT_LIMITS", "Hashes", "LocalFile", "Source", "is_url", "opened", "recognised"]

Source = str | os.PathLike[str] | bytes | bytearray | memoryview | BinaryIO
"""A path, an http(s) URL, bytes, or a file object opened in binary mode."""

MEGABYTE = 1 << 20
HARD_LIMIT = 200 * MEGABYTE
"""Bytes the platform takes at most."""
SOFT_LIMITS = {
    FileType.IMAGE: 20 * MEGABYTE,
    FileType.VIDEO: 30 * MEGABYTE,
    FileType.VOICE: 20 * MEGABYTE,
    FileType.FILE: HARD_LIMIT,
}
"""Bytes up to which a file is shown as what it is; beyond them it arrives as a file to download."""
HEAD = 10_002_432
"""Bytes at the beginning that have a hash of their own."""
IN_MEMORY = 8 * MEGABYTE
"""Bytes of a stream that cannot be rewound which are kept in memory; more go to a temporary file."""

_KINDS: tuple[tuple[FileType, tuple[str, ...]], ...] = (
    (FileType.IMAGE, (".png", ".jpg", ".jpeg", ".gif", ".webp", ".bmp")),
    (FileType.VIDEO, (".mp4",)),
    (FileType.VOICE, (".silk", ".slk", ".mp3", ".wav", ".ogg")),
)
_MAGIC: tuple[tuple[int, bytes, str], ...] = (
    (0, b"\x89PNG\r\n\x1a\n", ".png"),
    (0, b"\xff\xd8\xff", ".jpg"),
    (0, b"GIF8", ".gif"),
    (8, b"WEBP", ".webp"),
    (0, b"BM", ".bmp"),
    (4, b"ftyp", ".mp4"),
    (0, b"#!SILK", ".silk"),
    (1, b"#!SILK", ".silk"),
    (8, b"WAVE", ".wav"),
    (0, b"OggS", ".ogg"),
    (0, b"ID3", ".mp3"),
)


class Hashes(NamedTuple):
    """What the platform recognises a file by, in hexadecimal."""

    md5: str
    sha1: str
    md5_10m: str
    """Of the first 10,002,432 bytes; of the whole file when it is smaller."""


class LocalFile:
    """A file that can be read anywhere. Not thread-safe.

    Args:
        stream: open, binary, can be rewound; stays open.
        name: what it is to be called; None derives one from the bytes.

    Raises:
        ValueError: it is empty, or larger than the platform takes.
    """

    def __init__(self, stream: BinaryIO, name: str | None) -> None:
        self._stream = stream
        self._start = stream.tell()
        self.size = stream.seek(0, os.SEEK_END) - self._start
        """Bytes."""
        if self.size <= 0:
            raise ValueError("文件为空 / the file is empty")
        if self.size > HARD_LIMIT:
            raise ValueError(
                f"文件 {self.size} 字节,超过平台上限 {HARD_LIMIT >> 20} MB / the file has {self.size} bytes, "
                f"the platform takes {HARD_LIMIT >> 20} MB at most"
            )
        self.name = name or f"file{_suffix(self.read(0, min(16, self.size)))}"
        """What it is called."""

    def read(self, start: int, size: int) -> bytes:
        """These bytes.

        Raises:
            ValueError: there are fewer: the file has changed meanwhile.
        """
        self._stream.seek(self._start + start)
        held = bytearray()
        while len(held) < size:
            piece = self._stream.read(size - len(held))
            if not piece:
                raise ValueError("文件在上传过程中变短了 / the file became shorter while it was uploaded")
            held += piece
        return bytes(held)

    def hashes(self) -> Hashes:
        """The three hashes; reads the file once."""
        md5, sha1, head = (hashlib.new(name, usedforsecurity=False) for name in ("md5", "sha1", "md5"))
        for start in range(0, self.size, MEGABYTE):
            piece = self.read(start, min(MEGABYTE, self.size - start))
            md5.update(piece)
            sha1.update(piece)
            if start < HEAD:
                head.update(piece[: HEAD - start])
        return Hashes(md5.hexdigest(), sha1.hexdigest(), head.hexdigest())


def is_url(source: object) -> bool:
    """Whether this is an address the platform can fetch by itself."""
    return isinstance(source, str) and source.lower().startswith(("http://", "https://"))


@contextlib.contextmanager
def opened(source: Source, name: str | None) -> Iterator[LocalFile]:
    """The file behind a source, open while the block runs; a file object that was given stays open.

    Raises:
        TypeError, ValueError: nothing that can be read.
        OSError: no such file.
    """
    with contextlib.ExitStack() as stack:
        if isinstance(source, (str, os.PathLike)):
            path = Path(source)
            stream: Any = stack.enter_context(path.open("rb"))
            name = name or path.name
        elif isinstance(source, (bytes, bytearray, memoryview)):
            stream = io.BytesIO(source)
        else:
            stream = _rewindable(source, stack)
            own = getattr(source, "name", None)
            name = name or (Path(own).name if isinstance(own, str) and not own.startswith("<") else None)
        yield LocalFile(cast(BinaryIO, stream), name)


def _rewindable(source: object, stack: contextlib.ExitStack) -> Any:
    read = getattr(source, "read", None)
    if not callable(read) or isinstance(source, io.TextIOBase):
        raise TypeError(
            "source 必须是路径、网址、bytes 或以 'rb' 打开的文件 / "
            f"source must be a path, a URL, bytes, or a file opened with 'rb', not {type(source).__name__}"
        )
    seekable = getattr(source, "seekable", None)
    if callable(seekable) and seekable():
        return source
    copy = stack.enter_context(tempfile.SpooledTemporaryFile(max_size=IN_MEMORY))  # noqa: SIM115  closed by the stack
    shutil.copyfileobj(cast(BinaryIO, source), copy)
    copy.seek(0)
    return copy


def recognised(name: str) -> FileType:
    """What a file is to be shown as, by its name."""
    suffix = Path(name.partition("?")[0].partition("#")[0]).suffix.lower()
    return next((kind for kind, suffixes in _KINDS if suffix in suffixes), FileType.FILE)


def _suffix(head: bytes) -> str:
    return next((suffix for start, magic, suffix in _MAGIC if head[start : start + len(magic)] == magic), ".bin")
