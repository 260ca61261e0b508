"""Playing in voice channels; only for bots of the audio class.

https://bot.q.qq.com/wiki/develop/api-v2/server-inter/channel/content/audio/model.html
"""

from __future__ import annotations

from qqbot_sync.api.checks import chosen, given, text
from qqbot_sync.api.endpoint import endpoint
from qqbot_sync.api.resource import Resource, quoted
from qqbot_sync.models import AudioStatus

__all__ = ["AudioCalls"]


class AudioCalls(Resource):
    """`/channels/{channel_id}/audio` and `/mic`. Thread-safe; errors and `timeout` as in `Resource`."""

    @endpoint("POST", "/channels/{channel_id}/audio", group="audio")
    def update_audio(
        self,
        channel_id: str,
        *,
        status: AudioStatus | int,
        audio_url: str | None = None,
        text: str | None = None,
        timeout: float = 30.0,
    ) -> None:
        """Starts, pauses, resumes or stops what the bot plays.

        Args:
            status: 0 start, 1 pause, 2 resume, 3 stop.
            audio_url: the recording; needed to start, and only then.
            text: what is shown, e.g. a title; only to start.

        https://bot.q.qq.com/wiki/develop/api-v2/server-inter/channel/content/audio/audio_control.html
        """
        body = _control(status, audio_url, text)
        self._call("POST", f"/channels/{quoted('channel_id', channel_id)}/audio", body=body, timeout=timeout)

    @endpoint("PUT", "/channels/{channel_id}/mic", group="audio")
    def on_microphone(self, channel_id: str, *, timeout: float = 30.0) -> None:
        """The bot takes the microphone.

        https://bot.q.qq.com/wiki/develop/api-v2/server-inter/channel/content/audio/put_mic.html
        """
        self._call("PUT", f"/channels/{quoted('channel_id', channel_id)}/mic", body={}, timeout=timeout)

    @endpoint("DELETE", "/channels/{channel_id}/mic", group="audio")
    def off_microphone(self, channel_id: str, *, timeout: float = 30.0) -> None:
        """The bot leaves the microphone.

        https://bot.q.qq.com/wiki/develop/api-v2/server-inter/channel/content/audio/delete_mic.html
        """
        self._call("DELETE", f"/channels/{quoted('channel_id', channel_id)}/mic", body={}, timeout=timeout)


def _control(status: AudioStatus | int, audio_url: str | None, shown: str | None) -> dict[str, object]:
    what = chosen("status", status, AudioStatus)
    if what is AudioStatus.START:
        if audio_url is None:
            raise ValueError("audio_url:开始播放(status 0)时必填 / audio_url is needed to start (status 0)")
        return {"status": int(what)} | given(
            audio_url=text("audio_url", audio_url), text=None if shown is None else text("text", shown)
        )
    for name, value in (("audio_url", audio_url), ("text", shown)):
        if value is not None:
            raise ValueError(f"{name} 只能用于开始播放(status 0) / {name} goes with status 0 (start) only")
    return {"status": int(what)}
