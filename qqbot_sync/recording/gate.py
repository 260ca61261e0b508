"""Keeps a replay in the order of its recording: who may begin to wait, when a wait runs out, and who is done."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping

from qqbot_sync.clock import Clock
from qqbot_sync.events import RawEvent
from qqbot_sync.recording.clocks import Resting

__all__ = ["Gate", "Key"]

Key = tuple[int, int]
"""A wait: the number of the event whose handlers wait (0: a thread that runs no handler), and the how manieth of it."""


class Gate:
    """Knows what the handlers of each event are at. Thread-safe.

    A handler that is about to wait (`ask`, `wait_for`) is held here until the replay has come to the place where it
    began to wait in the recording: an event that came before is not taken for an answer, one that came after is. And
    its time-out runs out where it ran out in the recording, whatever the clock says.

    Args:
        expected: how often the handlers of each event waited in the recording, by its number. Waits beyond that are not
            held.
        clock: a real one.
        resting: who is held is among them.
    """

    def __init__(self, expected: Mapping[int, int], clock: Clock, resting: Resting) -> None:
        self.news = threading.Event()
        """Set whenever something changes."""
        self._clock = clock
        self._resting = resting
        self._lock = threading.Lock()
        self._expected = dict(expected)
        self._numbers: dict[RawEvent, int] = {}
        self._unfinished: set[int] = set()
        self._came: Counter[int] = Counter()
        self._released: set[Key] = set()
        self._held: dict[Key, threading.Event] = {}
        self._begun: set[Key] = set()
        self._over: set[Key] = set()
        self._waiting: dict[int, list[_Wait]] = {}

    # -- handlers -------------------------------------------------------------------------------------------------

    def waits(self, event: RawEvent | None) -> _Wait:
        """As in `Witness`: blocks until the recording has come so far."""
        held: threading.Event | None = None
        with self._lock:
            number = 0 if event is None else self._numbers.get(event, -1)
            self._came[number] += 1
            key = number, self._came[number]
            if self._is_expected(key) and key not in self._released:
                held = self._held[key] = threading.Event()
        if held is not None:
            self._hold(held)
        return _Wait(self, key)

    def _hold(self, held: threading.Event) -> None:
        with self._resting.until(held):
            self.news.set()
            self._clock.wait(held, None)

    def began_to_wait(self, wait: _Wait) -> None:
        with self._lock:
            self._begun.add(wait.key)
            if self._is_expected(wait.key):
                self._waiting.setdefault(threading.get_ident(), []).append(wait)
            self.news.set()

    def waits_no_more(self, wait: _Wait) -> None:
        with self._lock:
            self._over.add(wait.key)
            for ident, waits in list(self._waiting.items()):
                if wait in waits:
                    waits.remove(wait)
                    if not waits:
                        del self._waiting[ident]
            self.news.set()

    def runs_out(self) -> bool | None:
        """Whether the wait of the calling thread has run out; None where the recording does not tell."""
        with self._lock:
            waits = self._waiting.get(threading.get_ident())
            if not waits or not self._is_expected(waits[-1].key):
                return None
            return waits[-1].has_run_out

    def began(self, event: RawEvent, number: int) -> None:
        """`event` is about to be offered."""
        with self._lock:
            self._numbers[event] = number
            self._unfinished.add(number)

    def ended(self, event: RawEvent) -> None:
        """Its handlers are done, or nobody wants it."""
        with self._lock:
            self._unfinished.discard(self._numbers.pop(event, -1))
            self.news.set()

    # -- the replay -----------------------------------------------------------------------------------------------

    def release(self, key: Key) -> None:
        """This wait may begin."""
        with self._lock:
            self._released.add(key)
            held = self._held.pop(key, None)
        if held is not None:
            held.set()

    def has_begun(self, key: Key) -> bool:
        """Whether this wait has begun, or cannot begin any more."""
        with self._lock:
            return key in self._begun or self._is_gone(key)

    def is_over(self, key: Key) -> bool:
        """Whether this wait has ended, or cannot end any more."""
        with self._lock:
            return key in self._over or self._is_gone(key)

    def run_out(self, key: Key) -> None:
        """In the recording this wait has ended by now, and nothing came here: so it was its time-out."""
        with self._lock:
            for waits in self._waiting.values():
                for wait in waits:
                    wait.has_run_out = wait.has_run_out or wait.key == key

    def is_done(self, number: int) -> bool:
        """Whether the handlers of this event are done."""
        with self._lock:
            return number not in self._unfinished

    def give_up(self, number: int) -> None:
        """The handlers of this event do something else than in the recording: nobody holds them or waits for them."""
        with self._lock:
            self._unfinished.discard(number)
            self._expected[number] = 0
            for key in [key for key in self._held if key[0] == number]:
                self._held.pop(key).set()

    def close(self) -> None:
        """Nobody is held any more."""
        with self._lock:
            self._expected = {}
            while self._held:
                self._held.popitem()[1].set()
            self.news.set()

    def _is_expected(self, key: Key) -> bool:
        return key[1] <= self._expected.get(key[0], 0)

    def _is_gone(self, key: Key) -> bool:
        number = key[0]
        return not self._expected.get(number) or (number != 0 and number not in self._unfinished)


class _Wait:
    """As in `Waiting`."""

    def __init__(self, gate: Gate, key: Key) -> None:
        self.key = key
        self.has_run_out = False
        self._gate = gate

    def begun(self) -> None:
        self._gate.began_to_wait(self)

    def over(self) -> None:
        self._gate.waits_no_more(self)
