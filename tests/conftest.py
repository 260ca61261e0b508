"""Every test leaves the process as it found it: no thread of ours, no open socket."""

from __future__ import annotations

import contextlib
import gc
import itertools
import os
import signal
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.secret_watch import SecretWatch
from tests.support import eventually

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell that runs something in the background has it ignore Ctrl-C, and what it starts would inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int | None:
    """One more than there are processors: many tests wait, for a process or for a deadline. None: xdist's own rule."""
    if os.environ.get("PYTEST_XDIST_AUTO_NUM_WORKERS"):
        return None
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return (cores or 1) + 1


def our_threads() -> set[threading.Thread]:
    return {thread for thread in threading.enumerate() if thread.name.startswith("qqbot-") and thread.is_alive()}


def open_sockets() -> int:
    found = 0
    for descriptor in os.listdir("/proc/self/fd") if os.path.isdir("/proc/self/fd") else ():
        try:
            found += os.readlink(f"/proc/self/fd/{descriptor}").startswith("socket:")
        except OSError:
            continue
    return found


@pytest.fixture(autouse=True)
def nothing_leaks() -> Iterator[None]:
    """Fails a test that leaves a `qqbot-` thread or an open socket behind."""
    threads, sockets = our_threads(), open_sockets()
    yield
    left = our_threads() - threads
    if left:
        for thread in left:
            thread.join(3)
        left = {thread for thread in left if thread.is_alive()}
    assert not left, f"threads left behind: {sorted(thread.name for thread in left)}"
    if open_sockets() > sockets:
        gc.collect()
        eventually(lambda: open_sockets() <= sockets, within=3, what="closing every socket")


@pytest.fixture(scope="session")
def secret_watch() -> Iterator[SecretWatch]:
    """Reads everything this package logs in the whole suite, DEBUG included (of this worker)."""
    watch = SecretWatch()
    with watch.watching():
        yield watch


@pytest.fixture(autouse=True)
def no_secret_is_logged(secret_watch: SecretWatch) -> Iterator[None]:
    """Fails the test in which a simulator's app secret or access token reached the log."""
    secret_watch.take()
    yield
    found = secret_watch.take()
    assert not found, f"a secret or a token was logged at {found}"


def variables() -> dict[str, str]:
    return {
        name: value
        for name, value in os.environ.items()
        if name.startswith("QQ_BOT_") or name.lower().endswith("_proxy")
    }


OF_WHOEVER_RUNS_IT = variables()


@pytest.fixture(autouse=True)
def clean_environ() -> Iterator[None]:
    """No test depends on the environment of whoever runs it, or leaves anything in it: commands set variables."""
    for name in variables():
        del os.environ[name]
    yield
    for name in variables():
        del os.environ[name]
    os.environ.update(OF_WHOEVER_RUNS_IT)


@pytest.fixture(scope="session")
def own_directories(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Names of directories, each given once. `mktemp` would look through all the earlier ones for the next."""
    base = tmp_path_factory.mktemp("own")
    return (base / str(number) for number in itertools.count())


@pytest.fixture(autouse=True)
def no_reports(own_directories: Iterator[Path], monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Reports and lock files of a test stay in a directory of its own; where there are none it goes again."""
    place = next(own_directories)
    place.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(place))
    yield
    with contextlib.suppress(OSError):
        place.rmdir()


@pytest.fixture(autouse=True)
def only_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    """A test that reaches out of this machine fails at once."""
    real = socket.socket.connect

    def guarded(self: socket.socket, address: object) -> None:
        if self.family in (socket.AF_INET, socket.AF_INET6) and isinstance(address, tuple):
            host = str(address[0])
            if not (host.startswith("127.") or host in ("::1", "localhost")):
                raise OSError(f"a test tried to reach {host}")
        return real(self, address)  # type: ignore[arg-type]

    monkeypatch.setattr(socket.socket, "connect", guarded)
