"""Several shards: one dispatcher, one pool, one pace; a session each."""

from __future__ import annotations

import queue
import threading
from typing import Any

import pytest

from qqbot_sync import (
    AlreadyRunning,
    BotClient,
    ConnectionState,
    Context,
    Environment,
    EventHandler,
    GatewayConfig,
    ReconnectConfig,
    ShardConfig,
    Simulator,
    run_sharded,
)
from tests.client.conftest import MakeClient
from tests.support import eventually

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
