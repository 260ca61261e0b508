"""`qqbot-sync tail`: every event that comes, as it comes, and not one answer."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from qqbot_sync import Intents, Simulator
from qqbot_sync.cli.cells import width
from qqbot_sync.cli.tail.choosing import Choice, Names, read_intents
from qqbot_sync.cli.tail.rows import AREAS, Row, row_of
from qqbot_sync.cli.tail.views import Table
from qqbot_sync.codec import dumps
from qqbot_sync.events import EVENTS, Keys, keys_of
from tests.cli.support import call, call_while, only_line
from tests.support import event_payloads, eventually, payload

AT = datetime(2026, 11, 21, 4, 5, 6)
FACTS: dict[str, Any] = {"at": AT, "shard": (0, 1)}
PRESSED = {
    "id": "i1",
    "type": 11,
    "scene": "group",
    "chat_type": 1,
    "group_openid": "G1",
    "group_member_openid": "M1",
    "data": {"type": 11, "resolved": {"button_id": "b1", "button_data": "yes"}},
}


@pytest.fixture(scope="module")
def qq() -> Iterator[Simulator]:
    with Simulator() as simulator:
        yield simulator


def row_of_payload(name: str) -> Row:
    frame = payload(name)
    keys = keys_of(frame["t"], dumps(frame.get("d")), frame.get("id"))
    return row_of(frame["t"], frame.get("d"), keys, **FACTS)


def rows(text: str) -> list[list[str]]:
    return [line.split("\t") for line in text.splitlines()]


# -- rows -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", event_payloads())
def test_every_event_of_the_platform_has_a_row(name: str) -> None:
    """It has a place of a known kind wherever the event tells one, and nothing that moves a cursor."""
    row = row_of_payload(name)
    assert row.event == payload(name)["t"]
    assert row.area in AREAS
    assert all(sign.isprintable() or sign == "\n" for sign in "".join(row[2:]))


@pytest.mark.parametrize("name", [name for name in event_payloads() if EVENTS.get(payload(name)["t"])])
def test_a_message_shows_what_was_written_and_by_whom(name: str) -> None:
    frame = payload(name)
    if not EVENTS[frame["t"]].is_message:
        return
    row = row_of_payload(name)
    assert row.author
    first = (frame["d"].get("content") or "").replace("\u00a0", " ").split() or [""]
    assert row.text.startswith(first[0]) or "<" in first[0]


def test_a_name_stands_before_an_id() -> None:
    d = {"author": {"id": "1", "username": "小明"}, "content": "hi", "channel_id": "9"}
    row = row_of("AT_MESSAGE_CREATE", d, Keys(None, "channel:9", "1"), **FACTS)
    assert (row.place, row.author, row.text, row.area) == ("channel:9", "小明", "hi", "channel")


@pytest.mark.parametrize("d", [None, "", [], 3, {"author": 7, "content": 5}, {"author": {"username": ["x"]}}])
def test_an_odd_body_has_a_row_all_the_same(d: Any) -> None:
    assert row_of("GROUP_AT_MESSAGE_CREATE", d, Keys(), **FACTS).event == "GROUP_AT_MESSAGE_CREATE"


def test_what_would_steer_the_terminal_is_replaced() -> None:
    d = {"author": {"username": "\x1b[31mred"}, "content": "a\x07b\r\nc\x9b2Jd"}
    row = row_of("AT_MESSAGE_CREATE", d, Keys(), **FACTS)
    assert row.author == "?[31mred"
    assert row.text == "a?b\nc?2Jd"


def test_a_button_shows_what_was_pressed() -> None:
    row = row_of("INTERACTION_CREATE", PRESSED, Keys(None, "group:G1", "M1"), **FACTS)
    assert row.text == "button_id=b1 button_data=yes"


def test_attachments_are_named() -> None:
    d = {"content": " ", "attachments": [{"filename": "a.png"}, {"content_type": "voice"}, "?"]}
    row = row_of("C2C_MESSAGE_CREATE", d, Keys(), **FACTS)
    assert "a.png" in row.text
    assert "voice" in row.text


# -- which ------------------------------------------------------------------------------------------------------------


def test_a_name_in_full_requires_its_intent_and_a_pattern_wishes_for_it() -> None:
    names = Names.read(["c2c_message_create", "GUILD_MEMBER_*"])
    assert names.required == Intents.GROUP_AND_C2C_EVENT
    assert names.wished == Intents.GUILD_MEMBERS
    assert names.cover("C2C_MESSAGE_CREATE")
    assert names.cover("GUILD_MEMBER_ADD")
    assert not names.cover("GUILD_CREATE")


def test_a_pattern_asks_for_what_must_be_applied_for_only_where_nothing_else_is_meant() -> None:
    """A refused bit costs every start an Identify."""
    assert Names.read(["GROUP_*"]).wished == Intents.GROUP_AND_C2C_EVENT
    assert Names.read(["GROUP_MEMBER_*"]).wished == Intents.GROUP_MEMBER_EVENT


def test_a_new_event_of_the_platform_may_be_named() -> None:
    names = Names.read(["ENTIRELY_NEW_THING"])
    assert names.unknown == ("ENTIRELY_NEW_THING",)
    assert names.cover("ENTIRELY_NEW_THING")


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("GROUP_AT_MESAGE_CREATE", "GROUP_AT_MESSAGE_CREATE"),
        ("c2c_message", "C2C_MESSAGE_CREATE"),
        ("GUILD_MEMBR_*", "GUILD_MEMBER_ADD"),
    ],
)
def test_a_misspelt_name_is_told_the_nearest(typed: str, meant: str) -> None:
    result = call("tail", "--event", typed, "--app-id", "1", "--secret", "x")
    assert result.exit_code == 2
    assert meant in only_line(result.stderr)


@pytest.mark.parametrize(
    ("choice", "is_shown"),
    [
        (Choice(Names()), True),
        (Choice(Names(), authors=("小明",)), True),
        (Choice(Names(), authors=("M1",)), True),
        (Choice(Names(), authors=("小*",)), True),
        (Choice(Names(), authors=("阿雅",)), False),
        (Choice(Names(), places=("group",)), True),
        (Choice(Names(), places=("group:G1",)), True),
        (Choice(Names(), places=("G1", "c2c")), True),
        (Choice(Names(), places=("group:G*",)), True),
        (Choice(Names(), places=("c2c",)), False),
    ],
)
def test_people_and_places_are_chosen_by_name_id_kind_and_pattern(choice: Choice, is_shown: bool) -> None:
    keys = Keys(None, "group:G1", "M1")
    assert choice.shows(Row(AT, (0, 1), "GROUP_AT_MESSAGE_CREATE", "group:G1", "小明", "hi"), keys) is is_shown


def test_intents_are_read_from_names_numbers_and_words() -> None:
    assert read_intents("default") == Intents.default()
    assert read_intents(" Guilds, group_and_c2c_event ") == Intents.GUILDS | Intents.GROUP_AND_C2C_EVENT
    assert read_intents("default,forums_event") == Intents.default() | Intents.FORUMS_EVENT
    assert read_intents("33554432") == Intents.GROUP_AND_C2C_EVENT
    for text in ("", "guild_mesages", ","):
        with pytest.raises(ValueError):
            read_intents(text)


# -- the table --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("cells", [60, 80, 109, 110, 160])
def test_the_table_keeps_within_the_terminal_and_loses_nothing_of_the_text(cells: int) -> None:
    """Wide or narrow, with Chinese, long words, and several lines."""
    text = "周末的活动改到下午三点,请大家带好雨具;" * 3 + "x" * 90 + "\nsecond line"
    written = io.StringIO()
    table = Table(Console(file=written, width=cells, force_terminal=True, color_system=None, highlight=False))
    table.begin()
    for place in ("group:0123456789ABCDEF0123456789ABCDEF", "channel:1", ""):
        row = Row(AT, (0, 16), "AUDIO_OR_LIVE_CHANNEL_MEMBER_ENTER", place, "一个名字很长很长很长的人", text)
        table.show(row, None)  # type: ignore[arg-type]
    lines = written.getvalue().splitlines()
    assert max(width(line) for line in lines) <= cells
    assert "".join(written.getvalue().split()).count("x") >= 3 * 90
    assert written.getvalue().count("second line") == 3
    assert ("内容" in lines[0]) is (cells >= 110)


def test_in_a_wide_terminal_the_columns_stand_below_each_other() -> None:
    written = io.StringIO()
    table = Table(Console(file=written, width=140, force_terminal=True, color_system=None, highlight=False))
    table.begin()
    for author in ("小明", "bob", "阿雅 Aya"):
        table.show(Row(AT, (0, 1), "C2C_MESSAGE_CREATE", "c2c:1", author, "HERE\nHERE"), None)  # type: ignore[arg-type]
    heading, *lines = written.getvalue().splitlines()
    places = {width(line.partition("HERE")[0]) for line in lines}
    assert places == {width(heading.partition("内容")[0])}


# -- live -------------------------------------------------------------------------------------------------------------


def test_elsewhere_than_in_a_terminal_each_event_is_a_line_with_tabs(qq: Simulator) -> None:
    """Time, shard, event, place, author, text; the connection's own news stays on stderr."""

    def talk() -> None:
        qq.say("小明", "group", "你好")
        qq.say("bob", "channel", "two\nlines\tand a \\")
        qq.push("BRAND_NEW_EVENT", {"group_openid": "G9", "level": 3})

    result = call_while(qq, talk, "tail", "--simulator", qq.url, "--count", "3")
    assert result.exit_code == 0, result.stderr
    (first, second, third) = rows(result.stdout)
    assert datetime.fromisoformat(first[0]).tzinfo is not None
    assert (first[1], first[2], first[4], first[5]) == ("0/1", "GROUP_AT_MESSAGE_CREATE", "小明", "你好")
    assert first[3].startswith("group:")
    assert second[5] == "two\\nlines and a \\\\"
    assert third[2:] == ["BRAND_NEW_EVENT", "group:G9", "", "level=3"]
    assert "READY" in result.stderr
    assert "connected" in result.stderr
    assert qq.secret not in result.output


def test_json_is_the_whole_frame_one_a_line(qq: Simulator) -> None:
    body = {"id": "5", "name": "频道", "extra": {"deep": [1, None, "x"]}}
    result = call_while(
        qq,
        lambda: qq.push("GUILD_UPDATE", body, id="GUILD_UPDATE:77"),
        *("tail", "--simulator", qq.url, "--json", "--count", "1"),
    )
    frame = json.loads(only_line(result.stdout))
    assert (frame["op"], frame["t"], frame["id"], frame["d"]) == (0, "GUILD_UPDATE", "GUILD_UPDATE:77", body)
    assert isinstance(frame["s"], int)


@pytest.mark.parametrize(
    ("options", "texts"),
    [
        (("--event", "C2C_*"), ["one"]),
        (("--event", "group_at_message_create"), ["two", "three!"]),
        (("--from", "小明"), ["two"]),
        (("--in", "direct", "--in", "c2c"), ["one", "four"]),
        (("--grep", "^t.*!$"), ["three!"]),
        (("--in", "group", "--from", "a*"), ["three!"]),
    ],
)
def test_only_what_was_asked_for_is_shown(qq: Simulator, options: tuple[str, ...], texts: list[str]) -> None:
    """The last one, in a row of its own, ends each of them."""

    def talk() -> None:
        qq.say("aya", "c2c", "one")
        qq.say("小明", "group", "two")
        qq.say("aya", "group", "three!")
        qq.say("aya", "direct", "four")

    result = call_while(qq, talk, "tail", "--simulator", qq.url, *options, "--count", str(len(texts)))
    assert result.exit_code == 0, result.stderr
    assert [row[5] for row in rows(result.stdout)] == texts


def test_it_answers_nothing_not_even_a_button(qq: Simulator) -> None:
    """A bot acknowledges a pressed button by itself, at the latest when it stops; tail leaves it to the bot."""
    since = len(qq.entries())

    def talk() -> None:
        qq.say("小明", "group", "你好")
        qq.push("INTERACTION_CREATE", PRESSED, id="INTERACTION_CREATE:1")

    result = call_while(qq, talk, "tail", "--simulator", qq.url, "--count", "2")
    assert [row[2] for row in rows(result.stdout)] == ["GROUP_AT_MESSAGE_CREATE", "INTERACTION_CREATE"]
    kinds = {entry["kind"] for entry in qq.entries()[since:]}
    assert not kinds & {"answered", "sent", "acknowledged", "refused"}


def test_a_lost_connection_is_told_on_stderr_and_loses_no_event(qq: Simulator) -> None:
    def talk() -> None:
        qq.drop()
        qq.say("小明", "group", "meanwhile")

    result = call_while(qq, talk, "tail", "--simulator", qq.url, "--count", "1")
    assert [row[5] for row in rows(result.stdout)] == ["meanwhile"]
    assert "closed the connection" in result.stderr


def test_it_ends_after_the_seconds_that_were_given(qq: Simulator) -> None:
    result = call("tail", "--simulator", qq.url, "--for", "0.05")
    assert result.exit_code == 0
    assert result.stdout == ""
    assert "0 came, 0 shown" in result.stderr


def test_the_intents_that_were_named_are_asked_for(qq: Simulator) -> None:
    call("tail", "--simulator", qq.url, "--for", "0.01", "--intents", "guilds,interaction")
    call("tail", "--simulator", qq.url, "--for", "0.01", "--event", "C2C_MESSAGE_CREATE")
    asked = [entry["intents"] for entry in qq.entries(kinds=("identified",))][-2:]
    assert asked == [int(Intents.GUILDS | Intents.INTERACTION), int(Intents.GROUP_AND_C2C_EVENT)]


def test_an_event_the_bot_may_not_have_is_one_line_with_its_intent() -> None:
    """Rather than waiting in vain."""
    with Simulator(grant=Intents.default()) as qq:
        result = call("tail", "--simulator", qq.url, "--event", "FORUM_THREAD_CREATE")
    assert result.exit_code == 1
    assert "FORUMS_EVENT" in result.stderr
    assert "Traceback" not in result.stderr


# -- the end ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def process(qq: Simulator, tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """A tail of its own, with a session."""
    known = len(qq.entries(kinds=("identified",)))
    child = subprocess.Popen(
        [sys.executable, "-m", "qqbot_sync", "tail", "--simulator", qq.url],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        cwd=tmp_path,
        env={**os.environ, "PYTHONIOENCODING": "utf-8"},
    )
    try:
        eventually(lambda: len(qq.entries(kinds=("identified",))) > known, what="a session")
        assert child.stderr is not None
        while "connected" not in child.stderr.readline():
            pass
        yield child
    finally:
        child.kill()
        child.communicate()


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGINT to a child there")
def test_ctrl_c_ends_it_with_status_0(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGINT)
    _, complaints = process.communicate(timeout=20)
    assert process.returncode == 0
    assert "0 came" in complaints


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGINT to a child there")
def test_a_second_ctrl_c_leaves_at_once_with_130(qq: Simulator, process: subprocess.Popen[str]) -> None:
    """Here it cannot end by itself, because nobody reads what it writes."""
    for number in range(40):
        qq.push("GUILD_UPDATE", {"id": str(number), "name": "x" * 4000})
    eventually(lambda: _waiting_in(process.stdout) > 60_000, what="a full pipe")

    def presses() -> bool:
        # Two signals that come together are one.
        process.send_signal(signal.SIGINT)
        return process.poll() is not None

    eventually(presses, what="the end")
    assert process.returncode == 130


def _waiting_in(pipe: Any) -> int:
    """Bytes that were written and not read."""
    import fcntl
    import termios

    count = fcntl.ioctl(pipe.fileno(), termios.FIONREAD, b"\0" * 4)
    return int.from_bytes(count, sys.byteorder)


@pytest.mark.skipif(sys.platform == "win32", reason="other errors there")
def test_a_reader_that_has_seen_enough_is_no_failure_to_complain_about(
    qq: Simulator, process: subprocess.Popen[str]
) -> None:
    """`tail | head -1`."""
    assert process.stdout is not None
    process.stdout.close()
    qq.say("小明", "group", "你好")
    process.wait(20)
    assert process.stderr is not None
    assert "Error" not in process.stderr.read()
    assert process.returncode == 1
