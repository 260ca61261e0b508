"""What a person writes at the prompt or in a script: a message, a verb, an expectation, a pause. Pure."""

from __future__ import annotations

import re
import shlex
from typing import NamedTuple

__all__ = ["Expectation", "Line", "Pause", "Speech", "Verb", "parse", "parse_script"]

_SPEECH = re.compile(
    r"(?P<who>[^\s@/][^@]*)@(?P<where>direct|c2c|(?:channel|group)(?::[\w-]+(?=[:：]))?)\s*[:：]\s?(?P<text>.*)",
    re.ASCII,
)
"""`小明@group: 你好`; the colon may be a Chinese one."""
_EXPECT = re.compile(r"expect\s*[:：]\s*(?P<text>.*)")
_WAIT = re.compile(r"wait\s+(?P<seconds>\d+(\.\d+)?)")


class Speech(NamedTuple):
    """Somebody writes; None is whoever the prompt speaks for."""

    who: str | None
    where: str | None
    text: str


class Verb(NamedTuple):
    """`/name words…`."""

    name: str
    words: list[str]


class Expectation(NamedTuple):
    """The next answer to the last message contains this text; None: there is no further answer."""

    text: str | None


class Pause(NamedTuple):
    """Nothing happens for so many seconds."""

    seconds: float


Line = Speech | Verb | Expectation | Pause


def parse(text: str) -> Speech | Verb | None:
    """One line of the prompt; None when it is empty.

    `//ping` says "/ping"; what is neither a verb nor of the form `who@where: text` is said as it is.

    Raises:
        ValueError: a verb whose quotes do not close.
    """
    text = text.strip()
    if not text:
        return None
    if text.startswith("//"):
        return Speech(None, None, text[1:])
    if text.startswith("/"):
        name, *words = _split(text[1:]) or [""]
        return Verb(name, words)
    spoken = _SPEECH.fullmatch(text)
    if spoken:
        return Speech(spoken["who"].strip(), spoken["where"], spoken["text"].strip())
    return Speech(None, None, text)


def parse_script(text: str) -> list[tuple[int, Line]]:
    """The lines of a script with their numbers, without the empty ones and those that begin with `#`.

    Raises:
        ValueError: a line that means nothing here; the message begins with its number.
    """
    found: list[tuple[int, Line]] = []
    has_speech = False
    for number, raw in enumerate(text.splitlines(), 1):
        if not raw.strip() or raw.lstrip().startswith("#"):
            continue
        try:
            line = _script_line(raw.strip())
            if isinstance(line, Expectation) and not has_speech:
                raise ValueError("前面没有人说话 / nobody has said anything before this")
        except ValueError as error:
            raise ValueError(f"{number}: {error}") from error
        has_speech = has_speech or isinstance(line, Speech)
        found.append((number, line))
    return found


def _script_line(text: str) -> Line:
    if text == "expect nothing":
        return Expectation(None)
    if expected := _EXPECT.fullmatch(text):
        return Expectation(expected["text"])
    if pause := _WAIT.fullmatch(text):
        return Pause(float(pause["seconds"]))
    line = parse(text)
    if isinstance(line, Verb) or (isinstance(line, Speech) and line.who is not None):
        return line
    raise ValueError(
        f"看不懂 {text!r};可以写 小明@group: 你好、expect: 文字、expect nothing、wait 秒数、/动词 / "
        f"cannot read {text!r}; write 小明@group: text, expect: text, expect nothing, wait seconds, or /verb"
    )


def _split(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError as error:
        raise ValueError(f"引号没有配对 / quotes do not close: {text}") from error
