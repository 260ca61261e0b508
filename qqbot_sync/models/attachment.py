"""Files that come with messages.

https://bot.q.qq.com/wiki/develop/api-v2/server-inter/message/send-receive/event.html
"""

import re
from dataclasses import dataclass

from ._base import Model

__all__ = ["Attachment", "GuildAttachment"]

_SCHEME = re.compile(r"(?:https?:|[a-zA-Z][a-zA-Z0-9+.-]*://)", re.IGNORECASE)


def _with_scheme(url: str) -> str:
    # The platform sends "gchat.qpic.cn/…", which no HTTP client can open.
    return f"https://{url.lstrip('/')}" if url and not _SCHEME.match(url) else url


@dataclass
class GuildAttachment(Model):
    """A picture or file of a guild message."""

    url: str = ""
    """Where to fetch it; `https://` is put in front where the platform left the scheme out."""
    id: str | None = None
    """The file's id."""
    filename: str = ""
    """Its name."""
    content_type: str = ""
    """Its MIME type."""
    size: int | None = None
    """Bytes."""
    width: int | None = None
    """Pixels."""
    height: int | None = None
    """Pixels."""

    def __post_init__(self) -> None:
        self.url = _with_scheme(self.url)


@dataclass
class Attachment(Model):
    """A picture, voice, video or file of a group or C2C message."""

    url: str = ""
    """Where to fetch it; temporary. `https://` is put in front where the platform left the scheme out."""
    filename: str = ""
    """Its name."""
    content_type: str = ""
    """`voice`, `file`, `image/jpeg`, `image/png`, `image/gif`, `video/mp4`."""
    size: int | None = None
    """Bytes."""
    width: int | None = None
    """Pixels; pictures and videos."""
    height: int | None = None
    """Pixels; pictures and videos."""
    voice_wav_url: str = ""
    """Voice only: the recording as WAV (the file itself is SILK or AMR)."""
    asr_refer_text: str = ""
    """Voice only: what the platform heard."""
    content: str = ""
    """Sent with pictures, always empty so far."""

    def __post_init__(self) -> None:
        self.url = _with_scheme(self.url)
        self.voice_wav_url = _with_scheme(self.voice_wav_url)
