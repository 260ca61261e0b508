"""The client: the façade users meet, and what starts and stops the parts behind it."""

from qqbot_sync.client.client import BotClient
from qqbot_sync.client.diagnostics import GatewayDiagnostics
from qqbot_sync.client.intent_report import IntentReport
from qqbot_sync.client.sharded import run_sharded
from qqbot_sync.client.state import ConnectionState, SessionInfo, ShardInfo

__all__ = [
    "BotClient",
    "ConnectionState",
    "GatewayDiagnostics",
    "IntentReport",
    "SessionInfo",
    "ShardInfo",
    "run_sharded",
]
