"""Files that the bot has uploaded, and uploads under way. Pure."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Any

from qqbot_sync.simulator.ids import Ids
from qqbot_sync.simulator.refusal import Refusal
from qqbot_sync.simulator.rooms import Scene

__all__ = ["MediaDesk", "StoredFile", "Upload"]

HARD_LIMIT = 200 << 20
HEAD = 10_002_432
"""Bytes at the beginning that have a hash of their own."""


@dataclass(frozen=True)
class StoredFile:
    """A file that the platform has."""

    scene: Scene
    file_type: int
    name: str
    size: int
    """Bytes; 0 where it is at an address that nobody fetches here."""
    url: str = ""
    data: bytes = field(default=b"", repr=False)


@dataclass
class Upload:
    """A chunked upload under way."""

    id: str
    scene: Scene
    place: str
    file_type: int
    name: str
    size: int
    hashes: dict[str, str]
    sizes: list[int]
    """Bytes of each part."""
    secret: str
    blocks: dict[int, bytes] = field(default_factory=dict, repr=False)
    """Position of the part → what was stored."""
    finished: set[int] = field(default_factory=set)
    known: bytes | None = field(default=None, repr=False)
    """The file, where the platform had it already."""


class MediaDesk:
    """The files of one platform. Not thread-safe."""

    def __init__(self, ids: Ids) -> None:
        self._ids = ids
        self.files: dict[str, StoredFile] = {}
        """By `file_info`."""
        self.uploads: dict[str, Upload] = {}
        self.block_size = 5 << 20
        """Bytes of a part."""
        self.first_index = 1
        """What the parts are counted from; the platform's pages say 0, its answers 1."""
        self.lag = 0
        """How many more calls of `upload_part_finish` find their part not stored yet."""
        self.unreachable: set[str] = set()
        """Addresses that cannot be downloaded from."""
        self.daily_left = 1 << 40
        """Bytes that may still be uploaded today."""
        self._known: dict[str, bytes] = {}

    def store(self, file: StoredFile) -> dict[str, Any]:
        """Keeps a file; gives the answer's body."""
        if file.size > HARD_LIMIT:
            raise Refusal(850031, "file is too large")
        if file.size > self.daily_left:
            raise Refusal(40093002, "daily upload limit exceeded")
        self.daily_left -= file.size
        info = f"{self._ids.uuid()}{self._ids.uuid()}".replace("-", "")
        self.files[info] = file
        if file.data:
            self._known[hashlib.sha1(file.data, usedforsecurity=False).hexdigest()] = file.data
        return {"file_uuid": self._ids.uuid(), "file_info": info, "ttl": 3600}

    def begin(self, scene: Scene, place: str, fields: dict[str, Any]) -> Upload:
        """A chunked upload begins.

        Raises:
            Refusal: a field is missing, or the file is too large.
        """
        texts = ("file_name", "md5", "sha1", "md5_10m")
        size = str(fields.get("file_size", ""))
        if not size.isdecimal() or not all(isinstance(fields.get(name), str) and fields[name] for name in texts):
            raise Refusal(12002, "file_type, file_size, file_name, md5, sha1 and md5_10m are required")
        if int(size) > HARD_LIMIT:
            raise Refusal(850031, "file is too large")
        upload = Upload(
            id=self._ids.uuid(),
            scene=scene,
            place=place,
            file_type=file_type_of(fields),
            name=fields["file_name"],
            size=int(size),
            hashes={name: fields[name] for name in texts[1:]},
            sizes=[],
            secret=self._ids.uuid(),
            known=self._known.get(fields["sha1"]),
        )
        if upload.known is None:
            full, rest = divmod(upload.size, self.block_size)
            upload.sizes = [self.block_size] * full + ([rest] if rest else [])
        self.uploads[upload.id] = upload
        return upload

    def finish_part(self, scene: Scene, place: str, fields: dict[str, Any]) -> None:
        """A part was stored, says the bot.

        Raises:
            Refusal: it was not, or not this.
        """
        upload = self._upload(scene, place, fields)
        index = fields.get("part_index")
        position = index - self.first_index if isinstance(index, int) else -1
        if not 0 <= position < len(upload.sizes):
            raise Refusal(12002, "there is no such part")
        block = upload.blocks.get(position)
        if block is None or self.lag > 0:
            self.lag = max(0, self.lag - 1)
            raise Refusal(40093001, "the part is not stored yet", status=500)
        size, md5 = str(fields.get("block_size")), hashlib.md5(block, usedforsecurity=False).hexdigest()
        if size != str(upload.sizes[position]) or len(block) != upload.sizes[position] or fields.get("md5") != md5:
            raise Refusal(12002, "size or md5 of the part is wrong")
        upload.finished.add(position)

    def join(self, scene: Scene, place: str, fields: dict[str, Any]) -> StoredFile:
        """The parts become a file.

        Raises:
            Refusal: parts are missing, or the whole is not what was announced.
        """
        upload = self._upload(scene, place, fields)
        if len(upload.finished) != len(upload.sizes):
            raise Refusal(12002, "parts are missing")
        data = (
            upload.known if upload.known is not None else b"".join(upload.blocks[i] for i in range(len(upload.sizes)))
        )
        found = {
            "md5": hashlib.md5(data, usedforsecurity=False).hexdigest(),
            "sha1": hashlib.sha1(data, usedforsecurity=False).hexdigest(),
            "md5_10m": hashlib.md5(data[:HEAD], usedforsecurity=False).hexdigest(),
        }
        if found != upload.hashes or len(data) != upload.size:
            raise Refusal(12002, "the file is not the one that was announced")
        del self.uploads[upload.id]
        return StoredFile(scene, upload.file_type, upload.name, upload.size, data=data)

    def check(self, scene: Scene, body: dict[str, Any]) -> None:
        """Raises Refusal for a message with a file that is not there, or was uploaded for the other scene."""
        media = body.get("media")
        if not media:
            return
        file = self.files.get(str(media.get("file_info"))) if isinstance(media, dict) else None
        if file is None or file.scene != scene:
            raise Refusal(304080, "invalid file_info")

    def _upload(self, scene: Scene, place: str, fields: dict[str, Any]) -> Upload:
        upload = self.uploads.get(str(fields.get("upload_id")))
        if upload is None or (upload.scene, upload.place) != (scene, place):
            raise Refusal(12002, "there is no such upload here")
        return upload


def file_type_of(fields: dict[str, Any]) -> int:
    """The field `file_type`; raises Refusal where it is none."""
    kind = fields.get("file_type")
    if isinstance(kind, bool) or kind not in (1, 2, 3, 4):
        raise Refusal(850019, "unsupported file type")
    return int(kind)
