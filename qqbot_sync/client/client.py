"""`BotClient`: what users hold in their hands."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from concurrent.futures import Executor
from typing import TYPE_CHECKING, Any, cast

from qqbot_sync import codec
from qqbot_sync.api import Api, Sent
from qqbot_sync.client.diagnostics import GatewayDiagnostics
from qqbot_sync.client.intent_checks import IntentChecks
from qqbot_sync.client.run import Run
from qqbot_sync.client.settings import executor_of, handler_of, merged, store_of
from qqbot_sync.client.state import ConnectionState, SessionInfo, ShardInfo
from qqbot_sync.client.taping import taping_of
from qqbot_sync.clock import Clock, SystemClock
from qqbot_sync.config import (
    Environment,
    GatewayConfig,
    HeartbeatConfig,
    MaxAge,
    Ordering,
    Overflow,
    ReconnectConfig,
    ShardConfig,
    Shards,
)
from qqbot_sync.context import Context
from qqbot_sync.dispatch import EventHandler, Watch, names_of
from qqbot_sync.errors import BotError, InvalidIntents, Stopped
from qqbot_sync.events import RawEvent, spec_of
from qqbot_sync.intents import Intents
from qqbot_sync.models import User
from qqbot_sync.protocol.replies import Target
from qqbot_sync.store import Store

if TYPE_CHECKING:
    from qqbot_sync.ext.prometheus import MetricsServer

__all__ = ["BotClient"]

log = logging.getLogger("qqbot_sync.client")
decode_log = logging.getLogger("qqbot_sync.dispatch")

SPARE_CONNECTIONS = 8
"""HTTP connections kept beside one for each worker: for handlers that have waited, and other threads."""


class BotClient(IntentChecks):
    """A QQ bot: registers handlers, connects, dispatches events to them, answers.

        client = BotClient()                        # QQ_BOT_APP_ID, QQ_BOT_SECRET

        @client.on_message()
        def echo(ctx, message):
            ctx.reply(f"你说:{message.content}")

        client.run_forever()

    Thread-safe: every method may be called from any thread, handlers included.

    Args:
        app_id: from the console at https://q.qq.com; else the environment variable QQ_BOT_APP_ID.
        app_secret: likewise; else QQ_BOT_SECRET.
        handler: an `EventHandler`, whose overridden methods are registered.
        intents: overrules what is derived from the handlers.
        shard: None means [0, 1].
        shards: several shards in this process: `"auto"` (as many as the platform recommends, more when it says 4011),
            their number, or their ids together with `shard_count`.
        shard_count: how many shards the bot has over all processes.
        environment: None: QQ_BOT_ENVIRONMENT (`production`, `sandbox`, or a simulator's URL), else production.
        reconnect: how to come back after a lost connection; by default for ever.
        heartbeat: when a peer counts as dead.
        workers: handlers that may run at the same time.
        max_waiting: handlers that may wait in `ask` or `wait_for` at the same time, beside the workers.
        queue_size: events accepted and not yet begun.
        overflow: what happens when the queue is full: `block` (nothing is lost), `drop_oldest`, `drop_newest`.
        ordering: which events keep their order: those of one `author` in a conversation, of one `conversation`, `none`.
        max_age: seconds after which an event that has not begun is dropped and counted; `"reply"`: when its message can
            no longer be answered; None: never.
        slow_after: seconds after which a handler that still runs is logged with its stack.
        executor: runs the handlers in place of the client's own ThreadPoolExecutor; it is never shut down here.
        store: remembers sessions between starts, or the path of its SQLite file; by default in memory.
        proxy: `http://[user:password@]host:port`, or `socks5://…` with the extra `[socks]`; for HTTP and WebSocket.
        record: file that every event and call is written to, without secrets (docs/recording.md).
        replay: such a file: its events are played through the handlers, its answers stand in for the platform.
        replay_speed: 10 is ten times as fast as recorded, `math.inf` as fast as the handlers go.
        config: all of the above as one value; an argument that is given overrules it. What is left at its default here
            and there is taken from the environment (QQ_BOT_WORKERS, …: docs/configuration.md).
        clock: for tests.

    Raises:
        ValueError, TypeError: an argument that cannot be used; the message names it and the remedy.

    https://bot.q.qq.com/wiki/develop/api-v2/
    """

    def __init__(
        self,
        app_id: str | None = None,
        app_secret: str | None = None,
        *,
        handler: EventHandler | None = None,
        intents: Intents | None = None,
        shard: ShardConfig | None = None,
        shards: Shards | None = None,
        shard_count: int | None = None,
        environment: Environment | None = None,
        reconnect: ReconnectConfig | None = None,
        heartbeat: HeartbeatConfig | None = None,
        workers: int = 16,
        max_waiting: int = 256,
        queue_size: int = 1000,
        overflow: Overflow = "block",
        ordering: Ordering = "author",
        max_age: MaxAge | None = None,
        slow_after: float | None = 30.0,
        executor: Executor | None = None,
        store: Store | str | os.PathLike[str] | None = None,
        proxy: str | None = None,
        record: str | None = None,
        replay: str | None = None,
        replay_speed: float = 1.0,
        config: GatewayConfig | None = None,
        clock: Clock | None = None,
    ) -> None:
        settings = merged(
            config,
            {
                "app_id": app_id,
                "app_secret": app_secret,
                "handler": handler,
                "intents": intents,
                "shard": shard,
                "shards": shards,
                "shard_count": shard_count,
                "environment": environment,
                "reconnect": reconnect,
                "heartbeat": heartbeat,
                "workers": workers,
                "max_waiting": max_waiting,
                "queue_size": queue_size,
                "overflow": overflow,
                "ordering": ordering,
                "max_age": max_age,
                "slow_after": slow_after,
                "executor": executor,
                "store": store,
                "proxy": proxy,
                "record": record,
                "replay": replay,
                "replay_speed": replay_speed,
            },
        )
        taping = taping_of(settings, clock or SystemClock())
        settings, clock = taping.settings, taping.clock
        executor, store = executor_of(settings.executor), store_of(settings.store)
        api = Api(
            settings.app_id,
            settings.app_secret,
            environment=settings.environment,
            proxy=settings.proxy,
            pool_size=settings.workers + SPARE_CONNECTIONS,
            **{"clock": clock, **taping.api_options},
        )
        taping.attach(api)
        super().__init__(settings, api=api, executor=executor, store=store, clock=clock, taping=taping)
        api.wait_ready = self._wait_ready
        self._me: User | None = None
        if settings.handler is not None:
            self._router.add_handler(handler_of(settings.handler))

    @classmethod
    def from_config(cls, config: GatewayConfig | str | os.PathLike[str], **options: Any) -> BotClient:
        """A client with these settings.

        Args:
            config: a `GatewayConfig`, or the path of a TOML file, which environment variables overrule.
            options: further arguments of the constructor.

        Raises:
            OSError: the file cannot be read.
            ValueError: a wrong value or an unknown name in file or environment; the message says which.
        """
        return cls(config=GatewayConfig.load(config) if isinstance(config, (str, os.PathLike)) else config, **options)

    # -- views ----------------------------------------------------------------------------------------------------

    @property
    def diagnostics(self) -> GatewayDiagnostics:
        """How the client is, as data and as a table: `client.diagnostics.print_status()`."""
        return GatewayDiagnostics(self)

    @property
    def state(self) -> ConnectionState:
        """Where the connection stands, as a `ConnectionState`."""
        with self._lock:
            run, error = self._run, self._error
        if error is not None:
            return ConnectionState.FAILED
        if run is None or self._is_forked:
            return ConnectionState.STOPPED
        return run.state

    @property
    def error(self) -> BotError | None:
        """The fatal cause that ended the client; None while there is none."""
        return self._error

    def is_connected(self) -> bool:
        """READY, and the last heartbeat was acknowledged: judged by evidence."""
        with self._lock:
            run = self._run
        return run is not None and not self._is_forked and self._error is None and run.is_connected()

    def healthy(self) -> bool:
        """Connected, every thread alive, and handlers that end; what a health check should ask."""
        with self._lock:
            run, dispatcher = self._run, self._dispatcher
        if run is None or not self.is_connected():
            return False
        threads_live = run.threads_live() and dispatcher.is_running and self._acks.is_running
        return threads_live and not dispatcher.is_stuck()

    @property
    def latency(self) -> float | None:
        """Seconds between the last heartbeat and its ACK; None before the first."""
        with self._lock:
            run = self._run
        return run.latency if run is not None else None

    @property
    def queue_depth(self) -> int:
        """Events accepted and not yet begun."""
        return self._dispatcher.depth()

    @property
    def queue_age(self) -> float:
        """Seconds since the oldest of them arrived; 0.0 when there is none."""
        return self._dispatcher.age()

    def get_session_info(self) -> SessionInfo | None:
        """The session, or None while there is none."""
        with self._lock:
            run = self._run
        return run.session_info() if run is not None else None

    @property
    def shards(self) -> tuple[ShardInfo, ...]:
        """State, latency and session of each shard of this process; empty while not running."""
        with self._lock:
            run = self._run
        return run.shard_infos() if run is not None else ()

    @property
    def intents(self) -> Intents:
        """What is asked for, or would be at a start now."""
        with self._lock:
            run = self._run
        return run.plan.asked if run is not None else self._plan().asked

    @property
    def me(self) -> User:
        """The bot's own user: from READY, after a resume from the store, else from the platform.

        Raises:
            ApiError, ConnectionFailed: the platform had to be asked and did not answer.
        """
        with self._lock:
            run, known = self._run, self._me
        if run is not None and run.user is not None:
            return self._decoder.decode(User, codec.dumps(run.user), event="READY")
        if known is None:
            known = self.api.me()
            with self._lock:
                self._me = known
        return known

    @property
    def bot_id(self) -> str | None:
        """The bot's own user id, as far as READY, the store or `me` has told; None before. Asks nobody."""
        with self._lock:
            run, known = self._run, self._me
        if run is not None and run.user is not None:
            return str(run.user.get("id") or "") or None
        return known.id if known is not None else None

    def _remember(self, run: Run) -> None:
        # Messages that are looked at after the stop still know whom they mention.
        super()._remember(run)
        if run.user is not None:
            me = self._decoder.decode(User, codec.dumps(run.user), event="READY")
            with self._lock:
                self._me = me

    # -- waiting and sending --------------------------------------------------------------------------------------

    def wait_for(
        self,
        event: Any,
        check: Callable[..., object] | None = None,
        timeout: float | None = None,
    ) -> Context:
        """Waits in the calling thread for an event and returns its context; handlers see the event as well.

        Args:
            event: as in `on`.
            check: called with the context, in this thread; the first event for which it gives something true counts.
            timeout: seconds; None waits for ever.

        Raises:
            TimeoutError: no such event came in time.
            Stopped: the client is not running, or was stopped.
            InvalidIntents: the event can never come, because its intent was not asked for.
            TooManyWaiting: called in a handler while `max_waiting` others wait already.
        """
        self._check_process()
        with self._lock:
            run, dispatcher = self._run, self._dispatcher
        if run is None:
            raise self._error or Stopped(
                "客户端未在运行,请先调用 start() / the client is not running: call start() first"
            )
        self._check_asked((event,), run)
        return cast(Context, dispatcher.wait_for(event, check=check, timeout=timeout))

    def events(self, *names: Any) -> Watch:
        """Iterates over the contexts of these events (of all, without a name) until the client stops.

        Registered at this call, so that nothing is missed before the first `next()`; before `start()` it requires its
        intents as a handler does. It has a buffer of `queue_size` events of its own, drops its own oldest when nobody
        fetches them, and never holds up the bot.

            for ctx in client.events("GROUP_AT_MESSAGE_CREATE"):
                print(ctx.content)

        Raises:
            InvalidIntents: an event can never come, because its intent was not asked for.
        """
        self._check_process()
        with self._lock:
            run, dispatcher = self._run, self._dispatcher
            if run is None:
                self._watched |= _bits_of(names)
        if run is not None:
            self._check_asked(names, run)
        return dispatcher.watch(*names)

    def _check_asked(self, events: tuple[Any, ...], run: Run) -> None:
        for event in events:
            bits = _bits_of((event,))
            if bits and not bits & run.plan.asked:
                raise InvalidIntents(
                    f"未请求 {event} 所需的 intents({bits}),永远不会收到 / "
                    f"{event} needs intents that were not asked for ({bits}), so it can never come",
                    hint="请在 start() 之前注册处理函数,或设置 intents= / register a handler before start(), or set "
                    "intents=",
                )

    def _ask(self, ctx: Context, prompt: str | None, timeout: float | None) -> Context:
        """`Context.ask`."""
        with self._lock:
            dispatcher = self._dispatcher
        keys = ctx.keys
        with dispatcher.expect(keys.conversation, keys.author) as answer:
            if prompt is not None:
                ctx.reply(prompt)
            return cast(Context, answer.wait(timeout))

    def _acknowledge(self, interaction_id: str, code: int) -> None:
        """`Context.ack`."""
        self._acks.acknowledge(interaction_id, code)

    def send(self, target: Target, *parts: str, timeout: float = 30.0) -> Sent:
        """Sends a proactive message: to `Channel(id)`, `Group(openid)`, `User(openid)` or `Direct(guild_id)`.

        Never retried where it could arrive twice.

        Args:
            target: where to.
            parts: the text, joined.
            timeout: seconds for everything.

        Raises:
            ApiError: the platform refused.
            OutcomeUnknown: the connection broke and nobody can tell whether it was sent.
        """
        self._check_process()
        return self.api.send(target, *parts, timeout=timeout)

    # -- for those who watch --------------------------------------------------------------------------------------

    def serve_metrics(self, port: int, host: str = "127.0.0.1") -> MetricsServer:
        """Serves `/metrics` for Prometheus and `/healthz` (200 where `healthy()`, else 503) over HTTP.

        On a thread of its own, before `start()` as well as after it; a client that failed answers 503. It ends with
        `stop()`, with the end of `run_forever()` that no error caused, or by its own `close()`.

        Args:
            port: 0 for any that is free; `.port` and `.url` of what is returned tell which.
            host: the address to listen on. Whoever reaches it can read everything: it asks for no password.

        Raises:
            ModuleNotFoundError: the extra `[prometheus]` is not installed.
            OSError: the port is in use, or cannot be listened on.
            TypeError, ValueError: no port, no address.
        """
        self._check_process()
        try:
            from qqbot_sync.ext.prometheus import MetricsServer
        except ModuleNotFoundError as error:
            if error.name is not None and error.name.startswith("qqbot_sync"):
                raise
            raise ModuleNotFoundError(
                f"提供指标需要额外的依赖({error.name}),请运行 / serving metrics needs {error.name}: "
                'pip install "qqbot_sync[prometheus]"',
                name=error.name,
            ) from error
        server = MetricsServer(self, port, host=host)
        with self._lock:
            self._servers.append(server)
        return server

    def _facts(self) -> list[tuple[str, object]]:
        shards = "\n".join(map(str, self.shards)) or "not running"
        state = f"{self.state}, connected {self.is_connected()}, queue {self.queue_depth} ({self.queue_age:.1f} s)"
        workers = "\n".join(map(str, self._dispatcher.doing())) or "idle"
        return [*super()._facts(), ("state", state), ("error", self.error), ("shards", shards), ("workers", workers)]

    def _context(self, event: RawEvent) -> Context:
        return Context(self, event, self._event_decoder)

    def _wait_ready(self, seconds: float) -> bool:
        """For sends that need a live gateway session: waits until there is one, or there will be none."""
        with self._lock:
            run = self._run
        if run is None:
            return False
        end = self._clock.now() + seconds
        while not run.standing.over.is_set():
            left = end - self._clock.now()
            if left <= 0 or self._clock.wait(run.standing.all_ready, min(left, 0.5)):
                break
        return run.standing.all_ready.is_set()

    def __repr__(self) -> str:
        return f"<BotClient app_id={self.api.app_id} {self.state}>"


def _bits_of(events: tuple[Any, ...]) -> Intents:
    """The bits that bring these events."""
    specs = [spec_of(name) for event in events for name in names_of(event)]
    bits = Intents.none()
    for spec in specs:
        if spec is not None:
            bits |= spec.intents
    return bits
