"""The bot of the demo: an ordinary bot in a process of its own. Only its last function knows that it has a parent."""

from __future__ import annotations

import datetime
import os
import random
import re
import threading

from qqbot_sync import BotClient, Context
from qqbot_sync.clock import SystemClock
from qqbot_sync.models import Message

client = BotClient()

WEEKDAYS = "一二三四五六日"


@client.on_message()
def answer(ctx: Context, message: Message) -> None:
    text = message.text
    product = re.search(r"(\d+)\s*\*\s*(\d+)", text)
    if product:
        left, right = map(int, product.groups())
        ctx.reply(f"{left} × {right} = {left * right}")
    elif "点一杯" in text:
        drink = text.partition("点一杯")[2]
        wish = ctx.ask(f"好的,{drink}!要几分糖?要冰吗?", timeout=60)
        wish.reply(f"{wish.event.text},记下了。{drink}马上来!")
    elif "骰子" in text:
        ctx.reply(f"掷出了 {random.randint(1, 6)} 点")
    elif "星期几" in text:
        ctx.reply(f"今天星期{WEEKDAYS[datetime.date.today().weekday()]}")
    elif "在吗" in text:
        ctx.reply("在的!刚才网络断了一下,你的话我都收到了")
    elif "早上好" in text:
        ctx.reply("早上好!今天想聊点什么?")
    elif "厉害" in text:
        ctx.reply("那当然,说过的话不会丢")
    elif "晚安" in text:
        ctx.reply("晚安,好梦")
    elif "谢谢" in text:
        ctx.reply("不客气,下次再来")
    else:
        ctx.reply(f"你说:{text}")


def stop_with_parent(bot: BotClient) -> None:
    """Stops `bot` when the process that started it closes the pipe, or dies."""
    while os.read(0, 1024):
        pass
    clock, never = SystemClock(), threading.Event()
    while True:  # more than once: a stop before `run_forever()` has begun would stop nothing
        bot.stop()
        clock.wait(never, 0.2)


if __name__ == "__main__":
    threading.Thread(target=stop_with_parent, args=(client,), name="parent", daemon=True).start()
    client.run_forever()
