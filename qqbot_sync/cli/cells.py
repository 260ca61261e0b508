"""How wide a text is in a terminal, and where it may be broken: a Chinese sign takes two cells. Pure."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

__all__ = ["cropped", "filled", "padded", "width", "wrapped"]

_NOT_FIRST = frozenset("\u3002\u3001\uff0c\uff1b\uff1a\uff1f\uff01\uff09》」』】〉”’…·,.;:?!)]}%")
"""Signs that no line may begin with."""
_NOT_LAST = frozenset("\uff08《「『【〈“‘([{")
"""Signs that no line may end with."""


def width(text: str) -> int:
    """Cells that the text takes."""
    return len(text) if text.isascii() else sum(map(_cells, text))


def cropped(text: str, cells: int) -> str:
    """The text, or as much of it as fits with `…` behind it."""
    if width(text) <= cells:
        return text
    kept, left = [], cells - 1
    for sign in text:
        left -= _cells(sign)
        if left < 0:
            break
        kept.append(sign)
    return "".join(kept) + "…"


def padded(text: str, cells: int) -> str:
    """The text in exactly so many cells: cropped, or with blanks behind it."""
    shown = cropped(text, cells)
    return shown + " " * (cells - width(shown))


def wrapped(text: str, cells: int) -> list[str]:
    """The text in lines of at most so many cells, broken at blanks and between Chinese signs.

    Where it says the same in Chinese and in English (`中文 / English`) and is too long for one line, each language gets
    lines of its own. Line breaks count as blanks, and between Chinese signs as nothing.
    """
    text = _joined(text)
    if width(text) <= cells:
        return [text]
    chinese, slash, english = text.partition(" / ")
    if slash and not chinese.isascii() and _is_latin(english):
        return [*filled(chinese, cells), *filled(english, cells)]
    return filled(text, cells)


def filled(text: str, cells: int) -> list[str]:
    """The text in lines of at most so many cells; blanks stay as they are. Not for texts with line breaks."""
    lines, line = [], ""
    for piece in _pieces(text):
        if line and width(line) + width(piece.rstrip()) > cells:
            lines.append(line.rstrip())
            line = ""
        line += piece
        while width(line.rstrip()) > cells:
            # A word that is longer than a line.
            head = cropped(line, cells + 1)[:-1] or line[0]
            lines.append(head)
            line = line[len(head) :]
    return [*lines, line.rstrip()] if line.strip() or not lines else lines


def _joined(text: str) -> str:
    whole = ""
    for line in text.splitlines():
        part = " ".join(line.split())
        goes_on = bool(whole and part) and _cells(part[0]) == 2 and not (whole[-1].isascii() and whole[-1].isalnum())
        whole += part if goes_on or not whole else f" {part}"
    return whole


def _pieces(text: str) -> Iterator[str]:
    """The text, cut wherever a line may be broken."""
    start = 0
    for place in range(1, len(text)):
        before, after = text[place - 1], text[place]
        if after == " " or after in _NOT_FIRST or before in _NOT_LAST:
            continue
        if before == " " or _cells(before) == 2 or _cells(after) == 2:
            yield text[start:place]
            start = place
    if text:
        yield text[start:]


def _cells(sign: str) -> int:
    if unicodedata.combining(sign) or unicodedata.category(sign) in ("Cf", "Me", "Mn"):
        return 0
    return 2 if unicodedata.east_asian_width(sign) in "WF" else 1


def _is_latin(text: str) -> bool:
    return not any(unicodedata.east_asian_width(sign) in "WF" for sign in text)
