"""The catalogue of error codes, against the platform's tables (tests/data/error_codes.tsv, made by hand from them)."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from qqbot_sync import errors
from qqbot_sync.protocol import error_catalogue as catalogue
from qqbot_sync.protocol.error_codes import (
    AUDIT_CODES,
    DUPLICATE_CODE,
    ERROR_CODES,
    IP_WHITELIST_CODES,
    NOT_CONNECTED_CODE,
    TOKEN_CODES,
    ErrorCode,
    Retry,
    classify,
)

TABLE = Path(__file__).parents[1] / "data" / "error_codes.tsv"
DOCUMENTED = {
    int(row["code"]): row["retry"] for row in csv.DictReader(TABLE.read_text("utf-8").splitlines(), delimiter="\t")
}
MET_IN_THE_FIELD = [
    11298, 40023002, 11255, 11241, 11242, 11243, 11244, 100002, 100016, 100017, 22009, 304022, 304023, 304024, 304026,
    304027, 304003, 40054010, 304037, 304057, 304041, 40034011, 40034012, 304082, 304083, 850012, 850019, 850026,
    40034001, 40034002, 40034102, 40034105, 40054005, 40054007, 40093001, 40093002, 50002, 50059,
]  # fmt: skip
ALL_ROWS = [*catalogue.ROWS, *(row for _, rows in catalogue.ROWS_OF_PATHS for row in rows)]


def test_the_platforms_tables_are_complete() -> None:
    assert len(DOCUMENTED) > 330
    assert not set(DOCUMENTED) - set(ERROR_CODES)


@pytest.mark.parametrize("code", sorted(DOCUMENTED))
def test_every_documented_code_may_be_repeated_as_the_platform_says(code: int) -> None:
    assert ERROR_CODES[code].retry.value == DOCUMENTED[code]


@pytest.mark.parametrize("code", MET_IN_THE_FIELD)
def test_every_code_met_in_the_field_is_known(code: int) -> None:
    assert classify(400, code).hint


@pytest.mark.parametrize("row", ALL_ROWS, ids=lambda row: str(row[0]))
def test_every_row_is_sound(row: catalogue.Row) -> None:
    code, retry, error, zh, en, remedy = row
    assert code > 0
    assert issubclass(error, errors.ApiError)
    assert isinstance(retry, Retry)
    assert any("\u4e00" <= letter <= "\u9fff" for letter in zh), "Chinese"
    assert en.isascii(), "English"
    assert not zh.endswith(("。", "."))
    assert not en.endswith(".")
    assert remedy == "" or remedy in catalogue.REMEDIES


def test_no_code_stands_twice_and_no_remedy_is_idle() -> None:
    codes = [row[0] for row in catalogue.ROWS]
    assert len(codes) == len(set(codes))
    used = {row[5] for row in ALL_ROWS} | {row[4] for row in catalogue.STATUSES.values()}
    assert set(catalogue.REMEDIES) == used - {""}


@pytest.mark.parametrize("code", sorted(ERROR_CODES))
def test_a_known_code_means_the_same_under_every_status(code: int) -> None:
    found = classify(400, code)
    assert all(classify(status, code) is found for status in (200, 401, 429, 500, None))
    assert found.hint is not None
    chinese, _, english = found.hint.partition(" / ")
    assert any("\u4e00" <= letter <= "\u9fff" for letter in chinese)
    assert english[0].isascii()


@pytest.mark.parametrize(
    ("status", "kind", "retry"),
    [
        (400, errors.ApiError, Retry.NO),
        (401, errors.AuthenticationFailed, Retry.REFRESH),
        (403, errors.Forbidden, Retry.NO),
        (404, errors.NotFound, Retry.NO),
        (405, errors.ApiError, Retry.NO),
        (413, errors.ApiError, Retry.NO),
        (418, errors.ApiError, Retry.NO),
        (429, errors.RateLimited, Retry.LATER),
        (500, errors.ServerError, Retry.YES),
        (502, errors.ServerError, Retry.YES),
        (504, errors.ServerError, Retry.YES),
        (599, errors.ServerError, Retry.YES),
        (200, errors.ApiError, Retry.NO),
        (None, errors.ApiError, Retry.NO),
    ],
)
@pytest.mark.parametrize("code", [None, 0, 87654321, -5])
def test_an_unknown_code_is_judged_by_the_status(
    status: int | None, code: int | None, kind: type[errors.ApiError], retry: Retry
) -> None:
    found = classify(status, code)
    assert (found.error, found.retry, found.code) == (kind, retry, code or None)


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (301050, "channel permission"),
        (302090, "schedule"),
        (501900, "announcement"),
        (502050, "mute"),
        (504500, "message setting"),
        (615000, "API permission"),
        (1100200, "could not be sent"),
        (2999999, "could not be sent"),
        (3000000, "could not be edited"),
    ],
)
def test_an_unknown_code_of_a_known_range_is_named(code: int, words: str) -> None:
    found = classify(400, code)
    assert words in (found.hint or "")
    assert (found.code, found.error) == (code, errors.ApiError)


def test_a_code_nobody_has_met_has_no_invented_hint() -> None:
    assert classify(200, 87654321).hint is None


def test_some_codes_mean_something_else_on_their_endpoint() -> None:
    token, share = "https://bots.qq.com/app/getAppAccessToken", "/v2/generate_url_link"
    assert classify(200, 10004).error is errors.NotFound
    assert classify(200, 10004, path=token).error is errors.AuthenticationFailed
    assert classify(200, 10003, path=share).zh != classify(200, 10003).zh
    assert classify(200, 304003, path=share) is ERROR_CODES[304003]


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (40054005, errors.DuplicateMessage),
        (304027, errors.ReplyExpired),
        (40034005, errors.ReplyExpired),
        (40034026, errors.ReplyExpired),
        (40034128, errors.ReplyExpired),
        (304103, errors.ReplyExpired),
        (304003, errors.UrlNotAllowed),
        (40054010, errors.UrlNotAllowed),
        (40034006, errors.ContentRejected),
        (40054007, errors.ContentRejected),
        (304022, errors.ActiveMessageForbidden),
        (40034102, errors.ActiveMessageForbidden),
        (40034105, errors.ActiveMessageForbidden),
        (40054013, errors.ActiveMessageForbidden),
        (304045, errors.QuotaExceeded),
        (40034100, errors.QuotaExceeded),
        (40093002, errors.QuotaExceeded),
        (40034101, errors.NotInGroup),
        (40054003, errors.NotInGroup),
        (40054004, errors.NotInGroup),
        (20028, errors.RateLimited),
        (22009, errors.RateLimited),
        (100001, errors.RateLimited),
        (850019, errors.MediaError),
        (304080, errors.MediaError),
        (11253, errors.Forbidden),
        (11298, errors.Forbidden),
        (40023002, errors.Forbidden),
        (11244, errors.AuthenticationFailed),
        (100016, errors.AuthenticationFailed),
    ],
)
def test_what_users_meet_most_has_a_class_of_its_own(code: int, kind: type[errors.ApiError]) -> None:
    assert classify(400, code).error is kind


@pytest.mark.parametrize("found", ERROR_CODES.values(), ids=lambda found: str(found.code))
def test_every_class_can_be_raised_from_its_row(found: ErrorCode) -> None:
    facts = {"retry_after": 1.0} if issubclass(found.error, errors.RateLimited) else {}
    error = found.error("said", status=400, code=found.code, hint=found.hint, retryable=found.is_retryable, **facts)
    assert str(found.code) in str(error)
    assert found.en in str(error)


def test_the_codes_with_rules_of_their_own_are_in_the_catalogue() -> None:
    special = TOKEN_CODES | IP_WHITELIST_CODES | AUDIT_CODES | {DUPLICATE_CODE, NOT_CONNECTED_CODE}
    assert special <= set(ERROR_CODES)
    assert all("IP" in ERROR_CODES[code].zh for code in IP_WHITELIST_CODES)


def test_what_may_succeed_later_says_so() -> None:
    assert ERROR_CODES[20028].is_retryable
    assert ERROR_CODES[11244].is_retryable
    assert ERROR_CODES[50055001].is_retryable
    assert not ERROR_CODES[304003].is_retryable
    assert not ERROR_CODES[304006].is_retryable
