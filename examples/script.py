"""普通的脚本:上线,等一句话,回答,下线 / A plain script: online, wait for one message, answer, offline.

运行 / run:          python examples/script.py      (QQ_BOT_APP_ID, QQ_BOT_SECRET)
没有账号 / no account:  qqbot-sync run examples/script.py --simulator
"""

from qqbot_sync import BotClient, User

client = BotClient()
client.start()
print("已上线,等人单独对我说话 / online; waiting for somebody to write one to one")
try:
    ctx = client.wait_for("C2C_MESSAGE_CREATE", timeout=300)
    print("收到 / got:", ctx.content)
    ctx.reply("收到!")
    sent = client.send(User(ctx.event.author.user_openid), "还有一句主动消息 / and one that answers nothing")
    print("已发送 / sent:", sent.id)
finally:
    client.stop()
