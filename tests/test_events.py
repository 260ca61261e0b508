"""The table of events: complete, consistent, and what follows from it."""

from __future__ import annotations

import json
import threading
from typing import Any

import pytest

from qqbot_sync import models as m
from qqbot_sync.events import (
    EVENTS,
    Event,
    Keys,
    RawEvent,
    events_of,
    keys_of,
    nearest,
    normalise,
    spec_of,
)
from qqbot_sync.intents import Intents
from tests.support import event_payloads, payload

# Written down from the platform's pages and the other SDKs: name, bit, model, botrs, botpy ("on_…": on_ and botrs's).
TABLE = """
READY - Ready ready on_ready
RESUMED - - resumed on_resumed
GUILD_CREATE 0 Guild guild_create on_guild_create
GUILD_UPDATE 0 Guild guild_update on_guild_update
GUILD_DELETE 0 Guild guild_delete on_guild_delete
CHANNEL_CREATE 0 Channel channel_create on_channel_create
CHANNEL_UPDATE 0 Channel channel_update on_channel_update
CHANNEL_DELETE 0 Channel channel_delete on_channel_delete
GUILD_MEMBER_ADD 1 Member guild_member_add on_guild_member_add
GUILD_MEMBER_UPDATE 1 Member guild_member_update on_guild_member_update
GUILD_MEMBER_REMOVE 1 Member guild_member_remove on_guild_member_remove
MESSAGE_CREATE 9 Message - on_message_create
MESSAGE_DELETE 9 MessageDelete message_delete on_message_delete
MESSAGE_REACTION_ADD 10 MessageReaction message_reaction_add on_message_reaction_add
MESSAGE_REACTION_REMOVE 10 MessageReaction message_reaction_remove on_message_reaction_remove
DIRECT_MESSAGE_CREATE 12 Message direct_message_create on_direct_message_create
DIRECT_MESSAGE_DELETE 12 MessageDelete direct_message_delete on_direct_message_delete
OPEN_FORUM_THREAD_CREATE 18 OpenForumEvent open_forum_thread_create on_open_forum_thread_create
OPEN_FORUM_THREAD_UPDATE 18 OpenForumEvent open_forum_thread_update on_open_forum_thread_update
OPEN_FORUM_THREAD_DELETE 18 OpenForumEvent open_forum_thread_delete on_open_forum_thread_delete
OPEN_FORUM_POST_CREATE 18 OpenForumEvent open_forum_post_create on_open_forum_post_create
OPEN_FORUM_POST_DELETE 18 OpenForumEvent open_forum_post_delete on_open_forum_post_delete
OPEN_FORUM_REPLY_CREATE 18 OpenForumEvent open_forum_reply_create on_open_forum_reply_create
OPEN_FORUM_REPLY_DELETE 18 OpenForumEvent open_forum_reply_delete on_open_forum_reply_delete
AUDIO_OR_LIVE_CHANNEL_MEMBER_ENTER 19 AudioLiveMember audio_or_live_channel_member_enter on_…
AUDIO_OR_LIVE_CHANNEL_MEMBER_EXIT 19 AudioLiveMember audio_or_live_channel_member_exit on_…
ENTER_AIO 23 EnterAIO enter_aio -
GROUP_MEMBER_ADD 24 GroupMemberEvent - -
GROUP_MEMBER_REMOVE 24 GroupMemberEvent - -
GROUP_JOIN_REQUEST 25 GroupJoinRequest - -
C2C_MESSAGE_CREATE 25 QQMessage c2c_message_create on_c2c_message_create
GROUP_AT_MESSAGE_CREATE 25 QQMessage group_message_create on_group_at_message_create
GROUP_MESSAGE_CREATE 25 QQMessage - -
FRIEND_ADD 25 FriendEvent friend_add on_friend_add
FRIEND_DEL 25 FriendEvent friend_del on_friend_del
C2C_MSG_REJECT 25 C2CSwitchEvent c2c_msg_reject on_c2c_msg_reject
C2C_MSG_RECEIVE 25 C2CSwitchEvent c2c_msg_receive on_c2c_msg_receive
GROUP_ADD_ROBOT 25 GroupManageEvent group_add_robot on_group_add_robot
GROUP_DEL_ROBOT 25 GroupManageEvent group_del_robot on_group_del_robot
GROUP_MSG_REJECT 25 GroupManageEvent group_msg_reject on_group_msg_reject
GROUP_MSG_RECEIVE 25 GroupManageEvent group_msg_receive on_group_msg_receive
SUBSCRIBE_MESSAGE_STATUS 25 SubscribeMessageStatus subscribe_message_status -
INTERACTION_CREATE 26 Interaction interaction_create on_interaction_create
MESSAGE_AUDIT_PASS 27 MessageAudited message_audit_pass on_message_audit_pass
MESSAGE_AUDIT_REJECT 27 MessageAudited message_audit_reject on_message_audit_reject
FORUM_THREAD_CREATE 28 Thread forum_thread_create on_forum_thread_create
FORUM_THREAD_UPDATE 28 Thread forum_thread_update on_forum_thread_update
FORUM_THREAD_DELETE 28 Thread forum_thread_delete on_forum_thread_delete
FORUM_POST_CREATE 28 Post forum_post_create on_forum_post_create
FORUM_POST_DELETE 28 Post forum_post_delete on_forum_post_delete
FORUM_REPLY_CREATE 28 Reply forum_reply_create on_forum_reply_create
FORUM_REPLY_DELETE 28 Reply forum_reply_delete on_forum_reply_delete
FORUM_PUBLISH_AUDIT_RESULT 28 ForumAuditResult forum_publish_audit_result on_forum_publish_audit_result
AUDIO_START 29 AudioAction audio_start on_audio_start
AUDIO_FINISH 29 AudioAction audio_finish on_audio_finish
AUDIO_ON_MIC 29 AudioAction on_mic on_on_mic
AUDIO_OFF_MIC 29 AudioAction off_mic on_off_mic
AT_MESSAGE_CREATE 30 Message message_create on_at_message_create
PUBLIC_MESSAGE_DELETE 30 MessageDelete message_delete on_public_message_delete
"""
ROWS = [line.split() for line in TABLE.strip().splitlines()]


def test_the_table_has_the_59_events_of_the_platform() -> None:
    assert len(ROWS) == 59
    assert {row[0] for row in ROWS} == set(EVENTS) == {event.value for event in Event}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_a_row_says_what_the_platform_and_the_other_sdks_say(row: list[str]) -> None:
    name, bit, model, botrs, botpy = row
    botpy = botpy.replace("…", botrs)
    spec = EVENTS[name]
    assert spec is Event(name).spec is spec_of(name)
    assert spec.name == name
    assert spec.intents == (0 if bit == "-" else 1 << int(bit))
    assert spec.model is (None if model == "-" else getattr(m, model))
    assert spec.callback == name.lower()
    assert (spec.botrs or "-", spec.botpy or "-") == (botrs, botpy)


@pytest.mark.parametrize("spec", EVENTS.values(), ids=lambda spec: spec.name)
def test_a_row_is_consistent_in_itself(spec: Any) -> None:
    assert isinstance(spec.intents, Intents)
    assert spec.family in EVENTS
    assert EVENTS[spec.family].family == spec.family
    assert spec.is_message == spec.name.endswith("MESSAGE_CREATE")
    if spec.model is not None:
        own = getattr(spec.model, "__dataclass_fields__", {})
        assert not spec.id_field or spec.id_field in own
    if spec.name not in {"READY", "RESUMED"}:
        assert spec.where.conversation


def test_members_of_event_are_texts() -> None:
    assert Event.AT_MESSAGE_CREATE == "AT_MESSAGE_CREATE"
    assert str(Event.AT_MESSAGE_CREATE) == f"{Event.AT_MESSAGE_CREATE}" == "AT_MESSAGE_CREATE"
    assert Event("READY") is Event.READY
    assert EVENTS[Event.READY].name == "READY"
    assert json.dumps(Event.READY) == '"READY"'


def test_a_join_request_may_come_under_either_bit() -> None:
    spec = EVENTS["GROUP_JOIN_REQUEST"]
    assert spec.intents == Intents.GROUP_AND_C2C_EVENT
    assert spec.wishes == Intents.GROUP_MEMBER_EVENT
    assert not any(other.wishes for other in EVENTS.values() if other is not spec)


def test_copies_are_known_by_family_and_id() -> None:
    families = {name: spec.family for name, spec in EVENTS.items() if spec.family != name}
    assert families == {"MESSAGE_CREATE": "AT_MESSAGE_CREATE", "GROUP_MESSAGE_CREATE": "GROUP_AT_MESSAGE_CREATE"}
    id_fields = {name: spec.id_field for name, spec in EVENTS.items() if spec.id_field}
    messages = {name: "id" for name, spec in EVENTS.items() if spec.is_message}
    assert id_fields == {
        **messages,
        "INTERACTION_CREATE": "id",
        "MESSAGE_AUDIT_PASS": "audit_id",
        "MESSAGE_AUDIT_REJECT": "audit_id",
        "GROUP_JOIN_REQUEST": "join_request_id",
    }


def test_six_events_are_messages_and_each_has_a_scene() -> None:
    scenes = {spec.name: spec.scene for spec in EVENTS.values() if spec.is_message}
    assert scenes == {
        "MESSAGE_CREATE": "guild",
        "AT_MESSAGE_CREATE": "guild",
        "DIRECT_MESSAGE_CREATE": "direct",
        "C2C_MESSAGE_CREATE": "c2c",
        "GROUP_AT_MESSAGE_CREATE": "group",
        "GROUP_MESSAGE_CREATE": "group",
    }


def test_names_are_normalised() -> None:
    assert normalise(" group_at_message_create\n") == "GROUP_AT_MESSAGE_CREATE"
    assert normalise(Event.READY) == "READY"
    assert type(normalise(Event.READY)) is str
    assert normalise("something_new") == "SOMETHING_NEW"


@pytest.mark.parametrize(("wrong", "error"), [("", ValueError), ("  ", ValueError), (None, TypeError), (5, TypeError)])
def test_what_is_no_name_is_refused(wrong: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        normalise(wrong)


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("C2C_MESSAGE_CREATED", "C2C_MESSAGE_CREATE"),
        ("GROUP_AT_MESAGE_CREATE", "GROUP_AT_MESSAGE_CREATE"),
        ("AT_MESSAGES_CREATE", "AT_MESSAGE_CREATE"),
        ("READY", None),
        ("SOMETHING_ELSE", None),
    ],
)
def test_a_name_that_is_nearly_right_is_recognised(name: str, meant: str | None) -> None:
    assert nearest(name) == meant


def test_the_events_of_a_model() -> None:
    assert {spec.name for spec in events_of(m.Message)} == {
        "MESSAGE_CREATE",
        "AT_MESSAGE_CREATE",
        "DIRECT_MESSAGE_CREATE",
    }
    assert {spec.name for spec in events_of(m.ChatMessage)} == {
        spec.name for spec in EVENTS.values() if spec.is_message
    }
    assert [spec.name for spec in events_of(m.Ready)] == ["READY"]
    assert events_of(m.Role) == events_of(m.Model) == events_of(str) == ()


KEYS = {
    "at_message_create": ("0812345677890abcdef", "channel:100010", "1234"),
    "message_create": ("0812345677890abcdef", "channel:100010", "1234"),
    "direct_message_create": ("0812345677890abcdef", "direct:18700000000001", "1234"),
    "c2c_message_create-4": (
        "ROBOT1.0_.b6nx.CVryAO0nR58RXuU6SC.m92gc19j02qKqdm8ek!",
        "c2c:E4F4AEA33253A2797FB897C50B81D7ED",
        "E4F4AEA33253A2797FB897C50B81D7ED",
    ),
    "group_message_create-4": ("message-id", "group:group-openid", "member-openid"),
    "interaction_create": (
        "1b13d569-4610-4ab9-bc51-feecc5def6d4",
        "c2c:A1B2C3D4E5F6A1B2C3D4E5F6A1B2C3D4",
        "A1B2C3D4E5F6A1B2C3D4E5F6A1B2C3D4",
    ),
    "interaction_create-4": (
        "30540ff7-9d8f-4737-83f1-e116ce6afa8b",
        "c2c:E4F4AEA33253A2797FB897C50B81D7ED",
        "E4F4AEA33253A2797FB897C50B81D7ED",
    ),
    "interaction_create-5": ("interaction-id", "group:group-openid", "member-openid"),
    "message_audit_pass": ("5f60b782-d134-4628-93b8-9baa4b182f48", "channel:1699792", ""),
    "message_delete": (
        "MESSAGE_DELETE:9ef1e775-de71-4cc2-8e48-ddf366adb680",
        "channel:246******",
        "537106425******",
    ),
    "message_reaction_add-2": (None, "channel:111", "123"),
    "guild_member_remove": ("GUILD_MEMBER_REMOVE:wrapped-sample", "guild:200000000", "8834102668809967837"),
    "guild_create": ("GUILD_CREATE:wrapped-sample", "guild:123456789012345678", "123456789012345678"),
    "channel_update-2": ("CHANNEL_UPDATE:wrapped-sample", "channel:2943679", "100000000"),
    "friend_add-3": (
        "FRIEND_ADD:701d1cfb-46cd-4979-9a01-1031819c2e4b",
        "c2c:E4F4AEA33253A2797FB897C50B81D7ED",
        "E4F4AEA33253A2797FB897C50B81D7ED",
    ),
    "group_member_add-2": ("event-id", "group:group-openid", "member-openid"),
    "group_add_robot-2": (
        "GROUP_ADD_ROBOT:39ab91b8-36ee-44d6-80e9-4447a2f2c571",
        "group:C9F778FE6ADF9D1D1DBE395BF744A33A",
        "E4F4AEA33253A2797FB897C50B81D7ED",
    ),
    "forum_reply_create": ("FORUM_REPLY_CREATE:wrapped-sample", "channel:1661124", "144115218182563108"),
    "audio_or_live_channel_member_exit": (
        "AUDIO_OR_LIVE_CHANNEL_MEMBER_EXIT:wrapped-sample",
        "channel:1661124",
        "144115218182563108",
    ),
}


@pytest.mark.parametrize("name", KEYS)
def test_the_keys_of_captured_events(name: str) -> None:
    frame = payload(name)
    assert keys_of(frame["t"], json.dumps(frame["d"]).encode(), frame.get("id")) == KEYS[name]


@pytest.mark.parametrize("name", event_payloads())
def test_every_captured_event_happened_somewhere(name: str) -> None:
    frame = payload(name)
    keys = keys_of(frame["t"], json.dumps(frame["d"]).encode(), frame.get("id"))
    assert keys.conversation.split(":", 1)[0] in {"guild", "channel", "direct", "group", "c2c"}
    assert keys.conversation.split(":", 1)[1]
    scene = EVENTS[frame["t"]].scene
    if scene in {"direct", "group", "c2c"}:
        assert keys.conversation.startswith(f"{scene}:")


def test_the_same_person_has_the_same_keys_in_messages_and_interactions() -> None:
    said = keys_of("GROUP_MESSAGE_CREATE", b'{"group_openid":"G","author":{"id":"A","member_openid":"A"}}', None)
    pressed = keys_of("INTERACTION_CREATE", b'{"group_openid":"G","group_member_openid":"A"}', None)
    assert said == pressed
    said = keys_of("AT_MESSAGE_CREATE", b'{"channel_id":"C","guild_id":"X","author":{"id":"A"}}', None)
    pressed = keys_of(
        "INTERACTION_CREATE", b'{"channel_id":"C","guild_id":"X","data":{"resolved":{"user_id":"A"}}}', None
    )
    assert said == pressed


def test_numbers_and_texts_give_the_same_keys() -> None:
    one = keys_of("FORUM_THREAD_CREATE", b'{"guild_id":1,"channel_id":22,"author_id":3}', "e")
    other = keys_of("FORUM_THREAD_CREATE", b'{"guild_id":"1","channel_id":"22","author_id":"3"}', "e")
    assert one == other == Keys("e", "channel:22", "3")
    assert keys_of("AT_MESSAGE_CREATE", b'{"id":5}', "e").dedupe_id == "5"


def test_an_event_without_an_id_of_its_own_has_the_envelopes() -> None:
    assert keys_of("AT_MESSAGE_CREATE", b'{"id":""}', "e").dedupe_id == "e"
    assert keys_of("AT_MESSAGE_CREATE", b"{}", "").dedupe_id is None
    assert keys_of("AT_MESSAGE_CREATE", b"{}", None) == Keys()


def test_unknown_events_are_placed_by_the_usual_fields() -> None:
    body = b'{"id":"1","group_openid":"G","author":{"member_openid":"A"}}'
    assert keys_of("GROUP_SOMETHING_NEW", body, "e") == Keys("e", "group:G", "A")
    assert keys_of("NEW", b'""', None) == Keys()


def raw_event(**changes: Any) -> RawEvent:
    return RawEvent(
        name="X", d=b"{}", frame=b"{}", event_id="e", seq=1, shard=(0, 1), received_at=1.0, keys=Keys("e"), **changes
    )


def test_an_event_is_finished_once() -> None:
    finished: list[RawEvent] = []
    event = raw_event(done=finished.append)
    event.finish()
    event.finish()
    assert finished == [event]
    raw_event().finish()


def test_an_event_is_finished_once_by_many_threads() -> None:
    for _ in range(50):
        finished: list[RawEvent] = []
        event = raw_event(done=finished.append)
        barrier = threading.Barrier(4)

        def work(event: RawEvent = event, barrier: threading.Barrier = barrier) -> None:
            barrier.wait()
            event.finish()

        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert finished == [event]


def test_events_are_told_apart_by_identity() -> None:
    assert raw_event() != raw_event()
    assert len({raw_event(), raw_event()}) == 2
