"""The simulator comes and goes and leaves nothing behind."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from pathlib import Path

import pytest
import requests
import trustme

from qqbot_sync.intents import Intents
from qqbot_sync.simulator import Simulator
from tests.conftest import open_sockets, our_threads
from tests.simulator.support import BareBot, bare_bot, place_of
from tests.support import PATIENCE, eventually


def test_twenty_simulators_leave_no_thread_and_no_socket() -> None:
    threads, sockets = our_threads(), open_sockets()
    for _ in range(20):
        with Simulator() as qq:
            bot = BareBot(qq)
            connection, _ = bot.live()
            qq.say("小明", "group", "x")
            connection.read()
        # The clients are still there: the simulator does not wait for them.
        assert our_threads() == threads
        bot.close()
    eventually(lambda: open_sockets() <= sockets)


def test_it_starts_and_stops_at_once() -> None:
    begun = time.monotonic()
    with Simulator():
        started = time.monotonic() - begun
        begun = time.monotonic()
    assert started < 0.9
    assert time.monotonic() - begun < 0.9


def test_stop_waits_for_nobody(tmp_path: Path) -> None:
    with Simulator() as qq, bare_bot(qq) as bot:
        bot.live()
        said = qq.say("小明", "group", "x")
        qq.deaf()
        qq.hang_http(3600, path="/users")
        hanging = threading.Thread(target=call_in_vain, args=(bot,))
        hanging.start()
        waiting = threading.Thread(target=lambda: said.replies(timeout=3600))
        waiting.start()
        half = socket.create_connection(("127.0.0.1", int(qq.url.rpartition(":")[2])), PATIENCE)
        half.sendall(b"GET / HT")
        eventually(lambda: len(our_threads()) >= 5)
        begun = time.monotonic()
        qq.stop()
        assert time.monotonic() - begun < 3
        hanging.join(PATIENCE)
        waiting.join(PATIENCE)
        assert not hanging.is_alive()
        assert not waiting.is_alive()
        half.close()


def call_in_vain(bot: BareBot) -> None:
    with pytest.raises(requests.RequestException):
        bot.call("GET", "/users/@me")


def test_stop_twice_does_nothing_and_start_twice_is_an_error() -> None:
    qq = Simulator()
    with pytest.raises(RuntimeError, match="with Simulator"):
        _ = qq.url
    qq.stop()
    qq.start()
    with pytest.raises(RuntimeError, match="already"):
        qq.start()
    qq.stop()
    qq.stop()


def test_a_stopped_simulator_comes_back_on_its_port_with_its_memory() -> None:
    qq = Simulator().start()
    url = qq.url
    with bare_bot(qq) as bot:
        connection, session = bot.live()
        qq.stop()
        assert connection.end()[0] == 1006
        with pytest.raises(requests.ConnectionError):
            requests.get(url, timeout=PATIENCE)
        said = qq.say("小明", "group", "while it was away")
        qq.start()
        assert qq.url == url
        again = bot.connect()
        again.read()
        again.resume(session, 1)
        frames = again.read_until("RESUMED")
        assert [frame["d"]["id"] for frame in frames[:-1]] == [said.id]
    qq.stop()


def test_a_port_in_use_is_a_clear_error() -> None:
    with Simulator() as qq:
        port = int(qq.url.rpartition(":")[2])
        with pytest.raises(OSError, match=f"{port}.*in use"):
            Simulator(port).start()
    with Simulator(port) as again:
        assert again.url.endswith(f":{port}")


@pytest.mark.parametrize("port", [-1, 65536, "80", None, True])
def test_a_port_that_is_none_is_a_clear_error(port: object) -> None:
    with pytest.raises(TypeError, match="port"):
        Simulator(port)  # type: ignore[arg-type]


@pytest.mark.parametrize("grant", ["all", 513, [Intents.GUILDS]])
def test_a_grant_that_is_none_is_a_clear_error(grant: object) -> None:
    with pytest.raises(TypeError, match="grant"):
        Simulator(grant=grant)  # type: ignore[arg-type]


def test_it_listens_on_loopback_only() -> None:
    with Simulator() as qq:
        assert qq.url.startswith("http://127.0.0.1:")
        # Another address of this very machine; where there is none it cannot be reached either.
        with pytest.raises(OSError):
            socket.create_connection(("127.0.0.2", int(qq.url.rpartition(":")[2])), 1)


@pytest.mark.parametrize(("host", "url"), [("127.0.0.2", "http://127.0.0.2:"), ("::1", "http://[::1]:")])
def test_it_listens_where_it_is_told_to(host: str, url: str) -> None:
    try:
        socket.create_server((host, 0), family=socket.AF_INET6 if ":" in host else socket.AF_INET).close()
    except OSError:
        pytest.skip(f"missing: the address {host}")
    with Simulator(host=host) as qq, bare_bot(qq) as bot:
        assert qq.url.startswith(url)
        assert bot.call("GET", "/gateway").json()["url"].startswith(url.replace("http", "ws"))
        assert bot.connect().read()["op"] == 10


def test_two_simulators_are_two_platforms() -> None:
    with Simulator() as one, Simulator() as two:
        assert one.app_id != two.app_id
        assert one.secret != two.secret
        assert one.url != two.url


def test_the_secret_is_not_in_the_repr() -> None:
    with Simulator() as qq:
        assert qq.secret not in repr(qq)
        assert qq.app_id in repr(qq)


def test_over_tls_everything_is_the_same(tmp_path: Path) -> None:
    authority = trustme.CA()
    issued = authority.issue_cert("127.0.0.1")
    chain, key, ca = tmp_path / "chain.pem", tmp_path / "key.pem", tmp_path / "ca.pem"
    issued.private_key_pem.write_to_path(str(key))
    chain.write_bytes(b"".join(blob.bytes() for blob in issued.cert_chain_pems))
    authority.cert_pem.write_to_path(str(ca))
    tls = ssl.create_default_context(cafile=str(ca))
    with Simulator(certificate=(chain, key)) as qq, bare_bot(qq, verify=str(ca)) as bot:
        assert qq.url.startswith("https://127.0.0.1:")
        assert bot.call("GET", "/gateway").json()["url"].startswith("wss://127.0.0.1:")
        connection = bot.connect(tls=tls)
        assert connection.read()["op"] == 10
        connection.identify()
        session = connection.read()["d"]["session_id"]
        said = qq.say("小明", "group", "x" * 1_000_000)
        frame = connection.read()
        assert len(frame["d"]["content"]) == 1_000_000
        assert bot.send("group", place_of(frame)[1], content="答", msg_id=said.id).status_code == 200
        for number in range(2000):
            qq.push("GROUP_AT_MESSAGE_CREATE", {"id": str(number)})
            if number % 100 == 0:
                connection.send(1, number)
        frames = [connection.read() for _ in range(2020)]
        assert [frame["s"] for frame in frames if frame["op"] == 0] == list(range(3, 2003))
        qq.reconnect(grace=0.01)
        assert connection.end()[0] == 4009
        again = bot.connect(tls=tls)
        again.read()
        again.resume(session, 2002)
        assert again.read()["t"] == "RESUMED"
        qq.drop(reset=True)
        assert again.end()[0] == 1006


def test_a_client_that_never_ends_its_tls_handshake_does_not_hold_up_stop(tmp_path: Path) -> None:
    issued = trustme.CA().issue_cert("127.0.0.1")
    pem = tmp_path / "both.pem"
    issued.private_key_and_cert_chain_pem.write_to_path(str(pem))
    with Simulator(certificate=(pem, pem)) as qq:
        half = socket.create_connection(("127.0.0.1", int(qq.url.rpartition(":")[2])), PATIENCE)
        half.sendall(b"\x16\x03\x01")
        eventually(lambda: len(our_threads()) >= 3)
        begun = time.monotonic()
        qq.stop()
        assert time.monotonic() - begun < 3
        half.close()
