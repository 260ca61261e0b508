"""`--bot`: the bot as a process beside the simulator, with what it prints shown on the same screen."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Mapping
from types import TracebackType

from rich.text import Text

from qqbot_sync.cli.talk.entries import clean
from qqbot_sync.cli.talk.screen import Screen

__all__ = ["Bot"]

_GRACE = 12.0
"""Seconds it gets to end: `run_forever` drains for up to ten."""


class Bot:
    """`qqbot-sync run TARGET` as a child process, for the length of a `with` block. Thread-safe.

    Args:
        target: as `run` takes it.
        environ: what the bot needs to know, added to the environment.
        screen: where its output is shown.
    """

    def __init__(self, target: str, environ: Mapping[str, str], screen: Screen) -> None:
        self._screen = screen
        self._ends = threading.Event()
        # Closed by the system when this process is gone, however it went: the bot must not outlive it.
        self._pipe: int | None = None
        pipe: int | None = None
        if os.name == "posix":
            pipe, self._pipe = os.pipe()
        tied = [] if pipe is None else ["--parent", str(pipe)]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "qqbot_sync", "run", *tied, target],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={**os.environ, "PYTHONIOENCODING": "utf-8", "PYTHONUNBUFFERED": "1", **environ},
            encoding="utf-8",
            errors="replace",
            # Ctrl-C at the prompt is for the prompt.
            start_new_session=True,
            pass_fds=() if pipe is None else (pipe,),
            creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
        )
        if pipe is not None:
            os.close(pipe)
        self._reader = threading.Thread(target=self._read, name="qqbot-bot-output", daemon=True)

    def is_alive(self) -> bool:
        """Whether it still runs."""
        return self._process.poll() is None

    def __enter__(self) -> Bot:
        self._reader.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ends.set()
        self._process.terminate()
        try:
            self._process.wait(_GRACE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._pipe is not None:
            os.close(self._pipe)
        self._reader.join()

    def _read(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as lines:
            for line in lines:
                self._screen.show(Text(f"   {clean(line.rstrip())}", style="dim"))
        status = self._process.wait()
        if not self._ends.is_set():
            self._screen.problem(f"机器人结束了 / the bot has ended (exit status {status})")
