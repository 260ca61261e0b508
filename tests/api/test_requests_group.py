"""What every call about groups, users, files, menus and interactions sends, against expectations written by hand."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from qqbot_sync.api import Api
from qqbot_sync.api.endpoint import GROUPS, endpoints
from qqbot_sync.models import (
    InputNotify,
    Media,
    Menu,
    MenuItem,
    MenuItemType,
    Panel,
    PanelItem,
    PanelItemType,
    UploadedFile,
)
from tests.api.requests import Expected, check, label, load, make
from tests.api.support import Peer, QuickClock, reply
from tests.api.test_coverage import GUILD_GROUPS

EXPECTED = load("requests_group.jsonl")


@pytest.mark.parametrize("expected", EXPECTED, ids=label)
def test_a_call_sends_what_the_documents_say(api: Api, peer: Peer, expected: Expected) -> None:
    _, got = make(api, peer, expected)
    check(got, expected)


def test_every_call_of_these_groups_has_an_expectation() -> None:
    expected = {one["call"] for one in EXPECTED}
    calls = {one.name for one in endpoints(Api) if one.group in set(GROUPS) - GUILD_GROUPS}
    # The parts go to the storage, not to the API: tests/api/test_uploading.py.
    assert calls - {"_put_upload_part"} <= expected


@pytest.mark.parametrize("media", [Media("F"), UploadedFile(file_info="F", ttl=3), {"file_info": "F"}])
def test_an_uploaded_file_is_sent_as_it_comes(api: Api, peer: Peer, media: Any) -> None:
    api.post_group_message("G", media=media)
    assert peer.requests[0].json == {"msg_type": 7, "media": {"file_info": "F"}}


def test_models_are_sent_as_the_platform_writes_them(api: Api, peer: Peer) -> None:
    peer.say(reply({"version": 1}), reply({"panel_id": "P"}), reply({"id": "x"}))
    assert api.update_menu(Menu([MenuItem("帮助", MenuItemType.SEND_MESSAGE, send_message="/help")])) == 1
    panel = Panel([PanelItem("/a", "b", PanelItemType.COMMAND, only_admin=True)], remark="r", version=7)
    assert api.create_panel("channel", panel) == "P"
    api.post_c2c_message("U", input_notify=InputNotify(1, 5))
    menu, made, typing = (got.json for got in peer.requests)
    assert menu == {"menu": {"items": [{"name": "帮助", "type": "send_message", "send_message": "/help"}]}}
    item = {"name": "/a", "desc": "b", "type": "command", "only_admin": True}
    assert made == {"scope": "channel", "target_type": "all", "panel": {"items": [item], "remark": "r"}}
    assert typing == {"msg_type": 6, "input_notify": {"input_type": 1, "input_second": 5}}


def test_a_mute_may_end_at_a_datetime(api: Api, peer: Peer, clock: QuickClock) -> None:
    end = datetime.fromtimestamp(clock.wall(), timezone.utc).replace(microsecond=0) + timedelta(days=30)
    api.mute_group_members("G", ["M"], until=end, op="update")
    [member] = peer.requests[0].json["members"]
    assert member["op"] == "update"
    assert member["mute_expire_at"].endswith("+08:00")
    assert datetime.fromisoformat(member["mute_expire_at"]) == end


def test_a_list_is_walked_page_after_page_as_it_is_wanted(api: Api, peer: Peer) -> None:
    peer.say(
        reply({"members": [{"member_openid": "a"}, {"member_openid": "b"}], "next_cursor": "2"}),
        reply({"members": [{"member_openid": "c"}], "next_cursor": "4"}),
        reply({"members": [], "next_cursor": ""}),
    )
    members = api.iter_group_members("G")
    assert [next(members).member_openid, next(members).member_openid] == ["a", "b"]
    assert len(peer.requests) == 1
    assert [one.member_openid for one in members] == ["c"]
    assert [got.path.partition("?")[2] for got in peer.requests] == ["", "cursor=2", "cursor=4"]


def test_a_cursor_that_comes_again_ends_the_list(api: Api, peer: Peer) -> None:
    peer.default = reply({"users": [{"member_openid": "a"}], "next_cursor": "1"})
    assert len(list(api.iter_group_blacklist("G"))) == 2


def test_panels_end_where_the_platform_says_so(api: Api, peer: Peer) -> None:
    peer.say(reply({"records": [{"panel_id": "P"}], "next_cursor": "9", "is_end": True}))
    assert [one.panel_id for one in api.iter_panels("c2c")] == ["P"]


def test_answers_are_models(api: Api, peer: Peer) -> None:
    peer.say(
        reply({"group_openid": "G", "group_name": "群", "group_tags": ["a"], "group_member_num": "3"}),
        reply({"list": [{"join_request_id": "J", "verify_info": {"verify_message": "hi"}}], "next_cursor": ""}),
        reply({"global_rule": {"mode": "schedule", "recurring_rules": [{"weekdays": [1]}]}, "members": []}),
        reply({"upload_id": "u", "block_size": 5, "parts": [{"index": 1, "block_size": "5"}], "concurrency": 2}),
    )
    assert api.get_group_info("G").group_member_num == 3
    [request] = api.get_group_join_requests("G").list
    assert request.verify_info is not None
    assert request.verify_info.verify_message == "hi"
    rule = api.get_group_mutes("G").global_rule
    assert rule is not None
    assert (rule.mode, rule.recurring_rules[0].weekdays) == ("schedule", [1])
    hashes: dict[str, Any] = {"md5": "a", "sha1": "b", "md5_10m": "c"}
    plan = api.post_group_upload_prepare("G", file_type=4, file_size=5, file_name="a", **hashes)
    assert plan.parts[0].block_size == 5
    assert plan.upload_config is not None
    assert plan.upload_config.concurrency == 2


NOW = "2026-09-21T22:30:00+08:00"
BAD: list[tuple[str, tuple[Any, ...], dict[str, Any], tuple[str, ...]]] = [
    ("post_group_message", ("",), {"content": "x"}, ("group_openid",)),
    ("post_group_message", (None,), {"content": "x"}, ("group_openid",)),
    ("post_group_message", ("G",), {}, ("content", "media")),
    ("post_group_message", ("G",), {"content": "x", "msg_id": "a", "event_id": "b"}, ("msg_id", "event_id")),
    ("post_group_message", ("G",), {"content": "x", "markdown": {"content": "y"}}, ("content", "markdown")),
    ("post_group_message", ("G",), {"content": "x", "msg_type": 9}, ("msg_type", "7")),
    ("post_group_message", ("G",), {"media": {}}, ("media.file_info",)),
    ("post_group_message", ("G",), {"content": "x", "msg_id": ""}, ("msg_id",)),
    ("post_c2c_message", ("",), {"content": "x"}, ("openid",)),
    ("post_c2c_message", ("U",), {"content": "x", "is_wakeup": True, "msg_id": "m"}, ("is_wakeup", "msg_id")),
    ("post_c2c_message", ("U",), {"input_notify": {"input_type": 1, "input_second": 61}}, ("input_second", "60")),
    ("post_c2c_stream_message", ("U",), {"content_raw": "x", "index": 0, "msg_seq": 1}, ("msg_id", "event_id")),
    (
        "post_c2c_stream_message",
        ("U",),
        {"content_raw": "x", "index": -1, "msg_seq": 1, "msg_id": "m"},
        ("index", "0"),
    ),
    (
        "post_c2c_stream_message",
        ("U",),
        {"content_raw": "x", "index": 0, "msg_seq": 1, "msg_id": "m", "input_state": 2},
        ("input_state", "10"),
    ),
    ("stream_c2c_message", ("U",), {}, ("msg_id", "event_id")),
    ("recall_group_message", ("G", " "), {}, ("message_id",)),
    ("recall_c2c_message", ("U", 5), {}, ("message_id",)),
    ("post_group_file", ("G", 1), {}, ("url", "file_data", "upload_id")),
    ("post_group_file", ("G", 1, "https://a/b"), {"file_data": b"x"}, ("url", "file_data")),
    ("post_group_file", ("G", 5, "https://a/b"), {}, ("file_type", "4")),
    ("post_group_file", ("G", 1, "ftp://a/b"), {}, ("url", "https://")),
    ("post_c2c_file", ("U", 1), {"file_data": 5}, ("file_data", "bytes")),
    (
        "post_c2c_upload_prepare",
        ("U",),
        {"file_type": 1, "file_size": 200 * 1024 * 1024 + 1, "file_name": "a", "md5": "a", "sha1": "a", "md5_10m": "a"},
        ("file_size", str(200 * 1024 * 1024)),
    ),
    ("get_group_info", ("..",), {}, ("group_openid",)),
    ("get_group_member", ("G", ""), {}, ("member_openid",)),
    ("get_group_members", ("G",), {"cursor": ""}, ("cursor",)),
    ("post_group_members", ("G",), {"limit": 501}, ("limit", "500")),
    ("remove_group_members", ("G", []), {}, ("member_openids", "20")),
    ("remove_group_members", ("G", ["M"] * 21), {}, ("member_openids", "20")),
    ("remove_group_members", ("G", "M"), {}, ("member_openids",)),
    ("get_group_blacklist", ("G",), {"limit": 101}, ("limit", "100")),
    ("update_group_blacklist", ("G", "remove", ["M"]), {}, ("op", "del")),
    ("get_group_join_requests", ("G",), {"limit": 0}, ("limit", "100")),
    ("answer_group_join_request", ("G", "M", "yes"), {}, ("op", "approve")),
    ("answer_group_join_request", ("G", "M", "approve"), {"reject_reason": "no"}, ("reject_reason", "decline")),
    ("mute_group_members", ("G", ["M"]), {"until": "2020-01-01T00:00:00+08:00"}, ("until",)),
    ("mute_group_members", ("G", ["M"]), {"until": NOW}, ("until",)),
    ("mute_group_members", ("G", ["M"]), {"until": "2026-11-30T00:00:00+08:00"}, ("until", "30")),
    ("mute_group_members", ("G", ["M"]), {"until": "soon"}, ("until", "RFC 3339")),
    ("mute_group_members", ("G", ["M"]), {"until": 1790000000}, ("until", "RFC 3339")),
    ("mute_group_members", ("G", ["M"]), {"until": datetime(2026, 10, 1)}, ("until",)),
    ("mute_group_members", ("G", ["M"] * 11), {"until": "2026-10-01T00:00:00+08:00"}, ("member_openids", "10")),
    ("create_join_approval_strategy", (), {}, ("group_openids", "group_ids")),
    ("create_join_approval_strategy", (), {"group_openids": ["G"], "group_ids": [1]}, ("group_openids", "group_ids")),
    ("create_join_approval_strategy", (), {"group_openids": ["G"] * 101}, ("group_openids", "100")),
    ("create_join_approval_strategy", (), {"group_openids": ["G"], "remark": "长" * 256}, ("remark", "255")),
    ("create_join_approval_strategy", (), {"group_openids": ["G"], "is_enable": True}, ("is_enable", "on")),
    (
        "create_join_approval_strategy",
        (),
        {"group_openids": ["G"], "expire_at": "2020-01-01T00:00:00Z"},
        ("expire_at",),
    ),
    ("update_join_approval_strategy", ("S",), {}, ("is_enable",)),
    ("update_join_approval_strategy", ("S",), {"group_openids": ["G"]}, ("op",)),
    ("update_join_whitelist", ("S", "add", ["abc"]), {}, ("whitelist_users",)),
    ("update_join_whitelist", ("S", "add", ["1"] * 10001), {}, ("whitelist_users", "10000")),
    ("update_menu", ([{"name": "十一个汉字就是太宽了啊", "type": "link", "link": "https://a"}],), {}, ("name", "10")),
    ("update_menu", ([{"name": "a", "type": "link", "link": "http://a"}],), {}, ("link", "https://")),
    ("update_menu", ([{"name": "a", "type": "switch"}],), {}, ("switch",)),
    ("update_menu", ([{"name": "a", "type": "menu", "sub_menu_items": []}],), {}, ("sub_menu_items", "5")),
    ("update_menu", ([{"name": "a", "type": "button"}],), {}, ("type", "send_message")),
    ("update_menu", ([{"name": "a", "type": "send_message", "send_message": "x"}] * 11,), {}, ("items", "10")),
    ("get_panels", ("guild",), {}, ("scope", "c2c")),
    ("get_panels", ("c2c",), {"limit": 51}, ("limit", "50")),
    ("create_panel", ("c2c", {"items": []}), {}, ("items", "20")),
    ("create_panel", ("c2c", {"items": [{"name": "x" * 15, "type": "command"}]}), {}, ("name", "14")),
    ("create_panel", ("c2c", {"items": [{"name": "x", "desc": "y" * 31, "type": "command"}]}), {}, ("desc", "30")),
    (
        "create_panel",
        ("dm", {"items": [{"name": "x", "type": "command"}]}),
        {"user_openids": ["U"]},
        ("user_openids", "c2c"),
    ),
    (
        "create_panel",
        ("c2c", {"items": [{"name": "x", "type": "command"}]}),
        {"user_openids": ["U"] * 21},
        ("user_openids", "20"),
    ),
    ("update_panel_targets", ("P", "add"), {}, ("user_openids", "group_openids")),
    ("put_interaction", ("I", 6), {}, ("code", "5")),
    ("put_interaction", ("",), {}, ("interaction_id",)),
]


@pytest.mark.parametrize(("call", "args", "kwargs", "named"), BAD, ids=lambda value: str(value)[:40])
def test_a_bad_argument_is_refused_by_name_before_anything_is_sent(
    api: Api, peer: Peer, call: str, args: tuple[Any, ...], kwargs: dict[str, Any], named: tuple[str, ...]
) -> None:
    with pytest.raises((TypeError, ValueError)) as caught:
        getattr(api, call)(*args, **kwargs)
    assert all(word in str(caught.value) for word in named), str(caught.value)
    assert " / " in str(caught.value)
    assert not peer.requests
    assert not peer.token_requests
