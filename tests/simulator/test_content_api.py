"""What stands in channels: messages, reactions, pins, announcements, schedules, voice, threads."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from qqbot_sync.errors import ApiError, NotFound, QuotaExceeded, RateLimited
from qqbot_sync.models import AnnouncesType, AudioStatus, ChannelType, RecommendChannel, RemindType, ThreadFormat
from tests.simulator.guild_support import World, world
from tests.support import FakeClock

PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 32


@pytest.fixture
def w() -> Iterator[World]:
    with world() as one:
        yield one


def code(error: pytest.ExceptionInfo[ApiError]) -> int | None:
    assert error.value.trace_id
    return error.value.code


# -------------------------------------------------------------------- messages


def test_messages_of_both_sides_are_read_back(w: World) -> None:
    first = w.say("小明", "一")
    second = w.api.post_message(w.lobby, content="二", msg_id=first).id or ""
    third = w.say("小明", "三")
    assert [one.content for one in w.api.get_messages(w.lobby)] == ["一", "二", "三"]
    assert [one.content for one in w.api.get_messages(w.lobby, limit=1)] == ["三"]
    assert [one.id for one in w.api.get_messages(w.lobby, before=third, limit=1)] == [second]
    assert [one.id for one in w.api.get_messages(w.lobby, after=first)] == [second, third]
    assert second in [one.id for one in w.api.get_messages(w.lobby, around=second)]
    found = w.api.get_message(w.lobby, second)
    assert found.author is not None
    assert (found.content, found.author.id, found.author.bot) == ("二", w.api.me().id, True)
    with pytest.raises(NotFound) as error:
        w.api.get_message(w.lobby, "none")
    assert code(error) == 50039


def test_a_recalled_message_is_gone(w: World) -> None:
    said = w.say("小明", "x")
    w.api.post_message(w.lobby, content="y", msg_id=said).recall()
    assert [one.id for one in w.api.get_messages(w.lobby)] == [said]
    w.qq.recall("小明", "channel", said)
    assert w.api.get_messages(w.lobby) == []


def test_an_admin_may_recall_what_members_wrote(w: World) -> None:
    said = w.say("小明", "x")
    with pytest.raises(ApiError) as error:
        w.api.recall_message(w.lobby, said)
    assert code(error) == 306002
    with w.qq.guard:
        w.qq.platform.interior.may_recall_members = True
    w.api.recall_message(w.lobby, said)
    told = w.heard("PUBLIC_MESSAGE_DELETE")
    assert (told["message"]["id"], told["op_user"]["id"]) == (said, w.api.me().id)
    assert w.api.get_messages(w.lobby) == []


def test_a_picture_is_uploaded_with_the_message(w: World, tmp_path: Path) -> None:
    path = tmp_path / "cat.png"
    path.write_bytes(PNG)
    said = w.say("小明", "图呢")
    sent = w.api.post_message(w.lobby, content="给", file_image=path, ark={"template_id": 23, "kv": []}, msg_id=said)
    assert sent.id
    (picture,) = w.api.get_message(w.lobby, sent.id).attachments
    assert picture.filename == "cat.png"
    (answer,) = w.qq.replies(said)
    assert answer.raw["file_image"] == {"filename": "cat.png", "size": len(PNG)}
    assert answer.raw["ark"] == {"template_id": 23, "kv": []}
    assert (answer.content, answer.msg_id) == ("给", said)


def test_a_picture_alone_goes_by_dm_too(w: World) -> None:
    opened = w.api.create_dms(w.guild, w.user("小明"))
    assert opened.guild_id
    sent = w.api.post_dms(opened.guild_id, file_image=PNG)
    assert sent.id
    w.api.recall_dms(opened.guild_id, sent.id, hidetip=True)
    with pytest.raises(ApiError):
        w.api.recall_dms(opened.guild_id, sent.id)


def test_a_dm_needs_a_common_guild(w: World) -> None:
    with pytest.raises(ApiError) as error:
        w.api.create_dms(w.guild, "1")
    assert code(error) == 304034


def test_a_message_with_buttons_is_changed_and_others_are_not(w: World) -> None:
    def keyboard(data: str) -> dict[str, object]:
        return {"content": {"rows": [{"buttons": [{"id": "b", "action": {"type": 1, "data": data}}]}]}}

    said = w.say("小明", "x")
    sent = w.api.post_message(w.lobby, markdown={"content": "旧"}, keyboard=keyboard("1"), msg_id=said).id or ""
    changed = w.api.patch_guild_message(w.lobby, sent, keyboard=keyboard("2"), markdown={"content": "新"})
    assert (changed.id, changed.content) == (sent, "新")
    assert w.api.get_message(w.lobby, sent).content == "新"
    w.qq.press("小明", "channel", "b")
    assert w.heard("INTERACTION_CREATE")["data"]["resolved"]["button_data"] == "2"
    plain = w.api.post_message(w.lobby, content="无", msg_id=said).id or ""
    for id, expected in ((plain, 50049), (said, 50051), ("none", 50039)):
        with pytest.raises(ApiError) as error:
            w.api.patch_guild_message(w.lobby, id, keyboard=keyboard("3"))
        assert code(error) == expected


# -------------------------------------------------------------------- reactions


def test_the_bot_reacts_and_takes_it_back(w: World) -> None:
    said = w.say("小明", "x")
    w.api.put_reaction(w.lobby, said, emoji_type=1, emoji_id="277")
    told = w.heard("MESSAGE_REACTION_ADD")
    assert (told["user_id"], told["emoji"], told["target"]["id"]) == (w.api.me().id, {"id": "277", "type": 1}, said)
    with pytest.raises(ApiError) as error:
        w.api.put_reaction(w.lobby, said, emoji_type=1, emoji_id="277")
    assert code(error) == 620003
    w.api.delete_reaction(w.lobby, said, emoji_type=1, emoji_id="277")
    w.heard("MESSAGE_REACTION_REMOVE")
    assert w.api.get_reaction_users(w.lobby, said, emoji_type=1, emoji_id="277").users == []
    with pytest.raises(ApiError) as error:
        w.api.delete_reaction(w.lobby, said, emoji_type=1, emoji_id="277")
    assert code(error) == 620004
    with pytest.raises(ApiError) as error:
        w.api.put_reaction(w.lobby, "none", emoji_type=1, emoji_id="277")
    assert code(error) == 620001


def test_everybody_who_reacted_is_found_page_by_page(w: World) -> None:
    said = w.say("小明", "x")
    for number in range(5):
        w.qq.react(f"{number} 号", "channel", said, "128077")
    w.api.put_reaction(w.lobby, said, emoji_type=2, emoji_id=128077)
    found = [user.username for user in w.api.iter_reaction_users(w.lobby, said, emoji_type=2, emoji_id=128077, limit=2)]
    assert found == ["0 号", "1 号", "2 号", "3 号", "4 号", "模拟机器人"]
    page = w.api.get_reaction_users(w.lobby, said, emoji_type=2, emoji_id=128077, limit=5)
    assert (len(page.users), page.is_end) == (5, False)


# -------------------------------------------------------------------- pins, announcements


def test_messages_are_pinned_and_unpinned(w: World) -> None:
    said = [w.say("小明", f"{number}") for number in range(21)]
    for id in said[:20]:
        pinned = w.api.put_pin(w.lobby, id)
    assert pinned.message_ids == said[:20]
    assert w.api.put_pin(w.lobby, said[0]).message_ids == said[:20]
    with pytest.raises((ApiError, QuotaExceeded)) as error:
        w.api.put_pin(w.lobby, said[20])
    assert code(error) == 501013
    w.api.delete_pin(w.lobby, said[0])
    assert w.api.get_pins(w.lobby).message_ids == said[1:20]
    w.api.delete_pin(w.lobby, "all")
    found = w.api.get_pins(w.lobby)
    assert (found.guild_id, found.channel_id, found.message_ids) == (w.guild, w.lobby, [])


def test_only_a_message_of_the_channel_is_pinned(w: World) -> None:
    other = w.qq.add_channel()
    said = w.say("小明", "x", f"channel:{other}")
    for id, expected in ((said, 501010), ("none", 501008)):
        with pytest.raises(ApiError) as error:
            w.api.put_pin(w.lobby, id)
        assert code(error) == expected


def test_an_announcement_is_replaced_and_deleted(w: World) -> None:
    said = w.say("小明", "重要")
    made = w.api.create_announce(w.guild, w.lobby, said)
    assert (made.guild_id, made.channel_id, made.message_id) == (w.guild, w.lobby, said)
    listed = w.api.create_recommend_announce(
        w.guild, [RecommendChannel(w.lobby, "来")], announces_type=AnnouncesType.WELCOME
    )
    assert listed.announces_type == AnnouncesType.WELCOME
    assert [(one.channel_id, one.introduce) for one in listed.recommend_channels] == [(w.lobby, "来")]
    with pytest.raises(ApiError) as error:
        w.api.delete_announce(w.guild, said)
    assert code(error) == 501008
    w.api.delete_announce(w.guild)
    with pytest.raises(ApiError):
        w.api.delete_announce(w.guild)
    with pytest.raises(ApiError) as error:
        w.api.create_recommend_announce(w.guild, [RecommendChannel("1", "x")])
    assert code(error) == 501018


def test_the_old_announcements_of_channels_work(w: World) -> None:
    said = w.say("小明", "重要")
    assert w.api.create_channel_announce(w.lobby, said).message_id == said
    w.api.delete_channel_announce(w.lobby, said)
    with pytest.raises(ApiError):
        w.api.delete_channel_announce(w.lobby)


# -------------------------------------------------------------------- schedules


def test_an_appointment_is_made_found_changed_and_deleted(w: World) -> None:
    channel = w.api.create_channel(w.guild, name="日程", type=10006, application_id="1000050").id or ""
    start = datetime.now(timezone.utc).replace(microsecond=0) + timedelta(days=2)
    made = w.api.create_schedule(
        channel,
        name="例会",
        description="周一",
        start_timestamp=start,
        end_timestamp=start + timedelta(hours=1),
        jump_channel_id=w.lobby,
        remind_type=RemindType.FIVE_MINUTES_BEFORE,
    )
    assert made.id
    assert made.start_timestamp_datetime == start
    assert (made.name, made.description, made.jump_channel_id) == ("例会", "周一", w.lobby)
    assert made.remind_type == RemindType.FIVE_MINUTES_BEFORE
    assert made.creator is not None
    assert w.api.get_schedule(channel, made.id) == made
    assert w.api.get_schedules(channel) == []
    assert w.api.get_schedules(channel, since=start) == [made]
    assert w.api.get_schedules(channel, since=start + timedelta(hours=2)) == []
    changed = w.api.update_schedule(channel, made.id, name="大会", end_timestamp=start + timedelta(hours=2))
    assert (changed.name, changed.description) == ("大会", "周一")
    assert changed.end_timestamp_datetime == start + timedelta(hours=2)
    assert w.api.get_schedules(channel, since=start) == [changed]
    w.api.delete_schedule(channel, made.id)
    with pytest.raises(ApiError) as error:
        w.api.get_schedule(channel, made.id)
    assert code(error) == 302011


def test_appointments_of_today_are_found_without_since() -> None:
    clock = FakeClock()
    with world(clock=clock) as w:
        channel = w.api.create_channel(w.guild, name="日程", type=10006, application_id="1000050").id or ""
        now = int(clock.wall())
        start = datetime.fromtimestamp(now + 60, timezone.utc)
        # The test's own clock for the simulator is in the past of the bot's; so the call is made without its check.
        body = {"name": "x", "start_timestamp": str((now + 60) * 1000), "end_timestamp": str((now + 120) * 1000)}
        w.api._call("POST", f"/channels/{channel}/schedules", body={"schedule": body})
        assert [one.start_timestamp_datetime for one in w.api.get_schedules(channel)] == [start]


def test_the_rules_of_appointments_are_the_platforms(w: World) -> None:
    channel = w.api.create_channel(w.guild, name="日程", type=10006, application_id="1000050").id or ""
    start = int((datetime.now(timezone.utc) + timedelta(days=1)).timestamp() * 1000)
    with pytest.raises(ApiError) as error:
        w.api.create_schedule(w.lobby, name="x", start_timestamp=start, end_timestamp=start + 1000)
    assert code(error) == 302000
    with pytest.raises(ApiError) as error:
        w.api.create_schedule(channel, name="x", start_timestamp=start, end_timestamp=start + 1000, jump_channel_id="1")
    assert code(error) == 302024
    for _ in range(10):
        w.api.create_schedule(channel, name="x", start_timestamp=start, end_timestamp=start + 1000)
    with pytest.raises((RateLimited, QuotaExceeded)) as error:
        w.api.create_schedule(channel, name="x", start_timestamp=start, end_timestamp=start + 1000)
    assert code(error) == 302012


# -------------------------------------------------------------------- voice


def test_the_bot_plays_in_a_voice_channel(w: World) -> None:
    voice = w.api.create_channel(w.guild, name="语音", type=ChannelType.VOICE).id or ""
    w.heard("CHANNEL_CREATE")
    w.api.on_microphone(voice)
    assert w.heard("AUDIO_ON_MIC")["channel_id"] == voice
    w.api.update_audio(voice, status=AudioStatus.START, audio_url="https://example.org/a.mp3", text="歌")
    assert w.heard("AUDIO_START") == {
        "guild_id": w.guild,
        "channel_id": voice,
        "audio_url": "https://example.org/a.mp3",
        "text": "歌",
    }
    w.api.update_audio(voice, status=AudioStatus.PAUSE)
    w.api.update_audio(voice, status=AudioStatus.RESUME)
    w.api.update_audio(voice, status=AudioStatus.STOP)
    assert w.heard("AUDIO_FINISH")["text"] == "歌"
    w.api.off_microphone(voice)
    w.heard("AUDIO_OFF_MIC")
    with pytest.raises(ApiError):
        w.api.update_audio(voice, status=AudioStatus.STOP)
    with pytest.raises(ApiError) as error:
        w.api.on_microphone(w.lobby)
    assert code(error) == 13011


# -------------------------------------------------------------------- forum


def test_a_thread_is_published_read_commented_and_deleted(w: World) -> None:
    forum = w.api.create_channel(w.guild, name="论坛", type=ChannelType.FORUM).id or ""
    w.heard("CHANNEL_CREATE")
    task = w.api.post_thread(forum, title="题", content="第一行\n第二行")
    assert task.create_time_datetime is not None
    verdict = w.heard("FORUM_PUBLISH_AUDIT_RESULT")
    assert (verdict["task_id"], verdict["type"], verdict["result"]) == (task.task_id, 1, 0)
    told = w.heard("FORUM_THREAD_CREATE")
    assert told["thread_info"]["title"] == [{"type": 1, "text_info": {"text": "题"}}]
    listed = w.api.get_threads(forum)
    assert listed.is_finish
    (thread,) = listed.threads
    assert thread.thread_info is not None
    assert thread.thread_info.thread_id == verdict["thread_id"]
    assert thread.thread_info.content is not None
    assert len(thread.thread_info.content.paragraphs) == 2
    id = thread.thread_info.thread_id or ""
    assert w.api.get_thread(forum, id) == w.api.get_thread_detail(forum, id) == thread
    said = w.api.post_thread_comment(forum, id, thread_author=thread.author_id or "", content="好")
    assert said.task_id
    assert w.heard("FORUM_PUBLISH_AUDIT_RESULT")["type"] == 2
    assert w.heard("FORUM_POST_CREATE")["post_info"]["thread_id"] == id
    w.api.delete_thread(forum, id)
    assert w.heard("FORUM_THREAD_DELETE")["thread_info"]["thread_id"] == id
    assert w.api.get_threads(forum).threads == []
    with pytest.raises(ApiError) as error:
        w.api.get_thread(forum, id)
    assert code(error) == 503012


def test_a_thread_may_be_rich_text_and_a_bad_one_is_refused(w: World) -> None:
    forum = w.api.create_channel(w.guild, name="论坛", type=ChannelType.FORUM).id or ""
    rich = {"paragraphs": [{"elems": [{"type": 1, "text": {"text": "富"}}]}]}
    w.api.post_thread(forum, title="题", content=rich, format=ThreadFormat.JSON)
    (thread,) = w.api.get_threads(forum).threads
    assert thread.thread_info is not None
    assert thread.thread_info.content is not None
    assert thread.thread_info.content.paragraphs[0].elems[0].text is not None
    for content, expected in (("{", 503014), ("[]", 503015)):
        with pytest.raises(ApiError) as error:
            w.api.post_thread(forum, title="题", content=content, format=4)
        assert code(error) == expected
    with pytest.raises(ApiError) as error:
        w.api.get_threads(w.lobby)
    assert code(error) == 503003
