"""Guilds, channels, members, roles and mutes: what a call changes, the next one sees."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from qqbot_sync.errors import ApiError, Forbidden, NotFound, QuotaExceeded, RateLimited
from qqbot_sync.models import ChannelType, PermissionBits, PrivateType, SpeakPermission
from tests.simulator.guild_support import World, world
from tests.support import PATIENCE, FakeClock


@pytest.fixture
def w() -> Iterator[World]:
    with world() as one:
        yield one


def code(error: pytest.ExceptionInfo[ApiError]) -> int | None:
    assert error.value.trace_id
    return error.value.code


# -------------------------------------------------------------------- gateway, users


def test_the_bot_knows_itself_its_gateway_and_its_guilds(w: World) -> None:
    assert w.api.get_gateway().url == w.api.get_gateway_url() == w.api.get_ws_url().url
    assert w.api.me().username == "模拟机器人"
    ids = [w.guild] + [w.qq.add_guild() for _ in range(4)]
    assert [guild.id for guild in w.api.iter_guilds(limit=2)] == ids
    assert [guild.id for guild in w.api.get_guilds(before=ids[3], limit=2)] == ids[1:3]
    assert w.api.get_guild(ids[1]).name == w.api.me_guilds(after=ids[0], limit=1)[0].name
    with pytest.raises(NotFound) as error:
        w.api.get_guild("1")
    assert code(error) == 10004


def test_a_share_link_can_be_made_and_carries_little(w: World) -> None:
    assert w.api.generate_url_link(callback_data="x" * 32) != w.api.generate_url_link()


def test_the_token_of_the_api_opens_the_gateway(w: World) -> None:
    socket = w.bot.connect()
    socket.token = w.api.get_access_token()
    socket.read()
    socket.identify()
    assert socket.read()["t"] == "READY"


def test_webhook_sessions_come_and_go(w: World) -> None:
    made = w.api.create_webhook_session("https://bot.example/hook", intents=3, shard=(1, 2))
    (session,) = w.api.get_webhook_sessions()
    assert (session.session_id, session.callback_url, session.shards) == (
        made.session_id,
        "https://bot.example/hook",
        [1, 2],
    )
    assert [one.state for one in w.api.check_webhook_sessions()] == ["ACTIVE"]
    assert made.session_id
    w.api.delete_webhook_session(made.session_id)
    assert w.api.get_webhook_sessions() == []
    with pytest.raises(ApiError) as error:
        w.api.delete_webhook_session(made.session_id)
    assert (error.value.status, code(error)) == (404, 12002)


# -------------------------------------------------------------------- channels


def test_a_channel_lives_from_creation_to_deletion_and_the_gateway_tells(w: World) -> None:
    category = w.api.create_channel(w.guild, name="分组", type=ChannelType.CATEGORY, position=2)
    assert w.heard("CHANNEL_CREATE")["name"] == "分组"
    made = w.api.create_channel(
        w.guild,
        name="密室",
        parent_id=category.id,
        private_type=PrivateType.ADMINS_AND_NAMED,
        speak_permission=SpeakPermission.EVERYONE,
    )
    told = w.heard("CHANNEL_CREATE")
    assert (told["id"], told["guild_id"], told["op_user_id"]) == (made.id, w.guild, w.api.me().id)
    assert made.id
    assert w.api.get_channel(made.id) == made
    assert [one.id for one in w.api.get_channels(w.guild)] == [w.lobby, category.id, made.id]
    changed = w.api.update_channel(made.id, name="大厅二", private_type=PrivateType.PUBLIC)
    assert (changed.name, changed.private_type, changed.parent_id) == ("大厅二", PrivateType.PUBLIC, category.id)
    assert w.heard("CHANNEL_UPDATE")["name"] == "大厅二"
    assert w.api.get_channel(made.id) == changed
    w.api.delete_channel(made.id)
    assert w.heard("CHANNEL_DELETE")["id"] == made.id
    assert [one.id for one in w.api.get_channels(w.guild)] == [w.lobby, category.id]
    with pytest.raises(NotFound) as error:
        w.api.get_channel(made.id)
    assert code(error) == 10003
    assert w.is_quiet()


def test_a_channel_stands_where_it_is_put(w: World) -> None:
    names = ["一", "二", "三"]
    for name in names:
        w.api.create_channel(w.guild, name=name)
    w.api.create_channel(w.guild, name="先", position=2)
    w.api.create_channel(w.guild, name="末", position=99)
    assert [one.name for one in w.api.get_channels(w.guild)] == ["大厅", "先", "一", "二", "三", "末"]
    last = w.api.get_channels(w.guild)[-1]
    assert last.id
    w.api.update_channel(last.id, position=1)
    assert [one.name for one in w.api.get_channels(w.guild)][:2] == ["末", "大厅"]


def test_a_channel_under_something_that_is_no_category_is_refused(w: World) -> None:
    with pytest.raises(ApiError) as error:
        w.api.create_channel(w.guild, name="x", parent_id=w.lobby)
    assert code(error) == 200019
    assert w.is_quiet()


def test_people_in_a_voice_channel_are_counted_and_listed(w: World) -> None:
    voice = w.api.create_channel(w.guild, name="语音", type=ChannelType.VOICE).id or ""
    w.heard("CHANNEL_CREATE")
    assert w.api.get_online_nums(voice) == 0
    w.qq.enter_voice("小明", f"channel:{voice}")
    told = w.heard("AUDIO_OR_LIVE_CHANNEL_MEMBER_ENTER")
    assert (told["channel_id"], told["channel_type"]) == (voice, 2)
    assert w.api.get_online_nums(voice) == 1
    (member,) = w.api.get_voice_members(voice)
    assert member.user is not None
    assert (member.nick, member.user.id, member.mute) == ("小明", told["user_id"], False)
    w.qq.leave_voice("小明", f"channel:{voice}")
    w.heard("AUDIO_OR_LIVE_CHANNEL_MEMBER_EXIT")
    assert w.api.get_voice_members(voice) == []
    with pytest.raises(ApiError) as error:
        w.api.get_voice_members(w.lobby)
    assert code(error) == 13011
    with pytest.raises(ValueError, match="voice"):
        w.qq.enter_voice("小明", "channel")


def test_rights_in_a_channel_are_given_and_taken(w: World) -> None:
    user = w.user("小明")
    role = w.api.create_guild_role(w.guild, name="版主").role_id or ""
    w.api.update_channel_user_permissions(w.lobby, user, add=PermissionBits.VIEW | PermissionBits.SPEAK)
    w.api.update_channel_user_permissions(w.lobby, user, add=PermissionBits.LIVE, remove=PermissionBits.SPEAK)
    found = w.api.get_channel_user_permissions(w.lobby, user)
    assert (found.user_id, found.permission_bits) == (user, PermissionBits.VIEW | PermissionBits.LIVE)
    w.api.update_channel_user_permissions(w.lobby, user, add=1, remove=1)
    assert w.api.get_channel_user_permissions(w.lobby, user).permission_bits == PermissionBits.LIVE
    w.api.update_channel_role_permissions(w.lobby, role, add="4")
    assert w.api.get_channel_role_permissions(w.lobby, role).permissions == "4"
    with pytest.raises(ApiError) as error:
        w.api.get_channel_user_permissions(w.lobby, "1")
    assert code(error) == 301006


# -------------------------------------------------------------------- members


def test_all_members_are_found_page_by_page(w: World) -> None:
    users = {w.user(f"{number} 号") for number in range(7)}
    with w.qq.guard:
        owner = w.qq.platform.rooms.home.owner.user_id
    found = [member.user.id for member in w.api.iter_guild_members(w.guild, limit=3) if member.user]
    assert len(found) == 8
    assert set(found) == users | {owner}
    assert len(w.api.get_guild_members(w.guild, limit=1)) == 1
    assert w.api.get_guild_member(w.guild, found[3]).user is not None
    with pytest.raises(NotFound) as error:
        w.api.get_guild_member(w.guild, "1")
    assert code(error) == 10001


def test_a_member_who_is_removed_is_gone_and_one_on_the_blacklist_stays_out(w: World) -> None:
    user = w.user("小明")
    w.say("小明", "早")
    w.api.delete_member(w.guild, user, add_blacklist=True, delete_history_msg_days=7)
    told = w.heard("GUILD_MEMBER_REMOVE")
    assert (told["user"]["id"], told["op_user_id"]) == (user, w.api.me().id)
    assert user not in [member.user.id for member in w.api.iter_guild_members(w.guild) if member.user]
    assert w.api.get_messages(w.lobby) == []
    with pytest.raises(ValueError, match="blacklist"):
        w.qq.say("小明", "channel", "让我进来")


def test_the_owner_cannot_be_removed(w: World) -> None:
    with w.qq.guard:
        owner = w.qq.platform.rooms.home.owner.user_id
    with pytest.raises(Forbidden) as error:
        w.api.get_delete_member(w.guild, owner)
    assert code(error) == 11282


# -------------------------------------------------------------------- roles


def test_a_role_is_made_changed_given_taken_and_deleted(w: World) -> None:
    users = [w.user(f"{number} 号") for number in range(5)]
    made = w.api.create_guild_role(w.guild, name="版主", color=0xFFFF3B42, hoist=True)
    assert made.role_id
    assert made.role is not None
    assert (made.role.name, made.role.color, made.role.hoist) == ("版主", 0xFFFF3B42, 1)
    changed = w.api.update_guild_role(w.guild, made.role_id, hoist=False)
    assert changed.role is not None
    assert (changed.guild_id, changed.role.name, changed.role.hoist) == (w.guild, "版主", 0)
    for user in users:
        w.api.create_guild_role_member(w.guild, made.role_id, user)
    assert [one.number for one in w.api.get_guild_roles(w.guild).roles if one.id == made.role_id] == [5]
    assert w.api.get_guild_member(w.guild, users[0]).roles == [made.role_id]
    page = w.api.get_guild_role_members(w.guild, made.role_id, limit=2)
    assert (len(page.data), page.next) == (2, "2")
    holders = [member.user.id for member in w.api.iter_role_members(w.guild, made.role_id, limit=2) if member.user]
    assert holders == users
    w.api.delete_guild_role_member(w.guild, made.role_id, users[0])
    assert w.api.get_guild_member(w.guild, users[0]).roles == ["1"]
    w.api.delete_guild_role(w.guild, made.role_id)
    assert [one.id for one in w.api.get_guild_roles(w.guild).roles] == ["1", "2", "4", "5"]
    with pytest.raises(ApiError) as error:
        w.api.update_guild_role(w.guild, made.role_id, name="x")
    assert code(error) == 12002


def test_a_channel_admin_is_one_of_a_channel(w: World) -> None:
    user = w.user("小明")
    w.api.create_guild_role_member(w.guild, "5", user, channel_id=w.lobby)
    assert w.api.get_guild_member(w.guild, user).roles == ["5"]
    w.api.delete_guild_role_member(w.guild, "5", user, channel_id=w.lobby)
    assert w.api.get_guild_member(w.guild, user).roles == ["1"]
    with pytest.raises(NotFound):
        w.api.create_guild_role_member(w.guild, "5", user, channel_id="1")


# -------------------------------------------------------------------- mutes


def test_a_muted_member_is_seen_to_be_and_cannot_write_until_it_ends() -> None:
    clock = FakeClock()
    with world(clock=clock) as w:
        user = w.user("小明")
        assert w.api.get_guild_member(w.guild, user).mute is None
        w.api.mute_member(w.guild, user, mute_seconds=60)
        assert w.api.get_guild_member(w.guild, user).mute is True
        with pytest.raises(ValueError, match="muted for another 60 s"):
            w.qq.say("小明", "channel", "喂")
        w.say("小红", "在")
        clock.advance(60)
        w.say("小明", "终于")
        assert w.api.get_guild_member(w.guild, user).mute is None


def test_a_mute_is_cancelled(w: World) -> None:
    user = w.user("小明")
    w.api.mute_member(w.guild, user, mute_seconds=600)
    w.api.cancel_mute_member(w.guild, user)
    w.say("小明", "能说话了")


def test_everybody_is_muted_but_the_owner(w: World) -> None:
    w.api.mute_all(w.guild, mute_seconds="600")
    with pytest.raises(ValueError, match="muted"):
        w.qq.say("小明", "channel", "喂")
    w.say("频道主", "安静")
    w.api.cancel_mute_all(w.guild)
    w.say("小明", "好")


def test_muting_several_leaves_out_admins_and_strangers(w: World) -> None:
    user = w.user("小明")
    with w.qq.guard:
        owner = w.qq.platform.rooms.home.owner.user_id
    assert w.api.mute_multi_member(w.guild, [user, owner, "1"], mute_seconds=600) == [user]
    assert w.api.get_guild_member(w.guild, user).mute is True
    assert w.api.cancel_mute_multi_member(w.guild, [user]) == [user]
    assert w.api.get_guild_member(w.guild, user).mute is None
    with pytest.raises(ApiError) as error:
        w.api.mute_member(w.guild, owner, mute_seconds=1)
    assert code(error) == 502009


# -------------------------------------------------------------------- what the guild lets the bot do


def test_the_message_setting_is_what_the_guild_has_set(w: World) -> None:
    with w.qq.guard:
        w.qq.platform.interior.guild(w.qq.platform.rooms.home.id)[1].setting.update(
            disable_push_msg=True, channel_ids=["7"], channel_push_max_num=3
        )
    found = w.api.get_message_setting(w.guild)
    assert (found.disable_push_msg, found.disable_create_dm) == (True, False)
    assert (found.channel_ids, found.channel_push_max_num) == (["7"], 3)


def test_a_guide_to_the_settings_is_a_message(w: World) -> None:
    guide = w.api.post_setting_guide(w.lobby, ["1", "2"])
    assert guide.id
    assert w.api.get_message(w.lobby, guide.id).content == "<@1><@2>"
    opened = w.api.create_dms(w.guild, w.user("小明"))
    assert opened.guild_id
    assert w.api.post_dms_setting_guide(opened.guild_id, w.guild).id
    with pytest.raises(ApiError) as error:
        w.api.post_dms_setting_guide(opened.guild_id, "1")
    assert code(error) == 304051


def test_a_call_that_the_guild_forbids_is_refused_asked_for_and_allowed(w: World) -> None:
    path = "/guilds/{guild_id}/members"
    wanted = {"path": path, "method": "GET"}
    with pytest.raises(ApiError) as error:
        w.api.post_permission_demand(w.guild, w.lobby, api_identify=wanted, desc="看成员")
    assert code(error) == 610010
    w.qq.forbid("GET", path)
    with pytest.raises(Forbidden) as error:
        w.api.get_guild_members(w.guild)
    assert code(error) == 11264
    assert [one.auth_status for one in w.api.get_permissions(w.guild) if (one.method, one.path) == ("GET", path)] == [0]
    for _ in range(3):
        card = w.api.post_permission_demand(w.guild, w.lobby, api_identify=wanted, desc="看成员")
    assert card.api_identify is not None
    assert (card.channel_id, card.api_identify.path, card.desc) == (w.lobby, path, "看成员")
    with pytest.raises((RateLimited, QuotaExceeded)) as error:
        w.api.post_permission_demand(w.guild, w.lobby, api_identify=wanted, desc="看成员")
    assert code(error) == 610013
    w.qq.forbid("GET", path, False)
    assert w.api.get_guild_members(w.guild)
    assert {one.auth_status for one in w.api.get_permissions(w.guild)} == {1}


def test_a_bot_of_the_public_domain_cannot_make_private_calls(w: World) -> None:
    w.qq.private_domain(False)
    for call in (
        lambda: w.api.create_channel(w.guild, name="x"),
        lambda: w.api.get_guild_members(w.guild),
        lambda: w.api.get_threads(w.lobby),
    ):
        with pytest.raises(Forbidden) as error:
            call()
        assert code(error) == 11253
    assert w.api.get_channels(w.guild)


def test_the_verbs_are_there_over_http(w: World) -> None:
    wanted = {"method": "get", "path": "/guilds/{guild_id}"}
    assert w.bot.http.post(f"{w.qq.url}/_simulator/forbid", json=wanted, timeout=PATIENCE).status_code == 200
    with pytest.raises(Forbidden):
        w.api.get_guild(w.guild)
    assert w.bot.control("private_domain", private=False).status_code == 200
    refused = w.bot.control("enter_voice", user="小明", where="channel")
    assert (refused.status_code, "voice" in refused.text) == (400, True)
