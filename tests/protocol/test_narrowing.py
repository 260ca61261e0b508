"""Which bits a bot has, from yes and no alone: found exactly, without a socket, with few Identifies."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qqbot_sync.intents import Intents
from qqbot_sync.protocol.narrowing import FAMILIES, MOST_TRIES, IntentEvidence, evidence_of, next_try, single_bits
from qqbot_sync.protocol.negotiation import IntentPlan
from tests.protocol.support import BOUNDED

EVERYTHING = Intents.all()
SETS = st.integers(0, (1 << 31) - 1).map(lambda value: Intents(value & int(EVERYTHING)))
ODD_SETS = st.integers(0, (1 << 33) - 1).map(Intents)
"""With bits that nobody knows."""


def bits(*places: int) -> Intents:
    return Intents(sum(1 << place for place in places))


def ask(grant: Intents, wanted: Intents) -> tuple[IntentEvidence, list[Intents]]:
    """Asks a platform that grants these bits until nothing is left to ask; what is known then, and what was asked."""
    evidence, asked = IntentEvidence(), []
    while (attempt := next_try(evidence, wanted)) is not None:
        asked.append(attempt)
        assert len(asked) <= 100, "it does not come to an end"
        assert not evidence.will_refuse(attempt), "an Identify costs one of the day's sessions"
        assert not attempt & evidence.granted
        evidence = evidence.after_grant(attempt) if grant.contains(attempt) else evidence.after_refusal(attempt)
    return evidence, asked


@BOUNDED
@given(SETS, SETS)
def test_exactly_the_refused_bits_are_found(grant: Intents, wanted: Intents) -> None:
    """Nothing is left unknown, and nothing is said about bits that nobody wanted to know about."""
    evidence, asked = ask(grant, wanted)
    assert evidence.granted == grant & wanted
    assert evidence.refused == Intents(int(wanted) & ~int(grant))
    assert not evidence.unknown_of(wanted)
    assert len(asked) == len(set(asked)), "nothing is asked twice"
    assert all(attempt and wanted.contains(attempt) for attempt in asked)


@BOUNDED
@given(SETS)
def test_every_known_bit_is_settled_within_the_bound(grant: Intents) -> None:
    """Whatever was granted; the figure stands in the documentation."""
    assert len(ask(grant, EVERYTHING)[1]) <= MOST_TRIES


@BOUNDED
@given(ODD_SETS, ODD_SETS)
def test_few_wanted_bits_take_few_identifies(grant: Intents, wanted: Intents) -> None:
    """Never much more than asking for each bit by itself would take."""
    assert len(ask(grant, wanted)[1]) <= int(wanted).bit_count() + 7


@pytest.mark.parametrize(
    ("grant", "wanted", "identifies"),
    [
        (Intents.default(), Intents.default(), 1),
        (Intents.default(), EVERYTHING, 8),
        (Intents.default().without_group_and_c2c_event(), Intents.default(), 3),
        (Intents.default().without_group_and_c2c_event(), EVERYTHING, 10),
        (bits(25, 26, 27), Intents.default(), 10),
        (bits(25, 26, 27), EVERYTHING, 17),
        (Intents.default(), bits(12, 25, 30), 1),
        (Intents.default().without_group_and_c2c_event(), bits(12, 25, 30), 3),
        (bits(25, 26, 27), bits(12, 25, 30), 4),
        (Intents.none(), bits(9), 1),
        (Intents.default(), bits(9, 12, 25, 30), 2),
        (Intents.none(), Intents.none(), 0),
    ],
    ids=["public", "public, all", "guild-only", "guild-only, all", "group-only", "group-only, all"]
    + [
        "message bot",
        "message bot, guild-only",
        "message bot, group-only",
        "one bit",
        "one bit too many",
        "nothing wanted",
    ],
)
def test_usual_bots_take_so_many(grant: Intents, wanted: Intents, identifies: int) -> None:
    """The figures of the documentation."""
    assert len(ask(grant, wanted)[1]) == identifies


def test_the_default_set_is_the_first_to_be_asked_for_where_everything_is_wanted() -> None:
    """A set with many unlikely bits would be refused for sure."""
    assert next_try(IntentEvidence(), EVERYTHING) == Intents.default()


def test_a_few_unlikely_bits_are_asked_for_together_with_the_rest() -> None:
    """As the bot itself would."""
    assert next_try(IntentEvidence(), bits(12, 24, 25, 30)) == bits(12, 24, 25, 30)


def test_the_families_are_the_default_set() -> None:
    """Each of its bits in one of them, and no other."""
    assert sum(int(family) for family in FAMILIES) == int(Intents.default())


class TestConclusions:
    def test_a_suspect_left_alone_is_refused(self) -> None:
        evidence = IntentEvidence().after_refusal(bits(1, 12, 25)).after_grant(bits(1, 12))
        assert evidence == IntentEvidence(bits(1, 12), bits(25))

    def test_a_refused_bit_explains_the_sets_it_is_in(self) -> None:
        evidence = IntentEvidence().after_refusal(bits(12, 25)).after_refusal(bits(25))
        assert evidence == IntentEvidence(refused=bits(25))
        assert evidence.unknown_of(bits(12, 25)) == bits(12)

    def test_one_conclusion_leads_to_the_next(self) -> None:
        evidence = IntentEvidence().after_refusal(bits(0, 1)).after_refusal(bits(1, 9)).after_grant(bits(1))
        assert evidence == IntentEvidence(bits(1), bits(0, 9))

    def test_what_is_newer_wins(self) -> None:
        evidence = IntentEvidence().after_refusal(bits(9)).after_grant(bits(9))
        assert evidence == IntentEvidence(granted=bits(9))
        assert evidence.after_refusal(bits(9)) == IntentEvidence(refused=bits(9))

    def test_a_right_that_was_taken_back_puts_all_that_were_asked_for_in_doubt(self) -> None:
        evidence = IntentEvidence(granted=bits(0, 12, 25)).after_refusal(bits(12, 25))
        assert evidence == IntentEvidence(granted=bits(0), suspects=(bits(12, 25),))

    def test_what_is_forgotten_is_unknown(self) -> None:
        evidence = IntentEvidence(bits(0, 1), bits(9), (bits(24, 28),))
        assert evidence.forgetting(bits(1, 24)) == IntentEvidence(bits(0), bits(9))


class TestOfANegotiation:
    PLAN = IntentPlan(Intents.none(), bits(12, 25, 30))

    def test_nothing_is_proven_before_ready(self) -> None:
        assert evidence_of(self.PLAN, was_ready=False, was_refused=False) == IntentEvidence()

    def test_ready_proves_what_was_asked_for(self) -> None:
        assert evidence_of(self.PLAN, was_ready=True, was_refused=False) == IntentEvidence(bits(12, 25, 30))

    def test_a_rung_further_down_proves_a_refusal(self) -> None:
        without_groups = self.PLAN.at(bits(12, 30))
        evidence = evidence_of(without_groups, was_ready=True, was_refused=False)
        assert evidence == IntentEvidence(bits(12, 30), bits(25))

    def test_what_was_given_up_together_is_not_all_refused(self) -> None:
        """{12, 25, 30}, {12, 30} and {25, 30} were refused and {25} was not: it was 30, and nobody knows about 12."""
        evidence = evidence_of(self.PLAN.at(bits(25)), was_ready=True, was_refused=False)
        assert evidence == IntentEvidence(bits(25), bits(30))

    def test_a_refused_required_bit_is_refused(self) -> None:
        evidence = evidence_of(IntentPlan(bits(9), Intents.none()), was_ready=False, was_refused=True)
        assert evidence == IntentEvidence(refused=bits(9))

    def test_older_knowledge_stays_where_nothing_was_negotiated(self) -> None:
        before = IntentEvidence(bits(0, 12), bits(25, 28))
        evidence = evidence_of(self.PLAN, was_ready=True, was_refused=False, before=before)
        assert evidence == IntentEvidence(bits(0, 12, 25, 30), bits(28))


def test_single_bits_come_in_order() -> None:
    assert list(single_bits(bits(30, 0, 12))) == [bits(0), bits(12), bits(30)]
    assert list(single_bits(0)) == []
