"""The group of commands: loads each when it is called, and turns what goes wrong into one line and an exit status."""

from __future__ import annotations

import difflib
import importlib
import os
import traceback
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from qqbot_sync.api.api import MissingCredentials
from qqbot_sync.cli.console import make_output_safe
from qqbot_sync.cli.failure import Told, one_line, tell
from qqbot_sync.cli.pages import PageContext
from qqbot_sync.logs import log_to_stderr

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

__all__ = ["main"]


class Entry(NamedTuple):
    """Where a command lives and what the overview says about it; known without importing the command."""

    module: str
    summary: str


COMMANDS = {
    "demo": Entry("qqbot_sync.cli.demo", "演示:模拟器与机器人对话,不需要账号 / play a conversation, no account needed"),
    "run": Entry("qqbot_sync.cli.run", "运行一个机器人文件 / run a bot: FILE, FILE:client or module:client"),
    "new": Entry("qqbot_sync.cli.new", "新建一个机器人 / make a bot to start from, with tests and deployment"),
    "record": Entry("qqbot_sync.cli.record", "运行并录制事件和 HTTP / run a bot, record events and HTTP"),
    "replay": Entry("qqbot_sync.cli.replay", "不连网回放录制 / play a recording back, without a network"),
    "simulator": Entry("qqbot_sync.cli.simulator", "启动本地 QQ 模拟器 / start the local QQ"),
    "doctor": Entry("qqbot_sync.cli.doctor", "检查机器人能否上线 / check whether a bot can go online"),
    "tail": Entry("qqbot_sync.cli.tail", "实时显示收到的事件 / show events as they arrive"),
    "send": Entry("qqbot_sync.cli.send", "发一条消息 / send one message: group:OPENID TEXT"),
    "api": Entry("qqbot_sync.cli.api", "调用任意接口 / call any endpoint: GET /users/@me"),
    "completion": Entry("qqbot_sync.cli.completion", "shell 补全脚本 / the script for completion by Tab"),
    "version": Entry("qqbot_sync.cli.version", "版本 / versions of this package, Python and the libraries below"),
}

SECTIONS = {
    "从这里开始 / Start here": ("demo", "new", "simulator"),
    "运行 / Run": ("run", "record", "replay"),
    "查看 / Look": ("doctor", "tail"),
    "工具 / Tools": ("send", "api", "completion", "version"),
}
"""Heading in the overview → its commands; what stands nowhere here is among the tools."""
_SHOW_HELP: list[Any] = [kind] if (kind := getattr(click.exceptions, "NoArgsIsHelpError", None)) else []
"""What click raises to show the help where an argument is missing: no failure to tell in one line."""


class Commands(click.Group):
    """A click group whose commands are imported when they are needed, and not for the overview."""

    context_class = PageContext

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  click calls it so
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002  the same
        entry = COMMANDS.get(cmd_name)
        if entry is None:
            return None
        command: click.Command = importlib.import_module(entry.module).command
        command.context_class = PageContext
        if not any(option.name == "debug" for option in command.params):
            command.params.append(_debug_option())
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if name in COMMANDS or name.startswith("-") or ctx.resilient_parsing:
            return super().resolve_command(ctx, args)
        near = difflib.get_close_matches(name, COMMANDS, n=2, cutoff=0.5)
        advice = f";是不是 / did you mean: {', '.join(near)}?" if near else ""
        raise click.UsageError(f"没有命令 / there is no command {name!r}{advice}", ctx)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002  the same
        column = max(map(len, COMMANDS))
        for heading, names in _sections():
            with formatter.section(heading):
                # One column for all sections.
                formatter.write_dl([(name.ljust(column), COMMANDS[name].summary) for name in names])

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Names of commands and options, without importing any command."""
        from click.shell_completion import CompletionItem

        names = [
            CompletionItem(name, help=entry.summary.rpartition(" / ")[2])
            for name, entry in COMMANDS.items()
            if name.startswith(incomplete)
        ]
        return [*names, *click.Command.shell_complete(self, ctx, incomplete)]

    def main(self, *args: Any, **options: Any) -> Any:
        make_output_safe()
        return super().main(*args, **options)

    def make_context(self, *args: Any, **options: Any) -> click.Context:
        try:
            return super().make_context(*args, **options)
        except click.UsageError as error:
            raise _told(error) from error

    def invoke(self, ctx: click.Context) -> Any:
        try:
            if os.environ.get("QQ_BOT_LOG", "").strip():
                log_to_stderr()
            return super().invoke(ctx)
        except click.ClickException as error:
            if ctx.meta.get("debug"):
                traceback.print_exception(error)
            raise _told(error, f"{ctx.command_path} {ctx.invoked_subcommand or ''}".strip()) from error
        except (click.Abort, click.exceptions.Exit):
            raise
        except KeyboardInterrupt:
            raise click.exceptions.Exit(130) from None
        except BrokenPipeError:
            # `… | head`: click ends quietly with status 1.
            raise
        except Exception as error:
            if ctx.meta.get("debug"):
                traceback.print_exception(error)
            tell(one_line(error, debug=bool(ctx.meta.get("debug"))))
            raise click.exceptions.Exit(2 if isinstance(error, MissingCredentials) else 1) from error


def _sections() -> Iterator[tuple[str, list[str]]]:
    """The commands as they are there, under their headings."""
    *others, tools = SECTIONS
    elsewhere = {name for heading in others for name in SECTIONS[heading]}
    for heading in others:
        names = [name for name in SECTIONS[heading] if name in COMMANDS]
        if names:
            yield heading, names
    order = [*SECTIONS[tools], *COMMANDS]
    yield tools, sorted((name for name in COMMANDS if name not in elsewhere), key=order.index)


def _told(error: click.ClickException, command: str = "") -> click.ClickException:
    return error if isinstance(error, (Told, *_SHOW_HELP)) else Told(error, command=command)


def _debug_option() -> click.Option:
    """`--debug`, understood before and after the command's name."""
    return click.Option(
        ["--debug"],
        is_flag=True,
        is_eager=True,
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
    epilog=(
        "\b\n例 / examples:\n"
        "  qqbot-sync demo                      不需要账号 / no account needed\n"
        "  qqbot-sync run bot.py --simulator    在本机试用 / try a bot on this machine\n"
        "  qqbot-sync doctor                    为什么连不上 / why it cannot connect\n"
        "  qqbot-sync tail --event 'GROUP_*'    看看收到什么 / see what comes in\n"
        "\n"
        "凭据来自选项、环境变量 QQ_BOT_APP_ID 和 QQ_BOT_SECRET、.env 或 qqbot.toml / "
        "credentials come from options, QQ_BOT_APP_ID and QQ_BOT_SECRET, .env or qqbot.toml."
    ),
)
def main() -> None:
    """QQ 机器人,阻塞式 Python / QQ bots in plain, blocking Python.

    每个命令都有自己的说明 / every command explains itself: qqbot-sync COMMAND --help
    """
