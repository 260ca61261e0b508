"""The recordings of one client: a tape for each run."""

from __future__ import annotations

import logging
import threading
from pathlib import Path

from qqbot_sync.clock import Clock
from qqbot_sync.recording.audience import show
from qqbot_sync.recording.scrubbing import Scrubber
from qqbot_sync.recording.tape import Tape, free_path

__all__ = ["Recorder"]

log = logging.getLogger("qqbot_sync.client")


class Recorder:
    """Opens a tape when the first thing happens, and a further one at each later start. Thread-safe.

    Args:
        path: of the first file; where it exists, a free name beside it is taken.
        clock: tells the offsets.
        scrubber: takes the secrets out.
    """

    def __init__(self, path: str, *, clock: Clock, scrubber: Scrubber) -> None:
        self.scrubber = scrubber
        self._path = path
        self._clock = clock
        self._lock = threading.Lock()
        self._app_id = self._api_url = ""
        self._tape: Tape | None = None
        self._may_open = False
        self.tapes: list[Tape] = []
        """All of them, in order."""

    def introduce(self, app_id: str, api_url: str) -> None:
        """Whose calls and events these are; before that nothing is recorded."""
        with self._lock:
            self._app_id, self._api_url = app_id, api_url
            self._may_open = True
        show(self)

    def tape(self) -> Tape | None:
        """The tape of the moment; None after a stop, until the next start.

        Raises:
            OSError: the file cannot be made.
        """
        tape = self._tape
        if tape is not None or not self._may_open:
            return tape
        return self.begin()

    def begin(self) -> Tape:
        """The tape for a run that begins now. Raises OSError as `tape`."""
        with self._lock:
            if self._tape is None:
                self._tape = self._open()
                self._may_open = False
            return self._tape

    def end(self) -> None:
        """The run is over: its tape is closed."""
        with self._lock:
            tape, self._tape = self._tape, None
        if tape is None:
            return
        tape.close()
        events, calls, lost = tape.counts
        log.log(
            logging.WARNING if lost else logging.INFO,
            "录制完成 / recorded: %s 个事件 / events, %s 次调用 / calls%s: %s",
            events,
            calls,
            f", {lost} 条丢失 / records lost" if lost else "",
            tape.path,
        )

    def _open(self) -> Tape:
        path: Path = free_path(self._path)
        tape = Tape(path, app_id=self._app_id, api_url=self._api_url, scrubber=self.scrubber, clock=self._clock)
        self.tapes.append(tape)
        if str(path) != self._path:
            log.warning("%s 已存在,录制到 %s / %s exists already: recording to %s", self._path, path, self._path, path)
        else:
            log.info("正在录制到 / recording to: %s", path)
        return tape
