"""What messages can do beyond being data."""

from __future__ import annotations

import copy
import pickle
import threading
from typing import Any

import pytest

from qqbot_sync import models as m
from tests.models.payloads import build, read

# dataclasses-json still speaks to marshmallow as to its version 2.
pytestmark = pytest.mark.filterwarnings("ignore::marshmallow.warnings.RemovedInMarshmallow4Warning")


class FakeContext:
    """Stands for the context of a client: it cannot be copied, and it knows the bot's own id."""

    def __init__(self, bot_id: str | None = None) -> None:
        self.bot_id = bot_id
        self.said: list[tuple[str, ...]] = []
        self.lock = threading.Lock()

    def reply(self, *parts: str) -> str:
        self.said.append(parts)
        return "sent"


def through(message: m.ChatMessage, context: FakeContext) -> None:
    object.__setattr__(message, "_context", context)


def test_text_is_without_the_blank_that_a_removed_mention_leaves() -> None:
    assert read("group_at_message_create", m.QQMessage).text == "/今日天气"


def test_text_is_without_the_mention_of_this_bot_in_a_group() -> None:
    message = read("group_message_create-5", m.QQMessage)
    assert message.mentions_me
    assert message.text == ""


def test_text_keeps_the_mentions_of_others() -> None:
    message = build(
        m.QQMessage,
        {
            "content": "<@ME> hi <@OTHER>",
            "mentions": [
                {"scope": "single", "member_openid": "OTHER"},
                {"scope": "single", "member_openid": "ME", "is_you": True},
            ],
        },
    )
    assert message.mentions_me
    assert message.text == "hi <@OTHER>"


def test_a_mention_of_everybody_is_one_of_this_bot_but_takes_nobody_out_of_the_text() -> None:
    message = build(m.QQMessage, {"content": "<@X> hi", "mentions": [{"scope": "all", "is_you": True, "id": "all"}]})
    assert message.mentions_me
    assert message.text == "<@X> hi"


def test_a_text_that_begins_with_somebody_else_keeps_them() -> None:
    mentions = [{"member_openid": "OTHER"}, {"member_openid": "ME", "is_you": True}]
    message = build(m.QQMessage, {"content": "<@OTHER> hi", "mentions": mentions})
    assert message.text == "<@OTHER> hi"


def test_a_message_that_mentions_nobody_does_not_mention_this_bot() -> None:
    assert not read("group_message_create", m.QQMessage).mentions_me
    assert not read("message_create", m.Message).mentions_me


def test_the_event_says_that_this_bot_was_mentioned_where_the_body_does_not() -> None:
    assert read("group_at_message_create-4", m.QQMessage).mentions_me
    assert read("at_message_create", m.Message).mentions_me


def test_text_of_a_guild_message_whose_mention_lacks_its_id() -> None:
    assert read("at_message_create-2", m.Message).text == "/这里是指令名"


def test_the_bots_own_id_decides_where_a_client_knows_it() -> None:
    body = {
        "content": "<@!7>\u00a0/cmd <@!8>",
        "mentions": [{"id": "7", "bot": True}, {"id": "8", "bot": True}],
    }
    mine, other = build(m.Message, body), build(m.Message, body)
    through(mine, FakeContext("7"))
    through(other, FakeContext("9"))
    assert mine.mentions_me
    assert mine.text == "/cmd <@!8>"
    assert not other.mentions_me
    assert other.text == "<@!7> /cmd <@!8>"


def test_escaped_characters_are_read_as_themselves() -> None:
    assert build(m.Message, {"content": "1 &lt; 2 &amp;amp; 3"}).text == "1 < 2 &amp; 3"


def test_faces_are_decoded() -> None:
    message = read("group_message_create-9", m.QQMessage)
    assert message.faces == [m.Face(id="277", type=1, text="汪汪")]
    assert message.text == "[汪汪]"


@pytest.mark.parametrize("ext", ["", "%%%", "eyJ0", "bnVsbA==", "eyJ0ZXh0Ijo1fQ=="])
def test_a_face_whose_name_cannot_be_read_is_shown_by_its_number(ext: str) -> None:
    message = build(m.QQMessage, {"content": f'a<faceType=1,faceId="5",ext="{ext}">b'})
    assert message.faces == [m.Face(id="5", type=1)]
    assert message.text == "a[表情:5]b"


def test_emoji_of_guild_messages_are_faces_too() -> None:
    message = build(m.Message, {"content": "<emoji:4> <emoji:277>"})
    assert [face.id for face in message.faces] == ["4", "277"]
    assert message.text == "<emoji:4> <emoji:277>"


def test_the_quoted_message_is_the_one_the_scene_refers_to() -> None:
    message = read("c2c_message_create-3", m.QQMessage)
    assert message.quoted is not None
    assert message.quoted.content.startswith("每天坚持阅读半小时")
    assert read("c2c_message_create", m.QQMessage).quoted is None
    two = build(
        m.QQMessage,
        {
            "message_type": 103,
            "message_scene": {"ext": ["ref_msg_idx=REFIDX_b=="]},
            "msg_elements": [{"msg_idx": "REFIDX_a==", "content": "a"}, {"msg_idx": "REFIDX_b==", "content": "b"}],
        },
    )
    assert two.quoted is not None
    assert two.quoted.content == "b"


def test_a_quote_without_an_index_is_the_first_element() -> None:
    message = read("group_at_message_create-3", m.QQMessage)
    assert message.quoted is not None
    assert message.quoted.content.startswith("=== 消息 1 ===")


def test_a_guild_message_quotes_by_id() -> None:
    message = build(m.Message, {"message_reference": {"message_id": "08ab"}})
    assert message.quoted == m.MessageReference(message_id="08ab")


def test_the_scene_splits_its_values_at_the_first_equals_sign() -> None:
    message = read("c2c_message_create-3", m.QQMessage)
    assert message.message_scene is not None
    assert message.message_scene.values == {
        "ref_msg_idx": "REFIDX_aaaaaaaaaaaaaaa==",
        "msg_idx": "REFIDX_zzzzzzzzzzzzzzz==",
    }


def test_the_role_of_the_author() -> None:
    assert read("group_message_create-3", m.QQMessage).member_role is m.MemberRole.ADMIN
    assert read("c2c_message_create", m.QQMessage).member_role is None
    roles = {"1": m.MemberRole.MEMBER, "2": m.MemberRole.ADMIN, "4": m.MemberRole.OWNER}
    for id_, role in roles.items():
        assert build(m.Message, {"member": {"roles": ["11", id_]}}).member_role is role


def test_bots_are_told_from_people() -> None:
    assert build(m.QQMessage, {"author": {"bot": True}}).is_from_bot
    assert not build(m.QQMessage, {}).is_from_bot


def test_messages_sort_in_the_order_in_which_they_were_sent() -> None:
    later, earlier = ({"id": "a", "seq_in_channel": "10"}, {"id": "b", "seq_in_channel": "9"})
    assert build(m.Message, earlier).order_key < build(m.Message, later).order_key
    first, second = read("c2c_message_create", m.QQMessage), read("c2c_message_create-2", m.QQMessage)
    assert first.order_key < second.order_key
    assert sorted([build(m.Message, {"seq_in_channel": "x"}), build(m.Message, {})], key=lambda each: each.order_key)


def test_attachments_get_the_scheme_that_the_platform_leaves_out() -> None:
    urls = ["gchat.qpic.cn/a/b", "//gchat.qpic.cn/a/b", "https://gchat.qpic.cn/a/b", "gchat.qpic.cn:443/a"]
    message = build(m.Message, {"attachments": [{"url": url} for url in urls]})
    assert [file.url for file in message.attachments] == [
        "https://gchat.qpic.cn/a/b",
        "https://gchat.qpic.cn/a/b",
        "https://gchat.qpic.cn/a/b",
        "https://gchat.qpic.cn:443/a",
    ]
    assert build(m.Attachment, {}).url == ""


def test_a_message_from_a_client_answers_through_its_context() -> None:
    message, context = read("c2c_message_create", m.QQMessage), FakeContext()
    through(message, context)
    sent: object = message.reply("a", "b")
    assert sent == "sent"
    assert context.said == [("a", "b")]


def test_a_message_that_is_plain_data_says_why_it_cannot_answer() -> None:
    with pytest.raises(RuntimeError, match="client"):
        m.Message(content="hi").reply("hello")


def test_a_context_is_no_part_of_the_data() -> None:
    plain, live = read("c2c_message_create", m.QQMessage), read("c2c_message_create", m.QQMessage)
    through(live, FakeContext())
    assert live == plain
    assert repr(live) == repr(plain)
    assert live.to_dict() == plain.to_dict()
    assert m.QQMessage.schema().dump(live) == m.QQMessage.schema().dump(plain)


@pytest.mark.parametrize("duplicate", [copy.deepcopy, copy.copy, lambda each: pickle.loads(pickle.dumps(each))])
def test_a_message_from_a_client_can_be_copied_and_pickled(duplicate: Any) -> None:
    live = read("group_at_message_create", m.QQMessage)
    through(live, FakeContext())
    copied = duplicate(live)
    assert copied == live
    assert copied.mentions_me
    with pytest.raises(RuntimeError):
        copied.reply("x")
