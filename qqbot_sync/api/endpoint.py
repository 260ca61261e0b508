"""The table of endpoints: every method of `Api` says here which call of the platform it makes.

The decorator only attaches the facts; the docs page, the coverage test and `aliases` read them from the class.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, TypeVar

__all__ = ["GROUPS", "Endpoint", "aliases", "endpoint", "endpoints"]

F = TypeVar("F", bound=Callable[..., Any])

GROUPS = {
    "auth": "鉴权",
    "gateway": "网关",
    "users": "用户",
    "guilds": "频道",
    "channels": "子频道",
    "channel permissions": "子频道权限",
    "members": "频道成员",
    "roles": "频道身份组",
    "mute": "禁言",
    "message setting": "消息频率设置",
    "announces": "公告",
    "pins": "精华消息",
    "schedules": "日程",
    "reactions": "表情表态",
    "audio": "音频",
    "forum": "论坛",
    "dms": "频道私信",
    "guild messages": "子频道消息",
    "c2c messages": "单聊消息",
    "group messages": "群消息",
    "rich media": "富媒体",
    "group management": "群管理",
    "menu and panels": "菜单与指令面板",
    "interactions": "互动",
    "api permission": "接口权限",
}
"""The groups of `openapi_coverage.tsv` in its order, with their Chinese headings."""


@dataclass(frozen=True)
class Endpoint:
    """One call of the platform and the method that makes it. Immutable, thread-safe."""

    method: str
    """HTTP method."""
    path: str
    """As the platform's documents write it, e.g. `/guilds/{guild_id}`."""
    group: str
    """One of `GROUPS`."""
    name: str
    """Of the method of `Api`; one that begins with `_` is a step inside another call."""
    legacy: bool = False
    """Not in the platform's current documents; may stop to work."""
    deprecated: bool = False
    """The platform advises against it."""
    private_only: bool = False
    """For bots of the private domain only."""
    doc: str = ""
    """URL of the platform's page; empty where there is none."""
    summary: str = ""
    """First paragraph of the method's docstring."""
    aliases: tuple[str, ...] = ()
    """Other names of the method."""


def endpoint(
    method: str,
    path: str,
    *,
    group: str,
    legacy: bool = False,
    deprecated: bool = False,
    private_only: bool = False,
    doc: str = "",
) -> Callable[[F], F]:
    """Says which call a method makes; the method itself stays as it is.

        @endpoint("GET", "/guilds/{guild_id}", group="guilds", doc="https://…")
        def get_guild(self, guild_id: str, *, timeout: float = 30.0) -> Guild: ...

    An alias is a plain attribute of the class, with a docstring of its own below it:

        get_delete_member = delete_member
        \"""botpy's name of `delete_member`.\"""

    Args:
        doc: empty: the URL with which the method's docstring ends, if it does. The others as in `Endpoint`.

    Raises:
        ValueError: no such group.
    """
    if group not in GROUPS:
        raise ValueError(f"no such group: {group!r}")

    def attach(fn: F) -> F:
        text = (fn.__doc__ or "").strip()
        words = text.split() or [""]
        fn.__dict__["endpoint"] = Endpoint(
            method,
            path,
            group,
            name=fn.__name__,
            legacy=legacy,
            deprecated=deprecated,
            private_only=private_only,
            doc=doc or (words[-1] if words[-1].startswith("https://") else ""),
            summary=" ".join(text.partition("\n\n")[0].split()),
        )
        return fn

    return attach


def endpoints(api: type) -> tuple[Endpoint, ...]:
    """The table of a class, in the order of `GROUPS` and then of definition."""
    other_names: dict[str, list[str]] = {}
    for alias, name in aliases(api).items():
        other_names.setdefault(name, []).append(alias)
    order = list(GROUPS)
    found = [replace(fact, aliases=tuple(other_names.get(name, ()))) for name, fact in _facts(api) if name == fact.name]
    return tuple(sorted(found, key=lambda one: order.index(one.group)))


def aliases(api: type) -> dict[str, str]:
    """Every other name of a method that makes a call, and the name it stands for."""
    return {name: fact.name for name, fact in _facts(api) if name != fact.name}


def _facts(api: type) -> Iterator[tuple[str, Endpoint]]:
    seen: set[str] = set()
    for base in api.__mro__:
        for name, value in vars(base).items():
            fact = getattr(value, "endpoint", None)
            if name not in seen and isinstance(fact, Endpoint):
                yield name, fact
            seen.add(name)
