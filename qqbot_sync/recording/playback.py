"""The replay of one client: the recording, its time, what answers in place of the platform, and what came of it."""

from __future__ import annotations

import logging
from collections import Counter
from dataclasses import dataclass, field

from qqbot_sync.clock import Clock
from qqbot_sync.config import Environment
from qqbot_sync.recording.audience import show
from qqbot_sync.recording.clocks import HastyClock, ReplayClock
from qqbot_sync.recording.exchange import Paths
from qqbot_sync.recording.reading import Recording
from qqbot_sync.recording.scrubbing import Scrubber
from qqbot_sync.recording.stand_in import Matches, StandIn, Unmatched

__all__ = ["Playback", "ReplayReport"]

log = logging.getLogger("qqbot_sync.client")


@dataclass(frozen=True)
class ReplayReport:
    """What came of a replay, so far. Immutable."""

    events: int
    """Events that were played."""
    events_total: int
    """Events in the recording."""
    events_skipped: int
    """Events that had not reached the handlers in the recording either: dropped, or refused because of the stop."""
    matched: int
    """Calls that were answered from the recording."""
    unmatched: Counter[str] = field(default_factory=Counter)
    """Calls that the recording does not hold, by method and path."""
    left: Counter[str] = field(default_factory=Counter)
    """Recorded calls that were not made, by method and path."""
    failures: int = 0
    """Events of which a handler raised."""
    diverged: int = 0
    """Events whose handlers went on otherwise than in the recording."""
    seconds: float = 0.0
    """How long it took."""
    recorded_seconds: float = 0.0
    """How long it had taken."""
    is_whole: bool = True
    """Whether the file had its end."""

    @property
    def is_faithful(self) -> bool:
        """Whether everything was played, and every call that was recorded was made, and no other."""
        played = self.events + self.events_skipped == self.events_total
        return played and not (self.unmatched or self.left or self.diverged)


class Playback:
    """One recording, as a client plays it. Thread-safe to read.

    Args:
        recording: what to play; it is not changed.
        speed: how many times faster than recorded; infinite: as fast as the handlers go.
        unmatched: what a call gets that is not in the recording.
        clock: a real one.
    """

    def __init__(self, recording: Recording, *, speed: float, unmatched: Unmatched, clock: Clock) -> None:
        self.recording = recording
        self.clock = ReplayClock(clock)
        self.api_clock = HastyClock(self.clock)
        self.speed = speed
        self.environment = environment_of(recording.header.api_url)
        header = recording.header
        self.http = StandIn(
            Paths(self.environment),
            Matches(recording.exchanges),
            scrubber=Scrubber(hide_texts=header.hides_texts),
            clock=self.clock,
            unmatched=unmatched,
        )
        self.total = len(recording.events)
        self.events = self.skipped = self.failures = self.diverged = 0
        """Counted by the run."""
        self.position = 0.0
        """Seconds into the recording; set by the run."""
        self.is_over = self.was_begun = False
        self._began = clock.now()
        self._ended: float | None = None
        self._is_fresh = True
        show(self)

    @property
    def name(self) -> str:
        """What tells it from the live bot."""
        return f"replay of {self.recording.path}"

    def begin(self) -> None:
        """A run begins: from the beginning, with every recorded call free again."""
        if not self._is_fresh:
            self.http.matches = Matches(self.recording.exchanges)
        self._is_fresh = self.is_over = False
        self.was_begun = True
        self.events = self.skipped = self.failures = self.diverged = 0
        self.position = 0.0
        self._began, self._ended = self.clock.real.now(), None
        header = self.recording.header
        log.info(
            "回放 / replaying %s: %s 个事件 / events, %s 次调用 / calls, %.1f s, 录于 / recorded %s%s",
            self.recording.path,
            self.total,
            len(self.recording.exchanges),
            self.recording.duration,
            header.began_at,
            "" if self.recording.is_whole else " (不完整 / not whole)",
        )

    def end(self) -> None:
        """The run is over."""
        if self.is_over:
            return
        self._ended = self.clock.real.now()
        self.is_over = True
        report = self.report()
        level = logging.INFO if report.is_faithful and not report.failures else logging.WARNING
        log.log(
            level,
            "回放结束 / replayed %s of %s events in %.1f s: %s calls answered, %s unmatched, %s not made; %s handlers "
            "failed",
            report.events,
            report.events_total,
            report.seconds,
            report.matched,
            report.unmatched.total(),
            report.left.total(),
            report.failures,
        )

    def report(self) -> ReplayReport:
        """What came of it, so far."""
        matches = self.http.matches
        ended = self._ended if self._ended is not None else self.clock.real.now()
        return ReplayReport(
            events=self.events,
            events_total=self.total,
            events_skipped=self.skipped,
            matched=matches.matched,
            unmatched=matches.unmatched,
            left=matches.left,
            failures=self.failures,
            diverged=self.diverged,
            seconds=ended - self._began,
            recorded_seconds=self.recording.duration,
            is_whole=self.recording.is_whole,
        )


def environment_of(api_url: str) -> Environment:
    """Where it was recorded."""
    for known in (Environment.production(), Environment.sandbox()):
        if api_url == known.api_url or (known.fallback is not None and api_url == known.fallback.api_url):
            return known
    return Environment.local(api_url)
