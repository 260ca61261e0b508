"""Where commands find their settings, and how a bot's file gets to see them."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from qqbot_sync import (
    BotClient,
    Environment,
    EventHandler,
    GatewayConfig,
    HeartbeatConfig,
    Intents,
    ReconnectConfig,
    ShardConfig,
    Simulator,
)
from qqbot_sync.cli import main
from qqbot_sync.cli.options import connection_options
from qqbot_sync.cli.settings import exported, find_settings, need_credentials
from qqbot_sync.cli.tail.listener import Listener
from qqbot_sync.config.table import SETTINGS
from tests.cli.test_group import run

Write = Callable[..., None]


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A working directory without settings, and warnings of the system's own permissions off the table."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def written(name: str, text: str, mode: int = 0o600) -> None:
        (tmp_path / name).write_text(text, encoding="utf-8")
        (tmp_path / name).chmod(mode)

    return written


# -- who overrules whom -----------------------------------------------------------------------------------------------


def test_an_option_overrules_a_variable_that_the_env_file_and_that_the_toml_file(write: Write) -> None:
    """Value by value."""
    write("qqbot.toml", 'app_id = "toml"\napp_secret = "toml"\nenvironment = "sandbox"\nworkers = 4\nqueue_size = 4')
    write(".env", "QQ_BOT_APP_ID=env-file\nQQ_BOT_SECRET=env-file\nQQ_BOT_WORKERS=5\nOTHER=1")
    environ = {"QQ_BOT_APP_ID": "variable", "QQ_BOT_SECRET": " "}
    found = find_settings(environ=environ)
    assert (found.app_id, found.app_secret, found.workers, found.queue_size) == ("variable", "env-file", 5, 4)
    assert found.environment == Environment.sandbox()
    assert find_settings(app_id="option", environment="production", environ=environ) == found.with_changes(
        app_id="option", environment=Environment.production()
    )
    assert find_settings(app_id=" ", secret="", environ=environ) == found, "an empty option says nothing"


def test_without_anything_there_are_no_settings() -> None:
    assert find_settings(environ={}) == GatewayConfig()


def test_the_environment_is_that_of_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QQ_BOT_WORKERS", "3")
    assert find_settings().workers == 3


def test_the_files_may_stand_elsewhere(write: Write, tmp_path: Path) -> None:
    """`--config` before QQ_BOT_CONFIG before `.env`'s before `qqbot.toml`."""
    for name, workers in (("qqbot.toml", 1), ("a.toml", 2), ("b.toml", 3), ("c.toml", 4)):
        write(name, f"workers = {workers}")
    assert find_settings(environ={}).workers == 1
    write("my.env", "QQ_BOT_CONFIG=a.toml")
    assert find_settings(env_file=tmp_path / "my.env", environ={}).workers == 2
    assert find_settings(env_file="my.env", environ={"QQ_BOT_CONFIG": "b.toml"}).workers == 3
    assert find_settings(env_file="my.env", config="c.toml", environ={"QQ_BOT_CONFIG": "b.toml"}).workers == 4


@pytest.mark.parametrize("options", [{"config": "gone.toml"}, {"env_file": "gone.env"}])
def test_a_file_that_was_asked_for_must_be_there(options: dict[str, Any]) -> None:
    (name,) = options.values()
    with pytest.raises(click.UsageError, match=f"no such file: {name}"):
        find_settings(environ={}, **options)
    with pytest.raises(click.UsageError, match=r"no such file: far\.toml"):
        find_settings(environ={"QQ_BOT_CONFIG": "far.toml"})


@pytest.mark.parametrize(
    ("files", "environ", "said"),
    [
        ({"qqbot.toml": "worker = 1"}, {}, r"qqbot.toml: .*did you mean 'workers'"),
        ({"qqbot.toml": 'intents = ["guild"]'}, {}, r"qqbot.toml: .*no intent named 'guild'; did you mean 'guilds'"),
        ({".env": "QQ_BOT_INTENTS=guild"}, {}, r"\.env: QQ_BOT_INTENTS: .*no intent named 'guild'"),
        ({".env": "QQ_BOT_WORKERS=0"}, {}, r"\.env: QQ_BOT_WORKERS: .*at least 1"),
        ({".env": "QQ_BOT_WORKERS"}, {}, r"\.env:1: .*expected NAME=value"),
        ({".env": "QQ_BOT_WORKERS=many"}, {}, r"\.env: QQ_BOT_WORKERS: .*whole number"),
        ({}, {"QQ_BOT_WORKERS": "many"}, r"QQ_BOT_WORKERS: .*whole number"),
    ],
)
def test_what_is_wrong_is_named_with_its_place(
    files: dict[str, str], environ: dict[str, str], said: str, write: Write
) -> None:
    for name, text in files.items():
        write(name, text)
    with pytest.raises(ValueError, match=f"^{said}"):
        find_settings(environ=environ)


def test_a_wrong_option_is_named() -> None:
    with pytest.raises(click.UsageError, match=r"^--environment: .*production, sandbox"):
        find_settings(environment="prod", environ={})


def test_a_misspelt_variable_is_warned_of(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    """A bot may have variables of its own."""
    write(".env", "QQ_BOT_WORKRES=4\nQQ_BOT_OWNERS_OPENID=o")
    find_settings(environ={"QQ_BOT_APP_SECRET": "x", "QQ_BOT_NICKNAMES": "x"})
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 2
    assert ".env: " in lines[0]
    assert lines[0].endswith("did you mean QQ_BOT_WORKERS?")
    assert lines[1].endswith("did you mean QQ_BOT_SECRET?")


@pytest.mark.skipif(os.name != "posix", reason="there are no such permissions on Windows")
def test_files_with_a_secret_that_others_can_read_are_warned_of(
    write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    write("qqbot.toml", 'app_secret = "TOP-SECRET"', 0o644)
    write(".env", "QQ_BOT_SECRET=TOP-SECRET", 0o640)
    find_settings(environ={})
    said = capsys.readouterr().err
    assert [line.rpartition(" ")[2] for line in said.splitlines()] == [".env", "qqbot.toml"]
    assert "TOP-SECRET" not in said
    write("qqbot.toml", 'app_secret = "TOP-SECRET"')
    write(".env", "QQ_BOT_WORKERS=4", 0o644)
    find_settings(environ={})
    assert not capsys.readouterr().err


# -- options of a command ---------------------------------------------------------------------------------------------


@click.command()
@click.argument("word")
@connection_options
def probe(word: str, settings: GatewayConfig) -> None:
    click.echo(f"{word} {settings!r} {settings.app_secret == 'TOP-SECRET'}")


def test_a_command_gets_its_settings_as_one_value() -> None:
    result = CliRunner().invoke(
        probe,
        ["w", "--app-id", "1024", "--secret", "TOP-SECRET", "--environment", "http://127.0.0.1:9", "--proxy", "h:1"],
    )
    assert result.exit_code == 0, result.output
    assert result.output.startswith("w GatewayConfig(app_id='1024'")
    assert "http://127.0.0.1:9" in result.output
    assert result.output.endswith("True\n")
    assert "TOP-SECRET" not in result.output


def test_the_help_shows_each_option_in_both_languages() -> None:
    said = CliRunner().invoke(probe, ["--help"]).output
    for option in ("--app-id", "--secret", "--environment", "--proxy", "--config", "--env-file"):
        assert option in said
    for name in ("QQ_BOT_APP_ID", "QQ_BOT_SECRET", "QQ_BOT_ENVIRONMENT", "QQ_BOT_PROXY", "QQ_BOT_CONFIG"):
        assert name in said
    assert said.index("--app-id") < said.index("--env-file")


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (GatewayConfig(), "missing QQ_BOT_APP_ID, QQ_BOT_SECRET"),
        (GatewayConfig(app_id="1", app_secret=" "), "missing QQ_BOT_SECRET"),
        (GatewayConfig(app_secret="s"), "missing QQ_BOT_APP_ID:"),
    ],
)
def test_missing_credentials_are_named_with_the_fix(settings: GatewayConfig, said: str) -> None:
    with pytest.raises(click.UsageError, match=said) as caught:
        need_credentials(settings)
    assert caught.value.exit_code == 2
    assert "https://q.qq.com" in str(caught.value)
    assert "\n" not in str(caught.value)
    need_credentials(GatewayConfig(app_id="1", app_secret="s"))


# -- for the file of a user -------------------------------------------------------------------------------------------

FULL = GatewayConfig(
    app_id="1",
    app_secret="s",
    environment=Environment.local("http://127.0.0.1:9"),
    handler="a:b",
    intents=("default", "guild_messages"),
    shards=(3,),
    shard_count=8,
    workers=3,
    max_waiting=0,
    queue_size=9,
    overflow="drop_newest",
    ordering="conversation",
    max_age="reply",
    slow_after=None,
    executor="a:c",
    store="bot.db",
    proxy="http://u:p@127.0.0.1:9",
    record="tape.jsonl",
    replay="tape.jsonl",
    replay_speed=float("inf"),
    replay_partial=True,
    replay_unmatched="ok",
    record_hide_texts=True,
    metrics_enabled=False,
    debug_logging=True,
    reconnect=ReconnectConfig(max_attempts=5, initial_delay=0.25, max_delay=1e-0, backoff_factor=1.5),
    heartbeat=HeartbeatConfig(interval=10.5, timeout=9, max_missed=3),
)


def test_what_is_exported_is_read_back() -> None:
    """All of it: no setting is left out."""
    variables = exported(FULL)
    assert GatewayConfig.from_env(variables) == FULL
    told = {setting.variable for key, setting in SETTINGS.items() if key not in ("shard", "reconnect.max_delay")}
    assert told | {"QQ_BOT_CONFIG"} <= set(variables) | {"QQ_BOT_RECONNECT_MAX_DELAY"}


@pytest.mark.parametrize(
    "settings",
    [
        GatewayConfig(),
        GatewayConfig(shard=ShardConfig(1, 4)),
        GatewayConfig(shards="auto"),
        GatewayConfig(shards=4),
        GatewayConfig(shards=(0, 2, 3), shard_count=4),
        GatewayConfig(environment=Environment.production()),
        GatewayConfig(environment=Environment.sandbox()),
        GatewayConfig(max_age=2.5, slow_after=0.1),
    ],
)
def test_whatever_a_file_can_say_can_be_exported(settings: GatewayConfig) -> None:
    assert GatewayConfig.from_env(exported(settings)) == settings


def test_intents_are_exported_by_name() -> None:
    assert (
        exported(GatewayConfig(intents=Intents.GUILDS | Intents.INTERACTION))["QQ_BOT_INTENTS"] == "GUILDS,INTERACTION"
    )


@pytest.mark.parametrize(
    ("settings", "key"),
    [
        (GatewayConfig(handler=EventHandler()), "handler"),
        (GatewayConfig(environment=Environment("https://a.example", "https://b.example")), "environment"),
        (GatewayConfig(intents=Intents.none()), "intents"),
        (GatewayConfig(intents=Intents(1 << 5)), "intents"),
    ],
)
def test_what_no_text_can_name_is_refused(settings: GatewayConfig, key: str) -> None:
    with pytest.raises(ValueError, match=f"^{key}: "):
        exported(settings)


def test_a_file_sees_what_the_command_found(write: Write) -> None:
    """`run` with all four places; the bot's own arguments are stronger still."""
    write("other.toml", 'workers = 4\nqueue_size = 4\nintents = ["guilds"]\n[reconnect]\nmax_delay = 9')
    write(".env", "QQ_BOT_APP_ID=1024\nQQ_BOT_WORKERS=5")
    write(
        "bot.py",
        "from qqbot_sync import BotClient\n"
        "class Bot(BotClient):\n"
        "    def run_forever(self, **options):\n"
        "        c = self.config\n"
        "        print(c.app_id, c.workers, c.queue_size, c.reconnect.max_delay, self.intents)\n"
        "        print(self.api.environment.api_url)\n"
        "client = Bot(queue_size=7)\n",
    )
    done = run(
        "run", "bot.py:client", "--config", "other.toml", "--environment", "sandbox",
        QQ_BOT_SECRET="TOP-SECRET",
    )  # fmt: skip
    assert done.stdout.split() == ["1024", "5", "7", "9.0", "GUILDS", "https://sandbox.api.sgroup.qq.com"], done.stderr
    assert "TOP-SECRET" not in done.stdout + done.stderr


def test_a_typo_in_the_file_is_one_line(write: Write) -> None:
    """Status 1, no traceback; with `--debug` there is one, without the secret."""
    write("bot.py", "")
    write("qqbot.toml", 'app_secret = "TOP-SECRET"\nworker = 4')
    done = CliRunner().invoke(main, ["run", "bot.py"])
    assert done.exit_code == 1
    assert len(done.output.strip().splitlines()) == 1
    assert "qqbot.toml" in done.output
    assert "did you mean 'workers'" in done.output
    debugged = CliRunner().invoke(main, ["run", "bot.py", "--debug"])
    assert "TOP-SECRET" not in done.output + debugged.output


def test_a_traceback_shows_no_secret(write: Write) -> None:
    """`--debug` shows where the error came from."""
    write("bot.py", "")
    write("qqbot.toml", 'app_secret = "TOP-SECRET')
    done = run("run", "bot.py", "--debug")
    assert "Traceback" in done.stderr
    assert "TOP-SECRET" not in done.stderr


def test_the_settings_of_a_command_make_a_client_that_runs() -> None:
    with Simulator() as qq:
        settings = find_settings(app_id=qq.app_id, secret=qq.secret, environment=qq.url, environ={})
        with BotClient(config=settings) as client:
            assert client.is_connected()


def test_a_listener_leaves_the_bots_handler_and_memory_alone() -> None:
    """`tail` uses the settings of a bot; it must neither answer for it nor take over its session."""
    settings = GatewayConfig(
        app_id="1", app_secret="s", handler="no_such:Handler", executor="no_such:x", store="bot.db"
    )
    listener = Listener(settings.with_changes(record="tape.jsonl"), required=Intents.none(), wished=Intents.none())
    assert not Path("bot.db").exists()
    assert (listener.config.handler, listener.config.store, listener.config.record) == (None, None, None)
