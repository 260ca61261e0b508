"""The calls about guilds, channels and what may be done in them."""

from __future__ import annotations

from typing import Any

from qqbot_sync.simulator.interior import Json
from qqbot_sync.simulator.platform import Platform
from qqbot_sync.simulator.refusal import Refusal
from qqbot_sync.simulator.rooms import Channel, Guild, Place
from qqbot_sync.simulator.routes import Call, Routes

__all__ = ["GuildApi", "channel_body", "guild_body"]

_CATEGORY, _VOICE, _LIVE = 4, 2, 10005
_MANAGE = 2
_DEMANDS_A_DAY = 3


def guild_body(guild: Guild) -> Json:
    """A guild as the API shows it."""
    return {
        "id": guild.id,
        "name": guild.name,
        "icon": "",
        "owner_id": guild.owner.user_id,
        "owner": False,
        "member_count": len(guild.members),
        "max_members": 300,
        "description": "",
        "joined_at": "2021-04-12T16:34:42+08:00",
    }


def channel_body(platform: Platform, channel: Channel) -> Json:
    """A channel as the API shows it."""
    facts = platform.interior.of(channel).facts
    return {"id": channel.id, "guild_id": channel.guild.id, "name": channel.name, **facts}


class GuildApi:
    """Not thread-safe: called under the simulator's lock."""

    def __init__(self, platform: Platform, routes: Routes) -> None:
        self._platform = platform
        self._routes = routes
        add = routes.add
        add("GET", "/guilds/{guild_id}", self.get_guild)
        add("GET", "/guilds/{guild_id}/channels", self.get_channels)
        add("POST", "/guilds/{guild_id}/channels", self.create_channel, private=True)
        add("GET", "/channels/{channel_id}", self.get_channel)
        add("PATCH", "/channels/{channel_id}", self.update_channel, private=True)
        add("DELETE", "/channels/{channel_id}", self.delete_channel, private=True)
        add("GET", "/channels/{channel_id}/online_nums", self.online_nums)
        add("GET", "/channels/{channel_id}/voice/members", self.voice_members, private=True)
        for kind in ("member", "role"):
            id = "{user_id}" if kind == "member" else "{role_id}"
            path = f"/channels/{{channel_id}}/{kind}s/{id}/permissions"
            add("GET", path, self.get_permissions)
            add("PUT", path, self.put_permissions)
        add("GET", "/guilds/{guild_id}/message/setting", self.message_setting)
        add("GET", "/guilds/{guild_id}/api_permission", self.api_permissions)
        add("POST", "/guilds/{guild_id}/api_permission/demand", self.demand)

    def get_guild(self, call: Call) -> Json:
        guild, _ = self._platform.interior.guild(call.ids["guild_id"])
        return guild_body(guild)

    # ---------------------------------------------------------------- channels

    def get_channels(self, call: Call) -> list[Json]:
        guild, _ = self._platform.interior.guild(call.ids["guild_id"])
        return [channel_body(self._platform, channel) for channel in self._platform.interior.channels_of(guild)]

    def get_channel(self, call: Call) -> Json:
        channel, _ = self._platform.interior.channel(call.ids["channel_id"])
        return channel_body(self._platform, channel)

    def create_channel(self, call: Call) -> Json:
        platform, fields = self._platform, call.fields
        guild, _ = platform.interior.guild(call.ids["guild_id"])
        name, kind = fields.get("name"), fields.get("type")
        if not isinstance(name, str) or not name:
            raise Refusal(200016, "channel name is empty")
        if isinstance(kind, bool) or not isinstance(kind, int):
            raise Refusal(12002, "type is wrong")
        position = fields.get("position")
        if kind == _CATEGORY and isinstance(position, int) and position < 2:
            raise Refusal(200017, "position of a category must be at least 2")
        others = platform.interior.channels_of(guild)
        self._check_parent(guild, fields)
        channel = platform.rooms.add_channel(guild.id, None, name)
        facts = platform.interior.of(channel).facts
        facts["type"] = kind
        known = ("sub_type", "parent_id", "private_type", "speak_permission", "application_id")
        facts.update({key: fields[key] for key in known if key in fields})
        facts["owner_id"] = platform.bot.id
        self._place(others, facts, position)
        for user_id in fields.get("private_user_ids") or ():
            platform.interior.of(channel).permissions["user", str(user_id)] = 5
        self._happen("CHANNEL_CREATE", channel)
        return channel_body(platform, channel)

    def update_channel(self, call: Call) -> Json:
        platform, fields = self._platform, call.fields
        channel, inside = platform.interior.channel(call.ids["channel_id"])
        self._check_parent(channel.guild, fields)
        if "name" in fields:
            if not fields["name"]:
                raise Refusal(200016, "channel name is empty")
            channel.name = str(fields["name"])
        known = ("parent_id", "private_type", "speak_permission")
        inside.facts.update({key: fields[key] for key in known if key in fields})
        if "position" in fields:
            others = [one for one in platform.interior.channels_of(channel.guild) if one is not channel]
            self._place(others, inside.facts, fields["position"])
        self._happen("CHANNEL_UPDATE", channel)
        return channel_body(platform, channel)

    def delete_channel(self, call: Call) -> Json:
        channel, _ = self._platform.interior.channel(call.ids["channel_id"])
        self._happen("CHANNEL_DELETE", channel)
        self._platform.interior.remove(channel)
        return {}

    def online_nums(self, call: Call) -> Json:
        _, inside = self._platform.interior.channel(call.ids["channel_id"])
        return {"online_nums": len(inside.voice)}

    def voice_members(self, call: Call) -> list[Json]:
        _, inside = self._platform.interior.channel(call.ids["channel_id"])
        if inside.facts["type"] not in (_VOICE, _LIVE):
            raise Refusal(13011, "not a voice-channel")
        return [
            {
                "user": {"id": one.user_id, "username": one.name, "bot": False},
                "nick": one.name,
                "joined_at": "2021-04-12T16:34:42+08:00",
                "mute": False,
                "deaf": False,
            }
            for one in inside.voice.values()
        ]

    # ---------------------------------------------------------------- permissions in channels

    def get_permissions(self, call: Call) -> Json:
        _, inside = self._platform.interior.channel(call.ids["channel_id"])
        kind, id = self._subject(call)
        return {
            "channel_id": call.ids["channel_id"],
            f"{kind}_id": id,
            "permissions": str(inside.permissions.get((kind, id), 0)),
        }

    def put_permissions(self, call: Call) -> None:
        _, inside = self._platform.interior.channel(call.ids["channel_id"])
        subject = self._subject(call)
        add, remove = (self._bits(call.fields.get(name, "0")) for name in ("add", "remove"))
        if (add | remove) & _MANAGE or not add | remove:
            raise Refusal(301000, "bad parameter")
        inside.permissions[subject] = (inside.permissions.get(subject, 0) | add) & ~remove

    def _subject(self, call: Call) -> tuple[str, str]:
        guild = self._platform.rooms.channels[call.ids["channel_id"]].guild
        if "user_id" in call.ids:
            if call.ids["user_id"] not in guild.members:
                raise Refusal(301006, "not a member")
            return "user", call.ids["user_id"]
        if call.ids["role_id"] not in self._platform.interior.guild(guild.id)[1].roles:
            raise Refusal(301000, "unknown role")
        return "role", call.ids["role_id"]

    @staticmethod
    def _bits(value: Any) -> int:
        if not isinstance(value, str) or not value.isdecimal():
            raise Refusal(301000, "permissions are decimal text")
        return int(value)

    # ---------------------------------------------------------------- what the guild lets the bot do

    def message_setting(self, call: Call) -> Json:
        return self._platform.interior.guild(call.ids["guild_id"])[1].setting

    def api_permissions(self, call: Call) -> Json:
        self._platform.interior.guild(call.ids["guild_id"])
        forbidden = self._platform.interior.forbidden
        return {
            "apis": [
                {"path": path, "method": method, "desc": "", "auth_status": int((method, path) not in forbidden)}
                for method, path in self._routes.calls
                if path.startswith(("/guilds/", "/channels/"))
            ]
        }

    def demand(self, call: Call) -> Json:
        platform, fields = self._platform, call.fields
        guild, inside = platform.interior.guild(call.ids["guild_id"])
        channel = platform.rooms.channels.get(str(fields.get("channel_id")))
        if channel is None or channel.guild is not guild:
            raise Refusal(610008, "bad parameter: channel_id")
        api = fields.get("api_identify")
        key = (str(api.get("method")), str(api.get("path"))) if isinstance(api, dict) else ("", "")
        if key not in self._routes.calls:
            raise Refusal(610009, "unknown api")
        if key not in platform.interior.forbidden:
            raise Refusal(610010, "already granted")
        now = platform.clock.wall()
        inside.demands = [at for at in inside.demands if at > now - 86400]
        if len(inside.demands) >= _DEMANDS_A_DAY:
            raise Refusal(610013, "limited")
        inside.demands.append(now)
        return {
            "guild_id": guild.id,
            "channel_id": channel.id,
            "api_identify": {"path": key[1], "method": key[0]},
            "title": "机器人申请接口权限",
            "desc": str(fields.get("desc") or ""),
        }

    # ---------------------------------------------------------------- common

    def _check_parent(self, guild: Guild, fields: Json) -> None:
        parent = fields.get("parent_id")
        if parent in (None, "", "0"):
            return
        found = self._platform.rooms.channels.get(str(parent))
        is_category = found is not None and self._platform.interior.of(found).facts["type"] == _CATEGORY
        if found is None or found.guild is not guild or not is_category:
            raise Refusal(200019, "the category is wrong")

    def _place(self, others: list[Channel], facts: Json, position: Any) -> None:
        """Puts a channel before the one that stands at `position`, or at the end."""
        positions = [self._platform.interior.of(one).facts for one in others]
        last = max((one["position"] for one in positions), default=0)
        if isinstance(position, bool) or not isinstance(position, int) or position > last:
            facts["position"] = last + 1
            return
        if position < 1:
            raise Refusal(200017, "position must be at least 1")
        for one in positions:
            if one["position"] >= position:
                one["position"] += 1
        facts["position"] = position

    def _happen(self, name: str, channel: Channel) -> None:
        platform = self._platform
        facts = platform.interior.of(channel).facts
        body: Json = {
            "id": channel.id,
            "guild_id": channel.guild.id,
            "name": channel.name,
            "op_user_id": platform.bot.id,
            "owner_id": facts["owner_id"],
            "sub_type": facts["sub_type"],
            "type": facts["type"],
        }
        place = Place("channel", "", channel.guild.id)
        platform.happen(name, body, place, user=platform.bot.username, where=f"channel:{channel.id}")
