"""The gateway as a bare WebSocket client finds it."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
import requests
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from qqbot_sync.intents import Intents
from qqbot_sync.simulator import Simulator
from tests.simulator.support import BareBot
from tests.support import PATIENCE, eventually


def test_hello_is_the_first_frame_and_names_the_interval_in_ms(qq: Simulator, bot: BareBot) -> None:
    assert bot.connect().read() == {"op": 10, "d": {"heartbeat_interval": 45000}}
    qq.heartbeat_interval = 0.25
    assert bot.connect().read() == {"op": 10, "d": {"heartbeat_interval": 250}}


def test_the_gateway_urls_need_a_token_and_lead_to_the_gateway(qq: Simulator, bot: BareBot) -> None:
    plain = bot.call("GET", "/gateway").json()
    full = bot.call("GET", "/gateway/bot").json()
    assert plain == {"url": qq.url.replace("http", "ws") + "/websocket"}
    assert full["url"] == plain["url"]
    assert full["shards"] == 1
    assert set(full["session_start_limit"]) == {"total", "remaining", "reset_after", "max_concurrency"}
    # The default pace never makes a bot wait.
    assert full["session_start_limit"]["max_concurrency"] >= 100
    assert full["session_start_limit"]["remaining"] >= 1000
    assert requests.get(qq.url + "/gateway/bot", timeout=PATIENCE).status_code == 401


def test_identify_gives_ready_and_heartbeats_are_acknowledged(qq: Simulator, bot: BareBot) -> None:
    socket = bot.connect()
    socket.read()
    socket.send(1, None)
    assert socket.read() == {"op": 11}
    socket.identify()
    ready = socket.read()
    assert (ready["op"], ready["s"], ready["t"], ready["d"]["shard"]) == (0, 1, "READY", [0, 1])
    assert ready["d"]["user"]["bot"] is True
    socket.send(1, 1)
    assert socket.read() == {"op": 11}
    assert [entry["d"] for entry in qq.entries(kinds=["heartbeat"])] == [None, 1]


@pytest.mark.parametrize(
    ("changes", "code", "announced"),
    [
        ({"token": "QQBot wrong"}, 4004, False),
        ({"shard": [3, 2]}, 4010, False),
        ({"intents": 1 << 9}, 4014, True),
        ({"intents": 1 << 28}, 4014, True),
        ({"intents": 1 << 6}, 4013, True),
    ],
)
def test_a_bad_identify_is_closed_with_its_code(
    bot: BareBot, changes: dict[str, Any], code: int, announced: bool
) -> None:
    socket = bot.connect()
    socket.read()
    socket.identify(**changes)
    if announced:
        assert socket.read() == {"op": 9, "d": False}
    assert socket.end()[0] == code


def test_a_simulator_that_grants_everything_takes_every_intent() -> None:
    with Simulator(grant=Intents.all()) as qq:
        bot = BareBot(qq)
        bot.live(Intents.all())
        bot.close()


def test_a_dropped_session_is_resumed_with_everything_that_was_missed(qq: Simulator, bot: BareBot) -> None:
    socket, session = bot.live()
    qq.say("小明", "group", "before")
    assert socket.read()["s"] == 2
    qq.drop()
    assert socket.end() == (1006, "")
    missed = [qq.say("小明", where, "missed") for where in ("channel", "direct", "group", "c2c")]
    again = bot.connect()
    again.read()
    again.resume(session, 2)
    frames = again.read_until("RESUMED")
    assert [frame["s"] for frame in frames] == [3, 4, 5, 6, 7]
    assert [frame["d"]["id"] for frame in frames[:-1]] == [said.id for said in missed]
    qq.say("小明", "group", "after")
    assert again.read()["s"] == 8
    (entry,) = qq.entries(kinds=["resumed"])
    assert (entry["session"], entry["seq"], entry["replayed"]) == (session, 2, 4)


def test_the_log_tells_which_events_met_no_connection(qq: Simulator, bot: BareBot) -> None:
    bot.live()
    qq.say("小明", "group", "1")
    qq.drop()
    qq.say("小明", "group", "2")
    assert [entry["connected"] for entry in qq.entries(kinds=["dispatched"])] == [True, False]


def test_a_resume_of_an_unknown_session_or_seq_is_announced_and_closed(bot: BareBot) -> None:
    _, session = bot.live()
    for session_id, seq, code in (("nobody", 1, 4006), (session, 99, 4007)):
        socket = bot.connect()
        socket.read()
        socket.resume(session_id, seq)
        assert socket.read() == {"op": 9, "d": False}
        assert socket.end()[0] == code


def test_a_resume_on_a_new_connection_ends_the_old_one(qq: Simulator, bot: BareBot) -> None:
    old, session = bot.live()
    new = bot.connect()
    new.read()
    new.resume(session, 1)
    assert new.read()["t"] == "RESUMED"
    assert old.end()[0] == 1006
    qq.say("小明", "group", "x")
    assert new.read()["s"] == 3


def test_a_client_that_closes_with_4000_may_resume(qq: Simulator, bot: BareBot) -> None:
    socket, session = bot.live()
    socket.connection.close(4000)
    eventually(lambda: qq.entries(kinds=["disconnected"]))
    assert qq.entries(kinds=["disconnected"])[0]["code"] == 4000
    qq.say("小明", "group", "x")
    again = bot.connect()
    again.read()
    again.resume(session, 1)
    assert [frame["s"] for frame in again.read_until("RESUMED")] == [2, 3]


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ("no json", 4002),
        ("[1]", 4002),
        (b"\xff\xfe", 4002),
        ('{"op":99}', 4001),
        ('{"op":0,"t":"READY","d":{}}', 4001),
        ('{"d":1}', 4001),
        ('{"op":2}', 4002),
        ('{"op":6,"d":[]}', 4002),
    ],
)
def test_rubbish_from_the_client_is_closed_with_its_code(bot: BareBot, message: str | bytes, code: int) -> None:
    socket = bot.connect()
    socket.read()
    socket.connection.send(message)
    assert socket.end()[0] == code


def test_a_message_in_fragments_is_one_message(bot: BareBot) -> None:
    socket = bot.connect()
    socket.read()
    socket.connection.send(iter(['{"op"', ":1,", '"d":null}']))
    assert socket.read() == {"op": 11}


def test_a_second_identify_on_one_connection_is_closed_with_4005(bot: BareBot) -> None:
    socket, _ = bot.live()
    socket.identify()
    assert socket.end()[0] == 4005


def test_a_client_that_sends_too_fast_is_closed_with_4008_and_may_resume(bot: BareBot) -> None:
    socket, session = bot.live()
    with contextlib.suppress(ConnectionClosed):
        for _ in range(100):
            socket.send(1, 1)
    assert socket.end()[0] == 4008
    again = bot.connect()
    again.read()
    again.resume(session, 1)
    assert again.read()["t"] == "RESUMED"


def test_shards_hear_their_guilds_and_shard_0_hears_groups(qq: Simulator, bot: BareBot) -> None:
    sockets = [bot.live(shard=[n, 2])[0] for n in range(2)]
    guilds = {0: str(8 << 22), 1: str(9 << 22)}
    for guild in guilds.values():
        channel = qq.add_channel(qq.add_guild(guild))
        qq.say("小明", f"channel:{channel}", "hi")
    qq.say("小明", "group", "hi")
    assert sockets[0].read()["d"]["guild_id"] == guilds[0]
    assert sockets[0].read()["t"] == "GROUP_AT_MESSAGE_CREATE"
    assert sockets[1].read()["d"]["guild_id"] == guilds[1]
    assert sockets[0].is_silent()
    assert sockets[1].is_silent()


def test_there_is_no_gateway_elsewhere_and_none_without_a_handshake(qq: Simulator, bot: BareBot) -> None:
    with pytest.raises(InvalidStatus) as refused, connect(qq.url.replace("http", "ws") + "/other", proxy=None):
        pass
    assert refused.value.response.status_code in (401, 404)
    assert bot.call("GET", "/websocket").status_code == 404


def test_a_day_without_sessions_left_turns_an_identify_away(qq: Simulator, bot: BareBot) -> None:
    qq.start_limit(remaining=0, reset_after=60)
    limit = bot.call("GET", "/gateway/bot").json()["session_start_limit"]
    assert limit["remaining"] == 0
    assert 0 < limit["reset_after"] <= 60_000
    socket = bot.connect()
    socket.read()
    socket.identify()
    assert socket.read()["op"] == 9
    assert socket.end()[0] == 4903


def test_ten_thousand_events_arrive_in_order_with_no_number_missing(qq: Simulator, bot: BareBot) -> None:
    socket, _ = bot.live()
    for n in range(10_000):
        qq.push("GROUP_AT_MESSAGE_CREATE", json.dumps({"id": str(n), "group_openid": "G", "content": "x"}).encode())
    frames = [socket.read() for _ in range(10_000)]
    assert [frame["s"] for frame in frames] == list(range(2, 10_002))
    assert [frame["d"]["id"] for frame in frames] == [str(n) for n in range(10_000)]
