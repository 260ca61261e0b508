"""上线之前确认机器人有所需的 intents / Before it goes online: does the bot have the intents it needs?

运行 / run:          python examples/check_intents.py      (QQ_BOT_APP_ID, QQ_BOT_SECRET)
没有账号 / no account:  qqbot-sync run examples/check_intents.py --simulator

probe=True 会登录一次或几次,计入每天 1000 次会话;平时可以不用:运行中的机器人自己就知道。
probe=True identifies once or a few times, of 1000 sessions a day. A bot that runs knows without.
"""

import sys

from qqbot_sync import BotClient, InsufficientPermissions, Intents

client = BotClient()


@client.on_message()
def answer(ctx, message):
    ctx.reply(f"我有这些 intents:{client.check_intents().granted}")


report = client.check_intents(probe=True)
print(report)
try:
    report.raise_for_missing()  # 处理函数想要的一切 / everything the handlers would like
    report.raise_for_missing(Intents.GROUP_AND_C2C_EVENT)  # 或者自己点名 / or what you name
except InsufficientPermissions as error:
    sys.exit(str(error))

client.run_forever()
