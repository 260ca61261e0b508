"""The calls of channels that are more than text: schedules, voice, forums."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

from qqbot_sync.codec import Undecodable, dumps, loads
from qqbot_sync.simulator.interior import ChannelInterior, Json
from qqbot_sync.simulator.platform import Platform
from qqbot_sync.simulator.refusal import Refusal
from qqbot_sync.simulator.rooms import Channel
from qqbot_sync.simulator.routes import Call, Routes

__all__ = ["AppChannelApi"]

_VOICE, _LIVE, _FORUM = 2, 10005, 10007
_SCHEDULES = "1000050"
_LONGEST = 7 * 86400 * 1000
_PER_DAY = 10
_CHINA = timezone(timedelta(hours=8))


class AppChannelApi:
    """Not thread-safe: called under the simulator's lock."""

    def __init__(self, platform: Platform, routes: Routes) -> None:
        self._platform = platform
        self._created: list[float] = []
        add = routes.add
        add("GET", "/channels/{channel_id}/schedules", self.get_schedules)
        add("GET", "/channels/{channel_id}/schedules/{schedule_id}", self.get_schedule)
        add("POST", "/channels/{channel_id}/schedules", self.create_schedule)
        add("PATCH", "/channels/{channel_id}/schedules/{schedule_id}", self.update_schedule)
        add("DELETE", "/channels/{channel_id}/schedules/{schedule_id}", self.delete_schedule)
        add("POST", "/channels/{channel_id}/audio", self.control_audio)
        add("PUT", "/channels/{channel_id}/mic", self.take_microphone)
        add("DELETE", "/channels/{channel_id}/mic", self.leave_microphone)
        add("GET", "/channels/{channel_id}/threads", self.get_threads, private=True)
        add("GET", "/channels/{channel_id}/threads/{thread_id}", self.get_thread, private=True)
        add("PUT", "/channels/{channel_id}/threads", self.create_thread, private=True)
        add("DELETE", "/channels/{channel_id}/threads/{thread_id}", self.delete_thread, private=True)
        add("POST", "/channels/{channel_id}/threads/{thread_id}/comment", self.comment, private=True)

    # ---------------------------------------------------------------- schedules

    def get_schedules(self, call: Call) -> list[Json]:
        inside = self._schedules(call)
        since = call.query.get("since") or (call.body or {}).get("since")
        if since is None:
            now = datetime.fromtimestamp(self._platform.clock.wall(), _CHINA)
            first = now.replace(hour=0, minute=0, second=0, microsecond=0).timestamp() * 1000
            end = first + 86400 * 1000
            return [one for one in inside.schedules.values() if first <= int(one["start_timestamp"]) < end]
        return [one for one in inside.schedules.values() if int(one["end_timestamp"]) > int(since)]

    def get_schedule(self, call: Call) -> Json:
        return self._schedule(call)

    def create_schedule(self, call: Call) -> Json:
        platform, inside = self._platform, self._schedules(call)
        fields = self._schedule_fields(call)
        now = platform.clock.wall()
        if int(fields["start_timestamp"]) < now * 1000:
            raise Refusal(302015, "start before now")
        self._created = [at for at in self._created if at > now - 86400]
        if len(self._created) >= _PER_DAY:
            raise Refusal(302012, "10 creations per day are used")
        self._created.append(now)
        id = platform.ids.short_number("schedule", call.ids["channel_id"], platform.ids.uuid())
        user: Json = {"id": platform.bot.id, "username": platform.bot.username, "bot": True}
        inside.schedules[id] = {
            "id": id,
            "description": "",
            "jump_channel_id": "0",
            "remind_type": "0",
            **fields,
            "creator": {"user": user, "nick": platform.bot.username, "joined_at": "2021-04-12T16:34:42+08:00"},
        }
        return inside.schedules[id]

    def update_schedule(self, call: Call) -> Json:
        schedule = self._schedule(call)
        schedule.update(self._schedule_fields(call, known=schedule))
        return schedule

    def delete_schedule(self, call: Call) -> None:
        schedule = self._schedule(call)
        del self._schedules(call).schedules[schedule["id"]]

    def _schedules(self, call: Call) -> ChannelInterior:
        _, inside = self._platform.interior.channel(call.ids["channel_id"])
        if inside.facts["application_id"] != _SCHEDULES:
            raise Refusal(302000, "not a schedule channel")
        return inside

    def _schedule(self, call: Call) -> Json:
        found = self._schedules(call).schedules.get(call.ids["schedule_id"])
        if found is None:
            raise Refusal(302011, "schedule is deleted or does not exist")
        return found

    def _schedule_fields(self, call: Call, known: Json | None = None) -> Json:
        given = call.fields.get("schedule")
        if not isinstance(given, dict) or not given:
            raise Refusal(302017, "schedule object is empty")
        names = ("name", "description", "start_timestamp", "end_timestamp", "jump_channel_id", "remind_type")
        fields = {name: given[name] for name in names if name in given}
        whole = {**(known or {}), **fields}
        if not all(isinstance(value, str) for value in fields.values()):
            raise Refusal(302018, "type conversion failed")
        if not whole.get("name"):
            raise Refusal(302000, "name is empty")
        start, end = str(whole.get("start_timestamp")), str(whole.get("end_timestamp"))
        if not (start.isdecimal() and end.isdecimal()) or whole.get("remind_type", "0") not in "012345":
            raise Refusal(302000, "bad parameter")
        if int(end) <= int(start):
            raise Refusal(302016, "end before start")
        if int(end) - int(start) > _LONGEST:
            raise Refusal(302014, "longer than 7 days")
        jump = whole.get("jump_channel_id", "0")
        if jump != "0" and jump not in self._platform.rooms.channels:
            raise Refusal(302024, "jump channel does not exist")
        return fields

    # ---------------------------------------------------------------- voice

    def control_audio(self, call: Call) -> Json:
        channel, inside = self._voice(call)
        status = call.fields.get("status")
        shown = {name: str(call.fields.get(name) or "") for name in ("audio_url", "text")}
        if status == 0:
            inside.playing = {**shown, "status": 0}
            self._happen("AUDIO_START", channel, shown)
        elif status in (1, 2, 3) and inside.playing is not None:
            inside.playing["status"] = status
            if status == 3:
                self._happen("AUDIO_FINISH", channel, {name: inside.playing[name] for name in shown})
                inside.playing = None
        else:
            raise Refusal(12002, "status is wrong, or nothing plays")
        return {}

    def take_microphone(self, call: Call) -> Json:
        channel, inside = self._voice(call)
        inside.has_microphone = True
        self._happen("AUDIO_ON_MIC", channel, {})
        return {}

    def leave_microphone(self, call: Call) -> Json:
        channel, inside = self._voice(call)
        inside.has_microphone = False
        self._happen("AUDIO_OFF_MIC", channel, {})
        return {}

    def _voice(self, call: Call) -> tuple[Channel, ChannelInterior]:
        channel, inside = self._platform.interior.channel(call.ids["channel_id"])
        if inside.facts["type"] not in (_VOICE, _LIVE):
            raise Refusal(13011, "not a voice-channel")
        return channel, inside

    # ---------------------------------------------------------------- forum

    def get_threads(self, call: Call) -> Json:
        _, inside = self._forum(call)
        return {"threads": list(inside.threads.values()), "is_finish": 1}

    def get_thread(self, call: Call) -> Json:
        return {"thread": self._thread(call)}

    def create_thread(self, call: Call) -> Json:
        platform, fields = self._platform, call.fields
        channel, inside = self._forum(call)
        title, content = (str(fields.get(name) or "") for name in ("title", "content"))
        if not title or not content:
            raise Refusal(503005 if not title else 503006, "title or content is empty")
        rich = _rich_text(content, fields.get("format", 3))
        id = f"B_{platform.ids.openid('thread', platform.ids.uuid()).lower()}"
        thread: Json = {
            **self._where(channel),
            "thread_info": {"thread_id": id, "title": title, "content": rich, "date_time": platform.timestamp()},
        }
        inside.threads[id] = thread
        task = self._audited(channel, type=1, thread_id=id)
        self._happen("FORUM_THREAD_CREATE", channel, self._as_event(thread))
        return {"task_id": task, "create_time": str(platform.seconds())}

    def delete_thread(self, call: Call) -> None:
        thread = self._thread(call)
        channel, inside = self._forum(call)
        del inside.threads[thread["thread_info"]["thread_id"]]
        self._happen("FORUM_THREAD_DELETE", channel, self._as_event(thread))

    def comment(self, call: Call) -> Json:
        platform, fields = self._platform, call.fields
        thread = self._thread(call)
        channel, _ = self._forum(call)
        if str(fields.get("thread_author")) != thread["author_id"]:
            raise Refusal(503009, "thread author is wrong")
        if not fields.get("content"):
            raise Refusal(503006, "content is empty")
        thread_id, post_id = thread["thread_info"]["thread_id"], f"c_{platform.ids.openid(platform.ids.uuid()).lower()}"
        info = {"thread_id": thread_id, "post_id": post_id, "content": _rich_object(str(fields["content"]))}
        task = self._audited(channel, type=2, thread_id=thread_id, post_id=post_id)
        body = {**self._where(channel), "post_info": {**info, "date_time": platform.timestamp()}}
        self._happen("FORUM_POST_CREATE", channel, body)
        return {"task_id": task, "create_time": platform.seconds()}

    def _forum(self, call: Call) -> tuple[Channel, ChannelInterior]:
        channel, inside = self._platform.interior.channel(call.ids["channel_id"])
        if inside.facts["type"] != _FORUM:
            raise Refusal(503003, "not a forum channel")
        return channel, inside

    def _thread(self, call: Call) -> Json:
        found = self._forum(call)[1].threads.get(call.ids["thread_id"])
        if found is None:
            raise Refusal(503012, "thread is deleted or missing")
        return found

    def _where(self, channel: Channel) -> Json:
        return {"guild_id": channel.guild.id, "channel_id": channel.id, "author_id": self._platform.bot.id}

    def _audited(self, channel: Channel, *, type: int, thread_id: str, post_id: str = "") -> str:
        task = self._platform.ids.uuid()
        body: Json = {"task_id": task, "thread_id": thread_id, "post_id": post_id, "reply_id": "", "type": type}
        body.update(self._where(channel), result=0, err_msg="")
        self._happen("FORUM_PUBLISH_AUDIT_RESULT", channel, body)
        return task

    @staticmethod
    def _as_event(thread: Json) -> Json:
        info = thread["thread_info"]
        texts = {"title": _rich_object(info["title"]), "content": _rich_object(_plain(info["content"]))}
        return {**thread, "thread_info": {**info, **texts}}

    def _happen(self, name: str, channel: Channel, fields: Json) -> None:
        platform = self._platform
        body = {"guild_id": channel.guild.id, "channel_id": channel.id, **fields}
        place = platform.rooms.of_channel(channel)
        platform.happen(name, body, place, user=platform.bot.username, where=f"channel:{channel.id}")


def _rich_text(content: str, format: Any) -> str:
    """The JSON text that the platform makes of a thread's content."""
    if format not in (1, 2, 3, 4):
        raise Refusal(503014, "format is wrong")
    if format != 4:
        paragraphs = [{"elems": [{"type": 1, "text": {"text": line}}], "props": {}} for line in content.split("\n")]
        return dumps({"paragraphs": paragraphs}).decode("utf-8")
    try:
        data = loads(content)
    except Undecodable as error:
        raise Refusal(503014, "JSON content cannot be parsed") from error
    if not isinstance(data, dict) or not isinstance(data.get("paragraphs"), list):
        raise Refusal(503015, "JSON content cannot be converted")
    return dumps(data).decode("utf-8")


def _plain(content: str) -> str:
    lines = []
    for paragraph in loads(content)["paragraphs"]:
        texts = (elem.get("text") or {} for elem in paragraph.get("elems") or ())
        lines.append("".join(str(text.get("text") or "") for text in texts))
    return "\n".join(lines)


def _rich_object(text: str) -> list[Json]:
    return [{"type": 1, "text_info": {"text": text}}]
