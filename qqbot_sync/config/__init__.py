"""Configuration as frozen values: validated where they are made, compared by content, free of secrets in their repr."""

from qqbot_sync.config.environment import Environment
from qqbot_sync.config.parts import HeartbeatConfig, ReconnectConfig, ShardConfig
from qqbot_sync.config.settings import GatewayConfig, MaxAge, Ordering, Overflow, Shards
from qqbot_sync.config.table import ORDERINGS, OVERFLOWS

__all__ = [
    "ORDERINGS",
    "OVERFLOWS",
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
