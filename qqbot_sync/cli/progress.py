"""What is going on, while it takes long: a line on stderr that goes away, in a terminal alone."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["doing"]


@contextlib.contextmanager
def doing(text: str, console: Console | None = None) -> Iterator[None]:
    """Shows the text on stderr for the length of the block, where stderr is a terminal.

    Args:
        console: of stderr, where something else is printed on it meanwhile.
    """
    if sys.stderr is None or not sys.stderr.isatty():
        yield
        return
    if console is None:
        from rich.console import Console

        console = Console(stderr=True, highlight=False)
    with console.status(f"[dim]{text}[/]", spinner="line"):
        yield
