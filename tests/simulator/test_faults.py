"""Every fault verb, and what it does on the wire."""

from __future__ import annotations

import json
import socket as sockets
import threading
import time

import pytest
import requests
from websockets.exceptions import ConnectionClosed

from qqbot_sync.simulator import Simulator
from qqbot_sync.simulator.faults import VERBS
from qqbot_sync.simulator.frames import GARBAGE
from tests.simulator.support import BareBot
from tests.support import PATIENCE, FakeClock, eventually


def resumed(bot: BareBot, session: str, seq: int) -> list[str]:
    """Resumes, and gives the names of the frames up to RESUMED."""
    again = bot.connect()
    again.read()
    again.resume(session, seq)
    return [frame["t"] for frame in again.read_until("RESUMED")]


@pytest.mark.parametrize("reset", [False, True])
def test_drop_ends_the_connection_without_a_close_frame(qq: Simulator, bot: BareBot, reset: bool) -> None:
    socket, session = bot.live()
    qq.drop(reset=reset)
    assert socket.end() == (1006, "")
    assert resumed(bot, session, 1) == ["RESUMED"]


def test_drop_of_one_shard_spares_the_others(qq: Simulator, bot: BareBot) -> None:
    first, _ = bot.live(shard=[0, 2])
    second, _ = bot.live(shard=[1, 2])
    qq.drop(shard=1)
    assert second.end() == (1006, "")
    assert first.is_silent()


def test_a_deaf_connection_stays_open_and_answers_nothing(qq: Simulator, bot: BareBot) -> None:
    socket, session = bot.live()
    qq.deaf()
    socket.send(1, 1)
    qq.say("小明", "group", "x")
    with pytest.raises(TimeoutError):
        socket.connection.recv(0.2)
    assert resumed(bot, session, 1) == ["GROUP_AT_MESSAGE_CREATE", "RESUMED"]


def test_a_new_connection_is_heard_while_an_old_one_is_deaf(qq: Simulator, bot: BareBot) -> None:
    bot.live()
    qq.deaf()
    socket, _ = bot.live()
    assert socket.is_silent()


def test_stop_reading_leaves_what_the_client_sends_in_the_network(qq: Simulator, bot: BareBot) -> None:
    socket, _ = bot.live()
    qq.stop_reading()
    socket.send(1, 1)
    qq.say("小明", "group", "x")
    assert socket.read()["t"] == "GROUP_AT_MESSAGE_CREATE"
    with pytest.raises(TimeoutError):
        socket.connection.recv(0.2)
    raw = socket.connection.socket
    raw.setblocking(False)
    with pytest.raises(BlockingIOError):
        fill(raw)
    assert not qq.entries(kinds=["heartbeat"])
    qq.drop(reset=True)


def fill(raw: sockets.socket) -> None:
    """Sends until the network takes no more."""
    for _ in range(100_000):
        raw.send(bytes(65536))


def test_reconnect_is_op_7_and_then_4009(qq: Simulator, bot: BareBot) -> None:
    socket, session = bot.live()
    qq.reconnect(grace=0.01)
    assert socket.read() == {"op": 7}
    assert socket.end()[0] == 4009
    assert resumed(bot, session, 1) == ["RESUMED"]


def test_after_reconnect_a_client_may_leave_by_itself(qq: Simulator, bot: BareBot) -> None:
    socket, session = bot.live()
    qq.reconnect(grace=3600)
    assert socket.read() == {"op": 7}
    socket.connection.close(4000)
    assert resumed(bot, session, 1) == ["RESUMED"]


def test_invalidate_is_op_9_and_the_session_is_gone(qq: Simulator, bot: BareBot) -> None:
    socket, session = bot.live()
    qq.invalidate()
    assert socket.read() == {"op": 9, "d": False}
    assert socket.end()[0] == 4006
    again = bot.connect()
    again.read()
    again.resume(session, 1)
    assert again.read()["op"] == 9


def test_the_session_is_gone_with_op_9_and_not_only_with_the_close_frame(qq: Simulator, bot: BareBot) -> None:
    socket, session = bot.live()
    qq.refusal_delay = 3600
    qq.invalidate()
    assert socket.read() == {"op": 9, "d": False}
    again = bot.connect()
    again.read()
    again.resume(session, 1)
    assert again.read() == {"op": 9, "d": False}


@pytest.mark.parametrize(
    ("code", "survives"), [(1000, True), (1001, True), (4000, True), (4009, True), (4006, False), (4915, False)]
)
def test_close_sends_its_code_and_the_table_says_whether_the_session_survives(
    qq: Simulator, bot: BareBot, code: int, survives: bool
) -> None:
    socket, session = bot.live()
    qq.close(code, "because")
    assert socket.end() == (code, "because")
    (entry,) = eventually(lambda: qq.entries(kinds=["disconnected"]))
    assert (entry["session"], entry["code"], entry["reason"]) == (session, code, "because")
    again = bot.connect()
    again.read()
    again.resume(session, 1)
    assert (again.read().get("t") == "RESUMED") is survives


@pytest.mark.parametrize("code", [0, 999, 5000, 1005, 1006, "4009", None, True])
def test_a_code_that_no_close_frame_can_carry_is_refused(qq: Simulator, code: object) -> None:
    with pytest.raises(ValueError, match="code"):
        qq.close(code)  # type: ignore[arg-type]


def test_the_server_may_ask_for_a_heartbeat(qq: Simulator, bot: BareBot) -> None:
    socket, _ = bot.live()
    qq.ask_heartbeat()
    assert socket.read() == {"op": 1, "d": 1}


def test_duplicate_sends_the_same_event_again_under_a_new_number(qq: Simulator, bot: BareBot) -> None:
    socket, _ = bot.live()
    qq.duplicate()
    qq.say("小明", "group", "twice")
    first, second = socket.read(), socket.read()
    assert (first["s"], second["s"]) == (2, 3)
    assert {**first, "s": 0} == {**second, "s": 0}
    qq.say("小明", "group", "once")
    assert socket.read()["s"] == 4
    assert socket.is_silent()


def test_reorder_changes_places_while_the_numbers_rise(qq: Simulator, bot: BareBot) -> None:
    socket, _ = bot.live()
    qq.reorder(3, within=3600)
    for text in "abcd":
        qq.say("小明", "group", text)
    frames = [socket.read() for _ in range(4)]
    assert [frame["s"] for frame in frames] == [2, 3, 4, 5]
    assert [frame["d"]["content"] for frame in frames] == ["c", "b", "a", "d"]


def test_reorder_gives_up_waiting_for_more(qq: Simulator, bot: BareBot) -> None:
    socket, _ = bot.live()
    qq.reorder(5, within=0.01)
    qq.say("小明", "group", "a")
    assert socket.read()["d"]["content"] == "a"


@pytest.mark.parametrize("kind", sorted(set(GARBAGE) - {"wire", "utf8"}))
def test_garbage_is_well_formed_websocket_and_the_connection_lives_on(qq: Simulator, bot: BareBot, kind: str) -> None:
    socket, _ = bot.live()
    qq.garbage(kind)
    rubbish = socket.connection.recv(PATIENCE, decode=False)
    assert isinstance(rubbish, bytes)
    assert rubbish in GARBAGE[kind] or kind == "fragments"
    if kind == "fragments":
        assert json.loads(rubbish) == {"op": 11}
    qq.say("小明", "group", "x")
    assert socket.read()["s"] == 2


@pytest.mark.parametrize(("kind", "code"), [("utf8", 1007), ("wire", 1002)])
def test_garbage_that_breaks_the_protocol_is_on_the_wire(qq: Simulator, bot: BareBot, kind: str, code: int) -> None:
    socket, _ = bot.live()
    qq.garbage(kind)
    with pytest.raises(ConnectionClosed) as closed:
        socket.read()
    assert closed.value.sent is not None
    assert closed.value.sent.code == code


def test_unknown_garbage_is_refused(qq: Simulator) -> None:
    with pytest.raises(ValueError, match="json"):
        qq.garbage("nonsense")


def test_slow_delays_frames_and_answers_until_it_is_ended(qq: Simulator, bot: BareBot) -> None:
    socket, _ = bot.live()
    qq.slow(0.2)
    begun = time.monotonic()
    qq.say("小明", "group", "x")
    socket.read()
    assert time.monotonic() - begun >= 0.2
    begun = time.monotonic()
    bot.call("GET", "/users/@me")
    assert time.monotonic() - begun >= 0.2
    qq.slow(0)
    assert bot.call("GET", "/users/@me").status_code == 200


def test_refused_connections_are_refused_and_the_port_comes_back(qq: Simulator, bot: BareBot) -> None:
    socket, _ = bot.live()
    address = ("127.0.0.1", int(qq.url.rpartition(":")[2]))
    qq.refuse_connections(0.3)
    with pytest.raises(ConnectionRefusedError):
        sockets.create_connection(address, PATIENCE)
    # What is open stays open.
    assert socket.is_silent()
    assert bot.call("GET", "/users/@me").status_code == 200

    def reachable() -> bool:
        try:
            sockets.create_connection(address, PATIENCE).close()
        except ConnectionRefusedError:
            return False
        return True

    eventually(reachable, what="the port listening again")


def test_a_simulator_can_be_stopped_while_it_refuses(qq: Simulator) -> None:
    qq.refuse_connections(3600)
    qq.stop()


def test_fail_http_fails_so_many_calls_of_a_path_and_carries_none_out(qq: Simulator, bot: BareBot) -> None:
    bot.live()
    said = qq.say("小明", "group", "x")
    group = qq.entries(kinds=["said"])[0]["place"]
    qq.fail_http(503, times=2, path="/v2/groups")
    assert bot.call("GET", "/users/@me").status_code == 200
    for _ in range(2):
        refused = bot.send("group", group, content="y", msg_id=said.id)
        assert refused.status_code == 503
        assert refused.json()["trace_id"] == refused.headers["X-Tps-trace-ID"]
        assert "code" not in refused.json()
    assert said.replies(timeout=0) == []
    assert bot.send("group", group, content="y", msg_id=said.id).status_code == 200


def test_fail_http_may_carry_a_code_of_the_platform(qq: Simulator, bot: BareBot) -> None:
    qq.fail_http(429, code=22009)
    refused = bot.call("GET", "/users/@me")
    assert (refused.status_code, refused.json()["code"]) == (429, 22009)


def test_hang_http_holds_a_call_back(qq: Simulator, bot: BareBot) -> None:
    qq.hang_http(3600, path="/users")
    with pytest.raises(requests.exceptions.ReadTimeout):
        bot.call("GET", "/users/@me", timeout=0.1)
    assert bot.call("GET", "/users/@me").status_code == 200
    qq.hang_http(0.2)
    begun = time.monotonic()
    assert bot.call("GET", "/users/@me").status_code == 200
    assert time.monotonic() - begun >= 0.2


def test_lose_answer_carries_the_call_out_and_resets_the_connection(qq: Simulator, bot: BareBot) -> None:
    bot.live()
    said = qq.say("小明", "group", "x")
    group = qq.entries(kinds=["said"])[0]["place"]
    qq.lose_answer(path="/v2/groups")
    with pytest.raises(requests.exceptions.ConnectionError):
        bot.send("group", group, content="y", msg_id=said.id)
    assert [reply.content for reply in said.replies()] == ["y"]
    assert bot.send("group", group, content="y", msg_id=said.id).json()["code"] == 40054005


def test_an_expired_token_is_refused_everywhere_and_a_new_one_is_good(qq: Simulator, bot: BareBot) -> None:
    socket, session = bot.live()
    qq.expire_token()
    assert bot.call("GET", "/users/@me").json()["code"] == 11244
    assert socket.is_silent()
    bot.token = bot.get_token()
    assert bot.call("GET", "/users/@me").status_code == 200
    old = bot.connect()
    old.read()
    old.resume(session, 1, token="QQBot " + socket.token)
    assert old.end()[0] == 4004
    assert resumed(bot, session, 1) == ["RESUMED"]


def test_a_verb_can_be_scheduled(qq: Simulator, bot: BareBot) -> None:
    socket, _ = bot.live()
    qq.schedule(0.01, "close", code=4009)
    assert socket.end()[0] == 4009


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_can_be_scheduled(verb: str) -> None:
    arguments: dict[str, dict[str, float]] = {
        "close": {"code": 4009},
        "slow": {"seconds": 0},
        "refuse_connections": {"seconds": 0},
        "hang_http": {"seconds": 0},
    }
    clock = FakeClock()
    with Simulator(clock=clock) as qq:
        qq.schedule(10, verb, **arguments.get(verb, {}))
        clock.advance(9)
        assert not qq.entries(kinds=["fault"])
        clock.advance(1)
        eventually(lambda: [entry["verb"] for entry in qq.entries(kinds=["fault"])] == [verb])


def test_a_scheduled_verb_is_checked_when_it_is_scheduled(qq: Simulator) -> None:
    with pytest.raises(ValueError, match="drop"):
        qq.schedule(1, "explode")
    with pytest.raises(TypeError, match="cod"):
        qq.schedule(1, "close", cod=4009)
    with pytest.raises(ValueError, match="after"):
        qq.schedule(-1, "drop")


def test_chaos_plays_the_same_verbs_for_the_same_seed_and_ends_when_told() -> None:
    played = []
    for seed in (7, 7, 8):
        with Simulator() as qq:
            qq.chaos(seed, rate=400)
            eventually(lambda qq=qq: len(qq.entries(kinds=["fault"])) > 30)  # type: ignore[misc]
            qq.chaos(rate=0)
            faults = qq.entries(kinds=["fault"])[1:30]
            played.append([(entry["verb"], entry["arguments"]) for entry in faults if entry["verb"] != "chaos"])
            count = len(qq.entries(kinds=["fault"]))
            threading.Event().wait(0.05)
            assert len(qq.entries(kinds=["fault"])) - count <= 1
    assert played[0] == played[1]
    assert played[0] != played[2]
