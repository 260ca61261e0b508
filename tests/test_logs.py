"""The log: what is said where, what a line shows, what none may show, and that nothing is said twice."""

from __future__ import annotations

import inspect
import io
import json
import logging
import os
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import qqbot_sync
from qqbot_sync import BotClient, Environment, GatewayConfig, Simulator, setup_logging
from qqbot_sync.dispatch import Dispatcher, Router
from qqbot_sync.logs import (
    AREAS,
    LEVELS,
    EventFields,
    JsonFormatter,
    LogHandler,
    Payload,
    TextFormatter,
    about,
    blank,
    confide,
    log_to_stderr,
    read_spec,
)
from qqbot_sync.logs import setup as logs_setup
from tests.secret_watch import SecretWatch
from tests.support import FakeClock, eventually

OURS = logging.getLogger("qqbot_sync")
GATEWAY = logging.getLogger("qqbot_sync.gateway")
MYBOT = logging.getLogger("mybot")


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    """Loggers are the process's: every test leaves them as it found them."""
    loggers = [OURS, MYBOT, *(logging.getLogger(f"qqbot_sync.{area}") for area in AREAS)]
    state = [(logger, logger.level, list(logger.handlers), logger.propagate) for logger in loggers]
    yield
    for logger, level, handlers, propagate in state:
        logger.setLevel(level)
        logger.propagate = propagate
        for handler in logger.handlers[:]:
            if handler not in handlers:
                logger.removeHandler(handler)
                handler.close()


@pytest.fixture
def nobody_configured(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a plain script: no handler anywhere, no level set. (Those of pytest and of the suite do not count.)"""
    monkeypatch.setattr(OURS, "hasHandlers", lambda: bool(our_handlers()))
    for logger in (OURS, *(logging.getLogger(f"qqbot_sync.{area}") for area in AREAS)):
        logger.setLevel(logging.NOTSET)


def our_handlers() -> list[logging.Handler]:
    return [handler for handler in OURS.handlers if isinstance(handler, LogHandler)]


class Clock:
    """Seconds to turn by hand."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def now(self) -> float:
        return self.seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()

    class Turned(LogHandler):
        def __init__(self) -> None:
            super().__init__(now=clock.now)

    monkeypatch.setattr(logs_setup, "LogHandler", Turned)
    return clock


# -- what is said where ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("spec", "others", "areas"),
    [
        ("", "INFO", {}),
        ("debug", "DEBUG", {}),
        (logging.WARNING, "WARNING", {}),
        ("gateway=debug,dispatch=info", "INFO", {"gateway": 10, "dispatch": 20}),
        ("warning,http=debug", "WARNING", {"http": 10}),
        (" Warning ; qqbot_sync.http = DEBUG\n", "WARNING", {"http": 10}),
        ("qqbot_sync::gateway=debug", "INFO", {"gateway": 10}),
        ("qqbot_sync=error, simulator=off", "ERROR", {"simulator": 60}),
        ("http=debug,http=error", "INFO", {"http": 40}),
        ("warn,all=fatal", "CRITICAL", {}),
    ],
)
def test_a_spec_is_read(spec: str | int, others: str, areas: dict[str, int]) -> None:
    levels = read_spec(spec)
    assert (logging.getLevelName(levels.others), levels.areas) == (others, areas)


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ("gatway=debug", "'gateway'"),
        ("dispatcher=info", "'dispatch'"),
        ("gateway=debgu", "'debug'"),
        ("inf", "'info'"),
        ("gateway", "gateway=debug"),
        ("gateway=", "'gateway='"),
        ("http=42", "critical"),
    ],
)
def test_a_spec_with_a_typo_names_what_was_meant(spec: str, said: str) -> None:
    with pytest.raises(ValueError) as caught:
        setup_logging(spec)
    assert said in str(caught.value)
    assert not our_handlers(), "nothing was set up"


def test_a_spec_of_another_type_is_refused() -> None:
    with pytest.raises(TypeError, match="gateway=debug"):
        setup_logging({"gateway": "debug"})  # type: ignore[arg-type]


def test_areas_get_their_levels_and_a_second_call_forgets_those_of_the_first() -> None:
    setup_logging("warning,gateway=debug")
    assert [GATEWAY.getEffectiveLevel(), logging.getLogger("qqbot_sync.http").getEffectiveLevel()] == [10, 30]
    setup_logging("http=error")
    assert [GATEWAY.getEffectiveLevel(), logging.getLogger("qqbot_sync.http").getEffectiveLevel()] == [20, 40]


def test_a_second_call_changes_the_one_handler_and_doubles_no_line() -> None:
    root, foreign = logging.getLogger().handlers[:], OURS.handlers[:]
    first, second = io.StringIO(), io.StringIO()
    handler = setup_logging("info", stream=first)
    MYBOT.addHandler(handler)
    assert setup_logging("info", json=True, stream=second) is handler
    MYBOT.addHandler(setup_logging("info", json=True, stream=second))
    MYBOT.setLevel(logging.INFO)
    GATEWAY.info("once")
    MYBOT.info("once, too")
    assert not first.getvalue()
    assert [json.loads(line)["message"] for line in second.getvalue().splitlines()] == ["once", "once, too"]
    assert logging.getLogger().handlers == root
    assert [one for one in OURS.handlers if one is not handler] == foreign


def test_a_handler_of_an_earlier_import_is_replaced() -> None:
    """As a notebook with autoreload leaves one behind, whose class is another."""
    old = logging.StreamHandler(io.StringIO())
    old.name = "qqbot_sync"
    OURS.addHandler(old)
    new = setup_logging("info", stream=io.StringIO())
    assert old not in OURS.handlers
    assert new in OURS.handlers


def test_the_environment_variable_is_the_default_of_the_spec(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QQ_BOT_LOG", "error,http=debug")
    setup_logging()
    assert [GATEWAY.getEffectiveLevel(), logging.getLogger("qqbot_sync.http").level] == [40, 10]
    setup_logging("info")
    assert GATEWAY.getEffectiveLevel() == 20, "what the program says goes first"
    monkeypatch.setenv("QQ_BOT_LOG", "eror")
    with pytest.raises(ValueError, match=r"QQ_BOT_LOG: .*'error'"):
        setup_logging()


# -- where nothing is configured ------------------------------------------------------------------------------------


@pytest.mark.usefixtures("nobody_configured")
class TestWithoutConfiguration:
    def test_it_goes_to_stderr_once(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert log_to_stderr()
        assert not log_to_stderr()
        GATEWAY.info("shard 0: READY")
        GATEWAY.debug("not this")
        assert re.fullmatch(
            r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} INFO    qqbot_sync.gateway: shard 0: READY\n",
            capsys.readouterr().err,
        )

    def test_levels_of_the_program_stay(self) -> None:
        GATEWAY.setLevel(logging.DEBUG)
        OURS.setLevel(logging.ERROR)
        log_to_stderr()
        assert (GATEWAY.level, OURS.level) == (logging.DEBUG, logging.ERROR)

    def test_the_variable_says_what_is_logged(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("QQ_BOT_LOG", "gateway=debug")
        log_to_stderr(logging.WARNING)
        assert (GATEWAY.level, OURS.level) == (logging.DEBUG, logging.WARNING)

    def test_setting_up_afterwards_takes_the_handler_over(self) -> None:
        log_to_stderr()
        stream = io.StringIO()
        setup_logging("info", stream=stream)
        GATEWAY.info("hello")
        assert stream.getvalue().count("hello") == 1
        assert len(our_handlers()) == 1

    def test_debug_logging_shows_what_a_started_client_does(self, capsys: pytest.CaptureFixture[str]) -> None:
        with Simulator() as qq:
            config = GatewayConfig(debug_logging=True)
            with BotClient(qq.app_id, qq.secret, environment=Environment.local(qq.url), config=config):
                pass
            said = capsys.readouterr().err
        assert "DEBUG   qqbot_sync.gateway: > {" in said
        assert "READY" in said
        assert qq.secret not in said

    def test_without_it_a_started_client_configures_nothing(self) -> None:
        with Simulator() as qq, BotClient(qq.app_id, qq.secret, environment=Environment.local(qq.url)):
            assert not our_handlers()


# -- what a line shows ----------------------------------------------------------------------------------------------


def test_threads_and_source_are_shown_on_request() -> None:
    stream = io.StringIO()
    setup_logging("info", threads=True, source=True, stream=stream)
    GATEWAY.info("hello %s", "world")
    assert re.search(
        r"INFO    qqbot_sync.gateway \[- -\] \(MainThread\) test_logs\.py:\d+: hello world\n$", stream.getvalue()
    )


def test_json_is_one_object_a_line() -> None:
    stream = io.StringIO()
    setup_logging("info", threads=True, source=True, json=True, stream=stream)
    with about((3, 16)):
        try:
            raise ValueError("two\nlines")
        except ValueError:
            GATEWAY.exception("a\nb %s", "你")
    line = json.loads(stream.getvalue())
    assert stream.getvalue().count("\n") == 1
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line.pop("time"))
    assert line.pop("exception").endswith("ValueError: two\nlines")
    assert re.fullmatch(r"test_logs\.py:\d+", line.pop("source"))
    assert line.pop("message") == "a\nb 你"
    assert line == {
        "level": "ERROR",
        "logger": "qqbot_sync.gateway",
        "shard": [3, 16],
        "event_id": None,
        "thread": "MainThread",
    }


def test_half_a_character_is_written_somehow() -> None:
    """A lone surrogate, as a platform that cuts texts may send one, is no UTF-8."""
    record = logging.LogRecord("mybot", 20, "f.py", 1, "\ud800 hello", (), None)
    assert json.loads(JsonFormatter().format(record).encode())["message"].endswith(" hello")
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="utf-8")
    setup_logging("info", stream=stream).handle(record)
    stream.flush()
    assert raw.getvalue().endswith(b"? hello\n")


def test_an_event_is_named_in_its_handlers_lines_and_in_no_other() -> None:
    """In this package's, and in the user's own, where they go through our handler or carry our fields."""
    stream, foreign = io.StringIO(), io.StringIO()
    MYBOT.addHandler(setup_logging("info", json=True, stream=stream))
    theirs = logging.StreamHandler(foreign)
    theirs.addFilter(EventFields())
    theirs.setFormatter(logging.Formatter("%(shard)s %(event_id)s %(message)s"))
    MYBOT.addHandler(theirs)
    MYBOT.setLevel(logging.INFO)
    ids: list[str | None] = []
    with Simulator() as qq:
        client = BotClient(qq.app_id, qq.secret, environment=Environment.local(qq.url), shards=2)

        @client.on_message()
        def answer(ctx: Any, message: Any) -> None:
            ids.append(ctx.event_id)
            MYBOT.info("mine %s", message.content)
            raise ValueError("theirs")

        with client:
            for text in ("one", "two"):
                qq.say("小明", "group", text)
            qq.push("GUILD_CREATE", {"id": "1"}, id="GUILD_CREATE:77")
            eventually(lambda: client.metrics.snapshot().events_failed == 2)
            MYBOT.info("outside")
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    mine = [(line["shard"], line["event_id"]) for line in lines if line["message"].startswith("mine")]
    assert mine == [([0, 2], ids[0]), ([0, 2], ids[1])]
    assert all(ids)
    assert foreign.getvalue().splitlines() == [f"0/2 {ids[0]} mine one", f"0/2 {ids[1]} mine two", "- - outside"]
    failed = next(line for line in lines if "failed on" in line["message"])
    assert (failed["shard"], failed["event_id"]) == ([0, 2], ids[0])
    assert sorted(line["shard"] for line in lines if line["message"].endswith(": READY")) == [[0, 2], [1, 2]]


def test_a_readers_lines_name_their_frame() -> None:
    stream = io.StringIO()
    setup_logging("info", json=True, stream=stream)
    with Simulator() as qq:
        client = BotClient(qq.app_id, qq.secret, environment=Environment.local(qq.url))
        client.on("GROUP_AT_MESSAGE_CREATE")(lambda ctx, message: None)
        with client:
            qq.push("C2C_MESSAGE_CREATE", {"id": "1", "content": "hello"}, id="C2C_MESSAGE_CREATE:5")
            eventually(lambda: "C2C_MESSAGE_CREATE" in stream.getvalue())
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    unheard = next(line for line in lines if "nobody handles" in line["message"])
    assert (unheard["shard"], unheard["event_id"]) == ([0, 1], "C2C_MESSAGE_CREATE:5")


def test_fields_of_the_record_itself_win() -> None:
    stream = io.StringIO()
    setup_logging("info", stream=stream)
    with about((1, 4)):
        GATEWAY.info("hello", extra={"event_id": "mine"})
    assert "[1/4 mine]" in stream.getvalue()


def test_a_line_cannot_be_forged_by_what_people_write() -> None:
    stream = io.StringIO()
    setup_logging("info", stream=stream)
    GATEWAY.info("%s", "a\rb\x1b[2Jc\u2028d")
    assert stream.getvalue().endswith(": a\\x0db\\x1b[2Jc\\x2028d\n")


@pytest.mark.parametrize("encoding", ["gbk", "ascii", "cp1252"])
def test_no_character_is_too_odd_for_a_console(encoding: str) -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding=encoding)
    setup_logging("info", stream=stream)
    GATEWAY.info("你好 ✓ 🎉")
    GATEWAY.info("after")
    stream.flush()
    first, second = raw.getvalue().decode(encoding).splitlines()
    assert re.search(r": (你好|\?\?) [✓?] [🎉?]$", first)
    assert second.endswith(": after")


class Rude:
    def __str__(self) -> str:
        raise RuntimeError("no")


@pytest.mark.parametrize("args", [("a", "b"), (Rude(),), ()], ids=["too many", "rude", "none"])
def test_a_record_whose_arguments_do_not_fit_is_written_all_the_same(args: tuple[Any, ...]) -> None:
    stream = io.StringIO()
    handler = setup_logging("info", stream=stream)
    handler.handle(logging.LogRecord("qqbot_sync.gateway", 30, "f.py", 1, "hello %s", args, None))
    assert "hello %s" in stream.getvalue()


def test_a_stream_that_fails_harms_nobody_and_shows_no_argument(capsys: pytest.CaptureFixture[str]) -> None:
    class Broken(io.StringIO):
        def write(self, text: str) -> int:
            raise OSError("no space left")

    setup_logging("info", stream=Broken())
    GATEWAY.info("hello %s", "argument")
    said = capsys.readouterr().err
    assert "no space left" in said
    assert "test_logs.py" in said
    assert "argument" not in said


def test_lines_of_many_threads_stay_whole() -> None:
    stream = io.StringIO()
    setup_logging("info", collapse=None, stream=stream)

    def speak(number: int) -> None:
        for line in range(50):
            GATEWAY.info("%s-%s-end", number, line)

    threads = [threading.Thread(target=speak, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(re.findall(r"(?m): \d-\d+-end$", stream.getvalue())) == 200


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
            assert "test_logs.py" in found[0]
            assert leak not in found[0]


# -- repeats --------------------------------------------------------------------------------------------------------

Say = Callable[..., list[str]]


@pytest.fixture
def say(clock: Clock) -> Say:
    """Logs, and returns the lines that were written because of it, without their heads."""
    stream = io.StringIO()
    setup_logging("debug", stream=stream)

    def log(text: str, *args: object, logger: logging.Logger = GATEWAY, level: int = logging.WARNING) -> list[str]:
        before = len(stream.getvalue())
        logger.log(level, text, *args)
        return [line.split("]: ", 1)[1] for line in stream.getvalue()[before:].splitlines()]

    log.stream = stream  # type: ignore[attr-defined]
    return log


def test_a_repeat_is_counted_and_the_first_written_at_once(say: Say, clock: Clock) -> None:
    assert say("cannot connect, attempt %s in %.1f s", 1, 2.5) == ["cannot connect, attempt 1 in 2.5 s"]
    for number in range(37):
        clock.seconds += 0.2
        assert say("cannot connect, attempt %s in %.1f s", number + 2, 7.25) == []
    clock.seconds += 5
    assert say("other") == [
        "(重复 37 次 / repeated 37 times) cannot connect, attempt 38 in 7.2 s",
        "other",
    ]
    assert say("cannot connect, attempt %s in %.1f s", 39, 1) == ["cannot connect, attempt 39 in 1.0 s"], "a new window"


def test_words_that_differ_are_written_up_to_a_few(say: Say, clock: Clock) -> None:
    written = [say("POST %s failed", f"/{letter}") for letter in "abcdefgh"]
    assert written == [[f"POST /{letter} failed"] for letter in "abcde"] + [[]] * 3
    clock.seconds += 11
    assert say("other") == ["(重复 3 次 / repeated 3 times) POST /h failed", "other"]


def test_steps_that_alternate_are_all_written(say: Say) -> None:
    """A line that flaps: every "lost" and every "back" of a shard is news."""
    with about((0, 2)):
        for _ in range(3):
            assert say("shard %s: lost", 0) == ["shard 0: lost"]
            assert say("shard %s: back", 0, level=logging.INFO) == ["shard 0: back"]
        assert say("shard %s: back", 0, level=logging.INFO) == []
        assert say("shard %s: lost", 0) == ["(重复 1 次 / repeated 1 times) shard 0: back", "shard 0: lost"]
    with about((1, 2)):
        assert say("shard %s: lost", 1) == ["shard 1: lost"], "another shard says it for the first time"


def test_debug_lines_and_those_of_others_are_left_alone(say: Say) -> None:
    MYBOT.setLevel(logging.INFO)
    MYBOT.addHandler(setup_logging("debug", stream=say.stream))  # type: ignore[attr-defined]
    for number in range(10):
        assert say("frame %s", number, level=logging.DEBUG) == [f"frame {number}"]
        assert say("got %s", number, logger=MYBOT, level=logging.INFO) == [f"got {number}"]


def test_errors_of_one_kind_are_one_and_of_another_two(say: Say, clock: Clock) -> None:
    def fail(error: Exception, event_id: str) -> list[str]:
        try:
            raise error
        except Exception:
            logged = say.stream.getvalue()  # type: ignore[attr-defined]
            GATEWAY.error("failed on %s", event_id, exc_info=True, extra={"event_id": event_id})
            return say.stream.getvalue()[len(logged) :].splitlines()[-1:]  # type: ignore[attr-defined, no-any-return]

    assert fail(ValueError("line 12"), "EVENT:abc") == ["ValueError: line 12"]
    assert fail(ValueError("line 13"), "EVENT:xyz") == []
    assert fail(KeyError("line"), "EVENT:xyz") == ["KeyError: 'line'"]
    clock.seconds += 11
    sums = say("other")
    assert sums == ["(重复 1 次 / repeated 1 times) failed on EVENT:xyz", "other"], "without a second traceback"


def test_what_was_held_back_is_written_when_its_time_has_come(clock: Clock) -> None:
    """The watchdog of a running client asks for it each second, so that silence afterwards hides nothing."""
    stream, turned = io.StringIO(), FakeClock()
    setup_logging("info", stream=stream)
    dispatcher = Dispatcher(Router(), context=lambda event: None, clock=turned)
    dispatcher.start()
    try:
        GATEWAY.warning("x")
        GATEWAY.warning("x")
        clock.seconds += 11

        def is_written() -> bool:
            turned.advance(1)
            return stream.getvalue().endswith("(重复 1 次 / repeated 1 times) x\n")

        eventually(is_written)
    finally:
        dispatcher.stop()


def test_a_new_set_up_writes_what_the_old_one_held_back(say: Say) -> None:
    say("x")
    say("x")
    setup_logging("info", stream=io.StringIO())
    assert say.stream.getvalue().endswith("(重复 1 次 / repeated 1 times) x\n")  # type: ignore[attr-defined]


def test_in_json_the_count_is_a_number(clock: Clock) -> None:
    stream = io.StringIO()
    handler = setup_logging("info", json=True, stream=stream)
    for _ in range(3):
        GATEWAY.warning("x")
    handler.close()
    assert [json.loads(line).get("repeated") for line in stream.getvalue().splitlines()] == [None, 2]


def test_nothing_that_was_held_back_is_lost_at_the_exit() -> None:
    script = (
        "import logging, qqbot_sync\n"
        "qqbot_sync.setup_logging('info', source=True)\n"
        "for n in range(38): logging.getLogger('qqbot_sync.http').warning('hello %s', n)\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        env={**os.environ, "PYTHONIOENCODING": "utf-8"},
        encoding="utf-8",
        timeout=60,
        check=True,
    )
    first, last = ended.stderr.splitlines()
    assert first.endswith(": hello 0")
    assert last.endswith("(重复 37 次 / repeated 37 times) hello 37")


def test_importing_configures_nothing() -> None:
    script = "import logging, qqbot_sync; l = logging.getLogger('qqbot_sync'); assert not l.handlers and not l.level"
    subprocess.run([sys.executable, "-c", script], timeout=60, check=True)
    assert qqbot_sync.setup_logging is setup_logging


# -- the page -------------------------------------------------------------------------------------------------------


def test_the_page_is_true(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its code runs, and it names every area, level and argument there is."""
    page = (Path(__file__).parents[1] / "docs" / "logging.md").read_text(encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(logging, "raiseExceptions", True)
    for block in re.findall(r"(?ms)^```python\n(.*?)^```", page):
        exec(compile(block, "logging.md", "exec"), {})
    for area in AREAS:
        assert f"`qqbot_sync.{area}`" in page
    for level in LEVELS:
        assert f'`"{level}"`' in page
    for argument in inspect.signature(setup_logging).parameters:
        assert argument == "spec" or f"`{argument}=" in page
    for key in re.findall(r'line\["(\w+)"\]|^ {12}"(\w+)":', inspect.getsource(JsonFormatter.format), re.M):
        assert f"`{key[0] or key[1]}`" in page
