"""The file of `SqliteStore`: damaged, in the way, in use by others, and its writer killed at any moment."""

from __future__ import annotations

import logging
import os
import random
import shutil
import sqlite3
import sys
from pathlib import Path
from typing import Any

import pytest

from qqbot_sync.errors import AlreadyRunning
from qqbot_sync.store import Remembered, SqliteStore
from tests.store.support import KEY, Process, done, record


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "bot.db"


def filled(path: Path, groups: int = 40) -> None:
    store = SqliteStore(path)
    store.open(KEY)
    for number in range(groups):
        store.commit(KEY, record(seq=10), [done(20 * number + seq) for seq in range(11, 31)])
    store.close(KEY)


def aside(path: Path) -> list[Path]:
    return sorted(path.parent.glob(f"{path.name}.damaged-*"))


# -- damage ---------------------------------------------------------------------------------------------------------


def garbage(path: Path) -> None:
    path.write_bytes(random.Random(1).randbytes(5000))


def truncated(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2 + 100)


def header_only(path: Path) -> None:
    os.truncate(path, 60)


def newer_schema(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 2")
    connection.close()


def inside(path: Path) -> None:
    """Every page but the first is overwritten."""
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xa5" * (size - 4096))


def missing_table(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("DROP TABLE done")
    connection.close()


def other_columns(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("ALTER TABLE record RENAME COLUMN mark TO mork")
    connection.close()


def wrong_values(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE record SET seq = 'x', mark = 'y'")
    connection.close()


def bad_text(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE record SET session_id = CAST(x'ff00fe' AS TEXT)")
    connection.close()


DAMAGES = [
    garbage,
    truncated,
    header_only,
    newer_schema,
    inside,
    missing_table,
    other_columns,
    wrong_values,
    bad_text,
]


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_file_is_moved_aside_with_a_warning_and_the_bot_starts(
    path: Path, damage: Any, caplog: pytest.LogCaptureFixture
) -> None:
    filled(path)
    damage(path)
    store = SqliteStore(path)
    assert store.open(KEY) == Remembered(None, ())
    store.commit(KEY, record(), [done(11)])
    store.close(KEY)
    assert len([one for one in aside(path) if not one.name.endswith(("-wal", "-shm"))]) == 1
    warnings = [one.getMessage() for one in caplog.records if one.levelno == logging.WARNING]
    assert len(warnings) == 1
    assert str(path) in warnings[0]
    assert aside(path)[0].name in warnings[0]
    again = SqliteStore(path)
    assert again.open(KEY) == Remembered(record(), (done(11),))
    again.close(KEY)


def test_damage_that_comes_while_no_bot_runs_is_found_at_the_start(path: Path) -> None:
    filled(path)
    store = SqliteStore(path)
    garbage(path)
    for leftover in (path.with_name("bot.db-wal"), path.with_name("bot.db-shm")):
        leftover.unlink(missing_ok=True)
    assert store.open(KEY) == Remembered(None, ())
    store.close(KEY)
    assert aside(path)


def test_a_user_that_cannot_be_read_costs_only_itself(path: Path) -> None:
    filled(path)
    connection = sqlite3.connect(path)
    with connection:
        connection.execute("UPDATE record SET user = '{]'")
    connection.close()
    store = SqliteStore(path)
    assert store.open(KEY).record == record(user=None)
    store.close(KEY)
    assert aside(path) == []


@pytest.mark.parametrize("seed", range(12))
def test_a_few_wrong_bytes_anywhere_never_keep_the_bot_from_starting(path: Path, seed: int) -> None:
    filled(path, 5)
    dice = random.Random(seed)
    data = bytearray(path.read_bytes())
    for _ in range(dice.randint(1, 20)):
        data[dice.randrange(len(data))] ^= dice.randint(1, 255)
    path.write_bytes(data)
    try:
        store = SqliteStore(path)
        store.open(KEY)
    except ValueError:
        # Among the few bytes are those that say whose file it is.
        return
    store.commit(KEY, record(), [done(11)])
    store.close(KEY)


@pytest.mark.parametrize("version", [0, 7])
def test_the_database_of_another_program_is_left_alone(path: Path, version: int) -> None:
    connection = sqlite3.connect(path)
    with connection:
        connection.execute("CREATE TABLE precious (thing TEXT)")
        connection.execute("INSERT INTO precious VALUES ('x')")
        connection.execute(f"PRAGMA user_version = {version}")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(ValueError, match="another program"):
        SqliteStore(path)
    assert path.read_bytes() == before
    assert aside(path) == []


def test_an_empty_file_is_a_new_one(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path.touch()
    filled(path, 1)
    assert aside(path) == []
    assert caplog.records == []


def test_what_was_moved_aside_before_is_not_overwritten(path: Path) -> None:
    for number in range(3):
        path.write_bytes(b"damage %d" % number * 100)
        SqliteStore(path)
    assert sorted(one.read_bytes()[:8] for one in aside(path)) == [b"damage 0", b"damage 1", b"damage 2"]


def killed(path: Path) -> Path:
    """The file as a killed process leaves it, with everything still in its log; returns the log."""
    alive = path.with_name("alive.db")
    store = SqliteStore(alive)
    store.open(KEY)
    for seq in range(1, 31):
        store.commit(KEY, record(seq=seq), [done(seq)])
    for suffix in ("", "-wal", "-shm"):
        shutil.copy(alive.with_name(alive.name + suffix), path.with_name(path.name + suffix))
    store.close(KEY)
    return path.with_name(f"{path.name}-wal")


def flipped(log: Path) -> None:
    data = bytearray(log.read_bytes())
    for place in range(len(data) // 3, len(data), 1000):
        data[place] ^= 0xFF
    log.write_bytes(data)


@pytest.mark.parametrize(
    ("damage", "seqs"),
    [
        pytest.param(lambda log: None, range(30, 31), id="none"),
        pytest.param(lambda log: os.truncate(log, log.stat().st_size // 2 + 77), range(1, 30), id="truncated"),
        pytest.param(flipped, range(30), id="flipped"),
        pytest.param(lambda log: log.write_bytes(random.Random(1).randbytes(50_000)), range(1), id="garbage"),
        pytest.param(lambda log: os.truncate(log, 0), range(1), id="empty"),
        pytest.param(lambda log: log.with_name("bot.db-shm").write_bytes(b"\xa5" * 32768), range(30, 31), id="shm"),
    ],
)
def test_a_damaged_log_beside_the_file_costs_at_most_the_memory(path: Path, damage: Any, seqs: range) -> None:
    """What is found is a state that once was: record and list agree."""
    damage(killed(path))
    store = SqliteStore(path)
    found = store.open(KEY)
    assert (found.record.seq if found.record is not None else 0) in seqs
    assert [one.seq for one in found.done] == list(range(1, 1 + (found.record.seq if found.record is not None else 0)))
    store.commit(KEY, record(seq=77), [done(77)])
    store.close(KEY)
    last = SqliteStore(path).open(KEY).record
    assert last is not None
    assert last.seq == 77


def test_the_log_of_a_damaged_file_is_not_played_into_the_new_one(path: Path) -> None:
    killed(path)
    garbage(path)
    assert SqliteStore(path).open(KEY) == Remembered(None, ())
    assert aside(path)


# -- paths ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("wrong", [None, 5, b"bot.db", "", "   ", ["bot.db"], True])
def test_what_is_no_path_is_a_type_error(wrong: Any) -> None:
    with pytest.raises(TypeError, match="path"):
        SqliteStore(wrong)


def test_a_directory_is_an_error_at_the_call(tmp_path: Path) -> None:
    with pytest.raises(IsADirectoryError, match="directory"):
        SqliteStore(tmp_path)


def test_a_missing_directory_is_an_error_at_the_call(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="create it first"):
        SqliteStore(tmp_path / "nowhere" / "bot.db")


def test_a_file_in_place_of_the_directory_is_an_error_at_the_call(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(FileNotFoundError, match="directory"):
        SqliteStore(tmp_path / "file" / "bot.db")


def test_a_file_that_cannot_be_written_is_an_error_at_the_call(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    filled(path)
    path.chmod(0o400)
    if os.access(path, os.W_OK):
        # Root may write everywhere: then the refusal is played.
        real = Path.open

        def refused(self: Path, mode: str = "r", *rest: Any, **more: Any) -> Any:
            if self == path and mode != "r":
                raise PermissionError(13, "Permission denied", str(path))
            return real(self, mode, *rest, **more)

        monkeypatch.setattr(Path, "open", refused)
    with pytest.raises(PermissionError, match=r"bot\.db"):
        SqliteStore(path)


def test_making_a_store_creates_the_file_and_holds_nothing_open(path: Path) -> None:
    SqliteStore(path)
    assert path.exists()
    if os.path.isdir("/proc/self/fd"):
        targets = []
        for number in os.listdir("/proc/self/fd"):
            try:
                targets.append(os.readlink(f"/proc/self/fd/{number}"))
            except OSError:
                continue
        assert not [target for target in targets if "bot.db" in target]


# -- a file in use --------------------------------------------------------------------------------------------------

HOLDER = """
import sys
from qqbot_sync.errors import AlreadyRunning
from qqbot_sync.store import SqliteStore
store = SqliteStore(sys.argv[1])
try:
    store.open(sys.argv[2])
except AlreadyRunning as error:
    print("refused", flush=True)
    sys.exit(3)
print("open", flush=True)
sys.stdin.readline()
store.close(sys.argv[2])
print("closed", flush=True)
sys.stdin.readline()
"""


def test_a_second_process_with_the_same_bot_and_shard_is_refused_until_the_first_lets_go(path: Path) -> None:
    holder = Process(HOLDER, path, KEY)
    try:
        assert holder.word() == "open"
        store = SqliteStore(path)
        with pytest.raises(AlreadyRunning, match=r"another process .*bot\.db"):
            store.open(KEY)
        with pytest.raises(AlreadyRunning):
            store.open(KEY)
        assert Process(HOLDER, path, KEY).ends()[0] == 3
        holder.tell()
        assert holder.word() == "closed"
        assert store.open(KEY) == Remembered(None, ())
        store.close(KEY)
    finally:
        holder.kill()


def test_a_process_that_was_killed_holds_nothing(path: Path) -> None:
    holder = Process(HOLDER, path, KEY)
    assert holder.word() == "open"
    holder.kill()
    store = SqliteStore(path)
    store.open(KEY)
    store.close(KEY)


@pytest.mark.skipif(sys.platform == "win32", reason="symbolic links")
def test_two_ways_to_one_file_are_one_file(path: Path) -> None:
    first = SqliteStore(path)
    link = path.parent / "elsewhere" / "link.db"
    link.parent.mkdir()
    link.symlink_to(path)
    first.open(KEY)
    for other in (link, path.parent / "elsewhere" / ".." / "bot.db"):
        with pytest.raises(AlreadyRunning):
            SqliteStore(other).open(KEY)
    first.close(KEY)


def test_different_bots_and_shards_share_a_file(path: Path) -> None:
    holders = [Process(HOLDER, path, f"{KEY} {number}") for number in range(3)]
    try:
        assert [holder.word() for holder in holders] == ["open"] * 3
        store = SqliteStore(path)
        store.open(KEY)
        store.commit(KEY, record(), [done(11)])
        store.close(KEY)
    finally:
        for holder in holders:
            holder.kill()


WRITER = """
import sys
from qqbot_sync.store import SqliteStore
from tests.store.support import done, record
path, key, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
print("here", flush=True)
sys.stdin.readline()
store = SqliteStore(path)
store.open(key)
for seq in range(1, count + 1):
    store.commit(key, record(seq=seq), [done(seq), done(seq + 100000)])
    print(seq, flush=True)
"""


@pytest.mark.parametrize("state", ["new", "damaged"])
def test_processes_that_begin_at_the_same_moment_share_the_file(path: Path, state: str) -> None:
    if state == "damaged":
        garbage(path)
    writers = [Process(WRITER, path, f"{KEY} {number}", 30) for number in range(4)]
    for writer in writers:
        assert writer.word() == "here"
    for writer in writers:
        writer.tell()
    for writer in writers:
        status, error = writer.ends()
        assert status == 0, error
    assert len(aside(path)) <= 1
    store = SqliteStore(path)
    for number in range(4):
        assert store.open(f"{KEY} {number}").record == record(seq=30)
        store.close(f"{KEY} {number}")


def killed_at_random(path: Path, seed: int) -> None:
    dice = random.Random(seed)
    writer = Process(WRITER, path, KEY, 100_000)
    assert writer.word() == "here"
    writer.tell()
    last = 0
    for _ in range(dice.randint(1, 60)):
        last = int(writer.word())
    rest = writer.kill().split("\n")
    last = max([last, *[int(line) for line in rest[:-1] if line]])
    store = SqliteStore(path)
    remembered = store.open(KEY)
    store.close(KEY)
    assert remembered.record is not None
    assert remembered.record.seq >= last, "what was committed is there"
    groups = [one.seq for one in remembered.done if one.seq is not None]
    assert len(groups) % 2 == 0, "a group is written whole or not at all"
    assert groups[-2:] == [remembered.record.seq, remembered.record.seq + 100_000], "with its record"
    assert aside(path) == []


@pytest.mark.parametrize("seed", range(3))
def test_a_writer_killed_at_any_moment_leaves_its_last_commit(path: Path, seed: int) -> None:
    for part in range(2):
        killed_at_random(path, seed * 100 + part)


@pytest.mark.long
def test_a_writer_killed_fifty_times_leaves_its_last_commit_each_time(path: Path) -> None:
    for seed in range(50):
        killed_at_random(path, 1000 + seed)


def test_a_file_that_another_program_locks_is_an_os_error_and_not_damage(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("qqbot_sync.store.file.BUSY_TIMEOUT", 0.05)
    filled(path)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(OSError, match="locked"):
        SqliteStore(path)
    other.execute("ROLLBACK")
    other.close()
    assert aside(path) == []
    SqliteStore(path)


def test_a_commit_that_fails_half_way_leaves_no_half(path: Path) -> None:
    store = SqliteStore(path)
    store.open(KEY)
    store.commit(KEY, record(seq=1), [done(2)])
    with pytest.raises(sqlite3.Error):
        store.commit(KEY, record(seq=5), [done(6), ("S", 7, "F", object())])  # type: ignore[list-item]
    store.close(KEY)
    assert store.open(KEY) == Remembered(record(seq=1), (done(2),))
    store.close(KEY)
