"""The simulator's own methods over HTTP: `POST /_simulator/<method>`, arguments and answer as JSON."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from flask import Flask, Response, request

from qqbot_sync.codec import Undecodable, dumps, loads
from qqbot_sync.intents import Intents
from qqbot_sync.simulator.faults import VERBS
from qqbot_sync.simulator.messages import Message
from qqbot_sync.simulator.said import Said

if TYPE_CHECKING:
    from qqbot_sync.simulator.simulator import Simulator

__all__ = ["METHODS", "PREFIX", "add_control", "parse_grant"]

PREFIX = "/_simulator/"

METHODS = (
    "say",
    "replies",
    "push",
    "press",
    "join",
    "leave",
    "add_friend",
    "invite_bot",
    "remove_bot",
    "allow_active",
    "recall",
    "react",
    "add_guild",
    "add_channel",
    "add_group",
    "enter_voice",
    "leave_voice",
    "forbid",
    "private_domain",
    "ask_to_join",
    "group_role",
    "audit",
    "entries",
    "tally",
    "connections",
    "start_limit",
    "recommend_shards",
    "schedule",
    "chaos",
    *VERBS,
)


def parse_grant(value: object) -> Intents:
    """Intents from "all", "default", a number, names separated by commas, or a list of names.

    Raises:
        ValueError: none of these.
    """
    if isinstance(value, Intents):
        return value
    if isinstance(value, str) and value.strip().lower() in ("all", "default"):
        return Intents.all() if value.strip().lower() == "all" else Intents.default()
    if isinstance(value, str) and value.strip().isdecimal():
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= int(Intents.all()):
        return Intents(value)
    names = value.split(",") if isinstance(value, str) else value
    if isinstance(names, (list, tuple)) and all(isinstance(name, str) for name in names):
        return Intents.from_names(*names)
    raise ValueError(f"intents must be 'all', 'default', a number or names, not {value!r}")


def add_control(app: Flask, simulator: Simulator) -> None:
    """Adds the control routes to the application. Thread-safe."""
    methods: dict[str, Callable[..., Any]] = {name: getattr(simulator, name) for name in METHODS}

    def log(since: int = 0, kinds: list[str] | None = None) -> list[dict[str, Any]]:
        return simulator.entries(since, kinds)

    def grant(grant: object = None) -> dict[str, Any]:
        if grant is not None:
            simulator.grant = parse_grant(grant)
        return {"grant": int(simulator.grant)}

    def info() -> dict[str, Any]:
        facts = {"url": simulator.url, "app_id": simulator.app_id, "secret": simulator.secret}
        return {**facts, "grant": int(simulator.grant)}

    methods.update(log=log, grant=grant, info=info)

    @app.post(f"{PREFIX}<method>")
    def control(method: str) -> Response:
        call = methods.get(method)
        if call is None:
            return _json({"error": f"no method {method!r}; known: {', '.join(sorted(methods))}"}, 400)
        try:
            return _json(_as_data(call(**_arguments())), 200)
        except (TypeError, ValueError) as error:
            return _json({"error": f"{method}: {error}"}, 400)


def _arguments() -> dict[str, Any]:
    try:
        arguments = loads(request.get_data()) if request.get_data() else {}
    except Undecodable as error:
        raise ValueError(f"the body is not JSON: {error}") from error
    if not isinstance(arguments, dict):
        raise ValueError("the body must be a JSON object with the arguments by name")
    return arguments


def _as_data(result: Any) -> Any:
    if isinstance(result, Said):
        return {"id": result.id, "event_id": result.event_id}
    if isinstance(result, str):
        return {"id": result}
    if isinstance(result, list):
        return [one.to_dict() if isinstance(one, Message) else one for one in result]
    return {} if result is None else result


def _json(data: Any, status: int) -> Response:
    return Response(dumps(data), status, content_type="application/json")
