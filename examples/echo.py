"""把听到的话说回去 / Says what it hears.

运行 / run:          python examples/echo.py      (QQ_BOT_APP_ID, QQ_BOT_SECRET)
没有账号 / no account:  qqbot-sync run examples/echo.py --simulator
"""

from qqbot_sync import BotClient

client = BotClient()  # QQ_BOT_APP_ID, QQ_BOT_SECRET


@client.on_message()
def echo(ctx, message):
    ctx.reply(f"你说:{message.content}")


client.run_forever()
