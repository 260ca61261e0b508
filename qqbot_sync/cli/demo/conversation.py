"""What is said in the demo: data alone. Each turn is said together and answered together."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["AFTER", "BEFORE", "CUT", "PLACES", "Line", "Turn"]

PLACES = {
    "channel": ("频道", "channel", "cyan"),
    "direct": ("频道私信", "guild DM", "magenta"),
    "group": ("群聊", "group", "green"),
    "c2c": ("单聊", "one to one", "yellow"),
}
"""Place → its name in Chinese and English, and its colour."""


class Line(NamedTuple):
    """One person's message."""

    who: str
    where: str
    text: str


Turn = tuple[Line, ...]

BEFORE: tuple[Turn, ...] = (
    (Line("小明", "channel", "早上好呀!"),),
    (Line("阿雅", "direct", "悄悄问一下,今天星期几?"),),
    (Line("老周", "group", "掷个骰子,谁点数小谁请客"), Line("小美", "group", "我也要掷骰子")),
    (Line("小林", "c2c", "12*34 等于多少?"),),
    (Line("小明", "channel", "帮我点一杯奶茶"),),
)
"""The last of these makes the bot ask back (`ctx.ask`); the answer is written while it is offline."""

CUT: Turn = (
    Line("小明", "channel", "三分糖,去冰"),
    Line("阿雅", "direct", "咦,你还在吗?"),
    Line("老周", "group", "再掷一次骰子"),
    Line("小林", "c2c", "99*99 呢?"),
)
"""Written while the line is down."""

AFTER: tuple[Turn, ...] = (
    (Line("小美", "group", "一条都没漏,厉害"),),
    (Line("阿雅", "direct", "晚安,小Q"), Line("小明", "channel", "谢谢你的奶茶!")),
)
