"""`qqbot-sync send TARGET TEXT`: one message, its id, and every refusal in one line."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from qqbot_sync import BotClient, Channel, Direct, Environment, Group, Intents, Simulator, User
from qqbot_sync.cli.send import parse_target
from tests.cli.support import call, only_line


@pytest.fixture(scope="module")
def qq() -> Iterator[Simulator]:
    with Simulator() as simulator:
        yield simulator


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("channel:12", Channel("12")),
        ("group:AB", Group("AB")),
        ("user:AB", User("AB")),
        ("direct:12", Direct("12")),
        (" Group: AB ", Group("AB")),
        ("user:a:b", User("a:b")),
    ],
)
def test_a_target_is_a_kind_and_an_id(text: str, target: object) -> None:
    assert parse_target(text) == target


@pytest.mark.parametrize(
    ("text", "meant"),
    [("c2c:AB", "user:AB"), ("dm:1", "direct:1"), ("grup:1", "group:1"), ("group:", "group:OPENID"), ("AB", "user:")],
)
def test_what_is_no_target_is_told_how_one_is_written(text: str, meant: str) -> None:
    result = call("send", text, "hi", "--app-id", "1", "--secret", "x")
    assert result.exit_code == 2
    assert meant in only_line(result.stderr)


def test_the_id_of_the_message_is_all_that_is_printed(qq: Simulator) -> None:
    """So that a script can keep it."""
    group = qq.add_group()
    result = call("send", f"group:{group}", "下午好", "--simulator", qq.url)
    assert result.exit_code == 0, result.stderr
    assert result.stderr == ""
    sent = qq.entries(kinds=("sent", "answered"))[-1]
    assert (sent["scene"], sent["content"], sent["id"]) == ("group", "下午好", only_line(result.stdout))


@pytest.mark.parametrize(
    ("place", "kind"), [("group", "group"), ("c2c", "user"), ("channel", "channel"), ("direct", "direct")]
)
def test_every_kind_of_target_is_reached_and_answered(qq: Simulator, place: str, kind: str) -> None:
    """With `--reply-to` the message answers another one. A guild takes messages from a bot that is online only."""
    with BotClient(qq.app_id, qq.secret, environment=Environment.local(qq.url), intents=Intents.default()):
        said = qq.say("小明", place, "在吗")
        place_id = next(one["place"] for one in qq.entries(kinds=("said",)) if one["id"] == said.id)
        result = call("send", f"{kind}:{place_id}", "在", "--reply-to", said.id, "--simulator", qq.url)
    assert result.exit_code == 0, result.stderr
    assert [reply.content for reply in said.replies(timeout=5)] == ["在"]


def test_a_guild_message_of_a_bot_that_is_not_online_says_what_is_missing(qq: Simulator) -> None:
    qq.say("小明", "channel", "在吗")
    place_id = qq.entries(kinds=("said",))[-1]["place"]
    result = call("send", f"channel:{place_id}", "在", "--simulator", qq.url, "--timeout", "2")
    assert result.exit_code == 1
    assert "304018" in only_line(result.stderr)


def test_json_is_the_platforms_answer(qq: Simulator) -> None:
    group = qq.add_group()
    result = call("send", f"group:{group}", "吃什么", "--json", "--simulator", qq.url)
    told = json.loads(only_line(result.stdout))
    assert told["id"] == told["answer"]["id"]
    assert told["audit_id"] is None


@pytest.mark.parametrize("typed", ["从标准输入来\n", "\ufeff从标准输入来\r\n"])
def test_a_dash_reads_standard_input(qq: Simulator, typed: str) -> None:
    """Without the byte order mark and the line break that an editor leaves."""
    group = qq.add_group()
    result = call("send", f"group:{group}", "-", "--simulator", qq.url, stdin=typed.encode())
    assert result.exit_code == 0, result.stderr
    assert qq.entries(kinds=("sent",))[-1]["content"] == "从标准输入来"


@pytest.mark.parametrize(("stdin", "said"), [(b"", "empty"), (b" \n", "empty"), (b"\xff\xfe", "UTF-8")])
def test_an_input_that_is_no_message_is_not_sent(qq: Simulator, stdin: bytes, said: str) -> None:
    result = call("send", "group:1", "-", "--simulator", qq.url, stdin=stdin)
    assert result.exit_code == 2
    assert said in only_line(result.stderr)


def test_a_refusal_is_one_line_with_code_remedy_and_trace_id(qq: Simulator) -> None:
    result = call("send", "group:NOT_MINE", "hi", "--simulator", qq.url)
    line = only_line(result.stderr)
    assert result.exit_code == 1
    assert result.stdout == ""
    assert "40054003" in line
    assert "Have the bot added" in line
    assert f"trace id {qq.entries(kinds=('refused',))[-1]['trace_id']}" in line


def test_a_message_that_is_reviewed_first_says_so() -> None:
    """There is no id yet: stdout stays empty, stderr names the audit."""
    with Simulator() as qq:
        group = qq.add_group()
        qq.audit(after=60)
        result = call("send", f"group:{group}", "hi", "--simulator", qq.url)
    assert result.exit_code == 0
    assert result.stdout == ""
    assert "audit_id" in only_line(result.stderr)


def test_an_answer_that_is_lost_is_no_reason_to_send_twice(qq: Simulator) -> None:
    """A proactive message may have arrived: said so, status 1."""
    group = qq.add_group()
    qq.lose_answer(path=f"/v2/groups/{group}/messages")
    result = call("send", f"group:{group}", "once", "--simulator", qq.url)
    assert result.exit_code == 1
    assert "may have taken effect" in only_line(result.stderr)
    assert [one["content"] for one in qq.entries(kinds=("sent",)) if one["place"] == group] == ["once"]
