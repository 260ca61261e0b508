"""Every example runs as a process against the simulator and does what its header says."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from qqbot_sync import Intents, Simulator
from tests.support import eventually

EXAMPLES = Path(__file__).parent.parent / "examples"
pytestmark = pytest.mark.long


@contextmanager
def example(name: str, qq: Simulator) -> Iterator[subprocess.Popen[str]]:
    """The example as a process, online; ended afterwards."""
    process = subprocess.Popen(
        [sys.executable, str(EXAMPLES / name)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        env={
            **os.environ,
            "PYTHONIOENCODING": "utf-8",
            "QQ_BOT_ENVIRONMENT": qq.url,
            "QQ_BOT_APP_ID": qq.app_id,
            "QQ_BOT_SECRET": qq.secret,
        },
    )
    try:
        eventually(lambda: is_online(qq) or process.poll() is not None, what=f"{name} coming online")
        assert process.poll() is None, process.communicate()
        yield process
    finally:
        process.terminate()
        try:
            process.communicate(timeout=20)
        finally:
            process.kill()


def is_online(qq: Simulator) -> bool:
    return any(entry["kind"] == "identified" for entry in qq.log)


def answer(qq: Simulator, user: str, where: str, text: str) -> str:
    """What the bot answers to one message."""
    replies = qq.say(user, where, text).replies(timeout=20)
    assert replies, f"no answer to {text!r}"
    return str(replies[0].content)


def test_echo() -> None:
    """It says what it hears, in all four places."""
    with Simulator() as qq, example("echo.py", qq):
        for where in ("channel", "direct", "group", "c2c"):
            said = answer(qq, "小明", where, "你好")
            assert said.startswith("你说:")
            assert said.endswith("你好")


def test_filtering() -> None:
    """It answers its two commands and nothing else."""
    with Simulator() as qq, example("filtering.py", qq):
        assert answer(qq, "小明", "group", "!ping") == "Pong!"
        assert answer(qq, "小明", "channel", "!status") == "状态: 在线"
        unheard = qq.say("小明", "group", "ping")
        assert answer(qq, "小明", "group", "!ping") == "Pong!"
        assert not unheard.replies(timeout=0)


def test_ask() -> None:
    """Two questions, and the answers of the same person."""
    with Simulator() as qq, example("ask.py", qq):
        assert answer(qq, "阿雅", "group", "点单") == "想喝点什么?"
        assert answer(qq, "阿雅", "group", "奶茶") == "奶茶,几分糖?"
        assert answer(qq, "阿雅", "group", "三分") == "奶茶,三分,马上来!"


def test_handler_class() -> None:
    """One method per event."""
    with Simulator() as qq, example("handler_class.py", qq):
        assert answer(qq, "小明", "channel", "hi") == "小明,你好!"
        assert answer(qq, "小明", "group", "hi") == "大家好!"
        assert answer(qq, "小明", "c2c", "hi") == "你好!"


def test_script() -> None:
    """It answers one message, sends another, and ends by itself with status 0."""
    with Simulator() as qq, example("script.py", qq) as process:
        assert answer(qq, "小林", "c2c", "在吗") == "收到!"
        output, errors = process.communicate(timeout=30)
        assert process.returncode == 0, errors
        assert "收到 / got: 在吗" in output
        assert "已发送 / sent:" in output


def test_check_intents() -> None:
    """It goes online where everything is granted, and says what is missing where it is not."""
    with Simulator() as qq, example("check_intents.py", qq):
        eventually(lambda: len(qq.entries(kinds=("identified",))) == 2, what="the bot coming online after the probe")
        assert "GROUP_AND_C2C_EVENT" in answer(qq, "小明", "group", "hi")
    with Simulator(grant=Intents.default().without_group_and_c2c_event()) as qq:
        done = subprocess.run(
            [sys.executable, str(EXAMPLES / "check_intents.py")],
            capture_output=True,
            encoding="utf-8",
            timeout=60,
            env={**os.environ, "PYTHONIOENCODING": "utf-8", **qq_environ(qq)},
        )
        assert done.returncode == 1
        assert "被拒绝 / refused: GROUP_AND_C2C_EVENT" in done.stdout
        assert "C2C_MESSAGE_CREATE" in done.stderr
        assert "Traceback" not in done.stderr


def qq_environ(qq: Simulator) -> dict[str, str]:
    """What leads a bot to this simulator."""
    return {"QQ_BOT_ENVIRONMENT": qq.url, "QQ_BOT_APP_ID": qq.app_id, "QQ_BOT_SECRET": qq.secret}


def test_test_bot() -> None:
    """A file of tests: pytest runs it, in `tests/test_pytest_plugin.py` too."""
    command = [sys.executable, "-m", "pytest", "-p", "qqbot_sync_pytest", "-p", "no:cacheprovider", "test_bot.py"]
    environ = {**os.environ, "PYTHONIOENCODING": "utf-8", "PYTHONPATH": str(EXAMPLES.parent)}
    done = subprocess.run(command, cwd=EXAMPLES, capture_output=True, encoding="utf-8", timeout=60, env=environ)
    assert done.returncode == 0, done.stdout


def test_every_example_is_tested() -> None:
    """A new file in `examples/` has a test here."""
    names = {path.stem for path in EXAMPLES.glob("*.py")}
    assert names == {name.removeprefix("test_") for name in globals() if name.startswith("test_")} - {
        "every_example_is_tested"
    }
