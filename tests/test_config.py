"""Settings: what is accepted, what is refused with the remedy, and that no secret shows."""

from __future__ import annotations

import copy
import dataclasses
import pickle
from pathlib import Path
from typing import Any

import pytest

from qqbot_sync import BotClient, Environment, GatewayConfig, HeartbeatConfig, Intents, ReconnectConfig, ShardConfig

CHINESE = "[\u4e00-\u9fff]"


# -- Environment ------------------------------------------------------------------------------------------------------


def test_production_is_qq_itself_with_the_newer_host_to_fall_back_on() -> None:
    production = Environment.production()
    assert production.api_url == "https://api.sgroup.qq.com"
    assert production.token_url == "https://bots.qq.com/app/getAppAccessToken"
    assert not production.is_local
    newer = production.fallback
    assert newer == Environment("https://api.bot.qq.com", "https://api.bot.qq.com/app/getAppAccessToken")


def test_the_sandbox_is_qqs_own() -> None:
    sandbox = Environment.sandbox()
    assert sandbox.api_url == "https://sandbox.api.sgroup.qq.com"
    assert sandbox.token_url == "https://bots.qq.com/app/getAppAccessToken"
    assert (sandbox.is_local, sandbox.fallback) == (False, None)


@pytest.mark.parametrize("url", ["http://127.0.0.1:9000", "http://127.0.0.1:9000/", " http://127.0.0.1:9000 "])
def test_a_simulator_serves_api_and_token_under_one_url(url: str) -> None:
    local = Environment.local(url)
    assert local.api_url == "http://127.0.0.1:9000"
    assert local.token_url == "http://127.0.0.1:9000/app/getAppAccessToken"
    assert local.is_local


@pytest.mark.parametrize(
    ("text", "environment"),
    [
        ("production", Environment.production()),
        (" Sandbox ", Environment.sandbox()),
        ("http://127.0.0.1:9000/", Environment.local("http://127.0.0.1:9000")),
        ("https://simulator.example", Environment.local("https://simulator.example")),
    ],
)
def test_an_environment_is_read_from_a_text(text: str, environment: Environment) -> None:
    assert Environment.parse(text) == environment


@pytest.mark.parametrize("text", ["", "prod", "ws://127.0.0.1", "127.0.0.1:9000", "ftp://x"])
def test_a_text_that_names_no_environment_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=f"{CHINESE}.* / .*production, sandbox or the URL of a simulator"):
        Environment.parse(text)


@pytest.mark.parametrize("url", ["http://api.example", "ws://api.example"])
def test_an_unencrypted_url_is_refused_outside_local(url: str) -> None:
    with pytest.raises(ValueError, match=r"not encrypted.*Environment\.local"):
        Environment(url, "https://token.example")
    with pytest.raises(ValueError, match=r"token_url.*not encrypted"):
        Environment("https://api.example", url)
    with pytest.raises(ValueError, match="not encrypted"):
        Environment.production().check_url(url)
    Environment.local("http://127.0.0.1:1").check_url(url)
    Environment.production().check_url(url.replace("http:", "https:").replace("ws:", "wss:"))


@pytest.mark.parametrize("url", ["", "  ", "api.example", "https://", "ftp://api.example", None, 5])
def test_what_is_no_url_is_refused(url: Any) -> None:
    with pytest.raises(ValueError, match=r"api_url .*URL"):
        Environment(url, "https://token.example")
    with pytest.raises(ValueError, match="URL"):
        Environment.local(url)


# -- the small ones ---------------------------------------------------------------------------------------------------


def test_the_defaults_are_those_of_the_design() -> None:
    assert dataclasses.astuple(ReconnectConfig()) == (None, 1.0, 30.0, 2.0)
    assert dataclasses.astuple(HeartbeatConfig()) == (None, None, 1)
    assert tuple(ShardConfig()) == (0, 1)
    config = GatewayConfig()
    assert (config.workers, config.max_waiting, config.queue_size) == (16, 256, 1000)
    assert (config.overflow, config.ordering) == ("block", "author")
    assert (config.metrics_enabled, config.debug_logging) == (True, False)
    for name in ("app_id", "app_secret", "intents", "shard", "environment", "proxy"):
        assert getattr(config, name) is None


@pytest.mark.parametrize(
    ("kind", "field", "value", "error"),
    [
        (ReconnectConfig, "max_attempts", 0, ValueError),
        (ReconnectConfig, "max_attempts", 1.5, TypeError),
        (ReconnectConfig, "initial_delay", 0, ValueError),
        (ReconnectConfig, "initial_delay", -1, ValueError),
        (ReconnectConfig, "initial_delay", "1", TypeError),
        (ReconnectConfig, "max_delay", 0.5, ValueError),
        (ReconnectConfig, "max_delay", float("nan"), TypeError),
        (ReconnectConfig, "backoff_factor", 0.5, ValueError),
        (ReconnectConfig, "backoff_factor", True, TypeError),
        (HeartbeatConfig, "interval", 0, ValueError),
        (HeartbeatConfig, "interval", "30", TypeError),
        (HeartbeatConfig, "timeout", -1, ValueError),
        (HeartbeatConfig, "timeout", None, None),
        (HeartbeatConfig, "max_missed", 0, ValueError),
        (HeartbeatConfig, "max_missed", True, TypeError),
        (ShardConfig, "shard_id", -1, ValueError),
        (ShardConfig, "shard_id", 1, ValueError),
        (ShardConfig, "shard_id", "0", TypeError),
        (ShardConfig, "shard_count", 0, ValueError),
        (GatewayConfig, "workers", 0, ValueError),
        (GatewayConfig, "workers", "16", TypeError),
        (GatewayConfig, "workers", True, TypeError),
        (GatewayConfig, "max_waiting", -1, ValueError),
        (GatewayConfig, "max_waiting", 0, None),
        (GatewayConfig, "queue_size", 0, ValueError),
        (GatewayConfig, "overflow", "drop", ValueError),
        (GatewayConfig, "overflow", None, ValueError),
        (GatewayConfig, "ordering", "authors", ValueError),
        (GatewayConfig, "reconnect", 5, TypeError),
        (GatewayConfig, "heartbeat", {"timeout": 1}, TypeError),
        (GatewayConfig, "shard", (0, 1), TypeError),
        (GatewayConfig, "environment", "sandbox", TypeError),
    ],
)
def test_a_value_is_checked_where_it_is_given(
    kind: type[Any], field: str, value: Any, error: type[Exception] | None
) -> None:
    if error is None:
        assert getattr(kind(**{field: value}), field) == value
        return
    with pytest.raises(error, match=f"{field}.*{CHINESE}.* / "):
        kind(**{field: value})


def test_a_choice_that_is_nearly_right_is_told() -> None:
    with pytest.raises(ValueError, match=r"block, drop_oldest, drop_newest.*did you mean 'drop_oldest'"):
        GatewayConfig(overflow="drop_oldst")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="did you mean 'author'"):
        GatewayConfig(ordering="authors")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "config",
    [ReconnectConfig(), HeartbeatConfig(), ShardConfig(), Environment.production(), GatewayConfig(app_id="1")],
    ids=lambda config: type(config).__name__,
)
def test_a_config_is_a_value(config: Any) -> None:
    field = dataclasses.fields(config)[0].name
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(config, field, None)
    assert copy.deepcopy(config) == config == pickle.loads(pickle.dumps(config))
    assert hash(copy.copy(config)) == hash(config)


# -- all of it --------------------------------------------------------------------------------------------------------


def test_secrets_do_not_show() -> None:
    config = GatewayConfig(app_id="1024", app_secret="s3cr3t", proxy="http://user:passw0rd@127.0.0.1:8080")
    for text in (repr(config), str(config), f"{config}"):
        assert "s3cr3t" not in text
        assert "passw0rd" not in text
        assert "1024" in text


def test_production_has_the_five_fields_of_botrs() -> None:
    config = GatewayConfig.production()
    assert config.heartbeat_timeout == config.heartbeat.timeout == 60
    assert config.event_buffer_size == config.queue_size == 1000
    assert (config.metrics_enabled, config.debug_logging) == (True, False)
    assert config.reconnect_attempts is config.reconnect.max_attempts is None


def test_production_can_be_changed_under_either_name() -> None:
    config = GatewayConfig.production(
        reconnect_attempts=5, event_buffer_size=10, heartbeat_timeout=9, debug_logging=True, app_id="1"
    )
    assert (config.reconnect, config.queue_size) == (ReconnectConfig(max_attempts=5), 10)
    assert (config.heartbeat, config.debug_logging, config.app_id) == (HeartbeatConfig(timeout=9), True, "1")
    both = GatewayConfig.production(heartbeat=HeartbeatConfig(interval=5), reconnect=ReconnectConfig(max_delay=9))
    assert both.heartbeat == HeartbeatConfig(interval=5, timeout=60)
    assert both.reconnect == ReconnectConfig(max_delay=9)


def test_changes_give_a_copy_and_keep_the_rest() -> None:
    config = GatewayConfig(workers=2, reconnect=ReconnectConfig(max_delay=9))
    changed = config.with_changes(workers=3, reconnect_attempts=1)
    assert config == GatewayConfig(workers=2, reconnect=ReconnectConfig(max_delay=9))
    assert changed == GatewayConfig(workers=3, reconnect=ReconnectConfig(max_attempts=1, max_delay=9))
    assert config.with_changes() == config


@pytest.mark.parametrize(
    ("name", "said"), [("worker", "did you mean 'workers'"), ("xyzzy", "known: app_id, app_secret")]
)
def test_a_setting_that_does_not_exist_is_refused(name: str, said: str) -> None:
    for call in (GatewayConfig.production, GatewayConfig().with_changes):
        with pytest.raises(TypeError, match=f"there is no setting named '{name}'.*{said}"):
            call(**{name: 1})
    with pytest.raises(ValueError, match="queue_size"):
        GatewayConfig.production(event_buffer_size=0)


# -- from the environment ---------------------------------------------------------------------------------------------


def test_settings_come_from_the_environment() -> None:
    found = GatewayConfig.from_env(
        {
            "QQ_BOT_APP_ID": "1024",
            "QQ_BOT_SECRET": "s",
            "QQ_BOT_ENVIRONMENT": "sandbox",
            "QQ_BOT_PROXY": "http://127.0.0.1:1",
            "QQ_BOT_WORKERS": " 4 ",
            "QQ_BOT_MAX_WAITING": "5",
            "QQ_BOT_QUEUE_SIZE": "6",
            "QQ_BOT_OVERFLOW": "drop_oldest",
            "QQ_BOT_ORDERING": "none",
            "PATH": "/bin",
        }
    )
    assert found == GatewayConfig(
        app_id="1024",
        app_secret="s",
        environment=Environment.sandbox(),
        proxy="http://127.0.0.1:1",
        workers=4,
        max_waiting=5,
        queue_size=6,
        overflow="drop_oldest",
        ordering="none",
    )


def test_an_empty_variable_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    assert GatewayConfig.from_env({"QQ_BOT_WORKERS": " ", "QQ_BOT_ENVIRONMENT": ""}) == GatewayConfig()
    assert GatewayConfig.from_env() == GatewayConfig()
    monkeypatch.setenv("QQ_BOT_WORKERS", "7")
    assert GatewayConfig.from_env() == GatewayConfig(workers=7)


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("QQ_BOT_WORKERS", "many", "whole number"),
        ("QQ_BOT_WORKERS", "1.5", "whole number"),
        ("QQ_BOT_WORKERS", "0", "at least 1"),
        ("QQ_BOT_ENVIRONMENT", "prod", "production, sandbox or the URL"),
        ("QQ_BOT_OVERFLOW", "drop", "one of block"),
        ("QQ_BOT_ORDERING", "authors", "did you mean 'author'"),
    ],
)
def test_a_variable_that_cannot_be_read_is_named(variable: str, value: str, said: str) -> None:
    with pytest.raises(ValueError, match=f"^{variable}: .*{CHINESE}.*{said}"):
        GatewayConfig.from_env({"QQ_BOT_APP_ID": "1", variable: value})


# -- from a file ------------------------------------------------------------------------------------------------------


def written(place: Path, text: str | bytes) -> Path:
    path = place / "bot.toml"
    path.write_bytes(text.encode("utf-8") if isinstance(text, str) else text)
    return path


def test_settings_come_from_a_toml_file(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        """
        app_id = 1024  # a number is fine
        app_secret = "s"
        environment = "http://127.0.0.1:9000"
        workers = 4
        overflow = "drop_newest"
        event_buffer_size = 50
        reconnect_attempts = 3

        [reconnect]
        max_delay = 9

        [heartbeat]
        timeout = 5.5
        max_missed = 2

        [shard]
        shard_id = 1
        shard_count = 4
        """,
    )
    expected = GatewayConfig(
        app_id="1024",
        app_secret="s",
        environment=Environment.local("http://127.0.0.1:9000"),
        workers=4,
        overflow="drop_newest",
        queue_size=50,
        reconnect=ReconnectConfig(max_attempts=3, max_delay=9),
        heartbeat=HeartbeatConfig(timeout=5.5, max_missed=2),
        shard=ShardConfig(1, 4),
    )
    assert GatewayConfig.from_file(path) == GatewayConfig.from_file(str(path)) == expected


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("workers = ", "not valid TOML"),
        (b"\xff\xfe", "not valid TOML"),
        ("worker = 1", "did you mean 'workers'"),
        ("workers = 0", "workers must be at least 1"),
        ("workers = 1.5", "workers must be a whole number, not 1.5"),
        ("workers = true", "workers must be a whole number, not True"),
        ('workers = "many"', "workers must be a whole number, not 'many'"),
        ('overflow = "drop"', "overflow must be one of"),
        ('environment = "prod"', "environment must be production, sandbox"),
        ("environment = 5", "environment must be a Environment"),
        ('intents = ["guilds"]', "set intents in code"),
        ("reconnect = 5", r"reconnect must be a table, like \[reconnect\]"),
        ("[reconnect]\nmax_delays = 1", r"\[reconnect\] 'max_delays'; did you mean 'max_delay'"),
        ("[heartbeat]\nxyzzy = 1", r"\[heartbeat\] 'xyzzy'; known: interval"),
        ('[heartbeat]\ntimeout = "5"', "HeartbeatConfig.timeout must be a number"),
        ("[shard]\nshard_id = 4\nshard_count = 4", "shard_id counts from 0"),
    ],
)
def test_a_file_that_cannot_be_read_is_named_with_what_is_wrong(tmp_path: Path, text: str | bytes, said: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(ValueError, match=f"{CHINESE}.*{said}") as caught:
        GatewayConfig.from_file(path)
    assert str(caught.value).startswith(str(path))
    assert isinstance(caught.value, ValueError)


def test_a_file_that_is_not_there_is_an_error_of_the_system(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        GatewayConfig.from_file(tmp_path / "missing.toml")


# -- what a client makes of it ----------------------------------------------------------------------------------------


def test_an_argument_overrules_the_config_and_a_default_says_nothing() -> None:
    config = GatewayConfig(app_id="1", app_secret="s", workers=2, queue_size=9, intents=Intents.GUILDS)
    client = BotClient.from_config(config, queue_size=7)
    assert (client.config.workers, client.config.queue_size) == (2, 7)
    assert client.intents == Intents.GUILDS
    assert BotClient(config=config, intents=Intents.GUILD_MEMBERS).intents == Intents.GUILD_MEMBERS
    assert client.config == config.with_changes(queue_size=7)
