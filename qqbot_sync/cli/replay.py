"""`qqbot-sync replay FILE TARGET`."""

from __future__ import annotations

import contextlib
import math
import os
import sys
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import click

from qqbot_sync.cli.cells import padded, width
from qqbot_sync.cli.options import bot_arguments, file_options
from qqbot_sync.cli.performance import clock_time, watching
from qqbot_sync.cli.settings import find_settings
from qqbot_sync.cli.target import Target, prepare, run_target
from qqbot_sync.clock import SystemClock
from qqbot_sync.recording import Playback, Recorder, ReplayReport, read

__all__ = ["command"]

LOOK = 0.2
"""Seconds between two looks at how far it is."""
QUIET = 1.0
"""Seconds until it takes long enough to show progress."""
MOST_SHOWN = 10
"""Kinds of calls that are listed."""


def _speed(ctx: click.Context, param: click.Parameter, value: str) -> float:
    try:
        speed = float(value.removesuffix("x"))
    except ValueError:
        speed = math.nan
    if not speed > 0:
        raise click.BadParameter(
            f"{value!r} 不是大于 0 的数字或 inf(尽快)/ {value!r} is no number above 0, and not inf (no waiting)",
            ctx,
            param,
        )
    return speed


@click.command("replay", context_settings={"ignore_unknown_options": True})
@click.argument("recording", metavar="FILE", type=click.Path(dir_okay=False, path_type=Path))
@bot_arguments
@click.option(
    "--speed",
    callback=_speed,
    default="1",
    metavar="N|inf",
    help="1 为原速,10 为十倍,inf 为尽快 / 1: as recorded, 10: ten times as fast, inf: as fast as the handlers go",
)
@click.option(
    "--partial", is_flag=True, help="播放不完整的文件 / play a file that is cut off or damaged, as far as it is whole"
)
@click.option(
    "--unmatched",
    type=click.Choice(["error", "ok"]),
    default="error",
    help="录制中没有的调用:报错(默认)或视为成功 / calls that were not recorded fail (the default) or succeed",
)
@click.option(
    "--strict", is_flag=True, help="与录制不同时退出状态为 1 / exit status 1 where it differs from the recording"
)
@file_options
@click.pass_context
def command(
    ctx: click.Context,
    *,
    recording: Path,
    target: str,
    arguments: tuple[str, ...],
    speed: float,
    partial: bool,
    unmatched: str,
    strict: bool,
    config: Path | None,
    env_file: Path | None,
) -> None:
    """回放录制的内容 / Play a recording back.

    用同样的处理函数运行机器人,但不连接网络:事件来自文件,HTTP 调用由录制的回答应答。不需要凭据。

    Runs the bot with the same handlers and no network: events come from the file, HTTP calls are answered from it. No
    credentials are needed.

    \b
    例 / examples:
      qqbot-sync replay session.jsonl bot.py
      qqbot-sync replay session.jsonl bot.py --speed inf --strict
      qqbot-sync replay cut.jsonl bot.py --partial --unmatched ok
    """
    chosen = Target.parse(target)
    # Read here first: what is wrong with the file is no failure of the bot.
    read(recording, partial=partial)
    prepare(ctx, find_settings(config=config, env_file=env_file), {}, None)
    for name in ("QQ_BOT_RECORD", "QQ_BOT_STORE"):
        os.environ.pop(name, None)
    os.environ.update(
        QQ_BOT_REPLAY=str(recording.resolve()),
        QQ_BOT_REPLAY_SPEED=f"{speed:g}" if math.isfinite(speed) else "inf",
        QQ_BOT_REPLAY_PARTIAL="true" if partial else "false",
        QQ_BOT_REPLAY_UNMATCHED=unmatched,
    )
    with watching() as seen:
        try:
            with _progress(seen):
                run_target(chosen, arguments)
        finally:
            played = [each for each in seen if isinstance(each, Playback) and each.was_begun]
            for playback in played:
                _tell(playback.report(), recording)
    if not played:
        click.secho("── 没有播放:机器人没有启动 / nothing was played: no bot was started", err=True, fg="yellow")
    if strict and not (played and all(_is_same(playback.report()) for playback in played)):
        raise click.exceptions.Exit(1)


def _is_same(report: ReplayReport) -> bool:
    return report.is_faithful


def _tell(report: ReplayReport, path: Path) -> None:
    """The summary."""
    whole = "" if report.is_whole else "(不完整 / not whole)"
    click.secho(f"── 回放结束 / replayed: {path}{whole}", err=True, fg="cyan")
    skipped = f"({report.events_skipped} 个跳过 / skipped)" if report.events_skipped else ""
    unmatched, left = report.unmatched.total(), report.left.total()
    rows = (
        ("事件 / events", f"{report.events} / {report.events_total} {skipped}"),
        ("调用 / calls", f"{report.matched} 次应答 / answered"),
        ("", f"{unmatched} 次录制中没有 / not in the recording"),
        ("", f"{left} 次没有发出 / recorded, not made"),
        ("处理失败 / handlers failed", f"{report.failures}"),
        ("用时 / took", f"{clock_time(report.seconds)}(录制 / recorded {clock_time(report.recorded_seconds)})"),
    )
    column = max(width(name) for name, _ in rows) + 2
    for name, text in rows:
        click.echo(f"   {padded(name, column)}{text.rstrip()}", err=True)
    _list(report.unmatched, "录制中没有的调用 / calls that are not in the recording")
    _list(report.left, "没有发出的调用 / recorded calls that were not made")
    if report.diverged:
        click.echo(f"   {report.diverged} 个事件的处理过程不同 / events were handled otherwise", err=True)
    if _is_same(report):
        click.secho("   与录制一致 / the same as in the recording", err=True, fg="green")
    else:
        click.secho("   与录制不同 / it differs from the recording", err=True, fg="yellow")


def _list(calls: Counter[str], heading: str) -> None:
    if not calls:
        return
    click.echo(f"   {heading}:", err=True)
    for call, count in calls.most_common(MOST_SHOWN):
        click.echo(f"     {count:>5} × {call}", err=True)
    if len(calls) > MOST_SHOWN:
        click.echo(f"           … {len(calls) - MOST_SHOWN}", err=True)


@contextlib.contextmanager
def _progress(seen: Sequence[Recorder | Playback]) -> Iterator[None]:
    """How far it is, in a terminal, where it takes long."""
    if sys.stderr is None or not sys.stderr.isatty():
        yield
        return
    over = threading.Event()
    thread = threading.Thread(target=_follow, args=(seen, over), name="qqbot-progress", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _follow(seen: Sequence[Recorder | Playback], over: threading.Event) -> None:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn

    clock = SystemClock()
    if clock.wait(over, QUIET):
        return
    columns = (
        TextColumn("回放 / replay"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TextColumn("{task.fields[events]} 个事件 / events"),
        TextColumn("[dim]{task.fields[time]}"),
    )
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    # The log of the bot goes above the bar; what it prints for others stays where it is.
    with Progress(*columns, console=console, transient=True, redirect_stdout=False) as progress:
        task = progress.add_task("", total=1.0, events="0", time="")
        while not clock.wait(over, LOOK):
            playback = next((each for each in reversed(seen) if isinstance(each, Playback)), None)
            if playback is not None:
                report = playback.report()
                length = max(report.recorded_seconds, 0.001)
                progress.update(
                    task,
                    completed=playback.position / length,
                    events=f"{report.events}/{report.events_total}",
                    time=f"{clock_time(playback.position)} / {clock_time(length)}",
                )
