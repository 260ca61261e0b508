"""Appointments of schedule channels.

https://bot.q.qq.com/wiki/develop/api-v2/server-inter/channel/content/schedule/model.html
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from qqbot_sync.api.checks import at_least_one, chosen, text, unix_time
from qqbot_sync.api.endpoint import endpoint
from qqbot_sync.api.resource import Resource, checked_id, quoted
from qqbot_sync.models import RemindType, Schedule

__all__ = ["ScheduleCalls"]

Moment = int | str | datetime
"""Unix milliseconds, as number or text, or an aware datetime."""

_LONGEST = 7 * 24 * 3600 * 1000
"""Milliseconds."""


class ScheduleCalls(Resource):
    """`/channels/{channel_id}/schedules`, only in schedule channels (application 1000050); writing needs the right to
    manage the channel. Thread-safe; errors and `timeout` as in `Resource`."""

    @endpoint("GET", "/channels/{channel_id}/schedules", group="schedules")
    def get_schedules(self, channel_id: str, *, since: Moment | None = None, timeout: float = 30.0) -> list[Schedule]:
        """The appointments of today, or those that end after `since`.

        Args:
            since: unix milliseconds or an aware datetime; None: today.

        https://bot.q.qq.com/wiki/develop/api-v2/server-inter/channel/content/schedule/get_schedules.html
        """
        after = None if since is None else {"since": unix_time("since", since, milliseconds=True)}
        path = f"/channels/{quoted('channel_id', channel_id)}/schedules"
        # The platform's documents put it into a body, Tencent's Go SDK into the query: both, so that either is read.
        return self._call_for_list(Schedule, "GET", path, inside="schedules", query=after, body=after, timeout=timeout)

    @endpoint("GET", "/channels/{channel_id}/schedules/{schedule_id}", group="schedules")
    def get_schedule(self, channel_id: str, schedule_id: str, *, timeout: float = 30.0) -> Schedule:
        """One appointment.

        https://bot.q.qq.com/wiki/develop/api-v2/server-inter/channel/content/schedule/get_schedule.html
        """
        return self._call_for(Schedule, "GET", _path(channel_id, schedule_id), timeout=timeout)

    @endpoint("POST", "/channels/{channel_id}/schedules", group="schedules")
    def create_schedule(
        self,
        channel_id: str,
        *,
        name: str,
        start_timestamp: Moment,
        end_timestamp: Moment,
        description: str = "",
        jump_channel_id: str = "0",
        remind_type: RemindType | str | int = RemindType.NONE,
        timeout: float = 30.0,
    ) -> Schedule:
        """Creates an appointment, at most 7 days long; 10 a day for each admin, 100 a day for the guild.

        Args:
            start_timestamp: unix milliseconds or an aware datetime, not in the past.
            end_timestamp: the same, later than the start.
            jump_channel_id: the channel it leads to; "0" for none.
            remind_type: when members are reminded.

        https://bot.q.qq.com/wiki/develop/api-v2/server-inter/channel/content/schedule/post_schedule.html
        """
        begins, body = _fields(
            name=name,
            description=description,
            start=start_timestamp,
            end=end_timestamp,
            jump_channel_id=jump_channel_id,
            remind_type=remind_type,
        )
        if begins is not None and begins < self._caller.clock.wall() * 1000:
            raise ValueError(
                "start_timestamp 早于现在 / start_timestamp lies in the past, an appointment cannot begin before now"
            )
        path = f"/channels/{quoted('channel_id', channel_id)}/schedules"
        return self._call_for(Schedule, "POST", path, body={"schedule": body}, timeout=timeout)

    @endpoint("PATCH", "/channels/{channel_id}/schedules/{schedule_id}", group="schedules")
    def update_schedule(
        self,
        channel_id: str,
        schedule_id: str,
        *,
        name: str | None = None,
        start_timestamp: Moment | None = None,
        end_timestamp: Moment | None = None,
        description: str | None = None,
        jump_channel_id: str | None = None,
        remind_type: RemindType | str | int | None = None,
        timeout: float = 30.0,
    ) -> Schedule:
        """Changes an appointment; arguments as `create_schedule`.

        Give them all where you can: the platform does not say what becomes of those that are left out.

        https://bot.q.qq.com/wiki/develop/api-v2/server-inter/channel/content/schedule/patch_schedule.html
        """
        _, body = _fields(
            name=name,
            description=description,
            start=start_timestamp,
            end=end_timestamp,
            jump_channel_id=jump_channel_id,
            remind_type=remind_type,
        )
        path = _path(channel_id, schedule_id)
        return self._call_for(Schedule, "PATCH", path, body={"schedule": body}, timeout=timeout)

    @endpoint("DELETE", "/channels/{channel_id}/schedules/{schedule_id}", group="schedules")
    def delete_schedule(self, channel_id: str, schedule_id: str, *, timeout: float = 30.0) -> None:
        """Deletes an appointment.

        https://bot.q.qq.com/wiki/develop/api-v2/server-inter/channel/content/schedule/delete_schedule.html
        """
        self._call("DELETE", _path(channel_id, schedule_id), timeout=timeout)


def _path(channel_id: str, schedule_id: str) -> str:
    return f"/channels/{quoted('channel_id', channel_id)}/schedules/{quoted('schedule_id', schedule_id)}"


def _fields(
    *,
    name: str | None,
    description: str | None,
    start: Moment | None,
    end: Moment | None,
    jump_channel_id: str | None,
    remind_type: RemindType | str | int | None,
) -> tuple[int | None, dict[str, Any]]:
    """When it begins, and the body; times go out as text, in milliseconds."""
    begins = None if start is None else unix_time("start_timestamp", start, milliseconds=True)
    ends = None if end is None else unix_time("end_timestamp", end, milliseconds=True)
    if begins is not None and ends is not None:
        if ends <= begins:
            raise ValueError(
                "end_timestamp 必须晚于 start_timestamp / end_timestamp must be later than start_timestamp"
            )
        if ends - begins > _LONGEST:
            raise ValueError("end_timestamp:日程最长 7 天 / end_timestamp: an appointment lasts 7 days at most")
    if isinstance(remind_type, int) and not isinstance(remind_type, bool):
        remind_type = str(remind_type)
    if description is not None and not isinstance(description, str):
        raise TypeError(f"description 必须是文本 / description must be text, not {type(description).__name__}")
    return begins, at_least_one(
        name=None if name is None else text("name", name),
        description=description,
        start_timestamp=None if begins is None else str(begins),
        end_timestamp=None if ends is None else str(ends),
        jump_channel_id=None if jump_channel_id is None else checked_id("jump_channel_id", jump_channel_id),
        remind_type=None if remind_type is None else chosen("remind_type", remind_type, RemindType),
    )
