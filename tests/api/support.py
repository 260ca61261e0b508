"""A scripted HTTP server that can be rude, a CONNECT proxy, and a clock that does not wait."""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import struct
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import trustme

from qqbot_sync.config import Environment
from tests.support import FakeClock

TOKEN_PATH = "/app/getAppAccessToken"


@dataclass
class Got:
    """One request as it came."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    connection: int
    """Which connection it came on, from 1."""

    @property
    def json(self) -> Any:
        return json.loads(self.body)


Step = Callable[["Line", Got], bool]
"""Answers a request; False ends the connection."""


def reply(body: Any = None, status: int = 200, headers: dict[str, str] | None = None, *, close: bool = False) -> Step:
    """A proper answer; `close` ends the connection after it without a word."""
    data = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
    lines = [f"HTTP/1.1 {status} Said", f"Content-Length: {len(data)}"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]

    def step(line: Line, got: Got) -> bool:
        line.sock.sendall("\r\n".join(lines).encode() + b"\r\n\r\n" + (b"" if status == 204 else data))
        return not close

    return step


def raw(data: bytes) -> Step:
    """These bytes, then the end."""

    def step(line: Line, got: Got) -> bool:
        line.sock.sendall(data)
        return False

    return step


def reset(line: Line, got: Got) -> bool:
    """The connection breaks: the server took the request and died."""
    line.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    line.sock.close()
    return False


def silence(line: Line, got: Got) -> bool:
    """The connection ends without an answer."""
    return False


def hang(line: Line, got: Got) -> bool:
    """No answer until the client goes away."""
    with contextlib.suppress(OSError):
        line.sock.recv(1)
    return False


def drip(data: bytes) -> Step:
    """`data` at once, then one byte after the other for ever, far more often than any time-out."""

    def step(line: Line, got: Got) -> bool:
        with contextlib.suppress(OSError):
            line.sock.sendall(data)
            while not line.peer.closed.wait(0.02):
                line.sock.sendall(b"x")
        return False

    return step


class Line:
    """One accepted connection."""

    def __init__(self, peer: Peer, sock: socket.socket, number: int) -> None:
        self.peer = peer
        self.sock = sock
        self.number = number
        self._buffer = b""

    def serve(self) -> None:
        with contextlib.suppress(OSError):
            if self.peer.tls is not None:
                self.sock = self.peer.tls.wrap_socket(self.sock, server_side=True)
            self._loop()
        self.end()

    def end(self) -> None:
        with contextlib.suppress(OSError):
            socket.socket.shutdown(self.sock, socket.SHUT_RDWR)
        self.sock.close()

    def _loop(self) -> None:
        while True:
            got = self._read()
            if got is None or not self.peer.take(self, got):
                return

    def _read(self) -> Got | None:
        while b"\r\n\r\n" not in self._buffer:
            data = self.sock.recv(65536)
            if not data:
                return None
            self._buffer += data
        head, _, self._buffer = self._buffer.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        method, path, _ = first.split(" ", 2)
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        length = int(headers.get("content-length", "0"))
        while len(self._buffer) < length:
            data = self.sock.recv(65536)
            if not data:
                return None
            self._buffer += data
        body, self._buffer = self._buffer[:length], self._buffer[length:]
        return Got(method, path, headers, body, self.number)


class Peer:
    """A platform that says what it was told to say: `answers` one after the other, then `default`.

    The token endpoint has a script of its own (`token_answers`, then token-1, token-2, …).
    """

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.tls = tls
        self.closed = threading.Event()
        self.answers: deque[Step] = deque()
        self.token_answers: deque[Step] = deque()
        self.default: Step = reply({"id": "default"})
        self.requests: list[Got] = []
        self.token_requests: list[Got] = []
        self.connections = 0
        self.hold_tokens: threading.Event | None = None
        self._lock = threading.Lock()
        self._lines: list[Line] = []
        self._threads: list[threading.Thread] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._accepting = threading.Thread(target=self._accept, name="peer", daemon=True)
        self._accepting.start()

    @property
    def url(self) -> str:
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}"

    @property
    def environment(self) -> Environment:
        return Environment.local(self.url)

    def say(self, *steps: Step) -> None:
        self.answers.extend(steps)

    def take(self, line: Line, got: Got) -> bool:
        if got.path == TOKEN_PATH:
            with self._lock:
                self.token_requests.append(got)
                number = len(self.token_requests)
                fresh = reply({"access_token": f"token-{number}", "expires_in": "7200"})
                step = self.token_answers.popleft() if self.token_answers else fresh
            if self.hold_tokens is not None:
                self.hold_tokens.wait(20)
            return step(line, got)
        with self._lock:
            self.requests.append(got)
            step = self.answers.popleft() if self.answers else self.default
        return step(line, got)

    def close(self) -> None:
        self.closed.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._accepting.join(5)
        for line in self._lines:
            line.end()
        for thread in self._threads:
            thread.join(5)

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            line = Line(self, sock, self.connections)
            self._lines.append(line)
            thread = threading.Thread(target=line.serve, name="peer line", daemon=True)
            self._threads.append(thread)
            thread.start()


@dataclass
class Authority:
    """A CA made for the tests."""

    ca: trustme.CA = field(default_factory=trustme.CA)

    def context(self, *names: str) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.ca.issue_cert(*(names or ("127.0.0.1", "localhost"))).configure_cert(context)
        return context


class Proxy:
    """A CONNECT proxy that leads every host to one port of this machine, and notes what it was asked."""

    def __init__(self, port: int, *, status: int = 200) -> None:
        self.asked: list[tuple[str, dict[str, str]]] = []
        self._to = port
        self._status = status
        self._socks: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._start(self._accept)

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for sock in self._socks:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
        for thread in list(self._threads):
            thread.join(5)
        for sock in self._socks:
            sock.close()

    def _start(self, work: Callable[..., None], *args: Any) -> None:
        thread = threading.Thread(target=work, args=args, name="proxy", daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            self._socks.append(sock)
            self._start(self._serve, sock)

    def _serve(self, sock: socket.socket) -> None:
        head = b""
        while b"\r\n\r\n" not in head:
            data = sock.recv(65536)
            if not data:
                return
            head += data
        first, *lines = head.partition(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        self.asked.append((first, headers))
        if self._status != 200:
            sock.sendall(f"HTTP/1.1 {self._status} No\r\nContent-Length: 0\r\n\r\n".encode())
            with contextlib.suppress(OSError):  # the client may have hung up first
                sock.shutdown(socket.SHUT_RDWR)
            return
        beyond = socket.create_connection(("127.0.0.1", self._to))
        self._socks.append(beyond)
        if first.startswith("CONNECT"):
            sock.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        else:
            beyond.sendall(head)
        self._start(_pump, sock, beyond)
        _pump(beyond, sock)


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)


class QuickClock(FakeClock):
    """Every wait is over at once and carries the clock forward; `waits` notes how long each would have been."""

    def __init__(self) -> None:
        super().__init__()
        self.waits: list[float] = []

    def wait(self, event: threading.Event, seconds: float | None) -> bool:
        if not event.is_set():
            assert seconds is not None
            self.waits.append(seconds)
            self.advance(seconds)
        return event.is_set()


def dead_port() -> int:
    """A port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port: int = unused.getsockname()[1]
        return port
