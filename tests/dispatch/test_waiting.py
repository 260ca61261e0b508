"""`wait_for`, `events` and `ask`: who waits, who gets the event, and what a waiting handler leaves to others."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from qqbot_sync.dispatch import Offer
from qqbot_sync.errors import ServerError, Stopped, TooManyWaiting
from tests.dispatch.support import GROUP, Bot, Ctx, Gate, running
from tests.support import PATIENCE, FakeClock, eventually


def ask(bot: Bot, ctx: Any, timeout: float = PATIENCE) -> str:
    """What `ctx.ask` does."""
    keys = ctx.raw_event.keys
    with bot.dispatcher.expect(keys.conversation, keys.author) as answer:
        return answer.wait(timeout).event


def in_thread(fn: Any) -> tuple[threading.Thread, list[Any]]:
    results: list[Any] = []

    def run() -> None:
        try:
            results.append(fn())
        except BaseException as error:
            results.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    return thread, results


def watching(bot: Bot, count: int = 1) -> None:
    eventually(lambda: len(bot.dispatcher._waiters._watches) >= count, what="somebody watches")


def test_wait_for_returns_the_context_and_handlers_see_the_event_too() -> None:
    handled: list[str] = []
    with running() as bot:
        bot.on()(lambda ctx, text: handled.append(text))
        thread, results = in_thread(lambda: bot.dispatcher.wait_for(GROUP, timeout=PATIENCE))
        watching(bot)
        bot.offer("other", name="GUILD_CREATE")
        bot.offer("hi")
        thread.join(PATIENCE)
        bot.drain()
        assert results[0].event == "hi"
        assert bot.finished.times["hi"] == 1
        assert not bot.dispatcher._waiters.busy
    assert handled == ["hi"]


def test_wait_for_needs_no_handler_and_finishes_what_it_saw() -> None:
    with running() as bot:
        assert not bot.dispatcher.hears(GROUP)
        thread, results = in_thread(lambda: bot.dispatcher.wait_for(GROUP, timeout=PATIENCE))
        watching(bot)
        assert bot.dispatcher.hears(GROUP)
        assert bot.offer("hi") is Offer.ACCEPTED
        thread.join(PATIENCE)
        assert results[0].event == "hi"
        bot.drain()
        assert bot.finished.times == {"hi": 1}


@pytest.mark.parametrize("arity", [1, 2])
def test_check_runs_in_the_callers_thread_and_chooses(arity: int) -> None:
    idents: set[int] = set()

    def check(ctx: Any) -> bool:
        idents.add(threading.get_ident())
        return bool(ctx.event == "yes")

    def check_both(ctx: Any, event: str) -> bool:
        return check(ctx) and event == "yes"

    with running() as bot:
        chosen: Any = check if arity == 1 else check_both
        thread, results = in_thread(lambda: bot.dispatcher.wait_for(GROUP, check=chosen, timeout=PATIENCE))
        watching(bot)
        for text in ("no", "maybe", "yes"):
            bot.offer(text)
        thread.join(PATIENCE)
        assert results[0].event == "yes"
    assert idents == {thread.ident}


def test_an_error_in_check_reaches_the_caller_and_nobody_else() -> None:
    with running() as bot:
        bot.on()(lambda ctx, text: None)
        thread, results = in_thread(lambda: bot.dispatcher.wait_for(GROUP, check=lambda ctx: 1 / 0))
        watching(bot)
        bot.offer()
        thread.join(PATIENCE)
        bot.drain()
        assert isinstance(results[0], ZeroDivisionError)
        assert not bot.dispatcher._waiters.busy


def test_wait_for_ends_with_timeout_error_after_the_whole_time() -> None:
    clock = FakeClock()
    with running(clock=clock) as bot:
        thread, results = in_thread(lambda: bot.dispatcher.wait_for(GROUP, check=lambda ctx: False, timeout=10))
        watching(bot)
        clock.advance(9)
        bot.offer()
        bot.drain()
        clock.advance(2)
        thread.join(PATIENCE)
        assert isinstance(results[0], TimeoutError)
        assert "10 s" in str(results[0])


@pytest.mark.parametrize("bad", ["", 3, int, lambda: None])
def test_wait_for_refuses_what_is_no_event(bad: Any) -> None:
    with running() as bot, pytest.raises((TypeError, ValueError)):
        bot.dispatcher.wait_for(bad, timeout=0)


def test_wait_for_refuses_a_check_with_the_wrong_arguments() -> None:
    with running() as bot, pytest.raises(TypeError, match="ctx"):
        bot.dispatcher.wait_for(GROUP, check=lambda: True, timeout=0)


def test_the_stop_ends_every_wait_now_and_later() -> None:
    with running() as bot:
        first = in_thread(lambda: bot.dispatcher.wait_for(GROUP))
        second = in_thread(lambda: list(bot.dispatcher.watch(GROUP)))
        third = in_thread(lambda: bot.dispatcher.expect("group:g", "ann").wait())
        watching(bot, 2)
        eventually(lambda: bot.dispatcher._waiters._expected, what="somebody asks")
        bot.dispatcher.end_waiters()
        for thread, _ in (first, second, third):
            thread.join(PATIENCE)
        assert isinstance(first[1][0], Stopped)
        assert second[1] == [[]]
        assert isinstance(third[1][0], Stopped)
        with pytest.raises(Stopped):
            bot.dispatcher.wait_for(GROUP)


def test_a_fatal_error_ends_every_wait_with_that_error() -> None:
    error = ServerError("broken", status=500)
    with running() as bot:
        thread, results = in_thread(lambda: next(bot.dispatcher.watch(GROUP)))
        watching(bot)
        bot.dispatcher.end_waiters(error)
        thread.join(PATIENCE)
        assert results == [error]


def test_a_watch_made_before_the_start_sees_everything_and_hands_out_the_rest_at_the_end() -> None:
    bot = Bot()
    watch = bot.dispatcher.watch(GROUP)
    bot.dispatcher.start()
    for text in "abc":
        bot.offer(text)
    bot.drain()
    bot.dispatcher.stop()
    assert [ctx.event for ctx in watch] == ["a", "b", "c"]


def test_a_watch_drops_its_own_oldest_counts_and_never_holds_up_the_bot(caplog: pytest.LogCaptureFixture) -> None:
    with running() as bot, bot.dispatcher.watch(GROUP, limit=3) as watch:
        handled: list[str] = []
        bot.on()(lambda ctx, text: handled.append(text))
        for number in range(10):
            bot.offer(str(number))
        bot.drain()
        assert len(handled) == 10
        assert watch.dropped == 7
        assert [watch.next(0).event for _ in range(3)] == ["7", "8", "9"]
        with pytest.raises(TimeoutError):
            watch.next(0)
    assert "7" in caplog.text


def test_a_watch_sees_one_copy_of_a_message_without_hiding_the_other_from_handlers() -> None:
    handled: list[str] = []
    with running() as bot, bot.dispatcher.watch("MESSAGE_CREATE", "AT_MESSAGE_CREATE") as watch:
        bot.on("AT_MESSAGE_CREATE")(lambda ctx, text: handled.append(text))
        bot.offer("plain", name="MESSAGE_CREATE", id="m")
        bot.offer("at", name="AT_MESSAGE_CREATE", id="m")
        bot.drain()
        assert watch.next(0).event == "plain"
        with pytest.raises(TimeoutError):
            watch.next(0)
    assert handled == ["at"]


def test_a_closed_watch_sees_nothing_and_iterating_ends() -> None:
    with running() as bot:
        watch = bot.dispatcher.watch()
        bot.offer("one")
        bot.drain()
        watch.close()
        watch.close()
        assert not bot.dispatcher.hears(GROUP)
        assert [ctx.event for ctx in watch] == ["one"]


def test_the_answer_goes_to_the_asker_and_to_no_handler() -> None:
    handled: list[str] = []
    answers: list[str] = []
    finished_too_early: list[str] = []
    waits = Gate()
    with running() as bot:

        @bot.on()
        def talk(ctx: Ctx, text: str) -> None:
            handled.append(text)
            if text == "start":
                keys = ctx.raw_event.keys
                with bot.dispatcher.expect(keys.conversation, keys.author) as answer:
                    waits.came.append("asks")
                    waits.open()
                    answers.append(answer.wait(PATIENCE).event)
                finished_too_early.extend(bot.finished.texts)

        bot.offer("start")
        waits.pass_through()
        assert bot.offer("answer") is Offer.ACCEPTED
        bot.drain()
        assert finished_too_early == [], "an answer is handled when the asking handler ends"
        bot.offer("other", author="bob")
        bot.offer("elsewhere", place="group:h")
        bot.drain()
        assert bot.finished.times == {"start": 1, "other": 1, "elsewhere": 1, "answer": 1}
        bot.offer("next")
        bot.drain()
    assert answers == ["answer"]
    assert sorted(handled) == ["elsewhere", "next", "other", "start"]


def test_an_answer_needs_no_handler_for_its_event() -> None:
    with running() as bot:
        expectation = bot.dispatcher.expect("group:g", "ann")
        assert bot.dispatcher.hears(GROUP)
        assert bot.offer("from bob", author="bob") is Offer.UNHEARD
        assert bot.offer("answer") is Offer.ACCEPTED
        assert expectation.wait(PATIENCE).event == "answer"
        expectation.close()
        bot.drain()
        assert bot.finished.times == {"from bob": 1, "answer": 1}


def test_only_messages_are_answers() -> None:
    with running() as bot, bot.dispatcher.expect("group:g", "ann") as expectation:
        bot.on("INTERACTION_CREATE")(lambda ctx, text: None)
        bot.offer("pressed", name="INTERACTION_CREATE")
        bot.drain()
        with pytest.raises(TimeoutError):
            expectation.wait(0)


def test_what_arrived_before_the_question_is_no_answer() -> None:
    clock = FakeClock()
    handled: list[str] = []
    with running(clock=clock) as bot:
        bot.on()(lambda ctx, text: handled.append(text))
        before = clock.now()
        clock.advance(1)
        with bot.dispatcher.expect("group:g", "ann") as expectation:
            bot.offer("early", at=before)
            bot.offer("answer", at=clock.now())
            assert expectation.wait(PATIENCE).event == "answer"
        bot.drain()
    assert handled == ["early"]


def test_two_who_ask_the_same_person_get_one_answer_each_in_order() -> None:
    with (
        running() as bot,
        bot.dispatcher.expect("group:g", "ann") as one,
        bot.dispatcher.expect("group:g", "ann") as other,
    ):
        bot.offer("first")
        bot.offer("second")
        assert (one.wait(PATIENCE).event, other.wait(PATIENCE).event) == ("first", "second")


def test_an_answer_that_nobody_fetched_goes_to_the_handlers() -> None:
    handled: list[str] = []
    with running() as bot:
        bot.on()(lambda ctx, text: handled.append(text))
        with bot.dispatcher.expect("group:g", "ann"):
            bot.offer("answer")
            eventually(lambda: not bot.dispatcher._waiters._expected, what="the answer is taken")
        bot.drain()
        assert bot.finished.times == {"answer": 1}
    assert handled == ["answer"]


def test_asking_nobody_is_an_error() -> None:
    with running() as bot, pytest.raises(ValueError, match="author"):
        bot.dispatcher.expect("group:g", "")


def test_200_handlers_that_ask_on_4_workers_do_not_stop_other_events() -> None:
    answers: list[str] = []
    others: list[str] = []
    with running(workers=4, queue_size=50) as bot:

        @bot.on()
        def talk(ctx: Ctx, text: str) -> None:
            if text.startswith("ask"):
                answers.append(ask(bot, ctx))
            else:
                others.append(text)

        for number in range(200):
            bot.offer(f"ask {number}", author=f"asker {number}")
        eventually(lambda: bot.dispatcher._backlog.waiting == 200, what="all 200 wait")
        for number in range(100):
            bot.offer(str(number), author=f"other {number}")
        eventually(lambda: len(others) == 100, what="the others are handled meanwhile")
        assert len([doing for doing in bot.dispatcher.doing() if doing.is_waiting]) == 200
        for number in range(200):
            bot.offer(f"answer {number}", author=f"asker {number}")
        bot.drain()
        assert set(bot.finished.times.values()) == {1}
        assert len(bot.finished.times) == 500
    assert sorted(answers) == sorted(f"answer {number}" for number in range(200))
    pool = [thread for thread in threading.enumerate() if thread.name.startswith("qqbot-worker")]
    assert not pool


def test_a_waiting_handler_leaves_its_worker_and_its_lane_to_others() -> None:
    seen: list[str] = []
    with running(workers=1) as bot:

        @bot.on()
        def talk(ctx: Ctx, text: str) -> None:
            if text == "wait":
                seen.append(bot.dispatcher.wait_for(GROUP, check=lambda ctx: ctx.event == "go").event)
            else:
                seen.append(text)

        bot.offer("wait")
        watching(bot)
        bot.offer("same author")
        bot.offer("other author", author="bob")
        eventually(lambda: len(seen) == 2, what="both are handled while one waits")
        bot.offer("go")
        bot.drain()
    assert sorted(seen) == ["go", "go", "other author", "same author"]


def test_who_wakes_goes_on_at_once_and_its_task_retires_when_that_was_one_too_many() -> None:
    gate, finish = Gate(), Gate()
    with running(workers=1) as bot:

        @bot.on()
        def talk(ctx: Ctx, text: str) -> None:
            if text == "ask":
                ask(bot, ctx)
                finish.pass_through(text)
            elif text == "busy":
                gate.pass_through(text)
            else:
                gate.came.append(text)

        bot.offer("ask", author="asker")
        eventually(lambda: bot.dispatcher._backlog.waiting == 1, what="one asks")
        bot.offer("busy", author="busy")
        gate.wait_for_visitors(1)
        for number in range(5):
            bot.offer(f"later {number}", author="later")
        bot.offer("answer", author="asker")
        finish.wait_for_visitors(1)
        assert bot.dispatcher._backlog.running == 2, "it does not wait for a permit"
        finish.open()
        eventually(lambda: bot.dispatcher._backlog.running == 1, what="one too many retires")
        assert gate.came == ["busy"], "and begins nothing more"
        gate.open()
        bot.drain()
        assert bot.dispatcher._backlog.running == 0
        assert gate.came == ["busy", *(f"later {number}" for number in range(5))]


def test_too_many_waiting_is_raised_before_the_question_and_the_slot_comes_back() -> None:
    errors: list[str] = []
    sent: list[str] = []
    with running(workers=4, max_waiting=2) as bot:

        @bot.on()
        def talk(ctx: Ctx, text: str) -> None:
            keys = ctx.raw_event.keys
            try:
                with bot.dispatcher.expect(keys.conversation, keys.author) as answer:
                    sent.append(text)
                    answer.wait(PATIENCE)
            except TooManyWaiting:
                errors.append("expect")
            if text == "c":
                try:
                    bot.dispatcher.wait_for(GROUP)
                except TooManyWaiting:
                    errors.append("wait_for")

        for text in "ab":
            bot.offer(text, author=text)
        eventually(lambda: bot.dispatcher._backlog.waiting == 2, what="two wait")
        bot.offer("c", author="c")
        eventually(lambda: len(errors) == 2, what="the third is refused")
        for text in "ab":
            bot.offer("answer", author=text)
        bot.drain()
        assert bot.dispatcher._backlog._permits.slots == 0
    assert errors == ["expect", "wait_for"]
    assert sorted(sent) == ["a", "b"]


def test_a_question_that_fails_gives_its_slot_back() -> None:
    with running(max_waiting=1) as bot:

        @bot.on()
        def talk(ctx: Ctx, text: str) -> None:
            keys = ctx.raw_event.keys
            with bot.dispatcher.expect(keys.conversation, keys.author):
                raise OSError("could not send")

        for number in range(3):
            bot.offer(str(number))
        bot.drain()
        assert bot.dispatcher._backlog._permits.slots == 0
        assert bot.counts.numbers["events_failed"] == 3


def test_a_check_may_wait_itself() -> None:
    got: list[str] = []
    with running(workers=1, max_waiting=1) as bot:

        def check(ctx: Any) -> bool:
            got.append(bot.dispatcher.wait_for("C2C_MESSAGE_CREATE", timeout=PATIENCE).event)
            return True

        @bot.on()
        def talk(ctx: Ctx, text: str) -> None:
            if text == "start":
                got.append(bot.dispatcher.wait_for(GROUP, check=check, timeout=PATIENCE).event)

        bot.offer("start")
        watching(bot)
        bot.offer("outer")
        watching(bot, 2)
        bot.offer("inner", name="C2C_MESSAGE_CREATE")
        bot.drain()
        assert bot.dispatcher._backlog._permits.slots == bot.dispatcher._backlog.waiting == 0
    assert got == ["inner", "outer"]


@pytest.mark.parametrize("error", [None, ServerError("fatal", status=500)])
def test_the_end_interrupts_a_handler_that_asks_without_noise(
    error: BaseException | None, caplog: pytest.LogCaptureFixture
) -> None:
    raised: list[BaseException] = []
    told: list[BaseException] = []
    with running() as bot:

        @bot.on()
        def talk(ctx: Ctx, text: str) -> None:
            try:
                ask(bot, ctx)
            except BaseException as problem:
                raised.append(problem)
                raise

        bot.router.add("error", lambda ctx, problem: told.append(problem))
        bot.offer("start")
        eventually(lambda: bot.dispatcher._backlog.waiting == 1, what="it asks")
        bot.dispatcher.close_intake()
        bot.dispatcher.end_waiters(error)
        bot.drain()
        assert bot.finished.times == {"start": 1}
        assert bot.counts.numbers["events_failed"] == 0
    assert [type(problem) for problem in raised] == [Stopped if error is None else ServerError]
    assert not told
    assert not caplog.records
