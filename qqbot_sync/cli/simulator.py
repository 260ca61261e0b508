"""`qqbot-sync simulator`: the local QQ as a process of its own."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING

import click

from qqbot_sync.cli.completion import complete_verb
from qqbot_sync.cli.leaving import leaving_on_sigterm
from qqbot_sync.clock import SystemClock

if TYPE_CHECKING:
    from qqbot_sync import Intents, Simulator
    from qqbot_sync.cli.talk.bot import Bot
    from qqbot_sync.cli.talk.remote import Remote
    from qqbot_sync.cli.talk.script import Script

__all__ = ["command", "environment", "how_to_talk"]

LOOK_UP = 0.5
"""Seconds between two looks at the signals: a wait without an end cannot be interrupted on Windows."""
ONLINE_WITHIN = 60.0
"""Seconds in which a bot must come online for a script."""


class Unclear(click.ClickException):
    """What was asked for cannot be done as it is written: one line, exit status 2."""

    exit_code = 2


@click.command("simulator", context_settings={"ignore_unknown_options": True})
@click.argument("verb", nargs=-1, type=click.UNPROCESSED, metavar="[VERB [ARGUMENTS]...]", shell_complete=complete_verb)
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="0:任意空闲端口 / 0: any free port")
@click.option(
    "--grant",
    metavar="INTENTS",
    default=None,
    help="all,或逗号分隔的 intent 名;默认为除 9、28 以外的全部 / all, or names with commas; default: all but 9 and 28",
)
@click.option(
    "--bot", metavar="TARGET", default=None, help="同时运行这个机器人 / run this bot too: FILE, FILE:client, …"
)
@click.option(
    "--script",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    default=None,
    help="演一段对话;有期待落空时退出状态为 1 / play a conversation; exit status 1 when an expectation fails",
)
@click.option(
    "--timeout",
    type=click.FloatRange(0),
    default=5.0,
    show_default=True,
    help="脚本中每个回答最多等几秒 / seconds an answer may take in a script",
)
@click.option("--url", default=None, help="用已在运行的模拟器 / use a simulator that runs already")
@click.option("--until-eof", is_flag=True, hidden=True, help="end when standard input ends (for a parent process)")
def command(
    verb: tuple[str, ...],
    *,
    port: int,
    grant: str | None,
    bot: str | None,
    script: Path | None,
    timeout: float,
    url: str | None,
    until_eof: bool,
) -> None:
    """启动本地 QQ 模拟器 / Start the local QQ, print URL, app id and secret, and stay up until Ctrl-C.

    在终端里有交互界面:以任何人的名义说话,看机器人的回答,制造故障;输入 /help 查看。VERB 对正在运行的模拟器做一件事。

    In a terminal there is a prompt, to write as anyone, see the answers and play faults; /help explains it.
    A VERB does one thing to a simulator that runs already.

    \b
    例 / examples:
      qqbot-sync simulator
      qqbot-sync simulator --bot bot.py
      qqbot-sync simulator --bot bot.py --script talk.txt
      qqbot-sync simulator --url http://127.0.0.1:8080 drop
      qqbot-sync simulator --url http://127.0.0.1:8080 say 小明 group 你好
    """
    from qqbot_sync import Simulator

    url = url or _url_of_environment(verb)
    if url is not None and (bot or grant or port):
        raise Unclear("--url 用的是别处的模拟器 / --url takes no --port, --grant or --bot")
    if verb:
        _play_verb(url, verb)
        return
    conversation = _read_script(script) if script is not None else None
    stays_up = conversation is None and (until_eof or not _is_terminal()) and bot is None
    # Before anything is announced: whoever reads it may send a signal at once.
    ends = _listen() if stays_up else None
    with contextlib.ExitStack() as stack:
        facts: dict[str, str] = {}
        if url is None:
            qq = stack.enter_context(Simulator(port, grant=_granted(grant)))
            url, facts = qq.url, environment(qq)
            if bot is None or conversation is None:
                _announce(facts, url)
        elif not _is_terminal() and conversation is None:
            raise Unclear("--url 需要动词、--script 或终端 / --url needs a verb, --script or a terminal")
        if ends is not None:
            _stay_up(ends, until_eof=until_eof)
        else:
            _talk(url, facts, conversation=conversation, timeout=timeout, bot=bot)


def _listen() -> SimpleQueue[str]:
    """From now on a signal is a word in this queue."""
    ends: SimpleQueue[str] = SimpleQueue()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ends.put("signal"))
    return ends


def _stay_up(ends: SimpleQueue[str], *, until_eof: bool) -> None:
    """Until a signal, or the end of standard input where that is asked for."""
    if until_eof:
        threading.Thread(target=_report_eof, args=(ends,), name="qqbot-parent", daemon=True).start()
    while not _ended(ends):
        pass


def _talk(url: str, facts: Mapping[str, str], *, conversation: Script | None, timeout: float, bot: str | None) -> None:
    """The script, or the prompt; the bot beside it where that is asked for."""
    from rich.console import Console

    from qqbot_sync.cli.talk.bot import Bot
    from qqbot_sync.cli.talk.prompt import HISTORY, Prompt
    from qqbot_sync.cli.talk.remote import Remote
    from qqbot_sync.cli.talk.screen import Screen

    remote, screen = Remote(url), Screen(Console(highlight=False))
    with contextlib.ExitStack() as stack:
        stack.enter_context(leaving_on_sigterm(0))
        child = stack.enter_context(Bot(bot, facts, screen)) if bot else None
        if conversation is not None:
            _wait_for_bot(remote, child)
            if not conversation.play(remote, screen, timeout=timeout):
                raise click.exceptions.Exit(1)
        elif _is_terminal():
            Prompt(remote, screen, history=HISTORY).run()
        else:
            _stay_up(_listen(), until_eof=False)


def _announce(facts: Mapping[str, str], url: str) -> None:
    click.echo("模拟器已启动,Ctrl-C 结束 / the simulator is up, Ctrl-C ends it")
    for name, value in facts.items():
        click.echo(f"{name}={value}")
    if not _is_terminal():
        click.echo(how_to_talk(url))
    else:
        click.echo("/help 说明用法 / explains the prompt")
    sys.stdout.flush()


def _is_terminal() -> bool:
    return sys.stdin is not None and sys.stdin.isatty() and sys.stdout.isatty()


def _url_of_environment(verb: tuple[str, ...]) -> str | None:
    """A verb without `--url` goes to the simulator that the environment names for the bot."""
    url = os.environ.get("QQ_BOT_ENVIRONMENT", "")
    if not verb:
        return None
    if not url.startswith(("http://", "https://")):
        raise Unclear("动词需要 --url / a verb needs --url, the URL of a running simulator")
    return url


def _play_verb(url: str | None, words: tuple[str, ...]) -> None:
    from qqbot_sync.cli.talk import verbs
    from qqbot_sync.cli.talk.remote import Remote
    from qqbot_sync.codec import dumps

    name = words[0].lstrip("/")
    try:
        arguments = verbs.bind(name, list(words[1:]))
    except ValueError as error:
        raise Unclear(str(error)) from error
    answer = Remote(str(url)).call(name, **arguments)
    if answer:
        click.echo(dumps(answer).decode())


def _read_script(path: Path) -> Script:
    from qqbot_sync.cli.talk.script import Script

    try:
        return Script(path)
    except ValueError as error:
        raise Unclear(str(error)) from error


def _wait_for_bot(remote: Remote, bot: Bot | None) -> None:
    clock = SystemClock()
    end = clock.now() + ONLINE_WITHIN
    while not remote.is_online():
        if bot is not None and not bot.is_alive():
            raise click.ClickException("机器人没有上线就结束了 / the bot ended before it was online")
        if clock.wait(threading.Event(), 0.05) or clock.now() > end:
            raise click.ClickException(
                f"{ONLINE_WITHIN:g} s 内没有机器人上线 / no bot came online in {ONLINE_WITHIN:g} s"
            )


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
