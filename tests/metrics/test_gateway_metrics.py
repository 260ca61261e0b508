"""`GatewayMetrics` by itself: BotRS's names, rates over windows, plain snapshots."""

from __future__ import annotations

import dataclasses
import json
import pickle
import re
from pathlib import Path
from typing import Any

import pytest

from qqbot_sync import BotClient, Environment
from qqbot_sync.errors import ApiError, OutcomeUnknown, RateLimited
from qqbot_sync.metrics import Counts, GatewayMetrics, Gauges, MetricsSnapshot
from tests.support import FakeClock


def ticking(metrics: GatewayMetrics, clock: FakeClock, seconds: int, *, events: int) -> None:
    """The watchdog's ticks, and so many events before each."""
    for _ in range(seconds):
        for _ in range(events):
            metrics.record_event_processed()
        clock.advance(1.0)
        metrics.sample()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def metrics(clock: FakeClock) -> GatewayMetrics:
    return GatewayMetrics(clock)


def test_what_botrs_calls_its_counters_counts_here(metrics: GatewayMetrics, clock: FakeClock) -> None:
    metrics.record_event_received()
    metrics.record_event_received()
    metrics.record_event_processed()
    metrics.record_reconnection("op 7")
    assert (metrics.events_received, metrics.events_processed, metrics.reconnection_count) == (2, 1, 1)
    assert (metrics.last_heartbeat, metrics.connection_start) == (None, None)
    metrics.record_connection(resumed=False)
    clock.advance(5.0)
    metrics.record_heartbeat()
    assert (metrics.connection_start, metrics.last_heartbeat) == (1000.0, 1005.0)


def test_connection_start_stays_that_of_the_first_ready(metrics: GatewayMetrics, clock: FakeClock) -> None:
    metrics.record_connection(resumed=False)
    clock.advance(60.0)
    metrics.record_connection(resumed=True)
    now = metrics.snapshot()
    assert now.connection_start == 1000.0
    assert (now.identifies, now.resumes, now.connection_successes) == (1, 1, 2)


def test_a_counter_that_does_not_exist_cannot_be_counted(metrics: GatewayMetrics) -> None:
    with pytest.raises(KeyError):
        metrics.count("events_recieved")


def test_the_overall_rate_is_per_second_since_the_first_ready(metrics: GatewayMetrics, clock: FakeClock) -> None:
    assert metrics.get_events_per_second() == 0.0
    metrics.record_connection(resumed=False)
    assert metrics.get_events_per_second() == 0.0
    ticking(metrics, clock, 10, events=5)
    assert metrics.get_events_per_second() == 5.0


def test_a_window_sees_only_its_last_seconds(metrics: GatewayMetrics, clock: FakeClock) -> None:
    metrics.record_connection(resumed=False)
    ticking(metrics, clock, 60, events=2)
    ticking(metrics, clock, 10, events=30)
    assert metrics.get_events_per_second(10) == pytest.approx(30.0)
    assert metrics.get_events_per_second(20) == pytest.approx(16.0)
    assert metrics.get_events_per_second(2.5) == pytest.approx(30.0)
    assert metrics.get_events_per_second() == pytest.approx(420 / 70)


def test_a_window_longer_than_the_run_ends_at_its_beginning(metrics: GatewayMetrics, clock: FakeClock) -> None:
    clock.advance(500.0)
    metrics.record_connection(resumed=False)
    ticking(metrics, clock, 4, events=3)
    assert metrics.get_events_per_second(900) == pytest.approx(3.0)


def test_a_window_counts_what_came_since_the_last_tick(metrics: GatewayMetrics, clock: FakeClock) -> None:
    metrics.record_connection(resumed=False)
    ticking(metrics, clock, 5, events=0)
    for _ in range(8):
        metrics.record_event_processed()
    assert metrics.get_events_per_second(4) == pytest.approx(2.0)


def test_a_pause_between_two_starts_counts_as_seconds_without_events(metrics: GatewayMetrics, clock: FakeClock) -> None:
    metrics.record_connection(resumed=False)
    ticking(metrics, clock, 10, events=100)
    clock.advance(300.0)
    metrics.record_connection(resumed=True)
    ticking(metrics, clock, 5, events=1)
    assert metrics.get_events_per_second(5) == pytest.approx(1.0)
    assert metrics.get_events_per_second(10) == pytest.approx(0.5)


def test_a_window_without_any_run_is_zero(metrics: GatewayMetrics) -> None:
    assert metrics.get_events_per_second(10) == 0.0


@pytest.mark.parametrize("window", [0, -1.0, 900.5, float("nan"), float("inf")])
def test_a_window_out_of_range_is_refused(metrics: GatewayMetrics, window: float) -> None:
    with pytest.raises(ValueError, match="window"):
        metrics.get_events_per_second(window)


@pytest.mark.parametrize("window", ["10", True, [1]])
def test_a_window_that_is_no_number_is_refused(metrics: GatewayMetrics, window: Any) -> None:
    with pytest.raises(TypeError, match="window"):
        metrics.get_events_per_second(window)


def test_messages_are_counted_by_kind_and_by_the_error_the_caller_got(metrics: GatewayMetrics) -> None:
    metrics.record_message(True, None)
    metrics.record_message(False, None)
    metrics.record_message(True, RateLimited("slowly", retry_after=1.0, code=22009))
    metrics.record_message(True, OutcomeUnknown("who knows"))
    metrics.record_message(False, ApiError("new", code=40099999))
    metrics.record_message(False, ApiError("no code"))
    now = metrics.snapshot()
    assert (now.replies_sent, now.proactive_sent) == (1, 1)
    assert now.replies_failed == {"RateLimited": 1, "OutcomeUnknown": 1}
    assert now.proactive_failed == {"ApiError 40099999": 1, "ApiError": 1}


def filled(clock: FakeClock) -> GatewayMetrics:
    metrics = GatewayMetrics(clock, gauges=lambda: Gauges(3, 1.5, 0.08))
    metrics.record_attempt()
    metrics.record_connection(resumed=False)
    metrics.record_reconnection("close 4009")
    metrics.record_mismatch("FORUM_THREAD_CREATE", "author.id")
    metrics.record_frame_dropped("undecodable frame")
    metrics.record_message(True, OutcomeUnknown(""))
    assert metrics.record_duration is not None
    metrics.record_duration("bot.echo", 0.02)
    return metrics


def test_a_snapshot_is_plain_data_that_asdict_and_pickle_take(clock: FakeClock) -> None:
    now = filled(clock).snapshot()
    data = dataclasses.asdict(now)
    assert data["reconnections"] == {"close 4009": 1}
    assert data["decode_mismatches"] == {("FORUM_THREAD_CREATE", "author.id"): 1}
    assert data["handlers"]["bot.echo"]["count"] == 1
    assert (data["queue_depth"], data["queue_age"], data["latency"]) == (3, 1.5, 0.08)
    del data["decode_mismatches"]
    assert json.loads(json.dumps(data)) == data
    assert pickle.loads(pickle.dumps(now)) == now
    with pytest.raises(dataclasses.FrozenInstanceError):
        now.events_received = 1  # type: ignore[misc]


def test_a_snapshot_stays_as_it_was(clock: FakeClock) -> None:
    metrics = filled(clock)
    before = metrics.snapshot()
    metrics.record_reconnection("close 4009")
    metrics.record_event_received()
    assert before.reconnections["close 4009"] == 1
    assert before.reconnection_count == 1
    assert before.events_received == 0
    assert before.reconnections["never"] == 0
    assert "never" not in before.reconnections


def test_an_empty_snapshot_says_nothing_happened() -> None:
    now = GatewayMetrics(FakeClock()).snapshot()
    assert now == MetricsSnapshot(taken_at=now.taken_at, taken_at_wall=now.taken_at_wall)
    assert now.frames_dropped == Counts()


def test_without_timing_there_are_no_percentiles_and_the_counters_stay(clock: FakeClock) -> None:
    metrics = GatewayMetrics(clock, timed=False)
    metrics.record_event_processed()
    assert metrics.record_duration is None
    now = metrics.snapshot()
    assert (now.events_processed, now.handler_durations, now.handlers) == (1, None, {})


def test_the_time_of_a_snapshot_joins_both_clocks(clock: FakeClock) -> None:
    now = GatewayMetrics(clock).snapshot()
    assert now.taken_at_wall - now.taken_at == 1_790_000_000.0


def test_the_page_about_metrics_names_every_field_and_its_listings_run() -> None:
    page = (Path(__file__).parents[2] / "docs" / "metrics.md").read_text(encoding="utf-8")
    fields = page[page.index("| 字段") : page.index("## Prometheus")]
    rows = [line.split("|")[1] for line in fields.splitlines() if line.startswith("|")]
    told = {name for row in rows for name in re.findall(r"`(\w+)`", row)}
    assert told == {field.name for field in dataclasses.fields(MetricsSnapshot)}
    listings = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    for listing in listings:
        compile(listing, "metrics.md", "exec")
    exec(listings[0], {"client": BotClient("1", "s", environment=Environment.local("http://127.0.0.1:1"))})
