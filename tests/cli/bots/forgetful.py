"""A bot for the demo that does not answer one message and answers another twice."""

from __future__ import annotations

import threading

from qqbot_sync import BotClient
from qqbot_sync.cli.demo.bot import stop_with_parent

client = BotClient()


@client.on_message()
def answer(ctx, message):
    if "星期几" in message.text:
        return
    ctx.reply("嗯")
    if "晚安" in message.text:
        ctx.reply("嗯嗯")


threading.Thread(target=stop_with_parent, args=(client,), daemon=True).start()
client.run_forever()
