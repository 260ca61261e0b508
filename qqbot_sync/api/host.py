"""Where a call goes: the platform's host, or the newer one that has replaced it."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from urllib.parse import urlsplit

from qqbot_sync.api.http import NotSent, Response

__all__ = ["Host"]

log = logging.getLogger("qqbot_sync.http")


class Host:
    """A base URL and its possible successor. Thread-safe.

    Until one of the two has answered, a call that cannot connect, or gets 404, is tried once at the other. The first
    answer settles the matter for this process.
    """

    def __init__(self, url: str, fallback: str | None = None) -> None:
        self._lock = threading.Lock()
        self._url = url
        self._fallback = fallback if fallback != url else None

    @property
    def url(self) -> str:
        """The base URL in use."""
        with self._lock:
            return self._url

    def ask(self, send: Callable[[str], Response]) -> Response:
        """Makes one call.

        Args:
            send: makes it at the base URL it is given.

        Raises:
            NotSent, Unknown: as `send` did.
        """
        with self._lock:
            url, fallback = self._url, self._fallback
        if fallback is None:
            return send(url)
        first = _tried(send, url)
        if isinstance(first, Response) and first.status != 404:
            self._settle(url)
            return first
        second = _tried(send, fallback)
        if isinstance(second, Response) and (second.status != 404 or isinstance(first, NotSent)):
            self._settle(fallback)
            return second
        if isinstance(first, Response):
            if isinstance(second, Response):
                self._settle(url)
            return first
        # Neither can be reached: that says nothing about the hosts, so the next call tries both again.
        raise first

    def _settle(self, url: str) -> None:
        with self._lock:
            has_moved = self._fallback is not None and url != self._url
            before, self._url, self._fallback = self._url, url, None
        if has_moved:
            log.warning(
                "%s 无法使用,本进程改用 %s / %s does not answer, this process now uses %s",
                urlsplit(before).hostname,
                urlsplit(url).hostname,
                urlsplit(before).hostname,
                urlsplit(url).hostname,
            )


def _tried(send: Callable[[str], Response], url: str) -> Response | NotSent:
    try:
        return send(url)
    except NotSent as failure:
        return failure
