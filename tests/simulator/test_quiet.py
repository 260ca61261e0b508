"""No log shows a token or the secret, whatever is logged at which level."""

from __future__ import annotations

import logging
import socket

import pytest

from qqbot_sync.simulator import Simulator
from tests.simulator.support import BareBot
from tests.support import PATIENCE, eventually


def test_no_log_shows_a_token_or_the_secret(
    qq: Simulator, bot: BareBot, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    with caplog.at_level(logging.DEBUG):
        _, session = bot.live()
        bot.call("GET", "/users/@me")
        bot.ask_token(qq.app_id, "wrong")
        qq.drop()
        again = bot.connect()
        again.read()
        again.resume(session, 1)
        again.read_until("RESUMED")
        refused = bot.connect()
        refused.read()
        refused.identify(token="QQBot " + bot.token, intents=1 << 9)
        refused.end()
    # The bare bot stands on the same library, whose client does log what it sends.
    ours = [record for record in caplog.records if not record.name.startswith(("websockets.client", "urllib3"))]
    assert not [record for record in ours if record.name.startswith("websockets")]
    text = "\n".join(record.getMessage() + str(record.exc_info) for record in ours) + "".join(capfd.readouterr())
    assert bot.token not in text
    assert qq.secret not in text


def test_a_client_that_breaks_the_protocol_leaves_nothing_on_stderr(
    qq: Simulator, bot: BareBot, capfd: pytest.CaptureFixture[str]
) -> None:
    connection = bot.connect()
    connection.read()
    connection.connection.socket.sendall(b"\xff" * 64)
    assert connection.end()[0] == 1002
    half = socket.create_connection(("127.0.0.1", int(qq.url.rpartition(":")[2])), PATIENCE)
    half.sendall(b"GET /websocket HTTP/1.1\r\nUpgrade: websocket\r\n\r\n")
    assert b" 4" in half.recv(4096).split(b"\r\n")[0]
    half.close()
    eventually(lambda: not qq.connections())
    assert "".join(capfd.readouterr()) == ""


def test_the_transcript_shows_neither(qq: Simulator, bot: BareBot) -> None:
    bot.live()
    bot.call("GET", "/users/@me")
    bot.ask_token(qq.app_id, "wrong")
    assert bot.token not in str(qq.log)
    assert qq.secret not in str(qq.log)
