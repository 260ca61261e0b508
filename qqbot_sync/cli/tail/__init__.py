"""`qqbot-sync tail`: what comes in, as it comes."""

from __future__ import annotations

import contextlib
import re
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from qqbot_sync.cli.completion import complete_event, complete_intents
from qqbot_sync.cli.options import connection_options, simulator_option
from qqbot_sync.cli.progress import doing
from qqbot_sync.cli.settings import need_credentials

if TYPE_CHECKING:
    from qqbot_sync.cli.tail.choosing import Choice, Names
    from qqbot_sync.cli.tail.following import Enough
    from qqbot_sync.cli.tail.listener import Listener
    from qqbot_sync.cli.tail.notices import Notices
    from qqbot_sync.config import GatewayConfig
    from qqbot_sync.intents import Intents

__all__ = ["command"]

REACH_WITHIN = 10.0
"""Seconds in which the platform must answer at all."""
READY_WITHIN = 30.0
"""Seconds in which the gateway must be READY then."""
FEW_SESSIONS = 20
"""Sessions left for today that are worth a word."""


def _names(_ctx: click.Context, _parameter: click.Parameter, value: tuple[str, ...]) -> Names:
    from qqbot_sync.cli.tail.choosing import Names

    try:
        return Names.read(value)
    except ValueError as error:
        raise click.BadParameter(str(error)) from error


def _intents(_ctx: click.Context, _parameter: click.Parameter, value: str | None) -> Intents | None:
    from qqbot_sync.cli.tail.choosing import read_intents

    if value is None:
        return None
    try:
        return read_intents(value)
    except ValueError as error:
        raise click.BadParameter(str(error)) from error


def _pattern(_ctx: click.Context, _parameter: click.Parameter, value: str | None) -> re.Pattern[str] | None:
    try:
        return None if value is None else re.compile(value)
    except re.error as error:
        raise click.BadParameter(f"不是正则表达式 / is no regular expression: {error}: {value!r}") from error


@click.command("tail")
@click.option(
    "--event",
    "names",
    metavar="NAME",
    multiple=True,
    callback=_names,
    shell_complete=complete_event,
    help="只看这些事件,可重复,可用 * 和 ? / these events alone; repeatable; * and ? match anything",
)
@click.option(
    "--from", "authors", metavar="WHO", multiple=True, help="只看这个人,名字或 id / this person alone: name or id"
)
@click.option(
    "--in",
    "places",
    metavar="WHERE",
    multiple=True,
    help="只看这里:种类:id、id 或种类 / this place alone: kind:id, id or kind (group, c2c, channel, direct)",
)
@click.option(
    "--grep", metavar="REGEX", default=None, callback=_pattern, help="只看内容符合的 / only where the text matches"
)
@click.option(
    "--count", type=click.IntRange(1), metavar="N", default=None, help="显示这么多个后结束 / end after so many"
)
@click.option(
    "--for",
    "seconds",
    type=click.FloatRange(0, min_open=True),
    metavar="SECONDS",
    default=None,
    help="这么多秒后结束 / end after so many seconds",
)
@click.option(
    "--intents",
    metavar="NAMES",
    default=None,
    callback=_intents,
    shell_complete=complete_intents,
    help="请求这些 intent:default、all 或逗号分隔的名字 / ask for these: default, all, or names with commas",
)
@click.option("--json", "as_json", is_flag=True, help="每行一个完整的帧 / the whole frame, one a line")
@simulator_option
@connection_options
def command(
    names: Names,
    authors: tuple[str, ...],
    places: tuple[str, ...],
    grep: re.Pattern[str] | None,
    *,
    count: int | None,
    seconds: float | None,
    intents: Intents | None,
    as_json: bool,
    settings: GatewayConfig,
) -> None:
    """实时显示收到的事件,什么都不回答 / Show events as they arrive; answer nothing.

    终端里是表格,管道里是制表符分隔的行(时间、分片、事件、地点、人、内容);连接的变化写到标准错误。Ctrl-C 结束。

    A table in a terminal, lines with tabs in a pipe: time, shard, event, place, who, text. What happens to the
    connection goes to stderr. Ctrl-C ends it.

    注意:tail 以机器人的身份登录,用掉当天的一次会话。机器人正在别处运行时,同一分片登录两次的结果平台没有说明:可能互相踢
    下线,也可能各收一份或只有一方收到;tail 收到的按钮点击不会得到回应。请用测试机器人或模拟器。

    Mind: tail logs in as the bot and uses one of the day's sessions. Where the bot runs elsewhere, the platform does
    not say what a second login of the same shard does: one may kick out the other, both may get each event, or only
    one of them; a button that only tail hears of stays without answer. Use a test bot, or the simulator.

    \b
    例 / examples:
      qqbot-sync tail
      qqbot-sync tail --event 'GROUP_*' --event C2C_MESSAGE_CREATE
      qqbot-sync tail --in group --from 小明 --grep '天气|weather'
      qqbot-sync tail --json --count 1 > sample.json
      qqbot-sync tail --simulator http://127.0.0.1:8080 --for 60
    """
    from qqbot_sync.cli.tail.choosing import Choice
    from qqbot_sync.cli.tail.following import Enough
    from qqbot_sync.cli.tail.listener import Listener

    need_credentials(settings)
    if intents is not None or names.required | names.wished:
        settings = replace(settings, intents=intents)
    client = Listener(replace(settings, debug_logging=False), required=names.required, wished=names.wished)
    enough = Enough()
    with enough.listening():
        try:
            choice = Choice(names, authors, places, grep)
            _run(client, choice, enough, count=count, seconds=seconds, as_json=as_json)
        except KeyboardInterrupt:
            if enough.times > 1:
                raise


def _run(
    client: Listener, choice: Choice, enough: Enough, *, count: int | None, seconds: float | None, as_json: bool
) -> None:
    from rich.console import Console

    from qqbot_sync.cli.tail.following import follow
    from qqbot_sync.cli.tail.notices import Notices
    from qqbot_sync.cli.tail.views import view_for
    from qqbot_sync.clock import SystemClock

    console, view = Console(stderr=True, highlight=False), view_for(as_json=as_json)
    with contextlib.ExitStack() as stack:
        # The last thing that happens: its log lines are nobody's concern. A client that never began closes no HTTP.
        stack.callback(client.api.close)
        stack.callback(client.stop, 0)
        notices = stack.enter_context(Notices(console))
        watch = client.events()
        with doing("连接中… / connecting…", console):
            # Fails at once where there is no network, while `start` would try for as long as it may.
            left = client.api.get_gateway(timeout=REACH_WITHIN, retries=False).remaining
            client.start(READY_WITHIN)
        enough.is_connecting = False
        _greet(client, notices, choice, left)
        view.begin()
        tally = follow(watch, choice, view, clock=SystemClock(), enough=enough, count=count, seconds=seconds)
        forgotten = f";来不及显示 {watch.dropped} / {watch.dropped} came too fast" if watch.dropped else ""
        notices.say(
            f"收到 {tally.came} 个事件,显示 {tally.shown} 个 / {tally.came} came, {tally.shown} shown{forgotten}"
        )


def _greet(client: Listener, notices: Notices, choice: Choice, left: int | None) -> None:
    from qqbot_sync.intents import Intents

    asked = "default" if client.intents == Intents.default() else str(client.intents)
    notices.say(f"已连接 / connected: {client.me.username or client.api.app_id}; intents: {asked}")
    if choice.names.unknown:
        names = ", ".join(choice.names.unknown)
        notices.say(f"不认识的事件 / events that are not known here: {names}; 可用 / see --intents", style="yellow")
    if left is not None and left < FEW_SESSIONS:
        notices.say(f"今天还能登录 {left} 次 / {left} logins are left today", style="yellow")
