"""What `start()` promises: when it returns, what it raises, what it remembers, and which hooks it calls."""

from __future__ import annotations

import queue
import socket
import threading
from typing import Any

import pytest

from qqbot_sync import (
    AlreadyRunning,
    AuthenticationFailed,
    BotClient,
    ConnectionFailed,
    ConnectionState,
    Context,
    Environment,
    HeartbeatConfig,
    Intents,
    InvalidIntents,
    MemoryStore,
    ReconnectConfig,
    Simulator,
    Stopped,
)
from qqbot_sync.client.run import Run
from qqbot_sync.clock import SystemClock
from tests.client.clocks import out_of_reach, start_in_vain
from tests.client.conftest import MakeClient
from tests.client.timing import FACTOR, STOP_BOUND, timed
from tests.support import eventually


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

    def test_a_handler_never_runs_in_a_state_that_is_not_connected_yet(
        self, qq: Simulator, make_client: MakeClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The supervisor may hear of READY only after the first event has reached its handler."""
        heard: queue.Queue[tuple[ConnectionState, bool]] = queue.Queue()
        go_on = threading.Event()
        is_told = Run.shard_ready

        def late(run: Run, shard_id: int, *, resumed: bool) -> None:
            go_on.wait(10)
            is_told(run, shard_id, resumed=resumed)

        monkeypatch.setattr(Run, "shard_ready", late)
        client = make_client(qq)
        client.on_message()(lambda ctx, message: heard.put((client.state, client.is_connected())))
        client._begin()
        eventually(lambda: qq.entries(kinds=["identified"]), what="coming online")
        qq.say("小明", "group", "hi")
        try:
            assert heard.get(timeout=10) == (ConnectionState.CONNECTED, True)
            assert [info.state for info in client.shards] == [ConnectionState.CONNECTED]
        finally:
            go_on.set()

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
        client = out_of_reach(f"http://127.0.0.1:{port}")
        with pytest.raises(ConnectionFailed) as caught:
            start_in_vain(client)
        assert isinstance(caught.value.__cause__, Exception)
        assert "127.0.0.1" in str(caught.value)
        assert client.state is ConnectionState.STOPPED

    def test_an_outage_that_lasts_names_the_doctor_once(self, caplog: pytest.LogCaptureFixture) -> None:
        with Simulator() as qq:
            client = out_of_reach(qq.url)
        client._begin()
        eventually(lambda: client.metrics.snapshot().connection_attempts > 10, what="some attempts")
        client.stop()
        assert caplog.text.count("`qqbot-sync doctor` checks") == 1

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


def test_intents_overrule_what_is_derived(qq: Simulator, make_client: MakeClient) -> None:
    client = make_client(qq, intents=Intents.GUILDS, heartbeat=HeartbeatConfig())
    client.on_message(lambda ctx, message: None)
    assert client.intents == Intents.GUILDS
