"""HTTP/1.1 on a bare socket: what a foreign client may send."""

from __future__ import annotations

import json
import socket

import pytest
import requests

from qqbot_sync.simulator import Simulator
from tests.support import PATIENCE


def talk(qq: Simulator, *parts: bytes) -> bytes:
    """Sends raw bytes, and gives all that comes back until the server closes."""
    with socket.create_connection(("127.0.0.1", int(qq.url.rpartition(":")[2])), PATIENCE) as sock:
        for part in parts:
            sock.sendall(part)
        sock.shutdown(socket.SHUT_WR)
        answer = b""
        while data := sock.recv(65536):
            answer += data
        return answer


def token_request(qq: Simulator) -> bytes:
    return json.dumps({"appId": qq.app_id, "clientSecret": qq.secret}).encode()


def test_two_requests_on_one_connection_are_answered_in_turn(qq: Simulator) -> None:
    answer = talk(qq, b"GET /a HTTP/1.1\r\nHost: x\r\n\r\nGET /b HTTP/1.1\r\nHost: x\r\n\r\n")
    assert answer.count(b"HTTP/1.1 404") == 2
    assert answer.index(b"GET /a") < answer.index(b"GET /b")


def test_a_request_in_single_bytes_is_a_request(qq: Simulator) -> None:
    body = token_request(qq)
    head = b"POST /app/getAppAccessToken HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body)
    answer = talk(qq, *(bytes([byte]) for byte in head + body))
    assert b"access_token" in answer


def test_a_chunked_body_is_read(qq: Simulator) -> None:
    body = token_request(qq)
    chunks = b"5\r\n" + body[:5] + b"\r\n" + b"%x;ext=1\r\n" % len(body[5:]) + body[5:] + b"\r\n0\r\nX: y\r\n\r\n"
    head = b"POST /app/getAppAccessToken HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    assert b"access_token" in talk(qq, head, chunks)


def test_a_client_that_waits_for_100_continue_is_told_to(qq: Simulator) -> None:
    body = token_request(qq)
    head = b"POST /app/getAppAccessToken HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: %d\r\n\r\n" % len(body)
    answer = talk(qq, head, body)
    assert answer.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200")


@pytest.mark.parametrize(
    ("head", "keeps"),
    [
        (b"GET /a HTTP/1.1\r\n", True),
        (b"GET /a HTTP/1.1\r\nConnection: close\r\n", False),
        (b"GET /a HTTP/1.0\r\n", False),
        (b"GET /a HTTP/1.0\r\nConnection: Keep-Alive\r\n", True),
    ],
)
def test_the_connection_stays_where_the_client_wants_it_to(qq: Simulator, head: bytes, keeps: bool) -> None:
    with socket.create_connection(("127.0.0.1", int(qq.url.rpartition(":")[2])), PATIENCE) as sock:
        for _ in range(2 if keeps else 1):
            sock.sendall(head + b"\r\n")
            assert sock.recv(65536).startswith(b"HTTP/1.1 404")
        sock.settimeout(PATIENCE if not keeps else 0.05)
        if keeps:
            with pytest.raises(TimeoutError):
                sock.recv(1)
        else:
            assert sock.recv(1) == b""


def test_head_has_no_body(qq: Simulator) -> None:
    answer = talk(qq, b"HEAD /gateway HTTP/1.1\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 401")
    assert answer.endswith(b"\r\n\r\n")
    qq.fail_http(500)
    answer = talk(qq, b"HEAD /gateway HTTP/1.1\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 500")
    assert answer.endswith(b"\r\n\r\n")


@pytest.mark.parametrize(
    "rubbish",
    [
        b"rubbish\r\n\r\n",
        b"GET /a\r\n\r\n",
        b"GET /a HTTP/2.0\r\n\r\n",
        b"GET /a HTTP/1.1\r\nno colon\r\n\r\n",
        b"GET /a HTTP/1.1\r\n folded: x\r\n\r\n",
        b"POST /a HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        b"POST /a HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n",
        b"POST /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"GET /" + b"a" * 70_000,
    ],
)
def test_rubbish_is_answered_with_400_and_the_connection_ends(qq: Simulator, rubbish: bytes) -> None:
    assert talk(qq, rubbish).startswith(b"HTTP/1.1 400")


def test_a_client_that_leaves_in_the_middle_hurts_nobody(qq: Simulator) -> None:
    assert talk(qq, b"GET / HT") == b""
    talk(qq, b"POST /a HTTP/1.1\r\nContent-Length: 10\r\n\r\nabc")
    assert requests.get(qq.url, timeout=PATIENCE).status_code == 404


def test_paths_are_unquoted_once(qq: Simulator) -> None:
    answer = requests.get(f"{qq.url}/%E4%BD%A0%2525", timeout=PATIENCE)
    assert answer.json()["message"].endswith("/你%25")
