"""An echo bot on qg-botsdk, which reads the annotations of its handlers as they are: none may be text."""

from pointing import TOKEN_URL, replace_literal, say, simulator
from qg_botsdk import BOT, Model
from qg_botsdk.http import Session

url, app_id, secret = simulator()
replace_literal(BOT.__init__, "https://api.sgroup.qq.com", url)
replace_literal(Session._request_access_token, TOKEN_URL, f"{url}/app/getAppAccessToken")
bot = BOT(bot_id=app_id, bot_secret=secret)


@bot.bind_msg()
def in_channel(message: Model.MESSAGE) -> None:
    message.reply(f"echo {message.content.split()[-1]}")


@bot.bind_dm()
def in_direct(message: Model.DIRECT_MESSAGE) -> None:
    message.reply(f"echo {message.content.split()[-1]}")


@bot.bind_group_msg()
def in_group(message: Model.GROUP_MESSAGE) -> None:
    message.reply(f"echo {message.content.split()[-1]}")


@bot.bind_friend_msg()
def one_to_one(message: Model.C2C_MESSAGE) -> None:
    message.reply(f"echo {message.content.split()[-1]}")


@bot.register_start_event()
def started() -> None:
    say("READY")


bot.start()
