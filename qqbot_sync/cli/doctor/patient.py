"""What is examined: the settings, what surrounds them, and what one check learns for the next."""

from __future__ import annotations

import socket
import sys
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property, partial
from importlib import metadata
from typing import Generic, NamedTuple, TypeVar
from urllib.parse import urlsplit

from qqbot_sync.api import Api
from qqbot_sync.api.http import Http, NetworkFailure, Response
from qqbot_sync.api.proxies import without_password
from qqbot_sync.clock import Clock, SystemClock
from qqbot_sync.config import Environment, GatewayConfig
from qqbot_sync.errors import BotError
from qqbot_sync.gateway.probing import Progress
from qqbot_sync.protocol.gateway_info import GatewayInfo

__all__ = ["Host", "Knock", "Patient", "Surroundings", "side_by_side"]

T = TypeVar("T")
K = TypeVar("K")

PACKAGE = "qqbot_sync"
GATEWAY_TIMEOUT = 10.0
"""Seconds for `/gateway/bot`."""
SHORTEST_SECRET = 4
"""Characters: a shorter text is no secret, and blotting it out would garble everything."""


def _addresses(host: str, port: int) -> list[str]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


def _version_of(distribution: str) -> str | None:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None


def _requirements() -> list[str]:
    try:
        return metadata.requires(PACKAGE) or []
    except metadata.PackageNotFoundError:
        return []


@dataclass(frozen=True)
class Surroundings:
    """What a failure cannot be made of on one machine without pretending; everything else is real, in tests too."""

    clock: Clock = field(default_factory=SystemClock)
    python: tuple[int, ...] = tuple(sys.version_info[:3])
    resolve: Callable[[str, int], list[str]] = _addresses
    """The addresses of a host name. Raises OSError."""
    version_of: Callable[[str], str | None] = _version_of
    """The version of an installed distribution."""
    requirements: Callable[[], list[str]] = _requirements
    """What this package requires, as in its metadata."""


class Host(NamedTuple):
    """One host of the platform."""

    origin: str
    """`https://host[:port]`."""
    roles: frozenset[str]
    """`api`, `token`."""

    @property
    def name(self) -> str:
        return urlsplit(self.origin).netloc

    @property
    def endpoint(self) -> tuple[str, int]:
        """Host name and port."""
        return _endpoint(self.origin)


class Knock(NamedTuple):
    """One request to a host that asks for nothing, and what came of it."""

    response: Response | None
    failure: NetworkFailure | None
    sent_at: float
    """Wall clock."""
    seconds: float


@dataclass
class Patient:
    """One bot's way to the platform. Used by one check after the other; what it remembers needs no lock."""

    settings: GatewayConfig
    surroundings: Surroundings = field(default_factory=Surroundings)
    identifies: bool = False
    """Whether sessions may be used up."""
    progress: Callable[[Progress], object] = bool
    gone: dict[str, str] = field(default_factory=dict)
    """Hosts that an earlier check could not get to: origin → the check's name."""

    @property
    def clock(self) -> Clock:
        return self.surroundings.clock

    @cached_property
    def environment(self) -> Environment:
        return self.settings.environment or Environment.production()

    @cached_property
    def http(self) -> Http:
        """The bot's own kind of HTTP. Raises ValueError or ImportError for a proxy or CA file that cannot be used."""
        return Http(proxy=self.settings.proxy, clock=self.clock)

    @cached_property
    def api(self) -> Api:
        """The bot's own kind of API. Raises ValueError without credentials."""
        return Api(
            self.settings.app_id or "",
            self.settings.app_secret or "",
            environment=self.environment,
            clock=self.clock,
            http=self.http,
        )

    @cached_property
    def hosts(self) -> tuple[Host, ...]:
        """Every host of the environment: the older ones first, then those that follow them."""
        roles: dict[str, set[str]] = {}
        for environment in (self.environment, self.environment.fallback):
            if environment is not None:
                for url, role in ((environment.api_url, "api"), (environment.token_url, "token")):
                    parts = urlsplit(url)
                    roles.setdefault(f"{parts.scheme}://{parts.netloc}", set()).add(role)
        return tuple(Host(origin, frozenset(found)) for origin, found in roles.items())

    @property
    def within_reach(self) -> tuple[Host, ...]:
        """The hosts that no check has given up."""
        return tuple(host for host in self.hosts if host.origin not in self.gone)

    def next_hop(self, host: Host) -> tuple[str, int]:
        """Host name and port that are really connected to: the proxy's where there is one."""
        proxy = self.http.proxy_for(host.origin)
        return _endpoint(proxy) if proxy else host.endpoint

    @cached_property
    def knocks(self) -> Mapping[Host, Knock]:
        """What each host within reach says to a request that asks for nothing."""
        return side_by_side({host: partial(self._knock, host) for host in self.within_reach}, within=15.0)

    def _knock(self, host: Host) -> Knock:
        clock = self.clock
        sent_at, began = clock.wall(), clock.now()
        headers = {"User-Agent": f"{PACKAGE} doctor"}
        try:
            response = self.http.request("GET", f"{host.origin}/", headers=headers, timeout=(5.0, 8.0), within=12.0)
        except NetworkFailure as failure:
            return Knock(None, failure, sent_at, clock.now() - began)
        return Knock(response, None, sent_at, clock.now() - began)

    @cached_property
    def gateway(self) -> GatewayInfo | BotError:
        """What `/gateway/bot` answers, asked once."""
        try:
            info = self.api.get_gateway(timeout=GATEWAY_TIMEOUT, retries=False)
        except BotError as error:
            return error
        return info

    def without_secrets(self, text: str) -> str:
        """The text with the secret, the token and the passwords of proxies blotted out."""
        secrets = [self.settings.app_secret or ""]
        if "api" in self.__dict__:
            secrets += self.api.token.secrets()
        for secret in secrets:
            if len(secret) >= SHORTEST_SECRET:
                text = text.replace(secret, "***")
        return without_password(text)

    def close(self) -> None:
        """Closes idle connections."""
        if "http" in self.__dict__:
            self.http.close()


class _Result(Generic[T]):
    """Where a thread leaves what it found."""

    value: T
    error: BaseException | None = None
    is_done = False


def side_by_side(work: Mapping[K, Callable[[], T]], *, within: float) -> dict[K, T]:
    """Runs functions on threads of their own and gives what came back in time; what did not is left to itself.

    Args:
        work: key → function; its exceptions are raised here.
        within: seconds for all of them.
    """
    clock = SystemClock()
    end = clock.now() + within
    results: dict[K, _Result[T]] = {}
    threads: list[threading.Thread] = []
    for key, function in work.items():
        results[key] = _Result()
        thread = threading.Thread(
            target=_run, args=(function, results[key]), name=f"qqbot-doctor-{len(threads)}", daemon=True
        )
        thread.start()
        threads.append(thread)
    for thread in threads:
        thread.join(max(0.0, end - clock.now()))
    for result in results.values():
        if result.error is not None:
            raise result.error
    return {key: result.value for key, result in results.items() if result.is_done}


def _run(function: Callable[[], T], result: _Result[T]) -> None:
    try:
        result.value = function()
    except BaseException as error:  # noqa: BLE001  raised again by whoever waits
        result.error = error
    else:
        result.is_done = True


def _endpoint(url: str) -> tuple[str, int]:
    parts = urlsplit(url)
    usual: Iterable[tuple[str, int]] = (("http", 80), ("https", 443))
    return parts.hostname or "", parts.port or dict(usual).get(parts.scheme, 1080)
