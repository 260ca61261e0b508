"""What the next process makes of what it finds: replies already sent, records of no use, a damaged file."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from qqbot_sync import AlreadyRunning, BotClient, Context, Intents, SendUnconfirmed, ShardConfig, Simulator, Stopped
from qqbot_sync.client.run import record_key
from qqbot_sync.store import MAX_AGE, SqliteStore
from tests.client.conftest import MakeClient
from tests.client.memory import Again, Diary, died, edit, entries, remembered, until_done
from tests.store.support import Process
from tests.support import eventually

# -- replies --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("where", ["group", "c2c"])
def test_a_reply_that_the_dead_process_had_sent_is_not_doubled(
    qq: Simulator, again: Again, path: Path, where: str
) -> None:
    sent: list[Any] = []

    def reply_twice(ctx: Context, text: str) -> None:
        sent.append(ctx.reply(f"first to {text}"))
        if len(sent) > 1:
            sent.append(ctx.reply(f"second to {text}"))

    first, diary = again(hold=("hello",), reply=reply_twice)
    first.start()
    said = qq.say("小明", where, "hello")
    assert said.replies(count=1)
    diary.until("hello")
    died(first, diary, path)
    second, later = again(reply=reply_twice)
    second.start()
    later.until_ended("hello")
    assert [one.redelivered for one in later.begun] == [True]
    assert isinstance(sent[1], SendUnconfirmed), "40054005: the dead process had sent it"
    assert not isinstance(sent[2], SendUnconfirmed)
    answers = said.replies(timeout=0)
    assert [(one.content, one.msg_seq) for one in answers] == [("first to hello", 1), ("second to hello", 2)]
    assert qq.tally()["doubled"] == 1, "two different replies, none of them twice"


def test_a_reply_that_an_interrupted_handler_had_sent_is_not_doubled(qq: Simulator, again: Again) -> None:
    """In the same process, whose counter of replies goes on."""
    sent: list[Any] = []
    go_on = threading.Semaphore(0)

    def reply(ctx: Context, text: str) -> None:
        sent.append(ctx.reply(f"to {text}"))
        if len(sent) < 3:
            go_on.acquire(timeout=20)
            raise Stopped("as a second reply would that came too late")

    client, diary = again(reply=reply)
    client.start()
    said = qq.say("小明", "group", "hello")
    for times in (1, 2):
        eventually(lambda times=times: len(sent) == times)
        client.stop(timeout=0)
        go_on.release()
        client.start()
    diary.until_ended("hello")
    assert [one.redelivered for one in diary.begun] == [False, True, True]
    assert all(isinstance(one, SendUnconfirmed) for one in sent[1:]), "40054005: it had been sent"
    assert [(one.content, one.msg_seq) for one in said.replies(timeout=0)] == [("to hello", 1)]


# -- what is not worth resuming -------------------------------------------------------------------------------------


def session_of(client: BotClient) -> str:
    info = client.get_session_info()
    assert info is not None
    assert info.session_id is not None
    return info.session_id


@pytest.mark.parametrize(("age", "resumes"), [(MAX_AGE - 600, True), (MAX_AGE + 1, False), (-MAX_AGE, True)])
def test_a_record_older_than_a_day_is_discarded(
    qq: Simulator, again: Again, path: Path, age: float, resumes: bool
) -> None:
    first, _ = again()
    first.start()
    session = session_of(first)
    first.stop()
    edit(path, "UPDATE record SET saved_at = saved_at - ?", age)
    second, diary = again()
    second.start()
    assert (session_of(second) == session) is resumes
    assert bool(entries(qq, "resumed", "turned_away")) is resumes
    qq.say("小明", "group", "hello")
    diary.until("hello")
    assert not diary.begun[0].redelivered


def test_a_record_with_other_intents_is_discarded(qq: Simulator, again: Again) -> None:
    first, _ = again()
    first.start()
    session = session_of(first)
    first.stop()
    second, _ = again()
    second.on("GUILD_MEMBER_ADD")(lambda ctx, member: None)
    second.start()
    assert session_of(second) != session
    assert entries(qq, "resumed") == []
    assert second.intents & Intents.GUILD_MEMBERS


def test_a_record_of_another_shard_is_left_alone(qq: Simulator, again: Again) -> None:
    first, _ = again()
    first.start()
    session = session_of(first)
    first.stop()
    other, _ = again(shard=ShardConfig(0, 2))
    other.start()
    assert session_of(other) != session
    other.stop()
    third, _ = again()
    third.start()
    assert session_of(third) == session


def test_a_session_that_the_platform_has_forgotten_becomes_a_new_one(qq: Simulator, again: Again) -> None:
    first, diary = again()
    first.start()
    session = session_of(first)
    qq.say("小明", "group", "before")
    diary.until_ended("before")
    first.stop()
    with qq.guard:
        for one in list(qq.platform.sessions):
            qq.platform.sessions.end(one)
    second, later = again()
    second.start()
    assert session_of(second) != session
    qq.say("小明", "group", "after")
    later.until("after")
    assert later.texts() == ["after"]
    second.stop()
    third, last = again()
    third.start()
    assert len(entries(qq, "identified")) == 2, "the new session is remembered like the old one"
    assert last.texts() == []


def test_all_shards_of_a_process_resume(qq: Simulator, again: Again) -> None:
    guild = str(1 << 22)
    places = ["group", f"channel:{qq.add_channel(qq.add_guild(guild))}"]
    first, diary = again(shards=2)
    first.start()
    for number, place in enumerate(places):
        qq.say("小明", place, f"before {number}")
    diary.until_ended("before 0", "before 1")
    first.stop()
    for number, place in enumerate(places):
        qq.say("小明", place, f"meanwhile {number}")
    second, later = again(shards=2)
    second.start()
    later.until("meanwhile 0", "meanwhile 1")
    assert sorted(later.texts()) == ["meanwhile 0", "meanwhile 1"]
    assert len(entries(qq, "identified")) == 2
    assert len(entries(qq, "resumed")) == 2


# -- the file -------------------------------------------------------------------------------------------------------


def test_a_damaged_file_costs_the_memory_and_not_the_start(
    qq: Simulator, make_client: MakeClient, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path.write_bytes(b"this is no database" * 100)
    diary = Diary()
    client = diary.attach(make_client(qq, store=SqliteStore(path)))
    client.start()
    qq.say("小明", "group", "hello")
    diary.until_ended("hello")
    until_done(path, client, entries(qq, "dispatched")[-1]["s"])
    assert "damaged" in caplog.text


HOLDER = """
import sys
from qqbot_sync.store import SqliteStore
store = SqliteStore(sys.argv[1])
store.open(sys.argv[2])
print("open", flush=True)
sys.stdin.readline()
"""


def test_a_second_process_with_the_same_bot_is_refused_and_can_start_later(
    qq: Simulator, again: Again, path: Path
) -> None:
    client, diary = again()
    holder = Process(HOLDER, path, record_key(client.api, (0, 1)))
    assert holder.word() == "open"
    with pytest.raises(AlreadyRunning, match=r"bot\.db"):
        client.start()
    assert entries(qq, "connected") == []
    holder.kill()
    client.start()
    qq.say("小明", "group", "hello")
    diary.until("hello")


def test_a_start_that_fails_leaves_what_an_earlier_run_knew(qq: Simulator, again: Again, path: Path) -> None:
    first, _ = again()
    first.start()
    first.stop()
    before = remembered(path, first)
    qq.refuse_connections(600)
    second, _ = again()
    with pytest.raises(Exception, match="connect"):
        second.start(timeout=0.3)
    assert remembered(path, first) == before
