"""Events that nobody waits for any more: dropped before they begin, counted, finished."""

from __future__ import annotations

import pytest

from tests.dispatch.support import GROUP, Bot, Ctx, Gate, an_event, running
from tests.support import FakeClock


def behind_a_gate(bot: Bot, gate: Gate, clock: FakeClock, name: str) -> list[str]:
    """The only worker is held up by an event; returns where handled texts will appear."""
    handled: list[str] = []

    @bot.on(name)
    def note(ctx: Ctx, text: str) -> None:
        if text == "hangs":
            gate.pass_through()
        handled.append(text)

    offer(bot, clock, name, "hangs")
    gate.wait_for_visitors(1)
    return handled


def offer(bot: Bot, clock: FakeClock, name: str, text: str) -> None:
    bot.dispatcher.offer(an_event(text, name=name, at=clock.now(), done=bot.finished))


@pytest.mark.parametrize(
    ("max_age", "name", "seconds"),
    [
        ("reply", GROUP, 300),
        ("reply", "GROUP_MESSAGE_CREATE", 300),
        ("reply", "C2C_MESSAGE_CREATE", 3600),
        ("reply", "AT_MESSAGE_CREATE", 300),
        ("reply", "DIRECT_MESSAGE_CREATE", 300),
        (7.5, GROUP, 7.5),
        (7.5, "GUILD_UPDATE", 7.5),
    ],
)
def test_an_event_is_dropped_when_its_time_is_over_and_not_before(max_age: object, name: str, seconds: float) -> None:
    clock, gate = FakeClock(), Gate()
    with running(clock=clock, workers=1, max_age=max_age) as bot:
        handled = behind_a_gate(bot, gate, clock, name)
        offer(bot, clock, name, "old")
        clock.advance(0.5)
        offer(bot, clock, name, "just in time")
        clock.advance(seconds)
        gate.open()
        bot.drain()
        assert handled == ["hangs", "just in time"], "one that runs is left alone"
        assert bot.counts.numbers["events_expired"] == 1
        assert bot.finished.times == {"hangs": 1, "old": 1, "just in time": 1}


@pytest.mark.parametrize(("max_age", "name"), [("reply", "GUILD_UPDATE"), (None, GROUP)])
def test_what_is_no_message_has_no_window_and_without_the_wish_nothing_is_dropped(max_age: object, name: str) -> None:
    clock, gate = FakeClock(), Gate()
    with running(clock=clock, workers=1, max_age=max_age) as bot:
        handled = behind_a_gate(bot, gate, clock, name)
        offer(bot, clock, name, "old")
        clock.advance(100_000)
        gate.open()
        bot.drain()
        assert handled == ["hangs", "old"]
        assert bot.counts.numbers["events_expired"] == 0
