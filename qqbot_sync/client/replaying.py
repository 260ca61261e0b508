"""A run without a network: its events come from a recording."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from qqbot_sync import codec
from qqbot_sync.client.run import PARTING, Run
from qqbot_sync.client.standing import Standing
from qqbot_sync.client.state import ConnectionState, SessionInfo, ShardInfo
from qqbot_sync.dispatch import Dispatcher
from qqbot_sync.errors import ConnectionFailed, Stopped
from qqbot_sync.events import RawEvent, keys_of
from qqbot_sync.gateway.supervisor import broken
from qqbot_sync.protocol.close_codes import Verdict
from qqbot_sync.protocol.session import End
from qqbot_sync.recording.gate import Gate
from qqbot_sync.recording.playback import Playback
from qqbot_sync.recording.player import Player
from qqbot_sync.recording.steps import Down, EventStep, Fact

__all__ = ["ReplayRun"]

log = logging.getLogger("qqbot_sync.client")

FORGET_EVERY = 1000
"""Events between two looks at what dedupe may forget."""


class _Standing(Standing):
    """As `Standing`; a recording may be over before anybody has looked whether it began."""

    def wait_ready(self, timeout: float | None) -> None:
        try:
            super().wait_ready(timeout)
        except Stopped:
            with self._lock:
                if not self._states or self._states.keys() - self._ready_once:
                    raise


class ReplayRun(Run):
    """Plays a recording through the sink, the dispatcher and the handlers of every run. Thread-safe.

    Nothing is dialed, and no store is opened.

    Args:
        playback: what to play.
        over: called when the recording has come to its end.
        parts: of `Run`.
    """

    def __init__(
        self, *, playback: Playback, over: Callable[[Run], object], dispatcher: Dispatcher, **parts: Any
    ) -> None:
        super().__init__(dispatcher=dispatcher, **{**parts, "shards": ()})
        self.standing = _Standing(self._clock)
        self._playback = playback
        self._told_over = over
        self._stage_dispatcher = dispatcher
        self._offered: set[tuple[str, str]] = set()
        self._told_user: dict[str, Any] | None = None
        self._sessions: dict[tuple[int, int], tuple[str, int | None]] = {}
        self._gate = Gate(playback.recording.waits, playback.clock.real, playback.clock.resting)
        self._player = Player(
            playback.recording, clock=playback.clock, speed=playback.speed, gate=self._gate, stage=self
        )
        self._numbers = {step.shard for step in playback.recording.events} or {(0, 1)}
        self._failed_before = self._metrics.snapshot().events_failed
        playback.clock.runs_out = self._gate.runs_out
        dispatcher.witness = self._gate

    # -- start and stop -------------------------------------------------------------------------------------------

    def begin(self) -> None:
        """Starts playing, unless the run is over already."""
        with self._beginning:
            if self.standing.over.is_set():
                return
            self._claims.forget_all()
            self.standing.expect(shard_id for shard_id, _ in sorted(self._numbers))
            self._playback.begin()
            self._player.start()

    def no_more_dials(self) -> None:
        """Nothing more is played."""
        super().no_more_dials()
        self._player.stop()

    def close_connections(self) -> None:
        """Ends the player."""
        self._player.stop()
        super().close_connections()
        if not self._player.join(PARTING):
            log.warning("the replay is still busy; left to end by itself")

    def save(self) -> int:
        """Nothing of a replay is remembered."""
        self._playback.position = self._player.position
        # What came after the stop was refused, and is not played.
        verdicts = self._playback.recording.verdicts
        self._playback.skipped = sum(verdict in ("dropped", "refused") for verdict in verdicts.values())
        self._playback.diverged = self._player.diverged
        self._playback.failures = self._metrics.snapshot().events_failed - self._failed_before
        self._playback.end()
        return 0

    # -- Stage: called by the player ------------------------------------------------------------------------------

    def event(self, step: EventStep, received_at: float) -> None:
        envelope = codec.decode_envelope(step.frame)
        name, seq = envelope.t or "", envelope.s
        verdict = self._playback.recording.verdicts.get(step.number, "")
        self._playback.position = step.t
        if verdict in ("dropped", "refused"):
            return
        self._playback.events += 1
        if name in ("READY", "RESUMED"):
            self._connected(step, name, envelope)
        if not self._sink.hears(name):
            return
        event = RawEvent(
            name=name,
            d=envelope.d,
            frame=step.frame,
            event_id=envelope.id,
            seq=seq,
            shard=step.shard,
            received_at=received_at,
            redelivered=step.redelivered,
            keys=keys_of(name, envelope.d, envelope.id),
            done=self._gate.ended,
        )
        if event.dedupe is not None:
            if verdict == "duplicate" and event.dedupe not in self._offered:
                # Its first copy came before the recording began.
                self._sink.repeated()
                return
            self._offered.add(event.dedupe)
        self._gate.began(event, step.number)
        if not self._sink.offer(event):
            self._gate.ended(event)
        if step.number % FORGET_EVERY == 0:
            self._sink.progressed(step.shard, seq)

    def _connected(self, step: EventStep, name: str, envelope: codec.Envelope) -> None:
        if name == "READY":
            self._sink.began_session(step.shard)
            data = codec.loads(envelope.d)
            if isinstance(data, dict):
                self._sessions[step.shard] = (str(data.get("session_id") or ""), envelope.s)
                if isinstance(data.get("user"), dict):
                    self._told_user = data["user"]
        self.shard_dials(step.shard[0])
        self.shard_ready(step.shard[0], resumed=name == "RESUMED")

    def down(self, step: Down) -> None:
        try:
            verdict = Verdict(step.verdict)
        except ValueError:
            verdict = Verdict.RESUME
        log.info("shard %s: %s (as recorded)", step.shard_id, step.reason)
        self.shard_down(step.shard_id, End(verdict, step.reason, kind=step.cause))

    def self_known(self, step: Fact) -> None:
        self._told_user = dict(step.user)

    def busy(self) -> int:
        return self._stage_dispatcher.busy(self._playback.clock.resting)

    def finished(self) -> None:
        if not self.standing.was_ready:
            path = self._playback.recording.path
            self.gateway_failed(
                ConnectionFailed(
                    f"{path} 中没有 READY 或 RESUMED,没有可以播放的会话 / "
                    f"{path} holds no READY or RESUMED: there is no session to play"
                )
            )
            return
        self._told_over(self)

    def broken(self, error: BaseException) -> None:
        self.gateway_failed(broken("replay", error))

    # -- views ----------------------------------------------------------------------------------------------------

    @property
    def user(self) -> dict[str, Any] | None:
        return self._told_user

    def is_connected(self) -> bool:
        return self.standing.all_ready.is_set()

    def threads_live(self) -> bool:
        return self._player.is_running

    def threads(self) -> dict[str, bool]:
        return {"qqbot-replay": self._player.is_running}

    @property
    def latency(self) -> float | None:
        return None

    def session_info(self) -> SessionInfo | None:
        return next((SessionInfo(*session, shard) for shard, session in sorted(self._sessions.items())), None)

    def shard_infos(self) -> tuple[ShardInfo, ...]:
        states = self.states()
        infos = []
        for shard in sorted(self._numbers):
            session = self._sessions.get(shard)
            info = None if session is None else SessionInfo(*session, shard)
            infos.append(ShardInfo(*shard, states.get(shard[0], ConnectionState.CONNECTING), None, info))
        return tuple(infos)
