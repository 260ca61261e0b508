"""What is written down when: the keeper, with a store that looks over its shoulder and a clock turned by hand."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

from qqbot_sync import codec
from qqbot_sync.client import keeping
from qqbot_sync.client.keeping import BLOCK, COMPLAIN_EVERY, GROUP_EVENTS, GROUP_SECONDS, RETRY_SECONDS, Keeper
from qqbot_sync.errors import AlreadyRunning
from qqbot_sync.events import RawEvent, keys_of
from qqbot_sync.store import Done, MemoryStore, Record, Remembered
from tests.support import FakeClock, eventually

SHARD = (0, 1)
OTHER = (1, 2)


class Notebook(MemoryStore):
    """Remembers every commit; fails or hangs on request."""

    def __init__(self) -> None:
        super().__init__()
        self.commits: list[tuple[str, Record, list[Done]]] = []
        self.tries = 0
        self.failing: BaseException | None = None
        self.failed: Callable[[], None] = lambda: None
        self.may_write = threading.Event()
        self.may_write.set()
        self.closed: list[str] = []

    def commit(self, key: str, record: Record, done: Sequence[Done]) -> None:
        self.tries += 1
        self.may_write.wait(30)
        if self.failing is not None:
            error = self.failing
            self.failed()
            raise error
        super().commit(key, record, done)
        self.commits.append((key, record, list(done)))

    def close(self, key: str) -> None:
        self.closed.append(key)

    def numbers(self) -> list[list[int | None]]:
        return [[one.seq for one in done] for _, _, done in self.commits]


class ListeningClock(FakeClock):
    """Tells how long it was asked to wait, once the end of that wait is fixed."""

    def __init__(self) -> None:
        super().__init__()
        self.waits: list[float | None] = []

    def wait(self, event: threading.Event, seconds: float | None) -> bool:
        class Told(threading.Event):
            """Asked for the first time when the wait has begun."""

            was_asked = False

            def is_set(told) -> bool:
                if not told.was_asked:
                    told.was_asked = True
                    self.waits.append(seconds)
                return event.is_set()

        return super().wait(Told(), seconds)


class Bench:
    """A keeper, and what its shards would say of themselves."""

    def __init__(self) -> None:
        self.clock = ListeningClock()
        self.store = Notebook()
        self.seq = dict.fromkeys((SHARD, OTHER), 0)
        self.described: Callable[[], None] = lambda: None
        self.deaths: list[BaseException] = []
        self.keeper = self.new()

    def new(self) -> Keeper:
        return Keeper(self.store, str, clock=self.clock, describe=self._describe, broken=self.deaths.append)

    def _describe(self, numbers: tuple[int, int], mark: int) -> Record:
        self.described()
        return Record("S", self.seq[numbers], mark, 1, 1, self.clock.wall())

    def begin(self, *shards: tuple[int, int]) -> None:
        for numbers in shards or (SHARD,):
            self.keeper.open(numbers)
        self.keeper.start()

    def finish(self, *numbers: int, shard: tuple[int, int] = SHARD) -> None:
        for seq in numbers:
            self.keeper.finished(an_event(seq, shard), "S")

    def until(self, condition: Callable[[], Any], what: str = "the store") -> None:
        """Lets time pass in steps of the commit interval."""

        def step() -> Any:
            self.clock.advance(GROUP_SECONDS)
            return condition()

        eventually(step, what=what)


def an_event(seq: int | None, shard: tuple[int, int] = SHARD) -> RawEvent:
    d = b'{"id":"m%d","group_openid":"G","author":{"member_openid":"A"}}' % (seq or 0)
    name = "GROUP_AT_MESSAGE_CREATE"
    return RawEvent(
        name=name,
        d=codec.Raw(d),
        frame=b"",
        event_id=None,
        seq=seq,
        shard=shard,
        received_at=0.0,
        keys=keys_of(name, codec.Raw(d), None),
    )


@pytest.fixture
def bench() -> Iterator[Bench]:
    bench = Bench()
    yield bench
    bench.store.may_write.set()
    bench.store.failing = None
    bench.keeper.abandon()
    eventually(lambda: not bench.keeper.is_running)


# -- the mark -------------------------------------------------------------------------------------------------------


def test_the_mark_is_committed_before_the_event_may_begin(bench: Bench) -> None:
    bench.begin()
    bench.keeper.reserve(SHARD, 2)
    assert [record.mark for _, record, _ in bench.store.commits] == [2 + BLOCK - 1], "when `reserve` has returned"


def test_a_block_costs_one_commit(bench: Bench) -> None:
    bench.begin()
    for seq in range(2, 2 + 3 * BLOCK):
        bench.keeper.reserve(SHARD, seq)
        assert bench.store.commits[-1][1].mark >= seq
    assert [record.mark for _, record, _ in bench.store.commits] == [BLOCK + 1, 2 * BLOCK + 1, 3 * BLOCK + 1]


def test_events_without_a_number_and_numbers_below_the_mark_cost_nothing(bench: Bench) -> None:
    bench.begin()
    bench.keeper.reserve(SHARD, 300)
    for seq in (None, 1, 300, 300 + BLOCK - 1):
        bench.keeper.reserve(SHARD, seq)
    assert len(bench.store.commits) == 1


def test_the_mark_of_an_earlier_run_holds_on(bench: Bench) -> None:
    bench.store.commit(str(SHARD), Record("S", 10, 500, 1, 1, 0.0), [])
    bench.begin()
    bench.keeper.reserve(SHARD, 500)
    assert len(bench.store.commits) == 1
    bench.keeper.reserve(SHARD, 501)
    assert bench.store.commits[-1][1].mark == 501 + BLOCK - 1


def test_a_new_session_begins_with_a_block_of_its_own(bench: Bench) -> None:
    bench.begin()
    bench.keeper.reserve(SHARD, 5000)
    bench.keeper.renew(SHARD)
    assert bench.store.commits[-1][1].mark == BLOCK
    bench.keeper.reserve(SHARD, BLOCK)
    assert len(bench.store.commits) == 2
    bench.keeper.reserve(SHARD, BLOCK + 1)
    assert bench.store.commits[-1][1].mark == 2 * BLOCK


def test_shards_have_marks_of_their_own(bench: Bench) -> None:
    bench.begin(SHARD, OTHER)
    bench.keeper.reserve(SHARD, 1000)
    bench.keeper.reserve(OTHER, 2)
    assert [(key, record.mark) for key, record, _ in bench.store.commits] == [
        (str(SHARD), 1000 + BLOCK - 1),
        (str(OTHER), 2 + BLOCK - 1),
    ]


# -- what is done ---------------------------------------------------------------------------------------------------


def test_what_is_done_is_written_after_50_ms_and_not_before(bench: Bench) -> None:
    bench.begin()
    bench.finish(2, 3)
    eventually(lambda: GROUP_SECONDS in bench.clock.waits, what="the thread has woken and waits")
    bench.clock.advance(GROUP_SECONDS * 0.9)
    bench.finish(4)
    assert bench.store.commits == []
    bench.clock.advance(GROUP_SECONDS * 0.11)
    eventually(lambda: bench.store.commits)
    assert bench.store.numbers() == [[2, 3, 4]], "one commit for all of them"


def test_a_hundred_events_do_not_wait_for_the_50_ms(bench: Bench) -> None:
    bench.begin()
    bench.finish(*range(2, 2 + GROUP_EVENTS))
    eventually(lambda: bench.store.commits, what="the clock stood still, the group was full")
    assert bench.store.numbers() == [list(range(2, 2 + GROUP_EVENTS))]


def test_a_done_event_carries_session_number_and_key(bench: Bench) -> None:
    bench.begin()
    bench.finish(2)
    bench.until(lambda: bench.store.commits)
    assert bench.store.commits[0][2] == [Done("S", 2, "GROUP_AT_MESSAGE_CREATE", "m2")] or bench.store.commits[0][
        2
    ] == [Done("S", 2, "GROUP_MESSAGE_CREATE", "m2")]


def test_every_group_is_followed_by_the_next(bench: Bench) -> None:
    bench.begin()
    for seq in range(2, 8):
        bench.finish(seq)
        bench.until(lambda seq=seq: [seq] in bench.store.numbers())
    assert bench.store.numbers() == [[seq] for seq in range(2, 8)]


def test_with_nothing_to_write_nothing_is_written(bench: Bench) -> None:
    bench.begin(SHARD, OTHER)
    bench.finish(2, shard=OTHER)
    bench.until(lambda: bench.store.commits)
    bench.clock.advance(100)
    bench.finish(3, shard=OTHER)
    bench.until(lambda: len(bench.store.commits) == 2)
    assert {key for key, _, _ in bench.store.commits} == {str(OTHER)}


def test_a_record_is_never_older_than_its_list(bench: Bench) -> None:
    """The books say that an event is finished before the keeper hears of it: described after the list was taken."""
    bench.begin()

    def one_more_ends() -> None:
        bench.described = lambda: None
        bench.finish(3)

    bench.described = one_more_ends
    bench.finish(2)
    bench.until(lambda: len(bench.store.commits) == 2)
    assert bench.store.numbers() == [[2], [3]], "what ended while the record was made waits for the next"


def test_the_events_of_a_shard_that_was_given_up_are_nobodys(bench: Bench) -> None:
    bench.begin()
    bench.keeper.release()
    bench.finish(2)
    bench.keeper.reserve(SHARD, 1000)
    assert bench.store.commits == []
    assert bench.store.closed == [str(SHARD)]


# -- a store that fails ---------------------------------------------------------------------------------------------


def errors(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [one.getMessage() for one in caplog.records if one.levelno == logging.ERROR]


def test_a_store_that_fails_is_tried_again_until_it_works(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    bench.begin()
    bench.store.failing = OSError("disk full")
    bench.finish(2)
    bench.until(lambda: bench.store.tries == 1)
    bench.finish(3)
    bench.until(lambda: bench.store.tries >= 4, "tried again, though nothing else ends")
    bench.store.failing = None
    bench.until(lambda: bench.store.commits)
    assert bench.store.numbers() == [[2, 3]], "nothing was forgotten meanwhile"
    bench.finish(4)
    bench.until(lambda: len(bench.store.commits) == 2)
    assert bench.store.numbers() == [[2, 3], [4]]
    assert len(errors(caplog)) == 1
    assert "disk full" in caplog.text


def test_between_two_tries_lies_a_second(bench: Bench) -> None:
    bench.begin()
    bench.store.failing = OSError("disk full")
    bench.finish(2)
    bench.until(lambda: bench.store.tries == 1)
    eventually(lambda: RETRY_SECONDS in bench.clock.waits)
    bench.finish(*range(3, 3 + 2 * GROUP_EVENTS))
    bench.clock.advance(RETRY_SECONDS * 0.5)
    assert bench.store.tries == 1, "not even for a full group"


def test_a_store_that_fails_is_complained_about_once_a_minute(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    bench.begin()
    bench.store.failing = OSError("disk full")
    bench.keeper.reserve(SHARD, 2)
    bench.keeper.reserve(SHARD, 5000)
    bench.clock.advance(COMPLAIN_EVERY * 0.9)
    bench.keeper.reserve(SHARD, 10000)
    assert len(errors(caplog)) == 1
    bench.clock.advance(COMPLAIN_EVERY * 0.1)
    bench.keeper.reserve(SHARD, 20000)
    eventually(lambda: len(errors(caplog)) >= 2)


def test_a_mark_that_could_not_be_written_is_written_later(bench: Bench) -> None:
    bench.begin()
    bench.store.failing = OSError("disk full")
    bench.keeper.reserve(SHARD, 2)
    bench.store.failing = None
    bench.until(lambda: bench.store.commits, "though no event has ended")
    assert bench.store.commits[0][1].mark == 2 + BLOCK - 1


def test_what_a_reader_could_not_write_is_not_left_lying(bench: Bench) -> None:
    """`reserve` takes along what is pending; where it fails, the thread that writes has gone back to sleep."""
    bench.begin()
    bench.store.may_write.clear()
    eventually(lambda: len(bench.clock.waits) == 1)
    bench.finish(2)
    eventually(lambda: len(bench.clock.waits) == 2)
    reader = threading.Thread(target=bench.keeper.reserve, args=(SHARD, 2))
    reader.start()
    eventually(lambda: bench.store.tries == 1)
    bench.clock.advance(GROUP_SECONDS)
    eventually(lambda: bench.clock.waits[2:] == [None], what="the thread that writes finds nothing to do")
    bench.store.failing = OSError("disk full")
    bench.store.failed = lambda: setattr(bench.store, "failing", None)
    bench.store.may_write.set()
    reader.join()
    bench.until(lambda: bench.store.commits)
    assert bench.store.numbers() == [[2]]


def test_a_store_that_fails_for_long_costs_bounded_memory(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeping, "MOST_KEPT", 150)
    bench.begin()
    bench.store.failing = OSError("disk full")
    for start in range(0, 1000, 100):
        bench.finish(*range(start, start + 100))
        bench.keeper.reserve(SHARD, (start + 1) * 10_000)
    bench.store.failing = None
    bench.keeper.reserve(SHARD, 1 << 40)
    (group,) = bench.store.numbers()
    assert group == list(range(850, 1000)), "the newest"


def test_an_unexpected_end_of_the_thread_is_told(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    bench.begin()
    bench.store.failing = SystemExit("a store of the user's")
    bench.finish(2)
    bench.until(lambda: bench.deaths)
    assert any(one.levelno == logging.CRITICAL for one in caplog.records)
    eventually(lambda: not bench.keeper.is_running)
    bench.store.failing = None
    bench.keeper.stop(lambda numbers: 2)
    assert bench.store.closed == [str(SHARD)], "another run may open it"


# -- the end --------------------------------------------------------------------------------------------------------


def test_a_stop_writes_the_rest_with_the_mark_that_was_reached(bench: Bench) -> None:
    bench.begin()
    bench.keeper.reserve(SHARD, 2)
    bench.finish(2, 3)
    bench.seq[SHARD] = 3
    bench.keeper.stop(lambda numbers: 7)
    key, record, _ = bench.store.commits[-1]
    assert (key, record.seq, record.mark) == (str(SHARD), 3, 7)
    assert sorted(seq or 0 for numbers in bench.store.numbers() for seq in numbers) == [2, 3]
    assert bench.store.closed == [str(SHARD)]
    assert not bench.keeper.is_running


def test_a_stop_writes_even_if_nothing_ended(bench: Bench) -> None:
    bench.begin()
    bench.keeper.stop(lambda numbers: 4)
    assert [(record.mark, group) for _, record, group in bench.store.commits] == [(4, [])]


def test_a_run_that_was_never_ready_leaves_what_it_found(bench: Bench) -> None:
    bench.begin()
    bench.keeper.abandon()
    assert bench.store.commits == []
    assert bench.store.closed == [str(SHARD)]


def test_a_run_that_was_never_ready_still_tells_what_a_replay_brought(bench: Bench) -> None:
    bench.begin()
    bench.finish(11)
    bench.keeper.abandon()
    assert bench.store.numbers() == [[11]]


def test_a_run_that_never_began_closes_what_it_opened(bench: Bench) -> None:
    bench.keeper.open(SHARD)
    bench.keeper.abandon()
    assert bench.store.closed == [str(SHARD)]


def test_a_second_stop_does_nothing(bench: Bench) -> None:
    bench.begin()
    bench.keeper.stop(lambda numbers: 1)
    bench.keeper.stop(lambda numbers: 2)
    assert len(bench.store.commits) == 1
    assert bench.store.closed == [str(SHARD)]


def test_a_store_that_hangs_does_not_hold_up_the_stop(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(keeping, "JOIN_TIMEOUT", 0.05)
    bench.begin()
    bench.store.may_write.clear()
    bench.finish(2)
    bench.until(lambda: bench.store.tries == 1)
    bench.finish(3)
    ended = threading.Event()

    def stop() -> None:
        bench.keeper.stop(lambda numbers: 3)
        ended.set()

    threading.Thread(target=stop).start()
    assert ended.wait(20)
    assert len(errors(caplog)) == 1
    bench.store.may_write.set()
    eventually(lambda: not bench.keeper.is_running)
    assert bench.store.numbers() == [[2], [3]], "when it comes back, the rest is written after all"
    assert bench.store.closed == [str(SHARD)]


def test_a_store_that_cannot_be_closed_holds_up_no_other(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    closed: list[str] = []

    def close(key: str) -> None:
        closed.append(key)
        raise OSError("no")

    bench.store.close = close  # type: ignore[method-assign]
    bench.begin(SHARD, OTHER)
    bench.keeper.stop(lambda numbers: 1)
    assert sorted(closed) == sorted([str(SHARD), str(OTHER)])
    assert bench.deaths == []
    assert errors(caplog)


def test_what_is_in_use_elsewhere_cannot_be_opened(bench: Bench) -> None:
    class Taken(Notebook):
        def open(self, key: str) -> Remembered:
            raise AlreadyRunning("elsewhere")

    bench.store = Taken()
    keeper = bench.new()
    with pytest.raises(AlreadyRunning):
        keeper.open(SHARD)
    keeper.release()
    assert bench.store.closed == []
