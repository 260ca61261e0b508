"""Several shards: one dispatcher, one pool, one pace; a session each."""

from __future__ import annotations

import functools
import logging
import queue
import threading
from pathlib import Path
from typing import Any

import pytest

from qqbot_sync import (
    AlreadyRunning,
    BotBanned,
    BotClient,
    ConnectionState,
    Context,
    Environment,
    EventHandler,
    GatewayConfig,
    HeartbeatConfig,
    ReconnectConfig,
    ShardConfig,
    Simulator,
    run_sharded,
)
from qqbot_sync.client.run import record_key
from qqbot_sync.client.standing import Standing
from qqbot_sync.lockfile import LockFile
from qqbot_sync.protocol.close_codes import Verdict
from qqbot_sync.protocol.session import End
from qqbot_sync.store import SqliteStore
from tests.client.clocks import FastClock, fast_pace
from tests.client.conftest import MakeClient
from tests.support import FakeClock, eventually

QUICK = ReconnectConfig(initial_delay=0.01, max_delay=0.05)


def guild_of(shard: int, count: int) -> str:
    """A guild id that the platform's rule gives to this shard."""
    return str((((1 << 40) // count * count + shard) << 22) + 7)


def push(qq: Simulator, shard: int, count: int, number: int) -> None:
    qq.push("GUILD_UPDATE", {"id": guild_of(shard, count), "name": str(number)}, id=f"GUILD_UPDATE:{shard}-{number}")


def test_all_shards_of_one_process(qq: Simulator, make_client: MakeClient) -> None:
    client = make_client(qq, shards=4)
    heard: queue.Queue[tuple[tuple[int, int], str]] = queue.Queue()
    client.on("GUILD_UPDATE")(lambda ctx, guild: heard.put((ctx.shard, guild.name)))
    client.start()
    assert [(info.shard_id, info.shard_count, info.state) for info in client.shards] == [
        (number, 4, ConnectionState.CONNECTED) for number in range(4)
    ]
    assert len({info.session.session_id for info in client.shards if info.session is not None}) == 4
    for shard in range(4):
        push(qq, shard, 4, 100 + shard)
    assert {heard.get(timeout=10) for _ in range(4)} == {((shard, 4), str(100 + shard)) for shard in range(4)}


def test_a_bot_split_over_clients(qq: Simulator, make_client: MakeClient) -> None:
    halves = [make_client(qq, shards=range(2), shard_count=4), make_client(qq, shards=[2, 3], shard_count=4)]
    for client in halves:
        client.on("GUILD_UPDATE")(lambda ctx, guild: None)
        client.start()
    assert [[info.shard_id for info in client.shards] for client in halves] == [[0, 1], [2, 3]]


def test_overlapping_clients_are_refused(qq: Simulator, make_client: MakeClient) -> None:
    first = make_client(qq, shards=range(2), shard_count=4)
    first.start()
    for options in ({"shards": [1, 2], "shard_count": 4}, {"shards": "auto"}, {"shard": ShardConfig(0, 4)}):
        with pytest.raises(AlreadyRunning):
            make_client(qq, **options).start()


def test_another_process_with_the_same_shard_is_warned_of(
    qq: Simulator, make_client: MakeClient, caplog: pytest.LogCaptureFixture
) -> None:
    """Without a file that both use nothing more can be done; a shard of its own is fine."""
    client = make_client(qq, shards=[1, 2], shard_count=4)
    others = [LockFile((qq.app_id, client.api.environment.api_url, f"{number}/4")) for number in (0, 3)]
    for lock in others:
        assert lock.take()
    client.start()
    assert "another process" not in caplog.text
    client.stop()
    others.append(LockFile((qq.app_id, client.api.environment.api_url, "2/4")))
    assert others[-1].take()
    client.start()
    assert caplog.text.count("another process runs the same bot and shard") == 1
    assert client.is_connected()
    for lock in others:
        lock.release()


def test_auto_takes_what_the_platform_recommends(qq: Simulator, make_client: MakeClient) -> None:
    qq.recommend_shards(3)
    client = make_client(qq, shards="auto")
    client.on("GUILD_UPDATE")(lambda ctx, guild: None)
    client.start()
    assert [(info.shard_id, info.shard_count) for info in client.shards] == [(0, 3), (1, 3), (2, 3)]


def test_auto_waits_out_an_outage(qq: Simulator, make_client: MakeClient) -> None:
    client = make_client(qq, shards="auto", reconnect=QUICK)
    qq.refuse_connections(0.5)
    client.start(timeout=60)
    assert client.is_connected()


def test_4011_reshards_when_the_number_is_automatic(qq: Simulator, make_client: MakeClient) -> None:
    client = make_client(qq, shards="auto", reconnect=QUICK)
    heard: queue.Queue[str] = queue.Queue()
    client.on("GUILD_UPDATE")(lambda ctx, guild: heard.put(guild.name))
    client.start()
    assert len(client.shards) == 1
    qq.recommend_shards(2)
    qq.close(4011)
    eventually(lambda: len(client.shards) == 2 and client.is_connected())
    for shard in range(2):
        push(qq, shard, 2, shard)
    assert {heard.get(timeout=10), heard.get(timeout=10)} == {"0", "1"}
    client.stop()
    client.start()
    assert len(client.shards) == 2


def test_a_reshard_handles_what_was_accepted_before_and_nothing_twice(
    qq: Simulator, make_client: MakeClient, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    """4011 comes while a handler runs and events wait behind it."""
    store = SqliteStore(tmp_path / "bot.db")
    client = make_client(qq, shards="auto", reconnect=QUICK, workers=1, ordering="conversation", store=store)
    begun, go_on = threading.Event(), threading.Event()
    heard: list[tuple[tuple[int, int], str]] = []

    @client.on("GUILD_UPDATE")
    def hear(ctx: Context, guild: Any) -> None:
        begun.set()
        go_on.wait(20)
        heard.append((ctx.shard, guild.name))

    client.start()
    for number in range(10):
        push(qq, 0, 1, number)
    assert begun.wait(10)
    eventually(lambda: client.queue_depth == 9)
    qq.recommend_shards(3)
    qq.close(4011)
    eventually(lambda: len(client.shards) == 3 and client.is_connected())
    others = SqliteStore(store.path)
    others.open(record_key(client.api, (0, 1)))
    others.close(record_key(client.api, (0, 1)))
    for shard in range(3):
        push(qq, shard, 3, 100 + shard)
    eventually(lambda: client.queue_depth == 12)
    go_on.set()
    eventually(lambda: len(heard) == 13)
    before = [one for one in heard if one[0] == (0, 1)]
    assert before == [((0, 1), str(number)) for number in range(10)], "in order, each as it came"
    assert sorted(set(heard) - set(before)) == [((shard, 3), str(100 + shard)) for shard in range(3)]
    with caplog.at_level(logging.INFO, "qqbot_sync.client"):
        client.stop()
    assert "nothing left behind" in caplog.text
    client.start()
    assert len(qq.entries(kinds=["identified"])) == 1 + 3, "the three are resumed"
    push(qq, 2, 3, 999)
    eventually(lambda: len(heard) >= 14)
    assert heard[13:] == [((2, 3), "999")]


def test_4011_that_comes_again_asks_for_one_more_each_time(qq: Simulator, make_client: MakeClient) -> None:
    """Where the recommendation is no more than what was too few."""
    client = make_client(qq, shards="auto", reconnect=QUICK)
    client.on("GUILD_UPDATE")(lambda ctx, guild: None)
    client.start()
    for count in (2, 3):
        qq.close(4011, shard=0)
        eventually(functools.partial(_has_shards, client, count))


def _has_shards(client: BotClient, count: int) -> bool:
    return len(client.shards) == count and client.is_connected()


def test_identifies_keep_the_pace_of_the_platform_over_all_shards(make_client: MakeClient) -> None:
    """A platform that turns away the third within its five seconds, which are a quarter of one here."""
    with Simulator(clock=FastClock()) as qq:
        qq.start_limit(max_concurrency=2)
        client = make_client(qq, shards=6)
        client._pace = pace = fast_pace()
        client.on("GUILD_UPDATE")(lambda ctx, guild: None)
        client.start()
        client.stop()
        shards = [tuple(entry["shard"]) for entry in qq.entries(kinds=["identified"])]
        assert sorted(shards) == [(number, 6) for number in range(6)]
        assert qq.entries(kinds=["turned_away"]) == []
        assert pace.max_concurrency == 2, "as the platform told"


def test_each_shard_tells_its_state_latency_and_session(qq: Simulator, make_client: MakeClient) -> None:
    client = make_client(qq, shards=2, heartbeat=HeartbeatConfig(interval=0.05, timeout=20))
    assert not client.shards
    client.start()
    eventually(lambda: all(info.latency is not None for info in client.shards))
    connections = {tuple(one["shard"]): one["session"] for one in qq.connections()}
    for info in client.shards:
        assert info.session is not None
        numbers = (info.shard_id, info.shard_count)
        assert info.session.shard == numbers
        assert info.session.session_id == connections[numbers]
        assert info.latency is not None
        assert 0 <= info.latency < 20


@pytest.mark.parametrize("options", [{"shards": 2}, {"shards": "auto"}])
def test_a_second_process_on_one_shard_of_the_file_is_refused_and_the_others_are_let_go(
    qq: Simulator, make_client: MakeClient, tmp_path: Path, options: dict[str, Any]
) -> None:
    qq.recommend_shards(2)
    path = tmp_path / "bot.db"
    client = make_client(qq, store=SqliteStore(path), **options)
    held = SqliteStore(path)
    held.open(record_key(client.api, (1, 2)))
    with pytest.raises(AlreadyRunning, match=r"another process .*bot\.db"):
        client.start()
    assert qq.entries(kinds=["identified"]) == []
    first = make_client(qq, store=SqliteStore(path), shard=ShardConfig(0, 2))
    first.start()
    assert first.is_connected(), "shard 0 is nobody's"
    first.stop()
    held.close(record_key(client.api, (1, 2)))
    client.start()
    assert len(client.shards) == 2


def test_a_session_that_one_shard_loses_is_nothing_to_the_others(qq: Simulator, make_client: MakeClient) -> None:
    client = make_client(qq, shards=3, reconnect=QUICK)
    client.on("GUILD_UPDATE")(lambda ctx, guild: None)
    client.start()

    def sessions() -> list[str | None]:
        return [info.session.session_id if info.session is not None else None for info in client.shards]

    before = sessions()
    qq.close(4006, shard=1)
    eventually(lambda: None not in sessions() and sessions()[1] != before[1] and client.is_connected())
    assert sessions()[::2] == before[::2]
    assert len(qq.entries(kinds=["connected"])) == 4


def test_all_are_ready_while_each_of_them_is() -> None:
    """What a send waits for that needs a live session."""
    standing = Standing(FakeClock())
    standing.expect([0, 1])
    standing.ready(0)
    assert not standing.all_ready.is_set()
    standing.ready(1)
    assert standing.all_ready.is_set()
    standing.down(0, End(Verdict.RESUME, "lost"))
    assert not standing.all_ready.is_set()
    assert standing.states() == {0: ConnectionState.SUSPENDED, 1: ConnectionState.CONNECTED}
    standing.ready(0)
    assert standing.all_ready.is_set()


def test_a_broken_shard_harms_no_other(qq: Simulator, make_client: MakeClient) -> None:
    client = make_client(qq, shards=3, reconnect=ReconnectConfig(initial_delay=60, max_delay=60))
    heard: queue.Queue[str] = queue.Queue()
    client.on("GUILD_UPDATE")(lambda ctx, guild: heard.put(guild.name))
    client.start()
    qq.drop(shard=1)
    eventually(lambda: client.shards[1].state is ConnectionState.SUSPENDED)
    assert client.state is ConnectionState.SUSPENDED
    for shard in (0, 2):
        push(qq, shard, 3, shard)
    assert {heard.get(timeout=10), heard.get(timeout=10)} == {"0", "2"}
    assert [info.state for info in client.shards][::2] == [ConnectionState.CONNECTED] * 2


def test_each_shard_resumes_from_its_own_place(qq: Simulator, make_client: MakeClient) -> None:
    client = make_client(qq, shards=4, reconnect=QUICK)
    lock, heard = threading.Lock(), []

    @client.on("GUILD_UPDATE")
    def hear(ctx: Context, guild: Any) -> None:
        with lock:
            heard.append((ctx.shard[0], int(guild.name)))

    client.start()
    for number in range(200):
        push(qq, number % 4, 4, number)
        if number % 40 == 20:
            qq.drop(shard=number % 4)
    eventually(lambda: len(heard) == 200)
    assert sorted(number for _, number in heard) == list(range(200))
    for shard in range(4):
        mine = [number for owner, number in heard if owner == shard]
        assert mine == sorted(mine), "in order"


def test_run_sharded_blocks_until_the_end(qq: Simulator) -> None:
    clients: queue.Queue[BotClient] = queue.Queue()

    class Handler(EventHandler):
        def ready(self, ctx: Context, ready: Any) -> None:
            clients.put(ctx.client)

    thread = threading.Thread(
        target=run_sharded,
        args=(Handler(), 2),
        kwargs={"app_id": qq.app_id, "app_secret": qq.secret, "environment": Environment.local(qq.url)},
    )
    thread.start()
    client = clients.get(timeout=10)
    assert clients.get(timeout=10) is client
    client.stop()
    thread.join(10)
    assert not thread.is_alive()


def test_run_sharded_takes_the_recommended_count_and_options_and_raises_a_fatal_cause(qq: Simulator) -> None:
    qq.recommend_shards(3)
    raised: queue.Queue[BaseException] = queue.Queue()
    clients: queue.Queue[BotClient] = queue.Queue()

    class Handler(EventHandler):
        def ready(self, ctx: Context, ready: Any) -> None:
            clients.put(ctx.client)

    def run() -> None:
        try:
            run_sharded(
                Handler(),
                app_id=qq.app_id,
                app_secret=qq.secret,
                environment=Environment.local(qq.url),
                workers=3,
                grace=0.1,
            )
        except BaseException as error:
            raised.put(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    client = clients.get(timeout=10)
    try:
        eventually(client.is_connected)
        assert [(info.shard_id, info.shard_count) for info in client.shards] == [(0, 3), (1, 3), (2, 3)]
        assert client.config.workers == 3
        qq.close(4915, shard=2)
        assert isinstance(raised.get(timeout=10), BotBanned)
    finally:
        client.stop()
        thread.join(10)


@pytest.mark.parametrize(
    ("arguments", "options", "words"),
    [
        ((0,), {}, "shards"),
        (("many",), {}, "auto"),
        ((2,), {"grace": -1}, "grace"),
    ],
)
def test_run_sharded_refuses_what_cannot_be(arguments: Any, options: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        run_sharded(EventHandler(), *arguments, app_id="1", app_secret="s", **options)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"shards": 0}, "shards"),
        ({"shards": []}, "empty"),
        ({"shards": [0, 1]}, "shard_count"),
        ({"shards": [0, 0], "shard_count": 2}, "twice"),
        ({"shards": [4], "shard_count": 4}, "shard_id"),
        ({"shards": "all"}, "auto"),
        ({"shards": "auto", "shard_count": 3}, "auto"),
        ({"shards": 4, "shard_count": 8}, "shards=4"),
        ({"shard_count": 4}, "shard_count"),
        ({"shard": ShardConfig(0, 1), "shards": 2}, "either"),
    ],
)
def test_shards_that_contradict_each_other(options: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        BotClient("1", "s", **options)


def test_the_configuration_bundles_them() -> None:
    client = BotClient("1", "s", config=GatewayConfig(shards=iter([1, 2]), shard_count=3))
    assert client.config.shard_configs() == (ShardConfig(1, 3), ShardConfig(2, 3))
