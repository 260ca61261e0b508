"""A simulator, a bot in it that answers, and a ward for `doctor`: all of them are ended with the test."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from qqbot_sync import BotClient, Environment, Simulator
from tests.cli.ward import Ward


@pytest.fixture
def qq() -> Iterator[Simulator]:
    """A running simulator in this process."""
    with Simulator() as simulator:
        yield simulator


@pytest.fixture
def echo(qq: Simulator) -> Iterator[BotClient]:
    """A bot in this process that answers everything but silence."""
    client = BotClient(qq.app_id, qq.secret, environment=Environment.local(qq.url))

    @client.on_message()
    def answer(ctx: Any, message: Any) -> None:
        if "安静" not in message.content:
            ctx.reply(f"你说:{message.content}")
        if "两次" in message.content:
            ctx.reply("又一次")

    with client:
        yield client


@pytest.fixture
def ward(tmp_path: Path) -> Iterator[Ward]:
    with ExitStack() as ends:
        yield Ward(ends, tmp_path)
