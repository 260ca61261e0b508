"""The count at the end: made from the simulator's log alone, to which the bot has no access."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from qqbot_sync.cli.demo.conversation import PLACES

__all__ = ["KINDS", "Count", "Verdict"]

KINDS = ("said", "answered", "dispatched", "disconnected", "resumed")
"""The kinds of log entries the verdict is made from."""


@dataclass
class Count:
    """Messages of one place."""

    said: int = 0
    answered: int = 0
    lost: int = 0
    doubled: int = 0

    def __add__(self, other: Count) -> Count:
        return Count(
            self.said + other.said,
            self.answered + other.answered,
            self.lost + other.lost,
            self.doubled + other.doubled,
        )


@dataclass(frozen=True)
class Verdict:
    """What the simulator saw."""

    places: Mapping[str, Count]
    faults: tuple[str, ...]
    """One line per message that was lost or answered twice, and per answer to nothing."""
    missed: int
    """Messages written while the bot was offline."""
    resumed: int
    """How often the bot resumed its session."""
    replayed: int
    """Events sent again on resuming."""
    offline: float
    """Seconds between the first cut and the resume after it."""

    @classmethod
    def of(cls, log: Iterable[Mapping[str, Any]], expected: Mapping[str, str]) -> Verdict:
        """Counts.

        Args:
            log: the simulator's entries, oldest first.
            expected: id → text of every message the demo wrote; one that the log lacks counts as lost.
        """
        entries = list(log)
        said = {entry["id"]: entry for entry in entries if entry["kind"] == "said"}
        answers = Counter(entry["msg_id"] for entry in entries if entry["kind"] == "answered")
        places = {place: Count() for place in PLACES}
        faults = [f"日志中没有 / not in the log: {text}" for ident, text in expected.items() if ident not in said]
        for ident, entry in said.items():
            times = answers[ident]
            line = f"{entry['user']}: {entry['text']}"
            count = places.setdefault(entry["where"], Count())
            places[entry["where"]] = count + Count(1, min(times, 1), int(times == 0), int(times > 1))
            if times == 0:
                faults.append(f"丢失 / lost: {line}")
            elif times > 1:
                faults.append(f"回答了 {times} 次 / answered {times} times: {line}")
        faults += [f"凭空的回答 / an answer to nothing: {ident}" for ident in answers if ident not in said]
        resumes = [entry for entry in entries if entry["kind"] == "resumed"]
        return cls(
            places=places,
            faults=tuple(faults),
            missed=sum(entry["kind"] == "dispatched" and not entry["connected"] for entry in entries),
            resumed=len(resumes),
            replayed=sum(entry["replayed"] for entry in resumes),
            offline=_offline(entries),
        )

    @property
    def total(self) -> Count:
        return sum(self.places.values(), Count())

    def holds(self) -> bool:
        """Whether every message was answered, and once."""
        return not self.faults and self.total.said > 0


def _offline(entries: list[Mapping[str, Any]]) -> float:
    cut = next((entry["time"] for entry in entries if entry["kind"] == "disconnected"), None)
    if cut is None:
        return 0.0
    back = next((entry["time"] for entry in entries if entry["kind"] == "resumed" and entry["time"] >= cut), cut)
    return float(back - cut)
