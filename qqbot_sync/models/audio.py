"""Voice and live channels.

https://bot.q.qq.com/wiki/develop/api-v2/server-inter/channel/content/audio/model.html
"""

from dataclasses import dataclass

from ._base import Model, OpenIntEnum

__all__ = ["AudioAction", "AudioControl", "AudioLiveChannelType", "AudioLiveMember", "AudioStatus"]


class AudioStatus(OpenIntEnum):
    """What to do with the playback."""

    START = 0
    PAUSE = 1
    RESUME = 2
    STOP = 3


class AudioLiveChannelType(OpenIntEnum):
    """Kinds of channel in AUDIO_OR_LIVE_CHANNEL_MEMBER_…; not the numbers of `ChannelType`."""

    VOICE = 2
    LIVE = 5


@dataclass
class AudioControl(Model):
    """A request to play something in a voice channel."""

    audio_url: str | None = None
    """Where the recording is; needed to start."""
    text: str | None = None
    """The status text, e.g. the title; needed to start."""
    status: AudioStatus | None = None
    """What to do."""


@dataclass
class AudioAction(Model):
    """Playback began or ended, the bot took or left the microphone (AUDIO_START, _FINISH, _ON_MIC, _OFF_MIC)."""

    guild_id: str | None = None
    """Where."""
    channel_id: str | None = None
    """Where."""
    audio_url: str = ""
    """AUDIO_START, AUDIO_FINISH: the recording."""
    text: str = ""
    """AUDIO_START, AUDIO_FINISH: the status text."""


@dataclass
class AudioLiveMember(Model):
    """Somebody entered or left a voice or live channel (AUDIO_OR_LIVE_CHANNEL_MEMBER_ENTER, _EXIT)."""

    guild_id: str | None = None
    """Where."""
    channel_id: str | None = None
    """Where."""
    channel_type: AudioLiveChannelType | None = None
    """What kind of channel."""
    user_id: str | None = None
    """Who."""
