"""`--simulator URL`: the settings of a simulator that runs somewhere, asked of itself."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import click

__all__ = ["simulator_option"]


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
