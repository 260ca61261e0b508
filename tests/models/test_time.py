"""The five ways in which the platform writes a point in time."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qqbot_sync.models._time import parse_time

CHINA = timezone(timedelta(hours=8))
NOON = datetime(2026, 7, 21, 10, 0, tzinfo=CHINA)


@pytest.mark.parametrize(
    "sent",
    [
        "2026-07-21T10:00:00+08:00",
        "2026-07-21T02:00:00Z",
        "2026-07-21t02:00:00.000z",
        1784599200,
        1784599200.0,
        "1784599200",
        "1784599200000",
        1784599200000,
        "2026-07-21 10:00:00 +0800 CST m=+1234.5",
        "2026-07-21 10:00:00.000000000 +0800 CST",
        "2026-07-21T10:00:00",
    ],
)
def test_every_form_is_read_as_an_aware_datetime(sent: object) -> None:
    read = parse_time(sent)
    assert read == NOON
    assert read.tzinfo is not None


def test_fractions_of_a_second_are_kept_to_the_microsecond() -> None:
    read = parse_time("2023-11-06 13:37:18.123456789 +0800 CST m=+0.1")
    assert read == datetime(2023, 11, 6, 13, 37, 18, 123456, tzinfo=CHINA)


@pytest.mark.parametrize(
    "sent",
    [
        "",
        "xxx",
        None,
        True,
        [],
        "2026-13-01T00:00:00Z",
        "2026-07-21",
        "99999999999999999999",
        float("inf"),
        1e300,
        "2026-07-21T10:00:00+99:99",
    ],
)
def test_what_cannot_be_read_is_none(sent: object) -> None:
    assert parse_time(sent) is None


@settings(max_examples=300, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
@given(st.one_of(st.text(), st.integers(), st.floats(), st.from_regex(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d.*")))
def test_nothing_makes_it_raise(sent: object) -> None:
    read = parse_time(sent)
    assert read is None or read.tzinfo is not None
