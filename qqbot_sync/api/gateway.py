"""Where the gateway is.

https://bot.q.qq.com/wiki/develop/api-v2/openapi/wss/url_get.html
"""

from __future__ import annotations

from typing import Any

from qqbot_sync.api.endpoint import endpoint
from qqbot_sync.api.resource import Resource
from qqbot_sync.errors import ServerError
from qqbot_sync.protocol.gateway_info import GatewayInfo

__all__ = ["GatewayCalls"]


class GatewayCalls(Resource):
    """`/gateway` and `/gateway/bot`. Thread-safe."""

    @endpoint("GET", "/gateway/bot", group="gateway")
    def get_gateway(self, *, timeout: float = 30.0, retries: bool = True) -> GatewayInfo:
        """URL of the gateway, recommended shards, and how many sessions may still be started.

        Args:
            timeout: seconds, retries included.
            retries: False for a caller that has a patience of its own: the first failure is raised.

        Raises:
            ApiError: the platform refused, or named no usable URL (ServerError).
            ConnectionFailed: it cannot be reached.

        https://bot.q.qq.com/wiki/develop/api-v2/openapi/wss/shard_url_get.html
        """
        return _info("/gateway/bot", self._call("GET", "/gateway/bot", timeout=timeout, retries=retries))

    get_ws_url = get_gateway
    """botpy's name of `get_gateway`."""

    @endpoint("GET", "/gateway", group="gateway")
    def get_gateway_url(self, *, timeout: float = 30.0) -> str:
        """URL of the gateway alone. Arguments and errors as `get_gateway`.

        https://bot.q.qq.com/wiki/develop/api-v2/openapi/wss/url_get.html
        """
        return _info("/gateway", self._call("GET", "/gateway", timeout=timeout)).url


def _info(path: str, data: Any) -> GatewayInfo:
    try:
        return GatewayInfo.parse(data)
    except ValueError as error:
        raise ServerError(str(error), method="GET", path=path, retryable=True) from error
