"""`qqbot-sync api METHOD PATH [BODY]`: one raw call, its answer as it came, and never the token."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from qqbot_sync import Simulator
from qqbot_sync.api import Api
from qqbot_sync.api.endpoint import Endpoint, endpoints
from qqbot_sync.cli.api import read_body, read_path
from qqbot_sync.cli.known_calls import advice_on
from tests.cli.support import call, only_line

TOKEN = "the-access-token-itself"
TABLE = [one for one in endpoints(Api) if one.path.startswith("/")]


@pytest.fixture(scope="module")
def qq() -> Iterator[Simulator]:
    with Simulator() as simulator:
        yield simulator


class Mirror:
    """A platform that gives out a token and answers every call with what it was asked."""

    def __init__(self) -> None:
        self.requests: list[dict[str, Any]] = []
        self.statuses: list[int] = []
        mirror = self

        class Handler(BaseHTTPRequestHandler):
            def answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                if self.path == "/app/getAppAccessToken":
                    self.reply(200, {"access_token": TOKEN, "expires_in": "7200"})
                    return
                seen = {"method": self.command, "path": self.path, "body": body, "headers": dict(self.headers)}
                mirror.requests.append(seen)
                status = mirror.statuses.pop(0) if mirror.statuses else 200
                self.reply(status, {"headers": dict(self.headers), "odd": "\x9b\u202e", "中文": [1, 2.5, None]})

            def reply(self, status: int, data: Any) -> None:
                payload = json.dumps(data).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(payload)))
                self.send_header("X-Tps-trace-ID", "trace-77")
                self.send_header("X-Echo", self.headers.get("Authorization") or "none")
                self.end_headers()
                self.wfile.write(payload)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = answer

            def log_message(self, *_: object) -> None: ...

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})

    def __enter__(self) -> Mirror:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def options(self) -> tuple[str, ...]:
        return ("--environment", self.url, "--app-id", "1", "--secret", "very-secret")


@pytest.fixture
def mirror() -> Iterator[Mirror]:
    with Mirror() as mirror:
        yield mirror


# -- the call ---------------------------------------------------------------------------------------------------------


def test_the_answer_is_json_on_stdout_and_the_status_on_stderr(qq: Simulator) -> None:
    result = call("api", "get", "/users/@me", "--simulator", qq.url)
    assert result.exit_code == 0
    assert json.loads(result.stdout)["username"] == "模拟机器人"
    assert "模拟机器人" in result.stdout
    assert "HTTP 200 OK" in only_line(result.stderr)


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
def test_method_path_query_and_body_arrive_as_they_were_written(mirror: Mirror, method: str) -> None:
    arguments = ["/guilds/1?a=b", '{"名": ["x", 1.5, null]}', "--query", "limit=2", "--query", "limit=中 文"]
    result = call("api", method, *arguments, *mirror.options())
    (seen,) = mirror.requests
    assert result.exit_code == 0
    assert (seen["method"], seen["path"]) == (method, "/guilds/1?a=b&limit=2&limit=%E4%B8%AD+%E6%96%87")
    assert json.loads(seen["body"]) == {"名": ["x", 1.5, None]}
    assert seen["headers"]["Authorization"] == f"QQBot {TOKEN}"


def test_a_call_without_body_sends_none(mirror: Mirror) -> None:
    call("api", "POST", "/guilds", *mirror.options())
    assert mirror.requests[0]["body"] == b""
    assert "Content-Type" not in mirror.requests[0]["headers"]


def test_the_token_is_shown_nowhere_even_where_the_platform_repeats_it(mirror: Mirror) -> None:
    result = call("api", "GET", "/users/@me", "--include", *mirror.options())
    assert json.loads(result.stdout)["headers"]["Authorization"] == "QQBot ***"
    assert "X-Echo: QQBot ***" in result.stderr
    assert "X-Tps-trace-ID: trace-77" in result.stderr
    assert TOKEN not in result.output
    assert "very-secret" not in result.output


def test_what_would_steer_a_terminal_is_escaped_in_the_json(mirror: Mirror) -> None:
    result = call("api", "GET", "/users/@me", *mirror.options())
    assert r"\u009b\u202e" in result.stdout
    assert json.loads(result.stdout)["odd"] == "\x9b\u202e"


def test_a_refusal_prints_the_platforms_json_and_ends_with_status_1(qq: Simulator) -> None:
    result = call("api", "GET", "/guilds/1", "--simulator", qq.url)
    assert result.exit_code == 1
    assert json.loads(result.stdout)["code"] == 10004
    status, line = result.stderr.strip().splitlines()
    assert "HTTP 404" in status
    assert "10004" in line
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_it_is_sent_once_whatever_is_answered(mirror: Mirror, method: str, status: int) -> None:
    """A raw call shows what the platform says; whoever wants another try presses the arrow key."""
    mirror.statuses = [status]
    result = call("api", method, "/users/@me", *mirror.options())
    assert result.exit_code == 1
    assert len(mirror.requests) == 1


def test_a_refused_token_is_renewed_once(mirror: Mirror) -> None:
    """Nothing was done under it, so that sending again does no harm."""
    mirror.statuses = [401, 401, 401]
    assert call("api", "POST", "/users/@me", *mirror.options()).exit_code == 1
    assert len(mirror.requests) == 2


def test_a_write_without_answer_may_have_been_done(qq: Simulator) -> None:
    group = qq.add_group()
    qq.lose_answer(path=f"/v2/groups/{group}/messages")
    body = '{"content": "once", "msg_type": 0}'
    result = call("api", "POST", f"/v2/groups/{group}/messages", body, "--simulator", qq.url)
    assert result.exit_code == 1
    assert "may have taken effect" in only_line(result.stderr)
    assert [one["content"] for one in qq.entries(kinds=("sent",)) if one["place"] == group] == ["once"]


def test_a_write_that_was_not_sent_is_not_in_doubt() -> None:
    """Nobody listens there: nothing left this machine."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"
        result = call("api", "POST", "/users/@me", "--environment", url, "--app-id", "1", "--secret", "very-secret")
    assert result.exit_code == 1
    assert "may have taken effect" not in result.stderr
    assert "no access token from" in result.stderr


# -- what was typed ---------------------------------------------------------------------------------------------------


def test_a_body_comes_from_a_file_or_from_standard_input(mirror: Mirror, tmp_path: Path) -> None:
    file = tmp_path / "body.json"
    file.write_bytes(b'\xef\xbb\xbf{"from": "file"}')
    call("api", "POST", "/x", f"@{file}", *mirror.options())
    call("api", "POST", "/x", "-", *mirror.options(), stdin='{"from": "stdin"}')
    assert [json.loads(seen["body"])["from"] for seen in mirror.requests] == ["file", "stdin"]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("{a: 1}", "line 1 column 2"),
        ('{"a": 1 2}', "column 9"),
        ("", "line 1 column 1"),
        ("NaN", "NaN"),
        ("@no-such-file.json", "no-such-file.json"),
        ("[" * 100_000, "BODY"),
    ],
)
def test_a_body_that_is_no_json_says_where_it_breaks(mirror: Mirror, body: str, said: str) -> None:
    result = call("api", "POST", "/x", body, *mirror.options())
    assert result.exit_code == 2
    assert said in only_line(result.stderr)
    assert len(result.stderr) < 1000
    assert mirror.requests == []


def test_the_position_is_that_of_the_line_it_stands_in(mirror: Mirror) -> None:
    result = call("api", "POST", "/x", "-", *mirror.options(), stdin='{"a":\n  [1 2]}')
    assert "line 2 column 6" in only_line(result.stderr)


@pytest.mark.parametrize(
    "path",
    [
        "users/@me",
        "//evil.example/x",
        "https://evil.example/users/@me",
        "/a/../b",
        "/./a",
        "/a\\b",
        "/a#b",
        "/a\nb",
        "",
    ],
)
def test_a_path_stays_on_the_platforms_host(mirror: Mirror, path: str) -> None:
    result = call("api", "GET", path, *mirror.options())
    assert result.exit_code == 2
    only_line(result.stderr)
    assert mirror.requests == []


def test_a_path_is_written_as_urls_are() -> None:
    assert read_path("/guilds/频 道/x?y=ä&z=%20") == "/guilds/%E9%A2%91%20%E9%81%93/x?y=%C3%A4&z=%20"
    assert read_path("/users/@me") == "/users/@me"


def test_big_numbers_and_texts_survive_the_check() -> None:
    assert read_body('{"id": 12345678901234567890, "t": "\\ud83d\\ude00"}') == (
        '{"id":12345678901234567890,"t":"😀"}'.encode()
    )


@pytest.mark.parametrize(("method", "said"), [("GETT", "GET"), ("FETCH", "GET, POST"), ("HEAD", "GET, POST")])
def test_a_method_that_is_none_is_told_those_there_are(mirror: Mirror, method: str, said: str) -> None:
    result = call("api", method, "/x", *mirror.options())
    assert result.exit_code == 2
    assert said in only_line(result.stderr)


def test_a_query_is_a_name_and_a_value(mirror: Mirror) -> None:
    result = call("api", "GET", "/x", "--query", "limit", *mirror.options())
    assert result.exit_code == 2
    assert "name=value" in only_line(result.stderr)


# -- the table of endpoints -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("one", TABLE, ids=lambda one: f"{one.method} {one.path}")
def test_every_call_of_the_table_is_known(one: Endpoint) -> None:
    path = one.path
    while "{" in path:
        start, _, rest = path.partition("{")
        path = f"{start}12{rest.partition('}')[2]}"
    assert advice_on(one.method, path) is None


@pytest.mark.parametrize(
    ("method", "path", "nearest"),
    [
        ("GET", "/user/@me", "GET /users/@me"),
        ("POST", "/channels/12/message", "POST /channels/{channel_id}/messages"),
        ("POST", "/groups/AB/messages", "POST /v2/groups/{group_openid}/messages"),
        ("GET", "/guild/12?x=1", "GET /guilds/{guild_id}"),
        ("POST", "/users/@me", "GET"),
    ],
)
def test_a_call_that_the_table_lacks_is_told_the_nearest(method: str, path: str, nearest: str) -> None:
    assert nearest in (advice_on(method, path) or "")


def test_a_path_like_no_other_is_called_unknown_and_no_more() -> None:
    assert "nearest" not in (advice_on("GET", "/entirely/else") or "nearest")


def test_an_unknown_call_is_made_all_the_same(mirror: Mirror) -> None:
    result = call("api", "POST", "/v3/brand_new", *mirror.options())
    assert result.exit_code == 0
    assert "/v3/brand_new" in result.stderr.splitlines()[0]
    assert mirror.requests[0]["path"] == "/v3/brand_new"
