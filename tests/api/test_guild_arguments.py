"""Bad arguments of calls about guilds: an error that names the argument and its limit, and nothing is sent."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from qqbot_sync.api import Api
from qqbot_sync.models import RecommendChannel
from tests.api.support import Peer

PAST = 1_790_000_000
"""Seconds; the clock of the tests stands at 1,790,001,000."""
START, END = 1_790_100_000_000, 1_790_103_600_000
EMOJI: dict[str, Any] = {"emoji_type": 1, "emoji_id": "4"}
Call = Callable[[Api], Any]

CASES: list[tuple[str, Call, type[Exception], str]] = [
    # ids
    ("no guild", lambda api: api.get_guild(""), ValueError, "guild_id"),
    ("blank guild", lambda api: api.get_channels("  "), ValueError, "guild_id"),
    ("number as id", lambda api: api.get_guild(123), TypeError, "guild_id"),
    ("None as id", lambda api: api.get_channel(None), TypeError, "channel_id"),
    ("way up", lambda api: api.get_guild_member("G", ".."), ValueError, "user_id"),
    ("no role", lambda api: api.delete_guild_role("G", ""), ValueError, "role_id"),
    ("no message", lambda api: api.put_pin("C", ""), ValueError, "message_id"),
    ("no announcement", lambda api: api.delete_announce("G", ""), ValueError, "message_id"),
    ("no thread", lambda api: api.get_thread("C", ""), ValueError, "thread_id"),
    ("no schedule", lambda api: api.get_schedule("C", ""), ValueError, "schedule_id"),
    ("no dm", lambda api: api.recall_dms("", "M"), ValueError, "guild_id"),
    ("no member", lambda api: api.create_dms("G", ""), ValueError, "user_id"),
    ("no session", lambda api: api.delete_webhook_session(""), ValueError, "session_id"),
    ("at the iterator", lambda api: api.iter_guild_members(""), ValueError, "guild_id"),
    ("at the iterator of a role", lambda api: api.iter_role_members("G", ""), ValueError, "role_id"),
    ("at the iterator of users", lambda api: api.iter_reaction_users("C", "", **EMOJI), ValueError, "message_id"),
    # pages
    ("guilds 0", lambda api: api.get_guilds(limit=0), ValueError, "limit .* 1 .* 100"),
    ("guilds 101", lambda api: api.get_guilds(limit=101), ValueError, "limit .* 1 .* 100"),
    ("guilds text", lambda api: api.get_guilds(limit="5"), TypeError, "limit"),
    ("guilds both", lambda api: api.get_guilds(before="1", after="2"), ValueError, "before .*after"),
    ("iter guilds 101", lambda api: api.iter_guilds(limit=101), ValueError, "limit .* 100"),
    ("members 401", lambda api: api.get_guild_members("G", limit=401), ValueError, "limit .* 1 .* 400"),
    ("members True", lambda api: api.get_guild_members("G", limit=True), TypeError, "limit"),
    ("role members 0", lambda api: api.get_guild_role_members("G", "R", limit=0), ValueError, "limit .* 400"),
    ("users 51", lambda api: api.get_reaction_users("C", "M", limit=51, **EMOJI), ValueError, "limit .* 50"),
    ("messages 21", lambda api: api.get_messages("C", limit=21), ValueError, "limit .* 20"),
    ("messages two", lambda api: api.get_messages("C", before="1", after="2"), ValueError, "before, after"),
    # channels
    ("no name", lambda api: api.create_channel("G", name=""), ValueError, "name"),
    ("name 5", lambda api: api.create_channel("G", name=5), TypeError, "name"),
    ("type text", lambda api: api.create_channel("G", name="x", type="0"), TypeError, "type"),
    ("type -1", lambda api: api.create_channel("G", name="x", type=-1), ValueError, "type"),
    ("position 0", lambda api: api.create_channel("G", name="x", position=0), ValueError, "position .* 1"),
    ("category 1", lambda api: api.create_channel("G", name="x", type=4, position=1), ValueError, "position .* 2"),
    ("private 3", lambda api: api.create_channel("G", name="x", private_type=3), ValueError, "private_type.*0, 1, 2"),
    ("speak 0", lambda api: api.update_channel("C", speak_permission=0), ValueError, "speak_permission.*1, 2"),
    ("users text", lambda api: api.create_channel("G", name="x", private_user_ids="12"), TypeError, "private_user_ids"),
    ("nothing to change", lambda api: api.update_channel("C"), ValueError, "name, position, parent_id"),
    # permissions
    ("neither", lambda api: api.update_channel_user_permissions("C", "U"), ValueError, "add, remove"),
    ("manage", lambda api: api.update_channel_user_permissions("C", "U", add=3), ValueError, "add .*2"),
    ("zero", lambda api: api.update_channel_role_permissions("C", "R", remove=0), ValueError, "remove"),
    ("word", lambda api: api.update_channel_role_permissions("C", "R", remove="view"), TypeError, "remove"),
    # members and roles
    (
        "history 5",
        lambda api: api.delete_member("G", "U", delete_history_msg_days=5),
        ValueError,
        "-1, 0, 3, 7, 15, 30",
    ),
    ("blacklist 1", lambda api: api.delete_member("G", "U", add_blacklist=1), TypeError, "add_blacklist"),
    ("role of nothing", lambda api: api.create_guild_role("G"), ValueError, "name, color, hoist"),
    ("colour", lambda api: api.create_guild_role("G", color=2**32), ValueError, "color .* 4294967295"),
    ("hoist", lambda api: api.update_guild_role("G", "R", hoist=2), TypeError, "hoist"),
    ("role 5", lambda api: api.create_guild_role_member("G", "5", "U"), ValueError, "channel_id"),
    ("role 5 off", lambda api: api.delete_guild_role_member("G", "5", "U"), ValueError, "channel_id"),
    # mutes
    ("mute past", lambda api: api.mute_all("G", mute_end_timestamp=PAST), ValueError, "mute_end_timestamp .* 1000 s"),
    ("mute ms", lambda api: api.mute_all("G", mute_end_timestamp=START), ValueError, "mute_end_timestamp .*seconds"),
    ("mute forever", lambda api: api.mute_all("G"), ValueError, "mute_seconds .*mute_end_timestamp"),
    (
        "mute both",
        lambda api: api.mute_member("G", "U", mute_seconds=1, mute_end_timestamp=1_790_100_000),
        ValueError,
        "mute_seconds .*mute_end_timestamp",
    ),
    ("mute 0", lambda api: api.mute_member("G", "U", mute_seconds=0), ValueError, "mute_seconds .*cancel_mute"),
    ("mute -1", lambda api: api.mute_member("G", "U", mute_seconds=-1), ValueError, "mute_seconds .* 1"),
    ("mute 1.5", lambda api: api.mute_member("G", "U", mute_seconds=1.5), TypeError, "mute_seconds"),
    ("mute None", lambda api: api.mute_multi_member("G", [], mute_seconds=1), ValueError, "user_ids .* 1 .* 10"),
    ("mute 11", lambda api: api.mute_multi_member("G", ["1"] * 11, mute_seconds=1), ValueError, "user_ids .*10"),
    ("mute one", lambda api: api.cancel_mute_multi_member("G", "123"), TypeError, "user_ids"),
    (
        "mute naive",
        lambda api: api.mute_all("G", mute_end_timestamp=datetime(2030, 1, 1)),
        ValueError,
        "mute_end_timestamp .*time zone",
    ),
    (
        "mute past date",
        lambda api: api.mute_all("G", mute_end_timestamp=datetime.fromtimestamp(PAST, timezone.utc)),
        ValueError,
        "mute_end_timestamp .*past",
    ),
    # announcements and settings
    ("recommend 0", lambda api: api.create_recommend_announce("G", []), ValueError, "recommend_channels .*1 .*3"),
    (
        "recommend 4",
        lambda api: api.create_recommend_announce("G", [RecommendChannel("C", "x")] * 4),
        ValueError,
        "recommend_channels .*3",
    ),
    ("recommend ids", lambda api: api.create_recommend_announce("G", ["C"]), TypeError, "recommend_channels"),
    (
        "recommend none",
        lambda api: api.create_recommend_announce("G", [{}]),
        TypeError,
        "recommend_channels.channel_id",
    ),
    (
        "recommend type",
        lambda api: api.create_recommend_announce("G", [RecommendChannel("C", "x")], announces_type=2),
        ValueError,
        "announces_type.*0, 1",
    ),
    ("guide", lambda api: api.post_setting_guide("C", []), ValueError, "user_ids"),
    # schedules
    ("seconds", lambda api: schedule(api, start_timestamp=START // 1000), ValueError, "start_timestamp .*milliseconds"),
    ("before now", lambda api: schedule(api, start_timestamp=PAST * 1000), ValueError, "start_timestamp .*past"),
    ("backwards", lambda api: schedule(api, end_timestamp=START), ValueError, "end_timestamp .*start_timestamp"),
    ("8 days", lambda api: schedule(api, end_timestamp=START + 8 * 86_400_000), ValueError, "end_timestamp.*7 days"),
    ("remind 6", lambda api: schedule(api, remind_type=6), ValueError, "remind_type.*0, 1, 2, 3, 4, 5"),
    ("remind word", lambda api: schedule(api, remind_type="never"), ValueError, "remind_type"),
    ("empty update", lambda api: api.update_schedule("C", "S"), ValueError, "name, description"),
    ("since words", lambda api: api.get_schedules("C", since="today"), TypeError, "since .*milliseconds"),
    # reactions
    (
        "emoji type 3",
        lambda api: api.put_reaction("C", "M", emoji_type=3, emoji_id="4"),
        ValueError,
        "emoji_type.*1, 2",
    ),
    (
        "emoji type 0",
        lambda api: api.get_reaction_users("C", "M", emoji_type=0, emoji_id="4"),
        ValueError,
        "emoji_type",
    ),
    (
        "emoji itself",
        lambda api: api.put_reaction("C", "M", emoji_type=2, emoji_id="👍"),
        ValueError,
        "emoji_id.*128077",
    ),
    ("no emoji", lambda api: api.delete_reaction("C", "M", emoji_type=1, emoji_id=""), ValueError, "emoji_id"),
    ("emoji None", lambda api: api.delete_reaction("C", "M", emoji_type=1, emoji_id=None), TypeError, "emoji_id"),
    # audio
    ("status 4", lambda api: api.update_audio("C", status=4), ValueError, "status.*0, 1, 2, 3"),
    ("status text", lambda api: api.update_audio("C", status="0"), ValueError, "status"),
    ("no recording", lambda api: api.update_audio("C", status=0), ValueError, "audio_url"),
    ("too much", lambda api: api.update_audio("C", status=1, audio_url="http://x"), ValueError, "audio_url"),
    ("too much text", lambda api: api.update_audio("C", status=3, text="x"), ValueError, "text"),
    # forum
    ("no title", lambda api: api.post_thread("C", title="", content="x"), ValueError, "title"),
    ("no content", lambda api: api.post_thread("C", title="x", content=" "), ValueError, "content"),
    ("format 5", lambda api: api.post_thread("C", title="x", content="x", format=5), ValueError, "format.*1, 2, 3, 4"),
    ("rich text 1", lambda api: api.post_thread("C", title="x", content={"paragraphs": []}), ValueError, "format"),
    (
        "comment nobody",
        lambda api: api.post_thread_comment("C", "T", thread_author="", content="x"),
        ValueError,
        "thread_author",
    ),
    # messages
    (
        "both anchors",
        lambda api: api.post_message("C", content="x", msg_id="1", event_id="2"),
        ValueError,
        "msg_id .*event_id",
    ),
    (
        "both in a dm",
        lambda api: api.post_dms("C", content="x", msg_id="1", event_id="2"),
        ValueError,
        "msg_id .*event_id",
    ),
    (
        "both in an edit",
        lambda api: api.patch_guild_message("C", "M", keyboard={}, msg_id="1", event_id="2"),
        ValueError,
        "msg_id .*event_id",
    ),
    ("no keyboard", lambda api: api.patch_guild_message("C", "M", keyboard=None), TypeError, "keyboard"),
    ("empty", lambda api: api.post_message("C"), ValueError, "content"),
    ("empty picture", lambda api: api.post_message("C", file_image=b""), ValueError, "file_image"),
    ("open as text", lambda api: api.post_message("C", file_image=io.StringIO("x")), TypeError, "file_image"),
    ("number as picture", lambda api: api.post_message("C", file_image=5), TypeError, "file_image"),
    # the rest
    ("callback 33", lambda api: api.generate_url_link(callback_data="x" * 33), ValueError, "callback_data .*32"),
    (
        "no path",
        lambda api: api.post_permission_demand("G", "C", api_identify={"method": "GET"}, desc="x"),
        TypeError,
        "api_identify.path",
    ),
    (
        "no template",
        lambda api: api.post_permission_demand("G", "C", api_identify={"path": "guilds", "method": "GET"}, desc="x"),
        ValueError,
        "api_identify.path",
    ),
    (
        "no method",
        lambda api: api.post_permission_demand("G", "C", api_identify={"path": "/x", "method": "GOT"}, desc="x"),
        ValueError,
        "api_identify.method.*GET",
    ),
    (
        "call as text",
        lambda api: api.post_permission_demand("G", "C", api_identify="/x", desc="x"),
        TypeError,
        "APIIdentify",
    ),
    ("hook http", lambda api: api.create_webhook_session("http://x", intents=1), ValueError, "callback_url .*https"),
    ("hook shard", lambda api: api.create_webhook_session("https://x", intents=1, shard=(2, 2)), ValueError, "shard"),
    ("hook shard 1", lambda api: api.create_webhook_session("https://x", intents=1, shard=(2,)), ValueError, "shard"),
    ("hook intents", lambda api: api.create_webhook_session("https://x", intents="1"), TypeError, "intents"),
]


def schedule(api: Api, **changes: Any) -> Any:
    return api.create_schedule("C", **{"name": "x", "start_timestamp": START, "end_timestamp": END, **changes})


@pytest.mark.parametrize(("call", "error", "named"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_a_bad_argument_is_refused_at_the_call(
    api: Api, peer: Peer, call: Call, error: type[Exception], named: str
) -> None:
    with pytest.raises(error, match=named) as caught:
        call(api)
    assert type(caught.value) is error
    assert " / " in str(caught.value)
    assert any("\u4e00" <= letter <= "\u9fff" for letter in str(caught.value))
    assert not peer.requests
    assert not peer.token_requests


def test_a_picture_that_is_not_there_is_an_os_error(api: Api, peer: Peer, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        api.post_message("C", file_image=tmp_path / "missing.png")
    assert not peer.requests


def test_limits_themselves_are_allowed(api: Api, peer: Peer) -> None:
    api.get_guild_role_members("G", "R", limit=400)
    api.create_guild_role("G", color=2**32 - 1)
    api.mute_member("G", "U", mute_end_timestamp=datetime.fromtimestamp(PAST + 1002, timezone.utc))
    schedule(api, end_timestamp=datetime.fromtimestamp(START / 1000, timezone.utc) + timedelta(days=7))
    api.create_channel("G", name="x", type=4, position=2)
    assert len(peer.requests) == 5
