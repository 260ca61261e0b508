"""Roles of guilds.

https://bot.q.qq.com/wiki/develop/api-v2/server-inter/channel/role/role/role_model.html
"""

from dataclasses import dataclass, field

from ._base import Model

__all__ = ["Role", "RoleChange", "RoleFilter", "RoleList", "RoleUpdate"]


@dataclass
class Role(Model):
    """A role of a guild."""

    id: str | None = None
    """The role's id; by default "1" everyone, "2" admin, "4" owner, "5" channel admin."""
    name: str = ""
    """Its name."""
    color: int | None = None
    """ARGB as a number; 4278245297 is the default colour."""
    hoist: int | None = None
    """1 when its members are listed apart, else 0."""
    number: int | None = None
    """Members that have it."""
    member_limit: int | None = None
    """Members that may have it."""


@dataclass
class RoleList(Model):
    """The roles of a guild."""

    guild_id: str | None = None
    """The guild."""
    roles: list[Role] = field(default_factory=list)
    """Its roles."""
    role_num_limit: str | None = None
    """How many roles it may have, as decimal text."""


@dataclass
class RoleChange(Model):
    """Answer to creating or changing a role."""

    role_id: str | None = None
    """The role's id."""
    guild_id: str | None = None
    """The guild; missing after creating."""
    role: Role | None = None
    """The role as it is now."""


@dataclass
class RoleFilter(Model):
    """Which fields a request of the old form sets: 1 yes, 0 no."""

    name: int | None = None
    """Whether the name is set."""
    color: int | None = None
    """Whether the colour is set."""
    hoist: int | None = None
    """Whether being listed apart is set."""


@dataclass
class RoleUpdate(Model):
    """A request of the old form to create or change a role."""

    guild_id: str | None = None
    """The guild."""
    filter: RoleFilter | None = None
    """Which fields it sets."""
    info: Role | None = None
    """Their values."""
