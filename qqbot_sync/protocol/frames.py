"""The reading half of a WebSocket client: bytes in, messages and control frames out.

RFC 6455, sections 5.2 to 5.5 and 7.4; no extensions, because none is offered in the handshake.
https://www.rfc-editor.org/rfc/rfc6455
"""

from __future__ import annotations

from typing import NamedTuple

__all__ = [
    "MAX_SIZE",
    "CloseFrame",
    "Frame",
    "FrameError",
    "FrameSplitter",
    "Message",
    "Ping",
    "Pong",
]

MAX_SIZE = 64 * 1024 * 1024
"""Bytes one message may have unless told otherwise; real ones stay below a few kilobytes."""

PROTOCOL_ERROR = 1002
TOO_BIG = 1009

_CONTINUATION, _TEXT, _BINARY, _CLOSE, _PING, _PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA
_OPCODES = frozenset((_CONTINUATION, _TEXT, _BINARY, _CLOSE, _PING, _PONG))
_FIN, _RESERVED, _CONTROL, _MASKED = 0x80, 0x70, 0x08, 0x80
_WHOLE_TEXT = _FIN | _TEXT
_SHORTEST_HEADER = 2


class Message(NamedTuple):
    """One whole data message, its fragments joined. Text is not checked for being UTF-8."""

    data: bytes
    binary: bool


class Ping(NamedTuple):
    """Wants a pong with the same data."""

    data: bytes


class Pong(NamedTuple):
    """Answers a ping."""

    data: bytes


class CloseFrame(NamedTuple):
    """The peer ends the connection; nothing follows."""

    code: int | None
    """None when the peer gave no code."""
    reason: str


Frame = Message | Ping | Pong | CloseFrame


class FrameError(ValueError):
    """The peer broke the WebSocket protocol: the connection is of no use any more."""

    close_code: int
    """What to close with: 1002 protocol error, 1009 too big."""
    frames: list[Frame]
    """What the same bytes held before the error: it came whole and is as good as any other."""

    def __init__(self, message: str, *, close_code: int = PROTOCOL_ERROR) -> None:
        super().__init__(message)
        self.close_code = close_code
        self.frames = []


class FrameSplitter:
    """Cuts what a server sends into frames, wherever the network has cut it. Called by the reader alone.

    Args:
        max_size: bytes a message may have, all its fragments together.
    """

    __slots__ = ("_binary", "_ended", "_fragments", "_have", "_max_size", "_need", "_pieces")

    def __init__(self, max_size: int = MAX_SIZE) -> None:
        self._max_size = max_size
        self._pieces: list[bytes] = []
        self._have = 0
        self._need = _SHORTEST_HEADER
        self._fragments: bytearray | None = None
        self._binary = False
        self._ended = False

    @property
    def ended(self) -> bool:
        """Whether a close frame or an error came: `feed` ignores everything since."""
        return self._ended

    def feed(self, data: bytes | bytearray | memoryview) -> list[Frame]:
        """The frames that these bytes complete, in order; an empty list while one is under way.

        Args:
            data: what was read from the socket, in pieces of any size.

        Raises:
            FrameError: the peer broke the protocol; `frames` holds what stood before.
        """
        if self._ended:
            return []
        self._have += len(data) if not isinstance(data, memoryview) else data.nbytes
        if self._have < self._need:
            self._pieces.append(bytes(data))
            return []
        if self._pieces:
            # Joined once per frame, not once per piece: a large message in small pieces stays linear.
            self._pieces.append(bytes(data))
            data = b"".join(self._pieces)
            self._pieces.clear()
        frames: list[Frame] = []
        try:
            self._split(bytes(data), frames)
        except FrameError as error:
            error.frames = frames
            self._end()
            raise
        return frames

    def _split(self, buffer: bytes, frames: list[Frame]) -> None:
        position, end = 0, len(buffer)
        limit, append, new = self._max_size, frames.append, tuple.__new__
        whole = self._fragments is None
        while position + 1 < end:
            # The fast way is for what the gateway sends all day: an unfragmented text of less than 64 KiB.
            if whole and buffer[position] == _WHOLE_TEXT:
                length, start = buffer[position + 1], position + 2
                if length == 126 and position + 4 <= end:
                    length, start = buffer[position + 2] << 8 | buffer[position + 3], position + 4
                elif length >= 126:
                    length = end
                stop = start + length
                if stop <= end and length <= limit:
                    # Half the price of Message(…), which is a Python function around this very call.
                    append(new(Message, (buffer[start:stop], False)))
                    position = stop
                    continue
            after = self._take(buffer, position, frames)
            if after == position:
                break
            if self._ended:
                return
            position = after
            whole = self._fragments is None
        else:
            self._need = _SHORTEST_HEADER
        self._have = end - position
        if self._have:
            self._pieces.append(buffer[position:])

    def _take(self, buffer: bytes, position: int, frames: list[Frame]) -> int:
        """Reads any one frame; returns where the next begins, or `position` when more bytes are needed."""
        first, length = buffer[position], buffer[position + 1]
        opcode = first & 0x0F
        self._check(first, length)
        start = position + 2
        if length >= 126:
            start += 2 if length == 126 else 8
            if start > len(buffer):
                self._need = start - position
                return position
            length = int.from_bytes(buffer[position + 2 : start], "big")
            if length >> 63:
                raise FrameError("the length of a frame has its highest bit set")
        if opcode & _CONTROL:
            if length > 125:
                raise FrameError("a control frame has more than 125 bytes")
        elif length + len(self._fragments or b"") > self._max_size:
            raise FrameError(f"a message has more than {self._max_size} bytes", close_code=TOO_BIG)
        stop = start + length
        if stop > len(buffer):
            self._need = stop - position
            return position
        payload = buffer[start:stop]
        if opcode & _CONTROL:
            frames.append(self._control(opcode, payload))
        else:
            self._data(first, payload, frames)
        return stop

    def _check(self, first: int, second: int) -> None:
        opcode = first & 0x0F
        if first & _RESERVED:
            raise FrameError("a frame has reserved bits set")
        if opcode not in _OPCODES:
            raise FrameError(f"a frame has the unknown opcode {opcode:#x}")
        if second & _MASKED:
            raise FrameError("a frame from the server is masked")
        if opcode & _CONTROL:
            if not first & _FIN:
                raise FrameError("a control frame is fragmented")
        elif opcode == _CONTINUATION and self._fragments is None:
            raise FrameError("a continuation frame continues nothing")
        elif opcode != _CONTINUATION and self._fragments is not None:
            raise FrameError("a new message begins inside a fragmented one")

    def _control(self, opcode: int, payload: bytes) -> Frame:
        if opcode == _PING:
            return Ping(payload)
        if opcode == _PONG:
            return Pong(payload)
        if len(payload) == 1:
            raise FrameError("a close frame has half a code")
        self._end()
        code = int.from_bytes(payload[:2], "big") if payload else None
        return CloseFrame(code, payload[2:].decode("utf-8", "replace"))

    def _data(self, first: int, payload: bytes, frames: list[Frame]) -> None:
        if self._fragments is None:
            self._binary = first & 0x0F == _BINARY
            if first & _FIN:
                frames.append(Message(payload, self._binary))
                return
            self._fragments = bytearray()
        self._fragments += payload
        if first & _FIN:
            frames.append(Message(bytes(self._fragments), self._binary))
            self._fragments = None

    def _end(self) -> None:
        self._ended = True
        self._pieces.clear()
        self._fragments = None
