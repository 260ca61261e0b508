"""One HTTP exchange: a warm connection, a deadline, and the truth about what became of the request.

`requests` provides the pools, the proxies and the TLS settings; its `Session.post` is left out because it costs three
times as much as all the rest (DESIGN section 7).
"""

from __future__ import annotations

import http.client
import os
import threading
from collections.abc import Mapping
from functools import partial
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import requests
import requests.adapters
import urllib3

from qqbot_sync.api import proxies
from qqbot_sync.api.wire import Age, NetworkFailure, NotSent, Unknown, connection_class, plain
from qqbot_sync.clock import Clock, SystemClock

__all__ = ["Http", "NetworkFailure", "NotSent", "Response", "Unknown"]

CONNECT_TIMEOUT = 5.0
"""Seconds for TCP, and again for TLS."""
READ_TIMEOUT = 10.0
"""Seconds in which a whole answer must have come."""


class Response(NamedTuple):
    """What the server answered. Immutable."""

    status: int
    headers: Mapping[str, str]
    """Case does not matter."""
    body: bytes


class Http:
    """One pool of connections for one bot. Thread-safe.

    Args:
        proxy: URL of a proxy for everything that is not on this machine; None: what the environment says.
        ca_bundle: file of the trusted authorities; None: the environment's, else certifi's. TLS is always verified.
        pool_size: connections kept warm per host; at least the number of threads that send.

    Raises:
        ValueError, TypeError: a proxy or CA bundle that is none.
        ImportError: a SOCKS proxy without the extra `[socks]`.
    """

    def __init__(
        self,
        *,
        proxy: str | None = None,
        ca_bundle: str | None = None,
        pool_size: int = 32,
        clock: Clock | None = None,
    ) -> None:
        if isinstance(pool_size, bool) or not isinstance(pool_size, int):
            raise TypeError(f"pool_size 必须是整数 / pool_size must be a whole number, not {pool_size!r}")
        if pool_size < 1:
            raise ValueError(f"pool_size 至少为 1 / pool_size must be at least 1, not {pool_size}")
        self._proxy = proxies.check_proxy(proxy) if proxy else None
        self._pool_size = pool_size
        self._age = Age(clock or SystemClock())
        self._lock = threading.Lock()
        self._proxies: dict[tuple[str, str], str | None] = {}
        self.ca_bundle = proxies.resolve_ca_bundle(ca_bundle)
        """Path of the trusted authorities, for HTTP and WebSocket alike."""
        self._start_anew()

    def __repr__(self) -> str:
        return f"<Http proxy={proxies.without_password(self._proxy) if self._proxy else None!r}>"

    def proxy_for(self, url: str) -> str | None:
        """The proxy for an http, https, ws or wss URL; None: straight. Resolved once per host.

        Raises:
            ValueError: the environment names something that is no proxy.
            ImportError: it names a SOCKS proxy and the extra `[socks]` is missing.
        """
        parts = urlsplit(url)
        key = (parts.scheme, parts.netloc)
        with self._lock:
            if key in self._proxies:
                return self._proxies[key]
        is_here = proxies.is_loopback(parts.hostname or "")
        proxy = None if is_here else self._proxy or proxies.proxy_of_environment(url)
        with self._lock:
            self._proxies[key] = proxy
        return proxy

    def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        body: bytes | None = None,
        timeout: tuple[float, float] = (CONNECT_TIMEOUT, READ_TIMEOUT),
        within: float | None = None,
        repeatable: bool = False,
    ) -> Response:
        """Sends one request and reads the whole answer, whatever its status. Redirects are answers, not followed.

        Args:
            timeout: seconds to connect (per address), and seconds until the whole answer must be there.
            within: seconds for both together.
            repeatable: True allows one more try when a connection from the pool turns out to be closed.

        Raises:
            NotSent: nothing left this machine.
            Unknown: nobody can tell whether the server acted on it.
        """
        limits = urllib3.Timeout(connect=timeout[0], read=timeout[1], total=within)
        try:
            return self._exchange(method, url, headers, body, limits)
        except Unknown as failure:
            if failure.is_stale:
                # Its neighbours in the pool are as old; a fresh one tells the truth.
                self._age.discard_all()
                if repeatable:
                    return self._exchange(method, url, headers, body, limits)
            raise

    def close(self) -> None:
        """Closes idle connections; those in use close when their call ends. A later call opens new ones."""
        with self._lock:
            session, pools = self._session, list(self._pools.values())
            self._start_anew()
        session.close()
        for pool, _ in pools:
            # The session only forgets them; an error that somebody keeps would hold their sockets open.
            pool.close()

    def _exchange(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None, limits: urllib3.Timeout
    ) -> Response:
        parts = urlsplit(url)
        pool, is_forwarding = self._pool_for(parts.scheme, parts.netloc)
        target = url if is_forwarding else url[len(parts.scheme) + 3 + len(parts.netloc) :] or "/"
        try:
            answer = pool.urlopen(
                method,
                target,
                body=body,
                headers=dict(headers),
                redirect=False,
                retries=False,
                assert_same_host=False,
                timeout=limits,
            )
        except NetworkFailure:
            raise
        except urllib3.exceptions.ClosedPoolError as error:
            raise NotSent("the pool was closed") from error
        except (urllib3.exceptions.HTTPError, http.client.HTTPException, OSError) as error:
            raise Unknown(plain(error)) from error
        return Response(answer.status, answer.headers, answer.data)

    def _pool_for(self, scheme: str, netloc: str) -> tuple[urllib3.HTTPConnectionPool, bool]:
        if self._pid != os.getpid():
            # A fork shares the sockets with its parent: two writers in one TLS stream break it.
            self._lock = threading.Lock()
            self._start_anew()
        with self._lock:
            found = self._pools.get((scheme, netloc))
        if found is not None:
            return found
        origin = f"{scheme}://{netloc}"
        proxy = self.proxy_for(origin)
        with self._lock:
            found = self._pools.get((scheme, netloc))
            if found is None:
                found = self._pools[scheme, netloc] = self._new_pool(origin, proxy)
        return found

    def _new_pool(self, origin: str, proxy: str | None) -> tuple[urllib3.HTTPConnectionPool, bool]:
        prepared = requests.Request("GET", origin).prepare()
        chosen = {"http": proxy, "https": proxy} if proxy else None
        adapter: Any = self._adapter
        pool = adapter.get_connection_with_tls_context(prepared, verify=self.ca_bundle, proxies=chosen)
        adapter.cert_verify(pool, origin, verify=self.ca_bundle, cert=None)
        pool.ConnectionCls = partial(connection_class(pool.ConnectionCls), age=self._age)
        is_forwarding = bool(proxy) and origin.startswith("http://") and not str(proxy).startswith("socks")
        return pool, is_forwarding

    def _start_anew(self) -> None:
        self._pid = os.getpid()
        self._session = requests.Session()
        self._adapter = requests.adapters.HTTPAdapter(pool_connections=16, pool_maxsize=self._pool_size)
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, self._adapter)
        self._pools: dict[tuple[str, str], tuple[urllib3.HTTPConnectionPool, bool]] = {}
