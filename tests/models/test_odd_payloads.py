"""Where strict SDKs broke on real payloads: one test each."""

from __future__ import annotations

from typing import Any

import pytest

from qqbot_sync import models as m
from tests.models.payloads import build


def test_a_guild_without_owner_is_a_guild() -> None:
    guild = build(m.Guild, {"id": "1", "name": "g", "owner_id": "2"})
    assert (guild.id, guild.owner) == ("1", None)


def test_a_channel_without_position_and_parent_is_a_channel() -> None:
    channel = build(m.Channel, {"guild_id": "1", "id": "2", "name": "c", "type": 0, "sub_type": 0})
    assert (channel.position, channel.parent_id) == (None, None)


@pytest.mark.parametrize("empty", [{}, {"attachments": None, "mentions": None}])
def test_a_message_without_attachments_and_mentions_has_empty_lists(empty: dict[str, Any]) -> None:
    message = build(m.Message, {"id": "1", "content": "hi", **empty})
    assert (message.attachments, message.mentions, message.content) == ([], [], "hi")


def test_an_author_may_have_nothing_but_an_id_and_no_membership() -> None:
    message = build(m.Message, {"id": "1", "author": {"id": "3"}})
    assert message.author == m.User(id="3")
    assert message.member is None
    assert message.member_role is None
    assert message.is_from_bot is False


def test_a_member_without_roles_has_an_empty_list() -> None:
    assert build(m.Member, {"user": {"id": "1"}, "joined_at": "2021-04-12T16:34:42+08:00"}).roles == []


def test_a_deleted_message_has_neither_text_nor_time() -> None:
    deleted = build(m.MessageDelete, {"message": {"id": "1", "author": {"id": "2"}}, "op_user": {"id": "2"}})
    assert deleted.message == m.DeletedMessage(id="1", author=m.User(id="2"))
    assert not hasattr(deleted.message, "content")


def test_forum_content_may_be_an_empty_json_object_in_a_text() -> None:
    thread = build(m.Thread, {"thread_info": {"thread_id": "1", "title": "{}", "content": "{}"}})
    assert thread.thread_info == m.ThreadInfo(thread_id="1", title=m.RichText(), content=m.RichText())


def test_an_interaction_of_type_18_has_no_chat_type_and_no_inner_type() -> None:
    interaction = build(m.Interaction, {"id": "1", "type": 18, "data": {"resolved": {}}})
    assert interaction.type is m.InteractionType.USER_AUTHORIZE
    assert interaction.chat_type is None
    assert interaction.data == m.InteractionData(resolved=m.Resolved())


def test_a_group_author_may_lack_a_role() -> None:
    message = build(m.QQMessage, {"id": "1", "author": {"member_openid": "A"}, "group_openid": "G"})
    assert message.member_role is None


@pytest.mark.parametrize("id_", ["not-a-uuid", "13595572922435876753", "ROBOT1.0_x!", "08..*"])
def test_ids_are_texts_of_any_form(id_: str) -> None:
    assert build(m.Ready, {"session_id": id_}).session_id == id_
    assert build(m.Guild, {"id": id_}).id == id_
    assert build(m.FriendEvent, {"openid": id_}).openid == id_


def test_ids_that_come_as_numbers_become_texts_digit_by_digit() -> None:
    assert build(m.Guild, {"id": 13595572922435876753}).id == "13595572922435876753"
    assert build(m.OpenForumEvent, {"guild_id": 47129941624960822}).guild_id == "47129941624960822"


def test_the_result_of_a_forum_audit_is_a_number_not_a_bool() -> None:
    verdict = build(m.ForumAuditResult, {"result": 1, "type": 3})
    assert (verdict.result, verdict.type) == (m.AuditResult.FAILED, m.AuditType.REPLY)


@pytest.mark.parametrize(
    ("sent", "got"),
    [
        (0, m.ReactionTargetType.MESSAGE),
        ("ReactionTargetType_MSG", m.ReactionTargetType.MESSAGE),
        ("ReactionTargetType_FEED", m.ReactionTargetType.POST),
        ("ReactionTargetType_COMMNENT", m.ReactionTargetType.COMMENT),
        ("ReactionTargetType_REPLY", m.ReactionTargetType.REPLY),
        ("3", m.ReactionTargetType.REPLY),
        (17, 17),
        ("ReactionTargetType_NEW", "ReactionTargetType_NEW"),
    ],
)
def test_the_target_of_a_reaction_is_a_number_or_a_word(sent: object, got: object) -> None:
    target = build(m.MessageReaction, {"target": {"id": "1", "type": sent}}).target
    assert target is not None
    assert target.type == got


def test_an_emoji_type_may_be_a_text() -> None:
    assert build(m.Emoji, {"id": "1", "type": "1"}).type is m.EmojiType.SYSTEM


@pytest.mark.parametrize(
    "sent", [1690000000, "1690000000", "2023-07-22T12:26:40+08:00", "2023-07-22 12:26:40 +0800 CST m=+0.5", "", None]
)
def test_no_form_of_time_costs_the_event(sent: object) -> None:
    message = build(m.QQMessage, {"id": "1", "timestamp": sent})
    assert (message.id, message.timestamp) == ("1", sent)


def test_the_group_of_an_interaction_as_the_documentation_of_2023_spells_it() -> None:
    assert build(m.Interaction, {"group_open_id": "G"}).group_openid == "G"


def test_message_settings_are_bools_although_documented_as_texts() -> None:
    assert build(m.MessageSetting, {"disable_push_msg": True, "disable_create_dm": "true"}) == m.MessageSetting(
        disable_push_msg=True, disable_create_dm=True
    )


def test_numbers_that_come_as_texts_and_the_reverse() -> None:
    assert build(m.RoleList, {"role_num_limit": 30}).role_num_limit == "30"
    assert build(m.AccessToken, {"expires_in": 7200}).seconds == 7200
    assert build(m.Guild, {"member_count": "17"}).member_count == 17
    assert build(m.Channel, {"permissions": 6}).permission_bits == m.PermissionBits.MANAGE | m.PermissionBits.SPEAK
    assert build(m.ThreadList, {"is_finish": 1}).is_finish is True
