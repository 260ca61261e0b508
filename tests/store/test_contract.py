"""What every store does: one contract, every implementation."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qqbot_sync.store import Done, MemoryStore, Record, Remembered, SqliteStore, Store
from qqbot_sync.store.base import is_replayable
from tests.protocol.support import BOUNDED
from tests.store.support import KEY, done, record

Again = Callable[[], Store]
"""Gives the store as the next run finds it."""


@pytest.fixture(params=["memory", "sqlite", "sqlite, a new object each time"])
def again(request: pytest.FixtureRequest, tmp_path: Path) -> Again:
    if request.param == "memory":
        memory = MemoryStore()
        return lambda: memory
    if request.param == "sqlite":
        one = SqliteStore(tmp_path / "bot.db")
        return lambda: one
    return lambda: SqliteStore(tmp_path / "bot.db")


@pytest.fixture
def few_keys(monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr("qqbot_sync.store.memory.MOST_KEYS", 20)
    monkeypatch.setattr("qqbot_sync.store.sqlite.MOST_KEYS", 20)
    return 20


def kept(store: Store, record: Record, *groups: list[Done]) -> None:
    """One run that commits these groups."""
    store.open(KEY)
    for group in groups:
        store.commit(KEY, record, group)
    store.close(KEY)


def found(store: Store, key: str = KEY) -> Remembered:
    """What a run finds that does nothing."""
    remembered = store.open(key)
    store.close(key)
    return remembered


def test_a_new_store_remembers_nothing(again: Again) -> None:
    assert found(again()) == Remembered(None, ())


def test_a_record_comes_back_as_it_was(again: Again) -> None:
    kept(again(), record(), [])
    assert found(again()).record == record()
    assert found(again()).record == record(), "reading takes nothing away"


@pytest.mark.parametrize(
    "odd",
    [
        {"session_id": None, "seq": 0, "mark": 0},
        {"user": None},
        {"user": {"id": "机", "nested": {"list": [1, None, 2.5]}}},
        {"session_id": "with ' and \" and \0 and 会"},
        {"saved_at": 0.0},
    ],
)
def test_odd_records_come_back_as_they_were(again: Again, odd: dict[str, Any]) -> None:
    kept(again(), record(**odd), [])
    assert found(again()).record == record(**odd)


def test_the_newest_record_takes_the_place_of_the_older_one(again: Again) -> None:
    store = again()
    store.open(KEY)
    for seq in (3, 9, 5):
        store.commit(KEY, record(seq=seq), [])
    store.close(KEY)
    remembered = found(again()).record
    assert remembered is not None
    assert remembered.seq == 5, "which is newer is not the store's to judge"


def test_what_is_done_comes_back_in_order(again: Again) -> None:
    groups = [[done(12), done(11)], [], [done(20), done(None), done(13, id=None)]]
    kept(again(), record(), *groups)
    assert list(found(again()).done) == [one for group in groups for one in group]
    kept(again(), record(), [done(14)])
    assert [one.seq for one in found(again()).done] == [12, 11, 20, None, 13, 14]


def test_keys_are_apart(again: Again) -> None:
    store = again()
    store.open(KEY)
    store.open("other")
    store.commit(KEY, record(seq=1), [done(2)])
    store.commit("other", record(seq=5), [done(6)])
    store.close(KEY)
    store.commit("other", record(seq=6), [done(7)])
    store.close("other")
    assert found(again()).record == record(seq=1)
    assert [one.seq for one in found(again(), "other").done] == [6, 7]
    assert found(again(), "third") == Remembered(None, ())


def test_closing_twice_or_what_was_never_open_does_nothing(again: Again) -> None:
    store = again()
    store.close(KEY)
    store.open(KEY)
    store.close(KEY)
    store.close(KEY)
    assert found(again()).record is None


def test_more_keys_than_the_limit_are_forgotten_oldest_first(again: Again, few_keys: int) -> None:
    store = again()
    store.open(KEY)
    for seq in range(1, 3 * few_keys, 3):
        store.commit(KEY, record(seq=seq + 2), [done(seq), done(seq + 1), done(seq + 2)])
    store.close(KEY)
    assert [one.seq for one in found(again()).done] == list(range(3 * few_keys - few_keys + 1, 3 * few_keys + 1))


def test_what_a_resume_may_replay_is_never_forgotten(again: Again, few_keys: int) -> None:
    """One handler hangs at 11; everything after it is done and will come again."""
    kept(again(), record(seq=10), *[[done(seq)] for seq in range(12, 12 + 5 * few_keys)])
    assert [one.seq for one in found(again()).done] == list(range(12, 12 + 5 * few_keys))


def test_what_may_be_replayed_no_more_is_forgotten_once_the_resume_point_has_moved(again: Again, few_keys: int) -> None:
    store = again()
    store.open(KEY)
    for seq in range(12, 12 + 5 * few_keys):
        store.commit(KEY, record(seq=10), [done(seq)])
    store.commit(KEY, record(seq=200), [done(201)])
    store.close(KEY)
    assert len(found(again()).done) == few_keys
    assert found(again()).done[-1].seq == 201


def test_numbers_of_an_older_session_are_not_protected(again: Again, few_keys: int) -> None:
    store = again()
    store.open(KEY)
    store.commit(KEY, record(seq=10), [done(seq) for seq in range(12, 12 + few_keys)])
    store.commit(KEY, record(session_id="T", seq=1), [done(seq, session="T") for seq in range(2, 2 + few_keys)])
    store.close(KEY)
    assert {one.session_id for one in found(again()).done} == {"T"}


@pytest.mark.parametrize("odd", ["\ud800", "a\0b", "x" * 100_000])
def test_an_odd_id_keeps_nothing_else_from_being_written(again: Again, odd: str) -> None:
    kept(again(), record(session_id=odd), [done(11), done(12, id=odd), done(13)])
    remembered = found(again())
    assert remembered.record is not None
    assert [one.seq for one in remembered.done] == [11, 12, 13]


@pytest.mark.parametrize("odd", [1 << 63, 1 << 200, -(1 << 70)])
def test_an_odd_number_keeps_nothing_else_from_being_written(again: Again, odd: int) -> None:
    kept(again(), record(mark=odd), [done(11), done(odd), done(13)])
    remembered = found(again())
    assert remembered.record is not None
    assert [one.seq for one in remembered.done][::2] == [11, 13]


def test_many_threads_may_commit_at_once(again: Again) -> None:
    store = again()
    keys = [f"shard {number}" for number in range(4)]
    for key in keys:
        store.open(key)

    def work(key: str) -> None:
        for seq in range(1, 51):
            store.commit(key, record(seq=seq), [done(seq)])

    threads = [threading.Thread(target=work, args=(key,)) for key in keys]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for key in keys:
        store.close(key)
    for key in keys:
        remembered = found(again(), key)
        assert remembered.record == record(seq=50)
        assert [one.seq for one in remembered.done] == list(range(1, 51))


@BOUNDED
@given(
    st.lists(
        st.tuples(st.integers(0, 30), st.sampled_from("ST"), st.lists(st.integers(1, 40), max_size=4)), max_size=12
    )
)
def test_memory_forgets_nothing_that_may_be_replayed_and_little_else(
    steps: list[tuple[int, str, list[int]]],
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("qqbot_sync.store.memory.MOST_KEYS", 5)
        store, written = MemoryStore(), []
        for seq, session, numbers in steps:
            now = record(seq=seq, session_id=session)
            group = [done(number, session=session) for number in numbers]
            store.commit(KEY, now, group)
            written += group
            remembered = list(store.open(KEY).done)
            assert [one for one in remembered if is_replayable(one, now)] == [
                one for one in written[len(written) - len(remembered) :] if is_replayable(one, now)
            ]
            assert remembered == written[len(written) - len(remembered) :], "a tail, in order"
            assert len(remembered) >= min(5, len(written))
