"""What a line shows: its fields, the event it belongs to, and whatever people write, on any console."""

from __future__ import annotations

import io
import json
import logging
import re
import threading
from typing import Any

import pytest

from qqbot_sync import BotClient, Environment, Simulator, setup_logging
from qqbot_sync.logs import EventFields, JsonFormatter, about
from tests.logs.support import GATEWAY, MYBOT
from tests.support import eventually


def test_threads_and_source_are_shown_on_request() -> None:
    stream = io.StringIO()
    setup_logging("info", threads=True, source=True, stream=stream)
    GATEWAY.info("hello %s", "world")
    assert re.search(
        r"INFO    qqbot_sync.gateway \[- -\] \(MainThread\) test_lines\.py:\d+: hello world\n$", stream.getvalue()
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
    assert re.fullmatch(r"test_lines\.py:\d+", line.pop("source"))
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
    try:
        raise ValueError("no such dice\n2026-11-21 ERROR forged")
    except ValueError:
        GATEWAY.exception("%s", "hello\n2026-11-21 ERROR forged")
    head, *others = stream.getvalue().splitlines()[1:]
    assert head.endswith(": hello")
    assert others[0] == "  2026-11-21 ERROR forged"
    assert others[-1] == "  2026-11-21 ERROR forged"
    assert all(line.startswith("  ") for line in others)


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
    assert "test_lines.py" in said
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
