"""Connections break in every way there is: the bot comes back, and every message is answered once."""

from __future__ import annotations

import logging
import queue
import threading
import time
from typing import Any

import pytest

from qqbot_sync import (
    BotBanned,
    BotError,
    ConnectionState,
    Context,
    GatewayError,
    HeartbeatConfig,
    InvalidIntents,
    ReconnectConfig,
    Simulator,
    UnknownOpcode,
)
from qqbot_sync.simulator.frames import GARBAGE
from tests.client.conftest import MakeClient
from tests.support import eventually

QUICK = ReconnectConfig(initial_delay=0.01, max_delay=0.05)


def echoing(client: Any) -> Any:
    @client.on_message()
    def echo(ctx: Context, message: Any) -> None:
        ctx.reply(message.content.strip())

    return client


def answered_once(said: list[Any], texts: list[str]) -> None:
    for one, text in zip(said, texts, strict=True):
        assert [answer.content for answer in one.replies(timeout=15)] == [text]


@pytest.mark.parametrize("fault", ["drop", "reconnect", "close 4009", "close 4008", "close 4000", "close 1011"])
def test_messages_written_during_an_outage_are_answered(
    either_qq: Simulator, make_client: MakeClient, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("qqbot_sync.protocol.session.MAX_PAUSE", 0.05)
    client = echoing(make_client(either_qq, reconnect=QUICK))
    client.start()
    session = client.get_session_info()
    verb, *arguments = fault.split()
    texts = [str(number) for number in range(20)]
    said = [either_qq.say(f"p{n % 4}", "group", text) for n, text in enumerate(texts[:10])]
    getattr(either_qq, verb)(*map(int, arguments))
    said += [either_qq.say(f"p{n % 4}", "group", text) for n, text in enumerate(texts[10:])]
    answered_once(said, texts)
    after = client.get_session_info()
    assert session is not None
    assert after is not None
    assert session.session_id == after.session_id


def test_op_7_is_routine(qq: Simulator, make_client: MakeClient, caplog: pytest.LogCaptureFixture) -> None:
    """Resumed at once, at INFO, and a handler that runs notices nothing."""
    client = make_client(qq, reconnect=ReconnectConfig(initial_delay=60, max_delay=60))
    begun, go_on = threading.Event(), threading.Event()
    resumed = threading.Event()
    client.on_resumed(lambda ctx, nothing: resumed.set())

    @client.on_message()
    def slow(ctx: Context, message: Any) -> None:
        begun.set()
        go_on.wait(20)
        ctx.reply("fine")

    client.start()
    session = client.get_session_info()
    said = qq.say("小明", "group", "hi")
    assert begun.wait(10)
    with caplog.at_level(logging.DEBUG, "qqbot_sync"):
        qq.reconnect()
        assert resumed.wait(10), "no back-off"
    go_on.set()
    assert [answer.content for answer in said.replies()] == ["fine"]
    after = client.get_session_info()
    assert session is not None
    assert after is not None
    assert session.session_id == after.session_id
    assert [record for record in caplog.records if record.levelno > logging.INFO] == []
    assert client.metrics.reconnection_count == 1


def test_a_missed_ack_ends_the_socket_and_nothing_is_lost(either_qq: Simulator, make_client: MakeClient) -> None:
    client = echoing(make_client(either_qq, heartbeat=HeartbeatConfig(interval=0.2), reconnect=QUICK))
    client.start()
    assert client.is_connected()
    either_qq.deaf()
    said = [either_qq.say("小明", "c2c", str(number)) for number in range(3)]
    answered_once(said, ["0", "1", "2"])
    assert client.metrics.reconnection_count >= 1


def test_heartbeats_measure_the_latency(qq: Simulator, make_client: MakeClient) -> None:
    client = make_client(qq, heartbeat=HeartbeatConfig(interval=0.05))
    client.start()
    assert 0 <= eventually(lambda: client.latency is not None and client.latency + 1e-9) < 5


@pytest.mark.parametrize("code", [4006, 4007, 4903])
def test_a_lost_session_becomes_a_new_one(qq: Simulator, make_client: MakeClient, code: int) -> None:
    client = echoing(make_client(qq, reconnect=QUICK))
    ready: queue.Queue[Any] = queue.Queue()
    client.on_ready(lambda ctx, event: ready.put(event.session_id))
    client.start()
    first = ready.get(timeout=10)
    qq.close(code)
    second = ready.get(timeout=20)
    assert first != second
    answered_once([qq.say("小明", "group", "da?")], ["da?"])


@pytest.mark.parametrize(
    ("code", "error"),
    [
        (4001, UnknownOpcode),
        (4002, UnknownOpcode),
        (4010, GatewayError),
        (4011, GatewayError),
        (4012, UnknownOpcode),
        (4914, BotBanned),
        (4915, BotBanned),
    ],
)
def test_a_fatal_code_ends_every_waiting_call(
    qq: Simulator, make_client: MakeClient, code: int, error: type[BotError], caplog: pytest.LogCaptureFixture
) -> None:
    client = make_client(qq)
    client.start()
    raised: queue.Queue[BaseException] = queue.Queue()

    def wait(call: Any) -> None:
        try:
            call()
        except BaseException as failure:
            raised.put(failure)

    watch = client.events()
    threads = [
        threading.Thread(target=wait, args=(call,))
        for call in (lambda: client.wait_for("GUILD_CREATE"), lambda: watch.next())
    ]
    for thread in threads:
        thread.start()
    eventually(lambda: len(client._dispatcher._waiters._watches) == 2)
    qq.close(code)
    for _ in threads:
        failure = raised.get(timeout=10)
        assert type(failure) is error
        assert str(code) in str(failure)
        assert any("\u4e00" <= char <= "\u9fff" for char in str(failure)), "in Chinese too"
    eventually(lambda: client.state is ConnectionState.FAILED)
    assert isinstance(client.error, error)
    assert any(record.levelno == logging.CRITICAL for record in caplog.records)
    with pytest.raises(error):
        client.wait_for("GUILD_CREATE")
    for thread in threads:
        thread.join(10)


def test_garbage_of_every_kind_is_counted_and_ends_nothing(
    either_qq: Simulator, make_client: MakeClient, caplog: pytest.LogCaptureFixture
) -> None:
    client = echoing(make_client(either_qq, reconnect=QUICK))
    client.start()
    session = client.get_session_info()
    for kind in GARBAGE:
        if kind != "wire":
            for _ in range(3):
                either_qq.garbage(kind)
    answered_once([either_qq.say("小明", "group", "still there?")], ["still there?"])
    after = client.get_session_info()
    assert session is not None
    assert after is not None
    assert session.session_id == after.session_id
    dropped = client.metrics.snapshot().frames_dropped
    assert sum(dropped.values()) >= 3
    warnings = [record.getMessage() for record in caplog.records if "frame ignored" in record.getMessage()]
    assert len(set(warnings)) == len(warnings), "each logged once"


def test_a_broken_websocket_frame_costs_the_connection_and_nothing_else(
    either_qq: Simulator, make_client: MakeClient
) -> None:
    client = echoing(make_client(either_qq, reconnect=QUICK))
    client.start()
    either_qq.garbage("wire")
    answered_once([either_qq.say("小明", "group", "still there?")], ["still there?"])
    assert client.metrics.reconnection_count == 1


def test_the_server_may_ask_for_a_heartbeat(qq: Simulator, make_client: MakeClient) -> None:
    client = make_client(qq)
    client.start()
    assert [entry for entry in qq.log if entry["kind"] == "heartbeat"] == []
    qq.ask_heartbeat()
    (beat,) = eventually(lambda: [entry for entry in qq.log if entry["kind"] == "heartbeat"])
    assert beat["d"] == 1


@pytest.mark.parametrize("status", [500, 502, 503, 429])
def test_a_platform_that_fails_is_asked_again(qq: Simulator, make_client: MakeClient, status: int) -> None:
    client = make_client(qq, reconnect=QUICK)
    qq.fail_http(status, times=4, path="/gateway/bot")
    client.start(timeout=60)
    assert client.is_connected()


def test_an_outage_of_the_whole_platform_ends_in_a_resume(make_client: MakeClient) -> None:
    with Simulator() as qq:
        client = echoing(make_client(qq, reconnect=QUICK))
        resumed = threading.Event()
        client.on_resumed(lambda ctx, nothing: resumed.set())
        client.start()
        qq.refuse_connections(1.0)
        qq.drop()
        said = [qq.say("小明", "group", str(number)) for number in range(3)]
        assert resumed.wait(20)
        answered_once(said, ["0", "1", "2"])
        client.stop()


def test_an_outage_costs_no_cpu(qq: Simulator, make_client: MakeClient) -> None:
    """A closed door, tried every 50 ms at most: the process sleeps in between."""
    client = make_client(qq, reconnect=ReconnectConfig(initial_delay=0.05, max_delay=0.1))
    client.start()
    qq.refuse_connections(2.0)
    qq.drop()
    began, cpu = time.monotonic(), time.process_time()
    eventually(lambda: client.state is ConnectionState.SUSPENDED)
    eventually(lambda: client.is_connected())
    wall, used = time.monotonic() - began, time.process_time() - cpu
    assert wall > 1.0
    assert used < wall * 0.8, "no busy loop"


def test_every_message_of_a_duplicating_platform_is_handled_once(qq: Simulator, make_client: MakeClient) -> None:
    client = make_client(qq)
    handled: list[str] = []
    client.on_message(lambda ctx, message: handled.append(message.content.strip()))
    client.start()
    qq.duplicate(5)
    for number in range(5):
        qq.say("小明", "group", str(number))
    eventually(lambda: len(handled) >= 5 and client.metrics.snapshot().events_deduplicated >= 5)
    assert handled == [str(number) for number in range(5)]


def test_max_attempts_gives_up_when_told_to(make_client: MakeClient) -> None:
    with Simulator() as qq:
        client = make_client(qq, reconnect=ReconnectConfig(max_attempts=3, initial_delay=0.01, max_delay=0.01))
        client.start()
    eventually(lambda: client.error)
    assert "3" in str(client.error)


def test_identify_refused_with_a_needed_bit_names_bit_and_handler(make_client: MakeClient, qq: Simulator) -> None:
    client = make_client(qq)

    @client.on("FORUM_THREAD_CREATE")
    def forum(ctx: Context, thread: Any) -> None: ...

    with pytest.raises(InvalidIntents) as caught:
        client.start()
    assert "FORUMS_EVENT" in str(caught.value)
    assert "forum" in str(caught.value)
