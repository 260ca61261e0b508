"""The demo: holds with the real bot, sees a bad one, and leaves no process behind however it ends."""

from __future__ import annotations

import io
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from rich.console import Console

from qqbot_sync.cli.demo import command, perform
from qqbot_sync.cli.demo.conversation import AFTER, BEFORE, CUT
from qqbot_sync.cli.demo.processes import ChildFailed, child_environment
from qqbot_sync.cli.demo.stage import Stage
from qqbot_sync.cli.demo.verdict import Verdict
from tests.support import eventually

DEAD_PROXIES = dict.fromkeys(
    ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy"), "http://127.0.0.1:9"
)
LINES = sum(len(turn) for turn in (*BEFORE, CUT, *AFTER))


def start(*arguments: str, **environ: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "qqbot_sync", "demo", *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        env={**os.environ, "PYTHONIOENCODING": "utf-8", "PYTHONUNBUFFERED": "1", **environ},
    )


def pids_in(text: str) -> list[int]:
    """The processes the demo's title names."""
    return [int(pid) for pid in re.findall(r"pid (\d+)", text)]


def is_gone(pid: int) -> bool:
    """Whether a process has ended; one that only waits for its parent to notice has."""
    status = Path(f"/proc/{pid}/stat")
    if status.exists():
        try:
            return status.read_text().rpartition(")")[2].split()[0] == "Z"
        except OSError:
            return True
    try:
        os.kill(pid, 0)
    except OSError:
        return True
    return False


def read_until_online(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    text = ""
    for line in process.stdout:
        text += line
        if "bot is online" in line:
            return text
    raise AssertionError(f"the demo ended early: {text}")


def test_every_message_is_answered_once_although_the_line_is_cut() -> None:
    """Behind dead proxies and without a terminal: status 0, nothing lost, nothing doubled, no process left."""
    process = start("--fast", **DEAD_PROXIES)
    output, errors = process.communicate(timeout=50)
    assert process.returncode == 0, output + errors
    assert f"said {LINES}, answered {LINES}, lost 0, doubled 0" in output
    assert "the bot resumes" in output
    missed = re.search(r"after the resume: (\d+)", output)
    assert missed is not None
    assert int(missed[1]) > 0
    assert len(pids_in(output)) == 2
    assert all(is_gone(pid) for pid in pids_in(output))
    assert "\x1b[" not in output


@pytest.mark.long
def test_a_bad_bot_is_found_out() -> None:
    """One message without an answer, one with two: the verdict fails and names both."""
    output = io.StringIO()
    verdict = perform(Stage(Console(file=output, width=100), pace=0), "tests.cli.bots.forgetful", patience=1.0)
    assert not verdict.holds()
    assert (verdict.total.lost, verdict.total.doubled) == (1, 1)
    assert "lost: 阿雅: 悄悄问一下" in output.getvalue()
    assert "answered 2 times: 阿雅: 晚安" in output.getvalue()
    assert all(is_gone(pid) for pid in pids_in(output.getvalue()))


@pytest.mark.parametrize(("answers", "status"), [(1, 0), (0, 1), (2, 1)])
def test_the_status_is_the_verdict(monkeypatch: pytest.MonkeyPatch, answers: int, status: int) -> None:
    """0 only if every message was answered, and once."""
    log = [{"kind": "said", "id": "a", "where": "c2c", "user": "小明", "text": "…"}]
    verdict = Verdict.of([*log, *[{"kind": "answered", "msg_id": "a"}] * answers], {"a": "…"})
    monkeypatch.setattr("qqbot_sync.cli.demo.perform", lambda stage: verdict)
    before = signal.getsignal(signal.SIGTERM)
    try:
        assert CliRunner().invoke(command, ["--fast"]).exit_code == status
    finally:
        signal.signal(signal.SIGTERM, before)


def test_a_bot_that_does_not_start_is_an_error_with_its_last_words() -> None:
    """Not a wait of half a minute."""
    with pytest.raises(ChildFailed, match="bad news"):
        perform(Stage(Console(file=io.StringIO()), pace=0), "tests.cli.bots.failing")


def test_without_the_extra_it_says_what_to_install() -> None:
    """One line, status 1."""
    code = (
        "import sys; sys.modules['flask'] = sys.modules['websockets'] = None\n"
        "from qqbot_sync.cli import main\n"
        "main(['demo', '--fast'])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, encoding="utf-8", errors="replace", timeout=50
    )
    assert done.returncode == 1
    assert "[simulator]" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.long
@pytest.mark.skipif(os.name == "nt", reason="missing: POSIX signals")
@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (getattr(signal, "SIGKILL", None), -9)]
)
def test_no_process_is_left_behind(number: signal.Signals, status: int) -> None:
    """Ctrl-C, SIGTERM, and even a kill that leaves the demo no time: both children end."""
    process = start()
    text = read_until_online(process)
    process.send_signal(number)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == status
    assert "Traceback" not in errors
    for pid in pids_in(text):
        eventually(lambda pid=pid: is_gone(pid), what=f"the end of process {pid}")


def test_a_bot_whose_parent_is_gone_before_it_runs_ends_all_the_same() -> None:
    """Nobody answers, nobody waits for it: it must not go on dialing for ever."""
    environ = child_environment(QQ_BOT_ENVIRONMENT="http://127.0.0.1:9", QQ_BOT_APP_ID="1", QQ_BOT_SECRET="x")
    bot = subprocess.Popen(
        [sys.executable, "-m", "qqbot_sync.cli.demo.bot"],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=environ,
    )
    try:
        assert bot.stdin is not None
        bot.stdin.close()
        assert bot.wait(20) == 0
    finally:
        bot.kill()
        bot.wait()


@pytest.mark.long
def test_a_human_can_follow_it_and_it_takes_less_than_half_a_minute() -> None:
    """At its normal pace."""
    process = start()
    output, errors = process.communicate(timeout=30)
    assert process.returncode == 0, output + errors
