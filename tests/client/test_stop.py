"""What `stop()` promises: whatever goes on, it ends it in time, and nothing is lost by it."""

from __future__ import annotations

import logging
import queue
import socket
import threading
from typing import Any

import pytest

from qqbot_sync import (
    AlreadyRunning,
    BotClient,
    ConnectionState,
    Context,
    Environment,
    ReconnectConfig,
    Simulator,
    Stopped,
)
from qqbot_sync.api.http import Http
from qqbot_sync.client import lifecycle
from tests.client.conftest import MakeClient
from tests.client.memory import Held
from tests.client.timing import FACTOR, STOP_BOUND, timed
from tests.support import eventually


class TestStop:
    def test_it_is_idempotent_and_leaves_nothing(self, qq: Simulator, make_client: MakeClient) -> None:
        client = make_client(qq)
        client.stop()
        client.start()
        assert timed(client.stop) < STOP_BOUND * FACTOR
        client.stop()
        assert client.state is ConnectionState.STOPPED
        assert not [thread for thread in threading.enumerate() if thread.name.startswith("qqbot-reader")]

    def test_twenty_cycles(self, qq: Simulator, make_client: MakeClient) -> None:
        client = make_client(qq)
        threads = threading.active_count()
        for _ in range(20):
            client.start()
            client.stop()
        eventually(lambda: threading.active_count() <= threads + 1)

    def test_against_a_peer_that_has_gone_deaf(self, either_qq: Simulator, make_client: MakeClient) -> None:
        client = make_client(either_qq)
        client.start()
        either_qq.deaf()
        assert timed(client.stop) < STOP_BOUND * FACTOR

    def test_against_a_peer_that_does_not_read(self, either_qq: Simulator, make_client: MakeClient) -> None:
        client = make_client(either_qq)
        client.start()
        either_qq.stop_reading()
        assert timed(client.stop) < STOP_BOUND * FACTOR

    def test_during_a_back_off_of_a_minute(self, make_client: MakeClient) -> None:
        with Simulator() as qq:
            client = make_client(qq, reconnect=ReconnectConfig(initial_delay=60, max_delay=60))
            client.start()
        eventually(lambda: client.state is ConnectionState.SUSPENDED)
        assert timed(client.stop) < STOP_BOUND * FACTOR

    def test_while_dialing_a_host_that_does_not_answer(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as silent:
            client = BotClient("1", "s", environment=Environment.local(f"http://127.0.0.1:{silent.getsockname()[1]}"))

            def start() -> None:
                with pytest.raises(Stopped):
                    client.start()

            thread = threading.Thread(target=start)
            thread.start()
            connection, _ = silent.accept()
            with connection:
                assert timed(client.stop) < STOP_BOUND * FACTOR
            thread.join(10)

    def test_with_a_full_queue_under_block(self, qq: Simulator, make_client: MakeClient) -> None:
        client = make_client(qq, workers=1, queue_size=3)
        slow = Held(client)
        client.start()
        for number in range(30):
            qq.say("小明", "group", str(number))
        assert slow.begun.wait(10)
        assert timed(lambda: client.stop(timeout=0.2)) < (STOP_BOUND + 0.2) * FACTOR
        slow.go_on.set()
        eventually(lambda: slow.handled)

    def test_from_a_handler_it_only_asks(self, qq: Simulator, make_client: MakeClient) -> None:
        client = make_client(qq)
        took: queue.Queue[float] = queue.Queue()

        @client.on_message()
        def leave(ctx: Context, message: Any) -> None:
            took.put(timed(client.stop))
            ctx.reply("再见")

        client.start()
        said = qq.say("小明", "group", "退下")
        assert took.get(timeout=10) < 1
        assert [answer.content for answer in said.replies()] == ["再见"]
        eventually(lambda: client.state is ConnectionState.STOPPED)

    def test_it_lets_running_handlers_finish_and_their_replies_arrive(
        self, qq: Simulator, make_client: MakeClient
    ) -> None:
        client = make_client(qq)
        begun, go_on = threading.Barrier(3, timeout=10), threading.Event()

        @client.on_message()
        def slow(ctx: Context, message: Any) -> None:
            begun.wait()
            go_on.wait(20)
            ctx.reply("done")

        client.start()
        said = {place: qq.say("小明", place, "hi") for place in ("group", "channel")}
        begun.wait()
        stopping = threading.Thread(target=client.stop)
        stopping.start()
        eventually(lambda: client._dispatcher._backlog.closed)
        go_on.set()
        stopping.join(20)
        for place, one in said.items():
            assert [answer.content for answer in one.replies()] == ["done"], place

    def test_what_was_not_begun_comes_again_at_the_next_start(
        self, qq: Simulator, make_client: MakeClient, caplog: pytest.LogCaptureFixture
    ) -> None:
        client = make_client(qq, workers=1)
        slow = Held(client)
        client.start()
        for number in range(10):
            qq.say("小明", "group", str(number))
        assert slow.begun.wait(10)
        eventually(lambda: client._dispatcher.depth() == 9)
        with caplog.at_level(logging.INFO, "qqbot_sync"):
            client.stop(timeout=0)
        assert "10 events" in caplog.records[-1].getMessage()
        slow.go_on.set()
        eventually(lambda: slow.handled == ["0"])
        client.start()
        eventually(lambda: len(slow.handled) == 10)
        assert slow.handled == [str(number) for number in range(10)], "each once, in order"

    def test_a_handler_that_the_end_interrupted_is_called_again_at_the_next_start(
        self, qq: Simulator, make_client: MakeClient
    ) -> None:
        """Its reply fails because HTTP is closed; the message is still owed an answer."""
        client = make_client(qq)
        begun, go_on = threading.Event(), threading.Event()
        outcome: queue.Queue[str] = queue.Queue()

        @client.on_message()
        def slow(ctx: Context, message: Any) -> None:
            if not begun.is_set():
                begun.set()
                go_on.wait(20)
                outcome.put("interrupted")
                raise Stopped("as a reply would that waits for another try")
            outcome.put(str(ctx.redelivered))

        client.start()
        qq.say("小明", "group", "hi")
        assert begun.wait(10)
        client.stop(timeout=0)
        go_on.set()
        assert outcome.get(timeout=10) == "interrupted"
        client.start()
        assert outcome.get(timeout=10) == "True"

    def test_a_handler_that_is_interrupted_after_the_next_start_leaves_its_event_to_that(
        self, qq: Simulator, make_client: MakeClient
    ) -> None:
        """The replayed copy was a duplicate when it came, and is needed after all."""
        client = make_client(qq)
        begun, go_on = threading.Event(), threading.Event()
        outcome: queue.Queue[str] = queue.Queue()

        @client.on_message()
        def slow(ctx: Context, message: Any) -> None:
            if message.content == "slow" and not begun.is_set():
                begun.set()
                go_on.wait(20)
                outcome.put("interrupted")
                raise Stopped("as a reply would that waits for another try")
            outcome.put(message.content)

        client.start()
        qq.say("小明", "group", "slow", at_bot=False)
        assert begun.wait(10)
        client.stop(timeout=0)
        client.start()
        qq.say("小红", "group", "behind the replay", at_bot=False)
        assert outcome.get(timeout=10) == "behind the replay"
        go_on.set()
        assert [outcome.get(timeout=10) for _ in range(2)] == ["interrupted", "slow"]

    def test_an_answer_taken_by_a_handler_that_the_end_interrupted_comes_again_too(
        self, qq: Simulator, make_client: MakeClient
    ) -> None:
        client = make_client(qq)
        begun, go_on = threading.Event(), threading.Event()
        outcome: queue.Queue[str] = queue.Queue()

        @client.on_message()
        def curious(ctx: Context, message: Any) -> None:
            if begun.is_set():
                outcome.put(message.content)
                return
            answer = ctx.ask("name?", timeout=20)
            begun.set()
            go_on.wait(20)
            outcome.put(f"interrupted after {answer.content}")
            raise Stopped("as a reply would that waits for another try")

        client.start()
        asked = qq.say("小明", "group", "hi", at_bot=False)
        assert asked.replies(timeout=10)
        qq.say("小明", "group", "ming", at_bot=False)
        assert begun.wait(10)
        client.stop(timeout=0)
        go_on.set()
        assert outcome.get(timeout=10) == "interrupted after ming"
        client.start()
        assert [outcome.get(timeout=10) for _ in range(2)] == ["hi", "ming"]

    def test_in_a_signal_handler_amid_an_api_call(
        self, qq: Simulator, make_client: MakeClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The interrupted frame holds the lock of the pools, and cannot let go of it before the handler returns."""
        monkeypatch.setattr(lifecycle, "STOP_BOUND", 0.1)
        client, connect = make_client(qq), Http._new_pool

        def interrupted(*arguments: Any) -> Any:
            client.stop()
            return connect(*arguments)

        monkeypatch.setattr(Http, "_new_pool", interrupted)
        assert client.api.me().bot
        monkeypatch.undo()
        eventually(lambda: client._phase.value == "idle")
        client.start()
        assert client.is_connected()

    @pytest.mark.parametrize("has_failed", [False, True])
    def test_without_a_start_it_ends_events_too(self, qq: Simulator, make_client: MakeClient, has_failed: bool) -> None:
        client, other = make_client(qq), make_client(qq)
        events = client.events("GROUP_AT_MESSAGE_CREATE")
        iterating = threading.Thread(target=lambda: list(events))
        iterating.start()
        if has_failed:
            other.start()
            with pytest.raises(AlreadyRunning):
                client.start()
            other.stop()
        client.stop()
        iterating.join(10)
        assert not iterating.is_alive()
        client.start()
        assert client.is_connected()

    def test_a_negative_timeout_is_refused(self, qq: Simulator, make_client: MakeClient) -> None:
        with pytest.raises(ValueError, match="timeout"):
            make_client(qq).stop(timeout=-1)
        with pytest.raises(ValueError, match="grace"):
            make_client(qq).run_forever(grace=-1)

    @pytest.mark.parametrize("seconds", [float("inf"), 10**30])
    def test_a_time_without_end_is_waited(self, qq: Simulator, make_client: MakeClient, seconds: float) -> None:
        client = make_client(qq)
        begun, go_on = threading.Event(), threading.Event()

        @client.on_message()
        def slow(ctx: Context, message: Any) -> None:
            begun.set()
            go_on.wait(20)
            ctx.reply("done")

        client.start(timeout=seconds)
        said = qq.say("小明", "group", "hi")
        assert begun.wait(10)
        stopping = threading.Thread(target=client.stop, args=(seconds,), daemon=True)
        stopping.start()
        eventually(lambda: client._dispatcher._backlog._quiet, what="it waits for the handler")
        go_on.set()
        stopping.join(10)
        assert not stopping.is_alive()
        assert [answer.content for answer in said.replies()] == ["done"]

    @pytest.mark.parametrize("seconds", ["5", float("nan"), True, [1]])
    def test_what_is_no_time_is_refused(self, qq: Simulator, make_client: MakeClient, seconds: Any) -> None:
        client = make_client(qq)
        for call in (client.start, client.stop, client.run_forever):
            with pytest.raises(TypeError, match="seconds"):
                call(seconds)
        with pytest.raises(ValueError, match="timeout"):
            client.start(timeout=-0.001)

    def test_from_many_threads_at_once(self, qq: Simulator, make_client: MakeClient) -> None:
        client = make_client(qq)
        client.start()
        threads = [threading.Thread(target=client.stop) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(STOP_BOUND * FACTOR)
        assert not any(thread.is_alive() for thread in threads)
        assert client.state is ConnectionState.STOPPED
