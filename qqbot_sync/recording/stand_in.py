"""HTTP that never leaves the process: every call is answered from a recording."""

from __future__ import annotations

import itertools
import logging
import threading
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from typing import Any, Literal
from urllib.parse import urlsplit

from qqbot_sync import codec
from qqbot_sync.api.http import Http, Response
from qqbot_sync.errors import ConnectionFailed, OutcomeUnknown
from qqbot_sync.recording.clocks import ReplayClock
from qqbot_sync.recording.exchange import TOKEN, Call, Exchange, Paths, described
from qqbot_sync.recording.scrubbing import Scrubber

__all__ = ["Matches", "NotRecorded", "StandIn", "Unmatched"]

log = logging.getLogger("qqbot_sync.http")

Unmatched = Literal["error", "ok"]
"""What a call gets that is not in the recording: `NotRecorded`, or an empty success."""
OWN_CALLS = ("/gateway", "/gateway/bot")
"""Calls that a client makes to connect, which a replay does not."""
NO_TOKEN = b'{"access_token":"no-token-is-needed-here","expires_in":"7200"}'
MOST_SHOWN = 5
"""Unmatched calls that are logged, each; the rest is only counted."""


class NotRecorded(OutcomeUnknown):
    """The recording holds no such call: nobody can tell what the platform would have answered."""


class Matches:
    """Finds the recorded call that a new one stands for. Thread-safe.

    Among the calls of the same method and path that are still free it takes the first with an equal body, else the
    first whose body has the same fields and answers the same message. A read that is made more often than recorded gets
    the last answer again.
    """

    def __init__(self, exchanges: Iterable[Exchange]) -> None:
        self._lock = threading.Lock()
        self._free: dict[tuple[str, str], list[Exchange]] = defaultdict(list)
        self._last: dict[tuple[str, str], Exchange] = {}
        for exchange in exchanges:
            self._free[exchange.call.key].append(exchange)
        self._matched = 0
        self._unmatched: Counter[str] = Counter()

    def take(self, call: Call) -> Exchange | None:
        """The exchange that answers `call`; None where there is none."""
        with self._lock:
            found = self._find(call)
            if found is not None:
                self._free[call.key].remove(found)
                self._last[call.key] = found
            elif call.method == "GET":
                found = self._last.get(call.key)
            if found is None:
                self._unmatched[f"{call.method} {call.path.partition('?')[0]}"] += 1
            else:
                self._matched += 1
            return found

    def _find(self, call: Call) -> Exchange | None:
        free = self._free.get(call.key, [])
        for exchange in free:
            if exchange.call.body == call.body:
                return exchange
        shape = call.shape
        for exchange in free:
            if exchange.call.shape == shape:
                return exchange
        return None

    @property
    def matched(self) -> int:
        """Calls that were answered from the recording."""
        with self._lock:
            return self._matched

    @property
    def unmatched(self) -> Counter[str]:
        """Calls that were not, by method and path."""
        with self._lock:
            return Counter(self._unmatched)

    @property
    def left(self) -> Counter[str]:
        """Recorded calls that nobody has made, by method and path."""
        with self._lock:
            left: Counter[str] = Counter()
            for (method, path), free in self._free.items():
                plain = path.partition("?")[0]
                if free and plain not in OWN_CALLS:
                    left[f"{method} {plain}"] += len(free)
            return left


class StandIn(Http):
    """In place of `Http`, for a replay. Thread-safe.

    Args:
        paths: names the calls.
        matches: what was recorded.
        scrubber: as the recording's, so that equal calls look equal.
        clock: an answer comes when it came in the recording.
        unmatched: what a call gets that is not in the recording.
    """

    def __init__(
        self, paths: Paths, matches: Matches, *, scrubber: Scrubber, clock: ReplayClock, unmatched: Unmatched
    ) -> None:
        super().__init__(pool_size=1)
        self.matches = matches
        self._paths = paths
        self._scrubber = scrubber
        self._clock = clock
        self._unmatched = unmatched
        self._ids = itertools.count(1)

    def request(
        self, method: str, url: str, *, headers: Mapping[str, str], body: bytes | None = None, **_options: Any
    ) -> Response:
        path = self._paths.of(url)
        if path == TOKEN:
            return Response(200, {}, NO_TOKEN)
        call = described(method, path, headers, body, scrubber=self._scrubber)
        exchange = self.matches.take(call)
        if exchange is None:
            return self._without(call)
        self._clock.sleep_until(exchange.ended)
        return exchange.outcome()

    def proxy_for(self, url: str) -> str | None:
        """Nothing is connected in a replay. Raises ConnectionFailed."""
        raise ConnectionFailed(f"回放时不连接网络 / a replay connects to nothing: {urlsplit(url).hostname}")

    def _without(self, call: Call) -> Response:
        path = call.path.partition("?")[0]
        count = self.matches.unmatched[f"{call.method} {path}"]
        if count <= MOST_SHOWN:
            log.warning("录制中没有这次调用 / the recording holds no such call: %s %s", call.method, path)
        if self._unmatched == "ok":
            return Response(200, {}, codec.dumps({"id": f"replay-{next(self._ids)}"}))
        raise NotRecorded(
            f"{call.method} {path}: 录制中没有这次调用,无法得知平台的回答;--unmatched ok 则一律视为成功 / "
            "the recording holds no such call, so nobody can tell what the platform would have answered; with "
            "--unmatched ok it would count as a success"
        )
