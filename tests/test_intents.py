"""`Intents`: every bit under every name, sets that cannot change, and texts people can read."""

from __future__ import annotations

import copy
import json
import pickle
from typing import Any

import pytest

from qqbot_sync import BotClient, Intents
from qqbot_sync.events import EVENTS
from qqbot_sync.intents import PRIVILEGED

BITS = {
    0: "GUILDS",
    1: "GUILD_MEMBERS",
    9: "GUILD_MESSAGES",
    10: "GUILD_MESSAGE_REACTIONS",
    12: "DIRECT_MESSAGE",
    18: "OPEN_FORUM_EVENT",
    19: "AUDIO_OR_LIVE_CHANNEL_MEMBER",
    23: "ENTER_AIO",
    24: "GROUP_MEMBER_EVENT",
    25: "GROUP_AND_C2C_EVENT",
    26: "INTERACTION",
    27: "MESSAGE_AUDIT",
    28: "FORUMS_EVENT",
    29: "AUDIO_ACTION",
    30: "PUBLIC_GUILD_MESSAGES",
}
"""The platform's table."""
BOTRS_AND_BOTPY = {
    "guilds": 0,
    "guild_members": 1,
    "guild_messages": 9,
    "guild_message_reactions": 10,
    "direct_message": 12,
    "open_forum_event": 18,
    "audio_or_live_channel_member": 19,
    "enter_aio": 23,
    "public_messages": 25,
    "interaction": 26,
    "message_audit": 27,
    "forums": 28,
    "audio_action": 29,
    "public_guild_messages": 30,
}
"""BotRS's builders are `with_` and this, botpy's flags are this."""
OTHERS = {"audio_live_member": 19, "group_members": 24, "at_messages": 30}
NAMES = {**{name.lower(): bit for bit, name in BITS.items()}, **BOTRS_AND_BOTPY, **OTHERS}
DEFAULT = (0, 1, 10, 12, 25, 26, 27, 30)


def of(*bits: int) -> Intents:
    return Intents(sum(1 << bit for bit in bits))


@pytest.mark.parametrize(("bit", "name"), BITS.items())
def test_a_bit_has_the_name_and_the_value_of_the_platform(bit: int, name: str) -> None:
    assert Intents[name] == 1 << bit
    assert getattr(Intents, name).names() == (name,)


def test_there_are_no_other_bits() -> None:
    assert [flag.name for flag in Intents] == list(BITS.values())
    assert Intents.all() == of(*BITS)


@pytest.mark.parametrize(("name", "bit"), NAMES.items())
def test_with_and_without_add_and_take_one_bit_and_change_nothing_else(name: str, bit: int) -> None:
    for start in (Intents.none(), Intents.all(), Intents.default()):
        added = getattr(start, f"with_{name}")()
        taken = getattr(start, f"without_{name}")()
        assert int(added) == int(start) | 1 << bit
        assert int(taken) == int(start) & ~(1 << bit)
        assert type(added) is type(taken) is Intents
        assert getattr(added, f"with_{name}")() == added
        assert getattr(taken, f"without_{name}")() == taken
    assert getattr(Intents, f"with_{name}").__doc__


def test_every_with_has_its_without_and_every_method_is_known_here() -> None:
    plus = {name.removeprefix("with_") for name in vars(Intents) if name.startswith("with_")}
    minus = {name.removeprefix("without_") for name in vars(Intents) if name.startswith("without_")}
    assert plus == minus == set(NAMES)


@pytest.mark.parametrize(("name", "bit"), NAMES.items())
def test_a_name_stands_for_its_bit_in_any_case(name: str, bit: int) -> None:
    for spelt in (name, name.upper(), f" {name.title()} "):
        assert Intents.from_names(spelt) == of(bit)


def test_names_are_joined() -> None:
    assert Intents.from_names("guilds", "public_guild_messages") == of(0, 30)
    assert Intents.from_names("guilds", "guilds") == of(0)
    assert Intents.from_names() == Intents.none()
    assert Intents.from_names(*(name.lower() for name in BITS.values())) == Intents.all()


@pytest.mark.parametrize(
    ("name", "error", "said"),
    [
        ("guild", ValueError, "did you mean 'guilds'"),
        ("public_mesages", ValueError, "did you mean 'public_messages'"),
        ("xyzzy", ValueError, "known: guilds, guild_members"),
        ("", ValueError, "there is no intent named ''"),
        (1, TypeError, "not int"),
        (None, TypeError, "not NoneType"),
    ],
)
def test_a_name_that_does_not_exist_is_refused_with_the_right_one(name: Any, error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said):
        Intents.from_names("guilds", name)


def test_the_refusal_is_in_chinese_too() -> None:
    with pytest.raises(ValueError, match="没有名为 'guild' 的 intent"):
        Intents.from_names("guild")


def test_a_method_that_does_not_exist_is_refused() -> None:
    with pytest.raises(AttributeError):
        Intents.default().with_everything()  # type: ignore[attr-defined]


def test_the_default_is_what_a_public_bot_normally_has() -> None:
    assert Intents.default() == of(*DEFAULT)
    assert not Intents.default().has_privileged()


def test_new_and_none_are_the_empty_set_to_build_on() -> None:
    assert Intents.new() == Intents.none() == 0
    assert type(Intents.new()) is Intents
    assert Intents.new().with_guilds().with_public_messages().without_guilds() == of(25)


def test_privileged_are_the_bits_of_private_domain_and_the_one_that_is_applied_for() -> None:
    assert of(9, 24, 28) == PRIVILEGED
    for bit in BITS:
        assert of(bit).has_privileged() == (bit in (9, 24, 28))
    assert Intents.all().has_privileged()
    assert not Intents.none().has_privileged()


def test_contains_asks_for_every_bit() -> None:
    assert of(0, 1).contains(Intents.GUILDS)
    assert of(0, 1).contains(of(0, 1))
    assert not of(0).contains(of(0, 1))
    assert of(0).contains(Intents.none())
    assert of(25).contains(1 << 25)
    assert not of(25).contains(1 << 24)


@pytest.mark.parametrize(
    ("intents", "shown", "text"),
    [
        (Intents.none(), "<Intents 0: none>", "none"),
        (Intents.GUILDS, "<Intents 1: GUILDS>", "GUILDS"),
        (of(25, 0), "<Intents 33554433: GUILDS | GROUP_AND_C2C_EVENT>", "GUILDS | GROUP_AND_C2C_EVENT"),
        (Intents((1 << 5) + 1), "<Intents 33: GUILDS | 1<<5>", "GUILDS | 1<<5"),
    ],
)
def test_a_set_is_shown_by_names(intents: Intents, shown: str, text: str) -> None:
    assert repr(intents) == shown
    assert str(intents) == f"{intents}" == text


def test_a_set_is_a_number_wherever_one_is_needed() -> None:
    assert json.dumps({"intents": Intents.default()}) == f'{{"intents": {int(of(*DEFAULT))}}}'
    assert {of(0): 1}[Intents.GUILDS] == 1


def test_a_bit_that_is_not_known_yet_is_kept() -> None:
    newer = Intents.default() | Intents(1 << 13)
    assert int(newer) == int(of(*DEFAULT)) | 1 << 13
    assert newer.contains(1 << 13)
    assert newer.with_guild_messages().contains(1 << 13)
    assert newer.without_guilds().contains(1 << 13)


@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, lambda value: pickle.loads(pickle.dumps(value))])
def test_a_set_can_be_copied_and_pickled(again: Any) -> None:
    for intents in (Intents.default(), Intents.none(), Intents(1 << 5)):
        assert again(intents) == intents
        assert type(again(intents)) is Intents


def test_every_event_has_a_bit_of_the_table_and_every_bit_has_an_event() -> None:
    used = Intents.none()
    for spec in EVENTS.values():
        assert Intents.all().contains(spec.intents | spec.wishes)
        used |= spec.intents
    assert used == Intents.all()


def test_both_bits_are_asked_for_where_the_sources_disagree() -> None:
    client = BotClient("app", "secret")
    client.on("GROUP_JOIN_REQUEST")(lambda ctx, request: None)
    assert client.intents == of(24, 25)
    assert (EVENTS["GROUP_JOIN_REQUEST"].intents, EVENTS["GROUP_JOIN_REQUEST"].wishes) == (of(25), of(24))
