"""`Api` by itself: credentials, environment, and what it never shows."""

from __future__ import annotations

import logging
from typing import Any

import pytest

import qqbot_sync.api as package
from qqbot_sync.api import Api, Http
from qqbot_sync.config import Environment
from qqbot_sync.errors import ApiError, BotError
from qqbot_sync.protocol.replies import Anchor, Group
from tests.api.support import Authority, Peer, reply, reset

SECRET = "s3cr3t-of-the-bot"


def test_credentials_and_environment_come_from_the_environment(peer: Peer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QQ_BOT_APP_ID", " 1024 ")
    monkeypatch.setenv("QQ_BOT_SECRET", SECRET)
    monkeypatch.setenv("QQ_BOT_ENVIRONMENT", peer.url)
    peer.say(reply({"id": "1", "username": "小助手"}))
    with Api() as api:
        assert api.me().username == "小助手"
    assert peer.token_requests[0].json == {"appId": "1024", "clientSecret": SECRET}


def test_arguments_come_before_the_environment(peer: Peer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QQ_BOT_APP_ID", "1")
    monkeypatch.setenv("QQ_BOT_SECRET", "other")
    monkeypatch.setenv("QQ_BOT_ENVIRONMENT", "sandbox")
    with Api("2", SECRET, environment=peer.environment) as api:
        assert (api.app_id, api.environment.api_url) == ("2", peer.url)
        api.token.get()
    assert peer.token_requests[0].json == {"appId": "2", "clientSecret": SECRET}


def test_without_a_word_it_is_production() -> None:
    assert Api("1", "s").environment == Environment.production()


@pytest.mark.parametrize(
    ("app_id", "secret", "named"),
    [
        (None, "s", ("app_id", "QQ_BOT_APP_ID")),
        ("", "s", ("app_id", "QQ_BOT_APP_ID")),
        ("  ", "s", ("app_id", "QQ_BOT_APP_ID")),
        ("1", None, ("app_secret", "QQ_BOT_SECRET")),
        ("1", "", ("app_secret", "QQ_BOT_SECRET")),
        ("1", "两个 字", ("app_secret", "QQ_BOT_SECRET")),
        ("1\r\n2", "s", ("app_id", "QQ_BOT_APP_ID")),
    ],
)
def test_a_missing_credential_is_named_with_where_to_get_it(app_id: Any, secret: Any, named: tuple[str, str]) -> None:
    with pytest.raises(ValueError) as caught:
        Api(app_id, secret)
    text = str(caught.value)
    assert all(word in text for word in named)
    assert " / " in text
    if not (app_id or "").strip() or not secret:
        assert "q.qq.com" in text
    assert "两个" not in text


def test_an_app_id_may_be_a_number_and_a_secret_may_not() -> None:
    assert Api(102000000, "s").app_id == "102000000"  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="app_secret"):
        Api("1", 5)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="environment"):
        Api("1", "s", environment="sandbox")  # type: ignore[arg-type]


def test_an_environment_that_is_none_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QQ_BOT_ENVIRONMENT", "prodution")
    with pytest.raises(ValueError, match="prodution"):
        Api("1", "s")


def test_me_is_the_bots_user(peer: Peer, api: Api) -> None:
    peer.default = reply({"id": "42", "username": "bot", "bot": True, "share_url": "https://x"})
    assert api.get_bot_info() == api.me()
    assert (api.me().id, api.me().bot) == ("42", True)
    assert {(got.method, got.path) for got in peer.requests} == {("GET", "/users/@me")}


def test_it_works_over_tls_with_a_private_ca(authority: Authority, ca_file: str) -> None:
    peer = Peer(authority.context())
    peer.say(reply({"id": "m"}))
    with Api("1", SECRET, environment=peer.environment, ca_bundle=ca_file) as api:
        assert api.send(Group("G"), "hi").id == "m"
    peer.close()


def test_connections_that_are_shared_are_not_closed(peer: Peer) -> None:
    http = Http()
    with Api("1", SECRET, environment=peer.environment, http=http) as api:
        api.me()
    with Api("1", SECRET, environment=peer.environment, http=http) as api:
        api.me()
    assert peer.connections == 1
    http.close()


def test_two_bots_do_not_share_a_token(peer: Peer) -> None:
    with Api("1", SECRET, environment=peer.environment) as one, Api("2", SECRET, environment=peer.environment) as two:
        one.me()
        two.me()
    assert [got.headers["authorization"] for got in peer.requests] == ["QQBot token-1", "QQBot token-2"]


def test_neither_secret_nor_token_appears_anywhere(peer: Peer, api: Api, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    peer.say(
        reply({"id": "1"}),
        reply({"code": 11244, "message": "token expired"}, 401),
        reply({"code": 11244, "message": "token expired"}, 401),
        reset,
        reply({"code": 304027, "message": "expired"}, 400),
        reply(b"<html>", 502),
    )
    seen = [repr(api), repr(api.token), repr(api.http), repr(api.send(Group("G"), "hi", anchor=Anchor("m")))]
    for _ in range(4):
        try:
            api.send(Group("G"), "hi")
        except BotError as error:
            seen += [str(error), repr(error), str(vars(error)), str(error.__cause__)]
            if isinstance(error, ApiError):
                seen.append(str(error.hint))
    shown = " ".join(seen) + caplog.text
    assert len(seen) > 8
    assert SECRET not in shown
    assert "token-1" not in shown
    assert "token-2" not in shown
    assert "HTTP 401" in caplog.text


def test_the_package_exports_what_others_build_on() -> None:
    assert set(package.__all__) >= {"Api", "Http", "PendingAudit", "SendUnconfirmed", "Sent", "Token"}
