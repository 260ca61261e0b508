"""The QQ bot SDK for plain, blocking Python.

from qqbot_sync import BotClient

client = BotClient()                        # QQ_BOT_APP_ID, QQ_BOT_SECRET

@client.on_message()
def echo(ctx, message):
    ctx.reply(f"你说:{message.content}")

client.run_forever()
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qqbot_sync._version import __version__
from qqbot_sync.api import Api, PendingAudit, SendUnconfirmed, Sent
from qqbot_sync.client import (
    BotClient,
    ConnectionState,
    GatewayDiagnostics,
    IntentReport,
    SessionInfo,
    ShardInfo,
    run_sharded,
)
from qqbot_sync.config import Environment, GatewayConfig, HeartbeatConfig, ReconnectConfig, ShardConfig
from qqbot_sync.context import Context
from qqbot_sync.dispatch import EventHandler
from qqbot_sync.errors import (
    ActiveMessageForbidden,
    AlreadyRunning,
    ApiError,
    AuthenticationFailed,
    BotBanned,
    BotError,
    ConnectionFailed,
    ContentRejected,
    DuplicateMessage,
    Forbidden,
    GatewayError,
    HeartbeatTimeout,
    InsufficientPermissions,
    InvalidIntents,
    InvalidSession,
    MediaError,
    NotFound,
    NotInGroup,
    OutcomeUnknown,
    QuotaExceeded,
    RateLimited,
    ReplyExpired,
    ServerError,
    Stopped,
    TooManyWaiting,
    UnknownOpcode,
    UrlNotAllowed,
)
from qqbot_sync.events import Event
from qqbot_sync.intents import Intents
from qqbot_sync.logs import setup_logging
from qqbot_sync.metrics import GatewayMetrics, MetricsSnapshot
from qqbot_sync.protocol.replies import Channel, Direct, Group, User
from qqbot_sync.store import MemoryStore, SqliteStore, Store

if TYPE_CHECKING:
    from qqbot_sync.simulator import Simulator

__all__ = [
    "ActiveMessageForbidden",
    "AlreadyRunning",
    "Api",
    "ApiError",
    "AuthenticationFailed",
    "BotBanned",
    "BotClient",
    "BotError",
    "Channel",
    "ConnectionFailed",
    "ConnectionState",
    "ContentRejected",
    "Context",
    "Direct",
    "DuplicateMessage",
    "Environment",
    "Event",
    "EventHandler",
    "Forbidden",
    "GatewayConfig",
    "GatewayDiagnostics",
    "GatewayError",
    "GatewayMetrics",
    "Group",
    "HeartbeatConfig",
    "HeartbeatTimeout",
    "InsufficientPermissions",
    "IntentReport",
    "Intents",
    "InvalidIntents",
    "InvalidSession",
    "MediaError",
    "MemoryStore",
    "MetricsSnapshot",
    "NotFound",
    "NotInGroup",
    "OutcomeUnknown",
    "PendingAudit",
    "QuotaExceeded",
    "RateLimited",
    "ReconnectConfig",
    "ReplyExpired",
    "SendUnconfirmed",
    "Sent",
    "ServerError",
    "SessionInfo",
    "ShardConfig",
    "ShardInfo",
    "Simulator",
    "SqliteStore",
    "Stopped",
    "Store",
    "TooManyWaiting",
    "UnknownOpcode",
    "UrlNotAllowed",
    "User",
    "__version__",
    "run_sharded",
    "setup_logging",
]


def __getattr__(name: str) -> Any:
    """Parts that need an extra are imported when they are first used."""
    if name == "Simulator":
        try:
            from qqbot_sync.simulator import Simulator
        except ModuleNotFoundError as error:
            if error.name is not None and error.name.startswith("qqbot_sync"):
                raise
            raise ModuleNotFoundError(
                f"模拟器需要额外的依赖({error.name}),请运行 / the simulator needs {error.name}: "
                'pip install "qqbot_sync[simulator]"',
                name=error.name,
            ) from error
        return Simulator
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
