"""A session that was recorded, faults and all, is played back: the handlers see and do the same."""

from __future__ import annotations

import math
import threading
import time
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from qqbot_sync import BotClient, BotError, Context, Environment, Intents, Simulator
from qqbot_sync.recording import NotRecorded, UnreadableRecording, read
from qqbot_sync.store import SqliteStore
from tests.recording.support import handmade, keep_diary, message, ready, record, replay, reports
from tests.support import FakeClock, eventually

PLACES = ("group", "c2c", "channel")


def faults(qq: Simulator) -> Any:
    """A play with every kind of fault in it, several authors, answers in time and none."""

    def play(client: BotClient) -> None:
        def everybody(text: str) -> None:
            for number in range(6):
                qq.say(f"p{number}", PLACES[number % 3], f"{text} {number}")

        everybody("hello")
        asked = qq.say("小明", "group", "ask")
        assert asked.replies(timeout=10)
        qq.say("小明", "group", "Ann")
        qq.duplicate(3)
        everybody("twice")
        qq.drop()
        everybody("while it was down")
        assert qq.say("老周", "c2c", "wait").replies(timeout=10)
        qq.fail_http(500, times=2, path="/v2/")
        qq.lose_answer(times=2, path="/v2/")
        everybody("failing")
        # What comes at once is an answer or not, as it happens; the second question is never answered.
        qq.say("小美", "c2c", "ask")
        qq.say("小美", "c2c", "at once")
        assert qq.say("老王", "c2c", "ask").replies(timeout=10)
        qq.invalidate()
        qq.reorder(4, within=0.05)
        eventually(lambda: client.metrics.snapshot().identifies >= 2)
        everybody("anew")
        qq.garbage("json")
        qq.say("阿雅", "c2c", "the signal").replies(timeout=10)
        qq.reconnect()
        everybody("at last")

    return play


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """One recorded session with its diary."""
    path = tmp_path_factory.mktemp("session") / "session.jsonl"
    with Simulator() as qq:
        return path, record(qq, path, faults(qq))


def test_a_session_with_faults_gives_the_same_handler_calls_twice(session: tuple[Path, dict[str, Any]]) -> None:
    """Same events, texts, answers and replies; every recorded call is made, and no other."""
    path, before = session
    said = [step for steps in before.values() for step in steps]
    assert {"said", "answered", "found", "sent", "TimeoutError"} <= {str(step[3]) for step in said}
    for _ in range(2):
        diary, client = replay(path)
        assert diary == before
        report = reports(client)
        assert report.is_faithful, report
        assert report.failures == 0
        assert report.matched > 30


def test_a_fast_replay_gives_them_too(session: tuple[Path, dict[str, Any]]) -> None:
    """Twenty times as fast: no time-out of a handler runs out before it did in the recording."""
    path, before = session
    diary, client = replay(path, speed=20)
    assert diary == before
    assert reports(client).is_faithful


def test_faults_are_counted_as_they_were(session: tuple[Path, dict[str, Any]]) -> None:
    """Duplicates, new sessions and resumes show in the metrics of a replay."""
    _, client = replay(session[0])
    counted = client.metrics.snapshot()
    assert counted.events_deduplicated >= 3
    assert counted.identifies == 2
    assert counted.resumes >= 2


def test_a_replay_uses_no_network(session: tuple[Path, dict[str, Any]], monkeypatch: pytest.MonkeyPatch) -> None:
    """Not one socket is connected, no token is fetched."""
    import socket

    def refuse(self: socket.socket, address: object) -> None:
        raise AssertionError(f"a replay connected to {address}")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    diary, _ = replay(session[0])
    assert diary == session[1]


def test_it_needs_no_credentials_and_touches_no_store(session: tuple[Path, dict[str, Any]], tmp_path: Path) -> None:
    """The app id is the recorded one; the session of the live bot stays in the store as it is."""
    store = tmp_path / "bot.db"
    SqliteStore(store)
    before = store.read_bytes() if store.exists() else b""
    _, client = replay(session[0], store=str(store))
    assert client.api.app_id == read(session[0]).header.app_id
    assert (store.read_bytes() if store.exists() else b"") == before


def test_start_returns_at_the_recorded_ready_and_the_end_stops_the_client(tmp_path: Path) -> None:
    """A script that iterates over events comes to its end with the recording."""
    path = handmade(tmp_path / "r.jsonl", (0.0, ready()), (0.1, message("one", s=2)), (0.2, message("two", s=3)))
    client = BotClient(replay=str(path), replay_speed=math.inf)
    watch = client.events("C2C_MESSAGE_CREATE")
    client.start()
    assert [ctx.content for ctx in watch] == ["one", "two"]
    assert client.me.id == "777"
    eventually(lambda: client.state == "stopped")


def test_a_thread_that_waits_is_waited_for(tmp_path: Path, qq: Simulator) -> None:
    """`wait_for` in the main thread was registered before the event came, and is so in the replay."""
    path = tmp_path / "r.jsonl"

    def script(client: BotClient, speak: bool) -> str:
        client.on("C2C_MESSAGE_CREATE")(lambda ctx, message: None)
        client.start()
        later = threading.Timer(0.2, lambda: qq.say("小明", "c2c", "signal"))
        if speak:
            later.start()
        found = client.wait_for("C2C_MESSAGE_CREATE", timeout=20).content
        client.stop()
        return found

    live = BotClient(qq.app_id, qq.secret, environment=Environment.local(qq.url), record=str(path))
    assert script(live, speak=True) == "signal"
    assert script(BotClient(replay=str(path), replay_speed=math.inf), speak=False) == "signal"


def test_the_offsets_are_kept_at_a_given_speed(tmp_path: Path) -> None:
    """At speed 2 an event that came after 3 s comes after 1.5 s of the injected clock, and not before."""
    offsets = [0.0, 1.0, 3.0, 3.0, 7.0]
    frames = [ready(), *(message(str(t), s=number) for number, t in enumerate(offsets[1:], 2))]
    path = handmade(tmp_path / "r.jsonl", *zip(offsets, frames, strict=True))
    clock = FakeClock()
    client = BotClient(replay=str(path), replay_speed=2, clock=clock)
    came: list[tuple[str, float]] = []
    began = clock.now()
    client.on_message()(lambda ctx, message: came.append((message.content, clock.now() - began)))
    runner = threading.Thread(target=client.run_forever)
    runner.start()
    eventually(client.is_connected)
    playback = client._taping._playback  # type: ignore[attr-defined]

    def is_there(count: int) -> bool:
        return bool(playback.events == count and len(came) == count - 1)

    for half in range(8):
        eventually(partial(is_there, sum(t <= half for t in offsets)))
        clock.advance(0.5)
    for _ in range(20):
        clock.advance(1)
        runner.join(0.05)
    eventually(lambda: not runner.is_alive())
    assert came == [("1.0", 0.5), ("3.0", 1.5), ("3.0", 1.5), ("7.0", 3.5)]


def test_events_of_several_shards_keep_their_shard(tmp_path: Path) -> None:
    """Each shard's READY is played, and `start()` waits for all of them."""
    path, seen = tmp_path / "r.jsonl", []
    with Simulator() as qq:
        client = BotClient(qq.app_id, qq.secret, environment=Environment.local(qq.url), shards=2, record=str(path))
        client.on("GUILD_UPDATE")(lambda ctx, guild: seen.append((ctx.shard, ctx.raw["id"])))
        client.start()
        guilds = [str(number << 22) for number in range(4)]
        for guild in guilds:
            qq.push("GUILD_UPDATE", {"id": guild, "name": "x"})
        eventually(lambda: len(seen) == 4)
        client.stop()
    assert {shard for shard, _ in seen} == {(0, 2), (1, 2)}
    live, seen = sorted(seen), []
    again = BotClient(replay=str(path), replay_speed=math.inf)
    again.on("GUILD_UPDATE")(lambda ctx, guild: seen.append((ctx.shard, ctx.raw["id"])))
    again.start()
    assert [info.shard_id for info in again.shards] == [0, 1]
    eventually(lambda: again.state == "stopped")
    assert sorted(seen) == live


def test_what_nobody_heard_is_recorded_too(tmp_path: Path) -> None:
    """Another bot may hear it."""
    path = tmp_path / "r.jsonl"

    def push(client: BotClient) -> None:
        qq.push("GUILD_UPDATE", {"id": "1", "name": "x"})
        eventually(lambda: client.metrics.snapshot().events_received == 2)

    with Simulator() as qq:
        record(qq, path, push, intents=Intents.default())
    seen: list[str] = []
    client = BotClient(replay=str(path), replay_speed=math.inf)
    client.on("GUILD_UPDATE")(lambda ctx, guild: seen.append(ctx.name))
    client.run_forever(logging=False)
    assert seen == ["GUILD_UPDATE"]


def test_whether_an_event_was_redelivered_is_kept(tmp_path: Path) -> None:
    """Its replies count from 1 again, as they did."""
    frames = ((0.0, ready()), (1.0, message("again", s=2)))
    path = handmade(tmp_path / "r.jsonl", *frames, redelivered=(1,))
    diary, _ = replay(path)
    assert [step[2] for steps in diary.values() for step in steps] == [True, True]


def test_a_call_that_was_not_recorded_is_an_error_that_says_so(tmp_path: Path) -> None:
    """The handler gets `NotRecorded`, which is an OutcomeUnknown; the report counts it."""
    path = handmade(tmp_path / "r.jsonl", (0.0, ready()), (1.0, message("hello", s=2)))
    client = BotClient(replay=str(path), replay_speed=math.inf)
    errors: list[BotError] = []

    @client.on_message()
    def answer(ctx: Context, message: Any) -> None:
        try:
            ctx.reply("x")
        except BotError as error:
            errors.append(error)

    client.run_forever(logging=False)
    assert [type(error) for error in errors] == [NotRecorded]
    assert "--unmatched ok" in str(errors[0])
    report = reports(client)
    assert report.unmatched == {"POST /v2/users/A/messages": 1}
    assert not report.is_faithful


def test_calls_that_were_not_recorded_can_count_as_successes(tmp_path: Path) -> None:
    """Each gets an id of its own."""
    path = handmade(tmp_path / "r.jsonl", (0.0, ready()), (1.0, message("a", s=2)), (2.0, message("b", s=3)))
    client = BotClient(replay=str(path), replay_speed=math.inf)
    client = BotClient(config=client.config.with_changes(replay_unmatched="ok"), replay=str(path))
    sent: list[str | None] = []
    client.on_message()(lambda ctx, message: sent.append(ctx.reply("x").id))
    client.run_forever(logging=False)
    assert len(set(sent)) == 2


def test_a_bot_that_does_something_else_is_not_waited_for_for_ever(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the recording the handler ended before the next event; here it waits for that event: the replay goes on."""
    monkeypatch.setattr("qqbot_sync.recording.player.PATIENCE", 0.1)
    path = handmade(tmp_path / "r.jsonl", (0.0, ready()), (0.01, message("one", s=2)), (0.02, message("two", s=3)))
    client = BotClient(replay=str(path), replay_speed=math.inf)
    second = threading.Event()

    @client.on_message()
    def handle(ctx: Context, message: Any) -> None:
        if message.content == "one":
            assert second.wait(20)
        else:
            second.set()

    client = BotClient(replay=str(path), replay_speed=math.inf, ordering="none")
    client.on_message()(handle)
    client.run_forever(logging=False)
    assert second.is_set()
    assert "does not do what it did in the recording" in caplog.text
    assert reports(client).diverged == 1


def test_a_client_plays_its_recording_again_at_the_next_start(tmp_path: Path) -> None:
    """From the beginning: nothing counts as seen, and every answer is there again."""
    with Simulator() as qq:
        path = tmp_path / "r.jsonl"
        before = record(qq, path, lambda client: qq.say("小明", "c2c", "hi").replies(timeout=10) and None)
    client = BotClient(replay=str(path), replay_speed=math.inf)
    diary = keep_diary(client)
    client.run_forever(logging=False)
    assert diary == before
    diary.clear()
    client.run_forever(logging=False)
    assert diary == before


def test_a_live_bot_and_its_replay_may_run_side_by_side(tmp_path: Path) -> None:
    """A replay is in nobody's way: no AlreadyRunning, no lock file."""
    with Simulator() as other:
        path = tmp_path / "r.jsonl"
        record(other, path, lambda client: None)
        live = BotClient(other.app_id, other.secret, environment=Environment.local(other.url))
        with live, BotClient(other.app_id, "some-secret", replay=str(path)):
            assert live.is_connected()


def test_a_recording_without_a_session_ends_in_one_clear_error(tmp_path: Path) -> None:
    """Cut off before READY there is nothing that `start()` could wait for."""
    path = handmade(tmp_path / "r.jsonl", (0.0, message("one", s=2)))
    with pytest.raises(BotError, match="no READY"):
        BotClient(replay=str(path), replay_speed=math.inf).start()


def test_recording_and_replaying_at_once_is_refused(tmp_path: Path) -> None:
    """Which one was meant?"""
    with pytest.raises(ValueError, match="not both"):
        BotClient("1", "secret", record=str(tmp_path / "a"), replay=str(tmp_path / "b"))


def test_a_damaged_recording_is_refused_where_the_client_is_made(tmp_path: Path) -> None:
    """Before anything runs; with `replay_partial` it is played as far as it is whole."""
    path = handmade(tmp_path / "r.jsonl", (0.0, ready()), (1.0, message("hello", s=2)))
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(UnreadableRecording):
        BotClient(replay=str(path))
    from qqbot_sync import GatewayConfig

    config = GatewayConfig(replay=str(path), replay_speed=math.inf, replay_partial=True, replay_unmatched="ok")
    client = BotClient(config=config)
    diary = keep_diary(client)
    client.run_forever(logging=False)
    assert list(diary) == ["message-2"]


def test_a_plain_client_takes_both_from_the_environment(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    qq: Simulator,
) -> None:
    """QQ_BOT_RECORD and QQ_BOT_REPLAY, as a bot's file finds them."""
    path = tmp_path / "r.jsonl"
    for name, text in (("APP_ID", qq.app_id), ("SECRET", qq.secret), ("ENVIRONMENT", qq.url), ("RECORD", str(path))):
        monkeypatch.setenv(f"QQ_BOT_{name}", text)
    with BotClient():
        pass
    assert read(path).events
    monkeypatch.delenv("QQ_BOT_RECORD")
    monkeypatch.setenv("QQ_BOT_REPLAY", str(path))
    monkeypatch.setenv("QQ_BOT_REPLAY_SPEED", "inf")
    began = time.monotonic()
    BotClient().run_forever(logging=False)
    assert time.monotonic() - began < 20
