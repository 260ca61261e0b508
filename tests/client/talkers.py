"""People who write numbers, and never stop until they are told."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence

from qqbot_sync import Simulator

__all__ = ["AUTHORS", "RATE", "Talkers"]

RATE = 200.0
"""Messages a second, at least, all people together."""
AUTHORS = 20


class Talkers(threading.Thread):
    """Twenty people who write 0, 1, 2, … at `RATE`, each always in the same place.

    Whoever falls behind, because the machine has other things to do, catches up, at the latest before the end.
    """

    def __init__(self, qq: Simulator, *, places: Sequence[str] = ("group", "c2c")) -> None:
        super().__init__(name="talkers")
        self._qq = qq
        self._places = places
        self._over = threading.Event()
        self.said = 0

    def run(self) -> None:
        began = time.monotonic()
        is_over = False
        while not is_over:
            is_over = self._over.wait(0.005)
            due = (time.monotonic() - began) * RATE
            while self.said <= due:
                author = self.said % AUTHORS
                self._qq.say(f"p{author}", self._places[author % len(self._places)], str(self.said))
                self.said += 1

    def end(self) -> None:
        """Says no more; does nothing where nobody has begun."""
        self._over.set()
        if self.ident is not None:
            self.join()
