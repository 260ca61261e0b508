"""Starting, serving and stopping: what happens in which order, and who may ask for it."""

from __future__ import annotations

import logging
import os
import threading
from concurrent.futures import Executor
from types import TracebackType
from typing import TypeVar

from qqbot_sync import codec
from qqbot_sync.api import Api
from qqbot_sync.client import running, serving
from qqbot_sync.client.handlers import Handlers
from qqbot_sync.client.lockfile import LockFile
from qqbot_sync.client.run import Run
from qqbot_sync.clock import Clock
from qqbot_sync.config import GatewayConfig, ShardConfig
from qqbot_sync.context import Context
from qqbot_sync.dispatch import Claims, Dispatcher, Registration
from qqbot_sync.errors import AlreadyRunning, BotError, Stopped
from qqbot_sync.events import RawEvent
from qqbot_sync.intents import Intents
from qqbot_sync.logs import log_to_stderr
from qqbot_sync.metrics import GatewayMetrics
from qqbot_sync.protocol.negotiation import IntentPlan
from qqbot_sync.store import Store

__all__ = ["Lifecycle"]

log = logging.getLogger("qqbot_sync.client")
dispatch_log = logging.getLogger("qqbot_sync.dispatch")

FAILURE_GRACE = 10.0
"""Seconds that handlers get after a fatal cause, where nobody said how long."""

SECOND_CALLER = 2.0
"""Seconds, beyond its own timeout, that a second call of `stop` waits for the first."""

Self = TypeVar("Self", bound="Lifecycle")


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
    ) -> None:
        super().__init__()
        self.config = config
        """The settings, as they were merged from arguments and `config`."""
        self.api = api
        """Every call of the platform's OpenAPI."""
        self.metrics = GatewayMetrics(clock)
        """Counters, always on."""
        self._clock = clock
        self._executor = executor
        self._store = store
        self._shards = (config.shard or ShardConfig(),)
        self._claims = Claims()
        self._decoder = codec.ModelDecoder(self._mismatched)
        # Guards everything below; never held while something blocks or user code runs.
        self._lock = threading.Lock()
        self._run: Run | None = None
        self._dispatcher = self._new_dispatcher()
        self._watched = Intents.none()
        self._asked_before: tuple[Intents, Intents] | None = None
        self._error: BotError | None = None
        self._idle = threading.Event()
        self._idle.set()
        self._words: serving.Words | None = None
        self._pid = os.getpid()
        shards = tuple((shard.shard_id, shard.shard_count) for shard in self._shards)
        self._identity: running.Identity = (api.app_id, api.environment.api_url, shards)
        self._lock_file = LockFile(self._identity)

    def start(self, timeout: float | None = 30.0) -> None:
        """Connects on background threads and returns when the bot is READY (or RESUMED) on every shard.

        Args:
            timeout: seconds, from the moment a shard's identify slot comes; None: no limit.

        Raises:
            AuthenticationFailed, InvalidIntents, BotBanned, …: the cause, where no retry can cure it.
            RateLimited: the platform names a wait longer than `timeout`; `retry_after` says how long.
            ConnectionFailed: it took too long; with the last cause.
            AlreadyRunning: this bot runs in this process already.
            Stopped: `stop()` was called meanwhile.
        """
        run = self._begin()
        if self._is_inside():
            return
        try:
            run.wait_ready(timeout)
        except BaseException:
            self._shut_down(run, grace=0.0)
            raise

    def stop(self, timeout: float = 10.0) -> None:
        """Stops: takes no more events, lets handlers finish, closes the connection so that it can be resumed.

        Idempotent. Returns within 2 s plus the time handlers need, which `timeout` bounds. Called from a handler, or
        any other thread of this package, it only asks for the stop and returns.

        Args:
            timeout: seconds that handlers get.
        """
        if timeout < 0:
            raise ValueError(f"timeout 不能为负 / timeout must not be negative: {timeout}")
        with self._lock:
            run, words = self._run, self._words
        if run is None:
            return
        if self._is_inside():
            if words is not None:
                words.put(serving.Wanted())
            else:
                threading.Thread(target=self._shut_down, args=(run, timeout), name="qqbot-stop", daemon=True).start()
            return
        self._shut_down(run, grace=timeout)

    def run_forever(self, grace: float = 10.0, *, logging: bool = True) -> None:
        """Starts without a time limit and serves until SIGINT, SIGTERM or `stop()`; then drains and returns.

        Args:
            grace: seconds that handlers get to finish. Handlers that still run after it are logged with their stacks;
                if a signal asked for the end, the process leaves all the same.
            logging: add a handler at INFO to stderr where the program has configured none.

        Raises:
            BotError: a cause that no retry can cure.
        """
        if grace < 0:
            raise ValueError(f"grace 不能为负 / grace must not be negative: {grace}")
        if self._is_inside():
            raise RuntimeError("不能在处理函数中调用 run_forever() / run_forever() cannot be called from a handler")
        if logging:
            log_to_stderr()
        words: serving.Words = serving.Words()
        with self._lock:
            self._words = words
        try:
            run = self._begin()
            serving.serve(words, shut_down=lambda: self._shut_down(run, grace), failed=lambda: self._error)
        finally:
            with self._lock:
                self._words = None
        if self._error is not None:
            raise self._error

    def __enter__(self: Self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    # -- the order of things --------------------------------------------------------------------------------------

    def _begin(self) -> Run:
        """Starts the threads, unless they run; returns the run."""
        self._check_process()
        while True:
            with self._lock:
                run = self._run
                if run is None and self._idle.is_set():
                    self._idle.clear()
                    self._error = None
                    break
                if run is not None and not run.over.is_set():
                    return run
            self._idle.wait()
        try:
            return self._launch()
        except BaseException:
            self._let_go()
            with self._lock:
                self._run = None
            self._idle.set()
            raise

    def _launch(self) -> Run:
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
        self._lock_file.take()
        with self._lock:
            dispatcher = self._dispatcher
        run = Run(
            config=self.config,
            shards=self._shards,
            plan=self._plan(),
            api=self.api,
            dispatcher=dispatcher,
            claims=self._claims,
            store=self._store,
            metrics=self.metrics,
            clock=self._clock,
            failed=self._failed,
            needed_by=self._router.needed_by,
        )
        dispatcher.start()
        with self._lock:
            self._run = run
        run.begin()
        return run

    def _let_go(self) -> None:
        """This bot may be run by others again."""
        self._lock_file.release()
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
            executor=self._executor,
            claims=self._claims,
            counters=self.metrics,
            on_closing=self._executor_closed,
        )

    def _context(self, event: RawEvent) -> Context:
        """What handlers get; the client that is whole can make it."""
        raise NotImplementedError

    def _plan(self) -> IntentPlan:
        """What to ask for: what the handlers need, less what was refused before."""
        if self.config.intents is not None:
            return IntentPlan(self.config.intents, Intents.none())
        required = self._router.required() | self._watched
        wished = self._router.wished()
        if not required | wished:
            wished = Intents.default()
        plan = IntentPlan(required, wished)
        if self._asked_before is not None and self._asked_before[0] == plan.asked:
            return plan.at(self._asked_before[1])
        return plan

    def _shut_down(self, run: Run, grace: float) -> None:
        """Ends `run`; a second caller waits for the first."""
        with self._lock:
            dispatcher = self._dispatcher
            first = self._run is run and not run.over.is_set()
            if first:
                run.over.set()
        if not first:
            self._idle.wait(grace + SECOND_CALLER)
            return
        drained = True
        try:
            drained = self._wind_down(run, dispatcher, grace)
        finally:
            self._let_go()
            following = self._new_dispatcher()
            with self._lock:
                self._run, self._dispatcher = None, following
                words = self._words
            self._idle.set()
            if words is not None:
                words.put(serving.Done(stuck=not drained))

    def _wind_down(self, run: Run, dispatcher: Dispatcher, grace: float) -> bool:
        """Intake, waiters, lanes, sockets, pool, store, HTTP: in this order. Returns whether all handlers ended."""
        dispatcher.close_intake()
        run.no_more_dials()
        dispatcher.end_waiters(self._error or Stopped("客户端已停止 / the client was stopped"))
        drained = dispatcher.drain(grace)
        left = run.finish()
        if not drained:
            log.warning("handlers still run after %g s:\n%s", grace, dispatcher.stacks())
        left = max(left, dispatcher.stop())
        self.api.close()
        self._remember(run)
        if left:
            log.info("stopped; %s events were not finished: they come again at the next start", left)
        else:
            log.info("stopped; nothing left behind")
        return drained

    def _remember(self, run: Run) -> None:
        first = IntentPlan(run.plan.required, run.plan.wished).asked
        self._asked_before = (first, run.plan.asked)

    def _failed(self, error: BotError) -> None:
        """Nothing can cure this: every waiting call ends with it, the hooks hear of it, the client stops."""
        with self._lock:
            if self._error is not None:
                return
            self._error = error
            run, dispatcher = self._run, self._dispatcher
        log.critical("%s", error)
        dispatcher.end_waiters(error)
        if run is not None:
            threading.Thread(
                target=self._end_by_failure, args=(run, dispatcher, error), name="qqbot-stop", daemon=True
            ).start()

    def _end_by_failure(self, run: Run, dispatcher: Dispatcher, error: BotError) -> None:
        dispatcher.report(error)
        with self._lock:
            words = self._words
        if words is not None:
            words.put(serving.Wanted())
        else:
            self._shut_down(run, FAILURE_GRACE)

    def _executor_closed(self, error: BaseException | None) -> None:
        """The dispatcher says: no task can be started any more; without an error, because the program ends."""
        if error is not None:
            failure = BotError(f"executor 拒绝执行任务 / the executor takes no more tasks: {error}")
            failure.__cause__ = error
            self._failed(failure)

    def _is_inside(self) -> bool:
        """Whether the calling thread is one of ours, or runs a handler: it must not wait for itself."""
        return threading.current_thread().name.startswith("qqbot-") or self._dispatcher.in_worker()

    def _check_process(self) -> None:
        if os.getpid() != self._pid:
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

    def _mismatched(self, event: str, field: str) -> None:
        if self.metrics.record_mismatch(event, field):
            dispatch_log.warning("%s: field %s has another type than documented; delivered all the same", event, field)
