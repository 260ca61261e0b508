"""Muting members of guilds.

https://bot.q.qq.com/wiki/develop/api-v2/server-inter/channel/speak/patch_guild_mute.html
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from qqbot_sync.api.checks import id_list, unix_time, whole
from qqbot_sync.api.endpoint import endpoint
from qqbot_sync.api.resource import Resource, quoted, unreadable

__all__ = ["MuteCalls"]

_MOST_AT_ONCE = 10
_LONGEST = 2**31 - 1


class MuteCalls(Resource):
    """Muting in guilds; the bot must be an admin, and admins cannot be muted. Thread-safe; errors and `timeout` as in
    `Resource`.

    How long, in all these calls: `mute_seconds` from now, or until `mute_end_timestamp` (unix seconds or an aware
    datetime); one of the two.
    """

    @endpoint("PATCH", "/guilds/{guild_id}/mute", group="mute")
    def mute_all(
        self,
        guild_id: str,
        *,
        mute_seconds: int | str | None = None,
        mute_end_timestamp: int | str | datetime | None = None,
        timeout: float = 30.0,
    ) -> None:
        """Mutes everybody but the admins.

        Args:
            mute_seconds: seconds from now, at least 1.
            mute_end_timestamp: when it ends: unix seconds or an aware datetime.

        https://bot.q.qq.com/wiki/develop/api-v2/server-inter/channel/speak/patch_guild_mute.html
        """
        body = self._how_long(mute_seconds, mute_end_timestamp)
        self._call("PATCH", _of_guild(guild_id), body=body, timeout=timeout)

    @endpoint("PATCH", "/guilds/{guild_id}/mute", group="mute")
    def cancel_mute_all(self, guild_id: str, *, timeout: float = 30.0) -> None:
        """Ends `mute_all`.

        https://bot.q.qq.com/wiki/develop/api-v2/server-inter/channel/speak/patch_guild_mute.html
        """
        self._call("PATCH", _of_guild(guild_id), body={"mute_seconds": "0"}, timeout=timeout)

    @endpoint("PATCH", "/guilds/{guild_id}/mute", group="mute")
    def mute_multi_member(
        self,
        guild_id: str,
        user_ids: Sequence[str],
        *,
        mute_seconds: int | str | None = None,
        mute_end_timestamp: int | str | datetime | None = None,
        timeout: float = 30.0,
    ) -> list[str]:
        """Mutes 1 to 10 members; gives the ids of those for whom it worked.

        Args:
            mute_seconds: seconds from now, at least 1.
            mute_end_timestamp: when it ends: unix seconds or an aware datetime.

        https://bot.q.qq.com/wiki/develop/api-v2/server-inter/channel/speak/patch_guild_mute_multi_member.html
        """
        body = self._how_long(mute_seconds, mute_end_timestamp)
        return self._mute_several(guild_id, user_ids, body, timeout=timeout)

    @endpoint("PATCH", "/guilds/{guild_id}/mute", group="mute")
    def cancel_mute_multi_member(self, guild_id: str, user_ids: Sequence[str], *, timeout: float = 30.0) -> list[str]:
        """Lets 1 to 10 members speak again; gives the ids of those for whom it worked.

        https://bot.q.qq.com/wiki/develop/api-v2/server-inter/channel/speak/patch_guild_mute_multi_member.html
        """
        return self._mute_several(guild_id, user_ids, {"mute_seconds": "0"}, timeout=timeout)

    @endpoint("PATCH", "/guilds/{guild_id}/members/{user_id}/mute", group="mute")
    def mute_member(
        self,
        guild_id: str,
        user_id: str,
        *,
        mute_seconds: int | str | None = None,
        mute_end_timestamp: int | str | datetime | None = None,
        timeout: float = 30.0,
    ) -> None:
        """Mutes one member.

        Args:
            mute_seconds: seconds from now, at least 1.
            mute_end_timestamp: when it ends: unix seconds or an aware datetime.

        https://bot.q.qq.com/wiki/develop/api-v2/server-inter/channel/speak/patch_guild_member_mute.html
        """
        body = self._how_long(mute_seconds, mute_end_timestamp)
        self._call("PATCH", _of_member(guild_id, user_id), body=body, timeout=timeout)

    @endpoint("PATCH", "/guilds/{guild_id}/members/{user_id}/mute", group="mute")
    def cancel_mute_member(self, guild_id: str, user_id: str, *, timeout: float = 30.0) -> None:
        """Lets one member speak again.

        https://bot.q.qq.com/wiki/develop/api-v2/server-inter/channel/speak/patch_guild_member_mute.html
        """
        self._call("PATCH", _of_member(guild_id, user_id), body={"mute_seconds": "0"}, timeout=timeout)

    def _mute_several(
        self, guild_id: str, user_ids: Sequence[str], body: dict[str, str], *, timeout: float
    ) -> list[str]:
        path = _of_guild(guild_id)
        sent: dict[str, Any] = {**body, "user_ids": id_list("user_ids", user_ids, most=_MOST_AT_ONCE)}
        answer = self._caller.call("PATCH", path, body=sent, timeout=timeout)
        done = answer.data.get("user_ids") if isinstance(answer.data, dict) else None
        if done is None and answer.data == {}:
            return []
        if not isinstance(done, list):
            raise unreadable(answer, "PATCH", path)
        return [str(one) for one in done]

    def _how_long(
        self, mute_seconds: int | str | None, mute_end_timestamp: int | str | datetime | None
    ) -> dict[str, str]:
        if (mute_seconds is None) is (mute_end_timestamp is None):
            raise ValueError(
                "mute_seconds 与 mute_end_timestamp 必须且只能给一个 / "
                "give either mute_seconds or mute_end_timestamp, and only one of them"
            )
        if mute_end_timestamp is not None:
            end, now = unix_time("mute_end_timestamp", mute_end_timestamp), self._caller.clock.wall()
            if end <= now:
                raise ValueError(
                    f"mute_end_timestamp 已经过去 {now - end:.0f} 秒;解除禁言请用 cancel_mute_… / "
                    f"mute_end_timestamp lies {now - end:.0f} s in the past; to end a mute use cancel_mute_…"
                )
            return {"mute_end_timestamp": str(end)}
        if isinstance(mute_seconds, str) and mute_seconds.isascii() and mute_seconds.isdigit():
            mute_seconds = int(mute_seconds[:20])
        if mute_seconds == 0:
            raise ValueError(
                "mute_seconds 至少为 1;解除禁言请用 cancel_mute_… / "
                "mute_seconds must be at least 1; to end a mute use cancel_mute_…"
            )
        return {"mute_seconds": str(whole("mute_seconds", mute_seconds, 1, _LONGEST))}


def _of_guild(guild_id: str) -> str:
    return f"/guilds/{quoted('guild_id', guild_id)}/mute"


def _of_member(guild_id: str, user_id: str) -> str:
    return f"/guilds/{quoted('guild_id', guild_id)}/members/{quoted('user_id', user_id)}/mute"
