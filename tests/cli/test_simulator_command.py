"""`qqbot-sync simulator`: prints what a bot needs, stays up without standard input, and ends when told to."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import requests

from qqbot_sync import BotClient, Environment
from tests.cli.test_group import run


@contextmanager
def simulator(
    *arguments: str, stdin: int = subprocess.DEVNULL
) -> Iterator[tuple[subprocess.Popen[str], dict[str, str]]]:
    """The command as a process, and the variables it printed."""
    process = subprocess.Popen(
        [sys.executable, "-m", "qqbot_sync", "simulator", *arguments],
        stdin=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        env={**os.environ, "PYTHONIOENCODING": "utf-8"},
    )
    found: dict[str, str] = {}
    try:
        assert process.stdout is not None
        while len(found) < 3:
            line = process.stdout.readline()
            assert line, process.communicate()
            name, equals, value = line.strip().partition("=")
            if equals and name.startswith("QQ_BOT_"):
                found[name] = value
        yield process, found
    finally:
        process.kill()
        process.communicate()


def test_a_bot_can_connect_with_what_it_prints_although_its_input_is_closed() -> None:
    """URL, app id and secret, as environment variables; and the control answers over HTTP."""
    with simulator() as (process, found):
        url = found["QQ_BOT_ENVIRONMENT"]
        environment = Environment.parse(url)
        client = BotClient(found["QQ_BOT_APP_ID"], found["QQ_BOT_SECRET"], environment=environment)
        client.on_message()(lambda ctx, message: ctx.reply("hello"))
        with client:
            said = requests.post(
                f"{url}/_simulator/say", json={"user": "阿雅", "where": "c2c", "text": "hi"}, timeout=20
            )
            replies = requests.post(
                f"{url}/_simulator/replies", json={"id": said.json()["id"], "timeout": 20}, timeout=30
            )
        assert [reply["content"] for reply in replies.json()] == ["hello"]
        assert process.poll() is None


@pytest.mark.skipif(os.name == "nt", reason="missing: POSIX signals")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_with_status_0(number: signal.Signals) -> None:
    """No traceback."""
    with simulator() as (process, _):
        process.send_signal(number)
        _, errors = process.communicate(timeout=20)
        assert process.returncode == 0
        assert "Traceback" not in errors


def test_for_a_parent_it_ends_when_its_input_ends() -> None:
    """The hidden option that the demo uses, so that nothing outlives it."""
    with simulator("--until-eof", stdin=subprocess.PIPE) as (process, _):
        assert process.stdin is not None
        process.stdin.close()
        process.stdin = None
        assert process.wait(20) == 0


@pytest.mark.parametrize(("grant", "bit"), [("all", 1 << 28), ("guilds,direct_message", (1 << 0) | (1 << 12))])
def test_grant_is_what_the_bot_has(grant: str, bit: int) -> None:
    """`all`, or names."""
    with simulator("--grant", grant) as (_, found):
        answer = requests.post(f"{found['QQ_BOT_ENVIRONMENT']}/_simulator/grant", json={}, timeout=20)
        assert answer.json()["grant"] & bit == bit


def test_an_intent_that_does_not_exist_is_a_usage_error() -> None:
    """Status 2, and the nearest name."""
    done = run("simulator", "--grant", "guild")
    assert done.returncode == 2
    assert "guilds" in done.stderr


def test_a_port_in_use_is_one_line() -> None:
    """Status 1 and no traceback."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        done = run("simulator", "--port", str(taken.getsockname()[1]))
    assert done.returncode == 1
    assert len(done.stderr.strip().splitlines()) == 1
    assert "Traceback" not in done.stderr
