"""The close-code table says what the reference says, and every fatal row becomes its typed error."""

from __future__ import annotations

import pickle
from dataclasses import replace

import pytest

from qqbot_sync.errors import (
    AuthenticationFailed,
    BotBanned,
    BotError,
    GatewayError,
    InvalidIntents,
    UnknownOpcode,
)
from qqbot_sync.protocol.close_codes import CLOSE_CODES, INTERNAL_ERRORS, TRANSIENT, Verdict, fatal_error, verdict_of

RESUME, IDENTIFY, FATAL = Verdict.RESUME, Verdict.IDENTIFY, Verdict.FATAL

# Written by hand from the platform's table, not derived from ours.
REFERENCE: dict[int, Verdict] = {
    1000: RESUME,
    1001: RESUME,
    1005: RESUME,
    1006: RESUME,
    1011: RESUME,
    4000: RESUME,
    4001: FATAL,
    4002: FATAL,
    4003: IDENTIFY,
    4004: IDENTIFY,
    4005: IDENTIFY,
    4006: IDENTIFY,
    4007: IDENTIFY,
    4008: RESUME,
    4009: RESUME,
    4010: FATAL,
    4011: FATAL,
    4012: FATAL,
    4013: FATAL,
    4014: FATAL,
    **{4900 + number: IDENTIFY for number in range(14)},
    4914: FATAL,
    4915: FATAL,
}
ERRORS: dict[int, type[BotError]] = {
    4001: UnknownOpcode,
    4002: UnknownOpcode,
    4004: AuthenticationFailed,
    4010: GatewayError,
    4011: GatewayError,
    4012: UnknownOpcode,
    4013: InvalidIntents,
    4014: InvalidIntents,
    4914: BotBanned,
    4915: BotBanned,
}


def test_the_table_is_the_reference() -> None:
    assert {code: row.verdict for code, row in CLOSE_CODES.items()} == REFERENCE
    assert all(row.code == code for code, row in CLOSE_CODES.items())


@pytest.mark.parametrize("code", REFERENCE)
def test_every_row_is_found(code: int) -> None:
    assert verdict_of(code) is CLOSE_CODES[code]


@pytest.mark.parametrize("code", [None, 0, 999, 1012, 2999, 3000, 4015, 4899, 4916, 4999, 65535, -1])
def test_every_other_end_keeps_the_session(code: int | None) -> None:
    row = verdict_of(code)
    assert row.verdict is RESUME
    assert row.code == code
    assert row == replace(TRANSIENT, code=code, meaning=row.meaning)


def test_an_end_without_a_close_frame_is_transient() -> None:
    assert verdict_of(None) is TRANSIENT


def test_the_bounds_of_the_internal_errors_are_exact() -> None:
    assert (INTERNAL_ERRORS[0], INTERNAL_ERRORS[-1]) == (4900, 4913)


def test_only_the_expired_connection_is_routine() -> None:
    assert [code for code, row in CLOSE_CODES.items() if row.routine] == [4009]


def test_only_sending_too_fast_asks_for_a_pause() -> None:
    assert {code: row.pause for code, row in CLOSE_CODES.items() if row.pause} == {4008: 5.0}


def test_a_refused_token_is_refreshed_at_once_and_an_internal_error_only_when_it_repeats() -> None:
    assert [code for code, row in CLOSE_CODES.items() if row.refresh_token] == [4004]
    assert [code for code, row in CLOSE_CODES.items() if row.refresh_token_if_repeated] == list(INTERNAL_ERRORS)


def test_two_codes_speak_about_intents() -> None:
    assert [code for code, row in CLOSE_CODES.items() if row.about_intents] == [4013, 4014]


def test_a_code_that_only_repeats_what_op_9_said_names_no_cause() -> None:
    unnamed = {code for code, row in CLOSE_CODES.items() if not row.names_cause}
    assert unnamed == {1000, 1001, 1005, 1006, 1011, 4000, 4003, 4005, 4006, 4007, 4009}


@pytest.mark.parametrize("code", ERRORS)
def test_a_fatal_end_becomes_its_typed_error(code: int) -> None:
    error = fatal_error(code, detail="sent 513")
    assert type(error) is ERRORS[code]
    assert isinstance(error, GatewayError)
    assert error.close_code == code
    text = str(error)
    assert str(code) in text
    assert "sent 513" in text
    assert error.hint
    assert error.hint in text


def test_every_fatal_row_has_its_error_in_this_test() -> None:
    assert {code for code, row in CLOSE_CODES.items() if row.verdict is FATAL} <= set(ERRORS)


@pytest.mark.parametrize("code", [None, 1006, 4009, 4999])
def test_an_end_without_a_row_of_its_own_can_be_fatal_too(code: int | None) -> None:
    error = fatal_error(code)
    assert type(error) is GatewayError
    assert error.close_code == code


@pytest.mark.parametrize("row", [*CLOSE_CODES.values(), TRANSIENT, verdict_of(4242)], ids=lambda row: str(row.code))
def test_texts_are_chinese_first_and_english_second(row: object) -> None:
    for text in filter(None, (getattr(row, "meaning"), getattr(row, "hint"))):  # noqa: B009
        chinese, _, english = text.partition(" / ")
        assert any("\u4e00" <= letter <= "\u9fff" for letter in chinese)
        assert english.isascii()
        assert english


def test_the_table_cannot_be_changed() -> None:
    with pytest.raises(TypeError):
        CLOSE_CODES[4009] = TRANSIENT  # type: ignore[index]
    with pytest.raises(AttributeError):
        CLOSE_CODES[4009].pause = 1.0  # type: ignore[misc]
    assert pickle.loads(pickle.dumps(CLOSE_CODES[4009])) == CLOSE_CODES[4009]
