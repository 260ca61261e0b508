"""Messages that grow: index, number, pauses, and an end in any case."""

from __future__ import annotations

import pytest

from qqbot_sync.api import Api, SendUnconfirmed
from qqbot_sync.errors import OutcomeUnknown, RateLimited, ReplyExpired
from qqbot_sync.protocol.replies import Anchor, User
from tests.api.support import Peer, QuickClock, reply, reset

PART = reply({"id": "s-1", "timestamp": 1, "ext_info": {"ref_idx": "R"}, "remain_msg_len": 5})


def test_every_part_holds_the_whole_text_and_the_last_one_ends_it(peer: Peer, api: Api, clock: QuickClock) -> None:
    peer.default = PART
    with api.stream_c2c_message("U", msg_id="in-1") as stream:
        stream.write("一")
        assert stream.id == "s-1"
        clock.advance(1)
        stream.write("二")
    first, second, last = (got.json for got in peer.requests)
    common = {"input_mode": "replace", "content_type": "markdown", "msg_seq": 1, "msg_id": "in-1"}
    assert first == {**common, "input_state": 1, "index": 0, "content_raw": "一"}
    assert second == {**common, "input_state": 1, "index": 1, "content_raw": "一二", "stream_msg_id": "s-1"}
    assert last == {**common, "input_state": 10, "index": 2, "content_raw": "一二", "stream_msg_id": "s-1"}


def test_what_is_written_quickly_goes_out_together(peer: Peer, api: Api, clock: QuickClock) -> None:
    peer.default = PART
    stream = api.stream_c2c_message("U", msg_id="in-1")
    for word in "abcdef":
        stream.write(word)
        clock.advance(0.1)
    sent = stream.finish()
    assert [got.json["content_raw"] for got in peer.requests] == ["a", "abcde", "abcdef"]
    assert sent.id == "s-1"
    assert stream.finish().id == "s-1"
    assert len(peer.requests) == 3
    sent.recall()
    assert peer.requests[-1].path == "/v2/users/U/messages/s-1"
    with pytest.raises(ValueError, match="finished"):
        stream.write("g")


def test_a_stream_takes_one_number_of_those_of_its_message(peer: Peer, api: Api, clock: QuickClock) -> None:
    peer.default = PART
    api.send(User("U"), "x", anchor=Anchor(msg_id="in-1"))
    with api.stream_c2c_message("U", msg_id="in-1") as stream:
        stream.write("y")
    api.send(User("U"), "z", anchor=Anchor(msg_id="in-1"))
    assert [got.json["msg_seq"] for got in peer.requests] == [1, 2, 2, 3]


def test_an_exception_in_the_block_still_ends_the_message(peer: Peer, api: Api) -> None:
    peer.default = PART

    def write() -> None:
        with api.stream_c2c_message("U", event_id="e-1") as stream:
            stream.write("x")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write()
    assert [got.json["input_state"] for got in peer.requests] == [1, 10]


def test_an_exception_before_anything_was_written_sends_nothing(peer: Peer, api: Api) -> None:
    with pytest.raises(ZeroDivisionError), api.stream_c2c_message("U", event_id="e-1"):
        raise ZeroDivisionError
    assert not peer.requests


def test_nothing_written_is_an_error(peer: Peer, api: Api) -> None:
    with pytest.raises(ValueError, match="empty"), api.stream_c2c_message("U", msg_id="in-1"):
        pass
    with pytest.raises(TypeError):
        api.stream_c2c_message("U", msg_id="in-1").write(5)  # type: ignore[arg-type]


@pytest.mark.parametrize("trouble", [reset, reply({"code": 50002}, 429)])
def test_a_part_that_is_lost_on_the_way_is_made_up_for_by_the_next(
    peer: Peer, api: Api, clock: QuickClock, trouble: object
) -> None:
    peer.default = PART
    stream = api.stream_c2c_message("U", msg_id="in-1")
    stream.write("a")
    clock.advance(1)
    peer.say(trouble)  # type: ignore[arg-type]
    stream.write("b")
    clock.advance(1)
    stream.write("c")
    assert [(got.json["index"], got.json["content_raw"]) for got in peer.requests] == [(0, "a"), (1, "ab"), (2, "abc")]


def test_a_first_or_last_part_that_is_lost_is_an_error(peer: Peer, api: Api, clock: QuickClock) -> None:
    peer.say(reset)
    with pytest.raises(OutcomeUnknown):
        api.stream_c2c_message("U", msg_id="in-1").write("a")
    peer.say(PART, reply({"code": 50002}, 429))
    stream = api.stream_c2c_message("U", msg_id="in-1")
    stream.write("a")
    with pytest.raises(RateLimited):
        stream.finish()


def test_a_stream_without_an_id_is_unconfirmed(peer: Peer, api: Api) -> None:
    peer.say(reply({}))
    stream = api.stream_c2c_message("U", msg_id="in-1")
    stream._text = "x"
    sent = stream.finish()
    assert isinstance(sent, SendUnconfirmed)
    with pytest.raises(OutcomeUnknown):
        sent.recall()


def test_a_refusal_is_an_error_at_once(peer: Peer, api: Api) -> None:
    peer.say(reply({"code": 40034005, "message": "expired"}, 400))
    with pytest.raises(ReplyExpired):
        api.stream_c2c_message("U", msg_id="in-1").write("a")
