"""`qqbot-sync run FILE | FILE:client | module:client`."""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import os
import runpy
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

import click

from qqbot_sync import BotClient

__all__ = ["Target", "command"]


class Target(NamedTuple):
    """What to run: a file as `__main__` (no client named), or a client in a file or module."""

    source: str
    client: str | None
    is_file: bool

    @classmethod
    def parse(cls, text: str) -> Target:
        """Takes `bot.py`, `bot.py:client`, `C:\\bots\\bot.py:client` or `package.module:client` apart.

        Raises:
            click.UsageError: neither a file that exists nor `module:client`.
        """
        if Path(text).is_file():
            return cls(text, None, True)
        source, colon, client = text.rpartition(":")
        if not colon or not client.isidentifier() or not source:
            if text.endswith(".py") or "/" in text or "\\" in text:
                raise click.UsageError(f"找不到文件 / no such file: {text}")
            raise click.UsageError(
                f"{text!r} 不是文件;模块请写成 module:client / {text!r} is no file; write a module as module:client"
            )
        if Path(source).is_file():
            return cls(source, client, True)
        if source.endswith(".py") or not all(part.isidentifier() for part in source.split(".")):
            raise click.UsageError(f"找不到文件 / no such file: {source}")
        return cls(source, client, False)


@click.command("run", context_settings={"ignore_unknown_options": True})
@click.argument("target", metavar="FILE | FILE:client | module:client")
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
@click.option(
    "--simulator",
    is_flag=True,
    help="先启动本地模拟器,并把它的地址和凭据放进环境变量 / start a simulator first; only sets environment variables",
)
def command(target: str, arguments: tuple[str, ...], simulator: bool) -> None:
    """运行机器人 / Run a bot.

    FILE 作为 __main__ 运行,其后的参数传给它(-- 之后原样传递);FILE:client 和 module:client 导入后调用 run_forever()。

    FILE runs as __main__ and gets the arguments after it (unchanged after --); the other two are imported and
    run_forever() is called.

    \b
    例 / examples:
      qqbot-sync run bot.py
      qqbot-sync run bot.py --simulator
      qqbot-sync run my.package:client
    """
    chosen = Target.parse(target)
    with _simulator() if simulator else contextlib.nullcontext():
        if chosen.client is None:
            _run_file(chosen.source, arguments)
        else:
            _load_client(chosen.source, chosen.client, is_file=chosen.is_file).run_forever()


def _run_file(path: str, arguments: tuple[str, ...]) -> None:
    """As `python FILE ARGUMENTS…` would, in this process."""
    sys.argv = [path, *arguments]
    sys.path.insert(0, str(Path(path).resolve().parent))
    runpy.run_path(path, run_name="__main__")


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
def _simulator() -> Iterator[None]:
    """A simulator for the length of the block, known to the bot by its environment alone; shows what is said there."""
    from qqbot_sync import Simulator
    from qqbot_sync.cli.simulator import environment, how_to_talk
    from qqbot_sync.cli.transcript import Transcript

    with Simulator() as qq:
        os.environ.update(environment(qq))
        click.echo(f"模拟器 / simulator: {qq.url}", err=True)
        click.echo(how_to_talk(qq.url), err=True)
        with Transcript(qq):
            yield
