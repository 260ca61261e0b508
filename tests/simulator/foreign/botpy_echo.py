"""An echo bot on qq-botpy."""

from __future__ import annotations

import asyncio

# qq-botpy looks for an event loop while it is imported and built, which newer Pythons no longer make by themselves.
asyncio.set_event_loop(asyncio.new_event_loop())

import botpy  # noqa: E402
from pointing import point_botpy, say, simulator  # noqa: E402


class Echo(botpy.Client):
    async def on_ready(self) -> None:
        say("READY")

    async def on_at_message_create(self, message: object) -> None:
        await message.reply(content=f"echo {message.content.split()[-1]}")

    async def on_direct_message_create(self, message: object) -> None:
        await message.reply(content=f"echo {message.content.split()[-1]}")

    async def on_group_at_message_create(self, message: object) -> None:
        await message.reply(content=f"echo {message.content.split()[-1]}")

    async def on_c2c_message_create(self, message: object) -> None:
        await message.reply(content=f"echo {message.content.split()[-1]}")


url, app_id, secret = simulator()
point_botpy(url)
intents = botpy.Intents(public_guild_messages=True, direct_message=True, public_messages=True)
Echo(intents=intents, ext_handlers=False).run(appid=app_id, secret=secret)
