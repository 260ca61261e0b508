"""Refused intents: fewer wishes, rung by rung, and never a required bit less."""

from __future__ import annotations

from functools import reduce

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qqbot_sync.intents import Intents
from qqbot_sync.protocol.negotiation import LOSSES, RUNGS, IntentPlan, losses_of
from tests.protocol.support import BOUNDED


def bits(*places: int) -> Intents:
    return Intents(sum(1 << place for place in places))


NONE = Intents.none()


def asked(plan: IntentPlan) -> list[Intents]:
    return [rung.asked for rung in plan.rungs()]


def test_the_rungs_are_those_of_the_house_plan() -> None:
    assert (bits(24), bits(24, 25), bits(12, 24), bits(0, 1, 10, 12, 24, 30)) == RUNGS


def test_a_bot_that_wishes_for_all_messages_and_group_members_tries_every_rung() -> None:
    plan = IntentPlan(NONE, bits(0, 1, 10, 12, 24, 25, 26, 27, 30))
    assert asked(plan) == [
        bits(0, 1, 10, 12, 24, 25, 26, 27, 30),
        bits(0, 1, 10, 12, 25, 26, 27, 30),
        bits(0, 1, 10, 12, 26, 27, 30),
        bits(0, 1, 10, 25, 26, 27, 30),
        bits(25, 26, 27),
    ]


def test_rungs_are_relative_to_what_was_asked_first_and_those_that_change_nothing_are_skipped() -> None:
    on_message = IntentPlan(NONE, bits(12, 25, 30))
    assert asked(on_message) == [bits(12, 25, 30), bits(12, 30), bits(25, 30), bits(25)]


def test_refusal_after_refusal_walks_down_the_rungs() -> None:
    plan: IntentPlan | None = IntentPlan(bits(26), bits(12, 25, 30))
    seen = []
    while plan:
        seen.append((plan.asked, plan.given_up))
        plan = plan.after_refusal()
    assert seen == [
        (bits(12, 25, 26, 30), NONE),
        (bits(12, 26, 30), bits(25)),
        (bits(25, 26, 30), bits(12)),
        (bits(25, 26), bits(12, 30)),
    ]


@pytest.mark.parametrize(
    ("required", "wished"),
    [
        (bits(25), NONE),
        (bits(12, 24, 25, 30), bits(12, 25)),
        (bits(9), bits(26, 27)),
        (NONE, bits(24)),
        (NONE, bits(25)),
        (NONE, NONE),
    ],
)
def test_where_nothing_can_be_given_up_a_refusal_is_final(required: Intents, wished: Intents) -> None:
    assert IntentPlan(required, wished).after_refusal() is None


def test_a_bit_that_is_required_and_wished_for_is_required() -> None:
    plan = IntentPlan(bits(24), bits(24, 30))
    assert asked(plan) == [bits(24, 30), bits(24)]
    assert plan.rungs()[1].given_up == bits(30)


def test_a_remembered_plan_is_found_again() -> None:
    plan = IntentPlan(NONE, bits(12, 25, 30))
    second = plan.rungs()[2]
    assert plan.at(second.asked) == second
    assert plan.at(int(second.asked)) == second
    assert plan.at(bits(26)) == plan, "what was remembered for other handlers does not count"
    later = plan.at(bits(12, 30)).after_refusal()
    assert later is not None
    assert later.asked == bits(25, 30)


def test_unknown_bits_survive() -> None:
    plan = IntentPlan(Intents(1 << 7), Intents(1 << 24 | 1 << 31))
    assert asked(plan) == [Intents(1 << 7 | 1 << 24 | 1 << 31), Intents(1 << 7 | 1 << 31)]


@pytest.mark.parametrize("rung", [-1, len(RUNGS) + 1])
def test_a_rung_outside_the_table_is_an_error(rung: int) -> None:
    with pytest.raises(ValueError, match="rung"):
        IntentPlan(NONE, NONE, rung)


def test_a_plan_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        IntentPlan(NONE, NONE).rung = 1  # type: ignore[misc]


def test_every_bit_a_rung_leaves_out_has_a_text() -> None:
    droppable = reduce(lambda all_bits, rung: all_bits | rung, RUNGS)
    assert reduce(lambda all_bits, bit: all_bits | bit, LOSSES) == droppable
    for text in LOSSES.values():
        chinese, _, english = text.partition(" / ")
        assert any("\u4e00" <= letter <= "\u9fff" for letter in chinese)
        assert english.isascii()


def test_losses_are_told_one_by_one() -> None:
    first, second, third = losses_of(Intents(1 << 7 | 1 << 12 | 1 << 25))
    assert first == "1<<7"
    assert second == "DIRECT_MESSAGE: 频道私信 / direct messages of guilds"
    assert third.startswith("GROUP_AND_C2C_EVENT: ")
    assert losses_of(NONE) == ()


SETS = st.integers(0, int(Intents.all())).map(lambda value: Intents(value & int(Intents.all())))


@BOUNDED
@given(SETS, SETS)
def test_no_plan_drops_a_required_bit_or_repeats_another(required: Intents, wished: Intents) -> None:
    plan = IntentPlan(required, wished)
    tried: list[int] = []
    following: IntentPlan | None = plan
    while following is not None:
        assert following.asked.contains(required)
        assert (required | wished).contains(following.asked)
        assert int(following.asked) not in tried
        assert following.asked or not tried
        assert int(following.asked) | int(following.given_up) == int(required | wished)
        assert not following.given_up & required
        tried.append(int(following.asked))
        following = following.after_refusal()
        assert len(tried) <= len(RUNGS) + 1
    assert tried == [int(rung.asked) for rung in plan.rungs()]
    for left_out in RUNGS:
        expected = int(required) | int(wished) & ~int(left_out)
        assert not expected or expected in tried, "no rung of the table is forgotten"
