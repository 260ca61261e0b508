"""Sessions without a socket: checks, sequence numbers, shards, replay."""

from __future__ import annotations

import json
from typing import Any

import pytest

from qqbot_sync.intents import Intents
from qqbot_sync.simulator.ids import Ids
from qqbot_sync.simulator.platform import DEFAULT_GRANT
from qqbot_sync.simulator.sessions import NOT_RESUMABLE, Session, Sessions, TurnedAway
from qqbot_sync.simulator.tokens import Tokens
from tests.support import FakeClock

GROUPS = int(Intents.GROUP_AND_C2C_EVENT)
USER = {"id": "1", "username": "bot", "bot": True}


class Peer:
    """Keeps the frames it is given, without their WebSocket header."""

    def __init__(self) -> None:
        self.frames: list[dict[str, Any]] = []

    def send(self, frame: bytes) -> None:
        self.frames.append(json.loads(frame[frame.index(b"{") :]))

    @property
    def seqs(self) -> list[int]:
        return [frame["s"] for frame in self.frames]


class World:
    def __init__(self, grant: Intents = DEFAULT_GRANT) -> None:
        self.clock = FakeClock()
        tokens = Tokens(self.clock, "1", "s")
        self.token = str(tokens.issue({"appId": "1", "clientSecret": "s"})["access_token"])
        self.sessions = Sessions(self.clock, Ids("1"), tokens, grant=grant)

    def identify(self, intents: int = GROUPS, shard: object = (0, 1), **changes: Any) -> tuple[Session, Peer]:
        peer = Peer()
        d = {"token": f"QQBot {self.token}", "intents": intents, "shard": list(shard), **changes}  # type: ignore[call-overload]
        return self.sessions.identify(d, peer, USER), peer

    def resume(self, session: Session, seq: object, **changes: Any) -> Peer:
        peer = Peer()
        d = {"token": f"QQBot {self.token}", "session_id": session.id, "seq": seq, **changes}
        self.sessions.resume(d, peer)
        return peer

    def event(self, text: str = "x", *, bits: int = GROUPS, guild_id: int | None = None) -> list[tuple[Session, int]]:
        d = json.dumps({"content": text}).encode()
        return self.sessions.dispatch("NAME", d, bits=bits, event_id=f"NAME:{text}", guild_id=guild_id)


def test_ready_is_the_first_frame_and_counts() -> None:
    world = World()
    session, peer = world.identify()
    (ready,) = peer.frames
    assert (ready["op"], ready["s"], ready["t"]) == (0, 1, "READY")
    assert ready["d"] == {"version": 1, "session_id": session.id, "user": USER, "shard": [0, 1]}
    assert "id" not in ready


def test_the_sequence_number_rises_by_one_from_event_to_event() -> None:
    world = World()
    _, peer = world.identify()
    for n in range(5):
        world.event(str(n))
    assert peer.seqs == [1, 2, 3, 4, 5, 6]
    assert peer.frames[1] == {"op": 0, "s": 2, "t": "NAME", "id": "NAME:0", "d": {"content": "0"}}


def test_only_events_that_were_asked_for_come() -> None:
    world = World()
    _, peer = world.identify(int(Intents.GUILDS))
    world.event(bits=GROUPS)
    world.event(bits=GROUPS | int(Intents.GUILDS))
    world.event(bits=0)
    assert peer.seqs == [1, 2, 3]


@pytest.mark.parametrize(
    ("changes", "code", "announced"),
    [
        ({"token": "QQBot wrong"}, 4004, False),
        ({"token": None}, 4004, False),
        ({"shard": [1, 1]}, 4010, False),
        ({"shard": [-1, 1]}, 4010, False),
        ({"shard": [0]}, 4010, False),
        ({"shard": "0,1"}, 4010, False),
        ({"shard": [0.0, 1.0]}, 4010, False),
        ({"intents": 1 << 5}, 4013, True),
        ({"intents": "513"}, 4013, True),
        ({"intents": -1}, 4013, True),
        ({"intents": True}, 4013, True),
        ({"intents": None}, 4013, True),
        ({"intents": 1 << 9}, 4014, True),
        ({"intents": GROUPS | 1 << 28}, 4014, True),
    ],
)
def test_a_bad_identify_is_turned_away(changes: dict[str, Any], code: int, announced: bool) -> None:
    world = World()
    with pytest.raises(TurnedAway) as refused:
        world.identify(**{"intents": GROUPS, **changes})
    assert (refused.value.code, refused.value.announced) == (code, announced)
    assert len(world.sessions) == 0


@pytest.mark.parametrize("d", [None, [], "x", 7])
def test_an_identify_or_resume_without_a_body_is_a_bad_payload(d: object) -> None:
    world = World()
    with pytest.raises(TurnedAway, match="identify"):
        world.sessions.identify(d, Peer(), USER)
    with pytest.raises(TurnedAway, match="resume"):
        world.sessions.resume(d, Peer())


def test_everything_granted_may_be_asked_for() -> None:
    world = World(Intents.all())
    session, _ = world.identify(int(Intents.all()))
    assert session.intents == int(Intents.all())


def test_a_resume_replays_exactly_what_came_after_seq_and_then_says_so() -> None:
    world = World()
    session, peer = world.identify()
    for n in range(5):
        world.event(str(n))
    world.sessions.leave(session, peer, 4009)
    world.event("missed")
    again = world.resume(session, 4)
    assert again.seqs == [5, 6, 7, 8]
    assert [frame["t"] for frame in again.frames] == ["NAME", "NAME", "NAME", "RESUMED"]
    assert again.frames[-1]["d"] == ""
    assert [frame["d"]["content"] for frame in again.frames[:3]] == ["3", "4", "missed"]
    world.event("next")
    assert again.seqs[-1] == 9


def test_a_replayed_frame_is_the_frame_that_was_sent() -> None:
    world = World()
    session, peer = world.identify()
    world.event("a")
    assert world.resume(session, 1).frames[0] == peer.frames[1]


def test_a_resume_may_come_with_a_bare_token_and_before_the_old_connection_is_gone() -> None:
    world = World()
    session, old = world.identify()
    world.event("a")
    new = world.resume(session, 2, token=world.token)
    world.event("b")
    assert old.seqs == [1, 2]
    assert new.seqs == [3, 4]
    world.sessions.leave(session, old, 1006)
    assert session.peer is new


@pytest.mark.parametrize("seq", [99, -1, None, "3", 2.0, True])
def test_a_seq_that_was_never_given_is_turned_away_with_4007(seq: object) -> None:
    world = World()
    session, _ = world.identify()
    world.event("a")
    with pytest.raises(TurnedAway) as refused:
        world.resume(session, seq)
    # True is a number to Python, and a wrong type on the wire.
    assert (refused.value.code, refused.value.announced) == (4007, True)


def test_an_unknown_session_is_turned_away_with_4006() -> None:
    world = World()
    session, _ = world.identify()
    with pytest.raises(TurnedAway) as refused:
        world.resume(session, 1, session_id="other")
    assert (refused.value.code, refused.value.announced) == (4006, True)


def test_a_resume_with_a_bad_token_is_turned_away_with_4004() -> None:
    world = World()
    session, _ = world.identify()
    with pytest.raises(TurnedAway) as refused:
        world.resume(session, 1, token="QQBot no")
    assert refused.value.code == 4004


@pytest.mark.parametrize("code", [1000, 1001, 1006, 4000, 4008, 4009])
def test_a_session_outlives_its_connection_after_these_codes(code: int) -> None:
    world = World()
    session, peer = world.identify()
    world.sessions.leave(session, peer, code)
    assert world.resume(session, 1).seqs == [2]


@pytest.mark.parametrize("code", sorted(NOT_RESUMABLE))
def test_a_session_ends_with_its_connection_after_those_codes(code: int) -> None:
    world = World()
    session, peer = world.identify()
    world.sessions.leave(session, peer, code)
    with pytest.raises(TurnedAway, match="session id"):
        world.resume(session, 1)


def test_a_session_without_a_connection_is_kept_for_the_window_and_no_longer() -> None:
    world = World()
    session, peer = world.identify()
    world.sessions.leave(session, peer, 1006)
    world.clock.advance(300)
    again = world.resume(session, 1)
    world.sessions.leave(session, again, 1006)
    world.clock.advance(300.1)
    with pytest.raises(TurnedAway, match="session id"):
        world.resume(session, 1)


def test_a_session_that_came_back_is_kept_however_long_it_was_away_before() -> None:
    world = World()
    session, peer = world.identify()
    world.sessions.leave(session, peer, 1006)
    again = world.resume(session, 1)
    world.clock.advance(3600)
    world.sessions.expire()
    world.event("still heard")
    assert again.frames[-1]["d"] == {"content": "still heard"}
    assert len(world.sessions) == 1


def test_an_event_is_replayed_until_its_window_is_over() -> None:
    world = World()
    session, _ = world.identify()
    world.event("at the edge")
    world.clock.advance(300)
    assert world.resume(session, 1).seqs == [2, 3]


def test_events_older_than_the_window_are_not_replayed_and_a_seq_before_them_is_refused() -> None:
    world = World()
    session, _ = world.identify()
    world.event("old")
    world.clock.advance(301)
    world.event("young")
    with pytest.raises(TurnedAway, match="seq"):
        world.resume(session, 1)
    assert world.resume(session, 2).seqs == [3, 4]


def test_the_replay_buffer_is_bounded_in_bytes() -> None:
    world = World()
    world.sessions.buffer_bytes = 2000
    session, _ = world.identify()
    for n in range(100):
        world.event("x" * 100 + str(n))
    assert 0 < session.size <= 2000
    assert sum(len(frame) for _, _, frame in session.buffer) == session.size
    with pytest.raises(TurnedAway, match="seq"):
        world.resume(session, 1)


def test_a_guild_goes_to_the_shard_that_its_id_says_and_groups_to_shard_0() -> None:
    world = World()
    peers = [world.identify(shard=(n, 3))[1] for n in range(3)]
    guild = 18700000000001
    world.event("guild", guild_id=guild)
    world.event("group")
    heard = [[frame["d"].get("content") for frame in peer.frames[1:]] for peer in peers]
    expected: list[list[str]] = [[], [], []]
    expected[(guild >> 22) % 3].append("guild")
    expected[0].append("group")
    assert heard == expected


def test_the_days_sessions_are_counted_and_run_out() -> None:
    world = World()
    limit = world.sessions.start_limit
    before = limit.as_data()["remaining"]
    world.identify()
    assert limit.as_data()["remaining"] == before - 1
    limit.set(remaining=1, reset_after=60)
    session, _ = world.identify()
    with pytest.raises(TurnedAway) as refused:
        world.identify()
    assert refused.value.code == 4903
    assert world.resume(session, 1).seqs == [2]
    world.clock.advance(60)
    assert limit.as_data()["remaining"] == limit.total
    assert limit.as_data()["reset_after"] == 86_400_000
    world.identify()


def test_a_smaller_total_leaves_no_more_than_itself() -> None:
    limit = World().sessions.start_limit
    limit.set(total=5)
    assert (limit.as_data()["total"], limit.as_data()["remaining"]) == (5, 5)
    limit.set(remaining=2)
    limit.set(total=10)
    assert (limit.as_data()["total"], limit.as_data()["remaining"]) == (10, 2)


def test_identifies_are_paced_by_max_concurrency_per_5_seconds() -> None:
    world = World()
    world.sessions.start_limit.set(max_concurrency=2)
    world.identify()
    world.identify()
    with pytest.raises(TurnedAway):
        world.identify()
    world.clock.advance(5)
    world.identify()
