"""Buttons under messages.

https://bot.q.qq.com/wiki/develop/api-v2/server-inter/message/trans/msg-btn.html
"""

from dataclasses import dataclass, field

from ._base import Model, OpenIntEnum

__all__ = [
    "Action",
    "ActionPermission",
    "ActionType",
    "Button",
    "ButtonStyle",
    "Keyboard",
    "KeyboardContent",
    "KeyboardRow",
    "KeyboardStyle",
    "Modal",
    "PermissionType",
    "RenderData",
    "SubscribeData",
    "SubscribeTemplate",
]


class ButtonStyle(OpenIntEnum):
    """What a button looks like; the platform's pages disagree about 3."""

    GREY_OUTLINE = 0
    BLUE_OUTLINE = 1
    WHITE_TEXT = 2
    RED_TEXT = 3
    BLUE_FILL = 4


class ActionType(OpenIntEnum):
    """What a button does."""

    LINK = 0
    CALLBACK = 1
    """The bot gets an INTERACTION_CREATE."""
    COMMAND = 2
    """Puts a text into the input box."""
    NATIVE = 3
    SUBSCRIBE = 4


class PermissionType(OpenIntEnum):
    """Who may press a button."""

    NAMED_USERS = 0
    ADMINS = 1
    EVERYONE = 2
    NAMED_ROLES = 3


@dataclass
class RenderData(Model):
    """What a button looks like."""

    label: str | None = None
    """Its text, at most 10 characters."""
    visited_label: str | None = None
    """Its text after it was pressed."""
    style: ButtonStyle | None = None
    """Its colours."""


@dataclass
class ActionPermission(Model):
    """Who may press a button."""

    type: PermissionType | None = None
    """Who in general."""
    specify_user_ids: list[str] = field(default_factory=list)
    """For type 0: the users (openids in groups and C2C)."""
    specify_role_ids: list[str] = field(default_factory=list)
    """For type 3: the roles; guilds only."""


@dataclass
class Modal(Model):
    """A question asked before a button acts."""

    content: str | None = None
    """The question, at most 40 characters, no URL."""
    confirm_text: str | None = None
    """What yes is called, at most 4 characters."""
    cancel_text: str | None = None
    """What no is called, at most 4 characters."""


@dataclass
class SubscribeTemplate(Model):
    """A template to subscribe to: one of the two ids."""

    template_id: int | None = None
    """The platform's template."""
    custom_template_id: str | None = None
    """The bot's own template."""


@dataclass
class SubscribeData(Model):
    """What a subscribe button asks for."""

    template_ids: list[SubscribeTemplate] = field(default_factory=list)
    """The templates."""


@dataclass
class Action(Model):
    """What a button does."""

    type: ActionType | None = None
    """What kind of action."""
    data: str | None = None
    """The URL, the data of the callback, or the text of the command."""
    permission: ActionPermission | None = None
    """Who may press it."""
    enter: bool | None = None
    """Commands: send at once; C2C only, clients from 8983."""
    reply: bool | None = None
    """Commands: quote this message; clients from 8983."""
    anchor: int | None = None
    """Commands: 1 opens the picture picker instead; C2C on phones."""
    unsupport_tips: str | None = None
    """What clients say that are too old."""
    modal: Modal | None = None
    """A question asked first."""
    subscribe_data: SubscribeData | None = None
    """For type 4: what to subscribe to."""
    click_limit: int | None = None
    """Deprecated: how often it may be pressed."""
    at_bot_show_channel_list: bool | None = None
    """Deprecated."""


@dataclass
class Button(Model):
    """A button."""

    id: str | None = None
    """Its id, unique in the keyboard; comes back as `button_id`."""
    group_id: str | None = None
    """Callbacks: one press greys all buttons with the same `group_id`."""
    render_data: RenderData | None = None
    """What it looks like."""
    action: Action | None = None
    """What it does."""


@dataclass
class KeyboardRow(Model):
    """A row of buttons."""

    buttons: list[Button] = field(default_factory=list)
    """At most 5."""


@dataclass
class KeyboardStyle(Model):
    """What a keyboard looks like; undocumented."""

    font_size: str | None = None
    """`small`, `middle` or `large`."""


@dataclass
class KeyboardContent(Model):
    """The rows of a keyboard."""

    rows: list[KeyboardRow] = field(default_factory=list)
    """At most 5."""
    style: KeyboardStyle | None = None
    """What it looks like."""


@dataclass
class Keyboard(Model):
    """Buttons under a markdown message: a template's id or rows, never both."""

    id: str | None = None
    """A template of the console."""
    content: KeyboardContent | None = None
    """The rows."""
