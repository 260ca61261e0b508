"""The calls about what stands in channels: messages, reactions, pins, announcements."""

from __future__ import annotations

from typing import Any

from qqbot_sync.simulator.interior import ChannelInterior, Json
from qqbot_sync.simulator.platform import Platform
from qqbot_sync.simulator.refusal import Refusal
from qqbot_sync.simulator.rooms import Channel, Place
from qqbot_sync.simulator.routes import Call, Routes
from qqbot_sync.simulator.sending import Sending

__all__ = ["ContentApi"]

_MOST_PINS = 20
_MOST_RECOMMENDED = 3
_MOST_EMOJI = 20
_REACTION = "/channels/{channel_id}/messages/{message_id}/reactions/{type}/{id}"


class ContentApi:
    """Not thread-safe: called under the simulator's lock."""

    def __init__(self, platform: Platform, sending: Sending, routes: Routes) -> None:
        self._platform = platform
        self._sending = sending
        add = routes.add
        add("GET", "/channels/{channel_id}/messages", self.get_messages)
        add("GET", "/channels/{channel_id}/messages/{message_id}", self.get_message)
        add("PATCH", "/channels/{channel_id}/messages/{message_id}", self.edit_message)
        add("POST", "/channels/{channel_id}/settingguide", self.channel_guide)
        add("POST", "/dms/{guild_id}/settingguide", self.dms_guide)
        add("PUT", _REACTION, self.put_reaction)
        add("DELETE", _REACTION, self.delete_reaction)
        add("GET", _REACTION, self.get_reactions)
        add("PUT", "/channels/{channel_id}/pins/{message_id}", self.put_pin)
        add("DELETE", "/channels/{channel_id}/pins/{message_id}", self.delete_pin)
        add("GET", "/channels/{channel_id}/pins", self.get_pins)
        add("POST", "/guilds/{guild_id}/announces", self.announce)
        add("DELETE", "/guilds/{guild_id}/announces/{message_id}", self.delete_announce)
        add("POST", "/channels/{channel_id}/announces", self.announce_in_channel)
        add("DELETE", "/channels/{channel_id}/announces/{message_id}", self.delete_channel_announce)

    # ---------------------------------------------------------------- messages

    def get_message(self, call: Call) -> Json:
        _, inside = self._channel(call)
        message = inside.messages.get(call.ids["message_id"])
        if message is None:
            raise Refusal(50039, "message not found", status=404)
        return {"message": message}

    def get_messages(self, call: Call) -> list[Json]:
        _, inside = self._channel(call)
        messages, ids, count = list(inside.messages.values()), list(inside.messages), call.limit(20, 20)
        wanted = {name: call.query[name] for name in ("around", "before", "after") if name in call.query}
        if len(wanted) > 1:
            raise Refusal(12002, "only one of around, before and after")
        for name, id in wanted.items():
            if id not in ids:
                raise Refusal(50039, "message not found", status=404)
            at = ids.index(id)
            if name == "before":
                return messages[max(0, at - count) : at]
            first = at + 1 if name == "after" else max(0, at - count // 2)
            return messages[first : first + count]
        return messages[-count:]

    def edit_message(self, call: Call) -> Json:
        platform, fields = self._platform, call.fields
        _, inside = self._channel(call)
        message = inside.messages.get(call.ids["message_id"])
        if message is None:
            raise Refusal(50039, "message not found", status=404)
        if message["author"]["id"] != platform.bot.id:
            raise Refusal(50051, "only own messages can be edited")
        if not self._sending.has_keyboard(message["id"]):
            raise Refusal(50049, "only messages with a keyboard can be edited")
        if not fields.get("keyboard"):
            raise Refusal(50050, "keyboard must not be empty")
        self._sending.replace_body(message["id"], fields)
        markdown = fields.get("markdown")
        if isinstance(markdown, dict):
            message["content"] = str(markdown.get("content") or "")
        message["edited_timestamp"] = platform.timestamp()
        return message

    def channel_guide(self, call: Call) -> Json:
        return self._sending.send("channel", call.ids["channel_id"], {"content": call.fields.get("content")})

    def dms_guide(self, call: Call) -> Json:
        guide = call.fields.get("setting_guide")
        if not isinstance(guide, dict) or str(guide.get("guild_id")) not in self._platform.rooms.guilds:
            raise Refusal(304051, "setting guide is malformed")
        return self._sending.send("direct", call.ids["guild_id"], {"content": f"<#{guide['guild_id']}>"})

    # ---------------------------------------------------------------- reactions

    def put_reaction(self, call: Call) -> None:
        self._react(call, comes=True)

    def delete_reaction(self, call: Call) -> None:
        self._react(call, comes=False)

    def get_reactions(self, call: Call) -> Json:
        _, inside, key = self._reaction(call)
        users = list(inside.reactions.get(key, {}).values())
        first, count = 0, call.limit(20, 50)
        if call.query.get("cookie"):
            start, _, size = call.query["cookie"].partition(".")
            if not (start.isdecimal() and size.isdecimal()):
                raise Refusal(620001, "bad cookie")
            # The page size of the first call holds for all of them.
            first, count = int(start), int(size)
        end = first + count
        is_end = end >= len(users)
        return {"users": users[first:end], "cookie": "" if is_end else f"{end}.{count}", "is_end": is_end}

    def _react(self, call: Call, *, comes: bool) -> None:
        platform = self._platform
        channel, inside, key = self._reaction(call)
        if comes and len({known for known in inside.reactions if known[0] == key[0]} | {key}) > _MOST_EMOJI:
            raise Refusal(620002, "too many kinds of reactions on this message")
        place = platform.rooms.of_channel(channel)
        user: Json = {"id": platform.bot.id, "username": platform.bot.username, "avatar": "http://thirdqq.qlogo.cn/0"}
        if not platform.interior.react(place, key, user, comes=comes):
            raise Refusal(620003 if comes else 620004, "already set" if comes else "not set")
        body: Json = {
            "user_id": platform.bot.id,
            "emoji": {"id": key[2], "type": key[1]},
            "channel_id": channel.id,
            "guild_id": channel.guild.id,
            "target": {"id": key[0], "type": 0},
        }
        name = "MESSAGE_REACTION_ADD" if comes else "MESSAGE_REACTION_REMOVE"
        platform.happen(name, body, place, user=platform.bot.username, where=f"channel:{channel.id}")

    def _reaction(self, call: Call) -> tuple[Channel, ChannelInterior, tuple[str, int, str]]:
        channel, inside = self._channel(call)
        kind, emoji, message = call.ids["type"], call.ids["id"], call.ids["message_id"]
        if kind not in ("1", "2") or not emoji.isdecimal() or message not in inside.messages:
            raise Refusal(620001, "bad parameter")
        return channel, inside, (message, int(kind), emoji)

    # ---------------------------------------------------------------- pins

    def put_pin(self, call: Call) -> Json:
        channel, inside = self._channel(call)
        id = self._own_message(channel, inside, call.ids["message_id"])
        if id not in inside.pins:
            if len(inside.pins) >= _MOST_PINS:
                raise Refusal(501013, "too many pins")
            inside.pins.append(id)
        return self._pins(channel, inside)

    def delete_pin(self, call: Call) -> None:
        _, inside = self._channel(call)
        if call.ids["message_id"] == "all":
            inside.pins.clear()
        elif call.ids["message_id"] in inside.pins:
            inside.pins.remove(call.ids["message_id"])
        else:
            raise Refusal(501008, "message is not pinned")

    def get_pins(self, call: Call) -> Json:
        return self._pins(*self._channel(call))

    @staticmethod
    def _pins(channel: Channel, inside: ChannelInterior) -> Json:
        return {"guild_id": channel.guild.id, "channel_id": channel.id, "message_ids": list(inside.pins)}

    # ---------------------------------------------------------------- announcements

    def announce(self, call: Call) -> Json:
        platform, fields = self._platform, call.fields
        guild, inside = platform.interior.guild(call.ids["guild_id"])
        body: Json = {"guild_id": guild.id, "channel_id": "", "message_id": "", "announces_type": 0}
        if fields.get("message_id"):
            channel, room = platform.interior.channel(str(fields.get("channel_id")))
            if channel.guild is not guild:
                raise Refusal(501010, "message is not from this guild")
            id = self._own_message(channel, room, str(fields["message_id"]))
            body.update(channel_id=channel.id, message_id=id, recommend_channels=[])
        else:
            body["announces_type"] = fields.get("announces_type", 0)
            body["recommend_channels"] = self._recommended(guild.id, fields.get("recommend_channels"))
            if body["announces_type"] not in (0, 1):
                raise Refusal(501019, "announces_type is wrong")
        inside.announce = body
        return body

    def delete_announce(self, call: Call) -> None:
        _, inside = self._platform.interior.guild(call.ids["guild_id"])
        if inside.announce is None or call.ids["message_id"] not in ("all", inside.announce["message_id"] or "all"):
            raise Refusal(501008, "there is no such announcement")
        inside.announce = None

    def announce_in_channel(self, call: Call) -> Json:
        channel, inside = self._channel(call)
        inside.announce = self._own_message(channel, inside, str(call.fields.get("message_id")))
        return {"guild_id": channel.guild.id, "channel_id": channel.id, "message_id": inside.announce}

    def delete_channel_announce(self, call: Call) -> None:
        _, inside = self._channel(call)
        if inside.announce is None or call.ids["message_id"] not in ("all", inside.announce):
            raise Refusal(501008, "there is no such announcement")
        inside.announce = None

    def _recommended(self, guild_id: str, channels: Any) -> list[Json]:
        if not isinstance(channels, list) or not channels:
            raise Refusal(501001, "message_id or recommend_channels is needed")
        if len(channels) > _MOST_RECOMMENDED:
            raise Refusal(501016, "too many recommended channels")
        for one in channels:
            known = self._platform.rooms.channels.get(str(one.get("channel_id"))) if isinstance(one, dict) else None
            if known is None or known.guild.id != guild_id or "introduce" not in one:
                raise Refusal(501018, "recommended channel is wrong")
        return [{"channel_id": one["channel_id"], "introduce": one["introduce"]} for one in channels]

    # ---------------------------------------------------------------- common

    def _channel(self, call: Call) -> tuple[Channel, ChannelInterior]:
        return self._platform.interior.channel(call.ids["channel_id"])

    def _own_message(self, channel: Channel, inside: ChannelInterior, id: str) -> str:
        if id in inside.messages:
            return id
        anchor = self._platform.anchors.message(id)
        is_elsewhere = anchor is not None and anchor.place != Place("channel", channel.id, channel.guild.id, channel.id)
        raise Refusal(501010 if is_elsewhere else 501008, "message is not from this channel, or does not exist")
