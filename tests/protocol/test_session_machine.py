"""The session against a model of it: any order of frames, time and ends, and every one of its promises after each."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from qqbot_sync import codec
from qqbot_sync.config import HeartbeatConfig, ShardConfig
from qqbot_sync.intents import Intents
from qqbot_sync.protocol import session as module
from qqbot_sync.protocol.close_codes import CLOSE_CODES, Verdict, verdict_of
from qqbot_sync.protocol.session import Alarm, Drop, Emit, Hangup, Send, Session, State, Tick
from tests.protocol.support import BOUNDED

CODES = [None, *CLOSE_CODES, 3000, 4999]
INTENTS = Intents.GUILDS | Intents.GROUP_AND_C2C_EVENT


def frame(op: Any, d: Any = None, **rest: Any) -> codec.Envelope:
    return codec.decode_envelope(json.dumps({"op": op, "d": d, **rest}).encode())


class SessionMachine(RuleBasedStateMachine):
    """A connection opens, frames come in any order, time passes, it closes; the model is a handful of plain values."""

    session_class = Session

    def __init__(self) -> None:
        super().__init__()
        self.session = self.session_class(ShardConfig(1, 4), HeartbeatConfig(max_missed=2))
        self.now = self.blocked = self.slept = 0.0
        self.sessions = 0
        self.known: str | None = None
        self.highest: int | None = None
        self.phase = "closed"
        self.resuming = self.asked = self.replayed = False
        self.op7 = self.op9 = False
        self.hung_up: str | None = None
        self.failed_resumes = self.refused_identifies = 0
        self.last_code: tuple[int | None, int] = (None, 0)
        self.asked_at = self.opened_at = 0.0
        self.unanswered: list[float] = []

    # -- helpers --------------------------------------------------------------------------------------------------

    def tick(self) -> Tick:
        return Tick(self.now, self.now - self.blocked, self.now + self.slept)

    @property
    def attentive(self) -> float:
        return self.now - self.blocked

    def receive(self, envelope: codec.Envelope) -> list[Any]:
        return list(self.session.receive(envelope, self.tick()))

    def forget(self) -> None:
        self.known = self.highest = None
        self.failed_resumes = 0

    def is_open(self) -> bool:
        return self.phase != "closed"

    # -- a connection ---------------------------------------------------------------------------------------------

    @precondition(lambda self: not self.is_open())
    @rule(resume=st.booleans())
    def open(self, resume: bool) -> None:
        self.session.opened(token="SECRET", resume=resume, intents=INTENTS, tick=self.tick())
        self.resuming = resume and self.known is not None
        if not self.resuming:
            self.forget()
        self.phase, self.asked, self.replayed = "hello", False, False
        self.op7 = self.op9 = False
        self.hung_up = None
        self.opened_at = self.attentive
        self.unanswered = []

    @precondition(lambda self: self.is_open())
    @rule(interval=st.sampled_from([45000, 1000, 0, -5, None, "x", 1e400]))
    def hello(self, interval: Any) -> None:
        d = {} if interval is None else {"heartbeat_interval": interval}
        effects = self.receive(frame(10, d))
        sent = [json.loads(effect.data) for effect in effects if isinstance(effect, Send)]
        if self.phase != "hello":
            assert sent == [], "a second Hello is answered by nothing"
            return
        (asked,) = sent
        assert asked["d"]["token"] == "QQBot SECRET"
        if self.resuming:
            assert asked["op"] == 6
            assert asked["d"]["session_id"] == self.known
            assert asked["d"]["seq"] == (self.highest or 0)
        else:
            assert asked["op"] == 2
            assert asked["d"]["shard"] == [1, 4]
            assert asked["d"]["intents"] == int(INTENTS)
        assert any(isinstance(effect, Alarm) for effect in effects)
        assert self.session.interval == (interval / 1000 if interval in (45000, 1000) else module.DEFAULT_INTERVAL)
        self.phase, self.asked, self.asked_at = "asked", True, self.attentive

    @precondition(lambda self: self.phase == "asked")
    @rule(has_id=st.sampled_from([True, True, True, False]))
    def ready(self, has_id: bool) -> None:
        self.sessions += 1
        d = {"session_id": f"session {self.sessions}", "user": {"id": "1"}} if has_id else {}
        (effect,) = self.receive(frame(0, d, s=1, t="READY"))
        assert isinstance(effect, Emit)
        self.session.received(1)
        self.known, self.highest = (d.get("session_id") if has_id else None), 1  # type: ignore[assignment]
        self.established()

    @precondition(lambda self: self.phase == "asked" and self.resuming)
    @rule()
    def resumed(self) -> None:
        s = (self.highest or 0) + 1
        (effect,) = self.receive(frame(0, "", s=s, t="RESUMED"))
        assert isinstance(effect, Emit)
        self.session.received(s)
        self.highest = s
        self.established()

    def established(self) -> None:
        self.phase, self.asked = "ready", False
        self.failed_resumes = self.refused_identifies = 0
        self.last_code = (None, 0)
        assert self.session.alive(self.attentive)

    @precondition(lambda self: self.phase in ("asked", "ready"))
    @rule(gap=st.integers(1, 5), taken=st.booleans())
    def event(self, gap: int, taken: bool) -> None:
        s = (self.highest or 0) + gap
        (effect,) = self.receive(frame(0, {}, s=s, t="GUILD_CREATE", id=f"e{s}"))
        assert isinstance(effect, Emit)
        assert effect.envelope.s == s
        if taken:
            self.session.received(s)
            self.highest = s
        if self.phase == "asked" and self.resuming:
            self.replayed = True
            self.asked_at = self.attentive

    @precondition(lambda self: self.phase in ("asked", "ready") and (self.highest or 0) > 1)
    @rule(back=st.integers(0, 3))
    def old_event(self, back: int) -> None:
        """A number that was received before changes nothing that a Resume would say."""
        s = max(1, (self.highest or 0) - back)
        self.receive(frame(0, {}, s=s, t="GUILD_CREATE"))
        self.session.received(s)
        if self.phase == "asked" and self.resuming:
            self.replayed = True
            self.asked_at = self.attentive

    @precondition(lambda self: self.is_open())
    @rule(op=st.sampled_from([3, 12, 99, -1]))
    def unknown_opcode(self, op: int) -> None:
        assert [type(effect) for effect in self.receive(frame(op))] == [Drop]

    @precondition(lambda self: self.phase == "ready")
    @rule()
    def event_without_a_name(self) -> None:
        assert [type(effect) for effect in self.receive(frame(0, {}, s=5))] == [Drop]

    @precondition(lambda self: self.is_open())
    @rule()
    def asked_for_a_heartbeat(self) -> None:
        (effect,) = self.receive(frame(1))
        self.is_a_beat(effect)

    def is_a_beat(self, effect: Any) -> None:
        assert isinstance(effect, Send)
        assert json.loads(effect.data) == {"op": 1, "d": self.highest}

    @precondition(lambda self: self.is_open())
    @rule()
    def acknowledged(self) -> None:
        self.receive(frame(11))
        self.unanswered = []
        assert self.session.latency is None or self.session.latency >= 0

    @precondition(lambda self: self.is_open())
    @rule()
    def op_7(self) -> None:
        (effect,) = self.receive(frame(7))
        assert isinstance(effect, Hangup)
        assert effect.close_code == 4000, "1000 might end the session"
        self.op7 = True
        self.hung_up = "op 7"

    @precondition(lambda self: self.is_open())
    @rule(d=st.sampled_from([None, False, True, {}]))
    def op_9(self, d: Any) -> None:
        self.receive(frame(9, d))
        self.op9 = True

    # -- time -----------------------------------------------------------------------------------------------------

    @rule(seconds=st.sampled_from([0.001, 0.5, 4.9, 14.0, 31.0, 46.0]))
    def time_passes(self, seconds: float) -> None:
        """In looks as far apart as the session asks for."""
        end = self.now + seconds
        while True:
            look = self.session.next_look(self.now)
            assert 0 < look <= module.TICK
            self.now = min(end, self.now + look)
            self.look()
            if self.now >= end:
                return

    @rule(seconds=st.sampled_from([1.0, 60.0, 4000.0]))
    def the_reader_is_blocked(self, seconds: float) -> None:
        """Behind a full queue: nothing may count as unanswered because of it."""
        hung_up = self.hung_up
        self.now += seconds
        self.blocked += seconds
        self.look()
        assert self.hung_up == hung_up or self.op9, "what was in time before is in time still"

    def look(self) -> None:
        was_open = self.is_open() and self.hung_up is None
        effects = list(self.session.tick(self.tick()))
        if not was_open:
            assert effects == [], "nothing is said on a connection that is over"
            return
        for effect in effects:
            if isinstance(effect, Hangup):
                self.why_hung_up(effect)
            else:
                self.is_a_beat(effect)
                self.unanswered.append(self.attentive)

    def why_hung_up(self, effect: Hangup) -> None:
        self.hung_up = effect.reason
        assert effect.close_code is None
        if self.op9:
            return
        late = {
            "no Hello": (self.phase == "hello", module.HELLO_TIMEOUT, self.opened_at),
            "no READY": (self.phase == "asked" and not self.resuming, module.READY_TIMEOUT, self.asked_at),
            "no RESUMED": (self.phase == "asked" and self.resuming, module.REPLAY_TIMEOUT, self.asked_at),
        }
        if effect.reason in late:
            fits, timeout, since = late[effect.reason]
            assert fits
            assert self.attentive - since >= timeout - 1e-6, "too early"
        elif "heartbeat" in effect.reason:
            assert len(self.unanswered) >= 2
            assert self.attentive - self.unanswered[-2] >= 0
        else:
            assert "suspended" in effect.reason

    @rule(seconds=st.sampled_from([1.0, 60.0, 86400.0]))
    def the_machine_sleeps(self, seconds: float) -> None:
        was_open = self.is_open() and self.hung_up is None
        self.slept += seconds
        effects = list(self.session.tick(self.tick()))
        if was_open and seconds > module.SUSPEND_GAP:
            (effect,) = effects
            assert isinstance(effect, Hangup)
            assert "suspended" in effect.reason
            self.hung_up = effect.reason
        else:
            for effect in effects:
                if isinstance(effect, Hangup):
                    self.why_hung_up(effect)
                else:
                    self.is_a_beat(effect)
                    self.unanswered.append(self.attentive)

    # -- the end --------------------------------------------------------------------------------------------------

    @precondition(lambda self: self.is_open())
    @rule(code=st.sampled_from(CODES))
    def close(self, code: int | None) -> None:
        row = verdict_of(code)
        last, times = self.last_code
        times = times + 1 if code == last else 1
        self.last_code = (code, times)
        stalled = self.hung_up == "no RESUMED" and self.replayed
        end = self.session.closed(code=code, reason="the end")
        asked_to_resume = self.asked and self.resuming
        asked_to_identify = self.asked and not self.resuming
        self.phase = "closed"
        assert (end.error is not None) or end.verdict is not Verdict.FATAL, "who gives up says why"
        if self.op9 and not row.names_cause:
            self.forget()
            self.refused_identifies += asked_to_identify
            gives_up = asked_to_identify and self.refused_identifies >= module.IDENTIFY_FAILURES
            assert end.verdict is (Verdict.FATAL if gives_up else Verdict.IDENTIFY)
        elif self.op7 and self.hung_up == "op 7":
            self.is_resumable(end, asked_to_resume=asked_to_resume, stalled=stalled)
            assert end.routine or end.verdict is Verdict.IDENTIFY
        elif row.about_intents:
            self.forget()
            assert end.verdict is Verdict.FATAL
            assert end.refused
        elif row.verdict is Verdict.FATAL or (row.refresh_token and times >= module.IDENTIFY_FAILURES):
            assert end.verdict is Verdict.FATAL
        elif row.verdict is Verdict.IDENTIFY and end.verdict is Verdict.IDENTIFY:
            self.forget()
            assert end.refresh_token or not row.refresh_token
        elif row.verdict is Verdict.IDENTIFY:
            # A token that was refused says nothing about the session.
            assert end.verdict is Verdict.RESUME
            assert row.refresh_token
            assert end.refresh_token
            assert asked_to_resume
        else:
            self.is_resumable(end, asked_to_resume=asked_to_resume, stalled=stalled)
            assert end.routine is row.routine or end.verdict is Verdict.IDENTIFY

    def is_resumable(self, end: Any, *, asked_to_resume: bool, stalled: bool) -> None:
        if asked_to_resume:
            self.failed_resumes = 0 if self.replayed else self.failed_resumes + 1
        if self.known is None or stalled or self.failed_resumes >= module.RESUME_FAILURES:
            self.forget()
            assert end.verdict is Verdict.IDENTIFY
        else:
            assert end.verdict is Verdict.RESUME, "an outage of any length ends in a Resume"

    # -- always ---------------------------------------------------------------------------------------------------

    @invariant()
    def the_numbers_are_those_of_the_model(self) -> None:
        assert self.session.session_id == self.known
        if self.known is not None:
            assert self.session.ledger.highest == self.highest

    @invariant()
    def it_is_alive_only_when_ready(self) -> None:
        states = {"closed": State.CLOSED, "hello": State.AWAIT_HELLO, "asked": State.AWAIT_READY, "ready": State.READY}
        assert self.session.state is states[self.phase]
        if self.phase != "ready":
            assert not self.session.alive(self.attentive)

    @invariant()
    def a_closed_session_keeps_no_token(self) -> None:
        assert "SECRET" not in repr(self.session)
        if not self.is_open():
            assert self.session._token == ""


MACHINE = settings(BOUNDED, max_examples=60, stateful_step_count=40)


def test_the_session_keeps_its_promises_in_any_order_of_things() -> None:
    run_state_machine_as_test(SessionMachine, settings=MACHINE)


@pytest.mark.long
@pytest.mark.timeout(900)
def test_the_session_keeps_its_promises_in_very_many_orders_of_things() -> None:
    run_state_machine_as_test(SessionMachine, settings=settings(MACHINE, max_examples=1500))


class _Forgetful(Session):
    """A planted bug: every end forgets the session."""

    def closed(self, *, code: int | None, reason: str) -> Any:
        end = super().closed(code=code, reason=reason)
        self.forget()
        return end


class _Impatient(Session):
    """A planted bug: time blocked behind a full queue counts."""

    def tick(self, tick: Tick) -> Any:
        return super().tick(Tick(tick.now, tick.now, tick.boot))


class _Careless(Session):
    """A planted bug: a Resume from one number too high."""

    def _hello(self, envelope: codec.Envelope, tick: Tick) -> Any:
        if self.ledger.highest is not None:
            self.ledger.received(self.ledger.highest + 1)
        return super()._hello(envelope, tick)


def test_the_machine_finds_planted_bugs() -> None:
    for bug in (_Forgetful, _Impatient, _Careless):

        class Planted(SessionMachine):
            session_class = bug

        found = False
        try:
            run_state_machine_as_test(Planted, settings=settings(MACHINE, phases=[Phase.generate]))
        except AssertionError:
            found = True
        assert found, bug.__doc__
