"""The prompt of `qqbot-sync simulator`, in a real terminal, and what is left when the simulator is killed."""

from __future__ import annotations

import contextlib
import os
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from qqbot_sync import BotClient, Environment, Simulator
from tests.support import PATIENCE, eventually

CONTROLLED = (
    "import fcntl, runpy, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); "
    "runpy.run_module('qqbot_sync', run_name='__main__', alter_sys=True)"
)
"""`python -m qqbot_sync` on the terminal that controls it: only there Ctrl-C is a signal."""


class Terminal:
    """`qqbot-sync simulator` at the end of a pseudo-terminal."""

    def __init__(self, home: Path, *arguments: str) -> None:
        import pty

        self.master, slave = pty.openpty()
        self.process = subprocess.Popen(
            [sys.executable, "-c", CONTROLLED, "simulator", *arguments],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
            env={**os.environ, "HOME": str(home), "TERM": "xterm-256color", "LC_ALL": "C.UTF-8", "COLUMNS": "200"},
        )
        os.close(slave)
        self._raw = b""
        self._read = 0

    @property
    def text(self) -> str:
        return self._raw.decode("utf-8", errors="replace")

    def type(self, text: str) -> None:
        os.write(self.master, text.encode())

    def see(self, wanted: str) -> str:
        """Waits until this is on the screen, after what was seen before; gives what came up to its end."""
        end = time.monotonic() + PATIENCE
        while wanted.encode() not in self._raw[self._read :]:
            ready, _, _ = select.select([self.master], [], [], max(0.0, end - time.monotonic()))
            assert ready, f"{wanted!r} did not come; there is {self._raw[self._read :].decode(errors='replace')!r}"
            try:
                self._raw += os.read(self.master, 65536)
            except OSError:
                raise AssertionError(f"{wanted!r} did not come before the end: {self.text}") from None
        start = self._read
        self._read = self._raw.index(wanted.encode(), start) + len(wanted.encode())
        return self._raw[start : self._read].decode("utf-8", errors="replace")

    def ends(self) -> int:
        """Waits for the process, reading what it still prints, and gives its status."""
        end = time.monotonic() + PATIENCE
        while self.process.poll() is None:
            assert time.monotonic() < end, f"it did not end: {self.text}"
            if select.select([self.master], [], [], 0.05)[0]:
                with contextlib.suppress(OSError):
                    self._raw += os.read(self.master, 65536)
        return self.process.wait()

    def ends_by(self, push: Callable[[], None]) -> None:
        """Pushes, again and again, until the process ends."""
        end = time.monotonic() + PATIENCE
        while self.process.poll() is None and time.monotonic() < end:
            push()
            while select.select([self.master], [], [], 0.3)[0]:
                try:
                    self._raw += os.read(self.master, 65536)
                except OSError:
                    break

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self.master)


@pytest.fixture
def terminal(qq: Simulator, echo: BotClient, tmp_path: Path) -> Iterator[Terminal]:
    """A prompt on the simulator in which `echo` is online."""
    if os.name == "nt":
        pytest.skip("missing: pseudo-terminals")
    one = Terminal(tmp_path, "--url", qq.url)
    try:
        one.see("小明@group> ")
        yield one
    finally:
        one.close()


def test_at_the_prompt_one_writes_as_anyone_and_sees_the_answers(terminal: Terminal, qq: Simulator) -> None:
    """With colours, and without one's own words coming back as somebody else's."""
    terminal.type("你好\r")
    shown = terminal.see("你说:你好")
    assert "机器人" in shown
    assert "\x1b[" in shown
    assert "小明@group\x1b[0m: 你好" not in shown
    terminal.type("阿雅@c2c: 在吗\r")
    assert "阿雅" in terminal.see("你说:在吗")
    terminal.type("/as 老周\r")
    terminal.see("老周@group> ")
    terminal.type("/in channel\r")
    terminal.see("老周@channel> ")
    terminal.type("//ping\r")
    terminal.see("你说:/ping")
    said = [(entry["user"], entry["where"], entry["text"]) for entry in qq.entries(kinds=["said"])]
    assert said == [("小明", "group", "你好"), ("阿雅", "c2c", "在吗"), ("老周", "channel", "/ping")]


def test_verbs_are_played_at_the_prompt_and_what_they_do_is_seen(terminal: Terminal, qq: Simulator) -> None:
    """Faults, persons, the log, the overview; a slip ends nothing."""
    terminal.type("/drop\r")
    terminal.see("fault: drop")
    terminal.see("the bot is back")
    terminal.type("/join\r")
    terminal.see("GROUP_MEMBER_ADD")
    terminal.type("/close\r")
    terminal.see("close CODE")
    terminal.type("/close 7\r")
    terminal.see("1000 to 4999")
    terminal.type("/dorp\r")
    terminal.see("drop")
    terminal.type("/in nowhere\r")
    terminal.see("no place")
    terminal.type("/help\r")
    terminal.see("lose_answer")
    terminal.type("/help slow\r")
    terminal.see("/slow SECONDS")
    terminal.type("/log 1\r")
    terminal.see('"number":')
    terminal.type("好\r")
    terminal.see("你说:好")


def test_a_verb_with_a_typo_at_the_prompt_names_what_was_meant(terminal: Terminal, qq: Simulator) -> None:
    """In one line, and nothing is played."""
    terminal.type("/hlp\r")
    terminal.see("there is no verb 'hlp'")
    answer = terminal.see("\n")
    assert "did you mean" in answer
    assert "/help?" in answer, "among what was meant, not only where all verbs are listed"
    assert qq.entries(kinds=["fault"]) == []


def test_what_happens_elsewhere_appears_above_what_is_being_typed(terminal: Terminal, qq: Simulator) -> None:
    """The half-written line stands below it again, and is sent whole."""
    terminal.type("还没")
    terminal.see("还没")
    qq.say("老周", "group", "插一句")
    terminal.see("插一句")
    terminal.see("你说:插一句")
    terminal.see("小明@group> ")
    terminal.see("还没")
    terminal.type("写完\r")
    terminal.see("你说:还没写完")


def test_lines_are_edited_completed_and_remembered(terminal: Terminal, qq: Simulator, tmp_path: Path) -> None:
    """Arrow keys, tab, and a history for the next time."""
    pytest.importorskip("readline", reason="missing: readline")
    terminal.type("第一句\r")
    terminal.see("你说:第一句")
    terminal.type("\x1b[A")
    terminal.see("第一句")
    terminal.type("\r")
    terminal.see("你说:第一句")
    terminal.type("/ask_h\t")
    terminal.see("eartbeat")
    terminal.type("\r")
    terminal.see("fault: ask_heartbeat")
    terminal.type("/quit\r")
    assert terminal.ends() == 0
    assert "第一句" in (tmp_path / ".qqbot_sync_history").read_text(encoding="utf-8")
    again = Terminal(tmp_path, "--url", qq.url)
    try:
        again.see("小明@group> ")
        again.type("\x1b[A\x1b[A")
        again.see("ask_heartbeat")
    finally:
        again.close()


@pytest.mark.parametrize("way", ["/quit\r", "\x04", "\x03", "TERM"])
def test_the_prompt_ends_with_status_0(terminal: Terminal, way: str) -> None:
    """By word, by the end of the input, by Ctrl-C twice, by SIGTERM."""
    if way == "TERM":
        terminal.ends_by(lambda: terminal.process.send_signal(signal.SIGTERM))
    elif way == "\x03":
        # Until it has ended: one that comes before the first line is awaited may meet nobody.
        terminal.ends_by(lambda: terminal.type(way))
        assert "Ctrl-C" in terminal.text
    else:
        terminal.type(way)
    assert terminal.ends() == 0
    assert "Traceback" not in terminal.text


def test_a_simulator_that_goes_away_is_said_and_ends_nothing(terminal: Terminal, qq: Simulator) -> None:
    """The prompt stays, for the words that are still on the screen."""
    qq.stop()
    terminal.see("no simulator answers")
    terminal.type("hi\r")
    terminal.see("no simulator answers")
    terminal.type("/quit\r")
    assert terminal.ends() == 0


def test_in_a_terminal_the_simulator_of_ones_own_has_the_prompt(tmp_path: Path) -> None:
    """It prints what a bot needs, and shows the bot come online."""
    if os.name == "nt":
        pytest.skip("missing: pseudo-terminals")
    one = Terminal(tmp_path)
    try:
        found = one.see("小明@group> ")
        url, app_id, secret = (
            re.search(rf"{name}=(\S+)", found).group(1)  # type: ignore[union-attr]
            for name in ("QQ_BOT_ENVIRONMENT", "QQ_BOT_APP_ID", "QQ_BOT_SECRET")
        )
        with BotClient(app_id, secret, environment=Environment.local(url)) as client:
            one.see("the bot is online")
            eventually(client.is_connected)
        one.type("/quit\r")
        assert one.ends() == 0
    finally:
        one.close()


@pytest.mark.long
def test_the_bot_does_not_outlive_a_simulator_that_was_killed(tmp_path: Path) -> None:
    """A terminal that is closed, or `kill -9`: nothing is put away, and yet nothing is left."""
    if os.name == "nt":
        pytest.skip("missing: pipes that a child inherits")
    pid = tmp_path / "pid"
    bot = tmp_path / "bot.py"
    bot.write_text(
        "import os, pathlib\nfrom qqbot_sync import BotClient\nclient = BotClient()\n"
        f"client.on_start(lambda ctx, ready: pathlib.Path({str(pid)!r}).write_text(str(os.getpid())))\n"
        "client.on_message()(lambda ctx, message: None)\nclient.run_forever()\n",
        encoding="utf-8",
    )
    simulator = subprocess.Popen(
        [sys.executable, "-m", "qqbot_sync", "simulator", "--bot", str(bot)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    child = 0
    try:
        child = int(eventually(lambda: pid.exists() and pid.read_text(), what="the bot online"))
        simulator.kill()
        simulator.wait()
        eventually(lambda: not is_alive(child), what="the end of the bot")
    finally:
        simulator.kill()
        with contextlib.suppress(ProcessLookupError):
            if child:
                os.kill(child, signal.SIGKILL)


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    status = Path(f"/proc/{pid}/stat")
    # One that nobody has waited for is as good as gone.
    return not (status.exists() and status.read_text().rpartition(")")[2].split()[0] == "Z")
