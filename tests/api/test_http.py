"""One exchange with a peer that may be rude, over http and https."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from qqbot_sync.api.http import Http, NotSent, Unknown
from qqbot_sync.api.wire import _Until
from tests.api.support import Authority, Peer, Proxy, dead_port, drip, hang, raw, reply, reset, silence
from tests.support import FakeClock, eventually


@pytest.fixture
def http(ca_file: str) -> Iterator[Http]:
    http = Http(ca_bundle=ca_file)
    yield http
    http.close()


def get(http: Http, url: str, **options: object) -> object:
    return http.request("GET", url, headers={"Accept": "*/*"}, **options)  # type: ignore[arg-type]


def test_an_answer_comes_back_whole_whatever_its_status(any_peer: Peer, http: Http) -> None:
    any_peer.say(reply({"a": "你好"}, 418, {"X-Tps-trace-ID": "t1"}))
    answer = http.request("POST", f"{any_peer.url}/x?y=1", headers={"X-One": "1"}, body=b'{"q":2}')
    assert (answer.status, answer.body) == (418, b'{"a": "\\u4f60\\u597d"}')
    assert answer.headers["x-tps-TRACE-id"] == "t1"
    [got] = any_peer.requests
    assert (got.method, got.path, got.headers["x-one"], got.body) == ("POST", "/x?y=1", "1", b'{"q":2}')


def test_calls_share_one_warm_connection(any_peer: Peer, http: Http) -> None:
    for _ in range(5):
        get(http, any_peer.url)
    assert [got.connection for got in any_peer.requests] == [1] * 5


def test_redirects_are_answers_and_cookies_are_forgotten(peer: Peer, http: Http) -> None:
    peer.say(reply(b"", 302, {"Location": f"{peer.url}/elsewhere", "Set-Cookie": "a=b"}))
    assert get(http, f"{peer.url}/here").status == 302  # type: ignore[attr-defined]
    get(http, f"{peer.url}/again")
    assert [got.path for got in peer.requests] == ["/here", "/again"]
    assert "cookie" not in peer.requests[1].headers


def test_a_refused_connection_sent_nothing(http: Http) -> None:
    for scheme in ("http", "https"):
        with pytest.raises(NotSent, match="refused"):
            get(http, f"{scheme}://127.0.0.1:{dead_port()}/")


def test_an_unknown_host_sent_nothing(http: Http, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_dns(*args: object, **options: object) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", no_dns)
    with pytest.raises(NotSent, match="Name or service not known"):
        get(http, "https://nowhere.invalid/")


def test_a_certificate_of_a_stranger_sends_nothing(authority: Authority, wrong_ca: str) -> None:
    peer, http = Peer(authority.context()), Http(ca_bundle=wrong_ca)
    with pytest.raises(NotSent, match="CERTIFICATE_VERIFY_FAILED"):
        get(http, peer.url)
    assert not peer.requests
    peer.close()


def test_a_certificate_for_another_name_sends_nothing(authority: Authority, http: Http) -> None:
    peer = Peer(authority.context("elsewhere.example"))
    with pytest.raises(NotSent, match="CERTIFICATE_VERIFY_FAILED"):
        get(http, peer.url)
    assert not peer.requests
    peer.close()


def test_a_peer_that_stalls_in_the_tls_handshake_was_sent_nothing(http: Http) -> None:
    with socket.create_server(("127.0.0.1", 0)) as deaf, pytest.raises(NotSent, match="timed out"):
        get(http, f"https://127.0.0.1:{deaf.getsockname()[1]}/", timeout=(0.2, 5.0))


def test_a_peer_that_does_not_answer_leaves_the_outcome_unknown(any_peer: Peer, http: Http) -> None:
    any_peer.say(hang)
    with pytest.raises(Unknown, match=r"timed out|too long"):
        get(http, any_peer.url, timeout=(5.0, 0.2))
    assert len(any_peer.requests) == 1


@pytest.mark.parametrize(
    "step",
    [
        pytest.param(reset, id="reset"),
        pytest.param(silence, id="closed"),
        pytest.param(raw(b"HTTP/1.1 200 OK\r\nContent-Le"), id="half a header"),
        pytest.param(raw(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nhalf"), id="half a body"),
        pytest.param(raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"), id="bad chunk"),
        pytest.param(raw(b"SSH-2.0-OpenSSH\r\n"), id="not HTTP"),
    ],
)
def test_an_answer_that_breaks_off_leaves_the_outcome_unknown(any_peer: Peer, http: Http, step: object) -> None:
    any_peer.say(step)  # type: ignore[arg-type]
    with pytest.raises(Unknown) as caught:
        get(http, any_peer.url)
    assert not caught.value.is_stale
    assert caught.value.__cause__ is not None
    assert len(any_peer.requests) == 1


@pytest.mark.parametrize(
    "start",
    [
        pytest.param(b"", id="status line"),
        pytest.param(b"HTTP/1.1 200 OK\r\nX-Slow: ", id="header"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n", id="body"),
        pytest.param(b"HTTP/1.1 200 OK\r\n\r\n", id="body without a length"),
    ],
)
def test_a_peer_that_drips_is_given_up_at_the_deadline(any_peer: Peer, http: Http, start: bytes) -> None:
    any_peer.say(drip(start))
    began = time.monotonic()
    with pytest.raises(Unknown):
        get(http, any_peer.url, timeout=(5.0, 0.2))
    assert time.monotonic() - began < 5


def test_a_read_waits_no_longer_than_until_the_deadline() -> None:
    near, far = socket.socketpair()
    far.sendall(b"ab")
    near.settimeout(50)
    raw_stream = near.makefile("rb", buffering=0)
    stream = _Until(raw_stream, near, time.monotonic() + 9)  # type: ignore[arg-type]
    assert stream.readinto(bytearray(1)) == 1
    assert (near.gettimeout() or 99) <= 9
    stream._deadline = time.monotonic()
    with pytest.raises(TimeoutError):
        stream.readinto(bytearray(1))
    stream.close()
    near.close()
    far.close()


def test_connecting_and_reading_share_one_limit(peer: Peer, http: Http) -> None:
    peer.say(hang)
    began = time.monotonic()
    with pytest.raises(Unknown):
        get(http, peer.url, timeout=(20.0, 20.0), within=0.3)
    assert time.monotonic() - began < 5


def test_a_stale_connection_is_replaced_once_for_a_repeatable_call(any_peer: Peer, http: Http) -> None:
    any_peer.say(reply(b"1"), silence, reply(b"2"))
    get(http, any_peer.url)
    assert get(http, any_peer.url, repeatable=True).body == b"2"  # type: ignore[attr-defined]
    assert [got.connection for got in any_peer.requests] == [1, 1, 2]


def test_a_stale_connection_is_no_excuse_to_repeat_anything_else(any_peer: Peer, http: Http) -> None:
    any_peer.say(reply(b"1"), silence)
    get(http, any_peer.url)
    with pytest.raises(Unknown) as caught:
        get(http, any_peer.url)
    assert caught.value.is_stale
    assert len(any_peer.requests) == 2


def two_at_once(peer: Peer, http: Http) -> None:
    """Two requests that are answered together, so that each has a connection of its own."""
    both = threading.Barrier(2)

    def together(line: object, got: object) -> bool:
        both.wait(20)
        return reply(b"")(line, got)  # type: ignore[arg-type]

    peer.say(together, together)
    threads = [threading.Thread(target=get, args=(http, peer.url)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_all_idle_connections_are_dropped_when_one_was_stale(peer: Peer, http: Http) -> None:
    two_at_once(peer, http)
    two_at_once(peer, http)
    assert peer.connections == 2
    peer.say(silence)
    with pytest.raises(Unknown):
        get(http, peer.url)
    two_at_once(peer, http)
    assert {got.connection for got in peer.requests[-2:]} == {3, 4}


def test_a_connection_the_server_closed_meanwhile_is_not_used(any_peer: Peer, http: Http) -> None:
    any_peer.say(reply(b"1", close=True), reply(b"2"))
    get(http, any_peer.url)
    pool = next(iter(http._pools.values()))[0]
    [idle] = [conn for conn in pool.pool.queue if conn is not None]  # type: ignore[union-attr]
    eventually(lambda: not idle.is_connected, what="the end of the connection to arrive")
    assert get(http, any_peer.url).body == b"2"  # type: ignore[attr-defined]
    assert [got.connection for got in any_peer.requests] == [1, 2]


@pytest.mark.parametrize("how", ["advance", "suspend"])
def test_a_connection_that_was_idle_for_long_is_not_trusted(peer: Peer, how: str) -> None:
    clock = FakeClock()
    http = Http(clock=clock)
    get(http, peer.url)
    clock.advance(40)
    get(http, peer.url)
    getattr(clock, how)(51)
    get(http, peer.url)
    http.close()
    assert [got.connection for got in peer.requests] == [1, 1, 2]


def test_after_close_a_call_opens_a_new_connection(peer: Peer, http: Http) -> None:
    get(http, peer.url)
    http.close()
    http.close()
    get(http, peer.url)
    assert [got.connection for got in peer.requests] == [1, 2]


def test_a_forked_child_does_not_use_its_parents_connections(peer: Peer, http: Http) -> None:
    get(http, peer.url)
    http._pid = os.getpid() + 1
    get(http, peer.url)
    assert [got.connection for got in peer.requests] == [1, 2]


def test_many_threads_are_served_at_once(any_peer: Peer, http: Http) -> None:
    everyone = threading.Barrier(8)

    def wait_for_everyone(line: object, got: object) -> bool:
        everyone.wait(20)
        return reply(b"")(line, got)  # type: ignore[arg-type]

    any_peer.default = wait_for_everyone  # type: ignore[assignment]
    threads = [threading.Thread(target=get, args=(http, any_peer.url)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert len(any_peer.requests) == 8


# -- proxies ------------------------------------------------------------------------------------------------------


@pytest.fixture
def far_peer(authority: Authority) -> Iterator[Peer]:
    """A peer whose certificate is for a host that only a proxy can reach."""
    peer = Peer(authority.context("api.example"))
    yield peer
    peer.close()


@pytest.fixture
def proxy(far_peer: Peer) -> Iterator[Proxy]:
    proxy = Proxy(far_peer.port)
    yield proxy
    proxy.close()


def test_https_goes_through_the_proxy_that_was_given(far_peer: Peer, proxy: Proxy, ca_file: str) -> None:
    http = Http(proxy=f"http://me:pa%3Ass@127.0.0.1:{proxy.port}", ca_bundle=ca_file)
    for _ in range(2):
        assert get(http, "https://api.example/path").status == 200  # type: ignore[attr-defined]
    http.close()
    [(line, headers)] = proxy.asked
    assert line.startswith("CONNECT api.example:443 ")
    assert headers["proxy-authorization"] == "Basic bWU6cGE6c3M="
    assert [got.path for got in far_peer.requests] == ["/path", "/path"]
    assert "proxy-authorization" not in far_peer.requests[0].headers


def test_https_goes_through_the_proxy_of_the_environment(
    far_peer: Peer, proxy: Proxy, ca_file: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", f"127.0.0.1:{proxy.port}")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", ca_file)
    http = Http()
    get(http, "https://api.example/")
    http.close()
    assert len(far_peer.requests) == len(proxy.asked) == 1


def test_the_certificate_is_verified_through_a_proxy_too(far_peer: Peer, proxy: Proxy, wrong_ca: str) -> None:
    http = Http(proxy=f"http://127.0.0.1:{proxy.port}", ca_bundle=wrong_ca)
    with pytest.raises(NotSent, match="CERTIFICATE_VERIFY_FAILED"):
        get(http, "https://api.example/")
    assert not far_peer.requests


def test_plain_http_is_forwarded_by_the_proxy(peer: Peer) -> None:
    proxy = Proxy(peer.port)
    http = Http(proxy=f"http://127.0.0.1:{proxy.port}")
    get(http, "http://api.example/path?x=1")
    http.close()
    proxy.close()
    assert [got.path for got in peer.requests] == ["http://api.example/path?x=1"]


def test_a_proxy_that_refuses_sent_nothing(peer: Peer, ca_file: str) -> None:
    proxy = Proxy(peer.port, status=407)
    http = Http(proxy=f"http://me:secret-word@127.0.0.1:{proxy.port}", ca_bundle=ca_file)
    with pytest.raises(NotSent, match="407") as caught:
        get(http, "https://api.example/")
    proxy.close()
    assert "secret-word" not in f"{caught.value!r} {http!r}"


def test_a_dead_proxy_sent_nothing(ca_file: str) -> None:
    http = Http(proxy=f"http://127.0.0.1:{dead_port()}", ca_bundle=ca_file)
    with pytest.raises(NotSent, match="refused"):
        get(http, "https://api.example/")


def test_this_machine_is_never_reached_through_a_proxy(
    any_peer: Peer, ca_file: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{dead_port()}")
    for http in (Http(ca_bundle=ca_file), Http(ca_bundle=ca_file, proxy=f"127.0.0.1:{dead_port()}")):
        assert get(http, any_peer.url).status == 200  # type: ignore[attr-defined]
        http.close()
        for host in ("127.0.0.1", "127.8.9.10", "localhost", "bot.localhost", "[::1]"):
            assert http.proxy_for(f"wss://{host}:99/websocket") is None


def test_the_proxy_is_the_argument_else_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://secure:1")
    monkeypatch.setenv("HTTP_PROXY", "http://plain:2")
    monkeypatch.setenv("NO_PROXY", "inside.example, 10.0.0.0/8")
    http = Http()
    assert http.proxy_for("https://api.example/a") == http.proxy_for("wss://api.example") == "http://secure:1"
    assert http.proxy_for("http://api.example/a") == http.proxy_for("ws://api.example") == "http://plain:2"
    assert http.proxy_for("https://bot.inside.example") is None
    assert http.proxy_for("wss://10.1.2.3/websocket") is None
    assert Http(proxy="http://mine:3").proxy_for("wss://bot.inside.example") == "http://mine:3"
    monkeypatch.setenv("HTTPS_PROXY", "http://later:1")
    assert http.proxy_for("https://api.example/b") == "http://secure:1", "resolved once per host"


def test_a_socks_proxy_without_its_extra_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "socks", None)
    with pytest.raises(ImportError, match=r'pip install "qqbot_sync\[socks\]"'):
        Http(proxy="socks5h://127.0.0.1:1080")
    monkeypatch.setenv("ALL_PROXY", "socks5://127.0.0.1:1080")
    with pytest.raises(ImportError, match=r'pip install "qqbot_sync\[socks\]"'):
        get(Http(), "https://api.example")


@pytest.mark.parametrize(
    "proxy", ["ftp://x:1", "http://", "http://me:secret-word@:99999", "http://h:port", "socks9://x", "ftp:/x"]
)
def test_a_proxy_that_is_none_is_refused_without_showing_its_password(proxy: str) -> None:
    with pytest.raises(ValueError, match="proxy") as caught:
        Http(proxy=proxy)
    assert "secret-word" not in str(caught.value)


def test_bad_arguments_are_refused_at_once() -> None:
    with pytest.raises(ValueError, match="ca_bundle"):
        Http(ca_bundle="/no/such/file.pem")
    with pytest.raises(ValueError, match="pool_size"):
        Http(pool_size=0)
    with pytest.raises(TypeError, match="pool_size"):
        Http(pool_size="8")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="proxy"):
        Http(proxy=8080)  # type: ignore[arg-type]


def test_without_a_word_the_authorities_are_certifis(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"):
        monkeypatch.delenv(name, raising=False)
    assert Http().ca_bundle.endswith("cacert.pem")
