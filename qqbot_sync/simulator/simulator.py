"""`Simulator`: a local QQ on real sockets."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from types import TracebackType
from typing import Any

from qqbot_sync.clock import Clock, SystemClock
from qqbot_sync.intents import Intents
from qqbot_sync.simulator.control import add_control
from qqbot_sync.simulator.faults import Faults
from qqbot_sync.simulator.front import Front
from qqbot_sync.simulator.gateway import Gateway
from qqbot_sync.simulator.group_people import GroupPeople
from qqbot_sync.simulator.guard import Guard
from qqbot_sync.simulator.guild_people import GuildPeople
from qqbot_sync.simulator.http_faults import HttpFaults
from qqbot_sync.simulator.messages import Message
from qqbot_sync.simulator.openapi import make_app
from qqbot_sync.simulator.people import People
from qqbot_sync.simulator.platform import Platform
from qqbot_sync.simulator.said import wait_for_answers
from qqbot_sync.simulator.sending import Sending
from qqbot_sync.simulator.server import Server
from qqbot_sync.simulator.timers import Timers

__all__ = ["Simulator"]


class Simulator(People, GuildPeople, GroupPeople, Faults):
    """A local QQ: token endpoint, OpenAPI and gateway on one port of the loopback, and everybody who writes there.

        with Simulator() as qq:
            client = BotClient(qq.app_id, qq.secret, environment=Environment.local(qq.url))
            ...
            said = qq.say("小明", "group", "你好")
            print(said.replies()[0].content)

    Thread-safe. The same methods are there over HTTP: `POST {url}/_simulator/<method>` with the arguments as JSON.

    Args:
        port: to listen on; 0 picks a free one.
        grant: the intents that the bot has; None: all but bits 9 and 28, what a public-domain bot can have.
        host: the address to listen on.
        certificate: files of a certificate chain and its key: the API speaks https, the gateway wss.
        app_id: of the bot; None makes one.
        secret: of the bot; None makes one.
        clock: what tokens, reply windows, replay buffers and timers go by.

    Raises:
        TypeError: an argument of the wrong kind.
    """

    def __init__(
        self,
        port: int = 0,
        *,
        grant: Intents | None = None,
        host: str = "127.0.0.1",
        certificate: tuple[str | Path, str | Path] | None = None,
        app_id: str | None = None,
        secret: str | None = None,
        clock: Clock | None = None,
    ) -> None:
        if isinstance(port, bool) or not isinstance(port, int) or not 0 <= port <= 65535:
            raise TypeError(f"port 必须是 0–65535 的整数 / port must be a whole number from 0 to 65535, not {port!r}")
        if grant is not None and not isinstance(grant, Intents):
            raise TypeError(f"grant 必须是 Intents / grant must be Intents (like Intents.all()), not {grant!r}")
        self._clock = clock or SystemClock()
        self._guard = Guard()
        self._platform = Platform(self._clock, app_id=app_id, secret=secret, grant=grant)
        self._timers = Timers(self._clock, self._guard)
        self._sending = Sending(self._platform, self._timers.call)
        self._gateway = Gateway(self._platform, self._guard, self._timers.call)
        self._http_faults = HttpFaults()
        app = make_app(self._platform, self._sending, self._guard, gateway_url=self._gateway_url)
        add_control(app, self)
        self._front = Front(app, self._gateway, self._platform, self._http_faults, self._guard)
        self._server = Server(host, port, self._front.serve, certificate=certificate)
        self._runs = False

    # ---------------------------------------------------------------- life

    def start(self) -> Simulator:
        """Listens; `with` does it too. What was there before a `stop` is there again.

        Raises:
            OSError: the port is in use.
        """
        if self._runs:
            raise RuntimeError("模拟器已经启动 / the simulator runs already")
        self._front.ending.clear()
        self._server.start()
        self._timers.start()
        self._runs = True
        return self

    def stop(self) -> None:
        """Cuts every connection and stops listening. A second call does nothing."""
        if not self._runs:
            return
        self._runs = False
        self._front.ending.set()
        with self._guard:
            for link in list(self._gateway.links.values()):
                self._gateway.drop(link, reset=False)
            for waiting in self._guard.waiting:
                waiting.set()
        self._timers.stop()
        self._server.stop()

    def __enter__(self) -> Simulator:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def __repr__(self) -> str:
        return f"<Simulator {self.url if self._runs else 'stopped'} app_id={self.app_id}>"

    # ---------------------------------------------------------------- what a bot needs to know

    @property
    def url(self) -> str:
        """Base of the API, the token endpoint and the control."""
        host, port = self._server.address
        if not port:
            raise RuntimeError("模拟器尚未启动 / the simulator has not been started; use `with Simulator() as qq:`")
        return f"{self._server.scheme}://{_in_url(host)}:{port}"

    @property
    def app_id(self) -> str:
        """The bot's app id."""
        return self._platform.app_id

    @property
    def secret(self) -> str:
        """The bot's secret."""
        return self._platform.secret

    @property
    def grant(self) -> Intents:
        """The intents that the bot has; a change meets the next Identify."""
        with self._guard:
            return self._platform.sessions.grant

    @grant.setter
    def grant(self, grant: Intents) -> None:
        if not isinstance(grant, Intents):
            raise TypeError(f"grant must be Intents, not {grant!r}")
        with self._guard:
            self._platform.sessions.grant = grant

    # ---------------------------------------------------------------- how it is set up

    @property
    def platform(self) -> Platform:
        """The state, for settings that have no verb (`platform.tokens.lifetime = 120`, …); touch it under `guard`."""
        return self._platform

    @property
    def sending(self) -> Sending:
        """The rules for sending: `active_allowed`, `quotas`, `allowed_urls`; touch it under `guard`."""
        return self._sending

    @property
    def guard(self) -> Guard:
        """The lock of `platform` and `sending`; no method of the simulator may be called while it is held."""
        return self._guard

    @property
    def heartbeat_interval(self) -> float:
        """Seconds; told to the connections that come from now on."""
        return self._gateway.heartbeat_interval

    @heartbeat_interval.setter
    def heartbeat_interval(self, seconds: float) -> None:
        self._gateway.heartbeat_interval = seconds

    @property
    def refusal_delay(self) -> float:
        """Seconds between op 9 and the close frame that tells the cause."""
        return self._gateway.refusal_delay

    @refusal_delay.setter
    def refusal_delay(self, seconds: float) -> None:
        self._gateway.refusal_delay = seconds

    @property
    def resume_window(self) -> float:
        """Seconds an event can be replayed, and a session outlives its connection."""
        return self._platform.sessions.resume_window

    @resume_window.setter
    def resume_window(self, seconds: float) -> None:
        self._platform.sessions.resume_window = seconds

    def start_limit(
        self,
        *,
        total: int | None = None,
        remaining: int | None = None,
        reset_after: float | None = None,
        max_concurrency: int | None = None,
    ) -> dict[str, int]:
        """Changes what is given of `session_start_limit` (`reset_after` in seconds), and gives it as the API does."""
        with self._guard:
            limit = self._platform.sessions.start_limit
            limit.set(total=total, remaining=remaining, reset_after=reset_after, max_concurrency=max_concurrency)
            return limit.as_data()

    def recommend_shards(self, count: int) -> None:
        """`shards` of `/gateway/bot` from now on. Sessions that are open stay as they are."""
        if isinstance(count, bool) or not isinstance(count, int) or count < 1:
            raise ValueError(f"count must be a whole number of at least 1, not {count!r}")
        with self._guard:
            self._platform.recommended_shards = count

    # ---------------------------------------------------------------- the transcript

    @property
    def log(self) -> list[dict[str, Any]]:
        """Everything said, dispatched and answered: dicts with `number`, `kind`, `time` and the fields of the kind."""
        return self.entries()

    def entries(self, since: int = 0, kinds: Collection[str] | None = None) -> list[dict[str, Any]]:
        """The log after entry number `since`, of these kinds only."""
        with self._guard:
            return self._platform.log.read(since=since, kinds=kinds)

    def tally(self) -> dict[str, int]:
        """How many messages were `said`, `answered`, `lost` (by nobody) and `doubled` (more than once)."""
        with self._guard:
            return self._platform.log.tally()

    def replies(self, id: str, timeout: float = 5, count: int = 1) -> list[Message]:
        """The bot's answers to a message or an event, as `Said.replies` gives them.

        Raises:
            ValueError: an id that was never given.
        """
        with self._guard:
            anchor = self._platform.anchors.find(id)
        if anchor is None:
            raise ValueError(f"nothing was said under the id {id!r}")
        return wait_for_answers(anchor, self._guard, self._clock, timeout=timeout, count=count)

    def connections(self) -> list[dict[str, Any]]:
        """The open gateway connections: number, session id, shard, intents, `s`."""
        with self._guard:
            return [
                {
                    "connection": link.number,
                    "session": link.session.id if link.session else None,
                    "shard": list(link.session.shard) if link.session else None,
                    "intents": link.session.intents if link.session else None,
                    "s": link.session.s if link.session else None,
                }
                for link in self._gateway.links.values()
                if not link.is_leaving
            ]

    def _gateway_url(self) -> str:
        host, port = self._server.address
        return f"{'wss' if self._server.scheme == 'https' else 'ws'}://{_in_url(host)}:{port}/websocket"


def _in_url(host: str) -> str:
    return f"[{host}]" if ":" in host else host
