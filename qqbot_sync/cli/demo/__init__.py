"""`qqbot-sync demo`: simulator and bot as processes of their own, a conversation, a cut, and a count."""

from __future__ import annotations

import contextlib
import signal

import click
from rich.console import Console

from qqbot_sync.cli.demo.play import PATIENCE, play
from qqbot_sync.cli.demo.processes import Child, child_environment
from qqbot_sync.cli.demo.remote import Remote
from qqbot_sync.cli.demo.stage import Stage
from qqbot_sync.cli.demo.verdict import Verdict
from qqbot_sync.cli.leaving import leaving_on_sigterm

__all__ = ["command"]

UP_WITHIN = 20.0
"""Seconds the simulator may need to start on a slow machine."""
VARIABLES = ("QQ_BOT_ENVIRONMENT", "QQ_BOT_APP_ID", "QQ_BOT_SECRET")


@click.command("demo")
@click.option("--fast", is_flag=True, help="不停顿 / without pauses")
def command(fast: bool) -> None:
    """演示:与机器人对话,中途切断连接,最后计数 / Play a conversation whose connection is cut, then count.

    退出状态 0:每条消息都恰好回答了一次 / Exit status 0: every message was answered, and once.

    \b
    例 / examples:
      qqbot-sync demo
      qqbot-sync demo --fast
    """
    from qqbot_sync import Simulator  # noqa: F401  says what to install when the extra is missing

    with leaving_on_sigterm(128 + signal.SIGTERM):
        verdict = perform(Stage(Console(highlight=False), pace=0.0 if fast else 0.5))
    raise click.exceptions.Exit(0 if verdict.holds() else 1)


def perform(stage: Stage, bot_module: str = "qqbot_sync.cli.demo.bot", *, patience: float = PATIENCE) -> Verdict:
    """One performance; both processes are gone when it returns or raises.

    Raises:
        ChildFailed: a process did not start, or died.
    """
    with contextlib.ExitStack() as stack:
        arguments = ["-m", "qqbot_sync", "simulator", "--until-eof"]
        simulator = stack.enter_context(Child("模拟器 / simulator", arguments, child_environment()))
        found = dict(simulator.line_with(*VARIABLES, timeout=UP_WITHIN).split("=", 1) for _ in VARIABLES)
        qq = stack.enter_context(contextlib.closing(Remote(found["QQ_BOT_ENVIRONMENT"])))
        bot = stack.enter_context(Child("机器人 / bot", ["-m", bot_module], child_environment(**found)))
        stage.title(qq.url, simulator.pid, bot.pid)
        verdict = play(qq, bot, stage, patience=patience)
        stage.ends(verdict)
        return verdict
