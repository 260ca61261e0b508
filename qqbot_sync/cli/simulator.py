"""`qqbot-sync simulator`: the local QQ as a process of its own."""

from __future__ import annotations

import os
import signal
import sys
import threading
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from qqbot_sync import Intents, Simulator

__all__ = ["command", "environment", "how_to_talk"]

LOOK_UP = 0.5
"""Seconds between two looks at the signals: a wait without an end cannot be interrupted on Windows."""


@click.command("simulator")
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="0:任意空闲端口 / 0: any free port")
@click.option(
    "--grant",
    metavar="INTENTS",
    default=None,
    help="all,或逗号分隔的 intent 名;默认为除 9、28 以外的全部 / all, or names with commas; default: all but 9 and 28",
)
@click.option("--until-eof", is_flag=True, hidden=True, help="end when standard input ends (for a parent process)")
def command(port: int, grant: str | None, until_eof: bool) -> None:
    """启动本地 QQ 模拟器 / Start the local QQ, print URL, app id and secret, and stay up until Ctrl-C."""
    from qqbot_sync import Simulator

    ends: SimpleQueue[str] = SimpleQueue()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ends.put("signal"))
    if until_eof:
        threading.Thread(target=_report_eof, args=(ends,), name="qqbot-parent", daemon=True).start()
    with Simulator(port, grant=_granted(grant)) as qq:
        click.echo("模拟器已启动,Ctrl-C 结束 / the simulator is up, Ctrl-C ends it")
        for name, value in environment(qq).items():
            click.echo(f"{name}={value}")
        click.echo(how_to_talk(qq.url))
        sys.stdout.flush()
        while not _ended(ends):
            pass


def _granted(text: str | None) -> Intents | None:
    """What `--grant` means; None stays None, the simulator's own choice."""
    from qqbot_sync.simulator.control import parse_grant

    if text is None:
        return None
    try:
        return parse_grant(text)
    except ValueError as error:
        raise click.UsageError(str(error)) from error


def environment(qq: Simulator) -> dict[str, str]:
    """The environment variables that point a bot at this simulator."""
    return {"QQ_BOT_ENVIRONMENT": qq.url, "QQ_BOT_APP_ID": qq.app_id, "QQ_BOT_SECRET": qq.secret}


def how_to_talk(url: str) -> str:
    """How to write to the bot as a person, as a line to paste into this system's shell."""
    if sys.platform == "win32":
        # ASCII: PowerShell 5 sends anything else in the console's own encoding.
        body = '{"user": "ming", "where": "group", "text": "hello"}'
        line = f"Invoke-RestMethod {url}/_simulator/say -Method Post -Body '{body}'"
    else:
        body = '{"user": "小明", "where": "group", "text": "你好"}'
        line = f"curl {url}/_simulator/say -d '{body}'"
    return f"向机器人说话 / talk to the bot (where: channel, direct, group, c2c):\n  {line}"


def _ended(ends: SimpleQueue[str]) -> bool:
    try:
        ends.get(timeout=LOOK_UP)
    except Empty:
        return False
    return True


def _report_eof(ends: SimpleQueue[str]) -> None:
    """Waits for the parent's end of the pipe to close; reads unbuffered, so that no lock is held at exit."""
    try:
        while os.read(0, 1024):
            pass
    except OSError:
        pass
    ends.put("eof")
