"""An echo bot on nonebot2 with nonebot-adapter-qq."""

from __future__ import annotations

import nonebot
from nonebot.adapters.qq import Adapter, Bot, MessageEvent
from pointing import say, simulator

url, app_id, secret = simulator()
nonebot.init(
    _env_file=None,
    driver="~aiohttp",
    qq_api_base=url,
    qq_auth_base=f"{url}/app/getAppAccessToken",
    qq_bots=[
        {
            "id": app_id,
            "secret": secret,
            "intent": {"at_messages": True, "direct_message": True, "c2c_group_at_messages": True},
        }
    ],
)
driver = nonebot.get_driver()
driver.register_adapter(Adapter)
echo = nonebot.on_message()


@driver.on_bot_connect
async def connected(bot: Bot) -> None:
    say("READY")


@echo.handle()
async def answer(event: MessageEvent) -> None:
    await echo.send(f"echo {event.get_plaintext().split()[-1]}")


nonebot.run()
