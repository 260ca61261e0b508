"""Every command, and what people get wrong: one readable line with the remedy, a status, and no traceback."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import NamedTuple

import pytest

from qqbot_sync import BotClient, Environment, GatewayConfig, Simulator
from qqbot_sync.cli.group import COMMANDS
from tests.cli.support import call
from tests.cli.test_group import run

BOT = Path(__file__).parent / "bots" / "failing.py"
SECRET = "a-secret-nobody-may-see"
CONNECTING = {
    "doctor": ["doctor"],
    "tail": ["tail", "--for", "0.1"],
    "send": ["send", "group:0A1B", "hi", "--timeout", "3600"],
    "api": ["api", "GET", "/users/@me", "--timeout", "3600"],
}
"""Commands that fail at once when they cannot connect, and how they are called."""
SERVING = {"run": ["run", str(BOT)], "record": ["record", str(BOT), "-o", "never-written.jsonl"]}
"""Commands that go on trying for as long as there is no network (ADR 0006)."""
LOCAL = {"demo", "new", "simulator", "replay", "completion", "version"}
"""Commands that need neither network nor credentials."""
TABLES = {"doctor"}
"""Commands whose answer is a table, and not one line."""


def test_no_command_is_left_out() -> None:
    assert set(COMMANDS) <= {*CONNECTING, *SERVING, *LOCAL}


@pytest.fixture(scope="module")
def qq() -> Iterator[Simulator]:
    with Simulator() as simulator:
        yield simulator


@pytest.fixture(scope="module")
def dead_port() -> int:
    """One that nobody listens on."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port: int = unused.getsockname()[1]
        return port


@pytest.fixture(scope="module")
def refusing_proxy() -> Iterator[str]:
    """A proxy that lets nobody through."""

    class Handler(BaseHTTPRequestHandler):
        def do_CONNECT(self) -> None:
            self.send_error(403, "not you")

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://user:{SECRET}@127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


class Peers(NamedTuple):
    """Who is there to talk to, and who is not."""

    qq: Simulator
    dead_port: int
    refusing_proxy: str
    path: Path


@pytest.fixture
def mistake(
    request: pytest.FixtureRequest, qq: Simulator, dead_port: int, refusing_proxy: str, tmp_path: Path
) -> tuple[list[str], str]:
    """The options that are wrong, and a word of the remedy."""
    options, remedy = MISTAKES[request.param](Peers(qq, dead_port, refusing_proxy, tmp_path))
    return ["--app-id", qq.app_id, "--secret", SECRET, *options], remedy


def wrong_secret(peers: Peers) -> tuple[list[str], str]:
    return ["--environment", peers.qq.url], "Compare app id and secret with the console"


def no_network(peers: Peers) -> tuple[list[str], str]:
    return ["--environment", f"http://127.0.0.1:{peers.dead_port}"], "qqbot-sync doctor"


def proxy_that_refuses(peers: Peers) -> tuple[list[str], str]:
    # Only the proxy is dialed, on this machine.
    return ["--environment", "sandbox", "--proxy", peers.refusing_proxy], "through the proxy http://***@127.0.0.1:"


def proxy_that_is_dead(peers: Peers) -> tuple[list[str], str]:
    proxy = f"http://127.0.0.1:{peers.dead_port}"
    return ["--environment", "sandbox", "--proxy", proxy], f"through the proxy {proxy}"


def typo_in_the_file(peers: Peers) -> tuple[list[str], str]:
    return ["--config", _file(peers, 'app_idd = "1"\n')], "did you mean 'app_id'"


def file_that_is_no_toml(peers: Peers) -> tuple[list[str], str]:
    return ["--config", _file(peers, "app_id = \n")], "line 1"


def file_that_is_not_there(peers: Peers) -> tuple[list[str], str]:
    return ["--config", str(peers.path / "gone.toml")], "gone.toml"


def environment_that_is_none(_peers: Peers) -> tuple[list[str], str]:
    return ["--environment", "sandbx"], "sandbox"


def proxy_that_is_no_url(_peers: Peers) -> tuple[list[str], str]:
    return ["--environment", "sandbox", "--proxy", "not a proxy"], "http://127.0.0.1:7890"


def _file(peers: Peers, text: str) -> str:
    file = peers.path / "qqbot.toml"
    file.write_text(text, encoding="utf-8")
    return str(file)


MISTAKES: dict[str, Callable[[Peers], tuple[list[str], str]]] = {
    made.__name__: made
    for made in (
        wrong_secret,
        no_network,
        proxy_that_refuses,
        proxy_that_is_dead,
        typo_in_the_file,
        file_that_is_no_toml,
        file_that_is_not_there,
        environment_that_is_none,
        proxy_that_is_no_url,
    )
}
AT_ONCE = [name for name in MISTAKES if name.startswith(("typo", "file", "environment"))]
"""Mistakes that are found before anything is run."""


def check(status: int, complaints: str, remedy: str) -> None:
    assert status in (1, 2)
    assert "Traceback" not in complaints
    assert SECRET not in complaints
    line = complaints.strip().splitlines()[-1]
    assert line.startswith("错误 / error: ")
    assert remedy in line
    assert len(line) < 700


@pytest.mark.parametrize("mistake", MISTAKES, indirect=True)
@pytest.mark.parametrize("name", [name for name in CONNECTING if name not in TABLES])
def test_a_mistake_is_one_line_with_its_remedy(name: str, mistake: tuple[list[str], str]) -> None:
    options, remedy = mistake
    result = call(*CONNECTING[name], *options)
    check(result.exit_code, result.stderr, remedy)
    assert result.stdout == ""
    assert len(result.stderr.strip().splitlines()) == 1


@pytest.mark.parametrize("mistake", MISTAKES, indirect=True)
@pytest.mark.parametrize("name", [name for name in CONNECTING if name not in TABLES])
def test_with_debug_there_is_the_traceback(name: str, mistake: tuple[list[str], str]) -> None:
    """Before the same line."""
    options, remedy = mistake
    result = call(*CONNECTING[name], *options, "--debug")
    assert result.exit_code in (1, 2)
    assert "Traceback" in result.stderr
    assert SECRET not in result.stderr
    assert remedy in result.stderr.strip().splitlines()[-1]


@pytest.mark.parametrize("mistake", AT_ONCE, indirect=True)
@pytest.mark.parametrize("name", [*TABLES, *SERVING])
def test_settings_that_cannot_be_read_are_one_line_everywhere(name: str, mistake: tuple[list[str], str]) -> None:
    options, remedy = mistake
    arguments = {**CONNECTING, **SERVING}[name]
    result = call(*arguments, *options)
    check(result.exit_code, result.stderr, remedy)
    assert "Traceback" in call(*arguments, *options, "--debug").stderr


@pytest.mark.parametrize("name", CONNECTING)
def test_missing_credentials_name_the_variables(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = call(*CONNECTING[name])
    assert result.exit_code in (1, 2)
    assert "Traceback" not in result.output
    assert "QQ_BOT_APP_ID" in result.output
    assert "QQ_BOT_SECRET" in result.output


def test_a_bot_with_the_wrong_secret_ends_with_one_line(qq: Simulator, tmp_path: Path) -> None:
    """After its own log, which says the same with a time."""
    bot = tmp_path / "bot.py"
    bot.write_text("from qqbot_sync import BotClient\nBotClient().run_forever()\n", encoding="utf-8")
    done = run("run", str(bot), "--environment", qq.url, "--app-id", qq.app_id, "--secret", SECRET)
    check(done.returncode, done.stderr, "secret")


@pytest.fixture(scope="module")
def tape(qq: Simulator, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A real recording of a short life."""
    path = tmp_path_factory.mktemp("tape") / "session.jsonl"
    settings = GatewayConfig(record=str(path), environment=Environment.local(qq.url))
    with BotClient(qq.app_id, qq.secret, config=settings) as client:
        said = client.events("GROUP_AT_MESSAGE_CREATE")
        qq.say("小明", "group", "你好")
        said.next(timeout=20)
    return path.read_bytes()


@pytest.mark.parametrize("name", ["run", "record", "replay"])
@pytest.mark.parametrize("target", ["no_such_module_at_all:client", "gone.py", "gone.py:client"])
def test_a_bot_that_cannot_be_imported_is_one_line(name: str, target: str, tape: bytes, tmp_path: Path) -> None:
    """With its name; here it is imported in this process, before anything is connected."""
    played, recorded = tmp_path / "session.jsonl", tmp_path / "new.jsonl"
    played.write_bytes(tape)
    arguments = {"run": [target], "record": [target, "-o", str(recorded)], "replay": [str(played), target]}[name]
    result = call(name, *arguments)
    check(result.exit_code, result.stderr, target.partition(":")[0])
    assert "Traceback" in call(name, *arguments, "--debug").stderr


@pytest.mark.parametrize("damage", [lambda whole: whole[: len(whole) // 2], lambda _: b"", lambda _: b"hello\n"])
def test_a_recording_that_is_half_or_none_is_one_line(
    damage: Callable[[bytes], bytes], tape: bytes, tmp_path: Path
) -> None:
    """With the file's name."""
    path = tmp_path / "session.jsonl"
    path.write_bytes(damage(tape))
    result = call("replay", str(path), str(BOT))
    check(result.exit_code, result.stderr, "session.jsonl")
    assert "Traceback" in call("replay", str(path), str(BOT), "--debug").stderr


@pytest.mark.parametrize("url", ["http://127.0.0.1:{port}", "nonsense"])
@pytest.mark.parametrize("name", [name for name in CONNECTING if name not in TABLES])
def test_a_simulator_that_is_not_there_is_one_line(name: str, url: str, dead_port: int) -> None:
    result = call(*CONNECTING[name], "--simulator", url.format(port=dead_port))
    check(result.exit_code, result.stderr, "simulator" if "port" in url else "URL")
