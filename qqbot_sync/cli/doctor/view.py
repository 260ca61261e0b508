"""The report as a table for people and as JSON for programs."""

from __future__ import annotations

from typing import Any

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from qqbot_sync._version import __version__
from qqbot_sync.cli.cells import width, wrapped
from qqbot_sync.cli.doctor.examination import OUT_OF_TIME, Report
from qqbot_sync.cli.doctor.finding import Check, Finding, Status, Words
from qqbot_sync.cli.doctor.patient import Patient

__all__ = ["as_data", "as_view", "environment_name"]

# Signs that a Chinese console of Windows (GBK) can show, so that the colour is never all there is.
SIGNS = {
    Status.OK: ("√", "green"),
    Status.WARNING: ("!", "yellow"),
    Status.FAILED: ("×", "red"),
    Status.SKIPPED: ("-", "dim"),
}
VERDICTS = {
    "green": Words("一切正常", "all is well"),
    "yellow": Words("可以运行,有需要注意之处", "it works, with reservations"),
    "red": Words("有问题需要解决", "something must be fixed"),
}
LEAST_FOR_RESULT, MOST_FOR_RESULT = 20, 100
"""Columns: fewer hold no word, and longer lines are hard to read."""


def as_view(report: Report, patient: Patient, console: Console) -> RenderableType:
    """The table."""
    titles = max(width(_title(check)) for check, _ in report.rows)
    room = max(LEAST_FOR_RESULT, min(console.width - titles - 4, MOST_FOR_RESULT))
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column(width=1, no_wrap=True)
    table.add_column(width=titles + 1, no_wrap=True)
    table.add_column(width=room, overflow="fold")
    names = {check.name: check.title for check, _ in report.rows}
    for check, finding in report.rows:
        sign, style = SIGNS[finding.status]
        dim = "dim" if finding.status is Status.SKIPPED else ""
        table.add_row(
            Text(sign, style=dim or f"bold {style}"),
            Text(_title(check), style=dim),
            _result(finding, names, room, style),
        )
    return Group(_head(patient), Padding(table, (1, 0)), _verdict(report))


def as_data(report: Report, patient: Patient) -> dict[str, Any]:
    """For `--json`. Names and values here never change their meaning; new ones may be added."""
    return {
        "format": 1,
        "version": __version__,
        "environment": environment_name(patient),
        "status": report.colour,
        "seconds": round(report.seconds, 3),
        "checks": [
            {
                "name": check.name,
                "title": check.title._asdict(),
                "status": finding.status.value,
                "result": [words._asdict() for words in finding.said],
                "fix": [words._asdict() for words in finding.fix],
                "because": list(finding.because),
                "facts": dict(finding.facts),
                "seconds": round(finding.seconds, 3),
            }
            for check, finding in report.rows
        ],
    }


def environment_name(patient: Patient) -> str:
    """`production`, `sandbox`, or the URL of a simulator."""
    environment = patient.environment
    for name in ("production", "sandbox"):
        if environment == getattr(type(environment), name)():
            return name
    return environment.api_url


def _title(check: Check) -> str:
    return check.title.zh if check.title.is_plain else f"{check.title.zh} {check.title.en}"


def _head(patient: Patient) -> Text:
    app = patient.settings.app_id or "?"
    return Text(f"qqbot_sync {__version__} · {environment_name(patient)} · app {app}", style="bold")


def _result(finding: Finding, names: dict[str, Words], room: int, style: str) -> RenderableType:
    if finding.because:
        return Text("\n".join(_fitted(_reason(finding.because, names), room)), style="dim")
    if finding.status is Status.SKIPPED:
        return Text("\n".join(line for words in finding.said for line in _fitted(words, room)), style="dim")
    lines = [
        Text(line, style="" if finding.status is Status.OK else style)
        for words in finding.said
        for line in _fitted(words, room)
    ]
    fixes: list[RenderableType] = []
    for words in finding.fix:
        row = Table.grid(padding=0)
        row.add_column(width=2)
        row.add_column(overflow="fold")
        row.add_row("→", Text("\n".join(_fitted(words, room - 2))))
        fixes.append(row)
    return Group(*lines, *fixes)


def _reason(because: tuple[str, ...], names: dict[str, Words]) -> Words:
    if OUT_OF_TIME in because:
        return Words("跳过(时间到了)", "skipped (the time is over)")
    zh = "、".join(names[name].zh for name in because)
    en = ", ".join(names[name].en for name in because)
    return Words(f"跳过({zh}未通过)", f"skipped (because {en} failed)")


def _fitted(words: Words, room: int) -> list[str]:
    """Lines of at most so many cells: both languages on one where that fits, else each on its own."""
    together = words.zh if words.is_plain else f"{words.zh} / {words.en}"
    if words.is_plain or width(together) <= room:
        return wrapped(together, room)
    return [*wrapped(words.zh, room), *wrapped(words.en, room)]


def _verdict(report: Report) -> Text:
    words = VERDICTS[report.colour]
    counts = " · ".join(f"{SIGNS[status][0]} {report.count(status)}" for status in Status if report.count(status))
    text = Text(f"{words.zh} / {words.en}", style=f"bold {report.colour}")
    return text.append(f"\n{counts}   {report.seconds:.1f} s", style="not bold default")
