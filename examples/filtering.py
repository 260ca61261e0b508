"""只听该听的:按频道和前缀过滤 / Hears only what it should: filters by guild and prefix.

ALLOWED_GUILDS 是逗号分隔的频道 ID,不设则全部 / guild ids with commas; all guilds when it is not set.
运行 / run:          python examples/filtering.py      (QQ_BOT_APP_ID, QQ_BOT_SECRET)
没有账号 / no account:  qqbot-sync run examples/filtering.py --simulator
"""

import os

from qqbot_sync import BotClient

client = BotClient()
guilds = os.environ.get("ALLOWED_GUILDS", "").split(",") if os.environ.get("ALLOWED_GUILDS") else None


@client.on_message(guilds=guilds, startswith="!ping")
def ping(ctx, message):
    ctx.reply("Pong!")


@client.on_message(guilds=guilds, startswith="!status")
def status(ctx, message):
    ctx.reply("状态: 在线" if client.is_connected() else "状态: 离线")


client.run_forever()
