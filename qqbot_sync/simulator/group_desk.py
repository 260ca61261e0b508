"""What an admin of a group works with: roles, black lists, requests to join, mutes, automatic approval. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

from qqbot_sync.models._time import parse_time
from qqbot_sync.simulator.ids import Ids
from qqbot_sync.simulator.refusal import Refusal
from qqbot_sync.simulator.rooms import Group, Person, Place, Rooms

__all__ = ["GroupDesk", "GroupFacts"]

Json = dict[str, Any]
_CHINA = timezone(timedelta(hours=8))
_JOINED = "2026-01-01T00:00:00+08:00"


class GroupFacts:
    """What is known of one group beyond its members. Not thread-safe."""

    def __init__(self, bot_openid: str) -> None:
        self.bot_openid = bot_openid
        self.bot_role = "admin"
        """What the bot is there: "member", "admin" or "owner"."""
        self.recv_msg_setting = "all"
        self.memo = ""
        self.class_text = ""
        self.tags: list[str] = []
        self.joined: dict[str, str] = {}
        """Openid → when they joined."""
        self.blacklist: dict[str, Json] = {}
        self.requests: dict[str, Json] = {}
        """By the id of the request; open ones only."""
        self.mutes: dict[str, str] = {}
        """Openid → until when."""


class GroupDesk:
    """The groups of one platform. Not thread-safe."""

    def __init__(self, rooms: Rooms, ids: Ids) -> None:
        self._rooms = rooms
        self._ids = ids
        self._facts: dict[str, GroupFacts] = {}
        self.is_whitelisted = True
        """Whether the bot was admitted to the calls that need the platform's approval."""
        self.strategies: dict[str, Json] = {}
        """By id: the answer's fields, and `users`: the QQ numbers it lets in. A person's QQ number is its name."""

    def group(self, group_openid: str) -> tuple[Group, GroupFacts]:
        """A group that the bot is in.

        Raises:
            Refusal: there is no such group.
        """
        group = self._rooms.groups.get(group_openid)
        if group is None:
            raise Refusal(40054003, "bot is not a member of the group")
        return group, self.facts(group_openid)

    def facts(self, group_openid: str) -> GroupFacts:
        """What is known of a group."""
        facts = self._facts.get(group_openid)
        if facts is None:
            facts = self._facts[group_openid] = GroupFacts(self._ids.openid("bot", group_openid))
        return facts

    def administered(self, group_openid: str) -> tuple[Group, GroupFacts]:
        """A group in which the bot is an admin.

        Raises:
            Refusal: it is none there; the platform says so with HTTP 500.
        """
        group, facts = self.group(group_openid)
        if facts.bot_role == "member":
            raise Refusal(11282, "the bot is not an admin of the group", status=500)
        return group, facts

    def person(self, openid: str) -> Person:
        """Somebody by openid, in whatever group.

        Raises:
            Refusal: nobody has it.
        """
        for person in self._rooms.persons.values():
            if person.openid == openid:
                return person
        raise Refusal(12001, "id replacement failed")

    def member(self, group: Group, openid: str) -> Person:
        """A member by openid.

        Raises:
            Refusal: nobody has it there.
        """
        person = group.members.get(openid)
        if person is None:
            raise Refusal(12001, "not a member of the group")
        return person

    def described(self, facts: GroupFacts, person: Person) -> Json:
        """A member, as the list shows one."""
        return {
            "member_openid": person.openid,
            "username": person.name,
            "member_role": "member",
            "bot": False,
            "joined_at": facts.joined.get(person.openid, _JOINED),
            "union_openid": "",
        }

    def request(self, person: Person, place: Place, *, message: str, now: float) -> Json:
        """Somebody asks to join; gives the request, with `auto_approved` where a rule lets them in.

        Raises:
            ValueError: they are in already, or must stay out.
        """
        group, facts = self._rooms.groups[place.id], self.facts(place.id)
        if person.openid in group.members:
            raise ValueError(f"{person.name!r} is a member already")
        if person.openid in facts.blacklist:
            raise ValueError(f"{person.name!r} is on the group's black list")
        request: Json = {
            "group_openid": place.id,
            "join_request_id": f"{self._ids.uuid()}{self._ids.uuid()}".replace("-", ""),
            "member_openid": person.openid,
            "username": person.name,
            "apply_at": rfc3339(now),
            "apply_source": "self_apply",
            "invited_by": "",
            "bot": False,
            "risk_tips": "",
            "union_openid": "",
            "verify_info": {"method": "verify_message", "verify_message": message, "review_qa_list": []},
        }
        strategy = self.strategy_for(place.id, person, now=now)
        if strategy is not None:
            request["auto_approved"] = {"strategy_id": strategy}
        else:
            facts.requests[request["join_request_id"]] = request
        return request

    def strategy_for(self, group_openid: str, person: Person, *, now: float) -> str | None:
        """The rule that lets somebody in by itself."""
        for id, strategy in self.strategies.items():
            end = parse_time(strategy["expire_at"])
            lives = strategy["is_enable"] == "on" and (end is None or end.timestamp() > now)
            if lives and group_openid in strategy["group_openids"] and person.name in strategy["users"]:
                return id
        return None

    def check_may_speak(self, person: Person, place: Place, now: float) -> None:
        """Raises ValueError for somebody who is muted in a group."""
        facts = self._facts.get(place.id) if place.scene == "group" else None
        until = parse_time(facts.mutes.get(person.openid)) if facts else None
        if until is not None and until.timestamp() > now:
            raise ValueError(f"{person.name!r} is muted in this group until {until.isoformat()}")


def rfc3339(seconds: float) -> str:
    """Seconds since 1970, as the platform writes them."""
    return datetime.fromtimestamp(int(seconds), _CHINA).isoformat()
