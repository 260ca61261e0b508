"""Memory in one SQLite file, safe when the process is killed."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from qqbot_sync import codec
from qqbot_sync.errors import AlreadyRunning
from qqbot_sync.lockfile import LockFile
from qqbot_sync.store.base import MOST_KEYS, Done, Record, Remembered
from qqbot_sync.store.file import check_damaged, check_writable, move_aside, opened, replaced

__all__ = ["SqliteStore"]

_LARGEST = (1 << 63) - 1
"""What SQLite can hold."""


class SqliteStore:
    """Memory in one file, for as many bots and shards as you like. Thread-safe; bots of several processes may share it.

    A killed process (`kill -9`) loses nothing that was committed. A power cut may lose the last moments, which then
    come again from the platform. A file that is damaged is moved aside with a warning, and the bot starts anew.

    Args:
        path: of the file; its directory must exist.

    Raises:
        OSError: the file cannot be written.
        TypeError: no path.
        ValueError: it is the database of another program.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        if not isinstance(path, (str, os.PathLike)) or not str(path).strip():
            raise TypeError(f"path 必须是文件路径 / path must be the path of a file, not {path!r}")
        # Resolved, so that two ways to one file meet in one lock.
        self.path = Path(path).resolve()
        self._lock = threading.Lock()
        self._locks: dict[str, LockFile] = {}
        self._connection: sqlite3.Connection | None = None
        check_writable(self.path)
        with self._transaction():
            pass
        self._disconnect()

    def open(self, key: str) -> Remembered:
        lock = LockFile((str(self.path), key), directory=self.path.parent, name=self.path.name)
        if not lock.take(warn=False):
            raise AlreadyRunning(
                f"另一个进程正在使用 {self.path} 中的同一个机器人和分片,请先停止它 / "
                f"another process uses this bot and shard in {self.path}: stop it first, or give each its own file"
            )
        try:
            with self._lock:
                self._locks[key] = lock
            return self._remembered(key)
        except BaseException:
            self.close(key)
            raise

    def commit(self, key: str, record: Record, done: Sequence[Done]) -> None:
        user = codec.dumps(record.user).decode() if record.user is not None else None
        with self._transaction() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO record VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                _storable(
                    key,
                    record.session_id,
                    record.seq,
                    record.mark,
                    record.intents,
                    record.wanted,
                    record.saved_at,
                    user,
                ),
            )
            if done:
                connection.executemany(
                    "INSERT INTO done (key, session_id, seq, family, id) VALUES (?, ?, ?, ?, ?)",
                    [_storable(key, *one) for one in done],
                )
                _forget(connection, key, record)

    def close(self, key: str) -> None:
        with self._lock:
            lock = self._locks.pop(key, None)
            last = not self._locks
        if lock is not None:
            lock.release()
        if last:
            self._disconnect()

    def __repr__(self) -> str:
        return f"<SqliteStore {self.path}>"

    # -- the file -------------------------------------------------------------------------------------------------

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            connection = self._connect()
            try:
                connection.execute("BEGIN IMMEDIATE")
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise

    def _connect(self) -> sqlite3.Connection:
        if self._connection is None:
            try:
                self._connection = opened(self.path)
            except sqlite3.DatabaseError as error:
                check_damaged(self.path, error)
                self._connection = replaced(self.path)
        return self._connection

    def _remembered(self, key: str) -> Remembered:
        def read() -> Remembered:
            with self._transaction() as connection:
                return Remembered(_record(connection, key), _done(connection, key))

        try:
            return read()
        except sqlite3.DatabaseError as error:
            # Damage that shows only in what is read.
            check_damaged(self.path, error)
            self._disconnect()
            move_aside(self.path, error)
            return read()

    def _disconnect(self) -> None:
        with self._lock:
            connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()


def _storable(*values: Any) -> tuple[Any, ...]:
    """What the platform sent may be odd; one odd value must not keep everything else from being written."""
    return tuple(
        value.encode("utf-8", "backslashreplace").decode()
        if isinstance(value, str)
        else max(-_LARGEST, min(value, _LARGEST))
        if isinstance(value, int)
        else value
        for value in values
    )


def _record(connection: sqlite3.Connection, key: str) -> Record | None:
    row = connection.execute(
        "SELECT session_id, seq, mark, intents, wanted, saved_at, user FROM record WHERE key = ?", (key,)
    ).fetchone()
    if row is None:
        return None
    session_id, seq, mark, intents, wanted, saved_at, user = row
    if not isinstance(session_id, (str, type(None))) or not all(isinstance(one, (int, float)) for one in row[1:6]):
        raise sqlite3.DatabaseError("no record of ours")
    return Record(session_id, seq, mark, intents, wanted, saved_at, _user(user))


def _user(text: Any) -> dict[str, Any] | None:
    try:
        user = codec.loads(text) if text else None
    except (codec.Undecodable, TypeError):
        return None
    return user if isinstance(user, dict) else None


def _done(connection: sqlite3.Connection, key: str) -> tuple[Done, ...]:
    rows = connection.execute("SELECT session_id, seq, family, id FROM done WHERE key = ? ORDER BY number", (key,))
    done = tuple(Done(*row) for row in rows)
    if not all(isinstance(one.seq, (int, type(None))) for one in done):
        raise sqlite3.DatabaseError("numbers that are none")
    return done


def _forget(connection: sqlite3.Connection, key: str, record: Record) -> None:
    """Drops the oldest beyond the limit, but nothing that a resume may replay."""
    (oldest_kept,) = connection.execute(
        "SELECT coalesce((SELECT number FROM done WHERE key = ? ORDER BY number DESC LIMIT 1 OFFSET ?), 0)",
        (key, MOST_KEYS),
    ).fetchone()
    if oldest_kept:
        connection.execute(
            "DELETE FROM done WHERE key = ? AND number <= ? AND (seq IS NULL OR session_id IS NOT ? OR seq <= ?)",
            (key, oldest_kept, record.session_id, record.seq),
        )
