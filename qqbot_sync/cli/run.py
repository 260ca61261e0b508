"""`qqbot-sync run FILE | FILE:client | MODULE | MODULE:client`."""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import os
import runpy
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import click

from qqbot_sync import BotClient
from qqbot_sync.cli.settings import DEFAULT_ENV_FILE, connection_options, exported
from qqbot_sync.config import GatewayConfig
from qqbot_sync.config.dotenv import read_dotenv
from qqbot_sync.config.reading import DEFAULT_FILE, default_file

__all__ = ["Target", "command", "local_simulator", "prepare", "run_target"]

ARGUMENTS = "qqbot_sync.cli.run.arguments"
TOLD = ("QQ_BOT_ENVIRONMENT", "QQ_BOT_APP_ID", "QQ_BOT_SECRET")
"""What a simulator says, over everything else."""


class Target(NamedTuple):
    """What to run: a file or module as `__main__` (no client named), or a client in a file or module."""

    source: str
    client: str | None
    is_file: bool

    @classmethod
    def parse(cls, text: str) -> Target:
        """Takes `bot.py`, `bot.py:client`, `C:\\bots\\bot.py:client`, `package.module` or `module:client` apart.

        Raises:
            click.UsageError: no file that exists, and no name of a module.
        """
        if Path(text).is_file():
            return cls(text, None, True)
        source, colon, client = text.rpartition(":")
        if not colon or (len(source) == 1 and client.startswith(("\\", "/"))):
            source, client = text, ""
        if colon and client.isidentifier() and Path(source).is_file():
            return cls(source, client, True)
        if Path(source).is_dir():
            raise click.UsageError(f"{source} 是目录,请指定文件 / is a directory: name a file in it, such as bot.py")
        if source.endswith(".py") or "/" in source or "\\" in source:
            raise click.UsageError(f"找不到文件 / no such file: {source}")
        if not all(part.isidentifier() for part in source.split(".")) or (colon and not client.isidentifier()):
            raise click.UsageError(
                f"{text!r} 既不是文件也不是模块 / is neither a file nor a module; for example: bot.py, bot.py:client, "
                "my.package:client"
            )
        return cls(source, client or None, False)


class _Run(click.Command):
    """Keeps the command line as it was typed: with `--reload` the bot's process gets the same."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        ctx.meta[ARGUMENTS] = list(args)
        return super().parse_args(ctx, args)


@click.command("run", cls=_Run, context_settings={"ignore_unknown_options": True})
@click.argument("target", metavar="FILE_OR_MODULE[:client]")
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED, metavar="[ARGUMENTS]...")
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


def prepare(ctx: click.Context, settings: GatewayConfig, told: Mapping[str, str], fallback_store: str | None) -> None:
    """Puts into the environment what a plain `BotClient()` is to find there."""
    env_file = Path(ctx.params["env_file"] or DEFAULT_ENV_FILE)
    if env_file.is_file():
        # The bot's own, such as the key of another service; ours are in `settings`.
        for name, value in read_dotenv(env_file).items():
            os.environ.setdefault(name, value)
    os.environ.update({**exported(settings), **told})
    if told:
        # The sessions of a simulator end with it, and its bot must not touch the store of the real one.
        os.environ.pop("QQ_BOT_STORE", None)
    if fallback_store and (told or settings.store is None):
        os.environ["QQ_BOT_STORE"] = fallback_store


def run_target(chosen: Target, arguments: tuple[str, ...]) -> None:
    """Runs it, in this process, until it has ended."""
    if chosen.client is not None:
        _load_client(chosen.source, chosen.client, is_file=chosen.is_file).run_forever()
    elif chosen.is_file:
        _run_file(chosen.source, arguments)
    else:
        _run_module(chosen.source, arguments)


def _run_file(path: str, arguments: tuple[str, ...]) -> None:
    """As `python FILE ARGUMENTS…` would, in this process."""
    sys.argv = [path, *arguments]
    sys.path.insert(0, str(Path(path).resolve().parent))
    _check_started(path, runpy.run_path(path, run_name="__main__"))


def _run_module(name: str, arguments: tuple[str, ...]) -> None:
    """As `python -m MODULE ARGUMENTS…` would, in this process."""
    sys.argv = [name, *arguments]
    sys.path.insert(0, os.getcwd())
    with _explained(name):
        if importlib.util.find_spec(name) is None:
            raise _not_found(name)
    _check_started(name, runpy.run_module(name, run_name="__main__", alter_sys=True))


def _load_client(source: str, name: str, *, is_file: bool) -> BotClient:
    module = _import_file(Path(source)) if is_file else _import_module(source)
    found = getattr(module, name, None)
    if isinstance(found, BotClient):
        return found
    others = [other for other, value in vars(module).items() if isinstance(value, BotClient)]
    advice = f"有 / it has: {', '.join(others)}" if others else "其中没有 BotClient / it has no BotClient at all"
    raise click.UsageError(f"{source} 中的 {name!r} 不是 BotClient / {name!r} in {source} is no BotClient; {advice}")


def _import_module(name: str) -> ModuleType:
    sys.path.insert(0, os.getcwd())
    with _explained(name):
        return importlib.import_module(name)


def _import_file(path: Path) -> ModuleType:
    sys.path.insert(0, str(path.resolve().parent))
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise click.UsageError(f"不是 Python 文件 / not a Python file: {path}")
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return module


@contextlib.contextmanager
def _explained(name: str) -> Iterator[None]:
    """Says where the module that was asked for was looked for; what that module itself cannot import stays as it is."""
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name is None or not f"{name}.".startswith(f"{error.name}."):
            raise
        raise _not_found(name) from error


def _not_found(name: str) -> ModuleNotFoundError:
    return ModuleNotFoundError(
        f"没有模块 {name}(当前目录 {os.getcwd()})/ there is no module {name}, not below this directory either; for a "
        f"file write {name.rpartition('.')[2]}.py",
        name=name,
    )


def _check_started(source: str, names: Mapping[str, Any]) -> None:
    """A file that has run to its end and never started its client gets a hint: the commonest first mistake."""
    clients = {name: value for name, value in names.items() if isinstance(value, BotClient)}
    if clients and not any(client.metrics.snapshot().connection_attempts for client in clients.values()):
        name = next(iter(clients))
        click.echo(
            f"{source} 没有启动 {name}:请在末尾写 {name}.run_forever() / {source} never started {name}: end it with "
            f"{name}.run_forever(), or run {source}:{name}",
            err=True,
        )


def _reload(ctx: click.Context, chosen: Target, told: Mapping[str, str]) -> int:
    """The parent of the bot's process; the simulator, where there is one, lives here and outlives every restart."""
    from qqbot_sync.cli.reload import Reloader
    from qqbot_sync.cli.sources import Sources, tree_of_module

    if not chosen.is_file:
        sys.path.insert(0, os.getcwd())
    tree = Path(chosen.source).resolve().parent if chosen.is_file else tree_of_module(chosen.source)
    if tree is None:
        raise _not_found(chosen.source)
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


@contextlib.contextmanager
def local_simulator() -> Iterator[dict[str, str]]:
    """A simulator for the length of the block, with the environment variables that lead to it; shows what is said."""
    from qqbot_sync import Simulator
    from qqbot_sync.cli.simulator import environment, how_to_talk
    from qqbot_sync.cli.transcript import Transcript

    with Simulator() as qq:
        click.echo(f"模拟器 / simulator: {qq.url}", err=True)
        click.echo(how_to_talk(qq.url), err=True)
        with Transcript(qq):
            yield environment(qq)
