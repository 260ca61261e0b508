"""What happens to a process in a year: threads that die, machines that sleep, many cycles, many shards."""

from __future__ import annotations

import os
import queue
import random
import threading
from typing import Any

import pytest

from qqbot_sync import ConnectionState, Context, HeartbeatConfig, ReconnectConfig, Simulator
from qqbot_sync.clock import SystemClock
from tests.client.conftest import MakeClient
from tests.conftest import open_sockets, our_threads
from tests.support import eventually

QUICK = ReconnectConfig(initial_delay=0.01, max_delay=0.05)


class SleepyClock(SystemClock):
    """A machine that can be suspended: only the boot clock goes on."""

    slept = 0.0

    def boot(self) -> float:
        return super().boot() + self.slept


def test_a_suspend_is_noticed_and_costs_no_message(qq: Simulator, make_client: MakeClient) -> None:
    clock = SleepyClock()
    client = make_client(qq, clock=clock, heartbeat=HeartbeatConfig(interval=0.2), reconnect=QUICK)
    heard: queue.Queue[str] = queue.Queue()
    client.on_message(lambda ctx, message: heard.put(message.content))
    client.start()
    token = client.api.token.get()
    qq.deaf()
    clock.slept = 3 * 3600
    qq.say("小明", "group", "while it slept")
    assert heard.get(timeout=20) == "while it slept"
    assert client.metrics.snapshot().reconnections["suspend"] == 1
    assert client.metrics.snapshot().resumes == 1
    assert client.api.token.get() == token or client.api.token.get(), "the token was asked for again"


@pytest.mark.parametrize(
    "where",
    [
        "qqbot_sync.gateway.supervisor.Supervisor._dial_what_is_due",
        "qqbot_sync.gateway.shard.Shard._emit",
        "qqbot_sync.gateway.shard.Shard._look",
        "qqbot_sync.client.keeping.Keeper._write_all",
        "qqbot_sync.dispatch.attention.Attention.look",
        "qqbot_sync.dispatch.backlog.Backlog.sort",
        "qqbot_sync.client.run.Run._man",
    ],
)
def test_a_thread_that_dies_is_a_loud_error_out_of_run_forever(
    qq: Simulator, make_client: MakeClient, where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Supervisor, reader, heartbeat, store, watchdog, dispatcher, census: an error of this package planted in each."""
    client = make_client(qq, shards="auto" if "_man" in where else None)
    client.on_message(lambda ctx, message: None)

    def explode(*_: object) -> Any:
        raise ZeroDivisionError("planted")

    monkeypatch.setattr(where, explode)
    raised: queue.Queue[BaseException] = queue.Queue()

    def serve() -> None:
        try:
            client.run_forever(grace=0.1)
        except BaseException as error:
            raised.put(error)

    thread = threading.Thread(target=serve)
    thread.start()

    def has_ended() -> bool:
        qq.say("小明", "group", "go on")
        return not raised.empty()

    eventually(has_ended)
    error = raised.get(timeout=20)
    thread.join(10)
    assert "planted" in str(error)
    assert isinstance(error.__cause__, ZeroDivisionError)
    assert client.error is error
    assert client.state is ConnectionState.FAILED
    monkeypatch.undo()


def cycle(qq: Simulator, make_client: MakeClient, times: int) -> None:
    client = make_client(qq)
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
