"""qq-botpy with a handler that does nothing but count."""

from __future__ import annotations

import asyncio

# qq-botpy looks for an event loop while it is imported and built, which newer Pythons no longer make by themselves.
asyncio.set_event_loop(asyncio.new_event_loop())

import botpy  # noqa: E402
from pointing import point_botpy, simulator  # noqa: E402
from stopwatch import seen  # noqa: E402


class Nothing(botpy.Client):
    async def on_group_at_message_create(self, message: object) -> None:  # noqa: ARG002
        seen()


url, app_id, secret = simulator()
point_botpy(url)
Nothing(intents=botpy.Intents(public_messages=True), ext_handlers=False).run(appid=app_id, secret=secret)
