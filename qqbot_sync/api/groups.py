"""QQ groups: what they are, who is in them, and who must stay out.

https://bot.q.qq.com/wiki/develop/api-v2/server-inter/group/manage/event.html
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from qqbot_sync.api.checks import chosen, given, id_list, text, whole, yes_no
from qqbot_sync.api.endpoint import endpoint
from qqbot_sync.api.paging import pages
from qqbot_sync.api.resource import Resource, quoted
from qqbot_sync.models import (
    BlacklistEdit,
    BlacklistedUser,
    BlacklistPage,
    BotState,
    GroupInfo,
    GroupMember,
    GroupMemberPage,
    GroupMembersRemoved,
)

__all__ = ["GroupCalls"]

MOST_MEMBERS = 20
"""Members that one call may remove, or put on the black list."""
OPERATIONS = ("add", "del")


class GroupCalls(Resource):
    """`/v2/groups/{group_openid}`. Thread-safe.

    Every call raises ApiError when the platform refuses (11253: the bot is not on the platform's list for this call; a
    5xx with a code: it is no admin of the group), ConnectionFailed when it cannot be reached, and TypeError or
    ValueError for bad arguments before anything is sent. `timeout` is in seconds, retries included.
    """

    @endpoint("GET", "/v2/groups/{group_openid}/info", group="group management")
    def get_group_info(self, group_openid: str, *, timeout: float = 30.0) -> GroupInfo:
        """Name, description, tags and size of a group. Needs the platform's approval."""
        return self._call_for(GroupInfo, "GET", f"{_group(group_openid)}/info", timeout=timeout)

    @endpoint("GET", "/v2/groups/{group_openid}/bot_state", group="group management")
    def get_group_bot_state(self, group_openid: str, *, timeout: float = 30.0) -> BotState:
        """What the bot is in a group, and which messages it gets there. Needs the platform's approval."""
        return self._call_for(BotState, "GET", f"{_group(group_openid)}/bot_state", timeout=timeout)

    @endpoint("GET", "/v2/groups/{group_openid}/members", group="group management")
    def get_group_members(
        self, group_openid: str, *, cursor: str | None = None, timeout: float = 30.0
    ) -> GroupMemberPage:
        """One page of at most 30 members. Needs the platform's approval.

        Args:
            cursor: `next_cursor` of the page before; None for the first.
        """
        path = f"{_group(group_openid)}/members"
        return self._call_for(GroupMemberPage, "GET", path, query=_cursor(cursor), timeout=timeout)

    def iter_group_members(self, group_openid: str, *, timeout: float = 30.0) -> Iterator[GroupMember]:
        """Every member, page after page; `timeout` is for each page. Errors as `get_group_members`."""
        for page in pages(lambda cursor: self.get_group_members(group_openid, cursor=cursor, timeout=timeout)):
            yield from page.members

    @endpoint("GET", "/v2/groups/{group_openid}/members/{member_openid}", group="group management")
    def get_group_member(self, group_openid: str, member_openid: str, *, timeout: float = 30.0) -> GroupMember:
        """One member. Needs the platform's approval."""
        path = f"{_group(group_openid)}/members/{quoted('member_openid', member_openid)}"
        return self._call_for(GroupMember, "GET", path, timeout=timeout)

    @endpoint("POST", "/v2/groups/{group_id}/members", group="group management", legacy=True)
    def post_group_members(
        self,
        group_openid: str,
        *,
        limit: int | None = None,
        start_index: int | None = None,
        timeout: float = 30.0,
    ) -> GroupMemberPage:
        """The old list of members. Legacy: never public, and superseded by `get_group_members`.

        Args:
            limit: 1 to 500.
            start_index: `next_index` of the page before.
        """
        body = given(
            limit=None if limit is None else whole("limit", limit, 1, 500),
            start_index=None if start_index is None else whole("start_index", start_index, 0, 2**31 - 1),
        )
        return self._call_for(GroupMemberPage, "POST", f"{_group(group_openid)}/members", body=body, timeout=timeout)

    @endpoint("POST", "/v2/groups/{group_openid}/batch_remove_members", group="group management")
    def remove_group_members(
        self,
        group_openid: str,
        member_openids: Sequence[str],
        *,
        add_to_member_blacklist: bool = False,
        timeout: float = 30.0,
    ) -> GroupMembersRemoved:
        """Removes members; the bot must be an admin.

        Args:
            member_openids: 1 to 20.
            add_to_member_blacklist: keeps them from coming back.
        """
        body = {
            "member_openids": id_list("member_openids", member_openids, most=MOST_MEMBERS),
            "add_to_member_blacklist": yes_no("add_to_member_blacklist", add_to_member_blacklist),
        }
        path = f"{_group(group_openid)}/batch_remove_members"
        return self._call_for(GroupMembersRemoved, "POST", path, body=body, timeout=timeout)

    batch_remove_members = remove_group_members
    """The platform's name of `remove_group_members`."""

    @endpoint("GET", "/v2/groups/{group_openid}/member_blacklist", group="group management")
    def get_group_blacklist(
        self, group_openid: str, *, cursor: str | None = None, limit: int | None = None, timeout: float = 30.0
    ) -> BlacklistPage:
        """One page of the black list; the bot must be an admin.

        Args:
            cursor: `next_cursor` of the page before; None for the first.
            limit: 1 to 100; None: the platform's 20.
        """
        path = f"{_group(group_openid)}/member_blacklist"
        return self._call_for(BlacklistPage, "GET", path, query=_cursor(cursor, limit, 100), timeout=timeout)

    def iter_group_blacklist(self, group_openid: str, *, timeout: float = 30.0) -> Iterator[BlacklistedUser]:
        """Everybody on the black list; `timeout` is for each page. Errors as `get_group_blacklist`."""
        fetch = lambda cursor: self.get_group_blacklist(  # noqa: E731
            group_openid, cursor=cursor, limit=100, timeout=timeout
        )
        for page in pages(fetch):
            yield from page.users

    @endpoint("POST", "/v2/groups/{group_openid}/member_blacklist", group="group management")
    def update_group_blacklist(
        self, group_openid: str, op: str, member_openids: Sequence[str], *, timeout: float = 30.0
    ) -> BlacklistEdit:
        """Puts users on the black list, or takes them off it; the bot must be an admin.

        Args:
            op: `add` (users who are not in the group only) or `del`.
            member_openids: 1 to 20.
        """
        body = {
            "op": chosen("op", op, OPERATIONS),
            "member_openids": id_list("member_openids", member_openids, most=MOST_MEMBERS),
        }
        path = f"{_group(group_openid)}/member_blacklist"
        return self._call_for(BlacklistEdit, "POST", path, body=body, timeout=timeout)


def _group(group_openid: str) -> str:
    return f"/v2/groups/{quoted('group_openid', group_openid)}"


def _cursor(cursor: str | None, limit: int | None = None, most: int = 0) -> dict[str, object]:
    return given(
        cursor=None if cursor is None else text("cursor", cursor),
        limit=None if limit is None else whole("limit", limit, 1, most),
    )
