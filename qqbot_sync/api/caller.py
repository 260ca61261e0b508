"""One call of the OpenAPI: host, headers, token, and what may be tried again.

Every resource stands on `Caller.call`; messages, which must not arrive twice, have rules of their own (`sending`).
"""

from __future__ import annotations

import logging
import platform
import threading
from collections.abc import Mapping
from typing import Any, NoReturn
from urllib.parse import urlencode, urlsplit

from qqbot_sync import codec
from qqbot_sync._version import __version__
from qqbot_sync.api.answers import Answer, read_answer
from qqbot_sync.api.host import Host
from qqbot_sync.api.http import CONNECT_TIMEOUT, READ_TIMEOUT, Http, NetworkFailure, NotSent, Response, Unknown
from qqbot_sync.api.pace import Pace
from qqbot_sync.api.patience import SHORTEST, Patience
from qqbot_sync.api.token import Token
from qqbot_sync.clock import Clock
from qqbot_sync.config import Environment
from qqbot_sync.errors import BotError, ConnectionFailed, OutcomeUnknown, ServerError
from qqbot_sync.logs import Payload
from qqbot_sync.protocol.error_codes import Retry

__all__ = ["USER_AGENT", "Caller", "unknown_outcome"]

log = logging.getLogger("qqbot_sync.http")

USER_AGENT = f"qqbot_sync/{__version__} Python/{platform.python_version()}"
MOST_REFUSALS = 3
"""Times a read is repeated after an answer of 429 or 5xx; a platform that goes on failing is not worth the deadline."""


class Caller:
    """Makes calls for one bot. Thread-safe.

    Args:
        app_id: goes into `X-Union-Appid`.
        environment: where the API is.
        http: carries the requests.
        token: opens the door.
        clock: measures deadlines and pauses.
    """

    def __init__(self, app_id: str, environment: Environment, *, http: Http, token: Token, clock: Clock) -> None:
        self.clock = clock
        self.token = token
        self.pace = Pace(clock)
        self._http = http
        fallback = environment.fallback.api_url if environment.fallback else None
        self._host = Host(environment.api_url, fallback)
        self._headers = {
            "X-Union-Appid": app_id,
            "User-Agent": USER_AGENT,
        }
        self._stopped = threading.Event()

    def patience(self, timeout: float) -> Patience:
        """The deadline of one call, whose pauses end when `close` is called."""
        return Patience(self.clock, timeout, stopped=self._stopped)

    def close(self) -> None:
        """Ends every pause under way with `Stopped`; later calls work."""
        ended, self._stopped = self._stopped, threading.Event()
        ended.set()

    def call(
        self,
        method: str,
        path: str,
        *,
        body: Mapping[str, Any] | None = None,
        query: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float = 30.0,
        read_timeout: float = READ_TIMEOUT,
        retries: bool = True,
    ) -> Answer:
        """One call, until it succeeds or there is no point in trying again. Reads (GET) survive anything that passes;
        a write is repeated only when nothing of it was sent, or when the platform refused the token.

        Args:
            path: from the base URL, with ids quoted.
            body: sent as JSON.
            query: None values are left out.
            headers: more than every call has.
            timeout: seconds for everything, pauses included.
            read_timeout: seconds in which the whole answer must come.
            retries: False for a caller that has a patience of its own: the first failure is raised.

        Raises:
            ApiError: the platform refused.
            ConnectionFailed: the platform cannot be reached; a write was not sent.
            OutcomeUnknown: a write was sent, and nobody can tell what became of it.
            Stopped: the client was closed while the call waited.
        """
        patience = self.patience(timeout)
        payload = None if body is None else codec.dumps(body)
        target = path + _query_string(query)
        is_read = method == "GET"
        refusals, may_renew = 0, True
        while True:
            try:
                answer = self.once(
                    method, target, payload, patience=patience, headers=headers, read_timeout=read_timeout
                )
            except (NotSent, Unknown) as failure:
                if isinstance(failure, Unknown) and not is_read:
                    raise unknown_outcome(method, path, failure) from failure
                if retries and patience.pause():
                    continue
                self.give_up(method, path, failure)
            if answer.error is None:
                return answer
            if answer.wants_token and may_renew:
                may_renew = False
                self.token.expire(answer.token)
                continue
            once_only = answer.known is not None and answer.known.retry is Retry.ONCE
            allowed = (1 if once_only else MOST_REFUSALS) if retries and is_read and answer.may_pass else 0
            if refusals >= allowed or not patience.pause(answer.pause):
                raise answer.error
            refusals += 1

    def once(
        self,
        method: str,
        path: str,
        payload: bytes | None,
        *,
        patience: Patience,
        headers: Mapping[str, str] | None = None,
        read_timeout: float = READ_TIMEOUT,
    ) -> Answer:
        """One exchange with the platform, at the pace it allows; a refusal is in the answer, not raised.

        Raises:
            NotSent: the request did not leave; also when no token could be had for reasons that pass.
            Unknown: the request left, and no answer came.
            AuthenticationFailed, RateLimited: the platform gives out no token, or the call's turn comes too late.
            Stopped: closed while it waited for its turn.
        """
        self.pace.keep(method, path.partition("?")[0], patience)
        left = patience.left()
        try:
            token = self.token.get(timeout=max(min(READ_TIMEOUT, left), SHORTEST))
        except (ConnectionFailed, ServerError) as error:
            raise NotSent(str(error)) from error
        sent = {"Authorization": f"QQBot {token}", **self._headers, **(headers or {})}
        if payload is not None:
            sent.setdefault("Content-Type", "application/json")

        def send(base: str) -> Response:
            left = patience.left()
            if left <= 0:
                raise NotSent("no time left")
            if payload is not None:
                log.debug("%s %s > %s", method, path, Payload(payload))
            return self._http.request(
                method,
                base + path,
                headers=sent,
                body=payload,
                timeout=(min(CONNECT_TIMEOUT, left), min(read_timeout, left)),
                within=left,
                repeatable=method == "GET",
            )

        try:
            response = self._host.ask(send)
        except NetworkFailure as failure:
            log.debug("%s %s: %s: %s", method, path, type(failure).__name__, failure)
            raise
        answer = read_answer(response, method=method, path=path.partition("?")[0], wall=self.clock.wall())
        answer.token = token
        log.debug(
            "%s %s: HTTP %s%s < %s",
            method,
            path,
            answer.status,
            f", code {answer.error.code}" if answer.error else "",
            Payload(response.body or b"null"),
        )
        return answer

    def give_up(self, method: str, path: str, failure: NetworkFailure) -> NoReturn:
        """Raises the error for a call that could not be made."""
        if isinstance(failure.__cause__, BotError):
            raise failure.__cause__
        host = urlsplit(self._host.url).hostname
        raise ConnectionFailed(
            f"{method} {path}: 无法连接 {host},请检查网络、代理和防火墙 / "
            f"cannot reach {host}, check network, proxy and firewall: {failure}"
        ) from failure


def unknown_outcome(method: str, path: str, failure: NetworkFailure | BotError) -> OutcomeUnknown:
    """The error for a request that was sent and never answered."""
    return OutcomeUnknown(
        f"{method} {path}: 请求已发出但没有得到结果,可能已生效;请先确认再重试 / "
        f"the request was sent but no result came, it may have taken effect; check before trying again: {failure}"
    )


def _query_string(query: Mapping[str, Any] | None) -> str:
    given = {name: value for name, value in (query or {}).items() if value is not None}
    if not given:
        return ""
    return "?" + urlencode({name: str(v).lower() if isinstance(v, bool) else v for name, v in given.items()})
