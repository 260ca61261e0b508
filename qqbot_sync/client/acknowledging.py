"""Answers pressed buttons and menu entries in time, whatever the handlers are doing.

https://bot.q.qq.com/wiki/develop/api-v2/server-inter/message/trans/msg-btn.html
"""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from qqbot_sync import codec
from qqbot_sync.api.checks import whole
from qqbot_sync.clock import Clock
from qqbot_sync.errors import BotError
from qqbot_sync.events import RawEvent
from qqbot_sync.models import Interaction, InteractionType

__all__ = ["Acknowledging", "Answers"]

log = logging.getLogger("qqbot_sync.client")

NEEDS_ANSWER = (InteractionType.BUTTON, InteractionType.QUICK_MENU)
"""Other types need none; an answer to "clear the session" would even be shown to the user."""
WAIT = 1.4
"""Seconds a handler has to choose a code. The platform gives up after about 3, and 2 are promised here: the rest is for
the call."""
TIMEOUT = 2.0
"""Seconds for the call; later the platform does not want it any more."""
FIRST_COST = 0.1
"""Seconds a call is taken to last before one was made."""
MOST_KNOWN = 10_000
"""Interactions remembered, so that none is answered twice."""


class Answers(Protocol):
    """What makes the call: `Api`."""

    def put_interaction(self, interaction_id: str, code: int = 0, *, timeout: float = 30.0) -> None: ...


@dataclass
class _Case:
    due: float
    """When the automatic answer goes out, in seconds of the clock; infinite for a type that gets none."""
    code: int | None = None
    """The answer that was chosen, sent or about to be; None while there is none."""


class Acknowledging:
    """The answers of one client, on the thread `qqbot-acks`. Thread-safe; may be started again after a stop.

    Each interaction is answered at most once by this process, by whoever comes first: the handler or the thread.

    Args:
        api: makes the calls.
        clock: tells what is due.
    """

    def __init__(self, api: Answers, clock: Clock) -> None:
        self._api = api
        self._clock = clock
        self._lock = threading.Lock()
        self._cases: OrderedDict[str, _Case] = OrderedDict()
        self._open: OrderedDict[str, _Case] = OrderedDict()
        self._news = threading.Event()
        self._ends = False
        self._cost = FIRST_COST
        self._thread: threading.Thread | None = None
        self._broken: Callable[[BaseException], None] | None = None

    @property
    def is_running(self) -> bool:
        """Whether the thread is alive."""
        return self._thread is not None and self._thread.is_alive()

    def start(self, broken: Callable[[BaseException], None] | None = None) -> None:
        """Starts the thread.

        Args:
            broken: told if the thread dies.
        """
        self._broken = broken
        self._ends = False
        self._news.clear()
        self._thread = threading.Thread(target=self._run, name="qqbot-acks", daemon=True)
        self._thread.start()

    def stop(self, timeout: float = 1.0) -> None:
        """Answers at once what is still open, and joins the thread. A second call does nothing.

        Args:
            timeout: seconds for that; what is not answered then stays without answer.
        """
        with self._lock:
            self._ends = True
        self._news.set()
        thread, self._thread = self._thread, None
        if thread is not None:
            thread.join(timeout)

    def arrived(self, event: RawEvent) -> None:
        """An INTERACTION_CREATE came. Called by a reader; never raises, never blocks."""
        interaction = codec.ModelDecoder().decode(Interaction, event.d)
        if not interaction.id or interaction.type not in NEEDS_ANSWER:
            return
        with self._lock:
            if interaction.id in self._cases or self._thread is None:
                return
            case = self._remember(interaction.id, _Case(event.received_at + WAIT))
            self._open[interaction.id] = case
        self._news.set()

    def acknowledge(self, interaction_id: str, code: int, *, timeout: float = TIMEOUT) -> None:
        """A handler's answer, sent in its own thread. The same answer once more does nothing.

        Raises:
            TypeError, ValueError: there is no such code.
            BotError: it was answered before, with another code.
            ApiError, OutcomeUnknown, ConnectionFailed: as `Api.put_interaction`.
        """
        whole("code", code, 0, 5)
        with self._lock:
            case = self._cases.get(interaction_id) or self._remember(interaction_id, _Case(float("inf")))
            answered = case.code
            if answered is None:
                case.code = code
                self._open.pop(interaction_id, None)
        if answered is None:
            self._api.put_interaction(interaction_id, code, timeout=timeout)
        elif answered != code:
            raise BotError(
                f"该互动已以 code={answered} 回应,不能再改为 {code};请在收到事件后 {WAIT:g} 秒内调用 ack() / "
                f"this interaction was answered with code {answered} before, {code} comes too late: "
                f"call ack() within {WAIT:g} s"
            )

    def _remember(self, interaction_id: str, case: _Case) -> _Case:
        self._cases[interaction_id] = case
        if len(self._cases) > MOST_KNOWN:
            self._cases.popitem(last=False)
        return case

    def _run(self) -> None:
        try:
            self._answer_all()
        except BaseException as error:
            log.critical("acks thread died", exc_info=True)
            if self._broken is not None:
                self._broken(error)

    def _answer_all(self) -> None:
        while True:
            self._news.clear()
            interaction_id, wait = self._next()
            if interaction_id is not None:
                self._answer(interaction_id)
            elif wait is None and self._ends:
                return
            else:
                self._clock.wait(self._news, wait)

    def _next(self) -> tuple[str | None, float | None]:
        """The interaction to answer now; else None and the seconds until there is one (None: nothing is open)."""
        with self._lock:
            if not self._open:
                return None, None
            now = self._clock.now()
            # One call after the other: where many wait, the first goes out sooner, so that the last is not late.
            begin = min(case.due - place * self._cost for place, case in enumerate(self._open.values()))
            if begin > now and not self._ends:
                return None, begin - now
            interaction_id, case = self._open.popitem(last=False)
            case.code = 0
            return interaction_id, None

    def _answer(self, interaction_id: str) -> None:
        began = self._clock.now()
        try:
            self._api.put_interaction(interaction_id, 0, timeout=TIMEOUT)
        except BotError as error:
            log.warning("未能自动回应互动 / an interaction could not be acknowledged: %s", error)
        except Exception:
            log.exception("acknowledging failed by an error of this package; the next one is tried all the same")
        self._cost = max(0.8 * self._cost + 0.2 * (self._clock.now() - began), 0.001)
