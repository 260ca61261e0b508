"""A bot on several shards, in one call."""

from __future__ import annotations

from typing import Any, Literal

from qqbot_sync.client.client import BotClient
from qqbot_sync.dispatch import EventHandler

__all__ = ["run_sharded"]


def run_sharded(handler: EventHandler, shard_count: int | Literal["auto"] = "auto", **options: Any) -> None:
    """Runs all shards of a bot in this process, and blocks like `BotClient.run_forever`.

    They share one dispatcher, one pool and the pace of identifies.

    Args:
        handler: gets the events of all shards.
        shard_count: how many; `"auto"`: as many as the platform recommends.
        options: of `BotClient`; `grace` (seconds) goes to `run_forever`.

    Raises:
        BotError: a cause that no retry can cure.
    """
    grace = options.pop("grace", 10.0)
    BotClient(handler=handler, shards=shard_count, **options).run_forever(grace=grace)
