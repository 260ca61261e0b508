"""Which calls a guild lets the bot make.

https://bot.q.qq.com/wiki/develop/api-v2/server-inter/channel/api_permissions/model.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from qqbot_sync.api.checks import chosen, text
from qqbot_sync.api.endpoint import endpoint
from qqbot_sync.api.resource import Resource, checked_id, quoted
from qqbot_sync.models import APIIdentify, APIPermission, APIPermissionDemand

__all__ = ["APIPermissionCalls"]

_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


class APIPermissionCalls(Resource):
    """`/guilds/{guild_id}/api_permission`. Thread-safe; errors and `timeout` as in `Resource`."""

    @endpoint("GET", "/guilds/{guild_id}/api_permission", group="api permission")
    def get_permissions(self, guild_id: str, *, timeout: float = 30.0) -> list[APIPermission]:
        """The calls of the API, and for each whether the guild has allowed it.

        https://bot.q.qq.com/wiki/develop/api-v2/server-inter/channel/api_permissions/get_guild_api_permission.html
        """
        path = f"/guilds/{quoted('guild_id', guild_id)}/api_permission"
        return self._call_for_list(APIPermission, "GET", path, inside="apis", timeout=timeout)

    @endpoint("POST", "/guilds/{guild_id}/api_permission/demand", group="api permission")
    def post_permission_demand(
        self,
        guild_id: str,
        channel_id: str,
        *,
        api_identify: APIIdentify | Mapping[str, Any],
        desc: str,
        timeout: float = 30.0,
    ) -> APIPermissionDemand:
        """Asks the guild's owner, by a card in a channel, to allow a call; 3 times a day in each guild.

        Args:
            api_identify: the call: `path` with its variables, e.g. `/guilds/{guild_id}/members`, and `method`.
            desc: what it is wanted for.

        https://bot.q.qq.com/wiki/develop/api-v2/server-inter/channel/api_permissions/post_api_permission_demand.html
        """
        body = {
            "channel_id": checked_id("channel_id", channel_id),
            "api_identify": _identified(api_identify),
            "desc": text("desc", desc),
        }
        path = f"/guilds/{quoted('guild_id', guild_id)}/api_permission/demand"
        return self._call_for(APIPermissionDemand, "POST", path, body=body, timeout=timeout)


def _identified(call: APIIdentify | Mapping[str, Any]) -> dict[str, str]:
    if isinstance(call, APIIdentify):
        path, method = call.path, call.method
    elif isinstance(call, Mapping):
        path, method = call.get("path"), call.get("method")
    else:
        raise TypeError(f"api_identify 必须是 APIIdentify / api_identify must be an APIIdentify, not {call!r}")
    template = text("api_identify.path", path)
    if not template.startswith("/"):
        raise ValueError(
            f'api_identify.path 必须是模板路径,例如 "/guilds/{{guild_id}}/members" / '
            f'api_identify.path must be a path like "/guilds/{{guild_id}}/members", not {template!r}'
        )
    verb = method.upper() if isinstance(method, str) else method
    return {"path": template, "method": chosen("api_identify.method", verb, _METHODS)}
