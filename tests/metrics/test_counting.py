"""Counting on many threads loses nothing, and costs no lock."""

from __future__ import annotations

import itertools
import sys
import threading
from collections.abc import Callable, Iterator

import pytest

from qqbot_sync.metrics.durations import HandlerTimes
from qqbot_sync.metrics.tally import Tally

THREADS, TIMES = 8, 5000


class Interruptible(float):
    """A duration that is added by Python code, so that another thread may run between reading a sum and writing it."""

    def __radd__(self, other: float) -> float:
        return float(other) + float(self)


@pytest.fixture(autouse=True)
def switching_all_the_time() -> Iterator[None]:
    """Threads take turns as often as the interpreter allows: what is not atomic shows."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(usual)


def on_threads(work: Callable[[], object]) -> set[int]:
    """Runs `work` on all threads at once; gives the numbers that the system gave them."""
    together = threading.Barrier(THREADS)
    numbers: set[int] = set()

    def run() -> None:
        numbers.add(threading.get_ident())
        together.wait()
        for _ in range(TIMES):
            work()

    threads = [threading.Thread(target=run) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return numbers


def test_a_tally_counts_every_add_of_every_thread() -> None:
    tally = Tally()
    on_threads(tally.add)
    assert tally.value == THREADS * TIMES


def test_reading_a_tally_does_not_move_it() -> None:
    tally = Tally()
    assert [tally.value, tally.value] == [0, 0]
    tally.add()
    tally.add()
    assert [tally.value, tally.value] == [2, 2]


def test_a_tally_can_be_read_while_others_count_and_never_goes_back() -> None:
    tally = Tally()
    over = threading.Event()
    seen: list[int] = []

    def read() -> None:
        while not over.is_set():
            seen.append(tally.value)

    reader = threading.Thread(target=read)
    reader.start()
    on_threads(tally.add)
    over.set()
    reader.join()
    assert seen == sorted(seen)
    assert tally.value == THREADS * TIMES


def test_durations_of_many_threads_are_all_counted_and_summed() -> None:
    times = HandlerTimes()
    quarter = Interruptible(0.25)
    on_threads(lambda: times.record("echo", quarter))
    echo = times.histograms()["echo"]
    assert echo.count == THREADS * TIMES
    assert echo.total == 0.25 * THREADS * TIMES


def test_a_thread_that_gets_the_number_of_an_ended_one_loses_none_of_its_durations() -> None:
    times = HandlerTimes()
    half = Interruptible(0.5)
    rounds = 1
    numbers = on_threads(lambda: times.record("echo", half))
    again: set[int] = set()
    # Until the system has given a number twice: that is the case to be looked at.
    while not again & numbers:
        numbers |= again
        again = on_threads(lambda: times.record("echo", half))
        rounds += 1
    assert times.histograms()["echo"].count == rounds * THREADS * TIMES
    assert times.histograms()["echo"].total == 0.5 * rounds * THREADS * TIMES


def test_durations_can_be_read_while_new_threads_and_handlers_come() -> None:
    times = HandlerTimes()
    names = itertools.count()
    over = threading.Event()
    failures: list[BaseException] = []

    def read() -> None:
        try:
            while not over.is_set():
                times.histograms()
        except BaseException as error:
            failures.append(error)

    reader = threading.Thread(target=read)
    reader.start()
    on_threads(lambda: times.record(f"handler {next(names) % 50}", 0.001))
    over.set()
    reader.join()
    assert failures == []
    assert sum(one.count for one in times.histograms().values()) == THREADS * TIMES
