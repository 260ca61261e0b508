"""Percentiles out of buckets are near the truth, and buckets are what Prometheus means by them."""

from __future__ import annotations

import itertools
import random
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qqbot_sync.metrics.durations import BOUNDS, HandlerTimes, Histogram


def histogram_of(*seconds: float) -> Histogram:
    times = HandlerTimes()
    for one in seconds:
        times.record("h", one)
    return Histogram.sum_of(times.histograms().values())


def test_bounds_rise_by_an_eighth_from_a_microsecond_to_a_thousand_seconds() -> None:
    assert (BOUNDS[0], BOUNDS[-1]) == (1e-6, 1000.0)
    ratios = [after / before for before, after in itertools.pairwise(BOUNDS)]
    assert min(ratios) > 1.1
    assert max(ratios) < 1.15


def test_no_durations_are_zero_everywhere() -> None:
    nothing = histogram_of()
    assert (nothing.count, nothing.total, nothing.percentile(0.5), nothing.up_to(1.0)) == (0, 0.0, 0.0, 0)


@pytest.mark.parametrize("share", [0.5, 0.9, 0.99])
def test_percentiles_are_within_seven_percent_of_the_sorted_truth(share: float) -> None:
    dice = random.Random(7)
    durations = [dice.lognormvariate(-5.0, 1.5) for _ in range(20_000)]
    truth = statistics.quantiles(durations, n=100)[round(share * 100) - 1]
    assert histogram_of(*durations).percentile(share) == pytest.approx(truth, rel=0.07)


def test_one_slow_call_in_a_hundred_shows_in_p99_alone() -> None:
    durations = histogram_of(*[0.01] * 98, *[3.0] * 2).durations()
    assert durations.p50 == pytest.approx(0.01, rel=0.13)
    assert durations.p90 == pytest.approx(0.01, rel=0.13)
    assert durations.p99 == pytest.approx(3.0, rel=0.13)
    assert durations.count == 100
    assert durations.total == pytest.approx(6.98)


def test_what_is_longer_than_the_longest_bound_is_counted_and_told_as_that_bound() -> None:
    long = histogram_of(5000.0, 6000.0)
    assert (long.count, long.total, long.up_to(1000.0), long.percentile(0.5)) == (2, 11000.0, 0, 1000.0)


def test_a_duration_equal_to_a_bound_belongs_below_it() -> None:
    assert [histogram_of(0.25).up_to(bound) for bound in (0.1, 0.25, 0.5)] == [0, 1, 1]


@given(st.lists(st.floats(0, 2000), min_size=1, max_size=50), st.sampled_from(BOUNDS))
def test_up_to_counts_what_a_sorted_list_would(durations: list[float], bound: float) -> None:
    assert histogram_of(*durations).up_to(bound) == sum(one <= bound for one in durations)


@given(st.lists(st.floats(0, 2000), min_size=1, max_size=50))
def test_percentiles_rise_with_their_share(durations: list[float]) -> None:
    found = histogram_of(*durations)
    percentiles = [found.percentile(share / 20) for share in range(21)]
    assert percentiles == sorted(percentiles)


def test_a_clock_that_stands_still_or_steps_back_breaks_nothing() -> None:
    assert histogram_of(0.0, -0.001).count == 2


def test_handlers_are_kept_apart_and_added_up() -> None:
    times = HandlerTimes()
    for name, seconds in (("a", 0.5), ("b", 1.5), ("a", 0.5)):
        times.record(name, seconds)
    by_name = times.histograms()
    assert {name: (one.count, one.total) for name, one in by_name.items()} == {"a": (2, 1.0), "b": (1, 1.5)}
    together = Histogram.sum_of(by_name.values())
    assert (together.count, together.total) == (3, 2.5)
