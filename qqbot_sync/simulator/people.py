"""The side of the people: they write, press, come and go; rooms are made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from qqbot_sync.clock import Clock
from qqbot_sync.simulator import payloads
from qqbot_sync.simulator.guard import Guard
from qqbot_sync.simulator.platform import Platform
from qqbot_sync.simulator.rooms import Person, Place
from qqbot_sync.simulator.said import Said
from qqbot_sync.simulator.sending import Audit, Sending

__all__ = ["People"]


class People:
    """What persons do on one simulator. Thread-safe.

    A person is any name, and comes into being on first use. A place is "channel", "direct", "group", "c2c",
    "channel:ID" or "group:ID".
    """

    _platform: Platform
    _sending: Sending
    _guard: Guard
    _clock: Clock

    # ---------------------------------------------------------------- they write

    def say(
        self, user: str, where: str, text: str, *, at_bot: bool = True, attachments: Sequence[Mapping[str, Any]] = ()
    ) -> Said:
        """A person writes.

        Args:
            user: any name.
            where: a place.
            text: what is written.
            at_bot: False for a channel or group message that does not mention the bot: MESSAGE_CREATE (bit 9) in a
                channel, GROUP_MESSAGE_CREATE in a group.
            attachments: files, as the platform describes them (`url`, `content_type`, …).

        Returns:
            a handle with the message's id and the bot's replies.

        Raises:
            ValueError: there is no such place.
        """
        with self._guard:
            return self._said(self._platform.say(user, where, text, at_bot=at_bot, attachments=attachments))

    def press(self, user: str, where: str, button: str, *, data: str | None = None) -> Said:
        """A person presses a button; the bot may answer by the event's id.

        Args:
            user: any name.
            where: a place.
            button: the button's id.
            data: the button's data; None takes it from the newest message of the bot there that has such a button.
        """
        with self._guard:
            platform = self._platform
            place = platform.rooms.place(where, platform.rooms.person(user))
            known = self._sending.buttons(place).get(button) if data is None else data
            anchor, interaction = platform.press(user, where, button, data=known)
            self._sending.expect_acknowledgement(interaction)
            return self._said(anchor)

    def push(self, name: str, d: Any, *, id: str | None = None) -> Said:
        """Dispatches any frame to the sessions whose intents cover it.

        Args:
            name: the event's name, known to anybody or not.
            d: the body: JSON data, or JSON text as bytes.
            id: of the envelope; None makes a fresh one, "" leaves it out.

        Raises:
            ValueError: no name, or no JSON.
        """
        with self._guard:
            if name == "INTERACTION_CREATE" and isinstance(d, dict):
                self._sending.expect_acknowledgement(str(d.get("id")))
            return self._said(self._platform.push(name, d, id=id))

    # ---------------------------------------------------------------- they come and go

    def join(self, user: str, where: str) -> Said:
        """A person joins the guild or the group, or adds the bot as a friend."""
        return self._move(user, where, joins=True)

    def leave(self, user: str, where: str) -> Said:
        """A person leaves the guild or the group, or removes the bot from the friends."""
        return self._move(user, where, joins=False)

    def add_friend(self, user: str) -> Said:
        """A person adds the bot as a friend."""
        return self.join(user, "c2c")

    def invite_bot(self, user: str, where: str = "group") -> Said:
        """A person takes the bot into a group: GROUP_ADD_ROBOT."""
        return self._manage(user, where, "GROUP_ADD_ROBOT")

    def remove_bot(self, user: str, where: str = "group") -> Said:
        """A person throws the bot out of a group: GROUP_DEL_ROBOT."""
        return self._manage(user, where, "GROUP_DEL_ROBOT")

    def allow_active(self, user: str, where: str, allowed: bool = True) -> Said:
        """A person switches the bot's active messages on or off, in a group or one to one."""
        with self._guard:
            platform = self._platform
            person = platform.rooms.person(user)
            place = platform.rooms.place(where, person)
            if place.scene not in ("group", "c2c"):
                raise ValueError(f"active messages are switched in groups and one to one, not in {where!r}")
            self._sending.refusing.discard(place.id)
            if not allowed:
                self._sending.refusing.add(place.id)
            verb = "RECEIVE" if allowed else "REJECT"
            at = platform.seconds()
            if place.scene == "group":
                name, body = f"GROUP_MSG_{verb}", payloads.group_robot(person, place.id, at=at)
            else:
                name, body = f"C2C_MSG_{verb}", payloads.c2c_switch(person, at=at)
            return self._said(platform.happen(name, body, place, user=user, where=where))

    # ---------------------------------------------------------------- they change their mind

    def recall(self, user: str, where: str, id: str) -> None:
        """A person takes a message back. In a guild the bot is told; in groups and one to one nobody is."""
        with self._guard:
            platform = self._platform
            person = platform.rooms.person(user)
            place = platform.rooms.place(where, person)
            if platform.anchors.message(id) is None:
                raise ValueError(f"there is no message {id!r}")
            platform.log.write("recalled", id, place.scene, place.id, user)
            platform.interior.forget(place.channel_id, id)
            names = {"channel": ("PUBLIC_MESSAGE_DELETE", "MESSAGE_DELETE"), "direct": ("DIRECT_MESSAGE_DELETE",)}
            body = payloads.deleted(person, place, message_id=id, source_guild=platform.rooms.home.id)
            for name in names.get(place.scene, ()):
                platform.happen(name, body, place, user=user, where=where)

    def react(self, user: str, where: str, id: str, emoji: str = "277") -> Said:
        """A person reacts to a message in a channel, with a system face or an emoji by its number."""
        with self._guard:
            platform = self._platform
            person = platform.rooms.person(user)
            place = platform.rooms.place(where, person)
            if place.scene != "channel":
                raise ValueError(f"there are reactions in channels only, not in {where!r}")
            body = payloads.reaction(person, place, message_id=id, emoji=str(emoji))
            who = {"id": person.user_id, "username": person.name, "avatar": ""}
            platform.interior.react(place, (id, body["emoji"]["type"], body["emoji"]["id"]), who)
            return self._said(platform.happen("MESSAGE_REACTION_ADD", body, place, user=user, where=where))

    # ---------------------------------------------------------------- rooms, and what happens to messages

    def add_guild(self, id: str | None = None, *, name: str | None = None) -> str:
        """Makes a guild without channels, and gives its id (decimal: the shard rule computes with it)."""
        with self._guard:
            return self._platform.rooms.add_guild(id, name).id

    def add_channel(self, guild: str | None = None, *, id: str | None = None, name: str | None = None) -> str:
        """Makes a channel in `guild` (an id; None: the guild that always exists), and gives its id."""
        with self._guard:
            return self._platform.rooms.add_channel(guild, id, name).id

    def add_group(self, id: str | None = None, *, name: str | None = None) -> str:
        """Makes a group, and gives its openid."""
        with self._guard:
            return self._platform.rooms.add_group(id, name).id

    def audit(self, times: int = 1, *, result: str = "pass", after: float = 0.5) -> None:
        """The bot's next `times` messages are held for review: 202, and MESSAGE_AUDIT_PASS or _REJECT later.

        Args:
            times: how many messages.
            result: "pass" or "reject".
            after: seconds until the result comes.
        """
        if result not in ("pass", "reject"):
            raise ValueError(f"result must be 'pass' or 'reject', not {result!r}")
        if isinstance(times, bool) or not isinstance(times, int) or times < 1:
            raise ValueError(f"times must be a whole number of at least 1, not {times!r}")
        with self._guard:
            self._sending.audits.extend([Audit("pass" if result == "pass" else "reject", after)] * times)

    # ---------------------------------------------------------------- common

    def _move(self, user: str, where: str, *, joins: bool) -> Said:
        with self._guard:
            platform = self._platform
            person = platform.rooms.person(user)
            place = platform.rooms.place(where, person)
            if joins:
                platform.rooms.enter(place, person)
            else:
                platform.rooms.leave(place, person)
            name, body, scope = self._movement(person, place, joins=joins)
            return self._said(platform.happen(name, body, scope, user=user, where=where))

    def _movement(self, person: Person, place: Place, *, joins: bool) -> tuple[str, dict[str, Any], Place]:
        platform = self._platform
        if place.scene == "group":
            name = "GROUP_MEMBER_ADD" if joins else "GROUP_MEMBER_REMOVE"
            return name, payloads.group_member(person, place.id, at=platform.seconds()), place
        if place.scene == "c2c":
            return (
                "FRIEND_ADD" if joins else "FRIEND_DEL",
                payloads.friend(person, at=platform.seconds(), comes=joins),
                place,
            )
        if place.scene == "direct":
            raise ValueError("nobody joins or leaves a direct-message session")
        body = payloads.guild_member(person, place.guild_id, joined_at=platform.timestamp())
        return "GUILD_MEMBER_ADD" if joins else "GUILD_MEMBER_REMOVE", body, Place("channel", "", place.guild_id)

    def _manage(self, user: str, where: str, name: str) -> Said:
        with self._guard:
            platform = self._platform
            person = platform.rooms.person(user)
            place = platform.rooms.place(where, person)
            if place.scene != "group":
                raise ValueError(f"the bot is taken into groups, not into {where!r}")
            body = payloads.group_robot(person, place.id, at=platform.seconds())
            return self._said(platform.happen(name, body, place, user=user, where=where))

    def _said(self, anchor: Any) -> Said:
        return Said(anchor, self._guard, self._clock)
