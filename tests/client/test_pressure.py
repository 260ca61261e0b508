"""Floods, slow handlers, handlers that hang: nothing is lost in silence, and people are told."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

import pytest

from qqbot_sync import BotClient, Context, HeartbeatConfig, MemoryStore, Simulator
from qqbot_sync.client.keeping import BLOCK
from qqbot_sync.store import Done, Record
from tests.client.clocks import LaterClock
from tests.client.conftest import MakeClient
from tests.client.memory import Held
from tests.support import eventually


def test_block_loses_nothing_and_keeps_the_heartbeat(qq: Simulator, make_client: MakeClient) -> None:
    """The reader waits behind a full queue for many intervals; the link lives, and every event is handled in order."""
    client = make_client(qq, workers=1, queue_size=2, heartbeat=HeartbeatConfig(interval=0.1))
    go_on = threading.Event()
    handled: list[int] = []

    @client.on_message()
    def slow(ctx: Context, message: Any) -> None:
        go_on.wait(20)
        handled.append(int(message.content))

    client.start()
    for number in range(50):
        qq.say("小明", "group", str(number))
    beats = [entry for entry in qq.log if entry["kind"] == "heartbeat"]
    eventually(lambda: len([entry for entry in qq.log if entry["kind"] == "heartbeat"]) > len(beats) + 10)
    assert client.metrics.reconnection_count == 0
    go_on.set()
    eventually(lambda: len(handled) == 50)
    assert handled == list(range(50))


class SlowStore(MemoryStore):
    """Lets the reader wait at its commit number `at`: the first is that of READY, the second the next block's."""

    def __init__(self, at: int) -> None:
        super().__init__()
        self._left = at
        self.entered, self.go_on = threading.Event(), threading.Event()

    def commit(self, key: str, record: Record, done: Sequence[Done]) -> None:
        if threading.current_thread().name.startswith("qqbot-reader"):
            self._left -= 1
            if self._left == 0:
                self.entered.set()
                self.go_on.wait(20)
        super().commit(key, record, done)


@pytest.mark.parametrize("at", [1, 2], ids=["at READY", "at a new block"])
def test_a_slow_store_is_no_missed_heartbeat(qq: Simulator, make_client: MakeClient, at: int) -> None:
    """While the reader waits for it, no ACK can be read."""
    store = SlowStore(at)
    client = make_client(qq, store=store, heartbeat=HeartbeatConfig(interval=0.1))
    handled: list[int] = []

    @client.on_message()
    def note(ctx: Context, message: Any) -> None:
        handled.append(int(message.content))

    starting = threading.Thread(target=client.start)
    starting.start()
    if at == 2:
        starting.join(10)
        for number in range(BLOCK + 1):
            qq.say(f"author {number}", "group", str(number))
    assert store.entered.wait(10)
    beats = [entry for entry in qq.log if entry["kind"] == "heartbeat"]
    eventually(lambda: len([entry for entry in qq.log if entry["kind"] == "heartbeat"]) > len(beats) + 5)
    assert client.metrics.reconnection_count == 0
    store.go_on.set()
    starting.join(10)
    qq.say("小明", "group", "1000")
    eventually(lambda: 1000 in handled)
    assert len(handled) == (1 if at == 1 else BLOCK + 2)
    assert len([entry for entry in qq.log if entry["kind"] == "identified"]) == 1


@pytest.mark.parametrize(("overflow", "kept"), [("drop_oldest", range(7, 10)), ("drop_newest", range(1, 4))])
def test_the_drop_policies_count_exactly(
    qq: Simulator, make_client: MakeClient, overflow: str, kept: range, caplog: pytest.LogCaptureFixture
) -> None:
    client = make_client(qq, workers=1, queue_size=3, overflow=overflow)
    slow = Held(client)
    client.start()
    qq.say("小明", "group", "0")
    assert slow.begun.wait(10)
    for number in range(1, 10):
        qq.say("小明", "group", str(number))
    eventually(lambda: client.metrics.snapshot().events_dropped == 6)
    slow.go_on.set()
    eventually(lambda: len(slow.handled) == 4)
    assert slow.handled == ["0", *map(str, kept)]


def test_a_full_queue_is_warned_of_before_it_is_full(
    qq: Simulator, make_client: MakeClient, caplog: pytest.LogCaptureFixture
) -> None:
    client = make_client(qq, workers=1, queue_size=10)
    begun, go_on = threading.Event(), threading.Event()
    client.on_message(lambda ctx, message: (begun.set(), go_on.wait(20)))
    client.start()
    for number in range(10):
        qq.say("小明", "group", str(number))
    eventually(lambda: "of 10: handlers do not keep up" in caplog.text)
    go_on.set()


def test_a_handler_that_hangs_is_logged_with_its_stack_and_not_killed(
    qq: Simulator, make_client: MakeClient, caplog: pytest.LogCaptureFixture
) -> None:
    client = make_client(qq, slow_after=0.05)
    go_on = threading.Event()

    @client.on_message()
    def hangs(ctx: Context, message: Any) -> None:
        go_on.wait(20)
        ctx.reply("alive")

    client.start()
    said = qq.say("小明", "group", "hi")
    eventually(lambda: "has been running for" in caplog.text)
    assert "go_on.wait(20)" in caplog.text
    assert "hangs" in caplog.text
    (event,) = qq.entries(kinds=["said"])
    assert f"on GROUP_AT_MESSAGE_CREATE (event id {event['event_id']})" in caplog.text
    go_on.set()
    assert [answer.content for answer in said.replies()] == ["alive"]


def test_a_handler_that_waits_in_ask_does_not_hang(
    qq: Simulator, make_client: MakeClient, caplog: pytest.LogCaptureFixture
) -> None:
    clock = LaterClock()
    client = make_client(qq, clock=clock)
    done = threading.Event()

    @client.on_message()
    def asks(ctx: Context, message: Any) -> None:
        ctx.ask("?", timeout=2000)
        done.set()

    client.start()
    qq.say("小明", "group", "hi").replies()
    eventually(lambda: [one.is_waiting for one in client._dispatcher.doing()] == [True])
    clock.passed = 1000
    client._dispatcher._attention.look()
    qq.say("小明", "group", "answer")
    assert done.wait(10)
    assert "has been running" not in caplog.text


def test_max_age_drops_what_can_be_answered_no_more(qq: Simulator, make_client: MakeClient) -> None:
    clock = LaterClock()
    client = make_client(qq, workers=1, max_age="reply", clock=clock)
    begun, go_on = threading.Event(), threading.Event()
    handled: list[str] = []

    @client.on_message()
    def slow(ctx: Context, message: Any) -> None:
        handled.append(message.content)
        begun.set()
        go_on.wait(20)

    client.start()
    qq.say("小明", "group", "first")
    assert begun.wait(10)
    for number in range(5):
        qq.say("小明", "group", str(number))
    qq.say("小红", "c2c", "has an hour")
    eventually(lambda: client.queue_depth == 6)
    clock.passed = 301
    assert client.queue_age > 300
    go_on.set()
    eventually(lambda: client.metrics.snapshot().events_expired == 5)
    eventually(lambda: len(handled) == 2)
    assert handled == ["first", "has an hour"]


def test_one_persons_flood_behind_an_ask_does_not_stop_the_bot(qq: Simulator, make_client: MakeClient) -> None:
    """What came before the question is no answer: it waits in the lane of the handler that asks, and fills all room."""
    client = make_client(qq, workers=2, queue_size=20)
    begun, ask_now = threading.Event(), threading.Event()
    answers: list[str] = []
    noise: list[str] = []

    @client.on_message(startswith="ask")
    def asks(ctx: Context, message: Any) -> None:
        begun.set()
        ask_now.wait(20)
        answers.append(ctx.ask("?", timeout=30).content)

    @client.on_message(startswith="noise")
    def hear(ctx: Context, message: Any) -> None:
        noise.append(message.content)

    @client.on_message(startswith="ping")
    def pong(ctx: Context, message: Any) -> None:
        ctx.reply("pong")

    client.start()
    qq.say("flooder", "group", "ask")
    assert begun.wait(10)
    for number in range(20):
        qq.say("flooder", "group", f"noise {number}")
    eventually(lambda: client.queue_depth == 20)
    ping = qq.say("other", "group", "ping")
    eventually(lambda: client.metrics.events_received == 23, what="the reader stands before the full queue")
    ask_now.set()
    assert [answer.content for answer in ping.replies()] == ["pong"]
    eventually(lambda: noise == [f"noise {number}" for number in range(20)])
    assert answers == [], "it still waits"
    qq.say("flooder", "group", "the answer")
    eventually(lambda: answers == ["the answer"])


@pytest.mark.parametrize(("argument", "value"), [("max_age", 0), ("max_age", "window"), ("slow_after", 0)])
def test_bad_limits_are_refused(argument: str, value: Any) -> None:
    with pytest.raises((TypeError, ValueError), match=argument):
        BotClient("1", "s", **{argument: value})


def test_the_queue_is_visible(qq: Simulator, make_client: MakeClient) -> None:
    client = make_client(qq, workers=1)
    begun, go_on = threading.Event(), threading.Event()
    client.on_message(lambda ctx, message: (begun.set(), go_on.wait(20)))
    client.start()
    assert client.queue_depth == 0
    for number in range(4):
        qq.say("小明", "group", str(number))
    assert begun.wait(10)
    eventually(lambda: client.queue_depth == 3)
    eventually(lambda: client.queue_age > 0)
    go_on.set()
    eventually(lambda: client.queue_depth == 0)
