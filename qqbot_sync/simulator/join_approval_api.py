"""The calls about rules that let listed users into groups."""

from __future__ import annotations

from qqbot_sync.models._time import parse_time
from qqbot_sync.simulator.group_api import move_member, page
from qqbot_sync.simulator.group_desk import Json, rfc3339
from qqbot_sync.simulator.platform import Platform
from qqbot_sync.simulator.refusal import Refusal
from qqbot_sync.simulator.routes import Call, Routes

__all__ = ["JoinApprovalApi"]

_PATH = "/v2/groups/join_approval_strategy"
_YEAR = 365 * 86400.0
_MOST = 20


class JoinApprovalApi:
    """Not thread-safe: called under the simulator's lock."""

    def __init__(self, platform: Platform, routes: Routes) -> None:
        self._platform = platform
        self._strategies = platform.desk.strategies
        add = routes.add
        add("GET", _PATH, self.get_all)
        add("POST", _PATH, self.create)
        add("PATCH", f"{_PATH}/{{strategy_id}}", self.update)
        add("DELETE", f"{_PATH}/{{strategy_id}}", self.delete)
        add("POST", f"{_PATH}/{{strategy_id}}/execute", self.execute)
        add("POST", f"{_PATH}/{{strategy_id}}/whitelist_users", self.change_users)

    def get_all(self, call: Call) -> Json:
        newest_first = [_shown(one) for one in reversed(self._strategies.values())]
        found, cursor = page(newest_first, call.query.get("cursor"), call.limit(20, 100))
        return {"strategies": found, "next_cursor": cursor}

    def create(self, call: Call) -> Json:
        if len(self._strategies) >= _MOST:
            raise Refusal(12002, "at most 20 strategies")
        now = self._platform.clock.wall()
        strategy = {
            "strategy_id": self._platform.ids.uuid(),
            "group_openids": [],
            "group_ids": [],
            "is_enable": "on",
            "expire_at": rfc3339(now + _YEAR),
            "created_at": rfc3339(now),
            "updated_at": rfc3339(now),
            "remark": "",
            "users": {},
            **_groups(call.fields),
            **self._settings(call.fields),
        }
        self._strategies[strategy["strategy_id"]] = strategy
        return {name: strategy[name] for name in ("strategy_id", "is_enable", "expire_at")}

    def update(self, call: Call) -> Json:
        strategy = self._strategy(call)
        fields = self._settings(call.fields)
        action = call.fields.get("group_action")
        if isinstance(action, dict):
            [(kind, groups)] = _groups(action).items()
            if not strategy[kind]:
                raise Refusal(12002, "groups of another kind than at the creation")
            kept = [one for one in strategy[kind] if one not in groups]
            fields[kind] = kept + groups if action.get("op") == "add" else kept
        strategy.update(fields, updated_at=self._platform.timestamp())
        return {name: strategy[name] for name in ("is_enable", "expire_at")}

    def delete(self, call: Call) -> Json:
        del self._strategies[self._strategy(call)["strategy_id"]]
        return {}

    def execute(self, call: Call) -> Json:
        """Lets in at once whom the platform lets in within ten minutes."""
        strategy, desk = self._strategy(call), self._platform.desk
        for openid in strategy["group_openids"]:
            group, facts = desk.group(openid)
            for id, request in list(facts.requests.items()):
                if request["username"] in strategy["users"]:
                    del facts.requests[id]
                    move_member(self._platform, group, desk.person(request["member_openid"]), joins=True)
        return {}

    def change_users(self, call: Call) -> Json:
        strategy = self._strategy(call)
        users, op = call.fields.get("whitelist_users"), call.fields.get("op")
        if not isinstance(users, list) or not 1 <= len(users) <= 10_000 or op not in ("add", "del"):
            raise Refusal(12002, "op, and 1 to 10000 whitelist_users")
        for user in users:
            if op == "add":
                strategy["users"][str(user)] = None
            else:
                strategy["users"].pop(str(user), None)
        strategy["updated_at"] = self._platform.timestamp()
        return {
            "strategy_id": strategy["strategy_id"],
            "whitelist_user_count": len(strategy["users"]),
            "updated_at": strategy["updated_at"],
        }

    def _strategy(self, call: Call) -> Json:
        strategy = self._strategies.get(call.ids["strategy_id"])
        if strategy is None:
            raise Refusal(12002, "there is no such strategy")
        return strategy

    def _settings(self, fields: Json) -> Json:
        found: Json = {name: fields[name] for name in ("is_enable", "expire_at", "remark") if name in fields}
        if found.get("is_enable", "on") not in ("on", "off"):
            raise Refusal(12002, "is_enable must be on or off")
        end = parse_time(found.get("expire_at"))
        if "expire_at" in found and (end is None or end.timestamp() <= self._platform.clock.wall()):
            raise Refusal(12002, "invalid expire_at")
        return found


def _shown(strategy: Json) -> Json:
    return {**{k: v for k, v in strategy.items() if k != "users"}, "whitelist_user_count": len(strategy["users"])}


def _groups(fields: Json) -> Json:
    given = {name: fields[name] for name in ("group_openids", "group_ids") if fields.get(name)}
    if len(given) != 1 or not all(isinstance(groups, list) and len(groups) <= 100 for groups in given.values()):
        raise Refusal(12002, "exactly one of group_openids and group_ids, at most 100")
    return given
