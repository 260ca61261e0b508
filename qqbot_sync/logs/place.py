"""Which shard and which event the calling thread is at, for the log."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

__all__ = ["NOTHING", "EventFields", "Place", "about", "here", "stamp"]

NOTHING = "-"
"""What a field shows where there is no event, or no shard."""


class _Here(threading.local):
    what: Any = None


here = _Here()
"""`here.what.event` is the event that this thread is at (anything with `shard` and `event_id`), or None.

A worker puts its task here once, a reader its place: what changes from event to event is an attribute of theirs, which
they write in any case. So the log's fields cost an event nothing. They do not go along to threads that a handler
starts, because there they would soon name the wrong event.
"""


class Place:
    """A thread that is at a shard, and perhaps at one of its events. Written by that thread alone."""

    __slots__ = ("event_id", "shard")

    def __init__(self, shard: tuple[int, int]) -> None:
        self.shard = shard
        self.event_id: str | None = None

    @property
    def event(self) -> Place:
        return self


@contextmanager
def about(shard: tuple[int, int]) -> Iterator[None]:
    """What this thread logs meanwhile is about this shard."""
    before, here.what = here.what, Place(shard)
    try:
        yield
    finally:
        here.what = before


def stamp(record: logging.LogRecord) -> None:
    """Gives a record its `shard` and `event_id`, unless it has them. For the thread that logs."""
    event = getattr(here.what, "event", None)
    if not hasattr(record, "shard"):
        record.shard = NOTHING if event is None else f"{event.shard[0]}/{event.shard[1]}"
    if not hasattr(record, "event_id"):
        record.event_id = NOTHING if event is None else event.event_id or NOTHING


class EventFields(logging.Filter):
    """Gives every record `%(shard)s` and `%(event_id)s`, for handlers and formats of your own. Thread-safe.

    handler = logging.FileHandler("bot.log")
    handler.addFilter(EventFields())
    handler.setFormatter(logging.Formatter("%(asctime)s [%(shard)s %(event_id)s] %(message)s"))
    """

    def filter(self, record: logging.LogRecord) -> bool:
        stamp(record)
        return True
