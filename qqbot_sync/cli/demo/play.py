"""The play itself: what happens in which order, over HTTP and nothing else."""

from __future__ import annotations

import threading
from collections.abc import Callable

from qqbot_sync.cli.demo.conversation import AFTER, BEFORE, CUT, Line, Turn
from qqbot_sync.cli.demo.processes import Child, ChildFailed
from qqbot_sync.cli.demo.remote import Remote
from qqbot_sync.cli.demo.stage import Stage
from qqbot_sync.cli.demo.verdict import KINDS, Verdict
from qqbot_sync.clock import SystemClock

__all__ = ["PATIENCE", "play"]

READY_WITHIN = 20.0
"""Seconds the bot may need to come online."""
BACK_WITHIN = 5.0
"""Seconds the bot may need to resume; its first back-off is at most one."""
PATIENCE = 8.0
"""Seconds all missing answers together may take, so that even a broken bot ends within the demo's half minute."""
CUTS = 5
"""How often the line may be cut until somebody wrote while it was down: the bot can be back within milliseconds."""


class _Play:
    """One performance. Not thread-safe."""

    def __init__(self, qq: Remote, bot: Child, stage: Stage, *, patience: float) -> None:
        self._qq, self._bot, self._stage = qq, bot, stage
        self._clock = SystemClock()
        self._written: dict[str, str] = {}
        self._patience = patience

    def wait_until_online(self) -> None:
        def is_online() -> bool:
            if not self._bot.is_alive():
                raise ChildFailed(self._bot.complaint("意外结束 / ended unexpectedly"))
            return bool(self._qq.log("identified"))

        if not self._until(is_online, READY_WITHIN):
            raise ChildFailed(self._bot.complaint(f"没有在 {READY_WITHIN:g} s 内上线 / is not online"))

    def turn(self, lines: Turn) -> None:
        """People write, one after the other; then the answers are shown."""
        said = []
        for line in lines:
            said.append((self._say(line), line))
            self._stage.says(line)
        self._hear(said)

    def cut(self) -> None:
        """The line is cut, people go on writing, the bot comes back and answers."""
        for attempt in range(CUTS):
            before = len(self._qq.log("resumed"))
            self._qq.drop()
            # Said at once and shown afterwards: a bot that is back before the second line would spoil the scene.
            said = [(self._say(line), line) for line in (CUT if attempt == 0 else CUT[1:2])]
            self._stage.news("连接被切断,大家接着说 / the line is cut; people go on writing", "red")
            for _, line in said:
                self._stage.says(line)
            self._announce_resume(before)
            self._hear(said)
            if any(not entry["connected"] for entry in self._qq.log("dispatched")):
                return

    def _announce_resume(self, before: int) -> None:
        """Waits for one more resume than `before`."""
        if self._until(lambda: len(self._qq.log("resumed")) > before, BACK_WITHIN):
            replayed = sum(entry["replayed"] for entry in self._qq.log("resumed")[before:])
            self._stage.news(f"机器人恢复了会话,平台补发 {replayed} 条 / the bot resumes; {replayed} replayed", "green")
        else:
            self._stage.news("机器人没有恢复会话 / the bot has not resumed", "red")

    def count(self) -> Verdict:
        return Verdict.of(self._qq.log(*KINDS), self._written)

    def _say(self, line: Line) -> str:
        ident = self._qq.say(*line)
        self._written[ident] = f"{line.who}: {line.text}"
        return ident

    def _hear(self, said: list[tuple[str, Line]]) -> None:
        for ident, line in said:
            began = self._clock.now()
            texts = self._qq.replies(ident, timeout=self._patience)
            if texts:
                for text in texts:
                    self._stage.answers(line, text)
            else:
                self._patience = max(0.2, self._patience - (self._clock.now() - began))
                self._stage.is_silent(line)

    def _until(self, condition: Callable[[], bool], seconds: float) -> bool:
        end, never = self._clock.now() + seconds, threading.Event()
        while not condition():
            if self._clock.now() > end:
                return False
            self._clock.wait(never, 0.05)
        return True


def play(qq: Remote, bot: Child, stage: Stage, *, patience: float = PATIENCE) -> Verdict:
    """Plays the conversation, ends the bot, and counts.

    Args:
        patience: seconds that all missing answers together may take.

    Raises:
        ChildFailed: the bot did not come online.
        requests.RequestException: the simulator does not answer.
    """
    performance = _Play(qq, bot, stage, patience=patience)
    performance.wait_until_online()
    stage.news("机器人上线了 / the bot is online", "green")
    for turn in BEFORE:
        performance.turn(turn)
    performance.cut()
    stage.news("聊天继续 / the conversation goes on")
    for turn in AFTER:
        performance.turn(turn)
    # Counted when the bot has ended: what it would still have sent twice has been sent by then.
    bot.end()
    return performance.count()
