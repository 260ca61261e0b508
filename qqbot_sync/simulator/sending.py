"""The bot's side: sending, recalling, acknowledging, under the platform's rules. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Literal, NamedTuple

from qqbot_sync.simulator import payloads
from qqbot_sync.simulator.messages import Anchor, Message
from qqbot_sync.simulator.platform import Platform
from qqbot_sync.simulator.refusal import Refusal
from qqbot_sync.simulator.rooms import Place, Scene
from qqbot_sync.simulator.rules import (
    RULES,
    Quotas,
    check_anchor,
    check_content,
    check_urls,
    msg_seq_of,
)

__all__ = ["Audit", "Sending"]


class Audit(NamedTuple):
    """What becomes of a message that is held for review."""

    result: Literal["pass", "reject"]
    after: float
    """Seconds."""


class _Sent(NamedTuple):
    message: Message
    place: Place
    at: float


_RECALLABLE = 120.0
"""Seconds in which a message in a group or one to one can be recalled."""
_KEPT = 100_000
"""Messages of the bot that are remembered, for recalls and buttons."""


class Sending:
    """Takes what the bot sends. Not thread-safe.

    Args:
        platform: the state all this stands on.
        later: calls a function after so many seconds, under the simulator's lock.
    """

    def __init__(self, platform: Platform, later: Callable[[float, Callable[[], None]], None]) -> None:
        self._platform = platform
        self._later = later
        self._quotas = Quotas()
        self._sent: dict[str, _Sent] = {}
        self._open_interactions: set[str] = set()
        self.active_allowed = True
        """Whether the bot may write without answering anything."""
        self.refusing: set[str] = set()
        """Ids of groups and persons that switched active messages off."""
        self.quotas = False
        """Whether the allowances for active messages are enforced."""
        self.allowed_urls: set[str] | None = None
        """Hosts that may be linked to; None allows all."""
        self.audits: list[Audit] = []
        """One is taken for each message sent: it is held for review."""

    def send(self, scene: Scene, place_id: str, body: Any, *, id: str | None = None) -> dict[str, Any]:
        """One call of a sending endpoint; gives the answer's body.

        Args:
            id: of the message; None makes one.

        Raises:
            Refusal: any rule is broken.
        """
        platform, rules = self._platform, RULES[scene]
        if not isinstance(body, dict):
            raise Refusal(12002, "request body must be a JSON object")
        place = platform.rooms.knows(scene, place_id)
        if place is None:
            code, reason = rules.unknown_place
            raise Refusal(code, reason, status=404 if scene == "channel" else 400)
        if not rules.numbered and not platform.sessions.is_live():
            raise Refusal(304018, "bot is not connected to the gateway")
        check_content(scene, body)
        platform.media.check(scene, body)
        check_urls(scene, body, self.allowed_urls)
        now = platform.clock.now()
        anchor = self._anchor(place, body)
        msg_seq = msg_seq_of(body) if rules.numbered else 0
        if anchor is None:
            self._check_active(scene, place_id, now)
        else:
            check_anchor(scene, anchor, now=now, msg_seq=msg_seq, by_event=not body.get("msg_id"))
            if rules.numbered:
                anchor.seqs.append(msg_seq)
        message = self._message(place, body, msg_seq if rules.numbered else None)
        if id is not None:
            message = replace(message, id=id)
        if self.audits:
            self._hold(self.audits.pop(0), place, message, anchor)
        if anchor is None:
            self._quotas.count(scene, place_id, now)
        self._deliver(place, message, anchor)
        return self._answer(place, message)

    def recall(self, scene: Scene, id: str, message_id: str) -> None:
        """The bot takes back a message of its own.

        Raises:
            Refusal: it is not the bot's, not from here, or older than two minutes.
        """
        platform = self._platform
        sent = self._sent.get(message_id)
        numbered = RULES[scene].numbered
        if sent is None and scene == "channel" and self._recall_as_admin(id, message_id):
            return
        if sent is None or (sent.place.scene, sent.place.id) != (scene, id):
            raise Refusal(40061002 if numbered else 306002, "invalid message id")
        if numbered and platform.clock.now() - sent.at > _RECALLABLE:
            raise Refusal(40064004, "the message is too old to be recalled")
        del self._sent[message_id]
        platform.interior.forget(sent.place.channel_id, message_id)
        platform.log.write("recalled", message_id, scene, id, "bot")

    def acknowledge(self, interaction_id: str, body: Any) -> None:
        """The bot answers an interaction.

        Raises:
            Refusal: no such interaction, answered before, or a code that is none.
        """
        code = body.get("code") if isinstance(body, dict) else None
        if isinstance(code, bool) or not isinstance(code, int) or not 0 <= code <= 5:
            raise Refusal(630001, "invalid parameter")
        if interaction_id not in self._open_interactions:
            raise Refusal(630001, "invalid interaction id")
        self._open_interactions.discard(interaction_id)
        self._platform.log.write("acknowledged", interaction_id, code)

    def expect_acknowledgement(self, interaction_id: str) -> None:
        """An interaction may be acknowledged from now on, once."""
        self._open_interactions.add(interaction_id)

    def has_keyboard(self, message_id: str) -> bool:
        """Whether this message of the bot has buttons, and so can be changed."""
        sent = self._sent.get(message_id)
        return sent is not None and bool(sent.message.raw.get("keyboard"))

    def replace_body(self, message_id: str, fields: dict[str, Any]) -> None:
        """The bot changed a message."""
        sent = self._sent[message_id]
        message = replace(sent.message, raw={**sent.message.raw, **fields})
        self._sent[message_id] = sent._replace(message=message)

    def buttons(self, place: Place) -> dict[str, str]:
        """Button id → data of the buttons under the bot's messages in this place; the newest wins."""
        found: dict[str, str] = {}
        for sent in self._sent.values():
            if sent.place == place:
                found.update(_buttons(sent.message.raw))
        return found

    def _recall_as_admin(self, channel_id: str, message_id: str) -> bool:
        """Takes back what a person wrote in a channel; False where the bot may not, or there is no such message."""
        platform = self._platform
        may = platform.interior.may_recall_members
        message = platform.interior.forget(channel_id, message_id) if may else None
        if message is None:
            return False
        channel = platform.rooms.channels[channel_id]
        place, where = platform.rooms.of_channel(channel), f"channel:{channel_id}"
        platform.log.write("recalled", message_id, "channel", channel_id, "bot")
        gone = {name: message[name] for name in ("id", "channel_id", "guild_id", "author")}
        body = {"message": gone, "op_user": {"id": platform.bot.id}}
        for name in ("PUBLIC_MESSAGE_DELETE", "MESSAGE_DELETE"):
            platform.happen(name, body, place, user=platform.bot.username, where=where)
        return True

    def _anchor(self, place: Place, body: dict[str, Any]) -> Anchor | None:
        rules, anchors = RULES[place.scene], self._platform.anchors
        msg_id, event_id = body.get("msg_id"), body.get("event_id")
        if msg_id:
            anchor = anchors.message(str(msg_id))
            if anchor is None:
                raise Refusal(rules.wrong_msg_id, "invalid msg_id")
            if not _same(anchor.place, place):
                raise Refusal(rules.wrong_msg_id if rules.numbered else 50038, "msg_id is from another place")
            return anchor
        if event_id:
            anchor = anchors.event(str(event_id))
            if anchor is None or not _same(anchor.place, place):
                raise Refusal(40034025, "invalid event_id")
            return anchor
        return None

    def _check_active(self, scene: Scene, id: str, now: float) -> None:
        rules = RULES[scene]
        if not self.active_allowed:
            raise Refusal(rules.active_forbidden, "active messages are not permitted", status=403)
        if id in self.refusing:
            raise Refusal(40054013 if scene == "c2c" else rules.active_forbidden, "active messages are switched off")
        if self.quotas:
            self._quotas.check(scene, id, now)

    def _message(self, place: Place, body: dict[str, Any], msg_seq: int | None) -> Message:
        platform = self._platform
        in_guild = msg_seq is None
        markdown = body.get("markdown")
        text = body.get("content") or (markdown.get("content") if isinstance(markdown, dict) else "")
        return Message(
            id=platform.ids.guild_message() if in_guild else platform.ids.qq_message(),
            content=str(text or ""),
            author=platform.bot,
            scene=place.scene,
            place=place.id,
            msg_id=str(body["msg_id"]) if body.get("msg_id") else None,
            event_id=str(body["event_id"]) if body.get("event_id") else None,
            msg_seq=msg_seq,
            timestamp=platform.timestamp(),
            raw=body,
        )

    def _deliver(self, place: Place, message: Message, anchor: Anchor | None) -> None:
        self._sent[message.id] = _Sent(message, place, self._platform.clock.now())
        if len(self._sent) > _KEPT:
            del self._sent[next(iter(self._sent))]
        self._platform.log.write(
            "sent" if anchor is None else "answered",
            message.id,
            place.scene,
            place.id,
            message.msg_id,
            message.event_id,
            message.msg_seq,
            message.content,
        )
        if anchor is not None:
            anchor.answers.append(message)
            for tell in tuple(anchor.waiting):
                tell()

    def _hold(self, audit: Audit, place: Place, message: Message, anchor: Anchor | None) -> None:
        platform = self._platform
        audit_id = platform.ids.uuid()

        def decide() -> None:
            passed = audit.result == "pass"
            if passed:
                self._deliver(place, message, anchor)
            platform.log.write("audit", audit_id, audit.result, message.id if passed else None)
            name = "MESSAGE_AUDIT_PASS" if passed else "MESSAGE_AUDIT_REJECT"
            seq = platform.rooms.next_seq(place) if passed else 0
            if passed:
                platform.interior.remember_sent(place, message, seq)
            body = payloads.audit(
                audit_id, place, timestamp=platform.timestamp(), message_id=message.id if passed else None, seq=seq
            )
            platform.push(name, body)

        self._later(audit.after, decide)
        code = 304023 if anchor is None else 304024
        raise Refusal(code, "message is under review", status=202, data={"message_audit": {"audit_id": audit_id}})

    def _answer(self, place: Place, message: Message) -> dict[str, Any]:
        platform = self._platform
        if message.msg_seq is not None:
            reference = {"ref_idx": platform.ids.reference()}
            return {"id": message.id, "timestamp": message.timestamp, "ext_info": reference}
        seq = platform.rooms.next_seq(place)
        platform.interior.remember_sent(place, message, seq)
        return {
            "id": message.id,
            "channel_id": place.channel_id,
            "guild_id": place.guild_id,
            "content": message.content,
            "timestamp": message.timestamp,
            "tts": False,
            "mention_everyone": False,
            "author": payloads.bot_user(platform.bot.id, platform.bot.username),
            "pinned": False,
            "type": 0,
            "flags": 0,
            "seq": seq,
            "seq_in_channel": str(seq),
        }


def _same(said: Place, place: Place) -> bool:
    if said.scene == "channel" and not said.id:
        # An event of the guild as a whole is answered in whichever of its channels the bot likes.
        return place.scene == "channel" and place.guild_id == said.guild_id
    return (said.scene, said.id) == (place.scene, place.id)


def _buttons(body: dict[str, Any]) -> dict[str, str]:
    keyboard = body.get("keyboard")
    content = keyboard.get("content") if isinstance(keyboard, dict) else None
    rows = content.get("rows") if isinstance(content, dict) else None
    found: dict[str, str] = {}
    for row in rows if isinstance(rows, list) else ():
        for button in row.get("buttons") or () if isinstance(row, dict) else ():
            if isinstance(button, dict) and button.get("id") is not None:
                action = button.get("action")
                data = action.get("data") if isinstance(action, dict) else ""
                found[str(button["id"])] = str(data or "")
    return found
