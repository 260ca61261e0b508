"""Files on their way to the platform, and what it gives for them.

https://bot.q.qq.com/wiki/develop/api-v2/server-inter/message/send-receive/rich-media.html
"""

from dataclasses import dataclass, field

from ._base import Model, OpenIntEnum
from .sending import Media

__all__ = ["FileType", "UploadConfig", "UploadPart", "UploadPlan", "UploadedFile"]


class FileType(OpenIntEnum):
    """What a file is to be shown as."""

    IMAGE = 1
    """png, jpg; also gif, webp, bmp."""
    VIDEO = 2
    """mp4."""
    VOICE = 3
    """silk; also mp3, wav, ogg."""
    FILE = 4
    """Anything else."""


@dataclass
class UploadedFile(Model):
    """A file that the platform has: `file_info` goes into a message (`msg_type` 7)."""

    file_uuid: str | None = None
    """The file's id."""
    file_info: str | None = None
    """What a message names it by; opaque, and not to be mixed between groups and C2C."""
    ttl: int | None = None
    """Seconds for which `file_info` is good; 0: for ever."""
    id: str | None = None
    """The id of the message, where the upload was to be sent at once."""
    raw_url: str | None = None
    """Where it can be downloaded for `ttl` seconds; after chunked uploads of types 1 to 3 only."""

    @property
    def media(self) -> Media:
        """The file as `media=` of a message."""
        return Media(file_info=self.file_info)


@dataclass
class UploadPart(Model):
    """One part of a chunked upload."""

    index: int | None = None
    """The platform's number of the part, to be given back as it came; it may begin at 0 or at 1."""
    presigned_url: str | None = None
    """Where its bytes are to be put; needs no token."""
    block_size: int | None = None
    """Its size in bytes."""


@dataclass
class UploadConfig(Model):
    """How a chunked upload is to go on."""

    concurrency: int | None = None
    """Parts that may be on their way at the same time."""
    retry_timeout: int | None = None
    """Seconds for which a part that is not stored yet may be asked for again."""
    retry_delay: int | None = None
    """Seconds between two such tries."""


@dataclass
class UploadPlan(Model):
    """What a chunked upload consists of."""

    upload_id: str | None = None
    """The upload."""
    block_size: int | None = None
    """Bytes of every part but the last."""
    parts: list[UploadPart] = field(default_factory=list)
    """The parts, in the order of the file; none where the platform has the file already."""
    upload_config: UploadConfig | None = None
    """How to go on."""
    concurrency: int | None = None
    """As in `upload_config`, where some answers have it instead."""
    retry_timeout: int | None = None
    """As in `upload_config`, where some answers have it instead."""
    retry_delay: int | None = None
    """As in `upload_config`, where some answers have it instead."""

    def __post_init__(self) -> None:
        if self.upload_config is None:
            found = (self.concurrency, self.retry_timeout, self.retry_delay)
            if any(value is not None for value in found):
                self.upload_config = UploadConfig(*found)
