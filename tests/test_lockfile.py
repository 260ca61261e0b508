"""The lock file warns about a second process, and gets in nobody's way."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from qqbot_sync.lockfile import LockFile
from tests.support import eventually


def test_the_second_of_two_is_warned(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    first, second = LockFile("bot", directory=tmp_path), LockFile("bot", directory=tmp_path)
    assert first.take()
    assert first.take()
    assert not second.take()
    assert "another process" in caplog.text
    first.release()
    first.release()
    assert second.take()
    second.release()


def test_different_bots_do_not_meet(tmp_path: Path) -> None:
    locks = [LockFile(name, directory=tmp_path) for name in ("one", "two")]
    assert all(lock.take() for lock in locks)
    for lock in locks:
        lock.release()


def test_a_process_that_dies_lets_go(tmp_path: Path) -> None:
    script = "import sys; from pathlib import Path; from qqbot_sync.lockfile import LockFile; "
    script += "lock = LockFile('bot', directory=Path(sys.argv[1])); print(lock.take(), flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline().strip() == "True"
        lock = LockFile("bot", directory=tmp_path)
        assert not lock.take()
        other.kill()
        other.wait()
        assert lock.take()
        lock.release()


FORKING = """
import os, signal, sys
from pathlib import Path
from qqbot_sync.lockfile import LockFile
lock = LockFile("bot", directory=Path(sys.argv[1]))

def fork():
    child = os.fork()
    if not child:
        signal.alarm(60)
        signal.pause()
    return child

lock.take()
children = [fork()]
print("locked", flush=True)
sys.stdin.readline()
lock.release()
print("released", flush=True)
sys.stdin.readline()
lock.take()
children.append(fork())
print("locked", *children, flush=True)
sys.stdin.readline()
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_forked_child_holds_nothing_when_its_parent_lets_go_or_dies(tmp_path: Path) -> None:
    """A worker process that a bot forked outlives the bot; the bot can start again all the same."""
    with subprocess.Popen(
        [sys.executable, "-c", FORKING, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdin is not None
        assert parent.stdout is not None
        lock = LockFile("bot", directory=tmp_path)
        children: list[str] = []
        for expected in ("locked", "released", "locked"):
            word, *children = parent.stdout.readline().split()
            assert word == expected
            assert lock.take(warn=False) is (expected == "released")
            lock.release()
            parent.stdin.write("\n")
            parent.stdin.flush()
        parent.wait()
        try:
            eventually(lambda: lock.take(warn=False), what="the lock, though both children live")
            lock.release()
        finally:
            for child in children:
                os.kill(int(child), signal.SIGKILL)


def test_without_a_place_for_it_nothing_happens(tmp_path: Path) -> None:
    assert LockFile("bot", directory=tmp_path / "missing").take()


def test_the_file_names_no_bot(tmp_path: Path) -> None:
    lock = LockFile(("102012345", "https://api"), directory=tmp_path)
    lock.take()
    lock.release()
    (file,) = tmp_path.iterdir()
    assert "102012345" not in file.name + file.read_text()
