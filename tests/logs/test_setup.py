"""Setting up: what is said where, in which words that is asked for, and what there is where nobody did it."""

from __future__ import annotations

import io
import json
import logging
import re
import subprocess
import sys

import pytest

import qqbot_sync
from qqbot_sync import BotClient, Environment, GatewayConfig, Simulator, setup_logging
from qqbot_sync.logs import log_to_stderr, read_spec
from tests.logs.support import GATEWAY, MYBOT, OURS, our_handlers

# -- what is said where ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("spec", "others", "areas"),
    [
        ("", "INFO", {}),
        ("debug", "DEBUG", {}),
        (logging.WARNING, "WARNING", {}),
        ("gateway=debug,dispatch=info", "INFO", {"gateway": 10, "dispatch": 20}),
        ("warning,http=debug", "WARNING", {"http": 10}),
        (" Warning ; qqbot_sync.http = DEBUG\n", "WARNING", {"http": 10}),
        ("qqbot_sync::gateway=debug", "INFO", {"gateway": 10}),
        ("qqbot_sync=error, simulator=off", "ERROR", {"simulator": 60}),
        ("http=debug,http=error", "INFO", {"http": 40}),
        ("warn,all=fatal", "CRITICAL", {}),
    ],
)
def test_a_spec_is_read(spec: str | int, others: str, areas: dict[str, int]) -> None:
    levels = read_spec(spec)
    assert (logging.getLevelName(levels.others), levels.areas) == (others, areas)


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ("gatway=debug", "'gateway'"),
        ("dispatcher=info", "'dispatch'"),
        ("gateway=debgu", "'debug'"),
        ("inf", "'info'"),
        ("gateway", "gateway=debug"),
        ("gateway=", "'gateway='"),
        ("http=42", "critical"),
    ],
)
def test_a_spec_with_a_typo_names_what_was_meant(spec: str, said: str) -> None:
    with pytest.raises(ValueError) as caught:
        setup_logging(spec)
    assert said in str(caught.value)
    assert not our_handlers(), "nothing was set up"


def test_a_spec_of_another_type_is_refused() -> None:
    with pytest.raises(TypeError, match="gateway=debug"):
        setup_logging({"gateway": "debug"})  # type: ignore[arg-type]


def test_areas_get_their_levels_and_a_second_call_forgets_those_of_the_first() -> None:
    setup_logging("warning,gateway=debug")
    assert [GATEWAY.getEffectiveLevel(), logging.getLogger("qqbot_sync.http").getEffectiveLevel()] == [10, 30]
    setup_logging("http=error")
    assert [GATEWAY.getEffectiveLevel(), logging.getLogger("qqbot_sync.http").getEffectiveLevel()] == [20, 40]


def test_a_second_call_changes_the_one_handler_and_doubles_no_line() -> None:
    root, foreign = logging.getLogger().handlers[:], OURS.handlers[:]
    first, second = io.StringIO(), io.StringIO()
    handler = setup_logging("info", stream=first)
    MYBOT.addHandler(handler)
    assert setup_logging("info", json=True, stream=second) is handler
    MYBOT.addHandler(setup_logging("info", json=True, stream=second))
    MYBOT.setLevel(logging.INFO)
    GATEWAY.info("once")
    MYBOT.info("once, too")
    assert not first.getvalue()
    assert [json.loads(line)["message"] for line in second.getvalue().splitlines()] == ["once", "once, too"]
    assert logging.getLogger().handlers == root
    assert [one for one in OURS.handlers if one is not handler] == foreign


def test_a_handler_of_an_earlier_import_is_replaced() -> None:
    """As a notebook with autoreload leaves one behind, whose class is another."""
    old = logging.StreamHandler(io.StringIO())
    old.name = "qqbot_sync"
    OURS.addHandler(old)
    new = setup_logging("info", stream=io.StringIO())
    assert old not in OURS.handlers
    assert new in OURS.handlers


def test_the_environment_variable_is_the_default_of_the_spec(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QQ_BOT_LOG", "error,http=debug")
    setup_logging()
    assert [GATEWAY.getEffectiveLevel(), logging.getLogger("qqbot_sync.http").level] == [40, 10]
    setup_logging("info")
    assert GATEWAY.getEffectiveLevel() == 20, "what the program says goes first"
    monkeypatch.setenv("QQ_BOT_LOG", "eror")
    with pytest.raises(ValueError, match=r"QQ_BOT_LOG: .*'error'"):
        setup_logging()


# -- where nothing is configured ------------------------------------------------------------------------------------


@pytest.mark.usefixtures("nobody_configured")
class TestWithoutConfiguration:
    def test_it_goes_to_stderr_once(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert log_to_stderr()
        assert not log_to_stderr()
        GATEWAY.info("shard 0: READY")
        GATEWAY.debug("not this")
        assert re.fullmatch(
            r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} INFO    qqbot_sync.gateway: shard 0: READY\n",
            capsys.readouterr().err,
        )

    def test_levels_of_the_program_stay(self) -> None:
        GATEWAY.setLevel(logging.DEBUG)
        OURS.setLevel(logging.ERROR)
        log_to_stderr()
        assert (GATEWAY.level, OURS.level) == (logging.DEBUG, logging.ERROR)

    def test_the_variable_says_what_is_logged(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("QQ_BOT_LOG", "gateway=debug")
        log_to_stderr(logging.WARNING)
        assert (GATEWAY.level, OURS.level) == (logging.DEBUG, logging.WARNING)

    def test_setting_up_afterwards_takes_the_handler_over(self) -> None:
        log_to_stderr()
        stream = io.StringIO()
        setup_logging("info", stream=stream)
        GATEWAY.info("hello")
        assert stream.getvalue().count("hello") == 1
        assert len(our_handlers()) == 1

    def test_debug_logging_shows_what_a_started_client_does(self, capsys: pytest.CaptureFixture[str]) -> None:
        with Simulator() as qq:
            config = GatewayConfig(debug_logging=True)
            with BotClient(qq.app_id, qq.secret, environment=Environment.local(qq.url), config=config):
                pass
            said = capsys.readouterr().err
        assert "DEBUG   qqbot_sync.gateway: > {" in said
        assert "READY" in said
        assert qq.secret not in said

    def test_without_it_a_started_client_configures_nothing(self) -> None:
        with Simulator() as qq, BotClient(qq.app_id, qq.secret, environment=Environment.local(qq.url)):
            assert not our_handlers()


def test_importing_configures_nothing() -> None:
    script = "import logging, qqbot_sync; l = logging.getLogger('qqbot_sync'); assert not l.handlers and not l.level"
    subprocess.run([sys.executable, "-c", script], timeout=60, check=True)
    assert qqbot_sync.setup_logging is setup_logging
