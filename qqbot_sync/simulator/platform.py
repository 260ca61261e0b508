"""The state of a local QQ: bot, rooms, tokens, sessions, messages. Pure: no socket, no thread; the clock is given."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta, timezone
from typing import Any

from qqbot_sync.clock import Clock
from qqbot_sync.codec import dumps, loads
from qqbot_sync.events import keys_of, spec_of
from qqbot_sync.intents import Intents
from qqbot_sync.simulator import payloads
from qqbot_sync.simulator.group_desk import GroupDesk
from qqbot_sync.simulator.ids import Ids
from qqbot_sync.simulator.interior import Interior
from qqbot_sync.simulator.log import Log
from qqbot_sync.simulator.media_desk import MediaDesk
from qqbot_sync.simulator.messages import Anchor, Anchors, Author
from qqbot_sync.simulator.mischief import Event, Mischief
from qqbot_sync.simulator.rooms import Person, Place, Rooms
from qqbot_sync.simulator.sessions import Sessions
from qqbot_sync.simulator.tokens import Tokens

__all__ = ["DEFAULT_GRANT", "Platform"]

DEFAULT_GRANT = Intents.all() & ~(Intents.GUILD_MESSAGES | Intents.FORUMS_EVENT)
"""What a bot of the public domain can have at most."""

_CHINA = timezone(timedelta(hours=8))
_PUBLIC, _PRIVATE = int(Intents.PUBLIC_GUILD_MESSAGES), int(Intents.GUILD_MESSAGES)


class Platform:
    """Everything a local QQ knows. Not thread-safe: the simulator holds its lock around every call."""

    def __init__(
        self,
        clock: Clock,
        *,
        app_id: str | None = None,
        secret: str | None = None,
        grant: Intents | None = None,
        log_limit: int = 1_000_000,
    ) -> None:
        self.clock = clock
        self.app_id = app_id or f"1{secrets.randbelow(90_000_000) + 10_000_000}"
        self.secret = secret or secrets.token_hex(16)
        self.ids = Ids(self.app_id)
        self.rooms = Rooms(self.ids)
        self.tokens = Tokens(clock, self.app_id, self.secret)
        self.sessions = Sessions(clock, self.ids, self.tokens, grant=DEFAULT_GRANT if grant is None else grant)
        self.log = Log(clock, limit=log_limit)
        self.anchors = Anchors(clock)
        self.mischief = Mischief()
        self.bot = Author(self.ids.number("bot"), "模拟机器人")
        self.interior = Interior(self.rooms, self.bot)
        self.desk = GroupDesk(self.rooms, self.ids)
        self.media = MediaDesk(self.ids)
        self.recommended_shards = 1
        self.shows_mentions = False
        """Whether text that mentions the bot comes as on QQ: after `<@!bot id> ` in channels, after a blank in groups.
        Off, so that a test reads what was said."""
        self._stamp = (-1, "")

    # ---------------------------------------------------------------- what persons do

    def say(
        self, user: str, where: str, text: str, *, at_bot: bool = True, attachments: Sequence[Mapping[str, Any]] = ()
    ) -> Anchor:
        """A person writes; the event is dispatched to the sessions that hear it.

        Raises:
            ValueError: no such place, or a text or name that is none.
        """
        if not isinstance(text, str):
            raise ValueError(f"text must be text, not {text!r}")
        person = self.rooms.person(user)
        place = self.rooms.place(where, person)
        self.interior.check_may_speak(person, place, self.clock.wall())
        self.desk.check_may_speak(person, place, self.clock.wall())
        self.rooms.enter(place, person)
        files = [dict(one) for one in attachments]
        if place.scene in ("channel", "direct"):
            return self._say_in_guild(person, place, where, text, at_bot=at_bot, files=files)
        in_group = place.scene == "group"
        name = ("GROUP_AT_MESSAGE_CREATE" if at_bot else "GROUP_MESSAGE_CREATE") if in_group else "C2C_MESSAGE_CREATE"
        body = payloads.qq_message(
            self.ids.qq_message(),
            person,
            place,
            text=f" {text}" if self.shows_mentions and in_group and at_bot else text,
            reference=self.ids.reference(),
            timestamp=self.timestamp(),
            attachments=files,
        )
        event_id = f"{name}:{self.ids.uuid()}"
        anchor = self.anchors.add(body["id"], event_id, name, place)
        self.log.write("said", anchor.id, event_id, name, user, where, place.scene, place.id, text, at_bot)
        self.dispatch(Event(name, dumps(body), event_id, anchor.id, int(Intents.GROUP_AND_C2C_EVENT)))
        return anchor

    def _say_in_guild(
        self, person: Person, place: Place, where: str, text: str, *, at_bot: bool, files: list[dict[str, Any]]
    ) -> Anchor:
        direct = place.scene == "direct"
        name = "DIRECT_MESSAGE_CREATE" if direct else "AT_MESSAGE_CREATE" if at_bot else "MESSAGE_CREATE"
        mentions = [payloads.mention(self.bot.id, self.bot.username)] if at_bot and not direct else []
        body = payloads.guild_message(
            self.ids.guild_message(),
            person,
            place,
            text=f"<@!{self.bot.id}> {text}" if self.shows_mentions and mentions else text,
            seq=self.rooms.next_seq(place),
            timestamp=self.timestamp(),
            source_guild=self.rooms.home.id,
            mentions=mentions,
            attachments=files,
        )
        if not direct:
            self.interior.remember(body)
        event_id = f"{name}:{body['id']}"
        anchor = self.anchors.add(body["id"], event_id, name, place)
        self.log.write("said", anchor.id, event_id, name, person.name, where, place.scene, place.id, text, at_bot)
        d, guild = dumps(body), _number(place.guild_id)
        if direct:
            self.dispatch(Event(name, d, event_id, anchor.id, int(Intents.DIRECT_MESSAGE), guild))
            return anchor
        if at_bot:
            self.dispatch(Event(name, d, event_id, anchor.id, _PUBLIC, guild))
        # A private-domain bot that did not ask for @-messages finds them among all the messages.
        other = f"MESSAGE_CREATE:{body['id']}"
        self.dispatch(Event("MESSAGE_CREATE", d, other, anchor.id, _PRIVATE, guild, unless=_PUBLIC if at_bot else 0))
        return anchor

    def press(self, user: str, where: str, button: str, *, data: str | None = None) -> tuple[Anchor, str]:
        """A person presses a button; gives the anchor (its id is the event id) and the interaction's own id."""
        person = self.rooms.person(user)
        place = self.rooms.place(where, person)
        self.rooms.enter(place, person)
        id = self.ids.uuid()
        body = payloads.interaction(
            id, person, place, button=button, data=data or "", app_id=self.app_id, timestamp=self.timestamp()
        )
        return self.happen("INTERACTION_CREATE", body, place, user=user, where=where, text=button), id

    def happen(self, name: str, body: dict[str, Any], place: Place, *, user: str, where: str, text: str = "") -> Anchor:
        """An event other than a message takes place; it may be answered by its event id."""
        event_id = f"{name}:{self.ids.uuid()}"
        anchor = self.anchors.add("", event_id, name, place)
        self.log.write("happened", event_id, name, user, where, place.scene, place.id, text)
        self.dispatch(Event(name, dumps(body), event_id, None, bits_of(name), _number(place.guild_id)))
        return anchor

    def push(self, name: str, d: Any, *, id: str | None = None) -> Anchor:
        """Dispatches any frame to the sessions whose intents cover it, and remembers it as something to answer.

        Args:
            name: the event's name, known or not; an unknown one needs no intent.
            d: JSON data, or JSON text as bytes.
            id: of the envelope; None makes one, "" leaves it out.

        Raises:
            ValueError: a name that is none, or `d` that is no JSON.
        """
        if not isinstance(name, str) or not name.strip():
            raise ValueError(f"name must be the name of an event, not {name!r}")
        if id is not None and not isinstance(id, str):
            raise ValueError(f"id must be text, not {id!r}")
        raw = bytes(d) if isinstance(d, (bytes, bytearray)) else dumps(d)
        data = loads(raw) if isinstance(d, (bytes, bytearray)) else d
        event_id = f"{name}:{self.ids.uuid()}" if id is None else id
        place, message_id, guild = self._learn(name, raw, data)
        anchor = self.anchors.add(message_id, event_id, name, place)
        self.log.write("pushed", message_id or None, event_id, name)
        self.dispatch(Event(name, raw, event_id, message_id or None, bits_of(name), guild))
        return anchor

    def _learn(self, name: str, raw: bytes, data: Any) -> tuple[Place, str, int | None]:
        fields = data if isinstance(data, dict) else {}
        spec, id = spec_of(name), fields.get("id")
        guild_id, channel_id = (str(fields.get(field) or "") for field in ("guild_id", "channel_id"))
        conversation = keys_of(name, raw, None).conversation
        # The events of a guild itself carry its id as their own.
        guild_id = guild_id or conversation.partition("guild:")[2]
        place = self.rooms.learn(conversation, guild_id=guild_id, channel_id=channel_id)
        message_id = id if spec is not None and spec.is_message and isinstance(id, str) else ""
        return place, message_id, _number(guild_id)

    # ---------------------------------------------------------------- the way to the bot

    def dispatch(self, event: Event) -> None:
        """Sends one event, or whatever mischief makes of it, to the sessions that hear it."""
        for one in self.mischief.arrange(event):
            reached = self.sessions.dispatch(
                one.name, one.d, bits=one.bits, event_id=one.event_id, guild_id=one.guild_id, unless=one.unless
            )
            for session, s in reached:
                self.log.write(
                    "dispatched",
                    one.message_id,
                    one.event_id,
                    one.name,
                    session.id,
                    s,
                    list(session.shard),
                    session.peer is not None,
                )

    def release(self, round: int) -> None:
        """Dispatches what this round of `reorder` still holds back."""
        for event in self.mischief.release(round):
            self.dispatch(event)

    def timestamp(self) -> str:
        """Now, as the platform writes it."""
        second = int(self.clock.wall())
        if self._stamp[0] != second:
            self._stamp = (second, datetime.fromtimestamp(second, _CHINA).isoformat())
        return self._stamp[1]

    def seconds(self) -> int:
        """Now, in seconds since 1970."""
        return int(self.clock.wall())


def bits_of(name: str) -> int:
    """The intents of which one brings this event; 0 for an event nobody knows."""
    spec = spec_of(name)
    return 0 if spec is None else int(spec.intents | spec.wishes)


def _number(guild_id: str) -> int | None:
    return int(guild_id) if guild_id.isdecimal() and guild_id.isascii() else None
