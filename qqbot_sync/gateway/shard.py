"""A shard: one session on one connection at a time.

Its reader thread lives as long as the shard: it has a connection dialed, reads it to its end, reports, and waits for
the supervisor's next word. So everything an old connection brought is offered before the new one's first event.
"""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable

from qqbot_sync import codec
from qqbot_sync.clock import Clock
from qqbot_sync.codec import Envelope
from qqbot_sync.config import HeartbeatConfig, ShardConfig
from qqbot_sync.errors import BotError, ConnectionFailed
from qqbot_sync.events import RawEvent, keys_of
from qqbot_sync.gateway.connection import Connection, Route, dial
from qqbot_sync.gateway.heartbeat import Heartbeat
from qqbot_sync.gateway.messages import (
    DialFailed,
    DialOrder,
    Died,
    Ended,
    Identified,
    Informed,
    Opened,
    Ready,
    Report,
)
from qqbot_sync.gateway.sink import Books, Repeats, Sink
from qqbot_sync.logs import Payload, Place, here
from qqbot_sync.protocol.frames import Message
from qqbot_sync.protocol.gateway_info import GatewayInfo
from qqbot_sync.protocol.opcodes import Opcode
from qqbot_sync.protocol.session import Acknowledged, Drop, Effect, Emit, Hangup, Send, Session, State, Tick
from qqbot_sync.recorder import LONGEST

__all__ = ["Reach", "Shard"]

log = logging.getLogger("qqbot_sync.gateway")

DISPATCH = int(Opcode.DISPATCH)
DIAL_TIMEOUT = 30.0
"""Seconds for token, gateway URL, TCP, TLS and handshake together."""
STEP_TIMEOUT = 10.0
"""Seconds for one step of the network while dialing."""

Reach = Callable[[DialOrder, Callable[[], bool]], tuple[Route, str, GatewayInfo | None]]
"""Finds the route and a token; blocks. The second argument tells whether anybody still wants them."""


class _Dialed:
    """What a dial thread brings: a connection or an error."""

    def __init__(self, generation: int) -> None:
        self.generation = generation
        self.connection: Connection | None = None
        self.token = ""
        self.error: Exception | None = None
        self.defect: BaseException | None = None
        """An error of this package: no retry cures it."""

    def discard(self) -> None:
        """Nobody wants it any more."""
        if self.connection is not None:
            self.connection.end("came too late")
            self.connection.close()


_STOP = object()


class Shard:
    """One session on one connection.

    `start`, `order`, `end` and `stop` belong to the supervisor; what they ask happens on the reader thread. The views
    (`session_id`, `is_alive`, …) are thread-safe.
    """

    def __init__(
        self,
        config: ShardConfig,
        *,
        reach: Reach,
        sink: Sink,
        report: Callable[[Shard, Report], None],
        clock: Clock,
        heartbeat: HeartbeatConfig,
        session: Session | None = None,
        repeats: Repeats | None = None,
    ) -> None:
        self.config = config
        self._reach = reach
        self._sink = sink
        self._tell = report
        self._clock = clock
        self._session = session or Session(config, heartbeat)
        self._repeats = repeats or Repeats()
        # Guards the session, the connection and the generation; never held during I/O or while an event is offered.
        self._lock = threading.Lock()
        self._books = Books(self._lock, self._session.ledger, self._session.session_id, sink)
        self._connection: Connection | None = None
        self._generation = 0
        self._numbers = (config.shard_id, config.shard_count)
        self._place = Place(self._numbers)
        self._inbox: queue.SimpleQueue[object] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        # (seconds blocked so far, since when it is blocked now): one value, because the heartbeat reads it unlocked.
        self._blocked: tuple[float, float | None] = (0.0, None)
        self._closing = False
        # Nothing after a refused event may count as received, or the refused one would never be replayed.
        self._refused = False

    # -- for the supervisor ---------------------------------------------------------------------------------------

    def start(self) -> None:
        """Starts the reader thread, which waits for an order; not if it was stopped before."""
        with self._lock:
            if self._closing:
                return
        self._thread = threading.Thread(target=self._run, name=f"qqbot-reader-{self.config.shard_id}", daemon=True)
        self._thread.start()

    def order(self, order: DialOrder) -> None:
        """Has the reader open a connection."""
        self._inbox.put(order)

    def end(self, reason: str, *, close_code: int | None = None) -> None:
        """Ends the present connection, if there is one. Thread-safe."""
        with self._lock:
            connection = self._connection
        if connection is not None:
            connection.end(reason, close_code=close_code)

    def stop(self) -> None:
        """Ends the connection politely and the reader with it; call `join` afterwards. Thread-safe, idempotent."""
        with self._lock:
            self._closing = True
            self._generation += 1
        self._inbox.put(_STOP)
        self.end("stopped", close_code=4000)

    def join(self, timeout: float) -> bool:
        """Waits for the reader; returns whether it has ended."""
        if self._thread is None:
            return True
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def _report(self, report: Report) -> None:
        self._tell(self, report)

    # -- views ----------------------------------------------------------------------------------------------------

    @property
    def session(self) -> Session:
        """The rules and numbers of this shard; read them under `view()` where they must agree."""
        return self._session

    def view(self) -> tuple[str | None, int | None, State, float | None]:
        """(session id, highest sequence number, state, latency in seconds) at one moment."""
        with self._lock:
            session = self._session
            return session.session_id, session.ledger.highest, session.state, session.latency

    def is_alive(self) -> bool:
        """READY, with an ACK young enough."""
        attentive = self._tick().attentive
        with self._lock:
            connection = self._connection
            return self._session.alive(attentive) and connection is not None and not connection.ended.is_set()

    @property
    def is_running(self) -> bool:
        """Whether the reader thread lives."""
        return self._thread is not None and self._thread.is_alive()

    def books(self) -> tuple[str | None, int | None, int]:
        """(session id, where a restart must resume after, events accepted and not finished)."""
        with self._lock:
            ledger = self._session.ledger
            return self._session.session_id, ledger.resume_point_across_restart, ledger.unfinished

    # -- the reader thread ----------------------------------------------------------------------------------------

    def _run(self) -> None:
        here.what = self._place
        try:
            while True:
                message = self._inbox.get()
                if message is _STOP:
                    return
                if isinstance(message, DialOrder) and not self._serve(message):
                    return
                if isinstance(message, _Dialed):
                    message.discard()
        except BaseException as error:
            log.critical("reader thread of shard %s died", self.config.shard_id, exc_info=True)
            self.end("the reader died")
            self._report(Died(self.config.shard_id, error))
        finally:
            self._leave()

    def _leave(self) -> None:
        """Nobody reads the inbox any more: what a dial thread brought too late is closed."""
        with self._lock:
            self._closing = True
            self._generation += 1
        while not self._inbox.empty():
            message = self._inbox.get()
            if isinstance(message, _Dialed):
                message.discard()

    def _serve(self, order: DialOrder) -> bool:
        """Dials, reads to the end, reports. False: stop."""
        dialed = self._dial(order)
        if dialed is None:
            return False
        if dialed.defect is not None:
            self._report(Died(self.config.shard_id, dialed.defect))
            return True
        if dialed.connection is None:
            self._report(DialFailed(self.config.shard_id, dialed.error or ConnectionFailed("dial failed")))
            return True
        connection = dialed.connection
        tick = self._tick()
        with self._lock:
            if self._closing:
                connection.end("stopped")
            self._connection = connection
            self._session.opened(token=dialed.token, resume=order.resume, intents=order.intents, tick=tick)
        self._report(Opened(self.config.shard_id))
        heartbeat = Heartbeat(
            lambda: self._look(connection),
            ended=connection.ended,
            alarm=connection.alarm,
            clock=self._clock,
            name=f"qqbot-heartbeat-{self.config.shard_id}",
            broken=lambda error: self._report(Died(self.config.shard_id, error)),
        )
        heartbeat.start()
        try:
            self._read(connection)
        finally:
            connection.end("the reader left")
            heartbeat.join()
            connection.close()
        with self._lock:
            self._connection = None
            end = self._session.closed(code=connection.close_code, reason=connection.reason)
        self._report(Ended(self.config.shard_id, end))
        return True

    def _dial(self, order: DialOrder) -> _Dialed | None:
        """Has a thread of its own dial, which may be abandoned; None if told to stop meanwhile."""
        with self._lock:
            if self._closing:
                return None
            self._generation += 1
            dialed = _Dialed(self._generation)
        threading.Thread(
            target=self._dial_on_thread, args=(order, dialed), name=f"qqbot-dial-{self.config.shard_id}", daemon=True
        ).start()
        end = self._clock.now() + DIAL_TIMEOUT
        while True:
            try:
                message = self._inbox.get(timeout=max(0.001, end - self._clock.now()))
            except queue.Empty:
                with self._lock:
                    self._generation += 1
                dialed = _Dialed(0)
                dialed.error = ConnectionFailed(
                    f"连接网关超过 {DIAL_TIMEOUT:g} 秒 / the gateway could not be reached within {DIAL_TIMEOUT:g} s"
                )
                return dialed
            if message is _STOP:
                return None
            if message is dialed:
                return dialed
            if isinstance(message, _Dialed):
                message.discard()

    def _dial_on_thread(self, order: DialOrder, dialed: _Dialed) -> None:
        def is_wanted() -> bool:
            with self._lock:
                return dialed.generation == self._generation

        here.what = Place(self._numbers)
        try:
            route, dialed.token, info = self._reach(order, is_wanted)
            if info is not None and is_wanted():
                self._report(Informed(self.config.shard_id, info))
            if is_wanted():
                dialed.connection = dial(route, timeout=STEP_TIMEOUT)
        except (BotError, OSError, ImportError) as error:
            dialed.error = error
        except BaseException as error:
            log.critical("dialing failed by an error of this package", exc_info=True)
            dialed.defect = error
        with self._lock:
            # Put under the lock, so that it never follows a stop into an inbox nobody reads any more.
            wanted = dialed.generation == self._generation
            if wanted:
                self._inbox.put(dialed)
        if not wanted:
            dialed.discard()

    def _read(self, connection: Connection) -> None:
        keep, session, place = self._sink.record(self.config.shard_id), self._session, self._place
        for message in connection.frames():
            data = message.data
            keep(data if len(data) <= LONGEST else data[:LONGEST])
            try:
                envelope = codec.decode_envelope(data)
            except codec.Undecodable as error:
                place.event_id = None
                self._sink.dropped("undecodable frame", str(error))
                continue
            place.event_id = envelope.id
            if log.isEnabledFor(logging.DEBUG):
                log.debug("< %s", Payload(data))
            if envelope.op == DISPATCH and envelope.t is not None and session.state is State.READY:
                # What nearly every frame is, and all that `receive` would say of it.
                self._emit(envelope, message)
                continue
            tick = self._tick()
            with self._lock:
                effects = self._session.receive(envelope, tick)
            for effect in effects:
                self._carry_out(effect, connection, message)
        place.event_id = None

    def _look(self, connection: Connection) -> float:
        """The heartbeat thread: what time has brought."""
        here.what = Place(self._numbers)
        tick = self._tick()
        with self._lock:
            effects = self._session.tick(tick)
            seconds = self._session.next_look(tick.now)
            resume_point = self._session.ledger.resume_point_across_restart
        for effect in effects:
            self._carry_out(effect, connection, None)
        self._sink.progressed(self._numbers, resume_point)
        return seconds

    # -- effects --------------------------------------------------------------------------------------------------

    def _carry_out(self, effect: Effect, connection: Connection, message: Message | None) -> None:
        if isinstance(effect, Emit):
            self._emit(effect.envelope, message)
        elif isinstance(effect, Send):
            log.debug("> %s", Payload(effect.data))
            sent = connection.send(effect.data)
            self._sink.said(self.config.shard_id, effect.what)
            if sent and effect.what == "identify":
                self._report(Identified(self.config.shard_id))
        elif isinstance(effect, Drop):
            self._sink.dropped(effect.reason, effect.detail)
        elif isinstance(effect, Hangup):
            connection.end(effect.reason, close_code=effect.close_code)
        elif isinstance(effect, Acknowledged):
            self._sink.acknowledged()
        else:
            connection.alarm.set()

    def _emit(self, envelope: Envelope, message: Message | None) -> None:
        name, seq = envelope.t or "", envelope.s
        if name in ("READY", "RESUMED"):
            # The replay is over, or never comes: what follows was never sent before.
            self._repeats = Repeats()
            if name == "READY":
                # Remembered before `start()` returns: a process that dies right then still resumes.
                blocked, since = self._blocked[0], self._clock.now()
                self._blocked = (blocked, since)
                self._sink.began_session(self._numbers)
                self._blocked = (blocked + self._clock.now() - since, None)
            self._report(Ready(self.config.shard_id, resumed=name == "RESUMED"))
        if not self._sink.hears(name):
            self._pass_over(seq)
            return
        if seq in self._repeats.finished:
            self._sink.repeated()
            self._pass_over(seq)
            return
        self._offer(
            RawEvent(
                name=name,
                d=envelope.d,
                frame=message.data if message is not None else b"",
                event_id=envelope.id,
                seq=seq,
                shard=self._numbers,
                received_at=self._clock.now(),
                redelivered=seq is not None and seq <= self._repeats.mark,
                keys=keys_of(name, envelope.d, envelope.id),
            )
        )

    def _pass_over(self, seq: int | None) -> None:
        """Nobody needs this event: it counts as received, unless one before it was refused."""
        if not self._refused:
            with self._lock:
                self._session.received(seq)

    def _offer(self, event: RawEvent) -> None:
        seq = event.seq
        # The store may be slow and the offer may wait for room: nothing is read meanwhile, not even an ACK.
        blocked = self._blocked[0]
        self._blocked = (blocked, event.received_at)
        self._sink.reserve(self._numbers, seq)
        session = self._session
        with self._lock:
            ledger = session.ledger
            if self._books.generation != ledger.generation:
                self._books = Books(self._lock, ledger, session.session_id, self._sink)
            before = ledger.highest
            ledger.accepted(seq)
            # Where the offer blocks, only a stop may look meanwhile, and it sees the event as not finished.
            ledger.received(seq)
        event.done = self._books.finished
        taken = self._sink.offer(event)
        self._blocked = (blocked + self._clock.now() - event.received_at, None)
        if self._refused or not taken:
            self._refused = True
            with self._lock:
                ledger.refused(seq, before)

    def _tick(self) -> Tick:
        now = self._clock.now()
        blocked, since = self._blocked
        if since is not None:
            blocked += max(0.0, now - since)
        return Tick(now, now - blocked, self._clock.boot())
