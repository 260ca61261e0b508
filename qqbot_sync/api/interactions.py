"""Answers to pressed buttons and menu entries.

https://bot.q.qq.com/wiki/develop/api-v2/server-inter/message/trans/msg-btn.html
"""

from __future__ import annotations

from qqbot_sync.api.checks import whole
from qqbot_sync.api.endpoint import endpoint
from qqbot_sync.api.resource import Resource, quoted

__all__ = ["InteractionCalls"]


class InteractionCalls(Resource):
    """`/interactions`. Thread-safe."""

    app_id: str

    @endpoint("PUT", "/interactions/{interaction_id}", group="interactions")
    def put_interaction(self, interaction_id: str, code: int = 0, *, timeout: float = 30.0) -> None:
        """Acknowledges an INTERACTION_CREATE. A running `BotClient` does it by itself; `ctx.ack(code)` chooses the
        code. Only types 11 (button) and 12 (menu) need it, once, within about 3 seconds.

        Args:
            interaction_id: the event's `d.id`, not the `id` of the frame.
            code: 0 done, 1 failed, 2 too frequent, 3 repeated, 4 no permission, 5 admins only.
            timeout: seconds, retries included.

        Raises:
            ApiError: the platform refused, for example because it was acknowledged before.
            OutcomeUnknown: it may have been acknowledged.
            ConnectionFailed: the platform cannot be reached.
        """
        path = f"/interactions/{quoted('interaction_id', interaction_id)}"
        body = {"code": whole("code", code, 0, 5)}
        self._call("PUT", path, body=body, headers={"X-Callback-AppID": self.app_id}, timeout=timeout)

    on_interaction_result = put_interaction
    """botpy's name of `put_interaction`."""
