"""What to ask for when the gateway refuses the intents: fewer wishes, one rung of a table after the other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from qqbot_sync.intents import Intents

__all__ = ["LOSSES", "RUNGS", "IntentPlan", "losses_of"]

_GUILD_BITS = (
    Intents.GUILDS
    | Intents.GUILD_MEMBERS
    | Intents.GUILD_MESSAGE_REACTIONS
    | Intents.DIRECT_MESSAGE
    | Intents.PUBLIC_GUILD_MESSAGES
)

RUNGS: tuple[Intents, ...] = (
    Intents.GROUP_MEMBER_EVENT,
    Intents.GROUP_MEMBER_EVENT | Intents.GROUP_AND_C2C_EVENT,
    Intents.GROUP_MEMBER_EVENT | Intents.DIRECT_MESSAGE,
    Intents.GROUP_MEMBER_EVENT | _GUILD_BITS,
)
"""What is left out, rung by rung, of what was asked for first: for bots that did not apply for bit 24, guild-only bots,
bots without direct messages, group-only bots."""

LOSSES: Mapping[Intents, str] = MappingProxyType(
    {
        Intents.GUILDS: "频道与子频道的变动 / changes of guilds and channels",
        Intents.GUILD_MEMBERS: "频道成员进出 / members joining and leaving guilds",
        Intents.GUILD_MESSAGE_REACTIONS: "频道消息的表情表态 / reactions to guild messages",
        Intents.DIRECT_MESSAGE: "频道私信 / direct messages of guilds",
        Intents.GROUP_MEMBER_EVENT: "群成员进出 / members joining and leaving groups",
        Intents.GROUP_AND_C2C_EVENT: "群聊与单聊消息 / group and one-to-one messages",
        Intents.PUBLIC_GUILD_MESSAGES: "频道中 @机器人 的消息 / guild messages that mention the bot",
    }
)
"""What will not come without a bit that a rung leaves out: Chinese / English."""


@dataclass(frozen=True, slots=True)
class IntentPlan:
    """What to ask for in the next Identify. Immutable, thread-safe.

    plan = IntentPlan(required, wished)
    …  # refused with plan.asked
    plan = plan.after_refusal()  # None: InvalidIntents
    """

    required: Intents
    """Bits that handlers cannot do without: never left out."""
    wished: Intents
    """Bits that were wished for at first; those that are required too are no wishes."""
    rung: int = 0
    """Rungs of the table gone down: 0 asks for everything."""

    def __post_init__(self) -> None:
        if not 0 <= self.rung <= len(RUNGS):
            raise ValueError(f"rung must be 0 to {len(RUNGS)}, not {self.rung}")

    @property
    def asked(self) -> Intents:
        """The bits to send."""
        left_out = int(RUNGS[self.rung - 1]) if self.rung else 0
        return Intents(int(self.required) | int(self.wished) & ~left_out)

    @property
    def given_up(self) -> Intents:
        """The wishes that are no longer asked for."""
        return Intents((int(self.required) | int(self.wished)) & ~int(self.asked))

    def rungs(self) -> tuple[IntentPlan, ...]:
        """This plan and all that may follow it, in order; each asks for something that none before it did."""
        tried = {int(IntentPlan(self.required, self.wished, rung).asked) for rung in range(self.rung + 1)}
        plans = [self]
        for rung in range(self.rung + 1, len(RUNGS) + 1):
            plan = IntentPlan(self.required, self.wished, rung)
            bits = int(plan.asked)
            if bits and bits not in tried:
                tried.add(bits)
                plans.append(plan)
        return tuple(plans)

    def after_refusal(self) -> IntentPlan | None:
        """The next plan, with fewer wishes; None when nothing is left to give up: that is `InvalidIntents`."""
        following = self.rungs()[1:]
        return following[0] if following else None

    def at(self, asked: Intents | int) -> IntentPlan:
        """The plan that asks for exactly these bits, as remembered from an earlier session; else this one."""
        return next((plan for plan in self.rungs() if int(plan.asked) == int(asked)), self)


def losses_of(bits: Intents) -> tuple[str, ...]:
    """What will not come without these bits, one text for each bit in ascending order, with its name."""
    value = int(bits)
    single = (Intents(1 << place) for place in range(value.bit_length()) if value & 1 << place)
    return tuple(f"{bit}: {LOSSES[bit]}" if bit in LOSSES else str(bit) for bit in single)
