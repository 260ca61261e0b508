"""What a client goes by: every argument from file and environment, and who overrules whom."""

from __future__ import annotations

import inspect
import logging
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from qqbot_sync import (
    BotClient,
    Environment,
    EventHandler,
    GatewayConfig,
    HeartbeatConfig,
    Intents,
    MemoryStore,
    ReconnectConfig,
    ShardConfig,
    Simulator,
    SqliteStore,
)
from qqbot_sync.config.table import SETTINGS
from tests.client.conftest import MakeClient
from tests.support import eventually

LOCAL = "http://127.0.0.1:9"
ARGUMENTS = [
    name for name in inspect.signature(BotClient.__init__).parameters if name not in ("self", "config", "clock")
]
"""`config` is the file itself (QQ_BOT_CONFIG), `clock` is for tests."""

MODULE = '''
from concurrent.futures import ThreadPoolExecutor

from qqbot_sync import EventHandler

class Mine(EventHandler):
    def guild_create(self, ctx, guild):
        """Requires GUILDS."""

mine = Mine()
pool = ThreadPoolExecutor(1)
a_number = 5

class Pools:
    @staticmethod
    def make():
        return ThreadPoolExecutor(3)
'''


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A module of a user: its name."""
    (tmp_path / "users_parts.py").write_text(MODULE, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    yield "users_parts"
    sys.modules.pop("users_parts", None)


def set_variables(monkeypatch: pytest.MonkeyPatch, **variables: str) -> None:
    for name, value in {"APP_ID": "1", "SECRET": "s", **variables}.items():
        monkeypatch.setenv(f"QQ_BOT_{name}", value)


# -- every argument ---------------------------------------------------------------------------------------------------


class Sample(NamedTuple):
    """One setting, and how a client shows that it took it."""

    toml: str
    text: str
    observe: Callable[[BotClient], object]
    expected: object


def configured(name: str) -> Callable[[BotClient], object]:
    return lambda client: getattr(client.config, name)


EFFECTS = {
    "app_id": Sample("1024", "1024", lambda client: client.api.app_id, "1024"),
    "app_secret": Sample('"secret-2"', "secret-2", configured("app_secret"), "secret-2"),
    "environment": Sample(f'"{LOCAL}"', LOCAL, lambda client: client.api.environment, Environment.local(LOCAL)),
    "handler": Sample('"users_parts:Mine"', "users_parts:Mine", lambda client: client.intents, Intents.GUILDS),
    "intents": Sample(
        '["default", "guild_messages"]',
        "default,guild_messages",
        lambda client: client.intents,
        Intents.default() | Intents.GUILD_MESSAGES,
    ),
    "shard": Sample('"1/4"', "1/4", lambda client: client._shards, (ShardConfig(1, 4),)),
    "shards": Sample("2", "2", lambda client: client._shards, (ShardConfig(0, 2), ShardConfig(1, 2))),
    "workers": Sample("3", "3", configured("workers"), 3),
    "max_waiting": Sample("5", "5", configured("max_waiting"), 5),
    "queue_size": Sample("7", "7", configured("queue_size"), 7),
    "overflow": Sample('"drop_oldest"', "drop_oldest", configured("overflow"), "drop_oldest"),
    "ordering": Sample('"none"', "none", configured("ordering"), "none"),
    "max_age": Sample('"reply"', "reply", configured("max_age"), "reply"),
    "slow_after": Sample('"none"', "none", configured("slow_after"), None),
    "executor": Sample(
        '"users_parts:Pools.make"',
        "users_parts:Pools.make",
        lambda client: getattr(client._executor, "_max_workers", None),
        3,
    ),
    "store": Sample('"bot.db"', "bot.db", lambda client: type(client._store), SqliteStore),
    "proxy": Sample(
        '"http://127.0.0.1:9"',
        "http://127.0.0.1:9",
        lambda client: client.api.http.proxy_for("https://h"),
        "http://127.0.0.1:9",
    ),
    "record": Sample('"tape.jsonl"', "tape.jsonl", lambda client: type(client._taping).__name__, "_Recording"),
    "replay_speed": Sample("inf", "inf", configured("replay_speed"), float("inf")),
    "metrics_enabled": Sample("false", "false", configured("metrics_enabled"), False),
    "debug_logging": Sample("true", "true", configured("debug_logging"), True),
    "reconnect.max_attempts": Sample("5", "5", configured("reconnect"), ReconnectConfig(max_attempts=5)),
    "reconnect.initial_delay": Sample("2", "2", configured("reconnect"), ReconnectConfig(initial_delay=2)),
    "reconnect.max_delay": Sample("9", "9", configured("reconnect"), ReconnectConfig(max_delay=9)),
    "reconnect.backoff_factor": Sample("3", "3", configured("reconnect"), ReconnectConfig(backoff_factor=3)),
    "heartbeat.interval": Sample("9", "9", configured("heartbeat"), HeartbeatConfig(interval=9)),
    "heartbeat.timeout": Sample("9", "9", configured("heartbeat"), HeartbeatConfig(timeout=9)),
    "heartbeat.max_missed": Sample("3", "3", configured("heartbeat"), HeartbeatConfig(max_missed=3)),
}


@pytest.mark.parametrize("argument", ARGUMENTS)
def test_every_argument_has_a_key_and_a_variable(argument: str) -> None:
    """Whoever adds an argument adds a row to the table."""
    rows = [row for row in SETTINGS.values() if row.argument == argument]
    assert rows, f"no key of qqbot.toml sets {argument}"
    assert all(row.is_argument and row.variable.startswith("QQ_BOT_") for row in rows)
    nested = inspect.signature(BotClient.__init__).parameters[argument].annotation
    for kind in (ReconnectConfig, HeartbeatConfig):
        if kind.__name__ in str(nested):
            assert {row.key for row in rows} == {f"{argument}.{part.name}" for part in fields(kind)}


def test_the_table_and_the_config_have_the_same_settings() -> None:
    """A field without a row could be set by code alone, a row without a field would not work."""
    assert {row.argument for row in SETTINGS.values()} == {item.name for item in fields(GatewayConfig)} - {
        "reads_environment"
    }
    assert {row.argument for row in SETTINGS.values() if row.is_argument} == set(ARGUMENTS)


@pytest.mark.parametrize(
    "key", [key for key, row in SETTINGS.items() if row.is_argument and key not in ("shard_count", "replay")]
)
def test_every_argument_takes_effect_from_a_file_and_from_the_environment(
    key: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, module: str
) -> None:
    """And without them it is otherwise. Two have tests of their own, below."""
    monkeypatch.chdir(tmp_path)
    toml, text, observe, expected = EFFECTS[key]
    set_variables(monkeypatch)
    assert observe(BotClient()) != expected
    table, _, name = key.rpartition(".")
    (tmp_path / "bot.toml").write_text(f"[{table}]\n{name} = {toml}" if table else f"{name} = {toml}")
    (tmp_path / "bot.toml").chmod(0o600)
    monkeypatch.setenv("QQ_BOT_CONFIG", "bot.toml")
    monkeypatch.delenv(SETTINGS[key].variable, raising=False)
    assert observe(BotClient()) == expected
    assert observe(BotClient.from_config("bot.toml")) == expected
    monkeypatch.delenv("QQ_BOT_CONFIG")
    monkeypatch.setenv(SETTINGS[key].variable, text)
    assert observe(BotClient()) == expected
    assert observe(BotClient(config=GatewayConfig())) == expected


@pytest.mark.parametrize("argument", [name for name in ARGUMENTS if name not in ("shard_count", "replay")])
def test_every_argument_takes_effect_in_code(
    argument: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, module: str
) -> None:
    """Over an environment that says something else of most of them."""
    monkeypatch.chdir(tmp_path)
    set_variables(monkeypatch, WORKERS="99", QUEUE_SIZE="99", RECONNECT_MAX_DELAY="99", INTENTS="all", HANDLER="no:one")
    for key in (key for key in EFFECTS if SETTINGS[key].argument == argument):
        _, text, observe, expected = EFFECTS[key]
        value = getattr(GatewayConfig.from_env({SETTINGS[key].variable: text}), argument)
        given = {"intents": None, "handler": EventHandler(), argument: value}
        if argument == "intents":
            given["intents"] = expected
        elif argument == "handler":
            given["intents"], observe, expected = None, lambda client: type(client.config.handler), str
        assert observe(BotClient(**given)) == expected


def test_ids_of_shards_go_with_their_count(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where one is an argument and the other a variable."""
    set_variables(monkeypatch, SHARD_COUNT="8")
    expected = (ShardConfig(2, 8), ShardConfig(3, 8))
    assert BotClient(shards=[2, 3])._shards == expected
    monkeypatch.setenv("QQ_BOT_SHARDS", "2-3")
    assert BotClient()._shards == expected


def test_a_replay_comes_from_file_and_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that is not there shows that it was looked for."""
    set_variables(monkeypatch, REPLAY=str(tmp_path / "gone.jsonl"))
    with pytest.raises(OSError, match="gone"):
        BotClient()
    monkeypatch.delenv("QQ_BOT_REPLAY")
    (tmp_path / "bot.toml").write_text('replay = "lost.jsonl"')
    with pytest.raises(OSError, match="lost"):
        BotClient.from_config(tmp_path / "bot.toml")


# -- who overrules whom -----------------------------------------------------------------------------------------------


def test_an_argument_overrules_the_config_the_config_the_environment_and_that_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Value by value, from the strongest to the weakest."""
    set_variables(monkeypatch, WORKERS="1", QUEUE_SIZE="1", MAX_WAITING="1")
    config = GatewayConfig(workers=2, queue_size=2)
    assert BotClient(config=config, workers=3).config.with_changes(app_id=None, app_secret=None) == GatewayConfig(
        workers=3, queue_size=2, max_waiting=1
    )
    (tmp_path / "bot.toml").write_text("workers = 9\noverflow = 'drop_oldest'")
    monkeypatch.setenv("QQ_BOT_CONFIG", str(tmp_path / "bot.toml"))
    client = BotClient(queue_size=3)
    assert (client.config.queue_size, client.config.workers, client.config.overflow) == (3, 1, "drop_oldest")
    assert BotClient(config=config).config.overflow == "block", "a config that is given stands for the file"


def test_an_argument_overrules_the_config_and_a_default_says_nothing() -> None:
    config = GatewayConfig(app_id="1", app_secret="s", workers=2, queue_size=9, intents=Intents.GUILDS)
    client = BotClient.from_config(config, queue_size=7)
    assert (client.config.workers, client.config.queue_size) == (2, 7)
    assert client.intents == Intents.GUILDS
    assert BotClient(config=config, intents=Intents.GUILD_MEMBERS).intents == Intents.GUILD_MEMBERS
    assert client.config == config.with_changes(queue_size=7)


def test_none_is_a_value_of_slow_after_alone() -> None:
    """It turns the log of slow handlers off; elsewhere None says nothing."""
    config = GatewayConfig(app_id="1", app_secret="s", slow_after=5.0, workers=2)
    assert BotClient(config=config, slow_after=None).config.slow_after is None
    assert BotClient(config=config, workers=None).config.workers == 2  # type: ignore[arg-type]


def test_a_config_of_parts_is_filled_part_by_part_an_argument_is_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """`reconnect=` says everything about reconnecting."""
    set_variables(monkeypatch, RECONNECT_MAX_DELAY="9", RECONNECT_MAX_ATTEMPTS="3")
    given = ReconnectConfig(max_attempts=5)
    assert BotClient(reconnect=given).config.reconnect == given
    assert BotClient(config=GatewayConfig(reconnect=given)).config.reconnect == ReconnectConfig(5, max_delay=9.0)


@pytest.mark.parametrize(
    ("variables", "options", "expected"),
    [
        ({"SHARDS": "4"}, {"shard": ShardConfig(0, 2)}, (ShardConfig(0, 2),)),
        ({"SHARD": "0/4"}, {"shards": 1}, (ShardConfig(0, 1),)),
        ({"SHARD": "0/4"}, {"config": GatewayConfig(shards=1)}, (ShardConfig(0, 1),)),
        ({"SHARD": "0/4"}, {"config": GatewayConfig(shards="auto")}, None),
        ({"SHARDS": "4"}, {"config": GatewayConfig(shard=ShardConfig(0, 2))}, (ShardConfig(0, 2),)),
        ({"SHARDS": "1", "SHARD_COUNT": "1"}, {"shard": ShardConfig(0, 2)}, (ShardConfig(0, 2),)),
    ],
)
def test_shards_given_in_code_void_those_of_the_environment(
    variables: dict[str, str], options: dict[str, Any], expected: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_variables(monkeypatch, **variables)
    assert BotClient(**options)._shards == expected


def test_a_variable_that_nobody_needs_may_be_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    """An argument stands in its place."""
    set_variables(monkeypatch, WORKERS="many", ENVIRONMENT="nowhere")
    client = BotClient(workers=3, environment=Environment.sandbox())
    assert client.config.workers == 3
    with pytest.raises(ValueError, match=r"^QQ_BOT_WORKERS: "):
        BotClient(environment=Environment.sandbox())
    monkeypatch.setenv("QQ_BOT_HEARTBEAT_TIMEOUT", "soon")
    heartbeat = HeartbeatConfig(max_missed=2)
    assert BotClient(heartbeat=heartbeat, workers=3, environment=Environment.sandbox()).config.heartbeat == heartbeat


def test_a_mistake_in_code_is_not_blamed_on_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    set_variables(monkeypatch, QUEUE_SIZE="5")
    with pytest.raises(ValueError, match=r"^workers "):
        BotClient(workers=0)
    with pytest.raises(TypeError, match=r"^reconnect "):
        BotClient(reconnect=5)  # type: ignore[arg-type]


def test_settings_that_were_read_already_are_not_filled_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """What `from_env` and `load` were told is all there is; `reads_environment=False` says so of any config."""
    set_variables(monkeypatch, WORKERS="9")
    environ = {"QQ_BOT_APP_ID": "1", "QQ_BOT_SECRET": "s"}
    for config in (
        GatewayConfig.from_env(environ),
        GatewayConfig.load(environ=environ),
        GatewayConfig(app_id="1", app_secret="s", reads_environment=False),
    ):
        assert BotClient(config=config).config.workers == 16
    assert BotClient(config=GatewayConfig(app_id="1", app_secret="s")).config.workers == 9


def test_a_file_is_overruled_by_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A path, unlike a config made in code, is a place to look at."""
    set_variables(monkeypatch, WORKERS="9")
    (tmp_path / "bot.toml").write_text("workers = 2\nqueue_size = 2")
    for path in (tmp_path / "bot.toml", str(tmp_path / "bot.toml")):
        client = BotClient.from_config(path, queue_size=3)
        assert (client.config.workers, client.config.queue_size) == (9, 3)
    assert BotClient(config=GatewayConfig.from_file(tmp_path / "bot.toml")).config.workers == 2


def test_a_misspelt_variable_is_warned_of(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """A bot may have variables of its own: those that resemble none of ours are left alone."""
    set_variables(monkeypatch, WORKRES="9", OWNERS_OPENID="o")
    with caplog.at_level(logging.WARNING, logger="qqbot_sync.client"):
        BotClient()
    (record,) = caplog.records
    assert "did you mean QQ_BOT_WORKERS" in record.getMessage()


def test_no_variable_shows_a_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    set_variables(monkeypatch, SECRET="TOP-SECRET", PROXY="http://u:TOP-SECRET@127.0.0.1:9")
    client = BotClient()
    assert client.config.app_secret == "TOP-SECRET"
    assert "TOP-SECRET" not in repr(client) + repr(client.config) + str(client.config) + repr(client.api.http)


# -- what texts name --------------------------------------------------------------------------------------------------


def test_the_handler_of_a_file_hears_events(
    qq: Simulator, make_client: MakeClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A whole bot without code: settings and a class."""
    (tmp_path / "whole_bot.py").write_text(
        "from qqbot_sync import EventHandler\n"
        "class Echo(EventHandler):\n"
        "    def group_at_message_create(self, ctx, message):\n"
        "        ctx.reply(f'you said {message.text}')\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    set_variables(monkeypatch, HANDLER="whole_bot:Echo", STORE=str(tmp_path / "bot.db"))
    client = make_client(qq)
    client.start()
    eventually(client.is_connected)
    (reply,) = qq.say("小明", "group", "hi").replies()
    assert reply.content == "you said hi"
    assert isinstance(client._store, SqliteStore)
    sys.modules.pop("whole_bot", None)


def test_a_handler_may_be_an_instance(module: str) -> None:
    config = GatewayConfig(app_id="1", app_secret="s", handler=f"{module}:mine")
    assert BotClient(config=config).intents == Intents.GUILDS
    assert BotClient(config=config, handler=EventHandler()).intents == Intents.default(), "the argument is stronger"


def test_an_executor_may_be_an_object_or_what_makes_one(module: str) -> None:
    for name, workers in (("pool", 1), ("Pools.make", 3)):
        config = GatewayConfig(app_id="1", app_secret="s", executor=f"{module}:{name}")
        executor = BotClient(config=config)._executor
        assert isinstance(executor, ThreadPoolExecutor)
        assert executor._max_workers == workers


def test_objects_go_into_a_config_too(tmp_path: Path) -> None:
    """It bundles all arguments."""
    store, executor = MemoryStore(), ThreadPoolExecutor(1)
    config = GatewayConfig(app_id="1", app_secret="s", store=store, executor=executor, handler=EventHandler())
    client = BotClient(config=config)
    assert (client._store, client._executor) == (store, executor)
    file = BotClient("1", "s", store=tmp_path / "bot.db")._store
    assert isinstance(file, SqliteStore)
    assert file.path == (tmp_path / "bot.db").resolve()


@pytest.mark.parametrize(
    ("key", "text", "error", "said"),
    [
        ("handler", "no_such_module_at_all:Mine", ImportError, "there is no module no_such_module_at_all"),
        ("handler", "{}.deeper:Mine", ImportError, "there is no module {}.deeper"),
        ("handler", "{}:Mina", ImportError, "{} has no 'Mina'; did you mean 'Mine'"),
        ("handler", "{}:Mine.nothing", ImportError, "{} has no 'nothing'"),
        ("handler", "{}:a_number", TypeError, "EventHandler"),
        ("executor", "{}:a_number", TypeError, "executor"),
        ("executor", "{}:EventHandler", TypeError, "executor"),
        ("intents", "guild", ValueError, "no intent named 'guild'; did you mean 'guilds'"),
    ],
)
def test_what_names_nothing_is_an_error(
    key: str, text: str, error: type[Exception], said: str, module: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_variables(monkeypatch, **{key.upper(): text.format(module)})
    with pytest.raises(error, match=said.format(module)) as caught:
        BotClient()
    if error is not TypeError:
        assert f"QQ_BOT_{key.upper()}" in str(caught.value)


def test_a_mistake_inside_the_module_is_shown_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not said to be missing when what it imports is."""
    (tmp_path / "breaks.py").write_text("import no_such_module_at_all")
    monkeypatch.syspath_prepend(str(tmp_path))
    set_variables(monkeypatch, HANDLER="breaks:Mine")
    with pytest.raises(ModuleNotFoundError, match="no_such_module_at_all") as caught:
        BotClient()
    assert caught.value.name == "no_such_module_at_all"
