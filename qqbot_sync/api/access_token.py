"""The access token, for whoever wants to make a call that this package does not know.

https://bot.q.qq.com/wiki/develop/api-v2/dev-prepare/interface-framework/api-use.html
"""

from __future__ import annotations

from qqbot_sync.api.endpoint import endpoint
from qqbot_sync.api.resource import Resource
from qqbot_sync.api.token import Token

__all__ = ["AccessTokenCalls"]


class AccessTokenCalls(Resource):
    """The token endpoint. Thread-safe; errors and `timeout` as in `Resource`."""

    token: Token

    @endpoint("POST", "https://bots.qq.com/app/getAppAccessToken", group="auth")
    def get_access_token(self, *, timeout: float = 10.0) -> str:
        """The token that all calls carry (`Authorization: QQBot …`), valid now; fetched only when it is needed, for all
        threads at once.

        Raises:
            AuthenticationFailed: wrong app id or secret.

        https://bot.q.qq.com/wiki/develop/api-v2/dev-prepare/interface-framework/api-use.html
        """
        return self.token.get(timeout=timeout)
