"""A simulator for one command, in this process."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import click

__all__ = ["local_simulator"]


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
