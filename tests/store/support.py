"""What the tests of stores share: records, and processes that use a store."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path
from typing import IO

from qqbot_sync.store import Done, Record

KEY = "102000@https://api.example#0/1"
DEADLINE = 60.0
"""Seconds after which a process of a test is killed; only a broken one lives that long."""
ROOT = Path(__file__).parents[2]


def record(**changes: object) -> Record:
    fields: dict[str, object] = {
        "session_id": "S",
        "seq": 10,
        "mark": 256,
        "intents": 1 << 25,
        "wanted": 1 << 25 | 1 << 30,
        "saved_at": 1_790_000_000.5,
        "user": {"id": "1", "username": "机器人", "bot": True},
    }
    return Record(**{**fields, **changes})  # type: ignore[arg-type]


def done(seq: int | None, *, session: str | None = "S", id: str | None = "") -> Done:
    identity = f"id{seq}" if id == "" else id
    return Done(session, seq, "GROUP_MESSAGE_CREATE" if identity is not None else None, identity)


class Process:
    """A script as a process of its own; it speaks in lines and is killed after a deadline."""

    def __init__(self, body: str, *arguments: object) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", body, *map(str, arguments)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=ROOT,
            text=True,
            encoding="utf-8",
        )
        assert self.process.stdout is not None
        self._out: IO[str] = self.process.stdout
        self._watchdog = threading.Timer(DEADLINE, self.process.kill)
        self._watchdog.start()

    def word(self) -> str:
        """The next line of its output; "" when it has ended."""
        return self._out.readline().strip()

    def tell(self) -> None:
        """Gives it a line of input."""
        assert self.process.stdin is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()

    def kill(self) -> str:
        """kill -9; what it had said by then."""
        self.process.kill()
        said, _ = self.process.communicate()
        self._watchdog.cancel()
        return said

    def ends(self) -> tuple[int, str]:
        """(exit status, stderr)."""
        _, error = self.process.communicate()
        self._watchdog.cancel()
        return self.process.returncode, error
