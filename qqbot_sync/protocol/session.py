"""One gateway session: what was agreed with the platform, and what every frame, tick and end means for it.

    CLOSED ── opened ──▶ AWAIT_HELLO ── Hello ──▶ AWAIT_READY ── READY / RESUMED ──▶ READY
       ▲                      │                        │                              │
       └────────────────── closed: RESUME | IDENTIFY | FATAL ◀────────────────────────┘

Pure: it is told the time, it never looks at a clock; it answers with effects, it never sends. A session outlives its
connections: `session_id` and the numbers seen are what Resume needs.

https://bot.q.qq.com/wiki/develop/api-v2/dev-prepare/interface-framework/event-emit.html
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any, NamedTuple

from qqbot_sync import codec
from qqbot_sync.codec import Envelope
from qqbot_sync.config import HeartbeatConfig, ShardConfig
from qqbot_sync.errors import BotError, InvalidSession
from qqbot_sync.intents import Intents
from qqbot_sync.protocol.close_codes import Verdict, fatal_error, verdict_of
from qqbot_sync.protocol.ledger import SeqLedger
from qqbot_sync.protocol.opcodes import Opcode

__all__ = ["Acknowledged", "Alarm", "Drop", "Effect", "Emit", "End", "Hangup", "Send", "Session", "State", "Tick"]

HELLO_TIMEOUT = 15.0
"""Seconds from the open socket to Hello; the platform sends it at once."""
READY_TIMEOUT = 30.0
"""Seconds from Identify to READY."""
REPLAY_TIMEOUT = 30.0
"""Seconds from Resume, or from the last replayed event, to RESUMED."""
CAUSE_TIMEOUT = 5.0
"""Seconds after op 9 in which the close frame may still name the cause."""
DEFAULT_INTERVAL = 30.0
"""Seconds between beats when Hello names no usable interval."""
TICK = 5.0
"""Seconds between looks at the clocks, at most: a suspend is noticed this soon."""
SUSPEND_GAP = 2.0
"""Seconds by which the boot clock may run ahead before the machine counts as having slept."""
RESUME_FAILURES = 3
IDENTIFY_FAILURES = 3
"""Refusals in a row after which a session, or the whole attempt, is given up."""
MAX_PAUSE = 60.0
"""Seconds that a code's own pause, doubled each time it comes again, may grow to."""
ROUTINE_CLOSE = 4000
"""The code we close with: 1000 might end the session on the platform's side, 4000 is transient by its table."""


_OP_7 = "op 7"


class State(Enum):
    """How far the present connection has come."""

    CLOSED = "closed"
    AWAIT_HELLO = "await hello"
    AWAIT_READY = "await ready"
    READY = "ready"


@dataclass(frozen=True)
class Send:
    """Send these bytes as one text frame."""

    data: bytes = field(repr=False)
    """Holds the token where it identifies or resumes."""
    what: str
    """`identify`, `resume` or `heartbeat`."""


class Emit(NamedTuple):
    """A dispatch to hand on; when it was taken, call `received(seq)`."""

    envelope: Envelope


class Drop(NamedTuple):
    """A frame that means nothing to us: count it, log it once."""

    reason: str
    """One of a few, so that they can be counted."""
    detail: str = ""


class Hangup(NamedTuple):
    """End the socket. `close_code` is sent first where it is not None."""

    reason: str
    close_code: int | None = None


class Acknowledged(NamedTuple):
    """The peer answered a heartbeat."""


class Alarm(NamedTuple):
    """There is an earlier time to look at the clocks than there was: ask `next_look` again."""


Effect = Send | Emit | Drop | Hangup | Acknowledged | Alarm


class Tick(NamedTuple):
    """The clocks at one moment, in seconds."""

    now: float
    """Monotonic time."""
    attentive: float
    """Monotonic time less what the reader spent blocked behind a full queue: the clock ACKs are judged by."""
    boot: float
    """Time including suspend."""


@dataclass(frozen=True)
class End:
    """How a connection ended and what is to happen next."""

    verdict: Verdict
    reason: str
    """For people."""
    code: int | None = None
    kind: str = "network"
    """For counting: `op 7`, `op 9`, `close 4009`, `heartbeat`, `suspend`, `deadline` or `network`."""
    routine: bool = False
    """Recycled by the platform: come back at once, nobody needs to know."""
    refused: bool = False
    """An Identify was refused in a way that asking for fewer intents may cure."""
    refresh_token: bool = False
    pause: float = 0.0
    """Seconds to wait at least."""
    error: BotError | None = None
    """With FATAL: what to raise."""
    was_ready: bool = False


@dataclass
class Session:
    """The rules of one shard's session. Not thread-safe: its shard calls it under one lock."""

    shard: ShardConfig
    heartbeat: HeartbeatConfig = field(default_factory=HeartbeatConfig)
    state: State = State.CLOSED
    session_id: str | None = None
    intents: Intents = field(default_factory=Intents.none)
    """What the running session was identified with."""
    ledger: SeqLedger = field(default_factory=SeqLedger)
    user: dict[str, Any] | None = None
    """The bot as READY described it."""
    interval: float = DEFAULT_INTERVAL
    latency: float | None = None
    """Seconds between the last acknowledged beat and its ACK."""

    def __post_init__(self) -> None:
        self._token = ""
        self._resuming = False
        self._resume_sent = False
        self._identify_sent = False
        self._replayed = False
        self._replay_stalled = False
        self._deadline: float | None = None
        self._deadline_reason = ""
        self._waiting_for_cause: float | None = None
        self._hung_up: str | None = None
        self._kind = "network"
        self._next_beat: float | None = None
        self._unacked: list[float] = []
        self._missed = 0
        self._last_ack: float | None = None
        self._boot_ahead: float | None = None
        self._resume_failures = 0
        self._identify_failures = 0
        self._repeated: tuple[int | None, int] = (None, 0)

    # -- the four inputs ------------------------------------------------------------------------------------------

    def opened(self, *, token: str, resume: bool, intents: Intents, tick: Tick) -> None:
        """A socket is open. `token` is the bare access token; `intents` count for a new session only."""
        self.state = State.AWAIT_HELLO
        self._token = token
        self._resuming = resume and self.session_id is not None
        if not self._resuming:
            self.forget()
            self.intents = intents
        self._resume_sent = self._identify_sent = self._replayed = self._replay_stalled = False
        self._waiting_for_cause = None
        self._hung_up, self._kind = None, "network"
        self._next_beat = None
        self._unacked = []
        self._missed = 0
        self._last_ack = None
        self._boot_ahead = tick.boot - tick.now
        self._deadline, self._deadline_reason = tick.attentive + HELLO_TIMEOUT, "no Hello"

    def receive(self, envelope: Envelope, tick: Tick) -> Sequence[Effect]:
        """A frame arrived. Carry the effects out in order, after the lock is released."""
        op = envelope.op
        if op == Opcode.DISPATCH:
            return self._dispatch(envelope, tick)
        if op == Opcode.HEARTBEAT_ACK:
            self._acknowledged(tick)
            return (Acknowledged(),)
        if op == Opcode.HEARTBEAT:
            return (self._beat(tick),)
        if op == Opcode.HELLO:
            return self._hello(envelope, tick)
        if op == Opcode.RECONNECT:
            self._hung_up = self._kind = _OP_7
            return (Hangup("op 7: the platform recycles the connection", ROUTINE_CLOSE),)
        if op == Opcode.INVALID_SESSION:
            if self._waiting_for_cause is None:
                self._waiting_for_cause = tick.now + CAUSE_TIMEOUT
            return (Alarm(),)
        return (Drop("unknown opcode", str(op)),)

    def tick(self, tick: Tick) -> Sequence[Effect]:
        """Time has passed: beats that are due, and deadlines that are over."""
        if self.state is State.CLOSED or self._hung_up is not None:
            return ()
        ahead = tick.boot - tick.now
        if self._boot_ahead is not None and ahead - self._boot_ahead > SUSPEND_GAP:
            return self._hang_up("suspend", f"the machine was suspended for {ahead - self._boot_ahead:.0f} s")
        self._boot_ahead = ahead
        if self._waiting_for_cause is not None:
            return self._hang_up("op 9", "op 9") if tick.now >= self._waiting_for_cause else ()
        if self._deadline is not None and tick.attentive >= self._deadline:
            self._replay_stalled = self._replayed
            return self._hang_up("deadline", self._deadline_reason)
        if self._next_beat is None:
            return ()
        timeout = self.heartbeat.timeout or self.interval
        while self._unacked and tick.attentive - self._unacked[0] >= timeout:
            self._unacked.pop(0)
            self._missed += 1
        if self._missed >= self.heartbeat.max_missed:
            return self._hang_up("heartbeat", f"heartbeat not acknowledged within {timeout:g} s")
        if tick.now >= self._next_beat:
            self._next_beat = tick.now + self.interval
            self._unacked.append(tick.attentive)
            return (self._beat(tick),)
        return ()

    def closed(self, *, code: int | None, reason: str) -> End:
        """The connection is over. `code` is that of the close frame, None where none came."""
        end = self._judge(code, reason)
        kind = "op 9" if end.refused and code is None else f"close {code}" if code is not None else self._kind
        return replace(end, kind=kind)

    def _judge(self, code: int | None, reason: str) -> End:
        was_ready, self.state = self.state is State.READY, State.CLOSED
        invalid = self._waiting_for_cause is not None
        self._next_beat = self._deadline = self._waiting_for_cause = None
        self._token = ""
        why = self._hung_up or reason
        row, times = verdict_of(code), self._count(code)
        if invalid and not row.names_cause:
            return self._invalid(code, "op 9" if why == "op 9" else f"op 9, {why}")
        if self._hung_up == _OP_7 or row.routine:
            return self._resumable(code, why, was_ready, routine=True)
        if row.about_intents:
            self.forget()
            return End(Verdict.FATAL, why, code, refused=True, error=fatal_error(code), was_ready=was_ready)
        if row.verdict is Verdict.FATAL or (row.refresh_token and times >= IDENTIFY_FAILURES):
            return End(Verdict.FATAL, why, code, error=fatal_error(code), was_ready=was_ready)
        pause = min(row.pause * 2.0 ** min(times - 1, 16), MAX_PAUSE)
        refresh = row.refresh_token or (row.refresh_token_if_repeated and times > 1)
        if row.refresh_token and self._resume_sent and times == 1:
            # It is the token that was refused, not the session: with a fresh one the resume may well succeed.
            return End(Verdict.RESUME, why, code, refresh_token=True, was_ready=was_ready)
        if row.verdict is Verdict.IDENTIFY:
            self.forget()
            return End(Verdict.IDENTIFY, why, code, refresh_token=refresh, pause=pause, was_ready=was_ready)
        return self._resumable(code, why, was_ready, pause=pause)

    # -- what others ask ------------------------------------------------------------------------------------------

    def received(self, seq: int | None) -> None:
        """The sink has taken the event with this `s`."""
        self.ledger.received(seq)

    def restore(self, *, session_id: str, seq: int, intents: Intents) -> None:
        """Goes on with a stored session: the next connection resumes after `seq`."""
        self.session_id = session_id
        self.intents = intents
        self.ledger.reset(seq)

    def alive(self, attentive: float) -> bool:
        """READY, and the last ACK is younger than interval + timeout."""
        if self.state is not State.READY or self._last_ack is None:
            return False
        return attentive - self._last_ack < self.interval + (self.heartbeat.timeout or self.interval)

    def next_look(self, now: float) -> float:
        """Seconds until `tick` should be called again, at most `TICK`."""
        due = [TICK]
        if self._next_beat is not None:
            due.append(self._next_beat - now)
        if self._waiting_for_cause is not None:
            due.append(self._waiting_for_cause - now)
        if self._unacked:
            due.append((self.heartbeat.timeout or self.interval) / 4)
        return max(0.001, min(due))

    def forget(self) -> None:
        """Drops the session: the next connection identifies anew."""
        self.session_id = None
        self._resume_failures = 0
        self.ledger.reset()

    # -- frames ---------------------------------------------------------------------------------------------------

    def _hello(self, envelope: Envelope, tick: Tick) -> Sequence[Effect]:
        if self.state is not State.AWAIT_HELLO:
            return (Drop("a second Hello"),)
        effects: list[Effect] = [Alarm()]
        interval = _interval(envelope)
        if interval is None:
            effects.append(Drop("Hello without a usable heartbeat_interval"))
        self.interval = self.heartbeat.interval or interval or DEFAULT_INTERVAL
        self.state = State.AWAIT_READY
        # The first beat comes before a full interval is over, so that many shards of one process do not beat in step.
        share = 0.5 + (self.shard.shard_id % 8 + 1) / 16
        self._next_beat = tick.now + self.interval * share
        if self._resuming:
            self._resume_sent = True
            self._deadline, self._deadline_reason = tick.attentive + REPLAY_TIMEOUT, "no RESUMED"
            body: dict[str, Any] = {
                "token": f"QQBot {self._token}",
                "session_id": self.session_id,
                "seq": self.ledger.highest or 0,
            }
            effects.append(Send(codec.dumps({"op": int(Opcode.RESUME), "d": body}), "resume"))
        else:
            self._identify_sent = True
            self._deadline, self._deadline_reason = tick.attentive + READY_TIMEOUT, "no READY"
            body = {
                "token": f"QQBot {self._token}",
                "intents": int(self.intents),
                "shard": [self.shard.shard_id, self.shard.shard_count],
                "properties": {"$os": sys.platform, "$browser": "qqbot_sync", "$device": "qqbot_sync"},
            }
            effects.append(Send(codec.dumps({"op": int(Opcode.IDENTIFY), "d": body}), "identify"))
        return effects

    def _dispatch(self, envelope: Envelope, tick: Tick) -> Sequence[Effect]:
        if self.state is not State.READY:
            if envelope.t == "READY":
                return self._ready(envelope, tick)
            if envelope.t == "RESUMED":
                self._established(tick)
                return (Emit(envelope),)
            if self._resume_sent:
                self._replayed = True
                self._deadline = tick.attentive + REPLAY_TIMEOUT
        if envelope.t is None:
            return (Drop("a dispatch without a name"),)
        return (Emit(envelope),)

    def _ready(self, envelope: Envelope, tick: Tick) -> Sequence[Effect]:
        try:
            data = codec.loads(envelope.d)
        except codec.Undecodable:
            data = None
        data = data if isinstance(data, dict) else {}
        session_id = data.get("session_id")
        self.ledger.reset()
        self.session_id = str(session_id) if session_id else None
        user = data.get("user")
        self.user = user if isinstance(user, dict) else None
        self._established(tick)
        return (Emit(envelope),)

    def _established(self, tick: Tick) -> None:
        self.state = State.READY
        self._deadline = None
        self._last_ack = tick.attentive
        # What was sent is answered: from here on nothing counts against it.
        self._identify_sent = self._resume_sent = False
        self._resume_failures = self._identify_failures = 0
        self._repeated = (None, 0)

    def _acknowledged(self, tick: Tick) -> None:
        if self._unacked:
            self.latency = max(0.0, tick.attentive - self._unacked[0])
        self._unacked = []
        self._missed = 0
        self._last_ack = tick.attentive

    def _beat(self, tick: Tick) -> Send:  # noqa: ARG002  the signature of everything that answers a frame
        return Send(codec.dumps({"op": int(Opcode.HEARTBEAT), "d": self.ledger.highest}), "heartbeat")

    def _hang_up(self, kind: str, reason: str) -> Sequence[Effect]:
        self._hung_up, self._kind = reason, kind
        return (Hangup(reason),)

    # -- ends -----------------------------------------------------------------------------------------------------

    def _resumable(
        self, code: int | None, why: str, was_ready: bool, *, routine: bool = False, pause: float = 0.0
    ) -> End:
        """Resume, unless there is nothing to resume or resuming has failed too often."""
        if self._resume_sent:
            self._resume_failures = 0 if self._replayed else self._resume_failures + 1
        if self._resume_failures >= RESUME_FAILURES or self._replay_stalled:
            self.forget()
            return End(Verdict.IDENTIFY, f"{why}: resuming failed", code, pause=pause)
        if self.session_id is None:
            return End(Verdict.IDENTIFY, why, code, pause=pause, was_ready=was_ready)
        return End(Verdict.RESUME, why, code, routine=routine, pause=pause, was_ready=was_ready)

    def _invalid(self, code: int | None, why: str) -> End:
        """Op 9, and no close code that says more."""
        self.forget()
        if not self._identify_sent:
            return End(Verdict.IDENTIFY, f"{why}: the session is no longer known", code)
        self._identify_failures += 1
        error = InvalidSession(
            f"平台连续 {self._identify_failures} 次拒绝登录(op 9) / "
            f"the platform refused Identify {self._identify_failures} times in a row (op 9)",
            close_code=code,
            hint="可能的原因:intents 未获批准、服务器 IP 不在白名单、AppSecret 已重置。请在 q.qq.com 控制台逐项核对。\n"
            "Likely causes: an intent that was not granted, an IP that is not on the whitelist, a reset AppSecret. "
            "Check them in the console at q.qq.com.",
        )
        verdict = Verdict.FATAL if self._identify_failures >= IDENTIFY_FAILURES else Verdict.IDENTIFY
        return End(verdict, why, code, refused=True, refresh_token=True, pause=CAUSE_TIMEOUT, error=error)

    def _count(self, code: int | None) -> int:
        last, times = self._repeated
        self._repeated = (code, times + 1 if code == last else 1)
        return self._repeated[1]


def _interval(envelope: Envelope) -> float | None:
    try:
        data = codec.loads(envelope.d)
        milliseconds = float(data["heartbeat_interval"])
    except (codec.Undecodable, KeyError, TypeError, ValueError, OverflowError):
        return None
    return milliseconds / 1000 if 10 <= milliseconds <= 3_600_000 else None
