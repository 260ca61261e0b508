"""What a client is made of: its parts, what each is told, and what can be said of them at any time."""

from __future__ import annotations

import logging
import os
import tempfile
import threading
from concurrent.futures import Executor
from datetime import datetime, timezone
from enum import Enum
from pathlib import Path
from typing import Protocol

from qqbot_sync import codec
from qqbot_sync.api import Api
from qqbot_sync.client import running
from qqbot_sync.client.acknowledging import Acknowledging
from qqbot_sync.client.handlers import Handlers
from qqbot_sync.client.logbook import Logbook
from qqbot_sync.client.run import Run
from qqbot_sync.client.taping import Taping
from qqbot_sync.clock import Clock
from qqbot_sync.config import GatewayConfig
from qqbot_sync.context import Context
from qqbot_sync.dispatch import Claims, Dispatcher, Registration
from qqbot_sync.errors import BotError, Stopped
from qqbot_sync.events import RawEvent
from qqbot_sync.intents import Intents
from qqbot_sync.lockfile import LockFile
from qqbot_sync.metrics import GatewayMetrics, Gauges
from qqbot_sync.protocol.negotiation import IntentPlan
from qqbot_sync.protocol.pacing import IdentifyPace
from qqbot_sync.recorder import FlightRecorder
from qqbot_sync.store import Store

__all__ = ["Closable", "Parts", "Phase"]

log = logging.getLogger("qqbot_sync.client")
dispatch_log = logging.getLogger("qqbot_sync.dispatch")

MOST_REPORTS = 10
"""Reports of failures kept in the directory for temporary files."""


class Closable(Protocol):
    """What a client may own beside its runs."""

    def close(self) -> None: ...


class Phase(Enum):
    """What a client is doing; there is a run from LAUNCHING on."""

    IDLE = "idle"
    LAUNCHING = "launching"
    RUNNING = "running"
    STOPPING = "stopping"


class Parts(Handlers):
    """A client that stands still. Thread-safe."""

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
        self._phase = Phase.IDLE
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

    # -- parts for the next run -----------------------------------------------------------------------------------

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

    def _executor_closed(self, error: BaseException | None) -> None:
        """The dispatcher can run nothing any more; without an error, because the program ends."""
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

    # -- what they tell -------------------------------------------------------------------------------------------

    def _audited(self, event: RawEvent) -> None:
        self.api.audits.arrived(event.name, event.d)

    def _gauges(self) -> Gauges:
        with self._lock:
            run, dispatcher = self._run, self._dispatcher
        return Gauges(dispatcher.depth(), dispatcher.age(), run.latency if run is not None else None)

    def _mismatched(self, event: str, field: str) -> None:
        if self.metrics.record_mismatch(event, field):
            dispatch_log.warning("%s: field %s has another type than documented; delivered all the same", event, field)

    # -- reports --------------------------------------------------------------------------------------------------

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
        stamp = datetime.fromtimestamp(self._clock.wall(), timezone.utc).strftime("%Y%m%d-%H%M%S-%f")
        try:
            # Each user's own: what another one made, this one may not write to.
            directory = Path(tempfile.gettempdir()) / f"qqbot_sync-reports{_user()}"
            directory.mkdir(mode=0o700, exist_ok=True)
            file = self.dump(directory / f"{self.api.app_id}-{stamp}.txt")
            # By when they were made: by name the only report of one bot might go before ten of another.
            for old in sorted(directory.glob("*.txt"), key=lambda one: one.stem[-len(stamp) :])[:-MOST_REPORTS]:
                old.unlink(missing_ok=True)
        except OSError as failure:
            log.warning("飞行记录无法写入 / no report of the failure could be written: %s", failure)
        else:
            log.critical("飞行记录已写入,可附在 issue 中 / a report fit to attach to an issue is in %s", file)

    # -- forks ----------------------------------------------------------------------------------------------------

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


def _user() -> str:
    return f"-{os.getuid()}" if hasattr(os, "getuid") else ""
