"""The calls about members, roles and mutes."""

from __future__ import annotations

from typing import Any

from qqbot_sync.simulator import payloads
from qqbot_sync.simulator.interior import GuildInterior, Json, Role
from qqbot_sync.simulator.platform import Platform
from qqbot_sync.simulator.refusal import Refusal
from qqbot_sync.simulator.rooms import Guild, Person, Place
from qqbot_sync.simulator.routes import Call, Routes

__all__ = ["MemberApi"]

_PAGE = 400
_DEFAULT_ROLES = ("1", "2", "4", "5")
_MUTED_AT_ONCE = 10


class MemberApi:
    """Not thread-safe: called under the simulator's lock."""

    def __init__(self, platform: Platform, routes: Routes) -> None:
        self._platform = platform
        add = routes.add
        add("GET", "/guilds/{guild_id}/members", self.get_members, private=True)
        add("GET", "/guilds/{guild_id}/members/{user_id}", self.get_member)
        add("DELETE", "/guilds/{guild_id}/members/{user_id}", self.delete_member, private=True)
        add("GET", "/guilds/{guild_id}/roles/{role_id}/members", self.get_role_members, private=True)
        add("GET", "/guilds/{guild_id}/roles", self.get_roles)
        add("POST", "/guilds/{guild_id}/roles", self.create_role)
        add("PATCH", "/guilds/{guild_id}/roles/{role_id}", self.update_role)
        add("DELETE", "/guilds/{guild_id}/roles/{role_id}", self.delete_role)
        add("PUT", "/guilds/{guild_id}/members/{user_id}/roles/{role_id}", self.give_role)
        add("DELETE", "/guilds/{guild_id}/members/{user_id}/roles/{role_id}", self.take_role)
        add("PATCH", "/guilds/{guild_id}/mute", self.mute_guild)
        add("PATCH", "/guilds/{guild_id}/members/{user_id}/mute", self.mute_member)

    # ---------------------------------------------------------------- members

    def get_members(self, call: Call) -> list[Json]:
        guild, inside = self._guild(call)
        after = call.query.get("after") or "0"
        if not after.isdecimal():
            raise Refusal(12002, "after is wrong")
        behind = sorted((one for one in guild.members if int(one) > int(after)), key=int)
        return [self._member(guild, inside, guild.members[id]) for id in behind[: call.limit(1, _PAGE)]]

    def get_member(self, call: Call) -> Json:
        guild, inside = self._guild(call)
        return self._member(guild, inside, self._platform.interior.member(guild, call.ids["user_id"]))

    def delete_member(self, call: Call) -> None:
        platform = self._platform
        guild, inside = self._guild(call)
        person = platform.interior.member(guild, call.ids["user_id"])
        fields = call.body if isinstance(call.body, dict) else {}
        if fields.get("delete_history_msg_days", 0) not in (-1, 0, 3, 7, 15, 30):
            raise Refusal(12002, "delete_history_msg_days is wrong")
        if self._is_admin(guild, inside, person):
            raise Refusal(11282, "an admin cannot be removed")
        body = payloads.guild_member(person, guild.id, joined_at=platform.timestamp())
        body["op_user_id"] = platform.bot.id
        del guild.members[person.user_id]
        for role in inside.roles.values():
            role.members.pop(person.user_id, None)
        if fields.get("add_blacklist"):
            inside.blacklist.add(person.user_id)
        if fields.get("delete_history_msg_days", 0):
            for channel in platform.interior.channels_of(guild):
                messages = platform.interior.of(channel).messages
                for id in [id for id, one in messages.items() if one["author"]["id"] == person.user_id]:
                    del messages[id]
        place = Place("channel", "", guild.id)
        platform.happen("GUILD_MEMBER_REMOVE", body, place, user=platform.bot.username, where=f"guild:{guild.id}")

    def get_role_members(self, call: Call) -> Json:
        guild, inside = self._guild(call)
        role = self._role(inside, call)
        start = call.query.get("start_index") or "0"
        if not start.isdecimal():
            raise Refusal(12002, "start_index is wrong")
        holders = [id for id in self._holders(guild, role) if id in guild.members]
        first, count = int(start), call.limit(1, _PAGE)
        page = holders[first : first + count]
        is_last = first + count >= len(holders)
        return {
            "data": [self._member(guild, inside, guild.members[id]) for id in page],
            "next": "0" if is_last else str(first + count),
        }

    # ---------------------------------------------------------------- roles

    def get_roles(self, call: Call) -> Json:
        guild, inside = self._guild(call)
        roles = [role.body(number=len(self._holders(guild, role))) for role in inside.roles.values()]
        return {"guild_id": guild.id, "roles": roles, "role_num_limit": "30"}

    def create_role(self, call: Call) -> Json:
        _, inside = self._guild(call)
        fields = self._properties(call)
        id = self._platform.ids.short_number("role", str(len(inside.roles)), call.ids["guild_id"])
        while id in inside.roles:
            id = str(int(id) + 1)
        role = inside.roles[id] = Role(id, "")
        self._set(role, fields)
        return {"role_id": id, "role": role.body()}

    def update_role(self, call: Call) -> Json:
        guild, inside = self._guild(call)
        role = self._role(inside, call)
        self._set(role, self._properties(call))
        return {"guild_id": guild.id, "role_id": role.id, "role": role.body()}

    def delete_role(self, call: Call) -> None:
        _, inside = self._guild(call)
        role = self._role(inside, call)
        if role.id in _DEFAULT_ROLES:
            raise Refusal(12002, "a default role cannot be deleted")
        del inside.roles[role.id]

    def give_role(self, call: Call) -> None:
        self._membership(call).members[call.ids["user_id"]] = None

    def take_role(self, call: Call) -> None:
        self._membership(call).members.pop(call.ids["user_id"], None)

    # ---------------------------------------------------------------- mutes

    def mute_guild(self, call: Call) -> Json | None:
        guild, inside = self._guild(call)
        end = self._mute_end(call)
        if "user_ids" not in call.fields:
            inside.mute_ends = end
            return None
        ids = call.fields["user_ids"]
        if not isinstance(ids, list) or not 1 <= len(ids) <= _MUTED_AT_ONCE:
            raise Refusal(502004, "user_ids must hold 1 to 10")
        done = [str(id) for id in ids if str(id) in guild.members]
        done = [id for id in done if not self._is_admin(guild, inside, guild.members[id])]
        for id in done:
            inside.mutes[id] = end
        return {"user_ids": done}

    def mute_member(self, call: Call) -> None:
        guild, inside = self._guild(call)
        person = guild.members.get(call.ids["user_id"])
        if person is None:
            raise Refusal(502003, "user id invalid")
        if self._is_admin(guild, inside, person):
            raise Refusal(502009, "an admin cannot be muted")
        inside.mutes[person.user_id] = self._mute_end(call)

    def _mute_end(self, call: Call) -> float:
        fields, now = call.fields, self._platform.clock.wall()
        end, seconds = fields.get("mute_end_timestamp"), fields.get("mute_seconds")
        given = seconds if end is None else end
        if not isinstance(given, str) or not given.isdecimal():
            raise Refusal(502005, "the time must be decimal text")
        if given == "0":
            return 0.0
        if end is not None:
            if int(end) <= now:
                raise Refusal(502006, "the time is over")
            return float(end)
        return now + int(given)

    # ---------------------------------------------------------------- common

    def _guild(self, call: Call) -> tuple[Guild, GuildInterior]:
        return self._platform.interior.guild(call.ids["guild_id"])

    def _member(self, guild: Guild, inside: GuildInterior, person: Person) -> Json:
        user: Json = {
            "id": person.user_id,
            "username": person.name,
            "avatar": "http://thirdqq.qlogo.cn/0",
            "bot": False,
        }
        body: Json = {
            "user": {**user, "union_openid": "", "union_user_account": ""},
            "nick": person.name,
            "roles": inside.roles_of(person.user_id, guild.owner.user_id),
            "joined_at": "2021-04-12T16:34:42+08:00",
        }
        if self._platform.clock.wall() < inside.mute_end_of(person.user_id):
            body["mute"] = not self._is_admin(guild, inside, person)
        return body

    def _is_admin(self, guild: Guild, inside: GuildInterior, person: Person) -> bool:
        return bool({"2", "4"} & set(inside.roles_of(person.user_id, guild.owner.user_id)))

    @staticmethod
    def _holders(guild: Guild, role: Role) -> list[str]:
        if role.id == "1":
            return list(guild.members)
        return [guild.owner.user_id] if role.id == "4" else list(role.members)

    @staticmethod
    def _role(inside: GuildInterior, call: Call) -> Role:
        role = inside.roles.get(call.ids["role_id"])
        if role is None:
            raise Refusal(12002, "unknown role", status=404)
        return role

    def _membership(self, call: Call) -> Role:
        guild, inside = self._guild(call)
        self._platform.interior.member(guild, call.ids["user_id"])
        role = self._role(inside, call)
        if role.id in ("1", "4"):
            raise Refusal(12002, "this role cannot be given or taken")
        if role.id == "5":
            channel = call.fields.get("channel")
            self._platform.interior.channel(str(channel.get("id")) if isinstance(channel, dict) else "")
        return role

    @staticmethod
    def _properties(call: Call) -> Json:
        fields: Json = {name: call.fields[name] for name in ("name", "color", "hoist") if name in call.fields}
        if not fields or fields.get("hoist", 0) not in (0, 1):
            raise Refusal(12002, "name, color or hoist is needed")
        return fields

    @staticmethod
    def _set(role: Role, fields: dict[str, Any]) -> None:
        for name, value in fields.items():
            setattr(role, name, value)
