"""How long `stop()` may take."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

__all__ = ["FACTOR", "STOP_BOUND", "timed"]

STOP_BOUND = 2.0
"""Seconds that are promised."""
FACTOR = 3
"""What a slow machine may make of it."""


def timed(action: Callable[[], Any]) -> float:
    """Seconds that it takes."""
    began = time.monotonic()
    action()
    return time.monotonic() - began
