"""What users get wrong is told at the call that got it wrong, with the remedy."""

from __future__ import annotations

import inspect
import logging
from typing import Any

import pytest

import qqbot_sync
from qqbot_sync import BotClient, Event, Intents, models
from qqbot_sync.events import EVENTS


@pytest.fixture
def client() -> BotClient:
    return BotClient("app", "secret")


def nothing(ctx: Any, event: Any) -> None: ...


@pytest.mark.parametrize(
    ("event", "error", "said"),
    [
        ("", ValueError, "事件名不能为空 / an event's name cannot be empty"),
        (" \n", ValueError, "cannot be empty"),
        (None, TypeError, "takes an event's name, a member of Event or a model class"),
        (7, TypeError, "takes an event's name"),
        (nothing, TypeError, "on"),
        (str, TypeError, "takes an event's name"),
        (models.User, TypeError, "没有事件携带 User.* / no event carries a User"),
        (models.Role, TypeError, "no event carries a Role"),
        (models.Attachment, TypeError, "no event carries a Attachment"),
        (models.Model, TypeError, "no event carries a Model"),
        (qqbot_sync.Channel, TypeError, "use `from qqbot_sync.models import Channel`"),
        (qqbot_sync.User, TypeError, "use `from qqbot_sync.models import User`"),
        (qqbot_sync.Channel("1"), TypeError, "use `from qqbot_sync.models import Channel`"),
    ],
)
def test_what_is_no_event_is_refused_by_on_itself(
    client: BotClient, event: Any, error: type[Exception], said: str
) -> None:
    """Not when the function is decorated, let alone when the client starts."""
    with pytest.raises(error, match=said):
        client.on(event)
    assert not client._router.registrations


@pytest.mark.parametrize("event", ["", None, models.User, qqbot_sync.Channel])
def test_events_refuses_the_same(client: BotClient, event: Any) -> None:
    with pytest.raises((TypeError, ValueError)):
        client.events(event)


@pytest.mark.parametrize("model", sorted(set(models.__all__)))
def test_a_model_class_is_an_event_or_says_that_it_is_none(client: BotClient, model: str) -> None:
    """Every name of `qqbot_sync.models`: nothing in between."""
    kind: Any = getattr(models, model)
    carried = [spec for spec in EVENTS.values() if spec.model is not None and issubclass(spec.model, kind)]
    if isinstance(kind, type) and issubclass(kind, models.Model) and kind is not models.Model and carried:
        client.on(kind)(nothing)
        assert client._router.registrations[0].names == frozenset(spec.name for spec in carried)
    else:
        with pytest.raises(TypeError):
            client.on(kind)


@pytest.mark.parametrize("name", sorted(EVENTS))
def test_a_name_in_lower_case_is_the_same_event(client: BotClient, name: str, caplog: pytest.LogCaptureFixture) -> None:
    client.on(f" {name.lower()} ")(nothing)
    assert client._router.hears(name)
    assert client._router.required() == Event(name).spec.intents
    assert not caplog.records


def test_a_name_that_is_nearly_right_is_accepted_with_a_warning(
    client: BotClient, caplog: pytest.LogCaptureFixture
) -> None:
    """It names the right one, and the user's file and line."""

    @client.on("group_at_mesage_create")
    def near(ctx: Any, event: Any) -> None: ...

    line = inspect.getsourcelines(near)[1]
    (warning,) = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert "did you mean GROUP_AT_MESSAGE_CREATE?" in warning.getMessage()
    assert "是否想写 GROUP_AT_MESSAGE_CREATE" in warning.getMessage()
    assert f"test_bad_input.py:{line}" in warning.getMessage()
    assert client._router.hears("GROUP_AT_MESAGE_CREATE")


def test_a_name_that_is_like_no_other_is_accepted_in_silence(
    client: BotClient, caplog: pytest.LogCaptureFixture
) -> None:
    client.on("SOMETHING_ALTOGETHER_DIFFERENT")(nothing)
    assert not caplog.records


def test_an_intent_that_does_not_exist_is_refused_with_the_right_name() -> None:
    with pytest.raises(ValueError, match="did you mean 'guild_messages'"):
        BotClient("app", "secret", intents=Intents.from_names("guild_mesages"))
