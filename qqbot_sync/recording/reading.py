"""Reading a recording: whole, or as far as it is whole."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from qqbot_sync import codec
from qqbot_sync.recording.exchange import Exchange
from qqbot_sync.recording.steps import (
    FORMAT,
    VERSION,
    End,
    EventStep,
    Header,
    Lost,
    Mark,
    Step,
    Verdict,
    step_from_json,
)

__all__ = ["Recording", "UnreadableRecording", "read"]

CHUNK = 1 << 16
GZIP = 31
"""zlib's number for "with the head of gzip"."""


class UnreadableRecording(ValueError):
    """The file is no recording, is damaged or was cut off; the text is one line and says what to do."""


@dataclass
class Recording:
    """A recording in memory. Not thread-safe to change, safe to read."""

    path: Path
    header: Header
    steps: list[Step] = field(default_factory=list)
    """In the order of their times, calls left out."""
    exchanges: list[Exchange] = field(default_factory=list)
    """In the order of their times."""
    is_whole: bool = True
    lost: int = 0
    """Records that the recorder had to drop."""

    @property
    def events(self) -> list[EventStep]:
        return [step for step in self.steps if isinstance(step, EventStep)]

    @property
    def duration(self) -> float:
        """Seconds from the start of the recording to its last record."""
        last = [each[-1].t for each in (self.steps, self.exchanges) if each]
        return max(last, default=0.0)

    @cached_property
    def verdicts(self) -> dict[int, str]:
        """What became of an event that was not for the handlers, by its number."""
        return {step.number: step.verdict for step in self.steps if isinstance(step, Verdict)}

    @property
    def waits(self) -> dict[int, int]:
        """How often the handlers of each event began to wait."""
        found: dict[int, int] = {}
        for step in self.steps:
            if isinstance(step, Mark) and step.what == "wait":
                found[step.number] = found.get(step.number, 0) + 1
        return found


def read(path: str | Path, *, partial: bool = False) -> Recording:
    """Reads a whole file.

    Args:
        partial: of a file that was cut off or damaged, take what stands before that place.

    Raises:
        OSError: it cannot be read.
        UnreadableRecording: it is no recording, of a newer format, or (without `partial`) not whole.
    """
    file = Path(path)
    recording, problem = _read(file)
    if problem and not partial:
        raise UnreadableRecording(_incomplete(recording, problem))
    recording.is_whole = not problem
    # Written when they were over, a few of them overtook each other.
    recording.steps.sort(key=lambda step: step.t)
    recording.exchanges.sort(key=lambda exchange: exchange.t)
    return recording


def _read(path: Path) -> tuple[Recording, str]:
    """What there is, and what is wrong with it: "" for a whole recording."""
    recording: Recording | None = None
    for number, line in enumerate(_lines(path), 1):
        if recording is None:
            recording = Recording(path, _header(path, line))
            continue
        if line is None:
            return recording, f"第 {number} 行中断 / it is cut off in line {number}"
        try:
            step = step_from_json(_object(line))
        except (codec.Undecodable, KeyError, TypeError, ValueError, RecursionError):
            return recording, f"第 {number} 行损坏或中断 / line {number} is damaged or cut off"
        if isinstance(step, End):
            return recording, ""
        if isinstance(step, Exchange):
            recording.exchanges.append(step)
        elif step is not None:
            recording.steps.append(step)
            recording.lost += step.count if isinstance(step, Lost) else 0
    if recording is None:
        raise UnreadableRecording(f"{path} 是空文件,不是录制文件 / {path} is empty: no recording")
    return recording, "没有结尾,录制被中断 / its end is missing"


def _incomplete(recording: Recording, problem: str) -> str:
    chinese, _, english = problem.partition(" / ")
    events, calls = len(recording.events), len(recording.exchanges)
    return (
        f"{recording.path} {chinese};前面完好的 {events} 个事件、{calls} 次调用可加 --partial 播放 / "
        f"{english}: the {events} events and {calls} calls before that can be played with --partial "
        "(QQ_BOT_REPLAY_PARTIAL=true)"
    )


def _header(path: Path, line: bytes | None) -> Header:
    try:
        record = _object(line or b"")
        if record.get("kind") != FORMAT:
            raise ValueError("kind")
        header = Header.from_json(record)
    except (codec.Undecodable, KeyError, TypeError, ValueError, RecursionError) as error:
        raise UnreadableRecording(
            f"{path} 不是录制文件,或在第一行就中断了;请用 qqbot-sync record 重新录制 / "
            f"{path} is no recording, or cut off in its first line: record one with qqbot-sync record"
        ) from error
    if isinstance(header.version, bool) or not isinstance(header.version, int) or header.version > VERSION:
        raise UnreadableRecording(
            f"{path} 的格式版本是 {header.version}(由 {header.by} 录制),这里只认识到 {VERSION};请升级 qqbot_sync / "
            f"{path} has format version {header.version} (by {header.by}), {VERSION} is the newest known here: "
            "upgrade qqbot_sync"
        )
    return header


def _object(line: bytes) -> dict[str, Any]:
    record = codec.loads(line)
    if not isinstance(record, dict):
        raise TypeError("no object")
    return record


def _lines(path: Path) -> Iterator[bytes | None]:
    """Each line without its end; None in place of the rest where compressed data break off."""
    rest = b""
    for chunk in _chunks(path):
        if chunk is None:
            yield None
            return
        *whole, rest = (rest + chunk).split(b"\n")
        yield from whole
    if rest:
        yield rest


def _chunks(path: Path) -> Iterator[bytes | None]:
    with path.open("rb") as file:
        first = file.read(CHUNK)
        if first[:2] != b"\x1f\x8b":
            while first:
                yield first
                first = file.read(CHUNK)
            return
        unpacker = zlib.decompressobj(GZIP)
        try:
            while first:
                yield unpacker.decompress(first)
                first = file.read(CHUNK)
        except zlib.error:
            yield None
