"""Roles of guilds, and who has them.

https://bot.q.qq.com/wiki/develop/api-v2/server-inter/channel/role/member/role_model.html
"""

from __future__ import annotations

from typing import Any

from qqbot_sync.api.checks import at_least_one, text, whole, yes_no
from qqbot_sync.api.endpoint import endpoint
from qqbot_sync.api.resource import Resource, checked_id, quoted
from qqbot_sync.models import RoleChange, RoleList

__all__ = ["RoleCalls"]

_CHANNEL_ADMIN = "5"
"""The one role that is held in a channel, not in the guild."""


class RoleCalls(Resource):
    """`/guilds/{guild_id}/roles`; writing needs a bot that is an admin. Thread-safe; errors and `timeout` as in
    `Resource`."""

    @endpoint("GET", "/guilds/{guild_id}/roles", group="roles")
    def get_guild_roles(self, guild_id: str, *, timeout: float = 30.0) -> RoleList:
        """The roles of a guild.

        https://bot.q.qq.com/wiki/develop/api-v2/server-inter/channel/role-group/get_guild_roles.html
        """
        return self._call_for(RoleList, "GET", f"/guilds/{quoted('guild_id', guild_id)}/roles", timeout=timeout)

    @endpoint("POST", "/guilds/{guild_id}/roles", group="roles")
    def create_guild_role(
        self,
        guild_id: str,
        *,
        name: str | None = None,
        color: int | None = None,
        hoist: bool | None = None,
        timeout: float = 30.0,
    ) -> RoleChange:
        """Creates a role; give at least one of its properties.

        Args:
            color: ARGB, e.g. 0xFFFF3B42.
            hoist: whether its members are listed apart.

        https://bot.q.qq.com/wiki/develop/api-v2/server-inter/channel/role-group/post_guild_role.html
        """
        path = f"/guilds/{quoted('guild_id', guild_id)}/roles"
        body = _properties(name=name, color=color, hoist=hoist)
        return self._call_for(RoleChange, "POST", path, body=body, timeout=timeout)

    @endpoint("PATCH", "/guilds/{guild_id}/roles/{role_id}", group="roles")
    def update_guild_role(
        self,
        guild_id: str,
        role_id: str,
        *,
        name: str | None = None,
        color: int | None = None,
        hoist: bool | None = None,
        timeout: float = 30.0,
    ) -> RoleChange:
        """Changes what is given of a role; arguments as `create_guild_role`.

        https://bot.q.qq.com/wiki/develop/api-v2/server-inter/channel/role-group/patch_guild_role.html
        """
        path = f"/guilds/{quoted('guild_id', guild_id)}/roles/{quoted('role_id', role_id)}"
        body = _properties(name=name, color=color, hoist=hoist)
        return self._call_for(RoleChange, "PATCH", path, body=body, timeout=timeout)

    @endpoint("DELETE", "/guilds/{guild_id}/roles/{role_id}", group="roles")
    def delete_guild_role(self, guild_id: str, role_id: str, *, timeout: float = 30.0) -> None:
        """Deletes a role.

        https://bot.q.qq.com/wiki/develop/api-v2/server-inter/channel/role-group/delete_guild_role.html
        """
        path = f"/guilds/{quoted('guild_id', guild_id)}/roles/{quoted('role_id', role_id)}"
        self._call("DELETE", path, timeout=timeout)

    @endpoint("PUT", "/guilds/{guild_id}/members/{user_id}/roles/{role_id}", group="roles")
    def create_guild_role_member(
        self, guild_id: str, role_id: str, user_id: str, *, channel_id: str | None = None, timeout: float = 30.0
    ) -> None:
        """Gives a member a role.

        Args:
            channel_id: the channel to be admin of; needed with role "5" (channel admin).

        https://bot.q.qq.com/wiki/develop/api-v2/server-inter/channel/role-group/put_guild_member_role.html
        """
        path, body = _membership(guild_id, role_id, user_id, channel_id)
        self._call("PUT", path, body=body, timeout=timeout)

    @endpoint("DELETE", "/guilds/{guild_id}/members/{user_id}/roles/{role_id}", group="roles")
    def delete_guild_role_member(
        self, guild_id: str, role_id: str, user_id: str, *, channel_id: str | None = None, timeout: float = 30.0
    ) -> None:
        """Takes a role from a member; arguments as `create_guild_role_member`.

        https://bot.q.qq.com/wiki/develop/api-v2/server-inter/channel/role-group/delete_guild_member_role.html
        """
        path, body = _membership(guild_id, role_id, user_id, channel_id)
        self._call("DELETE", path, body=body, timeout=timeout)


def _properties(*, name: str | None, color: int | None, hoist: bool | None) -> dict[str, Any]:
    return at_least_one(
        name=None if name is None else text("name", name),
        color=None if color is None else whole("color", color, 0, 2**32 - 1),
        hoist=None if hoist is None else int(yes_no("hoist", hoist)),
    )


def _membership(guild_id: str, role_id: str, user_id: str, channel_id: str | None) -> tuple[str, dict[str, Any] | None]:
    guild, user, role = quoted("guild_id", guild_id), quoted("user_id", user_id), quoted("role_id", role_id)
    if role == _CHANNEL_ADMIN and channel_id is None:
        raise ValueError(
            '身份组 "5"(子频道管理员)需要 channel_id / role "5" (channel admin) needs channel_id, the channel it is for'
        )
    body = None if channel_id is None else {"channel": {"id": checked_id("channel_id", channel_id)}}
    return f"/guilds/{guild}/members/{user}/roles/{role}", body
