"""`qqbot-sync record TARGET -o FILE`."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import click

from qqbot_sync.cli.local import local_simulator
from qqbot_sync.cli.options import bot_arguments, connection_options
from qqbot_sync.cli.performance import clock_time, watching
from qqbot_sync.cli.target import Target, prepare, run_target
from qqbot_sync.clock import SystemClock
from qqbot_sync.config import GatewayConfig
from qqbot_sync.recording import Playback, Recorder

__all__ = ["command"]


@click.command("record", context_settings={"ignore_unknown_options": True})
@bot_arguments
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="录制到这个文件,默认 qqbot-日期-时间.jsonl;名字以 .gz 结尾则压缩 / recorded to this file, by default "
    "qqbot-DATE-TIME.jsonl; compressed where its name ends in .gz",
)
@click.option(
    "--hide-texts",
    is_flag=True,
    help="用等长的占位符代替人们写的文字 / placeholders of the same length in place of what people wrote",
)
@click.option(
    "--simulator",
    is_flag=True,
    help="先启动本地模拟器 / start a simulator first",
)
@connection_options
@click.pass_context
def command(
    ctx: click.Context,
    *,
    target: str,
    arguments: tuple[str, ...],
    output: Path | None,
    hide_texts: bool,
    simulator: bool,
    settings: GatewayConfig,
) -> None:
    """运行机器人并录制 / Run a bot and record it.

    与 run 相同,同时把每个事件和每次 HTTP 调用写入文件,供 replay 回放。密钥和令牌不会写入;人们写的文字和 openid 会,
    除非用 --hide-texts。

    As run does, and every event and every HTTP call goes to a file that replay plays back. Secrets and tokens are never
    written; what people wrote and their openids are, the former unless --hide-texts is given.

    \b
    例 / examples:
      qqbot-sync record bot.py -o session.jsonl
      qqbot-sync record bot.py -o session.jsonl.gz --hide-texts
      qqbot-sync record bot.py --simulator
    """
    chosen = Target.parse(target)
    path = output or Path(datetime.fromtimestamp(SystemClock().wall()).strftime("qqbot-%Y%m%d-%H%M%S.jsonl"))
    if path.exists():
        raise click.UsageError(
            f"{path} 已存在,不会覆盖:请换个名字或先移走 / {path} exists and is not overwritten: choose another name or "
            "move it away"
        )
    with contextlib.ExitStack() as stack:
        told = stack.enter_context(local_simulator()) if simulator else {}
        prepare(ctx, settings, told, None)
        os.environ.pop("QQ_BOT_REPLAY", None)
        os.environ["QQ_BOT_RECORD"] = str(path)
        if hide_texts:
            os.environ["QQ_BOT_RECORD_HIDE_TEXTS"] = "true"
        seen = stack.enter_context(watching())
        try:
            run_target(chosen, arguments)
        finally:
            _tell(seen, target)


def _tell(seen: Sequence[Recorder | Playback], target: str) -> None:
    """What was recorded, and what to do with it."""
    tapes = [tape for each in seen if isinstance(each, Recorder) for tape in each.tapes]
    if not tapes:
        click.secho(
            "── 没有录到任何内容:机器人没有启动 / nothing was recorded: no bot was started", err=True, fg="yellow"
        )
        return
    for tape in tapes:
        # A bot that never said stop() would otherwise close it when the interpreter ends.
        tape.close()
        events, calls, lost = tape.counts
        facts = f"{events} 个事件 / events, {calls} 次调用 / calls, {clock_time(tape.now())}"
        click.secho(f"── 录制完成 / recorded {tape.path}: {facts}", err=True, fg="cyan")
        if lost:
            click.secho(f"   丢失了 {lost} 条记录 / {lost} records were lost", err=True, fg="red")
        click.echo(f"   qqbot-sync replay {tape.path} {target} --speed inf", err=True)
