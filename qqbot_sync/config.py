"""Configuration as frozen values: validated where they are made, compared by content, free of secrets in their repr."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from qqbot_sync.intents import Intents

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

__all__ = [
    "Environment",
    "GatewayConfig",
    "HeartbeatConfig",
    "MaxAge",
    "Ordering",
    "Overflow",
    "ReconnectConfig",
    "ShardConfig",
    "Shards",
]

Shards = Literal["auto"] | int | Iterable[int]
MaxAge = float | Literal["reply"]
Overflow = Literal["block", "drop_oldest", "drop_newest"]
Ordering = Literal["author", "conversation", "none"]

OVERFLOWS: tuple[str, ...] = ("block", "drop_oldest", "drop_newest")
ORDERINGS: tuple[str, ...] = ("author", "conversation", "none")

_ENV_NAMES = {
    "app_id": "QQ_BOT_APP_ID",
    "app_secret": "QQ_BOT_SECRET",
    "environment": "QQ_BOT_ENVIRONMENT",
    "proxy": "QQ_BOT_PROXY",
    "workers": "QQ_BOT_WORKERS",
    "max_waiting": "QQ_BOT_MAX_WAITING",
    "queue_size": "QQ_BOT_QUEUE_SIZE",
    "overflow": "QQ_BOT_OVERFLOW",
    "ordering": "QQ_BOT_ORDERING",
}


@dataclass(frozen=True)
class Environment:
    """Where the platform is reached.

    The URL that `/gateway/bot` returns always wins over what is guessed here. Immutable, thread-safe.
    """

    api_url: str
    """Base of every API path, without a trailing slash."""
    token_url: str
    """The URL that exchanges app id and secret for a token."""
    is_local: bool = False
    """True for a simulator on this machine; only then are `http://` and `ws://` allowed."""
    fallback: Environment | None = None
    """Tried once when the first call of a process cannot connect or is answered by 404."""

    def __post_init__(self) -> None:
        for name in ("api_url", "token_url"):
            url = getattr(self, name)
            if not isinstance(url, str) or not url.strip():
                raise ValueError(f"{name} 必须是网址 / {name} must be a URL, not {url!r}")
            object.__setattr__(self, name, url.strip().rstrip("/"))
            self.check_url(url, name=name)

    @classmethod
    def production(cls) -> Environment:
        """QQ itself."""
        newer = cls("https://api.bot.qq.com", "https://api.bot.qq.com/app/getAppAccessToken")
        return cls("https://api.sgroup.qq.com", "https://bots.qq.com/app/getAppAccessToken", fallback=newer)

    @classmethod
    def sandbox(cls) -> Environment:
        """QQ's own sandbox: only the sandbox guilds of the console can be touched."""
        return cls("https://sandbox.api.sgroup.qq.com", "https://bots.qq.com/app/getAppAccessToken")

    @classmethod
    def local(cls, url: str) -> Environment:
        """A simulator: `url` serves the API and `/app/getAppAccessToken`."""
        base = url.strip().rstrip("/") if isinstance(url, str) else url
        return cls(base, f"{base}/app/getAppAccessToken", is_local=True)

    @classmethod
    def parse(cls, text: str) -> Environment:
        """`production`, `sandbox` or the URL of a simulator, as in QQ_BOT_ENVIRONMENT.

        Raises:
            ValueError: anything else.
        """
        word = text.strip()
        if word.lower() == "production":
            return cls.production()
        if word.lower() == "sandbox":
            return cls.sandbox()
        if urlsplit(word).scheme in ("http", "https"):
            return cls.local(word)
        raise ValueError(
            f"environment 只能是 production、sandbox 或模拟器网址,而不是 {text!r} / "
            f"environment must be production, sandbox or the URL of a simulator, not {text!r}"
        )

    def check_url(self, url: str, *, name: str = "url") -> None:
        """Raises ValueError for a URL that is no URL, or unencrypted outside `.local()`."""
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https", "ws", "wss") or not parts.hostname:
            raise ValueError(f"{name} 不是网址 / {name} is not a URL: {url!r}")
        if parts.scheme in ("http", "ws") and not self.is_local:
            raise ValueError(
                f"{name} 未加密({parts.scheme}://),令牌会泄露;本机模拟器请用 Environment.local(url) / "
                f"{name} is not encrypted ({parts.scheme}://) and would leak the token; "
                f"for a simulator use Environment.local(url)"
            )


@dataclass(frozen=True)
class ReconnectConfig:
    """How the supervisor comes back: full jitter between 0 and min(max_delay, initial_delay · backoff_factor^n)."""

    max_attempts: int | None = None
    """Attempts since the last READY; None never gives up (docs/adr/0006)."""
    initial_delay: float = 1.0
    """Seconds, above 0: attempts without a pause would spin."""
    max_delay: float = 30.0
    """Seconds."""
    backoff_factor: float = 2.0

    def __post_init__(self) -> None:
        if self.max_attempts is not None:
            _whole("ReconnectConfig.max_attempts", self.max_attempts, at_least=1)
        _number("ReconnectConfig.initial_delay", self.initial_delay, above=0)
        _number("ReconnectConfig.max_delay", self.max_delay, at_least=self.initial_delay)
        _number("ReconnectConfig.backoff_factor", self.backoff_factor, at_least=1)


@dataclass(frozen=True)
class HeartbeatConfig:
    """When a peer counts as dead."""

    interval: float | None = None
    """Seconds between beats; None: what Hello says."""
    timeout: float | None = None
    """Seconds after which an unacknowledged beat is missed; None: one interval."""
    max_missed: int = 1
    """Beats missed in a row that end the socket."""

    def __post_init__(self) -> None:
        if self.interval is not None:
            _number("HeartbeatConfig.interval", self.interval, above=0)
        if self.timeout is not None:
            _number("HeartbeatConfig.timeout", self.timeout, above=0)
        _whole("HeartbeatConfig.max_missed", self.max_missed, at_least=1)


@dataclass(frozen=True)
class ShardConfig:
    """One connection's share of the guilds: those with `(guild_id >> 22) % shard_count == shard_id`."""

    shard_id: int = 0
    shard_count: int = 1

    def __post_init__(self) -> None:
        _whole("ShardConfig.shard_count", self.shard_count, at_least=1)
        _whole("ShardConfig.shard_id", self.shard_id, at_least=0)
        if self.shard_id >= self.shard_count:
            raise ValueError(
                f"shard_id 从 0 数起,必须小于 shard_count / shard_id counts from 0 and must be below shard_count: "
                f"{self.shard_id} of {self.shard_count}"
            )

    def __iter__(self) -> Any:
        return iter((self.shard_id, self.shard_count))


@dataclass(frozen=True)
class GatewayConfig:
    """Everything a `BotClient` can be told, as one value. A field left at its default says nothing."""

    app_id: str | None = None
    app_secret: str | None = field(default=None, repr=False)
    intents: Intents | None = None
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

    def __post_init__(self) -> None:
        _whole("workers", self.workers, at_least=1)
        _whole("max_waiting", self.max_waiting, at_least=0)
        _whole("queue_size", self.queue_size, at_least=1)
        _choice("overflow", self.overflow, OVERFLOWS)
        _choice("ordering", self.ordering, ORDERINGS)
        if self.max_age is not None and self.max_age != "reply":
            _number("max_age", self.max_age, above=0)
        if self.slow_after is not None:
            _number("slow_after", self.slow_after, above=0)
        for name, kind in (
            ("reconnect", ReconnectConfig),
            ("heartbeat", HeartbeatConfig),
            ("shard", ShardConfig),
            ("environment", Environment),
        ):
            value = getattr(self, name)
            if value is not None and not isinstance(value, kind):
                raise TypeError(f"{name} 必须是 {kind.__name__} / {name} must be a {kind.__name__}, not {value!r}")
        if self.shards is not None and not isinstance(self.shards, (str, int)):
            # An iterator could be read only once.
            object.__setattr__(self, "shards", tuple(self.shards))
        self.shard_configs()

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
            _whole("shards", self.shards, at_least=1)
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
                near = get_close_matches(name, known, n=1)
                advice = f"; did you mean {near[0]!r}?" if near else f"; known: {', '.join(known)}"
                raise TypeError(f"没有名为 {name!r} 的设置 / there is no setting named {name!r}{advice}")
        return replace(self, heartbeat=heartbeat, reconnect=reconnect, **plain)

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None) -> GatewayConfig:
        """Settings from QQ_BOT_… environment variables (`QQ_BOT_APP_ID`, `QQ_BOT_SECRET`, `QQ_BOT_ENVIRONMENT`, …).

        Raises:
            ValueError: a variable that cannot be read; the message names it.
        """
        source = os.environ if environ is None else environ
        found = {name: source[variable] for name, variable in _ENV_NAMES.items() if source.get(variable, "").strip()}
        for name, text in found.items():
            try:
                cls._from_plain({name: text})
            except (TypeError, ValueError) as error:
                raise ValueError(f"{_ENV_NAMES[name]}: {error}") from error
        return cls._from_plain(found)

    @classmethod
    def from_file(cls, path: str | os.PathLike[str]) -> GatewayConfig:
        """Settings from a TOML file: the fields of this class, `[reconnect]`, `[heartbeat]` and `[shard]` as tables.

        Raises:
            OSError: the file cannot be read.
            ValueError: not TOML, a wrong value, or an unknown key; the message names the file and the key.
        """
        try:
            data = tomllib.loads(Path(path).read_text(encoding="utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise ValueError(f"{path} 不是有效的 TOML / is not valid TOML: {error}") from error
        try:
            if "intents" in data:
                raise ValueError("intents 请在代码中设置 / set intents in code: BotClient(intents=…)")
            return cls._from_plain({name: _read_table(name, value) for name, value in data.items()})
        except (TypeError, ValueError) as error:
            raise ValueError(f"{path}: {error}") from error

    @classmethod
    def _from_plain(cls, found: Mapping[str, Any]) -> GatewayConfig:
        plain: dict[str, Any] = dict(found)
        for name in ("workers", "max_waiting", "queue_size", "shard_count"):
            if isinstance(plain.get(name), str):
                try:
                    plain[name] = int(plain[name])
                except ValueError:
                    raise ValueError(
                        f"{name} 必须是整数 / {name} must be a whole number, not {plain[name]!r}"
                    ) from None
        if isinstance(plain.get("environment"), str):
            plain["environment"] = Environment.parse(plain["environment"])
        if "app_id" in plain:
            plain["app_id"] = str(plain["app_id"])
        return cls().with_changes(**plain)


_TABLES: Mapping[str, type[Any]] = {"reconnect": ReconnectConfig, "heartbeat": HeartbeatConfig, "shard": ShardConfig}


def _read_table(name: str, value: Any) -> Any:
    """A value of a TOML file; where it is one of the tables, as its config."""
    kind = _TABLES.get(name)
    if kind is None:
        return value
    if not isinstance(value, dict):
        raise ValueError(f"{name} 必须是表 / {name} must be a table, like [{name}], not {value!r}")
    known = [item.name for item in fields(kind)]
    for key in value:
        if key not in known:
            near = get_close_matches(key, known, n=1)
            advice = f"; did you mean {near[0]!r}?" if near else f"; known: {', '.join(known)}"
            raise ValueError(f"未知的键 / unknown key [{name}] {key!r}{advice}")
    return kind(**value)


def _whole(name: str, value: object, *, at_least: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{name} 必须是整数 / {name} must be a whole number, not {value!r}")
    if value < at_least:
        raise ValueError(f"{name} 至少为 {at_least} / {name} must be at least {at_least}, not {value}")


def _number(name: str, value: object, *, at_least: float | None = None, above: float | None = None) -> None:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or value != value:
        raise TypeError(f"{name} 必须是数字 / {name} must be a number, not {value!r}")
    if at_least is not None and value < at_least:
        raise ValueError(f"{name} 至少为 {at_least:g} / {name} must be at least {at_least:g}, not {value:g}")
    if above is not None and value <= above:
        raise ValueError(f"{name} 必须大于 {above:g} / {name} must be above {above:g}, not {value:g}")


def _choice(name: str, value: object, known: tuple[str, ...]) -> None:
    if value not in known:
        near = get_close_matches(value, known, n=1) if isinstance(value, str) else []
        advice = f"; did you mean {near[0]!r}?" if near else ""
        raise ValueError(f"{name} 只能是 / {name} must be one of {', '.join(known)}, not {value!r}{advice}")
