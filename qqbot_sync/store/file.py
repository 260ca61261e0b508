"""The SQLite file itself: made, recognised, and moved aside where it is damaged."""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
from pathlib import Path

from qqbot_sync.lockfile import LockFile

__all__ = ["check_damaged", "check_writable", "move_aside", "opened", "replaced"]

log = logging.getLogger("qqbot_sync.client")

APPLICATION_ID = 0x51514254
"""What SQLite's own header calls the files of this package ("QQBT"), so that nobody else's is taken for one."""
SCHEMA_VERSION = 1
BUSY_TIMEOUT = 10.0
"""Seconds to wait for another process that writes to the same file."""
PAUSE = 0.02
"""Seconds between two looks whether another process is done with a damaged file."""

_SCHEMA = (
    "CREATE TABLE record (key TEXT PRIMARY KEY, session_id TEXT, seq INTEGER NOT NULL, mark INTEGER NOT NULL, "
    "intents INTEGER NOT NULL, wanted INTEGER NOT NULL, saved_at REAL NOT NULL, user TEXT) WITHOUT ROWID",
    "CREATE TABLE done "
    "(number INTEGER PRIMARY KEY, key TEXT NOT NULL, session_id TEXT, seq INTEGER, family TEXT, id TEXT)",
    "CREATE INDEX done_by_key ON done (key, number)",
)
_CIRCUMSTANCES = ("locked", "disk I/O", "is full", "unable to open", "readonly")
"""What SQLite says of a file that may be sound."""


def opened(path: Path) -> sqlite3.Connection:
    """The file, new or ours and sound.

    Raises:
        sqlite3.DatabaseError: see `check_damaged`.
        ValueError: it is the database of another program.
    """
    connection = sqlite3.connect(path, timeout=BUSY_TIMEOUT, isolation_level=None, check_same_thread=False)
    try:
        # In one transaction, because another process may be making the same file.
        connection.execute("BEGIN IMMEDIATE")
        if _is_new(connection, path):
            for statement in _SCHEMA:
                connection.execute(statement)
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
        connection.execute("COMMIT")
        _write_ahead(connection)
        # Damage further inside must show now, and not in the middle of a run.
        (found,) = connection.execute("PRAGMA quick_check(1)").fetchone()
        if found != "ok":
            raise sqlite3.DatabaseError(str(found))
    except BaseException:
        connection.close()
        raise
    return connection


def _is_new(connection: sqlite3.Connection, path: Path) -> bool:
    """False: a file of ours. Raises ValueError where it belongs to others, DatabaseError where it cannot be used."""
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if application == APPLICATION_ID:
        if version != SCHEMA_VERSION:
            raise sqlite3.DatabaseError(f"schema version {version}, written by another release")
        if not tables >= {"record", "done"}:
            raise sqlite3.DatabaseError("tables are missing")
        return False
    if application or version or tables:
        raise ValueError(
            f"{path} 是其他程序的 SQLite 数据库,请为 SqliteStore 指定单独的文件 / "
            f"{path} is the SQLite database of another program: give SqliteStore a file of its own"
        )
    return True


def _write_ahead(connection: sqlite3.Connection) -> None:
    # SQLite does not wait by itself for whoever reads or writes while it changes this mode.
    end = time.monotonic() + BUSY_TIMEOUT
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            break
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > end:
                raise
            threading.Event().wait(PAUSE)
    # With a write-ahead log this survives the death of the process; only a power cut may lose the last commits.
    connection.execute("PRAGMA synchronous = NORMAL")


def replaced(path: Path) -> sqlite3.Connection:
    """A new file in place of a damaged one, which is moved aside once, though several processes may find it so."""
    turn = LockFile("damaged", directory=path.parent, name=path.name)
    end = time.monotonic() + BUSY_TIMEOUT
    while not turn.take(warn=False):
        if time.monotonic() > end:
            raise OSError(f"另一个进程占用了 {path} / another process holds {path}")
        threading.Event().wait(PAUSE)
    try:
        try:
            return opened(path)
        except sqlite3.DatabaseError as error:
            check_damaged(path, error)
            move_aside(path, error)
            return opened(path)
    finally:
        turn.release()


def check_damaged(path: Path, error: sqlite3.DatabaseError) -> None:
    """Raises OSError where the file may well be sound and only cannot be used now."""
    if isinstance(error, sqlite3.OperationalError) and any(word in str(error) for word in _CIRCUMSTANCES):
        raise OSError(f"无法打开 {path} / cannot open {path}: {error}") from error


def check_writable(path: Path) -> None:
    """Raises OSError where there can be no such file."""
    if path.is_dir():
        raise IsADirectoryError(f"{path} 是目录,请给出文件路径 / {path} is a directory: give the path of a file")
    if not path.parent.is_dir():
        raise FileNotFoundError(f"目录不存在 / there is no directory {path.parent}; create it first")
    with path.open("ab"):
        pass


def move_aside(path: Path, error: Exception) -> None:
    """Renames a damaged file, and says so."""
    stamp = time.strftime("%Y%m%d-%H%M%S")
    names = (f"{path.name}.damaged-{stamp}{more}" for more in ("", *(f"-{number}" for number in range(2, 1000))))
    aside = next(one for name in names if not (one := path.with_name(name)).exists())
    log.warning(
        "状态文件 %s 已损坏(%s),移到 %s,从头开始 / the store %s is damaged (%s): moved to %s, starting anew",
        path,
        error,
        aside.name,
        path,
        error,
        aside.name,
    )
    # The file itself last: a log that is left behind would be played into the new one.
    for suffix in ("-wal", "-shm", ""):
        part = path.with_name(path.name + suffix)
        if part.exists():
            part.replace(aside.with_name(aside.name + suffix))
