"""Back-off grows, is spread over its whole range, and never overflows."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qqbot_sync.config import ReconnectConfig
from qqbot_sync.protocol.backoff import Backoff
from tests.protocol.support import BOUNDED


def test_the_ceiling_grows_by_the_factor_up_to_the_maximum() -> None:
    backoff = Backoff(1.0, 2.0, 30.0)
    assert [backoff.ceiling(attempt) for attempt in range(7)] == [1, 2, 4, 8, 16, 30, 30]


@pytest.mark.parametrize(("roll", "expected"), [(0.0, 0.0), (0.5, 4.0), (1.0, 8.0)])
def test_the_delay_lies_anywhere_between_nothing_and_the_ceiling(roll: float, expected: float) -> None:
    assert Backoff(1.0, 2.0, 30.0).delay(3, lambda: roll) == expected


@pytest.mark.parametrize("attempt", [10**3, 10**6, 10**9, 10**400])
def test_no_number_of_attempts_is_too_large(attempt: int) -> None:
    assert Backoff(1.0, 2.0, 30.0).ceiling(attempt) == 30.0
    assert Backoff(3.0, 1.0, 30.0).ceiling(attempt) == 3.0
    assert Backoff(0.0, 2.0, 30.0).ceiling(attempt) == 0.0
    assert Backoff(1, 2, 30).ceiling(attempt) == 30


def test_an_attempt_before_the_first_counts_as_the_first() -> None:
    assert Backoff(1.0, 2.0, 30.0).ceiling(-5) == 1.0


def test_the_maximum_holds_from_the_first_attempt() -> None:
    assert Backoff(60.0, 2.0, 30.0).ceiling(0) == 30.0


def test_the_defaults_are_those_of_the_configuration() -> None:
    config = ReconnectConfig()
    assert Backoff() == Backoff(config.initial_delay, config.backoff_factor, config.max_delay)


def test_it_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        Backoff().initial = 2.0  # type: ignore[misc]


@BOUNDED
@given(
    st.floats(0, 1e6),
    st.floats(1, 1e6),
    st.floats(0, 1e9),
    st.integers(0, 10**12),
    st.floats(0, 1),
)
def test_every_delay_is_between_zero_and_the_maximum(
    initial: float, factor: float, maximum: float, attempt: int, roll: float
) -> None:
    backoff = Backoff(initial, factor, maximum)
    assert 0 <= backoff.delay(attempt, lambda: roll) <= maximum
    assert backoff.ceiling(attempt) <= backoff.ceiling(attempt + 1)
