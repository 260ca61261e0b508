"""WebSocket frames as bytes. Pure.

Data frames are encoded here and not by the `websockets` protocol object: an event goes to its session and to its
replay buffer as one ready frame.
"""

from __future__ import annotations

__all__ = ["GARBAGE", "text_frame"]


def text_frame(payload: bytes) -> bytes:
    """One unmasked, unfragmented text frame (RFC 6455, section 5.2)."""
    return _frame(0x81, payload)


def _frame(first: int, payload: bytes) -> bytes:
    size = len(payload)
    if size < 126:
        return b"%c%c%b" % (first, size, payload)
    if size < 1 << 16:
        return b"%c\x7e%b%b" % (first, size.to_bytes(2, "big"), payload)
    return b"%c\x7f%b%b" % (first, size.to_bytes(8, "big"), payload)


GARBAGE: dict[str, bytes] = {
    "json": text_frame(b'{"op":0,"s":'),
    "not_an_object": text_frame(b'[1,2,"three"]'),
    "empty": text_frame(b""),
    "utf8": text_frame(b'{"op":0,"t":"RUBBISH","d":"\xff\xfe"}'),
    "opcode": text_frame(b'{"op":99,"d":{"what":"is this"}}'),
    "no_s": text_frame(b'{"op":0,"t":"RUBBISH","d":{}}'),
    "wrong_types": text_frame(b'{"op":"0","s":"x","t":7,"d":null,"id":{}}'),
    "deep": text_frame(b'{"op":0,"t":"RUBBISH","d":' + b"[" * 100_000 + b"]" * 100_000 + b"}"),
    "binary": _frame(0x82, bytes(range(256))),
    "fragments": b"\x01\x05" + b'{"op"' + b"\x89\x02hi" + b"\x80\x08:11    }",
    "wire": b"\xff\xff\xff this is no WebSocket frame",
}
"""What `garbage(kind)` puts on the wire. All but "wire" are well-formed WebSocket; "fragments" is even a good ACK."""
