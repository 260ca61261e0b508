"""What persons do, and the events the bot hears of it."""

from __future__ import annotations

import json
import threading
from typing import Any

import pytest

from qqbot_sync.intents import Intents
from qqbot_sync.simulator import Simulator
from tests.simulator.support import BareBot, Json, Socket, bare_bot, place_of
from tests.support import PAYLOADS, FakeClock, event_payloads, payload


@pytest.fixture
def everything() -> Any:
    """A simulator that grants every intent, and a connection that asked for all of them."""
    with Simulator(grant=Intents.all()) as qq, bare_bot(qq) as bot:
        yield qq, bot.live(Intents.all())[0]


def kinds(value: object, path: str = "") -> dict[str, set[str]]:
    """Every field of a JSON value by its dotted path, with the JSON types it has."""
    found = {path: {type(value).__name__}}
    if isinstance(value, dict):
        for key, part in value.items():
            found.update(kinds(part, f"{path}.{key}"))
    elif isinstance(value, list):
        for part in value:
            for where, types in kinds(part, f"{path}[]").items():
                found.setdefault(where, set()).update(types)
    return found


def captured(name: str) -> dict[str, set[str]]:
    """The fields of all captured frames of an event."""
    known: dict[str, set[str]] = {}
    for file in PAYLOADS.glob("[a-z]*.json"):
        frame = json.loads(file.read_text(encoding="utf-8"))
        if frame.get("t") == name:
            for where, types in kinds(frame).items():
                known.setdefault(where, set()).update(types)
    return known


DOCUMENTED = {".d.mentions[].id", ".d.group_id"}
"""Fields of the platform's pages that somebody blotted out of the captured frames; and `group_id`, which real frames of
GROUP_MESSAGE_CREATE carry and the documents' samples of its sister do not."""

ACTS: dict[str, Any] = {
    "AT_MESSAGE_CREATE": lambda qq: qq.say("小明", "channel", "hi"),
    "DIRECT_MESSAGE_CREATE": lambda qq: qq.say("小明", "direct", "hi"),
    "GROUP_AT_MESSAGE_CREATE": lambda qq: qq.say("小明", "group", "hi"),
    "C2C_MESSAGE_CREATE": lambda qq: qq.say("小明", "c2c", "hi"),
    "MESSAGE_CREATE": lambda qq: qq.say("小明", "channel", "hi", at_bot=False),
    "GROUP_MESSAGE_CREATE": lambda qq: qq.say("小明", "group", "hi", at_bot=False),
    "INTERACTION_CREATE": lambda qq: qq.press("小明", "group", "1"),
    "GUILD_MEMBER_ADD": lambda qq: qq.join("小明", "channel"),
    "GUILD_MEMBER_REMOVE": lambda qq: qq.leave("小明", "channel"),
    "GROUP_MEMBER_ADD": lambda qq: qq.join("小明", "group"),
    "GROUP_MEMBER_REMOVE": lambda qq: qq.leave("小明", "group"),
    "FRIEND_ADD": lambda qq: qq.add_friend("小明"),
    "FRIEND_DEL": lambda qq: qq.leave("小明", "c2c"),
    "GROUP_ADD_ROBOT": lambda qq: qq.invite_bot("小明"),
    "GROUP_DEL_ROBOT": lambda qq: qq.remove_bot("小明"),
    "GROUP_MSG_REJECT": lambda qq: qq.allow_active("小明", "group", False),
    "GROUP_MSG_RECEIVE": lambda qq: qq.allow_active("小明", "group"),
    "C2C_MSG_REJECT": lambda qq: qq.allow_active("小明", "c2c", False),
    "C2C_MSG_RECEIVE": lambda qq: qq.allow_active("小明", "c2c"),
    "MESSAGE_REACTION_ADD": lambda qq: qq.react("小明", "channel", "08x"),
}


@pytest.mark.parametrize("name", sorted(ACTS))
def test_an_act_is_heard_as_its_event_with_the_fields_the_platform_sends(
    everything: tuple[Simulator, Socket], name: str
) -> None:
    qq, socket = everything
    done = ACTS[name](qq)
    frame = socket.read()
    assert (frame["op"], frame["s"], frame["t"], frame["id"]) == (0, 2, name, done.event_id)
    known = captured(name)
    assert known, f"no captured frame of {name}"
    for where, types in kinds(frame).items():
        if where in DOCUMENTED:
            continue
        assert where in known, f"the platform sends no {where} with {name}"
        assert types & known[where], f"{where} is {types}, the platform sends {known[where]}"


@pytest.mark.parametrize("where", ["channel", "direct", "group", "c2c"])
def test_what_is_said_arrives_as_it_was_said_and_ids_look_like_the_platforms(
    qq: Simulator, bot: BareBot, where: str
) -> None:
    socket, _ = bot.live()
    text = "你好 \U0001f600\n<@!1> \ud800"
    said = qq.say("小明", where, text)
    frame = socket.read()
    d = frame["d"]
    assert (d["content"], d["id"]) == (text, said.id)
    scene, place = place_of(frame)
    assert scene == where
    if where in ("group", "c2c"):
        assert said.id.startswith("ROBOT1.0_")
        assert frame["id"].startswith(f"{frame['t']}:")
        assert len(place) == 32
        assert place == place.upper()
    else:
        assert said.id.startswith("08")
        assert frame["id"] == f"{frame['t']}:{said.id}"
        assert place.isdecimal()
        assert d["seq_in_channel"] == "1"


def test_a_person_is_the_same_everywhere_and_two_names_are_two_persons(qq: Simulator, bot: BareBot) -> None:
    socket, _ = bot.live()

    def author(user: str, where: str) -> Json:
        qq.say(user, where, "x")
        found: Json = socket.read()["d"]["author"]
        return found

    assert author("小明", "channel")["id"] == author("小明", "direct")["id"]
    assert author("小明", "group")["member_openid"] == author("小明", "c2c")["user_openid"]
    assert author("小红", "group")["member_openid"] != author("小明", "group")["member_openid"]
    assert author("小红", "group")["username"] == "小红"


def test_message_ids_never_repeat_not_even_across_simulators_of_one_bot() -> None:
    seen: set[str] = set()
    for _ in range(2):
        with Simulator(app_id="1", secret="s") as qq:
            seen.update(qq.say("小明", where, "x").id for where in ("channel", "direct", "group", "c2c"))
    assert len(seen) == 8


def test_rooms_can_be_added_and_are_places(qq: Simulator, bot: BareBot) -> None:
    socket, _ = bot.live()
    guild = qq.add_guild()
    channel = qq.add_channel(guild)
    group, named = qq.add_group(), qq.add_group("my-group")
    qq.say("小明", f"channel:{channel}", "x")
    d = socket.read()["d"]
    assert (d["channel_id"], d["guild_id"]) == (channel, guild)
    for one in (group, named):
        qq.say("小明", f"group:{one}", "x")
        assert socket.read()["d"]["group_openid"] == one
    assert named == "my-group"


@pytest.mark.parametrize(
    "where", ["", "nowhere", "channel:", "channel:9", "group:9", "direct:9", "c2c:9", "Channel", None, 7]
)
def test_an_unknown_place_is_an_error(qq: Simulator, where: object) -> None:
    with pytest.raises(ValueError, match=r"place|where"):
        qq.say("小明", where, "x")  # type: ignore[arg-type]


def test_rooms_and_persons_that_cannot_be_are_errors(qq: Simulator) -> None:
    group = qq.add_group()
    with pytest.raises(ValueError, match="already"):
        qq.add_group(group)
    with pytest.raises(ValueError, match="decimal"):
        qq.add_guild("my guild")
    with pytest.raises(ValueError, match="add_guild"):
        qq.add_channel("404")
    for user in ("", " ", None, 7):
        with pytest.raises(ValueError, match="user"):
            qq.say(user, "group", "x")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="text"):
        qq.say("小明", "group", None)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="direct"):
        qq.join("小明", "direct")
    with pytest.raises(ValueError, match="channels"):
        qq.react("小明", "group", "x")
    with pytest.raises(ValueError, match="groups"):
        qq.invite_bot("小明", "channel")
    with pytest.raises(ValueError, match="message"):
        qq.recall("小明", "channel", "x")


def test_a_public_bot_hears_only_what_mentions_it_in_channels(qq: Simulator, bot: BareBot) -> None:
    socket, _ = bot.live()
    qq.say("小明", "channel", "not to you", at_bot=False)
    qq.say("小明", "channel", "to you")
    assert socket.read()["d"]["content"] == "to you"


def test_a_private_bot_hears_every_message_once() -> None:
    with Simulator(grant=Intents.all()) as qq, bare_bot(qq) as bot:
        both, _ = bot.live(Intents.GUILD_MESSAGES | Intents.PUBLIC_GUILD_MESSAGES)
        private, _ = bot.live(Intents.GUILD_MESSAGES)
        qq.say("小明", "channel", "a")
        qq.say("小明", "channel", "b", at_bot=False)
        assert [frame["t"] for frame in (both.read(), both.read())] == ["AT_MESSAGE_CREATE", "MESSAGE_CREATE"]
        assert [frame["t"] for frame in (private.read(), private.read())] == ["MESSAGE_CREATE", "MESSAGE_CREATE"]
        assert both.is_silent()
        assert private.is_silent()


def test_mentions_show_in_the_text_where_that_is_asked_for(qq: Simulator, bot: BareBot) -> None:
    socket, _ = bot.live()
    with qq.guard:
        qq.platform.shows_mentions = True
    qq.say("小明", "channel", "hi")
    d = socket.read()["d"]
    assert d["content"] == f"<@!{d['mentions'][0]['id']}> hi"
    qq.say("小明", "group", "hi")
    assert socket.read()["d"]["content"] == " hi"
    qq.say("小明", "c2c", "hi")
    assert socket.read()["d"]["content"] == "hi"


def test_attachments_travel_with_the_message(qq: Simulator, bot: BareBot) -> None:
    socket, _ = bot.live()
    file = {"url": "https://example.com/a.png", "content_type": "image/png", "filename": "a.png"}
    for where in ("channel", "direct", "group", "c2c"):
        qq.say("小明", where, "看", attachments=[file])
        assert socket.read()["d"]["attachments"] == [file]


@pytest.mark.parametrize(
    ("where", "names"),
    [
        ("channel", ["PUBLIC_MESSAGE_DELETE", "MESSAGE_DELETE"]),
        ("direct", ["DIRECT_MESSAGE_DELETE"]),
        ("group", []),
        ("c2c", []),
    ],
)
def test_a_recall_is_told_in_guilds_only(everything: tuple[Simulator, Socket], where: str, names: list[str]) -> None:
    qq, socket = everything
    said = qq.say("小明", where, "x")
    socket.read()
    qq.recall("小明", where, said.id)
    frames = [socket.read() for _ in names]
    assert [frame["t"] for frame in frames] == names
    assert all(frame["d"]["message"]["id"] == said.id for frame in frames)
    assert socket.is_silent()


# -------------------------------------------------------------------- push


def test_every_captured_event_can_be_pushed_and_arrives_as_it_is(everything: tuple[Simulator, Socket]) -> None:
    qq, socket = everything
    for number, name in enumerate(event_payloads(), 2):
        frame = payload(name)
        qq.push(frame["t"], frame["d"], id=frame.get("id", ""))
        assert socket.read() == {**frame, "op": 0, "s": number}


def test_a_pushed_event_comes_only_to_those_who_asked_for_it(qq: Simulator, bot: BareBot) -> None:
    socket, _ = bot.live(Intents.GUILDS)
    qq.push("GROUP_AT_MESSAGE_CREATE", {"id": "1", "group_openid": "G"})
    qq.push("GUILD_CREATE", {"id": "1"})
    qq.push("NEVER_HEARD_OF", [1, "two"])
    assert [socket.read()["t"] for _ in range(2)] == ["GUILD_CREATE", "NEVER_HEARD_OF"]


def test_a_join_request_comes_by_either_of_its_two_bits(qq: Simulator, bot: BareBot) -> None:
    sockets = [bot.live(bit)[0] for bit in (Intents.GROUP_MEMBER_EVENT, Intents.GROUP_AND_C2C_EVENT)]
    qq.push("GROUP_JOIN_REQUEST", {"group_openid": "G", "join_request_id": "1"})
    assert [socket.read()["t"] for socket in sockets] == ["GROUP_JOIN_REQUEST"] * 2


def test_the_envelope_id_of_a_push_is_made_given_or_left_out(qq: Simulator, bot: BareBot) -> None:
    socket, _ = bot.live()
    made = qq.push("GROUP_AT_MESSAGE_CREATE", {"id": "1"})
    assert socket.read()["id"] == made.event_id
    qq.push("GROUP_AT_MESSAGE_CREATE", {"id": "2"}, id="mine")
    assert socket.read()["id"] == "mine"
    qq.push("GROUP_AT_MESSAGE_CREATE", {"id": "3"}, id="")
    assert "id" not in socket.read()


@pytest.mark.parametrize("data", ["", None, 7, [], {}, {"id": None}, {"guild_id": 5, "id": []}, b'{"id":"x"}'])
def test_a_body_may_be_any_json(qq: Simulator, bot: BareBot, data: Any) -> None:
    socket, _ = bot.live()
    qq.push("GROUP_AT_MESSAGE_CREATE", data)
    assert socket.read()["d"] == (json.loads(data) if isinstance(data, bytes) else data)


def test_what_is_no_event_cannot_be_pushed(qq: Simulator) -> None:
    for name in ("", " ", None, 7):
        with pytest.raises(ValueError, match="name"):
            qq.push(name, {})  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="JSON"):
        qq.push("X", b"{")
    with pytest.raises(ValueError, match="id"):
        qq.push("X", {}, id=7)  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        qq.push("X", {"a": object()})


@pytest.mark.parametrize(
    "sample",
    ["at_message_create", "direct_message_create-2", "group_at_message_create-4", "c2c_message_create-4"],
)
def test_a_pushed_message_can_be_answered_though_nobody_made_its_place(
    qq: Simulator, bot: BareBot, sample: str
) -> None:
    socket, _ = bot.live()
    frame = payload(sample)
    said = qq.push(frame["t"], frame["d"], id=frame["id"])
    scene, place = place_of(socket.read())
    assert bot.send(scene, place, content="答", msg_id=frame["d"]["id"]).status_code == 200
    assert said.id == frame["d"]["id"]
    assert [reply.content for reply in said.replies()] == ["答"]


def test_the_same_message_pushed_twice_is_one_message_to_answer(qq: Simulator, bot: BareBot) -> None:
    bot.live()
    d = {"id": "1", "group_openid": "G"}
    first, second = qq.push("GROUP_AT_MESSAGE_CREATE", d), qq.push("GROUP_MESSAGE_CREATE", d)
    assert bot.send("group", "G", content="x", msg_id="1").status_code == 200
    assert bot.send("group", "G", content="x", msg_id="1").json()["code"] == 40054005
    assert len(first.replies()) == len(second.replies()) == 1


# -------------------------------------------------------------------- replies and the count


def test_replies_come_as_soon_as_there_are_enough_and_else_when_the_time_is_over(qq: Simulator, bot: BareBot) -> None:
    socket, _ = bot.live()
    said = qq.say("小明", "group", "x")
    place = place_of(socket.read())[1]
    assert said.replies(timeout=0.05) == []
    found: list[list[str]] = []
    waiting = threading.Thread(
        target=lambda: found.append([reply.content for reply in said.replies(timeout=3600, count=2)])
    )
    waiting.start()
    for n in (1, 2):
        bot.send("group", place, content=str(n), msg_id=said.id, msg_seq=n)
    waiting.join()
    assert found == [["1", "2"]]
    assert [reply.content for reply in said.replies(timeout=0.05, count=3)] == ["1", "2"]


def test_the_time_of_replies_is_the_injected_clocks() -> None:
    clock = FakeClock()
    with Simulator(clock=clock) as qq:
        said = qq.say("小明", "group", "x")
        found: list[object] = []
        waiting = threading.Thread(target=lambda: found.append(said.replies(timeout=60)))
        waiting.start()
        clock.advance(61)
        waiting.join()
        assert found == [[]]


@pytest.mark.parametrize("arguments", [{"timeout": -1}, {"timeout": "5"}, {"count": -1}, {"count": 1.5}])
def test_replies_refuses_what_is_no_time_and_no_count(qq: Simulator, arguments: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"timeout|count"):
        qq.say("小明", "group", "x").replies(**arguments)


def test_the_platform_counts_what_was_said_answered_lost_and_doubled(qq: Simulator, bot: BareBot) -> None:
    socket, _ = bot.live()
    once, twice, _never = (qq.say("小明", "group", text) for text in ("a", "b", "c"))
    place = place_of(socket.read())[1]
    for said, number in ((once, 1), (twice, 1), (twice, 2)):
        bot.send("group", place, content="x", msg_id=said.id, msg_seq=number)
    bot.send("group", place, content="active")
    assert qq.tally() == {"said": 3, "answered": 2, "lost": 1, "doubled": 1}


def test_the_log_is_data_with_a_kind_a_time_and_numbers(qq: Simulator, bot: BareBot) -> None:
    bot.live()
    said = qq.say("小明", "group", "hi")
    numbers = [entry["number"] for entry in qq.log]
    assert numbers == list(range(1, len(numbers) + 1))
    entry = next(entry for entry in qq.log if entry["kind"] == "said")
    assert (entry["id"], entry["user"], entry["where"], entry["text"]) == (said.id, "小明", "group", "hi")
    assert isinstance(entry["time"], float)
    assert json.loads(json.dumps(qq.log)) == qq.log
    assert qq.entries(since=numbers[-1]) == []
    with pytest.raises(ValueError, match="said"):
        qq.entries(kinds=["whispered"])
