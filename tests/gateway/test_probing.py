"""Probing for intents over real sockets: what it costs, how it is paced, and what it does not mistake for a refusal."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from qqbot_sync import (
    Api,
    AuthenticationFailed,
    BotBanned,
    ConnectionFailed,
    Environment,
    Intents,
    InvalidSession,
    RateLimited,
    ShardConfig,
    Simulator,
)
from qqbot_sync.clock import SystemClock
from qqbot_sync.gateway.connection import Route
from qqbot_sync.gateway.probing import KEPT, MOST_MISHAPS, Probe, Progress, greeting
from qqbot_sync.protocol.narrowing import IntentEvidence
from qqbot_sync.protocol.pacing import IdentifyPace
from tests.api.support import Peer as HttpPeer
from tests.api.support import dead_port, reply
from tests.gateway.support import Peer, Wire

CLOCK = SystemClock()
DEFAULT = Intents.default()


class HurriedClock(SystemClock):
    """The main thread's waits are over at once and carry the clock forward; other threads wait as ever."""

    def __init__(self) -> None:
        self.skipped = 0.0

    def now(self) -> float:
        return super().now() + self.skipped

    def boot(self) -> float:
        return super().boot() + self.skipped

    def wait(self, event: threading.Event, seconds: float | None) -> bool:
        if threading.current_thread() is not threading.main_thread() or seconds is None:
            return super().wait(event, seconds)
        self.skipped += seconds
        return event.is_set()


@contextmanager
def probing(environment: Environment, app_id: str, secret: str, **options: Any) -> Iterator[Probe]:
    clock = options.pop("clock", CLOCK)
    with Api(app_id, secret, environment=environment, clock=clock) as api:
        yield Probe(api, clock, options.pop("pace", IdentifyPace()), ShardConfig(), **options)


@contextmanager
def probing_simulator(qq: Simulator, **options: Any) -> Iterator[Probe]:
    with probing(Environment.local(qq.url), qq.app_id, qq.secret, **options) as probe:
        yield probe


@contextmanager
def probing_script(script: Callable[[Wire], None], *, remaining: int = 1000) -> Iterator[Probe]:
    """A probe of a platform whose gateway plays a script."""
    http = HttpPeer()
    limit = {"total": 1000, "remaining": remaining, "reset_after": 7_200_000, "max_concurrency": 100}
    try:
        with Peer(script) as peer:
            http.default = reply({"url": peer.url, "shards": 1, "session_start_limit": limit})
            with probing(http.environment, "102000001", "a-secret") as probe:
                yield probe
    finally:
        http.close()


def identifying(*rest: Callable[[Wire], None]) -> Callable[[Wire], None]:
    """Greets, waits for Identify, then plays the rest, one for each connection; the last one again and again."""
    left = list(rest)

    def script(wire: Wire) -> None:
        wire.handshake()
        wire.send(op=10, d={"heartbeat_interval": 45000})
        if wire.json():
            (left.pop(0) if len(left) > 1 else left[0])(wire)
            wire.receive()

    return script


def ready(wire: Wire) -> None:
    wire.send(op=0, s=1, t="READY", d={"version": 1, "session_id": "S", "user": {"id": "7"}, "shard": [0, 1]})


def closing(code: int) -> Callable[[Wire], None]:
    return lambda wire: wire.close_frame(code, "said so")


def op_9(wire: Wire) -> None:
    """Without a cause: the connection just ends."""
    wire.send(op=9, d=False)
    wire.sock.close()


def count(qq: Simulator, kind: str) -> int:
    return len(qq.entries(kinds=(kind,)))


def test_it_finds_what_the_simulator_grants() -> None:
    """Each bit, over real sockets; every Identify on a connection of its own, and none stays open."""
    grant = DEFAULT.without_group_and_c2c_event().with_group_member_event()
    seen: list[Progress] = []
    with Simulator(grant=grant) as qq:
        qq.refusal_delay = 0.0
        with probing_simulator(qq, progress=seen.append) as probe:
            evidence = probe.run(Intents.all(), IntentEvidence(), timeout=60)
        assert evidence.granted == grant
        assert evidence.refused == Intents.all() & ~grant
        assert probe.tries == count(qq, "identified") + count(qq, "turned_away") == len(seen) == 10
        assert count(qq, "connected") == 10
        assert qq.connections() == []
        assert [one.tries for one in seen] == list(range(10))


def test_nothing_to_find_out_asks_nobody() -> None:
    with Simulator() as qq, probing_simulator(qq) as probe:
        known = IntentEvidence(granted=DEFAULT)
        assert probe.run(DEFAULT, known, timeout=60) == known
        assert qq.log == []


def test_identifies_are_paced_as_the_platform_wants_it() -> None:
    """With a `max_concurrency` of 1, five seconds lie between two; the simulator counts by the same clock."""
    clock = HurriedClock()
    with Simulator(grant=Intents.all(), clock=clock) as qq:
        qq.start_limit(max_concurrency=1)
        with probing_simulator(qq, clock=clock) as probe:
            evidence = probe.run(Intents.all(), IntentEvidence(), timeout=3600)
        assert evidence == IntentEvidence(granted=Intents.all())
        assert count(qq, "identified") == probe.tries == 8
        assert count(qq, "turned_away") == 0, "one that came too early"
        assert clock.skipped > 0


def test_it_ends_with_what_it_knows_when_the_time_is_over() -> None:
    """The second Identify would have to wait for longer than that."""
    with Simulator(grant=DEFAULT) as qq:
        qq.start_limit(max_concurrency=1)
        with probing_simulator(qq) as probe:
            evidence = probe.run(Intents.all(), IntentEvidence(), timeout=4.0)
    assert evidence == IntentEvidence(granted=DEFAULT)


def test_it_ends_when_nobody_wants_to_know_any_more() -> None:
    with Simulator(grant=DEFAULT) as qq, probing_simulator(qq) as probe:
        probe.is_wanted = lambda: probe.tries < 1
        assert probe.run(Intents.all(), IntentEvidence(), timeout=60) == IntentEvidence()
        assert probe.tries == 1


def test_it_spends_no_more_than_it_is_allowed_to() -> None:
    with Simulator(grant=DEFAULT) as qq, probing_simulator(qq) as probe:
        probe.run(Intents.all(), IntentEvidence(), timeout=60, most=3)
        assert count(qq, "identified") + count(qq, "turned_away") == 3


def test_the_last_sessions_of_the_day_are_left_to_the_bot() -> None:
    with Simulator(grant=DEFAULT) as qq:
        qq.start_limit(total=1000, remaining=KEPT + 1, reset_after=7200)
        with probing_simulator(qq) as probe:
            probe.run(Intents.all(), IntentEvidence(), timeout=60)
        assert qq.start_limit()["remaining"] == KEPT
        with probing_simulator(qq) as probe, pytest.raises(RateLimited, match=r"only 10 sessions") as caught:
            probe.run(Intents.all(), IntentEvidence(), timeout=60)
        assert 7100 < caught.value.retry_after <= 7200
        assert "2.0 h" in str(caught.value)


def test_a_wrong_secret_is_no_refusal_of_intents() -> None:
    with (
        Simulator() as qq,
        probing(Environment.local(qq.url), qq.app_id, "wrong-secret") as probe,
        pytest.raises(AuthenticationFailed),
    ):
        probe.run(DEFAULT, IntentEvidence(), timeout=60)


@pytest.mark.parametrize(("code", "error"), [(4915, BotBanned), (4002, Exception)])
def test_a_fatal_close_code_is_raised(code: int, error: type[Exception]) -> None:
    with probing_script(identifying(closing(code))) as probe, pytest.raises(error, match=str(code)):
        probe.run(DEFAULT, IntentEvidence(), timeout=60)


def test_a_refusal_without_a_cause_is_not_believed_before_an_acceptance() -> None:
    """It may be the token or the address: nobody is told that an intent is missing."""
    with probing_script(identifying(op_9)) as probe, pytest.raises(InvalidSession, match="does not say why") as caught:
        probe.run(Intents.GUILDS, IntentEvidence(), timeout=60)
    assert "IP" in str(caught.value)
    assert probe.tries == 1


def test_it_gives_up_after_a_few_refusals_without_a_cause() -> None:
    with probing_script(identifying(op_9)) as probe, pytest.raises(InvalidSession):
        probe.run(Intents.all(), IntentEvidence(), timeout=60)
    assert probe.tries == 3


def test_a_refusal_without_a_cause_counts_where_another_identify_was_accepted() -> None:
    wanted = Intents.GUILDS | Intents.GUILD_MESSAGES
    with probing_script(identifying(op_9, ready)) as probe:
        evidence = probe.run(wanted, IntentEvidence(), timeout=60)
    assert evidence == IntentEvidence(Intents.GUILDS, Intents.GUILD_MESSAGES)


def test_a_connection_that_breaks_is_tried_again_and_proves_nothing() -> None:
    with probing_script(identifying(closing(1011), closing(4900), ready)) as probe:
        assert probe.run(DEFAULT, IntentEvidence(), timeout=60) == IntentEvidence(granted=DEFAULT)
    with probing_script(identifying(closing(1011))) as probe, pytest.raises(ConnectionFailed, match="1011"):
        probe.run(DEFAULT, IntentEvidence(), timeout=60)
    assert probe.tries == MOST_MISHAPS + 1


class TestGreeting:
    """Hello, and no session used."""

    def test_the_simulator_says_hello(self) -> None:
        with Simulator() as qq, Api(qq.app_id, qq.secret, environment=Environment.local(qq.url)) as api:
            assert greeting(Route(api.get_gateway().url), clock=CLOCK, timeout=10).op == 10
            assert count(qq, "identified") == 0

    @pytest.mark.parametrize(
        ("said", "expected"),
        [
            (lambda wire: wire.send(op=11), "no Hello: op 11"),
            (lambda wire: wire.frame(b"<html>"), "unreadable"),
            (lambda wire: wire.close_frame(4009, "full"), "close 4009"),
            (lambda wire: wire.sock.close(), "no Hello came"),
        ],
        ids=["another frame", "no JSON", "a close frame", "nothing"],
    )
    def test_anything_else_is_an_error(self, said: Callable[[Wire], None], expected: str) -> None:
        def script(wire: Wire) -> None:
            wire.handshake()
            said(wire)
            wire.receive()

        with Peer(script) as peer, pytest.raises(ConnectionFailed, match=expected):
            greeting(Route(peer.url), clock=CLOCK, timeout=10)

    def test_a_silent_peer_is_left_in_time(self) -> None:
        over = threading.Event()

        def script(wire: Wire) -> None:
            wire.handshake()
            over.wait(20)

        with Peer(script) as peer:
            with pytest.raises(ConnectionFailed, match="no Hello in time"):
                greeting(Route(peer.url), clock=CLOCK, timeout=0.2)
            over.set()

    def test_nobody_there_is_an_error(self) -> None:
        with pytest.raises(ConnectionFailed, match="cannot reach"):
            greeting(Route(f"ws://127.0.0.1:{dead_port()}"), clock=CLOCK, timeout=5)
