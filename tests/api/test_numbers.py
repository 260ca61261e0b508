"""msg_seq: every reply its own number."""

from __future__ import annotations

import threading

from qqbot_sync.api.numbers import Numbers


def test_numbers_start_at_one_for_each_anchor() -> None:
    numbers = Numbers()
    assert [numbers.take("a") for _ in range(3)] == [(1, False), (2, False), (3, False)]
    assert numbers.take("b") == (1, False)


def test_no_number_is_given_twice_however_many_threads_ask() -> None:
    numbers, taken = Numbers(), []

    def take() -> None:
        for _ in range(500):
            taken.append(numbers.take("a")[0])

    threads = [threading.Thread(target=take) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(taken) == list(range(1, 4001))


def test_the_memory_is_bounded_and_keeps_what_is_in_use() -> None:
    numbers = Numbers(limit=3)
    for anchor in "abcdefgh":
        numbers.take(anchor)
        numbers.take("busy")
    assert numbers.take("busy") == (9, False)
    assert numbers.take("a") == (1, False)
    assert len(numbers._counts) == 3


def test_a_redelivered_event_counts_from_one_again_and_stays_marked() -> None:
    numbers = Numbers()
    numbers.take("a")
    numbers.take("a")
    assert numbers.take("a", redelivered=True) == (1, True)
    assert numbers.take("a", redelivered=True) == (2, True)
    assert numbers.take("a") == (3, True)


def test_each_further_delivery_can_be_told() -> None:
    numbers = Numbers()
    numbers.take("a", redelivered=True)
    numbers.restart("a")
    assert numbers.take("a", redelivered=True) == (1, True)
