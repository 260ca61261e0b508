"""The call that lets a message grow on the user's screen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from qqbot_sync.simulator.platform import Platform
from qqbot_sync.simulator.refusal import Refusal
from qqbot_sync.simulator.routes import Call, Routes
from qqbot_sync.simulator.rules import RULES, check_anchor
from qqbot_sync.simulator.sending import Sending

__all__ = ["StreamApi"]

_FRESH = 300.0
"""Seconds in which a message can be answered by a stream."""
_LONGEST = 10_000
"""Characters a stream may have."""


@dataclass
class _Stream:
    id: str
    place: str
    anchor: dict[str, str]
    msg_seq: int
    content: str = ""
    next_index: int = 0
    reference: str = ""


class StreamApi:
    """Not thread-safe: called under the simulator's lock. The person sees the message when it is finished."""

    def __init__(self, platform: Platform, sending: Sending, routes: Routes) -> None:
        self._platform = platform
        self._sending = sending
        self._streams: dict[str, _Stream] = {}
        routes.add("POST", "/v2/users/{place}/stream_messages", self.grow)

    def grow(self, call: Call) -> dict[str, Any]:
        fields = call.fields
        mode, state = fields.get("input_mode", "append"), fields.get("input_state")
        text, index = fields.get("content_raw"), fields.get("index")
        if mode not in ("append", "replace") or state not in (1, 10) or not isinstance(text, str):
            raise Refusal(12002, "input_mode, input_state or content_raw is wrong")
        stream = self._begun(call) if not fields.get("stream_msg_id") else self._known(call)
        if index != stream.next_index:
            raise Refusal(12002, "index must grow by 1 from 0")
        if mode == "replace" and not text.startswith(stream.content):
            raise Refusal(40007, "the delivered prefix must not change")
        stream.content = text if mode == "replace" else stream.content + text
        stream.next_index += 1
        self._streams[stream.id] = stream
        if state == 10:
            self._finish(stream, str(fields.get("content_type") or "text"))
        return {
            "id": stream.id,
            "timestamp": self._platform.timestamp(),
            "ext_info": {"ref_idx": stream.reference},
            "remain_msg_len": max(0, _LONGEST - len(stream.content)),
        }

    def _begun(self, call: Call) -> _Stream:
        platform, place, fields = self._platform, call.ids["place"], call.fields
        if platform.rooms.knows("c2c", place) is None:
            raise Refusal(*RULES["c2c"].unknown_place)
        given = {name: str(fields[name]) for name in ("msg_id", "event_id") if fields.get(name)}
        if len(given) != 1:
            raise Refusal(12002, "exactly one of msg_id and event_id")
        [(kind, id)] = given.items()
        anchor = platform.anchors.message(id) if kind == "msg_id" else platform.anchors.event(id)
        if anchor is None or (anchor.place.scene, anchor.place.id) != ("c2c", place):
            raise Refusal(40034024 if kind == "msg_id" else 40034025, f"invalid {kind}")
        msg_seq, now = fields.get("msg_seq", 1), platform.clock.now()
        if not isinstance(msg_seq, int):
            raise Refusal(12002, "msg_seq must be a whole number")
        check_anchor("c2c", anchor, now=now, msg_seq=msg_seq, by_event=kind == "event_id")
        if now - anchor.at > _FRESH and not fields.get("is_wakeup"):
            raise Refusal(40034005, "msg_id expired")
        return _Stream(platform.ids.qq_message(), place, given, msg_seq, reference=platform.ids.reference())

    def _known(self, call: Call) -> _Stream:
        stream = self._streams.get(str(call.fields["stream_msg_id"]))
        if stream is None or stream.place != call.ids["place"] or call.fields.get("msg_seq") != stream.msg_seq:
            raise Refusal(12002, "there is no such stream here")
        return stream

    def _finish(self, stream: _Stream, content_type: str) -> None:
        del self._streams[stream.id]
        is_plain = content_type == "text"
        content: dict[str, Any] = {"content": stream.content} if is_plain else {"markdown": {"content": stream.content}}
        body = {"msg_type": 0 if is_plain else 2, **content, **stream.anchor, "msg_seq": stream.msg_seq}
        self._sending.send("c2c", stream.place, body, id=stream.id)
