"""The rules for sending without a socket: allowances of active messages, and which events can be answered."""

from __future__ import annotations

import pytest

from qqbot_sync.simulator.messages import Anchor
from qqbot_sync.simulator.refusal import Refusal
from qqbot_sync.simulator.rooms import Place, Scene
from qqbot_sync.simulator.rules import Quotas, check_anchor

DAY = 86400.0


def fill(scene: Scene, places: int, each: int, *, pace: float = 0.0) -> tuple[Quotas, float]:
    """Counts `each` active messages in so many places, `pace` seconds apart; every one of them is allowed."""
    quotas, now = Quotas(), 1000.0
    for _ in range(each):
        for place in range(places):
            quotas.check(scene, str(place), now)
            quotas.count(scene, str(place), now)
            now += pace
    return quotas, now


@pytest.mark.parametrize(
    ("scene", "places", "each", "pace", "where", "code", "again"),
    [
        # In one place.
        ("channel", 1, 20, 0.0, "0", 304045, DAY),
        ("direct", 1, 2, 0.0, "0", 304049, DAY),
        ("group", 1, 20, 0.0, "0", 40034100, 60.0),
        ("group", 1, 1000, 4.0, "0", 40034100, DAY - 4000.0),
        ("c2c", 1, 10, 0.0, "0", 40034100, 1.0),
        ("c2c", 1, 20, 1.0, "0", 40034100, 40.0),
        ("c2c", 1, 1000, 4.0, "0", 40034100, DAY - 4000.0),
        # Over all places of the bot.
        ("direct", 100, 2, 0.0, "new", 304050, DAY),
        ("group", 3, 20, 0.0, "new", 40034100, 60.0),
        ("c2c", 10, 1, 0.0, "new", 40034100, 1.0),
    ],
)
def test_an_allowance_is_used_up_to_its_last_message_and_comes_back_with_time(
    scene: Scene, places: int, each: int, pace: float, where: str, code: int, again: float
) -> None:
    quotas, now = fill(scene, places, each, pace=pace)
    with pytest.raises(Refusal) as refused:
        quotas.check(scene, where, now)
    assert (refused.value.code, refused.value.status) == (code, 429)
    with pytest.raises(Refusal):
        quotas.check(scene, where, now + again - 0.5)
    quotas.check(scene, where, now + again)


def test_a_place_that_is_full_leaves_the_others_theirs() -> None:
    quotas, now = fill("channel", 1, 20)
    quotas.check("channel", "another", now)


EVENTS: dict[Scene, set[str]] = {
    "group": {"INTERACTION_CREATE", "GROUP_ADD_ROBOT", "GROUP_MSG_RECEIVE", "GROUP_MEMBER_ADD"},
    "c2c": {"INTERACTION_CREATE", "C2C_MSG_RECEIVE", "FRIEND_ADD"},
}
_GUILD = {
    *(f"GUILD_MEMBER_{verb}" for verb in ("ADD", "UPDATE", "REMOVE")),
    *(f"MESSAGE_REACTION_{verb}" for verb in ("ADD", "REMOVE")),
    *(f"FORUM_THREAD_{verb}" for verb in ("CREATE", "UPDATE", "DELETE")),
    *(f"FORUM_{noun}_{verb}" for noun in ("POST", "REPLY") for verb in ("CREATE", "DELETE")),
    "INTERACTION_CREATE",
}


@pytest.mark.parametrize("scene", ["channel", "direct", "group", "c2c"])
def test_these_events_can_be_answered_and_no_others(scene: Scene) -> None:
    allowed = EVENTS.get(scene, _GUILD)
    for name in {*_GUILD, *EVENTS["group"], *EVENTS["c2c"], "GROUP_DEL_ROBOT", "FRIEND_DEL", "GUILD_CREATE"}:
        anchor = Anchor("1", "1", name, Place(scene, "x"), 0.0)
        if name in allowed:
            check_anchor(scene, anchor, now=1.0, msg_seq=1, by_event=True)
            continue
        with pytest.raises(Refusal) as refused:
            check_anchor(scene, anchor, now=1.0, msg_seq=1, by_event=True)
        assert refused.value.code == 40034027
