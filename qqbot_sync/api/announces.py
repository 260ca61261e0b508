"""Announcements of guilds.

https://bot.q.qq.com/wiki/develop/api-v2/server-inter/channel/content/announces/model.html
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from qqbot_sync.api.checks import Object, chosen
from qqbot_sync.api.endpoint import endpoint
from qqbot_sync.api.resource import Resource, checked_id, quoted
from qqbot_sync.models import Announces, AnnouncesType, RecommendChannel

__all__ = ["AnnounceCalls"]

_MOST_RECOMMENDED = 3


class AnnounceCalls(Resource):
    """Announcements; a guild has one, and a new one takes its place. Thread-safe; errors and `timeout` as in
    `Resource`."""

    @endpoint("POST", "/guilds/{guild_id}/announces", group="announces")
    def create_announce(self, guild_id: str, channel_id: str, message_id: str, *, timeout: float = 30.0) -> Announces:
        """Makes a message the guild's announcement.

        https://bot.q.qq.com/wiki/develop/api-v2/server-inter/channel/content/announces/post_guild_announces.html
        """
        body = {"channel_id": checked_id("channel_id", channel_id), "message_id": checked_id("message_id", message_id)}
        return self._call_for(Announces, "POST", _of_guild(guild_id), body=body, timeout=timeout)

    @endpoint("POST", "/guilds/{guild_id}/announces", group="announces")
    def create_recommend_announce(
        self,
        guild_id: str,
        recommend_channels: Sequence[RecommendChannel | Mapping[str, Any]],
        *,
        announces_type: AnnouncesType | int = AnnouncesType.MEMBER,
        timeout: float = 30.0,
    ) -> Announces:
        """Recommends channels that everybody can see; the whole list is replaced.

        Args:
            recommend_channels: 1 to 3, with `channel_id` and `introduce`.
            announces_type: for members or as a welcome.

        https://bot.q.qq.com/wiki/develop/api-v2/server-inter/channel/content/announces/post_guild_announces.html
        """
        body = {
            "announces_type": chosen("announces_type", announces_type, AnnouncesType),
            "recommend_channels": _recommended(recommend_channels),
        }
        return self._call_for(Announces, "POST", _of_guild(guild_id), body=body, timeout=timeout)

    @endpoint("DELETE", "/guilds/{guild_id}/announces/{message_id}", group="announces")
    def delete_announce(self, guild_id: str, message_id: str = "all", *, timeout: float = 30.0) -> None:
        """Deletes the guild's announcement.

        Args:
            message_id: the message that must still be the announcement; "all" deletes whatever it is, and is needed
                for recommended channels.

        https://bot.q.qq.com/wiki/develop/api-v2/server-inter/channel/content/announces/delete_guild_announces.html
        """
        self._call("DELETE", f"{_of_guild(guild_id)}/{quoted('message_id', message_id)}", timeout=timeout)

    @endpoint("POST", "/channels/{channel_id}/announces", group="announces", deprecated=True)
    def create_channel_announce(self, channel_id: str, message_id: str, *, timeout: float = 30.0) -> Announces:
        """Makes a message the channel's announcement. Deprecated by the platform since 2022-03-15: use `put_pin`.

        https://bot.q.qq.com/wiki/develop/api-v2/server-inter/channel/content/announces/post_channel_announces.html
        """
        body = {"message_id": checked_id("message_id", message_id)}
        return self._call_for(Announces, "POST", _of_channel(channel_id), body=body, timeout=timeout)

    @endpoint("DELETE", "/channels/{channel_id}/announces/{message_id}", group="announces", deprecated=True)
    def delete_channel_announce(self, channel_id: str, message_id: str = "all", *, timeout: float = 30.0) -> None:
        """Deletes the channel's announcement. Deprecated by the platform since 2022-03-15: use `delete_pin`.

        Args:
            message_id: the message that must still be the announcement; "all" deletes whatever it is.

        https://bot.q.qq.com/wiki/develop/api-v2/server-inter/channel/content/announces/delete_channel_announces.html
        """
        self._call("DELETE", f"{_of_channel(channel_id)}/{quoted('message_id', message_id)}", timeout=timeout)


def _of_guild(guild_id: str) -> str:
    return f"/guilds/{quoted('guild_id', guild_id)}/announces"


def _of_channel(channel_id: str) -> str:
    return f"/channels/{quoted('channel_id', channel_id)}/announces"


def _recommended(channels: object) -> list[Object]:
    name = "recommend_channels"
    if isinstance(channels, (str, bytes, Mapping)) or not isinstance(channels, Iterable):
        raise TypeError(f"{name} 必须是列表 / {name} must be a list, not {channels!r}")
    found = list(channels)
    if not 1 <= len(found) <= _MOST_RECOMMENDED:
        raise ValueError(
            f"{name} 需要 1 到 {_MOST_RECOMMENDED} 个 / "
            f"{name} must hold from 1 to {_MOST_RECOMMENDED} of them, not {len(found)}"
        )
    for one in found:
        if isinstance(one, RecommendChannel):
            checked_id(f"{name}.channel_id", one.channel_id)
        elif isinstance(one, Mapping):
            checked_id(f"{name}.channel_id", one.get("channel_id"))
        else:
            raise TypeError(f"{name} 的元素必须是 RecommendChannel / {name} must hold RecommendChannel, not {one!r}")
    return found
