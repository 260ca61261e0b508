"""Who waits for what, and for how long, is as it was: at any speed, on any machine."""

from __future__ import annotations

import math
import threading
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

from qqbot_sync import BotClient, Context, Environment, GatewayConfig, Intents, PendingAudit, Simulator
from qqbot_sync.clock import SystemClock
from qqbot_sync.dispatch import Claims
from qqbot_sync.dispatch.waiting import Watch
from qqbot_sync.recording import read
from qqbot_sync.recording.clocks import HastyClock, ReplayClock
from qqbot_sync.recording.gate import Gate
from qqbot_sync.recording.reading import Recording
from qqbot_sync.recording.steps import Mark
from tests.recording.support import handmade, keep_diary, message, ready, reports
from tests.support import eventually


def answers(path: Path, *, timeout: float, pause: float = 0.0) -> list[str]:
    """What a bot heard that asks the first person who writes, after it has thought for `pause` seconds."""
    config = GatewayConfig(replay_unmatched="ok")
    client = BotClient(replay=str(path), replay_speed=math.inf, config=config)
    heard: list[str] = []

    @client.on_message()
    def talk(ctx: Context, message: Any) -> None:
        if message.content != "ask":
            heard.append(message.content)
            return
        threading.Event().wait(pause)
        try:
            heard.append("answer: " + ctx.ask(None, timeout=timeout).content)
        except TimeoutError:
            heard.append("time-out")

    client.run_forever(logging=False)
    return heard


EVENTS = (0.0, ready()), (1.0, message("ask", s=2)), (1.001, message("too early", s=3)), (6.0, message("Ann", s=4))
DONE = Mark(6.2, "done", 4), Mark(6.3, "done", 2)


def test_what_came_before_the_question_is_no_answer(tmp_path: Path) -> None:
    """Even where the handler is faster in the replay than it was."""
    marks = (Mark(1.5, "wait", 2, 1), Mark(1.6, "done", 3), Mark(6.1, "over", 2, 1), *DONE)
    path = handmade(tmp_path / "r.jsonl", *EVENTS, marks=marks)
    assert sorted(answers(path, timeout=300)) == ["answer: Ann", "too early"]


def test_what_came_after_the_question_is_the_answer(tmp_path: Path) -> None:
    """Even where the handler is slower in the replay than it was."""
    marks = (Mark(1.0005, "wait", 2, 1), Mark(1.1, "over", 2, 1), *DONE)
    path = handmade(tmp_path / "r.jsonl", *EVENTS, marks=marks)
    assert answers(path, timeout=300, pause=0.05) == ["answer: too early", "Ann"]


def test_a_time_out_that_did_not_run_out_does_not(tmp_path: Path) -> None:
    """The answer came in the last moment; here the clock alone would say that it came too late."""
    marks = (Mark(1.5, "wait", 2, 1), Mark(1.6, "done", 3), Mark(6.1, "over", 2, 1), *DONE)
    path = handmade(tmp_path / "r.jsonl", *EVENTS, marks=marks)
    assert "answer: Ann" in answers(path, timeout=0.5)


def test_a_time_out_that_ran_out_does_so_without_the_wait(tmp_path: Path) -> None:
    """Five minutes in the recording, next to nothing here; who writes afterwards is not taken for the answer."""
    events = (0.0, ready()), (1.0, message("ask", s=2)), (302.0, message("too late", s=3))
    marks = Mark(1.1, "wait", 2, 1), Mark(301.1, "over", 2, 1), Mark(301.2, "done", 2), Mark(302.1, "done", 3)
    path = handmade(tmp_path / "r.jsonl", *events, marks=marks)
    assert answers(path, timeout=300) == ["time-out", "too late"]


def test_a_time_out_that_was_not_recorded_follows_the_time_of_the_recording(tmp_path: Path) -> None:
    """A bot that asks now and did not then: the next event is a minute away, so its ask of 10 s is over by then."""
    path = handmade(
        tmp_path / "r.jsonl", (0.0, ready()), (1.0, message("ask", s=2)), (61.0, message("x", s=3)), marks=()
    )
    assert answers(path, timeout=10) == ["answer: x"]
    path.unlink()
    events = (0.0, ready()), (1.0, message("ask", s=2)), (61.0, message("x", s=3, author="B")), (62.0, ready(s=4))
    handmade(path, *events, marks=())
    assert answers(path, timeout=10) == ["x", "time-out"]


def test_a_handler_that_works_gets_the_time_it_had(tmp_path: Path) -> None:
    """Nothing tells when it ended, but the next event came half a second later: it is not played before it is done."""
    path = handmade(tmp_path / "r.jsonl", (0.0, ready()), (1.0, message("a", s=2)), (1.5, message("b", s=3)), marks=())
    client = BotClient(replay=str(path), replay_speed=math.inf, ordering="none")
    seen: list[str] = []

    @client.on_message()
    def work(ctx: Context, message: Any) -> None:
        threading.Event().wait(0.1 if message.content == "a" else 0)
        seen.append(message.content)

    client.run_forever(logging=False)
    assert seen == ["a", "b"]


def test_a_stop_ends_a_replay_that_holds_a_handler(tmp_path: Path) -> None:
    """Nobody is left behind."""
    marks = (Mark(3600.0, "wait", 2, 1),)
    path = handmade(tmp_path / "r.jsonl", (0.0, ready()), (1.0, message("ask", s=2)), marks=marks)
    client = BotClient(replay=str(path), replay_speed=10)
    asks = threading.Event()

    @client.on_message()
    def ask(ctx: Context, message: Any) -> None:
        asks.set()
        ctx.ask(None)

    client.start()
    assert asks.wait(20)
    client.stop(timeout=5)
    assert client.state == "stopped"


def test_a_verdict_of_a_reviewer_comes_in_its_time(tmp_path: Path, qq: Simulator) -> None:
    """`PendingAudit.wait()` is a wait like any other."""
    path = tmp_path / "r.jsonl"

    def bot(client: BotClient) -> list[str]:
        found: list[str] = []

        @client.on_message()
        def send(ctx: Context, message: Any) -> None:
            pending = ctx.reply("请审核")
            assert isinstance(pending, PendingAudit)
            found.append(str(pending.wait(20).id))

        return found

    intents = Intents.default()
    live = BotClient(qq.app_id, qq.secret, environment=Environment.local(qq.url), record=str(path), intents=intents)
    before = bot(live)
    live.start()
    qq.audit(result="pass", after=0.1)
    qq.say("小明", "group", "hi")
    eventually(lambda: before)
    live.stop()
    replayed = BotClient(replay=str(path), replay_speed=math.inf, intents=intents)
    again = bot(replayed)
    replayed.run_forever(logging=False)
    assert again == before
    assert reports(replayed).is_faithful


# -- the parts --------------------------------------------------------------------------------------------------------


def test_a_replays_clock_stands_still_between_two_moments() -> None:
    """Waits end when their moment is reached, sleepers wake when theirs is; time never goes back."""
    clock = ReplayClock(SystemClock())
    clock.begin()
    began = clock.now()
    clock.reach(5.0, waits_end=False)
    assert clock.now() == began + 5
    clock.reach(2.0)
    assert clock.now() == began + 5
    never = threading.Event()
    assert clock.wait(never, 0) is False
    woke: list[float] = []

    def sleep(t: float) -> None:
        clock.sleep_until(t)
        woke.append(t)

    sleepers = [threading.Thread(target=sleep, args=(t,)) for t in (9.0, 7.0)]
    for thread in sleepers:
        thread.start()
    waiting: list[bool] = []
    waiter = threading.Thread(target=lambda: waiting.append(clock.wait(never, 3)))
    waiter.start()
    eventually(lambda: all(thread.ident in clock.resting for thread in (*sleepers, waiter)))
    clock.reach(7.0)
    eventually(lambda: woke == [7.0])
    assert not waiting
    clock.reach(8.0)
    eventually(lambda: waiting == [False])
    clock.end()
    for thread in (*sleepers, waiter):
        thread.join(20)
    assert woke == [7.0, 9.0]
    clock.sleep_until(1e9)


def test_who_was_woken_rests_no_more() -> None:
    """Even where the machine has not let it run yet."""
    clock = ReplayClock(SystemClock())
    woken = threading.Event()
    me = threading.get_ident()
    with clock.resting.until(woken):
        assert me in clock.resting
        woken.set()
        assert me not in clock.resting
    assert me not in clock.resting


def test_pauses_between_two_tries_take_no_time() -> None:
    """But for the thread that pauses they are over."""
    clock = HastyClock(ReplayClock(SystemClock()))
    before = clock.now()
    assert clock.wait(threading.Event(), 3600) is False
    assert clock.now() == before + 3600
    seen: list[float] = []
    other = threading.Thread(target=lambda: seen.append(clock.now()))
    other.start()
    other.join()
    assert seen == [before]


def test_a_wait_is_held_until_it_is_released() -> None:
    """One that the recording does not know is not held at all."""
    clock = ReplayClock(SystemClock())
    gate = Gate({0: 1}, clock.real, clock.resting)
    passed: list[str] = []

    def wait() -> None:
        gate.waits(None).begun()
        passed.append("first")
        gate.waits(None).begun()
        passed.append("second")

    thread = threading.Thread(target=wait)
    thread.start()
    eventually(lambda: thread.ident in clock.resting)
    assert not passed
    assert not gate.has_begun((0, 1))
    gate.release((0, 1))
    thread.join(20)
    assert passed == ["first", "second"]
    assert gate.has_begun((0, 1))


def test_a_wait_is_over_when_its_time_out_runs_out() -> None:
    """And not when it is closed: what comes in between was not waited for any more."""
    told: list[str] = []

    class Waiting:
        def begun(self) -> None: ...

        def over(self) -> None:
            told.append("over")

    watch = Watch(
        None,
        limit=1,
        clock=SystemClock(),
        pause=nullcontext,
        context=lambda event: event,
        closed=lambda watch: told.append("closed"),
        waiting=Waiting(),
    )
    with pytest.raises(TimeoutError):
        watch.next(0)
    assert told == ["over"]
    watch.close()
    assert told == ["over", "closed"]


def test_what_was_under_way_at_the_stop_ends_by_the_stop_again(tmp_path: Path, qq: Simulator) -> None:
    """A question that was open then is open at the end of the replay: Stopped, and no time-out."""
    path = tmp_path / "r.jsonl"
    live = BotClient(qq.app_id, qq.secret, environment=Environment.local(qq.url), record=str(path))
    before = keep_diary(live, patience=300)
    live.start()
    assert qq.say("小明", "c2c", "ask").replies(timeout=10)
    live.stop()
    replayed = BotClient(replay=str(path), replay_speed=math.inf)
    diary = keep_diary(replayed, patience=300)
    replayed.run_forever(logging=False)
    assert [step[3] for steps in diary.values() for step in steps] == ["said", "Stopped"]
    assert diary == before


def test_a_new_session_is_a_new_session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its numbers begin anew for dedupe, too."""
    began: list[tuple[int, int]] = []
    monkeypatch.setattr(Claims, "new_session", lambda self, shard: began.append(shard))
    path = handmade(tmp_path / "r.jsonl", (0.0, ready()), (1.0, message("a", s=2)), (2.0, ready("two")))
    BotClient(replay=str(path), replay_speed=math.inf).run_forever(logging=False)
    assert began == [(0, 1), (0, 1)]


def test_how_often_each_event_waited_is_counted(tmp_path: Path) -> None:
    """By its number; that is what a gate is made from."""
    marks = Mark(1.0, "wait", 2, 1), Mark(1.1, "over", 2, 1), Mark(1.2, "wait", 2, 2), Mark(1.3, "wait", 0, 1)
    recording = read(handmade(tmp_path / "r.jsonl", (0.0, ready()), marks=marks))
    assert isinstance(recording, Recording)
    assert recording.waits == {2: 2, 0: 1}
