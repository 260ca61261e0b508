"""qqbot_sync with a handler that does nothing but count, and no flight recorder; everything else as in sync_flood."""

from __future__ import annotations

from pointing import simulator
from stopwatch import seen

from qqbot_sync import BotClient, Environment
from qqbot_sync.recorder import FlightRecorder

url, app_id, secret = simulator()
client = BotClient(app_id, secret, environment=Environment.local(url))
# `metrics_enabled=False` would turn off more than the recorder.
client._recorder = FlightRecorder(client._clock, enabled=False)
client._dispatcher._chain._calls = None


@client.on("GROUP_AT_MESSAGE_CREATE")
def nothing(ctx: object, message: object) -> None:  # noqa: ARG001
    seen()


client.run_forever()
