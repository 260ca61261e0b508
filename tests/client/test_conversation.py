"""A bot talks: in every scene, as an answer and on its own, over ws:// and wss://."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from qqbot_sync import BotError, Channel, Context, Group, Simulator, User
from qqbot_sync.models import Interaction, Message, QQMessage
from tests.client.conftest import MakeClient
from tests.support import eventually

PLACES = ["channel", "direct", "group", "c2c"]


def test_it_answers_in_every_scene(either_qq: Simulator, make_client: MakeClient) -> None:
    client = make_client(either_qq)

    @client.on_message()
    def echo(ctx: Context, message: Any) -> None:
        ctx.reply(f"你说:{message.content.strip()}")

    client.start()
    said = {place: either_qq.say("小明", place, "在吗") for place in PLACES}
    for place, one in said.items():
        (answer,) = one.replies()
        assert answer.content.startswith("你说:"), place
        assert answer.content.endswith("在吗"), place


def test_messages_are_typed_and_have_a_reply_of_their_own(qq: Simulator, make_client: MakeClient) -> None:
    client = make_client(qq)
    seen: list[Any] = []

    @client.on_message
    def answer(ctx: Context, message: Any) -> None:
        seen.append(message)
        message.reply("ok")

    client.start()
    for place in PLACES:
        assert [answer.content for answer in qq.say("阿雅", place, "hi").replies()] == ["ok"]
    assert [type(message) for message in seen] == [Message, Message, QQMessage, QQMessage]


def test_several_replies_to_one_message_are_numbered(qq: Simulator, make_client: MakeClient) -> None:
    client = make_client(qq)

    @client.on_message()
    def thrice(ctx: Context, message: Any) -> None:
        for text in ("一", "二", "三"):
            ctx.reply(text)

    client.start()
    answers = qq.say("小明", "group", "数数").replies(count=3)
    assert [(answer.content, answer.msg_seq) for answer in answers] == [("一", 1), ("二", 2), ("三", 3)]


def test_replies_from_many_threads_share_the_numbers(qq: Simulator, make_client: MakeClient) -> None:
    client = make_client(qq)

    @client.on_message()
    def flood(ctx: Context, message: Any) -> None:
        threads = [threading.Thread(target=ctx.reply, args=(str(n),)) for n in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    client.start()
    answers = qq.say("小明", "c2c", "go").replies(count=4)
    assert sorted(answer.msg_seq for answer in answers) == [1, 2, 3, 4]


def test_a_button_is_answered_where_it_was_pressed(qq: Simulator, make_client: MakeClient) -> None:
    client = make_client(qq)
    seen: list[Any] = []

    @client.on("INTERACTION_CREATE")
    def pressed(ctx: Context, interaction: Interaction) -> None:
        seen.append(interaction)
        ctx.reply("按下了")

    client.start()
    for place in ("group", "c2c", "channel"):
        (answer,) = qq.press("小明", place, "yes").replies()
        assert answer.content == "按下了"
    assert all(isinstance(one, Interaction) for one in seen)


def test_it_speaks_first(qq: Simulator, make_client: MakeClient) -> None:
    client = make_client(qq)
    group, channel = qq.add_group(), qq.add_channel()
    client.start()
    places: list[str] = []

    @client.on("C2C_MESSAGE_CREATE")
    def learn(ctx: Context, message: QQMessage) -> None:
        places.append(message.author.id)

    qq.say("小明", "c2c", "hi")
    client.send(Channel(channel), "频道公告")
    sent = client.send(Group(group), "群公告", "!")
    assert sent.id
    assert any(entry.get("content") == "群公告!" for entry in map(dict, _answers(qq)))
    sent.recall()


def _answers(qq: Simulator) -> list[dict[str, Any]]:
    return [entry if isinstance(entry, dict) else vars(entry) for entry in qq.log]


def test_the_context_tells_where_the_event_came_from(qq: Simulator, make_client: MakeClient) -> None:
    client = make_client(qq)
    seen: list[Context] = []
    client.on("GROUP_AT_MESSAGE_CREATE")(lambda ctx, message: seen.append(ctx))
    client.start()
    said = qq.say("小明", "group", "hi")
    (ctx,) = eventually(lambda: seen)
    assert ctx.name == "GROUP_AT_MESSAGE_CREATE"
    assert ctx.event.id == ctx.raw["id"] == said.id
    assert ctx.envelope["op"] == 0
    assert ctx.envelope["d"] == ctx.raw
    assert ctx.event_id == ctx.envelope["id"]
    assert ctx.seq == ctx.envelope["s"]
    assert ctx.shard == (0, 1)
    assert ctx.redelivered is False
    assert ctx.client is client
    assert ctx.api is client.api
    assert ctx.content.strip() == "hi"


def test_an_event_that_names_no_conversation_cannot_be_answered(qq: Simulator, make_client: MakeClient) -> None:
    client = make_client(qq)
    errors: list[BaseException] = []

    @client.on("GUILD_UPDATE")
    def answer(ctx: Context, guild: Any) -> None:
        try:
            ctx.reply("x")
        except BotError as error:
            errors.append(error)

    client.start()
    qq.push("GUILD_UPDATE", {"id": "1", "name": "x"})
    eventually(lambda: errors)
    assert "GUILD_UPDATE" in str(errors[0])


def test_a_guild_reply_waits_for_the_gateway_session(qq: Simulator, make_client: MakeClient) -> None:
    """304018: guild messages need a live session; the reply is sent when it is back."""
    client = make_client(qq)
    went, go_on = threading.Event(), threading.Event()

    @client.on_message()
    def answer(ctx: Context, message: Any) -> None:
        went.set()
        go_on.wait(20)
        ctx.reply("还在")

    client.start()
    said = qq.say("小明", "channel", "在吗")
    assert went.wait(10)
    qq.drop()
    eventually(lambda: not client.is_connected())
    go_on.set()
    assert [answer.content for answer in said.replies(timeout=15)] == ["还在"]


def test_the_bot_knows_itself(qq: Simulator, make_client: MakeClient) -> None:
    client = make_client(qq)
    before = client.me
    client.start()
    assert client.me.id == before.id
    assert client.me.username == before.username


def test_the_targets_of_send_are_not_events(qq: Simulator, make_client: MakeClient) -> None:
    client = make_client(qq)
    for target in (Channel, User):
        with pytest.raises(TypeError, match="models"):
            client.on(target)
