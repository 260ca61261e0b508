"""How the demo looks in a terminal."""

from __future__ import annotations

import threading

from rich import box
from rich.console import Console
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from qqbot_sync.cli.demo.conversation import PLACES, Line
from qqbot_sync.cli.demo.verdict import Count, Verdict
from qqbot_sync.clock import SystemClock

__all__ = ["BOT", "Stage"]

BOT = "小Q"
"""The bot's name on stage."""


class Stage:
    """Prints the play, slowly enough to read. Not thread-safe.

    Every character outside the conversation is one that a GBK console has; no line needs a terminal.

    Args:
        pace: seconds a person needs to write a line; 0 for tests.
    """

    def __init__(self, console: Console, *, pace: float) -> None:
        self._console = console
        self._pace = pace
        self._clock = SystemClock()

    def title(self, url: str, simulator: int, bot: int) -> None:
        text = Text.assemble(
            ("模拟器", "bold"),
            f" / simulator   pid {simulator}   {url}\n",
            ("机器人", "bold"),
            f" / bot         pid {bot}\n",
            ("两个进程,真实的 WebSocket 与 HTTP / two processes, real WebSocket and HTTP", "dim"),
        )
        self._console.print(Panel(text, title="qqbot-sync demo", border_style="blue", box=box.SQUARE, expand=False))

    def news(self, text: str, style: str = "blue") -> None:
        """What happens between the lines."""
        self._console.print()
        self._console.print(Text(f"── {text}", style=style))

    def says(self, line: Line) -> None:
        """A person writes."""
        _, _, colour = PLACES[line.where]
        self._print(line.where, Text(line.who, style=f"bold {colour}"), Text(line.text))
        self._pause(1.0)

    def answers(self, line: Line, text: str) -> None:
        """The bot answers `line`."""
        answer = Text.assemble((f"→ {line.who}  ", "dim"), text)
        self._print(line.where, Text(BOT, style="bold white on blue"), answer, dim=True)
        self._pause(0.8)

    def is_silent(self, line: Line) -> None:
        """The bot does not."""
        self._print(line.where, Text("?", style="bold red"), Text(f"没有回答 / no answer: {line.text}", style="red"))

    def ends(self, verdict: Verdict) -> None:
        """The count, and each message that is wrong."""
        table = Table(
            title="模拟器日志中的计数 / counted from the simulator's log",
            box=box.SQUARE,
            border_style="blue",
            show_footer=True,
            title_justify="left",
        )
        total = verdict.total
        table.add_column("", footer="合计 / total")
        for name, value in zip(("说 / said", "答 / answered"), (total.said, total.answered), strict=True):
            table.add_column(name, justify="right", footer=str(value))
        for name, value in zip(("丢 / lost", "重 / doubled"), (total.lost, total.doubled), strict=True):
            table.add_column(name, justify="right", footer=_verdict_cell(value))
        for place, count in verdict.places.items():
            table.add_row(_place(place), *_cells(count))
        self._console.print()
        self._console.print(table)
        for fault in verdict.faults:
            self._console.print(Text(f"× {fault}", style="bold red"))
        self._console.print(_summary(verdict))

    def _print(self, where: str, name: Text, text: Text, *, dim: bool = False) -> None:
        row = Table.grid(padding=(0, 1))
        row.add_column(width=18, no_wrap=True)
        row.add_column(width=5, no_wrap=True, justify="right")
        row.add_column()
        row.add_row(_place(where, dim=dim), name, text)
        self._console.print(row)

    def _pause(self, lines: float) -> None:
        if self._pace:
            self._clock.wait(threading.Event(), lines * self._pace)


def _place(where: str, *, dim: bool = False) -> Text:
    chinese, english, colour = PLACES.get(where, (where, "", "white"))
    return Text.assemble((chinese, f"dim {colour}" if dim else colour), (f" {english}", "dim"))


def _cells(count: Count) -> tuple[Text | str, ...]:
    return str(count.said), str(count.answered), _verdict_cell(count.lost), _verdict_cell(count.doubled)


def _verdict_cell(value: int) -> Text:
    return Text(str(value), style="bold red" if value else "green")


def _summary(verdict: Verdict) -> Text:
    total = verdict.total
    figures = f"said {total.said}, answered {total.answered}, lost {total.lost}, doubled {total.doubled}"
    if not verdict.holds():
        return Text(f"× 不成立 / does not hold: {figures}", style="bold red")
    return Text.assemble(
        (f"√ {figures}", "bold green"),
        f"\n  断线 / offline {verdict.offline:.1f} s"
        f"\n  其间写下,恢复后都答了 / written meanwhile, answered after the resume: {verdict.missed}",
    )
