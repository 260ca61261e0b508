"""用类写机器人:每个事件一个方法 / A bot as a class: one method per event, its name in lower case.

运行 / run:          python examples/handler_class.py      (QQ_BOT_APP_ID, QQ_BOT_SECRET)
没有账号 / no account:  qqbot-sync run examples/handler_class.py --simulator
"""

from qqbot_sync import BotClient, EventHandler


class Greeter(EventHandler):
    """Answers in guilds, groups and one to one. A method that is not there costs no intent."""

    def ready(self, ctx, ready):
        print("已上线 / online:", ready.user.username)

    def at_message_create(self, ctx, message):
        ctx.reply(f"{message.author.username},你好!")

    def group_at_message_create(self, ctx, message):
        ctx.reply("大家好!")

    def c2c_message_create(self, ctx, message):
        ctx.reply("你好!")

    def group_add_robot(self, ctx, event):
        ctx.reply("谢谢邀请!")

    def resumed(self, ctx):
        print("连接已恢复 / the session is resumed")

    def error(self, ctx, error):
        print("出错了 / something went wrong:", error)


BotClient(handler=Greeter()).run_forever()
