"""`qqbot-sync run … --reload`: the bot as a child process, ended gently and started again when its files change.

The child resumes its session from a store, so what is said while it restarts is replayed to the new version.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from queue import Empty, SimpleQueue

import click

from qqbot_sync.cli.sources import MOST_ENTRIES, Changes, Sources
from qqbot_sync.clock import Clock, SystemClock

__all__ = ["Reloader", "end_with_parent"]

LOOK = 0.2
"""Seconds between two looks at the files and the child."""
SHARE = 10
"""A look may take at most one part in so many of the time."""
GRACE = 15.0
"""Seconds the bot gets to end: `run_forever` drains for up to ten."""
INSISTED = 2.0
"""Seconds it gets after a second signal."""
SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK") if hasattr(signal, name))
Command = Callable[[int | None], Sequence[str]]
INSISTENCE = 130
"""The exit status where the user insisted on the end."""


class Reloader:
    """Runs a bot as a child process until it ends well or a signal comes. Not thread-safe; belongs to the main thread.

    Args:
        command_for: the child's command line, by the number of the pipe that it passes to `end_with_parent`.
        sources: the files whose change restarts it.
        environ: the child's environment.
    """

    def __init__(
        self,
        command_for: Command,
        sources: Sources,
        *,
        environ: Mapping[str, str],
        clock: Clock | None = None,
    ) -> None:
        self._command_for = command_for
        self._sources = sources
        self._environ = dict(environ)
        self._clock = clock or SystemClock()
        self._signals: SimpleQueue[int] = SimpleQueue()
        self._pause = LOOK
        self._changes = Changes({})
        self._child: _Child | None = None
        self._ends_at: float | None = None
        """When the child is killed, where it was asked to end."""
        self._is_over = self._is_insisted = False
        self._status = 0

    def run(self) -> int:
        """Returns the exit status: that of the last child, 128 + n where signal n ended it."""
        with self._listening():
            try:
                self._start()
                if self._sources.is_cut:
                    _say(
                        f"文件太多,只监视前 {MOST_ENTRIES} 项,请把机器人放在单独的目录里 / "
                        f"too many files: the first {MOST_ENTRIES} are watched; give the bot a directory of its own",
                        "yellow",
                    )
                while not self._is_over or self._child is not None:
                    self._step()
            finally:
                if self._child is not None:
                    self._child.kill()
        return INSISTENCE if self._is_insisted else self._status

    def _step(self) -> None:
        """Waits a moment for a signal, then looks at the child and the files."""
        with suppress(Empty):
            self._obey(self._signals.get(timeout=self._pause))
        if self._child is not None:
            self._look_at_child(self._child)
        if not self._is_over and self._ends_at is None:
            self._look_at_files()

    def _obey(self, number: int) -> None:
        """Hands a signal on; a second one makes short work of it."""
        if self._child is not None:
            # One that ends for a restart has its signal; another would be the second one to it.
            if self._is_over or self._ends_at is None:
                self._child.tell(number)
            self._ends_at = self._clock.now() + (INSISTED if self._is_over else GRACE)
            self._is_insisted = self._is_over
        self._is_over = True

    def _look_at_child(self, child: _Child) -> None:
        status = child.status()
        if status is None:
            if self._ends_at is not None and self._clock.now() >= self._ends_at:
                child.kill()
            return
        self._child, self._status = None, status
        was_asked, self._ends_at = self._ends_at is not None, None
        if self._is_over:
            return
        if was_asked:
            self._start()
        elif status == 0:
            self._is_over = True
        else:
            _say(
                f"机器人已结束(状态 {status}),等待修改 / the bot has ended (status {status}); waiting for a change",
                "red",
            )

    def _look_at_files(self) -> None:
        began = self._clock.now()
        changed = self._changes.look(self._sources.look(), began)
        # A tree that takes long to look at is looked at less often.
        self._pause = max(LOOK, SHARE * (self._clock.now() - began))
        if not changed:
            return
        error = _first_error(changed, self._sources.trees)
        if error is not None:
            kept = "旧版本继续运行 / the old version goes on" if self._child else "等待修改 / waiting for a change"
            _say(f"{error} · {kept}", "red")
            return
        _say(f"已修改,重新启动 / changed, restarting: {self._names(changed)}", "cyan")
        if self._child is None:
            self._start()
        else:
            self._child.tell(signal.SIGTERM)
            self._ends_at = self._clock.now() + GRACE

    def _start(self) -> None:
        # Looked at before the child reads them: what changes meanwhile starts it once more.
        self._changes = Changes(self._sources.look())
        self._child = _Child(self._command_for, self._environ)

    def _names(self, paths: Sequence[str]) -> str:
        """The changed files as one knows them, and not all of a hundred."""
        shown = [_short(path, self._sources.trees) for path in paths[:3]]
        return ", ".join(shown) + (f" (+{len(paths) - 3})" if len(paths) > 3 else "")

    @contextmanager
    def _listening(self) -> Iterator[None]:
        """Signals become words in the queue: a handler may take no lock."""
        # One that is ignored, as SIGHUP is under nohup, stays so.
        numbers = [number for number in SIGNALS if signal.getsignal(number) is not signal.SIG_IGN]
        old = {number: signal.signal(number, lambda number, _: self._signals.put(number)) for number in numbers}
        try:
            yield
        finally:
            for number, handler in old.items():
                signal.signal(number, handler)


class _Child:
    """One run of the bot. In a session of its own: signals reach it through us alone, each of them once."""

    def __init__(self, command_for: Command, environ: Mapping[str, str]) -> None:
        self._pipe: int | None = None
        if sys.platform == "win32":
            self._process = subprocess.Popen(
                command_for(None), env=environ, creationflags=subprocess.CREATE_NEW_PROCESS_GROUP
            )
            return
        theirs, self._pipe = os.pipe()
        try:
            self._process = subprocess.Popen(
                command_for(theirs), env=environ, pass_fds=(theirs,), start_new_session=True
            )
        except BaseException:
            self._close()
            raise
        finally:
            os.close(theirs)

    def tell(self, number: int) -> None:
        """Hands a signal on: as SIGINT or SIGTERM, the two that `run_forever` obeys."""
        if sys.platform == "win32":
            # The only one there that reaches another process and not this one too.
            gentle: int = signal.CTRL_BREAK_EVENT
        else:
            gentle = signal.SIGINT if number == signal.SIGINT else signal.SIGTERM
        with suppress(OSError):  # it has just ended
            self._process.send_signal(gentle)

    def status(self) -> int | None:
        """Its exit status, as a shell has it; None while it runs."""
        code = self._process.poll()
        if code is None:
            return None
        self._close()
        return code if code >= 0 else 128 - code

    def kill(self) -> None:
        """Ends it at once, and waits for that."""
        with suppress(OSError):
            self._process.kill()
        self._process.wait()
        self._close()

    def _close(self) -> None:
        if self._pipe is not None:
            os.close(self._pipe)
            self._pipe = None


def end_with_parent(pipe: int) -> None:
    """Called by the child: when the other end of the pipe closes, the parent is gone, and this process gets a SIGTERM.

    On Windows (`pipe` is -1) it obeys CTRL_BREAK instead, as if it were SIGTERM.
    """
    if hasattr(signal, "SIGBREAK"):
        signal.signal(signal.SIGBREAK, lambda *_: signal.raise_signal(signal.SIGTERM))
    if pipe >= 0:
        os.set_inheritable(pipe, False)
        threading.Thread(target=_wait_for_parent, args=(pipe,), name="qqbot-parent", daemon=True).start()


def _wait_for_parent(pipe: int) -> None:
    with suppress(OSError):
        os.read(pipe, 1)
    os.kill(os.getpid(), signal.SIGTERM)


def _first_error(paths: Sequence[str], trees: Sequence[Path]) -> str | None:
    """The first of these files that is no Python, with the line; None where all are fine."""
    for path in paths:
        if not path.endswith(".py"):
            continue
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                compile(Path(path).read_bytes(), path, "exec", dont_inherit=True)
        except SyntaxError as error:
            return f"{_short(path, trees)}:{error.lineno or 1}: {error.msg}"
        except ValueError as error:
            return f"{_short(path, trees)}: {error}"
        except OSError:
            # Deleted: whether it is missed, the bot will say.
            continue
    return None


def _short(path: str, trees: Sequence[Path]) -> str:
    for tree in trees:
        with suppress(ValueError):
            return str(Path(path).relative_to(tree))
    return path


def _say(text: str, colour: str) -> None:
    click.secho(f"── {text}", err=True, fg=colour)
