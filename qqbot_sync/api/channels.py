"""Channels of guilds.

https://bot.q.qq.com/wiki/develop/api-v2/server-inter/channel/manage/channel/model.html
"""

from __future__ import annotations

from collections.abc import Sequence

from qqbot_sync.api.checks import at_least_one, chosen, given, id_list, text, whole
from qqbot_sync.api.endpoint import endpoint
from qqbot_sync.api.resource import Resource, checked_id, quoted, unreadable
from qqbot_sync.models import Channel, ChannelSubType, ChannelType, Member, PrivateType, SpeakPermission

__all__ = ["ChannelCalls"]

_MOST = 2**31 - 1


class ChannelCalls(Resource):
    """Channels of guilds, and who is in those for voice. Thread-safe; errors and `timeout` as in `Resource`."""

    @endpoint("GET", "/guilds/{guild_id}/channels", group="channels")
    def get_channels(self, guild_id: str, *, timeout: float = 30.0) -> list[Channel]:
        """All channels of a guild, categories included.

        https://bot.q.qq.com/wiki/develop/api-v2/server-inter/channel/manage/channel/get_channels.html
        """
        path = f"/guilds/{quoted('guild_id', guild_id)}/channels"
        return self._call_for_list(Channel, "GET", path, inside="channels", timeout=timeout)

    @endpoint("GET", "/channels/{channel_id}", group="channels")
    def get_channel(self, channel_id: str, *, timeout: float = 30.0) -> Channel:
        """One channel.

        https://bot.q.qq.com/wiki/develop/api-v2/server-inter/channel/manage/channel/get_channel.html
        """
        return self._call_for(Channel, "GET", f"/channels/{quoted('channel_id', channel_id)}", timeout=timeout)

    @endpoint("POST", "/guilds/{guild_id}/channels", group="channels", private_only=True)
    def create_channel(
        self,
        guild_id: str,
        *,
        name: str,
        type: ChannelType | int = ChannelType.TEXT,
        sub_type: ChannelSubType | int | None = None,
        position: int | None = None,
        parent_id: str | None = None,
        private_type: PrivateType | int | None = None,
        private_user_ids: Sequence[str] | None = None,
        speak_permission: SpeakPermission | int | None = None,
        application_id: str | None = None,
        timeout: float = 30.0,
    ) -> Channel:
        """Creates a channel; fires CHANNEL_CREATE. Private-domain bots that are admins only.

        Args:
            sub_type: of a text channel; None: chat.
            position: from 1, categories from 2; None: at the end.
            parent_id: the category it stands in; None: none.
            private_type: who can see it.
            private_user_ids: who else can, with `PrivateType.ADMINS_AND_NAMED`.
            speak_permission: who may write in it.
            application_id: of an application channel, e.g. "1000050" for a schedule.

        https://bot.q.qq.com/wiki/develop/api-v2/server-inter/channel/manage/channel/post_channels.html
        """
        kind = whole("type", type, 0, _MOST)
        body = {"name": text("name", name), "type": kind} | given(
            sub_type=None if sub_type is None else whole("sub_type", sub_type, 0, _MOST),
            position=_position(position, kind),
            parent_id=None if parent_id is None else checked_id("parent_id", parent_id),
            private_type=None if private_type is None else chosen("private_type", private_type, PrivateType),
            private_user_ids=None
            if private_user_ids is None
            else id_list("private_user_ids", private_user_ids, most=_MOST),
            speak_permission=_speak(speak_permission),
            application_id=None if application_id is None else checked_id("application_id", application_id),
        )
        path = f"/guilds/{quoted('guild_id', guild_id)}/channels"
        return self._call_for(Channel, "POST", path, body=body, timeout=timeout)

    @endpoint("PATCH", "/channels/{channel_id}", group="channels", private_only=True)
    def update_channel(
        self,
        channel_id: str,
        *,
        name: str | None = None,
        position: int | None = None,
        parent_id: str | None = None,
        private_type: PrivateType | int | None = None,
        speak_permission: SpeakPermission | int | None = None,
        timeout: float = 30.0,
    ) -> Channel:
        """Changes what is given of a channel; fires CHANNEL_UPDATE. Private-domain bots that are admins only.

        Args:
            position: from 1, categories from 2.
            parent_id: the category it moves to; "0": none.

        https://bot.q.qq.com/wiki/develop/api-v2/server-inter/channel/manage/channel/patch_channel.html
        """
        body = at_least_one(
            name=None if name is None else text("name", name),
            position=_position(position, None),
            parent_id=None if parent_id is None else checked_id("parent_id", parent_id),
            private_type=None if private_type is None else chosen("private_type", private_type, PrivateType),
            speak_permission=_speak(speak_permission),
        )
        path = f"/channels/{quoted('channel_id', channel_id)}"
        return self._call_for(Channel, "PATCH", path, body=body, timeout=timeout)

    @endpoint("DELETE", "/channels/{channel_id}", group="channels", private_only=True)
    def delete_channel(self, channel_id: str, *, timeout: float = 30.0) -> None:
        """Deletes a channel for good; fires CHANNEL_DELETE. Private-domain bots that are admins only.

        https://bot.q.qq.com/wiki/develop/api-v2/server-inter/channel/manage/channel/delete_channel.html
        """
        self._call("DELETE", f"/channels/{quoted('channel_id', channel_id)}", timeout=timeout)

    @endpoint("GET", "/channels/{channel_id}/online_nums", group="channels")
    def get_online_nums(self, channel_id: str, *, timeout: float = 30.0) -> int:
        """How many people are in a voice or live channel.

        https://bot.q.qq.com/wiki/develop/api-v2/server-inter/channel/role/get_online_nums.html
        """
        path = f"/channels/{quoted('channel_id', channel_id)}/online_nums"
        answer = self._caller.call("GET", path, timeout=timeout)
        count = answer.data.get("online_nums") if isinstance(answer.data, dict) else None
        if isinstance(count, bool) or not isinstance(count, (int, str)) or not str(count).isdecimal():
            raise unreadable(answer, "GET", path)
        return int(count)

    @endpoint("GET", "/channels/{channel_id}/voice/members", group="channels", legacy=True, private_only=True)
    def get_voice_members(self, channel_id: str, *, timeout: float = 30.0) -> list[Member]:
        """Who is in a voice channel. Legacy: not in the platform's current documents. Private-domain bots only.

        Raises:
            ApiError: with code 13011, it is no voice channel.
        """
        path = f"/channels/{quoted('channel_id', channel_id)}/voice/members"
        return self._call_for_list(Member, "GET", path, inside="members", timeout=timeout)


def _position(position: int | None, kind: int | None) -> int | None:
    # A category cannot stand first: place 1 belongs to the channels outside of categories.
    return None if position is None else whole("position", position, 2 if kind == ChannelType.CATEGORY else 1, _MOST)


def _speak(permission: SpeakPermission | int | None) -> SpeakPermission | None:
    allowed = (SpeakPermission.EVERYONE, SpeakPermission.ADMINS_AND_NAMED)
    return None if permission is None else chosen("speak_permission", permission, allowed)
