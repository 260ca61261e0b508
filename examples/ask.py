"""一段对话:提问,等回答,超时怎么办 / A dialogue: ask, wait for the answer, and what to do if none comes.

对机器人说 / write to the bot:  点单
运行 / run:          python examples/ask.py      (QQ_BOT_APP_ID, QQ_BOT_SECRET)
没有账号 / no account:  qqbot-sync run examples/ask.py --simulator
"""

from qqbot_sync import BotClient

client = BotClient()


@client.on_message(where=lambda message: "点单" in message.text)
def order(ctx, message):
    try:
        drink = ctx.ask("想喝点什么?", timeout=60)
        sugar = drink.ask(f"{drink.event.text},几分糖?", timeout=60)
    except TimeoutError:
        ctx.reply("想好了再叫我")
        return
    sugar.reply(f"{drink.event.text},{sugar.event.text},马上来!")


client.run_forever()
