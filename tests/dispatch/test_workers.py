"""Executors: our pool, the caller's, and what happens when one takes no more tasks."""

from __future__ import annotations

import threading
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from typing import Any

import pytest

from qqbot_sync.dispatch import Dispatcher, Offer, Router
from qqbot_sync.errors import Stopped
from tests.dispatch.support import GROUP, Bot, Ctx, Gate, running
from tests.support import PATIENCE, FakeClock, eventually


@pytest.mark.parametrize("threads", [1, 4])
def test_a_foreign_executor_runs_the_handlers_and_is_never_shut_down(threads: int) -> None:
    with ThreadPoolExecutor(threads, thread_name_prefix="mine") as executor:
        names: set[str] = set()
        with running(executor=executor) as bot:
            bot.on()(lambda ctx, text: names.add(threading.current_thread().name))
            for number in range(500):
                bot.offer(str(number), author=str(number % 7))
            bot.drain()
            assert len(bot.finished.times) == 500
        assert all(name.startswith("mine") for name in names)
        assert executor.submit(int, "7").result(PATIENCE) == 7


def test_on_a_foreign_executor_of_one_thread_an_ask_is_answered() -> None:
    answers: list[str] = []
    with ThreadPoolExecutor(1) as executor, running(executor=executor) as bot:

        @bot.on()
        def talk(ctx: Ctx, text: str) -> None:
            if text == "ask":
                with bot.dispatcher.expect("group:g", "ann") as answer:
                    answers.append(answer.wait(PATIENCE).event)

        bot.offer("ask")
        eventually(lambda: bot.dispatcher._backlog.waiting == 1, what="it asks")
        bot.offer("other", author="bob")
        bot.offer("answer")
        bot.drain()
    assert answers == ["answer"]


def test_a_foreign_executor_shared_with_other_work_is_given_back_between_tasks() -> None:
    gate, order = Gate(), []
    with ThreadPoolExecutor(1) as executor, running(executor=executor, clock=FakeClock()) as bot:

        @bot.on()
        def note(ctx: Ctx, text: str) -> None:
            if text == "first":
                gate.pass_through()
            order.append(text)

        bot.offer("first")
        gate.wait_for_visitors(1)
        for _ in range(200):
            bot.offer("more")
        eventually(lambda: not bot.dispatcher._backlog._intake, what="all are in their lanes")
        executor.submit(order.append, "theirs")
        gate.open()
        bot.drain()
    assert order.index("theirs") == 64


class InterpreterPoolExecutor(ThreadPoolExecutor):
    """Python 3.14 has one, which is a ThreadPoolExecutor."""


@pytest.mark.parametrize("kind", [ProcessPoolExecutor, InterpreterPoolExecutor])
def test_an_executor_that_needs_pickling_is_refused(kind: Any) -> None:
    with kind(1) as executor, pytest.raises(TypeError, match="ThreadPoolExecutor"):
        Dispatcher(Router(), context=Ctx, clock=FakeClock(), executor=executor)


def test_what_is_no_executor_is_refused() -> None:
    with pytest.raises(TypeError, match="executor"):
        Dispatcher(Router(), context=Ctx, clock=FakeClock(), executor=4)  # type: ignore[arg-type]


def test_a_foreign_executor_that_refuses_is_a_loud_error(caplog: pytest.LogCaptureFixture) -> None:
    executor = ThreadPoolExecutor(1)
    with running(executor=executor) as bot:
        bot.on()(lambda ctx, text: None)
        bot.offer("one")
        bot.drain()
        executor.shutdown()
        watch = bot.dispatcher.watch(GROUP)
        bot.offer("two")
        eventually(lambda: bot.closings, what="the refusal is told")
        (error,) = bot.closings
        assert isinstance(error, RuntimeError)
        assert bot.offer("three") is Offer.REFUSED
        assert watch.next(PATIENCE).event == "two"
        with pytest.raises(RuntimeError):
            watch.next(PATIENCE)
        assert bot.dispatcher.stop() == 1
    assert "CRITICAL" in {record.levelname for record in caplog.records}
    assert bot.finished.texts == ["one"]


class Scripted(Executor):
    """Runs tasks on threads of its own, unless the script says otherwise for this submit."""

    def __init__(self, *script: Any) -> None:
        self.script = list(script)
        self.futures: list[Future[Any]] = []
        self.pool = ThreadPoolExecutor(4)

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        step = self.script.pop(0) if self.script else "run"
        if step == "cancel":
            future: Future[Any] = Future()
            future.cancel()
            future.set_running_or_notify_cancel()
            self.futures.append(future)
            return future
        if isinstance(step, BaseException):
            raise step
        return self.pool.submit(fn, *args, **kwargs)


@pytest.mark.parametrize("step", ["cancel", ValueError("cannot"), RuntimeError("cannot schedule new futures")])
def test_a_task_that_a_foreign_executor_loses_is_not_lost_in_silence(step: Any) -> None:
    executor = Scripted(step)
    with executor.pool, running(executor=executor) as bot:
        bot.on()(lambda ctx, text: None)
        bot.offer("one")
        eventually(lambda: bot.closings, what="the loss is told")
        assert isinstance(bot.closings[0], BaseException)
        assert bot.dispatcher._backlog.running == 0
        bot.dispatcher.stop()


def test_when_threads_run_out_events_wait_and_it_is_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    clock = FakeClock()
    with running(clock=clock) as bot:
        real, refusals = bot.dispatcher._workers._executor.submit, 3

        def submit(*args: Any) -> Any:
            nonlocal refusals
            if refusals:
                refusals -= 1
                raise RuntimeError("can't start new thread")
            return real(*args)

        bot.dispatcher._workers._executor.submit = submit  # type: ignore[method-assign]
        bot.on()(lambda ctx, text: None)
        bot.offer("one")
        while refusals:
            clock.advance(1)
            threading.Event().wait(0.01)
        eventually(lambda: clock.advance(1) or bot.finished.texts == ["one"], what="it is handled in the end")
        assert not bot.closings
        assert bot.offer("two") is Offer.ACCEPTED
        bot.drain()
    assert len([record for record in caplog.records if "thread" in record.getMessage()]) == 1


def test_a_refused_successor_closes_the_intake_and_the_task_finishes_the_backlog_within_the_grace() -> None:
    clock, gate = FakeClock(), Gate()
    with running(clock=clock, workers=1, grace=10) as bot:
        handled: list[str] = []

        @bot.on()
        def note(ctx: Ctx, text: str) -> None:
            if text == "0":
                gate.pass_through()
            handled.append(text)
            if text == "199":
                clock.advance(11)

        for number in range(300):
            bot.offer(str(number))
        gate.wait_for_visitors(1)
        eventually(lambda: not bot.dispatcher._backlog._intake, what="all are in their lanes")

        def refuse(*args: Any) -> Any:
            raise RuntimeError("cannot schedule new futures after interpreter shutdown")

        bot.dispatcher._workers._executor.submit = refuse  # type: ignore[method-assign]
        watch = bot.dispatcher.watch("GUILD_CREATE")
        gate.open()
        eventually(lambda: bot.dispatcher._backlog.running == 0, what="the task ends")
        assert handled == [str(number) for number in range(200)], "all but what would begin after the grace"
        assert bot.closings == [None]
        assert bot.offer("late") is Offer.REFUSED
        with pytest.raises(Stopped):
            watch.next(PATIENCE)
        assert bot.dispatcher.stop() == 100


def test_the_watchdog_notices_a_refusing_executor_while_a_handler_waits() -> None:
    clock = FakeClock()
    errors: list[BaseException] = []
    with running(clock=clock) as bot:

        @bot.on()
        def talk(ctx: Ctx, text: str) -> None:
            try:
                bot.dispatcher.wait_for("C2C_MESSAGE_CREATE")
            except BaseException as error:
                errors.append(error)
                raise

        bot.offer()
        eventually(lambda: bot.dispatcher._backlog.waits_alone(), what="it waits, and no task runs")
        clock.advance(1)
        threading.Event().wait(0.05)
        assert not bot.closings

        def refuse(*args: Any) -> Any:
            raise RuntimeError("cannot schedule new futures after interpreter shutdown")

        bot.dispatcher._workers._executor.submit = refuse  # type: ignore[method-assign]
        eventually(lambda: clock.advance(1) or errors, what="the wait ends")
        assert isinstance(errors[0], Stopped)
        assert bot.closings == [None]


def test_no_thread_is_left_and_none_was_there_before_the_start() -> None:
    before = set(threading.enumerate())
    bot = Bot()
    assert set(threading.enumerate()) == before
    bot.dispatcher.start()
    assert bot.dispatcher.is_running
    bot.on()(lambda ctx, text: None)
    bot.offer()
    bot.drain()
    bot.dispatcher.stop()
    assert not bot.dispatcher.is_running
    assert set(threading.enumerate()) == before


def test_an_internal_thread_that_dies_is_a_loud_error(caplog: pytest.LogCaptureFixture) -> None:
    bot = Bot()
    bot.dispatcher._backlog.sort = lambda: 1 / 0  # type: ignore[method-assign,assignment,return-value]
    bot.dispatcher.start()
    eventually(lambda: bot.closings and not bot.dispatcher.is_running, what="the death is told")
    assert isinstance(bot.closings[0], ZeroDivisionError)
    assert bot.offer() is Offer.REFUSED
    assert "CRITICAL" in {record.levelname for record in caplog.records}
    bot.dispatcher.stop()
