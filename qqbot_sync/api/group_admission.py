"""Who is let into a group, and who may speak in it. The bot must be an admin of the group.

https://bot.q.qq.com/wiki/develop/api-v2/server-inter/group/manage/event.html
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from qqbot_sync.api.checks import chosen, given, id_list, text, whole, yes_no
from qqbot_sync.api.endpoint import endpoint
from qqbot_sync.api.paging import pages
from qqbot_sync.api.resource import Resource, quoted
from qqbot_sync.api.times import future
from qqbot_sync.models import GroupJoinRequest, JoinRequestPage, RestrictChatSetting

__all__ = ["GroupAdmissionCalls"]

MOST_MUTED = 10
"""Members that one call may mute."""
LONGEST_MUTE = timedelta(days=30)


class GroupAdmissionCalls(Resource):
    """Requests to join, and mutes. Thread-safe.

    Every call raises ApiError when the platform refuses (a 5xx with a code: the bot is no admin of the group),
    ConnectionFailed when it cannot be reached, and TypeError or ValueError for bad arguments before anything is sent.
    `timeout` is in seconds, retries included.
    """

    @endpoint("GET", "/v2/groups/{group_openid}/join_request_list", group="group management")
    def get_group_join_requests(
        self, group_openid: str, *, cursor: str | None = None, limit: int | None = None, timeout: float = 30.0
    ) -> JoinRequestPage:
        """One page of the requests to join.

        Args:
            cursor: `next_cursor` of the page before; None for the first.
            limit: 1 to 100, of which the platform may give only 50; None: its 20.
        """
        query = given(
            cursor=None if cursor is None else text("cursor", cursor),
            limit=None if limit is None else whole("limit", limit, 1, 100),
        )
        path = f"{_group(group_openid)}/join_request_list"
        return self._call_for(JoinRequestPage, "GET", path, query=query, timeout=timeout)

    def iter_group_join_requests(self, group_openid: str, *, timeout: float = 30.0) -> Iterator[GroupJoinRequest]:
        """Every request to join; `timeout` is for each page. Errors as `get_group_join_requests`."""
        for page in pages(lambda cursor: self.get_group_join_requests(group_openid, cursor=cursor, timeout=timeout)):
            yield from page.list

    @endpoint("POST", "/v2/groups/{group_openid}/approval_join_request/{member_openid}", group="group management")
    def answer_group_join_request(
        self,
        group_openid: str,
        member_openid: str,
        op: str,
        *,
        join_request_id: str | None = None,
        reject_reason: str | None = None,
        add_to_member_blacklist: bool | None = None,
        timeout: float = 30.0,
    ) -> None:
        """Lets somebody in, or not.

        Args:
            op: `approve` or `decline`.
            join_request_id: of the request, as the event or the list told it.
            reject_reason: what they are told; with `decline` only.
            add_to_member_blacklist: keeps them from asking again; with `decline` only.
        """
        chosen("op", op, ("approve", "decline"))
        for name, value in (("reject_reason", reject_reason), ("add_to_member_blacklist", add_to_member_blacklist)):
            if op == "approve" and value is not None:
                raise ValueError(f"{name} 只能与 op='decline' 一起使用 / {name} goes with op='decline' only")
        extra = given(
            join_request_id=None if join_request_id is None else text("join_request_id", join_request_id),
            reject_reason=None if reject_reason is None else text("reject_reason", reject_reason),
            add_to_member_blacklist=None
            if add_to_member_blacklist is None
            else yes_no("add_to_member_blacklist", add_to_member_blacklist),
        )
        path = f"{_group(group_openid)}/approval_join_request/{quoted('member_openid', member_openid)}"
        self._call("POST", path, body={"op": op, **extra}, timeout=timeout)

    approval_join_request = answer_group_join_request
    """The platform's name of `answer_group_join_request`."""

    @endpoint("GET", "/v2/groups/{group_openid}/restrict_chat_setting", group="group management")
    def get_group_mutes(self, group_openid: str, *, timeout: float = 30.0) -> RestrictChatSetting:
        """Who may not speak: the rule for the whole group, and the members that are muted."""
        path = f"{_group(group_openid)}/restrict_chat_setting"
        return self._call_for(RestrictChatSetting, "GET", path, timeout=timeout)

    get_restrict_chat_setting = get_group_mutes
    """The platform's name of `get_group_mutes`."""

    @endpoint("POST", "/v2/groups/{group_openid}/restrict_chat_setting", group="group management")
    def mute_group_members(
        self,
        group_openid: str,
        member_openids: Sequence[str],
        *,
        until: datetime | str,
        op: str = "add",
        timeout: float = 30.0,
    ) -> None:
        """Mutes members; not the owner, admins or bots. The rule for the whole group can only be read.

        Args:
            member_openids: 1 to 10.
            until: when it ends: an aware datetime or RFC 3339 text, at most 30 days ahead.
            op: `add`, or `update` for members that are muted already.
        """
        chosen("op", op, ("add", "update"))
        end = future("until", until, now=self._caller.clock.wall(), most=LONGEST_MUTE)
        self._set_mutes(group_openid, op, member_openids, end, timeout)

    @endpoint("POST", "/v2/groups/{group_openid}/restrict_chat_setting", group="group management")
    def unmute_group_members(self, group_openid: str, member_openids: Sequence[str], *, timeout: float = 30.0) -> None:
        """Lets muted members speak again.

        Args:
            member_openids: 1 to 10.
        """
        self._set_mutes(group_openid, "del", member_openids, "", timeout)

    def _set_mutes(self, group_openid: str, op: str, member_openids: Sequence[str], end: str, timeout: float) -> None:
        members: list[dict[str, Any]] = [
            {"op": op, "member_openid": openid, "mute_expire_at": end}
            for openid in id_list("member_openids", member_openids, most=MOST_MUTED)
        ]
        path = f"{_group(group_openid)}/restrict_chat_setting"
        self._call("POST", path, body={"members": members}, timeout=timeout)


def _group(group_openid: str) -> str:
    return f"/v2/groups/{quoted('group_openid', group_openid)}"
