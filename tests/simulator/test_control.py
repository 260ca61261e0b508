"""The simulator's own methods over HTTP."""

from __future__ import annotations

import inspect
from typing import Any

import pytest
import requests

from qqbot_sync.intents import Intents
from qqbot_sync.simulator import Simulator
from qqbot_sync.simulator.control import parse_grant
from qqbot_sync.simulator.faults import VERBS
from tests.simulator.support import BareBot, place_of
from tests.support import PATIENCE


def test_say_and_replies_work_as_in_python(qq: Simulator, bot: BareBot) -> None:
    socket, _ = bot.live()
    said = bot.control("say", user="小明", where="group", text="你好").json()
    frame = socket.read()
    assert frame["d"]["id"] == said["id"]
    assert bot.control("replies", id=said["id"], timeout=0, count=1).json() == []
    bot.send("group", place_of(frame)[1], content="答", msg_id=said["id"])
    (reply,) = bot.control("replies", id=said["id"], timeout=5, count=1).json()
    assert (reply["content"], reply["msg_seq"], reply["author"]["bot"]) == ("答", 1, True)


def test_say_takes_at_bot(qq: Simulator, bot: BareBot) -> None:
    socket, _ = bot.live()
    bot.control("say", user="小明", where="group", text="x", at_bot=False)
    assert socket.read()["t"] == "GROUP_MESSAGE_CREATE"


def test_push_and_press_and_join_give_the_events_id(qq: Simulator, bot: BareBot) -> None:
    socket, _ = bot.live()
    pushed = bot.control("push", name="GUILD_CREATE", d={"id": "1"}, id="mine").json()
    assert pushed["id"] == socket.read()["id"] == "mine"
    pressed = bot.control("press", user="小明", where="group", button="1").json()
    assert pressed["id"] == socket.read()["id"]
    joined = bot.control("join", user="小明", where="channel").json()
    assert joined["id"] == socket.read()["id"]


def test_rooms_are_added(qq: Simulator, bot: BareBot) -> None:
    guild = bot.control("add_guild", name="g").json()["id"]
    channel = bot.control("add_channel", guild=guild).json()["id"]
    group = bot.control("add_group", id="g2").json()["id"]
    for where in (f"channel:{channel}", f"group:{group}"):
        assert bot.control("say", user="小明", where=where, text="x").status_code == 200


def test_the_log_and_the_count_are_data(qq: Simulator, bot: BareBot) -> None:
    said = bot.control("say", user="小明", where="group", text="x").json()
    assert bot.control("log").json() == qq.log
    (entry,) = bot.control("log", kinds=["said"]).json()
    assert entry["id"] == said["id"]
    assert bot.control("log", since=entry["number"]).json() == []
    assert bot.control("tally").json() == {"said": 1, "answered": 0, "lost": 1, "doubled": 0}


def test_the_grant_is_read_and_changed(qq: Simulator, bot: BareBot) -> None:
    assert bot.control("grant").json() == {"grant": int(qq.grant)}
    assert bot.control("grant", grant="all").json() == {"grant": int(Intents.all())}
    assert qq.grant == Intents.all()
    assert bot.control("grant", grant="nonsense").status_code == 400


def test_connections_and_limits_can_be_looked_at(qq: Simulator, bot: BareBot) -> None:
    _, session = bot.live()
    (connection,) = bot.control("connections").json()
    assert (connection["session"], connection["shard"], connection["s"]) == (session, [0, 1], 1)
    assert bot.control("start_limit", remaining=3).json()["remaining"] == 3


ARGUMENTS: dict[str, dict[str, Any]] = {
    "close": {"code": 4009},
    "slow": {"seconds": 0},
    "refuse_connections": {"seconds": 0.01},
    "hang_http": {"seconds": 0},
}


@pytest.mark.parametrize("verb", VERBS)
def test_every_fault_verb_can_be_played(qq: Simulator, bot: BareBot, verb: str) -> None:
    answer = bot.control(verb, **ARGUMENTS.get(verb, {}))
    assert (answer.status_code, answer.json()) == (200, {})
    assert [entry["verb"] for entry in qq.entries(kinds=["fault"])] == [verb]


def test_a_verb_over_http_does_what_it_does_in_python(qq: Simulator, bot: BareBot) -> None:
    socket, _ = bot.live()
    bot.control("schedule", after=0.01, verb="close", code=4009)
    assert socket.end()[0] == 4009


@pytest.mark.parametrize(
    ("method", "arguments", "named"),
    [
        ("explode", {}, "explode"),
        ("__init__", {}, "__init__"),
        ("stop", {}, "stop"),
        ("say", {}, "user"),
        ("say", {"user": "a", "where": "group", "text": "x", "extra": 1}, "extra"),
        ("say", {"user": "a", "where": "nowhere", "text": "x"}, "nowhere"),
        ("say", {"user": "a", "where": "group:404", "text": "x"}, "add_group"),
        ("say", {"user": 7, "where": "group", "text": "x"}, "user"),
        ("say", {"user": "a", "where": "group", "text": 7}, "text"),
        ("say", {"user": "a", "where": "group", "text": "x", "attachments": 7}, "say"),
        ("replies", {"id": "nothing"}, "nothing"),
        ("push", {"name": "", "d": {}}, "name"),
        ("close", {}, "code"),
        ("close", {"code": 7}, "code"),
        ("fail_http", {"status": 200}, "status"),
        ("fail_http", {"times": 0}, "times"),
        ("fail_http", {"path": "users"}, "path"),
        ("hang_http", {"seconds": "long"}, "seconds"),
        ("garbage", {"kind": "?"}, "json"),
        ("reorder", {"count": 0}, "count"),
        ("log", {"kinds": ["whispered"]}, "whispered"),
        ("schedule", {"after": 1, "verb": "stop"}, "stop"),
        ("add_guild", {"id": "my guild"}, "decimal"),
        ("chaos", {"rate": -1}, "rate"),
    ],
)
def test_what_cannot_be_is_400_with_json_that_names_it(
    qq: Simulator, bot: BareBot, method: str, arguments: dict[str, Any], named: str
) -> None:
    refused = bot.control(method, **arguments)
    assert refused.status_code == 400
    assert named in refused.json()["error"]


@pytest.mark.parametrize("body", [b"{", b"[]", b'"x"', b"\xff"])
def test_a_body_that_is_no_object_is_400(qq: Simulator, body: bytes) -> None:
    refused = requests.post(f"{qq.url}/_simulator/say", data=body, timeout=PATIENCE)
    assert refused.status_code == 400
    assert "JSON" in refused.json()["error"]


def test_faults_of_http_spare_the_control(qq: Simulator, bot: BareBot) -> None:
    qq.fail_http(500, times=3)
    qq.slow(3600)
    assert bot.control("slow", seconds=0).status_code == 200
    assert bot.call("GET", "/users/@me").status_code == 500


@pytest.mark.parametrize(
    ("text", "intents"),
    [
        ("all", Intents.all()),
        ("default", Intents.default()),
        ("513", Intents(513)),
        (513, Intents(513)),
        ("guilds, direct_message", Intents.GUILDS | Intents.DIRECT_MESSAGE),
        (["GUILDS"], Intents.GUILDS),
    ],
)
def test_a_grant_is_written_in_several_ways(text: object, intents: Intents) -> None:
    assert parse_grant(text) == intents


@pytest.mark.parametrize("text", [None, True, -1, 1 << 40, {}, [7], "nonsense", ""])
def test_what_is_no_grant_is_refused(text: object) -> None:
    with pytest.raises(ValueError, match="intent"):
        parse_grant(text)


def test_every_method_takes_its_arguments_by_name() -> None:
    for name in ("say", "replies", "push", "press", "join", "leave", *VERBS):
        parameters = inspect.signature(getattr(Simulator, name)).parameters.values()
        assert all(one.kind is not one.POSITIONAL_ONLY for one in parameters)
