"""One run of a client, from start to stop: its shards, their supervisor, and what is known about them.

A run is used once. It joins gateway and dispatch, which do not know each other.
"""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Callable, Sequence
from typing import Any

from qqbot_sync.api import Api
from qqbot_sync.client import serving
from qqbot_sync.client.census import recommended_shards
from qqbot_sync.client.keeping import Keeper, Numbers
from qqbot_sync.client.logbook import Logbook
from qqbot_sync.client.sink import Arrivals, EventSink
from qqbot_sync.client.standing import Standing
from qqbot_sync.client.state import ConnectionState, SessionInfo, ShardInfo, worst_of
from qqbot_sync.clock import Clock
from qqbot_sync.config import GatewayConfig, ShardConfig
from qqbot_sync.dispatch import Claims, Dispatcher
from qqbot_sync.errors import BotError
from qqbot_sync.gateway.address import Address
from qqbot_sync.gateway.shard import Shard
from qqbot_sync.gateway.sink import Repeats
from qqbot_sync.gateway.supervisor import Supervisor, broken
from qqbot_sync.intents import Intents
from qqbot_sync.metrics import GatewayMetrics
from qqbot_sync.protocol.negotiation import IntentPlan, losses_of
from qqbot_sync.protocol.pacing import IdentifyPace
from qqbot_sync.protocol.session import End, Session
from qqbot_sync.recorder import FlightRecorder
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
        arrivals: what the client itself does with an event as soon as it comes.
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
        recorder: FlightRecorder,
        logbook: Logbook,
        clock: Clock,
        pace: IdentifyPace,
        failed: Callable[[Run, BotError], None],
        needed_by: Callable[[Intents], Sequence[str]],
        arrivals: Arrivals,
    ) -> None:
        self._api = api
        self._config = config
        self._claims = claims
        self._metrics = metrics
        self._recorder = recorder
        self._logbook = logbook
        self._clock = clock
        self._failed = failed
        self._needed_by = needed_by
        self._automatic = shards is None
        self.wanted = IntentPlan(plan.required, plan.wished).asked
        """The intents asked for before anything was refused."""
        self.standing = Standing(clock)
        """Where the shards stand."""
        self.ended = threading.Event()
        """Set when everything is wound down."""
        self._remembered_user: dict[str, Any] | None = None
        # How the last connection of a shard ended, until it dials again; the supervisor's thread alone has it.
        self._ends: dict[int, str] = {}
        self._lock = threading.Lock()
        # A stop may overtake a start: what was not begun by then never begins.
        self._beginning = threading.Lock()
        self._words: list[serving.Words] = []
        self._sides: list[threading.Thread] = []
        self._census: threading.Thread | None = None
        self._address = Address(api)
        self._keeper = Keeper(
            store,
            lambda numbers: record_key(api, numbers),
            clock=clock,
            describe=self._described,
            broken=lambda error: self.gateway_failed(broken("store", error)),
        )
        self._sink = self._new_sink(
            dispatcher,
            claims=claims,
            keeper=self._keeper,
            metrics=metrics,
            recorder=recorder,
            api=api,
            arrivals=arrivals,
        )
        self._shards: tuple[Shard, ...] = ()
        self._supervisor = Supervisor(plan=plan, reconnect=config.reconnect, listener=self, clock=clock, pace=pace)
        if shards is not None:
            self._shards = self._man(shards)

    def _new_sink(self, dispatcher: Dispatcher, **parts: Any) -> EventSink:
        """Where the events go."""
        return EventSink(dispatcher, **parts)

    # -- start and stop -------------------------------------------------------------------------------------------

    def begin(self) -> None:
        """Starts connecting on background threads, unless the run is over already."""
        with self._beginning:
            if self.standing.over.is_set():
                return
            self._keeper.start()
            self._supervisor.start()
            if self._automatic:
                self._count_shards(at_least=1)
            else:
                self._supervisor.admit(self._shards)

    def no_more_dials(self) -> None:
        """Connections that end from now on are not replaced."""
        self.standing.end()
        self._supervisor.no_more_dials()

    def close_connections(self) -> None:
        """Closes every connection with 4000 and joins the threads."""
        with self._beginning:
            self.standing.end()
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
                        sink=self._sink,
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
        self.standing.expect(config.shard_id for config in configs)
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
        session.user = self._remembered_user = record.user
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
        if self.standing.was_ready:
            self._keeper.stop(highest.__getitem__)
        else:
            self._keeper.abandon()
        return sum(shard.books()[2] for shard in self._shards)

    # -- views ----------------------------------------------------------------------------------------------------

    @property
    def user(self) -> dict[str, Any] | None:
        """The bot itself: from READY, before that from the store."""
        # Read where the reader puts it before it offers the first event; the supervisor hears of READY later.
        told = (shard.session.user for shard in self._shards)
        return next((user for user in told if user is not None), self._remembered_user)

    @property
    def plan(self) -> IntentPlan:
        """The intents asked for at present."""
        return self._supervisor.plan

    @property
    def error(self) -> BotError | None:
        """The cause that no retry can cure, once there is one."""
        return self.standing.error

    @property
    def state(self) -> ConnectionState:
        """The worst of the shards' states."""
        return worst_of(self.states().values())

    def states(self) -> dict[int, ConnectionState]:
        """The state of each shard.

        A handler may run before the supervisor has heard of the READY ahead of its event: what the shard knows counts.
        """
        ready = [shard.config.shard_id for shard in self._shards if shard.is_alive()]
        return {**self.standing.states(), **dict.fromkeys(ready, ConnectionState.CONNECTED)}

    def is_connected(self) -> bool:
        return bool(self._shards) and all(shard.is_alive() for shard in self._shards)

    def threads_live(self) -> bool:
        return (
            self._supervisor.is_running and self._keeper.is_running and all(shard.is_running for shard in self._shards)
        )

    def threads(self) -> dict[str, bool]:
        """The threads that live as long as the run, by name, and whether they live."""
        shards = self._shards
        return {
            "qqbot-supervisor": self._supervisor.is_running,
            "qqbot-store": self._keeper.is_running,
            **{f"qqbot-reader-{shard.config.shard_id}": shard.is_running for shard in shards},
        }

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
        states = self.states()
        infos = []
        for shard in self._shards:
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
            count = recommended_shards(self._api, self.standing, self._config.reconnect, self._clock)
            if count is None:
                return
            count = max(count, at_least)
            log.info("%s shards", count)
            shards = self._man([ShardConfig(number, count) for number in range(count)])
            with self._beginning:
                self._shards = shards
                if not self.standing.over.is_set():
                    self._supervisor.admit(shards)
        except BotError as error:
            self.gateway_failed(error)
        except BaseException as error:
            log.critical("census thread died", exc_info=True)
            self.gateway_failed(broken("census", error))

    # -- Listener: called by the supervisor -----------------------------------------------------------------------

    def shard_dials(self, shard_id: int) -> None:
        self._metrics.record_attempt()
        reason = self._ends.pop(shard_id, None)
        if reason is not None:
            self._metrics.record_reconnection(reason)
        self._recorder.note(f"shard {shard_id} dials")
        self.standing.dials(shard_id)

    def shard_ready(self, shard_id: int, *, resumed: bool) -> None:
        self._metrics.record_connection(resumed=resumed)
        log.info("shard %s: %s", shard_id, "RESUMED" if resumed else "READY")
        self._recorder.note(f"shard {shard_id} {'RESUMED' if resumed else 'READY'}")
        self.standing.ready(shard_id)

    def shard_down(self, shard_id: int, end: End) -> None:
        self._ends[shard_id] = end.kind
        self._recorder.note(f"shard {shard_id} down ({end.kind}): {end.reason}; {end.verdict.value}")
        if not (end.routine or self.standing.over.is_set()):
            self._logbook.fault(f"shard {shard_id}", end.kind, end.reason)
        self.standing.down(shard_id, end)

    def shard_waits(self, shard_id: int, seconds: float, *, cause: Exception | None, known: bool) -> None:
        self._recorder.note(f"shard {shard_id} waits {seconds:.1f} s: {cause}")
        if cause is not None:
            self._logbook.fault(f"shard {shard_id}", cause)
        self.standing.waits(shard_id, seconds, cause=cause, known=known)

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
        if self.standing.fail(error):
            self._failed(self, error)
