"""Files: what is written, what is found again, and what is said of a file that was cut off or is none at all."""

from __future__ import annotations

import gzip
import json
import logging
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from qqbot_sync import Simulator
from qqbot_sync.api.http import NotSent, Response, Unknown
from qqbot_sync.clock import SystemClock
from qqbot_sync.recording import Recording, UnreadableRecording, read
from qqbot_sync.recording.exchange import Call, Exchange
from qqbot_sync.recording.scrubbing import Scrubber
from qqbot_sync.recording.steps import VERSION, EventStep, Lost, Mark, step_from_json
from qqbot_sync.recording.tape import Tape, free_path
from tests.recording.support import handmade, message, ready, unreadable
from tests.support import FakeClock, eventually

SEND = Call("POST", "/v2/users/A/messages", {"content": "hi", "msg_id": "message-2", "msg_seq": 1})
ANSWER = Response(200, {}, b'{"id":"sent-1"}')


def small(path: Path) -> Path:
    """A recording of one session, with an answer and a lost one."""
    events = ((0.0, ready()), (1.0, message("你好", s=2)), (2.5, message("again", s=3)))
    return handmade(path, *events, calls=((SEND, ANSWER), (SEND, Unknown("reset"))))


def test_what_was_written_is_found_again(tmp_path: Path) -> None:
    """Offsets, frames, shards, calls, answers and failures."""
    recording = read(small(tmp_path / "r.jsonl"))
    assert recording.is_whole
    assert recording.header.app_id == "1024"
    assert [(step.t, step.number, step.shard) for step in recording.events] == [
        (0.0, 1, (0, 1)),
        (1.0, 2, (0, 1)),
        (2.5, 3, (0, 1)),
    ]
    assert json.loads(recording.events[1].frame) == json.loads(message("你好", s=2))
    first, second = recording.exchanges
    assert first.call == SEND
    assert first.outcome() == ANSWER
    with pytest.raises(Unknown, match="reset"):
        second.outcome()
    assert recording.duration == 2.5


def test_a_name_that_ends_in_gz_is_compressed(tmp_path: Path) -> None:
    """And read as any other."""
    plain, packed = small(tmp_path / "r.jsonl"), small(tmp_path / "r.jsonl.gz")
    assert gzip.decompress(packed.read_bytes()).splitlines()[1:] == plain.read_bytes().splitlines()[1:]
    assert read(packed).steps == read(plain).steps


@pytest.mark.parametrize("name", ["r.jsonl", "r.jsonl.gz"])
def test_a_file_cut_anywhere_is_one_line_and_its_whole_records_are_usable(tmp_path: Path, name: str) -> None:
    """The line says how much is whole and how to play it; with `partial` exactly that is there."""
    whole = small(tmp_path / name)
    data, everything = whole.read_bytes(), read(whole)
    cut = tmp_path / f"cut-{name}"
    counts = set()
    # Behind the last record there are a line end, or the sums of the compressor.
    end = len(data) - (1 if name.endswith("jsonl") else 12)
    ends = [place for place in range(end) if data[place : place + 1] == b"\n"]
    for size in sorted({*range(0, end, 7), *(each + near for each in ends for near in (0, 1, 2)), end - 1}):
        cut.write_bytes(data[:size])
        said = unreadable(cut)
        assert isinstance(said, str), size
        assert "\n" not in said
        assert str(cut) in said
        found = unreadable(cut, partial=True)
        if isinstance(found, str):
            assert "is no recording" in found or "is empty" in found
            continue
        assert not found.is_whole
        assert found.events == everything.events[: len(found.events)]
        assert f"{len(found.events)} events and {len(found.exchanges)} calls" in said
        assert "--partial" in said
        counts.add(len(found.events))
    # A compressor gives out nothing before the block is whole.
    assert counts >= ({0, 1, 2, 3} if name.endswith("jsonl") else {0})
    cut.write_bytes(data[:-1])
    assert isinstance(unreadable(cut), Recording)


def test_a_damaged_line_is_named(tmp_path: Path) -> None:
    """What stands before it is usable."""
    path = small(tmp_path / "r.jsonl")
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([*lines[:3], b'{"kind":"event","t":1}\n', *lines[4:]]))
    with pytest.raises(UnreadableRecording, match="line 4 is damaged"):
        read(path)
    assert len(read(path, partial=True).events) == 1


@pytest.mark.parametrize("content", [b"", b"print('a bot')\n", b"\x1f\x8bnothing", b"{}\n", b"[1]\n", b"\xff\xfe\x00"])
def test_a_file_that_is_no_recording_is_one_line(tmp_path: Path, content: bytes) -> None:
    """Nothing in it can be used."""
    path = tmp_path / "r.jsonl"
    path.write_bytes(content)
    for is_partial in (False, True):
        said = unreadable(path, partial=is_partial)
        assert isinstance(said, str)
        assert "\n" not in said
        assert "no recording" in said


def test_a_newer_format_asks_for_an_upgrade(tmp_path: Path) -> None:
    """The line names both versions."""
    path = small(tmp_path / "r.jsonl")
    path.write_bytes(path.read_bytes().replace(b'"version":1', f'"version":{VERSION + 1}'.encode(), 1))
    with pytest.raises(UnreadableRecording, match="upgrade qqbot_sync"):
        read(path)


def test_what_a_later_version_adds_is_passed_over(tmp_path: Path) -> None:
    """A kind that is not known here does no harm."""
    path = small(tmp_path / "r.jsonl")
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([lines[0], b'{"kind":"weather","t":0.5}\n', *lines[1:]]))
    assert len(read(path).events) == 3


@pytest.mark.parametrize(
    "frame",
    [
        b'{"op":0,"s":2,"t":"X","d":{"content":"\xff\xfe bad"}}',
        b'{"op":0,"s":2,"t":"X","d":{"content":"\\ud800 alone","n":123456789012345678901234567890}}',
        b'{"op":0,"s":2,"t":"X","d":' + b"[" * 500 + b"]" * 500 + b"}",
        b'{"op":0,"s":2,"t":"X",\n "d":{"x":1e400}}',
    ],
)
def test_odd_frames_are_kept(tmp_path: Path, frame: bytes) -> None:
    """As JSON where Python can read them, as bytes where it cannot; each in one line."""
    path = handmade(tmp_path / "r.jsonl", (0.0, ready()), (1.0, frame))
    assert len(path.read_bytes().splitlines()) == 6
    kept = read(path).events[1].frame
    if kept != frame:
        assert json.loads(kept) == json.loads(frame.decode(errors="replace"))


def test_steps_come_in_the_order_of_their_times(tmp_path: Path) -> None:
    """Threads that overtake each other on the way to the file do no harm."""
    tape = Tape(tmp_path / "r", app_id="1", api_url="u", scrubber=Scrubber(), clock=FakeClock())
    tape.mark("done", 2, when=1002.0)
    tape.mark("wait", 1, 1, when=1001.0)
    tape.close()
    assert read(tmp_path / "r").steps == [Mark(1.0, "wait", 1, 1), Mark(2.0, "done", 2)]


# -- the writer -------------------------------------------------------------------------------------------------------


def test_a_file_is_never_overwritten(tmp_path: Path) -> None:
    """The next free name beside it is taken."""
    for expected in ("r.jsonl.gz", "r-2.jsonl.gz", "r-3.jsonl.gz"):
        path = free_path(str(tmp_path / "r.jsonl.gz"))
        assert path.name == expected
        path.touch()


def test_what_is_too_much_is_counted_and_said_loudly(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The bot is not held up by a slow disk; the file tells where records are missing, and how many."""
    gate, inside = threading.Event(), threading.Event()

    class Slow(Scrubber):
        def json(self, value: Any) -> Any:
            inside.set()
            assert gate.wait(20)
            return super().json(value)

    tape = Tape(tmp_path / "r", app_id="1", api_url="u", scrubber=Slow(), clock=SystemClock(), size=3)
    tape.event(0.0, (0, 1), ready(), redelivered=False)
    assert inside.wait(20)
    for _ in range(10):
        tape.mark("done", 1)
    assert tape.counts[2] == 7
    assert "cannot keep up" in caplog.text
    gate.set()
    tape.close()
    recording = read(tmp_path / "r")
    assert recording.lost == 7
    assert any(isinstance(step, Lost) for step in recording.steps)


def test_a_disk_that_fails_ends_the_recording_and_not_the_bot(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Said once; what comes later is counted as lost."""
    tape = Tape(tmp_path / "r", app_id="1", api_url="u", scrubber=Scrubber(), clock=SystemClock())

    class Full:
        def write(self, data: bytes, /) -> int:
            raise OSError(28, "No space left on device")

        def flush(self) -> None: ...

        def close(self) -> None: ...

    tape._file = Full()
    tape.mark("done", 1)
    eventually(lambda: "the recording ends here" in caplog.text)
    tape.mark("done", 2)
    assert tape.counts[2] == 1
    tape.close()
    assert [record.levelno for record in caplog.records] == [logging.ERROR]
    assert read(tmp_path / "r", partial=True).steps == []


def test_each_record_is_on_the_disk_at_once(tmp_path: Path) -> None:
    """Long before the end of the recording."""
    tape = Tape(tmp_path / "r", app_id="1", api_url="u", scrubber=Scrubber(), clock=SystemClock())

    def is_written(count: int) -> bool:
        return len(read(tmp_path / "r", partial=True).steps) == count

    for number in range(1, 4):
        tape.mark("done", number)
        eventually(partial(is_written, number))
    tape.close()


BOT = """
from qqbot_sync import BotClient
client = BotClient()
client.on_message()(lambda ctx, message: ctx.reply("got " + message.content))
client.run_forever(logging=False)
"""


@pytest.mark.skipif(os.name == "nt", reason="there is no SIGKILL")
def test_a_bot_that_is_killed_leaves_what_it_had_heard(tmp_path: Path, qq: Simulator) -> None:
    """kill -9: the file has no end, and everything that was answered is in it."""
    path = tmp_path / "r.jsonl"
    environ = {
        **os.environ,
        "QQ_BOT_APP_ID": qq.app_id,
        "QQ_BOT_SECRET": qq.secret,
        "QQ_BOT_ENVIRONMENT": qq.url,
        "QQ_BOT_RECORD": str(path),
    }
    with subprocess.Popen([sys.executable, "-c", BOT], env=environ) as bot:
        try:
            eventually(lambda: any(entry["kind"] == "identified" for entry in qq.entries()))
            for number in range(5):
                assert qq.say("小明", "c2c", f"m{number}").replies(timeout=20)
            eventually(lambda: len(read(path, partial=True).exchanges) >= 6)
        finally:
            bot.send_signal(signal.SIGKILL)
    with pytest.raises(UnreadableRecording, match="its end is missing"):
        read(path)
    assert len(read(path, partial=True).events) == 6


# -- values -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "outcome",
    [
        Response(200, {"X-Tps-trace-ID": "abc", "Content-Type": "application/json"}, b'{"id":"1"}'),
        Response(204, {}, b""),
        Response(429, {"Retry-After": "3"}, b'{"code":22009,"message":"busy"}'),
        Response(502, {}, b"<html>bad gateway</html>"),
        Response(200, {}, b"\xff\x00\xfe"),
        Response(200, {}, b"null"),
        NotSent("refused"),
        Unknown("reset"),
    ],
)
def test_every_outcome_of_a_call_comes_back_as_it_was(outcome: Response | NotSent | Unknown) -> None:
    """Status, body, the headers that mean something; failures with their kind and words."""
    record = json.loads(json.dumps(Exchange.of(1.0, 0.5, SEND, outcome, Scrubber()).to_json()))
    found = step_from_json(record)
    assert isinstance(found, Exchange)
    assert (found.t, found.took, found.call) == (1.0, 0.5, SEND)
    if isinstance(outcome, Response):
        again = found.outcome()
        assert (again.status, again.body) == (outcome.status, outcome.body)
        for name in ("Retry-After", "x-tps-trace-id"):
            assert again.headers.get(name) == {k.lower(): v for k, v in outcome.headers.items()}.get(name.lower())
    else:
        with pytest.raises(type(outcome), match=str(outcome)):
            found.outcome()


def test_a_stale_connection_is_remembered() -> None:
    """What was tried again at once is tried again at once."""
    failure = Unknown("closed")
    failure.is_stale = True
    found = step_from_json(Exchange.of(0, 0, SEND, failure, Scrubber()).to_json())
    assert isinstance(found, Exchange)
    with pytest.raises(Unknown) as caught:
        found.outcome()
    assert caught.value.is_stale


@pytest.mark.parametrize(
    "record",
    [
        {"kind": "event", "t": 0, "n": 1, "shard": [0, 1]},
        {"kind": "event", "t": 0, "n": 1, "shard": [0], "frame": {"op": 0}},
        {"kind": "event", "t": 0, "n": 1, "shard": [0, 1], "frame_base64": "!"},
        {"kind": "event", "t": "soon", "n": 1, "shard": [0, 1], "frame": {"op": 0}},
        {"kind": "http", "t": 0, "took": 0, "method": "GET", "path": "/", "status": "fine"},
        {"kind": "http", "t": 0, "took": 0, "method": "GET", "path": "/", "status": 200, "answer_base64": "!"},
        {"kind": "wait", "t": 0, "n": 1},
        {"t": 0},
    ],
)
def test_a_record_with_something_wrong_is_refused(record: Mapping[str, Any]) -> None:
    """By an error that the reader knows."""
    with pytest.raises((KeyError, TypeError, ValueError)):
        step_from_json(record)


def test_a_frame_without_json_is_kept_as_bytes() -> None:
    """And scrubbed there, too."""
    step = EventStep(0.0, 1, (0, 1), b"no json with hunter22 in it")
    record = step.to_json(Scrubber("hunter22"))
    assert "frame" not in record
    import base64

    assert base64.b64decode(record["frame_base64"]) == b"no json with *** in it"
