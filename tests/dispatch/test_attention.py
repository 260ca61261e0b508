"""What the watchdog says, by a clock that is turned by hand."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from qqbot_sync.dispatch import Dispatcher, Router
from tests.dispatch.support import an_event
from tests.support import FakeClock, eventually


@pytest.fixture
def held() -> Any:
    """A dispatcher of two workers, both busy, and events behind them."""
    clock, router, go_on = FakeClock(), Router(), threading.Event()

    def busy(ctx: Any, event: Any) -> None:
        go_on.wait(20)

    router.add("event", busy, event="GUILD_CREATE")
    dispatcher = Dispatcher(
        router, context=lambda event: Ctx(event), clock=clock, workers=2, queue_size=10, slow_after=30, ordering="none"
    )
    dispatcher.start()
    yield clock, dispatcher
    go_on.set()
    dispatcher.close_intake()
    stop = threading.Thread(target=dispatcher.stop)
    stop.start()
    while stop.is_alive():
        clock.advance(1)
        stop.join(0.01)


class Ctx:
    """As little context as a handler needs."""

    propagation_stopped = False

    def __init__(self, event: Any) -> None:
        self.name, self.event, self.raw, self.envelope = event.name, None, None, {}


def offer(clock: FakeClock, dispatcher: Dispatcher, count: int) -> None:
    for _ in range(count):
        event = an_event(name="GUILD_CREATE", id=None)
        event.received_at = clock.now()
        dispatcher.offer(event)


def test_an_exhausted_pool_says_what_every_worker_is_doing(held: Any, caplog: pytest.LogCaptureFixture) -> None:
    clock, dispatcher = held
    offer(clock, dispatcher, 4)
    eventually(lambda: dispatcher.depth() == 2 and len(dispatcher.doing()) == 2)
    dispatcher._attention.look()
    assert "workers are busy" not in caplog.text
    clock.advance(6)
    eventually(lambda: "all 2 workers are busy" in caplog.text)
    text = next(record.getMessage() for record in caplog.records if "workers are busy" in record.getMessage())
    assert text.count("busy: GUILD_CREATE") == 2
