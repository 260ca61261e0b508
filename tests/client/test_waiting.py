"""Blocking for events: in scripts, in notebooks, in handlers."""

from __future__ import annotations

import math
import queue
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from qqbot_sync import AlreadyRunning, Context, Simulator, Stopped, TooManyWaiting
from qqbot_sync.models import QQMessage
from tests.client.conftest import MakeClient
from tests.support import eventually


def test_wait_for_returns_the_context_and_handlers_see_the_event_too(qq: Simulator, make_client: MakeClient) -> None:
    client = make_client(qq)
    heard: list[str] = []
    client.on_message(lambda ctx, message: heard.append(message.content.strip()))
    client.start()
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(client.wait_for, QQMessage, lambda ctx: "二" in ctx.content, 10)
        eventually(lambda: client._dispatcher._waiters._watches)
        qq.say("小明", "group", "一")
        qq.say("小明", "group", "二")
        ctx = waiting.result(10)
    assert ctx.content.strip() == "二"
    eventually(lambda: heard == ["一", "二"])


def test_wait_for_times_out(qq: Simulator, make_client: MakeClient) -> None:
    client = make_client(qq)
    client.start()
    with pytest.raises(TimeoutError):
        client.wait_for("GUILD_CREATE", timeout=0.01)


def test_an_infinite_timeout_is_no_timeout(qq: Simulator, make_client: MakeClient) -> None:
    over = threading.Event()

    def talk() -> None:
        while not over.wait(0.01):
            qq.say("小明", "group", "hi", at_bot=False)

    talker = threading.Thread(target=talk)
    with make_client(qq) as client:
        watch = client.events("GROUP_MESSAGE_CREATE")
        talker.start()
        try:
            assert client.wait_for("GROUP_MESSAGE_CREATE", timeout=math.inf).event.content == "hi"
            assert watch.next(math.inf).event.content == "hi"
        finally:
            over.set()
            talker.join()


def test_wait_for_without_a_running_client_says_so(qq: Simulator, make_client: MakeClient) -> None:
    with pytest.raises(Stopped, match="start"):
        make_client(qq).wait_for("GUILD_CREATE", timeout=1)


def test_a_check_that_raises_raises_in_the_waiting_thread(qq: Simulator, make_client: MakeClient) -> None:
    client = make_client(qq)
    client.start()
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(client.wait_for, "GROUP_AT_MESSAGE_CREATE", lambda ctx: 1 / 0, 10)
        eventually(lambda: client._dispatcher._waiters._watches)
        qq.say("小明", "group", "x")
        with pytest.raises(ZeroDivisionError):
            waiting.result(10)


def test_events_asked_for_before_a_start_outlive_one_that_fails(qq: Simulator, make_client: MakeClient) -> None:
    """The bot may be running elsewhere just now; whoever iterates must not wait for ever behind the second start."""
    other, client = make_client(qq), make_client(qq)
    other.start()
    events = client.events("GROUP_AT_MESSAGE_CREATE")
    with pytest.raises(AlreadyRunning):
        client.start()
    other.stop()
    client.start()
    qq.say("小明", "group", "hi")
    assert next(iter(events)).content.strip() == "hi"


def test_events_iterates_until_the_stop(qq: Simulator, make_client: MakeClient) -> None:
    client = make_client(qq)
    client.start()
    seen: queue.Queue[str | None] = queue.Queue()
    events = client.events("GROUP_AT_MESSAGE_CREATE")

    def read() -> None:
        for ctx in events:
            seen.put(ctx.content.strip())
        seen.put(None)

    reader = threading.Thread(target=read)
    for text in ("before", "the first", "next"):
        qq.say("小明", "group", text)
    reader.start()
    assert [seen.get(timeout=10) for _ in range(3)] == ["before", "the first", "next"]
    client.stop()
    assert seen.get(timeout=10) is None
    reader.join(10)


def test_ask_takes_the_answer_away_from_the_handlers(qq: Simulator, make_client: MakeClient) -> None:
    client = make_client(qq)
    began: list[str] = []

    @client.on_message()
    def greet(ctx: Context, message: Any) -> None:
        began.append(message.content.strip())
        answer = ctx.ask("叫什么名字?", timeout=20)
        answer.reply(f"你好,{answer.content.strip()}")

    client.start()
    first = qq.say("小明", "group", "hi")
    assert [answer.content for answer in first.replies()] == ["叫什么名字?"]
    second = qq.say("小明", "group", "明明")
    assert [answer.content for answer in second.replies()] == ["你好,明明"]
    assert began == ["hi"]


def test_ask_hears_only_the_same_person_in_the_same_place(qq: Simulator, make_client: MakeClient) -> None:
    client = make_client(qq)
    answers: queue.Queue[str] = queue.Queue()
    others: queue.Queue[str] = queue.Queue()

    @client.on_message(where=lambda message: "问" in message.content)
    def asks(ctx: Context, message: Any) -> None:
        answers.put(ctx.ask("?", timeout=20).content.strip())

    @client.on_message(where=lambda message: "问" not in message.content)
    def hears(ctx: Context, message: Any) -> None:
        others.put(message.content.strip())

    client.start()
    qq.say("小明", "group", "问").replies()
    qq.say("阿雅", "group", "not me")
    qq.say("小明", "c2c", "not here")
    qq.say("小明", "group", "me")
    assert answers.get(timeout=10) == "me"
    assert {others.get(timeout=10), others.get(timeout=10)} == {"not me", "not here"}


def test_two_hundred_asking_handlers_on_four_workers_stop_nobody(qq: Simulator, make_client: MakeClient) -> None:
    client = make_client(qq, workers=4, max_waiting=200)
    asking = threading.Semaphore(0)
    answered = threading.Semaphore(0)

    @client.on_message(startswith="ask")
    def asks(ctx: Context, message: Any) -> None:
        asking.release()
        ctx.ask(None, timeout=30)
        answered.release()

    @client.on_message(startswith="ping")
    def pong(ctx: Context, message: Any) -> None:
        ctx.reply("pong")

    client.start()
    for number in range(200):
        qq.say(f"p{number}", "group", "ask")
    for _ in range(200):
        assert asking.acquire(timeout=20)
    assert [answer.content for answer in qq.say("other", "group", "ping").replies()] == ["pong"]
    for number in range(200):
        qq.say(f"p{number}", "group", "answer")
    for _ in range(200):
        assert answered.acquire(timeout=20)


def test_one_too_many_waiting_is_told_so(qq: Simulator, make_client: MakeClient) -> None:
    client = make_client(qq, workers=2, max_waiting=1)
    outcome: queue.Queue[Any] = queue.Queue()

    @client.on_message()
    def asks(ctx: Context, message: Any) -> None:
        try:
            outcome.put(ctx.ask("?", timeout=30).content.strip())
        except TooManyWaiting as error:
            outcome.put(error)

    client.start()
    qq.say("a", "group", "1").replies()
    qq.say("b", "group", "2")
    assert isinstance(outcome.get(timeout=10), TooManyWaiting)
    qq.say("a", "group", "answer")
    assert outcome.get(timeout=10) == "answer"


def test_a_stop_ends_every_ask(qq: Simulator, make_client: MakeClient) -> None:
    client = make_client(qq)
    ended: queue.Queue[BaseException] = queue.Queue()

    @client.on_message()
    def asks(ctx: Context, message: Any) -> None:
        try:
            ctx.ask("?", timeout=60)
        except Stopped as error:
            ended.put(error)

    client.start()
    qq.say("a", "group", "1").replies()
    client.stop()
    assert isinstance(ended.get(timeout=10), Stopped)


def test_handlers_run_on_the_pool_in_parallel_for_two_and_never_for_one(qq: Simulator, make_client: MakeClient) -> None:
    """The default client: real threads of a real ThreadPoolExecutor."""
    client = make_client(qq)
    assert isinstance(client._dispatcher._workers._executor, ThreadPoolExecutor)
    both = threading.Barrier(2, timeout=10)
    lock, inside, most, threads = threading.Lock(), 0, 0, set()
    done = threading.Semaphore(0)

    @client.on_message(startswith="meet")
    def meet(ctx: Context, message: Any) -> None:
        threads.add(threading.current_thread().name)
        both.wait()
        done.release()

    @client.on_message(startswith="alone")
    def alone(ctx: Context, message: Any) -> None:
        nonlocal inside, most
        with lock:
            inside += 1
            most = max(most, inside)
        threading.Event().wait(0.001)
        with lock:
            inside -= 1
        done.release()

    client.start()
    qq.say("a", "group", "meet")
    qq.say("b", "group", "meet")
    assert done.acquire(timeout=10)
    assert done.acquire(timeout=10)
    assert all(name.startswith("qqbot-worker") for name in threads)
    assert len(threads) == 2
    for _ in range(50):
        qq.say("a", "group", "alone")
    for _ in range(50):
        assert done.acquire(timeout=10)
    assert most == 1
