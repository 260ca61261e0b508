"""Which files a bot is made of, and when they have changed: by looking, so without a dependency."""

from __future__ import annotations

import importlib.util
import os
from collections import deque
from collections.abc import Iterable
from pathlib import Path

__all__ = ["Changes", "Snapshot", "Sources", "tree_of_module"]

Snapshot = dict[str, tuple[int, int, int]]
"""Path → time of change in ns, size, inode (an editor that replaces the file changes at least that)."""

SUFFIXES = (".py", ".toml", ".env")
QUIET = 0.2
"""Seconds without a further change after which a change counts: editors and `git checkout` write several files."""
MOST_ENTRIES = 5000
"""Directory entries looked at: a bot's file may lie in the home directory."""
SKIPPED = ("__pycache__", "node_modules", "site-packages")


class Sources:
    """The files to watch. Not thread-safe.

    Args:
        trees: directories, with what is below them; hidden ones and virtual environments are left out.
        files: single files, which need not exist yet.
    """

    def __init__(self, trees: Iterable[Path], files: Iterable[Path] = ()) -> None:
        self.trees = tuple(dict.fromkeys(tree.resolve() for tree in trees))
        self._files = tuple(dict.fromkeys(file.absolute() for file in files))
        self.is_cut = False
        """Whether the last look left something out, because there is more than `MOST_ENTRIES`."""

    def look(self) -> Snapshot:
        """What the files are like now; a file that cannot be read at the moment is not there."""
        found: Snapshot = {}
        roots = [str(tree) for tree in self.trees]
        waiting, left = deque(roots), MOST_ENTRIES
        # Breadth first: what is left out in the end lies deepest.
        while waiting and left > 0:
            directory = waiting.popleft()
            left -= _read(directory, found, waiting, is_root=directory in roots)
        self.is_cut = bool(waiting)
        for file in self._files:
            try:
                found[str(file)] = _mark(file.stat())
            except OSError:
                continue
        return found


class Changes:
    """Turns looks at the files into changes: several that follow close upon each other are one. Pure; not thread-safe.

    Args:
        files: what there was when the bot was started.
    """

    def __init__(self, files: Snapshot) -> None:
        self._settled = self._last = files
        self._since = 0.0

    def look(self, files: Snapshot, now: float) -> list[str]:
        """The paths that differ from the last settled look, once nothing has changed for `QUIET` seconds; else none.

        Args:
            files: what there is now.
            now: seconds of a monotonic clock.
        """
        if files != self._last:
            self._last, self._since = files, now
            return []
        if files == self._settled or now - self._since < QUIET:
            return []
        before, self._settled = self._settled, files
        return sorted(path for path in before.keys() | files.keys() if before.get(path) != files.get(path))


def tree_of_module(name: str) -> Path | None:
    """The directory of the top-level package that a module belongs to, or of its file; None where it is not found.

    Imports nothing: the package's own code may be what is broken.
    """
    try:
        spec = importlib.util.find_spec(name.partition(".")[0])
    except (ImportError, ValueError):
        return None
    if spec is None:
        return None
    places = list(spec.submodule_search_locations or ())
    if places:
        return Path(places[0])
    return Path(spec.origin).parent if spec.origin and spec.has_location else None


def _read(directory: str, found: Snapshot, deeper: deque[str], *, is_root: bool) -> int:
    """Adds one directory's files to `found` and its directories to `deeper`; returns how many entries it has."""
    try:
        with os.scandir(directory) as listing:
            entries = list(listing)
    except OSError:
        return 1
    if not is_root and any(entry.name == "pyvenv.cfg" for entry in entries):
        return len(entries)
    for entry in entries:
        try:
            if entry.is_dir(follow_symlinks=False):
                if not entry.name.startswith(".") and entry.name not in SKIPPED:
                    deeper.append(entry.path)
            elif entry.name.endswith(SUFFIXES):
                found[entry.path] = _mark(entry.stat())
        except OSError:
            # Gone between the listing and the look, as a file is while an editor replaces it.
            continue
    return len(entries) + 1


def _mark(status: os.stat_result) -> tuple[int, int, int]:
    return (status.st_mtime_ns, status.st_size, status.st_ino)
