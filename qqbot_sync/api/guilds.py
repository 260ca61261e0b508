"""Guilds.

https://bot.q.qq.com/wiki/develop/api-v2/server-inter/channel/manage/guild/model.html
"""

from __future__ import annotations

from qqbot_sync.api.endpoint import endpoint
from qqbot_sync.api.resource import Resource, quoted
from qqbot_sync.models import Guild

__all__ = ["GuildCalls"]


class GuildCalls(Resource):
    """`/guilds/{guild_id}`. Thread-safe; errors and `timeout` as in `Resource`."""

    @endpoint("GET", "/guilds/{guild_id}", group="guilds")
    def get_guild(self, guild_id: str, *, timeout: float = 30.0) -> Guild:
        """One guild.

        https://bot.q.qq.com/wiki/develop/api-v2/server-inter/channel/manage/guild/get_guild.html
        """
        return self._call_for(Guild, "GET", f"/guilds/{quoted('guild_id', guild_id)}", timeout=timeout)
