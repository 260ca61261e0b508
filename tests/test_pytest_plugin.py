"""The pytest plugin: cheap where nobody uses it, and a running simulator with a client where somebody does."""

from __future__ import annotations

import configparser
import importlib
import re
import subprocess
import sys
from pathlib import Path

import pytest

from qqbot_sync import BotClient, Environment, Simulator
from qqbot_sync.testing import BotTest
from tests.support import eventually

pytest_plugins = ["pytester"]
ROOT = Path(__file__).parent.parent
PLUGIN = ("-p", "qqbot_sync_pytest", "-p", "no:cacheprovider")


@pytest.fixture
def inner(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A project that has the package; its tests run in a process of their own."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    return pytester


def test_the_package_announces_the_plugin_to_pytest() -> None:
    """The entry point is there, and leads to a module with both fixtures."""
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg", encoding="utf-8")
    name, _, module = (part.strip() for part in setup["options.entry_points"]["pytest11"].strip().partition("="))
    # The same name for both, so that `-p` and the entry point are one plugin to pytest.
    assert name == module == "qqbot_sync_pytest"
    assert module in setup["options"]["py_modules"].split()
    found = importlib.import_module(module)
    assert {"qqbot", "qqbot_simulator"} <= set(vars(found))


def test_a_project_that_does_not_use_it_loads_nothing_of_the_package() -> None:
    """Importing the plugin imports pytest alone."""
    code = (
        "import sys, qqbot_sync_pytest\n"
        "print([name for name in ('qqbot_sync', 'requests', 'flask', 'websockets') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=50, cwd=ROOT)
    assert done.stdout.strip() == "[]", done.stderr


@pytest.mark.long
def test_without_the_extra_a_test_that_asks_for_it_is_told_what_to_install(inner: pytest.Pytester) -> None:
    """And the tests that do not ask pass."""
    inner.makeconftest("import sys\nsys.modules['flask'] = None\n")
    inner.makepyfile("def test_plain(): pass\ndef test_asks(qqbot): pass\n")
    result = inner.runpytest_subprocess(*PLUGIN)
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["*pip install*qqbot_sync?simulator?*"])


def test_the_fixture_is_a_simulator_and_a_client_fresh_for_each_test(inner: pytest.Pytester) -> None:
    """Handlers, persons, faults, the environment; nothing is left for the next test."""
    inner.makepyfile(
        bot="""
        from qqbot_sync import BotClient
        client = BotClient()
        seen = []

        @client.on_message()
        def echo(ctx, message):
            seen.append(message.content)
            ctx.reply(f"{len(seen)}: {message.content}")
        """,
        test_it="""
        import os, sys, pytest
        urls = set()

        @pytest.mark.parametrize("time", range(3))
        def test_its_own_client(qqbot, time):
            urls.add(qqbot.simulator.url)
            qqbot.client.on_message()(lambda ctx, message: ctx.reply("pong"))
            assert qqbot.say("小明", "group", "ping").replies()[0].content == "pong"
            assert qqbot.say("小明", "c2c", "ping").replies()[0].content == "pong"

        @pytest.mark.parametrize("time", range(2))
        def test_a_bots_file(qqbot, time):
            client = qqbot.load("bot.py")
            assert qqbot.client is client
            assert qqbot.say("小明", "group", "hi").replies()[0].content == "1: hi"

        def test_the_environment_leads_to_the_simulator(qqbot_simulator):
            from qqbot_sync import BotClient
            with BotClient() as client:
                assert client.is_connected()
            assert os.environ["QQ_BOT_ENVIRONMENT"] == qqbot_simulator.url

        def test_nothing_is_left():
            assert "QQ_BOT_ENVIRONMENT" not in os.environ
            assert "bot" not in sys.modules
        """,
    )
    inner.runpytest_subprocess(*PLUGIN).assert_outcomes(passed=7)


def test_what_a_handler_raises_fails_the_test_unless_it_is_taken(inner: pytest.Pytester) -> None:
    """The error is shown where it happened."""
    inner.makepyfile(
        """
        import pytest, threading

        @pytest.fixture
        def bot(qqbot):
            qqbot.begun = threading.Event()
            @qqbot.client.on_message()
            def broken(ctx, message):
                qqbot.begun.set()
                raise ZeroDivisionError("in the handler")
            return qqbot

        def test_unnoticed(bot):
            bot.say("小明", "group", "x")
            assert bot.begun.wait(20)

        def test_expected(bot):
            bot.say("小明", "group", "x")
            assert isinstance(bot.next_error(), ZeroDivisionError)
        """
    )
    result = inner.runpytest_subprocess(*PLUGIN)
    result.assert_outcomes(passed=2, errors=1)
    result.stdout.fnmatch_lines(["*broken*", "*handlers raised: ZeroDivisionError*in the handler*next_error*"])


def test_the_listings_of_the_documentation_pass(inner: pytest.Pytester) -> None:
    """`docs/testing.md`, as it stands."""
    page = (ROOT / "docs" / "testing.md").read_text(encoding="utf-8")
    listings = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    inner.makepyfile("\n".join(listings))
    inner.runpytest_subprocess(*PLUGIN).assert_outcomes(passed=len(listings))


# ---------------------------------------------------------------- the object itself


def test_the_client_starts_with_the_first_message_and_once() -> None:
    """Handlers are registered before; a client that was stopped is not started again behind the test's back."""
    with Simulator() as qq, BotTest(qq) as test:
        assert not qq.connections()
        test.start().start()
        assert len(qq.entries(kinds=["identified"])) == 1
        test.client.stop()
        eventually(lambda: not qq.connections())
        test.say("小明", "group", "x")
        assert len(qq.entries(kinds=["identified"])) == 1
        assert not qq.connections()


def test_a_client_that_runs_already_is_left_to_run() -> None:
    """`with qqbot.client:` is as good as `start()`."""
    with Simulator() as qq, BotTest(qq) as test, test.client:
        test.say("小明", "group", "x")
        assert len(qq.entries(kinds=["identified"])) == 1


def test_every_act_of_a_person_starts_the_client() -> None:
    """All of them reach it."""
    acts = {
        "GROUP_AT_MESSAGE_CREATE": lambda test: test.say("小明", "group", "x"),
        "INTERACTION_CREATE": lambda test: test.press("小明", "group", "1", data="d"),
        "GROUP_MEMBER_ADD": lambda test: test.join("小明", "group"),
        "GROUP_MEMBER_REMOVE": lambda test: test.leave("小明", "group"),
        "NEW_EVENT": lambda test: test.push("NEW_EVENT", {}),
    }
    for name, act in acts.items():
        with Simulator() as qq, BotTest(qq) as test:
            test.client = BotClient(qq.app_id, qq.secret, environment=Environment.local(qq.url), intents=qq.grant)
            act(test)
            assert [entry["connected"] for entry in qq.entries(kinds=["dispatched"])] == [True]
            assert qq.entries(kinds=["dispatched"])[0]["event"] == name


def test_a_client_of_another_place_is_refused() -> None:
    """No test reaches QQ by mistake."""
    with Simulator() as qq, BotTest(qq) as test:
        with pytest.raises(ValueError, match="simulator"):
            test.client = BotClient("1", "x", environment=Environment.production())
        with pytest.raises(TypeError, match="BotClient"):
            test.client = None  # type: ignore[assignment]
        test.start()
        with pytest.raises(RuntimeError, match="runs already"):
            test.client = BotClient("1", "x", environment=Environment.local(qq.url))


def test_a_file_without_a_client_or_with_two_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message names what there is; with a name, two are no problem."""
    two = tmp_path / "two.py"
    two.write_text("from qqbot_sync import BotClient\na = BotClient()\nb = BotClient()\n", encoding="utf-8")
    none = tmp_path / "none.py"
    none.write_text("x = 1\n", encoding="utf-8")
    path = list(sys.path)
    with Simulator() as qq, BotTest(qq) as test:
        for name, value in (("ENVIRONMENT", qq.url), ("APP_ID", qq.app_id), ("SECRET", qq.secret)):
            monkeypatch.setenv(f"QQ_BOT_{name}", value)
        with pytest.raises(ValueError, match="a, b"):
            test.load(two)
        with pytest.raises(ValueError, match="name="):
            test.load(none)
        with pytest.raises(ValueError, match="Python"):
            test.load(tmp_path / "missing.py")
        assert test.load(two, "b") is test.client
    assert sys.path == path
    assert not {"two", "none"} & set(sys.modules)


def test_waiting_for_an_error_that_does_not_come_fails() -> None:
    """With the time it waited."""
    with Simulator() as qq, BotTest(qq) as test, pytest.raises(AssertionError, match="no handler"):
        test.next_error(timeout=0)


@pytest.mark.long
def test_the_settings_of_whoever_runs_the_tests_are_not_the_bots(
    inner: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A store, a shard or a file of settings in the environment of a developer."""
    monkeypatch.setenv("QQ_BOT_WORKERS", "3")
    monkeypatch.setenv("QQ_BOT_CONFIG", "gone.toml")
    inner.makepyfile(
        """
        from qqbot_sync import BotClient

        def test_the_client_has_its_defaults(qqbot_simulator):
            assert BotClient().config.workers == 16
        """
    )
    inner.runpytest_subprocess(*PLUGIN).assert_outcomes(passed=1)
