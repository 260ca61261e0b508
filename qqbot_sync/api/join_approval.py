"""Rules that let listed QQ users into groups by themselves. They act only where the bot is an admin.

https://bot.q.qq.com/wiki/develop/api-v2/server-inter/group/manage/event.html
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

from qqbot_sync.api.checks import chosen, given, id_list, text, whole
from qqbot_sync.api.endpoint import endpoint
from qqbot_sync.api.paging import pages
from qqbot_sync.api.resource import Resource, quoted
from qqbot_sync.api.times import future
from qqbot_sync.models import JoinApprovalStrategy, JoinApprovalStrategyPage, JoinWhitelist

__all__ = ["JoinApprovalCalls"]

_PATH = "/v2/groups/join_approval_strategy"
MOST_GROUPS = 100
MOST_USERS = 10_000
MOST_REMARK = 255


class JoinApprovalCalls(Resource):
    """`/v2/groups/join_approval_strategy`; at most 20 rules per bot. Thread-safe.

    Every call raises ApiError when the platform refuses, ConnectionFailed when it cannot be reached, and TypeError or
    ValueError for bad arguments before anything is sent. `timeout` is in seconds, retries included.
    """

    @endpoint("GET", _PATH, group="group management")
    def get_join_approval_strategies(
        self, *, cursor: str | None = None, limit: int | None = None, timeout: float = 30.0
    ) -> JoinApprovalStrategyPage:
        """One page of the rules, newest first.

        Args:
            cursor: `next_cursor` of the page before; None for the first.
            limit: 1 to 100; None: the platform's 20.
        """
        query = given(
            cursor=None if cursor is None else text("cursor", cursor),
            limit=None if limit is None else whole("limit", limit, 1, 100),
        )
        return self._call_for(JoinApprovalStrategyPage, "GET", _PATH, query=query, timeout=timeout)

    def iter_join_approval_strategies(self, *, timeout: float = 30.0) -> Iterator[JoinApprovalStrategy]:
        """Every rule; `timeout` is for each page. Errors as `get_join_approval_strategies`."""
        for page in pages(lambda cursor: self.get_join_approval_strategies(cursor=cursor, timeout=timeout)):
            yield from page.strategies

    @endpoint("POST", _PATH, group="group management")
    def create_join_approval_strategy(
        self,
        *,
        group_openids: Sequence[str] | None = None,
        group_ids: Sequence[int | str] | None = None,
        is_enable: str | None = None,
        expire_at: datetime | str | None = None,
        remark: str | None = None,
        timeout: float = 30.0,
    ) -> JoinApprovalStrategy:
        """Makes a rule; the answer holds `strategy_id`, `is_enable` and `expire_at`.

        Args:
            group_openids: 1 to 100 groups; or `group_ids`.
            group_ids: 1 to 100 groups by their QQ numbers; or `group_openids`.
            is_enable: `on` (the platform's default) or `off`.
            expire_at: when it ends: an aware datetime or RFC 3339 text; None: in a year.
            remark: a note, at most 255 characters.
        """
        body = {
            **_groups(group_openids, group_ids),
            **_settings(is_enable, expire_at, remark, now=self._caller.clock.wall()),
        }
        return self._call_for(JoinApprovalStrategy, "POST", _PATH, body=body, timeout=timeout)

    @endpoint("PATCH", f"{_PATH}/{{strategy_id}}", group="group management")
    def update_join_approval_strategy(
        self,
        strategy_id: str,
        *,
        is_enable: str | None = None,
        expire_at: datetime | str | None = None,
        remark: str | None = None,
        op: str | None = None,
        group_openids: Sequence[str] | None = None,
        group_ids: Sequence[int | str] | None = None,
        timeout: float = 30.0,
    ) -> JoinApprovalStrategy:
        """Changes a rule, and nothing that is not named; the answer holds `is_enable` and `expire_at`.

        Args:
            is_enable, expire_at, remark: as in `create_join_approval_strategy`.
            op: `add` or `del` these groups.
            group_openids, group_ids: the groups that `op` is about; of the kind the rule was made with.
        """
        body = _settings(is_enable, expire_at, remark, now=self._caller.clock.wall())
        if op is not None:
            body["group_action"] = {"op": chosen("op", op, ("add", "del")), **_groups(group_openids, group_ids)}
        elif group_openids is not None or group_ids is not None:
            raise ValueError("缺少 op('add' 或 'del') / op is missing: 'add' or 'del' these groups")
        if not body:
            raise ValueError(
                "没有要修改的内容 / nothing to change: give is_enable, expire_at, remark, or op with groups"
            )
        path = f"{_PATH}/{quoted('strategy_id', strategy_id)}"
        return self._call_for(JoinApprovalStrategy, "PATCH", path, body=body, timeout=timeout)

    @endpoint("DELETE", f"{_PATH}/{{strategy_id}}", group="group management")
    def delete_join_approval_strategy(self, strategy_id: str, *, timeout: float = 30.0) -> None:
        """Ends a rule."""
        self._call("DELETE", f"{_PATH}/{quoted('strategy_id', strategy_id)}", timeout=timeout)

    @endpoint("POST", f"{_PATH}/{{strategy_id}}/execute", group="group management")
    def execute_join_approval_strategy(self, strategy_id: str, *, timeout: float = 30.0) -> None:
        """Has the platform go through the waiting requests of all its groups, which takes about ten minutes."""
        self._call("POST", f"{_PATH}/{quoted('strategy_id', strategy_id)}/execute", timeout=timeout)

    @endpoint("POST", f"{_PATH}/{{strategy_id}}/whitelist_users", group="group management")
    def update_join_whitelist(
        self, strategy_id: str, op: str, whitelist_users: Iterable[int | str], *, timeout: float = 30.0
    ) -> JoinWhitelist:
        """Changes who a rule lets in.

        Args:
            op: `add` or `del`.
            whitelist_users: 1 to 10,000 QQ numbers; a rule can hold 100,000 in all.
        """
        body = {
            "op": chosen("op", op, ("add", "del")),
            "whitelist_users": _numbers("whitelist_users", whitelist_users, most=MOST_USERS),
        }
        path = f"{_PATH}/{quoted('strategy_id', strategy_id)}/whitelist_users"
        return self._call_for(JoinWhitelist, "POST", path, body=body, timeout=timeout)


def _settings(
    is_enable: str | None, expire_at: datetime | str | None, remark: str | None, *, now: float
) -> dict[str, Any]:
    if remark is not None and (not isinstance(remark, str) or len(remark) > MOST_REMARK):
        raise ValueError(f"remark 最多 {MOST_REMARK} 个字符 / remark must be text of at most {MOST_REMARK} characters")
    return given(
        is_enable=None if is_enable is None else chosen("is_enable", is_enable, ("on", "off")),
        expire_at=None if expire_at is None else future("expire_at", expire_at, now=now),
        remark=remark,
    )


def _groups(group_openids: Sequence[str] | None, group_ids: Sequence[int | str] | None) -> dict[str, Any]:
    if (group_openids is None) == (group_ids is None):
        raise ValueError("group_openids 与 group_ids 必须且只能给一个 / give either group_openids or group_ids")
    if group_openids is not None:
        return {"group_openids": id_list("group_openids", group_openids, most=MOST_GROUPS)}
    return {"group_ids": [int(number) for number in _numbers("group_ids", group_ids or (), most=MOST_GROUPS)]}


def _numbers(name: str, values: Iterable[int | str], *, most: int) -> list[str]:
    if isinstance(values, (str, bytes)) or not isinstance(values, Iterable):
        raise TypeError(f"{name} 必须是号码的列表 / {name} must be a list of QQ numbers, not {values!r}")
    numbers = [str(value) for value in values]
    for number in numbers:
        if not (number.isascii() and number.isdecimal() and 0 < int(number) < 1 << 64):
            raise ValueError(f"{name} 中有无效的 QQ 号码 / {name} holds what is no QQ number: {number!r}")
    if not 1 <= len(numbers) <= most:
        raise ValueError(f"{name} 需要 1 到 {most} 个 / {name} must hold from 1 to {most} numbers, not {len(numbers)}")
    return numbers
