"""The connection against a peer that does as it likes, over ws:// and wss://."""

from __future__ import annotations

import struct
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import trustme

from qqbot_sync.errors import ConnectionFailed
from qqbot_sync.gateway.connection import Connection, Route, dial
from tests.gateway.support import Peer, Wire, encode
from tests.support import eventually

Start = Callable[[Callable[[Wire], None]], tuple[Peer, Route]]


@pytest.fixture(params=["ws", "wss"])
def start(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Start]:
    ca = trustme.CA() if request.param == "wss" else None
    bundle = tmp_path / "ca.pem"
    if ca is not None:
        ca.cert_pem.write_to_path(bundle)
    peers: list[Peer] = []

    def begin(script: Callable[[Wire], None]) -> tuple[Peer, Route]:
        peer = Peer(script, ca=ca)
        peers.append(peer)
        return peer, Route(peer.url, None, str(bundle) if ca else None)

    yield begin
    for peer in peers:
        peer.close()


def collect(connection: Connection) -> list[bytes]:
    try:
        return [bytes(message.data) for message in connection.frames()]
    finally:
        connection.close()


def test_messages_arrive_in_order_and_the_close_code_is_kept(start: Start) -> None:
    def script(wire: Wire) -> None:
        wire.handshake()
        for number in range(1000):
            wire.frame(b"%d" % number)
        wire.close_frame(4009, "expired")
        wire.receive()

    _, route = start(script)
    connection = dial(route, timeout=5)
    assert collect(connection) == [b"%d" % number for number in range(1000)]
    assert connection.close_code == 4009
    assert "expired" in connection.reason


def test_fragments_with_pings_between_them_and_large_and_binary_messages(start: Start) -> None:
    pongs: list[tuple[int, bytes]] = []

    def script(wire: Wire) -> None:
        wire.handshake()
        wire.frame(b"one ", 1, fin=False)
        wire.frame(b"ping!", 9)
        wire.frame(b"message", 0)
        wire.frame(b"x" * 1_000_000)
        wire.frame(b'{"op":11}', 2)
        pongs.append(wire.receive())
        wire.close_frame(1000)
        wire.receive()

    _, route = start(script)
    assert collect(dial(route, timeout=5)) == [b"one message", b"x" * 1_000_000, b'{"op":11}']
    assert pongs == [(10, b"ping!")]


def test_frames_cut_at_every_byte(start: Start) -> None:
    stream = encode(b"first") + encode(b"y" * 300) + encode(b"") + encode(b"last")

    def script(wire: Wire) -> None:
        wire.handshake()
        for byte in stream:
            wire.raw(bytes((byte,)))
        wire.close_frame(1000)
        wire.receive()

    _, route = start(script)
    assert collect(dial(route, timeout=5)) == [b"first", b"y" * 300, b"", b"last"]


def test_what_stood_before_a_broken_frame_is_delivered(start: Start) -> None:
    goodbye: list[tuple[int, bytes]] = []

    def script(wire: Wire) -> None:
        wire.handshake()
        wire.raw(encode(b"good") + b"\xf1\x02xx")
        goodbye.append(wire.receive())

    _, route = start(script)
    connection = dial(route, timeout=5)
    assert collect(connection) == [b"good"]
    assert "broken WebSocket frame" in connection.reason
    eventually(lambda: goodbye)
    assert goodbye == [(8, struct.pack("!H", 1002))]


def test_a_reset_ends_the_reading(start: Start) -> None:
    def script(wire: Wire) -> None:
        wire.handshake()
        wire.frame(b"x")

    _, route = start(script)
    connection = dial(route, timeout=5)
    assert collect(connection) == [b"x"]
    assert connection.close_code is None
    assert connection.ended.is_set()


def test_another_thread_ends_a_read_on_a_silent_peer_at_once(start: Start) -> None:
    ready, over = threading.Event(), threading.Event()

    def script(wire: Wire) -> None:
        wire.handshake()
        ready.set()
        over.wait(20)

    _, route = start(script)
    connection = dial(route, timeout=5)
    reader = threading.Thread(target=collect, args=(connection,))
    reader.start()
    assert ready.wait(10)
    began = time.monotonic()
    connection.end("stopped", close_code=4000)
    reader.join(10)
    took = time.monotonic() - began
    over.set()
    assert not reader.is_alive()
    assert took < 3, "half a second by contract, times the factor of the tests"


def test_end_sends_the_close_code_first(start: Start) -> None:
    seen: list[tuple[int, bytes]] = []

    def script(wire: Wire) -> None:
        wire.handshake()
        wire.frame(b"hi")
        seen.append(wire.receive())

    _, route = start(script)
    connection = dial(route, timeout=5)
    frames = connection.frames()
    assert next(frames).data == b"hi"
    connection.end("op 7", close_code=4000)
    assert list(frames) == []
    connection.close()
    eventually(lambda: seen)
    assert seen == [(8, struct.pack("!H", 4000))]


def test_a_peer_that_does_not_read_cannot_hold_the_sender(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("qqbot_sync.gateway.connection.SOCKET_TIMEOUT", 0.2)
    over = threading.Event()

    def script(wire: Wire) -> None:
        wire.handshake()
        over.wait(20)

    _, route = start(script)
    connection = dial(route, timeout=5)
    reader = threading.Thread(target=collect, args=(connection,))
    reader.start()
    while connection.send(b"z" * 1_000_000):
        pass
    reader.join(10)
    over.set()
    assert not reader.is_alive()
    assert "send" in connection.reason


def test_a_peer_that_stalls_inside_a_record_cannot_hold_the_end(start: Start) -> None:
    """Over TLS the reader sits in a record whose rest does not come; the end waits half a second for it, no more."""
    ready, over = threading.Event(), threading.Event()

    def script(wire: Wire) -> None:
        wire.handshake()
        if hasattr(wire.sock, "version"):
            # The header of an application record of 100 bytes, and nothing of it.
            wire.plain.sendall(b"\x17\x03\x03\x00\x64")
        ready.set()
        over.wait(20)

    _, route = start(script)
    connection = dial(route, timeout=5)
    reader = threading.Thread(target=collect, args=(connection,))
    reader.start()
    assert ready.wait(10)
    threading.Event().wait(0.05)
    began = time.monotonic()
    connection.end("stopped", close_code=4000)
    took = time.monotonic() - began
    reader.join(10)
    over.set()
    assert not reader.is_alive()
    assert took < 3


def test_senders_on_many_threads_do_not_mix_their_frames(start: Start) -> None:
    got: list[bytes] = []
    done = threading.Event()

    def script(wire: Wire) -> None:
        wire.handshake()
        while len(got) < 800:
            opcode, data = wire.receive()
            if opcode == 8:
                return
            got.append(data)
            if len(got) % 3 == 0:
                wire.frame(b"noise" * 500)
        done.set()
        wire.receive()

    _, route = start(script)
    connection = dial(route, timeout=5)
    reader = threading.Thread(target=collect, args=(connection,))
    reader.start()
    writers = [
        threading.Thread(target=lambda mark=mark: [connection.send(mark * 300) for _ in range(100)])
        for mark in (b"a", b"b", b"c", b"d", b"e", b"f", b"g", b"h")
    ]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(20)
    assert done.wait(20)
    connection.end("done")
    reader.join(10)
    assert {data[:1]: got.count(data) for data in set(got)} == {bytes((97 + n,)): 100 for n in range(8)}


class TestDialing:
    def test_a_refused_connection_is_a_connection_failed_with_its_cause(self) -> None:
        peer = Peer(lambda wire: None)
        peer.close()
        with pytest.raises(ConnectionFailed, match="cannot reach the gateway") as caught:
            dial(Route(peer.url), timeout=5)
        assert isinstance(caught.value.__cause__, OSError)

    def test_a_handshake_that_is_refused(self, start: Start) -> None:
        _, route = start(lambda wire: (wire.sock.recv(4096), wire.raw(b"HTTP/1.1 503 No\r\n\r\n"), None)[-1])
        with pytest.raises(ConnectionFailed, match="503"):
            dial(route, timeout=5)

    def test_redirects_are_not_followed(self, start: Start) -> None:
        def script(wire: Wire) -> None:
            wire.sock.recv(4096)
            wire.raw(b"HTTP/1.1 302 Found\r\nLocation: ws://127.0.0.1:1/\r\n\r\n")

        _, route = start(script)
        with pytest.raises(ConnectionFailed, match="Redirect"):
            dial(route, timeout=5)

    def test_a_certificate_nobody_vouches_for_is_refused(self) -> None:
        with Peer(lambda wire: None, ca=trustme.CA()) as peer, pytest.raises(ConnectionFailed, match="certificate"):
            dial(Route(peer.url), timeout=5)

    def test_a_certificate_for_another_host_is_refused(self, tmp_path: Path) -> None:
        ca = trustme.CA()
        ca.cert_pem.write_to_path(tmp_path / "ca.pem")
        with Peer(lambda wire: None, ca=ca) as peer, pytest.raises(ConnectionFailed, match=r"127\.0\.0\.2"):
            dial(Route(peer.url.replace("127.0.0.1", "127.0.0.2"), None, str(tmp_path / "ca.pem")), timeout=5)

    def test_the_environment_is_not_asked_for_a_proxy(self, start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "all_proxy"):
            monkeypatch.setenv(name, "http://127.0.0.1:9")

        def script(wire: Wire) -> None:
            wire.handshake()
            wire.frame(b"direct")
            wire.close_frame(1000)
            wire.receive()

        _, route = start(script)
        assert collect(dial(route, timeout=5)) == [b"direct"]
