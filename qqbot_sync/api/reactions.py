"""Reactions to channel messages.

https://bot.q.qq.com/wiki/develop/api-v2/server-inter/message/trans/emoji.html
"""

from __future__ import annotations

from collections.abc import Iterator

from qqbot_sync.api.checks import chosen, given, text, whole
from qqbot_sync.api.endpoint import endpoint
from qqbot_sync.api.resource import Resource, quoted
from qqbot_sync.models import EmojiType, ReactionUsers, User

__all__ = ["ReactionCalls"]

_PATH = "/channels/{channel_id}/messages/{message_id}/reactions/{type}/{id}"
_PAGE = 50
"""Users in one answer at most; the platform's default is 20."""


class ReactionCalls(Resource):
    """Reactions; channels only. Thread-safe; errors and `timeout` as in `Resource`.

    In all calls `emoji_type` says which list the emoji is from (1 system faces, 2 emoji) and `emoji_id` is its number
    there; of an emoji that is its Unicode code point: 128077 (or "128077") for 👍.
    """

    @endpoint("PUT", _PATH, group="reactions")
    def put_reaction(
        self,
        channel_id: str,
        message_id: str,
        *,
        emoji_type: EmojiType | int,
        emoji_id: str | int,
        timeout: float = 30.0,
    ) -> None:
        """Reacts to a message; fires MESSAGE_REACTION_ADD.

        Args:
            emoji_type: 1 system face, 2 emoji.
            emoji_id: its number.

        https://bot.q.qq.com/wiki/develop/api-v2/server-inter/message/trans/emoji.html
        """
        self._call("PUT", _path(channel_id, message_id, emoji_type, emoji_id), timeout=timeout)

    @endpoint("DELETE", _PATH, group="reactions")
    def delete_reaction(
        self,
        channel_id: str,
        message_id: str,
        *,
        emoji_type: EmojiType | int,
        emoji_id: str | int,
        timeout: float = 30.0,
    ) -> None:
        """Takes the bot's own reaction back; fires MESSAGE_REACTION_REMOVE. Arguments as `put_reaction`.

        https://bot.q.qq.com/wiki/develop/api-v2/server-inter/message/trans/emoji.html
        """
        self._call("DELETE", _path(channel_id, message_id, emoji_type, emoji_id), timeout=timeout)

    @endpoint("GET", _PATH, group="reactions")
    def get_reaction_users(
        self,
        channel_id: str,
        message_id: str,
        *,
        emoji_type: EmojiType | int,
        emoji_id: str | int,
        cookie: str | None = None,
        limit: int | None = None,
        timeout: float = 30.0,
    ) -> ReactionUsers:
        """One page of those who reacted with an emoji; `iter_reaction_users` gives them all.

        Args:
            emoji_type: 1 system face, 2 emoji.
            emoji_id: its number.
            cookie: of the page before; None for the first page.
            limit: users, 1 to 50; counts on the first page only. None: 20.

        https://bot.q.qq.com/wiki/develop/api-v2/server-inter/message/trans/emoji.html
        """
        query = given(
            cookie=None if cookie is None else text("cookie", cookie),
            limit=None if limit is None else whole("limit", limit, 1, _PAGE),
        )
        path = _path(channel_id, message_id, emoji_type, emoji_id)
        return self._call_for(ReactionUsers, "GET", path, query=query, timeout=timeout)

    def iter_reaction_users(
        self,
        channel_id: str,
        message_id: str,
        *,
        emoji_type: EmojiType | int,
        emoji_id: str | int,
        limit: int = _PAGE,
        timeout: float = 30.0,
    ) -> Iterator[User]:
        """All who reacted with an emoji, fetched page by page while you iterate.

        Args:
            emoji_type: 1 system face, 2 emoji.
            emoji_id: its number.
            limit: users per page, 1 to 50.
            timeout: seconds for each page.
        """
        _path(channel_id, message_id, emoji_type, emoji_id)
        whole("limit", limit, 1, _PAGE)

        def users() -> Iterator[User]:
            known: set[str] = set()
            cookie, first = None, limit
            while True:
                page = self.get_reaction_users(
                    channel_id,
                    message_id,
                    emoji_type=emoji_type,
                    emoji_id=emoji_id,
                    cookie=cookie,
                    limit=None if cookie else first,
                    timeout=timeout,
                )
                yield from page.users
                if page.is_end or not page.cookie or page.cookie in known:
                    return
                cookie = page.cookie
                known.add(cookie)

        return users()


def _path(channel_id: str, message_id: str, emoji_type: EmojiType | int, emoji_id: str | int) -> str:
    channel, message = quoted("channel_id", channel_id), quoted("message_id", message_id)
    kind = int(chosen("emoji_type", emoji_type, EmojiType))
    number = str(emoji_id) if isinstance(emoji_id, int) and not isinstance(emoji_id, bool) else emoji_id
    if not isinstance(number, str):
        raise TypeError(f"emoji_id 必须是数字 / emoji_id must be a number, not {emoji_id!r}")
    if not (number.isascii() and number.isdigit()):
        code = f" (ord({number!r}) = {ord(number)})" if len(number) == 1 else ""
        raise ValueError(f"emoji_id 必须是十进制编号{code} / emoji_id must be a decimal number{code}, not {number!r}")
    return f"/channels/{channel}/messages/{message}/reactions/{kind}/{number}"
