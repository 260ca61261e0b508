"""What `GET /gateway/bot` answers.

https://bot.q.qq.com/wiki/develop/api-v2/openapi/wss/shard_url_get.html
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

__all__ = ["GatewayInfo"]


@dataclass(frozen=True, slots=True)
class GatewayInfo:
    """Where the gateway is and how many sessions may be started there. Immutable, thread-safe."""

    url: str
    shards: int = 1
    """Shards the platform recommends."""
    total: int | None = None
    """Sessions a day; None when not told."""
    remaining: int | None = None
    """Sessions left of them; None when not told."""
    reset_after: float | None = None
    """Seconds until `remaining` is `total` again; None when not told."""
    max_concurrency: int = 1
    """Sessions that may be started in five seconds."""

    @property
    def is_exhausted(self) -> bool:
        """Whether no session may be started before `reset_after`."""
        return self.remaining == 0

    @classmethod
    def parse(cls, data: Any) -> GatewayInfo:
        """Reads the answer, of `/gateway/bot` or `/gateway`; what is missing or odd falls back to its default.

        Args:
            data: the decoded JSON.

        Raises:
            ValueError: there is no `ws://` or `wss://` URL in it.
        """
        answer = data if isinstance(data, dict) else {}
        limit = answer.get("session_start_limit")
        limit = limit if isinstance(limit, dict) else {}
        reset_after = _count(limit.get("reset_after"))
        return cls(
            url=_url(answer.get("url")),
            shards=max(1, _count(answer.get("shards")) or 1),
            total=_count(limit.get("total")),
            remaining=_count(limit.get("remaining")),
            reset_after=None if reset_after is None else reset_after / 1000,
            max_concurrency=max(1, _count(limit.get("max_concurrency")) or 1),
        )


def _url(value: Any) -> str:
    url = value.strip() if isinstance(value, str) else ""
    try:
        parts = urlsplit(url)
        # Reading the port is what raises for one that is no number.
        usable = parts.scheme in ("ws", "wss") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise ValueError(
            f"平台没有给出可用的网关网址,稍后会重试 / "
            f"the platform gave no usable gateway URL, it will be asked again: {str(value)[:200]!r}"
        )
    return url


def _count(value: Any) -> int | None:
    """A whole number from 0 up, also as text or as a float; None for anything else."""
    if isinstance(value, str):
        text = value.strip()
        # Longer digits are no count, and Python refuses to convert very long ones.
        return int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        return None
    return int(value) if value >= 0 else None
