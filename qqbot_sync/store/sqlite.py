"""Memory in one SQLite file, safe when the process is killed."""

from __future__ import annotations

import logging
import os
import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from qqbot_sync import codec
from qqbot_sync.errors import AlreadyRunning
from qqbot_sync.lockfile import LockFile
from qqbot_sync.store.base import MOST_KEYS, Done, Record, Remembered

__all__ = ["SqliteStore"]

log = logging.getLogger("qqbot_sync.client")

SCHEMA_VERSION = 1
BUSY_TIMEOUT = 10.0
"""Seconds to wait for another process that writes to the same file."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS record (
    key TEXT PRIMARY KEY, session_id TEXT, seq INTEGER NOT NULL, mark INTEGER NOT NULL, intents INTEGER NOT NULL,
    wanted INTEGER NOT NULL, saved_at REAL NOT NULL, user TEXT
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS done (
    number INTEGER PRIMARY KEY, key TEXT NOT NULL, session_id TEXT, seq INTEGER, family TEXT, id TEXT
);
CREATE INDEX IF NOT EXISTS done_by_key ON done (key, number);
"""


class SqliteStore:
    """Memory in one file, for as many bots and shards as you like. Thread-safe; bots of several processes may share it.

    A killed process (`kill -9`) loses nothing that was committed. A power cut may lose the last moments, which then
    come again from the platform. A file that is damaged is moved aside with a warning, and the bot starts anew.

    Args:
        path: of the file; its directory must exist.

    Raises:
        OSError: the file cannot be written.
        TypeError: no path.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        if not isinstance(path, (str, os.PathLike)) or not str(path).strip():
            raise TypeError(f"path 必须是文件路径 / path must be the path of a file, not {path!r}")
        self.path = Path(path).absolute()
        self._lock = threading.Lock()
        self._locks: dict[str, LockFile] = {}
        self._connection: sqlite3.Connection | None = None
        _check_writable(self.path)
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
            with self._transaction() as connection:
                return Remembered(_record(connection, key), _done(connection, key))
        except BaseException:
            self.close(key)
            raise

    def commit(self, key: str, record: Record, done: Sequence[Done]) -> None:
        user = codec.dumps(record.user).decode() if record.user is not None else None
        with self._transaction() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO record VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (
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
                    [(key, *one) for one in done],
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
                self._connection = _opened(self.path)
            except sqlite3.DatabaseError as error:
                if isinstance(error, sqlite3.OperationalError):
                    raise OSError(f"无法打开 {self.path} / cannot open {self.path}: {error}") from error
                _move_aside(self.path, error)
                self._connection = _opened(self.path)
        return self._connection

    def _disconnect(self) -> None:
        with self._lock:
            connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()


def _opened(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=BUSY_TIMEOUT, isolation_level=None, check_same_thread=False)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        # With a write-ahead log this survives the death of the process; only a power cut may lose the last commits.
        connection.execute("PRAGMA synchronous = NORMAL")
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if version not in (0, SCHEMA_VERSION):
            raise sqlite3.DatabaseError(f"schema version {version}, written by another release")
        connection.executescript(_SCHEMA)
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
        # Damage further inside must show now, and not in the middle of a run.
        (found,) = connection.execute("PRAGMA quick_check(1)").fetchone()
        if found != "ok":
            raise sqlite3.DatabaseError(str(found))
    except BaseException:
        connection.close()
        raise
    return connection


def _check_writable(path: Path) -> None:
    if path.is_dir():
        raise IsADirectoryError(f"{path} 是目录,请给出文件路径 / {path} is a directory: give the path of a file")
    if not path.parent.is_dir():
        raise FileNotFoundError(f"目录不存在 / there is no directory {path.parent}; create it first")
    with path.open("ab"):
        pass


def _move_aside(path: Path, error: Exception) -> None:
    aside = path.with_name(f"{path.name}.damaged-{time.strftime('%Y%m%d-%H%M%S')}")
    log.warning(
        "状态文件 %s 已损坏(%s),移到 %s,从头开始 / the store %s is damaged (%s): moved to %s, starting anew",
        path,
        error,
        aside.name,
        path,
        error,
        aside.name,
    )
    for suffix in ("", "-wal", "-shm"):
        part = path.with_name(path.name + suffix)
        if part.exists():
            part.replace(aside.with_name(aside.name + suffix))


def _record(connection: sqlite3.Connection, key: str) -> Record | None:
    row = connection.execute(
        "SELECT session_id, seq, mark, intents, wanted, saved_at, user FROM record WHERE key = ?", (key,)
    ).fetchone()
    if row is None:
        return None
    session_id, seq, mark, intents, wanted, saved_at, user = row
    return Record(session_id, seq, mark, intents, wanted, saved_at, codec.loads(user) if user else None)


def _done(connection: sqlite3.Connection, key: str) -> tuple[Done, ...]:
    rows = connection.execute("SELECT session_id, seq, family, id FROM done WHERE key = ? ORDER BY number", (key,))
    return tuple(Done(*row) for row in rows)


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
