"""What a value must be: said in the same words wherever it was given."""

from __future__ import annotations

import math
from collections.abc import Iterable
from difflib import get_close_matches

__all__ = ["advice", "check_choice", "check_number", "check_whole", "nearest"]


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The name that was probably meant."""
    found = get_close_matches(name, list(known), n=1)
    return found[0] if found else None


def advice(name: str, known: Iterable[str]) -> str:
    """The end of a message about a name that does not exist."""
    names = list(known)
    near = nearest(name, names)
    return f"; did you mean {near!r}?" if near else f"; known: {', '.join(names)}"


def check_whole(name: str, value: object, *, at_least: int) -> None:
    """Raises TypeError or ValueError for what is no whole number, or too small."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{name} 必须是整数 / {name} must be a whole number, not {value!r}")
    if value < at_least:
        raise ValueError(f"{name} 至少为 {at_least} / {name} must be at least {at_least}, not {value}")


def check_number(name: str, value: object, *, at_least: float | None = None, above: float | None = None) -> None:
    """Raises TypeError or ValueError for what is no finite number, or too small."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise TypeError(f"{name} 必须是数字 / {name} must be a number, not {value!r}")
    if at_least is not None and value < at_least:
        raise ValueError(f"{name} 至少为 {at_least:g} / {name} must be at least {at_least:g}, not {value:g}")
    if above is not None and value <= above:
        raise ValueError(f"{name} 必须大于 {above:g} / {name} must be above {above:g}, not {value:g}")


def check_choice(name: str, value: object, known: tuple[str, ...]) -> None:
    """Raises ValueError for what is none of the known words."""
    if value not in known:
        near = nearest(value, known) if isinstance(value, str) else None
        meant = f"; did you mean {near!r}?" if near else ""
        raise ValueError(f"{name} 只能是 / {name} must be one of {', '.join(known)}, not {value!r}{meant}")
