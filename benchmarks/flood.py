"""A gateway that only floods: every frame is encoded beforehand, so that a client is measured and not the server.

It answers the four HTTP calls that clients make before they connect, shakes hands, says Hello and READY, and on `write`
gives the client its frames as fast as it takes them. Whatever a client says after its Identify counts as a heartbeat.
"""

from __future__ import annotations

import base64
import hashlib
import json
import socket
import threading
import uuid
from collections.abc import Iterable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any

__all__ = ["Flood", "body_of", "encode_events", "text_frame"]

APP_ID, SECRET = "102000001", "a-secret-that-opens-nothing"
AUTHORS = 20
CHUNK = 1 << 17
"""Bytes written at once, between which a heartbeat may be acknowledged."""
_MAGIC = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_BOT = {"id": "8512345678901234567", "username": "bench", "bot": True}


def body_of(number: int) -> dict[str, Any]:
    """`d` of GROUP_AT_MESSAGE_CREATE, with an id of its own, from one of 20 authors in one group."""
    openid = hashlib.md5(f"author {number % AUTHORS}".encode()).hexdigest().upper()
    return {
        "id": f"ROBOT1.0_{uuid.UUID(int=number).hex}{number:016x}!",
        "author": {
            "id": openid,
            "member_openid": openid,
            "member_role": "member",
            "username": f"群友{number % AUTHORS}",
            "bot": False,
        },
        "content": f" 今天天气怎么样 {number}",
        "message_type": 0,
        "timestamp": "2026-07-21T10:05:00+08:00",
        "group_id": "B2C3D4E5F6A1B2C3D4E5F6A1B2C3D4E5",
        "group_openid": "B2C3D4E5F6A1B2C3D4E5F6A1B2C3D4E5",
        "message_scene": {"source": "default", "ext": [f"msg_idx=REFIDX_{number:016d}=="]},
    }


def encode_events(numbers: Iterable[int]) -> list[bytes]:
    """Events as WebSocket frames, with `s` two higher than their number (1 is READY), joined into chunks."""
    chunks, chunk = [], bytearray()
    for number in numbers:
        name = "GROUP_AT_MESSAGE_CREATE"
        frame = {"op": 0, "s": number + 2, "t": name, "id": f"{name}:{number:032x}", "d": body_of(number)}
        chunk += text_frame(json.dumps(frame, ensure_ascii=False, separators=(",", ":")).encode())
        if len(chunk) >= CHUNK:
            chunks.append(bytes(chunk))
            chunk = bytearray()
    return [*chunks, bytes(chunk)]


def text_frame(payload: bytes) -> bytes:
    """One unmasked text frame."""
    if len(payload) < 126:
        return bytes((0x81, len(payload))) + payload
    if len(payload) < 1 << 16:
        return b"\x81\x7e" + len(payload).to_bytes(2, "big") + payload
    return b"\x81\x7f" + len(payload).to_bytes(8, "big") + payload


class Flood:
    """The server, for one client; a context manager."""

    app_id, secret = APP_ID, SECRET

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), _handler_for(self._listener.getsockname()[1]))
        self._http.daemon_threads = True
        self._writing = threading.Lock()
        self._identified = threading.Event()
        self._peer: socket.socket | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_address[1]}"

    def __enter__(self) -> Flood:
        threading.Thread(target=self._http.serve_forever, daemon=True).start()
        threading.Thread(target=self._serve, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._listener.close()
        if self._peer is not None:
            self._peer.close()

    def wait_for_client(self, timeout: float) -> None:
        """Waits until a client has identified.

        Raises:
            TimeoutError: none has, within `timeout` seconds.
        """
        if not self._identified.wait(timeout):
            raise TimeoutError(f"no client has identified within {timeout:g} s")

    def write(self, chunks: Iterable[bytes]) -> None:
        """Writes what `encode_events` gave. Blocks until the last chunk is in the network's hands."""
        assert self._peer is not None
        for chunk in chunks:
            with self._writing:
                self._peer.sendall(chunk)

    def _serve(self) -> None:
        try:
            self._peer, _ = self._listener.accept()
            self._peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._converse(self._peer)
        except OSError:
            # The client has left, or the run is over.
            return

    def _converse(self, peer: socket.socket) -> None:
        head = b""
        while b"\r\n\r\n" not in head:
            head += peer.recv(4096)
        lines = (line.partition(":") for line in head.decode("latin-1").split("\r\n"))
        key = next(value.strip() for name, _, value in lines if name.lower() == "sec-websocket-key")
        accept = base64.b64encode(hashlib.sha1((key + _MAGIC).encode()).digest()).decode()
        peer.sendall(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Accept: {accept}\r\n\r\n".encode()
            + text_frame(b'{"op":10,"d":{"heartbeat_interval":45000}}')
        )
        peer.recv(4096)
        ready = {"version": 1, "session_id": uuid.uuid4().hex, "user": _BOT, "shard": [0, 1]}
        peer.sendall(text_frame(json.dumps({"op": 0, "s": 1, "t": "READY", "d": ready}).encode()))
        self._identified.set()
        while peer.recv(4096):
            with self._writing:
                peer.sendall(text_frame(b'{"op":11}'))


def _handler_for(port: int) -> type[BaseHTTPRequestHandler]:
    limit = {"total": 1000, "remaining": 1000, "reset_after": 86_400_000, "max_concurrency": 1000}
    gateway = {"url": f"ws://127.0.0.1:{port}/websocket", "shards": 1, "session_start_limit": limit}
    answers: dict[str, Any] = {
        "/app/getAppAccessToken": {"access_token": "bench-token", "expires_in": "7200"},
        "/users/@me": _BOT,
        "/gateway": gateway,
        "/gateway/bot": gateway,
    }

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            answer = json.dumps(answers[self.path]).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        do_POST = do_GET

        def log_message(self, format: str, *args: object) -> None:
            """Says nothing: standard error belongs to the figures."""

    return Handler
