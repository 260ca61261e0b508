"""What happens on one TCP connection: HTTP calls with the faults they meet, or a gateway connection."""

from __future__ import annotations

import logging
import socket
import struct
import threading
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from qqbot_sync.codec import dumps
from qqbot_sync.simulator import http1
from qqbot_sync.simulator.control import PREFIX
from qqbot_sync.simulator.gateway import Gateway
from qqbot_sync.simulator.guard import Guard
from qqbot_sync.simulator.http_faults import HttpFault, HttpFaults
from qqbot_sync.simulator.platform import Platform

if TYPE_CHECKING:
    from flask import Flask

__all__ = ["Front"]

_log = logging.getLogger("qqbot_sync.simulator")
_GATEWAY = ("/websocket", "/websocket/")
_DRAIN = 1.0
"""Seconds a client that speaks no HTTP has to stop talking."""
_NO_HTTP = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


class Front:
    """Serves the connections of one simulator. Thread-safe."""

    def __init__(self, app: Flask, gateway: Gateway, platform: Platform, http_faults: HttpFaults, guard: Guard) -> None:
        self._app = app
        self._gateway = gateway
        self._platform = platform
        self._http_faults = http_faults
        self._guard = guard
        self.ending = threading.Event()
        """Set when the simulator stops: calls that hang go unanswered."""

    def serve(self, sock: socket.socket) -> None:
        """Serves one connection until it ends. Blocks; raises OSError when it breaks."""
        reader = http1.Reader(sock)
        while not self.ending.is_set():
            try:
                request = reader.head()
                if request is None:
                    return
                if request.upgrades and request.path in _GATEWAY:
                    self._gateway.serve(sock, request.head + reader.rest)
                    return
                reader.body(request)
            except http1.BadRequest as error:
                _log.debug("no HTTP: %s", error)
                _refuse(sock)
                return
            if not self._respond(sock, request) or not request.keeps_alive:
                return

    def _respond(self, sock: socket.socket, request: http1.Request) -> bool:
        """Answers one call; False when the connection is to end without an answer."""
        fault, delay = self._met(request)
        if delay and self._platform.clock.wait(self.ending, delay):
            return False
        if fault is not None and fault.kind == "fail":
            sock.sendall(self._fail(request, fault))
            return True
        response = http1.answer(self._app, request)
        if fault is not None and fault.kind == "lose":
            # Closing with unsent data thrown away is what makes a TCP reset.
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            return False
        sock.sendall(response)
        return True

    def _met(self, request: http1.Request) -> tuple[HttpFault | None, float]:
        if request.path.startswith(PREFIX):
            return None, 0.0
        with self._guard:
            fault = self._http_faults.meet(unquote(request.path))
            delay = self._http_faults.delay
        if fault is not None and fault.kind == "hang":
            delay += fault.seconds
        return fault, delay

    def _fail(self, request: http1.Request, fault: HttpFault) -> bytes:
        trace_id = self._platform.ids.trace()
        body: dict[str, Any] = {"message": "simulated failure", "trace_id": trace_id}
        if fault.code is not None:
            body.update(code=fault.code, err_code=fault.code)
        with self._guard:
            self._platform.log.write(
                "refused", request.method, request.path, fault.status, fault.code, "simulated failure", trace_id
            )
        return http1.simple_answer(f"{fault.status} Simulated Failure", dumps(body), request, trace_id=trace_id)


def _refuse(sock: socket.socket) -> None:
    """Answers 400, and reads on a little: closing with unread data would reset the connection and lose the answer."""
    sock.sendall(_NO_HTTP)
    socket.socket.shutdown(sock, socket.SHUT_WR)
    sock.settimeout(_DRAIN)
    for _ in range(64):
        if not sock.recv(1 << 16):
            return
