"""Shards and their supervisor against a scripted gateway: who dials, when, and with which words."""

from __future__ import annotations

import queue
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

from qqbot_sync.clock import SystemClock
from qqbot_sync.config import HeartbeatConfig, ReconnectConfig, ShardConfig
from qqbot_sync.errors import BotBanned, BotError, InvalidIntents, InvalidSession, RateLimited
from qqbot_sync.events import RawEvent
from qqbot_sync.gateway.connection import Route
from qqbot_sync.gateway.messages import DialOrder
from qqbot_sync.gateway.shard import Shard
from qqbot_sync.gateway.supervisor import Supervisor
from qqbot_sync.intents import Intents
from qqbot_sync.protocol.close_codes import Verdict
from qqbot_sync.protocol.gateway_info import GatewayInfo
from qqbot_sync.protocol.negotiation import IntentPlan
from qqbot_sync.protocol.session import End
from tests.gateway.support import Peer, Wire
from tests.support import eventually

QUICK = ReconnectConfig(initial_delay=0.01, max_delay=0.02)
PLAN = IntentPlan(Intents.GUILDS, Intents.none())


class Ear:
    """Records what reaches the sink and the listener."""

    def __init__(self) -> None:
        self.events: queue.Queue[RawEvent] = queue.Queue()
        self.ready: queue.Queue[tuple[int, bool]] = queue.Queue()
        self.down: queue.Queue[End] = queue.Queue()
        self.failed: queue.Queue[BotError] = queue.Queue()
        self.waits: list[tuple[float, bool]] = []
        self.given_up: list[Intents] = []
        self.ignored: list[str] = []
        self.dials = 0
        self.taking = True
        self.unheard: set[str] = set()

    def hears(self, name: str) -> bool:
        return name not in self.unheard

    def offer(self, event: RawEvent) -> bool:
        if self.taking:
            self.events.put(event)
        return self.taking

    def dropped(self, reason: str, detail: str = "") -> None:
        self.ignored.append(reason)

    def acknowledged(self) -> None: ...
    def record(self, shard_id: int) -> Callable[[bytes], None]:
        return lambda data: None

    def said(self, shard_id: int, what: str) -> None: ...

    def began_session(self, shard: tuple[int, int]) -> None: ...
    def reserve(self, shard: tuple[int, int], seq: int | None) -> None: ...
    def finished(self, event: RawEvent, session_id: str | None) -> None: ...
    def repeated(self) -> None: ...
    def progressed(self, shard: tuple[int, int], resume_point: int | None) -> None: ...

    def shard_dials(self, shard_id: int) -> None:
        self.dials += 1

    def shard_ready(self, shard_id: int, *, resumed: bool) -> None:
        self.ready.put((shard_id, resumed))

    def shard_down(self, shard_id: int, end: End) -> None:
        self.down.put(end)

    def shard_waits(self, shard_id: int, seconds: float, *, cause: Exception | None, known: bool) -> None:
        self.waits.append((seconds, known))

    def intents_reduced(self, plan: IntentPlan, given_up: Intents) -> None:
        self.given_up.append(given_up)

    def needed_by(self, intents: Intents) -> Sequence[str]:
        return ["bot.handler"]

    def gateway_failed(self, error: BotError) -> None:
        self.failed.put(error)

    def reshard(self, shard_count: int) -> bool:
        return False


class Rig:
    """Supervisor and shards, wired to a peer."""

    def __init__(self, reach: Any, *, shards: int = 1, plan: IntentPlan = PLAN, **options: Any) -> None:
        self.ear = Ear()
        clock = SystemClock()
        self.supervisor = Supervisor(
            plan=plan, reconnect=options.get("reconnect", QUICK), listener=self.ear, clock=clock
        )
        self.shards = [
            Shard(
                ShardConfig(number, shards),
                reach=reach,
                sink=self.ear,
                report=self.supervisor.report,
                clock=clock,
                heartbeat=options.get("heartbeat", HeartbeatConfig()),
            )
            for number in range(shards)
        ]
        self.supervisor.start()
        self.supervisor.admit(self.shards)

    def close(self) -> None:
        for shard in self.shards:
            shard.stop()
        assert self.supervisor.stop(10)
        for shard in self.shards:
            assert shard.join(10)


Wired = Callable[..., Rig]


@pytest.fixture
def wired() -> Iterator[Callable[..., Rig]]:
    """Makes a rig for a script of the peer, which is played for each connection with its number."""
    peers: list[Peer] = []
    rigs: list[Rig] = []

    def make(script: Callable[[Wire, int], None], *, info: GatewayInfo | None = None, **options: Any) -> Rig:
        numbers = iter(range(1000))
        lock = threading.Lock()

        def play(wire: Wire) -> None:
            with lock:
                number = next(numbers)
            script(wire, number)

        peer = Peer(play)
        peers.append(peer)
        rig = Rig(lambda order, is_wanted: (Route(peer.url), "TOKEN", info), **options)
        rigs.append(rig)
        return rig

    yield make
    for rig in rigs:
        rig.close()
    for peer in peers:
        peer.close()


def greet(wire: Wire, *, interval: int = 45000) -> dict[str, Any]:
    """Handshake and Hello; returns the client's Identify or Resume."""
    wire.handshake()
    wire.send(op=10, d={"heartbeat_interval": interval})
    return wire.json()


def ready(wire: Wire, session: str = "S1", s: int = 1) -> None:
    wire.send(op=0, s=s, t="READY", d={"version": 1, "session_id": session, "user": {"id": "7"}, "shard": [0, 0]})


def event(wire: Wire, s: int | None, name: str = "GUILD_CREATE") -> None:
    wire.send(op=0, s=s, t=name, id=f"{name}:{s}", d={"id": str(s)})


def names(ear: Ear, count: int) -> list[tuple[str, int | None]]:
    events = [ear.events.get(timeout=10) for _ in range(count)]
    for one in events:
        one.finish()
    return [(one.name, one.seq) for one in events]


def test_identify_ready_events_and_resume_after_the_highest_number(wired: Wired) -> None:
    openings: queue.Queue[dict[str, Any]] = queue.Queue()

    def script(wire: Wire, number: int) -> None:
        openings.put(greet(wire))
        if number == 0:
            ready(wire)
            event(wire, 2)
            event(wire, None)
            event(wire, 5)
            return
        event(wire, 6)
        wire.send(op=0, s=7, t="RESUMED", d="")
        wire.receive()

    rig = wired(script)
    assert names(rig.ear, 4) == [("READY", 1), ("GUILD_CREATE", 2), ("GUILD_CREATE", None), ("GUILD_CREATE", 5)]
    assert names(rig.ear, 2) == [("GUILD_CREATE", 6), ("RESUMED", 7)]
    first, second = openings.get(), openings.get()
    assert first["op"] == 2
    assert first["d"]["token"] == "QQBot TOKEN"
    assert second == {"op": 6, "d": {"token": "QQBot TOKEN", "session_id": "S1", "seq": 5}}
    assert [rig.ear.ready.get(timeout=10) for _ in range(2)] == [(0, False), (0, True)]


def test_events_nobody_hears_count_as_received(wired: Wired) -> None:
    openings: queue.Queue[dict[str, Any]] = queue.Queue()

    def script(wire: Wire, number: int) -> None:
        openings.put(greet(wire))
        if number == 0:
            ready(wire)
            event(wire, 2, "NOBODY_HEARS")
            event(wire, 3, "NOBODY_HEARS")
            return
        wire.receive()

    rig = wired(script)
    rig.ear.unheard.add("NOBODY_HEARS")
    openings.get(timeout=10)
    assert openings.get(timeout=10)["d"]["seq"] == 3


def test_a_refused_event_and_all_after_it_come_again(wired: Wired) -> None:
    openings: queue.Queue[dict[str, Any]] = queue.Queue()
    go_on = threading.Event()

    def script(wire: Wire, number: int) -> None:
        openings.put(greet(wire))
        if number == 0:
            ready(wire)
            event(wire, 2)
            go_on.wait(10)
            event(wire, 3)
            event(wire, 4, "NOBODY_HEARS")
            event(wire, 5)
            return
        wire.receive()

    rig = wired(script)
    rig.ear.unheard.add("NOBODY_HEARS")
    assert names(rig.ear, 2) == [("READY", 1), ("GUILD_CREATE", 2)]
    rig.ear.taking = False
    go_on.set()
    openings.get(timeout=10)
    assert openings.get(timeout=10)["d"]["seq"] == 2


def test_three_resumes_without_an_answer_become_an_identify(wired: Wired) -> None:
    openings: queue.Queue[int] = queue.Queue()

    def script(wire: Wire, number: int) -> None:
        openings.put(greet(wire)["op"])
        if number == 0:
            ready(wire)
        elif number == 4:
            ready(wire, "S2")
            wire.receive()

    rig = wired(script)
    rig.supervisor._pace.max_concurrency = 100
    assert [openings.get(timeout=10) for _ in range(5)] == [2, 6, 6, 6, 2]
    eventually(lambda: rig.shards[0].view()[0] == "S2")


def test_op_9_after_a_resume_identifies_anew(wired: Wired) -> None:
    openings: queue.Queue[int] = queue.Queue()

    def script(wire: Wire, number: int) -> None:
        openings.put(greet(wire)["op"])
        if number == 0:
            ready(wire)
            return
        if number == 1:
            wire.send(op=9, d=False)
            wire.close_frame(4006)
            return
        ready(wire, "S2")
        wire.receive()

    rig = wired(script)
    rig.supervisor._pace.max_concurrency = 100
    assert [openings.get(timeout=10) for _ in range(3)] == [2, 6, 2]


def test_op_9_after_an_identify_gives_up_wishes_first(wired: Wired) -> None:
    asked: queue.Queue[int] = queue.Queue()

    def script(wire: Wire, number: int) -> None:
        asked.put(greet(wire)["d"]["intents"])
        if number < 2:
            wire.send(op=9)
            wire.close_frame(4014)
            return
        ready(wire)
        wire.receive()

    wished = Intents.GROUP_AND_C2C_EVENT | Intents.DIRECT_MESSAGE
    rig = wired(script, plan=IntentPlan(Intents.GUILDS, wished))
    rig.supervisor._pace.max_concurrency = 100
    assert [Intents(asked.get(timeout=10)) for _ in range(3)] == [
        Intents.GUILDS | wished,
        Intents.GUILDS | Intents.DIRECT_MESSAGE,
        Intents.GUILDS | Intents.GROUP_AND_C2C_EVENT,
    ]
    assert rig.ear.given_up


def test_a_bare_op_9_after_every_identify_ends_with_the_likely_causes(
    wired: Wired, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("qqbot_sync.protocol.session.CAUSE_TIMEOUT", 0.05)

    def script(wire: Wire, number: int) -> None:
        greet(wire)
        wire.send(op=9)
        wire.receive()

    rig = wired(script)
    rig.supervisor._pace.max_concurrency = 100
    error = rig.ear.failed.get(timeout=20)
    assert isinstance(error, InvalidSession)
    assert "白名单" in str(error)
    assert "whitelist" in str(error)
    assert rig.ear.dials == 3


def test_a_required_intent_refused_names_it_and_its_handler(wired: Wired) -> None:
    def script(wire: Wire, number: int) -> None:
        greet(wire)
        wire.send(op=9)
        wire.close_frame(4013)

    rig = wired(script)
    error = rig.ear.failed.get(timeout=10)
    assert isinstance(error, InvalidIntents)
    assert "GUILDS" in str(error)
    assert "bot.handler" in str(error)


def test_a_fatal_code_is_reported_once_and_nobody_dials_again(wired: Wired) -> None:
    def script(wire: Wire, number: int) -> None:
        greet(wire)
        wire.close_frame(4915)

    rig = wired(script)
    assert isinstance(rig.ear.failed.get(timeout=10), BotBanned)
    rig.ear.down.get(timeout=10)
    assert rig.ear.dials == 1
    assert rig.ear.failed.empty()


def test_a_platform_rate_limit_is_waited_out(wired: Wired) -> None:
    calls: list[DialOrder] = []
    with Peer(lambda wire: (greet(wire), ready(wire), wire.receive(), None)[-1]) as peer:

        def reach(order: DialOrder, is_wanted: Callable[[], bool]) -> tuple[Route, str, None]:
            calls.append(order)
            if len(calls) == 1:
                raise RateLimited("slowly", retry_after=0.05)
            return Route(peer.url), "T", None

        rig = Rig(reach)
        try:
            rig.ear.ready.get(timeout=10)
            seconds, known = rig.ear.waits[0]
            assert seconds >= 0.05
            assert known
            assert calls[1].refetch_url
        finally:
            rig.close()


def test_identifies_keep_the_pace_and_resumes_do_not(wired: Wired) -> None:
    openings: queue.Queue[tuple[str, int]] = queue.Queue()
    release = threading.Event()

    def script(wire: Wire, number: int) -> None:
        opening = greet(wire)
        openings.put(("resume" if opening["op"] == 6 else "identify", opening["d"].get("shard", [9])[0]))
        if opening["op"] == 2:
            ready(wire, f"S{number}")
            if number == 0:
                return
        else:
            wire.send(op=0, s=9, t="RESUMED", d="")
        release.wait(20)

    rig = wired(script, shards=3)
    try:
        first = openings.get(timeout=10)
        assert first[0] == "identify"
        assert openings.get(timeout=3)[0] == "resume", "the first shard is back before the second may identify"
        assert openings.empty()
        assert rig.ear.dials == 2, "the others wait for a slot of five seconds"
    finally:
        release.set()


def test_a_dial_that_never_ends_is_abandoned(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("qqbot_sync.gateway.shard.DIAL_TIMEOUT", 0.1)
    calls: list[int] = []
    over = threading.Event()
    with Peer(lambda wire: (greet(wire), ready(wire), wire.receive(), None)[-1]) as peer:

        def reach(order: DialOrder, is_wanted: Callable[[], bool]) -> tuple[Route, str, None]:
            calls.append(1)
            if len(calls) == 1:
                over.wait(20)
            return Route(peer.url), "T", None

        rig = Rig(reach)
        try:
            assert rig.ear.ready.get(timeout=10) == (0, False)
            assert len(calls) >= 2
        finally:
            over.set()
            rig.close()


def test_a_stop_during_a_tcp_connect_returns_at_once_and_the_socket_is_closed_when_it_comes() -> None:
    """The dial thread is inside the handshake of a peer that says nothing."""
    accepted: queue.Queue[socket.socket] = queue.Queue()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        accepting = threading.Thread(target=lambda: accepted.put(listener.accept()[0]))
        accepting.start()
        rig = Rig(lambda order, is_wanted: (Route(f"ws://127.0.0.1:{port}/"), "T", None))
        peer = accepted.get(timeout=10)
        rig.close()
        wire = Wire(peer)
        wire.handshake()
        peer.settimeout(10)
        assert wire.receive() == (8, b""), "the socket that came too late is closed"
        peer.close()
        accepting.join()


def test_a_missed_ack_ends_the_link_and_resumes(wired: Wired) -> None:
    openings: queue.Queue[int] = queue.Queue()

    def script(wire: Wire, number: int) -> None:
        openings.put(greet(wire, interval=100)["op"])
        if number == 0:
            ready(wire)
            while wire.receive() != (8, b""):
                pass  # deaf: beats come, no ACK goes
            return
        wire.send(op=0, s=2, t="RESUMED", d="")
        while (message := wire.json()) != {}:
            assert message["op"] == 1
            wire.send(op=11)

    rig = wired(script)
    assert [openings.get(timeout=10) for _ in range(2)] == [2, 6]
    end = rig.ear.down.get(timeout=10)
    assert (end.verdict, end.kind) == (Verdict.RESUME, "heartbeat")


def test_frames_that_mean_nothing_end_nothing(wired: Wired) -> None:
    def script(wire: Wire, number: int) -> None:
        greet(wire)
        ready(wire)
        for junk in (
            b"",
            b"{",
            b"[]",
            b"7",
            b'{"op":"x"}',
            b"\xff\xfe",
            b'{"op":99}',
            b'{"op":0,"s":3}',
            b"[" * 100_000,
        ):
            wire.frame(junk)
        wire.frame(b'{"op":0,"s":4,"t":"GUILD_CREATE","d":{"name":"\xff"}}')
        wire.frame(b'{"op":0,"s":5,"t":"GUILD_CREATE","d":{}}', 2)
        event(wire, 6)
        wire.receive()

    rig = wired(script)
    assert names(rig.ear, 4) == [("READY", 1), ("GUILD_CREATE", 4), ("GUILD_CREATE", 5), ("GUILD_CREATE", 6)]
    assert len(rig.ear.ignored) == 9


def test_a_thread_that_dies_is_a_loud_error(wired: Wired, monkeypatch: pytest.MonkeyPatch) -> None:
    def script(wire: Wire, number: int) -> None:
        greet(wire)
        ready(wire)
        wire.receive()

    def explode(*_: object) -> None:
        raise ZeroDivisionError("planted")

    monkeypatch.setattr(Ear, "offer", explode)
    rig = wired(script)
    error = rig.ear.failed.get(timeout=10)
    assert "planted" in str(error)
    assert isinstance(error.__cause__, ZeroDivisionError)
