"""The calls about the bot itself: share links, and webhook sessions of the old kind."""

from __future__ import annotations

from qqbot_sync.simulator.interior import Json
from qqbot_sync.simulator.platform import Platform
from qqbot_sync.simulator.refusal import Refusal
from qqbot_sync.simulator.routes import Call, Routes

__all__ = ["AccountApi"]

_SESSIONS = "/gateway/webhook/sessions"
_MOST_CALLBACK_DATA = 32


class AccountApi:
    """Not thread-safe: called under the simulator's lock."""

    def __init__(self, platform: Platform, routes: Routes) -> None:
        self._platform = platform
        self._sessions: dict[str, Json] = {}
        add = routes.add
        add("POST", "/v2/generate_url_link", self.share_link)
        add("POST", _SESSIONS, self.create_session)
        add("GET", _SESSIONS, self.get_sessions)
        add("PATCH", _SESSIONS, self.check_sessions)
        add("DELETE", f"{_SESSIONS}/{{session_id}}", self.delete_session)

    def share_link(self, call: Call) -> Json:
        data = call.fields.get("callback_data", "")
        if not isinstance(data, str) or len(data) > _MOST_CALLBACK_DATA:
            raise Refusal(10001, "bad parameters")
        url = f"https://bot.q.qq.com/s/{self._platform.ids.openid('link', data)[:10].lower()}"
        return {"retcode": 0, "msg": "success", "data": {"url": url}}

    def create_session(self, call: Call) -> Json:
        platform, fields = self._platform, call.fields
        shard, url, intents = fields.get("shards"), fields.get("callback_url"), fields.get("intents")
        if not isinstance(shard, list) or len(shard) != 2 or not isinstance(url, str) or not isinstance(intents, int):
            raise Refusal(12002, "intents, shards and callback_url are needed")
        id = platform.ids.uuid()
        self._sessions[id] = {
            "app_id": int(platform.app_id),
            "session_id": id,
            "callback_url": url,
            "env": "production",
            "intents": intents,
            "last_heartbeat_time": platform.timestamp(),
            "state": "ACTIVE",
            "shards": shard,
        }
        bot = {"id": platform.bot.id, "username": platform.bot.username}
        return {"version": 1, "session_id": id, "bot": bot, "shard": shard}

    def get_sessions(self, _: Call) -> list[Json]:
        return list(self._sessions.values())

    def check_sessions(self, call: Call) -> list[Json]:
        if call.query.get("action") != "check":
            raise Refusal(12002, "action is wrong")
        for session in self._sessions.values():
            session.update(state="ACTIVE", last_heartbeat_time=self._platform.timestamp())
        return list(self._sessions.values())

    def delete_session(self, call: Call) -> None:
        if self._sessions.pop(call.ids["session_id"], None) is None:
            raise Refusal(12002, "unknown session", status=404)
