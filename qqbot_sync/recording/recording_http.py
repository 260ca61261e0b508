"""HTTP that is written down while it happens."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from qqbot_sync import codec
from qqbot_sync.api.http import Http, NetworkFailure, Response
from qqbot_sync.clock import Clock
from qqbot_sync.recording.exchange import TOKEN, Exchange, Paths, described
from qqbot_sync.recording.tape import Tape

__all__ = ["RecordingHttp"]


class RecordingHttp(Http):
    """As `Http`, and every exchange goes to a tape, but for those that give out tokens. Thread-safe.

    Args:
        tape: gives the tape of the moment; None while nothing is recorded.
        options: of `Http`.
    """

    def __init__(self, tape: Callable[[], Tape | None], *, clock: Clock, **options: Any) -> None:
        super().__init__(clock=clock, **options)
        self.paths: Paths | None = None
        """Names the calls; nothing is recorded while it is None."""
        self._tape = tape
        self._clock = clock

    def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        body: bytes | None = None,
        **options: Any,
    ) -> Response:
        tape = self._tape()
        if tape is None or self.paths is None:
            return super().request(method, url, headers=headers, body=body, **options)
        path = self.paths.of(url)
        if path == TOKEN:
            response = super().request(method, url, headers=headers, body=body, **options)
            _learn_token(tape, response)
            return response
        # The token may be older than the tape.
        tape.scrubber.learn(headers.get("Authorization", "").rpartition(" ")[2])
        began = self._clock.now()
        outcome: Response | NetworkFailure
        try:
            outcome = super().request(method, url, headers=headers, body=body, **options)
        except NetworkFailure as failure:
            outcome = failure
        took = round(self._clock.now() - began, 6)
        call = described(method, path, headers, body, scrubber=tape.scrubber)
        tape.exchange(Exchange.of(tape.since(began), took, call, outcome, tape.scrubber))
        if isinstance(outcome, NetworkFailure):
            raise outcome
        return outcome


def _learn_token(tape: Tape, response: Response) -> None:
    try:
        fields = codec.loads(response.body)
    except codec.Undecodable:
        return
    token = fields.get("access_token") if isinstance(fields, dict) else None
    if isinstance(token, str):
        tape.scrubber.learn(token.strip())
