"""How long a call goes on trying."""

from __future__ import annotations

import threading

import pytest

from qqbot_sync.api.patience import Patience
from qqbot_sync.errors import Stopped
from tests.api.support import QuickClock


def patience(clock: QuickClock, timeout: float, dice: float = 1.0) -> Patience:
    return Patience(clock, timeout, stopped=threading.Event(), dice=lambda: dice)


def test_pauses_grow_and_never_pass_the_deadline(clock: QuickClock) -> None:
    trying = patience(clock, 30)
    while trying.pause():
        pass
    assert clock.waits[:4] == [0.5, 1.0, 2.0, 4.0]
    assert max(clock.waits) <= 8
    assert sum(clock.waits) < 30
    assert trying.is_over() or trying.left() < 0.2


def test_pauses_are_spread(clock: QuickClock) -> None:
    patience(clock, 30, dice=0.25).pause()
    assert clock.waits == [0.125]


def test_the_platforms_word_is_the_least_and_is_never_shortened(clock: QuickClock) -> None:
    trying = patience(clock, 10)
    assert trying.pause(3)
    assert clock.waits == [3.5]
    assert not trying.pause(7)
    assert clock.waits == [3.5], "no wait that leads nowhere"


def test_a_stop_ends_the_pause() -> None:
    clock, stopped = QuickClock(), threading.Event()
    stopped.set()
    with pytest.raises(Stopped):
        Patience(clock, 10, stopped=stopped).pause()
