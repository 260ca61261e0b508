"""Events reach their handlers: on which threads, in which order, and whatever the handlers do."""

from __future__ import annotations

import logging
import threading
from collections import defaultdict, deque
from typing import Any

import pytest

from qqbot_sync.dispatch import Claims, Dispatcher, Offer, Router
from qqbot_sync.recorder import CALL_GAP
from tests.dispatch.support import GROUP, Bot, Ctx, Gate, an_event, running
from tests.support import PATIENCE, FakeClock, eventually


def test_handlers_run_on_threads_of_a_pool_in_parallel_for_two_authors() -> None:
    both = threading.Barrier(2)
    names: list[str] = []
    with running() as bot:

        @bot.on()
        def meet(ctx: Ctx, text: str) -> None:
            both.wait(PATIENCE)
            names.append(threading.current_thread().name)

        bot.offer("a", author="ann")
        bot.offer("b", author="bob")
        bot.drain()
    assert len(names) == 2
    assert all(name.startswith("qqbot-worker") for name in names)


def test_each_task_sends_the_next_before_it_calls_a_handler() -> None:
    meeting = threading.Barrier(5)
    bot = Bot()
    bot.on()(lambda ctx, text: meeting.wait(PATIENCE))
    for number in range(5):
        bot.offer(str(number), author=str(number))
    bot.dispatcher.start()
    bot.drain()
    bot.dispatcher.stop()
    assert bot.counts.numbers == {"events_processed": 5}


def test_the_events_of_one_author_never_run_in_parallel() -> None:
    inside = threading.Lock()
    overlaps: list[str] = []
    with running() as bot:

        @bot.on()
        def alone(ctx: Ctx, text: str) -> None:
            if not inside.acquire(blocking=False):
                overlaps.append(text)
                return
            threading.Event().wait(0.001)
            inside.release()

        for number in range(100):
            bot.offer(str(number))
        bot.drain()
    assert not overlaps


def test_order_is_kept_for_each_of_twenty_authors_under_load() -> None:
    seen: dict[str, list[int]] = defaultdict(list)
    with running(queue_size=100) as bot:

        @bot.on()
        def note(ctx: Ctx, text: str) -> None:
            author, number = text.split()
            seen[author].append(int(number))

        for number in range(4000):
            bot.offer(f"{number % 20} {number}", author=str(number % 20))
        bot.drain()
        assert sum(bot.finished.times.values()) == 4000
        assert set(bot.finished.times.values()) == {1}
    assert all(numbers == sorted(numbers) and len(numbers) == 200 for numbers in seen.values())
    assert len(seen) == 20


def test_conversation_ordering_keeps_a_whole_conversation_in_order() -> None:
    gate = Gate()
    with running(ordering="conversation") as bot:

        @bot.on()
        def stop(ctx: Ctx, text: str) -> None:
            gate.pass_through(text)

        bot.offer("a", author="ann")
        bot.offer("b", author="bob")
        bot.offer("c", author="bob", place="group:other")
        gate.wait_for_visitors(2)
        assert sorted(gate.came) == ["a", "c"]
        gate.open()


def test_without_ordering_one_author_runs_in_parallel() -> None:
    gate = Gate()
    with running(ordering="none") as bot:
        bot.on()(lambda ctx, text: gate.pass_through(text))
        bot.offer("a")
        bot.offer("b")
        gate.wait_for_visitors(2)
        gate.open()


def test_a_flood_of_one_author_lets_others_in_after_64_events() -> None:
    gate, order = Gate(), []
    with running(workers=1, clock=FakeClock()) as bot:

        @bot.on()
        def note(ctx: Ctx, text: str) -> None:
            if text == "first":
                gate.pass_through()
            order.append(text)

        bot.offer("first", author="flood")
        gate.wait_for_visitors(1)
        for _ in range(500):
            bot.offer("flood", author="flood")
        bot.offer("quiet", author="quiet")
        eventually(lambda: not bot.dispatcher._backlog._intake, what="all are in their lanes")
        gate.open()
        bot.drain()
    assert order.index("quiet") == 64


def test_a_task_hands_over_after_50_ms() -> None:
    clock, order, gate = FakeClock(), [], Gate()
    with running(workers=1, clock=clock) as bot:

        @bot.on()
        def slow(ctx: Ctx, text: str) -> None:
            if text == "first":
                gate.pass_through()
            order.append(text)
            clock.advance(0.02)

        bot.offer("first", author="flood")
        gate.wait_for_visitors(1)
        for _ in range(20):
            bot.offer("flood", author="flood")
        bot.offer("quiet", author="quiet")
        eventually(lambda: not bot.dispatcher._backlog._intake, what="all are in their lanes")
        gate.open()
        bot.drain()
    assert order.index("quiet") == 3


def test_never_more_than_workers_handlers_run() -> None:
    gate = Gate()
    with running(workers=3) as bot:
        bot.on()(lambda ctx, text: gate.pass_through(text))
        for number in range(10):
            bot.offer(str(number), author=str(number))
        gate.wait_for_visitors(3)
        eventually(lambda: bot.dispatcher.depth() == 7, what="three of ten begin")
        assert len(gate.came) == 3
        gate.open()
        bot.drain()
    assert len(gate.came) == 10


def test_all_that_match_run_in_one_thread_raw_first_then_as_registered() -> None:
    order: list[tuple[str, int]] = []

    def note(name: str) -> Any:
        return lambda ctx, second: order.append((f"{name} {second}", threading.get_ident()))

    with running() as bot:
        bot.router.add("event", note("one"), event=GROUP)
        bot.router.add("event", note("two"), event=GROUP)
        bot.router.add("raw", note("raw"))
        bot.offer("hi")
        bot.drain()
    assert [text for text, _ in order] == ["raw {'t': 'GROUP_AT_MESSAGE_CREATE', 'd': 'hi'}", "one hi", "two hi"]
    assert len({ident for _, ident in order}) == 1


def test_stop_propagation_ends_the_chain() -> None:
    called: list[str] = []
    with running() as bot:

        @bot.on()
        def first(ctx: Ctx, text: str) -> None:
            called.append("first")
            ctx.stop_propagation()

        bot.on()(lambda ctx, text: called.append("second"))
        bot.offer()
        bot.drain()
    assert called == ["first"]


@pytest.mark.parametrize("kind", [ValueError, SystemExit, KeyboardInterrupt, GeneratorExit, RecursionError])
def test_whatever_a_handler_raises_is_logged_told_and_ends_nothing_else(
    kind: type[BaseException], caplog: pytest.LogCaptureFixture
) -> None:
    told: list[tuple[Any, BaseException]] = []
    after: list[str] = []
    with running(workers=1) as bot:

        @bot.on()
        def broken(ctx: Ctx, text: str) -> None:
            raise kind("broken")

        bot.on()(lambda ctx, text: after.append(text))
        bot.router.add("error", lambda ctx, error: told.append((ctx, error)))
        bot.offer("one")
        bot.offer("two")
        bot.drain()
        assert bot.finished.texts == ["one", "two"]
        assert bot.counts.numbers["events_failed"] == bot.counts.numbers["events_processed"] == 2
    assert after == ["one", "two"]
    assert [type(error) for _, error in told] == [kind, kind]
    assert isinstance(told[0][0], Ctx)
    record = next(record for record in caplog.records if record.exc_info)
    assert "broken" in record.getMessage()
    assert "event-" in record.getMessage()
    assert record.exc_info is not None
    assert record.exc_info[0] is kind


def test_a_failing_error_hook_is_logged_and_the_next_one_is_told(caplog: pytest.LogCaptureFixture) -> None:
    told: list[BaseException] = []

    def bad_hook(ctx: Any, error: BaseException) -> None:
        raise RuntimeError("hook")

    with running() as bot:
        bot.on()(lambda ctx, text: 1 / 0)
        bot.router.add("error", bad_hook)
        bot.router.add("error", lambda ctx, error: told.append(error))
        bot.offer()
        bot.drain()
    assert isinstance(told[0], ZeroDivisionError)
    assert "bad_hook" in caplog.text


def test_a_logging_handler_that_raises_does_not_stop_the_bot(capsys: pytest.CaptureFixture[str]) -> None:
    class Broken(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            raise OSError("disk full")

    logger, broken = logging.getLogger("qqbot_sync.dispatch"), Broken()
    logger.addHandler(broken)
    seen: list[str] = []
    try:
        with running(workers=1) as bot:

            @bot.on()
            def note(ctx: Ctx, text: str) -> None:
                seen.append(text)
                if text == "bad":
                    raise ValueError

            for text in ("bad", "good", "better"):
                bot.offer(text)
            bot.drain()
            assert bot.finished.texts == ["bad", "better", "good"]
    finally:
        logger.removeHandler(broken)
    assert seen == ["bad", "good", "better"]
    assert "disk full" in capsys.readouterr().err


def test_a_context_that_cannot_be_made_finishes_the_event(caplog: pytest.LogCaptureFixture) -> None:
    def context(event: Any) -> Any:
        raise ValueError("no context")

    told: list[Any] = []
    with running(context=context) as bot:
        bot.on()(lambda ctx, text: None)
        bot.router.add("error", lambda ctx, error: told.append((ctx, str(error))))
        bot.offer("hi")
        bot.drain()
        assert bot.finished.texts == ["hi"]
    assert told == [(None, "no context")]
    assert "no context" in caplog.text


def test_start_comes_once_and_ready_each_time() -> None:
    order: list[Any] = []

    def note(name: str) -> Any:
        return lambda ctx, second: order.append((name, second))

    with running() as bot:
        for kind in ("ready", "start", "resumed", "raw"):
            bot.router.add(kind, note(kind))  # type: ignore[arg-type]
        for name in ("READY", "READY", "RESUMED"):
            bot.offer("r", name=name, author="", place="", id="the same")
            bot.drain()
    raw = ("raw", {"t": "READY", "d": "r"})
    assert order[:3] == [raw, ("start", "r"), ("ready", "r")]
    assert order[3:] == [raw, ("ready", "r"), ("raw", {"t": "RESUMED", "d": "r"}), ("resumed", None)]


def test_start_gets_none_where_the_session_was_resumed() -> None:
    order: list[Any] = []
    with running() as bot:
        bot.router.add("start", lambda ctx, ready: order.append(ready))
        bot.offer("r", name="RESUMED", author="", place="")
        bot.drain()
        bot.offer("r", name="READY", author="", place="")
        bot.drain()
    assert order == [None]


def test_an_event_nobody_hears_is_finished_and_explained_once(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    with running() as bot:
        assert bot.offer("x", name="GUILD_CREATE") is Offer.UNHEARD
        assert not bot.dispatcher.hears("GUILD_CREATE")
        assert bot.offer("m") is Offer.UNHEARD
        assert bot.finished.texts == ["m", "x"]
        assert bot.counts.numbers["events_unheard"] == 3
    stubs = [record for record in caplog.records if "@client.on" in record.getMessage()]
    assert [record.levelname for record in stubs] == ["INFO", "WARNING"]
    assert '@client.on("GUILD_CREATE")\ndef guild_create(ctx, guild):' in stubs[0].getMessage()


@pytest.mark.parametrize("name", ["GROUP_AT_MESSAGE_CREATE", "MESSAGE_CREATE", "GUILD_CREATE", "NEW-EVENT", "123"])
def test_the_stub_for_an_unhandled_event_can_be_pasted(name: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    with running() as bot:
        bot.offer(name=name)
        stub = caplog.records[-1].getMessage().split("\n\n")[1]

        class Client:
            def on(self, event: str) -> Any:
                return bot.on(event)

            def on_message(self) -> Any:
                return lambda fn: bot.router.add("message", fn)

        exec(compile(stub, "stub", "exec"), {"client": Client()})
        assert bot.dispatcher.hears(name)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("AT_MESSAGE_CREATE", "MESSAGE_CREATE"),
        ("MESSAGE_CREATE", "AT_MESSAGE_CREATE"),
        ("GROUP_AT_MESSAGE_CREATE", "GROUP_MESSAGE_CREATE"),
        ("GROUP_MESSAGE_CREATE", "GROUP_AT_MESSAGE_CREATE"),
    ],
)
def test_the_second_copy_of_a_message_is_a_duplicate(first: str, second: str) -> None:
    got: list[str] = []
    with running() as bot:
        bot.router.add("message", lambda ctx, text: got.append(text))
        assert bot.offer("first", name=first, id="m1") is Offer.ACCEPTED
        assert bot.offer("second", name=second, id="m1") is Offer.DUPLICATE
        assert bot.offer("third", name=second, id="m2") is Offer.ACCEPTED
        bot.drain()
        assert bot.offer("again", name=first, id="m1") is Offer.DUPLICATE
        assert bot.finished.times == {"first": 1, "second": 1, "third": 1, "again": 1}
        assert bot.counts.numbers["events_deduplicated"] == 2
    assert sorted(got) == ["first", "third"]


def test_a_copy_that_nobody_hears_does_not_hide_the_other_one() -> None:
    got: list[str] = []
    with running() as bot:
        bot.on("AT_MESSAGE_CREATE")(lambda ctx, text: got.append(text))
        assert bot.offer("plain", name="MESSAGE_CREATE", id="m1") is Offer.UNHEARD
        assert bot.offer("at", name="AT_MESSAGE_CREATE", id="m1") is Offer.ACCEPTED
        bot.drain()
    assert got == ["at"]


def test_the_same_id_in_another_family_is_no_duplicate_and_no_id_means_no_dedupe() -> None:
    with running() as bot:
        bot.router.add("raw", lambda ctx, frame: None)
        assert bot.offer("a", name="C2C_MESSAGE_CREATE", id="m") is Offer.ACCEPTED
        assert bot.offer("b", name="GROUP_AT_MESSAGE_CREATE", id="m") is Offer.ACCEPTED
        for text in ("c", "d"):
            assert bot.offer(text, name="NEW_EVENT", id=None) is Offer.ACCEPTED
        bot.drain()


def test_what_was_not_begun_at_the_stop_is_not_finished_and_may_come_again() -> None:
    gate, claims = Gate(), Claims()
    bot = Bot(workers=1, claims=claims)
    bot.dispatcher.start()
    bot.on()(lambda ctx, text: gate.pass_through(text))
    events = [an_event(text, done=bot.finished) for text in ("runs", "waits", "waits too")]
    for event in events:
        bot.dispatcher.offer(event)
    gate.wait_for_visitors(1)
    assert not bot.dispatcher.drain(0)
    assert bot.dispatcher.stop() == 2
    assert bot.dispatcher.stop() == 0
    gate.open()
    eventually(lambda: bot.finished.texts == ["runs"], what="the running handler ends")
    assert bot.dispatcher.offer(events[1]) is Offer.REFUSED

    again = Dispatcher(bot.router, context=Ctx, clock=bot.dispatcher._clock, claims=claims)
    again.start()
    assert [again.offer(event) for event in events] == [Offer.DUPLICATE, Offer.ACCEPTED, Offer.ACCEPTED]
    assert again.drain(PATIENCE)
    again.stop()
    assert bot.finished.times == {"runs": 1, "waits": 1, "waits too": 1}


def test_a_dispatcher_runs_once() -> None:
    with running() as bot, pytest.raises(RuntimeError, match="once"):
        bot.dispatcher.start()


def test_a_handler_cannot_wait_for_the_handlers() -> None:
    errors: list[BaseException] = []
    with running() as bot:
        bot.on()(lambda ctx, text: bot.dispatcher.drain(1))
        bot.router.add("error", lambda ctx, error: errors.append(error))
        bot.offer()
        bot.drain()
    assert isinstance(errors[0], RuntimeError)


def test_a_handler_may_stop_the_dispatcher() -> None:
    stopped = threading.Event()
    with running() as bot:

        @bot.on()
        def stop(ctx: Ctx, text: str) -> None:
            assert bot.dispatcher.in_worker()
            bot.dispatcher.stop()
            stopped.set()

        assert not bot.dispatcher.in_worker()
        bot.offer()
        assert stopped.wait(PATIENCE)


def test_what_every_worker_does_can_be_told() -> None:
    clock, gate = FakeClock(), Gate()
    with running(clock=clock, workers=1) as bot:

        @bot.on()
        def hanging(ctx: Ctx, text: str) -> None:
            gate.pass_through()

        bot.offer("one", at=clock.now())
        gate.wait_for_visitors(1)
        bot.offer("two", at=clock.now())
        clock.advance(7)
        (doing,) = bot.dispatcher.doing()
        assert doing.handler.endswith("hanging")
        assert (doing.event, doing.seconds, doing.is_waiting) == (GROUP, 7.0, False)
        assert doing.event_id is not None
        stacks = bot.dispatcher.stacks()
        assert "pass_through" in stacks
        assert doing.event_id in stacks
        assert (bot.dispatcher.depth(), bot.dispatcher.age()) == (1, 7.0)
        gate.open()
        bot.drain()
        assert (bot.dispatcher.depth(), bot.dispatcher.age(), bot.dispatcher.doing()) == (0, 0.0, [])


def test_a_handler_registered_while_running_gets_the_next_event() -> None:
    got: list[str] = []
    with running() as bot:
        assert bot.offer("early") is Offer.UNHEARD
        bot.on()(lambda ctx, text: got.append(text))
        assert bot.offer("late") is Offer.ACCEPTED
        bot.drain()
    assert got == ["late"]


@pytest.mark.parametrize(
    ("setting", "value", "error"),
    [
        ("workers", 0, ValueError),
        ("workers", True, TypeError),
        ("max_waiting", -1, ValueError),
        ("queue_size", 0, ValueError),
        ("queue_size", 1.5, TypeError),
        ("overflow", "drop", ValueError),
        ("ordering", "user", ValueError),
    ],
)
def test_a_setting_out_of_range_is_refused_by_name(setting: str, value: object, error: type[Exception]) -> None:
    with pytest.raises(error, match=setting):
        Dispatcher(Router(), context=Ctx, clock=FakeClock(), **{setting: value})  # type: ignore[arg-type]


def test_of_quick_handlers_the_record_keeps_one_in_each_gap_and_of_slow_ones_all() -> None:
    clock, calls = FakeClock(), deque[Any]()
    with running(clock=clock, workers=1, calls=calls) as bot:

        @bot.on()
        def take(ctx: Ctx, text: str) -> None:
            clock.advance(float(text) * CALL_GAP)

        for text in ("0", "0", "0", "500", "2", "0", "0", "0.4", "0.4", "0.4", "0.4", "0.4", "0.4"):
            bot.offer(text)
        bot.drain()
    kept = [round((ended - began) / CALL_GAP, 1) for began, ended, *_ in calls]
    assert kept == [0.0, 500.0, 2.0, 0.4, 0.4]
