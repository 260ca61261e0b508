"""`qqbot-sync doctor`: everything between this machine and the gateway, looked at in order."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click
from rich.console import Console

from qqbot_sync.cli.doctor.examination import Report, examine
from qqbot_sync.cli.doctor.finding import Check
from qqbot_sync.cli.doctor.gateway import PROBE_DEADLINE
from qqbot_sync.cli.doctor.patient import Patient
from qqbot_sync.cli.doctor.table import CHECKS
from qqbot_sync.cli.doctor.view import as_data, as_view
from qqbot_sync.cli.options import connection_options
from qqbot_sync.config import GatewayConfig
from qqbot_sync.gateway.probing import Progress

__all__ = ["command"]

TIMEOUT = 90.0
"""Seconds for everything but the Identifies."""


@click.command("doctor")
@connection_options
@click.option(
    "--identify",
    is_flag=True,
    help="逐项测试 intents,会消耗会话次数 / try the intents too; each try uses up a session of the day",
)
@click.option("--json", "as_json", is_flag=True, help="输出 JSON / print JSON")
@click.option(
    "--timeout",
    type=click.FloatRange(min=0.1),
    metavar="SECONDS",
    help=f"总时限,秒 / seconds for everything (default {TIMEOUT:.0f}, {TIMEOUT + PROBE_DEADLINE:.0f} with --identify)",
)
def command(settings: GatewayConfig, identify: bool, as_json: bool, timeout: float | None) -> None:
    """检查机器人能否上线 / Check whether a bot can go online.

    只读:不发消息,不改变任何东西。退出状态 0 为绿或黄,1 为红,2 为用法错误。

    It only reads. Exit status 0: green or yellow, 1: red, 2: wrong usage.

    \b
    例 / examples:
      qqbot-sync doctor
      qqbot-sync doctor --identify
      qqbot-sync doctor --json > report.json
    """
    patient = Patient(settings, identifies=identify)
    limit = timeout or TIMEOUT + (PROBE_DEADLINE if identify else 0.0)
    try:
        with _progress(patient) as begins:
            report = examine(patient, CHECKS, timeout=limit, begins=begins)
    finally:
        patient.close()
    if as_json:
        click.echo(json.dumps(as_data(report, patient), ensure_ascii=False, indent=2))
    else:
        _show(report, patient)
    if report.colour == "red":
        raise click.exceptions.Exit(1)


def _show(report: Report, patient: Patient) -> None:
    """The table; in a pipe or a file without the blanks that rich fills each line up with."""
    console = Console()
    view = as_view(report, patient, console)
    if console.is_terminal:
        console.print(view)
        return
    with console.capture() as capture:
        console.print(view)
    for line in capture.get().splitlines():
        click.echo(line.rstrip())


@contextmanager
def _progress(patient: Patient) -> Iterator[Callable[[Check], object]]:
    """Shows on a terminal which check is being made; on stderr, so that the report can be piped away."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield bool
        return
    with console.status("…", spinner="line") as status:

        def begins(check: Check) -> None:
            number = CHECKS.index(check) + 1
            status.update(f"{number}/{len(CHECKS)} {check.title.zh} / {check.title.en}")

        def tries(progress: Progress) -> None:
            left = len(progress.unknown.names())
            number = progress.tries + 1
            status.update(f"intents: 第 {number} 次登录,还有 {left} 项 / Identify no. {number}, {left} bits left")

        patient.progress = tries
        yield begins
