"""A full queue: what is refused, what is dropped, and that the numbers are exact."""

from __future__ import annotations

import threading

import pytest

from qqbot_sync.dispatch import Offer
from tests.dispatch.support import GROUP, Bot, Ctx, Gate, an_event, running
from tests.support import PATIENCE, FakeClock, eventually


def full(bot: Bot, gate: Gate, *texts: str) -> list[str]:
    """One handler hangs at the gate, and `texts` fill the queue; returns where handled texts will appear."""
    handled: list[str] = []

    @bot.on()
    def note(ctx: Ctx, text: str) -> None:
        if text == "hangs":
            gate.pass_through()
        handled.append(text)

    assert bot.offer("hangs", author="hanging") is Offer.ACCEPTED
    gate.wait_for_visitors(1)
    for text in texts:
        assert bot.offer(text, author=text[0]) is Offer.ACCEPTED
    assert bot.dispatcher.depth() == len(texts)
    return handled


def test_drop_newest_gives_up_what_comes_and_counts_it() -> None:
    gate = Gate()
    with running(workers=1, queue_size=3, overflow="drop_newest") as bot:
        handled = full(bot, gate, "a1", "b1", "c1")
        assert [bot.offer(f"d{number}") for number in range(5)] == [Offer.DROPPED] * 5
        assert bot.finished.texts == [f"d{number}" for number in range(5)]
        assert bot.counts.numbers["events_dropped"] == 5
        gate.open()
        bot.drain()
        assert set(bot.finished.times.values()) == {1}
    assert sorted(handled) == ["a1", "b1", "c1", "hangs"]


def test_drop_oldest_gives_up_what_came_first_over_queue_and_lanes() -> None:
    gate = Gate()
    with running(workers=1, queue_size=3, overflow="drop_oldest") as bot:
        handled = full(bot, gate, "a1", "b1", "a2")
        assert [bot.offer(f"c{number}", author="c") for number in range(4)] == [Offer.ACCEPTED] * 4
        assert bot.finished.texts == ["a1", "a2", "b1", "c0"]
        assert bot.counts.numbers["events_dropped"] == 4
        assert bot.dispatcher.depth() == 3
        gate.open()
        bot.drain()
        assert set(bot.finished.times.values()) == {1}
    assert sorted(handled) == ["c1", "c2", "c3", "hangs"]


@pytest.mark.parametrize("overflow", ["drop_newest", "drop_oldest"])
def test_drop_counts_are_exact_under_load_from_several_threads(overflow: str) -> None:
    verdicts: list[Offer] = []
    gate = Gate()
    with running(workers=2, queue_size=10, overflow=overflow) as bot:
        handled: list[str] = []

        @bot.on()
        def note(ctx: Ctx, text: str) -> None:
            if not handled:
                gate.pass_through()
            handled.append(text)

        def send(who: str) -> None:
            for number in range(1000):
                if number == 500:
                    gate.open()
                verdicts.append(bot.offer(f"{who} {number}", author=who))

        threads = [threading.Thread(target=send, args=(who,)) for who in "abc"]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(PATIENCE)
        bot.drain()
        dropped = bot.counts.numbers["events_dropped"] if overflow == "drop_newest" else 0
        assert len(verdicts) == 3000
        assert verdicts.count(Offer.DROPPED) == dropped
        assert verdicts.count(Offer.ACCEPTED) == 3000 - dropped
        assert bot.counts.numbers["events_dropped"] > 400
        assert len(handled) + bot.counts.numbers["events_dropped"] == 3000
        assert len(bot.finished.times) == 3000
        assert set(bot.finished.times.values()) == {1}
    for who in "abc":
        mine = [int(text.split()[1]) for text in handled if text.startswith(who)]
        assert mine == sorted(mine)


@pytest.mark.parametrize("overflow", ["drop_newest", "drop_oldest"])
def test_a_dropped_event_may_come_again(overflow: str) -> None:
    gate = Gate()
    with running(workers=1, queue_size=1, overflow=overflow) as bot:
        handled = full(bot, gate)
        first, second = an_event("first", done=bot.finished), an_event("second", done=bot.finished)
        bot.dispatcher.offer(first)
        bot.dispatcher.offer(second)
        lost = first if overflow == "drop_oldest" else second
        assert bot.finished.texts == [bytes(lost.d).decode()]
        gate.open()
        bot.drain()
        assert bot.dispatcher.offer(lost) is Offer.ACCEPTED
        bot.drain()
    assert sorted(handled) == ["first", "hangs", "second"]


@pytest.mark.parametrize("overflow", ["block", "drop_oldest", "drop_newest"])
def test_ready_is_accepted_by_a_full_queue_and_never_dropped(overflow: str) -> None:
    gate, ready = Gate(), []
    with running(workers=1, queue_size=2, overflow=overflow) as bot:
        full(bot, gate, "a1", "b1")
        bot.router.add("ready", lambda ctx, event: ready.append(event))
        assert bot.offer("r", name="READY", author="", place="") is Offer.ACCEPTED
        if overflow == "drop_oldest":
            for number in range(5):
                bot.offer(f"c{number}", author="c")
        gate.open()
        bot.drain()
    assert ready == ["r"]


def test_block_waits_for_room_and_loses_nothing() -> None:
    gate, offered = Gate(), threading.Event()
    with running(workers=1, queue_size=2) as bot:
        handled = full(bot, gate, "a1", "b1")

        def send() -> None:
            for number in range(50):
                assert bot.offer(f"c{number}") is Offer.ACCEPTED
            offered.set()

        thread = threading.Thread(target=send)
        thread.start()
        eventually(lambda: bot.dispatcher._backlog._wants_room, what="the offer blocks")
        assert not offered.is_set()
        gate.open()
        assert offered.wait(PATIENCE)
        thread.join(PATIENCE)
        bot.drain()
    assert len(handled) == 53


def test_a_blocked_offer_goes_on_as_soon_as_one_event_has_begun() -> None:
    first, second, verdicts = Gate(), Gate(), []
    with running(workers=1, queue_size=2) as bot:

        @bot.on()
        def stop(ctx: Ctx, text: str) -> None:
            (first if text == "a1" else second).pass_through(text)

        for text in ("a1", "a2"):
            bot.offer(text)
        first.wait_for_visitors(1)
        bot.offer("a3")
        eventually(lambda: not bot.dispatcher._backlog._intake, what="all are in their lane")
        thread = threading.Thread(target=lambda: verdicts.append(bot.offer("blocked", author="bob")))
        thread.start()
        eventually(lambda: bot.dispatcher._backlog._wants_room, what="the offer blocks")
        first.open()
        thread.join(PATIENCE)
        assert verdicts == [Offer.ACCEPTED]
        assert second.came == ["a2"]
        second.open()
        bot.drain()


def test_a_blocked_offer_is_refused_when_the_intake_closes() -> None:
    gate, verdicts = Gate(), []
    with running(workers=1, queue_size=1) as bot:
        full(bot, gate, "a1")
        event = an_event("blocked", id="m", done=bot.finished)
        thread = threading.Thread(target=lambda: verdicts.append(bot.dispatcher.offer(event)))
        thread.start()
        eventually(lambda: bot.dispatcher._backlog._wants_room, what="the offer blocks")
        bot.dispatcher.close_intake()
        thread.join(PATIENCE)
        assert verdicts == [Offer.REFUSED]
        assert bot.offer("later") is Offer.REFUSED
        gate.open()
        bot.drain()
        assert bot.finished.texts == ["a1", "hangs"]
        assert bot.dispatcher._claims.claim(event), "a refused event gives its id back"


def test_drops_are_warned_of_at_once_then_once_a_minute_and_at_the_end(caplog: pytest.LogCaptureFixture) -> None:
    clock, gate = FakeClock(), Gate()
    with running(workers=1, queue_size=1, overflow="drop_newest", clock=clock) as bot:
        full(bot, gate, "a1")
        bot.offer("lost")
        for _ in range(30):
            bot.dispatcher._remind()
            clock.advance(1)
            bot.offer("lost")
        assert len([record for record in caplog.records if "dropped" in record.getMessage()]) == 1
        clock.advance(31)
        bot.dispatcher._remind()
        warnings = [record.getMessage() for record in caplog.records if "dropped" in record.getMessage()]
        assert len(warnings) == 2
        bot.offer("lost")
        gate.open()
    warnings = [record.getMessage() for record in caplog.records if "dropped" in record.getMessage()]
    assert " 1 events" in warnings[-1]
    assert len(warnings) == 3


def test_a_full_queue_behind_handlers_that_hang_counts_as_stuck() -> None:
    clock, gate = FakeClock(), Gate()
    with running(workers=1, queue_size=1, overflow="drop_newest", clock=clock) as bot:
        full(bot, gate, "a1")
        clock.advance(100)
        assert bot.dispatcher.stuck_for() == 0.0
        bot.offer("one too many")
        clock.advance(59)
        assert not bot.dispatcher.is_stuck()
        clock.advance(1)
        assert bot.dispatcher.is_stuck()
        gate.open()
        bot.drain()
        assert bot.dispatcher.stuck_for() == 0.0


def test_events_that_only_watches_want_count_as_well() -> None:
    with running(queue_size=1, overflow="drop_newest") as bot, bot.dispatcher.watch(GROUP) as watch:
        for number in range(20):
            bot.offer(str(number))
            bot.drain()
            assert watch.next(PATIENCE).event == str(number)
        assert bot.finished.times == {str(number): 1 for number in range(20)}
        assert bot.dispatcher.depth() == 0
