"""The prompt of `qqbot-sync simulator`: write as anyone, play any verb, and see what the bot does."""

from __future__ import annotations

import difflib
import io
import signal
import sys
from pathlib import Path

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from qqbot_sync.cli.talk import verbs
from qqbot_sync.cli.talk.entries import COLOURS, clean
from qqbot_sync.cli.talk.follow import Follower
from qqbot_sync.cli.talk.lines import Speech, Verb, parse
from qqbot_sync.cli.talk.remote import Remote
from qqbot_sync.cli.talk.screen import LINES, Screen
from qqbot_sync.codec import dumps

__all__ = ["HISTORY", "OWN", "Prompt"]

HISTORY = Path("~/.qqbot_sync_history")
"""What was typed at prompts before."""

OWN = {
    "as": "换一个人 / speak for another person: /as 阿雅",
    "in": "换一个地方 / go to another place: /in channel, direct, group, c2c, channel:ID, group:ID",
    "log": "最近的记录 / the newest entries of the log: /log 20",
    "help": "这些说明;/help close 说明一个 / this overview; /help close explains one verb",
    "quit": "结束(或 Ctrl-D)/ end (or Ctrl-D)",
}
"""The verbs of the prompt itself."""
_KEPT = 1000
"""Lines of history."""


class Prompt:
    """One person at a terminal. Not thread-safe.

    Args:
        remote: the simulator.
        screen: the terminal.
        history: file that remembers what was typed; None remembers nothing beyond the end.
    """

    def __init__(self, remote: Remote, screen: Screen, *, history: Path | None = None) -> None:
        self.who, self.where = "小明", "group"
        self._remote = remote
        self.screen = screen
        self._history = history.expanduser() if history is not None else None

    def run(self) -> None:
        """Talks until the person has had enough. Blocks."""
        self._prepare()
        try:
            with Follower(self._remote, self.screen, since=self._remote.last_number()) as self._follower:
                self._talk()
        finally:
            self._save()

    def _talk(self) -> None:
        is_warned = False
        while True:
            try:
                line = self.screen.ask(f"{self.who}@{self.where}> ", f"bold {COLOURS[self.where.partition(':')[0]]}")
                is_warned = False
                if not self._obey(line):
                    return
            except EOFError:
                self.screen.show("")
                return
            except KeyboardInterrupt:
                if is_warned:
                    # The end has begun: one press more must not make a failure of it.
                    signal.signal(signal.SIGINT, signal.SIG_IGN)
                    self.screen.show("")
                    return
                is_warned = True
                self.screen.show("", "再按一次 Ctrl-C 或输入 /quit 结束 / once more, or /quit, to end")
            except (ValueError, TypeError, ConnectionError) as error:
                self.screen.problem(str(error))

    def _obey(self, text: str) -> bool:
        """Does what a line says; False when it says to end."""
        line = parse(text)
        if isinstance(line, Speech):
            self._say(line)
        elif isinstance(line, Verb):
            if line.name in ("quit", "exit"):
                return False
            self._play(line.name, line.words)
        return True

    def _say(self, line: Speech) -> None:
        with self._follower.own:
            said = self._remote.call("say", user=line.who or self.who, where=line.where or self.where, text=line.text)
            self._follower.mine.add(said["id"])

    def _play(self, name: str, words: list[str]) -> None:
        if name == "as":
            self.who = _one("as", words).strip()
        elif name == "in":
            self._go(_one("in", words))
        elif name == "log":
            self._show_log(int(words[0]) if words and words[0].isdecimal() else 20)
        elif name == "help":
            self.screen.show(*(_explain(words[0].lstrip("/")) if words else _overview()))
        else:
            _check(name)
            answer = self._remote.call(name, **verbs.bind(name, words, user=self.who, where=self.where))
            if answer:
                self.screen.show(Text(clean(dumps(answer).decode()), style="dim"))

    def _go(self, where: str) -> None:
        kind, colon, _ = where.partition(":")
        if kind not in COLOURS or (colon and kind in ("direct", "c2c")):
            raise ValueError(
                f"没有这个地方 / there is no place {where!r}; channel, direct, group, c2c, channel:ID, group:ID"
            )
        self.where = where

    def _show_log(self, count: int) -> None:
        for entry in self._remote.call("log")[-count:]:
            self.screen.show(Text(clean(dumps(entry).decode()), style="dim"))

    # ---------------------------------------------------------------- line editing

    def _prepare(self) -> None:
        # Bytes that are no text must not end the prompt.
        if isinstance(sys.stdin, io.TextIOWrapper):
            sys.stdin.reconfigure(errors="replace")
        if LINES is None:
            return
        words = sorted(f"/{name}" for name in {*OWN, *verbs.names()})

        def complete(text: str, state: int) -> str | None:
            fitting = [word for word in words if text and word.startswith(text)]
            return fitting[state] if state < len(fitting) else None

        LINES.set_completer(complete)
        LINES.set_completer_delims(" ")
        is_libedit = "libedit" in (LINES.__doc__ or "")
        LINES.parse_and_bind("bind ^I rl_complete" if is_libedit else "tab: complete")
        LINES.set_history_length(_KEPT)
        if self._history is not None and self._history.is_file():
            try:
                LINES.read_history_file(self._history)
            except OSError as error:
                self.screen.problem(f"读不了历史 / cannot read the history: {error}")

    def _save(self) -> None:
        if LINES is None or self._history is None:
            return
        try:
            LINES.write_history_file(self._history)
        except OSError as error:
            self.screen.problem(f"历史没有保存 / the history was not saved: {error}")


def _one(verb: str, words: list[str]) -> str:
    if len(words) != 1 or not words[0].strip():
        raise ValueError(f"写法 / usage: {OWN[verb]}")
    return words[0]


def _overview() -> list[RenderableType]:
    own = Table.grid(padding=(0, 2))
    own.add_row("你好 / hello", "以当前的人和地方说话 / says it, as the person and in the place of the prompt")
    own.add_row("阿雅@c2c: 你好", "以别人的名义说一句 / somebody else says one thing")
    own.add_row("//ping", "说出 /ping / says /ping")
    for name, text in OWN.items():
        own.add_row(Text(f"/{name}", style="bold"), text)
    lists = Table.grid(padding=(0, 2))
    for group, members in verbs.groups().items():
        lists.add_row(group, Text(" ".join(f"/{name}" for name in members if name not in OWN), style="bold"))
    return [own, "", lists]


def _explain(name: str) -> list[RenderableType]:
    if name in OWN:
        return [Text(OWN[name])]
    _check(name)
    return [Text(f"/{verbs.usage(name, spoken_for=True)}", style="bold"), *map(Text, verbs.summary(name))]


def _check(name: str) -> None:
    """Raises ValueError where there is no such verb, with those that somebody may have meant."""
    known = {*OWN, *verbs.names()}
    if name not in known:
        near = sorted(difflib.get_close_matches(name, known, n=3, cutoff=0.5))
        meant = f"是不是 / did you mean: {', '.join(f'/{each}' for each in near)}? " if near else ""
        raise ValueError(f"没有动词 / there is no verb {name!r}; {meant}/help")
