"""The frame splitter, rule by rule, and against the parser of the `websockets` package."""

from __future__ import annotations

import importlib.util
import types
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.frames import Frame as TheirFrame
from websockets.frames import Opcode as TheirOpcode
from websockets.protocol import CLIENT, Protocol

from qqbot_sync.protocol import frames as ours
from qqbot_sync.protocol.frames import CloseFrame, FrameError, FrameSplitter, Message
from tests.protocol.support import BOUNDED

TEXT, BINARY, CONTINUATION = TheirOpcode.TEXT, TheirOpcode.BINARY, TheirOpcode.CONT
PING, PONG, CLOSE = TheirOpcode.PING, TheirOpcode.PONG, TheirOpcode.CLOSE
LIMIT = 3000


def wire(opcode: TheirOpcode, data: bytes = b"", *, fin: bool = True) -> bytes:
    """One server frame, made by the other implementation."""
    return TheirFrame(opcode, data, fin=fin).serialize(mask=False)


def header(first: int, second: int, rest: bytes = b"") -> bytes:
    return bytes((first, second)) + rest


def close(code: int, reason: bytes = b"") -> bytes:
    return wire(CLOSE, code.to_bytes(2, "big") + reason)


def plain(frames: list[Any]) -> list[tuple[Any, ...]]:
    """Frames as tuples that tell their kind: a Ping and a Pong are equal as bare tuples."""
    return [(type(frame).__name__, *frame) for frame in frames]


# -- what comes in goes out ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 1000, 65535, 65536, 200_000])
@pytest.mark.parametrize("opcode", [TEXT, BINARY])
def test_a_message_of_any_size_arrives_whole(size: int, opcode: TheirOpcode) -> None:
    payload = bytes(i % 251 for i in range(size))
    found = FrameSplitter().feed(wire(opcode, payload))
    assert plain(found) == [("Message", payload, opcode is BINARY)]
    assert type(found[0].data) is bytes


def test_many_frames_of_one_read_come_out_in_order() -> None:
    data = b"".join(wire(TEXT, b"%d" % i) for i in range(1000))
    assert FrameSplitter().feed(data) == [Message(b"%d" % i, False) for i in range(1000)]


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_every_kind_of_buffer_is_read_and_nothing_refers_to_it_afterwards(kind: Any) -> None:
    splitter = FrameSplitter()
    source = bytearray(wire(TEXT, b"hello") + wire(TEXT, b"wor"))
    cut = len(source) - 2
    first = splitter.feed(kind(source[:cut]))
    rest = bytearray(source[cut:])
    second = splitter.feed(kind(rest))
    rest[:] = b"xx"
    assert plain(first + second) == [("Message", b"hello", False), ("Message", b"wor", False)]


def test_a_view_of_wider_items_counts_as_its_bytes() -> None:
    assert FrameSplitter().feed(memoryview(wire(TEXT, b"ab")).cast("H")) == [Message(b"ab", False)]


def test_control_frames_stand_between_the_fragments_of_a_message() -> None:
    data = (
        wire(BINARY, b"one ", fin=False)
        + wire(PING, b"p")
        + wire(CONTINUATION, b"two ", fin=False)
        + wire(PONG, b"q")
        + wire(CONTINUATION, b"", fin=False)
        + wire(CONTINUATION, b"three")
        + wire(TEXT, b"next")
    )
    assert plain(FrameSplitter().feed(data)) == [
        ("Ping", b"p"),
        ("Pong", b"q"),
        ("Message", b"one two three", True),
        ("Message", b"next", False),
    ]


def test_text_need_not_be_utf8() -> None:
    assert FrameSplitter().feed(wire(TEXT, b'{"t":"\xff\xfe"}')) == [Message(b'{"t":"\xff\xfe"}', False)]


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        (b"", CloseFrame(None, "")),
        (b"\x0f\xa9", CloseFrame(4009, "")),
        (b"\x0f\xa9connection expired", CloseFrame(4009, "connection expired")),
        (b"\x03\xe8" + "再见".encode(), CloseFrame(1000, "再见")),
        (b"\x03\xe8\xff", CloseFrame(1000, "\ufffd")),
        (b"\x00\x00", CloseFrame(0, "")),
    ],
)
def test_a_close_frame_tells_code_and_reason(payload: bytes, expected: CloseFrame) -> None:
    assert plain(FrameSplitter().feed(wire(CLOSE, payload))) == plain([expected])


def test_after_a_close_frame_everything_is_ignored() -> None:
    splitter = FrameSplitter()
    assert not splitter.ended
    found = splitter.feed(wire(TEXT, b"last") + close(4009) + wire(TEXT, b"late"))
    assert plain(found) == [("Message", b"last", False), ("CloseFrame", 4009, "")]
    assert splitter.ended
    assert splitter.feed(wire(TEXT, b"later") + b"\xff\xff") == []


# -- wherever it is cut -------------------------------------------------------------------------------------------

SAMPLE = (
    wire(TEXT, b"short")
    + wire(TEXT, b"m" * 300)
    + wire(PING, b"ping")
    + wire(TEXT, b"frag", fin=False)
    + wire(PONG)
    + wire(CONTINUATION, b"ment" * 40)
    + wire(BINARY, b"")
    + close(4009, b"over")
)
EXPECTED = [
    ("Message", b"short", False),
    ("Message", b"m" * 300, False),
    ("Ping", b"ping"),
    ("Pong", b""),
    ("Message", b"frag" + b"ment" * 40, False),
    ("Message", b"", True),
    ("CloseFrame", 4009, "over"),
]


def test_a_cut_at_any_byte_changes_nothing() -> None:
    for cut in range(len(SAMPLE) + 1):
        splitter = FrameSplitter()
        assert plain(splitter.feed(SAMPLE[:cut]) + splitter.feed(SAMPLE[cut:])) == EXPECTED, cut


@pytest.mark.parametrize("step", [1, 2, 3, 7])
def test_pieces_of_any_size_change_nothing(step: int) -> None:
    splitter = FrameSplitter()
    found: list[Any] = []
    for start in range(0, len(SAMPLE), step):
        found += splitter.feed(SAMPLE[start : start + step])
        found += splitter.feed(b"")
    assert plain(found) == EXPECTED


def test_a_frame_comes_out_with_its_last_byte() -> None:
    for data in (wire(TEXT, b""), wire(TEXT, b"x" * 200), wire(BINARY, b"x" * 70_000), wire(PING)):
        splitter = FrameSplitter()
        assert splitter.feed(data[:-1]) == []
        assert len(splitter.feed(data[-1:])) == 1


def test_a_large_message_in_small_pieces_is_looked_at_only_twice() -> None:
    class Counting(FrameSplitter):
        looks = 0

        def _split(self, buffer: bytes, frames: list[ours.Frame]) -> None:
            Counting.looks += 1
            super()._split(buffer, frames)

    data = wire(TEXT, b"x" * (1 << 20))
    splitter = Counting()
    found: list[Any] = []
    for start in range(0, len(data), 4096):
        found += splitter.feed(data[start : start + 4096])
    assert [len(message.data) for message in found] == [1 << 20]
    assert Counting.looks == 2, "looking again at every piece makes the work grow with the square of the size"


# -- what breaks the protocol -------------------------------------------------------------------------------------

START = wire(TEXT, b"begun", fin=False)
BROKEN: dict[str, tuple[bytes, int]] = {
    "masked": (header(0x81, 0x80), 1002),
    "masked with a long length": (header(0x81, 0xFE), 1002),
    "reserved bit 1": (header(0xC1, 0), 1002),
    "reserved bit 2": (header(0xA1, 0), 1002),
    "reserved bit 3": (header(0x91, 0), 1002),
    **{f"opcode {opcode:#x}": (header(0x80 | opcode, 0), 1002) for opcode in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15)},
    "ping of 126 bytes": (header(0x89, 126, b"\x00\x7e"), 1002),
    "pong of 64 KiB": (header(0x8A, 127, (65536).to_bytes(8, "big")), 1002),
    "close of 126 bytes": (header(0x88, 126, b"\x00\x7e"), 1002),
    "fragmented ping": (header(0x09, 0), 1002),
    "fragmented close": (header(0x08, 0), 1002),
    "continuation of nothing": (header(0x80, 0), 1002),
    "unfinished continuation of nothing": (header(0x00, 0), 1002),
    "continuation after a finished message": (START + wire(CONTINUATION) + header(0x80, 0), 1002),
    "text inside a message": (START + header(0x81, 1), 1002),
    "binary inside a message": (START + header(0x02, 1), 1002),
    "length with its highest bit": (header(0x81, 127, b"\x80" + bytes(7)), 1002),
    "one byte too many": (header(0x81, 126, (LIMIT + 1).to_bytes(2, "big")), 1009),
    "gigabytes": (header(0x82, 127, (1 << 40).to_bytes(8, "big")), 1009),
    "fragments too large together": (
        wire(TEXT, b"x" * LIMIT, fin=False) + wire(PING) + header(0x80, 1),
        1009,
    ),
    "close with half a code": (wire(CLOSE, b"\x03"), 1002),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_rule_is_an_error_as_soon_as_it_can_be_known(name: str) -> None:
    data, close_code = BROKEN[name]
    splitter = FrameSplitter(LIMIT)
    splitter.feed(data[:-1])
    with pytest.raises(FrameError) as caught:
        splitter.feed(data[-1:])
    assert isinstance(caught.value, ValueError)
    assert caught.value.close_code == close_code
    assert splitter.ended
    assert splitter.feed(wire(TEXT, b"later")) == []


@pytest.mark.parametrize("name", BROKEN)
def test_what_came_whole_before_an_error_is_not_lost(name: str) -> None:
    data, _ = BROKEN[name]
    with pytest.raises(FrameError) as caught:
        FrameSplitter(LIMIT).feed(wire(TEXT, b"good") + data + wire(TEXT, b"later"))
    assert caught.value.frames[0] == Message(b"good", False)
    assert Message(b"later", False) not in caught.value.frames


def test_a_message_may_be_exactly_as_large_as_allowed() -> None:
    splitter = FrameSplitter(LIMIT)
    assert splitter.feed(wire(TEXT, b"x" * LIMIT)) == [Message(b"x" * LIMIT, False)]
    halves = wire(TEXT, b"x" * (LIMIT - 1), fin=False) + wire(CONTINUATION, b"x")
    assert splitter.feed(halves) == [Message(b"x" * LIMIT, False)]


def test_a_limit_below_the_short_lengths_holds_too() -> None:
    with pytest.raises(FrameError) as caught:
        FrameSplitter(10).feed(wire(TEXT, b"x" * 11))
    assert caught.value.close_code == 1009


def test_control_frames_do_not_count_towards_the_limit() -> None:
    data = wire(TEXT, b"x" * LIMIT, fin=False) + wire(PING, b"p" * 125) + wire(CONTINUATION)
    assert plain(FrameSplitter(LIMIT).feed(data)) == [("Ping", b"p" * 125), ("Message", b"x" * LIMIT, False)]


# -- the other implementation as judge ----------------------------------------------------------------------------


class Judge:
    """The `websockets` package's parser, giving its verdict in our words."""

    def __init__(self) -> None:
        self._protocol = Protocol(CLIENT, max_size=LIMIT)
        self._parts: list[bytes] | None = None
        self._binary = False
        self.found: list[tuple[Any, ...]] = []

    @property
    def error(self) -> int | None:
        return self._protocol.close_sent.code if self._protocol.parser_exc and self._protocol.close_sent else None

    @property
    def refused_a_small_frame(self) -> bool:
        """It counts control frames towards the size of the message they stand in; RFC 6455 does not."""
        size = getattr(self._protocol.parser_exc, "size", None)
        return self.error == 1009 and size is not None and size <= 125

    def feed(self, data: bytes) -> None:
        self._protocol.receive_data(data)
        for frame in self._protocol.events_received():
            assert isinstance(frame, TheirFrame)
            self._take(frame)

    def _take(self, frame: TheirFrame) -> None:
        data = bytes(frame.data)
        if frame.opcode is PING:
            self.found.append(("Ping", data))
        elif frame.opcode is PONG:
            self.found.append(("Pong", data))
        elif frame.opcode is CLOSE:
            code = int.from_bytes(data[:2], "big") if data else None
            self.found.append(("CloseFrame", code, data[2:].decode()))
        else:
            if frame.opcode is not CONTINUATION:
                self._parts, self._binary = [], frame.opcode is BINARY
            assert self._parts is not None
            self._parts.append(data)
            if frame.fin:
                self.found.append(("Message", b"".join(self._parts), self._binary))


def compare(module: Any, data: bytes, cuts: list[int]) -> None:
    """Fails if `module.FrameSplitter` and the other parser disagree about these bytes."""
    splitter, judge = module.FrameSplitter(LIMIT), Judge()
    found: list[tuple[Any, ...]] = []
    error: int | None = None
    places = sorted({0, len(data), *(cut for cut in cuts if cut < len(data))})
    for start, stop in pairwise(places):
        judge.feed(data[start:stop])
        try:
            found += plain(splitter.feed(data[start:stop]))
        except module.FrameError as caught:
            found += plain(caught.frames)
            error = caught.close_code
    if error is not None and judge.error is None:
        # It waits for the whole frame where we judge by the header: give it the rest.
        judge.feed(bytes(LIMIT + 200))
    if found and found[-1][0] == "CloseFrame" and judge.error is not None:
        # It is stricter about close frames: no unassigned codes, only UTF-8, never inside a fragmented message.
        assert found[:-1] == judge.found
        return
    if error is None and judge.refused_a_small_frame:
        assert found[: len(judge.found)] == judge.found
        return
    assert found == judge.found
    if error == 1002 and judge.error == 1009:
        # A length with its highest bit set is beyond any limit as well; the pieces of a control frame count for it.
        return
    assert error == judge.error


PAYLOADS = st.one_of(
    st.binary(max_size=8),
    st.sampled_from([125, 126, 127, 128, 255, 256, 900]).map(lambda size: b"\x81" * size),
)
CONTROLS = st.builds(wire, st.sampled_from([PING, PONG]), st.binary(max_size=8))
MESSAGES = st.builds(wire, st.sampled_from([TEXT, BINARY]), PAYLOADS)


@st.composite
def fragmented(draw: st.DrawFn) -> bytes:
    """One message in fragments, with control frames between them."""
    first, *others = draw(st.lists(PAYLOADS, min_size=2, max_size=4))
    data = wire(draw(st.sampled_from([TEXT, BINARY])), first, fin=False)
    for number, part in enumerate(others, 1):
        data += b"".join(draw(st.lists(CONTROLS, max_size=1)))
        data += wire(CONTINUATION, part, fin=number == len(others))
    return data


CLOSES = st.builds(close, st.sampled_from([1000, 1001, 1011, 4000, 4009, 4914]), st.sampled_from([b"", b"why"]))
WIDE = st.builds(
    lambda first, data: header(first, 127, len(data).to_bytes(8, "big") + data),
    st.sampled_from([0x81, 0x82]),
    st.binary(max_size=8),
)
"""Short messages with the longest form of length, so that it is met without a large message."""
SOUND = st.lists(st.one_of(MESSAGES, WIDE, CONTROLS, fragmented()), max_size=6).map(b"".join)
STREAMS = st.builds(lambda parts, end: parts + end, SOUND, st.one_of(st.just(b""), CLOSES))
ODD = st.one_of(
    st.builds(header, st.integers(0, 255), st.integers(0, 255), st.binary(max_size=12)),
    st.just(wire(TEXT, bytes(LIMIT // 2 + 1), fin=False) + wire(CONTINUATION, bytes(LIMIT // 2 + 1))),
    st.just(wire(TEXT, b"a", fin=False) + wire(CONTINUATION, b"b") + wire(CONTINUATION, b"c")),
    st.binary(max_size=12),
)
"""What a server that has gone wrong may send."""
CUTS = st.one_of(
    st.just([]),
    st.integers(0, 12).map(lambda cut: [cut]),
    st.lists(st.integers(0, 4000), max_size=6),
    st.sampled_from([1, 2, 3, 5, 11]).map(lambda step: list(range(0, 4000, step))),
)


def compare_headers(module: Any) -> None:
    """Compares the parsers over every first byte, with the lengths that matter, alone and inside a message."""
    for first in range(256):
        for second, rest in (
            (0, b""),
            (2, b"\x03\xe8"),
            (125, b"\x03\xe8" + b"x" * 123),
            (126, b"\x00\x7e" + b"x" * 126),
            (127, bytes(7) + b"\x02\x03\xe8"),
            (130, b"mask\x03\xe8"),
        ):
            compare(module, header(first, second, rest) + wire(PING), [])
            compare(module, wire(TEXT, b"begun", fin=False) + header(first, second, rest) + wire(CONTINUATION), [])


def compare_cuts(module: Any) -> None:
    """Compares the parsers over streams with every form of length, cut at every place and into pieces of every size."""
    short = SAMPLE + wire(TEXT, b"late")
    wide = header(0x81, 127, (5).to_bytes(8, "big") + b"wide!") + wire(TEXT, b"m" * 130) + wire(PING, b"p" * 125)
    large = wire(TEXT, bytes(LIMIT // 2 + 1), fin=False) + wire(CONTINUATION, bytes(LIMIT // 2 + 1))
    for data in (short, wide + wire(TEXT, b"end")):
        for cut in range(len(data)):
            compare(module, data, [cut])
            compare(module, data, list(range(0, len(data), cut + 1)))
    compare(module, large, [])
    compare(module, wire(TEXT, b"a", fin=False) + wire(CONTINUATION, b"b") + wire(CONTINUATION, b"c"), [])


def test_both_parsers_agree_about_every_header() -> None:
    compare_headers(ours)


def test_both_parsers_agree_about_every_cut() -> None:
    compare_cuts(ours)


@BOUNDED
@given(STREAMS, CUTS)
def test_both_parsers_agree_about_every_sound_stream(data: bytes, cuts: list[int]) -> None:
    compare(ours, data, cuts)


@BOUNDED
@given(SOUND, ODD, SOUND, CUTS)
def test_both_parsers_agree_about_streams_that_go_wrong(
    before: bytes, odd: bytes, after: bytes, cuts: list[int]
) -> None:
    compare(ours, before + odd + after, cuts)


@BOUNDED
@given(STREAMS, CUTS, st.integers(0, 4000), st.integers(1, 255), st.integers(0, 30))
def test_both_parsers_agree_about_every_damaged_stream(
    data: bytes, cuts: list[int], place: int, flip: int, lost: int
) -> None:
    damaged = bytearray(data[: max(0, len(data) - lost)])
    if damaged:
        damaged[place % len(damaged)] ^= flip
    compare(ours, bytes(damaged), cuts)


PLANTED = [
    ("position + 4 <= end", "position + 3 <= end"),
    ("if self._have < self._need:", "if self._have <= self._need:"),
    ("if stop > len(buffer):", "if stop > len(buffer) + 1:"),
    ("if length > 125:", "if length > 126:"),
    ("self._pieces.append(buffer[position:])", "self._pieces.append(buffer[position + 1 :])"),
    ("2 if length == 126 else 8", "2 if length == 126 else 7"),
    ('length + len(self._fragments or b"") > self._max_size', "length > self._max_size"),
    ("if first & _RESERVED:", "if first & 0x60:"),
    ("            self._fragments = None\n", ""),
]


@pytest.mark.parametrize(("right", "wrong"), PLANTED)
def test_the_comparison_finds_a_planted_bug(right: str, wrong: str) -> None:
    source = Path(ours.__file__).read_text(encoding="utf-8")
    assert source.count(right) == 1, "the planted bug has lost its place"
    spec = importlib.util.spec_from_loader("planted", loader=None)
    assert spec is not None
    planted = types.ModuleType("planted")
    exec(compile(source.replace(right, wrong), "planted.py", "exec"), planted.__dict__)

    def compare_all() -> None:
        compare_headers(planted)
        compare_cuts(planted)

    with pytest.raises((AssertionError, IndexError)):
        compare_all()
