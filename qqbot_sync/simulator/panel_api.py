"""The calls about the menu of the one-to-one chat and about command panels."""

from __future__ import annotations

from typing import Any

from qqbot_sync.simulator.group_api import page
from qqbot_sync.simulator.platform import Platform
from qqbot_sync.simulator.refusal import Refusal
from qqbot_sync.simulator.routes import Call, Routes

__all__ = ["PanelApi"]

Json = dict[str, Any]
_SCOPES = ("c2c", "group", "channel", "dm")
_TARGETS = {"c2c": "user_openids", "group": "group_openids"}
_MOST_PANELS = 20


class PanelApi:
    """Not thread-safe: called under the simulator's lock."""

    def __init__(self, platform: Platform, routes: Routes) -> None:
        self._platform = platform
        self._menu: Json | None = None
        self._menu_version = 0
        self._panels: dict[str, Json] = {}
        add = routes.add
        add("GET", "/v2/menu", self.get_menu)
        add("PUT", "/v2/menu", self.put_menu)
        add("GET", "/v2/panels", self.get_panels)
        add("POST", "/v2/panels", self.create_panel)
        add("GET", "/v2/panels/{panel_id}", self.get_panel)
        add("PUT", "/v2/panels/{panel_id}", self.put_panel)
        add("DELETE", "/v2/panels/{panel_id}", self.delete_panel)
        add("PUT", "/v2/panels/{panel_id}/target", self.put_target)

    # ---------------------------------------------------------------- the menu

    def get_menu(self, _: Call) -> Json:
        return {"version": self._menu_version, **({"menu": self._menu} if self._menu is not None else {})}

    def put_menu(self, call: Call) -> Json:
        menu = call.fields.get("menu")
        items = menu.get("items") if isinstance(menu, dict) else None
        if not isinstance(items, list):
            raise Refusal(40030016, "menu.items is missing")
        if len(items) > 10:
            raise Refusal(40030013, "at most 10 items")
        for item in items:
            _check_menu_item(item, nested=False)
        self._menu = {"items": items}
        self._menu_version += 1
        return {"version": self._menu_version}

    # ---------------------------------------------------------------- panels

    def get_panels(self, call: Call) -> Json:
        scope = call.query.get("scope")
        if scope not in _SCOPES:
            raise Refusal(40030011, "scope is wrong")
        found = [_record(one) for one in reversed(self._panels.values()) if one["scope"] == scope]
        records, cursor = page(found, call.query.get("cursor"), call.limit(20, 50))
        return {"records": records, "next_cursor": cursor, "is_end": not cursor}

    def create_panel(self, call: Call) -> Json:
        fields = call.fields
        scope, target_type = fields.get("scope"), fields.get("target_type")
        if scope not in _SCOPES:
            raise Refusal(40030011, "scope is wrong")
        if target_type not in ("all", "specific"):
            raise Refusal(40030012, "target_type is wrong")
        if target_type == "specific" and scope not in _TARGETS:
            raise Refusal(40030018, "only c2c and group have targets")
        if len(self._panels) >= _MOST_PANELS:
            raise Refusal(40030013, f"at most {_MOST_PANELS} panels")
        panel = _checked_panel(fields.get("panel"))
        now = self._platform.timestamp()
        id = self._platform.ids.uuid()
        self._panels[id] = {
            "panel_id": id,
            "scope": scope,
            "target_type": target_type,
            "panel": {**panel, "version": 1},
            "created_at": now,
            "updated_at": now,
            "version": 1,
            "targets": _targets(fields, scope) if target_type == "specific" else [],
        }
        return {"panel_id": id}

    def get_panel(self, call: Call) -> Json:
        panel = self._panel(call)
        names = {_TARGETS[panel["scope"]]: panel["targets"]} if panel["scope"] in _TARGETS else {}
        return {**_record(panel), **names}

    def put_panel(self, call: Call) -> Json:
        panel = self._panel(call)
        version = panel["version"] + 1
        content = {**_checked_panel(call.fields.get("panel")), "version": version}
        panel.update(panel=content, version=version, updated_at=self._platform.timestamp())
        return {"version": version}

    def delete_panel(self, call: Call) -> Json:
        del self._panels[self._panel(call)["panel_id"]]
        return {}

    def put_target(self, call: Call) -> Json:
        panel, op = self._panel(call), call.fields.get("op")
        if op not in ("add", "del"):
            raise Refusal(40030017, "op must be add or del")
        if panel["target_type"] == "all":
            raise Refusal(40030021, "a panel for all has no targets")
        given = _targets(call.fields, panel["scope"])
        kept = [one for one in panel["targets"] if one not in given]
        panel["targets"] = kept + given if op == "add" else kept
        return {}

    def _panel(self, call: Call) -> Json:
        panel = self._panels.get(call.ids["panel_id"])
        if panel is None:
            raise Refusal(40030006, "panel not found")
        return panel


def _record(panel: Json) -> Json:
    return {name: value for name, value in panel.items() if name != "targets"}


def _targets(fields: Json, scope: str) -> list[str]:
    openids = fields.get(_TARGETS[scope])
    if not isinstance(openids, list) or not openids:
        raise Refusal(40030016, f"{_TARGETS[scope]} is missing")
    if len(openids) > 20:
        raise Refusal(40030013, "at most 20 targets")
    return [str(openid) for openid in openids]


def _check_menu_item(item: Any, *, nested: bool) -> None:
    kinds = ("send_message", "link") if nested else ("switch", "send_message", "link", "menu")
    if not isinstance(item, dict) or not item.get("name"):
        raise Refusal(40030016, "name is missing")
    kind = item.get("type")
    if kind not in kinds:
        raise Refusal(40030014, "type is wrong")
    if kind == "link" and not str(item.get("link", "")).startswith("https://"):
        raise Refusal(40030008, "the URL must be https")
    field = "sub_menu_items" if kind == "menu" else str(kind)
    if not item.get(field):
        raise Refusal(40030016, f"{field} is missing")
    if kind == "menu":
        if len(item[field]) > 5:
            raise Refusal(40030013, "at most 5 items")
        for one in item[field]:
            _check_menu_item(one, nested=True)


def _checked_panel(panel: Any) -> Json:
    items = panel.get("items") if isinstance(panel, dict) else None
    if not isinstance(panel, dict) or not isinstance(items, list) or not items:
        raise Refusal(40030016, "panel.items is missing")
    if len(items) > 20:
        raise Refusal(40030013, "at most 20 items")
    for item in items:
        if not isinstance(item, dict) or not item.get("name"):
            raise Refusal(40030016, "name is missing")
        if item.get("type") not in ("command", "link"):
            raise Refusal(40030015, "type is wrong")
        if item["type"] == "link" and not str(item.get("link", "")).startswith("https://"):
            raise Refusal(40030008, "the URL must be https")
    return {"items": items, "remark": str(panel.get("remark", ""))}
