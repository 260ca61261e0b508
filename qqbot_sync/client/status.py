"""The words and tables of `print_status`: pure, from the data of `GatewayDiagnostics.as_dict`."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TextIO

from qqbot_sync.logs import SafeStream

__all__ = ["Facts", "facts_of", "one_line", "print_table", "write_text"]

TITLE = "网关诊断 / Gateway diagnostics"
STATES = {
    "connecting": ("连接中", "yellow"),
    "connected": ("已连接", "green"),
    "suspended": ("恢复中", "yellow"),
    "lost": ("会话已失", "yellow"),
    "stopped": ("未运行", ""),
    "failed": ("已失败", "red"),
}
"""What people read for a `ConnectionState`, and its colour."""


class Fact(NamedTuple):
    """One line of the status."""

    label: str
    value: str
    colour: str = ""


@dataclass(frozen=True)
class Sheet:
    """A table of the status."""

    title: str
    columns: tuple[str, ...]
    rows: list[tuple[str, ...]]


@dataclass(frozen=True)
class Facts:
    """What there is to show."""

    lines: list[Fact]
    sheets: list[Sheet] = field(default_factory=list)

    def text(self) -> str:
        """As plain text, aligned by the width characters have on a screen."""
        return "\n".join(self._text())

    def _text(self) -> Iterator[str]:
        yield f"=== {TITLE} ==="
        yield from _aligned([(fact.label, fact.value) for fact in self.lines])
        for sheet in self.sheets:
            yield ""
            yield f"--- {sheet.title} ---"
            yield from _aligned([sheet.columns, *sheet.rows])


def facts_of(data: Mapping[str, Any]) -> Facts:
    """Words for the data of `as_dict`."""
    return Facts(list(_lines(data)), [sheet for sheet in _sheets(data) if sheet.rows])


def one_line(data: Mapping[str, Any]) -> str:
    """The whole in a few words, for a repr."""
    connections, events = data["connections"], data["events"]
    return (
        f"{data['state']}, up {duration(data['uptime'])}, {connections['successes']} of {connections['attempts']} "
        f"connections, {events['received']} events"
    )


def _lines(data: Mapping[str, Any]) -> Iterator[Fact]:
    connections, events, heartbeat, queue = (data[name] for name in ("connections", "events", "heartbeat", "queue"))
    messages, workers, intents = (data[name] for name in ("messages", "workers", "intents"))
    chinese, colour = STATES.get(data["state"], (data["state"], ""))
    if data["state"] == "connected":
        healthy = "健康 / healthy" if data["healthy"] else "不健康 / not healthy"
        colour = "green" if data["healthy"] else "red"
        yield Fact("状态 / state", f"{chinese} / {data['state']}, {healthy}", colour)
    else:
        yield Fact("状态 / state", f"{chinese} / {data['state']}", colour)
    if data["error"]:
        yield Fact("原因 / cause", ", ".join(part.strip() for part in data["error"].splitlines()), "red")
    yield Fact("机器人 / bot", f"{data['app_id']}, {data['environment']}")
    yield Fact("运行时间 / uptime", duration(data["uptime"]))
    yield Fact("连接尝试 / connection attempts", str(connections["attempts"]))
    sessions = f"IDENTIFY {connections['identifies']}, RESUME {connections['resumes']}"
    yield Fact("成功连接 / successful connections", f"{connections['successes']} ({sessions})")
    rate = connections["success_rate"]
    yield Fact("连接成功率 / success rate", "-" if rate is None else f"{rate * 100:.2f}%")
    yield Fact("重连 / reconnections", _counted(connections["reconnections"]))
    yield Fact("接收事件 / events received", str(events["received"]))
    speed = f"{events['per_second']:.2f} /s, 最近一分钟处理 / handled in the last minute"
    yield Fact("事件速率 / event rate", f"{speed} {events['per_second_last_minute']:.2f} /s")
    yield Fact("已处理 / handled", f"{events['processed']}, 出错 / failed {events['failed']}", _red(events["failed"]))
    given_up = events["dropped"] + events["expired"]
    others = f"{events['deduplicated']} / {given_up} / {events['unheard']}"
    yield Fact("重复 / 丢弃 / 无人处理", f"{others} (duplicates / dropped / unheard)", _red(given_up))
    replies = f"{messages['replies_sent']}, 主动消息 / proactive {messages['proactive_sent']}"
    yield Fact("已发回复 / replies sent", replies)
    failed = Counter(messages["replies_failed"]) + Counter(messages["proactive_failed"])
    yield Fact("发送失败 / failed to send", _counted(failed), _red(sum(failed.values())))
    ago = "-" if heartbeat["last_ago"] is None else f"{duration(heartbeat['last_ago'])} 前 / ago"
    yield Fact("延迟 / latency", f"{_milliseconds(heartbeat['latency'])}, 心跳 / heartbeat {ago}")
    is_full = queue["depth"] >= 0.8 * queue["size"]
    depth = f"{queue['depth']} of {queue['size']}, 最早 / oldest {queue['age']:.1f} s"
    yield Fact("队列 / queue", depth, "yellow" if is_full else "")
    busy = f"{workers['busy']} of {workers['limit']} 忙 / busy, {workers['waiting']} 等待 / waiting"
    yield Fact("工作线程 / workers", busy, "yellow" if workers["busy"] >= workers["limit"] else "")
    yield Fact("请求的 intents / asked for", ", ".join(intents["asked"]) or "-")
    if intents["given_up"]:
        yield Fact("被拒绝的 intents / refused", ", ".join(intents["given_up"]), "yellow")
    dead = [name for name, is_alive in data["threads"].items() if not is_alive]
    alive = ", ".join(_threads(name for name, is_alive in data["threads"].items() if is_alive))
    yield Fact("线程 / threads", alive or "-")
    if dead:
        yield Fact("已终止的线程 / dead threads", ", ".join(dead), "red")


def _sheets(data: Mapping[str, Any]) -> Iterator[Sheet]:
    yield Sheet(
        "分片 / shards",
        ("分片 / shard", "状态 / state", "延迟 / latency", "序号 / seq", "会话 / session"),
        [
            (
                f"{shard['id']}/{shard['count']}",
                f"{STATES.get(shard['state'], (shard['state'], ''))[0]} / {shard['state']}",
                _milliseconds(shard["latency"]),
                "-" if shard["sequence_number"] is None else str(shard["sequence_number"]),
                shard["session_id"] or "-",
            )
            for shard in data["shards"]
        ],
    )
    yield Sheet(
        "正在处理 / being handled",
        ("处理函数 / handler", "事件 / event", "用时 / for", "状态 / state"),
        [
            (
                doing["handler"] or "-",
                doing["event"],
                f"{doing['seconds']:.1f} s",
                "等待 / waits" if doing["waiting"] else "运行 / runs",
            )
            for doing in data["workers"]["doing"]
        ],
    )
    yield Sheet(
        "最近的错误 / last errors",
        ("多久以前 / ago", "次数 / times", "哪里 / where", "什么 / what"),
        [
            (duration(fault["seconds_ago"]), str(fault["count"]), fault["where"], f"{fault['kind']}: {fault['text']}")
            for fault in data["errors"]
        ],
    )


# -- words ----------------------------------------------------------------------------------------------------------


def duration(seconds: float) -> str:
    """`0:03:12`, from a day on `2 d 03:04:05`."""
    days, rest = divmod(int(seconds), 86400)
    hours, rest = divmod(rest, 3600)
    minutes, rest = divmod(rest, 60)
    return f"{days} d {hours:02}:{minutes:02}:{rest:02}" if days else f"{hours}:{minutes:02}:{rest:02}"


def _milliseconds(seconds: float | None) -> str:
    return "-" if seconds is None else f"{seconds * 1000:.1f} ms"


def _counted(counts: Mapping[str, int]) -> str:
    total = sum(counts.values())
    each = ", ".join(f"{name} {count}" for name, count in sorted(counts.items(), key=lambda item: -item[1]))
    return f"{total} ({each})" if each else "0"


def _red(count: int) -> str:
    return "red" if count else ""


def _threads(names: Iterable[str]) -> list[str]:
    """Threads of one kind as one: `reader x4`."""
    kinds = Counter(re.sub(r"([-_]\d+)+$", "", name.removeprefix("qqbot-")) for name in names)
    return [name if count == 1 else f"{name} x{count}" for name, count in kinds.items()]


# -- text and table -------------------------------------------------------------------------------------------------


def write_text(facts: Facts, file: TextIO) -> None:
    """As plain text."""
    SafeStream(file).write(facts.text() + "\n")


def print_table(facts: Facts, file: TextIO) -> bool:
    """As tables with colours; False where `rich` is not installed."""
    try:
        from rich.console import Console
        from rich.table import Table
        from rich.text import Text
    except ImportError:
        return False
    console = Console(file=SafeStream(file), highlight=False)  # type: ignore[arg-type]
    # No frames: where terminals are Chinese their lines may be two columns wide, and nothing would meet.
    table = Table(title=TITLE, title_style="bold", title_justify="left", show_header=False, box=None, pad_edge=False)
    table.add_column(style="cyan", no_wrap=True)
    table.add_column(overflow="fold")
    for fact in facts.lines:
        table.add_row(fact.label, Text(fact.value, style=fact.colour))
    console.print(table)
    for sheet in facts.sheets:
        table = Table(title=sheet.title, title_style="bold", title_justify="left", box=None, pad_edge=False)
        for column in sheet.columns:
            table.add_column(column, overflow="fold", header_style="cyan")
        for row in sheet.rows:
            table.add_row(*map(Text, row))
        console.print()
        console.print(table)
    return True


def _aligned(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """The rows with their columns one below the other; the last column is as long as it likes."""
    columns = len(rows[0])
    widths = [max(_width(row[at]) for row in rows) for at in range(columns - 1)]
    for row in rows:
        padded = [cell + " " * (width - _width(cell)) for cell, width in zip(row, widths, strict=False)]
        yield "  ".join([*padded, row[-1]])


def _width(text: str) -> int:
    """Columns of a terminal."""
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)
