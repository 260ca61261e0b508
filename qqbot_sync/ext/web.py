"""A small HTTP server for a bot's own pages: one thread accepts, and one answers each request, bounded in all ways."""

from __future__ import annotations

import errno
import logging
import selectors
import socket
import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from types import TracebackType
from typing import Any, NoReturn, TypeVar

from qqbot_sync.clock import Clock, SystemClock

__all__ = ["MOST_AT_ONCE", "WebServer"]

log = logging.getLogger("qqbot_sync.client")

PATIENCE = 10.0
"""Seconds that one request may take, from its connection to its answer."""
MOST_AT_ONCE = 32
"""Requests answered at the same time; a connection beyond them is closed."""
JOIN_TIMEOUT = 1.0
PAUSE = 0.1
"""Seconds before the next try where the system gives out no connection or no thread."""

Self = TypeVar("Self", bound="WebServer")


class WebServer:
    """Answers GET and HEAD from its making to `close()`. Thread-safe; also a context manager.

    Args:
        port: 0 for any that is free.
        host: the address to listen on.
        name: of its thread.
        clock: tells who takes too long.

    Raises:
        OSError: it cannot be listened on.
        TypeError, ValueError: no port, no address.
    """

    def __init__(self, port: int, host: str, *, name: str, clock: Clock | None = None) -> None:
        _check_address(port, host)
        self._clock = clock or SystemClock()
        self._listener = _listen(host, port)
        self.host = host
        self.port: int = self._listener.getsockname()[1]
        """The port it listens on, also where 0 was asked for."""
        self._lock = threading.Lock()
        self._peers: dict[socket.socket, float] = {}
        self._threads: set[threading.Thread] = set()
        self._over = threading.Event()
        self._wake, self._alarm = socket.socketpair()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        try:
            self._thread.start()
        except RuntimeError:
            for end in (self._listener, self._wake, self._alarm):
                end.close()
            raise

    @property
    def url(self) -> str:
        """Where it listens, without a path."""
        return f"http://[{self.host}]:{self.port}" if ":" in self.host else f"http://{self.host}:{self.port}"

    @property
    def is_running(self) -> bool:
        """Whether it listens."""
        return self._thread.is_alive()

    def close(self) -> None:
        """Stops listening, ends the requests under way, and joins the threads. Idempotent."""
        self._over.set()
        with self._lock:
            self._wake.close()
        self._thread.join(JOIN_TIMEOUT)
        with self._lock:
            for peer in self._peers:
                _end(peer)
            threads = list(self._threads)
        end = self._clock.now() + JOIN_TIMEOUT
        for thread in threads:
            thread.join(max(0.0, end - self._clock.now()))

    def __enter__(self: Self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.url}>"

    def answer(self, path: str, accept: str) -> tuple[HTTPStatus, str, bytes]:
        """(status, content type, body) for a GET of `path`; `accept` is the header. Called on the request's thread."""
        raise NotImplementedError

    # -- the thread -----------------------------------------------------------------------------------------------

    def _run(self) -> None:
        with self._listener, self._alarm, selectors.DefaultSelector() as selector:
            selector.register(self._listener, selectors.EVENT_READ)
            selector.register(self._alarm, selectors.EVENT_READ)
            while not self._over.is_set():
                ready = selector.select(1.0 if self._peers else None)
                if self._over.is_set():
                    return
                self._end_the_slow()
                if any(key.fileobj is self._listener for key, _ in ready):
                    self._accept()

    def _end_the_slow(self) -> None:
        now = self._clock.now()
        with self._lock:
            for peer, deadline in self._peers.items():
                if now >= deadline:
                    _end(peer)

    def _accept(self) -> None:
        try:
            peer, address = self._listener.accept()
        except OSError as error:
            # The peer left, or there are no descriptors: then the listener would be ready at once again.
            log.debug("metrics: no connection could be accepted: %s", error)
            self._clock.wait(self._over, PAUSE)
            return
        thread = threading.Thread(
            target=self._serve, args=(peer, address), name=f"{self._thread.name}-request", daemon=True
        )
        with self._lock:
            is_full = len(self._peers) >= MOST_AT_ONCE
            if not is_full:
                self._peers[peer] = self._clock.now() + PATIENCE
                self._threads.add(thread)
        if is_full:
            peer.close()
            return
        try:
            thread.start()
        except RuntimeError as error:
            log.debug("metrics: no thread for a request: %s", error)
            self._forget(peer, thread)
            self._clock.wait(self._over, PAUSE)

    def _serve(self, peer: socket.socket, address: Any) -> None:
        try:
            peer.setblocking(True)
            _Request(peer, address, self)
        except OSError as error:
            log.debug("metrics: %s left before it was answered: %s", address, error)
        except Exception:
            log.exception("metrics: a request failed")
        finally:
            self._forget(peer, threading.current_thread())

    def _forget(self, peer: socket.socket, thread: threading.Thread) -> None:
        with self._lock:
            del self._peers[peer]
            self._threads.discard(thread)
            peer.close()


class _Request(BaseHTTPRequestHandler):
    """One request and its answer, on a connection of its own (HTTP/1.0)."""

    def __init__(self, peer: socket.socket, address: Any, server: WebServer) -> None:
        self._answerer = server
        super().__init__(peer, address, None)  # type: ignore[arg-type]  # nothing here asks a socketserver

    def do_GET(self) -> None:
        """Reads."""
        self._answer()

    def do_HEAD(self) -> None:
        """Reads, without the body."""
        self._answer()

    def _answer(self) -> None:
        try:
            status, content_type, body = self._answerer.answer(
                self.path.partition("?")[0], self.headers.get("Accept", "")
            )
        except Exception:
            log.exception("metrics: %.200r could not be answered", self.path)
            status, content_type, body = HTTPStatus.INTERNAL_SERVER_ERROR, "text/plain", b"see the bot's log\n"
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def version_string(self) -> str:
        """The header `Server`."""
        return "qqbot_sync"

    def log_message(self, format: str, *args: Any) -> None:
        """What a request is logged with: http.server would write to stderr."""
        log.debug("metrics: %s: %.300r", self.client_address, format % args)


def _check_address(port: object, host: object) -> None:
    if isinstance(port, bool) or not isinstance(port, int):
        raise TypeError(f"port 必须是整数 / port must be a whole number, not {port!r}")
    if not 0 <= port <= 65535:
        raise ValueError(f"port 必须在 0 到 65535 之间 / port must be from 0 to 65535, not {port}")
    if not isinstance(host, str) or not host:
        raise TypeError(f'host 必须是地址,例如 "127.0.0.1" / host must be an address like "127.0.0.1", not {host!r}')


def _listen(host: str, port: int) -> socket.socket:
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        listener = socket.create_server((host, port), family=family, backlog=MOST_AT_ONCE)
    except OSError as error:
        _refuse(host, port, error)
    # Ready is a promise that the peer may break before it is accepted.
    listener.setblocking(False)
    return listener


def _refuse(host: str, port: int, error: OSError) -> NoReturn:
    known = {
        errno.EADDRINUSE: ("端口已被占用,请换一个端口", "the port is in use: choose another"),
        errno.EACCES: ("没有权限,1024 以下的端口需要管理员权限", "not permitted: ports below 1024 need privileges"),
        errno.EADDRNOTAVAIL: ("本机没有这个地址", "this machine has no such address"),
    }
    zh, en = known.get(error.errno or 0, (str(error), str(error)))
    if isinstance(error, socket.gaierror):
        zh, en = "无法解析这个地址", "this address cannot be resolved"
    said = f"无法在 {host}:{port} 提供指标:{zh} / metrics cannot be served at {host}:{port}: {en}"
    raise (OSError(said) if isinstance(error, socket.gaierror) else OSError(error.errno, said)) from error


def _end(peer: socket.socket) -> None:
    """Its thread finds the connection ended, and closes it. Does not block."""
    try:
        peer.shutdown(socket.SHUT_RDWR)
    except OSError as error:
        log.debug("metrics: a connection had ended already: %s", error)
