"""Members of guilds.

https://bot.q.qq.com/wiki/develop/api-v2/server-inter/channel/role/member/model.html
"""

from __future__ import annotations

from collections.abc import Iterator

from qqbot_sync.api.checks import chosen, whole, yes_no
from qqbot_sync.api.endpoint import endpoint
from qqbot_sync.api.resource import Resource, checked_id, quoted
from qqbot_sync.models import Member, MemberPage

__all__ = ["MemberCalls"]

_PAGE = 400
"""Members in one answer at most. The platform's default is 1."""
_HISTORY_DAYS = (-1, 0, 3, 7, 15, 30)


class MemberCalls(Resource):
    """`/guilds/{guild_id}/members` and the members of a role. Thread-safe; errors and `timeout` as in `Resource`."""

    @endpoint("GET", "/guilds/{guild_id}/members", group="members", private_only=True)
    def get_guild_members(
        self, guild_id: str, *, after: str = "0", limit: int = _PAGE, timeout: float = 30.0
    ) -> list[Member]:
        """One page of a guild's members; `iter_guild_members` gives them all. Private-domain bots only.

        Args:
            after: the last user id of the page before; "0" for the first page.
            limit: members at most, 1 to 400. A page may be shorter and still not be the last; the last one is empty.

        https://bot.q.qq.com/wiki/develop/api-v2/server-inter/channel/role/member/get_members.html
        """
        query = {"after": checked_id("after", after), "limit": whole("limit", limit, 1, _PAGE)}
        path = f"/guilds/{quoted('guild_id', guild_id)}/members"
        return self._call_for_list(Member, "GET", path, inside="members", query=query, timeout=timeout)

    def iter_guild_members(self, guild_id: str, *, limit: int = _PAGE, timeout: float = 30.0) -> Iterator[Member]:
        """All members of a guild, each once, fetched page by page while you iterate. Private-domain bots only.

        Args:
            limit: members per page, 1 to 400.
            timeout: seconds for each page.
        """
        checked_id("guild_id", guild_id)
        whole("limit", limit, 1, _PAGE)

        def pages() -> Iterator[list[Member]]:
            after = "0"
            while page := self.get_guild_members(guild_id, after=after, limit=limit, timeout=timeout):
                yield page
                last = page[-1].user.id if page[-1].user else None
                if not last or last == after:
                    return
                after = last

        return _each_once(pages())

    @endpoint("GET", "/guilds/{guild_id}/members/{user_id}", group="members")
    def get_guild_member(self, guild_id: str, user_id: str, *, timeout: float = 30.0) -> Member:
        """One member; the only call that gives `union_openid` and `union_user_account`.

        https://bot.q.qq.com/wiki/develop/api-v2/server-inter/channel/role/member/get_member.html
        """
        path = f"/guilds/{quoted('guild_id', guild_id)}/members/{quoted('user_id', user_id)}"
        return self._call_for(Member, "GET", path, timeout=timeout)

    @endpoint("DELETE", "/guilds/{guild_id}/members/{user_id}", group="members", private_only=True)
    def delete_member(
        self,
        guild_id: str,
        user_id: str,
        *,
        add_blacklist: bool = False,
        delete_history_msg_days: int = 0,
        timeout: float = 30.0,
    ) -> None:
        """Removes a member, who must not be an admin; fires GUILD_MEMBER_REMOVE. Private-domain bots that are admins
        only.

        Args:
            add_blacklist: also keep them from coming back.
            delete_history_msg_days: days whose messages of theirs are deleted: 0 none, 3, 7, 15, 30, or -1 for all.

        https://bot.q.qq.com/wiki/develop/api-v2/server-inter/channel/role/member/delete_member.html
        """
        body = {
            "add_blacklist": yes_no("add_blacklist", add_blacklist),
            "delete_history_msg_days": chosen("delete_history_msg_days", delete_history_msg_days, _HISTORY_DAYS),
        }
        path = f"/guilds/{quoted('guild_id', guild_id)}/members/{quoted('user_id', user_id)}"
        self._call("DELETE", path, body=body, timeout=timeout)

    get_delete_member = delete_member
    """botpy's name of `delete_member`."""

    @endpoint("GET", "/guilds/{guild_id}/roles/{role_id}/members", group="members", private_only=True)
    def get_guild_role_members(
        self, guild_id: str, role_id: str, *, start_index: str = "0", limit: int = _PAGE, timeout: float = 30.0
    ) -> MemberPage:
        """One page of the members that have a role; `iter_role_members` gives them all. Private-domain bots only.

        Args:
            start_index: `next` of the page before; "0" for the first page.
            limit: members, 1 to 400; the platform may give all at once whatever it says.

        https://bot.q.qq.com/wiki/develop/api-v2/server-inter/channel/role/member/get_role_members.html
        """
        query = {"start_index": checked_id("start_index", start_index), "limit": whole("limit", limit, 1, _PAGE)}
        path = f"/guilds/{quoted('guild_id', guild_id)}/roles/{quoted('role_id', role_id)}/members"
        return self._call_for(MemberPage, "GET", path, query=query, timeout=timeout)

    def iter_role_members(
        self, guild_id: str, role_id: str, *, limit: int = _PAGE, timeout: float = 30.0
    ) -> Iterator[Member]:
        """All members that have a role, each once, fetched page by page while you iterate. Private-domain bots only.

        Args:
            limit: members per page, 1 to 400.
            timeout: seconds for each page.
        """
        checked_id("guild_id", guild_id)
        checked_id("role_id", role_id)
        whole("limit", limit, 1, _PAGE)

        def pages() -> Iterator[list[Member]]:
            index, known = "0", {"", "0"}
            while True:
                page = self.get_guild_role_members(guild_id, role_id, start_index=index, limit=limit, timeout=timeout)
                yield page.data
                if page.next in known or not page.data:
                    return
                known.add(page.next)
                index = page.next

        return _each_once(pages())


def _each_once(pages: Iterator[list[Member]]) -> Iterator[Member]:
    seen: set[str] = set()
    for page in pages:
        for member in page:
            id_ = member.user.id if member.user else None
            if id_ is None or id_ not in seen:
                yield member
            if id_ is not None:
                seen.add(id_)
