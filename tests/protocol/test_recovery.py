"""Back-off, patience and giving up, by numbers."""

from __future__ import annotations

import pytest

from qqbot_sync.config import ReconnectConfig
from qqbot_sync.errors import ApiError, AuthenticationFailed, BotBanned, ConnectionFailed, RateLimited, ServerError
from qqbot_sync.protocol.close_codes import Verdict
from qqbot_sync.protocol.recovery import REFUSED_CALLS, WHITELIST_PAUSE, Recovery
from qqbot_sync.protocol.session import End

LOST = End(Verdict.RESUME, "reset")
ROUTINE = End(Verdict.RESUME, "op 7", routine=True)


def recovery(**config: object) -> Recovery:
    return Recovery(ReconnectConfig(**config), dice=lambda: 1.0)  # type: ignore[arg-type]


def test_delays_grow_to_their_maximum_and_never_end() -> None:
    patient = recovery()
    delays = [patient.after_end(LOST, now).delay for now in range(200)]
    assert delays[:6] == [1, 2, 4, 8, 16, 30]
    assert set(delays[5:]) == {30}


def test_the_dice_spread_the_delay_down_to_zero() -> None:
    patient = Recovery(ReconnectConfig(), dice=lambda: 0.0)
    assert patient.after_end(LOST, 0).delay == 0


def test_thirty_seconds_of_ready_begin_the_back_off_anew() -> None:
    patient = recovery()
    for now in range(4):
        patient.after_end(LOST, now)
    patient.ready(10)
    assert patient.after_end(LOST, 10 + 29.9).delay == 16
    patient.ready(50)
    assert patient.after_end(LOST, 50 + 30).delay == 1


def test_five_routine_ends_a_minute_come_back_at_once_and_the_sixth_backs_off() -> None:
    patient = recovery()
    delays = []
    for now in range(7):
        patient.ready(now)
        delays.append(patient.after_end(ROUTINE, now).delay)
    assert delays == [0, 0, 0, 0, 0, 1, 2]
    patient.ready(100)
    assert patient.after_end(ROUTINE, 200).delay == 0


def test_a_pause_of_the_platform_is_kept() -> None:
    assert recovery().after_end(End(Verdict.RESUME, "4008", pause=5), 0).delay == 5


def test_a_fatal_end_stops() -> None:
    error = BotBanned("x")
    assert recovery().after_end(End(Verdict.FATAL, "4915", error=error), 0).error is error


def test_max_attempts_counts_since_the_last_ready() -> None:
    patient = recovery(max_attempts=3)
    for _ in range(3):
        assert patient.after_end(LOST, 0).error is None
    patient.ready(1)
    for _ in range(3):
        assert patient.after_failure(OSError("refused"), 1).error is None
    final = patient.after_failure(OSError("refused"), 1)
    assert isinstance(final.error, ConnectionFailed)
    assert "3" in str(final.error)
    assert isinstance(final.error.__cause__, OSError)


def test_none_never_gives_up() -> None:
    patient = recovery(max_attempts=None)
    assert all(patient.after_failure(OSError(), now).error is None for now in range(10_000))


def test_a_rate_limit_is_waited_out_as_told() -> None:
    following = recovery().after_failure(RateLimited("slow", retry_after=77), 0)
    assert (following.delay, following.known_wait, following.error) == (77, True, None)


@pytest.mark.parametrize("code", [11298, 40023002])
def test_the_ip_whitelist_is_fatal_at_start_and_retried_every_five_minutes_later(code: int) -> None:
    error = ApiError("ip", status=401, code=code)
    assert recovery().after_failure(error, 0).error is error
    running = recovery()
    running.ready(0)
    assert running.after_failure(error, 1).delay == WHITELIST_PAUSE


def test_wrong_credentials_are_fatal_at_start_and_after_three_refusals_later() -> None:
    error = AuthenticationFailed("secret", status=200, code=100016)
    assert recovery().after_failure(error, 0).error is error
    running = recovery()
    running.ready(0)
    answers = [running.after_failure(error, 1).error for _ in range(REFUSED_CALLS)]
    assert answers == [None] * (REFUSED_CALLS - 1) + [error]


@pytest.mark.parametrize("error", [ServerError("x", status=502), OSError("dns"), TimeoutError(), ConnectionFailed("x")])
def test_transient_failures_back_off(error: Exception) -> None:
    patient = recovery()
    assert [patient.after_failure(error, 0).delay for _ in range(3)] == [1, 2, 4]
