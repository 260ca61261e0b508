"""Where answers go, what they are tied to, and how long they may be given: with every captured payload."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qqbot_sync.events import EVENTS
from qqbot_sync.protocol.replies import (
    ANSWERABLE,
    MESSAGES,
    REPLY_WINDOWS,
    Anchor,
    Channel,
    Direct,
    Group,
    ReplyWindow,
    Target,
    User,
    anchor_of,
    reply_budget,
    reply_target,
)
from tests.protocol.support import BOUNDED
from tests.support import event_payloads, payload

A1 = "A1B2C3D4E5F6A1B2C3D4E5F6A1B2C3D4"
B2 = "B2C3D4E5F6A1B2C3D4E5F6A1B2C3D4E5"
C3 = "C3D4E5F6A1B2C3D4E5F6A1B2C3D4E5F6"
E4 = "E4F4AEA33253A2797FB897C50B81D7ED"
C9 = "C9F778FE6ADF9D1D1DBE395BF744A33A"
BCB = "BCBxxxxxxxxxxxxxxxxxxxxxxxxxxx94"

# Read off the captured frames by hand; every frame that is not here cannot be answered.
TARGETS: dict[str, Target] = {
    "at_message_create": Channel("100010"),
    "at_message_create-2": Channel("1109094"),
    "message_create": Channel("100010"),
    "message_create-2": Channel("channel_id"),
    "message_create-3": Channel("channel_id"),
    "direct_message_create": Direct("18700000000001"),
    "direct_message_create-2": Direct("13595572922435876753"),
    "group_at_message_create": Group(B2),
    "group_at_message_create-2": Group(B2),
    "group_at_message_create-3": Group(B2),
    "group_at_message_create-4": Group(C9),
    "group_message_create": Group(B2),
    "group_message_create-2": Group(B2),
    "group_message_create-3": Group(B2),
    "group_message_create-4": Group("group-openid"),
    **{f"group_message_create-{number}": Group(BCB) for number in (5, 6, 8, 9, 10, 11)},
    "group_message_create-7": Group("F90xxxxxxxxxxxxxxxxxxxxxxxxxxxF4"),
    "c2c_message_create": User(A1),
    "c2c_message_create-2": User(B2),
    "c2c_message_create-3": User(C3),
    "c2c_message_create-4": User(E4),
    "c2c_message_create-5": User("675860273"),
    "c2c_msg_receive": User(A1),
    "c2c_msg_receive-2": User(E4),
    "friend_add": User(A1),
    "friend_add-2": User(A1),
    "friend_add-3": User(E4),
    "group_add_robot": Group(A1),
    "group_add_robot-2": Group(C9),
    "group_msg_receive": Group(A1),
    "group_msg_receive-2": Group(C9),
    "group_member_add": Group(B2),
    "group_member_add-2": Group("group-openid"),
    "group_member_remove": Group(B2),
    "group_member_remove-2": Group("group-openid"),
    "interaction_create": User(A1),
    "interaction_create-2": Group(B2),
    "interaction_create-3": User(A1),
    "interaction_create-4": User(E4),
    "interaction_create-5": Group("group-openid"),
    "message_reaction_add": Channel("12345"),
    "message_reaction_add-2": Channel("111"),
    "message_reaction_remove": Channel("12345"),
    **{
        f"forum_{what}": Channel("1661124")
        for what in (
            "thread_create",
            "thread_update",
            "thread_delete",
            "post_create",
            "post_delete",
            "reply_create",
            "reply_delete",
        )
    },
}


@pytest.mark.parametrize("name", event_payloads())
def test_every_captured_event_is_answered_where_it_came_from(name: str) -> None:
    frame = payload(name)
    assert reply_target(frame["t"], frame["d"]) == TARGETS.get(name)


@pytest.mark.parametrize("name", event_payloads())
def test_every_captured_event_is_tied_to_its_message_or_its_envelope(name: str) -> None:
    frame = payload(name)
    anchor = anchor_of(frame["t"], frame["d"], frame.get("id"))
    if frame["t"] in MESSAGES:
        assert anchor == Anchor(msg_id=frame["d"]["id"])
    elif frame["t"] in ANSWERABLE:
        assert anchor == Anchor(event_id=frame.get("id"))
    else:
        assert not anchor


def test_the_tables_know_only_events_of_the_platform() -> None:
    assert set(ANSWERABLE) <= set(EVENTS)
    assert {spec.name: spec.scene for spec in EVENTS.values() if spec.is_message} == MESSAGES


@pytest.mark.parametrize("name", MESSAGES)
def test_the_scene_of_a_message_is_the_scene_of_its_target(name: str) -> None:
    everything = {"channel_id": "1", "guild_id": "2", "group_openid": "3", "author": {"user_openid": "4"}}
    target = reply_target(name, everything)
    assert target is not None
    assert target.scene == MESSAGES[name]


@pytest.mark.parametrize("name", sorted(ANSWERABLE))
def test_the_target_of_an_answerable_event_is_in_its_scene(name: str) -> None:
    everything = {"channel_id": "1", "guild_id": "2", "group_openid": "3", "openid": "4", "user_openid": "5"}
    target = reply_target(name, everything)
    if target is None:
        assert name.startswith("GUILD_MEMBER_"), "these may be answered in a channel of the caller's choice"
    else:
        assert target.scene in ANSWERABLE[name]


# -- bodies with something missing or odd -------------------------------------------------------------------------


def test_a_group_is_found_by_its_older_field() -> None:
    assert reply_target("GROUP_MESSAGE_CREATE", {"group_id": "g"}) == Group("g")
    assert reply_target("GROUP_AT_MESSAGE_CREATE", {"group_openid": "", "group_id": "g"}) == Group("g")


def test_a_person_is_found_by_the_older_field() -> None:
    assert reply_target("C2C_MESSAGE_CREATE", {"author": {"id": "u"}}) == User("u")
    assert reply_target("C2C_MESSAGE_CREATE", {"author": {"id": "u", "user_openid": "o"}}) == User("o")


def test_ids_that_come_as_numbers_are_texts() -> None:
    assert reply_target("FORUM_THREAD_CREATE", {"channel_id": 13595572922435876753}) == Channel("13595572922435876753")


@pytest.mark.parametrize(
    ("d", "expected"),
    [
        ({"chat_type": 0, "guild_id": "g", "channel_id": "c", "data": {"resolved": {"user_id": "u"}}}, Channel("c")),
        ({"chat_type": 1, "group_openid": "g", "group_member_openid": "m"}, Group("g")),
        ({"chat_type": 1, "group_open_id": "g"}, Group("g")),
        ({"chat_type": 2, "user_openid": "u"}, User("u")),
        ({"chat_type": 2, "data": {"resolved": {"user_id": "u"}}}, User("u")),
        ({"chat_type": "2", "data": {"resolved": {"user_id": "u"}}}, User("u")),
        ({"scene": "c2c", "data": {"resolved": {"user_id": "u"}}}, User("u")),
        ({"scene": "c2c", "group_openid": "g", "user_openid": "u"}, User("u")),
        ({"scene": "group", "group_openid": "g", "user_openid": "u"}, Group("g")),
        ({"scene": "guild", "channel_id": "c", "user_openid": "u"}, Channel("c")),
        ({"scene": "guild", "chat_type": 2, "channel_id": "c", "user_openid": "u"}, Channel("c")),
        ({"scene": "new", "chat_type": 2, "user_openid": "u", "channel_id": "c"}, User("u")),
        ({"scene": ["c2c"], "chat_type": {}, "user_openid": "u"}, User("u")),
        ({"channel_id": "c"}, Channel("c")),
        ({"scene": "group", "channel_id": "c"}, Channel("c")),
        ({"data": {"resolved": {"user_id": "u"}}}, None),
        ({"chat_type": 0, "data": {"resolved": {"user_id": "u"}}}, None),
        ({"chat_type": 2, "data": None}, None),
        ({"chat_type": 2, "data": {"resolved": "x"}}, None),
        ({}, None),
    ],
)
def test_an_interaction_is_answered_where_its_button_stood(d: dict[str, Any], expected: Target | None) -> None:
    assert reply_target("INTERACTION_CREATE", d) == expected


@pytest.mark.parametrize("bad", ["", "  ", None, 0, -1, 1.5, True, [], {}, ".", "..", "\ud800", 1 << 64])
def test_what_is_no_id_gives_no_target(bad: Any) -> None:
    assert reply_target("AT_MESSAGE_CREATE", {"channel_id": bad}) is None
    assert reply_target("C2C_MESSAGE_CREATE", {"author": {"id": bad}}) is None


@pytest.mark.parametrize("name", [*sorted(EVENTS), "NEW_EVENT"])
@pytest.mark.parametrize("d", [None, "", 7, [], {}, {"author": "x"}, {"author": None, "id": {}}])
def test_a_body_without_what_it_takes_gives_neither_target_nor_error(name: str, d: Any) -> None:
    assert reply_target(name, d) is None
    assert anchor_of(name, d, None) == Anchor()


def test_events_that_the_platform_lets_nobody_answer_have_no_anchor() -> None:
    for name in ("GROUP_DEL_ROBOT", "FRIEND_DEL", "GUILD_CREATE", "GROUP_MEMBER_REMOVE", "NEW_EVENT"):
        assert not anchor_of(name, {"id": "x"}, "event")


@pytest.mark.parametrize("event_id", [None, "", 7, []])
def test_an_odd_event_id_is_no_anchor(event_id: Any) -> None:
    assert anchor_of("FRIEND_ADD", {"openid": "u"}, event_id) == Anchor()


def test_an_interaction_is_tied_to_the_envelope_and_not_to_its_own_id() -> None:
    assert anchor_of("INTERACTION_CREATE", {"id": "inner"}, "outer") == Anchor(event_id="outer")


ODD = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4) | st.sampled_from(["c2c", 2]),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(
            st.sampled_from(
                ["id", "author", "data", "resolved", "user_id", "user_openid", "scene", "chat_type", "openid"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=8,
)


@BOUNDED
@given(st.sampled_from(sorted(EVENTS)), ODD, ODD)
def test_no_body_is_odd_enough_for_an_error(name: str, d: Any, event_id: Any) -> None:
    target = reply_target(name, d)
    assert target is None or target.path
    anchor_of(name, d, event_id).fields()


# -- targets ------------------------------------------------------------------------------------------------------

KINDS = [
    (Channel, "/channels/{}/messages", False, "guild"),
    (Direct, "/dms/{}/messages", False, "direct"),
    (Group, "/v2/groups/{}/messages", True, "group"),
    (User, "/v2/users/{}/messages", True, "c2c"),
]


@pytest.mark.parametrize(("kind", "path", "numbered", "scene"), KINDS)
def test_a_target_knows_its_path_its_scene_and_whether_messages_are_numbered(
    kind: Any, path: str, numbered: bool, scene: str
) -> None:
    target = kind("A1B2")
    assert target.path == path.format("A1B2")
    assert target.numbered is numbered
    assert target.scene == scene
    assert target == kind("A1B2")
    assert len({target, kind("A1B2"), kind("other")}) == 2
    assert repr(target).startswith(f"{kind.__name__}(")
    assert isinstance(target, Target)


@pytest.mark.parametrize("kind", [kind for kind, *_ in KINDS])
@pytest.mark.parametrize("text", ["a/b", "a?b#c", "../x", "a b", "%2e%2e", "群", "a\\b", "\r\n"[:1] + "x"])
def test_no_id_can_leave_its_place_in_the_path(kind: Any, text: str) -> None:
    path = kind(text).path
    parts = urlsplit(path)
    assert parts.path == path
    assert path.isascii()
    assert path.count("/") == kind("plain").path.count("/")
    assert unquote(path.split("/")[-2]) == text


@pytest.mark.parametrize("kind", [kind for kind, *_ in KINDS])
@pytest.mark.parametrize("bad", [None, 123, b"1", ["1"]])
def test_an_id_that_is_no_text_is_refused_by_name(kind: Any, bad: Any) -> None:
    with pytest.raises(TypeError, match=rf"{kind.__name__}\(\w+\) must be text"):
        kind(bad)


@pytest.mark.parametrize("kind", [kind for kind, *_ in KINDS])
@pytest.mark.parametrize("bad", ["", " ", "\n", ".", "..", "a\ud800"])
def test_a_text_that_is_no_id_is_refused_by_name(kind: Any, bad: str) -> None:
    with pytest.raises(ValueError, match=rf"{kind.__name__}\(\w+\) is not an id"):
        kind(bad)


def test_targets_of_different_kinds_are_never_equal() -> None:
    same: set[Any] = {kind("1") for kind, *_ in KINDS}
    assert len(same) == 4


def test_the_fields_have_the_platforms_names() -> None:
    assert (Channel(id="1").id, Direct(guild_id="2").guild_id) == ("1", "2")
    assert (Group(openid="3").openid, User(openid="4").openid) == ("3", "4")


# -- anchors and windows ------------------------------------------------------------------------------------------


def test_an_anchor_gives_one_field_and_one_key() -> None:
    assert Anchor("m").fields() == {"msg_id": "m"}
    assert Anchor(event_id="e").fields() == {"event_id": "e"}
    assert Anchor("m", "e").fields() == {"msg_id": "m"}
    assert Anchor().fields() == {}
    assert (Anchor("m").key, Anchor(event_id="e").key, Anchor().key) == ("m", "e", None)
    assert Anchor("m")
    assert not Anchor()
    assert not Anchor("", "")


def test_the_windows_are_those_of_the_documents() -> None:
    assert dict(REPLY_WINDOWS) == {
        "guild": ReplyWindow(300, None, None),
        "direct": ReplyWindow(300, None, None),
        "group": ReplyWindow(300, 5, 4000),
        "c2c": ReplyWindow(3600, 4, 4000),
    }


@pytest.mark.parametrize("scene", REPLY_WINDOWS)
def test_a_budget_counts_down_and_ends(scene: Any) -> None:
    window = REPLY_WINDOWS[scene]
    fresh = reply_budget(scene, received_at=1000.0)
    assert fresh.deadline == 1000.0 + window.seconds
    assert fresh.left == window.replies
    assert fresh.is_open(1000.0)
    assert fresh.is_open(fresh.deadline - 0.001)
    assert not fresh.is_open(fresh.deadline)
    much = reply_budget(scene, received_at=1000.0, sent=100)
    assert much.left == (None if window.replies is None else 0)
    assert much.is_open(1000.0) is (window.replies is None)
    if window.replies is not None:
        assert reply_budget(scene, received_at=0.0, sent=1).left == window.replies - 1
