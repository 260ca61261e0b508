"""Pinned messages.

https://bot.q.qq.com/wiki/develop/api-v2/server-inter/channel/content/pins/model.html
"""

from __future__ import annotations

from qqbot_sync.api.endpoint import endpoint
from qqbot_sync.api.resource import Resource, quoted
from qqbot_sync.models import PinsMessage

__all__ = ["PinCalls"]


class PinCalls(Resource):
    """`/channels/{channel_id}/pins`. Thread-safe; errors and `timeout` as in `Resource`."""

    @endpoint("PUT", "/channels/{channel_id}/pins/{message_id}", group="pins")
    def put_pin(self, channel_id: str, message_id: str, *, timeout: float = 30.0) -> PinsMessage:
        """Pins a message; gives all that are pinned in the channel, at most 20.

        https://bot.q.qq.com/wiki/develop/api-v2/server-inter/channel/content/pins/put_pins_message.html
        """
        path = f"/channels/{quoted('channel_id', channel_id)}/pins/{quoted('message_id', message_id)}"
        return self._call_for(PinsMessage, "PUT", path, timeout=timeout)

    @endpoint("DELETE", "/channels/{channel_id}/pins/{message_id}", group="pins")
    def delete_pin(self, channel_id: str, message_id: str, *, timeout: float = 30.0) -> None:
        """Unpins a message.

        Args:
            message_id: "all" unpins every message of the channel.

        https://bot.q.qq.com/wiki/develop/api-v2/server-inter/channel/content/pins/delete_pins_message.html
        """
        path = f"/channels/{quoted('channel_id', channel_id)}/pins/{quoted('message_id', message_id)}"
        self._call("DELETE", path, timeout=timeout)

    @endpoint("GET", "/channels/{channel_id}/pins", group="pins")
    def get_pins(self, channel_id: str, *, timeout: float = 30.0) -> PinsMessage:
        """The pinned messages of a channel.

        https://bot.q.qq.com/wiki/develop/api-v2/server-inter/channel/content/pins/get_pins_message.html
        """
        path = f"/channels/{quoted('channel_id', channel_id)}/pins"
        return self._call_for(PinsMessage, "GET", path, timeout=timeout)
