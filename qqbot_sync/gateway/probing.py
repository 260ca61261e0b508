"""Which intents a bot has, found out by identifying: each try on a connection of its own, which is closed at once.

Each try is a whole shard, so that it dials, waits and judges refusals exactly as a bot does.
"""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from qqbot_sync.api import Api
from qqbot_sync.clock import Clock
from qqbot_sync.codec import Envelope, Undecodable, decode_envelope
from qqbot_sync.config import HeartbeatConfig, ShardConfig
from qqbot_sync.errors import ConnectionFailed, InvalidSession, RateLimited
from qqbot_sync.events import RawEvent
from qqbot_sync.gateway.address import Address
from qqbot_sync.gateway.connection import Route, dial
from qqbot_sync.gateway.messages import DialFailed, DialOrder, Died, Ended, Identified, Informed, Ready, Report
from qqbot_sync.gateway.shard import Shard
from qqbot_sync.intents import Intents
from qqbot_sync.protocol.close_codes import Verdict, verdict_of
from qqbot_sync.protocol.gateway_info import GatewayInfo
from qqbot_sync.protocol.narrowing import MOST_TRIES, IntentEvidence, next_try
from qqbot_sync.protocol.opcodes import Opcode
from qqbot_sync.protocol.pacing import IdentifyPace
from qqbot_sync.protocol.session import End

__all__ = ["KEPT", "Probe", "Progress", "greeting"]

log = logging.getLogger("qqbot_sync.gateway")

KEPT = 10
"""Sessions of the day that are left to the bot itself."""
MOST_MISHAPS = 2
"""Connections that may break before READY, for reasons that pass, until the probe gives up."""
MOST_SILENT = 3
"""Refusals without a cause, and not one acceptance: then it may as well be the token or the address."""
PARTING = 2.0
"""Seconds for a connection to end once it was told to."""
SLICE = 0.25
"""Seconds between two looks whether the answer is still wanted."""


_LIKELY_CAUSES = (
    "可能的原因:intents 未获批准、服务器 IP 不在白名单、AppSecret 已重置。请在 q.qq.com 控制台逐项核对。\n"
    "Likely causes: an intent that was not granted, an IP that is not on the whitelist, a reset AppSecret. "
    "Check them in the console at q.qq.com."
)


class Progress(NamedTuple):
    """How far a probe has come."""

    tries: int
    """Identifies sent so far."""
    asked: Intents
    """What is asked for now."""
    unknown: Intents
    """What is still to be found out."""


class _Nobody:
    """Takes no event."""

    def hears(self, name: str) -> bool:  # noqa: ARG002  nothing is heard
        return False

    def offer(self, event: RawEvent) -> bool:  # noqa: ARG002  never called, because nothing is heard
        return False

    def dropped(self, reason: str, detail: str = "") -> None:
        log.debug("probe: %s %s", reason, detail)

    def acknowledged(self) -> None: ...

    def record(self, shard_id: int) -> Callable[[bytes], None]:  # noqa: ARG002  nothing is kept
        return self._forget

    def _forget(self, frame: bytes) -> None: ...

    def said(self, shard_id: int, what: str) -> None: ...

    def began_session(self, shard: tuple[int, int]) -> None: ...

    def reserve(self, shard: tuple[int, int], seq: int | None) -> None: ...

    def finished(self, event: RawEvent, session_id: str | None) -> None: ...

    def repeated(self) -> None: ...

    def progressed(self, shard: tuple[int, int], resume_point: int | None) -> None: ...


@dataclass
class Probe:
    """Asks for sets of intents until every wanted bit is known. One use; blocks; belongs to one thread.

    Every Identify counts against the sessions of the day (`session_start_limit`), and they are paced as the platform
    wants it: with a `max_concurrency` of 1, one in five seconds.
    """

    api: Api
    clock: Clock
    pace: IdentifyPace
    shard: ShardConfig
    is_wanted: Callable[[], bool] = lambda: True
    """Asked all the time; the probe ends early, with what it knows, when it says no."""
    progress: Callable[[Progress], object] = bool

    def __post_init__(self) -> None:
        self._address = Address(self.api)
        self.tries = self._mishaps = self._silent = 0
        self._accepted = False
        self._never = threading.Event()
        self._end = 0.0

    def run(
        self, wanted: Intents, evidence: IntentEvidence, *, timeout: float, most: int = MOST_TRIES
    ) -> IntentEvidence:
        """What is known afterwards; less than everything where `timeout` (seconds) or `most` (Identifies) came first.

        Raises:
            AuthenticationFailed, BotBanned, …: a cause that has nothing to do with intents.
            ConnectionFailed: the platform cannot be reached.
            RateLimited: fewer than `KEPT` sessions are left today.
            InvalidSession: Identify is refused for reasons that the platform does not tell.
        """
        self._end = self.clock.now() + timeout
        if next_try(evidence, wanted) is None:
            return evidence
        info = self.api.get_gateway(timeout=max(0.1, timeout), retries=False)
        self.pace.max_concurrency = info.max_concurrency
        most = min(most, _affordable(info))
        while (asked := next_try(evidence, wanted)) is not None and self.tries < most:
            self.progress(Progress(self.tries, asked, evidence.unknown_of(wanted)))
            if self._silent >= MOST_SILENT or not self._take_slot():
                break
            outcome = self._try(asked)
            if outcome is None:
                break
            evidence = self._judged(evidence, asked, outcome)
        if self._silent:
            # Not one acceptance says that token and address are good, so the refusals may not be about intents.
            raise InvalidSession(
                "平台拒绝登录(op 9),且没有说明原因 / the platform refuses Identify (op 9) and does not say why",
                hint=_LIKELY_CAUSES,
            )
        return evidence

    def _judged(self, evidence: IntentEvidence, asked: Intents, outcome: Ready | End) -> IntentEvidence:
        if isinstance(outcome, Ready):
            self._accepted, self._silent, self._mishaps = True, 0, 0
            return evidence.after_grant(asked)
        if outcome.refused:
            if not self._accepted and not verdict_of(outcome.code).about_intents:
                self._silent += 1
            return evidence.after_refusal(asked)
        if outcome.verdict is Verdict.FATAL and outcome.error is not None:
            raise outcome.error
        self._mishaps += 1
        if self._mishaps > MOST_MISHAPS:
            raise ConnectionFailed(f"未能完成登录 / Identify was not answered: {outcome.reason}")
        return evidence

    def _take_slot(self) -> bool:
        """Waits for an identify slot; False where it comes too late."""
        while True:
            now = self.clock.now()
            delay = self.pace.delay(now)
            if delay == 0.0 and self.is_wanted():
                return self.pace.take(now)
            if not self.is_wanted() or delay is None or now + delay > self._end:
                return False
            self.clock.wait(self._never, min(delay, SLICE))

    def _try(self, asked: Intents) -> Ready | End | None:
        """One Identify: READY, or how the connection ended; None where the time is over or nobody wants it."""
        reports: queue.SimpleQueue[Report] = queue.SimpleQueue()
        shard = Shard(
            self.shard,
            reach=self._address.reach,
            sink=_Nobody(),
            report=lambda _, report: reports.put(report),
            clock=self.clock,
            heartbeat=HeartbeatConfig(),
        )
        shard.start()
        shard.order(DialOrder(resume=False, intents=asked))
        sent = False
        try:
            while self.is_wanted() and self.clock.now() < self._end:
                try:
                    report = reports.get(timeout=SLICE)
                except queue.Empty:
                    continue
                if isinstance(report, Identified):
                    sent = True
                    self.tries += 1
                elif isinstance(report, Informed):
                    self.pace.max_concurrency = report.info.max_concurrency
                elif isinstance(report, Ready):
                    return report
                elif isinstance(report, Ended):
                    return report.end
                elif isinstance(report, DialFailed | Died):
                    raise report.error
            return None
        finally:
            # Counted from the answer on, so that the platform's five seconds are over when ours are.
            if sent:
                self.pace.sent(self.clock.now())
            else:
                self.pace.given_back()
            shard.stop()
            shard.join(PARTING)


def greeting(route: Route, *, clock: Clock, timeout: float) -> Envelope:
    """Opens a WebSocket, waits for Hello and leaves: no session is used. Blocks.

    Args:
        timeout: seconds per step of the network, and again until Hello.

    Raises:
        ConnectionFailed: no WebSocket, or something else than Hello.
    """
    connection = dial(route, timeout=timeout)
    watch = threading.Thread(
        target=lambda: None if clock.wait(connection.ended, timeout) else connection.end("no Hello in time"),
        name="qqbot-greeting",
        daemon=True,
    )
    watch.start()
    try:
        for message in connection.frames():
            try:
                envelope = decode_envelope(message.data)
            except Undecodable as error:
                raise ConnectionFailed(f"第一帧无法解析 / the first frame is unreadable: {error}") from error
            if envelope.op == Opcode.HELLO:
                return envelope
            raise ConnectionFailed(f"第一帧不是 Hello / the first frame is no Hello: op {envelope.op}")
        raise ConnectionFailed(f"没有收到 Hello / no Hello came: {connection.reason}")
    finally:
        connection.end("greeted", close_code=1000)
        connection.close()
        watch.join(PARTING)


def _affordable(info: GatewayInfo) -> int:
    """Identifies that may be spent."""
    if info.remaining is None:
        return MOST_TRIES
    if info.remaining > KEPT:
        return info.remaining - KEPT
    wait = info.reset_after or 60.0
    raise RateLimited(
        f"今天只剩 {info.remaining} 次会话,留给机器人自己使用 / "
        f"only {info.remaining} sessions are left today; they are kept for the bot itself",
        retry_after=wait,
        hint=f"{wait / 3600:.1f} 小时后重置 / they come back in {wait / 3600:.1f} h",
    )
