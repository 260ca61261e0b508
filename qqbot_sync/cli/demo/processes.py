"""The demo's two child processes: started, listened to, and always ended."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Mapping
from queue import Empty, Queue
from types import TracebackType

import click

from qqbot_sync.clock import SystemClock

__all__ = ["Child", "ChildFailed", "child_environment"]

GRACE = 6.0
"""Seconds a child gets to end by itself."""


class ChildFailed(click.ClickException):
    """A child process ended, or said nothing, when it was needed; the message carries its last words."""


def child_environment(**changes: str) -> dict[str, str]:
    """This process's environment without the user's own bot settings, with `changes`, and with UTF-8 pipes."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("QQ_BOT_")}
    return {**kept, "PYTHONIOENCODING": "utf-8", "PYTHONUNBUFFERED": "1", **changes}


class Child:
    """A Python process whose life ends with this one's: its standard input is a pipe, and its end is the sign to stop.

    So nothing is left behind even if this process is killed. In a session of its own, so that Ctrl-C reaches only us.
    `said` and `end` are called by the owner alone; a daemon thread reads what the child prints.
    """

    def __init__(self, name: str, arguments: list[str], environ: Mapping[str, str]) -> None:
        self.name = name
        self._lines: Queue[str | None] = Queue()
        self._last: deque[str] = deque(maxlen=12)
        self._process = subprocess.Popen(
            [sys.executable, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=dict(environ),
            encoding="utf-8",
            errors="replace",
            start_new_session=True,
            creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
        )
        self._reader = threading.Thread(target=self._read, name=f"qqbot-demo-{name}", daemon=True)
        self._reader.start()

    def line_with(self, *beginnings: str, timeout: float) -> str:
        """The next line the child prints that begins with one of `beginnings`, stripped.

        Raises:
            ChildFailed: it ended, or `timeout` seconds passed.
        """
        clock = SystemClock()
        end = clock.now() + timeout
        while True:
            try:
                line = self._lines.get(timeout=max(0.0, end - clock.now()))
            except Empty:
                raise ChildFailed(self.complaint(f"没有在 {timeout:g} s 内就绪 / was not ready in time")) from None
            if line is None:
                raise ChildFailed(self.complaint("意外结束 / ended unexpectedly"))
            if line.startswith(beginnings):
                return line

    @property
    def pid(self) -> int:
        return self._process.pid

    def is_alive(self) -> bool:
        return self._process.poll() is None

    def end(self) -> int:
        """Asks it to end, then makes it end; returns its exit status. A second call does nothing more."""
        if self._process.stdin is not None and not self._process.stdin.closed:
            try:
                self._process.stdin.close()
            except OSError:
                pass  # it has ended already: the pipe is broken, which is what was wanted
        for insist in (None, self._process.terminate, self._process.kill):
            if insist is not None:
                insist()
            try:
                status = self._process.wait(GRACE)
                break
            except subprocess.TimeoutExpired:
                continue
        else:
            status = self._process.wait()
        self._reader.join(GRACE)
        if self._process.stdout is not None:
            self._process.stdout.close()
        return status

    def __enter__(self) -> Child:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._last.append(line.rstrip())
            self._lines.put(line.strip())
        self._lines.put(None)

    def complaint(self, what: str) -> str:
        """`what`, with the child's last words."""
        last = "\n".join(self._last) or "(没有输出 / no output)"
        return f"{self.name} {what}; 它最后的输出 / its last output:\n{last}"
