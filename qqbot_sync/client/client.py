"""`BotClient`: what users hold in their hands."""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import Executor
from typing import Any, cast

from qqbot_sync import codec
from qqbot_sync.api import Api, Sent
from qqbot_sync.client.lifecycle import Lifecycle
from qqbot_sync.client.run import Run
from qqbot_sync.client.state import ConnectionState, SessionInfo, ShardInfo
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
from qqbot_sync.store import MemoryStore, Store

__all__ = ["BotClient"]

log = logging.getLogger("qqbot_sync.client")
decode_log = logging.getLogger("qqbot_sync.dispatch")

PLAIN = ("workers", "max_waiting", "queue_size", "overflow", "ordering", "slow_after")
"""Arguments whose default is a value: one that equals it says nothing against `config`."""
SPARE_CONNECTIONS = 8
"""HTTP connections kept beside one for each worker: for handlers that have waited, and other threads."""


class BotClient(Lifecycle):
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
        store: remembers sessions between starts; by default in memory.
        proxy: `http://[user:password@]host:port`, or `socks5://…` with the extra `[socks]`; for HTTP and WebSocket.
        config: all of the above as one value; an argument that is given overrules it.
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
        store: Store | None = None,
        proxy: str | None = None,
        config: GatewayConfig | None = None,
        clock: Clock | None = None,
    ) -> None:
        settings = _merged(
            config,
            app_id=app_id,
            app_secret=app_secret,
            intents=intents,
            shard=shard,
            shards=shards,
            shard_count=shard_count,
            environment=environment,
            reconnect=reconnect,
            heartbeat=heartbeat,
            workers=workers,
            max_waiting=max_waiting,
            queue_size=queue_size,
            overflow=overflow,
            ordering=ordering,
            max_age=max_age,
            slow_after=slow_after,
            proxy=proxy,
        )
        clock = clock or SystemClock()
        api = Api(
            settings.app_id,
            settings.app_secret,
            environment=settings.environment,
            proxy=settings.proxy,
            clock=clock,
            pool_size=settings.workers + SPARE_CONNECTIONS,
        )
        super().__init__(settings, api=api, executor=executor, store=store or MemoryStore(), clock=clock)
        api.wait_ready = self._wait_ready
        self._me: User | None = None
        if handler is not None:
            self._router.add_handler(handler)

    @classmethod
    def from_config(cls, config: GatewayConfig, **options: Any) -> BotClient:
        """A client with these settings; `options` are further arguments of the constructor."""
        return cls(config=config, **options)

    # -- views ----------------------------------------------------------------------------------------------------

    @property
    def state(self) -> ConnectionState:
        """Where the connection stands, as a `ConnectionState`."""
        with self._lock:
            run, error = self._run, self._error
        if error is not None:
            return ConnectionState.FAILED
        return run.standing.state if run is not None else ConnectionState.STOPPED

    @property
    def error(self) -> BotError | None:
        """The fatal cause that ended the client; None while there is none."""
        return self._error

    def is_connected(self) -> bool:
        """READY, and the last heartbeat was acknowledged: judged by evidence."""
        with self._lock:
            run = self._run
        return run is not None and self._error is None and run.is_connected()

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

    def _facts(self) -> list[tuple[str, object]]:
        shards = "\n".join(map(str, self.shards)) or "not running"
        state = f"{self.state}, connected {self.is_connected()}, queue {self.queue_depth} ({self.queue_age:.1f} s)"
        workers = "\n".join(map(str, self._dispatcher.doing())) or "idle"
        return [*super()._facts(), ("state", state), ("error", self.error), ("shards", shards), ("workers", workers)]

    def _context(self, event: RawEvent) -> Context:
        return Context(self, event, self._decoder)

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


def _merged(config: GatewayConfig | None, **arguments: Any) -> GatewayConfig:
    """The arguments, over `config`, over the environment; an argument at its default says nothing."""
    intents = arguments["intents"]
    if intents is not None and not isinstance(intents, Intents):
        raise TypeError(
            f"intents 必须是 Intents,例如 Intents.default(),而不是 {intents!r} / "
            f"intents must be an Intents, such as Intents.default(), not {intents!r}"
        )
    if config is not None and not isinstance(config, GatewayConfig):
        raise TypeError(f"config 必须是 GatewayConfig / config must be a GatewayConfig, not {config!r}")
    plain = GatewayConfig()
    given = {name: value for name, value in arguments.items() if value is not None and value != getattr(plain, name)}
    return (config or plain).with_changes(**given)


def _bits_of(events: tuple[Any, ...]) -> Intents:
    """The bits that bring these events."""
    specs = [spec_of(name) for event in events for name in names_of(event)]
    bits = Intents.none()
    for spec in specs:
        if spec is not None:
            bits |= spec.intents
    return bits
