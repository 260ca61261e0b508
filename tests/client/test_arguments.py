"""What the constructor and the handlers refuse, each with the remedy."""

from __future__ import annotations

from typing import Any

import pytest

from qqbot_sync import (
    BotClient,
    Environment,
    ShardConfig,
    Simulator,
)


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
