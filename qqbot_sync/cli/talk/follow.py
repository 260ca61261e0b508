"""Shows what happens in a simulator while it happens."""

from __future__ import annotations

import threading

from qqbot_sync.cli.looking import Looking
from qqbot_sync.cli.talk.entries import SHOWN, line_of
from qqbot_sync.cli.talk.remote import Remote
from qqbot_sync.cli.talk.screen import Screen

__all__ = ["Follower"]

_LOOK = 0.1
"""Seconds between two looks at the log."""


class Follower(Looking):
    """Shows the entries of a simulator's log for the length of a `with` block. `own` is thread-safe.

    Args:
        remote: the simulator.
        screen: where they are shown.
        since: the number of the last entry that is known already.
    """

    def __init__(self, remote: Remote, screen: Screen, *, since: int = 0) -> None:
        super().__init__("qqbot-follower", _LOOK)
        self._remote = remote
        self._screen = screen
        self._since = since
        self._names: dict[str, str] = {}
        self.own = threading.Lock()
        """Held while the person at this prompt acts: what they do need not be shown to them again."""
        self.mine: set[str] = set()
        """Ids of what they did; touched under `own`."""

    def look(self, *, is_last: bool) -> bool:
        try:
            self._look()
        except (ConnectionError, ValueError) as error:
            if not is_last:
                self._screen.problem(str(error))
            return False
        return True

    def _look(self) -> None:
        for entry in self._remote.call("log", since=self._since, kinds=list(SHOWN)):
            self._since = entry["number"]
            with self.own:
                is_mine = entry["kind"] == "said" and entry["id"] in self.mine
            for id in (entry.get("id"), entry.get("event_id")) if "user" in entry else ():
                if id:
                    self._names[id] = entry["user"]
            if not is_mine:
                self._screen.show(line_of(entry, self._names))
