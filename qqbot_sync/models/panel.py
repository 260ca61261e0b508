"""The menu of the one-to-one chat, and the command panels of all scenes.

https://bot.q.qq.com/wiki/develop/api-v2/
"""

from dataclasses import dataclass, field
from datetime import datetime

from ._base import AS_SENT, Model, OpenStrEnum, Timestamp
from ._time import parse_time

__all__ = [
    "Menu",
    "MenuItem",
    "MenuItemType",
    "MenuState",
    "MenuSwitch",
    "Panel",
    "PanelItem",
    "PanelItemType",
    "PanelPage",
    "PanelRecord",
    "PanelScope",
    "PanelTargetType",
    "SubMenuItem",
]


class MenuItemType(OpenStrEnum):
    """What an entry of the menu does."""

    SWITCH = "switch"
    """Is on or off; while it is on, the user's messages say so in `message_scene.ext`."""
    SEND_MESSAGE = "send_message"
    """Puts a text into the input box."""
    LINK = "link"
    MENU = "menu"
    """Opens further entries."""


@dataclass
class MenuSwitch(Model):
    """A switch in the menu."""

    switch_id: str | None = None
    """What messages name it by: `{switch_id}=1`."""
    default: bool | None = None
    """Whether it is on at first."""


@dataclass
class SubMenuItem(Model):
    """An entry below an entry of the menu."""

    name: str = ""
    """At most 14; a Chinese character counts 2."""
    type: MenuItemType | None = None
    """`send_message` or `link`."""
    send_message: str | None = None
    """The text for the input box."""
    link: str | None = None
    """The https address."""


@dataclass
class MenuItem(Model):
    """An entry of the menu."""

    name: str = ""
    """At most 10; a Chinese character counts 2."""
    type: MenuItemType | None = None
    """What it does."""
    sub_menu_items: list[SubMenuItem] = field(default_factory=list)
    """Type `menu`: at most 5 further entries."""
    send_message: str | None = None
    """Type `send_message`: the text for the input box."""
    link: str | None = None
    """Type `link`: the https address."""
    switch: MenuSwitch | None = None
    """Type `switch`: the switch."""


@dataclass
class Menu(Model):
    """The button bar of the one-to-one chat."""

    items: list[MenuItem] = field(default_factory=list)
    """At most 10 entries."""


@dataclass
class MenuState(Model):
    """The menu as it is."""

    version: int | None = None
    """Counts the changes."""
    menu: Menu | None = None
    """The menu; missing where none was ever set."""


class PanelScope(OpenStrEnum):
    """Where a panel is shown."""

    C2C = "c2c"
    GROUP = "group"
    CHANNEL = "channel"
    DM = "dm"


class PanelTargetType(OpenStrEnum):
    """To whom a panel is shown."""

    ALL = "all"
    SPECIFIC = "specific"
    """To named users or groups; only in `c2c` and `group`."""


class PanelItemType(OpenStrEnum):
    """What an entry of a panel does."""

    COMMAND = "command"
    """Puts the name into the input box."""
    LINK = "link"


@dataclass
class PanelItem(Model):
    """An entry of a panel."""

    name: str = ""
    """At most 14 characters."""
    desc: str = ""
    """At most 30 characters."""
    type: PanelItemType | None = None
    """What it does."""
    only_admin: bool | None = None
    """Whether only admins see it."""
    link: str | None = None
    """Type `link`: the https address."""


@dataclass
class Panel(Model):
    """What a panel shows."""

    items: list[PanelItem] = field(default_factory=list)
    """At most 20 entries."""
    remark: str = ""
    """A note for the bot's owner, at most 255 characters."""
    version: int | None = None
    """Counts the changes; in answers only."""


@dataclass
class PanelRecord(Model):
    """A panel as the platform keeps it."""

    panel_id: str | None = None
    """The panel."""
    scope: PanelScope | None = None
    """Where it is shown."""
    target_type: PanelTargetType | None = None
    """To whom it is shown."""
    panel: Panel | None = None
    """What it shows."""
    created_at: Timestamp = field(default=None, metadata=AS_SENT)
    """When it was made, RFC 3339."""
    updated_at: Timestamp = field(default=None, metadata=AS_SENT)
    """When it was changed, RFC 3339."""
    version: int | None = None
    """Counts the changes."""
    user_openids: list[str] = field(default_factory=list)
    """The users it is shown to; only where one panel was asked for."""
    group_openids: list[str] = field(default_factory=list)
    """The groups it is shown in; only where one panel was asked for."""

    @property
    def created_at_datetime(self) -> datetime | None:
        """`created_at` as an aware datetime; None when it cannot be read."""
        return parse_time(self.created_at)

    @property
    def updated_at_datetime(self) -> datetime | None:
        """`updated_at` as an aware datetime; None when it cannot be read."""
        return parse_time(self.updated_at)


@dataclass
class PanelPage(Model):
    """One page of the panels of a scene, newest first."""

    records: list[PanelRecord] = field(default_factory=list)
    """The panels."""
    next_cursor: str = ""
    """What to ask the next page with; empty at the end."""
    is_end: bool | None = None
    """Whether this is the last page."""
