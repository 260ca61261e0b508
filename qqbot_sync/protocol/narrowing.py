"""Which intents a bot has, found out by asking: what each answer proves, and what to ask for next.

The platform names no bit when it refuses an Identify. An accepted one proves every bit in it; a refused one proves
that at least one bit in it is refused, and what is known of the others may tell which.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from qqbot_sync.intents import Intents
from qqbot_sync.protocol.negotiation import IntentPlan

__all__ = ["FAMILIES", "MOST_TRIES", "IntentEvidence", "evidence_of", "next_try", "single_bits"]

FAMILIES: tuple[Intents, ...] = (
    Intents.GROUP_AND_C2C_EVENT,
    Intents.INTERACTION | Intents.MESSAGE_AUDIT,
    Intents.DIRECT_MESSAGE,
    Intents.GUILDS | Intents.GUILD_MEMBERS | Intents.GUILD_MESSAGE_REACTIONS | Intents.PUBLIC_GUILD_MESSAGES,
)
"""Bits of the default set that a bot commonly has, or lacks, together; first those whose answer tells most, because a
bot that lacks the first nearly always has the second."""
MOST_TRIES = 20
"""Identifies that settle every known bit, whatever the bot was granted. A public bot that has the default set needs 8,
one without groups 10, one without guilds 17; where only the default set is wanted they need 1, 3 and 10."""
MOST_OUTSIDE = 2
"""Bits outside of the default set that may be asked for at once with it; with more the refusal is all but sure."""
MOST_REFUSED = 1
"""Bits of a set that may have been refused before what is left of it is asked for at once all the same."""


@dataclass(frozen=True, slots=True)
class IntentEvidence:
    """What is proven about a bot's intents. Immutable, thread-safe."""

    granted: Intents = field(default_factory=Intents.none)
    refused: Intents = field(default_factory=Intents.none)
    suspects: tuple[Intents, ...] = ()
    """Sets of which at least one bit is refused, and nobody knows yet which."""

    def after_grant(self, asked: Intents) -> IntentEvidence:
        """An Identify with these bits was accepted. What is newer wins over what was known before."""
        granted = Intents(int(self.granted) | int(asked))
        return replace(self, granted=granted, refused=_less(self.refused, asked))._settled()

    def after_refusal(self, asked: Intents) -> IntentEvidence:
        """An Identify with these bits was refused because of one of them."""
        if int(asked) & int(self.refused):
            return self
        # All of them granted before: a right was taken back since, and nobody knows which.
        granted = _less(self.granted, asked) if self.granted.contains(asked) else self.granted
        return replace(self, granted=granted, suspects=(*self.suspects, asked))._settled()

    def forgetting(self, bits: Intents) -> IntentEvidence:
        """The same without what is known about these bits."""
        suspects = tuple(suspect for suspect in self.suspects if not int(suspect) & int(bits))
        return IntentEvidence(_less(self.granted, bits), _less(self.refused, bits), suspects)

    def unknown_of(self, wanted: Intents) -> Intents:
        """The bits among these that nobody knows about."""
        return _less(wanted, Intents(int(self.granted) | int(self.refused)))

    def will_refuse(self, asked: Intents) -> bool:
        """Whether an Identify with these bits is known to be refused."""
        return bool(int(asked) & int(self.refused)) or any(asked.contains(suspect) for suspect in self.suspects)

    def _settled(self) -> IntentEvidence:
        """Draws the conclusions: a suspect that is left alone is refused; one refused bit explains a whole set."""
        refused, suspects = int(self.refused), self.suspects
        while True:
            left = [_less(suspect, self.granted) for suspect in suspects]
            found = [int(suspect) for suspect in left if suspect and not int(suspect) & (int(suspect) - 1)]
            refused |= sum(set(found))
            # An empty one was refused once and is granted now: it is out of date.
            suspects = tuple(dict.fromkeys(suspect for suspect in left if suspect and not int(suspect) & refused))
            if not found:
                return IntentEvidence(self.granted, Intents(refused), suspects)


def next_try(evidence: IntentEvidence, wanted: Intents) -> Intents | None:
    """What to ask for next in order to learn about every bit of `wanted`; None when all are known.

    Never asks for what is known to be refused, and never twice for the same.
    """
    unknown = evidence.unknown_of(wanted)
    if not unknown:
        return None
    # Judged by what was wanted at first: the few that are left of many were left because they are unlikely.
    outside, refused = _less(wanted, Intents.default()), wanted & evidence.refused
    is_worth_it = _count(outside) <= MOST_OUTSIDE and _count(refused) <= MOST_REFUSED
    if is_worth_it and not evidence.will_refuse(unknown):
        return unknown
    tries = (next_try(evidence, part) for part in _parts(wanted))
    return next((found for found in tries if found is not None), None)


def evidence_of(
    plan: IntentPlan, *, was_ready: bool, was_refused: bool, before: IntentEvidence | None = None
) -> IntentEvidence:
    """What a negotiation has proven.

    Args:
        plan: as it stands; the rungs above it were refused.
        was_ready: whether READY came to what the plan asks for.
        was_refused: whether that was refused too, and the platform said that it was about intents.
        before: what was known before; nothing of it counts about a bit that was negotiated.
    """
    evidence = before or IntentEvidence()
    if not was_ready and not was_refused:
        return evidence
    evidence = evidence.forgetting(Intents(int(plan.required) | int(plan.wished)))
    above = (IntentPlan(plan.required, plan.wished, rung).asked for rung in range(plan.rung))
    refused = [asked for asked in dict.fromkeys(above) if asked != plan.asked]
    for asked in (*refused, plan.asked) if was_refused else refused:
        evidence = evidence.after_refusal(asked)
    return evidence.after_grant(plan.asked) if was_ready and not was_refused else evidence


def single_bits(bits: Intents | int) -> Iterator[Intents]:
    """Each bit by itself, in ascending order."""
    value = int(bits)
    return (Intents(1 << place) for place in range(value.bit_length()) if value & 1 << place)


def _parts(bits: Intents) -> tuple[Intents, ...]:
    """The next finer division: the default set and each other bit, then its families, then bits."""
    usual, others = bits & Intents.default(), _less(bits, Intents.default())
    if usual and others:
        return _non_empty((usual, *single_bits(others)))
    families = _non_empty(usual & family for family in FAMILIES)
    return families if len(families) > 1 else tuple(single_bits(bits))


def _non_empty(sets: Iterable[Intents]) -> tuple[Intents, ...]:
    return tuple(one for one in sets if one)


def _less(bits: Intents, without: Intents) -> Intents:
    return Intents(int(bits) & ~int(without))


def _count(bits: Intents) -> int:
    return int(bits).bit_count()
