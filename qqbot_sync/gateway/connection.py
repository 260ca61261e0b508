"""One WebSocket connection, from dial to end: the only file that knows websocket-client.

websocket-client keeps the handshake, TLS, proxies and sending. Reading is ours: one large `recv` and one pass of the
frame splitter serve as many events as the kernel had waiting.

Three facts, all measured, shape this file. Nothing can reach a socket inside its TCP connect or TLS handshake, so a
dial runs on a thread that may be abandoned. Only a plain `shutdown` of the file descriptor wakes a blocked read and
never hangs itself. After it, TLS may hand a reader anything, so the reader looks at `ended` after every read.
"""

from __future__ import annotations

import logging
import selectors
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote, urlsplit

import websocket

from qqbot_sync._version import __version__
from qqbot_sync.errors import ConnectionFailed
from qqbot_sync.protocol.frames import CloseFrame, Frame, FrameError, FrameSplitter, Message, Ping

__all__ = ["Connection", "Route", "dial"]

log = logging.getLogger("qqbot_sync.gateway")

READ_SIZE = 1 << 16
SOCKET_TIMEOUT = 5.0
"""Seconds: a read that times out means nothing, a send that times out ends the link."""
FAREWELL_TIMEOUT = 0.5
"""Seconds a polite close may take."""


@dataclass(frozen=True)
class Route:
    """How to get to the gateway: resolved once, the same for HTTP and WebSocket."""

    url: str
    proxy: str | None = field(default=None, repr=False)
    """May hold a password."""
    ca_bundle: str | None = None


def dial(route: Route, *, timeout: float) -> Connection:
    """Opens a WebSocket: TCP, proxy, TLS, handshake. Blocks; runs on a dial thread.

    Args:
        timeout: seconds per step of the network (the caller bounds the whole).

    Raises:
        ConnectionFailed: with the error of the network as its cause.
    """
    link = websocket.WebSocket(enable_multithread=True, skip_utf8_validation=True)
    options: dict[str, object] = {
        "timeout": timeout,
        "redirect_limit": 0,
        "suppress_origin": True,
        "header": [f"User-Agent: qqbot_sync/{__version__}"],
    }
    options.update(_proxy_options(route.proxy))
    if urlsplit(route.url).scheme == "wss":
        context = ssl.create_default_context(cafile=route.ca_bundle)
        link.sock_opt.sslopt = {"context": context, "cert_reqs": ssl.CERT_REQUIRED, "check_hostname": True}
    try:
        link.connect(route.url, **options)  # type: ignore[no-untyped-call]
        assert link.sock is not None
        link.sock.settimeout(SOCKET_TIMEOUT)
    except (OSError, ValueError, websocket.WebSocketException) as error:
        with suppress(OSError):
            link.shutdown()  # type: ignore[no-untyped-call]
        host = urlsplit(route.url).hostname
        raise ConnectionFailed(f"无法连接网关 / cannot reach the gateway at {host}: {_plain(error)}") from error
    return Connection(link)


class Connection:
    """An open WebSocket. `frames()` belongs to the reader alone; `send`, `end` and `ended` are thread-safe."""

    def __init__(self, link: websocket.WebSocket) -> None:
        self._link = link
        self._sock: Any = link.sock
        self._splitter = FrameSplitter()
        self._writing = threading.Lock()
        # A TLS object must not be read and written at the same moment; a plain socket may.
        self._tls = threading.Lock() if isinstance(self._sock, ssl.SSLSocket) else None
        self._selector: selectors.BaseSelector | None = None
        self.ended = threading.Event()
        """Set as soon as this connection is to be over."""
        self.alarm = threading.Event()
        """Wakes the heartbeat: the connection is over, or there is a new time to wait for."""
        self.reason = ""
        """Why it ended, as far as this side knows."""
        self.close_code: int | None = None
        """The code of the close frame that came, if one came."""

    # -- reading --------------------------------------------------------------------------------------------------

    def frames(self) -> Iterator[Message]:
        """Every message until the end; answers pings itself. Called by the reader alone."""
        read = self._reads()
        while not self.ended.is_set():
            try:
                data = read()
            except (TimeoutError, BlockingIOError, ssl.SSLWantReadError):
                continue
            except (OSError, ValueError) as error:
                self.end(f"read failed: {_plain(error)}")
                return
            if self.ended.is_set():
                return
            if not data:
                self.end("the peer closed the connection")
                return
            try:
                arrived = self._splitter.feed(data)
            except FrameError as error:
                yield from self._messages(error.frames)
                self.end(f"broken WebSocket frame: {error}", close_code=error.close_code)
                return
            yield from self._messages(arrived)

    def _messages(self, arrived: list[Frame]) -> Iterator[Message]:
        for frame in arrived:
            if isinstance(frame, Message):
                yield frame
                if self.ended.is_set():
                    return
            elif isinstance(frame, Ping):
                self.pong(frame.data)
            elif isinstance(frame, CloseFrame):
                self.close_code = frame.code
                said = f" ({frame.reason})" if frame.reason else ""
                self.end(f"close {frame.code}{said}", close_code=1000 if frame.code is None else frame.code)
                return

    def _reads(self) -> Callable[[], bytes]:
        sock = self._sock
        tls = self._tls
        if tls is None:
            return lambda: bytes(sock.recv(READ_SIZE))

        self._selector = readable = selectors.DefaultSelector()
        readable.register(sock, selectors.EVENT_READ)

        def read_tls() -> bytes:
            if not sock.pending() and not readable.select(SOCKET_TIMEOUT):
                raise TimeoutError
            with tls:
                return bytes(sock.recv(READ_SIZE))

        return read_tls

    # -- writing --------------------------------------------------------------------------------------------------

    def send(self, data: bytes) -> bool:
        """Sends one text frame; False, and the link is ended, where that is impossible within 5 s."""
        return self._send(data, websocket.ABNF.OPCODE_TEXT)

    def pong(self, data: bytes) -> bool:
        """Answers a ping."""
        return self._send(data, websocket.ABNF.OPCODE_PONG)

    def _send(self, data: bytes, opcode: int) -> bool:
        if not self._writing.acquire(timeout=SOCKET_TIMEOUT):
            self.end("send timed out")
            return False
        try:
            if self.ended.is_set():
                return False
            self._write(data, opcode)
            return True
        except (OSError, ValueError, websocket.WebSocketException) as error:
            failure = _plain(error)
        finally:
            self._writing.release()
        self.end(f"send failed: {failure}")
        return False

    def _write(self, data: bytes, opcode: int) -> None:
        if self._tls is None:
            self._link.send(data, opcode)
        else:
            with self._tls:
                self._link.send(data, opcode)

    # -- the end --------------------------------------------------------------------------------------------------

    def end(self, reason: str, *, close_code: int | None = None) -> None:
        """Ends the connection from any thread, at once; the first reason counts.

        `close_code` is sent first where the socket takes it without delay. Never blocks longer than half a second.
        """
        if self.ended.is_set():
            return
        if close_code is not None and self._writing.acquire(timeout=FAREWELL_TIMEOUT):
            try:
                if not self.ended.is_set():
                    self.reason = self.reason or reason
                    self._say_goodbye(close_code if 1000 <= close_code < 5000 else 1000)
            except (OSError, ValueError, websocket.WebSocketException) as error:
                log.debug("no polite close: %s", _plain(error))
            finally:
                self._writing.release()
        self.reason = self.reason or reason
        self.ended.set()
        self.alarm.set()
        with suppress(OSError):
            # The plain shutdown, past the TLS layer: the TLS one may wait for a silent peer.
            socket.socket.shutdown(self._sock, socket.SHUT_RDWR)

    def _say_goodbye(self, code: int) -> None:
        if self._tls is None:
            self._sock.settimeout(FAREWELL_TIMEOUT)
            self._link.send(code.to_bytes(2, "big"), websocket.ABNF.OPCODE_CLOSE)
        elif self._tls.acquire(timeout=FAREWELL_TIMEOUT):
            # Not to be had: the reader sits in the middle of a record whose rest does not come.
            try:
                self._sock.settimeout(FAREWELL_TIMEOUT)
                self._link.send(code.to_bytes(2, "big"), websocket.ABNF.OPCODE_CLOSE)
            finally:
                self._tls.release()

    def close(self) -> None:
        """Gives the descriptor back. Called by the reader when it has left `frames()`."""
        self.ended.set()
        self.alarm.set()
        if self._selector is not None:
            self._selector.close()
        with suppress(OSError):
            self._sock.close()


def _proxy_options(proxy: str | None) -> dict[str, object]:
    if proxy is None:
        # websocket-client reads the environment unless it is given a proxy; this one serves no host.
        return {"http_proxy_host": "proxy.invalid", "http_proxy_port": 1, "http_no_proxy": ["*"]}
    parts = urlsplit(proxy)
    port = parts.port or {"http": 80, "https": 443}.get(parts.scheme, 1080)
    options: dict[str, object] = {
        "http_proxy_host": parts.hostname,
        "http_proxy_port": port,
        "proxy_type": parts.scheme if parts.scheme.startswith("socks") else "http",
        # Matches no host, and being there keeps websocket-client from reading NO_PROXY.
        "http_no_proxy": ["proxy.invalid"],
    }
    if parts.username:
        options["http_proxy_auth"] = (unquote(parts.username), unquote(parts.password or ""))
    return options


def _plain(error: BaseException) -> str:
    text = str(error)
    return f"{type(error).__name__}: {text[:200]}" if text else type(error).__name__
