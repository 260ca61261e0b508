"""Lists that come in pages with a cursor, walked to their end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Protocol, TypeVar

__all__ = ["pages"]


class _Page(Protocol):
    @property
    def next_cursor(self) -> str: ...


P = TypeVar("P", bound=_Page)


def pages(fetch: Callable[[str | None], P]) -> Iterator[P]:
    """Every page, each fetched when it is wanted.

    Args:
        fetch: gives the page that a cursor stands for; None is the first one.
    """
    cursor: str | None = None
    seen: set[str] = set()
    while True:
        page = fetch(cursor)
        yield page
        cursor = page.next_cursor
        # A cursor that comes again would never end.
        if not cursor or cursor in seen:
            return
        seen.add(cursor)
