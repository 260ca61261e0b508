"""The access token: fetched once for all threads, renewed before it ends.

https://bot.q.qq.com/wiki/develop/api-v2/dev-prepare/interface-framework/api-use.html
"""

from __future__ import annotations

import logging
import math
import re
import threading
from collections import deque
from typing import Any
from urllib.parse import urlsplit

from qqbot_sync import codec
from qqbot_sync._version import __version__
from qqbot_sync.api.answers import read_answer
from qqbot_sync.api.host import Host
from qqbot_sync.api.http import CONNECT_TIMEOUT, READ_TIMEOUT, Http, NetworkFailure, NotSent, Response
from qqbot_sync.clock import Clock
from qqbot_sync.config import Environment
from qqbot_sync.errors import ApiError, BotError, ConnectionFailed, RateLimited, ServerError
from qqbot_sync.logs import confide

__all__ = ["Token"]

log = logging.getLogger("qqbot_sync.http")

RENEW_BEFORE = 45.0
"""Seconds before its end: in the last 60 the platform gives out a new token, and the old one stays valid."""
LONGEST_LIFE = 7200.0
"""Seconds; the documented maximum."""
SHORTEST_LIFE = 5.0
"""Seconds between two fetches, whatever the platform says a token lives."""
PAUSE_AFTER_FAILURE = 5.0
"""Seconds until a failed renewal is tried again while the old token still lives."""
RATE_LIMIT_PAUSE = 30.0
"""Seconds to leave the platform alone after 100001 without a `Retry-After`."""
TOO_SHORT_TO_SHARE = 5.0
"""Seconds: a fetch that was given less time than this proves nothing to threads that have more."""


class Token:
    """The access token of one bot. Thread-safe: one thread fetches, the others wait for it, each no longer than it
    wants to; while the old token lives they do not wait at all.

    Args:
        app_id: of the bot.
        app_secret: of the bot; appears in no log, error or repr.
        environment: where tokens are given out.
        http: carries the requests.
        clock: `boot()` measures the life of a token, because it goes on while the machine sleeps.
    """

    def __init__(self, app_id: str, app_secret: str, environment: Environment, http: Http, clock: Clock) -> None:
        self.app_id = app_id
        self._secret = app_secret
        self._http = http
        self._clock = clock
        fallback = environment.fallback.token_url if environment.fallback else None
        self._host = Host(environment.token_url, fallback)
        self._lock = threading.Lock()
        self._value = ""
        self._renew_at = 0.0
        self._ends_at = 0.0
        self._barred_until = 0.0
        self._flight: _Flight | None = None
        self._given: deque[str] = deque(maxlen=4)
        """Tokens that may still be good."""
        confide(self)

    def __repr__(self) -> str:
        return f"<Token of app {self.app_id}>"

    def secrets(self) -> tuple[str, ...]:
        """What no log may show: the app secret and the last tokens."""
        return (self._secret, *self._given.copy())

    def get(self, *, timeout: float = 10.0) -> str:
        """The bare access token, valid now. Blocks while it is fetched.

        Args:
            timeout: seconds.

        Raises:
            AuthenticationFailed: wrong app id or secret, or no such bot.
            RateLimited: too many token requests; `retry_after` says when to come back.
            ServerError: the platform failed.
            ConnectionFailed: it cannot be reached, or not in time.
        """
        end = self._clock.now() + timeout
        while True:
            value, flight, leads = self._look()
            if value:
                return value
            left = end - self._clock.now()
            if leads:
                return self._fetch(flight, left)
            if left <= 0 or not self._clock.wait(flight.landed, left):
                raise ConnectionFailed(
                    f"{timeout:.3g} 秒内没有拿到 access token / no access token within {timeout:.3g} s"
                )
            if flight.error is not None:
                raise _copy(flight.error)

    def header(self, *, timeout: float = 10.0) -> str:
        """The value of the `Authorization` header, and of `token` in Identify and Resume. Raises as `get`."""
        return f"QQBot {self.get(timeout=timeout)}"

    def expire(self, used: str) -> None:
        """The platform refused `used`: fetch another one, unless that has happened already."""
        with self._lock:
            if used and used == self._value:
                self._value = ""

    def _look(self) -> tuple[str, _Flight, bool]:
        """(token, flight to wait for, whether this thread leads it); only the first or the other two count."""
        with self._lock:
            now = self._clock.boot()
            lives = bool(self._value) and now < self._ends_at
            flight = self._flight
            if lives and (now < self._renew_at or flight is not None):
                return self._value, flight or _NO_FLIGHT, False
            if flight is not None:
                return "", flight, False
            if now < self._barred_until:
                raise RateLimited(
                    "获取令牌过于频繁,请稍候 / too many token requests, the platform asked for a pause",
                    retry_after=self._barred_until - now,
                    retryable=True,
                )
            self._flight = _Flight()
            return "", self._flight, True

    def _fetch(self, flight: _Flight, left: float) -> str:
        try:
            return self._keep(*self._ask(left))
        except BotError as error:
            old = self._after(error)
            if old:
                log.warning(
                    "刷新令牌失败,继续使用旧令牌 / renewing the token failed, the old one still lives: %s", error
                )
                return old
            if not (isinstance(error, ConnectionFailed) and left < TOO_SHORT_TO_SHARE):
                flight.error = error
            raise
        finally:
            with self._lock:
                self._flight = None
            flight.landed.set()

    def _keep(self, value: str, life: float) -> str:
        # A token that lives shorter than the margin is renewed at half of its life: neither at once nor never.
        renew_in = max(life - RENEW_BEFORE, life / 2)
        with self._lock:
            now = self._clock.boot()
            self._value = value
            self._given.append(value)
            self._renew_at, self._ends_at = now + renew_in, now + life
        log.debug("新的 access token,有效 %.0f 秒 / a new access token, valid for %.0f s", life, life)
        return value

    def _after(self, error: BotError) -> str:
        """Takes note of a failure; gives the old token if it can still be used."""
        if not isinstance(error, (ConnectionFailed, ServerError, RateLimited)):
            return ""
        pause = error.retry_after if isinstance(error, RateLimited) else PAUSE_AFTER_FAILURE
        with self._lock:
            now = self._clock.boot()
            if isinstance(error, RateLimited):
                self._barred_until = now + pause
            if not self._value or now >= self._ends_at:
                return ""
            self._renew_at = now + pause
            return self._value

    def _ask(self, left: float) -> tuple[str, float]:
        end = self._clock.now() + left
        body = codec.dumps({"appId": self.app_id, "clientSecret": self._secret})

        def send(url: str) -> Response:
            left = end - self._clock.now()
            if left <= 0:
                raise NotSent("no time left")
            return self._http.request(
                "POST",
                url,
                headers={"Content-Type": "application/json", "User-Agent": f"qqbot_sync/{__version__}"},
                body=body,
                timeout=(min(CONNECT_TIMEOUT, left), min(READ_TIMEOUT, left)),
                within=left,
                repeatable=True,
            )

        try:
            response = self._host.ask(send)
        except NetworkFailure as failure:
            host = urlsplit(self._host.url).hostname
            raise ConnectionFailed(
                f"无法从 {host} 获取 access token / no access token from {host}: {failure}"
            ) from failure
        return self._read(response)

    def _read(self, response: Response) -> tuple[str, float]:
        path = "/app/getAppAccessToken"
        answer = read_answer(response, method="POST", path=path, wall=self._clock.wall())
        fields = answer.data if isinstance(answer.data, dict) else {}
        value = fields.get("access_token")
        if answer.error is None and isinstance(value, str) and _TOKEN.fullmatch(value.strip()):
            return value.strip(), _life(fields.get("expires_in"))
        error = answer.error
        if error is None or (type(error) is ApiError and response.status < 400):
            # An unknown code here has turned out to be passing trouble of the platform (100002), not a wrong secret.
            error = ServerError(
                error.message if error else "回答中没有 access_token / the answer holds no access_token",
                status=response.status,
                code=error.code if error else None,
                trace_id=answer.trace_id,
                method="POST",
                path=path,
                retryable=True,
            )
        if isinstance(error, RateLimited) and answer.retry_after is None:
            error.retry_after = RATE_LIMIT_PAUSE
        # The answer may quote the request, and half an answer may hold a token: neither may reach a log.
        said = error.message.replace(self._secret, "***") if answer.is_json else "回答不是 JSON / the answer is no JSON"
        error.message = said
        error.args = (said,)
        raise error


class _Flight:
    """One fetch under way, and what came of it for those who wait. `landed` is set last."""

    def __init__(self) -> None:
        self.landed = threading.Event()
        self.error: BotError | None = None
        """The failure that all share; None: look again."""


_NO_FLIGHT = _Flight()
_TOKEN = re.compile(r"[!-~]+")
"""What may stand in a header."""


def _life(expires_in: Any) -> float:
    """Seconds a token lives, from a number, a text, or nothing usable."""
    try:
        seconds = float(expires_in) if not isinstance(expires_in, bool) else LONGEST_LIFE
    except (TypeError, ValueError, OverflowError):
        seconds = LONGEST_LIFE
    if not math.isfinite(seconds):
        seconds = LONGEST_LIFE
    return min(max(seconds, SHORTEST_LIFE), LONGEST_LIFE)


def _copy(error: BotError) -> BotError:
    """The same error for another thread, with a traceback of its own."""
    twin = type(error).__new__(type(error))
    twin.args = error.args
    twin.__dict__.update(error.__dict__)
    twin.__cause__ = error.__cause__
    return twin
