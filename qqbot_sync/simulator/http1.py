"""HTTP/1.1 for a WSGI application on one socket: small, keep-alive, one packet per answer.

Werkzeug's own server would do, but the same port must also speak WebSocket, and faults need the bare socket.
"""

from __future__ import annotations

import io
import socket
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_to_bytes

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

__all__ = ["BadRequest", "Reader", "Request", "answer", "simple_answer"]

_MOST_HEAD = 1 << 16
_MOST_BODY = 64 << 20
_READ = 1 << 16


class BadRequest(Exception):
    """This is no HTTP/1.1; the connection is of no use any more."""


@dataclass
class Request:
    """One request; header names in lower case."""

    method: str
    target: str
    version: str
    headers: dict[str, str]
    head: bytes
    """As it came, with the empty line."""
    body: bytes = b""

    @property
    def path(self) -> str:
        """The target without its query."""
        return self.target.partition("?")[0]

    @property
    def keeps_alive(self) -> bool:
        """Whether the client wants the connection to stay."""
        wish = self.headers.get("connection", "").lower()
        return "close" not in wish and (self.version == "HTTP/1.1" or "keep-alive" in wish)

    @property
    def upgrades(self) -> bool:
        """Whether this is a WebSocket handshake."""
        return self.headers.get("upgrade", "").lower() == "websocket"


class Reader:
    """Reads requests from one socket. Not thread-safe."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._buffer = bytearray()

    @property
    def rest(self) -> bytes:
        """What was read beyond the last request."""
        return bytes(self._buffer)

    def head(self) -> Request | None:
        """The next request without its body; None when the client has gone.

        Raises:
            BadRequest: it is no HTTP request.
            OSError: the connection broke.
        """
        while (end := self._buffer.find(b"\r\n\r\n")) < 0:
            if len(self._buffer) > _MOST_HEAD:
                raise BadRequest("head too long")
            if not self._more():
                return None
        head = bytes(self._buffer[: end + 4])
        del self._buffer[: end + 4]
        return _parse(head)

    def body(self, request: Request) -> None:
        """Reads the body of `request` into it."""
        if request.headers.get("expect", "").lower() == "100-continue":
            self._sock.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        if "chunked" in request.headers.get("transfer-encoding", "").lower():
            request.body = self._chunks()
            return
        length = request.headers.get("content-length", "0").strip()
        if not length.isdecimal() or int(length) > _MOST_BODY:
            raise BadRequest("bad content-length")
        request.body = self._exactly(int(length))

    def _chunks(self) -> bytes:
        body = bytearray()
        while True:
            try:
                size = int(self._line().partition(b";")[0], 16)
            except ValueError as error:
                raise BadRequest("bad chunk") from error
            if size < 0 or len(body) + size > _MOST_BODY:
                raise BadRequest("bad chunk")
            if size == 0:
                while self._line():
                    pass
                return bytes(body)
            body += self._exactly(size)
            self._line()

    def _line(self) -> bytes:
        while (end := self._buffer.find(b"\r\n")) < 0:
            if len(self._buffer) > _MOST_HEAD or not self._more():
                raise BadRequest("broken off")
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 2]
        return line

    def _exactly(self, size: int) -> bytes:
        while len(self._buffer) < size:
            if not self._more():
                raise BadRequest("broken off")
        data = bytes(self._buffer[:size])
        del self._buffer[:size]
        return data

    def _more(self) -> bool:
        data = self._sock.recv(_READ)
        self._buffer += data
        return bool(data)


def _parse(head: bytes) -> Request:
    first, *lines = head[:-4].decode("latin-1").split("\r\n")
    parts = first.split(" ")
    if len(parts) != 3 or not parts[2].startswith("HTTP/1."):
        raise BadRequest("bad request line")
    headers: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon or not name or name != name.strip():
            raise BadRequest("bad header")
        name, value = name.lower(), value.strip()
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    method, target, version = parts
    return Request(method, target, version, headers, head)


def answer(application: WSGIApplication, request: Request) -> bytes:
    """Has the application answer, and gives the whole response as bytes."""
    started: list[tuple[str, list[tuple[str, str]]]] = []

    def start_response(status: str, headers: list[tuple[str, str]], _: Any = None) -> Callable[[bytes], object]:
        started.append((status, headers))
        return _written

    result: Iterable[bytes] = application(_environ(request), start_response)
    try:
        body = b"".join(result)
    finally:
        close = getattr(result, "close", None)
        if close is not None:
            close()
    status, headers = started[-1]
    return _response(status, headers, body, request)


def _written(_: bytes) -> None:
    """The way of writing that WSGI keeps for applications older than iterators; Flask never takes it."""


def simple_answer(status: str, body: bytes, request: Request, *, trace_id: str) -> bytes:
    """A JSON response that no application has made."""
    headers = [("Content-Type", "application/json"), ("X-Tps-trace-ID", trace_id)]
    return _response(status, headers, body, request)


def _response(status: str, headers: Iterable[tuple[str, str]], body: bytes, request: Request) -> bytes:
    lines = [f"HTTP/1.1 {status}"]
    lines.extend(f"{name}: {value}" for name, value in headers if name.lower() not in ("content-length", "connection"))
    bodiless = status.startswith(("204", "304"))
    if not bodiless:
        lines.append(f"Content-Length: {len(body)}")
    lines.append(f"Connection: {'keep-alive' if request.keeps_alive else 'close'}")
    head = "\r\n".join(lines).encode("latin-1", "replace") + b"\r\n\r\n"
    return head if bodiless or request.method == "HEAD" else head + body


def _environ(request: Request) -> dict[str, Any]:
    path, _, query = request.target.partition("?")
    environ: dict[str, Any] = {
        "REQUEST_METHOD": request.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(path).decode("latin-1"),
        "RAW_URI": request.target,
        "QUERY_STRING": query,
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "0",
        "SERVER_PROTOCOL": request.version,
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(request.body),
        "wsgi.input_terminated": True,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    for name, value in request.headers.items():
        if name == "transfer-encoding":
            # The chunks have been put together; with this header Werkzeug would look for them.
            continue
        key = name.upper().replace("-", "_")
        environ[key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}"] = value
    environ["CONTENT_LENGTH"] = str(len(request.body))
    return environ
