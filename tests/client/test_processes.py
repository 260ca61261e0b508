"""Whole processes: how a script ends, by signals, by itself, with handlers that hang. Each has a deadline."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

import pytest

from qqbot_sync import BotClient, Environment, Simulator
from qqbot_sync.store import SqliteStore
from tests.secret_watch import SecretWatch

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")

DEADLINE = 30.0
HEAD = """
import logging, sys, threading, time
from qqbot_sync import BotClient
client = BotClient()

def say(word):
    print(word, flush=True)
"""


class Script:
    """A bot as a process of its own; its words are what it prints, a line each."""

    def __init__(self, qq: Simulator, body: str, directory: Path) -> None:
        file = directory / "bot.py"
        file.write_text(HEAD + textwrap.dedent(body), encoding="utf-8")
        environment = {
            **{name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")},
            "QQ_BOT_APP_ID": qq.app_id,
            "QQ_BOT_SECRET": qq.secret,
            "QQ_BOT_ENVIRONMENT": qq.url,
            "PYTHONUNBUFFERED": "1",
            "PYTHONIOENCODING": "utf-8",
        }
        self.process = subprocess.Popen(
            [sys.executable, str(file)],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )
        assert self.process.stdout is not None
        self._out: IO[str] = self.process.stdout
        self._error: list[str] = []
        self._heard = threading.Condition()
        self._listener = threading.Thread(target=self._listen)
        self._listener.start()
        self._watchdog = threading.Timer(DEADLINE, self.process.kill)
        self._watchdog.start()

    def _listen(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            with self._heard:
                self._error.append(line)
                self._heard.notify_all()
        with self._heard:
            self._heard.notify_all()

    def word(self) -> str:
        """The next line of its output."""
        return self._out.readline().strip()

    def logs(self, text: str) -> None:
        """Waits until a line of its stderr holds `text`."""
        with self._heard:
            assert self._heard.wait_for(lambda: any(text in line for line in self._error), DEADLINE), self._error

    def tell(self) -> None:
        """Gives it a line of input."""
        assert self.process.stdin is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()

    def ends(self) -> tuple[int, str]:
        """(exit status, stderr); a negative status if the deadline killed it."""
        self.process.wait()
        self._watchdog.cancel()
        self._listener.join()
        return self.process.returncode, "".join(self._error)

    def close(self) -> None:
        self._watchdog.cancel()
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self._listener.join()
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            if stream is not None:
                stream.close()


Run = Callable[[str], Script]


@pytest.fixture
def qq() -> Iterator[Simulator]:
    with Simulator() as simulator:
        yield simulator


@pytest.fixture
def run(qq: Simulator, tmp_path: Path, secret_watch: SecretWatch) -> Iterator[Run]:
    scripts: list[Script] = []

    def begin(body: str) -> Script:
        script = Script(qq, body, tmp_path)
        scripts.append(script)
        return script

    yield begin
    for script in scripts:
        script.close()
        secret_watch.look("".join(script._error), "its stderr")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_drains_and_leaves_with_status_0(qq: Simulator, run: Run, number: signal.Signals) -> None:
    script = run("""
        @client.on_start
        def started(ctx, ready):
            say("up")

        @client.on_message()
        def slow(ctx, message):
            say("begun")
            sys.stdin.readline()
            ctx.reply("done")

        client.run_forever()
        say("returned")
    """)
    assert script.word() == "up"
    said = qq.say("小明", "group", "hi")
    assert script.word() == "begun"
    script.process.send_signal(number)
    script.logs("once more to leave at once")
    script.tell()
    assert script.word() == "returned"
    status, error = script.ends()
    assert status == 0
    assert "Traceback" not in error
    assert [answer.content for answer in said.replies()] == ["done"]


def test_the_old_signal_handlers_come_back(run: Run) -> None:
    script = run("""
        import signal
        before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
        client.on_start(lambda ctx, ready: client.stop())
        client.run_forever()
        say((signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before)
    """)
    assert script.word() == "True"
    assert script.ends()[0] == 0


def test_a_handler_that_hangs_is_named_with_its_stack_and_left_behind(qq: Simulator, run: Run) -> None:
    script = run("""
        @client.on_message()
        def hangs(ctx, message):
            say("begun")
            threading.Event().wait()

        client.run_forever(grace=0.5)
    """)
    _until_connected(qq)
    qq.say("小明", "group", "hi")
    assert script.word() == "begun"
    script.process.send_signal(signal.SIGTERM)
    status, error = script.ends()
    assert status == 0
    assert "hangs" in error
    assert "threading.Event().wait()" in error, "the stack"
    assert "Traceback" not in error
    assert "1 events were not finished" in error.splitlines()[-1], "with a MemoryStore the last line counts them"


def test_in_a_notebook_a_second_start_stops_the_first_and_the_kernels_signals_are_left_alone(run: Run) -> None:
    script = run("""
        import signal, types
        kernel = types.SimpleNamespace(kernel=object())
        sys.modules["IPython"] = types.SimpleNamespace(get_ipython=lambda: kernel)
        first, second = client, BotClient()
        second.on_start(lambda ctx, ready: say("up"))
        logging.basicConfig(level=logging.INFO, format="%(message)s")
        before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
        first.start()
        threading.Thread(target=lambda: (sys.stdin.readline(), say(
            (str(first.state), (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before)
        ))).start()
        second.run_forever()
        say("returned")
    """)
    assert script.word() == "up"
    script.tell()
    assert script.word() == "('stopped', True)"
    script.process.send_signal(signal.SIGINT)
    assert script.word() == "returned"
    status, error = script.ends()
    assert status == 0
    assert "runs in this notebook: stopping it" in error
    assert "Traceback" not in error


def test_a_handler_ends_the_script_by_stop_and_still_replies(qq: Simulator, run: Run) -> None:
    script = run("""
        client.on_start(lambda ctx, ready: say("up"))

        @client.on_message()
        def leave(ctx, message):
            client.stop()
            ctx.reply("bye")

        client.run_forever()
        say([thread.name for thread in threading.enumerate()])
    """)
    assert script.word() == "up"
    said = qq.say("小明", "group", "hi")
    assert script.word() == "['MainThread']"
    status, error = script.ends()
    assert status == 0
    assert "Traceback" not in error
    assert [answer.content for answer in said.replies()] == ["bye"]


def test_a_second_sigint_leaves_at_once_with_130(qq: Simulator, run: Run) -> None:
    script = run("""
        @client.on_message()
        def hangs(ctx, message):
            say("begun")
            threading.Event().wait()

        client.run_forever(grace=600)
    """)
    _until_connected(qq)
    qq.say("小明", "group", "hi")
    assert script.word() == "begun"
    script.process.send_signal(signal.SIGINT)
    script.logs("once more to leave at once")
    script.process.send_signal(signal.SIGINT)
    status, error = script.ends()
    assert status == 130
    assert "Traceback" not in error


def test_a_fatal_cause_is_an_exception_and_a_failing_status(qq: Simulator, run: Run) -> None:
    script = run("""
        client.on_start(lambda ctx, ready: say("up"))
        client.run_forever()
    """)
    assert script.word() == "up"
    qq.close(4915)
    status, error = script.ends()
    assert status == 1
    assert "BotBanned" in error


def test_a_signal_while_it_cannot_connect_ends_it(qq: Simulator, run: Run) -> None:
    qq.refuse_connections(600)
    script = run("""
        client.run_forever()
        say("returned")
    """)
    script.logs("cannot connect")
    script.process.send_signal(signal.SIGTERM)
    assert script.word() == "returned"
    status, error = script.ends()
    assert status == 0
    assert "Traceback" not in error


@pytest.mark.parametrize("state", ["idle", "events arrive", "a handler runs", "a handler asks"])
def test_a_script_whose_main_thread_ends_ends_quietly(qq: Simulator, run: Run, state: str) -> None:
    script = run(f"""
        begun = threading.Event()

        @client.on_message()
        def handle(ctx, message):
            begun.set()
            if {state!r} == "a handler runs":
                time.sleep(1)
            if {state!r} == "a handler asks":
                try:
                    ctx.ask("?", timeout=600)
                except Exception as error:
                    say(type(error).__name__)

        client.start()
        say("up")
        if {state!r} != "idle":
            begun.wait(10)
    """)
    assert script.word() == "up"
    over = threading.Event()

    def talk() -> None:
        number = 0
        while not over.wait(0.002):
            number += 1
            qq.say(f"p{number % 20}", "group", "hi")

    talker = threading.Thread(target=talk)
    if state == "events arrive":
        talker.start()
    elif state != "idle":
        qq.say("小明", "group", "hi")
    try:
        status, error = script.ends()
    finally:
        over.set()
        if talker.ident is not None:
            talker.join()
    assert status == 0
    assert error == ""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_forked_child_gets_a_clear_error_and_leaves_the_parents_connection_alone(qq: Simulator, run: Run) -> None:
    script = run("""
        import os, warnings
        warnings.simplefilter("ignore")
        client.on_message()(lambda ctx, message: ctx.reply("parent"))
        client.start()
        child = os.fork()
        if child == 0:
            client.stop()
            try:
                client.start()
            except Exception as error:
                say(f"{type(error).__name__}: {error}")
            os._exit(0)
        os.waitpid(child, 0)
        say(client.is_connected())
        sys.stdin.readline()
        client.stop()
    """)
    assert "fork" in script.word()
    assert script.word() == "True"
    assert [answer.content for answer in qq.say("小明", "group", "hi").replies()] == ["parent"]
    script.tell()
    assert script.ends() == (0, "")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_forked_child_may_start_a_client_of_its_own_and_holds_nothing_of_the_parents(
    qq: Simulator, run: Run, tmp_path: Path
) -> None:
    """It outlives a stop and a start of the parent's, and ends like any other program."""
    script = run(f"""
        import os, warnings
        from qqbot_sync.store import SqliteStore
        warnings.simplefilter("ignore")
        logging.getLogger("qqbot_sync").setLevel(logging.ERROR)
        client = BotClient(store=SqliteStore({str(tmp_path / "bot.db")!r}))
        client.on_message()(lambda ctx, message: ctx.reply("parent"))
        client.start()
        inner, outer = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(outer)
            say((client.is_connected(), client.healthy(), str(client.state)))
            with BotClient() as mine:
                say(mine.is_connected())
            say(client.api.me().bot)
            os.read(inner, 1)
            sys.exit(0)
        while not sys.stdin.readline():
            pass
        client.stop()
        client.start()
        say(client.is_connected())
        client.stop()
        os.close(outer)
        say(os.waitpid(child, 0)[1])
    """)
    assert script.word() == "(False, False, 'stopped')"
    assert script.word() == "True"
    assert script.word() == "True"
    assert [answer.content for answer in qq.say("小明", "group", "hi").replies()] == ["parent"]
    script.tell()
    assert script.word() == "True", "the child has no lock of the parent's"
    assert script.word() == "0"
    assert script.ends() == (0, "")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_worker_process_that_a_handler_forked_can_be_ended_and_does_not_keep_the_bot(run: Run) -> None:
    """`multiprocessing` ends its workers by SIGTERM and waits for that, at the latest when the program ends."""
    script = run("""
        import multiprocessing, signal, warnings
        warnings.simplefilter("ignore")

        def work():
            signal.alarm(60)
            while True:
                signal.pause()

        @client.on_start
        def started(ctx, ready):
            multiprocessing.get_context("fork").Process(target=work, daemon=True).start()
            say("forked")

        client.run_forever()
        say("returned")
    """)
    assert script.word() == "forked"
    script.process.send_signal(signal.SIGTERM)
    assert script.word() == "returned"
    status, error = script.ends()
    assert status == 0
    assert "Traceback" not in error


def test_what_a_script_did_not_begin_at_its_end_comes_at_the_next_start(
    qq: Simulator, run: Run, tmp_path: Path
) -> None:
    """The main thread just ends, without `stop()`, while events arrive and the queue is full."""
    path = tmp_path / "bot.db"
    script = run(f"""
        import concurrent.futures.thread as futures
        from qqbot_sync.store import SqliteStore
        client = BotClient(store=SqliteStore({str(path)!r}), workers=1, queue_size=3)
        begun = threading.Event()

        @client.on_message()
        def slow(ctx, message):
            begun.set()
            while not futures._shutdown:
                time.sleep(0.005)
            time.sleep(0.06)  # longer than a task runs before it needs the executor again
            say(message.content)

        client.start()
        say("up")
        begun.wait(10)
    """)
    assert script.word() == "up"
    texts = [str(number) for number in range(40)]
    for text in texts:
        qq.say("小明", "group", text)
    status, error = script.ends()
    assert (status, error) == (0, "")
    first = script.process.stdout.read().split()  # type: ignore[union-attr]
    assert first == texts[: len(first)]
    assert 1 <= len(first) <= 5, "what was accepted is finished, the rest is refused"
    second = BotClient(qq.app_id, qq.secret, environment=Environment.local(qq.url), store=SqliteStore(path))
    handled: list[tuple[str, bool]] = []
    second.on_message()(lambda ctx, message: handled.append((message.content, ctx.redelivered)))
    with second:
        _until(lambda: handled and handled[-1][0] == texts[-1])
    again = [text for text, redelivered in handled if text in first]
    assert [text for text, _ in handled if text not in first] == texts[len(first) :]
    assert all(redelivered for text, redelivered in handled if text in again), "what ended less than 50 ms before"


def test_a_script_that_stops_properly_ends_properly(qq: Simulator, run: Run) -> None:
    script = run("""
        with client:
            say(client.is_connected())
        say(client.state)
    """)
    assert script.word() == "True"
    assert script.word() == "stopped"
    assert script.ends() == (0, "")


def test_importing_configures_and_prints_nothing(run: Run) -> None:
    script = run("""
        say(logging.getLogger().handlers + logging.getLogger("qqbot_sync").handlers)
        say([thread.name for thread in threading.enumerate()])
        say("click" in sys.modules or "rich" in sys.modules or "flask" in sys.modules)
    """)
    assert script.word() == "[]"
    assert script.word() == "['MainThread']"
    assert script.word() == "False"
    assert script.ends() == (0, "")


def test_warnings_reach_stderr_without_any_configuration(qq: Simulator, run: Run) -> None:
    script = run("""
        @client.on_message()
        def fails(ctx, message):
            try:
                raise ValueError("deliberate")
            finally:
                say("raised")

        client.start()
        say("up")
        sys.stdin.readline()
        client.stop()
    """)
    assert script.word() == "up"
    qq.say("小明", "group", "hi")
    assert script.word() == "raised"
    script.logs("deliberate")
    script.tell()
    status, error = script.ends()
    assert status == 0
    assert "fails" in error


def _until(condition: Callable[[], object]) -> None:
    from tests.support import eventually

    eventually(condition)


def _until_connected(qq: Simulator) -> None:
    _until(lambda: any(entry["kind"] == "identified" for entry in qq.log))
