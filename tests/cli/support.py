"""What the tests of several commands share: calling one, in this process, and reading what it said."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from click.testing import CliRunner, Result

from qqbot_sync import Simulator
from qqbot_sync.cli import main
from tests.support import eventually

__all__ = ["call", "call_while", "only_line"]


def call(*arguments: str, stdin: str | bytes | None = None) -> Result:
    """The command in this process, as it behaves outside a terminal."""
    return CliRunner().invoke(main, list(arguments), input=stdin, prog_name="qqbot-sync")


def call_while(qq: Simulator, act: Callable[[], Any], *arguments: str) -> Result:
    """Calls it, and acts in another thread as soon as it has a session."""
    failures: list[BaseException] = []
    before = sum(entry["kind"] == "identified" for entry in qq.entries())

    def wait_and_act() -> None:
        try:
            eventually(lambda: sum(entry["kind"] == "identified" for entry in qq.entries()) > before, what="a session")
            act()
        except BaseException as error:
            failures.append(error)

    thread = threading.Thread(target=wait_and_act, name="test-acts")
    thread.start()
    result = call(*arguments)
    thread.join()
    assert not failures, failures
    return result


def only_line(text: str) -> str:
    """The text, which is one line."""
    lines = text.strip().splitlines()
    assert len(lines) == 1, text
    return lines[0]
