"""Appointments of schedule channels.

https://bot.q.qq.com/wiki/develop/api-v2/server-inter/channel/content/schedule/model.html
"""

from dataclasses import dataclass, field
from datetime import datetime

from ._base import AS_SENT, Model, OpenStrEnum, Timestamp
from ._time import parse_time
from .user import Member

__all__ = ["RemindType", "Schedule"]


class RemindType(OpenStrEnum):
    """When members are reminded."""

    NONE = "0"
    AT_START = "1"
    FIVE_MINUTES_BEFORE = "2"
    FIFTEEN_MINUTES_BEFORE = "3"
    THIRTY_MINUTES_BEFORE = "4"
    SIXTY_MINUTES_BEFORE = "5"


@dataclass
class Schedule(Model):
    """An appointment."""

    id: str | None = None
    """Its id."""
    name: str = ""
    """Its title."""
    description: str = ""
    """What is said about it."""
    start_timestamp: Timestamp = field(default=None, metadata=AS_SENT)
    """When it begins, unix milliseconds as text."""
    end_timestamp: Timestamp = field(default=None, metadata=AS_SENT)
    """When it ends, unix milliseconds as text."""
    creator: Member | None = None
    """Who created it."""
    jump_channel_id: str | None = None
    """The channel it leads to; "0" for none."""
    remind_type: RemindType | None = None
    """When members are reminded."""

    @property
    def start_timestamp_datetime(self) -> datetime | None:
        """`start_timestamp` as an aware datetime; None when it cannot be read."""
        return parse_time(self.start_timestamp)

    @property
    def end_timestamp_datetime(self) -> datetime | None:
        """`end_timestamp` as an aware datetime; None when it cannot be read."""
        return parse_time(self.end_timestamp)
