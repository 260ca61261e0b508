"""The fault verbs: everything that goes wrong between a bot and QQ, on demand."""

from __future__ import annotations

import inspect
import random
from collections.abc import Callable
from typing import Any

from qqbot_sync.simulator.frames import GARBAGE
from qqbot_sync.simulator.gateway import Gateway
from qqbot_sync.simulator.guard import Guard
from qqbot_sync.simulator.http_faults import HttpFault, HttpFaults
from qqbot_sync.simulator.link import Link
from qqbot_sync.simulator.platform import Platform
from qqbot_sync.simulator.server import Server
from qqbot_sync.simulator.timers import Timers

__all__ = ["VERBS", "Faults"]

VERBS = (
    "drop",
    "deaf",
    "stop_reading",
    "reconnect",
    "invalidate",
    "close",
    "ask_heartbeat",
    "duplicate",
    "reorder",
    "garbage",
    "slow",
    "refuse_connections",
    "fail_http",
    "hang_http",
    "lose_answer",
    "expire_token",
)
"""What can be scheduled, and played over HTTP."""

_WEIGHTS: tuple[tuple[str, int], ...] = (
    ("drop", 6),
    ("reconnect", 4),
    ("close", 3),
    ("duplicate", 3),
    ("reorder", 3),
    ("fail_http", 3),
    ("lose_answer", 3),
    ("deaf", 1),
    ("invalidate", 1),
    ("garbage", 2),
    ("expire_token", 1),
    ("refuse_connections", 1),
)
"""How often `chaos` plays which verb."""


class Faults:
    """The verbs of one simulator. Thread-safe.

    Verbs of the gateway meet the connections that are open at the time; `shard` restricts them to one shard.
    """

    _platform: Platform
    _gateway: Gateway
    _guard: Guard
    _timers: Timers
    _server: Server
    _http_faults: HttpFaults
    _chaos: int = 0

    # ---------------------------------------------------------------- the gateway

    def drop(self, *, reset: bool = False, shard: int | None = None) -> None:
        """Cuts the connections without a close frame; `reset` by a TCP reset. The sessions can be resumed."""
        self._each("drop", shard, lambda link: self._gateway.drop(link, reset=reset), reset=reset)

    def deaf(self, *, shard: int | None = None) -> None:
        """The connections stay open in TCP, but nothing is acknowledged or sent on them any more."""

        def fall_silent(link: Link) -> None:
            link.deaf = True

        self._each("deaf", shard, fall_silent)

    def stop_reading(self, *, shard: int | None = None) -> None:
        """What the clients send is not taken from the network any more; events are still sent."""

        def look_away(link: Link) -> None:
            link.reads = False
            self._guard.touched.add(link)

        self._each("stop_reading", shard, look_away)

    def reconnect(self, *, grace: float = 5.0, shard: int | None = None) -> None:
        """op 7, and close 4009 `grace` seconds later where the client has not left."""
        _check_seconds("grace", grace)
        self._each("reconnect", shard, lambda link: self._gateway.reconnect(link, grace), grace=grace)

    def invalidate(self, *, code: int = 4006, shard: int | None = None) -> None:
        """op 9, then a close frame with `code`. The sessions are gone."""
        _check_code(code)
        self._each("invalidate", shard, lambda link: self._gateway.invalidate(link, code), code=code)

    def close(self, code: int, reason: str = "", *, shard: int | None = None) -> None:
        """Closes the connections with `code`; the sessions can be resumed where the platform's table says so."""
        _check_code(code)
        self._each("close", shard, lambda link: self._gateway.close_link(link, code, reason), code=code)

    def ask_heartbeat(self, *, shard: int | None = None) -> None:
        """op 1 from the server."""
        self._each("ask_heartbeat", shard, self._gateway.ask_heartbeat)

    def garbage(self, kind: str = "json", *, shard: int | None = None) -> None:
        """Puts rubbish on the wire: json, not_an_object, empty, utf8, opcode, no_s, wrong_types, deep, binary,
        fragments (well-formed, in pieces around a ping) or wire (no WebSocket frame at all)."""
        if kind not in GARBAGE:
            raise ValueError(f"no garbage of kind {kind!r}; known: {', '.join(GARBAGE)}")
        self._each("garbage", shard, lambda link: self._gateway.garbage(link, kind), kind=kind)

    def slow(self, seconds: float) -> None:
        """Every batch of frames and every HTTP answer waits so long from now on; 0 ends it."""
        _check_seconds("seconds", seconds)
        with self._guard:
            self._gateway.delay = self._http_faults.delay = seconds
            self._platform.log.write("fault", "slow", {"seconds": seconds})

    def refuse_connections(self, seconds: float) -> None:
        """New TCP connections are refused for so long; those that are open stay."""
        _check_seconds("seconds", seconds)
        self._note("refuse_connections", seconds=seconds)
        self._server.refuse()
        self._timers.call_freely(seconds, self._server.accept_again)

    # ---------------------------------------------------------------- events

    def duplicate(self, times: int = 1) -> None:
        """The next `times` events come twice, each time with an `s` of its own."""
        _check_count("times", times)
        with self._guard:
            self._platform.mischief.duplicate(times)
            self._platform.log.write("fault", "duplicate", {"times": times})

    def reorder(self, count: int = 2, *, within: float = 1.0) -> None:
        """The next `count` events come in reverse order, `s` rising; after `within` seconds those that are there."""
        _check_count("count", count)
        _check_seconds("within", within)
        with self._guard:
            round = self._platform.mischief.reorder(count)
            self._platform.log.write("fault", "reorder", {"count": count, "within": within})
        self._timers.call(within, lambda: self._platform.release(round))

    # ---------------------------------------------------------------- HTTP

    def fail_http(self, status: int = 500, times: int = 1, path: str | None = None, *, code: int | None = None) -> None:
        """The next `times` calls whose path starts with `path` are answered with `status`, and not carried out."""
        if isinstance(status, bool) or not isinstance(status, int) or not 400 <= status <= 599:
            raise ValueError(f"status must be an HTTP error from 400 to 599, not {status!r}")
        self._set_fault("fail_http", HttpFault("fail", times, path, status=status, code=code), status=status)

    def hang_http(self, seconds: float, times: int = 1, path: str | None = None) -> None:
        """The next calls wait so long before they are carried out."""
        _check_seconds("seconds", seconds)
        self._set_fault("hang_http", HttpFault("hang", times, path, seconds=seconds), seconds=seconds)

    def lose_answer(self, times: int = 1, path: str | None = None) -> None:
        """The next calls are carried out, but the connection is reset before the answer."""
        self._set_fault("lose_answer", HttpFault("lose", times, path))

    def expire_token(self) -> None:
        """Every token given out so far is refused from now on."""
        with self._guard:
            self._platform.tokens.expire()
            self._platform.log.write("fault", "expire_token", {})

    # ---------------------------------------------------------------- when

    def schedule(self, after: float, verb: str, **arguments: Any) -> None:
        """Plays a fault verb in `after` seconds.

        Raises:
            ValueError: no such verb.
            TypeError: arguments that the verb does not take.
        """
        _check_seconds("after", after)
        if verb not in VERBS:
            raise ValueError(f"no verb {verb!r}; known: {', '.join(VERBS)}")
        play: Callable[..., None] = getattr(self, verb)
        inspect.signature(play).bind(**arguments)
        self._timers.call_freely(after, lambda: play(**arguments))

    def chaos(self, seed: int = 0, rate: float = 0.5, *, duration: float | None = None) -> None:
        """Plays verbs at random, on average `rate` a second; the same seed plays the same verbs at the same times.

        Args:
            seed: of the dice.
            rate: verbs per second; 0 ends the chaos.
            duration: seconds after which it ends; None goes on until told.
        """
        if isinstance(rate, bool) or not isinstance(rate, (int, float)) or not rate >= 0:
            raise ValueError(f"rate must be verbs per second, not {rate!r}")
        with self._guard:
            self._chaos += 1
            mine = self._chaos
            self._platform.log.write("fault", "chaos", {"seed": seed, "rate": rate})
        if rate == 0:
            return
        dice = random.Random(seed)
        end = None if duration is None else self._platform.clock.now() + duration

        def play() -> None:
            if self._chaos != mine or (end is not None and self._platform.clock.now() >= end):
                return
            verb, arguments = _draw(dice)
            getattr(self, verb)(**arguments)
            self._timers.call_freely(dice.expovariate(rate), play)

        self._timers.call_freely(dice.expovariate(rate), play)

    # ---------------------------------------------------------------- common

    def _each(self, verb: str, shard: int | None, act: Callable[[Link], None], **arguments: Any) -> None:
        with self._guard:
            self._platform.log.write("fault", verb, {**arguments, "shard": shard})
            for link in list(self._gateway.links.values()):
                if shard is None or (link.session is not None and link.session.shard[0] == shard):
                    act(link)

    def _note(self, verb: str, **arguments: Any) -> None:
        with self._guard:
            self._platform.log.write("fault", verb, arguments)

    def _set_fault(self, verb: str, fault: HttpFault, **arguments: Any) -> None:
        _check_count("times", fault.times)
        if fault.path is not None and not (isinstance(fault.path, str) and fault.path.startswith("/")):
            raise ValueError(f"path must start with '/', not {fault.path!r}")
        with self._guard:
            self._http_faults.add(fault)
            self._platform.log.write("fault", verb, {**arguments, "times": fault.times, "path": fault.path})


def _draw(dice: random.Random) -> tuple[str, dict[str, Any]]:
    (verb,) = dice.choices([name for name, _ in _WEIGHTS], [weight for _, weight in _WEIGHTS])
    choices: dict[str, dict[str, Any]] = {
        "drop": {"reset": dice.random() < 0.5},
        "reconnect": {"grace": dice.uniform(0.1, 2.0)},
        "close": {"code": dice.choice([1000, 1001, 1011, 4000, 4008, 4009])},
        "duplicate": {"times": dice.randint(1, 5)},
        "reorder": {"count": dice.randint(2, 4), "within": 0.2},
        "fail_http": {"status": dice.choice([500, 502, 503, 504, 429]), "path": "/gateway"},
        "lose_answer": {"path": "/v2/"},
        "garbage": {"kind": dice.choice([kind for kind in GARBAGE if kind != "wire"])},
        "refuse_connections": {"seconds": dice.uniform(0.1, 1.0)},
    }
    return verb, choices.get(verb, {})


def _check_seconds(name: str, value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not value >= 0:
        raise ValueError(f"{name} must be seconds, not {value!r}")


def _check_count(name: str, value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ValueError(f"{name} must be a whole number of at least 1, not {value!r}")


def _check_code(code: object) -> None:
    if isinstance(code, bool) or not isinstance(code, int) or not 1000 <= code <= 4999:
        raise ValueError(f"code must be a close code from 1000 to 4999, not {code!r}")
    if code in (1004, 1005, 1006, 1015):
        raise ValueError(f"code {code} never travels in a close frame; drop() ends a connection without one")
