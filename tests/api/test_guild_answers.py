"""What the calls about guilds make of the platform's answers: pages, wrappings, and answers that are none."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from qqbot_sync.api import Api
from qqbot_sync.errors import ApiError, AuthenticationFailed, ServerError
from qqbot_sync.models import DMS, Channel, Guild, Member, Message, Schedule, Thread
from tests.api.support import Peer, reply

EMOJI: dict[str, Any] = {"emoji_type": 1, "emoji_id": "4"}


def members(*ids: str) -> list[dict[str, Any]]:
    return [{"user": {"id": id_}, "nick": f"n{id_}"} for id_ in ids]


def queries(peer: Peer) -> list[dict[str, str]]:
    return [dict(parse_qsl(urlsplit(got.path).query)) for got in peer.requests]


# -------------------------------------------------------------------- pages


def test_members_are_given_once_although_pages_overlap_and_are_short(api: Api, peer: Peer) -> None:
    pages = [members("1", "2"), members("2", "3"), members("4"), []]
    peer.say(*map(reply, pages))
    assert [member.user.id for member in api.iter_guild_members("G", limit=3) if member.user] == ["1", "2", "3", "4"]
    assert [query["after"] for query in queries(peer)] == ["0", "2", "3", "4"]
    assert {query["limit"] for query in queries(peer)} == {"3"}


def test_a_page_that_repeats_itself_ends_the_members(api: Api, peer: Peer) -> None:
    peer.default = reply(members("1", "2"))
    assert len(list(api.iter_guild_members("G"))) == 2
    assert len(peer.requests) == 2


def test_nothing_is_fetched_before_the_first_member_is_wanted(api: Api, peer: Peer) -> None:
    found = api.iter_guild_members("G")
    assert not peer.requests
    peer.say(reply(members("1")))
    assert next(found).nick == "n1"
    assert len(peer.requests) == 1


@pytest.mark.parametrize("end", ["0", ""])
def test_members_of_a_role_end_with_their_index(api: Api, peer: Peer, end: str) -> None:
    peer.say(reply({"data": members("1", "2"), "next": "2"}), reply({"data": members("2", "3"), "next": end}))
    assert [member.nick for member in api.iter_role_members("G", "R")] == ["n1", "n2", "n3"]
    assert [query["start_index"] for query in queries(peer)] == ["0", "2"]


def test_an_index_that_comes_again_ends_the_members_of_a_role(api: Api, peer: Peer) -> None:
    peer.default = reply({"data": members("1"), "next": "7"})
    assert len(list(api.iter_role_members("G", "R"))) == 1
    assert len(peer.requests) == 2


def test_guilds_end_with_a_page_that_is_not_full(api: Api, peer: Peer) -> None:
    peer.say(reply([{"id": "1"}, {"id": "2"}]), reply([{"id": "3"}]))
    assert [guild.id for guild in api.iter_guilds(limit=2)] == ["1", "2", "3"]
    assert queries(peer) == [{"limit": "2"}, {"after": "2", "limit": "2"}]


def test_guilds_end_with_an_empty_page_and_with_one_that_repeats_itself(api: Api, peer: Peer) -> None:
    peer.say(reply([{"id": "1"}]), reply([]))
    assert len(list(api.iter_guilds(limit=1))) == 1
    peer.default = reply([{"id": "1"}])
    assert len(list(api.iter_guilds(limit=1))) == 1


def test_users_who_reacted_go_on_by_cookie(api: Api, peer: Peer) -> None:
    peer.say(
        reply({"users": [{"id": "1"}], "cookie": "c1", "is_end": False}),
        reply({"users": [{"id": "2"}], "cookie": "c2", "is_end": True}),
    )
    assert [user.id for user in api.iter_reaction_users("C", "M", **EMOJI)] == ["1", "2"]
    assert queries(peer) == [{"limit": "50"}, {"cookie": "c1"}]


def test_a_cookie_that_comes_again_or_none_ends_the_users(api: Api, peer: Peer) -> None:
    peer.default = reply({"users": [{"id": "1"}], "cookie": "same", "is_end": False})
    assert len(list(api.iter_reaction_users("C", "M", **EMOJI))) == 2
    peer.default = reply({"users": [{"id": "1"}], "is_end": False})
    assert len(list(api.iter_reaction_users("C", "M", **EMOJI))) == 1


# -------------------------------------------------------------------- shapes


LISTS: list[tuple[str, Callable[[Api], list[Any]], type]] = [
    ("channels", lambda api: api.get_channels("G"), Channel),
    ("guilds", lambda api: api.get_guilds(), Guild),
    ("members", lambda api: api.get_guild_members("G"), Member),
    ("schedules", lambda api: api.get_schedules("C"), Schedule),
    ("messages", lambda api: api.get_messages("C"), Message),
]


@pytest.mark.parametrize(("name", "call", "model"), LISTS, ids=[each[0] for each in LISTS])
def test_a_list_may_come_bare_or_in_an_object_or_not_at_all(
    api: Api, peer: Peer, name: str, call: Callable[[Api], list[Any]], model: type
) -> None:
    for body in ([{"id": "1"}], {name: [{"id": "1"}]}):
        peer.say(reply(body))
        (found,) = call(api)
        assert type(found) is model
    for body in ([], {}, None, {name: []}):
        peer.say(reply(body))
        assert call(api) == []


@pytest.mark.parametrize("body", [b"<html>busy</html>", {"something": "else"}, "text", 5])
def test_an_answer_that_is_no_list_is_an_error_and_not_an_empty_list(api: Api, peer: Peer, body: Any) -> None:
    peer.say(reply(body))
    with pytest.raises(ServerError, match="/guilds/G/channels"):
        api.get_channels("G")


@pytest.mark.parametrize("body", [b"<html>busy</html>", [], None, "text"])
def test_an_answer_that_is_no_object_is_an_error_and_not_an_empty_model(api: Api, peer: Peer, body: Any) -> None:
    peer.say(reply(body))
    with pytest.raises(ServerError, match="/guilds/G") as caught:
        api.get_guild("G")
    assert caught.value.status == 200


@pytest.mark.parametrize("wrapped", [False, True])
def test_messages_and_threads_may_be_wrapped(api: Api, peer: Peer, wrapped: bool) -> None:
    message, thread = {"id": "M", "content": "x"}, {"author_id": "U", "thread_info": {"thread_id": "T", "title": "题"}}
    peer.say(reply({"message": message} if wrapped else message), reply({"thread": thread} if wrapped else thread))
    assert api.get_message("C", "M") == Message.from_dict(message)
    assert api.get_thread("C", "T") == Thread.from_dict(thread)


@pytest.mark.parametrize(
    "call",
    [
        lambda api: api.delete_channel("C"),
        lambda api: api.delete_member("G", "U"),
        lambda api: api.mute_all("G", mute_seconds=1),
        lambda api: api.recall_message("C", "M"),
        lambda api: api.on_microphone("C"),
        lambda api: api.put_reaction("C", "M", **EMOJI),
    ],
)
def test_a_call_without_an_answer_takes_any_success(api: Api, peer: Peer, call: Callable[[Api], Any]) -> None:
    for body, status in ((None, 204), (None, 200), ({}, 200), ({"id": "C"}, 200), (b"ok", 200)):
        peer.say(reply(body, status))
        assert call(api) is None


def test_a_success_with_a_code_is_an_error(api: Api, peer: Peer) -> None:
    peer.say(reply({"code": 501013, "message": "too many"}, 202))
    with pytest.raises(ApiError) as caught:
        api.put_pin("C", "M")
    assert caught.value.code == 501013


def test_muting_several_tells_for_whom_it_worked(api: Api, peer: Peer) -> None:
    peer.say(reply({"user_ids": ["1", 2]}), reply({}), reply(None, 204))
    assert api.mute_multi_member("G", ["1", "2"], mute_seconds=1) == ["1", "2"]
    assert api.mute_multi_member("G", ["1"], mute_seconds=1) == []
    with pytest.raises(ServerError):
        api.mute_multi_member("G", ["1"], mute_seconds=1)


@pytest.mark.parametrize(("said", "count"), [(3, 3), ("3", 3), (0, 0)])
def test_people_online_are_a_number(api: Api, peer: Peer, said: Any, count: int) -> None:
    peer.say(reply({"online_nums": said}))
    assert api.get_online_nums("C") == count


@pytest.mark.parametrize("body", [{}, {"online_nums": None}, {"online_nums": True}, {"online_nums": "many"}, []])
def test_people_online_that_are_no_number_are_an_error(api: Api, peer: Peer, body: Any) -> None:
    peer.say(reply(body))
    with pytest.raises(ServerError):
        api.get_online_nums("C")


# -------------------------------------------------------------------- share links


@pytest.mark.parametrize("body", [{"url_link": "https://x"}, {"retcode": 0, "msg": "ok", "data": {"url": "https://x"}}])
def test_both_forms_of_a_share_link_are_understood(api: Api, peer: Peer, body: Any) -> None:
    peer.say(reply(body))
    assert api.generate_url_link() == "https://x"


def test_a_share_link_that_was_refused_with_200_is_an_error_by_its_own_codes(api: Api, peer: Peer) -> None:
    peer.say(reply({"retcode": 10044, "msg": "no uin", "data": {}}))
    with pytest.raises(AuthenticationFailed, match="no uin") as caught:
        api.generate_url_link()
    assert caught.value.code == 10044
    assert caught.value.hint


@pytest.mark.parametrize("body", [{}, {"url_link": ""}, {"retcode": 0, "data": {}}, {"data": "x"}, []])
def test_a_share_link_that_is_missing_is_an_error(api: Api, peer: Peer, body: Any) -> None:
    peer.say(reply(body))
    with pytest.raises(ServerError):
        api.generate_url_link()


# -------------------------------------------------------------------- the token, models


def test_the_token_is_given_without_a_call_while_it_lives(api: Api, peer: Peer) -> None:
    assert api.get_access_token() == api.get_access_token() == "token-1"
    assert len(peer.token_requests) == 1


def test_a_dm_session_gives_the_guild_to_send_to(api: Api, peer: Peer) -> None:
    peer.say(reply({"guild_id": "D", "channel_id": "DC", "create_time": "1790000000"}))
    opened = api.create_dms("G", "U")
    assert isinstance(opened, DMS)
    assert opened.guild_id == "D"
    assert opened.create_time_datetime is not None


def test_webhook_sessions_are_models(api: Api, peer: Peer) -> None:
    peer.say(reply([{"app_id": 1024, "session_id": "S", "intents": 3, "shards": [0, 1], "state": "ACTIVE"}]))
    (session,) = api.get_webhook_sessions()
    assert (session.app_id, session.session_id, session.intents, session.shards) == ("1024", "S", 3, [0, 1])
    peer.say(reply({"version": 1, "session_id": "S", "bot": {"id": "1", "username": "b"}, "shard": [0, 1]}))
    created = api.create_webhook_session("https://x", intents=3)
    assert created.bot is not None
    assert (created.session_id, created.bot.id, created.shard) == ("S", "1", [0, 1])
