"""Help pages: wrapped by the cells that Chinese takes, with headings in both languages."""

from __future__ import annotations

import inspect
from collections.abc import Iterable

import click

from qqbot_sync.cli.cells import width, wrapped

__all__ = ["Page", "PageContext"]

_HEADINGS = {"Options": "选项 / Options", "Commands": "命令 / Commands", "Arguments": "参数 / Arguments"}
_CLICKS_OWN = {"Show this message and exit.": "显示这一页 / show this page"}
"""What click itself writes, in both languages."""
_WIDEST_TERM = 26
"""Cells of the left column; a longer term has a line of its own."""


class Page(click.HelpFormatter):
    """One page of help. Not thread-safe."""

    def write_usage(self, prog: str, args: str = "", prefix: str | None = None) -> None:
        prefix = prefix or "用法 / Usage: "
        indent = width(prefix) + len(prog) + 1
        lines = wrapped(args, self.width - indent) if args else [""]
        self.write(f"{prefix}{prog} {lines[0]}".rstrip() + "\n")
        for line in lines[1:]:
            self.write(f"{'':{indent}}{line}\n")

    def write_heading(self, heading: str) -> None:
        self.write(f"{'':{self.current_indent}}{_HEADINGS.get(heading, heading)}:\n")

    def write_text(self, text: str) -> None:
        """Paragraphs; one that begins with a line `\\b` stays as it is written."""
        indent = " " * self.current_indent
        paragraphs = []
        for paragraph in inspect.cleandoc(text).split("\n\n"):
            head, _, rest = paragraph.partition("\n")
            if head.strip() == "\b":
                lines = rest.splitlines()
            else:
                lines = wrapped(paragraph, self.width - self.current_indent)
            paragraphs.append("\n".join(f"{indent}{line}".rstrip() for line in lines))
        self.write("\n\n".join(paragraphs) + "\n")

    def write_dl(self, rows: Iterable[tuple[str, str]], col_max: int = _WIDEST_TERM, col_spacing: int = 2) -> None:
        rows = [(term, _CLICKS_OWN.get(text, text)) for term, text in rows]
        short = [width(term) for term, _ in rows if width(term) <= min(col_max, _WIDEST_TERM)]
        column = max(short, default=min(col_max, _WIDEST_TERM)) + col_spacing
        indent = " " * self.current_indent
        for term, text in rows:
            lines = wrapped(text, max(self.width - self.current_indent - column, 20)) if text else []
            if lines and width(term) <= column - col_spacing:
                self.write(f"{indent}{term}{'':{column - width(term)}}{lines.pop(0)}\n")
            else:
                self.write(f"{indent}{term}\n")
            for line in lines:
                self.write(f"{indent}{'':{column}}{line}\n")


class PageContext(click.Context):
    """The context of every command here: its help is a `Page`."""

    formatter_class = Page
