"""`qqbot-sync version`."""

from __future__ import annotations

import platform
from importlib import metadata

import click

from qqbot_sync._version import __version__

__all__ = ["command"]

LIBRARIES = ("websocket-client", "requests", "urllib3", "dataclasses-json", "msgspec", "websockets", "flask")


@click.command("version")
def command() -> None:
    """报告问题时请附上的版本 / Print the versions to quote in a report.

    \b
    例 / examples:
      qqbot-sync version
    """
    click.echo(f"qqbot_sync {__version__}")
    click.echo(f"Python {platform.python_version()} ({platform.python_implementation()}, {platform.platform()})")
    for library in LIBRARIES:
        try:
            click.echo(f"{library} {metadata.version(library)}")
        except metadata.PackageNotFoundError:
            click.echo(f"{library} 未安装 / not installed")
