"""Where the gateway is and what opens its door: URL, route and token, asked of the platform when needed."""

from __future__ import annotations

import threading
from collections.abc import Callable

from qqbot_sync.api import Api
from qqbot_sync.errors import ConnectionFailed, RateLimited, Stopped
from qqbot_sync.gateway.connection import Route
from qqbot_sync.gateway.messages import DialOrder
from qqbot_sync.protocol.gateway_info import GatewayInfo

__all__ = ["Address"]

CALL_TIMEOUT = 10.0
"""Seconds for one question to the platform; the supervisor decides when it is asked again."""


class Address:
    """One bot's way to its gateway, shared by all its shards. Thread-safe; every call blocks on HTTP."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._lock = threading.Lock()
        self._url: str | None = None
        self._token: str | None = None

    def reach(self, order: DialOrder, is_wanted: Callable[[], bool]) -> tuple[Route, str, GatewayInfo | None]:
        """The route, a valid token, and what the platform told if it was asked.

        A resume goes to the URL known, so that it needs no call; a new session asks anew, because it must know how
        many are left.

        Args:
            is_wanted: asked between two steps; nobody needs an answer any more when it says no.

        Raises:
            ApiError: the platform refused; AuthenticationFailed and RateLimited among them.
            ConnectionFailed: it cannot be reached, or named no usable URL.
            Stopped: nobody wants the answer any more.
        """
        with self._lock:
            url, used = self._url, self._token
        if order.refresh_token and used is not None:
            self._api.token.expire(used)
        token = self._api.token.get()
        if not is_wanted():
            raise Stopped("abandoned")
        info = None
        if url is None or not order.resume or order.refetch_url:
            info = self._ask(order)
            url = info.url
        with self._lock:
            self._url, self._token = url, token
        return Route(url, self._api.http.proxy_for(url), self._api.http.ca_bundle), token, info

    def _ask(self, order: DialOrder) -> GatewayInfo:
        try:
            info = self._api.get_gateway(timeout=CALL_TIMEOUT, retries=False)
            self._api.environment.check_url(info.url, name="gateway URL")
        except ValueError as error:
            raise ConnectionFailed(str(error)) from error
        if info.is_exhausted and not order.resume:
            wait = info.reset_after or 60.0
            raise RateLimited(
                f"今天的会话次数已用完,{wait:.0f} 秒后重置 / "
                f"no sessions left today (of {info.total}); they come back in {wait:.0f} s",
                retry_after=wait,
                hint="频繁重启会消耗会话次数;使用 stop() 正常退出可恢复会话 / frequent restarts use sessions up; "
                "a bot that leaves by stop() resumes instead",
            )
        return info
