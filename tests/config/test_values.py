"""Settings as values: what is accepted, what is refused with the remedy, and that no secret shows."""

from __future__ import annotations

import copy
import dataclasses
import pickle
from typing import Any

import pytest

from qqbot_sync import Environment, GatewayConfig, HeartbeatConfig, Intents, ReconnectConfig, ShardConfig

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
        (ReconnectConfig, "max_delay", float("inf"), TypeError),
        (GatewayConfig, "slow_after", float("inf"), TypeError),
        (GatewayConfig, "reconnect", None, TypeError),
        (GatewayConfig, "heartbeat", None, TypeError),
        (GatewayConfig, "intents", 513, TypeError),
        (GatewayConfig, "intents", (), TypeError),
        (GatewayConfig, "intents", ["guilds", 1], TypeError),
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


def test_what_must_be_an_object_is_shown_as_it_is_written() -> None:
    with pytest.raises(TypeError, match=r'Environment\.sandbox\(\) or Environment\.local\("http.*not \'sandbox\''):
        GatewayConfig(environment="sandbox")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"must be written as ShardConfig\(0, 4\), not \(0, 1\)"):
        GatewayConfig(shard=(0, 1))  # type: ignore[arg-type]


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


@pytest.mark.parametrize("names", ["guilds, interaction", ["guilds", " interaction"], ("guilds", "interaction")])
def test_intents_may_be_named(names: Any) -> None:
    """They become bits in the client, which knows the names."""
    assert GatewayConfig(intents=names).intents == ("guilds", "interaction")
    assert GatewayConfig(intents=Intents.GUILDS).intents is Intents.GUILDS
