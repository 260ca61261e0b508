"""Starting, serving and stopping: what happens in which order, and who may ask for it."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from logging import DEBUG, INFO
from types import TracebackType
from typing import TypeVar

from qqbot_sync.api.audits import AUDIT_EVENTS
from qqbot_sync.client import running, serving
from qqbot_sync.client.parts import Parts, Phase
from qqbot_sync.client.run import Run
from qqbot_sync.dispatch import Dispatcher
from qqbot_sync.errors import AlreadyRunning, BotError, Stopped
from qqbot_sync.gateway.supervisor import broken
from qqbot_sync.intents import Intents
from qqbot_sync.logs import log_to_stderr

__all__ = ["Lifecycle"]

log = logging.getLogger("qqbot_sync.client")

FAILURE_GRACE = 10.0
"""Seconds that handlers get after a fatal cause, where nobody said how long."""
OVER_GRACE = 10.0
"""Seconds that handlers get at the end of a recording, where nobody said how long."""
STOP_BOUND = 2.0
"""Seconds, beyond what handlers get, after which `stop` returns in any case."""
ACKS_BOUND = 0.5
"""Seconds in which interactions that are still open are answered at the end."""
LONGEST_WAIT = 1e8
"""Seconds: three years stand for "for ever", which no lock of the system's can wait."""
STOPPED = "客户端已停止 / the client was stopped"
STILL_RUNNING = "仍有处理函数在运行(已等待 %g 秒) / handlers still run after %g s:\n%s"

Self = TypeVar("Self", bound="Lifecycle")


class Lifecycle(Parts):
    """The life of a client. Thread-safe: every method may be called from any thread, handlers included."""

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
        if timeout is not None:
            timeout = _seconds("timeout", timeout)
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
        timeout = _seconds("timeout", timeout)
        if self._is_forked:
            return
        if self._is_inside():
            with self._lock:
                run = self._run
            if run is not None and not run.announce(serving.Wanted()):
                self._ask_to_end(run, timeout)
            return
        with self._turn:
            self._turn.wait_for(lambda: self._phase is not Phase.LAUNCHING)
            run = self._run
        if run is not None:
            self._shut_down(run, timeout)
        else:
            self._put_away()
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
        grace = _seconds("grace", grace)
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
            self._turn.wait_for(lambda: self._phase in (Phase.IDLE, Phase.RUNNING))
            if self._run is not None:
                return self._run
            self._phase, self._error = Phase.LAUNCHING, None
        run = None
        try:
            run = self._launch()
        finally:
            if run is None:
                self._let_go()
            with self._turn:
                self._run = run
                self._phase = Phase.IDLE if run is None else Phase.RUNNING
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
            try:
                self._wind_down(run, dispatcher, 0.0)
            finally:
                following = self._new_dispatcher()
                with self._turn:
                    self._dispatcher = following
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
            self._turn.wait_for(lambda: self._phase is not Phase.LAUNCHING)
            if self._run is not run or self._phase is not Phase.RUNNING:
                return
            self._phase = Phase.STOPPING
            dispatcher = self._dispatcher
        drained = True
        try:
            drained = self._wind_down(run, dispatcher, grace)
        finally:
            try:
                self._let_go()
                following = self._new_dispatcher()
                with self._turn:
                    self._run, self._dispatcher, self._phase = None, following, Phase.IDLE
                    self._turn.notify_all()
                if run.error is None:
                    # A client that failed goes on telling so.
                    self._close_servers()
            finally:
                # Whoever waits for the end is told in any case.
                run.ended.set()
                run.announce(serving.Done(stuck=not drained))

    def _put_away(self) -> None:
        """Ends what a client has opened without a start: its API's connections, a recording, watches of events.

        On a thread of its own, as `_ask_to_end`: a signal may have called `stop()` in the middle of an API call, whose
        locks are held below.
        """
        done = threading.Event()
        thread = threading.Thread(target=self._close_idle, args=(done,), name="qqbot-stop", daemon=True)
        try:
            thread.start()
        except RuntimeError:
            # The interpreter ends, or the machine is out of threads: then here.
            self._close_idle(done)
        done.wait(STOP_BOUND)

    def _close_idle(self, done: threading.Event) -> None:
        try:
            with self._turn:
                self._turn.wait_for(lambda: self._phase is not Phase.STOPPING)
                if self._phase is not Phase.IDLE:
                    return
                self._phase = Phase.STOPPING
                dispatcher = self._dispatcher
            following = dispatcher
            try:
                following = self._new_dispatcher()
                self._one_by_one(
                    lambda: dispatcher.end_waiters(Stopped(STOPPED)),
                    self.api.close,
                    self._taping.end,
                )
            finally:
                with self._turn:
                    self._dispatcher, self._phase = following, Phase.IDLE
                    self._turn.notify_all()
        finally:
            done.set()

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

        self._one_by_one(
            dispatcher.close_intake,
            run.no_more_dials,
            lambda: self._end_waiters(dispatcher, run.error or Stopped(STOPPED)),
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
        if outcome["left"]:
            log.info("stopped; %s events were not finished: they come again at the next start", outcome["left"])
        else:
            log.info("stopped; nothing left behind")
        return bool(outcome["drained"])

    @staticmethod
    def _one_by_one(*steps: Callable[[], object]) -> None:
        """Takes each step; one that fails is logged and holds up no other. Ctrl-C comes out behind the last."""
        interrupt: BaseException | None = None
        for step in steps:
            try:
                step()
            except Exception:
                log.exception("a step of stopping failed; the others go on")
            except BaseException as error:  # noqa: BLE001  raised below
                interrupt = error
        if interrupt is not None:
            raise interrupt

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

    def _end_waiters(self, dispatcher: Dispatcher, error: BotError) -> None:
        """Everybody who waits for an event, or for a reviewer, waits in vain."""
        self.api.audits.end(error)
        dispatcher.end_waiters(error)

    def _executor_closed(self, error: BaseException | None) -> None:
        """The dispatcher can run nothing any more; without an error, because the program ends."""
        if error is None:
            self.api.audits.end(Stopped("程序正在退出 / the program ends"))
            return
        with self._turn:
            # It may happen before the launch is over.
            self._turn.wait_for(lambda: self._phase is not Phase.LAUNCHING)
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


def _seconds(name: str, value: object) -> float:
    """What was given, as seconds that can be waited."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or value != value:
        raise TypeError(f"{name} 必须是秒数 / {name} must be a number of seconds, not {value!r}")
    if value < 0:
        raise ValueError(f"{name} 不能为负 / {name} must not be negative: {value}")
    return min(value, LONGEST_WAIT)
