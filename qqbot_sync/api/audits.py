"""What human reviewers decided about messages: kept from the moment of the send, waited for by whoever wants to know.

https://bot.q.qq.com/wiki/develop/api-v2/server-inter/message/send-receive/audit.html
"""

from __future__ import annotations

import contextlib
import threading
from collections import OrderedDict
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import NamedTuple
from weakref import WeakValueDictionary

from qqbot_sync import codec
from qqbot_sync.clock import Clock
from qqbot_sync.errors import BotError, InvalidIntents, Stopped
from qqbot_sync.models import MessageAudited

__all__ = ["AUDIT_EVENTS", "Audits", "Case", "Verdict"]

AUDIT_EVENTS = {"MESSAGE_AUDIT_PASS": True, "MESSAGE_AUDIT_REJECT": False}
"""The events that tell, and whether the message passed."""
MOST_EARLY = 1000
"""Verdicts kept that nobody has asked for: the event may overtake the answer to the send."""

Pause = Callable[[], AbstractContextManager[None]]


class Verdict(NamedTuple):
    """What became of one message."""

    passed: bool
    event: MessageAudited


class Case:
    """One message under review. Guarded by the lock of `Audits`."""

    def __init__(self, audit_id: str) -> None:
        self.audit_id = audit_id
        self.verdict: Verdict | None = None
        self.waiting: set[threading.Event] = set()


class Audits:
    """The reviews of one bot. Thread-safe.

    A `BotClient` feeds it while it runs; without one nobody ever hears of a verdict.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._cases: WeakValueDictionary[str, Case] = WeakValueDictionary()
        self._early: OrderedDict[str, Verdict] = OrderedDict()
        self._hears: Callable[[], bool] = lambda: False
        self._pause: Pause = contextlib.nullcontext
        self._closed: BotError | None = BotError(
            "审核结果通过网关事件通知,单独使用的 Api 收不到:请用 BotClient 发送 / a verdict comes as an event of the "
            "gateway, which an Api by itself does not hear: send through a BotClient"
        )

    def begin(self, hears: Callable[[], bool], *, pause: Pause = contextlib.nullcontext) -> None:
        """A client runs from now on.

        Args:
            hears: whether the events were asked for.
            pause: entered around a wait, so that a waiting handler gives its worker to others.
        """
        with self._lock:
            self._hears, self._pause, self._closed = hears, pause, None

    def end(self, error: BotError) -> None:
        """No verdict comes any more: every wait, those to come included, ends with `error`."""
        with self._lock:
            self._closed = error
            waiting = [event for case in self._cases.values() for event in case.waiting]
        for event in waiting:
            event.set()

    def expect(self, audit_id: str) -> Case:
        """The case of a message that was just sent; its verdict is kept as long as the case is."""
        with self._lock:
            case = self._cases.get(audit_id)
            if case is None:
                case = self._cases[audit_id] = Case(audit_id)
                case.verdict = self._early.pop(audit_id, None)
            return case

    def arrived(self, name: str, d: codec.Json) -> None:
        """One of `AUDIT_EVENTS` came; `d` is its body. Never raises, never blocks."""
        event = codec.ModelDecoder().decode(MessageAudited, d, event=name)
        if not event.audit_id:
            return
        verdict = Verdict(AUDIT_EVENTS[name], event)
        with self._lock:
            case = self._cases.get(event.audit_id)
            if case is None:
                self._early[event.audit_id] = verdict
                if len(self._early) > MOST_EARLY:
                    self._early.popitem(last=False)
                return
            case.verdict = case.verdict or verdict
            waiting = list(case.waiting)
        for each in waiting:
            each.set()

    def wait(self, case: Case, timeout: float | None) -> Verdict:
        """The verdict, as soon as there is one.

        Raises:
            TimeoutError: there was none in time.
            InvalidIntents: the events were not asked for, so that none can come.
            BotError: no client runs, or it ends: with its fatal error, or Stopped.
        """
        wake = threading.Event()
        verdict = self._look(case, enter=wake)
        if verdict is not None:
            return verdict
        try:
            with self._pause():
                self._clock.wait(wake, timeout)
        finally:
            with self._lock:
                case.waiting.discard(wake)
        verdict = self._look(case)
        if verdict is not None:
            return verdict
        raise TimeoutError(
            f"{timeout or 0:g} 秒内没有审核结果,可再次 wait() / "
            f"no verdict within {timeout or 0:g} s; wait() may be called again"
        )

    def _look(self, case: Case, *, enter: threading.Event | None = None) -> Verdict | None:
        """The verdict; None, with `enter` set at the next news, while there is none and one may still come."""
        with self._lock:
            if case.verdict is None:
                self._check_open()
                if enter is not None:
                    case.waiting.add(enter)
            return case.verdict

    def _check_open(self) -> None:
        if self._closed is not None:
            # One instance each: threads that share one would grow each other's traceback.
            raise Stopped(*self._closed.args) if type(self._closed) is Stopped else self._closed.with_traceback(None)
        if not self._hears():
            raise InvalidIntents(
                "未请求 MESSAGE_AUDIT,收不到审核结果 / MESSAGE_AUDIT was not asked for, so that no verdict can come",
                hint='请在 start() 之前注册 on("MESSAGE_AUDIT_PASS") 或设置 intents= / register '
                'on("MESSAGE_AUDIT_PASS") before start(), or set intents=',
            )
