"""The bot's own user, the guilds it is in, and links to add it by.

https://bot.q.qq.com/wiki/develop/api-v2/server-inter/user/
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from qqbot_sync.api.answers import Answer
from qqbot_sync.api.checks import given, text, whole
from qqbot_sync.api.endpoint import endpoint
from qqbot_sync.api.resource import Resource, checked_id, unreadable
from qqbot_sync.models import Guild, User

__all__ = ["UserCalls"]

_PAGE = 100
_LINK = "/v2/generate_url_link"
_MOST_CALLBACK_DATA = 32


class UserCalls(Resource):
    """`/users/@me` and share links. Thread-safe; errors and `timeout` as in `Resource`."""

    @endpoint("GET", "/users/@me", group="users")
    def get_bot_info(self, *, timeout: float = 30.0) -> User:
        """The bot's own user.

        https://bot.q.qq.com/wiki/develop/api-v2/server-inter/channel/manage/user/me.html
        """
        return self._call_for(User, "GET", "/users/@me", timeout=timeout)

    me = get_bot_info
    """botpy's name of `get_bot_info`."""

    @endpoint("GET", "/users/@me/guilds", group="users")
    def get_guilds(
        self, *, before: str | None = None, after: str | None = None, limit: int = _PAGE, timeout: float = 30.0
    ) -> list[Guild]:
        """One page of the guilds the bot is in; `iter_guilds` gives them all.

        Args:
            before: guilds in front of the one of this id.
            after: guilds behind the one of this id; either this or `before`.
            limit: guilds at most, 1 to 100.

        https://bot.q.qq.com/wiki/develop/api-v2/server-inter/channel/manage/guild/guilds.html
        """
        if before is not None and after is not None:
            raise ValueError("before 与 after 只能给一个 / give either before or after, not both")
        query = given(
            before=None if before is None else checked_id("before", before),
            after=None if after is None else checked_id("after", after),
        )
        query["limit"] = whole("limit", limit, 1, _PAGE)
        return self._call_for_list(Guild, "GET", "/users/@me/guilds", inside="guilds", query=query, timeout=timeout)

    me_guilds = get_guilds
    """botpy's name of `get_guilds`; its `guild_id` is `after` here, with `desc=True` it is `before`."""

    def iter_guilds(self, *, limit: int = _PAGE, timeout: float = 30.0) -> Iterator[Guild]:
        """All guilds the bot is in, fetched page by page while you iterate.

        Args:
            limit: guilds per page, 1 to 100.
            timeout: seconds for each page.
        """
        whole("limit", limit, 1, _PAGE)

        def guilds() -> Iterator[Guild]:
            after, seen = None, set[str | None]()
            while True:
                page = self.get_guilds(after=after, limit=limit, timeout=timeout)
                fresh = [guild for guild in page if guild.id not in seen]
                yield from fresh
                if len(page) < limit or not fresh or not page[-1].id:
                    return
                seen.update(guild.id for guild in fresh)
                after = page[-1].id

        return guilds()

    @endpoint("POST", _LINK, group="users")
    def generate_url_link(self, *, callback_data: str | None = None, timeout: float = 30.0) -> str:
        """A link by which people add the bot as a friend.

        Args:
            callback_data: comes back as `scene_param` of FRIEND_ADD; at most 32 characters.
        """
        body = given(
            callback_data=None
            if callback_data is None
            else text("callback_data", callback_data, most=_MOST_CALLBACK_DATA)
        )
        return _link(self._caller.call("POST", _LINK, body=body, timeout=timeout))


def _link(answer: Answer) -> str:
    """The documents say `{url_link}`, the platform has been seen to answer `{retcode, msg, data: {url}}`."""
    fields: dict[str, Any] = answer.data if isinstance(answer.data, dict) else {}
    inner = fields.get("data")
    for url in (fields.get("url_link"), inner.get("url") if isinstance(inner, dict) else None):
        if isinstance(url, str) and url:
            return url
    raise unreadable(answer, "POST", _LINK)
