"""Groups, files, menus, panels and streams on the simulator's state: what one call does, the next one sees."""

from __future__ import annotations

import urllib.request
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

import pytest
import trustme

from qqbot_sync import Api, ApiError, Environment, Group, SendUnconfirmed, Simulator, User
from qqbot_sync.api.endpoint import endpoints
from qqbot_sync.errors import MediaError, NotFound, NotInGroup, QuotaExceeded, ReplyExpired, ServerError
from qqbot_sync.models import MenuItem, MenuItemType, MenuSwitch, Panel, PanelItem, PanelItemType
from qqbot_sync.protocol.replies import Anchor

ITEM = {"name": "/ping", "desc": "在吗", "type": "command"}
DATA = bytes(range(256)) * 50_000


@pytest.fixture
def qq() -> Iterator[Simulator]:
    with Simulator() as simulator:
        yield simulator


@pytest.fixture
def api(qq: Simulator) -> Iterator[Api]:
    with Api(qq.app_id, qq.secret, environment=Environment.local(qq.url)) as api:
        yield api


@pytest.fixture
def group(qq: Simulator) -> str:
    """The group that always exists, with two members."""
    for name in ("小明", "小红"):
        qq.join(name, "group")
    return qq.platform.rooms.group.id


def openid(qq: Simulator, name: str) -> str:
    return qq.platform.rooms.person(name).openid


def soon(**ahead: float) -> datetime:
    return datetime.now().astimezone() + timedelta(**ahead)


def happened(qq: Simulator, event: str) -> list[dict[str, Any]]:
    return [entry for entry in qq.entries(kinds=["happened"]) if entry["event"] == event]


# -- groups ---------------------------------------------------------------------------------------------------------


def test_a_group_tells_about_itself_and_its_members(qq: Simulator, api: Api, group: str) -> None:
    info, state = api.get_group_info(group), api.get_group_bot_state(group)
    assert (info.group_openid, info.group_member_num) == (group, 3)
    assert (state.member_role, state.recv_msg_setting, state.allow_proactive_msg) == ("admin", "all", True)
    qq.allow_active("小明", "group", allowed=False)
    assert api.get_group_bot_state(group).allow_proactive_msg is False
    assert [one.username for one in api.iter_group_members(group)] == ["小明", "小红"]
    member = api.get_group_member(group, openid(qq, "小红"))
    assert (member.username, member.member_role, member.bot) == ("小红", "member", False)


def test_many_members_come_in_pages(qq: Simulator, api: Api, group: str) -> None:
    for number in range(70):
        qq.join(f"{number}", "group")
    first = api.get_group_members(group)
    assert (len(first.members), first.next_cursor) == (30, "30")
    assert len({one.member_openid for one in api.iter_group_members(group)}) == 72
    old = api.post_group_members(group, limit=50, start_index=50)
    assert (len(old.members), old.next_index) == (22, None)
    assert api.post_group_members(group, limit=50).next_index == 50


def test_a_removed_member_is_gone_and_may_be_kept_out(qq: Simulator, api: Api, group: str) -> None:
    removed = api.remove_group_members(group, [openid(qq, "小明")], add_to_member_blacklist=True)
    assert (removed.remove_members_result, removed.add_to_member_blacklist_fail_openids) == ("success", [])
    assert [one.username for one in api.iter_group_members(group)] == ["小红"]
    assert [one.username for one in api.iter_group_blacklist(group)] == ["小明"]
    assert happened(qq, "GROUP_MEMBER_REMOVE")
    with pytest.raises(ValueError, match="black list"):
        qq.ask_to_join("小明", "group")
    with pytest.raises(ApiError):
        api.get_group_member(group, openid(qq, "小明"))
    assert api.update_group_blacklist(group, "del", [openid(qq, "小明")]).fail_openids == []
    assert list(api.iter_group_blacklist(group)) == []


def test_the_black_list_takes_only_who_is_not_in_the_group(qq: Simulator, api: Api, group: str) -> None:
    qq.say("小刚", "c2c", "hi")
    openids = [openid(qq, name) for name in ("小明", "小刚")]
    assert api.update_group_blacklist(group, "add", openids).fail_openids == openids[:1]
    assert [one.member_openid for one in api.get_group_blacklist(group).users] == openids[1:]


def test_a_request_to_join_is_listed_and_answered(qq: Simulator, api: Api, group: str) -> None:
    for name in ("甲", "乙", "丙"):
        qq.ask_to_join(name, "group", f"我是{name}")
    page = api.get_group_join_requests(group, limit=2)
    assert ([one.username for one in page.list], page.next_cursor) == (["甲", "乙"], "2")
    a, b, _ = api.iter_group_join_requests(group)
    assert a.verify_info is not None
    assert a.verify_info.verify_message == "我是甲"
    api.answer_group_join_request(group, str(a.member_openid), "approve", join_request_id=a.join_request_id)
    api.answer_group_join_request(
        group, str(b.member_openid), "decline", reject_reason="满了", add_to_member_blacklist=True
    )
    assert [one.username for one in api.iter_group_join_requests(group)] == ["丙"]
    assert api.get_group_member(group, str(a.member_openid)).username == "甲"
    assert [one.username for one in api.iter_group_blacklist(group)] == ["乙"]
    with pytest.raises(ApiError):
        api.answer_group_join_request(group, str(a.member_openid), "approve")
    assert len(happened(qq, "GROUP_JOIN_REQUEST")) == 3


def test_a_muted_member_cannot_speak_until_the_mute_ends(qq: Simulator, api: Api, group: str) -> None:
    until = soon(days=1).replace(microsecond=0)
    api.mute_group_members(group, [openid(qq, "小明")], until=until)
    [muted] = api.get_group_mutes(group).members
    assert (muted.username, muted.mute_expire_at_datetime) == ("小明", until)
    with pytest.raises(ValueError, match="muted"):
        qq.say("小明", "group", "喂")
    qq.say("小红", "group", "喂")
    api.mute_group_members(group, [openid(qq, "小明")], until=soon(days=2), op="update")
    api.unmute_group_members(group, [openid(qq, "小明")])
    assert api.get_group_mutes(group).members == []
    qq.say("小明", "group", "喂")


def test_a_rule_lets_in_whom_it_lists(qq: Simulator, api: Api, group: str) -> None:
    made = api.create_join_approval_strategy(group_openids=[group], remark="同学")
    assert made.strategy_id is not None
    assert made.is_enable == "on"
    assert api.update_join_whitelist(made.strategy_id, "add", [10001, 10002]).whitelist_user_count == 2
    qq.ask_to_join("10001", "group")
    assert openid(qq, "10001") in {one.member_openid for one in api.iter_group_members(group)}
    api.update_join_approval_strategy(made.strategy_id, is_enable="off", remark="停用")
    qq.ask_to_join("10002", "group")
    assert [one.username for one in api.iter_group_join_requests(group)] == ["10002"]
    api.execute_join_approval_strategy(made.strategy_id)
    assert list(api.iter_group_join_requests(group)) == []
    [strategy] = api.iter_join_approval_strategies()
    assert (strategy.remark, strategy.is_enable, strategy.whitelist_user_count) == ("停用", "off", 2)
    other = qq.add_group()
    api.update_join_approval_strategy(made.strategy_id, op="add", group_openids=[other])
    assert api.get_join_approval_strategies().strategies[0].group_openids == [group, other]
    api.delete_join_approval_strategy(made.strategy_id)
    assert api.get_join_approval_strategies(limit=1).strategies == []
    with pytest.raises(ApiError):
        api.execute_join_approval_strategy(made.strategy_id)


def test_rules_for_numbers_and_for_openids_do_not_mix(api: Api, group: str) -> None:
    made = api.create_join_approval_strategy(group_ids=[123456])
    assert made.strategy_id is not None
    assert api.get_join_approval_strategies().strategies[0].group_ids == ["123456"]
    with pytest.raises(ApiError):
        api.update_join_approval_strategy(made.strategy_id, op="add", group_openids=[group])


def test_only_an_admin_may_manage_and_only_the_approved_may_ask(qq: Simulator, api: Api, group: str) -> None:
    qq.group_role("member")
    for call in (
        lambda: api.get_group_mutes(group),
        lambda: api.get_group_join_requests(group),
        lambda: api.remove_group_members(group, ["x"]),
        lambda: api.get_group_blacklist(group),
    ):
        with pytest.raises(ApiError) as caught:
            call()
        assert (caught.value.status, caught.value.code) == (500, 11282)
    with qq.guard:
        qq.platform.desk.is_whitelisted = False
    with pytest.raises(ApiError) as refused:
        api.get_group_info(group)
    assert refused.value.code == 11253


def test_a_group_without_the_bot_is_unknown(api: Api) -> None:
    with pytest.raises(NotInGroup):
        api.get_group_info("NOWHERE")


# -- files ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("first", [0, 1])
def test_a_file_is_uploaded_in_parts_and_sent(qq: Simulator, api: Api, group: str, first: int) -> None:
    with qq.guard:
        qq.platform.media.block_size, qq.platform.media.first_index = 5_000_000, first
    said = qq.say("小明", "group", "图")
    uploaded = api.upload(Group(group), DATA, file_name="a.zip")
    sent = api.post_group_message(group, media=uploaded, content="给", msg_id=said.id)
    assert sent.id is not None
    [answer] = said.replies()
    assert answer.raw["media"] == {"file_info": uploaded.file_info}
    assert qq.platform.media.files[str(uploaded.file_info)].data == DATA


def test_a_file_the_platform_knows_is_not_sent_again(qq: Simulator, api: Api, group: str) -> None:
    api.upload(Group(group), DATA, chunked=True)
    # The storage would refuse any further part.
    qq.fail_http(times=1, path="/_storage", status=403)
    assert api.upload(Group(group), DATA, chunked=True).file_info


def test_a_storage_that_is_slow_or_broken_is_waited_for(qq: Simulator, api: Api, group: str) -> None:
    qq.fail_http(times=1, path="/_storage", status=503)
    assert api.upload(Group(group), b"x" * 2000, chunked=True).file_info


def test_the_storage_wants_its_signature_and_refuses_a_token(qq: Simulator, api: Api, group: str) -> None:
    hashes: dict[str, Any] = {"md5": "a", "sha1": "b", "md5_10m": "c"}
    plan = api.post_group_upload_prepare(group, file_type=4, file_size=3, file_name="a", **hashes)
    url = str(plan.parts[0].presigned_url)

    def put(address: str, headers: dict[str, str]) -> int:
        request = urllib.request.Request(address, data=b"abc", headers=headers, method="PUT")
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=10) as answer:
                return int(answer.status)
        except HTTPError as error:
            error.close()
            return int(error.code)

    assert put(url, {"Authorization": f"QQBot {api.token.get()}"}) == 403
    assert put(url.partition("?")[0], {}) == 403
    assert put(url, {}) == 200


def test_what_was_announced_must_be_what_comes(api: Api, group: str) -> None:
    hashes: dict[str, Any] = {"md5": "a", "sha1": "b", "md5_10m": "c"}
    plan = api.post_group_upload_prepare(group, file_type=4, file_size=3, file_name="a", **hashes)
    finish = {"upload_id": str(plan.upload_id), "part_index": int(plan.parts[0].index or 0), "block_size": 3}
    with pytest.raises(MediaError) as early:
        api.post_group_upload_part_finish(group, **finish, md5="x")  # type: ignore[arg-type]
    assert early.value.code == 40093001
    with pytest.raises(ApiError, match="missing"):
        api.post_group_file(group, 4, upload_id=plan.upload_id)


def test_a_file_for_groups_is_none_for_users(qq: Simulator, api: Api, group: str, tmp_path: Path) -> None:
    said = qq.say("小明", "c2c", "图")
    path = tmp_path / "a.png"
    path.write_bytes(b"\x89PNG\r\n\x1a\n")
    of_group, of_user = api.upload(Group(group), path), api.upload(User(openid(qq, "小明")), path)
    with pytest.raises(MediaError) as caught:
        api.post_c2c_message(openid(qq, "小明"), media=of_group, msg_id=said.id)
    assert caught.value.code == 304080
    api.post_c2c_message(openid(qq, "小明"), media=of_user, msg_id=said.id)
    assert len(said.replies()) == 1


def test_an_upload_may_be_the_message(qq: Simulator, api: Api, group: str) -> None:
    uploaded = api.upload(Group(group), "https://example.com/a.png", srv_send_msg=True)
    [sent] = qq.entries(kinds=["sent"])
    assert uploaded.id == sent["id"]


def test_the_platform_refuses_what_it_cannot_take(qq: Simulator, api: Api, group: str) -> None:
    with qq.guard:
        qq.platform.media.unreachable.add("https://example.com/gone.png")
        qq.platform.media.daily_left = 10
    with pytest.raises(MediaError):
        api.upload(Group(group), "https://example.com/gone.png")
    with pytest.raises(QuotaExceeded):
        api.upload(Group(group), b"x" * 11)
    with pytest.raises(NotInGroup):
        api.upload(User("NOBODY"), b"x")


# -- streams --------------------------------------------------------------------------------------------------------


def test_a_stream_becomes_one_reply(qq: Simulator, api: Api) -> None:
    said = qq.say("小明", "c2c", "写首诗")
    user = openid(qq, "小明")
    api.post_c2c_message(user, content="好", msg_id=said.id)
    with api.stream_c2c_message(user, msg_id=said.id) as stream:
        stream.write("床前")
        stream.write("明月光")
    first, poem = said.replies(count=2)
    assert (first.content, poem.content, poem.msg_seq, poem.id) == ("好", "床前明月光", 2, stream.id)
    stream.finish().recall()


def test_a_stream_keeps_the_rules(qq: Simulator, api: Api) -> None:
    said = qq.say("小明", "c2c", "写首诗")
    user = openid(qq, "小明")
    part: dict[str, Any] = {"msg_seq": 1, "msg_id": said.id, "input_mode": "replace"}
    begun = api.post_c2c_stream_message(user, content_raw="床前", index=0, **part)
    with pytest.raises(ApiError) as changed:
        api.post_c2c_stream_message(user, content_raw="窗前", index=1, stream_msg_id=begun.id, **part)
    assert changed.value.code == 40007
    with pytest.raises(ApiError, match="index"):
        api.post_c2c_stream_message(user, content_raw="床前明", index=5, stream_msg_id=begun.id, **part)
    with pytest.raises(ApiError):
        api.post_c2c_stream_message(user, content_raw="x", index=0, msg_seq=1, msg_id="unknown")
    added = {**part, "input_mode": "append", "stream_msg_id": begun.id}
    api.post_c2c_stream_message(user, content_raw="明月光", index=1, input_state=10, **added)
    assert said.replies()[0].content == "床前明月光"


def test_an_old_message_cannot_be_answered_by_a_stream(qq: Simulator, api: Api) -> None:
    said = qq.say("小明", "c2c", "写首诗")
    with qq.guard:
        anchor = qq.platform.anchors.message(said.id)
        assert anchor is not None
        anchor.at -= 301
    with pytest.raises(ReplyExpired):
        api.stream_c2c_message(openid(qq, "小明"), msg_id=said.id).write("x")


# -- the menu, and panels -------------------------------------------------------------------------------------------


def test_a_menu_that_is_set_is_there(api: Api) -> None:
    assert api.get_menu().menu is None
    items = [
        MenuItem("帮助", MenuItemType.SEND_MESSAGE, send_message="/help"),
        MenuItem("联网", MenuItemType.SWITCH, switch=MenuSwitch("net", default=True)),
    ]
    assert api.update_menu(items) == 1
    state = api.get_menu()
    assert state.menu is not None
    assert (state.version, state.menu.items) == (1, items)
    assert api.update_menu([]) == 2
    empty = api.get_menu().menu
    assert empty is not None
    assert empty.items == []


def test_a_panel_is_made_changed_aimed_and_ended(qq: Simulator, api: Api, group: str) -> None:
    for_all = api.create_panel("group", {"items": [ITEM]})
    for_one = api.create_panel("group", Panel([PanelItem("/a", "b", PanelItemType.COMMAND)]), group_openids=[group])
    api.create_panel("c2c", {"items": [ITEM]})
    assert [one.panel_id for one in api.iter_panels("group")] == [for_one, for_all]
    page = api.get_panels("group", limit=1)
    assert (page.next_cursor, page.is_end, len(page.records)) == ("1", False, 1)
    assert api.update_panel(for_one, {"items": [ITEM, {**ITEM, "name": "/b"}], "remark": "新"}) == 2
    api.update_panel_targets(for_one, "add", group_openids=["OTHER"])
    api.update_panel_targets(for_one, "del", group_openids=[group])
    record = api.get_panel(for_one)
    assert record.panel is not None
    assert (record.target_type, record.group_openids, record.version) == ("specific", ["OTHER"], 2)
    assert ([one.name for one in record.panel.items], record.panel.remark) == (["/ping", "/b"], "新")
    # What was read can be written back as it is.
    assert api.update_panel(for_one, record.panel) == 3
    with pytest.raises(ApiError) as aimed:
        api.update_panel_targets(for_all, "add", group_openids=[group])
    assert aimed.value.code == 40030021
    api.delete_panel(for_all)
    with pytest.raises(NotFound):
        api.get_panel(for_all)


def test_the_twenty_first_panel_is_one_too_many(api: Api) -> None:
    api.pace.pacing = "off"
    for _ in range(20):
        api.create_panel("dm", {"items": [ITEM]})
    with pytest.raises(QuotaExceeded):
        api.create_panel("dm", {"items": [ITEM]})
    assert len(list(api.iter_panels("dm"))) == 20


# -- all of it ------------------------------------------------------------------------------------------------------


def test_the_simulator_knows_every_call_of_these_groups(qq: Simulator, api: Api) -> None:
    mine = {"c2c messages", "group messages", "rich media", "group management", "menu and panels", "interactions"}
    for one in endpoints(Api):
        if one.group in mine and not one.name.startswith("_"):
            path = one.path.replace("{", "").replace("}", "")
            answer = api._caller.once(one.method, path, b"{}", patience=api._caller.patience(10))
            assert answer.status not in (404, 405), one
            assert answer.is_json


def test_a_broken_call_is_told_apart_from_a_broken_simulator(qq: Simulator, api: Api, group: str) -> None:
    qq.fail_http(times=1, path="/v2/menu", status=500)
    with pytest.raises(ServerError):
        api.update_menu([])


@pytest.mark.parametrize("where", ["group", "c2c"])
def test_a_server_that_dies_after_it_took_a_reply_gets_it_once(qq: Simulator, api: Api, where: str) -> None:
    said = qq.say("小明", where, "hi")
    path = f"/v2/{'groups' if where == 'group' else 'users'}/"
    target = Group(qq.platform.rooms.group.id) if where == "group" else User(openid(qq, "小明"))
    qq.lose_answer(times=2, path=path)
    sent = api.send(target, "一次", anchor=Anchor(msg_id=said.id))
    assert isinstance(sent, SendUnconfirmed)
    assert [entry["code"] for entry in qq.entries(kinds=["refused"])] == [40054005] * 2
    assert [reply.content for reply in said.replies()] == ["一次"]
    assert qq.tally()["doubled"] == 0


def test_an_upload_goes_over_tls_as_well(tmp_path: Path) -> None:
    ca = trustme.CA()
    certificate = ca.issue_cert("127.0.0.1")
    ca.cert_pem.write_to_path(tmp_path / "ca.pem")
    certificate.private_key_and_cert_chain_pem.write_to_path(tmp_path / "all.pem")
    files = (tmp_path / "all.pem", tmp_path / "all.pem")
    with (
        Simulator(certificate=files) as qq,
        Api(qq.app_id, qq.secret, environment=Environment.local(qq.url), ca_bundle=str(tmp_path / "ca.pem")) as api,
    ):
        assert qq.url.startswith("https://")
        uploaded = api.upload(Group(qq.platform.rooms.group.id), DATA)
        assert qq.platform.media.files[str(uploaded.file_info)].data == DATA
