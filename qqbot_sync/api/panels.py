"""The menu of the one-to-one chat, and the command panels of all scenes.

https://bot.q.qq.com/wiki/develop/api-v2/
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from qqbot_sync.api.checks import Object, chosen, given, id_list, text, whole
from qqbot_sync.api.endpoint import endpoint
from qqbot_sync.api.paging import pages
from qqbot_sync.api.panel_checks import check_menu, check_panel
from qqbot_sync.api.resource import Resource, quoted
from qqbot_sync.errors import ServerError
from qqbot_sync.models import Menu, MenuItem, MenuState, Panel, PanelPage, PanelRecord

__all__ = ["PanelCalls"]

SCOPES = ("c2c", "group", "channel", "dm")
MOST_TARGETS = 20


class PanelCalls(Resource):
    """`/v2/menu` and `/v2/panels`. Thread-safe.

    Every call raises ApiError when the platform refuses, ConnectionFailed when it cannot be reached, and TypeError or
    ValueError for bad arguments before anything is sent. `timeout` is in seconds, retries included.
    """

    @endpoint("GET", "/v2/menu", group="menu and panels")
    def get_menu(self, *, timeout: float = 30.0) -> MenuState:
        """The menu of the one-to-one chat; `.menu` is None where none was ever set."""
        return self._call_for(MenuState, "GET", "/v2/menu", timeout=timeout)

    @endpoint("PUT", "/v2/menu", group="menu and panels")
    def update_menu(self, menu: Menu | Sequence[MenuItem | Object] | Object, *, timeout: float = 30.0) -> int | None:
        """Replaces the menu; gives its new version. The platform allows 5 changes a minute.

        Args:
            menu: a `Menu`, or its entries (at most 10); [] for none.
        """
        answer = self._call("PUT", "/v2/menu", body={"menu": {"items": check_menu(menu)}}, timeout=timeout)
        return _version(answer)

    @endpoint("GET", "/v2/panels", group="menu and panels")
    def get_panels(
        self, scope: str, *, cursor: str | None = None, limit: int | None = None, timeout: float = 30.0
    ) -> PanelPage:
        """One page of the panels of a scene, newest first.

        Args:
            scope: `c2c`, `group`, `channel` or `dm`.
            cursor: `next_cursor` of the page before; None for the first.
            limit: 1 to 50; None: the platform's 20.
        """
        query = given(
            scope=chosen("scope", scope, SCOPES),
            cursor=None if cursor is None else text("cursor", cursor),
            limit=None if limit is None else whole("limit", limit, 1, 50),
        )
        return self._call_for(PanelPage, "GET", "/v2/panels", query=query, timeout=timeout)

    def iter_panels(self, scope: str, *, timeout: float = 30.0) -> Iterator[PanelRecord]:
        """Every panel of a scene; `timeout` is for each page. Errors as `get_panels`."""
        for page in pages(lambda cursor: self.get_panels(scope, cursor=cursor, limit=50, timeout=timeout)):
            yield from page.records
            if page.is_end:
                return

    @endpoint("POST", "/v2/panels", group="menu and panels")
    def create_panel(
        self,
        scope: str,
        panel: Panel | Object,
        *,
        user_openids: Sequence[str] | None = None,
        group_openids: Sequence[str] | None = None,
        timeout: float = 30.0,
    ) -> str:
        """Makes a panel, and gives its id. A bot can have 20.

        Args:
            scope: `c2c`, `group`, `channel` or `dm`.
            panel: what it shows: 1 to 20 entries.
            user_openids: with `c2c`: 1 to 20 users it is shown to; None: to all.
            group_openids: with `group`: 1 to 20 groups it is shown in; None: in all.
        """
        chosen("scope", scope, SCOPES)
        targets = _targets(scope, user_openids, group_openids)
        body: dict[str, Any] = {"scope": scope, "target_type": "specific" if targets else "all", **targets}
        answer = self._call("POST", "/v2/panels", body={**body, "panel": check_panel(panel)}, timeout=timeout)
        panel_id = answer.get("panel_id") if isinstance(answer, dict) else None
        if not panel_id:
            raise ServerError("回答中没有 panel_id / the answer holds no panel_id", method="POST", path="/v2/panels")
        return str(panel_id)

    @endpoint("GET", "/v2/panels/{panel_id}", group="menu and panels")
    def get_panel(self, panel_id: str, *, timeout: float = 30.0) -> PanelRecord:
        """One panel, with the users or groups it is shown to."""
        return self._call_for(PanelRecord, "GET", _panel(panel_id), timeout=timeout)

    @endpoint("PUT", "/v2/panels/{panel_id}", group="menu and panels")
    def update_panel(self, panel_id: str, panel: Panel | Object, *, timeout: float = 30.0) -> int | None:
        """Replaces what a panel shows, not to whom; gives its new version.

        Args:
            panel: as in `create_panel`.
        """
        return _version(self._call("PUT", _panel(panel_id), body={"panel": check_panel(panel)}, timeout=timeout))

    @endpoint("DELETE", "/v2/panels/{panel_id}", group="menu and panels")
    def delete_panel(self, panel_id: str, *, timeout: float = 30.0) -> None:
        """Ends a panel."""
        self._call("DELETE", _panel(panel_id), timeout=timeout)

    @endpoint("PUT", "/v2/panels/{panel_id}/target", group="menu and panels")
    def update_panel_targets(
        self,
        panel_id: str,
        op: str,
        *,
        user_openids: Sequence[str] | None = None,
        group_openids: Sequence[str] | None = None,
        timeout: float = 30.0,
    ) -> None:
        """Changes to whom a panel is shown that was made for named users or groups.

        Args:
            op: `add` or `del`.
            user_openids: 1 to 20 users, of a `c2c` panel; or `group_openids`.
            group_openids: 1 to 20 groups, of a `group` panel; or `user_openids`.
        """
        chosen("op", op, ("add", "del"))
        targets = _targets(None, user_openids, group_openids)
        if not targets:
            raise ValueError("缺少 user_openids 或 group_openids / give either user_openids or group_openids")
        self._call("PUT", f"{_panel(panel_id)}/target", body={"op": op, **targets}, timeout=timeout)


def _panel(panel_id: str) -> str:
    return f"/v2/panels/{quoted('panel_id', panel_id)}"


def _version(answer: Any) -> int | None:
    version = answer.get("version") if isinstance(answer, dict) else None
    return int(version) if isinstance(version, (int, str)) and str(version).isdecimal() else None


def _targets(
    scope: str | None, user_openids: Sequence[str] | None, group_openids: Sequence[str] | None
) -> dict[str, list[str]]:
    if user_openids is not None and group_openids is not None:
        raise ValueError(
            "user_openids 与 group_openids 只能给一个 / give either user_openids or group_openids, not both"
        )
    for name, openids, its_scope in (
        ("user_openids", user_openids, "c2c"),
        ("group_openids", group_openids, "group"),
    ):
        if openids is not None:
            if scope not in (None, its_scope):
                raise ValueError(f"{name} 只能用于 scope='{its_scope}' / {name} goes with scope='{its_scope}' only")
            return {name: id_list(name, openids, most=MOST_TARGETS)}
    return {}
