"""The platform's HTTP interface."""

from __future__ import annotations

from qqbot_sync.api.api import Api
from qqbot_sync.api.http import Http, NetworkFailure, NotSent, Unknown
from qqbot_sync.api.sent import PendingAudit, SendUnconfirmed, Sent
from qqbot_sync.api.token import Token

__all__ = ["Api", "Http", "NetworkFailure", "NotSent", "PendingAudit", "SendUnconfirmed", "Sent", "Token", "Unknown"]
