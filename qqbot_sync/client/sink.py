"""Where the readers' events go: to the dispatcher, past the counters, the claims and the memory."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping

from qqbot_sync import codec
from qqbot_sync.api import Api
from qqbot_sync.client.keeping import Keeper, Numbers
from qqbot_sync.dispatch import Claims, Dispatcher, Offer
from qqbot_sync.events import RawEvent
from qqbot_sync.metrics import GatewayMetrics
from qqbot_sync.protocol.replies import anchor_of, reply_target
from qqbot_sync.recorder import FlightRecorder

__all__ = ["Arrivals", "EventSink"]

log = logging.getLogger("qqbot_sync.gateway")


Arrivals = Mapping[str, Callable[[RawEvent], None]]
"""Events that the client itself looks at when they arrive, heard or not, before they may have to wait for room."""


class EventSink:
    """The sink of one run. Called by the readers, `finished` also by workers. Thread-safe."""

    def __init__(
        self,
        dispatcher: Dispatcher,
        *,
        claims: Claims,
        keeper: Keeper,
        metrics: GatewayMetrics,
        recorder: FlightRecorder,
        api: Api,
        arrivals: Arrivals,
    ) -> None:
        self._dispatcher = dispatcher
        self._claims = claims
        self._keeper = keeper
        self._metrics = metrics
        # Called with every event.
        self._received = metrics.tally("events_received")
        self._dispatched = metrics.tally("events_dispatched")
        self._api = api
        self._arrivals = arrivals
        self._recorder = recorder

    def hears(self, name: str) -> bool:
        self._received()
        # What arrives here is offered, and counted as unheard there; asked both times it would count twice.
        return name in self._arrivals or self._dispatcher.hears(name)

    def offer(self, event: RawEvent) -> bool:
        return self._hand_on(event) is not Offer.REFUSED

    def _hand_on(self, event: RawEvent) -> Offer:
        if event.redelivered:
            self._restart_numbers(event)
        arrived = self._arrivals.get(event.name)
        if arrived is not None:
            arrived(event)
        verdict = self._dispatcher.offer(event)
        if verdict is Offer.ACCEPTED:
            self._dispatched()
        return verdict

    def began_session(self, shard: Numbers) -> None:
        self._claims.new_session(shard)
        self._keeper.renew(shard)

    def reserve(self, shard: Numbers, seq: int | None) -> None:
        self._keeper.reserve(shard, seq)

    def finished(self, event: RawEvent, session_id: str | None) -> None:
        self._keeper.finished(event, session_id)

    def repeated(self) -> None:
        self._metrics.count("events_deduplicated")

    def progressed(self, shard: Numbers, resume_point: int | None) -> None:
        self._claims.forget_up_to(shard, resume_point)

    def dropped(self, reason: str, detail: str = "") -> None:
        first = self._metrics.record_frame_dropped(reason)
        said = f"{reason}: {detail}" if detail else reason
        log.log(logging.WARNING if first else logging.DEBUG, "frame ignored (logged once a kind): %s", said)

    def acknowledged(self) -> None:
        self._metrics.record_heartbeat()

    def record(self, shard_id: int) -> Callable[[bytes], None]:
        return self._recorder.frames(shard_id).append

    def said(self, shard_id: int, what: str) -> None:
        if what != "heartbeat":
            self._recorder.note(f"shard {shard_id} > {what}")

    def _restart_numbers(self, event: RawEvent) -> None:
        """Replies to an event that may have been answered count from 1 again, in the order they had then."""
        try:
            data = codec.loads(event.d)
        except codec.Undecodable:
            return
        target = reply_target(event.name, data)
        if target is not None:
            self._api.restart_numbers(target, anchor_of(event.name, data, event.event_id))
