"""Starting, serving and stopping: what happens in which order, and who may ask for it."""

from __future__ import annotations

import logging
import os
import tempfile
import threading
from collections.abc import Callable
from concurrent.futures import Executor
from datetime import datetime, timezone
from enum import Enum
from logging import DEBUG, INFO
from pathlib import Path
from types import TracebackType
from typing import Protocol, TypeVar

from qqbot_sync import codec
from qqbot_sync.api import Api
from qqbot_sync.api.audits import AUDIT_EVENTS
from qqbot_sync.client import running, serving
from qqbot_sync.client.acknowledging import Acknowledging
from qqbot_sync.client.handlers import Handlers
from qqbot_sync.client.logbook import Logbook
from qqbot_sync.client.run import Run
from qqbot_sync.client.taping import Taping
from qqbot_sync.clock import Clock
from qqbot_sync.config import GatewayConfig
from qqbot_sync.context import Context
from qqbot_sync.dispatch import Claims, Dispatcher, Registration
from qqbot_sync.errors import AlreadyRunning, BotError, Stopped
from qqbot_sync.events import RawEvent
from qqbot_sync.gateway.supervisor import broken
from qqbot_sync.intents import Intents
from qqbot_sync.lockfile import LockFile
from qqbot_sync.logs import log_to_stderr
from qqbot_sync.metrics import GatewayMetrics, Gauges
from qqbot_sync.protocol.negotiation import IntentPlan
from qqbot_sync.protocol.pacing import IdentifyPace
from qqbot_sync.recorder import FlightRecorder
from qqbot_sync.store import Store

__all__ = ["Lifecycle"]

log = logging.getLogger("qqbot_sync.client")
dispatch_log = logging.getLogger("qqbot_sync.dispatch")

FAILURE_GRACE = 10.0
"""Seconds that handlers get after a fatal cause, where nobody said how long."""

OVER_GRACE = 10.0
"""Seconds that handlers get at the end of a recording, where nobody said how long."""
MOST_REPORTS = 10
"""Reports of failures kept in the directory for temporary files."""
STOP_BOUND = 2.0
"""Seconds, beyond what handlers get, after which `stop` returns in any case."""
ACKS_BOUND = 0.5
"""Seconds in which interactions that are still open are answered at the end."""
STILL_RUNNING = "仍有处理函数在运行(已等待 %g 秒) / handlers still run after %g s:\n%s"

Self = TypeVar("Self", bound="Lifecycle")


class Closable(Protocol):
    """What a client may own beside its runs."""

    def close(self) -> None: ...


class _Phase(Enum):
    """What a client is doing; there is a run from LAUNCHING on."""

    IDLE = "idle"
    LAUNCHING = "launching"
    RUNNING = "running"
    STOPPING = "stopping"


class Lifecycle(Handlers):
    """The life of a client. Thread-safe: every method may be called from any thread, handlers included."""

    def __init__(
        self,
        config: GatewayConfig,
        *,
        api: Api,
        executor: Executor | None,
        store: Store,
        clock: Clock,
        taping: Taping,
    ) -> None:
        super().__init__()
        self.config = config
        """The settings, as they were merged from arguments and `config`."""
        self.api = api
        """Every call of the platform's OpenAPI."""
        self.metrics = GatewayMetrics(clock, timed=config.metrics_enabled, gauges=self._gauges)
        """What was counted, always on."""
        api.on_sent = self.metrics.record_message
        self._recorder = FlightRecorder(clock, enabled=config.metrics_enabled)
        self._logbook = Logbook(clock)
        self._clock = clock
        self._taping = taping
        self._executor = executor
        self._store = store
        self._shards = config.shard_configs()
        self._claims = Claims()
        self._pace = IdentifyPace()
        self._acks = Acknowledging(api, clock)
        api.audits.end(Stopped("客户端未在运行,请先调用 start() / the client is not running: call start() first"))
        self._decoder = codec.ModelDecoder(self._mismatched)
        self._event_decoder = codec.ModelDecoder(self._mismatched, decoded=self.metrics.tally("events_decoded"))
        self._lock = threading.Lock()
        # Guarded by the lock, whose changes it announces; nothing blocks and no user code runs under it.
        self._turn = threading.Condition(self._lock)
        self._phase = _Phase.IDLE
        self._run: Run | None = None
        self._dispatcher = self._new_dispatcher()
        self._watched = Intents.none()
        self._granted: tuple[Intents, Intents] | None = None
        self._servers: list[Closable] = []
        """What was opened for the client and ends with it; see `serve_metrics`."""
        self._error: BotError | None = None
        self._pid = os.getpid()
        self._identity = running.Identity(api.app_id, taping.place or api.environment.api_url, self._shards)
        self._lock_files = [LockFile(part) for part in self._identity.parts()]

    # -- start and stop -------------------------------------------------------------------------------------------

    def start(self, timeout: float | None = 30.0) -> None:
        """Connects on background threads and returns when the bot is READY (or RESUMED) on every shard.

        Idempotent: where it runs already, it waits for READY. In a handler of this client it does not wait.

        Args:
            timeout: seconds, from the moment a shard's identify slot comes; None: no limit.

        Raises:
            AuthenticationFailed, InvalidIntents, BotBanned, …: the cause, where no retry can cure it.
            RateLimited: the platform names a wait longer than `timeout`; `retry_after` says how long.
            ConnectionFailed: it took too long; with the last cause.
            AlreadyRunning: this bot runs in this process already.
            Stopped: `stop()` was called meanwhile.
        """
        _check_seconds("timeout", timeout, or_none=True)
        if self.config.debug_logging:
            log_to_stderr(DEBUG)
        run = self._begin()
        if self._dispatcher.in_worker():
            return
        try:
            run.standing.wait_ready(timeout)
        except BaseException:
            self._shut_down(run, grace=0.0)
            raise

    def stop(self, timeout: float = 10.0) -> None:
        """Stops: takes no more events, lets handlers finish, closes the connection so that it can be resumed.

        Idempotent. Returns within 2 s plus the time handlers need, which `timeout` bounds. Called from a handler, or
        any other thread of this package, it only asks for the stop and returns. In a process that was forked from the
        client's own it does nothing: the connection belongs to the parent.

        Args:
            timeout: seconds that handlers get.
        """
        _check_seconds("timeout", timeout)
        if self._is_forked:
            return
        if self._is_inside():
            with self._lock:
                run = self._run
            if run is not None and not run.announce(serving.Wanted()):
                self._ask_to_end(run, timeout)
            return
        with self._turn:
            self._turn.wait_for(lambda: self._phase is not _Phase.LAUNCHING)
            run = self._run
        if run is not None:
            self._shut_down(run, timeout)
        self._close_servers()

    def run_forever(self, grace: float = 10.0, *, logging: bool = True) -> None:
        """Starts without a time limit and serves until SIGINT, SIGTERM or `stop()`; then drains and returns.

        Args:
            grace: seconds that handlers get to finish. Handlers that still run after it are logged with their stacks;
                if a signal asked for the end, the process leaves all the same.
            logging: add a handler to stderr, at INFO, where the program has configured none.

        Raises:
            BotError: a cause that no retry can cure.
        """
        _check_seconds("grace", grace)
        if self._dispatcher.in_worker():
            raise RuntimeError("不能在处理函数中调用 run_forever() / run_forever() cannot be called from a handler")
        if logging:
            log_to_stderr(DEBUG if self.config.debug_logging else INFO)
        run = self._begin()
        words = serving.Words()
        run.tell(words)
        serving.serve(words, shut_down=lambda: self._ask_to_end(run, grace), failed=lambda: run.error)
        if run.error is not None:
            raise run.error

    def __enter__(self: Self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    # -- the beginning --------------------------------------------------------------------------------------------

    def _begin(self) -> Run:
        """Starts the threads, unless they run; returns the run."""
        self._check_process()
        with self._turn:
            self._turn.wait_for(lambda: self._phase in (_Phase.IDLE, _Phase.RUNNING))
            if self._run is not None:
                return self._run
            self._phase, self._error = _Phase.LAUNCHING, None
        run = None
        try:
            run = self._launch()
        finally:
            if run is None:
                self._let_go()
            following = self._dispatcher if run is not None else self._new_dispatcher()
            with self._turn:
                self._run, self._dispatcher = run, following
                self._phase = _Phase.IDLE if run is None else _Phase.RUNNING
                self._turn.notify_all()
        return run

    def _launch(self) -> Run:
        """Everything of a run, started; where one part cannot be, the others are stopped again."""
        self._claim_identity()
        dispatcher = self._dispatcher
        run = self._taping.run(
            over=self._over,
            config=self.config,
            shards=self._shards,
            plan=self._plan(),
            api=self.api,
            dispatcher=dispatcher,
            claims=self._claims,
            store=self._store,
            metrics=self.metrics,
            recorder=self._recorder,
            logbook=self._logbook,
            clock=self._clock,
            pace=self._pace,
            failed=self._failed,
            needed_by=self._router.needed_by,
            arrivals={"INTERACTION_CREATE": self._acks.arrived, **dict.fromkeys(AUDIT_EVENTS, self._audited)},
        )
        self._logbook.began(self.metrics.events_received)
        try:
            dispatcher.start()
            self._acks.start(lambda error: run.gateway_failed(broken("acks", error)))
            self.api.audits.begin(lambda: bool(run.plan.asked & Intents.MESSAGE_AUDIT), pause=dispatcher.pausing)
            run.begin()
        except BaseException:
            self._wind_down(run, dispatcher, 0.0)
            raise
        return run

    def _claim_identity(self) -> None:
        other = running.take(self._identity, self)
        if other is not None:
            if not running.in_ipython_kernel():
                raise AlreadyRunning(
                    f"机器人 {self.api.app_id} 已在本进程中运行,请先对它调用 stop() / "
                    f"bot {self.api.app_id} runs in this process already: call stop() on that client first"
                )
            log.info("another client for bot %s runs in this notebook: stopping it", self.api.app_id)
            other.stop()
            running.take(self._identity, self)
        for lock_file in self._lock_files:
            lock_file.take()

    def _let_go(self) -> None:
        """This bot may be run by others again."""
        for lock_file in self._lock_files:
            lock_file.release()
        running.release(self._identity, self)

    def _new_dispatcher(self) -> Dispatcher:
        """For the next run: who watches before the start watches this one."""
        config = self.config
        return Dispatcher(
            self._router,
            context=self._context,
            clock=self._clock,
            workers=config.workers,
            max_waiting=config.max_waiting,
            queue_size=config.queue_size,
            overflow=config.overflow,
            ordering=config.ordering,
            max_age=config.max_age,
            slow_after=config.slow_after,
            executor=self._executor,
            claims=self._claims,
            counters=self.metrics,
            calls=self._recorder.calls if config.metrics_enabled else None,
            timings=self.metrics.record_duration,
            failed=self._logbook.fault,
            on_tick=self.metrics.sample,
            on_closing=self._executor_closed,
        )

    def _context(self, event: RawEvent) -> Context:
        """What handlers get; the client that is whole can make it."""
        raise NotImplementedError

    def _plan(self) -> IntentPlan:
        """What to ask for: what the handlers need, less what was refused before."""
        if isinstance(self.config.intents, Intents):
            return IntentPlan(self.config.intents, Intents.none())
        required = self._router.required() | self._watched
        wished = self._router.wished()
        if not required | wished:
            wished = Intents.default()
        plan = IntentPlan(required, wished)
        if self._granted is not None and self._granted[0] == plan.asked:
            return plan.at(self._granted[1])
        return plan

    # -- the end --------------------------------------------------------------------------------------------------

    def _shut_down(self, run: Run, grace: float) -> None:
        """Ends `run` and waits for that, though never for much longer than `grace`."""
        self._ask_to_end(run, grace)
        run.ended.wait(grace + STOP_BOUND)

    def _ask_to_end(self, run: Run, grace: float) -> None:
        """Has `run` wound down on a thread of its own, which nothing interrupts; the first call decides the grace."""
        thread = threading.Thread(target=self._end, args=(run, grace), name="qqbot-stop", daemon=True)
        try:
            thread.start()
        except RuntimeError:
            # The interpreter ends, or the machine is out of threads: then here.
            self._end(run, grace)

    def _end(self, run: Run, grace: float) -> None:
        with self._turn:
            self._turn.wait_for(lambda: self._phase is not _Phase.LAUNCHING)
            if self._run is not run or self._phase is not _Phase.RUNNING:
                return
            self._phase = _Phase.STOPPING
            dispatcher = self._dispatcher
        drained = True
        try:
            drained = self._wind_down(run, dispatcher, grace)
        finally:
            self._let_go()
            following = self._new_dispatcher()
            with self._turn:
                self._run, self._dispatcher, self._phase = None, following, _Phase.IDLE
                self._turn.notify_all()
            if run.error is None:
                # A client that failed goes on telling so.
                self._close_servers()
            run.ended.set()
            run.announce(serving.Done(stuck=not drained))

    def _over(self, run: Run) -> None:
        """A run has nothing more to do: a recording has come to its end."""
        if not run.announce(serving.Wanted()):
            self._ask_to_end(run, OVER_GRACE)

    def _wind_down(self, run: Run, dispatcher: Dispatcher, grace: float) -> bool:
        """Intake, waiters, lanes, pool, sockets, store, HTTP: in this order. Returns whether all handlers ended.

        The pool goes before the sockets, or lanes would begin events after the grace; a handler that still runs keeps
        its connection to the gateway until it is logged.

        A step that fails is logged and holds up no other.
        """
        outcome = {"drained": True, "left": 0}

        def drain() -> None:
            outcome["drained"] = dispatcher.drain(grace)

        def count(counted: Callable[[], int]) -> None:
            outcome["left"] = max(outcome["left"], counted())

        steps: tuple[Callable[[], object], ...] = (
            dispatcher.close_intake,
            run.no_more_dials,
            lambda: self._end_waiters(dispatcher, run.error or Stopped("客户端已停止 / the client was stopped")),
            drain,
            lambda: self._acks.stop(ACKS_BOUND),
            lambda: None if outcome["drained"] else log.warning(STILL_RUNNING, grace, grace, dispatcher.stacks()),
            lambda: count(dispatcher.stop),
            run.close_connections,
            lambda: count(run.save),
            self.api.close,
            lambda: self._remember(run),
            self._taping.end,
        )
        for step in steps:
            try:
                step()
            except Exception:
                log.exception("a step of stopping failed; the others go on")
        if outcome["left"]:
            log.info("stopped; %s events were not finished: they come again at the next start", outcome["left"])
        else:
            log.info("stopped; nothing left behind")
        return bool(outcome["drained"])

    def _close_servers(self) -> None:
        with self._lock:
            servers, self._servers = self._servers, []
        for server in servers:
            server.close()

    def _remember(self, run: Run) -> None:
        """What was granted, if anything was: nobody wants to be refused the same twice."""
        self._logbook.ended(run.shard_infos(), (run.plan.asked, run.wanted))
        if run.standing.was_ready:
            self._granted = (run.wanted, run.plan.asked)

    # -- what goes wrong ------------------------------------------------------------------------------------------

    def _failed(self, run: Run, error: BotError) -> None:
        """Nothing can cure this: every waiting call ends with it, the hooks hear of it, the client stops."""
        with self._lock:
            self._error = error
            dispatcher = self._dispatcher
        log.critical("%s", error)
        steps: tuple[Callable[[], object], ...] = (
            lambda: self._logbook.fault("client", error),
            lambda: self._report_failure(error),
            lambda: self._end_waiters(dispatcher, error),
            lambda: run.on_the_side(lambda: dispatcher.report(error)),
        )
        for step in steps:
            # One that fails must not keep the end from those who wait for it: that would be a silent bot.
            try:
                step()
            except Exception:
                log.exception("a step after the failure failed; the others go on")
        if not run.announce(serving.Wanted()):
            self._ask_to_end(run, FAILURE_GRACE)

    def dump(self, path: str | os.PathLike[str]) -> Path:
        """Writes the flight recorder's report to a file: fit to attach to an issue, without secrets and message texts.

        Returns:
            where it is.

        Raises:
            OSError: the file cannot be written.
        """
        file = Path(path)
        # What the platform says may hold half a character, which no file can.
        file.write_text(self._recorder.report(self._facts()), encoding="utf-8", errors="backslashreplace")
        return file

    def _facts(self) -> list[tuple[str, object]]:
        """What else a report tells; the whole client knows more."""
        return [("settings", self.config), ("counters", self.metrics.snapshot())]

    def _report_failure(self, error: BotError) -> None:
        if not self.config.metrics_enabled:
            return
        self._recorder.note(f"fatal: {type(error).__name__}: {error}")
        stamp = datetime.fromtimestamp(self._clock.wall(), timezone.utc).strftime("%Y%m%d-%H%M%S")
        try:
            directory = Path(tempfile.gettempdir()) / "qqbot_sync-reports"
            directory.mkdir(mode=0o700, exist_ok=True)
            file = self.dump(directory / f"{self.api.app_id}-{stamp}.txt")
            for old in sorted(directory.glob("*.txt"))[:-MOST_REPORTS]:
                old.unlink(missing_ok=True)
        except OSError as failure:
            log.warning("飞行记录无法写入 / no report of the failure could be written: %s", failure)
        else:
            log.critical("飞行记录已写入,可附在 issue 中 / a report fit to attach to an issue is in %s", file)

    def _end_waiters(self, dispatcher: Dispatcher, error: BotError) -> None:
        """Everybody who waits for an event, or for a reviewer, waits in vain."""
        self.api.audits.end(error)
        dispatcher.end_waiters(error)

    def _audited(self, event: RawEvent) -> None:
        self.api.audits.arrived(event.name, event.d)

    def _executor_closed(self, error: BaseException | None) -> None:
        """The dispatcher can run nothing any more; without an error, because the program ends."""
        if error is None:
            self.api.audits.end(Stopped("程序正在退出 / the program ends"))
            return
        with self._turn:
            # It may happen before the launch is over.
            self._turn.wait_for(lambda: self._phase is not _Phase.LAUNCHING)
            run = self._run
        if run is not None:
            failure = BotError(
                "事件无法继续处理:executor 拒绝任务,或内部线程终止 / events cannot be handled any more, because the "
                f"executor refuses tasks or an internal thread died: {type(error).__name__}: {error}"
            )
            failure.__cause__ = error
            run.gateway_failed(failure)

    def _is_inside(self) -> bool:
        """Whether the calling thread is one of ours, or runs a handler: it must not wait for itself."""
        return threading.current_thread().name.startswith("qqbot-") or self._dispatcher.in_worker()

    @property
    def _is_forked(self) -> bool:
        """Whether this is a child of the process whose client it is: the connection is the parent's."""
        return os.getpid() != self._pid

    def _check_process(self) -> None:
        if self._is_forked:
            raise BotError(
                "此客户端属于 fork 之前的进程,请在子进程中新建 BotClient / this client belongs to the process before "
                "the fork: make a new BotClient in the child"
            )

    def _added(self, entry: Registration) -> None:
        """A handler that comes too late for its intent would wait in silence."""
        with self._lock:
            run = self._run
        if run is None:
            return
        off = (entry.required | entry.wished) & ~run.plan.asked
        if entry.required & ~run.plan.asked or (entry.wished and off == entry.wished):
            log.warning(
                "%s:处理函数 %s 需要的 intents 未请求(%s),重启后才会收到事件 / handler %s needs intents that were not "
                "asked for (%s): register it before start()",
                entry.where,
                entry.name,
                off,
                entry.name,
                off,
            )

    def _gauges(self) -> Gauges:
        with self._lock:
            run, dispatcher = self._run, self._dispatcher
        return Gauges(dispatcher.depth(), dispatcher.age(), run.latency if run is not None else None)

    def _mismatched(self, event: str, field: str) -> None:
        if self.metrics.record_mismatch(event, field):
            dispatch_log.warning("%s: field %s has another type than documented; delivered all the same", event, field)


def _check_seconds(name: str, value: object, *, or_none: bool = False) -> None:
    if value is None and or_none:
        return
    if isinstance(value, bool) or not isinstance(value, (int, float)) or value != value:
        raise TypeError(f"{name} 必须是秒数 / {name} must be a number of seconds, not {value!r}")
    if value < 0:
        raise ValueError(f"{name} 不能为负 / {name} must not be negative: {value}")
