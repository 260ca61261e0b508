"""The OpenAPI as a bare HTTP client finds it."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from qqbot_sync.intents import Intents
from qqbot_sync.simulator import Simulator
from qqbot_sync.simulator.platform import DEFAULT_GRANT
from tests.simulator.support import PATHS, BareBot, bare_bot, place_of
from tests.support import PATIENCE, FakeClock, eventually

SCENES = tuple(PATHS)


class Conversation:
    """A bot that is online, and what was last said to it."""

    def __init__(self, qq: Simulator, bot: BareBot) -> None:
        self.qq, self.bot = qq, bot
        self.socket, _ = bot.live(DEFAULT_GRANT)

    def hear(self, where: str, text: str = "你好") -> tuple[Any, str]:
        """Someone writes; gives what was said, and the id of its place."""
        said = self.qq.say("小明", where, text)
        return said, place_of(self.socket.read())[1]


@pytest.fixture
def talk(qq: Simulator, bot: BareBot) -> Conversation:
    return Conversation(qq, bot)


def code_of(response: requests.Response) -> int:
    """The code of a refusal, which must be complete."""
    body = response.json()
    # Exactly this: botpy reads any other content type as text.
    assert response.headers["Content-Type"] == "application/json"
    assert body["code"] == body["err_code"]
    assert body["message"]
    assert body["trace_id"] == response.headers["X-Tps-trace-ID"]
    return int(body["code"])


# -------------------------------------------------------------------- token and authorization


def test_the_token_endpoint_answers_with_text_and_refuses_with_http_200(bot: BareBot) -> None:
    good = bot.ask_token(bot.qq.app_id, bot.qq.secret).json()
    assert good == {"access_token": bot.token, "expires_in": good["expires_in"]}
    assert good["expires_in"] in ("7199", "7200")
    for app_id, secret, code in ((bot.qq.app_id, "wrong", 100016), ("1", bot.qq.secret, 100007)):
        refused = bot.ask_token(app_id, secret)
        assert (refused.status_code, code_of(refused)) == (200, code)


@pytest.mark.parametrize(
    ("header", "code"),
    [
        (None, 11241),
        ("", 11241),
        ("QQBot", 11243),
        ("QQBot ", 11243),
        ("Bot {app_id}.{token}", 11243),
        ("Bearer {token}", 11243),
        ("{token}", 11243),
        ("QQBot wrong", 11244),
    ],
)
def test_no_call_without_the_right_authorization(bot: BareBot, header: str | None, code: int) -> None:
    filled = None if header is None else header.format(token=bot.token, app_id=bot.qq.app_id)
    for method, path in (("GET", "/gateway"), ("GET", "/users/@me"), ("POST", "/v2/groups/x/messages")):
        refused = bot.call(method, path, {}, headers={"Authorization": filled})
        assert (refused.status_code, code_of(refused)) == (401, code)


def test_no_endpoint_of_any_resource_answers_without_authorization(qq: Simulator) -> None:
    routes = [
        (method, rule.rule.replace("<", "").replace(">", ""))
        for rule in qq._front._app.url_map.iter_rules()
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})
        if not rule.rule.startswith(OPEN)
    ]
    assert len(routes) > 20
    with requests.Session() as http:
        http.trust_env = False
        for method, path in routes:
            refused = http.request(method, qq.url + path, json={}, timeout=PATIENCE)
            assert (method, path, refused.status_code, code_of(refused)) == (method, path, 401, 11241)


OPEN = ("/app/", "/_simulator/", "/_storage/")
"""The token endpoint, the control, and the storage, whose URLs are signed."""


def test_a_token_expires_by_the_clock() -> None:
    clock = FakeClock()
    with Simulator(clock=clock) as qq, bare_bot(qq) as bot:
        clock.advance(7150)
        new = bot.get_token()
        assert new != bot.token
        assert bot.call("GET", "/users/@me").status_code == 200
        clock.advance(51)
        assert code_of(bot.call("GET", "/users/@me")) == 11244
        bot.token = new
        assert bot.call("GET", "/users/@me").status_code == 200


def test_unknown_paths_and_methods_are_answered_like_every_error(bot: BareBot) -> None:
    missing, wrong = bot.call("GET", "/nowhere"), bot.call("PUT", "/users/@me")
    assert (missing.status_code, code_of(missing)) == (404, 404)
    assert (wrong.status_code, code_of(wrong)) == (405, 405)


# -------------------------------------------------------------------- users


def test_the_bot_knows_itself_and_its_guilds(qq: Simulator, bot: BareBot) -> None:
    me = bot.call("GET", "/users/@me").json()
    assert me["bot"] is True
    assert me["id"].isdecimal()
    second = qq.add_guild("18700000000001", name="two")
    guilds = bot.call("GET", "/users/@me/guilds").json()
    assert [guild["id"] for guild in guilds][1:] == [second]
    first = guilds[0]["id"]
    for query, expected in (
        ({"after": first}, [second]),
        ({"before": second}, [first]),
        ({"limit": "1"}, [first]),
        ({"after": second}, []),
    ):
        found = bot.call("GET", "/users/@me/guilds", params=query).json()
        assert [guild["id"] for guild in found] == expected


def test_a_page_of_guilds_has_1_to_100(qq: Simulator, bot: BareBot) -> None:
    for _ in range(101):
        qq.add_guild()
    for limit, count in (("0", 1), ("2", 2), ("100", 100), ("1000", 100), ("x", 100)):
        assert len(bot.call("GET", "/users/@me/guilds", params={"limit": limit}).json()) == count


def test_a_direct_message_session_is_opened_with_a_member_and_with_nobody_else(talk: Conversation) -> None:
    talk.qq.say("小明", "channel", "hi")
    d = talk.socket.read()["d"]
    body = {"recipient_id": d["author"]["id"], "source_guild_id": d["guild_id"]}
    opened = talk.bot.call("POST", "/users/@me/dms", body).json()
    assert opened["create_time"].isdecimal()
    assert talk.bot.send("direct", opened["guild_id"], content="hello").status_code == 200
    assert talk.hear("direct")[1] == opened["guild_id"]
    refused = talk.bot.call("POST", "/users/@me/dms", {**body, "recipient_id": "1"})
    assert code_of(refused) == 304034


# -------------------------------------------------------------------- sending


@pytest.mark.parametrize("scene", SCENES)
def test_a_reply_is_accepted_and_found_by_the_person_who_asked(talk: Conversation, scene: str) -> None:
    said, place = talk.hear(scene)
    sent = talk.bot.send(scene, place, content="答", msg_id=said.id, msg_seq=1)
    assert sent.status_code == 200
    (reply,) = said.replies()
    assert (reply.id, reply.content, reply.scene, reply.place) == (sent.json()["id"], "答", scene, place)
    assert (reply.msg_id, reply.event_id) == (said.id, None)
    assert reply.msg_seq == (1 if scene in ("group", "c2c") else None)
    assert (reply.author.bot, reply.author.id) == (True, talk.bot.call("GET", "/users/@me").json()["id"])
    (entry,) = talk.qq.entries(kinds=["answered"])
    assert (entry["msg_id"], entry["id"], entry["content"]) == (said.id, reply.id, "答")


@pytest.mark.parametrize("scene", SCENES)
def test_the_answer_to_a_send_is_what_the_platform_answers(talk: Conversation, scene: str) -> None:
    said, place = talk.hear(scene)
    answer = talk.bot.send(scene, place, content="答", msg_id=said.id).json()
    if scene in ("group", "c2c"):
        assert set(answer) == {"id", "timestamp", "ext_info"}
        assert answer["id"].startswith("ROBOT1.0_")
        assert answer["ext_info"]["ref_idx"].startswith("REFIDX_")
    else:
        assert answer["id"].startswith("08")
        assert answer["content"] == "答"
        assert answer["author"]["bot"] is True
        assert answer["channel_id"]
        assert answer["guild_id"]
    assert answer["timestamp"].endswith("+08:00")


@pytest.mark.parametrize("scene", ["group", "c2c"])
def test_a_number_can_be_used_once_for_each_message(talk: Conversation, scene: str) -> None:
    said, place = talk.hear(scene)
    other, _ = talk.hear(scene)
    assert talk.bot.send(scene, place, content="1", msg_id=said.id).status_code == 200
    assert code_of(talk.bot.send(scene, place, content="1", msg_id=said.id, msg_seq=1)) == 40054005
    assert talk.bot.send(scene, place, content="2", msg_id=said.id, msg_seq=2).status_code == 200
    assert talk.bot.send(scene, place, content="1", msg_id=other.id, msg_seq=1).status_code == 200
    assert [reply.msg_seq for reply in said.replies(count=2)] == [1, 2]


@pytest.mark.parametrize("scene", ["channel", "direct"])
def test_in_guilds_nothing_is_numbered(talk: Conversation, scene: str) -> None:
    said, place = talk.hear(scene)
    for _ in range(7):
        assert talk.bot.send(scene, place, content="1", msg_id=said.id).status_code == 200
    assert len(said.replies(count=7)) == 7


@pytest.mark.parametrize(("scene", "most"), [("group", 5), ("c2c", 4)])
def test_a_message_takes_only_so_many_replies(talk: Conversation, scene: str, most: int) -> None:
    said, place = talk.hear(scene)
    for n in range(most):
        assert talk.bot.send(scene, place, content="x", msg_id=said.id, msg_seq=n).status_code == 200
    assert code_of(talk.bot.send(scene, place, content="x", msg_id=said.id, msg_seq=most)) == 40034128


@pytest.mark.parametrize(
    ("scene", "window", "code"),
    [("channel", 300, 304027), ("direct", 300, 304027), ("group", 300, 40034005), ("c2c", 3600, 40034005)],
)
def test_a_message_can_be_answered_within_its_window_only(scene: str, window: float, code: int) -> None:
    clock = FakeClock()
    with Simulator(clock=clock) as qq, bare_bot(qq) as bot:
        talk = Conversation(qq, bot)
        said, place = talk.hear(scene)
        clock.advance(window)
        assert bot.send(scene, place, content="x", msg_id=said.id).status_code == 200
        clock.advance(1)
        assert code_of(bot.send(scene, place, content="x", msg_id=said.id, msg_seq=2)) == code


@pytest.mark.parametrize(
    ("scene", "unknown", "foreign"),
    [("channel", 304026, 50038), ("direct", 304026, 50038), ("group", 40034024, 40034024), ("c2c", 40034024, 40034024)],
)
def test_a_msg_id_must_exist_and_be_of_this_place(talk: Conversation, scene: str, unknown: int, foreign: int) -> None:
    _, place = talk.hear(scene)
    elsewhere, _ = talk.hear("group" if scene != "group" else "c2c")
    assert code_of(talk.bot.send(scene, place, content="x", msg_id="nothing")) == unknown
    assert code_of(talk.bot.send(scene, place, content="x", msg_id=elsewhere.id)) == foreign


@pytest.mark.parametrize(
    ("scene", "code"), [("channel", 10003), ("direct", 304032), ("group", 40054003), ("c2c", 40054004)]
)
def test_a_place_must_exist(talk: Conversation, scene: str, code: int) -> None:
    assert code_of(talk.bot.send(scene, "nowhere", content="x")) == code


@pytest.mark.parametrize("scene", SCENES)
def test_guild_messages_need_a_live_session_and_others_do_not(qq: Simulator, bot: BareBot, scene: str) -> None:
    talk = Conversation(qq, bot)
    said, place = talk.hear(scene)
    qq.drop()
    answer = bot.send(scene, place, content="x", msg_id=said.id)
    if scene in ("group", "c2c"):
        assert answer.status_code == 200
    else:
        assert code_of(answer) == 304018
        assert said.replies(timeout=0) == []
        bot.live()
        assert bot.send(scene, place, content="x", msg_id=said.id).status_code == 200


@pytest.mark.parametrize(
    ("scene", "body", "code"),
    [
        ("channel", {}, 50006),
        ("channel", {"content": ""}, 50006),
        ("direct", {"msg_id": "x"}, 50006),
        ("group", {"msg_type": 0}, 304061),
        ("group", {"content": "x", "msg_type": 2}, 22006),
        ("c2c", {"content": "x", "msg_type": 7}, 22006),
        ("group", {"content": "x", "msg_type": 6}, 340069),
        ("group", {"content": "x", "msg_type": "text"}, 340069),
        ("c2c", {"content": "x", "msg_type": 99}, 50059),
        ("group", {"content": "x", "msg_seq": "1"}, 12002),
    ],
)
def test_the_content_must_be_there_and_fit_its_type(
    talk: Conversation, scene: str, body: dict[str, Any], code: int
) -> None:
    _, place = talk.hear(scene)
    assert code_of(talk.bot.send(scene, place, **body)) == code


@pytest.mark.parametrize("data", [b"{", b"[]", b"", b'"x"'])
def test_a_body_that_is_no_object_is_refused(talk: Conversation, data: bytes) -> None:
    _, place = talk.hear("group")
    headers = {"Authorization": f"QQBot {talk.bot.token}", "Content-Type": "application/json"}
    url = f"{talk.qq.url}/v2/groups/{place}/messages"
    assert code_of(talk.bot.http.post(url, data=data, headers=headers, timeout=PATIENCE)) == 12002


def test_a_guild_message_may_come_as_a_form_with_a_picture(talk: Conversation) -> None:
    said, place = talk.hear("channel")
    answer = talk.bot.http.post(
        f"{talk.qq.url}/channels/{place}/messages",
        data={"content": "看", "msg_id": said.id, "embed": '{"title":"t"}'},
        files={"file_image": ("a.png", b"\x89PNG", "image/png")},
        headers={"Authorization": f"QQBot {talk.bot.token}"},
        timeout=PATIENCE,
    )
    assert answer.status_code == 200
    (reply,) = said.replies()
    assert reply.raw["embed"] == {"title": "t"}
    assert reply.raw["file_image"] == {"filename": "a.png", "size": 4}


def test_markdown_shows_as_the_content_of_the_reply(talk: Conversation) -> None:
    said, place = talk.hear("group")
    talk.bot.send("group", place, msg_type=2, markdown={"content": "# 好"}, msg_id=said.id)
    assert said.replies()[0].content == "# 好"


# -------------------------------------------------------------------- active messages, URLs, audits


@pytest.mark.parametrize("scene", SCENES)
def test_active_messages_are_accepted_and_are_no_answer(talk: Conversation, scene: str) -> None:
    said, place = talk.hear(scene)
    assert talk.bot.send(scene, place, content="x").status_code == 200
    assert said.replies(timeout=0) == []
    (entry,) = talk.qq.entries(kinds=["sent"])
    assert (entry["scene"], entry["place"], entry["msg_id"]) == (scene, place, None)


@pytest.mark.parametrize(
    ("scene", "code"), [("channel", 304046), ("direct", 304048), ("group", 40034105), ("c2c", 40034105)]
)
def test_active_messages_can_be_forbidden(talk: Conversation, scene: str, code: int) -> None:
    said, place = talk.hear(scene)
    with talk.qq.guard:
        talk.qq.sending.active_allowed = False
    refused = talk.bot.send(scene, place, content="x")
    assert (refused.status_code, code_of(refused)) == (403, code)
    assert talk.bot.send(scene, place, content="x", msg_id=said.id).status_code == 200


@pytest.mark.parametrize(("scene", "code"), [("group", 40034105), ("c2c", 40054013)])
def test_a_person_can_switch_active_messages_off_and_on(talk: Conversation, scene: str, code: int) -> None:
    _, place = talk.hear(scene)
    talk.qq.allow_active("小明", scene, False)
    assert talk.socket.read()["t"].endswith("_MSG_REJECT")
    assert code_of(talk.bot.send(scene, place, content="x")) == code
    on = talk.qq.allow_active("小明", scene)
    assert talk.socket.read()["t"].endswith("_MSG_RECEIVE")
    assert talk.bot.send(scene, place, content="x").status_code == 200
    assert talk.bot.send(scene, place, content="x", event_id=on.event_id).status_code == 200


@pytest.mark.parametrize(
    ("scene", "count", "code"), [("channel", 20, 304045), ("direct", 2, 304049), ("group", 20, 40034100)]
)
def test_quotas_of_active_messages_are_enforced_where_asked_for(
    talk: Conversation, scene: str, count: int, code: int
) -> None:
    _, place = talk.hear(scene)
    with talk.qq.guard:
        talk.qq.sending.quotas = True
    for _ in range(count):
        assert talk.bot.send(scene, place, content="x").status_code == 200
    refused = talk.bot.send(scene, place, content="x")
    assert (refused.status_code, code_of(refused)) == (429, code)


@pytest.mark.parametrize(("scene", "code"), [("channel", 304003), ("group", 40054010)])
def test_only_registered_urls_pass_where_that_is_asked_for(talk: Conversation, scene: str, code: int) -> None:
    said, place = talk.hear(scene)
    with talk.qq.guard:
        talk.qq.sending.allowed_urls = {"example.com"}
    good = talk.bot.send(scene, place, content="见 https://Example.com/x", msg_id=said.id, msg_seq=1)
    assert good.status_code == 200
    for url in ("http://evil.test", "www.evil.test", "HTTPS://sub.example.com/"):
        assert code_of(talk.bot.send(scene, place, content=f"见 {url}", msg_id=said.id, msg_seq=2)) == code


@pytest.mark.parametrize("scene", SCENES)
@pytest.mark.parametrize("result", ["pass", "reject"])
def test_a_message_under_review_is_202_and_its_result_an_event(talk: Conversation, scene: str, result: str) -> None:
    said, place = talk.hear(scene)
    talk.qq.audit(result=result, after=0.01)
    held = talk.bot.send(scene, place, content="x", msg_id=said.id)
    assert (held.status_code, code_of(held)) == (202, 304024)
    event = talk.socket.read()
    assert event["t"] == f"MESSAGE_AUDIT_{result.upper()}"
    assert event["d"]["audit_id"] == held.json()["data"]["message_audit"]["audit_id"]
    replies = said.replies(timeout=0)
    assert [reply.id for reply in replies] == ([event["d"]["message_id"]] if result == "pass" else [])
    assert code_of_active(talk, scene, place) == 304023


def code_of_active(talk: Conversation, scene: str, place: str) -> int:
    talk.qq.audit(after=3600)
    return code_of(talk.bot.send(scene, place, content="x"))


# -------------------------------------------------------------------- events that are answered, recalls


@pytest.mark.parametrize("where", ["channel", "group", "c2c"])
def test_a_pressed_button_is_answered_by_its_event_id_and_acknowledged_once(talk: Conversation, where: str) -> None:
    _, place = talk.hear(where)
    pressed = talk.qq.press("小明", where, "go", data="now")
    frame = talk.socket.read()
    assert (frame["t"], frame["id"]) == ("INTERACTION_CREATE", pressed.event_id)
    assert frame["d"]["data"]["resolved"]["button_data"] == "now"
    path = f"/interactions/{frame['d']['id']}"
    assert talk.bot.call("PUT", path, {"code": 0}).status_code == 200
    assert code_of(talk.bot.call("PUT", path, {"code": 0})) == 630001
    assert code_of(talk.bot.call("PUT", path, {"code": "x"})) == 630001
    assert talk.bot.send(where, place, content="x", event_id=pressed.event_id).status_code == 200
    assert [reply.event_id for reply in pressed.replies()] == [pressed.event_id]
    assert talk.qq.entries(kinds=["acknowledged"])[0]["code"] == 0


def test_a_button_brings_the_data_of_the_bots_own_keyboard(talk: Conversation) -> None:
    said, place = talk.hear("group")
    button = {"id": "7", "action": {"type": 1, "data": "confirm:once"}}
    keyboard = {"content": {"rows": [{"buttons": [button]}]}}
    talk.bot.send("group", place, msg_type=2, markdown={"content": "?"}, keyboard=keyboard, msg_id=said.id)
    talk.qq.press("小明", "group", "7")
    assert talk.socket.read()["d"]["data"]["resolved"]["button_data"] == "confirm:once"


def test_only_some_events_can_be_answered_and_only_where_they_happened(talk: Conversation) -> None:
    _, group = talk.hear("group")
    _, user = talk.hear("c2c")
    added = talk.qq.add_friend("小明")
    assert talk.socket.read()["t"] == "FRIEND_ADD"
    assert code_of(talk.bot.send("group", group, content="x", event_id=added.event_id)) == 40034025
    assert code_of(talk.bot.send("c2c", user, content="x", event_id="FRIEND_ADD:none")) == 40034025
    assert talk.bot.send("c2c", user, content="x", event_id=added.event_id).status_code == 200
    gone = talk.qq.leave("小红", "c2c")
    talk.qq.push("GROUP_DEL_ROBOT", {"group_openid": group}, id="GROUP_DEL_ROBOT:1")
    assert gone.id
    assert code_of(talk.bot.send("group", group, content="x", event_id="GROUP_DEL_ROBOT:1")) == 40034027


def test_an_event_of_a_guild_may_be_answered_in_any_of_its_channels(talk: Conversation) -> None:
    _, channel = talk.hear("channel")
    joined = talk.qq.join("小红", "channel")
    assert talk.socket.read()["t"] == "GUILD_MEMBER_ADD"
    assert talk.bot.send("channel", channel, content="欢迎", event_id=joined.event_id).status_code == 200
    assert [reply.content for reply in joined.replies()] == ["欢迎"]


def test_an_event_expires_like_a_message() -> None:
    clock = FakeClock()
    with Simulator(clock=clock) as qq, bare_bot(qq) as bot:
        talk = Conversation(qq, bot)
        _, group = talk.hear("group")
        added = qq.invite_bot("小明")
        clock.advance(301)
        assert code_of(bot.send("group", group, content="x", event_id=added.event_id)) == 40034026


@pytest.mark.parametrize("scene", SCENES)
def test_the_bot_can_take_back_its_own_message_once(talk: Conversation, scene: str) -> None:
    said, place = talk.hear(scene)
    sent = talk.bot.send(scene, place, content="x", msg_id=said.id).json()["id"]
    path = PATHS[scene].format(place) + "/messages/"
    code = 40061002 if scene in ("group", "c2c") else 306002
    assert code_of(talk.bot.call("DELETE", path + said.id)) == code
    assert talk.bot.call("DELETE", path + sent).status_code == 200
    assert code_of(talk.bot.call("DELETE", path + sent)) == code
    assert talk.qq.entries(kinds=["recalled"])[0]["id"] == sent


def test_a_message_is_taken_back_where_it_is_and_nowhere_else(talk: Conversation) -> None:
    _, place = talk.hear("group")
    other = talk.qq.add_group("other")
    sent = talk.bot.send("group", place, content="x").json()["id"]
    assert code_of(talk.bot.call("DELETE", f"/v2/groups/{other}/messages/{sent}")) == 40061002
    assert code_of(talk.bot.call("DELETE", f"/channels/{place}/messages/{sent}")) == 306002
    assert talk.bot.call("DELETE", f"/v2/groups/{place}/messages/{sent}").status_code == 200


def test_a_message_of_two_minutes_can_just_be_taken_back() -> None:
    clock = FakeClock()
    with Simulator(clock=clock) as qq, bare_bot(qq) as bot:
        _, place = Conversation(qq, bot).hear("group")
        sent = bot.send("group", place, content="x").json()["id"]
        clock.advance(120)
        assert bot.call("DELETE", f"/v2/groups/{place}/messages/{sent}").status_code == 200


def test_the_bots_messages_are_remembered_to_a_bound(talk: Conversation, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("qqbot_sync.simulator.sending._KEPT", 2)
    _, place = talk.hear("group")
    sent = [talk.bot.send("group", place, content="x").json()["id"] for _ in range(3)]
    answers = [talk.bot.call("DELETE", f"/v2/groups/{place}/messages/{id}").status_code for id in sent]
    assert answers == [400, 200, 200]


@pytest.mark.parametrize(("code", "is_good"), [(0, True), (5, True), (6, False), (-1, False), (True, False)])
def test_an_interaction_is_acknowledged_with_0_to_5(talk: Conversation, code: object, is_good: bool) -> None:
    talk.qq.press("小明", "group", "go")
    path = f"/interactions/{talk.socket.read()['d']['id']}"
    assert (talk.bot.call("PUT", path, {"code": code}).status_code == 200) is is_good


def test_a_button_of_another_place_has_no_data_here(talk: Conversation) -> None:
    said, place = talk.hear("group")
    keyboard = {"content": {"rows": [{"buttons": [{"id": "7", "action": {"data": "of the group"}}]}]}}
    talk.bot.send("group", place, msg_type=2, markdown={"content": "?"}, keyboard=keyboard, msg_id=said.id)
    talk.qq.press("小明", "c2c", "7")
    assert talk.socket.read()["d"]["data"]["resolved"]["button_data"] == ""


def test_an_event_of_a_guild_is_no_event_of_another_guild(talk: Conversation) -> None:
    joined = talk.qq.join("小红", "channel")
    elsewhere = talk.qq.add_channel(talk.qq.add_guild())
    assert code_of(talk.bot.send("channel", elsewhere, content="欢迎", event_id=joined.event_id)) == 40034025


def test_reviews_are_held_in_the_order_they_were_asked_for(talk: Conversation) -> None:
    _, place = talk.hear("group")
    talk.qq.audit(result="reject", after=0.01)
    talk.qq.audit(result="pass", after=3600)
    held = talk.bot.send("group", place, content="x").json()["data"]["message_audit"]["audit_id"]
    talk.bot.send("group", place, content="y")
    event = talk.socket.read()
    assert (event["t"], event["d"]["audit_id"]) == ("MESSAGE_AUDIT_REJECT", held)


def test_answers_use_up_no_allowance(talk: Conversation) -> None:
    with talk.qq.guard:
        talk.qq.sending.quotas = True
    said, place = talk.hear("direct")
    for _ in range(3):
        assert talk.bot.send("direct", place, content="x", msg_id=said.id).status_code == 200
    assert talk.bot.send("direct", place, content="active").status_code == 200


def test_a_message_older_than_two_minutes_stays() -> None:
    clock = FakeClock()
    with Simulator(clock=clock) as qq, bare_bot(qq) as bot:
        talk = Conversation(qq, bot)
        said, place = talk.hear("group")
        sent = bot.send("group", place, content="x", msg_id=said.id).json()["id"]
        clock.advance(121)
        assert code_of(bot.call("DELETE", f"/v2/groups/{place}/messages/{sent}")) == 40064004


def test_every_refusal_is_in_the_log(qq: Simulator, bot: BareBot) -> None:
    refused = bot.send("group", "nowhere", content="x")
    (entry,) = eventually(lambda: qq.entries(kinds=["refused"]))
    assert (entry["method"], entry["path"], entry["status"]) == ("POST", "/v2/groups/nowhere/messages", 400)
    assert (entry["code"], entry["trace_id"]) == (40054003, refused.json()["trace_id"])


def test_the_grant_can_be_changed_while_it_runs(qq: Simulator, bot: BareBot) -> None:
    qq.grant = Intents.all()
    bot.live(Intents.all())
    with pytest.raises(TypeError, match="Intents"):
        qq.grant = 7  # type: ignore[assignment]
