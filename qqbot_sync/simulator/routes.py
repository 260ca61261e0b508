"""How a call of the API gets to the function that serves it, and its answer back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

from flask import Flask, Response, request

from qqbot_sync.codec import dumps
from qqbot_sync.simulator.platform import Platform
from qqbot_sync.simulator.refusal import Refusal

__all__ = ["Call", "Routes"]


@dataclass(frozen=True)
class Call:
    """One call, as the functions that serve it see it."""

    ids: Mapping[str, str]
    """The variables of the path."""
    query: Mapping[str, str]
    body: Any
    """Decoded JSON, or the fields of a form; None when there is none."""

    @property
    def fields(self) -> dict[str, Any]:
        """The body as an object; raises Refusal when it is none."""
        if not isinstance(self.body, dict):
            raise Refusal(12002, "request body must be a JSON object")
        return self.body

    def limit(self, default: int, most: int) -> int:
        """The `limit` of the query, within its bounds."""
        given = self.query.get("limit", "")
        return min(max(int(given), 1), most) if given.isdecimal() else default


class Routes:
    """Adds calls to the application. Not thread-safe: used while it is built.

    Args:
        app: the application.
        platform: whose API it is.
        acting: authorizes, and holds the simulator's lock.
        body: reads the request's body.
    """

    def __init__(
        self,
        app: Flask,
        platform: Platform,
        *,
        acting: Callable[[], AbstractContextManager[None]],
        body: Callable[[], Any],
    ) -> None:
        self._app = app
        self._acting = acting
        self._body = body
        self._platform = platform
        self.calls: list[tuple[str, str]] = []
        """Method and path of each call, as the platform's documents write them."""
        self.private: set[tuple[str, str]] = set()
        """Those for bots of the private domain only."""

    def add(self, method: str, path: str, serve: Callable[[Call], Any], *, private: bool = False) -> None:
        """Has `serve` answer these calls, under the simulator's lock; None becomes 204 without a body.

        Args:
            path: with variables in braces, e.g. `/guilds/{guild_id}`.
            private: for bots of the private domain only.
        """
        key = (method, path)
        self.calls.append(key)
        if private:
            self.private.add(key)

        def view(**ids: str) -> Response:
            with self._acting():
                interior = self._platform.interior
                if key in self.private and not interior.is_private_domain:
                    raise Refusal(11253, "app privilege not pass", status=403)
                if key in interior.forbidden:
                    raise Refusal(11264, "guild privilege not pass", status=403)
                data = serve(Call(ids, request.args, self._body()))
            response = Response(status=204) if data is None else Response(dumps(data), content_type="application/json")
            response.headers["X-Tps-trace-ID"] = self._platform.ids.trace()
            return response

        rule = path.replace("{", "<").replace("}", ">")
        self._app.add_url_rule(rule, f"{method} {path}", view, methods=[method])
