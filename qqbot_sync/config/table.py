"""One table of all settings: key, variable, what it may be. Files, variables and the documentation are read from it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from qqbot_sync.config import kinds
from qqbot_sync.config.kinds import Kind

__all__ = [
    "ALIASES",
    "CONFIG_VARIABLE",
    "ORDERINGS",
    "OTHERS",
    "OVERFLOWS",
    "PREFIX",
    "SETTINGS",
    "TABLES",
    "UNMATCHED",
    "VARIABLES",
    "Setting",
    "hidden_by",
]

OVERFLOWS: tuple[str, ...] = ("block", "drop_oldest", "drop_newest")
ORDERINGS: tuple[str, ...] = ("author", "conversation", "none")
UNMATCHED: tuple[str, ...] = ("error", "ok")

PREFIX = "QQ_BOT_"
CONFIG_VARIABLE = "QQ_BOT_CONFIG"
"""The path of the TOML file: what the argument `config=` is among the environment variables."""
OTHERS = (CONFIG_VARIABLE, "QQ_BOT_LOG")
"""Variables of ours that are no setting of a client."""


@dataclass(frozen=True)
class Setting:
    """One row. A key with a dot stands in the TOML table before the dot."""

    key: str
    kind: Kind
    example: str
    """As TOML."""
    chinese: str
    english: str
    is_argument: bool = True
    """Whether `BotClient` has an argument of its own for it (or for its table); else it goes by `config=`."""

    @property
    def variable(self) -> str:
        """The environment variable."""
        return PREFIX + ("SECRET" if self.key == "app_secret" else self.key.upper().replace(".", "_"))

    @property
    def argument(self) -> str:
        """The argument of `BotClient` that holds it."""
        return self.key.partition(".")[0]


_ROWS = (
    Setting("app_id", kinds.APP_ID, '"1024"', "机器人的 AppID", "the bot's app id, from the console"),
    Setting("app_secret", kinds.SECRET, '"…"', "机器人的 AppSecret", "the bot's secret, from the console"),
    Setting(
        "environment", kinds.ENVIRONMENT, '"production"',
        "production、sandbox 或模拟器网址", "production, sandbox, or the URL of a simulator",
    ),
    Setting(
        "handler", kinds.OBJECT, '"mybot.handlers:MyHandler"',
        "EventHandler 类或实例", "an EventHandler: its class, or an instance",
    ),
    Setting(
        "intents", kinds.INTENTS, '["default", "guild_messages"]',
        "intent 名称,可含 default、all;不填则由处理函数推导",
        "names, default and all among them; else derived from the handlers",
    ),
    Setting("shard", kinds.SHARD, '"0/4"', "本进程唯一的分片", "the one shard of this process"),
    Setting(
        "shards", kinds.SHARDS, '"0-3"',
        "本进程的多个分片:auto、数量,或编号(另需 shard_count)",
        "several shards: auto, a number, or ids (with shard_count)",
    ),
    Setting("shard_count", kinds.SHARD_COUNT, "16", "所有进程的分片总数", "how many shards over all processes"),
    Setting(
        "workers", kinds.WHOLE, "16", "同时运行的处理函数数量", "handlers that may run at the same time"
    ),
    Setting(
        "max_waiting", kinds.WHOLE, "256",
        "同时等待(ask、wait_for)的处理函数数量", "handlers that may wait in ask or wait_for at the same time",
    ),
    Setting("queue_size", kinds.WHOLE, "1000", "已接收、尚未处理的事件上限", "events accepted and not yet begun"),
    Setting(
        "overflow", kinds.word(OVERFLOWS), '"block"',
        "队列满时:block、drop_oldest、drop_newest", "when the queue is full: block, drop_oldest, drop_newest",
    ),
    Setting(
        "ordering", kinds.word(ORDERINGS), '"author"',
        "保持顺序的范围:author、conversation、none", "whose events keep their order: author, conversation, none",
    ),
    Setting(
        "max_age", kinds.MAX_AGE, '"reply"',
        "超过多少秒的事件丢弃;reply:不能再回复时;none:不丢弃",
        "seconds until a waiting event is dropped; reply: when it cannot be answered; none: never",
    ),
    Setting(
        "slow_after", kinds.NUMBER_OR_NONE, "30.0",
        "处理函数运行多少秒后记录其调用栈;none:不记录",
        "seconds after which a running handler is logged with its stack; none: never",
    ),
    Setting(
        "executor", kinds.OBJECT, '"mybot.pool:executor"',
        "运行处理函数的 Executor,或返回它的函数", "an Executor for the handlers, or what returns one",
    ),
    Setting(
        "store", kinds.PATH, '"bot.db"', "SQLite 文件,重启后恢复会话", "an SQLite file: sessions survive a restart"
    ),
    Setting(
        "proxy", kinds.URL, '"http://127.0.0.1:7890"', "代理,用于 HTTP 和 WebSocket", "for HTTP and WebSocket alike"
    ),
    Setting("record", kinds.PATH, '"session.jsonl"', "把事件和 HTTP 记录到文件", "events and HTTP are recorded here"),
    Setting("replay", kinds.PATH, '"session.jsonl"', "回放该文件,不连接 QQ", "played back; QQ is not asked"),
    Setting(
        "replay_speed", kinds.NUMBER, "inf",
        "回放速度:10 为十倍,inf 为尽快", "10: ten times as fast; inf: as fast as the handlers go",
    ),
    Setting(
        "replay_partial", kinds.YES_NO, "true",
        "回放不完整的文件", "play a file that is not whole as far as it is", is_argument=False,
    ),
    Setting(
        "replay_unmatched", kinds.word(UNMATCHED), '"ok"',
        "录制中没有的调用:error 报错,ok 视为成功", "calls that were not recorded: error, or ok (they succeed)",
        is_argument=False,
    ),
    Setting(
        "record_hide_texts", kinds.YES_NO, "true",
        "录制时用占位符代替人们写的文字", "placeholders in place of what people wrote", is_argument=False,
    ),
    Setting(
        "metrics_enabled", kinds.YES_NO, "true",
        "百分位、飞行记录;普通计数始终开启", "percentiles and the flight recorder; plain counters are always on",
        is_argument=False,
    ),
    Setting(
        "debug_logging", kinds.YES_NO, "false", "DEBUG 日志输出到 stderr", "log to stderr at DEBUG", is_argument=False
    ),
    Setting(
        "reconnect.max_attempts", kinds.WHOLE_OR_NONE, "5",
        "自上次 READY 起的尝试次数;none:不放弃", "attempts since the last READY; none: never gives up",
    ),
    Setting("reconnect.initial_delay", kinds.NUMBER, "1.0", "首次等待的上限(秒)", "seconds, the first pause at most"),
    Setting("reconnect.max_delay", kinds.NUMBER, "30.0", "等待的上限(秒)", "seconds, any pause at most"),
    Setting("reconnect.backoff_factor", kinds.NUMBER, "2.0", "每次失败后的倍数", "by which the pause grows"),
    Setting(
        "heartbeat.interval", kinds.NUMBER_OR_NONE, "30.0",
        "心跳间隔(秒);none:按 Hello", "seconds between beats; none: what Hello says",
    ),
    Setting(
        "heartbeat.timeout", kinds.NUMBER_OR_NONE, "60.0",
        "多少秒未确认算丢失;none:一个间隔", "seconds until a beat counts as missed; none: one interval",
    ),
    Setting("heartbeat.max_missed", kinds.WHOLE, "1", "连续丢失几次后断开", "beats missed in a row that end the link"),
)  # fmt: skip

SETTINGS: Mapping[str, Setting] = {row.key: row for row in _ROWS}
TABLES: Mapping[str, tuple[str, ...]] = {
    table: tuple(key.partition(".")[2] for key in SETTINGS if key.startswith(f"{table}."))
    for table in ("reconnect", "heartbeat")
}
"""The TOML tables and the names in them."""
ALIASES: Mapping[str, str] = {
    "heartbeat_timeout": "heartbeat.timeout",
    "event_buffer_size": "queue_size",
    "reconnect_attempts": "reconnect.max_attempts",
}
"""BotRS's names."""


VARIABLES: Mapping[str, Setting | None] = {
    **{setting.variable: setting for setting in _ROWS},
    **{PREFIX + alias.upper(): SETTINGS[key] for alias, key in ALIASES.items()},
    **dict.fromkeys(OTHERS),
}
"""Every variable of ours, and the setting it is read for; None: no setting of a client."""


def hidden_by(changes: Mapping[str, object]) -> Iterable[str]:
    """Which settings of weaker sources these make void: `shard` and `shards` are two ways to say one thing."""
    if changes.get("shard") is not None:
        yield from ("shards", "shard_count")
    if changes.get("shards") is not None:
        yield "shard"
        if isinstance(changes["shards"], (str, int)):
            yield "shard_count"
