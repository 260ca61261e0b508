"""Nothing is said twice: repeats are counted, and the count is written in the end."""

from __future__ import annotations

import io
import json
import logging
import os
import subprocess
import sys
from collections.abc import Callable

import pytest

from qqbot_sync import setup_logging
from qqbot_sync.dispatch import Dispatcher, Router
from qqbot_sync.logs import about
from tests.logs.support import GATEWAY, MYBOT, Clock
from tests.support import FakeClock, eventually

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

    assert fail(ValueError("line 12"), "EVENT:abc") == ["  ValueError: line 12"]
    assert fail(ValueError("line 13"), "EVENT:xyz") == []
    assert fail(KeyError("line"), "EVENT:xyz") == ["  KeyError: 'line'"]
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
