"""How many shards the platform recommends: asked until it is told."""

from __future__ import annotations

import logging
import random

from qqbot_sync.api import Api
from qqbot_sync.client.standing import CENSUS, Standing
from qqbot_sync.clock import Clock
from qqbot_sync.config import ReconnectConfig
from qqbot_sync.errors import BotError
from qqbot_sync.protocol.recovery import Recovery

__all__ = ["recommended_shards"]

log = logging.getLogger("qqbot_sync.gateway")

TIMEOUT = 10.0
"""Seconds for one question."""


def recommended_shards(api: Api, standing: Standing, reconnect: ReconnectConfig, clock: Clock) -> int | None:
    """The platform's recommendation; None where the run is over before it came. Blocks.

    Raises:
        BotError: a cause that no retry can cure.
    """
    recovery = Recovery(reconnect, random.random)
    standing.dials(CENSUS)
    while not standing.over.is_set():
        try:
            return api.get_gateway(timeout=TIMEOUT, retries=False).shards
        except BotError as error:
            following = recovery.after_failure(error, clock.now())
            if following.error is not None:
                raise following.error from error
            standing.waits(CENSUS, following.delay, cause=error, known=following.known_wait)
            log.warning("cannot ask for the number of shards (%s); again in %.1f s", error, following.delay)
            clock.wait(standing.over, following.delay)
    return None
