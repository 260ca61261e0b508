"""`--script`: plays a conversation, and counts the expectations that fail."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

from rich.text import Text

from qqbot_sync.cli.talk import verbs
from qqbot_sync.cli.talk.entries import COLOURS, clean, speech
from qqbot_sync.cli.talk.lines import Expectation, Line, Pause, Speech, Verb, parse_script
from qqbot_sync.cli.talk.remote import Remote
from qqbot_sync.cli.talk.screen import Screen
from qqbot_sync.clock import SystemClock

__all__ = ["Script"]

_SILENCE = 1.0
"""Seconds without an answer that `expect nothing` takes for none."""


class Script:
    """A conversation in a file. Not thread-safe.

    Args:
        path: of the file, UTF-8.

    Raises:
        OSError: it cannot be read.
        ValueError: a line that means nothing, or a verb that does not exist or takes other arguments; with its number.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._lines = parse_script(path.read_text(encoding="utf-8-sig"))
        except UnicodeDecodeError as error:
            raise ValueError(f"{path} 不是 UTF-8 / is not UTF-8") from error
        except ValueError as error:
            raise ValueError(f"{path.name}:{error}") from error
        self._check()

    def play(self, remote: Remote, screen: Screen, *, timeout: float) -> bool:
        """Plays it; True when every expectation was met. Blocks.

        Args:
            remote: the simulator.
            screen: where the conversation is shown.
            timeout: seconds each expected answer may take.
        """
        stage = _Stage(remote, screen, timeout)
        for number, line in self._lines:
            try:
                stage.perform(line)
            except _Unmet as unmet:
                screen.show(Text(f"  × {self._path.name}:{number}: {unmet}", style="bold red"))
            except ValueError as error:
                raise ValueError(f"{self._path.name}:{number}: {error}") from error
        screen.show(Text(stage.summary(), style="bold red" if stage.unmet else "bold green"))
        return not stage.unmet

    def _check(self) -> None:
        """Binds every verb: a slip in the last line shows before the first is played."""
        for number, line in self._lines:
            if isinstance(line, Verb):
                try:
                    verbs.bind(line.name, line.words)
                except ValueError as error:
                    raise ValueError(f"{self._path.name}:{number}: {error}") from error


class _Unmet(Exception):
    """An expectation that was not met."""


class _Stage:
    def __init__(self, remote: Remote, screen: Screen, timeout: float) -> None:
        self._remote = remote
        self._screen = screen
        self._timeout = timeout
        self._last = ""
        self._heard = 0
        self._met = 0
        self.unmet = 0

    def perform(self, line: Line) -> None:
        if isinstance(line, Speech):
            self._say(line)
        elif isinstance(line, Expectation):
            self._expect(line)
        elif isinstance(line, Pause):
            SystemClock().wait(threading.Event(), line.seconds)
        else:
            self._screen.show(Text(f"/{' '.join([line.name, *line.words])}", style="dim"))
            self._remote.call(line.name, **verbs.bind(line.name, line.words))

    def summary(self) -> str:
        return (
            f"{self._met + self.unmet} 个期待,{self.unmet} 个落空 / "
            f"{self._met + self.unmet} expectations, {self.unmet} failed"
        )

    def _say(self, line: Speech) -> None:
        where = str(line.where)
        scene = where.partition(":")[0]
        self._screen.show(speech(str(line.who), where, line.text, scene=scene if scene in COLOURS else ""))
        self._last = self._remote.call("say", user=line.who, where=where, text=line.text)["id"]
        self._heard = 0

    def _expect(self, expected: Expectation) -> None:
        wanted = self._heard + 1
        timeout = self._timeout if expected.text is not None else _SILENCE
        answers: list[dict[str, Any]] = self._remote.call("replies", id=self._last, timeout=timeout, count=wanted)
        answer = str(answers[self._heard]["content"]) if len(answers) >= wanted else None
        if answer is not None:
            self._heard = wanted
        is_met = answer is None if expected.text is None else answer is not None and expected.text in answer
        if not is_met:
            self.unmet += 1
            raise _Unmet(_difference(expected.text, answer, timeout))
        self._met += 1
        said = Text("没有回答 / no answer", style="dim") if answer is None else Text(clean(answer))
        self._screen.show(Text.assemble(("  √ ", "green"), said))


def _difference(expected: str | None, answer: str | None, timeout: float) -> str:
    wanted = "没有回答 / no answer" if expected is None else clean(expected)
    got = f"{timeout:g} s 内没有回答 / no answer within {timeout:g} s" if answer is None else clean(answer)
    return f"期待 / expected: {wanted} · 得到 / got: {got}"
