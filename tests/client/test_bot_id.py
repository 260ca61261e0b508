"""The bot knows its own id, so that guild messages know whether they mention it; nobody is asked for that."""

from __future__ import annotations

import json
import queue
from typing import Any

from qqbot_sync import Context
from qqbot_sync.models import ChatMessage
from tests.client.scripted import BOT_ID, READY, ScriptedPlatform
from tests.support import PATIENCE


def guild_message(id_: str, content: str, *bots: str) -> dict[str, Any]:
    return {
        "id": id_,
        "content": content,
        "channel_id": "1",
        "guild_id": "2",
        "author": {"id": "99"},
        "mentions": [{"id": bot, "bot": True} for bot in bots],
    }


def test_a_guild_message_knows_whether_it_mentions_this_bot_or_another() -> None:
    got: queue.Queue[tuple[Context, ChatMessage]] = queue.Queue()
    with ScriptedPlatform() as platform:
        client = platform.client()
        client.on("MESSAGE_CREATE")(lambda ctx, message: got.put((ctx, message)))
        client.start()
        platform.dispatch("MESSAGE_CREATE", guild_message("a", f"<@!{BOT_ID}> hi <@!8>", BOT_ID, "8"))
        platform.dispatch("MESSAGE_CREATE", guild_message("b", "<@!8> hi", "8"))
        (ctx, mine), (_, other) = got.get(timeout=PATIENCE), got.get(timeout=PATIENCE)
        assert client.bot_id == ctx.bot_id == BOT_ID
        for _ in range(2):
            assert (mine.mentions_me, mine.text) == (True, "hi <@!8>")
            assert (other.mentions_me, other.text) == (False, "<@!8> hi")
            # Once more after the stop: a notebook looks at messages when the bot is gone.
            client.stop()
        assert client.me.id == BOT_ID
        assert platform.requests == ["/gateway/bot"], "nothing but the gateway's address was asked for"


def test_before_the_start_nobody_knows() -> None:
    with ScriptedPlatform() as platform:
        assert platform.client().bot_id is None
        assert platform.requests == []


def test_an_id_that_comes_as_a_number_is_a_text_like_any_other() -> None:
    with ScriptedPlatform(ready={**READY, "user": {"id": int(BOT_ID)}}) as platform, platform.client() as client:
        assert client.bot_id == BOT_ID


def test_the_first_message_knows_it_too() -> None:
    """READY and a message arrive in one piece: the id is known before any handler runs."""
    first = {"op": 0, "s": 2, "t": "MESSAGE_CREATE", "d": guild_message("a", "<@!8> hi", "8")}
    for _ in range(20):
        got: queue.Queue[str | None] = queue.Queue()
        with ScriptedPlatform(after_ready=(json.dumps(first).encode(),)) as platform:
            client = platform.client()
            client.on("MESSAGE_CREATE")(lambda ctx, message, got=got: got.put(ctx.bot_id))
            client.start()
            assert got.get(timeout=PATIENCE) == BOT_ID
            client.stop()
