"""Event bodies with the fields the platform sends, as the captured frames show them. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from qqbot_sync.simulator.rooms import Person, Place

__all__ = [
    "audit",
    "bot_user",
    "c2c_switch",
    "deleted",
    "friend",
    "group_member",
    "group_robot",
    "guild_member",
    "guild_message",
    "interaction",
    "mention",
    "qq_message",
    "reaction",
]

Json = dict[str, Any]
_AVATAR = "http://thirdqq.qlogo.cn/0"
_JOINED = "2021-04-12T16:34:42+08:00"


def bot_user(id: str, name: str) -> Json:
    """The bot as READY shows it."""
    return {"id": id, "username": name, "bot": True, "status": 1}


def mention(id: str, name: str) -> Json:
    """The bot as `mentions` shows it."""
    return {"avatar": _AVATAR, "bot": True, "id": id, "username": name}


def guild_message(
    id: str,
    person: Person,
    place: Place,
    *,
    text: str,
    seq: int,
    timestamp: str,
    source_guild: str = "",
    mentions: Sequence[Json] = (),
    attachments: Sequence[Json] = (),
) -> Json:
    """`d` of AT_MESSAGE_CREATE, MESSAGE_CREATE and DIRECT_MESSAGE_CREATE."""
    body: Json = {
        "author": {"avatar": _AVATAR, "bot": False, "id": person.user_id, "username": person.name},
        "channel_id": place.channel_id,
        "content": text,
        "guild_id": place.guild_id,
        "id": id,
        "member": {"joined_at": _JOINED, "roles": ["1"]},
        "seq": seq,
        "seq_in_channel": str(seq),
        "timestamp": timestamp,
    }
    if place.scene == "direct":
        body["direct_message"] = True
        body["src_guild_id"] = source_guild
        del body["member"]["roles"]
    if mentions:
        body["mentions"] = list(mentions)
    if attachments:
        body["attachments"] = list(attachments)
    return body


def qq_message(
    id: str,
    person: Person,
    place: Place,
    *,
    text: str,
    reference: str,
    timestamp: str,
    attachments: Sequence[Json] = (),
) -> Json:
    """`d` of C2C_MESSAGE_CREATE, GROUP_AT_MESSAGE_CREATE and GROUP_MESSAGE_CREATE."""
    author: Json = {"id": person.openid, "bot": False}
    ext = [f"msg_idx={reference}"]
    body: Json = {"id": id, "author": author, "content": text, "message_type": 0, "timestamp": timestamp}
    if place.scene == "group":
        author.update(member_openid=person.openid, member_role="member", username=person.name)
        # Real captures carry both, and one foreign SDK drops a message without the older one.
        body["group_id"] = body["group_openid"] = place.id
    else:
        author.update(user_openid=person.openid, union_openid="", username="")
    body["message_scene"] = {"source": "default", "ext": ext}
    if attachments:
        body["attachments"] = list(attachments)
    return body


def interaction(
    id: str, person: Person, place: Place, *, button: str, data: str, app_id: str, timestamp: str, message_id: str = ""
) -> Json:
    """`d` of INTERACTION_CREATE, a pressed button (type 11)."""
    resolved: Json = {"button_data": data, "button_id": button}
    body: Json = {
        "application_id": app_id,
        "data": {"resolved": resolved, "type": 11},
        "id": id,
        "timestamp": timestamp,
        "type": 11,
        "version": 1,
    }
    if place.scene == "group":
        body.update(chat_type=1, scene="group", group_openid=place.id, group_member_openid=person.openid)
    elif place.scene == "c2c":
        body.update(chat_type=2, scene="c2c", user_openid=person.openid)
    else:
        resolved.update(user_id=person.user_id, message_id=message_id)
        body.update(chat_type=0, scene="guild", guild_id=place.guild_id, channel_id=place.channel_id)
    return body


def guild_member(person: Person, guild_id: str, *, joined_at: str) -> Json:
    """`d` of GUILD_MEMBER_ADD and GUILD_MEMBER_REMOVE."""
    return {
        "guild_id": guild_id,
        "joined_at": joined_at,
        "nick": person.name,
        "op_user_id": person.user_id,
        "roles": ["1"],
        "user": {"avatar": _AVATAR, "bot": False, "id": person.user_id, "username": person.name},
    }


def group_member(person: Person, group_openid: str, *, at: int) -> Json:
    """`d` of GROUP_MEMBER_ADD and GROUP_MEMBER_REMOVE; `at` in seconds since 1970."""
    return {
        "timestamp": at,
        "group_openid": group_openid,
        "member_openid": person.openid,
        "user_openid": person.openid,
    }


def group_robot(person: Person, group_openid: str, *, at: int) -> Json:
    """`d` of GROUP_ADD_ROBOT, GROUP_DEL_ROBOT, GROUP_MSG_RECEIVE and GROUP_MSG_REJECT."""
    return {"group_openid": group_openid, "op_member_openid": person.openid, "timestamp": at}


def friend(person: Person, *, at: int, comes: bool) -> Json:
    """`d` of FRIEND_ADD (the person comes) and FRIEND_DEL."""
    body: Json = {"openid": person.openid, "timestamp": at}
    if comes:
        body.update(scene=1001, scene_param="", author={"union_openid": ""})
    return body


def c2c_switch(person: Person, *, at: int) -> Json:
    """`d` of C2C_MSG_RECEIVE and C2C_MSG_REJECT."""
    return {"openid": person.openid, "timestamp": at}


def reaction(person: Person, place: Place, *, message_id: str, emoji: str) -> Json:
    """`d` of MESSAGE_REACTION_ADD and MESSAGE_REACTION_REMOVE."""
    # System faces have short ids, emoji are code points (openapi: reactions).
    return {
        "user_id": person.user_id,
        "emoji": {"id": emoji, "type": 2 if len(emoji) > 3 else 1},
        "channel_id": place.channel_id,
        "guild_id": place.guild_id,
        "target": {"id": message_id, "type": 0},
    }


def deleted(person: Person, place: Place, *, message_id: str, source_guild: str = "") -> Json:
    """`d` of PUBLIC_MESSAGE_DELETE, MESSAGE_DELETE and DIRECT_MESSAGE_DELETE."""
    message: Json = {
        "author": {"bot": False, "id": person.user_id, "username": person.name},
        "channel_id": place.channel_id,
        "guild_id": place.guild_id,
        "id": message_id,
    }
    if place.scene == "direct":
        message.update(direct_message=True, src_guild_id=source_guild)
    return {"message": message, "op_user": {"id": person.user_id}}


def audit(audit_id: str, place: Place, *, timestamp: str, message_id: str | None, seq: int) -> Json:
    """`d` of MESSAGE_AUDIT_PASS (with `message_id`) and MESSAGE_AUDIT_REJECT (None)."""
    body: Json = {"audit_id": audit_id, "audit_time": timestamp, "create_time": timestamp, "seq_in_channel": str(seq)}
    if place.scene in ("channel", "direct"):
        body.update(channel_id=place.channel_id, guild_id=place.guild_id)
    elif place.scene == "group":
        # Real captures carry both, and one foreign SDK drops a message without the older one.
        body["group_id"] = body["group_openid"] = place.id
    else:
        body["user_openid"] = place.id
    if message_id is not None:
        body["message_id"] = message_id
    return body
