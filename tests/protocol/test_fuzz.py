"""Random and mutated bytes into the two decoders that read the network, each beside a second implementation."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from qqbot_sync import codec
from qqbot_sync.codec import Envelope, Undecodable
from qqbot_sync.protocol import frames as ours
from tests.protocol.test_frames import CLOSE, CONTINUATION, PING, PONG, TEXT, close, compare, wire
from tests.support import PAYLOADS

A_FEW, A_MILLION = 4_000, 1_000_000
SIZES = [
    pytest.param(A_FEW, id="a few"),
    pytest.param(A_MILLION, id="a million", marks=[pytest.mark.long, pytest.mark.timeout(3600)]),
]


def mutated(dice: random.Random, data: bytes) -> bytes:
    """`data` with a few bytes changed, lost, doubled or put in."""
    changed = bytearray(data)
    for _ in range(dice.choice((0, 1, 1, 1, 2, 3, 8))):
        place = dice.randrange(len(changed) + 1)
        what = dice.randrange(6)
        if what == 0 and place < len(changed):
            changed[place] ^= 1 << dice.randrange(8)
        elif what == 1 and place < len(changed):
            changed[place] = dice.randrange(256)
        elif what == 2:
            del changed[place : place + dice.choice((1, 1, 2, 5, 40))]
        elif what == 3:
            changed[place:place] = dice.randbytes(dice.choice((1, 1, 2, 8)))
        elif what == 4:
            other = dice.randrange(len(changed) + 1)
            changed[place:place] = changed[min(place, other) : max(place, other)][:60]
        else:
            del changed[place:]
    return bytes(changed)


# -- frames ---------------------------------------------------------------------------------------------------------


def streams(dice: random.Random) -> Iterator[tuple[bytes, list[int]]]:
    """Streams of frames as a gateway sends them, mutated, and now and then nothing but noise; and where to cut them."""
    parts = [
        wire(TEXT, b'{"op":11}'),
        wire(TEXT, b'{"op":0,"s":1,"t":"X","d":{}}' * 3),
        wire(TEXT, bytes(200)),
        wire(TEXT, b"first ", fin=False),
        wire(CONTINUATION, b"more ", fin=False),
        wire(CONTINUATION, b"last"),
        wire(PING, b"p"),
        wire(PONG, b""),
        close(4009, b"expired"),
        wire(CLOSE, b""),
    ]
    while True:
        if dice.random() < 0.1:
            data = dice.randbytes(dice.randrange(30))
        else:
            data = mutated(dice, b"".join(dice.choices(parts, k=dice.randint(1, 4))))
        cuts = sorted(dice.randrange(len(data) + 1) for _ in range(dice.choice((0, 0, 1, 2, 5))))
        yield data, cuts


@pytest.mark.parametrize("count", SIZES)
def test_both_frame_parsers_agree_about_anything(count: int) -> None:
    source = streams(random.Random(1))
    for _ in range(count):
        data, cuts = next(source)
        compare(ours, data, cuts)


# -- envelopes ------------------------------------------------------------------------------------------------------


def second_implementation(frame: bytes, *, strict: bool) -> tuple[Any, ...] | None:
    """The same by the standard library alone, fields of a wrong type as they are; None where it is no frame.

    Not `strict`: control characters may stand in a text as they are.
    """
    try:
        data = json.loads(frame.decode("utf-8", "replace"), strict=strict)
    except (ValueError, RecursionError):
        return None
    if not isinstance(data, dict):
        return None
    return tuple(data.get(name) for name in ("op", "s", "t", "id")) + (data.get("d"),)


def judge(decode: Callable[[bytes], Envelope], frame: bytes) -> None:
    """Raises AssertionError where `decode` does what it must not."""
    try:
        found = decode(frame)
    except Undecodable:
        expected = second_implementation(frame, strict=True)
        assert expected is None or type(expected[0]) is not int, frame
        return
    expected = second_implementation(frame, strict=False)
    assert expected is not None, frame
    op, s, t, id, d = expected
    assert type(found.op) is int, frame
    for value, got, kind in ((op, found.op, int), (s, found.s, int), (t, found.t, str), (id, found.id, str)):
        assert got is None or type(got) is kind, frame
        if type(value) is kind:
            assert got == value, frame
        elif value is None:
            assert got is None or kind is int, frame
    assert _same(codec.loads(found.d), d), frame


def _same(one: Any, other: Any) -> bool:
    """Equal, where what is no number equals itself and bad text may be replaced in either way."""
    if isinstance(one, dict) and isinstance(other, dict):
        return len(one) == len(other) and all(_same(a, b) for a, b in zip(one.values(), other.values(), strict=True))
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(_same(a, b) for a, b in zip(one, other, strict=True))
    return type(one) is type(other) and (one == other or one != one)


def captured() -> list[bytes]:
    """The frames of the fixtures, as short as the wire has them."""
    found = []
    for path in sorted(PAYLOADS.glob("*.json")):
        data = json.loads(path.read_text(encoding="utf-8"))
        if isinstance(data, dict) and "op" in data:
            found.append(json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode())
    assert len(found) > 90
    return [frame for frame in found if len(frame) < 1500]


def frames(dice: random.Random) -> Iterator[bytes]:
    sources = [*captured(), b'{"op":11}', b'{"op":0,"s":7,"t":"RESUMED","d":""}', b'{"op":9,"d":false}']
    odd = [b"null", b"1e400", b"-0", b'"\\ud800"', b"[]", b"9" * 400, b"true", b"0.5", b'"7"', b"NaN", b"[" * 40]
    while True:
        kind = dice.random()
        if kind < 0.05:
            yield dice.randbytes(dice.randrange(40))
        elif kind < 0.3:
            yield b'{"op":%b,"s":%b,"t":%b,"id":%b,"d":%b}' % tuple(dice.choice([*odd, b"0", b'"X"']) for _ in range(5))
        else:
            yield mutated(dice, dice.choice(sources))


@pytest.mark.parametrize("count", SIZES)
def test_both_envelope_decoders_agree_about_anything(count: int) -> None:
    source = frames(random.Random(2))
    for _ in range(count):
        judge(codec.decode_envelope, next(source))


def _plants() -> list[tuple[str, Callable[[bytes], Envelope]]]:
    def strict(frame: bytes) -> Envelope:
        """The fast path alone: raises what nobody expects."""
        return codec._decode_envelope(frame)

    def forgets_the_id(frame: bytes) -> Envelope:
        found = codec.decode_envelope(frame)
        return Envelope(op=found.op, d=found.d, s=found.s, t=found.t)

    def gives_up(frame: bytes) -> Envelope:
        """Bad text costs the frame."""
        try:
            frame.decode("utf-8")
        except UnicodeDecodeError as error:
            raise Undecodable("bad text") from error
        return codec.decode_envelope(frame)

    def one_too_many(frame: bytes) -> Envelope:
        found = codec.decode_envelope(frame)
        return Envelope(op=found.op, d=found.d, s=(found.s or 0) + 1, t=found.t, id=found.id)

    return [(plant.__name__, plant) for plant in (strict, forgets_the_id, gives_up, one_too_many)]


@pytest.mark.parametrize(("name", "planted"), _plants())
def test_the_fuzzer_finds_a_planted_bug(name: str, planted: Callable[[bytes], Envelope]) -> None:
    source = frames(random.Random(2))
    with pytest.raises(Exception, match=r"."):  # noqa: PT012
        for _ in range(A_FEW):
            judge(planted, next(source))
