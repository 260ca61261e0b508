"""What the tests of the log share: loggers, the handlers that are ours, and seconds to turn by hand."""

from __future__ import annotations

import logging

from qqbot_sync.logs import LogHandler

__all__ = ["GATEWAY", "MYBOT", "OURS", "Clock", "our_handlers"]

OURS = logging.getLogger("qqbot_sync")
GATEWAY = logging.getLogger("qqbot_sync.gateway")
MYBOT = logging.getLogger("mybot")


def our_handlers() -> list[logging.Handler]:
    return [handler for handler in OURS.handlers if isinstance(handler, LogHandler)]


class Clock:
    """Seconds to turn by hand."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def now(self) -> float:
        return self.seconds
