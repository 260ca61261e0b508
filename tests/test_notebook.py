"""A real IPython kernel, as in a Jupyter notebook: cells that are run again, cells that block, a kernel that ends."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from queue import Empty
from typing import Any

import pytest

from tests.support import PATIENCE, eventually

pytest.importorskip("ipykernel", reason="missing: ipykernel")
ensure_event_loop = pytest.importorskip("jupyter_core.utils", reason="missing: jupyter_core").ensure_event_loop
jupyter_client = pytest.importorskip("jupyter_client", reason="missing: jupyter_client")

pytestmark = pytest.mark.long

SETUP = """
import logging, os, signal, sys, threading
from qqbot_sync import BotClient, ConnectionState, Environment, Simulator
logging.basicConfig(level=logging.INFO, stream=sys.stdout, format="%(message)s")
signals = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
touched, really = [], signal.signal

def watched(*arguments):
    touched.append(sys._getframe(1).f_globals["__name__"])
    return really(*arguments)

signal.signal = watched
qq = Simulator().start()
clients = []
print(os.getpid())
"""
CLIENT = """
client = BotClient(qq.app_id, qq.secret, environment=Environment.local(qq.url))
clients.append(client)

@client.on_message()
def answer(ctx, message):
    ctx.reply(f"{len(clients)}: {message.text}")

client.start()
"""
REST = """
print([thread.name for thread in threading.enumerate() if thread.name.startswith("qqbot-")])
"""
UNTOUCHED = """
assert signals == {number: signal.getsignal(number) for number in signals}, "a handler was changed"
assert not [name for name in touched if name.startswith("qqbot_sync")], touched
"""


class Notebook:
    """A kernel and its one user. Every wait is bounded."""

    def __init__(self, directory: Path) -> None:
        self.manager: Any = jupyter_client.KernelManager(kernel_name="python3")
        self.manager.connection_file = str(directory / "kernel.json")
        # Whatever kernels are installed for the user: this interpreter's is meant.
        self.manager.kernel_spec.argv = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        self.manager.start_kernel(cwd=str(directory))
        self.pid: int = self.manager.provisioner.pid
        self.process = self.manager.provisioner.process
        self.client: Any = self.manager.blocking_client()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=PATIENCE)

    def begin(self, code: str) -> str:
        """Runs a cell and does not wait for it."""
        return str(self.client.execute(code, store_history=False))

    def until(self, cell: str, text: str | None = None) -> tuple[str, str | None]:
        """(what the cell has printed, the name of its error), when it has printed `text` or is done."""
        printed = ""
        error = None
        while True:
            try:
                message = self.client.get_iopub_msg(timeout=PATIENCE)
            except Empty:
                raise AssertionError(f"the cell says nothing more; so far: {printed}") from None
            if message["parent_header"].get("msg_id") != cell:
                continue
            kind, content = message["msg_type"], message["content"]
            if kind == "stream":
                printed += content["text"]
            elif kind == "error":
                error = content["ename"]
                printed += "\n".join(content["traceback"])
            elif kind == "status" and content["execution_state"] == "idle":
                return printed, error
            if text is not None and text in printed:
                return printed, error

    def run(self, code: str) -> str:
        """Runs a cell; what it printed. An exception in it fails the test."""
        printed, error = self.until(self.begin(code))
        assert error is None, printed
        return printed

    def interrupt(self, cell: str) -> str | None:
        """The stop button; the name of the error that the cell ends with."""
        self.manager.interrupt_kernel()
        return self.until(cell)[1]

    def close(self) -> None:
        self.client.stop_channels()
        if self.manager.has_kernel:
            self.manager.shutdown_kernel(now=True)
        self.manager.cleanup_resources()
        self.manager.context.destroy(linger=0)
        # jupyter_client keeps one for its blocking calls.
        ensure_event_loop().close()
        asyncio.set_event_loop(None)


@pytest.fixture
def notebook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Notebook]:
    """A kernel with everything it writes in a directory of the test."""
    for name in ("IPYTHONDIR", "JUPYTER_RUNTIME_DIR", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR"):
        monkeypatch.setenv(name, str(tmp_path / name.lower()))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[1]))
    book = Notebook(tmp_path)
    try:
        yield book
    finally:
        book.close()


def test_a_cell_that_is_run_again_takes_the_place_of_its_first_run(notebook: Notebook) -> None:
    """`start()` of the second client stops the first, with a log line; the second one answers, once."""
    notebook.run(SETUP)
    first = notebook.run(CLIENT)
    assert "another client" not in first
    assert notebook.run("print(qq.say('小明', 'group', '一').replies()[0].content)").strip().endswith("1: 一")
    second = notebook.run(CLIENT)
    assert "another client for bot" in second
    assert "stopping it" in second
    assert "True True" in notebook.run("print(clients[0].state is ConnectionState.STOPPED, clients[1].is_connected())")
    said = notebook.run("print([one.content for one in qq.say('小明', 'group', '二').replies(timeout=1, count=2)])")
    assert "['2: 二']" in said
    notebook.run(UNTOUCHED)
    notebook.run("client.stop(); qq.stop()")


def test_a_cell_reads_events_while_handlers_answer(notebook: Notebook) -> None:
    """`client.events()` is a loop in a cell; what it reads is answered all the same."""
    notebook.run(SETUP + CLIENT)
    printed = notebook.run(
        "watch = client.events('GROUP_AT_MESSAGE_CREATE', 'C2C_MESSAGE_CREATE')\n"
        "said = [qq.say('小明', where, text) for where, text in (('group', '甲'), ('c2c', '乙'), ('group', '丙'))]\n"
        "for number, ctx in enumerate(watch, 1):\n"
        "    print('read', ctx.event.text)\n"
        "    if number == 3:\n"
        "        break\n"
        "print([one.replies()[0].content for one in said])\n"
    )
    assert [line for line in printed.splitlines() if line.startswith("read")] == ["read 甲", "read 乙", "read 丙"]
    assert "['1: 甲', '1: 乙', '1: 丙']" in printed
    notebook.run("client.stop(); qq.stop()")


@pytest.mark.parametrize(
    "blocking",
    ["for ctx in client.events(): pass", "client.wait_for('C2C_MESSAGE_CREATE')"],
    ids=["events", "wait_for"],
)
def test_the_stop_button_frees_the_cell_and_leaves_the_bot(notebook: Notebook, blocking: str) -> None:
    """KeyboardInterrupt in the cell that blocks; the bot stays online, in the same session, and answers."""
    notebook.run(SETUP + CLIENT)
    session = notebook.run("print(client.get_session_info().session_id)")
    cell = notebook.begin(f"print('now', flush=True)\n{blocking}")
    notebook.until(cell, "now")
    assert notebook.interrupt(cell) == "KeyboardInterrupt"
    assert "True" in notebook.run("print(client.is_connected())")
    assert notebook.run("print(client.get_session_info().session_id)") == session
    assert "1: 还在吗" in notebook.run("print(qq.say('小明', 'c2c', '还在吗').replies()[0].content)")
    notebook.run(UNTOUCHED)
    notebook.run("client.stop(); qq.stop()")


def test_the_stop_button_ends_run_forever(notebook: Notebook) -> None:
    """The one cell that serves: the button is its Ctrl-C. It drains and returns; no signal handler was touched."""
    notebook.run(SETUP + CLIENT.replace("client.start()", ""))
    cell = notebook.begin("client.on_start(lambda ctx, ready: print('online', flush=True))\nclient.run_forever()")
    notebook.until(cell, "online")
    assert notebook.interrupt(cell) is None
    assert "True" in notebook.run("print(client.state is ConnectionState.STOPPED)")
    notebook.run(UNTOUCHED)
    notebook.run("qq.stop()")
    assert "[]" in notebook.run(REST)


@pytest.mark.parametrize("stops", [True, False], ids=["after stop()", "with the bot still running"])
def test_a_kernel_that_is_shut_down_leaves_nothing(notebook: Notebook, stops: bool) -> None:
    """Neither a thread after `stop()`, nor a process after the kernel, which ends by itself and is not killed."""
    notebook.run(SETUP + CLIENT)
    if stops:
        notebook.run("client.stop(); qq.stop()")
        assert "[]" in notebook.run(REST)
    notebook.client.shutdown()
    eventually(lambda: notebook.process.poll() is not None, what="the end of the kernel")
    assert notebook.process.returncode == 0
    with pytest.raises(ProcessLookupError):
        os.kill(notebook.pid, 0)
