"""The group of commands: loads each when it is called, and turns what goes wrong into one line and an exit status."""

from __future__ import annotations

import importlib
import traceback
from typing import Any, NamedTuple

import click

from qqbot_sync.cli.console import make_output_safe
from qqbot_sync.cli.failure import one_line

__all__ = ["main"]


class Entry(NamedTuple):
    """Where a command lives and what the overview says about it; known without importing the command."""

    module: str
    summary: str


COMMANDS = {
    "demo": Entry("qqbot_sync.cli.demo", "演示:模拟器与机器人对话,不需要账号 / play a conversation, no account needed"),
    "run": Entry("qqbot_sync.cli.run", "运行一个机器人文件 / run a bot: FILE, FILE:client or module:client"),
    "simulator": Entry("qqbot_sync.cli.simulator", "启动本地 QQ 模拟器 / start the local QQ"),
    "version": Entry("qqbot_sync.cli.version", "版本 / versions of this package, Python and the libraries below"),
}


class Commands(click.Group):
    """A click group whose commands are imported when they are needed, and not for the overview."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  click calls it so
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002  the same
        entry = COMMANDS.get(cmd_name)
        if entry is None:
            return None
        command: click.Command = importlib.import_module(entry.module).command
        if not any(option.name == "debug" for option in command.params):
            command.params.append(_debug_option())
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002  the same
        with formatter.section("命令 / Commands"):
            formatter.write_dl([(name, entry.summary) for name, entry in COMMANDS.items()])

    def main(self, *args: Any, **options: Any) -> Any:
        make_output_safe()
        return super().main(*args, **options)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.Abort, click.exceptions.Exit):
            raise
        except KeyboardInterrupt:
            raise click.exceptions.Exit(130) from None
        except Exception as error:
            if ctx.meta.get("debug"):
                traceback.print_exception(error)
            click.echo(one_line(error), err=True)
            raise click.exceptions.Exit(1) from error


def _debug_option() -> click.Option:
    """`--debug`, understood before and after the command's name."""
    return click.Option(
        ["--debug"],
        is_flag=True,
        expose_value=False,
        callback=_remember_debug,
        help="出错时显示完整的调用栈 / show the traceback of an error",
    )


def _remember_debug(ctx: click.Context, _option: click.Parameter, value: bool) -> None:
    if value:
        ctx.meta["debug"] = True


@click.group(
    cls=Commands,
    params=[_debug_option()],
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    epilog="\b\n例 / examples:\n  qqbot-sync demo\n  qqbot-sync run bot.py\n  qqbot-sync run bot.py --simulator",
)
def main() -> None:
    """QQ 机器人,阻塞式 Python / QQ bots in plain, blocking Python."""
