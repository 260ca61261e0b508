"""What the workers are at, for people: the log, `diagnostics`, a report."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Iterable
from dataclasses import dataclass
from types import FrameType

from qqbot_sync.dispatch.entries import Task

__all__ = ["Doing", "doing_of", "stacks_of"]


@dataclass(frozen=True)
class Doing:
    """What one worker is doing."""

    handler: str
    """`module.qualname`; "" between two handlers."""
    event: str
    """The event's name."""
    event_id: str | None
    seconds: float
    """For how long."""
    since: float
    """Since when, in monotonic seconds: with `thread` it tells one call from another."""
    thread: int
    """The thread's ident."""
    is_waiting: bool
    """Whether it waits in `ask` or `wait_for`."""


def doing_of(tasks: Iterable[Task], now: float) -> list[Doing]:
    """What these tasks are doing; those between two events are left out. Thread-safe."""
    return [_doing(task, now) for task in tasks if task.event is not None]


def stacks_of(doing: Iterable[Doing]) -> str:
    """The same with the stack of each thread, as text for the log. Thread-safe."""
    frames = sys._current_frames()
    return "\n".join(_described(one, frames.get(one.thread)) for one in doing)


def _doing(task: Task, now: float) -> Doing:
    # Read without a lock from a thread that goes on: each attribute is read once.
    event, registration, since = task.event, task.registration, task.since
    return Doing(
        handler="" if registration is None else registration.name,
        event="" if event is None else event.name,
        event_id=None if event is None else event.event_id,
        seconds=max(0.0, now - since),
        since=since,
        thread=task.ident,
        is_waiting=task.waits > 0,
    )


def _described(doing: Doing, frame: FrameType | None) -> str:
    state = "waits" if doing.is_waiting else "runs"
    head = f"{doing.handler} {state} for {doing.seconds:.1f} s on {doing.event} (event id {doing.event_id})"
    stack = "".join(traceback.format_stack(frame)) if frame is not None else "  (its thread is gone)\n"
    return f"{head}\n{stack}"
