"""One run of a client, from start to stop: its shards, their supervisor, and what is known about them.

A run is used once. It joins gateway and dispatch, which do not know each other.
"""

from __future__ import annotations

import logging
import random
import sys
import threading
from collections.abc import Callable, Sequence
from typing import Any

from qqbot_sync import codec
from qqbot_sync.api import Api
from qqbot_sync.client import serving
from qqbot_sync.client.keeping import Keeper, Numbers
from qqbot_sync.client.state import ConnectionState, SessionInfo, ShardInfo
from qqbot_sync.clock import Clock
from qqbot_sync.config import GatewayConfig, ShardConfig
from qqbot_sync.dispatch import Claims, Dispatcher, Offer
from qqbot_sync.errors import BotError, ConnectionFailed, HeartbeatTimeout, RateLimited, Stopped
from qqbot_sync.events import RawEvent
from qqbot_sync.gateway.address import Address
from qqbot_sync.gateway.shard import Repeats, Shard
from qqbot_sync.gateway.supervisor import Supervisor, broken
from qqbot_sync.intents import Intents
from qqbot_sync.metrics import GatewayMetrics
from qqbot_sync.protocol.close_codes import Verdict
from qqbot_sync.protocol.negotiation import IntentPlan, losses_of
from qqbot_sync.protocol.pacing import IdentifyPace
from qqbot_sync.protocol.recovery import Recovery
from qqbot_sync.protocol.replies import anchor_of, reply_target
from qqbot_sync.protocol.session import End, Session
from qqbot_sync.store import MAX_AGE, Record, Store

__all__ = ["Run", "record_key"]

log = logging.getLogger("qqbot_sync.gateway")

WINDOWS_SLICE = 0.5 if sys.platform == "win32" else None
CENSUS = -1
"""Stands for all shards while their number is not known."""
CENSUS_TIMEOUT = 10.0
"""Seconds for one question about that number."""
PARTING = 1.0
"""Seconds for sockets and threads to end once they were told to."""


def record_key(api: Api, numbers: Numbers) -> str:
    """What a shard's record is kept under: app, platform and shard."""
    return f"{api.app_id}@{api.environment.api_url}#{numbers[0]}/{numbers[1]}"


class Run:
    """The moving parts of one start. Thread-safe.

    Args:
        shards: None: as many as the platform recommends, asked for when the run begins and after 4011.
        plan: the intents to ask for.
        failed: told once, on an internal thread, about a cause that no retry can cure.
        needed_by: names the handlers that need given bits.
    """

    def __init__(
        self,
        *,
        config: GatewayConfig,
        shards: Sequence[ShardConfig] | None,
        plan: IntentPlan,
        api: Api,
        dispatcher: Dispatcher,
        claims: Claims,
        store: Store,
        metrics: GatewayMetrics,
        clock: Clock,
        pace: IdentifyPace,
        failed: Callable[[Run, BotError], None],
        needed_by: Callable[[Intents], Sequence[str]],
    ) -> None:
        self._api = api
        self._dispatcher = dispatcher
        self._claims = claims
        self._metrics = metrics
        self._clock = clock
        self._failed = failed
        self._needed_by = needed_by
        self.wanted = IntentPlan(plan.required, plan.wished).asked
        """The intents asked for before anything was refused."""
        self._lock = threading.Lock()
        # A stop may overtake a start: what was not begun by then never begins.
        self._beginning = threading.Lock()
        self._states: dict[int, ConnectionState] = {}
        self._dialed_at: dict[int, float] = {}
        self._known_waits: dict[int, tuple[float, Exception | None]] = {}
        self._ready_once: set[int] = set()
        self._last_cause: Exception | None = None
        self._news = threading.Condition(self._lock)
        self.error: BotError | None = None
        """The cause that no retry can cure, once there is one."""
        self._words: list[serving.Words] = []
        self._sides: list[threading.Thread] = []
        self.all_ready = threading.Event()
        """Set while every shard is READY."""
        self.over = threading.Event()
        """Set when this run is stopping: waiting for READY is in vain."""
        self.ended = threading.Event()
        """Set when everything is wound down."""
        self.user: dict[str, Any] | None = None
        self._config = config
        self._address = Address(api)
        self._automatic = shards is None
        self._census: threading.Thread | None = None
        self._keeper = Keeper(store, lambda numbers: record_key(api, numbers), clock=clock, describe=self._described)
        self._shards: tuple[Shard, ...] = ()
        self._supervisor = Supervisor(plan=plan, reconnect=config.reconnect, listener=self, clock=clock, pace=pace)
        if shards is not None:
            self._shards = self._man(shards)

    # -- start and stop -------------------------------------------------------------------------------------------

    def begin(self) -> None:
        """Starts connecting on background threads, unless the run is over already."""
        with self._beginning:
            if self.over.is_set():
                return
            self._keeper.start()
            self._supervisor.start()
            if self._automatic:
                self._count_shards(at_least=1)
            else:
                self._supervisor.admit(self._shards)

    def wait_ready(self, timeout: float | None) -> None:
        """Waits until every shard is READY.

        Args:
            timeout: seconds from the moment a shard's identify slot comes; None: no limit.

        Raises:
            BotError: the fatal cause.
            RateLimited: the platform named a wait longer than that.
            ConnectionFailed: it took too long; with the last cause.
            Stopped: stopped meanwhile.
        """
        with self._news:
            while True:
                if self.error is not None:
                    raise self.error
                if self.over.is_set():
                    raise Stopped("启动时被停止 / stopped while starting")
                missing = [shard_id for shard_id in self._states if shard_id not in self._ready_once]
                if self._states and not missing:
                    return
                left = None if timeout is None else self._time_left(missing or [CENSUS], timeout)
                if left is not None and left <= 0:
                    raise self._too_late(timeout)
                # Windows delivers no Ctrl-C to a thread inside an unbounded wait.
                self._news.wait(left if left is not None else WINDOWS_SLICE)

    def _too_late(self, timeout: float | None) -> ConnectionFailed:
        cause = self._last_cause
        said = str(cause).splitlines()[0] if cause is not None and str(cause) else "no answer"
        error = ConnectionFailed(f"{timeout:g} 秒内未能连接 / could not connect within {timeout:g} s: {said}")
        error.__cause__ = cause
        return error

    def _time_left(self, missing: Sequence[int], timeout: float) -> float | None:
        """Seconds until the first of the missing shards is out of time; None while all wait for their slot."""
        now = self._clock.now()
        left: float | None = None
        for shard_id in missing:
            dialed_at = self._dialed_at.get(shard_id)
            if dialed_at is None:
                continue
            rest = dialed_at + timeout - now
            until, cause = self._known_waits.get(shard_id, (0.0, None))
            if until - now > rest:
                if isinstance(cause, RateLimited):
                    raise cause
                raise RateLimited(
                    f"平台要求等待 / the platform asks to wait: {cause}", retry_after=until - now
                ) from cause
            left = rest if left is None else min(left, rest)
        return left

    def no_more_dials(self) -> None:
        """Connections that end from now on are not replaced."""
        self.over.set()
        self._supervisor.no_more_dials()
        self._tell_news()

    def close_connections(self) -> None:
        """Closes every connection with 4000 and joins the threads."""
        with self._beginning:
            self.over.set()
        for shard in self._shards:
            shard.stop()
        self._supervisor.stop(PARTING)
        end = self._clock.now() + PARTING
        if self._census is not None:
            self._census.join(max(0.0, end - self._clock.now()))
        for thread in self._sides:
            thread.join(max(0.0, end - self._clock.now()))
        for shard in self._shards:
            if not shard.join(max(0.0, end - self._clock.now())):
                log.warning("shard %s: its reader is still busy; left to end by itself", shard.config.shard_id)

    # -- who waits for the end ------------------------------------------------------------------------------------

    def tell(self, words: serving.Words) -> None:
        """Announces to `words` what concerns whoever serves; the end at once where it has come already."""
        with self._lock:
            self._words.append(words)
        if self.ended.is_set():
            words.put(serving.Done(stuck=False))
        elif self.error is not None:
            words.put(serving.Wanted())

    def announce(self, word: object) -> bool:
        """Tells everybody who serves; False if nobody does."""
        with self._lock:
            listening = list(self._words)
        for words in listening:
            words.put(word)
        return bool(listening)

    def on_the_side(self, work: Callable[[], object]) -> None:
        """Runs user code that nobody may have to wait for on a thread of its own; the end waits for it a little."""
        thread = threading.Thread(target=work, name="qqbot-error", daemon=True)
        self._sides.append(thread)
        thread.start()

    def _tell_news(self) -> None:
        with self._news:
            self._news.notify_all()

    # -- memory ---------------------------------------------------------------------------------------------------

    def _man(self, configs: Sequence[ShardConfig]) -> tuple[Shard, ...]:
        """Makes these shards, each with what the store knows of it. Raises AlreadyRunning as the store does."""
        shards = []
        try:
            for config in configs:
                session, repeats, record = self._remembered(config)
                if record is not None:
                    self._supervisor.plan = self._supervisor.plan.at(record.intents)
                shards.append(
                    Shard(
                        config,
                        reach=self._address.reach,
                        sink=self,
                        report=self._supervisor.report,
                        clock=self._clock,
                        heartbeat=self._config.heartbeat,
                        session=session,
                        repeats=repeats,
                    )
                )
        except BaseException:
            self._keeper.release()
            raise
        with self._lock:
            self._states = {config.shard_id: ConnectionState.CONNECTING for config in configs}
            self._ready_once.clear()
        return tuple(shards)

    def _remembered(self, shard: ShardConfig) -> tuple[Session, Repeats, Record | None]:
        """What the store knows of a shard: its session, and which events of a replay were begun or done before."""
        numbers = (shard.shard_id, shard.shard_count)
        session = Session(shard, self._config.heartbeat)
        found = self._keeper.open(numbers)
        record = found.record
        # A wall clock that was set back makes a record look younger than new; that is no reason to lose a session.
        if record is None or record.wanted != self.wanted or self._clock.wall() - record.saved_at > MAX_AGE:
            return session, Repeats(), None
        session.user = self.user = record.user
        if record.session_id is None:
            return session, Repeats(), record
        session.restore(session_id=record.session_id, seq=record.seq, intents=Intents(record.intents))
        self._claims.forget_up_to(numbers, record.seq)
        finished = set()
        for done in found.done:
            replayable = done.session_id == record.session_id and done.seq is not None and done.seq > record.seq
            if replayable:
                finished.add(done.seq)
            if done.family is not None and done.id is not None:
                self._claims.remember(numbers, (done.family, done.id), done.seq if replayable else None)
        return session, Repeats(record.mark, frozenset(finished)), record

    def _described(self, numbers: Numbers, mark: int) -> Record:
        shard = next(shard for shard in self._shards if shard.config.shard_id == numbers[0])
        session_id, seq, _ = shard.books()
        return Record(
            session_id=session_id,
            seq=seq or 0,
            mark=mark,
            intents=int(self.plan.asked if session_id is None else shard.session.intents),
            wanted=int(self.wanted),
            saved_at=self._clock.wall(),
            user=shard.session.user,
        )

    def save(self) -> int:
        """Puts what is left into the store and closes it; returns how many events were accepted and not finished."""
        highest = {(shard.config.shard_id, shard.config.shard_count): shard.view()[1] or 0 for shard in self._shards}
        if self.was_ready:
            self._keeper.stop(highest.__getitem__)
        else:
            self._keeper.abandon()
        return sum(shard.books()[2] for shard in self._shards)

    @property
    def was_ready(self) -> bool:
        """Whether any shard has been READY."""
        return bool(self._ready_once)

    # -- views ----------------------------------------------------------------------------------------------------

    @property
    def plan(self) -> IntentPlan:
        """The intents asked for at present."""
        return self._supervisor.plan

    @property
    def state(self) -> ConnectionState:
        """The worst of the shards' states."""
        with self._lock:
            states = set(self._states.values())
        if not states:
            return ConnectionState.CONNECTING
        for state in (ConnectionState.LOST, ConnectionState.CONNECTING, ConnectionState.SUSPENDED):
            if state in states:
                return state
        return ConnectionState.CONNECTED

    def is_connected(self) -> bool:
        return bool(self._shards) and all(shard.is_alive() for shard in self._shards)

    def threads_live(self) -> bool:
        return (
            self._supervisor.is_running and self._keeper.is_running and all(shard.is_running for shard in self._shards)
        )

    @property
    def latency(self) -> float | None:
        """The slowest shard's, seconds."""
        known = [latency for *_, latency in (shard.view() for shard in self._shards) if latency is not None]
        return max(known) if known else None

    def session_info(self) -> SessionInfo | None:
        for shard in self._shards:
            session_id, seq, *_ = shard.view()
            if session_id is not None:
                return SessionInfo(session_id, seq, (shard.config.shard_id, shard.config.shard_count))
        return None

    def shard_infos(self) -> tuple[ShardInfo, ...]:
        with self._lock:
            states, shards = dict(self._states), self._shards
        infos = []
        for shard in shards:
            session_id, seq, _, latency = shard.view()
            numbers = (shard.config.shard_id, shard.config.shard_count)
            session = None if session_id is None else SessionInfo(session_id, seq, numbers)
            state = states.get(numbers[0], ConnectionState.CONNECTING)
            infos.append(ShardInfo(*numbers, state, latency, session))
        return tuple(infos)

    # -- as many shards as the platform recommends -----------------------------------------------------------------

    def reshard(self, shard_count: int) -> bool:
        if not self._automatic:
            return False
        log.warning("4011: %s shards are too few for this bot; asking for more", shard_count)
        self._supervisor.dismiss()
        self._count_shards(at_least=shard_count + 1)
        return True

    def _count_shards(self, *, at_least: int) -> None:
        self._census = threading.Thread(target=self._take_census, args=(at_least,), name="qqbot-census", daemon=True)
        self._census.start()

    def _take_census(self, at_least: int) -> None:
        """Ends the present shards, asks how many there should be, and admits those. Tries until it is told."""
        try:
            for shard in self._shards:
                shard.stop()
            for shard in self._shards:
                shard.join(PARTING)
            self._keeper.release()
            recovery = Recovery(self._config.reconnect, random.random)
            count = None
            while count is None:
                count = self._recommended(recovery)
                if self.over.is_set():
                    return
            count = max(count, at_least)
            log.info("%s shards", count)
            shards = self._man([ShardConfig(number, count) for number in range(count)])
            with self._beginning:
                self._shards = shards
                if not self.over.is_set():
                    self._supervisor.admit(shards)
        except BotError as error:
            self.gateway_failed(error)
        except BaseException as error:
            log.critical("census thread died", exc_info=True)
            self.gateway_failed(broken("census", error))

    def _recommended(self, recovery: Recovery) -> int | None:
        """The platform's recommendation; None, after a pause, where it could not be had. Raises what is final."""
        with self._lock:
            self._dialed_at.setdefault(CENSUS, self._clock.now())
        try:
            return self._api.get_gateway(timeout=CENSUS_TIMEOUT, retries=False).shards
        except BotError as error:
            following = recovery.after_failure(error, self._clock.now())
            if following.error is not None:
                raise following.error from error
            with self._lock:
                self._last_cause = error
                if following.known_wait:
                    self._known_waits[CENSUS] = (self._clock.now() + following.delay, error)
            self._tell_news()
            log.warning("cannot ask for the number of shards (%s); again in %.1f s", error, following.delay)
            self._clock.wait(self.over, following.delay)
            return None

    # -- Sink: called by the readers ------------------------------------------------------------------------------

    def hears(self, name: str) -> bool:
        self._metrics.record_event_received()
        return self._dispatcher.hears(name)

    def offer(self, event: RawEvent) -> bool:
        if event.redelivered:
            self._restart_numbers(event)
        return self._dispatcher.offer(event) is not Offer.REFUSED

    def _restart_numbers(self, event: RawEvent) -> None:
        """Replies to an event that may have been answered count from 1 again, in the order they had then."""
        try:
            data = codec.loads(event.d)
        except codec.Undecodable:
            return
        target = reply_target(event.name, data)
        if target is not None:
            self._api.restart_numbers(target, anchor_of(event.name, data, event.event_id))

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
        log.log(
            logging.WARNING if first else logging.DEBUG, "frame ignored, the next of its kind is not logged: %s", said
        )

    def acknowledged(self) -> None:
        self._metrics.record_heartbeat()

    # -- Listener: called by the supervisor -----------------------------------------------------------------------

    def shard_dials(self, shard_id: int) -> None:
        with self._lock:
            self._dialed_at.setdefault(shard_id, self._clock.now())
            self._known_waits.pop(shard_id, None)
        self._tell_news()

    def shard_ready(self, shard_id: int, *, resumed: bool) -> None:
        self._metrics.record_connection(resumed=resumed)
        shard = next(shard for shard in self._shards if shard.config.shard_id == shard_id)
        if shard.session.user is not None:
            self.user = shard.session.user
        with self._lock:
            self._states[shard_id] = ConnectionState.CONNECTED
            self._ready_once.add(shard_id)
            if all(state is ConnectionState.CONNECTED for state in self._states.values()):
                self.all_ready.set()
        log.info("shard %s: %s", shard_id, "RESUMED" if resumed else "READY")
        self._tell_news()

    def shard_down(self, shard_id: int, end: End) -> None:
        resumable = end.verdict is Verdict.RESUME
        with self._lock:
            if shard_id in self._ready_once:
                self._states[shard_id] = ConnectionState.SUSPENDED if resumable else ConnectionState.LOST
            self._last_cause = (HeartbeatTimeout if end.kind == "heartbeat" else ConnectionFailed)(end.reason)
            self.all_ready.clear()
        if not self.over.is_set():
            self._metrics.record_reconnection(end.kind)
        self._tell_news()

    def shard_waits(self, shard_id: int, seconds: float, *, cause: Exception | None, known: bool) -> None:
        with self._lock:
            if cause is not None:
                self._last_cause = cause
            if known:
                self._known_waits[shard_id] = (self._clock.now() + seconds, cause)
        self._tell_news()

    def intents_reduced(self, plan: IntentPlan, given_up: Intents) -> None:
        losses = "; ".join(losses_of(given_up))
        log.warning(
            "平台拒绝了部分 intents,将用较少的 intents 重新登录,请在 q.qq.com 控制台申请 / the platform refused some "
            "intents; identifying again with fewer, apply for them in the console at q.qq.com. "
            "不会收到 / What will not come: %s. 改用 / Asking for: %s",
            losses,
            plan.asked,
        )

    def needed_by(self, intents: Intents) -> Sequence[str]:
        return self._needed_by(intents)

    def gateway_failed(self, error: BotError) -> None:
        with self._lock:
            first, self.error = self.error is None, self.error or error
        self._tell_news()
        if first:
            self._failed(self, error)
