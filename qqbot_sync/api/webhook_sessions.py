"""Webhook sessions of the old kind, registered over HTTP; today the callback URL is set in the console.

Only Tencent's Go SDK ever knew these calls.
"""

from __future__ import annotations

from collections.abc import Sequence

from qqbot_sync.api.checks import text, whole
from qqbot_sync.api.endpoint import endpoint
from qqbot_sync.api.resource import Resource, quoted
from qqbot_sync.config import ShardConfig
from qqbot_sync.intents import Intents
from qqbot_sync.models import WebhookSession, WebhookSessionCreated

__all__ = ["WebhookSessionCalls"]

_PATH = "/gateway/webhook/sessions"


class WebhookSessionCalls(Resource):
    """`/gateway/webhook/sessions`. Legacy: not in the platform's documents. Thread-safe; errors and `timeout` as in
    `Resource`."""

    @endpoint("POST", _PATH, group="gateway", legacy=True)
    def create_webhook_session(
        self,
        callback_url: str,
        *,
        intents: Intents | int,
        shard: Sequence[int] = (0, 1),
        timeout: float = 30.0,
    ) -> WebhookSessionCreated:
        """Registers a URL that events are posted to. Legacy: not in the platform's documents.

        Args:
            callback_url: https.
            intents: which events.
            shard: [number, count].
        """
        url = text("callback_url", callback_url)
        if not url.startswith("https://"):
            raise ValueError("callback_url 必须以 https:// 开头 / callback_url must begin with https://")
        number, count = _shard(shard)
        mask = whole("intents", intents, 0, 2**31 - 1)
        body = {"intents": mask, "shards": [number, count], "callback_url": url}
        return self._call_for(WebhookSessionCreated, "POST", _PATH, body=body, timeout=timeout)

    @endpoint("GET", _PATH, group="gateway", legacy=True)
    def get_webhook_sessions(self, *, timeout: float = 30.0) -> list[WebhookSession]:
        """The sessions that are registered. Legacy: not in the platform's documents."""
        return self._call_for_list(WebhookSession, "GET", _PATH, inside="sessions", timeout=timeout)

    @endpoint("PATCH", f"{_PATH}?action=check", group="gateway", legacy=True)
    def check_webhook_sessions(self, *, timeout: float = 30.0) -> list[WebhookSession]:
        """Has the platform wake sessions that are inactive, and gives all. Legacy: not in the platform's documents."""
        query = {"action": "check"}
        return self._call_for_list(WebhookSession, "PATCH", _PATH, inside="sessions", query=query, timeout=timeout)

    @endpoint("DELETE", f"{_PATH}/{{session_id}}", group="gateway", legacy=True)
    def delete_webhook_session(self, session_id: str, *, timeout: float = 30.0) -> None:
        """Ends a session. Legacy: not in the platform's documents."""
        self._call("DELETE", f"{_PATH}/{quoted('session_id', session_id)}", timeout=timeout)


def _shard(shard: Sequence[int]) -> tuple[int, int]:
    try:
        number, count = shard
    except (TypeError, ValueError):
        raise ValueError(f"shard 必须是 [编号, 总数] / shard must be [number, count], not {shard!r}") from None
    checked = ShardConfig(whole("shard[0]", number, 0, 2**31 - 1), whole("shard[1]", count, 1, 2**31 - 1))
    return checked.shard_id, checked.shard_count
