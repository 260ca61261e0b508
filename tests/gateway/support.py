"""A gateway peer that does exactly what a test tells it, down to the single byte: over TCP or TLS."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import queue
import socket
import ssl
import struct
import threading
from collections.abc import Callable
from typing import Any

import trustme

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


class Wire:
    """The server's end of one accepted connection."""

    def __init__(self, sock: socket.socket, plain: socket.socket | None = None) -> None:
        self.sock = sock
        self.plain = plain or sock
        """Below TLS, to say what no TLS library would."""
        self._buffer = b""

    def handshake(self) -> str:
        """Answers the upgrade; returns the request."""
        request = b""
        while b"\r\n\r\n" not in request:
            data = self.sock.recv(4096)
            if not data:
                raise ConnectionError("no handshake")
            request += data
        headers = dict(line.split(b": ", 1) for line in request.split(b"\r\n")[1:] if b": " in line)
        key = {name.lower(): value for name, value in headers.items()}[b"sec-websocket-key"]
        accept = base64.b64encode(hashlib.sha1(key + GUID).digest())
        self.sock.sendall(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n"
        )
        return request.decode()

    def raw(self, data: bytes) -> None:
        self.sock.sendall(data)

    def frame(self, payload: bytes, opcode: int = 1, *, fin: bool = True) -> None:
        self.raw(encode(payload, opcode, fin=fin))

    def send(self, **message: Any) -> None:
        self.frame(json.dumps(message).encode())

    def close_frame(self, code: int, reason: str = "") -> None:
        self.frame(struct.pack("!H", code) + reason.encode(), 8)

    def receive(self) -> tuple[int, bytes]:
        """The next frame of the client: (opcode, payload). (8, b"") when it is gone without a close frame."""
        try:
            first, second = self._exactly(2)
            size = second & 0x7F
            if size == 126:
                (size,) = struct.unpack("!H", self._exactly(2))
            elif size == 127:
                (size,) = struct.unpack("!Q", self._exactly(8))
            mask = self._exactly(4)
            data = self._exactly(size)
        except (ConnectionError, OSError):
            return 8, b""
        return first & 0x0F, bytes(byte ^ mask[place % 4] for place, byte in enumerate(data))

    def json(self) -> dict[str, Any]:
        """The next JSON message; {} when the client is gone."""
        while True:
            opcode, data = self.receive()
            if opcode == 8:
                return {}
            if opcode in (1, 2):
                message: dict[str, Any] = json.loads(data)
                return message

    def _exactly(self, size: int) -> bytes:
        while len(self._buffer) < size:
            data = self.sock.recv(65536)
            if not data:
                raise ConnectionError("gone")
            self._buffer += data
        data, self._buffer = self._buffer[:size], self._buffer[size:]
        return data


def encode(payload: bytes, opcode: int = 1, *, fin: bool = True) -> bytes:
    size = len(payload)
    first = (0x80 if fin else 0) | opcode
    if size < 126:
        return bytes((first, size)) + payload
    if size < 65536:
        return bytes((first, 126)) + struct.pack("!H", size) + payload
    return bytes((first, 127)) + struct.pack("!Q", size) + payload


class Peer:
    """Listens on a free port and plays `script(wire)` for each connection, on a thread of its own."""

    def __init__(self, script: Callable[[Wire], None], *, ca: trustme.CA | None = None) -> None:
        self._script = script
        self._context: ssl.SSLContext | None = None
        if ca is not None:
            self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            ca.issue_cert("127.0.0.1", "localhost").configure_cert(self._context)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.url = f"{'wss' if ca else 'ws'}://127.0.0.1:{self.port}/websocket"
        self.failures: queue.SimpleQueue[BaseException] = queue.SimpleQueue()
        self._open: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._closing = False
        self._accepting = threading.Thread(target=self._accept, daemon=True)
        self._accepting.start()

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            self._open.append(sock)
            thread = threading.Thread(target=self._play, args=(sock,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _play(self, sock: socket.socket) -> None:
        plain = sock
        try:
            if self._context is not None:
                plain = sock.dup()
                self._open.append(plain)
                sock = self._context.wrap_socket(sock, server_side=True)
                self._open.append(sock)
            self._script(Wire(sock, plain))
        except (OSError, ConnectionError):
            pass
        except BaseException as error:
            self.failures.put(error)
        finally:
            for one in (sock, plain):
                with contextlib.suppress(OSError):
                    one.close()

    def close(self) -> None:
        self._closing = True
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for sock in self._open:
            with contextlib.suppress(OSError):
                socket.socket.shutdown(sock, socket.SHUT_RDWR)
            sock.close()
        for thread in self._threads:
            thread.join(5)
        self._accepting.join(5)
        if not self.failures.empty():
            raise self.failures.get()

    def __enter__(self) -> Peer:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
