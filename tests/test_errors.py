"""The error tree: who is below whom, what is said, and that errors survive being copied and sent elsewhere."""

from __future__ import annotations

import copy
import pickle
import re
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any

import pytest

import qqbot_sync
from qqbot_sync import errors
from qqbot_sync.errors import (
    ApiError,
    AuthenticationFailed,
    BotError,
    ConnectionFailed,
    GatewayError,
    RateLimited,
    UrlNotAllowed,
)

TREE = {
    "ApiError": "BotError",
    "Forbidden": "ApiError",
    "NotFound": "ApiError",
    "QuotaExceeded": "ApiError",
    "ReplyExpired": "ApiError",
    "DuplicateMessage": "ApiError",
    "ContentRejected": "ApiError",
    "UrlNotAllowed": "ContentRejected",
    "MediaError": "ApiError",
    "NotInGroup": "ApiError",
    "ActiveMessageForbidden": "ApiError",
    "ServerError": "ApiError",
    "GatewayError": "BotError",
    "ConnectionFailed": "GatewayError",
    "InvalidSession": "GatewayError",
    "HeartbeatTimeout": "GatewayError",
    "InvalidIntents": "GatewayError",
    "UnknownOpcode": "GatewayError",
    "BotBanned": "GatewayError",
    "AuthenticationFailed": "ApiError GatewayError",
    "RateLimited": "ApiError GatewayError",
    "Stopped": "BotError",
    "OutcomeUnknown": "BotError",
    "TooManyWaiting": "BotError",
    "AlreadyRunning": "BotError",
    "InsufficientPermissions": "BotError",
}
FACTS: dict[str, Any] = {
    "status": 403,
    "code": 11298,
    "trace_id": "trace-1",
    "method": "POST",
    "path": "/channels/1/messages",
    "hint": "怎么办 / what to do",
    "retryable": True,
}


def made(kind: type[BotError]) -> BotError:
    """An error of this class with everything that can be said of it."""
    facts: dict[str, Any] = dict(FACTS) if issubclass(kind, ApiError) else {}
    if issubclass(kind, GatewayError):
        facts |= {"close_code": 4014, "hint": FACTS["hint"]}
    if kind is RateLimited:
        facts["retry_after"] = 2.5
    return kind("出错 / it failed", **facts)


KINDS = [getattr(errors, name) for name in errors.__all__]


def test_the_tree_is_the_one_of_the_design() -> None:
    assert set(errors.__all__) == {"BotError", *TREE}
    assert BotError.__bases__ == (Exception,)
    for name, above in TREE.items():
        assert [base.__name__ for base in getattr(errors, name).__bases__] == above.split(), name


def test_every_error_is_imported_from_the_package_and_says_what_it_means() -> None:
    for kind in KINDS:
        assert getattr(qqbot_sync, kind.__name__) is kind
        assert kind.__name__ in qqbot_sync.__all__
        assert kind.__doc__


def test_the_picture_in_the_module_shows_every_error() -> None:
    assert set(re.findall(r"\b[A-Z]\w+(?=[ *,]|$)", errors.__doc__ or "", re.MULTILINE)) >= set(errors.__all__)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if issubclass(kind, ApiError)])
def test_a_refused_call_tells_everything_the_platform_said_and_what_to_do(kind: type[ApiError]) -> None:
    error = made(kind)
    assert {name: getattr(error, name) for name in FACTS} == FACTS
    assert isinstance(error, ApiError)
    assert error.message == "出错 / it failed"
    first, hint = str(error).split("\n")
    assert first.startswith("POST /channels/1/messages: 出错 / it failed (HTTP 403, code 11298, trace id trace-1)")
    assert hint.startswith("怎么办 / what to do")


def test_a_refused_call_of_which_nothing_is_known_says_that() -> None:
    error = ApiError()
    assert str(error) == "no message"
    assert [getattr(error, name) for name in FACTS] == [None] * 6 + [False]
    assert str(ApiError("x", code=0)) == "x (code 0)"
    assert str(ApiError("x", method="GET")) == "x"


@pytest.mark.parametrize(
    "kind", [kind for kind in KINDS if issubclass(kind, GatewayError) and not issubclass(kind, ApiError)]
)
def test_a_failed_session_names_the_close_code_and_what_to_do(kind: type[GatewayError]) -> None:
    assert str(made(kind)) == "出错 / it failed (close code 4014)\n怎么办 / what to do"
    assert str(kind("x")) == "x"
    assert str(kind()) == ""
    assert (kind().close_code, kind().hint) == (None, None)


def test_errors_from_either_side_are_caught_as_either() -> None:
    for kind in (AuthenticationFailed, RateLimited):
        error = made(kind)
        assert isinstance(error, ApiError)
        assert isinstance(error, GatewayError)
        assert error.close_code == 4014
        assert error.hint == FACTS["hint"]
    assert AuthenticationFailed("x").close_code is None


def test_a_limit_says_how_long_to_wait() -> None:
    error = RateLimited("太快 / too fast", retry_after=2.5, status=429)
    assert error.retry_after == 2.5
    assert str(error) == "太快 / too fast (HTTP 429) [retry after 2.5 s]"
    with pytest.raises(TypeError, match="retry_after"):
        RateLimited("x")  # type: ignore[call-arg]


def same(one: BotError, other: BotError) -> bool:
    return type(one) is type(other) and one.args == other.args and vars(one) == vars(other) and str(one) == str(other)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "again",
    [copy.copy, copy.deepcopy, *(lambda error, p=p: pickle.loads(pickle.dumps(error, p)) for p in range(2, 6))],
    ids=["copy", "deepcopy", "pickle-2", "pickle-3", "pickle-4", "pickle-5"],
)
def test_an_error_can_be_copied_and_pickled(kind: type[BotError], again: Callable[[BotError], BotError]) -> None:
    error = made(kind)
    assert same(again(error), error)
    assert again(error) is not error


def test_the_copy_is_an_error_of_its_own() -> None:
    error = made(UrlNotAllowed)
    other = copy.copy(error)
    other.hint = "changed"  # type: ignore[attr-defined]
    assert error.hint == FACTS["hint"]  # type: ignore[attr-defined]


class Own(RateLimited):
    """A user's own error, with a constructor of its own."""

    def __init__(self, retry_after: float, *, shop: str) -> None:
        super().__init__("x", retry_after=retry_after)
        self.shop = shop


def test_a_users_own_error_can_be_pickled_too() -> None:
    again = pickle.loads(pickle.dumps(Own(3, shop="s")))
    assert (again.shop, again.retry_after, type(again)) == ("s", 3, Own)


def fail() -> None:
    raise RateLimited("太快 / too fast", retry_after=2.5, path="/x", method="GET", close_code=4008)


@pytest.mark.long
def test_an_error_comes_back_from_another_process() -> None:
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool, pytest.raises(RateLimited) as caught:
        pool.submit(fail).result(60)
    assert caught.value.retry_after == 2.5
    assert str(caught.value) == "GET /x: 太快 / too fast [retry after 2.5 s]"


def test_the_cause_stays_what_it_was() -> None:
    cause = OSError("refused")
    with pytest.raises(ConnectionFailed) as caught:
        raise ConnectionFailed("x") from cause
    assert caught.value.__cause__ is cause
