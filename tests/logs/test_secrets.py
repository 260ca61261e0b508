"""What no line shows: secrets, tokens, and texts on request; and the watch that this suite keeps over it."""

from __future__ import annotations

import io
import json
import logging
import re
from collections.abc import Callable
from typing import Any

import pytest

from qqbot_sync import BotClient, Environment, Simulator, setup_logging
from qqbot_sync.logs import JsonFormatter, Payload, TextFormatter, blank, confide
from tests.logs.support import GATEWAY, MYBOT
from tests.secret_watch import SecretWatch
from tests.support import eventually

# -- what no line shows ---------------------------------------------------------------------------------------------

SECRET = "s3cretVal-ue_0123456789"


@pytest.mark.parametrize(
    "text",
    [
        f"Authorization: QQBot {SECRET}",
        f"{{'Authorization': 'QQBot {SECRET}', 'X': 1}}",
        f"authorization={SECRET}",
        f"the header was QQBot {SECRET}, refused",
        f'{{"op":2,"d":{{"token":"QQBot {SECRET}","intents":1}}}}',
        f'"{{\\"access_token\\": \\"{SECRET}\\"}}"',
        f"appId=1&clientSecret={SECRET}&x=1",
        f"BotClient(app_secret='{SECRET}')",
        f'b\'{{"clientSecret":"{SECRET}"}}\'',
        f"QQ_BOT_SECRET={SECRET}",
        f"http://user:{SECRET}@proxy:8080 refused",
        f"Bot 10203040.{SECRET}",
        f"Bearer {SECRET}",
        f"PUT https://host/path?a=1&sign={SECRET}",
        f"password: {SECRET}",
    ],
)
def test_what_looks_like_a_secret_is_blanked(text: str) -> None:
    assert SECRET not in blank(text)
    assert "***" in blank(text)


@pytest.mark.parametrize(
    "text",
    [
        "刷新令牌失败,继续使用旧令牌 / renewing the token failed, the old one still lives: 503",
        "获取令牌过于频繁 / too many token requests, the platform asked for a pause",
        "新的 access token,有效 7200 秒 / a new access token, valid for 7200 s",
        "POST /v2/groups/ABC/messages: HTTP 200",
        "POST /app/getAppAccessToken: invalid appid or secret (HTTP 200, code 100016)",
        "dialing wss://api.sgroup.qq.com/websocket/ at 10:20:30",
        "a QQ bot, an event, http://127.0.0.1:8080/x?a=1",
        "<Token of app 123>, token=<Token of app 123>",
    ],
)
def test_ordinary_lines_stay_as_they_are(text: str) -> None:
    assert blank(text) == text


class Holder:
    def __init__(self, *values: str) -> None:
        self.values = values

    def secrets(self) -> tuple[str, ...]:
        return self.values


@pytest.mark.parametrize("as_json", [False, True], ids=["text", "json"])
def test_what_is_known_to_be_secret_is_blanked_wherever_it_stands(as_json: bool) -> None:
    """In the message, its arguments, the exception and its cause, the stack; also for a handler set up before."""
    stream = io.StringIO()
    setup_logging("info", json=as_json, stream=stream)
    holder = Holder(SECRET, "abc")
    confide(holder)
    try:
        try:
            raise KeyError(SECRET)
        except KeyError as cause:
            raise ValueError(f"cannot use {SECRET} here") from cause
    except ValueError:
        GATEWAY.exception("x %s %r abc" + SECRET, SECRET, {"k": SECRET})
    said = stream.getvalue()
    assert SECRET not in said
    assert said.count("***") >= 5
    assert "abc***" in said, "what is too short to be a secret is left alone"


def test_a_traceback_that_another_handler_left_on_the_record_is_not_taken_over() -> None:
    stream = io.StringIO()
    handler = setup_logging("info", stream=stream)
    holder = Holder(SECRET)
    confide(holder)
    record = logging.LogRecord("qqbot_sync.gateway", 40, "f.py", 1, "x", (), (ValueError, ValueError(SECRET), None))
    logging.Formatter().format(record)
    assert record.exc_text is not None
    assert SECRET in record.exc_text
    handler.handle(record)
    assert "ValueError: ***" in stream.getvalue()


def test_secrets_are_held_weakly() -> None:
    holder = Holder(SECRET)
    confide(holder)
    formatter = TextFormatter()
    record = logging.LogRecord("mybot", 20, "f.py", 1, SECRET, (), None)
    assert SECRET not in formatter.format(record)
    del holder
    assert SECRET in formatter.format(record)


def test_a_client_confides_its_secret_and_its_tokens_to_handlers_set_up_later() -> None:
    with Simulator() as qq, BotClient(qq.app_id, qq.secret, environment=Environment.local(qq.url)) as client:
        tokens = [client.api._caller.token.get()]
        qq.expire_token()
        client.api.me()
        tokens.append(client.api._caller.token.get())
        assert tokens[0] != tokens[1]
        line = JsonFormatter().format(logging.LogRecord("mybot", 20, "f.py", 1, "%s %s %s", (qq.secret, *tokens), None))
        assert json.loads(line)["message"] == "*** *** ***"


def test_a_payload_shows_neither_secrets_nor_too_much() -> None:
    data = {"op": 2, "d": {"token": SECRET, "content": "你好", "file_data": "x" * 9000, "n": [1] * 4000}}
    shown = str(Payload(json.dumps(data).encode()))
    assert SECRET not in shown
    assert "你好" in shown
    assert len(shown) < 5000
    assert "(9000 characters)" in shown
    assert "你好" not in Payload(json.dumps(data).encode()).shown(texts=False)
    assert str(Payload(b"\xff\x00{")) == "(3 bytes that are no JSON)"


def test_texts_are_hidden_on_request() -> None:
    """In payloads, in the user's own lines, and in the traceback of a handler that quotes them."""
    stream = io.StringIO()
    MYBOT.addHandler(setup_logging("debug", texts=False, stream=stream))
    MYBOT.setLevel(logging.INFO)
    with Simulator() as qq:
        client = BotClient(qq.app_id, qq.secret, environment=Environment.local(qq.url))

        @client.on_message()
        def answer(ctx: Any, message: Any) -> None:
            MYBOT.info("they said %s", message.content)
            ctx.reply(f"<{message.content}>")
            raise ValueError(f"cannot {message.content}")

        with client:
            qq.say("小明", "group", "一个秘密")
            eventually(lambda: client.metrics.snapshot().events_failed)
    said = stream.getvalue()
    assert "一个秘密" not in said
    assert "they said (4 characters)" in said
    assert "ValueError: cannot (4 characters)" in said
    assert '"content":"(6 characters)"' in said, "the reply, on its way out"


def test_everything_said_at_debug_through_faults_holds_no_secret(secret_watch: SecretWatch) -> None:
    stream = io.StringIO()
    setup_logging("debug", collapse=None, threads=True, source=True, stream=stream)
    tokens: set[str] = set()
    with Simulator() as qq:
        client = BotClient(qq.app_id, qq.secret, environment=Environment.local(qq.url))

        @client.on_message()
        def answer(ctx: Any, message: Any) -> None:
            tokens.add(client.api._caller.token.get())
            ctx.reply(message.content)
            raise ValueError(f"Authorization: QQBot {client.api._caller.token.get()}")

        with client:
            faults: tuple[Callable[[], object], ...] = (int, qq.drop, qq.expire_token, lambda: qq.close(4009))
            for fault in faults:
                fault()
                eventually(client.is_connected)
                assert qq.say("小明", "group", "hello").replies()
            eventually(lambda: client.metrics.snapshot().events_failed == 4)
    assert secret_watch.take(), "the handler's own exceptions had them, for handlers that are not ours"
    said = stream.getvalue()
    assert len(tokens) == 2
    for secret in (qq.secret, *tokens):
        assert secret not in said
    assert '> {"op":2,"d":{"token":"***"' in said
    assert '> {"op":6,"d":{"token":"***"' in said
    assert "GROUP_AT_MESSAGE_CREATE" in said
    assert re.search(r"POST /v2/groups/\S+/messages > \{.*hello", said)


# -- the suite's own watch ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["message", "argument", "exception"])
def test_the_watch_of_this_suite_sees_a_planted_leak(how: str, secret_watch: SecretWatch) -> None:
    """It hangs on the package's logger in every test, and makes the test that leaks fail."""
    with Simulator() as qq, BotClient(qq.app_id, qq.secret, environment=Environment.local(qq.url)) as client:
        for leak in (qq.secret, client.api._caller.token.get()):
            assert not secret_watch.take()
            if how == "message":
                logging.getLogger("qqbot_sync.http").debug("the secret is " + leak)
            elif how == "argument":
                GATEWAY.warning("%r", {"a": leak})
            else:
                GATEWAY.error("x", exc_info=ValueError(f"bad {leak}"))
            found = secret_watch.take()
            assert len(found) == 1
            assert "test_secrets.py" in found[0]
            assert leak not in found[0]
