"""Lines that are written later, by another thread, or about long texts: they show no more and hold nobody up."""

from __future__ import annotations

import io
import json
import logging
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace

import pytest

from qqbot_sync.logs import LogHandler, TextFormatter, confide, here, known_secrets
from qqbot_sync.logs.redaction import hide_texts
from qqbot_sync.logs.repeats import Repeats
from tests.support import FakeClock


@contextmanager
def at_event(text: str) -> Iterator[None]:
    """The calling thread handles an event in which somebody wrote this."""
    body = json.dumps({"content": text}).encode()
    here.what = SimpleNamespace(event=SimpleNamespace(shard=(0, 1), event_id="E", d=body))
    try:
        yield
    finally:
        here.what = None


@pytest.fixture
def handler() -> Iterator[tuple[LogHandler, FakeClock, io.StringIO]]:
    clock, out = FakeClock(), io.StringIO()
    made = LogHandler(now=clock.now)
    made.set_up(TextFormatter(texts=False), stream=out, collapse=10.0)
    logger = logging.getLogger("qqbot_sync.dispatch")
    logger.addHandler(made)
    yield made, clock, out
    logger.removeHandler(made)
    made.close()


def test_what_people_wrote_stays_hidden_in_a_line_that_stands_for_many(
    handler: tuple[LogHandler, FakeClock, io.StringIO],
) -> None:
    """It is written when the window closes, by a thread that is at no event."""
    made, clock, out = handler
    for number in ("13800001111", "13800002222"):
        with at_event(f"call {number}"):
            logging.getLogger("qqbot_sync.dispatch").error("cannot parse %s", f"call {number}")
    clock.advance(11.0)
    made.catch_up()
    assert "repeated 1 times" in out.getvalue()
    assert "1380000" not in out.getvalue()


def test_a_secret_stays_hidden_when_whoever_knew_it_is_gone_by_then(
    handler: tuple[LogHandler, FakeClock, io.StringIO],
) -> None:
    made, clock, out = handler

    class Holder:
        def secrets(self) -> tuple[str, ...]:
            return ("s3cr3t-of-a-client",)

    holder = Holder()
    confide(holder)
    for _ in range(2):
        logging.getLogger("qqbot_sync.dispatch").error("it said s3cr3t-of-a-client")
    del holder
    assert "s3cr3t-of-a-client" not in known_secrets()
    clock.advance(11.0)
    made.catch_up()
    assert "repeated 1 times" in out.getvalue()
    assert "s3cr3t" not in out.getvalue()


@pytest.mark.parametrize("show", [str, repr, json.dumps, lambda text: json.dumps(text, ensure_ascii=False)])
def test_a_text_is_hidden_in_whatever_form_a_line_shows_it(show: object) -> None:
    """As the argument of a KeyError, say, a line break is two characters."""
    assert callable(show)
    text = 'my "private"\nline'
    shown = hide_texts(f"failed: {show(text)}", json.dumps({"content": text}).encode())
    assert "private" not in shown
    assert f"({len(text)} characters)" in shown


LONG = """
import logging
from qqbot_sync.logs.repeats import Repeats
record = logging.LogRecord("qqbot_sync.client", logging.ERROR, "f", 1, "%s", ("a" * 2_000_000,), None)
assert Repeats(10.0).take(record, 0.0).is_new
"""


def test_a_long_text_without_digits_does_not_hold_up_everybody_who_logs() -> None:
    """Where every start of a match looked through all the rest, this would take hours, under the handler's lock."""
    # A process of its own: the search holds the interpreter, so that nothing here could give it up.
    subprocess.run([sys.executable, "-c", LONG], check=True, timeout=30)


def test_long_ids_are_one_and_the_same_and_long_words_are_not() -> None:
    repeats = Repeats(10.0)

    def is_new(text: str) -> bool:
        return repeats.take(logging.LogRecord("qqbot_sync.client", 40, __file__, 1, "%s", (text,), None), 0.0).is_new

    assert is_new("lost ROBOT1.0_abcdefgh")
    assert not is_new("lost ROBOT1.0_ijklmnop")
    assert is_new("lost extraordinarily")
    assert is_new("lost unconditionally")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_child_that_is_forked_while_a_client_is_made_can_write_its_log() -> None:
    """The lock that another thread held at that moment is held for ever in the child."""
    confide(holder := Holder())
    confidants = [one for one in logging.getLogger("qqbot_sync").filters if hasattr(one, "values")]
    with confidants[0]._lock:  # type: ignore[union-attr]
        child = os.fork()
        if child == 0:
            reading = threading.Thread(target=known_secrets, daemon=True)
            reading.start()
            reading.join(20)
            os._exit(1 if reading.is_alive() else 0)
        _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    assert holder.secrets()[0] in known_secrets()


class Holder:
    """Knows one."""

    def secrets(self) -> tuple[str, ...]:
        return ("known-to-somebody",)
