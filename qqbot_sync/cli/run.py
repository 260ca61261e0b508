"""`qqbot-sync run FILE | FILE:client | MODULE | MODULE:client`."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

import click

from qqbot_sync.cli.local import local_simulator
from qqbot_sync.cli.options import bot_arguments, connection_options
from qqbot_sync.cli.settings import DEFAULT_ENV_FILE
from qqbot_sync.cli.target import Target, not_found, prepare, run_target
from qqbot_sync.config import GatewayConfig
from qqbot_sync.config.reading import DEFAULT_FILE, default_file

__all__ = ["command"]

ARGUMENTS = "qqbot_sync.cli.run.arguments"
TOLD = ("QQ_BOT_ENVIRONMENT", "QQ_BOT_APP_ID", "QQ_BOT_SECRET")
"""What a simulator says, over everything else."""


class _Run(click.Command):
    """Keeps the command line as it was typed: with `--reload` the bot's process gets the same."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        ctx.meta[ARGUMENTS] = list(args)
        return super().parse_args(ctx, args)


@click.command("run", cls=_Run, context_settings={"ignore_unknown_options": True})
@bot_arguments
@click.option(
    "--simulator",
    is_flag=True,
    help="先启动本地模拟器,并把它的地址和凭据放进环境变量 / start a simulator first; only sets environment variables",
)
@click.option(
    "--reload",
    "is_reloaded",
    is_flag=True,
    help="文件修改后自动重启,不丢消息 / restart when the bot's files change; nothing said meanwhile is lost",
)
@connection_options
@click.option("--parent", type=int, hidden=True, help="the pipe to the process that this one must not outlive")
@click.option("--fallback-store", hidden=True, help="the store of a bot that is reloaded and has none")
@click.pass_context
def command(
    ctx: click.Context,
    *,
    target: str,
    arguments: tuple[str, ...],
    simulator: bool,
    is_reloaded: bool,
    parent: int | None,
    fallback_store: str | None,
    settings: GatewayConfig,
) -> None:
    """运行机器人 / Run a bot.

    FILE 作为 __main__ 运行(MODULE 同 python -m),其后的参数传给它(-- 之后原样传递);带 :client 时导入后调用
    run_forever()。文件不用改:选项、.env 和 qqbot.toml 里的设置都通过环境变量传给 BotClient()。

    FILE runs as __main__ (MODULE as by python -m) and gets the arguments after it (unchanged after --); with :client it
    is imported and run_forever() is called. The file needs no change: BotClient() finds the settings of options, .env
    and qqbot.toml in the environment.

    \b
    例 / examples:
      qqbot-sync run bot.py
      qqbot-sync run bot.py --simulator --reload
      qqbot-sync run my.package:client --environment sandbox
    """
    chosen = Target.parse(target)
    with contextlib.ExitStack() as stack:
        if parent is not None:
            from qqbot_sync.cli.reload import end_with_parent

            end_with_parent(parent)
            told = {name: os.environ[name] for name in TOLD if simulator}
        else:
            told = stack.enter_context(local_simulator()) if simulator else {}
        if is_reloaded and parent is None:
            raise click.exceptions.Exit(_reload(ctx, chosen, told))
        prepare(ctx, settings, told, fallback_store)
        run_target(chosen, arguments)


def _reload(ctx: click.Context, chosen: Target, told: Mapping[str, str]) -> int:
    """The parent of the bot's process; the simulator, where there is one, lives here and outlives every restart."""
    from qqbot_sync.cli.reload import Reloader
    from qqbot_sync.cli.sources import Sources, tree_of_module

    if not chosen.is_file:
        sys.path.insert(0, os.getcwd())
    tree = Path(chosen.source).resolve().parent if chosen.is_file else tree_of_module(chosen.source)
    if tree is None:
        raise not_found(chosen.source)
    named = [ctx.params["config"] or default_file(os.environ) or DEFAULT_FILE, ctx.params["env_file"]]
    sources = Sources([tree], [Path(file or DEFAULT_ENV_FILE) for file in named])
    debug = ["--debug"] if ctx.meta.get("debug") else []
    # A file that is changed twice within a second, to the same length, would otherwise be read from its stale cache.
    environ = {**os.environ, **told, "PYTHONDONTWRITEBYTECODE": "1"}
    with tempfile.TemporaryDirectory(prefix="qqbot-run-", ignore_cleanup_errors=True) as directory:
        store = str(Path(directory) / "bot.db")

        def command_for(pipe: int | None) -> list[str]:
            hidden = [f"--parent={-1 if pipe is None else pipe}", f"--fallback-store={store}"]
            return [sys.executable, "-m", "qqbot_sync", *debug, "run", *hidden, *ctx.meta[ARGUMENTS]]

        click.secho(f"── 修改后自动重启 / restarts when files change: {tree} (*.py, *.toml, .env)", err=True, fg="cyan")
        return Reloader(command_for, sources, environ=environ).run()
