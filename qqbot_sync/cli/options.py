"""Options and arguments that several commands share, so that they are written and explained alike."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar

import click

from qqbot_sync.cli.settings import find_settings
from qqbot_sync.config.reading import DEFAULT_FILE
from qqbot_sync.config.table import CONFIG_VARIABLE

__all__ = ["bot_arguments", "connection_options", "file_options", "simulator_option", "timeout_option"]

F = TypeVar("F", bound=Callable[..., Any])


def bot_arguments(command: F) -> F:
    """Gives a command the bot it runs, `target`, and what that bot is told, `arguments`."""
    for decorate in (
        click.argument("arguments", nargs=-1, type=click.UNPROCESSED, metavar="[ARGUMENTS]..."),
        click.argument("target", metavar="FILE_OR_MODULE[:client]"),
    ):
        command = decorate(command)
    return command


def timeout_option(command: F) -> F:
    """Gives a command `--timeout`: seconds for all that it does."""
    return click.option(
        "--timeout",
        type=click.FloatRange(0, min_open=True),
        metavar="SECONDS",
        default=30.0,
        show_default=True,
        help="最多用几秒 / seconds it may take",
    )(command)


def file_options(command: F) -> F:
    """Gives a command `--config` and `--env-file`, the files that settings may stand in."""
    for decorate in (
        click.option(
            "--env-file",
            metavar="FILE",
            type=click.Path(dir_okay=False, path_type=Path),
            help="环境变量文件,默认 ./.env / file of environment variables, by default ./.env",
        ),
        click.option(
            "--config",
            metavar="FILE",
            type=click.Path(dir_okay=False, path_type=Path),
            help=f"TOML 文件,默认 ./{DEFAULT_FILE} / TOML file, by default ./{DEFAULT_FILE} ({CONFIG_VARIABLE})",
        ),
    ):
        command = decorate(command)
    return command


def connection_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Gives a command the options of a connection. It gets one keyword for them: `settings`, a `GatewayConfig`."""

    @wraps(command)
    def found(*args: Any, **options: Any) -> Any:
        names = ("app_id", "secret", "environment", "proxy", "config", "env_file")
        settings = find_settings(**{name: options.pop(name) for name in names})
        return command(*args, settings=settings, **options)

    found = file_options(found)
    # The last one stands first in the help.
    for decorate in (
        click.option("--proxy", metavar="URL", help="代理 / proxy, for HTTP and WebSocket alike (QQ_BOT_PROXY)"),
        click.option(
            "--environment",
            metavar="NAME|URL",
            help="production(默认)、sandbox,或模拟器网址 / production (the default), sandbox, or the URL of a "
            "simulator (QQ_BOT_ENVIRONMENT)",
        ),
        click.option(
            "--secret",
            metavar="SECRET",
            help="AppSecret;他人可在进程列表中看到,环境变量更安全 / others can see it in the list of processes: "
            "the variable is safer (QQ_BOT_SECRET)",
        ),
        click.option("--app-id", metavar="ID", help="机器人的 AppID / the bot's app id (QQ_BOT_APP_ID)"),
    ):
        found = decorate(found)
    return found


def simulator_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Gives a command `--simulator URL`, which stands for `--environment`, `--app-id` and `--secret`.

    Written above `connection_options`, whose options it fills in.
    """

    @click.option(
        "--simulator",
        metavar="URL",
        default=None,
        help="用在运行的模拟器,不需要凭据 / use a simulator that runs; needs no credentials",
    )
    @wraps(command)
    def found(*args: Any, simulator: str | None, **options: Any) -> Any:
        if simulator is not None:
            from qqbot_sync.cli.talk.remote import Remote

            facts = Remote(simulator).call("info")
            options.update(app_id=facts["app_id"], secret=facts["secret"], environment=facts["url"])
        return command(*args, **options)

    return found
