"""The supervisor keeps shards alive: one thread, one inbox. It alone decides when a shard dials.

It touches no socket and no HTTP; shards report to it, and it orders. So one end can never cause two connections, and a
shard in trouble never holds up another.
"""

from __future__ import annotations

import logging
import queue
import random
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol, cast

from qqbot_sync.clock import Clock
from qqbot_sync.config import ReconnectConfig
from qqbot_sync.errors import BotError, GatewayError, InvalidIntents
from qqbot_sync.gateway.messages import (
    DialFailed,
    DialOrder,
    Ended,
    Identified,
    Informed,
    Opened,
    Ready,
    Report,
)
from qqbot_sync.gateway.shard import Shard
from qqbot_sync.intents import Intents
from qqbot_sync.logs import about
from qqbot_sync.protocol.close_codes import Verdict
from qqbot_sync.protocol.negotiation import IntentPlan
from qqbot_sync.protocol.pacing import IdentifyPace
from qqbot_sync.protocol.recovery import Next, Recovery
from qqbot_sync.protocol.session import End

__all__ = ["Listener", "Supervisor", "broken"]

DOCTOR_AFTER = 4
"""Attempts in vain after which the log names a remedy, once an outage."""
LONGEST_SLEEP = 3600.0
"""Seconds between two looks at what is due; the system's own limit is higher, but there is one."""

log = logging.getLogger("qqbot_sync.gateway")


class Listener(Protocol):
    """Who wants to know. Called on the supervisor's thread; must not block."""

    def shard_dials(self, shard_id: int) -> None:
        """The shard's slot has come: it dials now."""

    def shard_ready(self, shard_id: int, *, resumed: bool) -> None:
        """READY or RESUMED."""

    def shard_down(self, shard_id: int, end: End) -> None:
        """The connection ended; it will be followed by another, unless the end is fatal."""

    def shard_waits(self, shard_id: int, seconds: float, *, cause: Exception | None, known: bool) -> None:
        """The next dial comes after `seconds`; `known` when the platform named the time."""

    def intents_reduced(self, plan: IntentPlan, given_up: Intents) -> None:
        """Wishes were refused; this plan is asked for from now on."""

    def needed_by(self, intents: Intents) -> Sequence[str]:
        """The handlers that need these bits, for error texts."""

    def gateway_failed(self, error: BotError) -> None:
        """A cause that no retry can cure."""

    def reshard(self, shard_count: int) -> bool:
        """4011: that many shards are too few. True if others will be admitted in their place."""


@dataclass
class _Kept:
    """What the supervisor knows of one shard."""

    shard: Shard
    recovery: Recovery
    resume: bool
    due: float | None = 0.0
    """When to dial; None while it is connected or dialing."""
    refresh_token: bool = False
    refetch_url: bool = False
    holds_slot: bool = False
    asked: Intents | None = None
    """The intents of the last order."""


class _Admitted(NamedTuple):
    shards: Sequence[Shard]


_STOP, _DISMISS = object(), object()


class Supervisor:
    """Owns the decision when each shard dials. Thread-safe: everything is said through its inbox.

    Args:
        plan: the intents to ask for, with the wishes that may be given up.
        pace: of the identifies; handed from run to run, because the platform counts on.
    """

    def __init__(
        self,
        *,
        plan: IntentPlan,
        reconnect: ReconnectConfig,
        listener: Listener,
        clock: Clock,
        pace: IdentifyPace | None = None,
        dice: Callable[[], float] = random.random,
    ) -> None:
        self.plan = plan
        self._reconnect = reconnect
        self._listener = listener
        self._clock = clock
        self._pace = pace or IdentifyPace()
        self._dice = dice
        self._inbox: queue.SimpleQueue[object] = queue.SimpleQueue()
        self._kept: dict[Shard, _Kept] = {}
        self._failed = False
        self._dialing_allowed = True
        self._thread = threading.Thread(target=self._run, name="qqbot-supervisor", daemon=True)

    def start(self) -> None:
        """Starts this thread."""
        self._thread.start()

    def admit(self, shards: Sequence[Shard]) -> None:
        """Starts the readers of these shards and keeps them connected from now on."""
        self._inbox.put(_Admitted(shards))

    def dismiss(self) -> None:
        """Keeps none of the present shards any more; their owner stops them."""
        self._inbox.put(_DISMISS)

    def report(self, shard: Shard, report: Report) -> None:
        """A shard tells what happened; that of a dismissed one is ignored."""
        self._inbox.put((shard, report))

    def no_more_dials(self) -> None:
        """A link that ends from now on is not dialed again. Thread-safe."""
        self._dialing_allowed = False

    def stop(self, timeout: float) -> bool:
        """Ends this thread; the shards are stopped by their owner. Returns whether it has ended."""
        self._dialing_allowed = False
        self._inbox.put(_STOP)
        if self._thread.ident is not None:
            self._thread.join(timeout)
        return not self._thread.is_alive()

    @property
    def is_running(self) -> bool:
        return self._thread.is_alive()

    # -- the thread -----------------------------------------------------------------------------------------------

    def _run(self) -> None:
        try:
            while True:
                try:
                    message = self._inbox.get(timeout=self._dial_what_is_due())
                except queue.Empty:
                    continue
                if message is _STOP:
                    return
                if message is _DISMISS:
                    self._forget_all()
                elif isinstance(message, _Admitted):
                    self._admit(message.shards)
                else:
                    shard, report = cast("tuple[Shard, Report]", message)
                    if shard in self._kept:
                        with about((shard.config.shard_id, shard.config.shard_count)):
                            self._take(self._kept[shard], report)
        except BaseException as error:
            log.critical("supervisor thread died", exc_info=True)
            self._fail(broken("supervisor", error))
        finally:
            self._forget_all()

    def _admit(self, shards: Sequence[Shard]) -> None:
        for shard in shards:
            recovery = Recovery(self._reconnect, self._dice)
            self._kept[shard] = _Kept(shard, recovery, resume=shard.view()[0] is not None)
            shard.start()

    def _forget_all(self) -> None:
        for kept in self._kept.values():
            self._release_slot(kept)
        self._kept = {}

    def _dial_what_is_due(self) -> float | None:
        """Orders every dial that is due; returns the seconds until the next is, None where only a report can tell."""
        soonest: float | None = None
        if not self._dialing_allowed or self._failed:
            return None
        for kept in sorted(self._kept.values(), key=lambda kept: (kept.due is None, kept.due)):
            if kept.due is None:
                continue
            now = self._clock.now()
            wait: float | None = kept.due - now
            if wait is not None and wait <= 0:
                if kept.resume:
                    self._dial(kept)
                    continue
                wait = self._pace.delay(now)
                if wait == 0.0 and self._pace.take(now):
                    kept.holds_slot = True
                    self._dial(kept)
                    continue
            if wait is not None:
                wait = min(max(wait, 0.001), LONGEST_SLEEP)
                soonest = wait if soonest is None else min(soonest, wait)
        return soonest

    def _dial(self, kept: _Kept) -> None:
        kept.due = None
        kept.asked = self.plan.asked
        order = DialOrder(kept.resume, self.plan.asked, kept.refresh_token, kept.refetch_url)
        kept.refresh_token = kept.refetch_url = False
        self._listener.shard_dials(kept.shard.config.shard_id)
        kept.shard.order(order)

    # -- reports --------------------------------------------------------------------------------------------------

    def _take(self, kept: _Kept, report: Report) -> None:
        if isinstance(report, Informed):
            self._pace.max_concurrency = report.info.max_concurrency
        elif isinstance(report, Opened):
            log.debug("shard %s: connected, waiting for Hello", report.shard_id)
        elif isinstance(report, Identified):
            kept.holds_slot = False
            self._pace.sent(self._clock.now())
        elif isinstance(report, Ready):
            kept.recovery.ready(self._clock.now())
            self._listener.shard_ready(report.shard_id, resumed=report.resumed)
        elif isinstance(report, Ended):
            self._ended(kept, report.end)
        elif isinstance(report, DialFailed):
            self._dial_failed(kept, report.error)
        else:
            self._fail(broken(f"shard {report.shard_id}", report.error))

    def _ended(self, kept: _Kept, end: End) -> None:
        self._release_slot(kept)
        shard_id = kept.shard.config.shard_id
        self._listener.shard_down(shard_id, end)
        if self._failed or not self._dialing_allowed:
            return
        if end.code == 4011 and self._listener.reshard(kept.shard.config.shard_count):
            return
        now = self._clock.now()
        kept.resume = end.verdict is Verdict.RESUME
        kept.refresh_token = kept.refresh_token or end.refresh_token
        if end.refused and self._ask_for_less(kept, end):
            kept.resume = False
            self._schedule(kept, Next(0.0), now, end.error)
            return
        if not end.was_ready:
            kept.refetch_url = True
        following = kept.recovery.after_end(end, now)
        self._schedule(kept, following, now, end.error)
        if following.error is None:
            quiet = logging.INFO if end.routine and following.delay == 0 else _level(kept.recovery.attempts)
            how = "resuming" if kept.resume else "identifying anew"
            log.log(quiet, "shard %s: %s; %s in %.1f s", shard_id, end.reason, how, following.delay)

    def _dial_failed(self, kept: _Kept, error: Exception) -> None:
        self._release_slot(kept)
        if self._failed or not self._dialing_allowed:
            return
        now = self._clock.now()
        kept.refetch_url = True
        following = kept.recovery.after_failure(error, now)
        self._schedule(kept, following, now, error)
        if following.error is None:
            log.log(
                _level(kept.recovery.attempts),
                "shard %s: cannot connect (%s); attempt %s in %.1f s",
                kept.shard.config.shard_id,
                str(error).splitlines()[0] if str(error) else type(error).__name__,
                kept.recovery.attempts + 1,
                following.delay,
            )
            if kept.recovery.attempts == DOCTOR_AFTER:
                log.warning(
                    "一直连不上?qqbot-sync doctor 逐项检查代理、DNS、令牌和网关 / "
                    "still no connection? `qqbot-sync doctor` checks proxy, DNS, token and gateway one by one"
                )

    def _schedule(self, kept: _Kept, following: Next, now: float, cause: Exception | None) -> None:
        if following.error is not None:
            self._fail(following.error)
            return
        kept.due = now + following.delay
        if following.delay > 0:
            self._listener.shard_waits(
                kept.shard.config.shard_id, following.delay, cause=cause, known=following.known_wait
            )

    def _ask_for_less(self, kept: _Kept, end: End) -> bool:
        """Whether an Identify with fewer intents is worth trying; raises the alarm where bits are plainly refused."""
        if kept.asked is not None and kept.asked != self.plan.asked:
            # Another shard has been refused before, and the plan is smaller already.
            return True
        smaller = self.plan.after_refusal()
        if smaller is not None:
            given_up = self.plan.asked & ~smaller.asked
            self.plan = smaller
            self._listener.intents_reduced(smaller, given_up)
            return True
        if end.verdict is Verdict.FATAL and end.code in (4013, 4014):
            self._fail(self._refused(end))
        return False

    def _refused(self, end: End) -> InvalidIntents:
        asked = self.plan.asked
        handlers = ", ".join(self._listener.needed_by(asked)) or "intents="
        return InvalidIntents(
            f"平台拒绝了所请求的 intents / the platform refused the intents asked for: {asked} (needed by {handlers})",
            close_code=end.code,
            hint="请在 q.qq.com 控制台为机器人申请相应权限,或去掉需要它们的处理函数。\n"
            "Apply for them in the console at q.qq.com, or remove the handlers that need them.",
        )

    def _release_slot(self, kept: _Kept) -> None:
        if kept.holds_slot:
            kept.holds_slot = False
            self._pace.given_back()

    def _fail(self, error: BotError) -> None:
        if not self._failed:
            self._failed = True
            self._listener.gateway_failed(error)


def _level(attempts: int) -> int:
    """An outage of a night is a handful of warnings: the 1st, 2nd, 4th, 8th … attempt, the others at DEBUG."""
    return logging.WARNING if attempts & (attempts - 1) == 0 else logging.DEBUG


def broken(what: str, error: BaseException) -> GatewayError:
    """The loud error for a thread of ours that died."""
    failure = GatewayError(
        f"内部线程意外终止,请报告此问题 / an internal thread died ({what}): {type(error).__name__}: {error}"
    )
    failure.__cause__ = error
    return failure
