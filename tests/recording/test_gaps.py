"""What did not reach the handlers, and what did not reach the file."""

from __future__ import annotations

import logging
import threading
from pathlib import Path
from typing import Any

import pytest

from qqbot_sync import BotClient, Environment, MemoryStore, Simulator
from qqbot_sync.clock import SystemClock
from qqbot_sync.recording import read, tape
from qqbot_sync.recording.scrubbing import Scrubber
from qqbot_sync.recording.tape import Tape
from tests.client.clocks import LaterClock
from tests.client.memory import Held
from tests.recording.support import ready
from tests.support import eventually


def played(path: Path) -> list[str]:
    """What a replay says to the handlers."""
    again: list[str] = []
    player = BotClient(replay=str(path), replay_speed=float("inf"), max_age=0.0001)
    player.on_message(lambda ctx, message: again.append(message.content))
    player.run_forever(logging=False)
    return again


def test_an_event_that_made_room_for_another_is_not_played(tmp_path: Path, qq: Simulator) -> None:
    """With `drop_oldest` it is given up in the offer of another event."""
    path = tmp_path / "r.jsonl"
    environment = Environment.local(qq.url)
    client = BotClient(
        qq.app_id, qq.secret, environment=environment, record=str(path), workers=1, queue_size=2, overflow="drop_oldest"
    )
    slow = Held(client)

    with client:
        qq.say("小明", "group", "0")
        assert slow.begun.wait(20)
        for number in range(1, 6):
            qq.say("小明", "group", str(number))
        eventually(lambda: client.metrics.snapshot().events_dropped == 3)
        slow.go_on.set()
        eventually(lambda: len(slow.handled) == 3)
    assert sorted(read(path).verdicts.values()) == ["dropped"] * 3
    assert played(path) == slow.handled


def test_an_event_that_was_too_old_is_not_played(tmp_path: Path, qq: Simulator) -> None:
    """And one that was in time is played, however the time of the replay goes."""
    path = tmp_path / "r.jsonl"
    clock = LaterClock()
    environment = Environment.local(qq.url)
    client = BotClient(
        qq.app_id, qq.secret, environment=environment, record=str(path), workers=1, max_age=300, clock=clock
    )
    slow = Held(client)

    with client:
        qq.say("小明", "group", "0")
        assert slow.begun.wait(20)
        for number in range(1, 4):
            qq.say("小明", "group", str(number))
        eventually(lambda: client.queue_depth == 3)
        clock.passed = 301.0
        slow.go_on.set()
        eventually(lambda: client.metrics.snapshot().events_expired == 3)
    assert sorted(read(path).verdicts.values()) == ["dropped"] * 3
    assert played(path) == slow.handled == ["0"]


def test_a_run_that_cannot_be_made_leaves_no_tape_open(tmp_path: Path, qq: Simulator) -> None:
    class Broken(MemoryStore):
        def open(self, *args: Any, **options: Any) -> Any:
            raise OSError("no store today")

    client = BotClient(
        qq.app_id, qq.secret, environment=Environment.local(qq.url), record=str(tmp_path / "r"), store=Broken()
    )
    with pytest.raises(OSError, match="no store today"):
        client.start()
    assert "qqbot-recorder" not in {thread.name for thread in threading.enumerate()}
    assert read(tmp_path / "r").is_whole


def test_a_client_that_only_calls_the_api_ends_its_recording_with_stop(tmp_path: Path, qq: Simulator) -> None:
    path = tmp_path / "r.jsonl"
    client = BotClient(qq.app_id, qq.secret, environment=Environment.local(qq.url), record=str(path))
    client.api.me()
    client.stop()
    assert "qqbot-recorder" not in {thread.name for thread in threading.enumerate()}
    recording = read(path)
    assert recording.is_whole
    assert [exchange.call.path for exchange in recording.exchanges] == ["/users/@me"]
    with client:
        assert client.is_connected(), "the same client starts all the same, with a file of its own"
    assert not recording.events
    assert read(tmp_path / "r-2.jsonl").events


class Slow(Scrubber):
    """A disk that takes its time."""

    def __init__(self) -> None:
        super().__init__()
        self.inside, self.gate = threading.Event(), threading.Event()

    def json(self, value: Any) -> Any:
        self.inside.set()
        assert self.gate.wait(20)
        return super().json(value)


def test_a_slow_disk_gets_its_end_after_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Where there was no room for the last word, the file is ended once everything is written, and the thread too."""
    monkeypatch.setattr(tape, "JOIN_TIMEOUT", 0.01)
    monkeypatch.setattr(tape, "LOOK", 0.01)
    slow = Slow()
    made = Tape(tmp_path / "r", app_id="1", api_url="u", scrubber=slow, clock=SystemClock(), size=1)
    made.event(0.0, (0, 1), ready(), redelivered=False)
    assert slow.inside.wait(20)
    made.mark("done", 1)
    made.close()
    assert "the disk is too slow" in caplog.text
    slow.gate.set()
    made._thread.join(20)
    assert not made._thread.is_alive()
    assert read(tmp_path / "r").is_whole


def test_a_recording_that_has_given_up_does_not_hold_up_the_end(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Its queue is full and nobody empties it any more; that was said already."""

    class Full:
        def write(self, data: bytes, /) -> int:
            raise OSError(28, "No space left on device")

        def flush(self) -> None: ...

        def close(self) -> None: ...

    made = Tape(tmp_path / "r", app_id="1", api_url="u", scrubber=Scrubber(), clock=SystemClock(), size=1)
    made._file = Full()
    made.mark("done", 1)
    made._thread.join(20)
    made._queue.put(None)
    made.close()
    assert [record.levelno for record in caplog.records] == [logging.ERROR]
