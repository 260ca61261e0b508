"""What reviewers decide: kept from the moment of the send, told to whoever waits, and never waited for in vain."""

from __future__ import annotations

import gc
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from qqbot_sync.api import Api, PendingAudit, SendUnconfirmed
from qqbot_sync.api.audits import MOST_EARLY, Audits
from qqbot_sync.clock import SystemClock
from qqbot_sync.errors import BotBanned, BotError, ContentRejected, InvalidIntents, Stopped
from qqbot_sync.protocol.replies import Channel, Group
from tests.api.support import Peer, reply
from tests.support import eventually

HELD = reply({"code": 304023, "message": "audit", "data": {"message_audit": {"audit_id": "A"}}}, 202)


def verdict(audit_id: str = "A", **fields: object) -> bytes:
    return json.dumps({"audit_id": audit_id, **fields}).encode()


def held(peer: Peer, api: Api) -> PendingAudit:
    peer.say(HELD)
    pending = api.send(Channel("C"), "x")
    assert isinstance(pending, PendingAudit)
    return pending


@pytest.fixture
def audits() -> Audits:
    audits = Audits(SystemClock())
    audits.begin(lambda: True)
    return audits


def test_a_message_that_passed_is_as_good_as_sent(peer: Peer, api: Api) -> None:
    api.audits.begin(lambda: True)
    pending = held(peer, api)
    with pytest.raises(BotError, match="review"):
        pending.recall()
    api.audits.arrived("MESSAGE_AUDIT_PASS", verdict(message_id="M", channel_id="C", guild_id="G"))
    sent = pending.wait(1)
    assert (sent.id, sent.target, sent.messages[0].id) == ("M", Channel("C"), "M")
    sent.recall()
    pending.recall()
    assert [got.path for got in peer.requests[1:]] == ["/channels/C/messages/M"] * 2


def test_a_message_that_was_refused_is_an_error(peer: Peer, api: Api) -> None:
    api.audits.begin(lambda: True)
    pending = held(peer, api)
    api.audits.arrived("MESSAGE_AUDIT_REJECT", verdict())
    for _ in range(2):
        with pytest.raises(ContentRejected, match="/channels/C/messages"):
            pending.wait(1)


def test_a_verdict_without_a_message_is_unconfirmed(peer: Peer, api: Api) -> None:
    api.audits.begin(lambda: True)
    pending = held(peer, api)
    api.audits.arrived("MESSAGE_AUDIT_PASS", verdict())
    assert isinstance(pending.wait(1), SendUnconfirmed)


def test_a_verdict_may_overtake_the_answer_to_the_send(peer: Peer, api: Api) -> None:
    api.audits.begin(lambda: True)
    api.audits.arrived("MESSAGE_AUDIT_PASS", verdict(message_id="M"))
    assert held(peer, api).wait(1).id == "M"


def test_whoever_waits_already_is_woken_and_the_first_verdict_counts(audits: Audits) -> None:
    case = audits.expect("A")
    with ThreadPoolExecutor(3) as pool:
        waiting = [pool.submit(audits.wait, case, 20) for _ in range(3)]
        eventually(lambda: len(case.waiting) == 3)
        audits.arrived("MESSAGE_AUDIT_PASS", verdict(message_id="M"))
        assert [each.result(20).event.message_id for each in waiting] == ["M"] * 3
    audits.arrived("MESSAGE_AUDIT_REJECT", verdict())
    assert audits.wait(case, 1).passed
    assert not case.waiting


def test_other_verdicts_and_rubbish_wake_nobody(audits: Audits) -> None:
    case = audits.expect("A")
    for body in (verdict("B"), b"{}", b"null", b"[]", b'{"audit_id": ""}'):
        audits.arrived("MESSAGE_AUDIT_PASS", body)
    with pytest.raises(TimeoutError, match=r"0\.01 s"):
        audits.wait(case, 0.01)


def test_without_the_intent_it_raises_at_once(peer: Peer, api: Api) -> None:
    api.audits.begin(lambda: False)
    with pytest.raises(InvalidIntents, match="MESSAGE_AUDIT"):
        held(peer, api).wait()


def test_an_api_by_itself_says_that_it_never_hears_of_it(peer: Peer, api: Api) -> None:
    with pytest.raises(BotError, match="BotClient"):
        held(peer, api).wait()


@pytest.mark.parametrize("error", [Stopped("停止 / stopped"), BotBanned("banned")])
def test_the_end_of_the_client_ends_every_wait(audits: Audits, error: BotError) -> None:
    cases = [audits.expect(name) for name in "ABC"]
    with ThreadPoolExecutor(3) as pool:
        waiting = [pool.submit(audits.wait, case, 30) for case in cases]
        eventually(lambda: all(case.waiting for case in cases))
        audits.arrived("MESSAGE_AUDIT_PASS", verdict("C", message_id="M"))
        audits.end(error)
        for each in waiting[:2]:
            assert type(each.exception(20)) is type(error)
        assert waiting[2].result(20).passed
    with pytest.raises(type(error)):
        audits.wait(cases[0], None)
    assert audits.wait(cases[2], None).passed
    audits.begin(lambda: True)
    with pytest.raises(TimeoutError):
        audits.wait(cases[0], 0.01)


def test_a_wait_gives_its_place_to_others(audits: Audits) -> None:
    entered: list[str] = []

    @contextmanager
    def pause() -> Iterator[None]:
        entered.append("in")
        yield
        entered.append("out")

    audits.begin(lambda: True, pause=pause)
    with pytest.raises(TimeoutError):
        audits.wait(audits.expect("A"), 0.01)
    assert entered == ["in", "out"]


def test_what_nobody_wants_is_forgotten(audits: Audits) -> None:
    for number in range(MOST_EARLY + 10):
        audits.arrived("MESSAGE_AUDIT_PASS", verdict(f"early-{number}"))
        audits.expect(f"case-{number}")
    gc.collect()
    assert len(audits._early) == MOST_EARLY
    assert len(audits._cases) == 0


@pytest.mark.parametrize(("timeout", "error"), [(0, ValueError), ("1", TypeError), (-1, ValueError)])
def test_a_timeout_that_is_none_is_refused(peer: Peer, api: Api, timeout: object, error: type[Exception]) -> None:
    with pytest.raises(error, match="timeout"):
        held(peer, api).wait(timeout)  # type: ignore[arg-type]


def test_a_group_message_may_be_held_too(peer: Peer, api: Api) -> None:
    peer.say(HELD)
    api.audits.begin(lambda: True)
    pending = api.send(Group("G"), "x")
    assert isinstance(pending, PendingAudit)
    api.audits.arrived("MESSAGE_AUDIT_PASS", verdict(message_id="M", group_openid="G"))
    pending.wait(1).recall()
    assert peer.requests[-1].path == "/v2/groups/G/messages/M"
