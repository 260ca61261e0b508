"""One bot, one process: a lock file tells when there are two. It warns and forbids nothing."""

from __future__ import annotations

import hashlib
import logging
import os
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import IO
from weakref import WeakSet

if sys.platform == "win32":
    import msvcrt

    def _lock(file: IO[str]) -> None:
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)

    def _unlock(file: IO[str]) -> None:
        """Closing does it."""
else:
    import fcntl

    def _lock(file: IO[str]) -> None:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def _unlock(file: IO[str]) -> None:
        # Closing would do, but for a child that was forked a moment ago and has not closed its own share yet.
        fcntl.flock(file, fcntl.LOCK_UN)


__all__ = ["LockFile"]

log = logging.getLogger("qqbot_sync.client")


class LockFile:
    """Held while a client runs, and let go by the system when the process dies. Not thread-safe.

    Args:
        identity: what must not run twice; only its hash appears on disk.
        directory: None: the system's directory for temporary files.
        name: how the file's name begins.
    """

    def __init__(self, identity: object, *, directory: Path | None = None, name: str | None = None) -> None:
        digest = hashlib.sha256(repr(identity).encode()).hexdigest()[:20]
        name = name or f"qqbot_sync-{_user()}"
        self._path = (directory or Path(tempfile.gettempdir())) / f"{name}-{digest}.lock"
        self._file: IO[str] | None = None

    def take(self, *, warn: bool = True) -> bool:
        """Locks the file; False, after a warning if wanted, where another process holds it."""
        if self._file is not None:
            return True
        try:
            file = self._path.open("a+", encoding="utf-8")
        except OSError as error:
            # No place for a lock file is no reason not to run.
            log.debug("no lock file at %s: %s", self._path, error)
            return True
        try:
            _lock(file)
        except OSError:
            file.close()
            if warn:
                log.warning(
                    "另一个进程正在运行同一个机器人和分片,两者会互相踢下线或重复处理消息 / another process runs the "
                    "same bot and shard: they will kick each other out or handle messages twice"
                )
            return False
        self._file = file
        _held.add(self)
        return True

    def release(self) -> None:
        """Lets go. A second call does nothing."""
        if self._file is not None:
            with suppress(OSError):
                _unlock(self._file)
        self.leave_to_parent()

    def leave_to_parent(self) -> None:
        """In a child that was forked while the lock was held: closes its share, the lock stays the parent's."""
        file, self._file = self._file, None
        _held.discard(self)
        if file is not None:
            with suppress(OSError):
                file.close()


_held: WeakSet[LockFile] = WeakSet()


def _forked() -> None:
    """A child that lives longer than its parent must not keep the parent's locks."""
    for lock_file in list(_held):
        lock_file.leave_to_parent()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forked)


def _user() -> str:
    return str(os.getuid()) if hasattr(os, "getuid") else os.environ.get("USERNAME", "user")
