"""Every fault there is, met in every state: what was sent is handled, once, in order, and the bot comes back.

*Sent* is what the simulator's log says it put on the wire, or into the buffer of a session that could be resumed. One
thing cannot be had, by any bot: a session that the platform ends while the bot stops takes with it what had not been
accepted by then. There only what was accepted before the stop is compared; doubled or out of order is nothing.
"""

from __future__ import annotations

import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from qqbot_sync import (
    BotBanned,
    BotClient,
    BotError,
    ConnectionState,
    Context,
    Environment,
    GatewayError,
    HeartbeatConfig,
    InvalidIntents,
    ReconnectConfig,
    Simulator,
    UnknownOpcode,
)
from qqbot_sync.protocol.session import State
from qqbot_sync.simulator.faults import VERBS
from qqbot_sync.simulator.frames import GARBAGE
from qqbot_sync.store import SqliteStore
from tests.client.talkers import RATE, Talkers
from tests.support import eventually

STATES = ("idle", "under load", "during resume", "during stop")
SILENCE = 1.0
"""Seconds without an event before a fault that meets an idle connection."""
ENOUGH = 60
"""Events handled before a fault that meets a busy connection."""
MISSED = 150
"""Events missed before the resume that a fault meets: more than the queue holds."""
QUICK = ReconnectConfig(initial_delay=0.01, max_delay=0.05)
PATIENCE = 60.0


@dataclass(frozen=True)
class Fault:
    """One verb with its arguments, and what follows from it."""

    name: str
    play: Callable[[Simulator], object]
    cuts: bool = True
    """The connection ends, and there has to be another."""
    ends_session: bool = False
    """The platform forgets the session: a new one has to be identified."""
    error: type[BotError] | None = None
    """Nothing can be done: the typed error that ends the bot."""
    dialing: bool = False
    """During a resume it meets the dial; the others meet the replay."""
    after: Callable[[Simulator], object] | None = None
    """Ends a fault that would last."""
    options: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.name


def closing(code: int, **more: Any) -> Fault:
    return Fault(f"close {code}", lambda qq: qq.close(code), **more)


def rubbish(kind: str) -> Fault:
    return Fault(f"garbage {kind}", lambda qq: qq.garbage(kind), cuts=kind == "wire")


def cut_and(name: str, play: Callable[[Simulator], object]) -> Fault:
    """A verb of the HTTP side that a connection meets on its way back."""

    def both(qq: Simulator) -> None:
        play(qq)
        qq.drop()

    return Fault(name, both, dialing=True)


SHORT_BEAT = {"heartbeat": HeartbeatConfig(interval=0.3)}
EVERYWHERE: tuple[Fault, ...] = (
    Fault("drop", lambda qq: qq.drop()),
    Fault("drop by reset", lambda qq: qq.drop(reset=True)),
    Fault("deaf", lambda qq: qq.deaf(), options=SHORT_BEAT),
    Fault("stop_reading", lambda qq: qq.stop_reading(), options=SHORT_BEAT),
    Fault("reconnect", lambda qq: qq.reconnect()),
    Fault("invalidate", lambda qq: qq.invalidate(), ends_session=True),
    closing(4009),
    closing(4006, ends_session=True),
    closing(4915, ends_session=True, error=BotBanned),
    Fault("ask_heartbeat", lambda qq: qq.ask_heartbeat(), cuts=False),
    Fault("duplicate", lambda qq: qq.duplicate(30), cuts=False),
    Fault("reorder", lambda qq: qq.reorder(7, within=0.3), cuts=False),
    rubbish("json"),
    rubbish("wire"),
    Fault("slow", lambda qq: qq.slow(0.05), cuts=False, after=lambda qq: qq.slow(0)),
    cut_and("refuse_connections", lambda qq: qq.refuse_connections(0.4)),
    Fault("fail_http", lambda qq: qq.fail_http(500, times=5, path="/v2/"), cuts=False),
    cut_and("fail_http at the gateway", lambda qq: qq.fail_http(503, times=3, path="/gateway")),
    Fault("hang_http", lambda qq: qq.hang_http(0.5, times=3, path="/v2/"), cuts=False),
    Fault("lose_answer", lambda qq: qq.lose_answer(times=5, path="/v2/"), cuts=False),
    Fault("expire_token", lambda qq: qq.expire_token(), cuts=False, dialing=True),
    cut_and("expire_token and drop", lambda qq: qq.expire_token()),
)
UNDER_LOAD: tuple[Fault, ...] = (
    Fault("reconnect, closed at once", lambda qq: qq.reconnect(grace=0)),
    Fault("invalidate with 4007", lambda qq: qq.invalidate(code=4007), ends_session=True),
    *(closing(code) for code in (1000, 1001, 1011, 4000, 4008)),
    *(closing(code, ends_session=True) for code in (4003, 4004, 4005, 4007, 4900, 4902, 4913)),
    *(closing(code, ends_session=True, error=UnknownOpcode) for code in (4001, 4002, 4012)),
    *(closing(code, ends_session=True, error=InvalidIntents) for code in (4013, 4014)),
    *(closing(code, ends_session=True, error=GatewayError) for code in (4010, 4011)),
    closing(4914, ends_session=True, error=BotBanned),
    *(rubbish(kind) for kind in GARBAGE if kind not in ("json", "wire")),
    cut_and("fail_http 429 at the gateway", lambda qq: qq.fail_http(429, times=2, path="/gateway")),
    cut_and("hang_http at the gateway", lambda qq: qq.hang_http(0.5, times=1, path="/gateway")),
    cut_and("lose_answer at the gateway", lambda qq: qq.lose_answer(times=2, path="/gateway")),
)
FAULTS = {fault.name: fault for fault in (*EVERYWHERE, *UNDER_LOAD)}
LONG = [
    pytest.param(fault, state, id=f"{fault.name} – {state}")
    for fault in FAULTS.values()
    for state in STATES
    if fault in EVERYWHERE or state == "under load"
]
SHORT = [
    pytest.param(FAULTS[name], state, id=f"{name} – {state}")
    for name, state in (
        ("drop", "under load"),
        ("drop", "during resume"),
        ("drop", "during stop"),
        ("invalidate", "idle"),
        ("close 4006", "during resume"),
        ("close 4915", "under load"),
        ("duplicate", "during stop"),
        ("expire_token and drop", "under load"),
    )
]


class Handled:
    """What handlers got, in the order they began; they can be held up."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.texts: list[str] = []
        self.ended = 0
        self.failures: list[BaseException] = []
        self.held = 0
        self.gate = threading.Event()
        self.gate.set()

    def attach(self, client: BotClient) -> None:
        def note(ctx: Context, message: Any) -> None:
            text = message.content.strip()
            with self._lock:
                self.texts.append(text)
                self.held += not self.gate.is_set()
            self.gate.wait(PATIENCE)
            try:
                if int(text) % 10 == 0:
                    ctx.reply(text)
            except BotError as error:
                self.failures.append(error)
            with self._lock:
                self.ended += 1

        # By their names, so that the bit they need is required and not merely wished for.
        client.on("GROUP_AT_MESSAGE_CREATE")(note)
        client.on("C2C_MESSAGE_CREATE")(note)


class Row:
    """One fault in one state."""

    def __init__(self, qq: Simulator, path: Path, fault: Fault, *, tail: float) -> None:
        self.qq = qq
        self._path = path
        self.fault = fault
        self._tail = tail
        self.handled = Handled()
        self.talkers = Talkers(qq)
        self.clients: list[BotClient] = []
        self.number = 0
        """Of the log entry before the fault."""
        self.accepted_before_stop: int | None = None

    # -- the parts ------------------------------------------------------------------------------------------------

    def client(self, **options: Any) -> BotClient:
        client = BotClient(
            self.qq.app_id,
            self.qq.secret,
            environment=Environment.local(self.qq.url),
            store=SqliteStore(self._path),
            reconnect=QUICK,
            **{**self.fault.options, **options},
        )
        self.handled.attach(client)
        self.clients.append(client)
        return client

    def log(self, *kinds: str, since: int = 0) -> list[dict[str, Any]]:
        return self.qq.entries(since, kinds)

    def play(self) -> None:
        self.number = self.qq.log[-1]["number"]
        self.fault.play(self.qq)

    def come_back(self, client: BotClient) -> None:
        """Waits until the fault is over, and goes on talking for a while."""
        if self.fault.error is not None and client is self.clients[0]:
            eventually(lambda: client.state is ConnectionState.FAILED, within=PATIENCE)
            eventually(lambda: client._run is None, within=PATIENCE, what="the end")
            assert type(client.error) is self.fault.error
            return
        if self.fault.cuts:
            eventually(
                lambda: self.log("resumed", "identified", since=self.number), within=PATIENCE, what="another connection"
            )
        eventually(client.is_connected, within=PATIENCE, what="being connected")
        _pause(self._tail)
        if self.fault.after is not None:
            self.fault.after(self.qq)

    # -- the states -----------------------------------------------------------------------------------------------

    def idle(self) -> None:
        client = self.client()
        client.start()
        _pause(SILENCE * 1.05)
        self.play()
        self.talkers.start()
        (fault, *_) = self.log("fault", since=self.number)
        assert [entry for entry in self.log("dispatched") if entry["number"] <= fault["number"]] == [], "not idle"
        assert fault["time"] - self.log("identified")[0]["time"] >= SILENCE, "not idle"
        self.come_back(client)

    def under_load(self) -> None:
        client = self.client()
        client.start()
        self.talkers.start()
        self._get_busy()
        self.play()
        self.come_back(client)
        events = [entry["number"] for entry in self.log("dispatched")]
        assert len([number for number in events if number <= self.number]) >= ENOUGH, "no load"

    def during_resume(self) -> None:
        client = self.client(workers=4, queue_size=40)
        client.start()
        self.talkers.start()
        self._get_busy()
        self.qq.refuse_connections(3600)
        self.qq.drop()
        eventually(lambda: client.state is ConnectionState.SUSPENDED, within=PATIENCE)
        missed = self.talkers.said + MISSED
        eventually(lambda: self.talkers.said >= missed, within=PATIENCE)
        run = client._run
        assert run is not None
        shard = run._shards[0]
        if self.fault.dialing:
            self.play()
            assert client.state is ConnectionState.SUSPENDED, "the resume was over before the fault"
            self.qq._server.accept_again()
        else:
            number = self.qq.log[-1]["number"]
            self.handled.gate.clear()
            self.qq._server.accept_again()
            eventually(lambda: self.log("resumed", since=number), within=PATIENCE, what="the replay")
            # The queue is full and nothing ends: the reader stands still in the middle of the replay.
            eventually(lambda: client._dispatcher.depth() >= 40, within=PATIENCE, what="the full queue")
            self.play()
            assert shard.view()[2] is State.AWAIT_READY, "the resume was over before the fault"
            self.handled.gate.set()
        self.come_back(client)

    def during_stop(self) -> None:
        client = self.client(queue_size=100_000)
        client.start()
        self.talkers.start()
        self._get_busy()
        self.handled.gate.clear()
        eventually(lambda: self.handled.held >= 2, within=PATIENCE, what="handlers to wait for")
        run, dispatcher = client._run, client._dispatcher
        assert run is not None
        wire = self.log("dispatched")[-1]["s"]
        eventually(lambda: (run._shards[0].view()[1] or 0) >= wire, within=PATIENCE)
        self.accepted_before_stop = wire
        stopping = threading.Thread(target=client.stop, args=(PATIENCE,))
        stopping.start()
        eventually(lambda: dispatcher._backlog.closed, within=PATIENCE, what="the closed intake")
        self.play()
        assert stopping.is_alive(), "stopped before the fault"
        if self.fault.cuts and self.fault.name not in ("deaf", "stop_reading"):
            eventually(lambda: self.log("disconnected", since=self.number), within=PATIENCE, what="the end of the link")
        self.handled.gate.set()
        stopping.join()
        again = self.client()
        again.start()
        assert self.log("identified" if self.fault.ends_session else "resumed", since=self.number)
        self.come_back(again)

    def _get_busy(self) -> None:
        eventually(lambda: len(self.handled.texts) >= ENOUGH, within=PATIENCE, what="load")

    # -- the judgement --------------------------------------------------------------------------------------------

    def judge_load(self) -> None:
        times = [entry["time"] for entry in self.log("said")]
        assert len(times) >= (times[-1] - times[0]) * RATE, "the load was not what it should be"
        if self.fault.error is None or len(self.clients) > 1:
            up = self.log("resumed", "identified")[-1]["time"]
            assert times[-1] - up >= self._tail - 2 / RATE, "nobody spoke for long enough after the bot was back"

    def judge(self, state: str) -> None:
        said = {entry["id"]: entry for entry in self.log("said")}
        wire: dict[str, dict[str, Any]] = {}
        for entry in self.log("dispatched"):
            wire.setdefault(said[entry["id"]]["text"], entry)
        required = {text for text, entry in wire.items() if self._is_required(entry, state)}
        eventually(lambda: required <= set(self.handled.texts), what=f"{len(required)} events")
        for client in self.clients:
            client.stop(PATIENCE)
        handled = list(self.handled.texts)
        assert [text for text, count in Counter(handled).items() if count > 1] == [], "doubled"
        assert set(handled) <= set(wire)
        assert self.handled.ended == len(handled)
        user_of = {entry["text"]: entry["user"] for entry in said.values()}
        assert _by_author(handled, user_of) == _by_author([text for text in wire if text in set(handled)], user_of)
        self._judge_sessions()
        answers = Counter((entry["msg_id"], entry["content"]) for entry in self.log("answered"))
        assert [answer for answer, count in answers.items() if count > 1] == [], "doubled replies"
        assert self.handled.failures == []
        answered = {said[msg_id]["text"] for msg_id, _ in answers}
        assert answered == {text for text in handled if int(text) % 10 == 0}, "replies lost"

    def _is_required(self, entry: dict[str, Any], state: str) -> bool:
        if state != "during stop" or not self.fault.ends_session:
            return True
        (first, *_) = self.log("identified")
        assert self.accepted_before_stop is not None
        return entry["session"] != first["session"] or entry["s"] <= self.accepted_before_stop

    def _judge_sessions(self) -> None:
        sessions = len(self.log("identified"))
        ended_for_good = self.fault.error is not None and len(self.clients) == 1
        expected = 2 if self.fault.ends_session and not ended_for_good else 1
        assert sessions == expected, f"{sessions} sessions instead of {expected}"


def _by_author(texts: list[str], user_of: dict[str, str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for text in texts:
        found[user_of[text]].append(text)
    return found


def _pause(seconds: float) -> None:
    """Lets that much time pass, as the row prescribes; nothing is expected to have happened by then."""
    threading.Event().wait(seconds)


@contextmanager
def a_row(fault: Fault, path: Path, *, tail: float) -> Iterator[Row]:
    with Simulator() as qq:
        row = Row(qq, path, fault, tail=tail)
        try:
            yield row
        finally:
            row.handled.gate.set()
            row.talkers.end()
            for client in row.clients:
                client.stop(timeout=0)


def run(fault: Fault, state: str, path: Path, *, tail: float) -> None:
    with a_row(fault, path, tail=tail) as row:
        getattr(row, state.replace(" ", "_"))()
        row.talkers.end()
        row.judge_load()
        row.judge(state)


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("qqbot_sync.protocol.session.MAX_PAUSE", 0.05)


@pytest.mark.parametrize(("fault", "state"), SHORT)
def test_some_faults_lose_nothing_and_double_nothing(fault: Fault, state: str, tmp_path: Path) -> None:
    run(fault, state, tmp_path / "bot.db", tail=0.2)


@pytest.mark.long
@pytest.mark.parametrize(("fault", "state"), LONG)
def test_no_fault_in_any_state_loses_or_doubles_anything(fault: Fault, state: str, tmp_path: Path) -> None:
    run(fault, state, tmp_path / "bot.db", tail=2.0)


def test_every_verb_is_in_the_matrix() -> None:
    assert {verb for verb in VERBS if not any(fault.name.startswith(verb) for fault in EVERYWHERE)} == set()
