"""How an answer is read: success, error, audit, and pages that are no JSON."""

from __future__ import annotations

import json
from typing import Any

import pytest

from qqbot_sync.api.answers import Answer, read_answer
from qqbot_sync.api.http import Response
from qqbot_sync.errors import ApiError, AuthenticationFailed, Forbidden, RateLimited, ServerError


def read(body: Any, status: int = 200, headers: dict[str, str] | None = None, wall: float = 0.0) -> Answer:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return read_answer(Response(status, headers or {}, data), method="POST", path="/p", wall=wall)


@pytest.mark.parametrize(
    "body",
    [{}, {"id": "1"}, {"code": 0, "id": "1"}, {"err_code": 0, "code": 0}, {"code": "0"}, {"code": None}, [], [1], "x"],
)
def test_two_hundred_without_a_code_is_a_success(body: Any) -> None:
    answer = read(body)
    assert answer.error is None
    assert answer.data == body


@pytest.mark.parametrize("status", [200, 201, 202, 400, 403, 500])
@pytest.mark.parametrize(
    "body", [{"code": 11253}, {"err_code": 11253}, {"code": "11253"}, {"err_code": 11253, "code": 1}]
)
def test_a_code_is_an_error_whatever_the_status(status: int, body: Any) -> None:
    answer = read({**body, "message": "denied"}, status, {"X-Tps-trace-ID": "abc"})
    assert isinstance(answer.error, Forbidden)
    assert (answer.error.code, answer.error.status, answer.error.trace_id) == (11253, status, "abc")
    assert (answer.error.method, answer.error.path, answer.error.message) == ("POST", "/p", "denied")
    assert not answer.error.retryable
    assert "q.qq.com" in str(answer.error)
    assert "apply" in (answer.error.hint or "").lower()


def test_the_trace_id_may_stand_in_the_body() -> None:
    assert read({"code": 1, "trace_id": "body"}, 400).error.trace_id == "body"  # type: ignore[union-attr]
    assert read({"id": "1", "trace_id": "body"}).trace_id == "body"


@pytest.mark.parametrize("field", ["message", "err_msg", "msg"])
def test_the_message_has_several_names(field: str) -> None:
    assert read({"code": 1, field: "said"}, 400).error.message == "said"  # type: ignore[union-attr]


@pytest.mark.parametrize("code", [304023, 304024])
@pytest.mark.parametrize("status", [200, 201, 202])
def test_an_audit_is_no_failure(code: int, status: int) -> None:
    answer = read({"code": code, "message": "?", "data": {"message_audit": {"audit_id": "a-1"}}}, status)
    assert answer.error is None
    assert answer.audit_id == "a-1"


@pytest.mark.parametrize("data", [None, [], {}, {"message_audit": None}, {"message_audit": {"audit_id": 5}}])
def test_an_audit_without_an_id_is_no_failure_either(data: Any) -> None:
    answer = read({"code": 304023, "data": data}, 202)
    assert (answer.error, answer.audit_id) == (None, None)


def test_a_page_of_a_proxy_is_told_in_a_line() -> None:
    page = b"<html><head><title>413 Request\nEntity Too Large</title><style>x{}</style></head><body>stgw</body></html>"
    error = read(page, 413).error
    assert type(error) is ApiError
    assert "413 Request Entity Too Large" in error.message
    assert "<" not in error.message
    assert "\n" not in error.message


@pytest.mark.parametrize(
    "body", [b"\xff\xfe\x00", b"<html></html>", b"{" * 100, b"<script>alert(1)</script>", b"\x1b[31mred"]
)
def test_garbage_is_told_without_harm(body: bytes) -> None:
    answer = read(body, 502)
    assert isinstance(answer.error, ServerError)
    assert answer.error.message
    assert answer.error.message.isprintable()
    assert len(answer.error.message) < 400


def test_a_success_that_is_no_json_is_noted() -> None:
    answer = read(b"<html>wifi login</html>")
    assert (answer.error, answer.is_json, answer.data) == (None, False, None)


@pytest.mark.parametrize("body", [b"", b"  \n"])
def test_an_empty_body_is_a_success(body: bytes) -> None:
    answer = read(body, 204)
    assert (answer.error, answer.is_json, answer.data) == (None, True, None)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [("7", 7.0), ("0.5", 0.5), ("-3", 0.0), ("soon", 1.0), ("nan", 1.0), ("", 1.0), (None, 1.0)],
)
def test_retry_after_is_read(value: str | None, seconds: float) -> None:
    answer = read({}, 429, {} if value is None else {"Retry-After": value})
    assert isinstance(answer.error, RateLimited)
    assert answer.error.retry_after == answer.pause == seconds


def test_retry_after_may_be_a_date() -> None:
    answer = read({}, 429, {"Retry-After": "Thu, 01 Jan 1970 00:01:00 GMT"}, wall=48.0)
    assert answer.pause == 12.0


@pytest.mark.parametrize(
    ("status", "kind"),
    [(401, AuthenticationFailed), (403, Forbidden), (429, RateLimited), (500, ServerError), (599, ServerError)],
)
def test_an_unknown_code_is_judged_by_the_status(status: int, kind: type) -> None:
    answer = read({"code": 87654321, "message": "new"}, status)
    assert type(answer.error) is kind
    assert answer.error is not None
    assert answer.error.code == 87654321


def test_only_a_failure_without_a_code_is_of_unknown_outcome() -> None:
    assert read(b"", 502).is_code_less_failure
    assert read({"message": "x"}, 500).is_code_less_failure
    assert not read({"code": 5}, 502).is_code_less_failure
    assert not read({}, 429).is_code_less_failure
    assert not read({}).is_code_less_failure
