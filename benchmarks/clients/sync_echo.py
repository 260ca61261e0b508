"""qqbot_sync answering every message."""

from __future__ import annotations

from pointing import simulator

from qqbot_sync import BotClient, Environment

url, app_id, secret = simulator()
client = BotClient(app_id, secret, environment=Environment.local(url))


@client.on_message()
def echo(ctx: object, message: object) -> None:
    ctx.reply(f"echo {message.content}")


client.run_forever()
