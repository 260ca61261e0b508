"""A bot that is started again goes on where it stopped: nothing is lost, and nothing is handled twice."""

from __future__ import annotations

import logging
import queue
import threading
from pathlib import Path
from typing import Any

import pytest

from qqbot_sync import Simulator
from qqbot_sync.client.keeping import BLOCK
from qqbot_sync.store import MemoryStore
from tests.client.conftest import MakeClient
from tests.client.memory import Again, Diary, died, entries, record_of, seq_of, until_done, until_written
from tests.support import eventually

# -- after a stop ---------------------------------------------------------------------------------------------------


def test_a_stopped_bot_resumes_in_the_next_process_and_start_returns_at_resumed(qq: Simulator, again: Again) -> None:
    first, diary = again()
    first.start()
    session = first.get_session_info()
    qq.say("小明", "group", "before")
    diary.until_ended("before")
    first.stop()
    for number in range(5):
        qq.say("小明", "group", f"meanwhile {number}")
    second, later = again()
    calls: queue.Queue[tuple[str, Any]] = queue.Queue()
    second.on_start(lambda ctx, ready: calls.put(("start", ready)))
    second.on_ready(lambda ctx, ready: calls.put(("ready", ready)))
    second.on_resumed(lambda ctx, nothing: calls.put(("resumed", nothing)))
    second.start()
    assert second.is_connected()
    assert {calls.get(timeout=10), calls.get(timeout=10)} == {("start", None), ("resumed", None)}
    qq.say("小明", "group", "after")
    later.until("after")
    assert later.texts() == [*(f"meanwhile {number}" for number in range(5)), "after"]
    assert not any(one.redelivered for one in later.begun), "none of them can have begun before"
    info = second.get_session_info()
    assert session is not None
    assert info is not None
    assert info.session_id == session.session_id
    assert len(entries(qq, "identified")) == 1
    assert calls.empty()
    assert [entry["code"] for entry in entries(qq, "disconnected")] == [4000], "1000 may end a session"


def test_the_bot_knows_itself_after_a_resume_without_asking(qq: Simulator, again: Again) -> None:
    first, _ = again()
    first.start()
    me = first.me
    first.stop()
    second, _ = again()
    second.start()
    qq.fail_http(500, times=100, path="/users/@me")
    assert second.me == me


def test_ten_restarts_in_a_row_lose_and_repeat_nothing(qq: Simulator, again: Again) -> None:
    texts = []
    handled = []
    for round in range(10):
        client, diary = again()
        client.start()
        for number in range(5):
            texts.append(f"{round}.{number}")
            qq.say(f"p{number % 3}", "group", texts[-1])
        client.stop()
        handled += diary.texts()
    last, diary = again()
    last.start()
    eventually(lambda: len(handled + diary.texts()) >= len(texts))
    assert sorted(handled + diary.texts()) == sorted(texts)
    assert len(entries(qq, "identified")) == 1


def test_what_a_stop_did_not_begin_comes_again(qq: Simulator, again: Again, caplog: pytest.LogCaptureFixture) -> None:
    first, diary = again(hold=("slow",))
    first.start()
    qq.say("小明", "group", "slow")
    said = [qq.say("小明", "group", text) for text in ("waits", "waits too")]
    other = qq.say("小红", "group", "quick")
    diary.until("slow")
    diary.until_ended("quick")
    eventually(lambda: (first.get_session_info() or (0, 0))[1] >= seq_of(qq, other))
    with caplog.at_level(logging.INFO, "qqbot_sync.client"):
        first.stop(timeout=0)
    last = [one.getMessage() for one in caplog.records if one.name == "qqbot_sync.client"][-1]
    assert last.startswith("stopped; 3 events"), "the one that hangs, and the two behind it"
    assert said
    second, later = again()
    second.start()
    later.until("waits too")
    assert later.texts() == ["slow", "waits", "waits too"], "in order, and not `quick`"
    assert all(one.redelivered for one in later.begun)


def test_with_a_memory_store_a_stopped_client_goes_on_in_the_same_process(qq: Simulator, make_client: Any) -> None:
    diary = Diary()
    client = diary.attach(make_client(qq))
    client.start()
    session = client.get_session_info()
    qq.say("小明", "group", "before")
    diary.until_ended("before")
    client.stop()
    qq.say("小明", "group", "meanwhile")
    client.start()
    qq.say("小明", "group", "after")
    diary.until("after")
    assert diary.texts() == ["before", "meanwhile", "after"]
    info = client.get_session_info()
    assert session is not None
    assert info is not None
    assert info.session_id == session.session_id


def test_two_clients_of_one_process_may_hand_over_a_memory_store(qq: Simulator, make_client: MakeClient) -> None:
    store = MemoryStore()
    first_diary, second_diary = Diary(), Diary()
    first = first_diary.attach(make_client(qq, store=store))
    first_diary.hold("slow")
    first.start()
    for user, text in (("小明", "slow"), ("小明", "waits"), ("小红", "quick")):
        qq.say(user, "group", text)
    first_diary.until_ended("quick")
    first.stop(timeout=0)
    first_diary.let_go()
    second = second_diary.attach(make_client(qq, store=store))
    second.start()
    second_diary.until("waits")
    assert second_diary.texts() == ["slow", "waits"]


def test_a_handler_that_outlives_a_stop_is_not_done_before_it_ends(qq: Simulator, again: Again, path: Path) -> None:
    """Started again in the same process, which dies before that handler has come to an end."""
    first, diary = again(hold=("slow",))
    first.start()
    said = qq.say("小明", "group", "slow")
    diary.until("slow")
    first.stop(timeout=0)
    first.start()
    after = qq.say("小红", "group", "next")
    diary.until_ended("next")
    until_written(path, first, seq_of(qq, after))
    assert record_of(path, first).seq < seq_of(qq, said)
    died(first, diary, path)
    second, later = again()
    second.start()
    later.until("slow")
    assert [one.redelivered for one in later.begun] == [True]


# -- after a death --------------------------------------------------------------------------------------------------


def test_what_waited_or_was_half_done_at_death_is_handled_and_what_was_done_is_not(
    qq: Simulator, again: Again, path: Path
) -> None:
    first, diary = again(hold=("half done",))
    first.start()
    qq.say("小明", "group", "half done")
    qq.say("小明", "group", "waits")
    done = [qq.say("小红", "group", text) for text in ("done", "done too")]
    diary.until("half done")
    diary.until_ended("done", "done too")
    until_done(path, first, *(seq_of(qq, said) for said in done))
    died(first, diary, path)
    qq.say("小红", "group", "new")
    second, later = again()
    second.start()
    later.until("half done", "waits", "new")
    assert sorted(later.texts()) == ["half done", "new", "waits"]
    assert later.texts().index("half done") < later.texts().index("waits")
    by_text = {one.text: one for one in later.begun}
    assert by_text["half done"].redelivered, "it had begun"
    assert len(entries(qq, "identified")) == 1


def test_redelivered_ends_with_the_block_that_was_reserved(qq: Simulator, again: Again, path: Path) -> None:
    """Up to the mark an event may have begun; beyond it none can have."""
    first, diary = again()
    first.start()
    qq.say("小明", "group", "the first")
    diary.until_ended("the first")
    mark = record_of(path, first).mark
    assert mark == BLOCK, "reserved at READY, before anything could begin"
    died(first, diary, path)
    texts = [f"{number}" for number in range(BLOCK + 20)]
    for text in texts:
        qq.say("小明", "group", text)
    second, later = again()
    second.start()
    later.until(*texts)
    judged = {one.seq: one.redelivered for one in later.begun}
    assert judged == {seq: seq <= mark for seq in judged if seq is not None}
    assert set(judged.values()) == {True, False}


def test_what_comes_after_resumed_is_new(qq: Simulator, again: Again, path: Path) -> None:
    first, diary = again()
    first.start()
    died(first, diary, path)
    second, later = again()
    second.start()
    qq.say("小明", "group", "new")
    later.until("new")
    (one,) = later.begun
    assert one.seq is not None
    assert one.seq <= BLOCK, "the first process had reserved this number"
    assert not one.redelivered, "but it came after the replay"
    assert len(entries(qq, "identified")) == 1, "what `start()` has returned for is remembered"


def test_a_second_death_knows_what_the_first_life_reserved(qq: Simulator, again: Again, path: Path) -> None:
    first, diary = again()
    first.start()
    died(first, diary, path)
    second, diary = again(hold=("half done",))
    second.start()
    qq.say("小明", "group", "half done")
    diary.until("half done")
    died(second, diary, path)
    third, later = again()
    third.start()
    later.until("half done")
    assert [one.redelivered for one in later.begun] == [True]
    assert len(entries(qq, "identified")) == 1


def test_a_drop_in_the_middle_of_the_replay_forgets_nothing_of_it(qq: Simulator, again: Again, path: Path) -> None:
    first, diary = again(hold=("a", "b"))
    first.start()
    for user, text in (("小明", "a"), ("小红", "done"), ("小刚", "b"), ("小红", "done too")):
        qq.say(user, "group", text)
    diary.until("a", "b")
    diary.until_ended("done", "done too")
    until_done(path, first, *(entry["s"] for entry in entries(qq, "dispatched")[1::2]))
    died(first, diary, path)
    # One event fits into the queue and one into the worker: the reader stands still in the middle of the replay.
    second, later = again(hold=("a",), workers=1, queue_size=1)
    for number in range(5):
        qq.say("小明", "group", f"more {number}")
    second._begin()
    later.until("a")
    eventually(lambda: len(entries(qq, "resumed")) == 1)
    qq.drop()
    later.let_go()
    later.until("more 4")
    eventually(lambda: second.is_connected())
    assert sorted(later.texts()) == ["a", "b", *(f"more {number}" for number in range(5))]
    assert all(one.redelivered for one in later.begun)


def test_events_without_an_id_are_not_repeated_either(
    qq: Simulator, make_client: MakeClient, again: Again, path: Path
) -> None:
    first, diary = again(hold=("holds the resume point",))
    seen: list[int] = []
    first.on("SOMETHING_NEW")(lambda ctx, data: seen.append(data["n"]))
    first.start()
    qq.say("小明", "group", "holds the resume point")
    diary.until("holds the resume point")
    qq.push("SOMETHING_NEW", {"n": 1}, id="")
    eventually(lambda: seen == [1])
    until_done(path, first, entries(qq, "dispatched")[-1]["s"])
    died(first, diary, path)
    qq.push("SOMETHING_NEW", {"n": 2}, id="")
    second, later = again()
    second.on("SOMETHING_NEW")(lambda ctx, data: seen.append(data["n"]))
    second.start()
    later.until("holds the resume point")
    eventually(lambda: 2 in seen)
    assert seen == [1, 2]


def test_a_copy_of_what_an_earlier_process_handled_is_a_duplicate(qq: Simulator, again: Again, path: Path) -> None:
    first, diary = again()
    first.start()
    qq.duplicate(1)
    said = qq.say("小明", "group", "once")
    diary.until_ended("once")
    until_done(path, first, seq_of(qq, said))
    first.stop()
    body = {"id": said.id, "content": "once", "group_openid": "G", "author": {"member_openid": "A"}}
    qq.push("GROUP_AT_MESSAGE_CREATE", body)
    second, later = again()
    second.start()
    qq.push("GROUP_AT_MESSAGE_CREATE", body)
    qq.say("小明", "group", "another")
    later.until("another")
    assert later.texts() == ["another"]


def test_a_stop_in_the_middle_of_a_replay_skips_nothing(qq: Simulator, again: Again, path: Path) -> None:
    """What is refused stays to come, though the replay goes on to an event that an earlier process had finished."""
    first, diary = again(hold=("a", "b"))
    first.start()
    for user, text in (("小明", "a"), ("小明", "b"), ("小红", "done")):
        qq.say(user, "group", text)
    diary.until("a")
    diary.until_ended("done")
    until_done(path, first, entries(qq, "dispatched")[-1]["s"])
    died(first, diary, path)
    second, later = again(hold=("a",), workers=1, queue_size=1)
    for number in range(5):
        qq.say("小明", "group", f"more {number}")
    second._begin()
    later.until("a")
    eventually(lambda: second._dispatcher.depth() == 1 and entries(qq, "resumed"))
    second.stop(timeout=0.2)
    later.let_go()
    third, last = again()
    third.start()
    last.until("more 4")
    handled = [text for text in later.texts() if text != "a"] + last.texts()
    assert [text for text in handled if text != "a"] == ["b", *(f"more {number}" for number in range(5))]


def test_a_refused_event_is_not_skipped_by_a_finished_one_behind_it(qq: Simulator, again: Again, path: Path) -> None:
    """The intake closes between the two; nothing above what was refused may count as received."""
    first, diary = again(hold=("a",))
    first.start()
    for user, text in (("小明", "a"), ("小明", "b"), ("小明", "refused"), ("小红", "done")):
        qq.say(user, "group", text)
    diary.until_ended("done")
    until_done(path, first, entries(qq, "dispatched")[-1]["s"])
    died(first, diary, path)
    second, later = again(hold=("a",), workers=1, queue_size=1)
    second._begin()
    later.until("a")
    eventually(lambda: second._dispatcher.depth() == 1)
    stopping = threading.Thread(target=second.stop)
    stopping.start()
    # `a` runs, `b` waits, `refused` was held up at the door: the reader goes on to `done` and RESUMED.
    eventually(lambda: second.metrics.events_received >= 5, what="the rest of the replay")
    later.let_go()
    stopping.join()
    assert later.texts() == ["a", "b"]
    third, last = again()
    third.start()
    qq.say("小明", "group", "new")
    last.until("new")
    assert last.texts() == ["refused", "new"]
