"""Everything a client can be told, as one value: validated where it is made, free of secrets in its repr."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from enum import Flag
from typing import TYPE_CHECKING, Any, Literal

from qqbot_sync.config import reading
from qqbot_sync.config.checks import advice, check_choice, check_number, check_whole
from qqbot_sync.config.environment import Environment
from qqbot_sync.config.parts import HeartbeatConfig, ReconnectConfig, ShardConfig
from qqbot_sync.config.table import ORDERINGS, OVERFLOWS, UNMATCHED

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from qqbot_sync.dispatch import EventHandler
    from qqbot_sync.intents import Intents
    from qqbot_sync.store import Store

__all__ = ["GatewayConfig", "MaxAge", "Ordering", "Overflow", "Shards"]

Shards = Literal["auto"] | int | Iterable[int]
MaxAge = float | Literal["reply"]
Overflow = Literal["block", "drop_oldest", "drop_newest"]
Ordering = Literal["author", "conversation", "none"]

_PARTS: tuple[tuple[str, type, str], ...] = (
    ("reconnect", ReconnectConfig, "ReconnectConfig(max_delay=30)"),
    ("heartbeat", HeartbeatConfig, "HeartbeatConfig(timeout=60)"),
    ("shard", ShardConfig, "ShardConfig(0, 4)"),
    ("environment", Environment, 'Environment.sandbox() or Environment.local("http://127.0.0.1:8080")'),
)
"""What is an object of its own, and how one is written."""


@dataclass(frozen=True)
class GatewayConfig:
    """Everything a `BotClient` can be told, as one value. A field left at its default says nothing."""

    app_id: str | None = None
    app_secret: str | None = field(default=None, repr=False)
    intents: Intents | tuple[str, ...] | None = None
    """The bits, or their names, `default` and `all` among them; None: derived from the handlers."""
    shard: ShardConfig | None = None
    """The one shard of this process; None: [0, 1], or what `shards` says."""
    shards: Shards | None = None
    """Several shards in this process: `"auto"` (as many as the platform recommends), their number, or their ids."""
    shard_count: int | None = None
    """With ids in `shards`: how many shards the bot has over all processes."""
    environment: Environment | None = None
    reconnect: ReconnectConfig = field(default_factory=ReconnectConfig)
    heartbeat: HeartbeatConfig = field(default_factory=HeartbeatConfig)
    workers: int = 16
    """Handlers that may run at the same time."""
    max_waiting: int = 256
    """Handlers that may wait in `ask` or `wait_for` at the same time."""
    queue_size: int = 1000
    """Events accepted and not yet begun."""
    overflow: Overflow = "block"
    ordering: Ordering = "author"
    max_age: MaxAge | None = None
    """Seconds after which an event that has not begun is dropped and counted; `"reply"`: when its message can no longer
    be answered; None: never."""
    slow_after: float | None = 30.0
    """Seconds after which a handler that still runs is logged with its stack; None: never."""
    proxy: str | None = field(default=None, repr=False)
    """`http://[user:password@]host:port` for HTTP and WebSocket alike; None: what the environment says."""
    metrics_enabled: bool = True
    debug_logging: bool = False
    handler: EventHandler | str | None = None
    """An `EventHandler`, or where it is found: `"module:Class"`, `"module:instance"`."""
    executor: Executor | str | None = None
    """Runs the handlers, or where it is found: `"module:executor"`, `"module:function"` that returns one."""
    store: Store | str | os.PathLike[str] | None = None
    """Remembers sessions between starts, or the path of its SQLite file; None: in memory."""
    record: str | None = None
    """File that events and HTTP are recorded to."""
    replay: str | None = None
    """File that is played back; the platform is not asked."""
    replay_speed: float = 1.0
    """Of a replay: 10 is ten times as fast as recorded, `math.inf` as fast as the handlers go."""
    replay_partial: bool = False
    """Whether a recording that is not whole is played as far as it is."""
    replay_unmatched: Literal["error", "ok"] = "error"
    """What a call gets that is not in the recording: `NotRecorded`, or an empty success."""
    record_hide_texts: bool = False
    """Whether what people wrote is recorded as placeholders of the same length."""
    reads_environment: bool = field(default=True, compare=False, repr=False)
    """Whether `BotClient` takes from the environment what is left at its default here; False where that was done
    already (`from_env`, `load`)."""

    def __post_init__(self) -> None:
        check_whole("workers", self.workers, at_least=1)
        check_whole("max_waiting", self.max_waiting, at_least=0)
        check_whole("queue_size", self.queue_size, at_least=1)
        check_choice("overflow", self.overflow, OVERFLOWS)
        check_choice("ordering", self.ordering, ORDERINGS)
        if self.max_age is not None and self.max_age != "reply":
            check_number("max_age", self.max_age, above=0)
        if self.slow_after is not None:
            check_number("slow_after", self.slow_after, above=0)
        if self.replay_speed != float("inf"):
            check_number("replay_speed", self.replay_speed, above=0)
        check_choice("replay_unmatched", self.replay_unmatched, UNMATCHED)
        for name, kind, example in _PARTS:
            value = getattr(self, name)
            may_be_none = name in ("shard", "environment")
            if not isinstance(value, kind) and not (value is None and may_be_none):
                raise TypeError(f"{name} 应写成 / {name} must be written as {example}, not {value!r}")
        self._name_intents()
        if self.shards is not None and not isinstance(self.shards, (str, int)):
            # An iterator could be read only once.
            object.__setattr__(self, "shards", tuple(self.shards))
        self.shard_configs()

    def _name_intents(self) -> None:
        named: object = self.intents
        names = named.split(",") if isinstance(named, str) else named
        if isinstance(names, (list, tuple)) and names and all(isinstance(name, str) for name in names):
            object.__setattr__(self, "intents", tuple(name.strip() for name in names))
        elif not isinstance(named, Flag) and named is not None:
            raise TypeError(
                f"intents 必须是 Intents 或其名称 / intents must be an Intents, or names of intents, not {named!r}"
            )

    def shard_configs(self) -> tuple[ShardConfig, ...] | None:
        """The shards of this process; None: as many as the platform recommends.

        Raises:
            TypeError, ValueError: they contradict each other, or overlap.
        """
        if self.shards is None:
            if self.shard_count is not None:
                raise ValueError(
                    "shard_count 与 shards 一起使用 / shard_count goes with shards: shards=range(0, 4), shard_count=16"
                )
            return (self.shard or ShardConfig(),)
        if self.shard is not None:
            raise ValueError("shard 与 shards 只能给出一个 / give either shard or shards, not both")
        if isinstance(self.shards, str):
            if self.shards != "auto" or self.shard_count is not None:
                raise ValueError(
                    f'shards 只能是 "auto"、数量或编号 / shards is "auto" alone, a number or ids, not {self.shards!r}'
                )
            return None
        if isinstance(self.shards, int):
            check_whole("shards", self.shards, at_least=1)
            if self.shard_count not in (None, self.shards):
                raise ValueError(
                    f"shards={self.shards} 表示全部分片,与 shard_count={self.shard_count} 矛盾 / shards={self.shards} "
                    f"means all of them: for a part give their ids, such as shards=range(0, {self.shards})"
                )
            return tuple(ShardConfig(number, self.shards) for number in range(self.shards))
        ids = tuple(self.shards)
        if not ids:
            raise ValueError("shards 不能为空 / shards is empty")
        if self.shard_count is None:
            raise ValueError("给出分片编号时必须设置 shard_count / ids in shards need shard_count: how many there are")
        if len(set(ids)) != len(ids):
            raise ValueError(f"shards 中有重复的编号 / the same id stands twice in shards: {list(ids)}")
        return tuple(ShardConfig(number, self.shard_count) for number in ids)

    @property
    def heartbeat_timeout(self) -> float | None:
        """BotRS's name of `heartbeat.timeout`, seconds."""
        return self.heartbeat.timeout

    @property
    def event_buffer_size(self) -> int:
        """BotRS's name of `queue_size`."""
        return self.queue_size

    @property
    def reconnect_attempts(self) -> int | None:
        """BotRS's name of `reconnect.max_attempts`."""
        return self.reconnect.max_attempts

    @classmethod
    def production(cls, **changes: Any) -> GatewayConfig:
        """BotRS's production settings: heartbeat_timeout 60 s, event_buffer_size 1000, metrics on, no debug logging.

        `reconnect_attempts` is None here: never give up. `production(reconnect_attempts=5)` is BotRS's value.

        Raises:
            TypeError: an unknown name; the message names the nearest one.
        """
        return cls().with_changes(**{"heartbeat_timeout": 60.0, **changes})

    def with_changes(self, **changes: Any) -> GatewayConfig:
        """A copy with fields replaced; BotRS's three names are understood too. Raises TypeError for unknown ones."""
        plain = dict(changes)
        heartbeat, reconnect = plain.pop("heartbeat", self.heartbeat), plain.pop("reconnect", self.reconnect)
        if "heartbeat_timeout" in plain:
            heartbeat = replace(heartbeat, timeout=plain.pop("heartbeat_timeout"))
        if "reconnect_attempts" in plain:
            reconnect = replace(reconnect, max_attempts=plain.pop("reconnect_attempts"))
        if "event_buffer_size" in plain:
            plain["queue_size"] = plain.pop("event_buffer_size")
        known = [item.name for item in fields(self)]
        for name in plain:
            if name not in known:
                said = advice(name, known)
                raise TypeError(f"没有名为 {name!r} 的设置 / there is no setting named {name!r}{said}")
        return replace(self, heartbeat=heartbeat, reconnect=reconnect, **plain)

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None) -> GatewayConfig:
        """Settings from QQ_BOT_… environment variables alone; docs/configuration.md has them all.

        Raises:
            ValueError: a variable that cannot be read, or a QQ_BOT_… one that is unknown; the message names it.
        """
        source = os.environ if environ is None else environ
        reading.check_variables(source)
        return reading.built(reading.read_variables(source), cls(reads_environment=False))

    @classmethod
    def from_file(cls, path: str | os.PathLike[str]) -> GatewayConfig:
        """Settings from a TOML file alone: the fields of this class, `[reconnect]` and `[heartbeat]` as tables.

        Paths in the file are relative to the file. A file with a secret that others can read is warned of.

        Raises:
            OSError: the file cannot be read.
            ValueError: not TOML, a wrong value, or an unknown key; the message names the file and the key.
        """
        return reading.built(reading.read_file(path), cls())

    @classmethod
    def load(
        cls, path: str | os.PathLike[str] | None = None, environ: Mapping[str, str] | None = None
    ) -> GatewayConfig:
        """Settings from a TOML file, overruled one by one by QQ_BOT_… environment variables.

        Args:
            path: None: the file that QQ_BOT_CONFIG names, else `qqbot.toml` in the working directory when it is there.
            environ: None: the environment of this process.

        Raises:
            OSError, ValueError: as `from_file` and `from_env`.
        """
        source = os.environ if environ is None else environ
        chosen = reading.default_file(source) if path is None else path
        file = {} if chosen is None else reading.read_file(chosen)
        reading.check_variables(source)
        return reading.built(reading.overlaid(file, reading.read_variables(source)), cls(reads_environment=False))
