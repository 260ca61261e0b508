"""The limits of menus and panels, checked before anything is sent."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

from qqbot_sync.api.checks import Object, chosen, object_of, text, yes_no
from qqbot_sync.models import Menu, Model

__all__ = ["check_menu", "check_panel", "width"]

MOST_MENU_ITEMS, MOST_SUB_ITEMS, MOST_PANEL_ITEMS = 10, 5, 20
MENU_NAME, SUB_NAME = 10, 14
"""How wide a name may be; a Chinese character counts 2."""
PANEL_NAME, PANEL_DESC, PANEL_REMARK = 14, 30, 255
"""Characters."""


def width(name: str) -> int:
    """How wide a name is: a Chinese character counts 2, others 1."""
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in name)


def check_menu(menu: object) -> list[Object]:
    """The entries of a menu.

    Raises:
        TypeError, ValueError: naming the entry and its limit.
    """
    if isinstance(menu, Menu):
        menu = menu.items
    elif isinstance(menu, Mapping):
        menu = menu.get("items", ())
    items = _entries("menu.items", menu, MOST_MENU_ITEMS)
    for place, item in enumerate(items):
        _check_menu_item(f"menu.items[{place}]", _fields(item), depth=0)
    return items


def _check_menu_item(name: str, item: Mapping[str, Any], *, depth: int) -> None:
    _check_width(f"{name}.name", item.get("name"), SUB_NAME if depth else MENU_NAME)
    kinds = ("send_message", "link") if depth else ("switch", "send_message", "link", "menu")
    kind = chosen(f"{name}.type", _plain(item.get("type")), kinds)
    if kind == "link":
        _check_link(f"{name}.link", item.get("link"))
    elif kind == "send_message":
        text(f"{name}.send_message", item.get("send_message"))
    elif kind == "switch":
        switch = _fields(object_of(f"{name}.switch", item.get("switch")))
        text(f"{name}.switch.switch_id", switch.get("switch_id"))
    else:
        further = _entries(f"{name}.sub_menu_items", item.get("sub_menu_items"), MOST_SUB_ITEMS, at_least=1)
        for place, one in enumerate(further):
            _check_menu_item(f"{name}.sub_menu_items[{place}]", _fields(one), depth=1)


def check_panel(panel: object) -> dict[str, Any]:
    """What a panel shows, without what only the platform says of it.

    Raises:
        TypeError, ValueError: naming the entry and its limit.
    """
    fields = _fields(object_of("panel", panel))
    for place, item in enumerate(_entries("panel.items", fields.get("items"), MOST_PANEL_ITEMS, at_least=1)):
        name, entry = f"panel.items[{place}]", _fields(item)
        text(f"{name}.name", entry.get("name"), most=PANEL_NAME)
        if entry.get("desc"):
            text(f"{name}.desc", entry["desc"], most=PANEL_DESC)
        if chosen(f"{name}.type", _plain(entry.get("type")), ("command", "link")) == "link":
            _check_link(f"{name}.link", entry.get("link"))
        if entry.get("only_admin") is not None:
            yes_no(f"{name}.only_admin", entry["only_admin"])
    if fields.get("remark"):
        text("panel.remark", fields["remark"], most=PANEL_REMARK)
    return {name: value for name, value in fields.items() if name != "version" and value not in (None, "")}


def _fields(value: object) -> Mapping[str, Any]:
    return vars(value) if isinstance(value, Model) else value if isinstance(value, Mapping) else {}


def _plain(value: object) -> object:
    return str(value) if isinstance(value, str) else value


def _entries(name: str, value: object, most: int, *, at_least: int = 0) -> list[Object]:
    if isinstance(value, (str, bytes)) or not isinstance(value, Sequence):
        raise TypeError(f"{name} 必须是列表 / {name} must be a list, not {value!r}")
    items = [object_of(f"{name}[{place}]", one) for place, one in enumerate(value)]
    if not at_least <= len(items) <= most:
        raise ValueError(
            f"{name} 需要 {at_least} 到 {most} 项 / {name} must hold {at_least} to {most}, not {len(items)}"
        )
    return items


def _check_width(name: str, value: object, most: int) -> None:
    if width(text(name, value)) > most:
        raise ValueError(
            f"{name} 宽度最多 {most}(汉字算 2) / "
            f"{name} may be {most} wide at most (a Chinese character counts 2), not {value!r}"
        )


def _check_link(name: str, value: object) -> None:
    if not text(name, value).startswith("https://"):
        raise ValueError(f"{name} 必须以 https:// 开头 / {name} must begin with https://, not {value!r}")
