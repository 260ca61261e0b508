"""Recording and replaying, as a client does it: which run it makes, what carries its calls, and what time it is."""

from __future__ import annotations

import os
import threading
from collections import Counter
from collections.abc import Callable
from typing import Any

from qqbot_sync.api import Api
from qqbot_sync.api.audits import Audits
from qqbot_sync.api.http import Http
from qqbot_sync.client.replaying import ReplayRun
from qqbot_sync.client.run import Run
from qqbot_sync.client.sink import EventSink
from qqbot_sync.clock import Clock
from qqbot_sync.config import GatewayConfig
from qqbot_sync.dispatch import Dispatcher, Offer
from qqbot_sync.errors import BotError
from qqbot_sync.events import RawEvent
from qqbot_sync.protocol.session import End
from qqbot_sync.recording.exchange import Paths
from qqbot_sync.recording.playback import Playback
from qqbot_sync.recording.reading import read
from qqbot_sync.recording.recorder import Recorder
from qqbot_sync.recording.recording_http import RecordingHttp
from qqbot_sync.recording.scrubbing import Scrubber
from qqbot_sync.recording.tape import Tape

__all__ = ["Taping", "taping_of"]

NO_SECRET = "no-secret-is-needed-here"
_UNTOUCHED = {Offer.DUPLICATE: "duplicate", Offer.DROPPED: "dropped", Offer.REFUSED: "refused"}
"""What the handlers have nothing to do with, as it is written down."""


class Taping:
    """What a client does beside its work: nothing. Thread-safe.

    Args:
        settings: of the client.
        clock: a real one.
    """

    def __init__(self, settings: GatewayConfig, clock: Clock) -> None:
        self.settings = settings
        """As the client is to take them."""
        self.clock = clock
        """The time of the client."""
        self.api_options: dict[str, Any] = {}
        """Further arguments of its `Api`."""
        self.place: str | None = None
        """Where it runs, where that is not the platform: it is in nobody's way."""

    def attach(self, api: Api) -> None:
        """The client has this `Api`."""

    def run(self, *, over: Callable[[Run], object], **parts: Any) -> Run:  # noqa: ARG002  a replay needs it
        """A run for the client.

        Args:
            over: told when a run has nothing more to do.
            parts: of `Run`.
        """
        return Run(**parts)

    def end(self) -> None:
        """A run has ended."""


def taping_of(settings: GatewayConfig, clock: Clock) -> Taping:
    """What the settings ask for.

    Raises:
        ValueError: both at once; or the recording cannot be read.
        OSError: it is not there.
    """
    if settings.replay:
        if settings.record:
            raise ValueError("record 与 replay 不能同时使用 / give either record or replay, not both")
        return _Replaying(settings, clock, settings.replay)
    if settings.record:
        return _Recording(settings, clock, settings.record)
    return Taping(settings, clock)


# -- recording ------------------------------------------------------------------------------------------------------


class _Recording(Taping):
    """Writes down events and calls."""

    def __init__(self, settings: GatewayConfig, clock: Clock, path: str) -> None:
        super().__init__(settings, clock)
        secret = settings.app_secret or os.environ.get("QQ_BOT_SECRET", "").strip()
        scrubber = Scrubber(secret, settings.proxy or "", hide_texts=settings.record_hide_texts)
        self._recorder = Recorder(path, clock=clock, scrubber=scrubber)
        self._http = RecordingHttp(
            self._recorder.tape,
            clock=clock,
            proxy=settings.proxy or os.environ.get("QQ_BOT_PROXY"),
            pool_size=settings.workers + 8,
        )
        self.api_options = {"http": self._http}

    def attach(self, api: Api) -> None:
        self._http.paths = Paths(api.environment)
        self._recorder.introduce(api.app_id, api.environment.api_url)

    def run(self, *, over: Callable[[Run], object], **parts: Any) -> Run:  # noqa: ARG002  a replay needs it
        tape = self._recorder.begin()
        try:
            return _RecordedRun(tape=tape, **parts)
        except BaseException:
            # There is no run that could end it.
            self._recorder.end()
            raise

    def end(self) -> None:
        self._http.close()
        self._recorder.end()


class _RecordedRun(Run):
    """As `Run`, and the tape hears of everything."""

    def __init__(self, *, tape: Tape, clock: Clock, dispatcher: Dispatcher, **parts: Any) -> None:
        self._tape = tape
        self._journal = _Journal(tape, clock)
        super().__init__(clock=clock, dispatcher=dispatcher, **parts)
        dispatcher.witness = self._journal

    def _new_sink(self, dispatcher: Dispatcher, **parts: Any) -> EventSink:
        return _RecordingSink(dispatcher, journal=self._journal, **parts)

    def begin(self) -> None:
        if self._remembered_user is not None:
            self._tape.user(self._remembered_user)
        super().begin()

    def no_more_dials(self) -> None:
        self._tape.stop()
        super().no_more_dials()

    def shard_down(self, shard_id: int, end: End) -> None:
        self._tape.down(shard_id, verdict=end.verdict.value, cause=end.kind, reason=end.reason)
        super().shard_down(shard_id, end)

    def gateway_failed(self, error: BotError) -> None:
        self._tape.note(f"{type(error).__name__}: {error}")
        super().gateway_failed(error)


class _RecordingSink(EventSink):
    """As `EventSink`; every event is written down, heard or not, before anybody can do anything about it."""

    def __init__(self, dispatcher: Dispatcher, *, journal: _Journal, **parts: Any) -> None:
        super().__init__(dispatcher, **parts)
        self._journal = journal

    def hears(self, name: str) -> bool:  # noqa: ARG002  another bot may hear it when it is replayed
        self._received()
        return True

    def offer(self, event: RawEvent) -> bool:
        number = self._journal.came(event)
        verdict = self._hand_on(event)
        self._journal.judged(event, number, verdict)
        return verdict is not Offer.REFUSED

    def finished(self, event: RawEvent, session_id: str | None) -> None:
        self._journal.finished(event)
        super().finished(event, session_id)

    def dropped(self, reason: str, detail: str = "") -> None:
        self._journal.tape.note(f"frame ignored: {reason}")
        super().dropped(reason, detail)


class _Journal:
    """Which event has which number, and what its handlers are at. Thread-safe."""

    def __init__(self, tape: Tape, clock: Clock) -> None:
        self.tape = tape
        self._clock = clock
        # Single operations on a dict: no lock is needed.
        self._numbers: dict[RawEvent, int] = {}
        self._lock = threading.Lock()
        self._waits: Counter[int] = Counter()
        self._here = threading.local()

    def came(self, event: RawEvent) -> int:
        """Called by the reader."""
        number = self.tape.event(event.received_at, event.shard, event.frame, redelivered=event.redelivered)
        self._numbers[event] = number
        self._here.event = event
        return number

    def judged(self, event: RawEvent, number: int, verdict: Offer) -> None:
        """The dispatcher has said what becomes of it."""
        self._here.event = None
        said = _UNTOUCHED.get(verdict)
        if said is not None:
            self._numbers.pop(event, None)
            self.tape.verdict(number, said)

    def finished(self, event: RawEvent) -> None:
        """Its handlers are done, or it was given up. Inside of its own offer there are none, which needs no line."""
        number = self._numbers.pop(event, None)
        if number is None or getattr(self._here, "event", None) is event:
            return
        if event.is_given_up:
            self.tape.verdict(number, _UNTOUCHED[Offer.DROPPED])
            return
        self.tape.mark("done", number)
        with self._lock:
            self._waits.pop(number, None)

    def waits(self, event: RawEvent | None) -> _Wait:
        """As in `Witness`."""
        number = 0 if event is None else self._numbers.get(event, 0)
        with self._lock:
            self._waits[number] += 1
            wait = self._waits[number]
        return _Wait(self.tape, number, wait, self._clock.now())


class _Wait:
    """As in `Waiting`."""

    def __init__(self, tape: Tape, number: int, wait: int, since: float) -> None:
        self._tape = tape
        self._key = number, wait
        self._since = since

    def begun(self) -> None:
        # The moment that decides which events are answers is the one before it was prepared.
        self._tape.mark("wait", *self._key, when=self._since)

    def over(self) -> None:
        self._tape.mark("over", *self._key)


# -- replaying ------------------------------------------------------------------------------------------------------


class _Replaying(Taping):
    """Takes events and answers from a recording."""

    def __init__(self, settings: GatewayConfig, clock: Clock, path: str) -> None:
        recording = read(path, partial=settings.replay_partial)
        self._playback = Playback(
            recording, speed=settings.replay_speed, unmatched=settings.replay_unmatched, clock=clock
        )
        super().__init__(
            settings.with_changes(
                app_id=settings.app_id or os.environ.get("QQ_BOT_APP_ID") or recording.header.app_id,
                app_secret=settings.app_secret or os.environ.get("QQ_BOT_SECRET") or NO_SECRET,
                environment=self._playback.environment,
                # A replay may be faster than life was, and loses nothing for that.
                overflow="block",
                # What was too old in life is not played.
                max_age=None,
                # Time that is skipped was not spent by a handler.
                slow_after=None,
            ),
            self._playback.clock,
        )
        http: Http = self._playback.http
        self.api_options = {"http": http, "clock": self._playback.api_clock, "pacing": "off"}
        self.place = self._playback.name

    def attach(self, api: Api) -> None:
        # Verdicts of reviewers are events: they come in the time of the replay.
        api.audits = Audits(self.clock)

    def run(self, *, over: Callable[[Run], object], **parts: Any) -> Run:
        return ReplayRun(playback=self._playback, over=over, **parts)

    def end(self) -> None:
        self._playback.http.close()
