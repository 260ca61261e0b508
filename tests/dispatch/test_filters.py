"""The conditions of `on_message`."""

from __future__ import annotations

from typing import Any

import pytest

from qqbot_sync.codec import ModelDecoder, dumps
from qqbot_sync.dispatch import MessageFilter, Router
from qqbot_sync.events import EVENTS
from qqbot_sync.models import Message
from tests.dispatch.support import an_event, running
from tests.support import payload


def message(text: str = "hi", **fields: Any) -> Message:
    return Message(content=text, **fields)


@pytest.mark.parametrize(
    ("conditions", "wanted", "unwanted"),
    [
        ({"guilds": "1"}, message(guild_id="1"), message(guild_id="2")),
        ({"guilds": ["1", "3"]}, message(guild_id="3"), message()),
        ({"guilds": ("1",)}, message(guild_id="9", src_guild_id="1"), message(guild_id="9", src_guild_id="2")),
        ({"channels": {"7"}}, message(channel_id="7"), message(channel_id="8")),
        ({"startswith": "/"}, message("/ping"), message("ping")),
        ({"startswith": ("ping", "pong")}, message("pong!"), message("a pong")),
        ({"startswith": "/ping"}, message("  /ping "), message("/pin")),
        ({"where": lambda it: it.content == "yes"}, message("yes"), message("no")),
        ({"guilds": "1", "startswith": "/"}, message("/", guild_id="1"), message("/", guild_id="2")),
    ],
)
def test_a_message_passes_if_all_conditions_hold(conditions: Any, wanted: Message, unwanted: Message) -> None:
    chosen = MessageFilter.of(**conditions)
    assert chosen.passes(wanted)
    assert not chosen.passes(unwanted)


@pytest.mark.parametrize("name", ["at_message_create-2", "group_at_message_create"])
def test_the_mention_of_the_bot_and_blanks_do_not_count_for_startswith(name: str) -> None:
    frame = payload(name)
    spec = EVENTS[frame["t"]]
    assert spec.model is not None
    decoded: Any = ModelDecoder().decode(spec.model, dumps(frame["d"]), event=spec.name)
    assert decoded.content != decoded.text
    assert MessageFilter.of(startswith=decoded.text[:3]).passes(decoded)


@pytest.mark.parametrize(
    ("conditions", "error", "said"),
    [
        ({"scene": "grup"}, ValueError, "group"),
        ({"scene": 3}, TypeError, "scene"),
        ({"scene": ()}, ValueError, "scene"),
        ({"guilds": 123}, TypeError, "guilds"),
        ({"guilds": [123]}, TypeError, "guilds"),
        ({"guilds": []}, ValueError, "guilds"),
        ({"channels": b"1"}, TypeError, "channels"),
        ({"channels": ["1", " "]}, ValueError, "channels"),
        ({"startswith": ""}, ValueError, "startswith"),
        ({"startswith": ["/", 1]}, TypeError, "startswith"),
        ({"where": "yes"}, TypeError, r"\(message\)"),
        ({"where": lambda ctx, it: True}, TypeError, r"\(message\)"),
    ],
)
def test_a_condition_that_makes_no_sense_is_refused_by_name(conditions: Any, error: Any, said: str) -> None:
    with pytest.raises(error, match=said):
        MessageFilter.of(**conditions)


def test_an_async_condition_is_refused() -> None:
    async def where(it: Any) -> bool:
        return True

    with pytest.raises(TypeError, match="async"):
        MessageFilter.of(where=where)


def test_without_conditions_everything_passes_and_nothing_is_looked_at() -> None:
    assert MessageFilter.of().is_trivial
    assert MessageFilter.of(scene="group").is_trivial
    assert MessageFilter.of().passes(object())


def test_a_scene_is_chosen_before_the_event_is_decoded() -> None:
    got: list[str] = []
    with running() as bot:
        bot.router.add("message", lambda ctx, text: got.append(text), filter=MessageFilter.of(scene="c2c"))
        assert not bot.dispatcher.hears("GROUP_AT_MESSAGE_CREATE")
        bot.dispatcher.offer(an_event("hi", name="C2C_MESSAGE_CREATE"))
        bot.drain()
    assert got == ["hi"]


def test_a_condition_runs_in_the_worker_and_its_error_counts_as_the_handlers() -> None:
    errors: list[BaseException] = []
    with running() as bot:
        bot.router.add("message", lambda ctx, text: None, filter=MessageFilter.of(where=lambda it: 1 / 0))
        bot.router.add("error", lambda ctx, error: errors.append(error))
        bot.offer()
        bot.drain()
    assert isinstance(errors[0], ZeroDivisionError)


def test_the_filtering_handler_of_the_guide_is_three_lines() -> None:
    router = Router()
    chosen = MessageFilter.of(guilds=["g"], startswith="/", where=lambda it: not it.is_from_bot)
    entry = router.add("message", lambda ctx, it: "handled", filter=chosen)
    assert chosen.passes(message("/help", guild_id="g"))
    assert entry.names == MessageFilter.of().names
