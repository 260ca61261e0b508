"""A message arrives, and does not arrive twice: every rule, counted at the server."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Any

import pytest

from qqbot_sync.api import Api, PendingAudit, SendUnconfirmed, Sent
from qqbot_sync.api.caller import Caller
from qqbot_sync.errors import (
    ApiError,
    AuthenticationFailed,
    BotError,
    ConnectionFailed,
    ContentRejected,
    DuplicateMessage,
    Forbidden,
    OutcomeUnknown,
    RateLimited,
    ReplyExpired,
    ServerError,
    UrlNotAllowed,
)
from qqbot_sync.models import Message, QQMessage
from qqbot_sync.protocol.replies import Anchor, Channel, Direct, Group, Target, User
from tests.api.support import Got, Peer, QuickClock, dead_port, hang, raw, reply, reset, silence

SENT = reply({"id": "m-1", "timestamp": "2026-07-21T10:00:00+08:00"})
DUPLICATE = reply({"code": 40054005, "message": "duplicate"}, 400)
ANCHOR = Anchor(msg_id="in-1")
NUMBERED: list[Target] = [Group("G"), User("U")]
UNNUMBERED: list[Target] = [Channel("C"), Direct("D")]
ALL = NUMBERED + UNNUMBERED
NO_ANSWER = [
    pytest.param(reset, id="reset"),
    pytest.param(silence, id="closed"),
    pytest.param(raw(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"), id="half an answer"),
    pytest.param(reply(b"<html>502</html>", 502), id="502"),
    pytest.param(reply(b"", 504), id="504"),
]


def numbers(peer: Peer) -> list[Any]:
    return [got.json.get("msg_seq") for got in peer.requests]


# -- what is sent -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("target", "path", "extra"),
    [
        (Channel("C"), "/channels/C/messages", {}),
        (Direct("D"), "/dms/D/messages", {}),
        (Group("G"), "/v2/groups/G/messages", {"msg_type": 0, "msg_seq": 1}),
        (User("U"), "/v2/users/U/messages", {"msg_type": 0, "msg_seq": 1}),
    ],
)
def test_a_reply_is_what_the_platform_documents(
    peer: Peer, api: Api, target: Target, path: str, extra: dict[str, Any]
) -> None:
    peer.say(SENT)
    sent = api.send(target, "你", "好", anchor=ANCHOR)
    assert (type(sent), sent.id, sent.target) == (Sent, "m-1", target)
    [got] = peer.requests
    assert (got.method, got.path, got.headers["content-type"]) == ("POST", path, "application/json")
    assert got.json == {"content": "你好", "msg_id": "in-1", **extra}


@pytest.mark.parametrize("target", ALL)
def test_a_proactive_message_is_tied_to_nothing(peer: Peer, api: Api, target: Target) -> None:
    peer.say(SENT)
    api.send(target, "hi")
    assert set(peer.requests[0].json) == {"content", "msg_type"} if target.numbered else {"content"}


@pytest.mark.parametrize("target", NUMBERED)
def test_an_answer_to_an_event_is_numbered_too(peer: Peer, api: Api, target: Target) -> None:
    for _ in range(2):
        api.send(target, "hi", anchor=Anchor(event_id="e-1"))
    assert [(got.json["event_id"], got.json["msg_seq"]) for got in peer.requests] == [("e-1", 1), ("e-1", 2)]


def test_the_answers_are_models(peer: Peer, api: Api) -> None:
    peer.say(SENT, SENT)
    in_group, in_channel = api.send(Group("G"), "hi"), api.send(Channel("C"), "hi")
    assert isinstance(in_group.messages[0], QQMessage)
    assert isinstance(in_channel.messages[0], Message)
    assert in_group.messages[0].id == "m-1"
    assert in_group.raw == [{"id": "m-1", "timestamp": "2026-07-21T10:00:00+08:00"}]


def test_numbers_are_shared_by_all_threads_and_all_ways_to_send(peer: Peer) -> None:
    api = Api("1", "secret", environment=peer.environment)

    def work() -> None:
        for _ in range(10):
            api.send(Group("G"), "a", anchor=ANCHOR)
            api.post_group_message("G", content="b", msg_id="in-1")

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(numbers(peer)) == list(range(1, 81))
    api.send(Group("G"), "a", anchor=Anchor(msg_id="in-2"))
    assert numbers(peer)[-1] == 1
    api.close()


# -- unknown outcome ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("trouble", NO_ANSWER)
@pytest.mark.parametrize("target", NUMBERED)
def test_a_reply_without_an_answer_is_repeated_under_its_number(
    peer: Peer, api: Api, target: Target, trouble: Any
) -> None:
    peer.say(trouble, trouble, SENT)
    assert api.send(target, "hi", anchor=ANCHOR).id == "m-1"
    assert numbers(peer) == [1, 1, 1]
    api.send(target, "ho", anchor=ANCHOR)
    assert numbers(peer)[-1] == 2


@pytest.mark.parametrize("trouble", NO_ANSWER)
@pytest.mark.parametrize("target", NUMBERED)
def test_a_duplicate_after_no_answer_means_it_had_arrived(peer: Peer, api: Api, target: Target, trouble: Any) -> None:
    peer.say(trouble, DUPLICATE)
    sent = api.send(target, "hi", anchor=ANCHOR)
    assert (type(sent), sent.id) == (SendUnconfirmed, None)
    assert numbers(peer) == [1, 1]
    with pytest.raises(OutcomeUnknown, match="recalled"):
        sent.recall()


def test_a_reply_that_times_out_is_repeated_under_its_number(
    peer: Peer, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(Caller.once.__kwdefaults__, "read_timeout", 0.2)
    peer.say(hang)
    peer.default = DUPLICATE
    assert isinstance(api.send(Group("G"), "hi", anchor=ANCHOR), SendUnconfirmed)
    assert set(numbers(peer)) == {1}
    assert len(peer.requests) >= 2


@pytest.mark.parametrize("trouble", NO_ANSWER)
@pytest.mark.parametrize("target", UNNUMBERED)
def test_a_guild_reply_without_an_answer_is_not_repeated(peer: Peer, api: Api, target: Target, trouble: Any) -> None:
    peer.say(trouble)
    with pytest.raises(OutcomeUnknown, match="may have taken effect") as caught:
        api.send(target, "hi", anchor=ANCHOR)
    assert caught.value.__cause__ is not None
    assert len(peer.requests) == 1


@pytest.mark.parametrize("trouble", NO_ANSWER)
@pytest.mark.parametrize("target", ALL)
def test_a_proactive_message_without_an_answer_is_not_repeated(
    peer: Peer, api: Api, target: Target, trouble: Any
) -> None:
    peer.say(trouble)
    with pytest.raises(OutcomeUnknown):
        api.send(target, "hi")
    assert len(peer.requests) == 1


@pytest.mark.parametrize("status", [500, 503])
def test_a_failure_without_a_code_is_repeated_only_under_a_number(peer: Peer, api: Api, status: int) -> None:
    peer.say(reply(b"", status), SENT)
    api.send(Group("G"), "hi", anchor=ANCHOR)
    assert numbers(peer) == [1, 1]
    peer.say(reply(b"", status))
    with pytest.raises(ServerError):
        api.send(Channel("C"), "hi", anchor=ANCHOR)
    assert len(peer.requests) == 3


@pytest.mark.parametrize("refusal", [reply({"code": 304027}, 400), reply({}, 429, {"Retry-After": "99"}), DUPLICATE])
def test_a_refusal_after_no_answer_does_not_say_what_became_of_the_first_try(
    peer: Peer, api: Api, refusal: Any
) -> None:
    peer.say(reset, refusal)
    if refusal is DUPLICATE:
        assert isinstance(api.send(User("U"), "hi", anchor=ANCHOR), SendUnconfirmed)
    else:
        with pytest.raises(OutcomeUnknown) as caught:
            api.send(User("U"), "hi", anchor=ANCHOR)
        assert isinstance(caught.value.__cause__, ApiError)
    assert numbers(peer) == [1, 1]


def test_a_number_in_doubt_is_kept_through_refusals_that_pass(peer: Peer, api: Api) -> None:
    peer.say(reset, reply({}, 429, {"Retry-After": "1"}), reply({"code": 11244}, 401), SENT)
    assert api.send(Group("G"), "hi", anchor=ANCHOR).id == "m-1"
    assert numbers(peer) == [1, 1, 1, 1]


def test_without_any_answer_until_the_deadline_the_outcome_stays_unknown(
    peer: Peer, api: Api, clock: QuickClock
) -> None:
    peer.default = reset
    with pytest.raises(OutcomeUnknown):
        api.send(Group("G"), "hi", anchor=ANCHOR, timeout=10)
    assert len(peer.requests) > 3
    assert set(numbers(peer)) == {1}
    assert sum(clock.waits) <= 10


# -- refused ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("refusal", [reply({}, 429), reply({"code": 22009}, 400), reply({"code": 50002}, 200)])
@pytest.mark.parametrize("target", NUMBERED)
def test_a_refused_reply_gets_a_new_number(
    peer: Peer, api: Api, clock: QuickClock, target: Target, refusal: Any
) -> None:
    peer.say(refusal, refusal, SENT)
    assert api.send(target, "hi", anchor=ANCHOR).id == "m-1"
    assert numbers(peer) == [1, 2, 3]
    assert all(seconds >= 1 for seconds in clock.waits)


@pytest.mark.parametrize("target", UNNUMBERED)
def test_a_rate_limited_guild_reply_is_repeated_because_nothing_was_sent(
    peer: Peer, api: Api, clock: QuickClock, target: Target
) -> None:
    peer.say(reply({"code": 20028}, 429, {"Retry-After": "2"}), SENT)
    assert api.send(target, "hi", anchor=ANCHOR).id == "m-1"
    assert numbers(peer) == [None, None]
    assert clock.waits[0] >= 2


def test_a_platform_that_stays_busy_is_not_asked_for_ever(peer: Peer, api: Api) -> None:
    peer.default = reply({}, 429)
    with pytest.raises(RateLimited):
        api.send(Group("G"), "hi", anchor=ANCHOR)
    assert numbers(peer) == [1, 2, 3, 4]


@pytest.mark.parametrize("code", [50055001, 40034004])
def test_a_failure_that_the_platform_calls_passing_is_tried_once_more(peer: Peer, api: Api, code: int) -> None:
    peer.default = reply({"code": code}, 500)
    with pytest.raises(ApiError):
        api.send(Group("G"), "hi", anchor=ANCHOR)
    assert numbers(peer) == [1, 2]


@pytest.mark.parametrize("target", ALL)
@pytest.mark.parametrize("refusal", [reply({}, 429), reply({"code": 50055001}, 500), reply({"code": 20028}, 200)])
def test_a_refused_proactive_message_is_not_repeated(peer: Peer, api: Api, target: Target, refusal: Any) -> None:
    peer.say(refusal)
    with pytest.raises(ApiError):
        api.send(target, "hi")
    assert len(peer.requests) == 1


@pytest.mark.parametrize(
    ("code", "kind"),
    [(304027, ReplyExpired), (40034128, ReplyExpired), (40034006, ContentRejected), (304003, UrlNotAllowed),
     (40054010, UrlNotAllowed), (40034090, Forbidden), (40054005, DuplicateMessage), (999999, ApiError)],
)  # fmt: skip
@pytest.mark.parametrize("target", [Group("G"), Channel("C")])
@pytest.mark.parametrize("status", [200, 400])
def test_a_refusal_that_stays_is_raised_at_once(
    peer: Peer, api: Api, code: int, kind: type, target: Target, status: int
) -> None:
    peer.say(reply({"code": code, "message": "no", "trace_id": "t"}, status))
    with pytest.raises(ApiError) as caught:
        api.send(target, "hi", anchor=ANCHOR)
    assert type(caught.value) is kind
    assert (caught.value.code, caught.value.trace_id, caught.value.path) == (code, "t", target.path)
    assert len(peer.requests) == 1


@pytest.mark.parametrize("target", ALL)
@pytest.mark.parametrize("anchor", [ANCHOR, None])
def test_a_refused_token_is_renewed_and_the_message_sent_under_a_new_number(
    peer: Peer, api: Api, target: Target, anchor: Anchor | None
) -> None:
    peer.say(reply({"code": 11244}, 401), SENT)
    assert api.send(target, "hi", anchor=anchor).id == "m-1"
    assert [got.headers["authorization"] for got in peer.requests] == ["QQBot token-1", "QQBot token-2"]
    assert numbers(peer) == ([1, 2] if target.numbered and anchor else [None, None])


@pytest.mark.parametrize("target", ALL)
def test_a_token_that_stays_refused_is_an_error(peer: Peer, api: Api, target: Target) -> None:
    peer.default = reply({"code": 11243}, 401)
    with pytest.raises(AuthenticationFailed):
        api.send(target, "hi", anchor=ANCHOR)
    assert len(peer.requests) == len(peer.token_requests) == 2


@pytest.mark.parametrize("target", ALL)
def test_what_was_not_sent_is_sent_later(
    peer: Peer, api: Api, clock: QuickClock, target: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    host, real = api._caller._host, api._caller._host._url
    api.token.get()
    monkeypatch.setattr(host, "_url", f"http://127.0.0.1:{dead_port()}")
    wait = clock.wait

    def heal(event: threading.Event, seconds: float | None) -> bool:
        if len(clock.waits) == 2:
            host._url = real
        return wait(event, seconds)

    monkeypatch.setattr(clock, "wait", heal)
    peer.say(SENT)
    assert api.send(target, "hi").id == "m-1"
    assert len(peer.requests) == 1
    assert len(clock.waits) == 3


def test_what_could_never_be_sent_says_so(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    api.token.get()
    monkeypatch.setattr(api._caller._host, "_url", f"http://127.0.0.1:{dead_port()}")
    with pytest.raises(ConnectionFailed, match="/v2/groups/G/messages"):
        api.send(Group("G"), "hi", anchor=ANCHOR, timeout=5)


def test_a_number_that_was_chosen_is_kept(peer: Peer, api: Api) -> None:
    peer.say(reset, SENT, reply({}, 401), SENT)
    api.post_group_message("G", content="hi", msg_id="in-1", msg_seq=77)
    api.post_c2c_message("U", content="hi", msg_id="in-1", msg_seq=78)
    assert numbers(peer) == [77, 77, 78, 78]


# -- delivered again ----------------------------------------------------------------------------------------------


def test_a_redelivered_event_is_answered_under_the_old_numbers(peer: Peer, api: Api) -> None:
    peer.say(SENT, SENT)
    api.send(Group("G"), "one", anchor=ANCHOR)
    api.send(Group("G"), "two", anchor=ANCHOR)
    peer.say(DUPLICATE, DUPLICATE, SENT)
    again = [api.send(Group("G"), text, anchor=ANCHOR, redelivered=True) for text in ("one", "two", "three")]
    assert [type(sent) for sent in again] == [SendUnconfirmed, SendUnconfirmed, Sent]
    assert numbers(peer) == [1, 2, 1, 2, 3]


def test_a_redelivered_event_keeps_its_numbers_in_step_through_refusals(peer: Peer, api: Api) -> None:
    peer.say(reply({}, 401), reply({}, 429), DUPLICATE, DUPLICATE, SENT)
    for text in ("one", "two", "three"):
        api.send(User("U"), text, anchor=ANCHOR, redelivered=True)
    assert numbers(peer) == [1, 1, 1, 2, 3]


def test_each_delivery_can_start_anew(peer: Peer, api: Api) -> None:
    api.send(Group("G"), "one", anchor=ANCHOR, redelivered=True)
    api.restart_numbers(Group("G"), ANCHOR)
    api.send(Group("G"), "one", anchor=ANCHOR, redelivered=True)
    assert numbers(peer) == [1, 1]


# -- the gateway --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("anchor", [ANCHOR, None])
@pytest.mark.parametrize("target", UNNUMBERED)
def test_a_guild_message_waits_for_the_gateway(peer: Peer, api: Api, target: Target, anchor: Anchor | None) -> None:
    waited: list[float] = []

    def ready(seconds: float) -> bool:
        waited.append(seconds)
        return True

    api.wait_ready = ready
    peer.say(reply({"code": 304018}, 400), SENT)
    assert api.send(target, "hi", anchor=anchor, timeout=12).id == "m-1"
    assert len(peer.requests) == 2
    assert 11 < waited[0] <= 12


def test_a_gateway_that_does_not_come_ends_in_the_platforms_error(peer: Peer, api: Api) -> None:
    api.wait_ready = lambda seconds: False
    peer.say(reply({"code": 304018}, 400))
    with pytest.raises(ApiError, match="304018") as caught:
        api.send(Channel("C"), "hi", anchor=ANCHOR)
    assert "BotClient" in (caught.value.hint or "")
    assert len(peer.requests) == 1


def test_without_a_gateway_there_is_nothing_to_wait_for(peer: Peer, api: Api) -> None:
    peer.say(reply({"code": 304018}, 400))
    with pytest.raises(ApiError, match="304018"):
        api.send(Channel("C"), "hi", anchor=ANCHOR)
    assert len(peer.requests) == 1


def test_a_platform_that_never_sees_the_gateway_is_not_asked_for_ever(peer: Peer, api: Api) -> None:
    api.wait_ready = lambda seconds: True
    peer.default = reply({"code": 304018}, 400)
    with pytest.raises(ApiError, match="304018"):
        api.send(Channel("C"), "hi", anchor=ANCHOR)
    assert len(peer.requests) == 4


# -- what came of it ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("target", ALL)
@pytest.mark.parametrize(
    "answer",
    [reply(None, 204), reply(b""), reply({}), reply({"id": ""}), reply({"id": None}), reply([1]), reply(b"<html>")],
)
def test_a_success_without_an_id_is_unconfirmed(
    peer: Peer, api: Api, target: Target, answer: Any, caplog: pytest.LogCaptureFixture
) -> None:
    peer.say(answer)
    sent = api.send(target, "hi", anchor=ANCHOR)
    assert (type(sent), sent.id) == (SendUnconfirmed, None)
    assert len(peer.requests) == 1
    assert [record.levelno for record in caplog.records if record.name == "qqbot_sync.http"] == [logging.WARNING]
    with pytest.raises(BotError):
        sent.recall()
    assert len(peer.requests) == 1


def test_an_id_may_be_a_number(peer: Peer, api: Api) -> None:
    peer.say(reply({"id": 12345678901234567890}))
    assert api.send(Group("G"), "hi").id == "12345678901234567890"


@pytest.mark.parametrize("code", [304023, 304024])
@pytest.mark.parametrize("status", [201, 202])
def test_a_message_under_review_is_pending(peer: Peer, api: Api, code: int, status: int) -> None:
    peer.say(reply({"code": code, "message": "audit", "data": {"message_audit": {"audit_id": "a-1"}}}, status))
    sent = api.send(Channel("C"), "hi")
    assert isinstance(sent, PendingAudit)
    assert (sent.audit_id, sent.id) == ("a-1", None)
    assert "a-1" in repr(sent)
    with pytest.raises(BotError, match="review"):
        sent.recall()


@pytest.mark.parametrize(
    ("target", "path"),
    [
        (Channel("C"), "/channels/C/messages/m-1"),
        (Direct("D"), "/dms/D/messages/m-1"),
        (Group("G"), "/v2/groups/G/messages/m-1"),
        (User("U"), "/v2/users/U/messages/m-1"),
    ],
)
def test_what_was_sent_can_be_recalled(peer: Peer, api: Api, target: Target, path: str) -> None:
    peer.say(SENT, reply(None, 204))
    api.send(target, "hi").recall()
    assert (peer.requests[1].method, peer.requests[1].path) == ("DELETE", path)


# -- the four endpoints -------------------------------------------------------------------------------------------


Post = Callable[[Api], Sent]


@pytest.mark.parametrize(
    ("post", "path", "body"),
    [
        (lambda api: api.post_message("C", content="x", msg_id="m"), "/channels/C/messages",
         {"content": "x", "msg_id": "m"}),
        (lambda api: api.post_message("C", embed={"title": "t"}, image="https://i"), "/channels/C/messages",
         {"embed": {"title": "t"}, "image": "https://i"}),
        (lambda api: api.post_dms("D", markdown={"content": "#"}, keyboard={"id": "k"}, event_id="e"),
         "/dms/D/messages", {"markdown": {"content": "#"}, "keyboard": {"id": "k"}, "event_id": "e"}),
        (lambda api: api.post_group_message("G", content="x"), "/v2/groups/G/messages",
         {"content": "x", "msg_type": 0}),
        (lambda api: api.post_group_message("G", media={"file_info": "f"}, content=" ", msg_id="m"),
         "/v2/groups/G/messages",
         {"media": {"file_info": "f"}, "content": " ", "msg_type": 7, "msg_id": "m", "msg_seq": 1}),
        (lambda api: api.post_group_message("G", markdown={"content": "#"}), "/v2/groups/G/messages",
         {"markdown": {"content": "#"}, "msg_type": 2}),
        (lambda api: api.post_c2c_message("U", ark={"template_id": 1}, event_id="e"), "/v2/users/U/messages",
         {"ark": {"template_id": 1}, "msg_type": 3, "event_id": "e", "msg_seq": 1}),
        (lambda api: api.post_c2c_message("U", content="x", message_reference={"message_id": "R"}, msg_type=1),
         "/v2/users/U/messages", {"content": "x", "message_reference": {"message_id": "R"}, "msg_type": 1}),
    ],
)  # fmt: skip
def test_every_field_reaches_the_platform(peer: Peer, api: Api, post: Post, path: str, body: Any) -> None:
    post(api)
    [got] = peer.requests
    assert (got.method, got.path, got.json) == ("POST", path, body)


def test_ids_cannot_leave_their_place_in_the_path(peer: Peer, api: Api) -> None:
    api.recall_message("a/b?c", "ROBOT1.0_x!#%", hidetip=True)
    api.recall_c2c_message("ü", "m")
    assert [got.path for got in peer.requests] == [
        "/channels/a%2Fb%3Fc/messages/ROBOT1.0_x%21%23%25?hidetip=true",
        "/v2/users/%C3%BC/messages/m",
    ]


@pytest.mark.parametrize(
    ("call", "named"),
    [
        (lambda api: api.send(Group("G")), "消息内容为空"),
        (lambda api: api.send(Group("G"), " \n"), "消息内容为空"),
        (lambda api: api.send(Group("G"), "a", 5), "str()"),
        (lambda api: api.send(Group("G"), None), "str()"),
        (lambda api: api.send("G", "a"), "target"),
        (lambda api: api.send(Group("G"), "a", anchor=Anchor("m", "e")), "msg_id"),
        (lambda api: api.send(Group("G"), "a", timeout=0), "timeout"),
        (lambda api: api.post_message("", content="x"), "channel_id"),
        (lambda api: api.post_message(5, content="x"), "channel_id"),
        (lambda api: api.post_dms("..", content="x"), "guild_id"),
        (lambda api: api.post_group_message(" ", content="x"), "group_openid"),
        (lambda api: api.post_c2c_message(None, content="x"), "openid"),
        (lambda api: api.post_message("C"), "content, embed"),
        (lambda api: api.post_message("C", content=""), "content"),
        (lambda api: api.post_message("C", content=5), "content"),
        (lambda api: api.post_message("C", content="x", msg_id="m", event_id="e"), "event_id"),
        (lambda api: api.post_message("C", content="x", msg_id=""), "msg_id"),
        (lambda api: api.post_group_message("G", content="x", event_id=""), "event_id"),
        (lambda api: api.post_group_message("G", content="x", msg_id="m", msg_seq="1"), "msg_seq"),
        (lambda api: api.recall_message("C", ""), "message_id"),
        (lambda api: api.recall_dms("", "m"), "guild_id"),
        (lambda api: api.recall_group_message("G", None), "message_id"),
        (lambda api: api.recall_c2c_message("", "m"), "openid"),
    ],
)  # fmt: skip
def test_bad_input_is_refused_before_anything_is_sent(peer: Peer, api: Api, call: Any, named: str) -> None:
    with pytest.raises((TypeError, ValueError)) as caught:
        call(api)
    assert named in str(caught.value)
    assert " / " in str(caught.value), "in Chinese and English"
    assert not peer.requests
    assert not peer.token_requests


def test_odd_text_is_sent_as_it_is(peer: Peer, api: Api) -> None:
    texts = ["\ud800 lone", "\x00\x1f", "😀" * 3, '"\\/', "line\nbreak"]
    for text in texts:
        api.send(Group("G"), text)
    seen: list[Got] = peer.requests
    assert [got.json["content"] for got in seen] == texts
