"""`check_intents()`: what is known about the bot's intents, and asking the platform for the rest."""

from __future__ import annotations

from copy import deepcopy

from qqbot_sync.client import running
from qqbot_sync.client.intent_report import IntentReport
from qqbot_sync.client.lifecycle import Lifecycle
from qqbot_sync.client.run import Run
from qqbot_sync.config import ShardConfig
from qqbot_sync.errors import AlreadyRunning, InvalidIntents
from qqbot_sync.gateway.probing import Probe
from qqbot_sync.intents import Intents
from qqbot_sync.protocol.narrowing import IntentEvidence, evidence_of, single_bits

__all__ = ["IntentChecks"]


class IntentChecks(Lifecycle):
    """A client that knows which intents it has. Thread-safe."""

    _evidence = IntentEvidence()
    """What earlier runs and probes have proven; replaced under the lock."""
    _is_probing = False
    """Whether a thread asks the platform; changed under the lock."""

    def check_intents(
        self, *, probe: bool = False, intents: Intents | None = None, timeout: float = 120.0
    ) -> IntentReport:
        """What the platform has granted, refused, and never been asked.

        Without `probe` it asks nobody: what is known comes from the READY and the refusals of this client's present or
        last run. With `probe`, and while the client is not running, it identifies with sets of bits until each one is
        known: on connections of its own, closed at once, and paced as the platform wants it. **Every Identify counts
        against the sessions of the day (1000).** Where everything wanted is granted, one is enough; at worst it takes
        20, and the last 10 sessions of a day are never used. A running client is not disturbed: `probe` does nothing.

        Args:
            probe: ask the platform, anew also for what was known.
            intents: what to find out; None: what the handlers would like (`Intents.default()` where there are none).
            timeout: seconds for a probe; what is not known by then stays unknown.

        Raises:
            AuthenticationFailed, BotBanned, …: the probe met a cause that has nothing to do with intents.
            ConnectionFailed: the platform cannot be reached.
            RateLimited: too few sessions are left today; `retry_after` says when there are more.
            InvalidSession: Identify is refused for reasons that the platform does not tell.
            AlreadyRunning: another client, or another process, runs this bot, and a probe might end its session; or
                another thread probes.

        https://bot.q.qq.com/wiki/develop/api-v2/dev-prepare/interface-framework/event-emit.html
        """
        self._check_process()
        plan = self._plan()
        needed = Intents(int(plan.required) | int(plan.wished))
        if intents is not None and not isinstance(intents, Intents):
            raise TypeError(f"intents 必须是 Intents / intents must be Intents, not {intents!r}")
        with self._lock:
            run, evidence = self._run, self._evidence
        if run is not None:
            evidence = _proven_by(run, evidence)
        elif probe:
            evidence = self._probe(needed if intents is None else intents, timeout)
        everything = Intents(int(Intents.all()) | int(needed) | int(intents or 0))
        return IntentReport(
            granted=evidence.granted,
            refused=evidence.refused,
            unknown=evidence.unknown_of(everything),
            needed=needed,
            handlers={bit: tuple(self._router.needed_by(bit)) for bit in single_bits(needed)},
        )

    def _probe(self, wanted: Intents, timeout: float) -> IntentEvidence:
        """Asks the platform. Ends early when the client is started meanwhile."""
        with self._lock:
            if self._is_probing:
                raise AlreadyRunning(
                    "另一个线程正在探测,请等它结束 / another thread probes already: wait until it is done"
                )
            self._is_probing = True
            # A copy: a supervisor that starts meanwhile would wait for ever for a slot that nobody tells it is free.
            evidence = before = self._evidence
            pace = deepcopy(self._pace)
        try:
            self._claim_for_probe()
            shard = self._shards[0] if self._shards else ShardConfig()
            probe = Probe(self.api, self._clock, pace, shard, is_wanted=lambda: not self._is_launched)
            evidence = probe.run(wanted, before.forgetting(wanted), timeout=timeout)
        finally:
            # Under the lock, so that a start cannot come between; letting go waits for nothing.
            with self._lock:
                self._is_probing = False
                is_idle = not self._is_launched
                if is_idle:
                    self._pace = pace
                    self._let_go()
                if is_idle and self._evidence is before:
                    # Else a run that came between knows better.
                    self._evidence = evidence
            if is_idle:
                self.api.http.close()
        return evidence

    @property
    def _is_launched(self) -> bool:
        """Whether a start has begun, and its end has not come."""
        return self._run is not None or self._phase.value != "idle"

    def _claim_for_probe(self) -> None:
        """Makes sure that nobody's session is in danger."""
        if running.take(self._identity, self) is not None:
            raise AlreadyRunning(
                f"机器人 {self.api.app_id} 正由本进程的另一个客户端运行,请对它调用 check_intents() / "
                f"another client of this process runs bot {self.api.app_id}: call check_intents() on that one"
            )
        if not all(lock_file.take(warn=False) for lock_file in self._lock_files):
            raise AlreadyRunning(
                f"另一个进程正在运行机器人 {self.api.app_id},探测可能使它掉线;请先停止它 / "
                f"another process runs bot {self.api.app_id}, and a probe might end its session: stop it first"
            )

    def _remember(self, run: Run) -> None:
        super()._remember(run)
        with self._lock:
            self._evidence = _proven_by(run, self._evidence)


def _proven_by(run: Run, before: IntentEvidence) -> IntentEvidence:
    return evidence_of(
        run.plan,
        was_ready=run.standing.was_ready,
        was_refused=isinstance(run.error, InvalidIntents),
        before=before,
    )
