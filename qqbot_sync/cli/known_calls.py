"""What the table of endpoints says about a call that somebody types: known, or what it is most like. Pure."""

from __future__ import annotations

import difflib
import re

__all__ = ["advice_on"]

CUTOFF = 0.6
"""How alike a path of the table must be to be worth naming."""
_PLACE = re.compile(r"\{[^}]*\}")


def advice_on(method: str, path: str) -> str | None:
    """What to say about a call that the table of endpoints does not know; None where it does.

    Args:
        path: as it is sent.
    """
    from qqbot_sync.api import Api
    from qqbot_sync.api.endpoint import endpoints

    plain = path.partition("?")[0]
    table = [one for one in endpoints(Api) if one.path.startswith("/")]
    fitting = sorted({one.method for one in table if _fits(one.path, plain)})
    if method in fitting:
        return None
    unknown = f"表中没有 / not in the table of endpoints: {method} {plain}"
    if fitting:
        return f"{unknown}; 这个路径有 / this path has {', '.join(fitting)}"
    alike = {one.path: _likeness(one.path, plain) + (0.05 if one.method == method else 0) for one in table}
    best = max(alike, key=alike.__getitem__)
    if alike[best] < CUTOFF:
        return unknown
    methods = sorted({one.method for one in table if one.path == best})
    return f"{unknown}; 最接近的 / nearest: {method if method in methods else methods[0]} {best}"


def _fits(template: str, path: str) -> bool:
    pattern = "".join("[^/]+" if _PLACE.fullmatch(part) else re.escape(part) for part in _split(template))
    return re.fullmatch(pattern, path) is not None


def _split(template: str) -> list[str]:
    return [part for part in re.split(r"(\{[^}]*\})", template.partition("?")[0]) if part]


def _likeness(template: str, path: str) -> float:
    """1 for the same; what the table has an id for counts neither way."""
    theirs, ours = template.partition("?")[0].strip("/").split("/"), path.strip("/").split("/")
    if len(theirs) != len(ours):
        return difflib.SequenceMatcher(None, "/".join(theirs), "/".join(ours)).ratio()
    words = [pair for pair in zip(theirs, ours, strict=True) if not _PLACE.fullmatch(pair[0])]
    return sum(difflib.SequenceMatcher(None, *pair).ratio() for pair in words) / max(len(words), 1)
