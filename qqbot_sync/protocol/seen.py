"""Which events were seen: the platform may push the same one more than once."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from heapq import heappop, heappush

__all__ = ["SeenIds"]


class SeenIds:
    """Claims on dedupe keys, one collection for each shard. Not thread-safe.

    A key is claimed when its event arrives, and done when its handlers are; an event that is given up gives it back.
    It survives reconnects and new sessions. Done keys are forgotten, oldest first, beyond `limit` – but never one
    whose `s` lies above the resume point, because a Resume would replay it: call `forget_up_to` when that point moves.

    Args:
        limit: done keys to remember; those above the resume point and those under way come on top.
    """

    def __init__(self, limit: int = 10_000) -> None:
        if limit < 1:
            raise ValueError(f"limit 至少为 1 / limit must be at least 1, not {limit}")
        self._limit = limit
        self._generation = 0
        self._resume_point = 0
        self._claimed: dict[Hashable, int] = {}
        # Done keys: those a Resume may replay, by `s`, and those that may be forgotten, oldest first.
        self._kept: set[Hashable] = set()
        self._kept_order: list[tuple[int, int, Hashable]] = []
        self._pushed = 0
        self._forgettable: OrderedDict[Hashable, None] = OrderedDict()

    def __contains__(self, key: Hashable) -> bool:
        return key in self._claimed or key in self._kept or key in self._forgettable

    def __len__(self) -> int:
        return len(self._claimed) + len(self._kept) + len(self._forgettable)

    def claim(self, key: Hashable) -> bool:
        """True if the key was never seen, or given back: its event is to be handled. False for a duplicate."""
        if key in self._claimed or key in self._kept or key in self._forgettable:
            return False
        self._claimed[key] = self._generation
        return True

    def give_back(self, key: Hashable) -> None:
        """The event was not handled and may come again. A key that is done stays done."""
        self._claimed.pop(key, None)

    def done(self, key: Hashable, s: int | None = None) -> None:
        """The event was handled. A key nobody claimed is remembered as well: that is how a stored one comes back.

        Args:
            key: its dedupe key.
            s: its sequence number, in the session it was claimed in; None if it cannot be replayed.
        """
        generation = self._claimed.pop(key, self._generation)
        if key in self._kept or key in self._forgettable:
            return
        if s is not None and s > self._resume_point and generation == self._generation:
            self._kept.add(key)
            self._pushed += 1
            # The counter settles ties, so that keys are never compared.
            heappush(self._kept_order, (s, self._pushed, key))
        else:
            self._forgettable[key] = None
        self._forget()

    def forget_up_to(self, resume_point: int | None) -> None:
        """Nothing at or below this `s` will be replayed: its keys may be forgotten when the limit asks for it."""
        if resume_point is None:
            return
        self._resume_point = max(self._resume_point, resume_point)
        while self._kept_order and self._kept_order[0][0] <= self._resume_point:
            key = heappop(self._kept_order)[2]
            self._kept.discard(key)
            self._forgettable[key] = None
        self._forget()

    def new_session(self) -> None:
        """The old session is gone and with it all replays; `s` starts again at 1. The keys themselves stay known."""
        self._generation += 1
        self._resume_point = 0
        for _, _, key in sorted(self._kept_order):
            self._forgettable[key] = None
        self._kept.clear()
        self._kept_order.clear()
        self._forget()

    def _forget(self) -> None:
        while len(self._forgettable) > self._limit:
            self._forgettable.popitem(last=False)
