"""One WebSocket connection to the gateway: bytes in, messages out, frames queued and sent in batches.

A connection has one thread, which does all its reading and writing (over TLS two would need a lock of their own);
everybody else only queues frames for it and wakes it.
"""

from __future__ import annotations

import logging
import selectors
import socket
import ssl
import struct
import threading
from collections import deque
from typing import TYPE_CHECKING

from websockets.exceptions import WebSocketException
from websockets.frames import Frame, Opcode
from websockets.server import ServerProtocol

from qqbot_sync.simulator.sessions import Session

if TYPE_CHECKING:
    from qqbot_sync.simulator.gateway import Gateway

__all__ = ["Link"]

_log = logging.getLogger("qqbot_sync.simulator")
_quiet = logging.Logger("qqbot_sync.simulator.websocket")
_quiet.disabled = True
"""Else `websockets` writes every frame to its own log at DEBUG, and with Identify the token."""
_READ = 1 << 16
_BATCH = 1 << 18


class Link:
    """One WebSocket connection to the gateway.

    `send`, `close`, `cut` and the attributes are for whoever holds the guard, `wake` is thread-safe; the rest is the
    business of the connection's own thread.
    """

    def __init__(self, number: int, sock: socket.socket, gateway: Gateway) -> None:
        self.number = number
        self.deaf = False
        """Nothing is answered or sent any more, though TCP stays open."""
        self.is_leaving = False
        """Nothing more is said on this connection; it is about to end."""
        self.reads = True
        """False: bytes of the client stay in the buffers of the network."""
        self.session: Session | None = None
        self._sock = sock
        self._gateway = gateway
        self._protocol = ServerProtocol(max_size=4 << 20, logger=_quiet)
        self._queue: deque[bytes | tuple[int, str]] = deque()
        self._unsent = memoryview(b"")
        self._parts: list[bytes] = []
        self._is_woken = False
        self.is_cut = threading.Event()
        self._reset = False
        self._closes = False
        self._lingers = False
        self.close_code = 1006
        self.close_reason = ""
        self._wake_out, self._wake_in = socket.socketpair()
        self._wake_out.setblocking(False)
        self._wake_in.setblocking(False)
        self.pace: deque[float] = deque()
        """When the client's latest frames came."""

    # ---------------------------------------------------------------- from any thread

    def send(self, frame: bytes) -> None:
        """Queues one frame; `wake` (by the guard, once it is released) gets it going."""
        if not self.deaf:
            self._queue.append(frame)
            self._gateway.touched.add(self)

    def close(self, code: int, reason: str) -> None:
        """Queues a close frame."""
        if not self.deaf:
            self._queue.append((code, reason))
            self._gateway.touched.add(self)

    def cut(self, *, reset: bool = False) -> None:
        """Ends the connection without a close frame; `reset` sends a TCP reset instead of an orderly end."""
        self._reset = reset
        self.is_cut.set()
        self._gateway.touched.add(self)

    def wake(self) -> None:
        """Makes the connection's thread look at its queue."""
        if not self._is_woken:
            self._is_woken = True
            try:
                self._wake_out.send(b"!")
            except OSError:
                # Full: awake already. Closed: the thread has ended.
                return

    # ---------------------------------------------------------------- the thread

    def serve(self, head: bytes) -> None:
        """Shakes hands, then reads and writes until the connection ends. Blocks."""
        try:
            if self._shake_hands(head):
                self._gateway.joined(self)
                self._run()
        except (OSError, WebSocketException) as error:
            _log.debug("gateway connection %d ended: %r", self.number, error)
        finally:
            self._gateway.left(self)
            self._finish()

    def _shake_hands(self, head: bytes) -> bool:
        protocol = self._protocol
        protocol.receive_data(head)
        for request in protocol.events_received():
            response = protocol.accept(request)  # type: ignore[arg-type]
            protocol.send_response(response)
            self._sock.sendall(b"".join(protocol.data_to_send()))
            self._sock.setblocking(False)
            return response.status_code == 101
        return False

    def _run(self) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(self._wake_in, selectors.EVENT_READ)
            selector.register(self._sock, selectors.EVENT_READ)
            watched = selectors.EVENT_READ
            # TLS may hold bytes that came with the handshake, of which the selector knows nothing.
            if not self._read():
                return
            while not self.is_cut.is_set():
                wanted = self._wanted()
                if wanted != watched:
                    _watch(selector, self._sock, wanted, watched)
                    watched = wanted
                ready = {key.fileobj for key, _ in selector.select()}
                if self._wake_in in ready:
                    self._wake_in.recv(4096)
                    self._is_woken = False
                if self._sock in ready and self.reads and not self._read():
                    return
                self._write()
                if self._protocol.close_expected() and not self._unsent and not self._queue and self._is_closed():
                    return

    def _wanted(self) -> int:
        wanted = selectors.EVENT_READ if self.reads else 0
        return wanted | selectors.EVENT_WRITE if self._unsent else wanted

    def _read(self) -> bool:
        """Takes what has come; False at the end of the stream."""
        while True:
            try:
                data = self._sock.recv(_READ)
            except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
                return True
            if self.deaf:
                if not data:
                    return False
                continue
            if not data:
                self._protocol.receive_eof()
                self._take_events()
                return False
            self._protocol.receive_data(data)
            self._take_events()

    def _take_events(self) -> None:
        for event in self._protocol.events_received():
            if isinstance(event, Frame):
                self._take_frame(event)
        for data in self._protocol.data_to_send():
            if data:
                self._queue.append(data)
        if self._protocol.close_sent is not None and not self._lingers:
            self._lingers = True
            self._gateway.linger(self)

    def _take_frame(self, frame: Frame) -> None:
        if frame.opcode in (Opcode.TEXT, Opcode.BINARY, Opcode.CONT):
            self._parts.append(bytes(frame.data))
            if frame.fin:
                message, self._parts = b"".join(self._parts), []
                self._gateway.receive(self, message)
        elif frame.opcode is Opcode.CLOSE and self._protocol.close_rcvd is not None and not self._closes:
            # Of two close frames the first one tells why the connection ends.
            self.close_code = self._protocol.close_rcvd.code
            self.close_reason = self._protocol.close_rcvd.reason

    def _write(self) -> None:
        """Sends what is queued, as much at once as the network takes."""
        while self._unsent or self._queue:
            if not self._unsent:
                self._gateway.slow_down(self)
                self._unsent = memoryview(self._next_batch())
                continue
            try:
                sent = self._sock.send(self._unsent)
            except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
                return
            self._unsent = self._unsent[sent:]

    def _next_batch(self) -> bytes:
        batch, size = [], 0
        while self._queue and size < _BATCH:
            item = self._queue.popleft()
            if isinstance(item, tuple):
                item = self._close_frame(*item)
            batch.append(item)
            size += len(item)
        return b"".join(batch)

    def _close_frame(self, code: int, reason: str) -> bytes:
        if self._protocol.close_sent is not None or self._protocol.close_rcvd is not None:
            return b""
        self._closes = True
        self.close_code, self.close_reason = code, reason
        self._protocol.send_close(code, reason)
        return b"".join(self._protocol.data_to_send())

    def _is_closed(self) -> bool:
        return self._protocol.close_sent is not None and self._protocol.close_rcvd is not None

    def _finish(self) -> None:
        if self._reset:
            self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        elif not isinstance(self._sock, ssl.SSLSocket):
            try:
                self._sock.shutdown(socket.SHUT_WR)
            except OSError:
                pass
        self._sock.close()
        self._wake_out.close()
        self._wake_in.close()


def _watch(selector: selectors.BaseSelector, sock: socket.socket, wanted: int, watched: int) -> None:
    if not watched:
        selector.register(sock, wanted)
    elif not wanted:
        selector.unregister(sock)
    else:
        selector.modify(sock, wanted)
