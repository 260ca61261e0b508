"""The bot that `test_kill` kills. Run as a script: store file, journal file.

Every line of the journal is one `write` to a file opened for appending, so that it outlives the process:

    up S 0 0 T      READY or RESUMED; S is the number of the session's newest event, T monotonic seconds
    B text S R T    a handler begins; R is 1 where the event was redelivered
    E text S R T    it has ended
"""

from __future__ import annotations

import os
import random
import sys
import threading
import time
from typing import Any

from qqbot_sync import BotClient, Context, ReconnectConfig
from qqbot_sync.store import SqliteStore


def main(store: str, journal: str) -> None:
    file = os.open(journal, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    dice = random.Random(os.getpid())
    client = BotClient(
        store=SqliteStore(store), workers=8, reconnect=ReconnectConfig(initial_delay=0.01, max_delay=0.1)
    )

    def write(kind: str, text: str, ctx: Context) -> None:
        line = f"{kind} {text} {ctx.seq or 0} {int(ctx.redelivered)} {time.monotonic():.6f}\n"
        os.write(file, line.encode())

    @client.on_start
    def up(ctx: Context, ready: Any) -> None:
        write("up", "-", ctx)

    @client.on_message()
    def answer(ctx: Context, message: Any) -> None:
        text = message.content.strip()
        write("B", text, ctx)
        # In a channel a reply has no number that the platform could know it by, and no more than five a second may go.
        replies = ctx.name != "AT_MESSAGE_CREATE"
        try:
            if replies:
                ctx.reply(f"first to {text}")
            threading.Event().wait(dice.uniform(0.005, 0.025))
            if replies and int(text) % 4 == 0:
                ctx.reply(f"second to {text}")
        finally:
            write("E", text, ctx)

    client.run_forever(logging=False)


if __name__ == "__main__":
    main(*sys.argv[1:])
