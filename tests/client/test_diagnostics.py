"""`client.diagnostics`: what it tells before a start, while the bot runs, after faults, after the end."""

from __future__ import annotations

import io
import json
import os
import re
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from qqbot_sync import (
    AuthenticationFailed,
    BotClient,
    ConnectionFailed,
    ConnectionState,
    Environment,
    GatewayDiagnostics,
    Intents,
    MemoryStore,
    Simulator,
)
from qqbot_sync.client.logbook import Logbook
from qqbot_sync.client.status import duration, facts_of
from tests.client.clocks import out_of_reach, start_in_vain
from tests.client.conftest import MakeClient
from tests.support import FakeClock, eventually

DOCS = Path(__file__).parents[2] / "docs" / "diagnostics.md"


def looks(client: BotClient) -> dict[str, Any]:
    """Everything, as it is after a way through JSON."""
    data: dict[str, Any] = json.loads(json.dumps(client.diagnostics.as_dict()))
    return data


def test_before_the_start_everything_is_zero_and_nothing_fails(qq: Simulator, make_client: MakeClient) -> None:
    client = make_client(qq)
    data = looks(client)
    assert data["state"] == "stopped"
    assert (data["uptime"], data["started_at"]) == (0.0, None)
    assert data["connections"] == {
        "attempts": 0,
        "successes": 0,
        "success_rate": None,
        "identifies": 0,
        "resumes": 0,
        "reconnections": {},
    }
    assert data["events"]["per_second"] == 0.0
    assert (data["shards"], data["errors"], data["workers"]["doing"]) == ([], [], [])
    assert data["intents"]["asked"] == list(Intents.default().names())
    assert re.search(r"连接成功率 / success rate +-\n", str(client.diagnostics))
    assert repr(client.diagnostics) == "<GatewayDiagnostics stopped, up 0:00:00, 0 of 0 connections, 0 events>"
    assert isinstance(client.diagnostics, GatewayDiagnostics)


def test_a_running_bot_with_shards_tells_what_the_simulator_counted(qq: Simulator, make_client: MakeClient) -> None:
    client = make_client(qq, shards=4, workers=3)
    client.on_message()(lambda ctx, message: ctx.reply("ok"))
    client.start()
    for number in range(5):
        assert qq.say(f"user {number}", "group", "hello").replies()
    first = [shard.session for shard in client.shards]
    qq.drop()
    eventually(lambda: looks(client)["connections"]["resumes"] == 4)
    eventually(client.is_connected)
    eventually(lambda: client.metrics.events_processed == 5)
    data = looks(client)
    assert (data["state"], data["connected"], data["healthy"]) == ("connected", True, True)
    assert data["uptime"] > 0
    assert data["connections"] == {
        "attempts": 8,
        "successes": 8,
        "success_rate": 1.0,
        "identifies": 4,
        "resumes": 4,
        "reconnections": {"network": 4},
    }
    assert data["events"]["processed"] == 5
    assert data["messages"]["replies_sent"] == 5
    assert data["events"]["per_second"] == pytest.approx(data["events"]["received"] / data["uptime"])
    assert [(shard["id"], shard["count"], shard["state"]) for shard in data["shards"]] == [
        (number, 4, "connected") for number in range(4)
    ]
    assert [shard["session_id"] for shard in data["shards"]] == [session and session.session_id for session in first]
    assert data["workers"]["limit"] == 3
    assert {fault["where"]: (fault["kind"], fault["count"]) for fault in data["errors"]} == {
        f"shard {number}": ("network", 1) for number in range(4)
    }
    needed = ["qqbot-supervisor", "qqbot-store", "qqbot-dispatcher", "qqbot-watchdog", "qqbot-acks"]
    needed += [f"qqbot-{kind}-{number}" for kind in ("reader", "heartbeat") for number in range(4)]
    assert {name: data["threads"].get(name) for name in needed} == dict.fromkeys(needed, True)
    assert not [name for name in data["threads"] if "sim" in name], "those of the simulator are not the bot's"


def test_the_numbers_stay_after_the_stop(qq: Simulator, make_client: MakeClient) -> None:
    client = make_client(qq, shards=2)
    client.on_message()(lambda ctx, message: ctx.reply("ok"))
    client.start()
    assert qq.say("小明", "group", "hello").replies()
    eventually(lambda: client.metrics.events_processed == 1)
    running = looks(client)
    client.stop()
    once, twice = looks(client), looks(client)
    assert once["state"] == "stopped"
    assert once["uptime"] == twice["uptime"] >= running["uptime"]
    assert once["events"]["per_second"] == twice["events"]["per_second"] > 0
    for name in ("connections", "messages", "intents", "started_at"):
        assert once[name] == running[name]
    assert [shard["session_id"] for shard in once["shards"]] == [shard["session_id"] for shard in running["shards"]]
    assert {shard["state"] for shard in once["shards"]} == {"stopped"}
    assert once["errors"] == [], "a stop is no error"
    assert not [name for name in once["threads"] if not name.startswith("qqbot-worker")]


def test_a_second_start_counts_its_own_time_and_rate(qq: Simulator, make_client: MakeClient) -> None:
    clock = FakeClock()
    book = Logbook(clock)
    book.began(7)
    clock.advance(60)
    book.ended((), (Intents.none(), Intents.none()))
    clock.advance(60)
    first = book.stay
    book.began(9)
    assert first is not None
    assert first.ended_at is not None
    assert first.ended_at - first.began_at == 60
    assert book.stay is not None
    assert (book.stay.received_before, book.stay.ended_at) == (9, None)


def test_a_fatal_error_stays_to_be_read(qq: Simulator) -> None:
    client = BotClient(qq.app_id, "a-wrong-secret", environment=Environment.local(qq.url))
    with pytest.raises(AuthenticationFailed):
        client.start()
    eventually(lambda: client.state is ConnectionState.FAILED)
    client.stop()
    data = looks(client)
    assert (data["state"], data["connected"], data["healthy"]) == ("failed", False, False)
    assert data["error"].startswith("AuthenticationFailed: ")
    assert (data["connections"]["attempts"], data["connections"]["success_rate"]) == (1, 0.0)
    assert [(fault["where"], fault["kind"], fault["count"]) for fault in data["errors"]] == [
        ("client", "AuthenticationFailed", 1)
    ]
    assert "a-wrong-secret" not in json.dumps(data)
    text = str(client.diagnostics)
    assert "已失败 / failed" in text
    assert "原因 / cause" in text
    assert "0.00%" in text


def test_a_platform_that_cannot_be_reached_is_among_the_errors() -> None:
    with Simulator() as qq:
        client = out_of_reach(qq.url)
    with pytest.raises(ConnectionFailed):
        start_in_vain(client)
    data = looks(client)
    assert (data["errors"][0]["where"], data["errors"][0]["kind"]) == ("shard 0", "ConnectionFailed")
    assert data["errors"][0]["count"] >= 1
    assert data["connections"]["attempts"] - data["errors"][0]["count"] in (0, 1), "one more was under way at most"
    assert data["connections"]["success_rate"] == 0.0


class Rude(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no")


def test_failing_handlers_are_counted_by_kind_and_show_no_secret(qq: Simulator, make_client: MakeClient) -> None:
    client = make_client(qq)

    @client.on_message()
    def answer(ctx: Any, message: Any) -> None:
        if message.content == "rude":
            raise Rude
        raise ValueError(f"cannot {message.content}\nwith Authorization: QQBot abcdef")

    client.start()
    for text in ("one", "two", "rude", "three"):
        qq.say("小明", "group", text)
    eventually(lambda: looks(client)["events"]["failed"] == 4)
    value, rude = looks(client)["errors"]
    assert value["where"].endswith("answer")
    assert (value["kind"], value["count"]) == ("ValueError", 3)
    assert value["text"] == "cannot three with Authorization: ***"
    assert value["first_at"] < value["last_at"]
    assert (rude["kind"], rude["count"], rude["text"]) == ("Rude", 1, "(str() of it raises RuntimeError)")


def test_the_last_few_kinds_of_errors_are_kept() -> None:
    clock = FakeClock()
    book = Logbook(clock)
    for number in range(15):
        book.fault(f"shard {number}", "network", "gone")
        clock.advance(1)
    book.fault("shard 7", "network", "gone again")
    faults = book.faults()
    assert [fault.where for fault in faults] == [f"shard {number}" for number in (7, 14, 13, 12, 11, 10, 9, 8, 6, 5)]
    assert (faults[0].count, faults[0].text, faults[0].last_at - faults[0].first_at) == (2, "gone again", 8)


def test_what_the_workers_are_at_is_told_from_a_handler_too(qq: Simulator, make_client: MakeClient) -> None:
    client, go_on, seen = make_client(qq), threading.Event(), []

    @client.on_message()
    def answer(ctx: Any, message: Any) -> None:
        if message.content == "look":
            seen.append(client.diagnostics.as_dict()["workers"])
            client.diagnostics.print_status(io.StringIO())
            go_on.set()
        elif message.content == "ask":
            ctx.ask("?", timeout=20)
        else:
            go_on.wait(20)

    client.start()
    qq.say("小明", "group", "hang")
    qq.say("小美", "group", "ask")
    eventually(lambda: looks(client)["workers"]["waiting"] == 1 and looks(client)["workers"]["busy"] == 1)
    qq.say("阿雅", "group", "look")
    assert go_on.wait(20)
    workers = seen[0]
    assert (workers["busy"], workers["waiting"]) == (2, 1)
    assert {doing["event"] for doing in workers["doing"]} == {"GROUP_AT_MESSAGE_CREATE"}
    assert [doing["waiting"] for doing in workers["doing"]].count(True) == 1


def test_intents_that_were_given_up_are_named(make_client: MakeClient) -> None:
    with Simulator(grant=Intents.default().without_direct_message()) as qq:
        client = make_client(qq)
        client.on_message()(lambda ctx, message: None)
        client.start()
        data = looks(client)
        assert data["intents"]["given_up"] == ["DIRECT_MESSAGE"]
        assert "被拒绝的 intents / refused" in str(client.diagnostics)
        client.stop()
        assert looks(client)["intents"] == data["intents"]


def test_a_thread_that_died_is_shown(qq: Simulator, make_client: MakeClient, monkeypatch: pytest.MonkeyPatch) -> None:
    client = make_client(qq)
    client.start()
    assert "dead" not in str(client.diagnostics)
    monkeypatch.setattr("qqbot_sync.client.keeping.Keeper.is_running", False)
    assert looks(client)["threads"]["qqbot-store"] is False
    assert re.search(r"已终止的线程 / dead threads +qqbot-store\n", str(client.diagnostics))
    others = [thread for thread in threading.enumerate() if thread.name != "qqbot-heartbeat-0"]
    monkeypatch.setattr("qqbot_sync.client.diagnostics.threading.enumerate", lambda: others)
    assert looks(client)["threads"]["qqbot-heartbeat-0"] is False
    monkeypatch.undo()


def test_many_threads_may_look_while_it_starts_and_stops(qq: Simulator, make_client: MakeClient) -> None:
    client, over, failures = make_client(qq, shards=2, store=MemoryStore()), threading.Event(), []

    def look() -> None:
        while not over.is_set():
            try:
                client.diagnostics.print_status(io.StringIO())
            except Exception as error:
                failures.append(error)
                return

    lookers = [threading.Thread(target=look) for _ in range(3)]
    for looker in lookers:
        looker.start()
    for _ in range(3):
        client.start()
        client.stop()
    over.set()
    for looker in lookers:
        looker.join()
    assert not failures


# -- how it is shown ------------------------------------------------------------------------------------------------


@pytest.fixture
def terminal() -> Iterator[tuple[io.TextIOWrapper, int]]:
    """A terminal of 100 columns, and the descriptor from which to read what it shows."""
    pty = pytest.importorskip("pty", reason="missing: pseudo-terminals")
    master, slave = pty.openpty()
    with open(slave, "w", encoding="utf-8") as file:
        yield file, master
    os.close(master)


def shown(client: BotClient, terminal: tuple[io.TextIOWrapper, int], monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "100")
    file, master = terminal
    received = bytearray()
    reading = threading.Thread(target=lambda: received.extend(_read_until(master, b"END\r\n")))
    reading.start()
    client.diagnostics.print_status(file)
    file.write("END\n")
    file.flush()
    reading.join()
    return received.decode("utf-8").replace("\r\n", "\n")


def _read_until(descriptor: int, end: bytes) -> bytes:
    received = b""
    while not received.endswith(end):
        received += os.read(descriptor, 65536)
    return received


def test_a_terminal_gets_a_table_with_colours(
    qq: Simulator,
    make_client: MakeClient,
    terminal: tuple[io.TextIOWrapper, int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    client = make_client(qq)
    client.start()
    said = shown(client, terminal, monkeypatch)
    assert "\x1b[32m已连接 / connected, 健康 / healthy" in said
    assert "会话 / session" in said


def test_without_rich_a_terminal_gets_plain_text(
    qq: Simulator,
    make_client: MakeClient,
    terminal: tuple[io.TextIOWrapper, int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in [name for name in sys.modules if name == "rich" or name.startswith("rich.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "rich", None)
    said = shown(make_client(qq), terminal, monkeypatch)
    assert said.startswith("=== 网关诊断 / Gateway diagnostics ===\n状态 / state ")
    assert "\x1b" not in said


def test_anything_else_gets_plain_text(
    qq: Simulator, make_client: MakeClient, capsys: pytest.CaptureFixture[str]
) -> None:
    client = make_client(qq)
    client.diagnostics.print_status()
    assert capsys.readouterr().out == f"{client.diagnostics}\n"


@pytest.mark.parametrize("encoding", ["gbk", "ascii"])
def test_no_console_is_too_poor_for_it(encoding: str, qq: Simulator, make_client: MakeClient) -> None:
    raw = io.BytesIO()
    file = io.TextIOWrapper(raw, encoding=encoding)
    client = make_client(qq)
    client.diagnostics.print_status(file)
    file.flush()
    assert "Gateway diagnostics" in raw.getvalue().decode(encoding)


def test_columns_stand_one_below_the_other_though_chinese_is_wider(qq: Simulator, make_client: MakeClient) -> None:
    facts = facts_of(make_client(qq).diagnostics.as_dict())
    lines = facts.text().splitlines()[1 : 1 + len(facts.lines)]

    def columns(text: str) -> int:
        return sum(2 if "\u2e80" <= letter <= "\uffef" else 1 for letter in text)

    starts = {columns(line) - columns(fact.value) for line, fact in zip(lines, facts.lines, strict=True)}
    assert len(starts) == 1


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.0, "0:00:00"), (59.9, "0:00:59"), (3723.0, "1:02:03"), (183845.0, "2 d 03:04:05")]
)
def test_durations_are_short(seconds: float, text: str) -> None:
    assert duration(seconds) == text


# -- the page -------------------------------------------------------------------------------------------------------


def test_the_page_lists_every_key_and_every_label(qq: Simulator, make_client: MakeClient) -> None:
    page = DOCS.read_text(encoding="utf-8")
    client = make_client(qq, shards=2)
    go_on = threading.Event()
    client.on_message()(lambda ctx, message: go_on.wait(20) and None)
    client.start()
    qq.drop()
    qq.say("小明", "group", "hello")
    data = eventually(lambda: (seen := looks(client))["errors"] and seen["workers"]["doing"] and seen)
    go_on.set()
    keys = set(_keys(data))
    listed = set(re.findall(r"(?m)^\| `([a-z_.\[\]]+)` \|", page))
    assert listed == keys
    for fact in facts_of(data).lines:
        assert fact.label in page, f"the transcript of the page is older than {fact.label!r}"


def _keys(data: dict[str, Any], before: str = "") -> Iterator[str]:
    """`events.received`, `shards[].id`, …; what is named by the bot itself is not listed."""
    for key, value in data.items():
        name = f"{before}{key}"
        if isinstance(value, list) and value and isinstance(value[0], dict):
            yield from _keys(value[0], f"{name}[].")
        elif isinstance(value, dict) and key not in ("reconnections", "replies_failed", "proactive_failed", "threads"):
            yield from _keys(value, f"{name}.")
        else:
            yield name
