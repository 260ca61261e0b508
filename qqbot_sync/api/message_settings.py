"""How much a guild lets the bot speak.

https://bot.q.qq.com/wiki/develop/api-v2/server-inter/channel/speak/setting/model.html
"""

from __future__ import annotations

from collections.abc import Sequence

from qqbot_sync.api.checks import id_list
from qqbot_sync.api.endpoint import endpoint
from qqbot_sync.api.resource import Resource, checked_id, quoted
from qqbot_sync.models import Message, MessageSetting

__all__ = ["MessageSettingCalls"]

_MOST_MENTIONED = 100


class MessageSettingCalls(Resource):
    """Message settings of a guild. Thread-safe; errors and `timeout` as in `Resource`."""

    @endpoint("GET", "/guilds/{guild_id}/message/setting", group="message setting")
    def get_message_setting(self, guild_id: str, *, timeout: float = 30.0) -> MessageSetting:
        """What the guild has set for messages of bots.

        https://bot.q.qq.com/wiki/develop/api-v2/server-inter/channel/speak/setting/message_setting.html
        """
        path = f"/guilds/{quoted('guild_id', guild_id)}/message/setting"
        return self._call_for(MessageSetting, "GET", path, timeout=timeout)

    @endpoint("POST", "/channels/{channel_id}/settingguide", group="message setting", legacy=True)
    def post_setting_guide(self, channel_id: str, user_ids: Sequence[str], *, timeout: float = 30.0) -> Message:
        """Asks admins, who are mentioned, to open the settings. Legacy: not in the platform's documents.

        Args:
            user_ids: whom to mention; 1 to 100.
        """
        mentions = "".join(f"<@{id_}>" for id_ in id_list("user_ids", user_ids, most=_MOST_MENTIONED))
        path = f"/channels/{quoted('channel_id', channel_id)}/settingguide"
        return self._call_for(Message, "POST", path, body={"content": mentions}, inside="message", timeout=timeout)

    @endpoint("POST", "/dms/{guild_id}/settingguide", group="message setting", legacy=True)
    def post_dms_setting_guide(self, guild_id: str, jump_guild_id: str, *, timeout: float = 30.0) -> Message:
        """Asks in a guild DM to open the settings. Legacy: not in the platform's documents.

        Args:
            guild_id: of the DM, not of the guild it began in.
            jump_guild_id: the guild whose settings are meant.
        """
        path = f"/dms/{quoted('guild_id', guild_id)}/settingguide"
        body = {"setting_guide": {"guild_id": checked_id("jump_guild_id", jump_guild_id)}}
        return self._call_for(Message, "POST", path, body=body, inside="message", timeout=timeout)
