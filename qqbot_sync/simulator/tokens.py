"""The token store: who gets an access token, and which tokens are good."""

from __future__ import annotations

import secrets
from collections import deque
from dataclasses import dataclass

from qqbot_sync.clock import Clock
from qqbot_sync.simulator.refusal import Refusal

__all__ = ["Tokens"]

OVERLAP = 60.0
"""Seconds at the end of a token's life in which a new one is given out and both are good."""


@dataclass(frozen=True)
class _Token:
    text: str
    ends_at: float


class Tokens:
    """Access tokens of one bot. Not thread-safe.

    The same token is given out until the last 60 s of its life; then a new one, and both are good.
    https://bot.q.qq.com/wiki/develop/api-v2/dev-prepare/interface-framework/api-use.html
    """

    def __init__(self, clock: Clock, app_id: str, secret: str) -> None:
        self._clock = clock
        self._app_id = app_id
        self._secret = secret
        self._tokens: list[_Token] = []
        self._calls: deque[float] = deque()
        self.lifetime = 7200.0
        """Seconds a new token lives."""
        self.calls_per_minute = 600
        """Beyond it the endpoint answers 100001."""

    def issue(self, body: object) -> dict[str, object]:
        """Answers one call of `/app/getAppAccessToken`.

        Raises:
            Refusal: with HTTP status 200, as the platform does at this endpoint.
        """
        now = self._clock.now()
        while self._calls and self._calls[0] <= now - 60:
            self._calls.popleft()
        if len(self._calls) >= self.calls_per_minute:
            raise Refusal(100001, "request too frequently", status=200)
        self._calls.append(now)
        if not isinstance(body, dict):
            raise Refusal(100016, "invalid appid or secret", status=200)
        app_id, secret = body.get("appId"), body.get("clientSecret")
        if str(app_id) != self._app_id:
            raise Refusal(100007, "appid invalid", status=200)
        if secret != self._secret:
            raise Refusal(100016, "invalid appid or secret", status=200)
        token = self._current(now)
        return {"access_token": token.text, "expires_in": str(int(token.ends_at - now))}

    def is_good(self, text: str) -> bool:
        """Whether `text` is a token that has not expired."""
        now = self._clock.now()
        return any(token.text == text and token.ends_at > now for token in self._tokens)

    def expire(self) -> None:
        """Every token given out so far is worthless from now on."""
        self._tokens.clear()

    def _current(self, now: float) -> _Token:
        self._tokens = [token for token in self._tokens if token.ends_at > now]
        if not self._tokens or self._tokens[-1].ends_at - now <= OVERLAP:
            self._tokens.append(_Token(secrets.token_urlsafe(48), now + self.lifetime))
        return self._tokens[-1]
