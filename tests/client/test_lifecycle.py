"""Start, stop, start again: from anywhere, in any state, within the time that was promised."""

from __future__ import annotations

import logging
import queue
import socket
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from qqbot_sync import (
    AlreadyRunning,
    AuthenticationFailed,
    BotClient,
    BotError,
    Channel,
    ConnectionFailed,
    ConnectionState,
    Context,
    Environment,
    HeartbeatConfig,
    Intents,
    InvalidIntents,
    MemoryStore,
    ReconnectConfig,
    ShardConfig,
    Simulator,
    Stopped,
)
from qqbot_sync.clock import SystemClock
from tests.client.conftest import MakeClient
from tests.support import eventually

STOP_BOUND = 2.0
FACTOR = 3


def timed(action: Callable[[], Any]) -> float:
    began = time.monotonic()
    action()
    return time.monotonic() - began


class TestStart:
    def test_it_returns_when_ready(self, qq: Simulator, make_client: MakeClient) -> None:
        client = make_client(qq)
        assert client.state is ConnectionState.STOPPED
        assert not client.is_connected()
        assert client.get_session_info() is None
        client.start()
        assert client.state is ConnectionState.CONNECTED
        assert client.is_connected()
        assert client.healthy()
        info = client.get_session_info()
        assert info is not None
        assert info.session_id
        assert info.shard == (0, 1)
        assert client.error is None

    def test_a_second_start_of_the_same_client_does_nothing(self, qq: Simulator, make_client: MakeClient) -> None:
        client = make_client(qq)
        client.start()
        session = client.get_session_info()
        client.start()
        assert client.get_session_info() == session

    def test_a_wrong_secret_fails_with_the_platforms_code_and_an_explanation(self, qq: Simulator) -> None:
        client = BotClient(qq.app_id, "wrong-secret-1234", environment=Environment.local(qq.url))
        with pytest.raises(AuthenticationFailed) as caught:
            client.start()
        assert caught.value.code == 100016
        assert "AppSecret" in str(caught.value)
        assert "wrong-secret-1234" not in str(caught.value)
        assert client.error is caught.value
        assert client.state is ConnectionState.FAILED

    def test_an_unreachable_host_is_a_connection_failed_with_the_last_cause(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as closed:
            port = closed.getsockname()[1]
        client = BotClient("1", "s", environment=Environment.local(f"http://127.0.0.1:{port}"))
        with pytest.raises(ConnectionFailed) as caught:
            client.start(timeout=0.3)
        assert isinstance(caught.value.__cause__, Exception)
        assert "127.0.0.1" in str(caught.value)
        assert client.state is ConnectionState.STOPPED

    def test_after_a_failed_start_it_can_be_started_again(self, qq: Simulator, make_client: MakeClient) -> None:
        client = make_client(qq)
        qq.refuse_connections(0.6)
        with pytest.raises(ConnectionFailed):
            client.start(timeout=0.2)
        client.start()
        assert client.is_connected()

    def test_stop_ends_a_start_that_still_tries(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as silent:
            client = BotClient("1", "s", environment=Environment.local(f"http://127.0.0.1:{silent.getsockname()[1]}"))
            raised: queue.Queue[BaseException] = queue.Queue()

            def start() -> None:
                try:
                    client.start()
                except BaseException as error:
                    raised.put(error)

            thread = threading.Thread(target=start)
            thread.start()
            eventually(lambda: client.state is ConnectionState.CONNECTING)
            assert timed(client.stop) < STOP_BOUND * FACTOR
            assert isinstance(raised.get(timeout=10), Stopped)
            thread.join()

    def test_as_a_context_manager(self, qq: Simulator, make_client: MakeClient) -> None:
        with make_client(qq) as client:
            assert client.is_connected()
        assert client.state is ConnectionState.STOPPED

    def test_a_second_client_for_the_same_bot_is_refused(self, qq: Simulator, make_client: MakeClient) -> None:
        first, second = make_client(qq), make_client(qq)
        first.start()
        with pytest.raises(AlreadyRunning, match=qq.app_id):
            second.start()
        first.stop()
        second.start()
        assert second.is_connected()

    def test_two_different_bots_do_not_meet(self, make_client: MakeClient) -> None:
        heard: dict[str, list[str]] = {"one": [], "two": []}
        with Simulator() as one, Simulator() as two:
            for name, qq in (("one", one), ("two", two)):
                client = make_client(qq)

                @client.on_message()
                def hear(ctx: Context, message: Any, name: str = name) -> None:
                    heard[name].append(message.content.strip())
                    ctx.reply(name)

                client.start()
            assert one.say("a", "group", "to one").replies()[0].content == "one"
            assert two.say("a", "group", "to two").replies()[0].content == "two"
        assert heard == {"one": ["to one"], "two": ["to two"]}


class TestHooks:
    def test_on_start_comes_once_and_on_ready_at_each_ready(self, qq: Simulator, make_client: MakeClient) -> None:
        client = make_client(qq, reconnect=ReconnectConfig(initial_delay=0.01))
        calls: queue.Queue[tuple[str, Any]] = queue.Queue()
        client.on_start(lambda ctx, ready: calls.put(("start", ready)))
        client.on_ready(lambda ctx, ready: calls.put(("ready", ready)))
        client.on_resumed(lambda ctx, nothing: calls.put(("resumed", nothing)))
        client.start()
        first, second = calls.get(timeout=10), calls.get(timeout=10)
        assert [first[0], second[0]] == ["start", "ready"]
        info = client.get_session_info()
        assert info is not None
        assert first[1].session_id == info.session_id
        qq.drop()
        assert calls.get(timeout=10) == ("resumed", None)
        qq.invalidate()
        name, ready = calls.get(timeout=10)
        assert name == "ready"
        assert ready.session_id != first[1].session_id
        assert calls.empty()

    def test_a_restart_resumes_and_on_start_gets_none(self, qq: Simulator, make_client: MakeClient) -> None:
        client = make_client(qq)
        calls: queue.Queue[tuple[str, Any]] = queue.Queue()
        client.on_start(lambda ctx, ready: calls.put(("start", ready)))
        client.on_ready(lambda ctx, ready: calls.put(("ready", ready)))
        client.on_resumed(lambda ctx, nothing: calls.put(("resumed", nothing)))
        client.start()
        calls.get(timeout=10), calls.get(timeout=10)
        before = client.get_session_info()
        client.stop()
        client.start()
        assert {calls.get(timeout=10), calls.get(timeout=10)} == {("start", None), ("resumed", None)}
        after = client.get_session_info()
        assert before is not None
        assert after is not None
        assert before.session_id == after.session_id


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
        begun, go_on = threading.Event(), threading.Event()
        handled: list[str] = []

        @client.on_message()
        def slow(ctx: Context, message: Any) -> None:
            begun.set()
            go_on.wait(20)
            handled.append(message.content.strip())

        client.start()
        for number in range(30):
            qq.say("小明", "group", str(number))
        assert begun.wait(10)
        assert timed(lambda: client.stop(timeout=0.2)) < (STOP_BOUND + 0.2) * FACTOR
        go_on.set()
        eventually(lambda: handled)

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
        begun, go_on = threading.Event(), threading.Event()
        handled: list[str] = []

        @client.on_message()
        def slow(ctx: Context, message: Any) -> None:
            begun.set()
            go_on.wait(20)
            handled.append(message.content.strip())

        client.start()
        for number in range(10):
            qq.say("小明", "group", str(number))
        assert begun.wait(10)
        eventually(lambda: client._dispatcher.depth() == 9)
        with caplog.at_level(logging.INFO, "qqbot_sync"):
            client.stop(timeout=0)
        assert "10 events" in caplog.records[-1].getMessage()
        go_on.set()
        eventually(lambda: handled == ["0"])
        client.start()
        eventually(lambda: len(handled) == 10)
        assert handled == [str(number) for number in range(10)], "each once, in order"

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

    def test_a_negative_timeout_is_refused(self, qq: Simulator, make_client: MakeClient) -> None:
        with pytest.raises(ValueError, match="timeout"):
            make_client(qq).stop(timeout=-1)
        with pytest.raises(ValueError, match="grace"):
            make_client(qq).run_forever(grace=-1)

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


class TestMemory:
    def test_what_was_never_granted_is_not_remembered(self, make_client: MakeClient) -> None:
        with Simulator(grant=Intents.GUILDS) as qq:
            client = make_client(qq)
            client.on_message()(lambda ctx, message: None)
            wanted = client.intents
            with pytest.raises(InvalidIntents):
                client.start()
            assert client.intents == wanted

    def test_with_reduced_intents_a_restart_resumes_all_the_same(self, make_client: MakeClient) -> None:
        with Simulator(grant=Intents.all() & ~Intents.DIRECT_MESSAGE) as qq:
            client = make_client(qq)
            heard: queue.Queue[str] = queue.Queue()
            client.on_message()(lambda ctx, message: heard.put(message.content.strip()))
            client.start(timeout=60)
            before = client.get_session_info()
            client.stop()
            qq.say("a", "group", "while it was away")
            client.start()
            assert heard.get(timeout=10) == "while it was away"
            after = client.get_session_info()
            assert before is not None
            assert after is not None
            assert before.session_id == after.session_id
            client.stop()

    def test_another_client_learns_from_the_store_what_is_not_granted(self, make_client: MakeClient) -> None:
        store = MemoryStore()
        with Simulator(grant=Intents.all() & ~Intents.DIRECT_MESSAGE) as qq:
            for _ in range(2):
                client = make_client(qq, store=store)
                client.on_message()(lambda ctx, message: None)
                client.start(timeout=60)
                client.stop()
            refusals = [entry for entry in qq.log if entry["kind"] == "turned_away"]
        assert len({entry["connection"] for entry in refusals}) == len(refusals) == 2, "by the first client alone"

    def test_a_wall_clock_that_was_set_back_loses_no_session(self, qq: Simulator, make_client: MakeClient) -> None:
        class Clock(SystemClock):
            ahead = 5.0

            def wall(self) -> float:
                return super().wall() + self.ahead

        clock = Clock()
        client = make_client(qq, clock=clock)
        client.start()
        before = client.get_session_info()
        client.stop()
        clock.ahead = -5.0
        client.start()
        after = client.get_session_info()
        assert before is not None
        assert after is not None
        assert before.session_id == after.session_id


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


class TestBadInput:
    @pytest.mark.parametrize(("app_id", "secret"), [(None, "s"), ("", "s"), ("  ", "s"), ("1", None), ("1", "")])
    def test_missing_credentials_are_named_with_the_remedy(self, app_id: str | None, secret: str | None) -> None:
        name = "QQ_BOT_APP_ID" if not (app_id or "").strip() else "QQ_BOT_SECRET"
        with pytest.raises(ValueError, match=name):
            BotClient(app_id, secret)

    def test_credentials_come_from_the_environment(self, qq: Simulator, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("QQ_BOT_APP_ID", qq.app_id)
        monkeypatch.setenv("QQ_BOT_SECRET", qq.secret)
        monkeypatch.setenv("QQ_BOT_ENVIRONMENT", qq.url)
        with BotClient() as client:
            assert client.is_connected()

    def test_intents_must_be_intents(self) -> None:
        for wrong in (513, "guilds", ["guilds"]):
            with pytest.raises(TypeError, match="intents"):
                BotClient("1", "s", intents=wrong)  # type: ignore[arg-type]

    @pytest.mark.parametrize(
        ("argument", "value", "kind"),
        [
            ("workers", 0, ValueError),
            ("workers", "4", TypeError),
            ("max_waiting", -1, ValueError),
            ("queue_size", 0, ValueError),
            ("overflow", "drop", ValueError),
            ("ordering", "user", ValueError),
            ("shard", (0, 1), TypeError),
            ("environment", "production", TypeError),
            ("reconnect", 5, TypeError),
            ("heartbeat", 30, TypeError),
            ("executor", object(), TypeError),
            ("handler", object(), TypeError),
        ],
    )
    def test_a_wrong_argument_is_named(self, argument: str, value: object, kind: type[Exception]) -> None:
        with pytest.raises(kind, match=argument if argument != "handler" else "EventHandler"):
            BotClient("1", "s", **{argument: value})  # type: ignore[arg-type]

    def test_a_shard_outside_its_count(self) -> None:
        with pytest.raises(ValueError, match="shard_id"):
            ShardConfig(2, 2)
        with pytest.raises(ValueError, match="shard_count"):
            ShardConfig(0, 0)

    @pytest.mark.parametrize("handler", [None, 5, lambda: None, lambda ctx: None, lambda a, b, c: None])
    def test_a_handler_that_cannot_be_called(self, handler: Any) -> None:
        client = BotClient("1", "s")
        with pytest.raises(TypeError):
            client.on("GUILD_CREATE")(handler)

    def test_the_repr_shows_no_secret(self) -> None:
        client = BotClient("1", "TOP-SECRET")
        assert "TOP-SECRET" not in repr(client) + repr(client.config) + repr(client.api) + repr(client.api.token)

    def test_an_unencrypted_url_outside_local_is_refused(self) -> None:
        with pytest.raises(ValueError, match=r"Environment\.local"):
            Environment("http://example.com", "https://example.com")


def test_intents_overrule_what_is_derived(qq: Simulator, make_client: MakeClient) -> None:
    client = make_client(qq, intents=Intents.GUILDS, heartbeat=HeartbeatConfig())
    client.on_message(lambda ctx, message: None)
    assert client.intents == Intents.GUILDS
