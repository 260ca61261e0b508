"""The OpenAPI of the platform over HTTP: routes, authorization, errors with code and trace id.

https://bot.q.qq.com/wiki/develop/api-v2/dev-prepare/interface-framework/api-use.html
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterator
from typing import Any

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException
from werkzeug.routing import Rule

from qqbot_sync.codec import Undecodable, dumps, loads
from qqbot_sync.simulator import payloads
from qqbot_sync.simulator.account_api import AccountApi
from qqbot_sync.simulator.app_channel_api import AppChannelApi
from qqbot_sync.simulator.content_api import ContentApi
from qqbot_sync.simulator.group_api import GroupApi
from qqbot_sync.simulator.guard import Guard
from qqbot_sync.simulator.guild_api import GuildApi, guild_body
from qqbot_sync.simulator.join_approval_api import JoinApprovalApi
from qqbot_sync.simulator.media_api import MediaApi
from qqbot_sync.simulator.member_api import MemberApi
from qqbot_sync.simulator.panel_api import PanelApi
from qqbot_sync.simulator.platform import Platform
from qqbot_sync.simulator.refusal import Refusal
from qqbot_sync.simulator.rooms import Guild, Scene
from qqbot_sync.simulator.routes import Routes
from qqbot_sync.simulator.sending import Sending
from qqbot_sync.simulator.stream_api import StreamApi

__all__ = ["TRACE_HEADER", "json_response", "make_app"]

_log = logging.getLogger("qqbot_sync.simulator")
TRACE_HEADER = "X-Tps-trace-ID"
_PLAIN = ["content", "msg_id", "event_id", "image"]


class _Route(Rule):
    """A route that is only ever matched: for each one Werkzeug compiles two functions that build its URL, which is nine
    tenths of the time that a simulator takes to start."""

    def _compile_builder(self, append_unknown: bool = True) -> Callable[..., tuple[str, str]]:  # noqa: ARG002
        return _unbuilt


def _unbuilt(*_: object, **__: object) -> tuple[str, str]:
    raise NotImplementedError("no URL is ever built from a route")


class _App(Flask):
    url_rule_class = _Route


def make_app(platform: Platform, sending: Sending, guard: Guard, *, gateway_url: Callable[[], str]) -> Flask:
    """The application that serves the API. Thread-safe."""
    app = _App("qqbot_sync.simulator", static_folder=None)
    app.logger.disabled = True
    _add_errors(app, platform, guard)
    _add_token(app, platform, guard)
    _add_gateway(app, platform, guard, gateway_url)
    _add_users(app, platform, guard)
    _add_messages(app, platform, sending, guard)
    routes = Routes(app, platform, acting=lambda: _acting(platform, guard), body=_body)
    GuildApi(platform, routes)
    MemberApi(platform, routes)
    ContentApi(platform, sending, routes)
    AppChannelApi(platform, routes)
    AccountApi(platform, routes)
    GroupApi(platform, sending, routes)
    JoinApprovalApi(platform, routes)
    MediaApi(app, platform, sending, routes, guard, base_url=lambda: _base_url(gateway_url()))
    PanelApi(platform, routes)
    StreamApi(platform, sending, routes)
    return app


def json_response(data: Any, *, status: int = 200, trace_id: str) -> Response:
    """JSON with the trace id in its header."""
    response = Response(dumps(data), status, content_type="application/json")
    response.headers[TRACE_HEADER] = trace_id
    return response


def _add_errors(app: Flask, platform: Platform, guard: Guard) -> None:
    def refused(error: Refusal) -> Response:
        trace_id = platform.ids.trace()
        with guard:
            platform.log.write(
                "refused", request.method, request.path, error.status, error.code, error.message, trace_id
            )
        return json_response(error.body(trace_id), status=error.status, trace_id=trace_id)

    def failed(error: HTTPException) -> Response:
        status = error.code or 500
        return refused(Refusal(status, f"{error.name}: {request.method} {request.path}", status=status))

    def broken(error: Exception) -> Response:
        _log.error("%s %s failed", request.method, request.path, exc_info=error)
        return refused(Refusal(500, "the simulator has an error, see its log", status=500))

    app.register_error_handler(Refusal, refused)
    app.register_error_handler(HTTPException, failed)
    app.register_error_handler(Exception, broken)


def _add_token(app: Flask, platform: Platform, guard: Guard) -> None:
    @app.post("/app/getAppAccessToken")
    def give_token() -> Response:
        with _acting(platform, guard, authorized=False):
            given = platform.tokens.issue(_body())
            platform.log.write("token", given["expires_in"])
        return _answer(platform, given)


def _add_gateway(app: Flask, platform: Platform, guard: Guard, gateway_url: Callable[[], str]) -> None:
    @app.get("/gateway")
    def gateway() -> Response:
        with _acting(platform, guard):
            return _answer(platform, {"url": gateway_url()})

    @app.get("/gateway/bot")
    def gateway_bot() -> Response:
        with _acting(platform, guard):
            limit, shards = platform.sessions.start_limit.as_data(), platform.recommended_shards
        return _answer(platform, {"url": gateway_url(), "shards": shards, "session_start_limit": limit})


def _add_users(app: Flask, platform: Platform, guard: Guard) -> None:
    @app.get("/users/@me")
    def me() -> Response:
        with _acting(platform, guard):
            user = payloads.bot_user(platform.bot.id, platform.bot.username)
        return _answer(platform, {**user, "avatar": "http://thirdqq.qlogo.cn/0", "share_url": "", "welcome_msg": ""})

    @app.get("/users/@me/guilds")
    def my_guilds() -> Response:
        with _acting(platform, guard):
            guilds = list(platform.rooms.guilds.values())
            chosen = _page(guilds, request.args.get("before"), request.args.get("after"), request.args.get("limit"))
            return _answer(platform, [guild_body(guild) for guild in chosen])

    @app.post("/users/@me/dms")
    def open_dms() -> Response:
        with _acting(platform, guard):
            body = _object()
            guild = platform.rooms.guilds.get(str(body.get("source_guild_id")))
            person = guild.members.get(str(body.get("recipient_id"))) if guild else None
            if person is None:
                raise Refusal(304034, "not a member of the guild")
            opened = {"guild_id": person.dms_guild_id, "channel_id": person.dms_channel_id}
            return _answer(platform, {**opened, "create_time": str(platform.seconds())})


_ROUTES: tuple[tuple[str, Scene], ...] = (
    ("/channels/<place>/messages", "channel"),
    ("/dms/<place>/messages", "direct"),
    ("/v2/groups/<place>/messages", "group"),
    ("/v2/users/<place>/messages", "c2c"),
)


def _add_messages(app: Flask, platform: Platform, sending: Sending, guard: Guard) -> None:
    def add(route: str, scene: Scene) -> None:
        @app.post(route, endpoint=f"send_{scene}")
        def send(place: str) -> Response:
            with _acting(platform, guard):
                return _answer(platform, sending.send(scene, place, _body()))

        @app.delete(f"{route}/<message>", endpoint=f"recall_{scene}")
        def recall(place: str, message: str) -> Response:
            with _acting(platform, guard):
                sending.recall(scene, place, message)
            return _answer(platform, {})

    for route, scene in _ROUTES:
        add(route, scene)

    @app.put("/interactions/<interaction>")
    def acknowledge(interaction: str) -> Response:
        with _acting(platform, guard):
            sending.acknowledge(interaction, _body())
        return _answer(platform, {})


def _base_url(gateway_url: str) -> str:
    return gateway_url.replace("ws", "http", 1).removesuffix("/websocket")


@contextlib.contextmanager
def _acting(platform: Platform, guard: Guard, *, authorized: bool = True) -> Iterator[None]:
    with guard:
        if authorized:
            _authorize(platform)
        yield


def _authorize(platform: Platform) -> None:
    header = request.headers.get("Authorization", "")
    if not header:
        raise Refusal(11241, "token is missing", status=401)
    scheme, _, token = header.partition(" ")
    if scheme != "QQBot" or not token.strip():
        raise Refusal(11243, "token is wrong: expected QQBot {access_token}", status=401)
    if not platform.tokens.is_good(token.strip()):
        raise Refusal(11244, "token not exist or expire", status=401)


def _answer(platform: Platform, data: Any) -> Response:
    return json_response(data, trace_id=platform.ids.trace())


def _body() -> Any:
    if request.mimetype == "multipart/form-data":
        return _form()
    data = request.get_data()
    try:
        return loads(data) if data else None
    except Undecodable as error:
        raise Refusal(12002, "request body is not JSON") from error


def _object() -> dict[str, Any]:
    body = _body()
    if not isinstance(body, dict):
        raise Refusal(12002, "request body must be a JSON object")
    return body


def _form() -> dict[str, Any]:
    # In a form every object is a JSON string; plain text fields are not.
    body: dict[str, Any] = {}
    for name, value in request.form.items():
        try:
            data = value if name in _PLAIN else loads(value)
        except Undecodable as error:
            raise Refusal(50035, f"form field {name} is not JSON") from error
        # The platform's sample wraps an object once more in its own name.
        body[name] = data[name] if isinstance(data, dict) and list(data) == [name] else data
    for name, file in request.files.items():
        body[name] = {"filename": file.filename, "size": len(file.read())}
    return body


def _page(guilds: list[Guild], before: str | None, after: str | None, limit: str | None) -> list[Guild]:
    count = min(max(int(limit), 1), 100) if limit and limit.isdecimal() else 100
    ids = [guild.id for guild in guilds]
    if before is not None:
        end = ids.index(before) if before in ids else len(ids)
        return guilds[max(0, end - count) : end]
    start = ids.index(after) + 1 if after in ids else 0
    return guilds[start : start + count]
