"""The command line, `qqbot-sync`: one file per command, imported when it is called.

Nothing else in the package imports this one, so a bot never loads click or rich.
"""

from __future__ import annotations

from qqbot_sync.cli.group import main

__all__ = ["main"]
