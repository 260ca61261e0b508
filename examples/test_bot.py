"""给机器人写测试:不需要账号,也不连 QQ / Tests of a bot: no account, and nothing leaves this machine.

安装 / install:  pip install "qqbot_sync[simulator]" pytest
运行 / run:      pytest examples/test_bot.py
"""

import pytest

from qqbot_sync import BotClient


def make_bot():
    """The bot under test; a real one lives in a file of its own."""
    client = BotClient()  # in a test it finds the simulator, through the environment

    @client.on_message(startswith="点单")
    def order(ctx, message):
        drink = ctx.ask("想喝点什么?", timeout=60)
        drink.reply(f"{drink.event.text},马上来!")

    @client.on_message(startswith="除以")
    def divide(ctx, message):
        ctx.reply(str(100 // int(message.text.removeprefix("除以"))))

    return client


@pytest.fixture
def bot(qqbot):
    qqbot.client = make_bot()
    return qqbot


@pytest.mark.parametrize("where", ["channel", "direct", "group", "c2c"])
def test_it_calculates_everywhere(bot, where):
    assert bot.say("小明", where, "除以 4").replies()[0].content == "25"


def test_a_dialogue(bot):
    assert bot.say("阿雅", "group", "点单").replies()[0].content == "想喝点什么?"
    assert bot.say("阿雅", "group", "奶茶").replies()[0].content == "奶茶,马上来!"


def test_it_is_silent_when_nobody_asks(bot):
    assert bot.say("小明", "group", "你们好").replies(timeout=0.2) == []


def test_nothing_is_lost_while_the_line_is_cut(bot):
    bot.start()
    bot.simulator.drop()  # also deaf, reconnect, close(code), fail_http, lose_answer …
    assert bot.say("小明", "c2c", "除以 5").replies()[0].content == "20"


def test_an_error_in_a_handler_fails_a_test_unless_it_is_expected(bot):
    bot.say("小明", "group", "除以 0")
    assert isinstance(bot.next_error(), ZeroDivisionError)
