"""urllib3's connections, made to tell the truth: was anything sent, is the connection too old, is the time over.

What `http` needs below the level of a request; nobody else imports this.
"""

from __future__ import annotations

import http.client
import io
import math
import ssl
import time
from functools import lru_cache
from typing import Any

import urllib3

from qqbot_sync.api import proxies
from qqbot_sync.clock import Clock

__all__ = ["Age", "NetworkFailure", "NotSent", "Unknown", "connection_class", "plain"]

MAX_IDLE = 50.0
"""Seconds a connection may have been idle and still be used: servers commonly give up after 60."""
SLICE = 1 << 16
"""Bytes of a request that are sent under one time-out."""
_TLS_ENDED = (ssl.SSLEOFError, ssl.SSLZeroReturnError)


class NetworkFailure(Exception):
    """There is no answer; `__cause__` is the error of the network."""


class NotSent(NetworkFailure):
    """Nothing of the request left this machine: DNS, refused, TLS, proxy, time-out of the connect."""


class Unknown(NetworkFailure):
    """The request left, and the server may or may not have acted on it: time-out, reset, half an answer."""

    is_stale = False
    """True when a connection from the pool was closed before the answer began: most likely it was closed before the
    request came."""


class Age:
    """Knows which idle connections are too old to trust. Thread-safe: one float, replaced whole."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._discarded = float("-inf")

    def now(self) -> float:
        # The boot clock also counts a suspend, which no connection survives.
        return self._clock.boot()

    def discard_all(self) -> None:
        self._discarded = self.now()

    def is_too_old(self, used_at: float) -> bool:
        return used_at <= self._discarded or self.now() - used_at > MAX_IDLE


class _Honest:
    """Mixed into urllib3's connections: a failure says whether anything was sent. One thread at a time."""

    response_class: Any

    def __init__(self, *args: Any, age: Age, **options: Any) -> None:
        self._age = age
        self._used_at: float | None = None
        self._held: list[bytes] | None = None
        super().__init__(*args, **options)
        self.response_class = _TimedResponse

    def connect(self) -> None:
        self._used_at = None
        try:
            super().connect()  # type: ignore[misc]
        except (urllib3.exceptions.HTTPError, http.client.HTTPException, OSError, ValueError) as error:
            raise NotSent(plain(error) + self._by_way_of()) from error

    @property
    def is_connected(self) -> bool:
        # urllib3 asks before it takes a connection from the pool.
        if self._used_at is not None and self._age.is_too_old(self._used_at):
            return False
        return bool(super().is_connected)  # type: ignore[misc]

    def request(self, *args: Any, **options: Any) -> None:
        # urllib3 sends head and body one by one; in one piece they cost one system call and wake the peer once.
        held: list[bytes] = []
        self._held = held
        try:
            super().request(*args, **options)  # type: ignore[misc]
            self._held = None
            whole = memoryview(b"".join(held))
            for start in range(0, len(whole), SLICE):
                # The time-out of a socket is for a whole send: an upload on a slow line needs one for every piece.
                super().send(whole[start : start + SLICE])  # type: ignore[misc]
        except _TLS_ENDED as error:
            # Without TLS urllib3 goes on to read what the peer may have said before it closed.
            raise self._closed(error) from error
        finally:
            self._held = None

    def send(self, data: bytes) -> None:
        if self._held is None:
            super().send(data)  # type: ignore[misc]
        else:
            self._held.append(data)

    def getresponse(self) -> Any:
        try:
            response = super().getresponse()  # type: ignore[misc]
        except (ConnectionError, *_TLS_ENDED) as error:
            raise self._closed(error) from error
        self._used_at = self._age.now()
        return response

    def _by_way_of(self) -> str:
        proxy = getattr(self, "proxy", None)
        return f" (经代理 / through the proxy {proxies.without_password(str(proxy))})" if proxy else ""

    def _closed(self, error: Exception) -> Unknown:
        failure = Unknown(plain(error))
        failure.is_stale = self._used_at is not None
        return failure


@lru_cache(maxsize=16)
def connection_class(base: type) -> type:
    return type(f"Honest{base.__name__}", (_Honest, base), {})


class _TimedResponse(http.client.HTTPResponse):
    """Gives up when the whole answer has not come in the time that was set on the socket.

    The time-out of a socket starts again with every byte; a peer that drips would hold a thread for ever.
    """

    def __init__(self, sock: Any, *args: Any, **options: Any) -> None:
        super().__init__(sock, *args, **options)
        seconds = sock.gettimeout()
        self._stream = _Until(self.fp.detach(), sock, math.inf if seconds is None else time.monotonic() + seconds)
        self.fp = io.BufferedReader(self._stream)

    def begin(self) -> None:
        super().begin()
        if self._stream.has_ended:
            # Standard Python takes headers that break off for complete ones.
            raise http.client.IncompleteRead(b"")


class _Until(io.RawIOBase):
    """The raw stream of a socket that ends at a deadline."""

    has_ended = False

    def __init__(self, raw: io.RawIOBase, sock: Any, deadline: float) -> None:
        self._raw = raw
        self._sock = sock
        self._deadline = deadline

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("the answer took too long")
        if left < math.inf:
            self._sock.settimeout(left)
        count = self._raw.readinto(buffer)
        self.has_ended = count == 0
        return count

    def close(self) -> None:
        if not self.closed:
            self._raw.close()
            super().close()


def plain(error: BaseException) -> str:
    """The innermost words of an error, without the address of the object that raised it."""
    cause = error
    while cause.__cause__ is not None or (cause.args and isinstance(cause.args[-1], BaseException)):
        cause = cause.__cause__ or cause.args[-1]
    return proxies.without_password(f"{type(cause).__name__}: {cause}" if str(cause) else type(cause).__name__)
