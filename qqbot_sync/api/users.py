"""The bot's own user.

https://bot.q.qq.com/wiki/develop/api-v2/server-inter/user/
"""

from __future__ import annotations

from qqbot_sync.api.resource import Resource
from qqbot_sync.models import User

__all__ = ["UserCalls"]


class UserCalls(Resource):
    """`/users/@me`. Thread-safe."""

    def get_bot_info(self, *, timeout: float = 30.0) -> User:
        """The bot's own user.

        Args:
            timeout: seconds, retries included.

        Raises:
            ApiError: the platform refused.
            ConnectionFailed: it cannot be reached.
        """
        return self._call_for(User, "GET", "/users/@me", timeout=timeout)

    def me(self, *, timeout: float = 30.0) -> User:
        """botpy's name of `get_bot_info`."""
        return self.get_bot_info(timeout=timeout)
