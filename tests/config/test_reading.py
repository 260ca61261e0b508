"""Settings from files and variables: every row of the table, layers, and errors that name what is wrong and where."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from qqbot_sync import Environment, GatewayConfig, HeartbeatConfig, ReconnectConfig, ShardConfig
from qqbot_sync.config.table import SETTINGS

CHINESE = "[\u4e00-\u9fff]"

LOCAL = "http://127.0.0.1:9000"
SAMPLES: dict[str, list[tuple[str, str, Any]]] = {
    "app_id": [("1024", "1024", "1024"), ('" 1024 "', " 1024 ", "1024")],
    "app_secret": [('"s"', "s", "s")],
    "environment": [('"sandbox"', "Sandbox", Environment.sandbox()), (f'"{LOCAL}"', LOCAL, Environment.local(LOCAL))],
    "handler": [('"my.bots:Mine"', "my.bots:Mine", "my.bots:Mine")],
    "intents": [
        ('["guilds", "interaction"]', "guilds, interaction", ("guilds", "interaction")),
        ('"default"', "default", ("default",)),
    ],
    "shard": [
        ('"1/4"', "1/4", ShardConfig(1, 4)),
        ("[1, 4]", " 1 / 4 ", ShardConfig(1, 4)),
        ("{ shard_id = 1, shard_count = 4 }", "1/4", ShardConfig(1, 4)),
    ],
    "shards": [('"auto"', "AUTO", "auto"), ("4", "4", 4), ('"4"', "4", 4)],
    "workers": [("4", " 4 ", 4)],
    "max_waiting": [("0", "0", 0)],
    "queue_size": [("9", "9", 9)],
    "overflow": [('"drop_oldest"', "drop_oldest", "drop_oldest")],
    "ordering": [('"none"', "none", "none")],
    "max_age": [("2.5", "2.5", 2.5), ('"reply"', "Reply", "reply")],
    "slow_after": [("5", "5", 5.0), ('"none"', "none", None)],
    "executor": [('"my.pool:make.it"', "my.pool:make.it", "my.pool:make.it")],
    "store": [('"/tmp/bot.db"', "/tmp/bot.db", "/tmp/bot.db")],
    "proxy": [('"http://127.0.0.1:1"', "http://127.0.0.1:1", "http://127.0.0.1:1")],
    "record": [('"/tmp/a.jsonl"', "/tmp/a.jsonl", "/tmp/a.jsonl")],
    "replay": [('"/tmp/a.jsonl"', "/tmp/a.jsonl", "/tmp/a.jsonl")],
    "replay_speed": [("10", "10", 10.0), ("inf", "inf", float("inf"))],
    "replay_partial": [("true", "true", True)],
    "replay_unmatched": [('"ok"', "ok", "ok")],
    "record_hide_texts": [("true", "1", True)],
    "metrics_enabled": [("false", "No", False), ("false", "0", False), ("false", "off", False)],
    "debug_logging": [("true", "yes", True), ("true", "ON", True)],
    "reconnect.max_attempts": [("5", "5", 5)],
    "reconnect.initial_delay": [("0.5", "0.5", 0.5)],
    "reconnect.max_delay": [("9", "9", 9.0)],
    "reconnect.backoff_factor": [("3", "3", 3.0)],
    "heartbeat.interval": [("10", "10", 10.0)],
    "heartbeat.timeout": [("5.5", "5.5", 5.5)],
    "heartbeat.max_missed": [("2", "2", 2)],
}
IDS = [
    ('"0-3"', "0-3", (0, 1, 2, 3)),
    ("[0, 2]", "0, 2", (0, 2)),
    ('"0-1,7"', "0-1,7", (0, 1, 7)),
    ("[3]", "3-3", (3,)),
]
"""Of `shards`, which need `shard_count`."""


def value_of(config: GatewayConfig, key: str) -> Any:
    value: Any = config
    for name in key.split("."):
        value = getattr(value, name)
    return value


def written(place: Path, text: str | bytes) -> Path:
    path = place / "bot.toml"
    path.write_bytes(text.encode("utf-8") if isinstance(text, str) else text)
    path.chmod(0o600)
    return path


@pytest.fixture(autouse=True)
def no_warning() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


# -- every row of the table -------------------------------------------------------------------------------------------


def test_there_is_a_sample_of_every_setting() -> None:
    """`shard_count` is shown together with the ids."""
    assert set(SAMPLES) == set(SETTINGS) - {"shard_count"}


@pytest.mark.parametrize(
    ("key", "toml", "text", "value"), [(key, *sample) for key, samples in SAMPLES.items() for sample in samples]
)
def test_a_setting_is_read_from_file_and_variable_alike(
    tmp_path: Path, key: str, toml: str, text: str, value: Any
) -> None:
    table, _, name = key.rpartition(".")
    lines = f"[{table}]\n{name} = {toml}" if table else f"{name} = {toml}"
    found = GatewayConfig.from_file(written(tmp_path, lines))
    assert value_of(found, key) == value_of(GatewayConfig.from_env({SETTINGS[key].variable: text}), key) == value
    assert found != GatewayConfig(), "the sample is the default: it shows nothing"


@pytest.mark.parametrize(("toml", "text", "ids"), IDS)
def test_ids_of_shards_go_with_their_count(tmp_path: Path, toml: str, text: str, ids: tuple[int, ...]) -> None:
    expected = GatewayConfig(shards=ids, shard_count=8)
    assert GatewayConfig.from_file(written(tmp_path, f"shards = {toml}\nshard_count = 8")) == expected
    assert GatewayConfig.from_env({"QQ_BOT_SHARDS": text, "QQ_BOT_SHARD_COUNT": "8"}) == expected


@pytest.mark.parametrize("key", [key for key, setting in SETTINGS.items() if '"none"' in setting.kind.english])
def test_none_is_a_word_where_none_is_a_value(key: str) -> None:
    assert value_of(GatewayConfig.from_env({SETTINGS[key].variable: "None"}), key) is None


def test_the_names_of_botrs_are_understood(tmp_path: Path) -> None:
    expected = GatewayConfig(
        queue_size=50, heartbeat=HeartbeatConfig(timeout=9.0), reconnect=ReconnectConfig(max_attempts=3)
    )
    text = "event_buffer_size = 50\nheartbeat_timeout = 9\nreconnect_attempts = 3"
    assert GatewayConfig.from_file(written(tmp_path, text)) == expected
    variables = {"EVENT_BUFFER_SIZE": "50", "HEARTBEAT_TIMEOUT": "9", "RECONNECT_ATTEMPTS": "3"}
    assert GatewayConfig.from_env({f"QQ_BOT_{name}": value for name, value in variables.items()}) == expected


def test_one_setting_under_two_names_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="event_buffer_size and queue_size are one setting"):
        GatewayConfig.from_file(written(tmp_path, "event_buffer_size = 50\nqueue_size = 40"))
    with pytest.raises(ValueError, match="are one setting"):
        GatewayConfig.from_env({"QQ_BOT_EVENT_BUFFER_SIZE": "50", "QQ_BOT_QUEUE_SIZE": "40"})


# -- from the environment ---------------------------------------------------------------------------------------------


def test_an_empty_variable_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    assert GatewayConfig.from_env({"QQ_BOT_WORKERS": " ", "QQ_BOT_ENVIRONMENT": ""}) == GatewayConfig()
    assert GatewayConfig.from_env() == GatewayConfig()
    monkeypatch.setenv("QQ_BOT_WORKERS", "7")
    assert GatewayConfig.from_env() == GatewayConfig(workers=7)


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("QQ_BOT_WORKERS", "many", "workers must be a whole number, not 'many'"),
        ("QQ_BOT_WORKERS", "1.5", "whole number"),
        ("QQ_BOT_WORKERS", "0", "at least 1"),
        ("QQ_BOT_ENVIRONMENT", "prod", "production, sandbox or the URL"),
        ("QQ_BOT_OVERFLOW", "drop", "one of block"),
        ("QQ_BOT_ORDERING", "authors", "did you mean 'author'"),
        ("QQ_BOT_SLOW_AFTER", "soon", 'a number or "none"'),
        ("QQ_BOT_MAX_AGE", "-1", "max_age must be above 0"),
        ("QQ_BOT_MAX_AGE", "inf", "max_age must be a number"),
        ("QQ_BOT_METRICS_ENABLED", "maybe", "metrics_enabled must be true or false, not 'maybe'"),
        ("QQ_BOT_SHARD", "4", '"0/4"'),
        ("QQ_BOT_SHARD", "4/4", "shard_id counts from 0"),
        ("QQ_BOT_SHARD", "a/4", '"0/4"'),
        ("QQ_BOT_SHARDS", "3-0", "ids like"),
        ("QQ_BOT_SHARDS", "0-99999999", "ids like"),
        ("QQ_BOT_SHARDS", "all", "ids like"),
        ("QQ_BOT_SHARDS", "0-3", "need shard_count"),
        ("QQ_BOT_SHARD_COUNT", "4", "shard_count goes with shards"),
        ("QQ_BOT_INTENTS", "guilds,,", "names of intents"),
        ("QQ_BOT_HANDLER", "bot.py", "module:name"),
        ("QQ_BOT_EXECUTOR", "pool:", "module:name"),
        ("QQ_BOT_RECONNECT_MAX_DELAY", "0.1", "ReconnectConfig.max_delay must be at least 1"),
        ("QQ_BOT_HEARTBEAT_TIMEOUT", "0", "HeartbeatConfig.timeout must be above 0"),
        ("QQ_BOT_HEARTBEAT_TIMEOUT", "soon", "heartbeat.timeout must be a number"),
    ],
)
def test_a_variable_that_cannot_be_read_is_named(variable: str, value: str, said: str) -> None:
    with pytest.raises(ValueError, match=f"^{variable}: .*{CHINESE}.*{said}"):
        GatewayConfig.from_env({"QQ_BOT_APP_ID": "1", variable: value})


@pytest.mark.parametrize(
    ("variable", "said"),
    [
        ("QQ_BOT_WORKRES", "did you mean QQ_BOT_WORKERS"),
        ("QQ_BOT_APPID", "did you mean QQ_BOT_APP_ID"),
        ("QQ_BOT_APP_SECRET", "did you mean QQ_BOT_SECRET"),
        ("QQ_BOT_RECONNECT_MAX_DELAYS", "did you mean QQ_BOT_RECONNECT_MAX_DELAY"),
        ("QQ_BOT_HEARTBEAT", "did you mean QQ_BOT_HEARTBEAT_"),
        ("QQ_BOT_XYZZY", "known: QQ_BOT_APP_ID, QQ_BOT_SECRET"),
    ],
)
def test_an_unknown_variable_is_an_error_that_names_the_nearest(tmp_path: Path, variable: str, said: str) -> None:
    for read in (GatewayConfig.from_env, lambda environ: GatewayConfig.load(written(tmp_path, ""), environ)):
        with pytest.raises(ValueError, match=f"{CHINESE}.*there is no setting named {variable}; {said}"):
            read({variable: "1"})


def test_other_variables_are_nobodys_business() -> None:
    """Those of other programs, and those of ours that are no settings of a client."""
    environ = {"PATH": "/bin", "QQ_BOT_LOG": "gateway=debug", "QQ_BOT_CONFIG": "gone.toml", "QQBOT_X": "1"}
    assert GatewayConfig.from_env(environ) == GatewayConfig()


def test_two_variables_that_contradict_each_other_are_both_named() -> None:
    with pytest.raises(ValueError, match=r"^QQ_BOT_SHARD, QQ_BOT_SHARDS: .*not both"):
        GatewayConfig.from_env({"QQ_BOT_WORKERS": "3", "QQ_BOT_SHARD": "0/4", "QQ_BOT_SHARDS": "4"})
    twice = {"QQ_BOT_WORKERS": "3", "QQ_BOT_SHARDS": "0,0", "QQ_BOT_SHARD_COUNT": "2"}
    with pytest.raises(ValueError, match=r"^QQ_BOT_SHARDS: .*stands twice"):
        GatewayConfig.from_env(twice)


def test_of_two_mistakes_one_is_named() -> None:
    with pytest.raises(ValueError, match=r"^QQ_BOT_WORKERS: .*workers must be at least 1"):
        GatewayConfig.from_env({"QQ_BOT_WORKERS": "0", "QQ_BOT_QUEUE_SIZE": "0"})


def test_of_two_mistakes_in_parts_one_is_named_by_its_variable() -> None:
    """The message itself speaks of the part."""
    environ = {"QQ_BOT_WORKERS": "3", "QQ_BOT_RECONNECT_MAX_DELAY": "0.1", "QQ_BOT_HEARTBEAT_MAX_MISSED": "0"}
    with pytest.raises(ValueError, match=r"^QQ_BOT_RECONNECT_MAX_DELAY: .*max_delay must"):
        GatewayConfig.from_env(environ)


def test_values_that_only_fit_together_are_read_together() -> None:
    """0.5 s is too little for the default first pause, but not for this one."""
    environ = {"QQ_BOT_RECONNECT_INITIAL_DELAY": "0.1", "QQ_BOT_RECONNECT_MAX_DELAY": "0.5"}
    assert GatewayConfig.from_env(environ).reconnect == ReconnectConfig(initial_delay=0.1, max_delay=0.5)


# -- from a file ------------------------------------------------------------------------------------------------------


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
        ("xyzzy = 1", "unknown key 'xyzzy'; known: app_id, app_secret"),
        ("[credentials]\napp_id = 1", "unknown key 'credentials'"),
        ("max_delay = 1", r"unknown key 'max_delay'; it belongs into \[reconnect\]"),
        ("workers = 0", "workers must be at least 1"),
        ("workers = 1.5", "workers must be a whole number, not 1.5"),
        ("workers = true", "workers must be a whole number, not True"),
        ('workers = "4"', "workers must be a whole number, not '4'"),
        ("workers = [4]", r"workers must be a whole number, not \[4\]"),
        ("debug_logging = 1", "debug_logging must be true or false, not 1"),
        ("slow_after = true", 'slow_after must be a number or "none", not True'),
        ('overflow = "drop"', "overflow must be one of"),
        ("overflow = 1", "overflow must be one of"),
        ('environment = "prod"', "environment must be production, sandbox"),
        ("environment = 5", "environment must be production, sandbox or the URL of a simulator, not 5"),
        ("intents = 513", "intents must be names of intents, such as .*, not 513"),
        ("intents = [1]", "intents must be names of intents"),
        ("intents = []", "intents must be names of intents"),
        ("handler = 1", "handler must be .module:name"),
        ('store = ""', "store must be the path of a file, not ''"),
        ("app_id = true", "app_id must be a text or a number, not True"),
        ('shards = "x"', "ids like"),
        ("shards = [0, true]", "ids like"),
        ("shards = [0, 0]\nshard_count = 2", "the same id stands twice"),
        ("reconnect = 5", r"reconnect must be a table, like \[reconnect\]"),
        ("[reconnect]\nmax_delays = 1", r"\[reconnect\] 'max_delays'; did you mean 'max_delay'"),
        ("[heartbeat]\nxyzzy = 1", r"\[heartbeat\] 'xyzzy'; known: interval"),
        ('[heartbeat]\ntimeout = "5"', "heartbeat.timeout must be a number"),
        ("[shard]\nshard_id = 4\nshard_count = 4", "shard_id counts from 0"),
        ("[shard]\nid = 4", r"unknown key \[shard\] 'id'"),
        ("shard = [0]", 'shard must be "0/4"'),
        ("shard = 0", 'shard must be "0/4"'),
    ],
)
def test_a_file_that_cannot_be_read_is_named_with_what_is_wrong(tmp_path: Path, text: str | bytes, said: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(ValueError, match=f"{CHINESE}.*{said}") as caught:
        GatewayConfig.from_file(path)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "text",
    ['app_secret = ["TOP-SECRET"]', 'proxy = ["http://u:TOP-SECRET@h"]', 'app_secret = "TOP-SECRET', "TOP-SECRET"],
)
def test_no_error_shows_a_secret(tmp_path: Path, text: str) -> None:
    """Nor does the chain of its causes."""
    with pytest.raises(ValueError) as caught:
        GatewayConfig.from_file(written(tmp_path, text))
    error: BaseException | None = caught.value
    while error is not None:
        assert "TOP-SECRET" not in str(error) + repr(error)
        error = error.__cause__


def test_a_file_that_is_not_there_is_an_error_of_the_system(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        GatewayConfig.from_file(tmp_path / "missing.toml")


def test_a_byte_order_mark_is_passed_over(tmp_path: Path) -> None:
    """Editors on Windows write one."""
    assert GatewayConfig.from_file(written(tmp_path, b"\xef\xbb\xbfworkers = 4\r\n")) == GatewayConfig(workers=4)


@pytest.mark.parametrize("key", [key for key, setting in SETTINGS.items() if setting.kind.is_path])
def test_a_path_in_a_file_is_relative_to_the_file(tmp_path: Path, key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """One in a variable is relative to the working directory, as everywhere."""
    path = written(tmp_path, f'{key} = "data/x"')
    assert value_of(GatewayConfig.from_file(path), key) == str(tmp_path / "data" / "x")
    monkeypatch.chdir(tmp_path)
    assert value_of(GatewayConfig.from_file(path.name), key) == str(Path("data") / "x")
    assert value_of(GatewayConfig.from_env({SETTINGS[key].variable: "data/x"}), key) == "data/x"


@pytest.mark.skipif(os.name != "posix", reason="there are no such permissions on Windows")
@pytest.mark.parametrize(
    ("text", "mode", "warned"),
    [
        ('app_secret = "s"', 0o644, True),
        ('app_secret = "s"', 0o640, True),
        ('app_secret = "s"', 0o600, False),
        ("workers = 4", 0o644, False),
    ],
)
def test_a_secret_that_others_can_read_is_warned_of(tmp_path: Path, text: str, mode: int, warned: bool) -> None:
    path = written(tmp_path, text)
    path.chmod(mode)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        GatewayConfig.from_file(path)
        GatewayConfig.load(path, {})
    assert [f"chmod 600 {path}" in str(warning.message) for warning in caught] == [True, True] * warned
    assert all(warning.filename == __file__ for warning in caught), "it points at the user's line"


# -- the file, overruled by the environment ---------------------------------------------------------------------------


def test_the_environment_overrules_the_file_value_by_value(tmp_path: Path) -> None:
    path = written(tmp_path, "workers = 4\nqueue_size = 9\n[reconnect]\nmax_delay = 9\nmax_attempts = 5")
    found = GatewayConfig.load(path, {"QQ_BOT_WORKERS": "8", "QQ_BOT_RECONNECT_MAX_ATTEMPTS": "none"})
    assert found == GatewayConfig(workers=8, queue_size=9, reconnect=ReconnectConfig(max_delay=9.0))


def test_a_variable_takes_even_the_default_over_the_file(tmp_path: Path) -> None:
    path = written(tmp_path, "workers = 4")
    assert GatewayConfig.load(path, {"QQ_BOT_WORKERS": "16"}).workers == 16


@pytest.mark.parametrize(
    ("file", "environ", "expected"),
    [
        ('shard = "0/4"', {"SHARDS": "auto"}, GatewayConfig(shards="auto")),
        ("shards = 4", {"SHARD": "1/2"}, GatewayConfig(shard=ShardConfig(1, 2))),
        ("shards = [0, 1]\nshard_count = 8", {"SHARD": "1/2"}, GatewayConfig(shard=ShardConfig(1, 2))),
        ("shards = [0, 1]\nshard_count = 8", {"SHARDS": "2"}, GatewayConfig(shards=2)),
        ("shards = [0, 1]\nshard_count = 8", {"SHARDS": "2-3"}, GatewayConfig(shards=(2, 3), shard_count=8)),
    ],
)
def test_shards_of_the_environment_void_those_of_the_file(
    tmp_path: Path, file: str, environ: dict[str, str], expected: GatewayConfig
) -> None:
    """`shard` and `shards` are two ways to say one thing: the stronger source says it."""
    variables = {f"QQ_BOT_{name}": value for name, value in environ.items()}
    assert GatewayConfig.load(written(tmp_path, file), variables) == expected


def test_the_file_is_looked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The argument, QQ_BOT_CONFIG, `qqbot.toml` in the working directory, or none at all."""
    monkeypatch.chdir(tmp_path)
    assert GatewayConfig.load() == GatewayConfig()
    (tmp_path / "qqbot.toml").write_text("workers = 1")
    (tmp_path / "other.toml").write_text("workers = 2")
    assert GatewayConfig.load().workers == 1
    monkeypatch.setenv("QQ_BOT_CONFIG", "other.toml")
    assert GatewayConfig.load().workers == 2
    assert GatewayConfig.load("qqbot.toml").workers == 1
    monkeypatch.setenv("QQ_BOT_CONFIG", "gone.toml")
    with pytest.raises(FileNotFoundError):
        GatewayConfig.load()


def test_where_file_and_environment_do_not_fit_both_are_named(tmp_path: Path) -> None:
    path = written(tmp_path, "[reconnect]\ninitial_delay = 20")
    with pytest.raises(ValueError, match="QQ_BOT_RECONNECT_MAX_DELAY") as caught:
        GatewayConfig.load(path, {"QQ_BOT_RECONNECT_MAX_DELAY": "10", "QQ_BOT_WORKERS": "3"})
    assert str(path) in str(caught.value)
    assert "QQ_BOT_WORKERS" not in str(caught.value)
