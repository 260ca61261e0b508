"""What members and roles may do in a channel.

https://bot.q.qq.com/wiki/develop/api-v2/server-inter/channel/role-group/channel_permissions/model.html
"""

from __future__ import annotations

from qqbot_sync.api.checks import at_least_one
from qqbot_sync.api.endpoint import endpoint
from qqbot_sync.api.resource import Resource, quoted
from qqbot_sync.models import ChannelPermissions, PermissionBits

__all__ = ["ChannelPermissionCalls"]

Bits = PermissionBits | int | str
"""A bit mask: flags, a number, or the platform's decimal text."""


class ChannelPermissionCalls(Resource):
    """`/channels/{channel_id}/…/permissions`; the bot must be an admin. Thread-safe; errors and `timeout` as in
    `Resource`."""

    @endpoint("GET", "/channels/{channel_id}/members/{user_id}/permissions", group="channel permissions")
    def get_channel_user_permissions(
        self, channel_id: str, user_id: str, *, timeout: float = 30.0
    ) -> ChannelPermissions:
        """What a member may do in a channel; rights of their roles come on top.

        https://bot.q.qq.com/wiki/develop/api-v2/server-inter/channel/role-group/channel_permissions/get_channel_permissions.html
        """
        return self._call_for(ChannelPermissions, "GET", _of_user(channel_id, user_id), timeout=timeout)

    @endpoint("PUT", "/channels/{channel_id}/members/{user_id}/permissions", group="channel permissions")
    def update_channel_user_permissions(
        self,
        channel_id: str,
        user_id: str,
        *,
        add: Bits | None = None,
        remove: Bits | None = None,
        timeout: float = 30.0,
    ) -> None:
        """Gives a member rights in a channel, or takes them away.

        Args:
            add: the rights to give; never `PermissionBits.MANAGE`, which cannot be changed.
            remove: the rights to take; a right in both is taken.

        https://bot.q.qq.com/wiki/develop/api-v2/server-inter/channel/role-group/channel_permissions/put_channel_permissions.html
        """
        body = at_least_one(add=_bits("add", add), remove=_bits("remove", remove))
        self._call("PUT", _of_user(channel_id, user_id), body=body, timeout=timeout)

    @endpoint("GET", "/channels/{channel_id}/roles/{role_id}/permissions", group="channel permissions")
    def get_channel_role_permissions(
        self, channel_id: str, role_id: str, *, timeout: float = 30.0
    ) -> ChannelPermissions:
        """What a role may do in a channel.

        https://bot.q.qq.com/wiki/develop/api-v2/server-inter/channel/role-group/channel_permissions/get_channel_roles_permissions.html
        """
        return self._call_for(ChannelPermissions, "GET", _of_role(channel_id, role_id), timeout=timeout)

    @endpoint("PUT", "/channels/{channel_id}/roles/{role_id}/permissions", group="channel permissions")
    def update_channel_role_permissions(
        self,
        channel_id: str,
        role_id: str,
        *,
        add: Bits | None = None,
        remove: Bits | None = None,
        timeout: float = 30.0,
    ) -> None:
        """Gives a role rights in a channel, or takes them away; `add` and `remove` as in
        `update_channel_user_permissions`.

        https://bot.q.qq.com/wiki/develop/api-v2/server-inter/channel/role-group/channel_permissions/put_channel_roles_permissions.html
        """
        body = at_least_one(add=_bits("add", add), remove=_bits("remove", remove))
        self._call("PUT", _of_role(channel_id, role_id), body=body, timeout=timeout)


def _of_user(channel_id: str, user_id: str) -> str:
    return f"/channels/{quoted('channel_id', channel_id)}/members/{quoted('user_id', user_id)}/permissions"


def _of_role(channel_id: str, role_id: str) -> str:
    return f"/channels/{quoted('channel_id', channel_id)}/roles/{quoted('role_id', role_id)}/permissions"


def _bits(name: str, value: Bits | None) -> str | None:
    if value is None:
        return None
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 20:
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{name} 必须是 PermissionBits 或数字 / {name} must be PermissionBits or a number: {value!r}")
    if value <= 0:
        raise ValueError(f"{name} 至少要有一个权限位 / {name} must have at least one bit, not {int(value)}")
    if value & PermissionBits.MANAGE:
        raise ValueError(
            f"{name} 不能包含管理权限(位 2),平台不允许修改 / "
            f"{name} must not hold the right to manage (bit 2), the platform does not change it"
        )
    return str(int(value))
