"""How events are shown: a table in a terminal, tab-separated lines elsewhere, JSON lines on request."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Protocol

import click

from qqbot_sync.cli.cells import cropped, filled, padded
from qqbot_sync.cli.tail.rows import AREAS, Row
from qqbot_sync.codec import Undecodable, dumps

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

    from qqbot_sync.context import Context

__all__ = ["Json", "Lines", "Table", "View", "view_for"]

WIDE = 110
"""Cells from which on the text has a column of its own."""
_TIME, _EVENT, _PLACE, _AUTHOR = 8, 24, 20, 14
"""Cells of the columns."""
_LEAST_TEXT = 20


class View(Protocol):
    """Shows events on standard output. Not thread-safe."""

    def begin(self) -> None:
        """Called once, before the first event."""

    def show(self, row: Row, ctx: Context) -> None:
        """Shows one."""


def view_for(*, as_json: bool) -> View:
    """The view that fits standard output."""
    if as_json:
        return Json()
    if sys.stdout.isatty():
        from rich.console import Console

        return Table(Console(highlight=False))
    return Lines()


class Json:
    """One frame a line, whole and as it came."""

    def begin(self) -> None:
        """There is no heading."""

    def show(self, row: Row, ctx: Context) -> None:
        try:
            frame = ctx.envelope
        except Undecodable:
            frame = {"op": 0, "s": ctx.seq, "t": row.event, "id": ctx.event_id}
        click.echo(dumps(frame).decode("utf-8", "replace"))


class Lines:
    """Time, shard, event, place, author and text with tabs between them, one event a line."""

    def begin(self) -> None:
        """There is no heading: every line is an event."""

    def show(self, row: Row, ctx: Context) -> None:  # noqa: ARG002  the row says it all
        at = row.at.isoformat(timespec="milliseconds")
        text = row.text.replace("\\", "\\\\").replace("\n", "\\n")
        click.echo("\t".join((at, f"{row.shard[0]}/{row.shard[1]}", row.event, row.place, row.author, text)))


class Table:
    """Columns in a terminal, coloured by the kind of place; where it is narrow, the text stands on lines of its own.

    Args:
        console: of standard output.
    """

    def __init__(self, console: Console) -> None:
        self._console = console

    def begin(self) -> None:
        if self._console.width >= WIDE:
            titles = (("时间 time", _TIME + 5), ("事件 event", _EVENT), ("地点 place", _PLACE), ("谁 who", _AUTHOR))
            heading = " ".join(padded(title, cells) for title, cells in titles)
            self._print([(f"{heading} 内容 text", "bold")])

    def show(self, row: Row, ctx: Context) -> None:  # noqa: ARG002  the row says it all
        cells = self._console.width - 1
        colour = AREAS[row.area]
        facts = [
            (f"{row.at:%H:%M:%S} ", "dim"),
            (padded(f"{row.shard[0]}/{row.shard[1]}", 4) + " ", "dim"),
            (padded(row.event, _EVENT) + " ", colour),
        ]
        if cells + 1 >= WIDE:
            facts += [(padded(row.place, _PLACE) + " ", f"dim {colour}"), (padded(row.author, _AUTHOR) + " ", "bold")]
            indent = sum((_TIME, 4, _EVENT, _PLACE, _AUTHOR, 5))
            lines = _lines(row.text, max(cells - indent, _LEAST_TEXT)) or [""]
            facts.append((lines.pop(0), ""))
        else:
            room = max(cells - sum((_TIME, 5, _EVENT, 3)), _LEAST_TEXT)
            who = min(_AUTHOR, room // 2)
            facts += [(padded(row.place, room - who - 1) + " ", f"dim {colour}"), (cropped(row.author, who), "bold")]
            indent = _TIME + 1
            lines = _lines(row.text, max(cells - indent, _LEAST_TEXT))
        # In one piece: other threads print on stderr meanwhile.
        self._print([*facts, *(("\n" + " " * indent + line, "") for line in lines)])

    def _print(self, parts: list[tuple[str, str]]) -> None:
        from rich.text import Text

        line: Text = Text.assemble(*parts)
        line.rstrip()
        self._console.print(line, soft_wrap=True)


def _lines(text: str, cells: int) -> list[str]:
    return [line for part in text.splitlines() for line in filled(part, cells)]
