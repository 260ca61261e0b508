"""Every model reads the payloads that were really captured or documented."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from qqbot_sync import models as m
from qqbot_sync.codec import ModelDecoder
from qqbot_sync.models import _coerce
from tests.models.payloads import bodies, build, read

# dataclasses-json still speaks to marshmallow as to its version 2.
pytestmark = pytest.mark.filterwarnings("ignore::marshmallow.warnings.RemovedInMarshmallow4Warning")

CHINA = timezone(timedelta(hours=8))
FORUM_IDS = {"guild_id", "channel_id", "author_id"}


def ids(found: Any) -> str:
    return found if isinstance(found, str) else ""


@pytest.mark.parametrize(("name", "model", "d"), bodies(), ids=ids)
def test_every_field_that_was_sent_is_a_field_of_the_model(name: str, model: type[m.Model], d: dict[str, Any]) -> None:
    def check(sent: Any, got: Any, path: str) -> None:
        if isinstance(sent, dict) and isinstance(got, m.Model):
            for key, value in sent.items():
                assert hasattr(got, key), f"{path}.{key} is not known"
                check(value, getattr(got, key), f"{path}.{key}")
        elif isinstance(sent, list) and isinstance(got, list):
            assert len(sent) == len(got), path
            for one, other in zip(sent, got, strict=True):
                check(one, other, f"{path}[]")
        elif not isinstance(got, m.RichText) and not path.endswith(".url"):
            assert got == (str(sent) if isinstance(got, str) else sent), path

    check(d, build(model, d), name)


@pytest.mark.parametrize(("name", "model", "d"), bodies(), ids=ids)
def test_both_paths_give_equal_models(name: str, model: type[m.Model], d: dict[str, Any]) -> None:
    assert build(model, d) == _coerce.coerce(model, d)


@pytest.mark.parametrize(("name", "model", "d"), bodies(), ids=ids)
def test_only_the_old_forum_samples_differ_from_their_model(name: str, model: type[m.Model], d: dict[str, Any]) -> None:
    seen: set[tuple[str, str]] = set()
    ModelDecoder(lambda event, field: seen.add((event, field))).decode(model, json.dumps(d).encode(), event=name)
    fields = {field.split(".")[-1] for _, field in seen}
    expected = FORUM_IDS | {"id"} if name.startswith("forum_") else set()
    assert fields <= expected


@pytest.mark.parametrize(("name", "model", "d"), bodies(), ids=ids)
def test_every_model_goes_through_dict_json_and_schema_and_back(
    name: str, model: type[m.Model], d: dict[str, Any]
) -> None:
    built = build(model, d)
    assert model.from_dict(built.to_dict()) == built
    assert model.from_json(built.to_json()) == built
    schema: Any = model.schema()
    assert schema.load(json.loads(built.to_json())) == built
    assert schema.loads(json.dumps(schema.dump(built))) == built


def test_ready() -> None:
    ready = read("ready", m.Ready)
    assert ready.session_id == "082ee18c-0be3-491b-9d8b-fbd95c51673a"
    assert ready.user == m.User(id="6158788878435714165", username="群pro测试机器人", bot=True)
    assert ready.shard == [0, 0]


def test_guild_with_the_one_who_caused_the_event() -> None:
    guild = read("guild_create", m.Guild)
    assert (guild.name, guild.member_count, guild.owner) == ("技术交流频道", 100, None)
    assert guild.op_user_id == "123456789012345678"
    assert guild.joined_at_datetime == datetime(2026, 1, 1, tzinfo=CHINA)


def test_channel() -> None:
    channel = read("channel_create", m.Channel)
    assert channel.type is m.ChannelType.TEXT
    assert channel.sub_type is m.ChannelSubType.CHAT
    assert channel.position == 1


def test_member() -> None:
    member = read("guild_member_update", m.Member)
    assert member.user is not None
    assert member.user.username == "b站机器人"
    assert (member.roles, member.nick, member.guild_id) == (["2"], "", "200000000")


def test_guild_message() -> None:
    message = read("at_message_create", m.Message)
    assert message.content == "ndnnd"
    assert message.author == m.User(id="1234", username="abc", avatar="http://thirdqq.qlogo.cn/0", bot=False)
    assert message.member is not None
    assert message.member.roles == ["1"]
    assert message.timestamp_datetime == datetime(2021, 5, 20, 15, 14, 58, tzinfo=CHINA)


def test_direct_message() -> None:
    message = read("direct_message_create-2", m.Message)
    assert message.direct_message is True
    assert (message.guild_id, message.src_guild_id) == ("13595572922435876753", "7088881514225344423")


def test_deleted_message() -> None:
    deleted = read("message_delete", m.MessageDelete)
    assert deleted.message is not None
    assert deleted.message.author is not None
    assert deleted.message.author.username == "白昼梦游指北"
    assert deleted.op_user == m.User(id="5371064253******")


def test_reaction() -> None:
    reaction = read("message_reaction_add", m.MessageReaction)
    assert reaction.target == m.ReactionTarget(id="2", type=m.ReactionTargetType.MESSAGE)
    assert reaction.emoji == m.Emoji(id="277", type=m.EmojiType.SYSTEM)


def test_c2c_card() -> None:
    message = read("c2c_message_create-2", m.QQMessage)
    assert message.message_type is m.MessageType.CARD
    assert message.ark_data is not None
    assert message.ark_data.ark_type is m.ArkType.MINIAPP
    assert message.ark_data.fields["source"] == "学习助手"


def test_group_voice() -> None:
    message = read("group_message_create-6", m.QQMessage)
    (voice,) = message.attachments
    assert (voice.content_type, voice.asr_refer_text, voice.size) == ("voice", "1234567。", 7569)
    assert voice.voice_wav_url.startswith("https://qqbot.ugcimg.cn/")


def test_interaction() -> None:
    interaction = read("interaction_create", m.Interaction)
    assert interaction.type is m.InteractionType.BUTTON
    assert interaction.scene is m.InteractionScene.C2C
    assert interaction.chat_type is m.ChatType.C2C
    assert interaction.data is not None
    assert interaction.data.resolved is not None
    assert (interaction.data.resolved.button_id, interaction.data.resolved.button_data) == (
        "allow-once",
        "confirm:once",
    )


def test_friend() -> None:
    friend = read("friend_add-2", m.FriendEvent)
    assert friend.scene is m.FriendScene.LINK_IN_QQ
    assert friend.scene_param == "callback_abc123"
    assert friend.author == m.User(union_openid="DB85A74E07BA08B5B44CD9ED332FCBD2")
    assert friend.timestamp == 1784570600


def test_switch_and_manage_events() -> None:
    assert read("c2c_msg_reject", m.C2CSwitchEvent).openid == "A1B2C3D4E5F6A1B2C3D4E5F6A1B2C3D4"
    managed = read("group_add_robot-2", m.GroupManageEvent)
    assert managed.op_member_openid == "E4F4AEA33253A2797FB897C50B81D7ED"
    assert managed.timestamp_datetime == datetime(2023, 11, 6, 11, 10, 48, tzinfo=CHINA)


def test_group_member_with_either_form_of_time() -> None:
    assert read("group_member_add", m.GroupMemberEvent).timestamp == 1784276757
    other = read("group_member_add-2", m.GroupMemberEvent)
    assert other.timestamp == "2026-07-07T12:00:00+08:00"
    assert other.timestamp_datetime == datetime(2026, 7, 7, 12, tzinfo=CHINA)


def test_join_request() -> None:
    invited = read("group_join_request-2", m.GroupJoinRequest)
    assert (invited.apply_source, invited.verify_info) == (m.ApplySource.INVITED, None)
    approved = read("group_join_request-3", m.GroupJoinRequest)
    assert approved.auto_approved == m.AutoApproved(strategy_id="st_7c0b77d442")
    assert approved.verify_info == m.VerifyInfo(method=m.VerifyMethod.VERIFY_MESSAGE, verify_message="健健康康")


def test_subscription() -> None:
    status = read("subscribe_message_status", m.SubscribeMessageStatus)
    assert [result.op for result in status.result] == [m.SubscribeOp.ALLOW, m.SubscribeOp.REFUSE]


def test_audit() -> None:
    audited = read("message_audit_pass", m.MessageAudited)
    assert audited.audit_id == "5f60b782-d134-4628-93b8-9baa4b182f48"
    assert audited.audit_time_datetime == audited.create_time_datetime == datetime(2022, 1, 4, 18, 5, 42, tzinfo=CHINA)


def test_audio() -> None:
    assert read("audio_start", m.AudioAction).audio_url == "http://qq.com/a.mp3"
    entered = read("audio_or_live_channel_member_enter", m.AudioLiveMember)
    assert entered.channel_type is m.AudioLiveChannelType.VOICE


def test_forum() -> None:
    thread = read("forum_thread_create", m.Thread)
    assert (thread.guild_id, thread.author_id) == ("47129941624960822", "144115218182563108")
    assert thread.thread_info is not None
    assert thread.thread_info.title is not None
    assert thread.thread_info.title.text == "Test"
    verdict = read("forum_publish_audit_result", m.ForumAuditResult)
    assert (verdict.type, verdict.result) == (m.AuditType.THREAD, m.AuditResult.PASSED)
    assert read("open_forum_post_create", m.OpenForumEvent).channel_id == "1661124"


def test_frames_that_are_no_events() -> None:
    from tests.support import payload

    hello = m.Payload.from_dict(payload("hello"))
    assert m.Hello.from_dict(hello.d).heartbeat_interval == 45000
    assert m.Identify.from_dict(payload("identify")["d"]).shard == [0, 4]
    assert m.Resume.from_dict(payload("resume")["d"]).seq == 1337
    bot = m.GatewayBot.from_dict(payload("_rest_gateway_bot"))
    assert bot.session_start_limit == m.SessionStartLimit(
        total=1000, remaining=1000, reset_after=86400000, max_concurrency=1
    )
    assert m.Gateway.from_dict(payload("_rest_gateway")).url == "wss://api.bot.qq.com/websocket/"
    assert m.AccessToken.from_dict(payload("_rest_get_app_access_token")).seconds == 7200
    challenge = m.Validation.from_dict(payload("webhook_callback_validation")["d"])
    assert (challenge.plain_token, challenge.event_ts) == ("Arq0D5A61EgUu4OxUvOp", "1725442341")
    assert m.ValidationReply.from_dict(payload("_webhook_callback_validation_reply")).signature is not None


def test_tokens_do_not_show() -> None:
    token = "secret-token"
    for shown in (m.Identify(token=token), m.Resume(token=token), m.AccessToken(access_token=token)):
        assert token not in repr(shown)
