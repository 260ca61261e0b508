"""What happens to a process in a year: threads that die, machines that sleep, many cycles, many shards."""

from __future__ import annotations

import functools
import os
import queue
import random
import re
import threading
from pathlib import Path
from typing import Any

import pytest

import qqbot_sync
from qqbot_sync import (
    AlreadyRunning,
    AuthenticationFailed,
    BotBanned,
    ConnectionFailed,
    ConnectionState,
    Context,
    GatewayError,
    HeartbeatConfig,
    RateLimited,
    ReconnectConfig,
    Simulator,
)
from qqbot_sync.client.run import record_key
from qqbot_sync.clock import SystemClock
from qqbot_sync.store import SqliteStore
from tests.client.clocks import FastClock, fast_pace
from tests.client.conftest import MakeClient
from tests.conftest import open_sockets, our_threads
from tests.support import eventually

QUICK = ReconnectConfig(initial_delay=0.01, max_delay=0.05)


class SleepyClock(SystemClock):
    """A machine that can be suspended: only the boot clock goes on."""

    slept = 0.0

    def boot(self) -> float:
        return super().boot() + self.slept


class JumpyClock(SystemClock):
    """A machine whose wall clock is set."""

    ahead = 0.0

    def wall(self) -> float:
        return super().wall() + self.ahead


def test_a_suspend_is_noticed_and_costs_no_message(qq: Simulator, make_client: MakeClient) -> None:
    clock = SleepyClock()
    client = make_client(qq, clock=clock, heartbeat=HeartbeatConfig(interval=0.2, timeout=20), reconnect=QUICK)
    heard: queue.Queue[str] = queue.Queue()
    client.on_message(lambda ctx, message: heard.put(message.content))
    client.start()
    qq.deaf()
    clock.slept = 3 * 3600
    qq.say("小明", "group", "while it slept")
    assert heard.get(timeout=20) == "while it slept"
    assert client.metrics.snapshot().reconnections["suspend"] == 1
    eventually(lambda: client.metrics.snapshot().resumes == 1)
    asked = [entry["number"] for entry in qq.entries(kinds=["token"])]
    (resumed,) = [entry["number"] for entry in qq.entries(kinds=["resumed"])]
    assert len(asked) == 2, "a token that has run out meanwhile is asked for again"
    assert asked[1] < resumed, "before it is needed"


def _has_beaten(qq: Simulator, times: int) -> bool:
    return len(qq.entries(kinds=["heartbeat"])) >= times


def test_a_wall_clock_that_jumps_changes_nothing(qq: Simulator, make_client: MakeClient) -> None:
    """A day ahead, a day back: nobody dials, no token is renewed, no event is too old, and a restart resumes."""
    clock = JumpyClock()
    client = make_client(qq, clock=clock, heartbeat=HeartbeatConfig(interval=0.05, timeout=20), max_age=600)
    heard: queue.Queue[str] = queue.Queue()
    client.on_message(lambda ctx, message: heard.put(message.content))
    client.start()
    for number, ahead in enumerate((86_000.0, -86_000.0, 0.0)):
        clock.ahead = ahead
        beats = len(qq.entries(kinds=["heartbeat"]))
        eventually(functools.partial(_has_beaten, qq, beats + 2))
        qq.say("小明", "group", str(number))
        assert heard.get(timeout=10) == str(number)
        assert client.healthy()
    clock.ahead = 86_000.0
    client.stop()
    clock.ahead = 0.0
    client.start()
    assert [entry["kind"] for entry in qq.entries(kinds=["connected", "token", "identified", "resumed"])] == [
        "token",
        "connected",
        "identified",
        "connected",
        "resumed",
    ]


class Planted(BaseException):
    """Worse than any `Exception`: nothing that goes wrong in a thread may end it in silence."""


def explode(*_: object, **__: object) -> Any:
    raise Planted("planted")


DEATHS = {
    "supervisor": "qqbot_sync.gateway.supervisor.Supervisor._dial_what_is_due",
    "reader": "qqbot_sync.gateway.shard.Shard._emit",
    "heartbeat": "qqbot_sync.gateway.shard.Shard._look",
    "dial": "qqbot_sync.gateway.shard.dial",
    "store": "qqbot_sync.client.keeping.Keeper._write_all",
    "watchdog": "qqbot_sync.dispatch.attention.Attention.look",
    "dispatcher": "qqbot_sync.dispatch.backlog.Backlog.sort",
    "census": "qqbot_sync.client.run.Run._man",
    "acks": "qqbot_sync.client.acknowledging.Acknowledging._next",
}
"""Where an error is planted, by the thread that it ends."""
OUTLIVED = {
    "worker": "a task ends nothing but itself: test_dispatcher",
    "error": "runs user code that nobody waits for: test_an_error_hook_that_hangs_keeps_nobody",
    "stop": "ends with the run; a step of it that fails ends no other: test_a_part_that_fails_at_the_end_...",
    "flush": "the process ends with it",
    "probe": "answers one question, at the end of the interpreter",
    "greeting": "belongs to a check, not to a run",
}
"""Threads that no run depends on, and why."""


def test_every_thread_of_a_run_is_among_those_whose_death_is_tried() -> None:
    """Whoever adds a thread says here how its unexpected end gets out of `run_forever()`."""
    package = Path(qqbot_sync.__file__).parent
    names = {
        name
        for part in ("client", "dispatch", "gateway")
        for file in (package / part).rglob("*.py")
        for line in file.read_text(encoding="utf-8").splitlines()
        if re.search(r"name|Thread|for name, loop", line)
        for name in re.findall(r'f?"qqbot-([a-z]+)(?:-\{[^}]*\})?"', line)
    }
    assert names == set(DEATHS) | set(OUTLIVED)


@pytest.mark.parametrize("where", DEATHS.values(), ids=DEATHS)
def test_a_thread_that_dies_is_a_loud_error_out_of_run_forever(
    qq: Simulator, make_client: MakeClient, where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An error of this package planted in each."""
    client = make_client(qq, shards="auto" if "_man" in where else None)
    client.on_message(lambda ctx, message: None)
    monkeypatch.setattr(where, explode)
    raised: queue.Queue[BaseException] = queue.Queue()

    def serve() -> None:
        try:
            client.run_forever(grace=0.1)
        except BaseException as error:
            raised.put(error)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()

    def has_ended() -> bool:
        qq.say("小明", "group", "go on")
        return not raised.empty()

    eventually(has_ended)
    error = raised.get(timeout=20)
    thread.join(10)
    assert "planted" in str(error)
    assert isinstance(error.__cause__, Planted)
    assert client.error is error
    assert client.state is ConnectionState.FAILED
    monkeypatch.undo()


@pytest.mark.parametrize("where", [DEATHS["supervisor"], DEATHS["dial"], DEATHS["census"]])
def test_a_thread_that_dies_before_ready_is_the_error_of_start(
    qq: Simulator, make_client: MakeClient, where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = make_client(qq, shards="auto" if "_man" in where else None)
    with monkeypatch.context() as patch:
        patch.setattr(where, explode)
        with pytest.raises(GatewayError, match="planted"):
            client.start()
    client.start()
    assert client.is_connected(), "the next start is a start"


@pytest.mark.parametrize(
    "broken",
    ["qqbot_sync.recorder.FlightRecorder.report", "qqbot_sync.client.run.Run.on_the_side"],
)
def test_what_goes_wrong_after_a_fatal_cause_does_not_hide_it(
    qq: Simulator, make_client: MakeClient, broken: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A report that cannot be made, a hook that cannot be told: `run_forever()` ends with the cause all the same."""
    client = make_client(qq)
    raised: queue.Queue[BaseException] = queue.Queue()

    def fail(*_: object) -> Any:
        raise RuntimeError("can't start new thread")

    def serve() -> None:
        try:
            client.run_forever(grace=0.1)
        except BaseException as error:
            raised.put(error)

    monkeypatch.setattr(broken, fail)
    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    eventually(client.is_connected)
    # From now on only being told can end `run_forever`.
    eventually(lambda: client._run is not None and client._run._words)
    qq.close(4915)
    assert isinstance(raised.get(timeout=10), BotBanned)
    thread.join(10)


def cycle(qq: Simulator, make_client: MakeClient, times: int, **options: Any) -> None:
    client = make_client(qq, **options)
    client.on_message(lambda ctx, message: ctx.reply("ok"))
    client.start()
    client.stop()
    threads, sockets, descriptors = len(our_threads()), open_sockets(), len(os.listdir("/proc/self/fd"))
    for _ in range(times):
        client.start()
        client.stop()
    eventually(lambda: len(our_threads()) <= threads, what="as many threads as at the beginning")
    eventually(lambda: open_sockets() <= sockets, what="as many sockets as at the beginning")
    eventually(lambda: len(os.listdir("/proc/self/fd")) <= descriptors, what="as many descriptors")


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="counts descriptors in /proc")
def test_fifty_cycles_end_with_what_they_began_with(qq: Simulator, make_client: MakeClient) -> None:
    cycle(qq, make_client, 50)


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="counts descriptors in /proc")
def test_cycles_on_a_file_and_several_shards_end_with_what_they_began_with(
    qq: Simulator, make_client: MakeClient, tmp_path: Path
) -> None:
    cycle(qq, make_client, 5, store=SqliteStore(tmp_path / "bot.db"), shards=2)


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="counts descriptors in /proc")
@pytest.mark.parametrize("why", ["wrong secret", "nobody listens", "held by another", "no session left"])
def test_starts_that_fail_leave_nothing(qq: Simulator, make_client: MakeClient, why: str, tmp_path: Path) -> None:
    path = tmp_path / "bot.db"
    client = make_client(qq, store=SqliteStore(path), reconnect=QUICK, shards="auto")
    held = SqliteStore(path)
    if why == "held by another":
        held.open(record_key(client.api, (0, 1)))
    if why == "wrong secret":
        qq.platform.tokens._secret = "another"
    if why == "nobody listens":
        qq.refuse_connections(3600)
    if why == "no session left":
        qq.start_limit(remaining=0, reset_after=3600)

    def fail() -> None:
        with pytest.raises((AlreadyRunning, AuthenticationFailed, ConnectionFailed, RateLimited)):
            client.start(timeout=0.03)

    fail()
    eventually(lambda: our_threads() <= sims(qq), what="no thread of the first")
    descriptors = len(os.listdir("/proc/self/fd"))
    for _ in range(3):
        fail()
    eventually(lambda: our_threads() <= sims(qq), what="no thread")
    eventually(lambda: len(os.listdir("/proc/self/fd")) <= descriptors, what="as many descriptors")


def sims(qq: Simulator) -> set[threading.Thread]:
    return {thread for thread in our_threads() if thread.name.startswith("qqbot-sim-")}


@pytest.mark.long
@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="counts descriptors in /proc")
def test_five_hundred_cycles_end_with_what_they_began_with(qq: Simulator, make_client: MakeClient) -> None:
    cycle(qq, make_client, 500)


def storm(make_client: MakeClient, shards: int, events: int) -> None:
    """Faults at random on many shards: every guild's events stay in order, and none is missing or doubled."""
    dice = random.Random(7)
    lock = threading.Lock()
    heard: dict[str, list[int]] = {}
    with Simulator() as qq:
        client = make_client(qq, shards=shards, reconnect=QUICK, ordering="conversation")

        @client.on("GUILD_UPDATE")
        def hear(ctx: Context, guild: Any) -> None:
            with lock:
                heard.setdefault(guild.id, []).append(int(guild.name))

        client.start()
        guilds = [str(((1 << 40) // shards * shards + number) << 22) for number in range(shards * 3)]
        for number in range(events):
            for guild in guilds:
                qq.push("GUILD_UPDATE", {"id": guild, "name": str(number)}, id=f"GUILD_UPDATE:{guild}-{number}")
            if dice.random() < 0.3:
                verb = dice.choice(("drop", "reconnect"))
                getattr(qq, verb)(shard=dice.randrange(shards))
        eventually(lambda: sum(map(len, heard.values())) >= events * len(guilds), within=60)
        client.stop()
        identified = [entry for entry in qq.log if entry["kind"] == "identified"]
    assert heard == {guild: list(range(events)) for guild in guilds}
    assert len(identified) == shards, "resumed, never identified anew"


def has_live_session(qq: Simulator, shard: int) -> bool:
    """A session that ends while nobody is connected takes with it what it still had to send, and no bot can help it."""
    with qq.guard:
        known = {session.id for session in qq.platform.sessions}
    return any(one["session"] in known and one["shard"][0] == shard for one in qq.connections())


def paced_storm(make_client: MakeClient, shards: int, events: int, *, slots: int) -> None:
    """Sessions are lost as well, at random, on a platform that turns away who identifies too often."""
    dice = random.Random(11)
    lock = threading.Lock()
    heard: dict[str, list[int]] = {}
    with Simulator(clock=FastClock()) as qq:
        qq.start_limit(max_concurrency=slots)
        client = make_client(qq, shards=shards, reconnect=QUICK, ordering="conversation")
        client._pace = fast_pace()

        @client.on("GUILD_UPDATE")
        def hear(ctx: Context, guild: Any) -> None:
            with lock:
                heard.setdefault(guild.id, []).append(int(guild.name))

        client.start(timeout=None)
        guilds = [str(((1 << 40) // shards * shards + number) << 22) for number in range(shards * 3)]
        for number in range(events):
            for guild in guilds:
                qq.push("GUILD_UPDATE", {"id": guild, "name": str(number)}, id=f"GUILD_UPDATE:{guild}-{number}")
            shard = dice.randrange(shards)
            if dice.random() < 0.3 and has_live_session(qq, shard):
                getattr(qq, dice.choice(("drop", "invalidate")))(shard=shard)
        eventually(lambda: len(qq.entries(kinds=["identified"])) > shards and client.is_connected(), within=60)
        sent = {(entry["session"], entry["s"]) for entry in qq.entries(kinds=["dispatched"])}
        eventually(lambda: sum(map(len, heard.values())) >= len(sent), within=60)
        client.stop()
        identified = len(qq.entries(kinds=["identified"]))
        # A Resume of a session that was lost is turned away with 4006.
        refused = [entry for entry in qq.entries(kinds=["turned_away"]) if entry["code"] != 4006]
    assert sum(map(len, heard.values())) == len(sent)
    assert all(numbers == sorted(set(numbers)) for numbers in heard.values()), "in order, and none twice"
    assert identified > shards, "sessions were lost"
    assert refused == [], "one Identify too many"


def test_four_shards_lose_their_sessions_and_keep_pace_and_order(make_client: MakeClient) -> None:
    paced_storm(make_client, 4, 15, slots=4)


@pytest.mark.long
def test_sixteen_shards_lose_their_sessions_and_keep_pace_and_order(make_client: MakeClient) -> None:
    paced_storm(make_client, 16, 100, slots=4)


def test_four_shards_in_a_storm(make_client: MakeClient) -> None:
    storm(make_client, 4, 20)


@pytest.mark.long
def test_sixteen_shards_in_a_storm(make_client: MakeClient) -> None:
    storm(make_client, 16, 60)


@pytest.mark.long
def test_sixteen_shards_keep_the_pace(make_client: MakeClient) -> None:
    """One session per 5 s is what most bots may start: the sixteenth waits 75 s, and nobody is turned away."""
    with Simulator() as qq:
        qq.start_limit(max_concurrency=4)
        client = make_client(qq, shards=16)
        client.start(timeout=30)
        refused = [entry for entry in qq.log if entry["kind"] == "turned_away"]
        times = [entry["time"] for entry in qq.log if entry["kind"] == "identified"]
        client.stop()
    assert refused == []
    assert len(times) == 16
    assert all(later - earlier >= 4.9 for earlier, later in zip(times, times[4:], strict=False))
