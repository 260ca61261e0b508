"""The bot that a command runs: which file or module, and how it finds its settings."""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import os
import runpy
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import click

from qqbot_sync import BotClient
from qqbot_sync.cli.settings import DEFAULT_ENV_FILE, exported
from qqbot_sync.config import GatewayConfig
from qqbot_sync.config.dotenv import read_dotenv

__all__ = ["Target", "not_found", "prepare", "run_target"]


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
            raise not_found(name)
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
        raise not_found(name) from error


def not_found(name: str) -> ModuleNotFoundError:
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
