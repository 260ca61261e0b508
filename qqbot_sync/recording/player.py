"""Plays a recording: each step at its time, and none before what led to it."""

from __future__ import annotations

import heapq
import logging
import threading
from collections.abc import Callable, Iterator
from typing import NamedTuple, Protocol

from qqbot_sync.recording.clocks import ReplayClock
from qqbot_sync.recording.gate import Gate
from qqbot_sync.recording.reading import Recording
from qqbot_sync.recording.steps import Down, EventStep, Fact, Mark, Note, Step, Stop

__all__ = ["Player", "Stage"]

log = logging.getLogger("qqbot_sync.client")

PATIENCE = 10.0
"""Seconds, beyond what they needed in the recording, that handlers get until the replay goes on without them."""
LOOK = 0.005
"""Seconds between two looks whether time has to move on for a handler to go on."""
SHORTEST_GAP = 0.001
"""Seconds between two steps below which nobody looks whether the handlers rest."""
CALM_LOOKS = 2
"""Looks in a row at which nobody worked until that is believed."""
FIRST_SLACK, LONGEST_SLACK = 0.005, 600.0
"""Seconds by which the time of a replay may run ahead of the recording."""
MOST_COMPLAINTS = 5


class Stage(Protocol):
    """Where it is played. Called by the player's thread alone, except `busy`."""

    def event(self, step: EventStep, received_at: float) -> None:
        """An event comes."""

    def down(self, step: Down) -> None:
        """A connection ends."""

    def self_known(self, step: Fact) -> None:
        """Who the bot is."""

    def busy(self) -> int:
        """How many handlers work or could begin to; those that wait, for whatever it is, do not count."""

    def finished(self) -> None:
        """That was all."""

    def broken(self, error: BaseException) -> None:
        """The player failed by an error of this package."""


class Player:
    """One performance. Thread-safe; `start` once.

    Args:
        clock: the time of the replay, which is moved on from here.
        speed: how many times faster than recorded; infinite: as fast as the handlers go.
        gate: keeps the order.
        stage: where to.
    """

    def __init__(self, recording: Recording, *, clock: ReplayClock, speed: float, gate: Gate, stage: Stage) -> None:
        self._recording = recording
        self._clock = clock
        self._speed = speed
        self._gate = gate
        self._stage = stage
        self._over = threading.Event()
        self._began = 0.0
        self._came_at: dict[int, float] = {}
        self._given_up: set[int] = set()
        self.position = 0.0
        """Seconds into the recording."""
        self._thread = threading.Thread(target=self._run, name="qqbot-replay", daemon=True)

    def start(self) -> None:
        """Begins."""
        self._thread.start()

    def stop(self) -> None:
        """Ends it where it is."""
        self._over.set()
        self._gate.close()
        self._clock.end()

    def join(self, timeout: float) -> bool:
        """Waits for its thread; returns whether it has ended."""
        if self._thread.ident is not None and self._thread is not threading.current_thread():
            self._thread.join(timeout)
        return not self._thread.is_alive()

    @property
    def is_running(self) -> bool:
        return self._thread.is_alive()

    @property
    def diverged(self) -> int:
        """Events whose handlers did something else than in the recording."""
        return len(self._given_up)

    # -- the thread -----------------------------------------------------------------------------------------------

    def _run(self) -> None:
        try:
            self._clock.begin()
            self._began = self._clock.real.now()
            for step in _in_order(self._recording):
                self._wait_until(step.t)
                if self._over.is_set():
                    return
                self.position = step.t
                if isinstance(step, EventStep):
                    self._play_event(step)
                elif isinstance(step, Stop):
                    # From here on everything is ended by the stop itself, in the replay as in the recording.
                    break
                else:
                    self._clock.reach(step.t)
                    if isinstance(step, Mark):
                        self._keep_order(step)
                    else:
                        self._play_fact(step)
            else:
                self._wait_until(self._recording.duration)
                self._clock.reach(self._recording.duration)
                self._rest(PATIENCE)
            self._clock.end()
            if not self._over.is_set():
                self.position = self._recording.duration
                self._stage.finished()
        except BaseException as error:
            log.critical("replay thread died", exc_info=True)
            self._stage.broken(error)

    def _play_event(self, step: EventStep) -> None:
        # Whoever waits for this event gets it, even if it came in the last moment.
        self._clock.reach(step.t, waits_end=False)
        self._came_at[step.number] = step.t
        # Never before a wait that the recording has before it, or it would not be taken for the answer.
        self._stage.event(step, self._clock.now())

    def _play_fact(self, step: object) -> None:
        if isinstance(step, Down):
            self._stage.down(step)
        elif isinstance(step, Fact):
            self._stage.self_known(step)
        elif isinstance(step, Note):
            log.debug("recording: %s", step.text)

    # -- time -----------------------------------------------------------------------------------------------------

    def _wait_until(self, t: float) -> None:
        """Waits for the time of the next step, and for handlers that work: no longer than they had in the recording."""
        real, gap = self._clock.real, t - self.position
        due = self._began + t / self._speed
        left = due - real.now()
        if left > 0:
            real.wait(self._over, left)
        gap -= max(0.0, left)
        if gap >= SHORTEST_GAP:
            self._rest(gap)

    def _rest(self, seconds: float) -> bool:
        """Waits until no handler works, for so many real seconds at most."""
        real = self._clock.real
        end, pause = real.now() + seconds, 0.0001
        while not self._is_calm():
            left = end - real.now()
            if left <= 0 or self._over.is_set():
                return False
            self._gate.news.clear()
            real.wait(self._gate.news, min(left, pause))
            pause = min(2 * pause, 0.002)
        return True

    def _is_calm(self) -> bool:
        return self._stage.busy() <= 0

    # -- order ----------------------------------------------------------------------------------------------------

    def _keep_order(self, mark: Mark) -> None:
        number, key = mark.number, (mark.number, mark.wait)
        if mark.what == "done":
            self._await(lambda: self._gate.is_done(number), mark)
            self._came_at.pop(number, None)
        elif mark.what == "wait":
            # Later than every event before it, or one of those would be taken for the answer.
            self._clock.tick()
            self._gate.release(key)
            self._await(lambda: self._gate.has_begun(key), mark)
        else:
            self._await(lambda: self._gate.is_over(key), mark)

    def _await(self, is_so: Callable[[], bool], mark: Mark) -> None:
        """Waits for the handlers to come as far as they had come in the recording."""
        if mark.number in self._given_up:
            return
        real = self._clock.real
        # A bot that does everything otherwise is not waited for each time.
        patience = PATIENCE / (1 + len(self._given_up))
        end = real.now() + patience + mark.t - self._came_at.get(mark.number, mark.t)
        slack, calm = FIRST_SLACK, 0
        while True:
            self._gate.news.clear()
            if is_so() or self._over.is_set():
                return
            if real.now() >= end:
                self._give_up(mark)
                return
            calm = calm + 1 if not real.wait(self._gate.news, LOOK) and self._is_calm() else 0
            if calm >= CALM_LOOKS:
                # Everybody waits, and it came to an end in the recording: only time can have done that.
                if mark.what == "over":
                    self._gate.run_out((mark.number, mark.wait))
                else:
                    self._clock.reach(mark.t + slack)
                    slack = min(2 * slack, LONGEST_SLACK)

    def _give_up(self, mark: Mark) -> None:
        self._given_up.add(mark.number)
        self._gate.give_up(mark.number)
        if len(self._given_up) <= MOST_COMPLAINTS:
            what = {"done": "end", "wait": "wait", "over": "stop waiting"}[mark.what]
            whose = f"the handlers of event {mark.number}" if mark.number else "a thread beside the handlers"
            log.warning(
                "机器人的行为与录制不同(事件 %s),继续播放 / "
                "the bot does not do what it did in the recording: %s did not %s; going on",
                mark.number,
                whose,
                what,
            )


class _Answered(NamedTuple):
    """The outcome of a call is known."""

    t: float


def _in_order(recording: Recording) -> Iterator[Step | _Answered]:
    """The steps, and the moments at which calls came to their end."""
    answers = sorted(_Answered(exchange.ended) for exchange in recording.exchanges)
    return heapq.merge(recording.steps, answers, key=lambda step: step.t)
