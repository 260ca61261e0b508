"""The calls of group management."""

from __future__ import annotations

from typing import Any

from qqbot_sync.models._time import parse_time
from qqbot_sync.simulator import payloads
from qqbot_sync.simulator.group_desk import GroupFacts, Json, rfc3339
from qqbot_sync.simulator.platform import Platform
from qqbot_sync.simulator.refusal import Refusal
from qqbot_sync.simulator.rooms import Group, Person, Place
from qqbot_sync.simulator.routes import Call, Routes
from qqbot_sync.simulator.sending import Sending

__all__ = ["GroupApi", "page"]

_GROUP = "/v2/groups/{group_openid}"
_MONTH = 30 * 86400.0


class GroupApi:
    """Not thread-safe: called under the simulator's lock."""

    def __init__(self, platform: Platform, sending: Sending, routes: Routes) -> None:
        self._platform = platform
        self._sending = sending
        self._desk = platform.desk
        add = routes.add
        add("GET", f"{_GROUP}/info", self.get_info)
        add("GET", f"{_GROUP}/bot_state", self.get_bot_state)
        add("GET", f"{_GROUP}/members", self.get_members)
        add("POST", f"{_GROUP}/members", self.get_members_of_old)
        add("GET", f"{_GROUP}/members/{{member_openid}}", self.get_member)
        add("POST", f"{_GROUP}/batch_remove_members", self.remove_members)
        add("GET", f"{_GROUP}/member_blacklist", self.get_blacklist)
        add("POST", f"{_GROUP}/member_blacklist", self.change_blacklist)
        add("GET", f"{_GROUP}/join_request_list", self.get_requests)
        add("POST", f"{_GROUP}/approval_join_request/{{member_openid}}", self.answer_request)
        add("GET", f"{_GROUP}/restrict_chat_setting", self.get_mutes)
        add("POST", f"{_GROUP}/restrict_chat_setting", self.change_mutes)

    # ---------------------------------------------------------------- what it is, and who is in it

    def get_info(self, call: Call) -> Json:
        group, facts = self._approved(call)
        return {
            "group_openid": group.id,
            "group_name": group.name,
            "group_finger_memo": facts.memo,
            "group_class_text": facts.class_text,
            "group_tags": facts.tags,
            "group_member_num": len(group.members) + 1,
        }

    def get_bot_state(self, call: Call) -> Json:
        group, facts = self._approved(call)
        return {
            "member_openid": facts.bot_openid,
            "joined_at": facts.joined.get(facts.bot_openid, "2026-01-01T00:00:00+08:00"),
            "allow_proactive_msg": group.id not in self._sending.refusing,
            "recv_msg_setting": facts.recv_msg_setting,
            "member_role": facts.bot_role,
        }

    def get_members(self, call: Call) -> Json:
        group, facts = self._approved(call)
        described = [self._desk.described(facts, person) for person in group.members.values()]
        members, cursor = page(described, call.query.get("cursor"), 30)
        return {"members": members, "next_cursor": cursor}

    def get_members_of_old(self, call: Call) -> Json:
        group, _ = self._approved(call)
        body = call.body if isinstance(call.body, dict) else {}
        start, limit = int(body.get("start_index") or 0), int(body.get("limit") or 500)
        everybody = list(group.members.values())
        found = everybody[start : start + limit]
        members = [{"member_openid": one.openid, "join_timestamp": 1767196800} for one in found]
        more = start + limit < len(everybody)
        return {"members": members, **({"next_index": start + limit} if more else {})}

    def get_member(self, call: Call) -> Json:
        group, facts = self._approved(call)
        return self._desk.described(facts, self._desk.member(group, call.ids["member_openid"]))

    def remove_members(self, call: Call) -> Json:
        group, facts = self._administered(call)
        openids = _openids(call, 20)
        people = [self._desk.member(group, openid) for openid in openids]
        for person in people:
            if call.fields.get("add_to_member_blacklist"):
                self._ban(facts, person)
            self._move(group, person, joins=False)
        return {"remove_members_result": "success", "add_to_member_blacklist_fail_openids": []}

    # ---------------------------------------------------------------- who must stay out

    def get_blacklist(self, call: Call) -> Json:
        _, facts = self._administered(call)
        users, cursor = page(list(facts.blacklist.values()), call.query.get("cursor"), call.limit(20, 100))
        return {"users": users, "next_cursor": cursor}

    def change_blacklist(self, call: Call) -> Json:
        group, facts = self._administered(call)
        adds = _op(call) == "add"
        failed = []
        for openid in _openids(call, 20):
            if adds and openid not in group.members:
                self._ban(facts, self._desk.person(openid))
            elif adds or facts.blacklist.pop(openid, None) is None:
                failed.append(openid)
        return {"fail_openids": failed}

    def _ban(self, facts: GroupFacts, person: Person) -> None:
        facts.blacklist[person.openid] = {
            "union_openid": "",
            "member_openid": person.openid,
            "username": person.name,
            "banned_at": self._platform.timestamp(),
            "bot": False,
        }

    # ---------------------------------------------------------------- who wants to come in

    def get_requests(self, call: Call) -> Json:
        _, facts = self._administered(call)
        found, cursor = page(list(facts.requests.values()), call.query.get("cursor"), call.limit(20, 100))
        return {"list": found, "next_cursor": cursor}

    def answer_request(self, call: Call) -> Json:
        group, facts = self._administered(call)
        openid, wanted = call.ids["member_openid"], call.fields.get("join_request_id")
        op = call.fields.get("op")
        if op not in ("approve", "decline"):
            raise Refusal(12002, "op must be approve or decline")
        found = next(
            (
                id
                for id, request in facts.requests.items()
                if request["member_openid"] == openid and wanted in (None, id)
            ),
            None,
        )
        if found is None:
            raise Refusal(12002, "there is no such request")
        del facts.requests[found]
        person = self._desk.person(openid)
        if op == "approve":
            self._move(group, person, joins=True)
        elif call.fields.get("add_to_member_blacklist"):
            self._ban(facts, person)
        return {}

    # ---------------------------------------------------------------- who may speak

    def get_mutes(self, call: Call) -> Json:
        group, facts = self._administered(call)
        now = self._platform.clock.wall()
        members = []
        for openid, until in facts.mutes.items():
            end = parse_time(until)
            if end is not None and end.timestamp() > now and openid in group.members:
                name = group.members[openid].name
                members.append({"member_openid": openid, "mute_expire_at": until, "username": name, "union_openid": ""})
        rule: Json = {"mode": "none", "schedule_rules": [], "recurring_rules": []}
        return {"global_rule": rule, "members": members}

    def change_mutes(self, call: Call) -> Json:
        group, facts = self._administered(call)
        members = call.fields.get("members")
        if not isinstance(members, list) or not 1 <= len(members) <= 10:
            raise Refusal(12002, "members: 1 to 10")
        for one in members:
            self._check_mute(group, facts, one)
        for one in members:
            if one["op"] == "del":
                facts.mutes.pop(one["member_openid"], None)
            else:
                facts.mutes[one["member_openid"]] = one["mute_expire_at"]
        return {}

    def _check_mute(self, group: Group, facts: GroupFacts, one: Any) -> None:
        if not isinstance(one, dict) or one.get("op") not in ("add", "update", "del"):
            raise Refusal(12002, "op must be add, update or del")
        if one.get("member_openid") == facts.bot_openid:
            raise Refusal(502009, "owner, admins and bots can not be muted")
        self._desk.member(group, str(one.get("member_openid")))
        if one["op"] != "del":
            end = parse_time(one.get("mute_expire_at"))
            left = end.timestamp() - self._platform.clock.wall() if end is not None else 0.0
            if not 0 < left <= _MONTH + 60:
                raise Refusal(502006, "invalid mute_expire_at")

    # ---------------------------------------------------------------- common

    def _approved(self, call: Call) -> tuple[Group, GroupFacts]:
        if not self._desk.is_whitelisted:
            raise Refusal(11253, "app privilege not pass", status=403)
        return self._desk.group(call.ids["group_openid"])

    def _administered(self, call: Call) -> tuple[Group, GroupFacts]:
        return self._desk.administered(call.ids["group_openid"])

    def _move(self, group: Group, person: Person, *, joins: bool) -> None:
        move_member(self._platform, group, person, joins=joins)


def move_member(platform: Platform, group: Group, person: Person, *, joins: bool) -> None:
    """Somebody joins or leaves a group, and the bot is told."""
    place, facts = Place("group", group.id), platform.desk.facts(group.id)
    if joins:
        platform.rooms.enter(place, person)
        facts.joined[person.openid] = rfc3339(platform.clock.wall())
    else:
        platform.rooms.leave(place, person)
    body = payloads.group_member(person, group.id, at=platform.seconds())
    name = "GROUP_MEMBER_ADD" if joins else "GROUP_MEMBER_REMOVE"
    platform.happen(name, body, place, user=person.name, where=f"group:{group.id}")


def page(found: list[Any], cursor: str | None, count: int) -> tuple[list[Any], str]:
    """One page, and the cursor of the next one; "" at the end.

    Raises:
        Refusal: a cursor that was never given.
    """
    if cursor and not cursor.isdecimal():
        raise Refusal(12002, "invalid cursor")
    start = int(cursor or 0)
    end = start + count
    return found[start:end], str(end) if end < len(found) else ""


def _op(call: Call) -> str:
    op = call.fields.get("op")
    if op not in ("add", "del"):
        raise Refusal(12002, "op must be add or del")
    return str(op)


def _openids(call: Call, most: int) -> list[str]:
    openids = call.fields.get("member_openids")
    if not isinstance(openids, list) or not 1 <= len(openids) <= most:
        raise Refusal(12002, f"member_openids: 1 to {most}")
    return [str(openid) for openid in openids]
