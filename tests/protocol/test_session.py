"""The session: frames, ticks and ends, without a socket and without a clock."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest

from qqbot_sync import codec
from qqbot_sync.config import HeartbeatConfig, ShardConfig
from qqbot_sync.errors import AuthenticationFailed, BotBanned, InvalidIntents, InvalidSession, UnknownOpcode
from qqbot_sync.intents import Intents
from qqbot_sync.protocol.close_codes import CLOSE_CODES, Verdict
from qqbot_sync.protocol.session import (
    CAUSE_TIMEOUT,
    HELLO_TIMEOUT,
    READY_TIMEOUT,
    REPLAY_TIMEOUT,
    Alarm,
    Drop,
    Emit,
    Hangup,
    Send,
    Session,
    State,
    Tick,
)
from tests.support import payload

INTENTS = Intents.GUILDS | Intents.PUBLIC_GUILD_MESSAGES


def at(now: float, *, blocked: float = 0.0, slept: float = 0.0) -> Tick:
    return Tick(now, now - blocked, now + slept)


def frame(op: int, d: Any = None, **rest: Any) -> codec.Envelope:
    return codec.decode_envelope(json.dumps({"op": op, "d": d, **rest}).encode())


def sent(effects: Any) -> list[dict[str, Any]]:
    return [json.loads(effect.data) for effect in effects if isinstance(effect, Send)]


HELLO = frame(10, {"heartbeat_interval": 45000})
ACK = codec.decode_envelope(b'{"op":11}')
READY = codec.decode_envelope(json.dumps(payload("ready")).encode())
RESUMED = frame(0, "", s=50, t="RESUMED")


def event(s: int | None, name: str = "GUILD_CREATE") -> codec.Envelope:
    return frame(0, {}, s=s, t=name, id=f"{name}:{s}")


def ready_session(now: float = 0.0, **options: Any) -> Session:
    session = Session(ShardConfig(2, 4), **options)
    session.opened(token="T", resume=False, intents=INTENTS, tick=at(now))
    session.receive(HELLO, at(now))
    session.receive(READY, at(now))
    session.received(1)
    return session


def resuming_session(now: float = 0.0) -> Session:
    """A session that was READY, lost its connection and has sent Resume."""
    session = ready_session(now)
    session.received(7)
    session.closed(code=None, reason="reset")
    session.opened(token="T2", resume=True, intents=INTENTS, tick=at(now))
    session.receive(HELLO, at(now))
    return session


class TestHandshake:
    def test_hello_is_answered_by_identify_with_token_intents_and_shard(self) -> None:
        session = Session(ShardConfig(2, 4))
        session.opened(token="SECRET", resume=False, intents=INTENTS, tick=at(0))
        assert session.state is State.AWAIT_HELLO
        (identify,) = sent(session.receive(HELLO, at(1)))
        assert identify["op"] == 2
        assert identify["d"]["token"] == "QQBot SECRET"
        assert identify["d"]["intents"] == int(INTENTS)
        assert identify["d"]["shard"] == [2, 4]
        assert session.state is State.AWAIT_READY
        assert session.interval == 45.0

    def test_ready_opens_the_session_and_its_shard_is_not_ours(self) -> None:
        session = ready_session()
        assert session.state is State.READY
        assert session.session_id == payload("ready")["d"]["session_id"]
        assert session.user is not None
        assert session.user["id"] == payload("ready")["d"]["user"]["id"]
        assert (session.shard.shard_id, session.shard.shard_count) == (2, 4)

    def test_a_resume_carries_the_new_token_the_session_and_the_highest_number_received(self) -> None:
        session = ready_session()
        for s in (2, 3, 9):
            session.received(s)
        session.closed(code=None, reason="reset")
        session.opened(token="NEWER", resume=True, intents=Intents.none(), tick=at(0))
        (resume,) = sent(session.receive(HELLO, at(0)))
        assert resume == {
            "op": 6,
            "d": {"token": "QQBot NEWER", "session_id": payload("ready")["d"]["session_id"], "seq": 9},
        }

    def test_replayed_events_are_handed_on_before_resumed(self) -> None:
        session = resuming_session()
        effects = session.receive(event(8), at(1))
        assert [type(effect) for effect in effects] == [Emit]
        assert session.state is State.AWAIT_READY
        session.receive(RESUMED, at(2))
        assert session.state is State.READY

    def test_a_session_that_was_restored_resumes_after_its_stored_number(self) -> None:
        session = Session(ShardConfig())
        session.restore(session_id="abc", seq=41, intents=INTENTS)
        session.opened(token="T", resume=True, intents=INTENTS, tick=at(0))
        (resume,) = sent(session.receive(HELLO, at(0)))
        assert resume["d"] == {"token": "QQBot T", "session_id": "abc", "seq": 41}

    @pytest.mark.parametrize(
        "data",
        [
            None,
            {},
            {"heartbeat_interval": 10**400},
            {"heartbeat_interval": 0},
            {"heartbeat_interval": "x"},
            [],
            {"heartbeat_interval": -5},
        ],
    )
    def test_hello_without_a_usable_interval_beats_every_30_s_and_is_counted(self, data: Any) -> None:
        session = Session(ShardConfig())
        session.opened(token="T", resume=False, intents=INTENTS, tick=at(0))
        effects = session.receive(frame(10, data), at(0))
        assert any(isinstance(effect, Drop) for effect in effects)
        assert session.interval == 30.0
        assert sent(effects)[0]["op"] == 2

    def test_no_hello_in_time_ends_the_connection(self) -> None:
        session = Session(ShardConfig())
        session.opened(token="T", resume=False, intents=INTENTS, tick=at(0))
        assert session.tick(at(HELLO_TIMEOUT - 0.1)) == ()
        (hangup,) = session.tick(at(HELLO_TIMEOUT))
        assert isinstance(hangup, Hangup)
        assert session.closed(code=None, reason="x").verdict is Verdict.IDENTIFY

    def test_no_ready_in_time_ends_the_connection(self) -> None:
        session = Session(ShardConfig(), HeartbeatConfig(timeout=1000))
        session.opened(token="T", resume=False, intents=INTENTS, tick=at(0))
        session.receive(HELLO, at(0))
        (hangup,) = session.tick(at(READY_TIMEOUT))
        assert isinstance(hangup, Hangup)
        assert hangup.reason == "no READY"


class TestFrames:
    def test_a_dispatch_is_handed_on(self) -> None:
        session = ready_session()
        (effect,) = session.receive(event(5), at(1))
        assert isinstance(effect, Emit)
        assert effect.envelope.s == 5

    def test_a_dispatch_without_s_is_handed_on(self) -> None:
        session = ready_session()
        (effect,) = session.receive(event(None), at(1))
        assert isinstance(effect, Emit)

    def test_a_dispatch_without_a_name_is_dropped(self) -> None:
        session = ready_session()
        (effect,) = session.receive(frame(0, {}, s=4), at(1))
        assert isinstance(effect, Drop)

    @pytest.mark.parametrize("op", [3, 4, 5, 8, 12, 13, 99, -1])
    def test_an_unknown_opcode_is_dropped(self, op: int) -> None:
        (effect,) = ready_session().receive(frame(op), at(1))
        assert isinstance(effect, Drop)

    def test_a_heartbeat_from_the_server_is_answered_at_once(self) -> None:
        session = ready_session()
        session.received(17)
        assert sent(session.receive(frame(1, 5), at(1))) == [{"op": 1, "d": 17}]

    def test_op_7_ends_the_connection_with_4000_and_resumes_at_once(self) -> None:
        session = ready_session()
        (hangup,) = session.receive(frame(7), at(1))
        assert isinstance(hangup, Hangup)
        assert hangup.close_code == 4000
        end = session.closed(code=None, reason="whatever")
        assert (end.verdict, end.routine) == (Verdict.RESUME, True)


class TestHeartbeats:
    def test_beats_carry_the_highest_number_and_come_once_an_interval(self) -> None:
        session = ready_session()
        session.received(33)
        times = []
        for now in range(1, 200):
            for beat in sent(session.tick(at(now))):
                assert beat == {"op": 1, "d": 33}
                times.append(now)
                session.receive(ACK, at(now))
        assert len(times) in (4, 5)
        assert all(later - earlier == 45 for earlier, later in itertools.pairwise(times))

    def test_the_first_beat_before_any_event_carries_null(self) -> None:
        session = Session(ShardConfig())
        session.opened(token="T", resume=False, intents=INTENTS, tick=at(0))
        session.receive(HELLO, at(0))
        beats = [beat for now in range(29) for beat in sent(session.tick(at(now)))]
        assert beats == [{"op": 1, "d": None}]

    def test_a_beat_without_ack_after_one_interval_ends_the_socket(self) -> None:
        session = ready_session(heartbeat=HeartbeatConfig(interval=10))
        beat = next(now for now in range(20) if sent(session.tick(at(now))))
        assert session.tick(at(beat + 9.9)) == ()
        (hangup,) = session.tick(at(beat + 10))
        assert isinstance(hangup, Hangup)
        assert "heartbeat" in hangup.reason
        end = session.closed(code=None, reason="x")
        assert (end.verdict, end.routine) == (Verdict.RESUME, False)

    def test_time_blocked_behind_a_full_queue_does_not_count(self) -> None:
        session = ready_session(heartbeat=HeartbeatConfig(interval=10))
        beat = next(now for now in range(20) if sent(session.tick(at(now))))
        assert sent(session.tick(at(beat + 60, blocked=59))), "beats go on"
        assert session.tick(at(beat + 64, blocked=59)) == ()
        (hangup,) = session.tick(at(beat + 69, blocked=59))
        assert isinstance(hangup, Hangup)

    def test_max_missed_allows_more_than_one(self) -> None:
        session = ready_session(heartbeat=HeartbeatConfig(interval=10, max_missed=3))
        ends = None
        for tenth in range(1, 1000):
            if any(isinstance(effect, Hangup) for effect in session.tick(at(tenth / 10))):
                ends = tenth / 10
                break
        first_beat = 10 * (0.5 + 3 / 16)
        assert ends == pytest.approx(first_beat + 30, abs=0.2)

    def test_an_ack_gives_the_latency_and_clears_what_was_missed(self) -> None:
        session = ready_session(heartbeat=HeartbeatConfig(interval=10, max_missed=2))
        beat = next(now for now in range(20) if sent(session.tick(at(now))))
        session.receive(ACK, at(beat + 0.25))
        assert session.latency == pytest.approx(0.25)
        assert sent(session.tick(at(beat + 12)))
        assert session.tick(at(beat + 13)) == ()

    def test_connected_means_ready_and_an_ack_younger_than_interval_and_timeout(self) -> None:
        session = ready_session(heartbeat=HeartbeatConfig(interval=10, timeout=5))
        assert session.alive(14.9)
        assert not session.alive(15.0)
        session.receive(ACK, at(12))
        assert session.alive(26.9)
        session.closed(code=None, reason="x")
        assert not session.alive(13)

    def test_a_suspend_ends_the_connection(self) -> None:
        session = ready_session()
        assert session.tick(at(1, slept=0.5)) == ()
        (hangup,) = session.tick(at(2, slept=3600))
        assert isinstance(hangup, Hangup)
        assert "suspended" in hangup.reason
        assert session.closed(code=None, reason="x").verdict is Verdict.RESUME

    def test_the_next_look_is_never_further_than_five_seconds(self) -> None:
        assert 0 < ready_session().next_look(0) <= 5


class TestEnds:
    @pytest.mark.parametrize("code", sorted(CLOSE_CODES))
    def test_every_code_of_the_table_is_followed(self, code: int) -> None:
        end = ready_session().closed(code=code, reason="x")
        assert end.verdict is CLOSE_CODES[code].verdict
        assert end.routine is CLOSE_CODES[code].routine

    @pytest.mark.parametrize("code", [None, 1000, 1006, 1012, 4000, 4100, 4999])
    def test_an_end_that_nobody_explained_keeps_the_session(self, code: int | None) -> None:
        session = ready_session()
        assert session.closed(code=code, reason="x").verdict is Verdict.RESUME
        assert session.session_id is not None

    @pytest.mark.parametrize("code", [4006, 4007, 4900, 4903, 4913])
    def test_a_lost_session_is_forgotten(self, code: int) -> None:
        session = ready_session()
        assert session.closed(code=code, reason="x").verdict is Verdict.IDENTIFY
        assert session.session_id is None

    @pytest.mark.parametrize(
        ("code", "error"), [(4001, UnknownOpcode), (4002, UnknownOpcode), (4014, InvalidIntents), (4915, BotBanned)]
    )
    def test_fatal_codes_carry_their_typed_error(self, code: int, error: type) -> None:
        end = ready_session().closed(code=code, reason="x")
        assert end.verdict is Verdict.FATAL
        assert isinstance(end.error, error)
        assert end.error.close_code == code

    def test_4008_pauses_longer_each_time(self) -> None:
        session = ready_session()
        pauses = []
        for _ in range(5):
            pauses.append(session.closed(code=4008, reason="x").pause)
            session.opened(token="T", resume=True, intents=INTENTS, tick=at(0))
        assert pauses == [5, 10, 20, 40, 60]

    def test_4004_refreshes_the_token_and_is_fatal_the_third_time_in_a_row(self) -> None:
        session = Session(ShardConfig())
        ends = []
        for _ in range(3):
            session.opened(token="T", resume=False, intents=INTENTS, tick=at(0))
            session.receive(HELLO, at(0))
            ends.append(session.closed(code=4004, reason="x"))
        assert [end.verdict for end in ends] == [Verdict.IDENTIFY, Verdict.IDENTIFY, Verdict.FATAL]
        assert ends[0].refresh_token
        assert isinstance(ends[2].error, AuthenticationFailed)

    def test_4004_after_a_resume_tries_the_session_once_more_with_a_fresh_token(self) -> None:
        session = resuming_session()
        end = session.closed(code=4004, reason="x")
        assert (end.verdict, end.refresh_token) == (Verdict.RESUME, True)
        session.opened(token="FRESH", resume=True, intents=INTENTS, tick=at(0))
        session.receive(HELLO, at(0))
        end = session.closed(code=4004, reason="x")
        assert (end.verdict, end.refresh_token) == (Verdict.IDENTIFY, True)

    def test_an_internal_error_that_repeats_refreshes_the_token(self) -> None:
        session = Session(ShardConfig())
        refreshes = []
        for _ in range(2):
            session.opened(token="T", resume=False, intents=INTENTS, tick=at(0))
            session.receive(HELLO, at(0))
            refreshes.append(session.closed(code=4903, reason="x").refresh_token)
        assert refreshes == [False, True]


class TestInvalidSession:
    def test_op_9_waits_for_the_close_frame_that_names_the_cause(self) -> None:
        session = Session(ShardConfig())
        session.opened(token="T", resume=False, intents=INTENTS, tick=at(0))
        session.receive(HELLO, at(0))
        assert session.receive(frame(9, False), at(1)) == (Alarm(),)
        assert session.next_look(1) <= CAUSE_TIMEOUT
        assert session.tick(at(1 + CAUSE_TIMEOUT - 0.1)) == ()
        end = session.closed(code=4014, reason="close 4014")
        assert (end.verdict, end.refused, end.code) == (Verdict.FATAL, True, 4014)
        assert isinstance(end.error, InvalidIntents)

    def test_without_a_close_frame_it_ends_after_five_seconds(self) -> None:
        session = Session(ShardConfig())
        session.opened(token="T", resume=False, intents=INTENTS, tick=at(0))
        session.receive(HELLO, at(0))
        session.receive(frame(9), at(1))
        (hangup,) = session.tick(at(1 + CAUSE_TIMEOUT))
        assert isinstance(hangup, Hangup)

    def test_after_an_identify_it_refreshes_the_token_and_is_fatal_the_third_time(self) -> None:
        session = Session(ShardConfig())
        ends = []
        for _ in range(3):
            session.opened(token="T", resume=False, intents=INTENTS, tick=at(0))
            session.receive(HELLO, at(0))
            session.receive(frame(9), at(0))
            ends.append(session.closed(code=None, reason="eof"))
        assert [end.verdict for end in ends] == [Verdict.IDENTIFY, Verdict.IDENTIFY, Verdict.FATAL]
        assert all(end.refused and end.refresh_token and end.pause >= 5 for end in ends)
        assert isinstance(ends[-1].error, InvalidSession)
        assert "IP" in str(ends[-1].error)

    @pytest.mark.parametrize("code", [None, 4006, 4009, 1006])
    def test_after_a_resume_it_identifies_anew(self, code: int | None) -> None:
        session = resuming_session()
        session.receive(frame(9, True), at(1))
        end = session.closed(code=code, reason="x")
        assert end.verdict is Verdict.IDENTIFY
        assert session.session_id is None

    @pytest.mark.parametrize("code", [None, 4006])
    def test_of_a_session_that_was_ready_it_refuses_no_intents(self, code: int | None) -> None:
        session = ready_session()
        session.receive(frame(9), at(1))
        end = session.closed(code=code, reason="x")
        assert (end.verdict, end.refused) == (Verdict.IDENTIFY, False)

    def test_a_fatal_code_after_op_9_is_fatal(self) -> None:
        session = resuming_session()
        session.receive(frame(9), at(1))
        assert isinstance(session.closed(code=4915, reason="x").error, BotBanned)


class TestResumeFailures:
    def fail(self, session: Session) -> Verdict:
        verdict = session.closed(code=None, reason="reset").verdict
        session.opened(token="T", resume=verdict is Verdict.RESUME, intents=INTENTS, tick=at(0))
        session.receive(HELLO, at(0))
        return verdict

    def test_the_third_resume_in_a_row_without_an_answer_becomes_an_identify(self) -> None:
        session = resuming_session()
        assert [self.fail(session) for _ in range(3)] == [Verdict.RESUME, Verdict.RESUME, Verdict.IDENTIFY]
        assert session.session_id is None

    def test_a_resume_that_brought_an_event_has_not_failed(self) -> None:
        session = resuming_session()
        for s in range(8, 18):
            session.receive(event(s), at(0))
            session.received(s)
            assert self.fail(session) is Verdict.RESUME

    def test_ends_before_resume_was_sent_do_not_count(self) -> None:
        session = ready_session()
        session.closed(code=None, reason="reset")
        for _ in range(10):
            session.opened(token="T", resume=True, intents=INTENTS, tick=at(0))
            assert session.closed(code=None, reason="no hello").verdict is Verdict.RESUME

    def test_three_in_a_row_means_in_a_row(self) -> None:
        session = resuming_session()
        for _ in range(2):
            assert self.fail(session) is Verdict.RESUME
        session.receive(event(8), at(0))
        assert [self.fail(session) for _ in range(3)] == [Verdict.RESUME] * 3

    def test_a_link_that_falls_silent_after_resume_is_one_failed_resume(self) -> None:
        session = resuming_session()
        session.heartbeat = HeartbeatConfig(timeout=1000)
        assert any(isinstance(effect, Hangup) for effect in session.tick(at(REPLAY_TIMEOUT)))
        assert session.closed(code=None, reason="x").verdict is Verdict.RESUME

    def test_resumed_clears_the_count(self) -> None:
        session = resuming_session()
        assert self.fail(session) is Verdict.RESUME
        assert self.fail(session) is Verdict.RESUME
        session.receive(RESUMED, at(0))
        assert self.fail(session) is Verdict.RESUME
        assert self.fail(session) is Verdict.RESUME

    def test_no_resumed_30_s_after_the_last_replayed_event_drops_the_session(self) -> None:
        session = resuming_session()
        session.heartbeat = HeartbeatConfig(timeout=1000)
        session.receive(event(8), at(20))
        assert not any(isinstance(effect, Hangup) for effect in session.tick(at(20 + REPLAY_TIMEOUT - 0.1)))
        assert any(isinstance(effect, Hangup) for effect in session.tick(at(20 + REPLAY_TIMEOUT)))
        assert session.closed(code=None, reason="x").verdict is Verdict.IDENTIFY

    def test_time_blocked_while_replaying_does_not_count(self) -> None:
        session = resuming_session()
        session.heartbeat = HeartbeatConfig(timeout=1000)
        session.receive(event(8), at(20))
        assert not any(isinstance(effect, Hangup) for effect in session.tick(at(200, blocked=170)))
