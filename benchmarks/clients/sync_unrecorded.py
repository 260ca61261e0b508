"""qqbot_sync with a handler that does nothing but count, and no flight recorder."""

from __future__ import annotations

from pointing import simulator
from stopwatch import seen

from qqbot_sync import BotClient, Environment, GatewayConfig

url, app_id, secret = simulator()
client = BotClient(app_id, secret, environment=Environment.local(url), config=GatewayConfig(metrics_enabled=False))


@client.on("GROUP_AT_MESSAGE_CREATE")
def nothing(ctx: object, message: object) -> None:  # noqa: ARG001
    seen()


client.run_forever()
