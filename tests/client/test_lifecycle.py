"""Starts, stops and serving at the same time, and from many threads."""

from __future__ import annotations

import queue
import threading
from typing import Any

import pytest

from qqbot_sync import (
    BotError,
    Channel,
    ConnectionState,
    Context,
    MemoryStore,
    ReconnectConfig,
    Simulator,
    Stopped,
)
from qqbot_sync.client.run import Run
from tests.client.conftest import MakeClient
from tests.support import eventually


class TestAllAtOnce:
    """Several threads, half-way ends, parts that fail: whatever happens, the next start works and nothing is left."""

    def test_two_threads_start_one_client(self, qq: Simulator, make_client: MakeClient) -> None:
        client = make_client(qq)
        gate = threading.Barrier(4)

        def start() -> None:
            gate.wait()
            client.start()

        threads = [threading.Thread(target=start) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(10)
        assert not any(thread.is_alive() for thread in threads)
        client.stop()
        assert client.state is ConnectionState.STOPPED
        assert len([entry for entry in qq.log if entry["kind"] == "identified"]) == 1

    def test_start_and_stop_from_many_threads_end_in_one_of_two_states(
        self, qq: Simulator, make_client: MakeClient
    ) -> None:
        client = make_client(qq)

        def toggle(number: int) -> None:
            for _ in range(5):
                try:
                    client.start() if number % 2 else client.stop()
                except Stopped:
                    pass

        threads = [threading.Thread(target=toggle, args=(number,)) for number in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        assert not any(thread.is_alive() for thread in threads)
        client.start()
        assert client.is_connected()
        assert len([thread for thread in threading.enumerate() if thread.name == "qqbot-supervisor"]) == 1

    def test_every_thread_that_waits_in_start_is_told(self, qq: Simulator, make_client: MakeClient) -> None:
        client = make_client(qq, reconnect=ReconnectConfig(initial_delay=0.01, max_delay=0.05))
        qq.refuse_connections(0.5)
        threads = [threading.Thread(target=client.start, args=(None,)) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(10)
        assert not any(thread.is_alive() for thread in threads)
        assert client.is_connected()

    def test_a_store_that_fails_leaks_nothing(self, qq: Simulator, make_client: MakeClient) -> None:
        class Full(MemoryStore):
            def commit(self, key: str, record: Any, done: Any) -> None:
                raise OSError("disk full")

        client = make_client(qq, store=Full())
        for _ in range(3):
            client.start()
            client.stop()
        assert client.state is ConnectionState.STOPPED

    def test_a_stop_that_is_interrupted_goes_on(
        self, qq: Simulator, make_client: MakeClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        client = make_client(qq)
        client.start()
        run = client._run
        assert run is not None

        def interrupted(timeout: float | None = None) -> bool:
            raise KeyboardInterrupt

        monkeypatch.setattr(run.ended, "wait", interrupted)
        with pytest.raises(KeyboardInterrupt):
            client.stop()
        eventually(lambda: client.state is ConnectionState.STOPPED)
        client.start()
        assert len([thread for thread in threading.enumerate() if thread.name == "qqbot-supervisor"]) == 1

    def test_a_launch_that_fails_can_be_tried_again(
        self, qq: Simulator, make_client: MakeClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        client = make_client(qq)
        with monkeypatch.context() as patch:
            patch.setattr("qqbot_sync.client.run.Run.begin", lambda self: 1 / 0)
            with pytest.raises(ZeroDivisionError):
                client.start()
        client.start()
        assert client.is_connected()

    def test_a_launch_that_is_interrupted_twice_can_be_tried_again(
        self, qq: Simulator, make_client: MakeClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Ctrl-C, and once more while what had begun is ended."""
        client, begin, close = make_client(qq), Run.begin, Run.close_connections

        def first(run: Run) -> None:
            begin(run)
            raise KeyboardInterrupt("first")

        def second(run: Run) -> None:
            close(run)
            raise KeyboardInterrupt("second")

        with monkeypatch.context() as patched:
            patched.setattr(Run, "begin", first)
            patched.setattr(Run, "close_connections", second)
            with pytest.raises(KeyboardInterrupt, match="second"):
                client.start()
        client.start()
        assert client.is_connected()

    def test_an_error_hook_that_hangs_keeps_nobody(self, qq: Simulator, make_client: MakeClient) -> None:
        client = make_client(qq)
        over = threading.Event()
        client.on_error(lambda ctx, error: over.wait(30))
        raised: queue.Queue[BaseException] = queue.Queue()

        def serve() -> None:
            try:
                client.run_forever(grace=0.2)
            except BaseException as error:
                raised.put(error)

        thread = threading.Thread(target=serve)
        thread.start()
        eventually(client.is_connected)
        qq.close(4915)
        assert type(raised.get(timeout=10)).__name__ == "BotBanned"
        over.set()
        thread.join(10)

    def test_two_threads_serve_and_both_return(self, qq: Simulator, make_client: MakeClient) -> None:
        client = make_client(qq)
        threads = [threading.Thread(target=client.run_forever) for _ in range(2)]
        for thread in threads:
            thread.start()
        eventually(client.is_connected)
        eventually(lambda: client._run is not None and len(client._run._words) == 2)
        client.stop()
        for thread in threads:
            thread.join(10)
        assert not any(thread.is_alive() for thread in threads)

    def test_a_forked_childs_stop_leaves_the_parents_connection_alone(
        self, qq: Simulator, make_client: MakeClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        client = make_client(qq)
        client.start()
        with monkeypatch.context() as patch:
            patch.setattr("os.getpid", lambda: -1)
            client.stop()
            with pytest.raises(BotError, match="fork"):
                client.start()
            with pytest.raises(BotError, match="fork"):
                client.send(Channel("1"), "x")
        assert client.is_connected()

    def test_another_bots_handler_can_start_this_one(self, make_client: MakeClient) -> None:
        with Simulator() as one, Simulator() as two:
            first, second = make_client(one), make_client(two)
            outcome: queue.Queue[bool] = queue.Queue()

            @first.on_message()
            def begin(ctx: Context, message: Any) -> None:
                second.start()
                outcome.put(second.is_connected())

            first.start()
            one.say("a", "group", "go")
            assert outcome.get(timeout=10)
            first.stop()
            second.stop()


class TestRunForever:
    def test_it_serves_until_stop(self, qq: Simulator, make_client: MakeClient) -> None:
        client = make_client(qq)
        client.on_message(lambda ctx, message: ctx.reply("ok"))
        serving = threading.Thread(target=client.run_forever)
        serving.start()
        eventually(client.is_connected)
        assert qq.say("小明", "group", "hi").replies()
        client.stop()
        serving.join(10)
        assert not serving.is_alive()

    def test_a_handler_can_end_it(self, qq: Simulator, make_client: MakeClient) -> None:
        client = make_client(qq)
        client.on_message(lambda ctx, message: client.stop())
        serving = threading.Thread(target=client.run_forever)
        serving.start()
        eventually(client.is_connected)
        qq.say("小明", "group", "hi")
        serving.join(10)
        assert not serving.is_alive()

    def test_a_fatal_cause_comes_out_of_it(self, qq: Simulator, make_client: MakeClient) -> None:
        client = make_client(qq)
        told: list[Any] = []
        client.on_error(lambda ctx, error: told.append((ctx, error)))
        raised: queue.Queue[BaseException] = queue.Queue()

        def serve() -> None:
            try:
                client.run_forever()
            except BaseException as error:
                raised.put(error)

        thread = threading.Thread(target=serve)
        thread.start()
        eventually(client.is_connected)
        qq.close(4915)
        error = raised.get(timeout=10)
        thread.join(10)
        assert type(error).__name__ == "BotBanned"
        assert client.error is error
        assert client.state is ConnectionState.FAILED
        assert told == [(None, error)]

    def test_it_waits_out_an_outage_at_the_start(self, make_client: MakeClient, qq: Simulator) -> None:
        client = make_client(qq, reconnect=ReconnectConfig(initial_delay=0.01, max_delay=0.05))
        qq.refuse_connections(0.5)
        serving = threading.Thread(target=client.run_forever)
        serving.start()
        eventually(client.is_connected)
        client.stop()
        serving.join(10)
