"""Pressed buttons are answered in time and once, whatever the handlers are doing."""

from __future__ import annotations

import queue
import threading
from typing import Any

import pytest

from qqbot_sync import BotError, Context, Simulator
from qqbot_sync.client.acknowledging import WAIT, Acknowledging
from qqbot_sync.clock import SystemClock
from qqbot_sync.errors import ConnectionFailed
from qqbot_sync.events import Keys, RawEvent
from tests.client.conftest import MakeClient
from tests.support import FakeClock, eventually

PROMISED = 2.0
"""Seconds in which an interaction is answered."""


class Platform:
    """Takes the answers and counts them."""

    def __init__(self, clock: FakeClock, *, costs: float = 0.0) -> None:
        self.clock = clock
        self.costs = costs
        self.fails: list[Exception] = []
        self.answers: list[tuple[str, int, float]] = []

    def put_interaction(self, interaction_id: str, code: int = 0, *, timeout: float = 30.0) -> None:
        assert timeout <= 2.0
        self.clock.advance(self.costs)
        if self.fails:
            raise self.fails.pop(0)
        self.answers.append((interaction_id, code, self.clock.now()))

    @property
    def codes(self) -> list[tuple[str, int]]:
        return [(id, code) for id, code, _ in self.answers]


def interaction(clock: Any, id: str = "i", type: Any = 11) -> RawEvent:
    body = f'{{"id": "{id}", "type": {type}}}'.encode()
    return RawEvent(
        name="INTERACTION_CREATE",
        d=body,
        frame=b"",
        event_id="e",
        seq=1,
        shard=(0, 1),
        received_at=clock.now(),
        keys=Keys(None, "", ""),
    )


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def platform(clock: FakeClock) -> Platform:
    return Platform(clock)


@pytest.fixture
def acks(platform: Platform, clock: FakeClock) -> Any:
    acks = Acknowledging(platform, clock)
    acks.start()
    yield acks
    acks.stop(5)


# -- by itself ------------------------------------------------------------------------------------------------------


def test_an_interaction_nobody_answers_is_answered_with_0_when_it_is_time(
    acks: Acknowledging, platform: Platform, clock: FakeClock
) -> None:
    acks.arrived(interaction(clock))
    clock.advance(WAIT - 0.01)
    assert platform.answers == []
    clock.advance(0.01)
    eventually(lambda: platform.codes == [("i", 0)])


@pytest.mark.parametrize("type", [11, 12, '"11"', '"12"'])
def test_buttons_and_menus_need_an_answer(acks: Acknowledging, platform: Platform, clock: FakeClock, type: Any) -> None:
    acks.arrived(interaction(clock, type=type))
    clock.advance(WAIT)
    eventually(lambda: platform.codes == [("i", 0)])


@pytest.mark.parametrize("type", [1, 2, 9, 10, 13, 14, 15, 16, 18, 19, 20, 99, "null", '""', "true"])
def test_nothing_else_does(acks: Acknowledging, platform: Platform, clock: FakeClock, type: Any) -> None:
    acks.arrived(interaction(clock, type=type))
    acks.arrived(interaction(clock, "real"))
    clock.advance(10)
    eventually(lambda: platform.codes == [("real", 0)])


def test_rubbish_is_passed_over(acks: Acknowledging, platform: Platform, clock: FakeClock) -> None:
    for body in (b"null", b"[]", b'{"type": 11}', b'{"id": "", "type": 11}', b"{"):
        event = interaction(clock)
        event.d = body
        acks.arrived(event)
    clock.advance(10)
    acks.arrived(interaction(clock, "real"))
    clock.advance(10)
    eventually(lambda: platform.codes == [("real", 0)])


def test_a_handler_chooses_the_code_and_it_is_sent_once(
    acks: Acknowledging, platform: Platform, clock: FakeClock
) -> None:
    acks.arrived(interaction(clock))
    acks.acknowledge("i", 3)
    acks.acknowledge("i", 3)
    with pytest.raises(BotError, match="code 3"):
        acks.acknowledge("i", 4)
    acks.arrived(interaction(clock))
    clock.advance(10)
    acks.arrived(interaction(clock, "real"))
    clock.advance(10)
    eventually(lambda: platform.codes == [("i", 3), ("real", 0)])


def test_a_handler_that_comes_too_late_is_told(acks: Acknowledging, platform: Platform, clock: FakeClock) -> None:
    acks.arrived(interaction(clock))
    clock.advance(WAIT)
    eventually(lambda: platform.answers)
    acks.acknowledge("i", 0)
    with pytest.raises(BotError, match="too late"):
        acks.acknowledge("i", 1)
    assert platform.codes == [("i", 0)]


def test_a_copy_is_not_answered_again(acks: Acknowledging, platform: Platform, clock: FakeClock) -> None:
    for _ in range(3):
        acks.arrived(interaction(clock))
        clock.advance(WAIT)
        eventually(lambda: platform.codes == [("i", 0)])


def test_a_type_without_need_may_be_answered_by_hand(acks: Acknowledging, platform: Platform, clock: FakeClock) -> None:
    acks.arrived(interaction(clock, type=14))
    acks.acknowledge("i", 0)
    assert platform.codes == [("i", 0)]


@pytest.mark.parametrize("code", [-1, 6, True, "0", None])
def test_a_code_that_is_none_is_refused_and_the_interaction_stays_open(
    acks: Acknowledging, platform: Platform, clock: FakeClock, code: Any
) -> None:
    acks.arrived(interaction(clock))
    with pytest.raises((TypeError, ValueError), match="code"):
        acks.acknowledge("i", code)
    clock.advance(WAIT)
    eventually(lambda: platform.codes == [("i", 0)])


@pytest.mark.parametrize("error", [ConnectionFailed("no network"), ZeroDivisionError()])
def test_an_answer_that_fails_does_not_hold_up_the_next(
    acks: Acknowledging, platform: Platform, clock: FakeClock, error: Exception
) -> None:
    platform.fails.append(error)
    acks.arrived(interaction(clock, "a"))
    acks.arrived(interaction(clock, "b"))
    clock.advance(WAIT)
    eventually(lambda: platform.codes == [("b", 0)])
    assert acks.is_running


def test_many_at_once_are_begun_early_enough_for_the_last(clock: FakeClock) -> None:
    platform = Platform(clock, costs=0.1)
    acks = Acknowledging(platform, clock)
    acks._thread = threading.current_thread()  # its steps are taken here, one by one
    start = clock.now()
    for number in range(18):
        acks.arrived(interaction(clock, f"{number}"))
    while True:
        id, wait = acks._next()
        if id is not None:
            acks._answer(id)
        elif wait is not None:
            clock.advance(wait)
        else:
            break
    assert platform.codes == [(f"{number}", 0) for number in range(18)]
    assert platform.answers[-1][2] - start <= PROMISED


def test_a_stop_answers_what_is_open_at_once(platform: Platform, clock: FakeClock) -> None:
    acks = Acknowledging(platform, clock)
    acks.arrived(interaction(clock, "too early"))
    acks.start()
    acks.arrived(interaction(clock, "a"))
    acks.arrived(interaction(clock, "b"))
    acks.stop(5)
    acks.stop(5)
    assert platform.codes == [("a", 0), ("b", 0)]
    assert not acks.is_running
    acks.start()
    acks.arrived(interaction(clock, "a"))
    acks.arrived(interaction(clock, "c"))
    acks.stop(5)
    assert platform.codes[2:] == [("c", 0)]


# -- with a client --------------------------------------------------------------------------------------------------


def answered(qq: Simulator) -> list[tuple[str, int]]:
    return [(entry["id"], entry["code"]) for entry in qq.entries(kinds=["acknowledged"])]


def pressed(qq: Simulator, **fields: Any) -> str:
    qq.press("小明", "group", "b-1", data="x", **fields)
    return str(next(iter(qq.sending._open_interactions)))


def seconds_until_answered(qq: Simulator) -> float:
    [came] = [entry["time"] for entry in qq.entries(kinds=["happened"]) if entry["event"] == "INTERACTION_CREATE"]
    [answer] = [entry["time"] for entry in qq.entries(kinds=["acknowledged"])]
    return float(answer - came)


def test_a_button_is_answered_in_time_though_every_worker_is_busy(qq: Simulator, make_client: MakeClient) -> None:
    client = make_client(qq, workers=1, queue_size=1)
    busy, release = threading.Event(), threading.Event()

    @client.on_message
    def hang(ctx: Context, message: Any) -> None:
        busy.set()
        release.wait(20)

    client.on("INTERACTION_CREATE")(lambda ctx, interaction: None)
    client.start()
    qq.say("小明", "group", "busy")
    assert busy.wait(10)
    id = pressed(qq)
    assert eventually(lambda: answered(qq)) == [(id, 0)]
    assert seconds_until_answered(qq) < PROMISED * 3
    release.set()
    assert not qq.entries(kinds=["refused"])


def test_a_handler_answers_first(qq: Simulator, make_client: MakeClient) -> None:
    client = make_client(qq)
    outcome: queue.Queue[Any] = queue.Queue()

    @client.on("INTERACTION_CREATE")
    def handle(ctx: Context, interaction: Any) -> None:
        try:
            ctx.ack(3)
            ctx.reply("收到")
            outcome.put(None)
        except Exception as error:
            outcome.put(error)

    client.start()
    said = qq.press("小明", "group", "b-1", data="x")
    assert outcome.get(timeout=10) is None
    assert [reply.content for reply in said.replies()] == ["收到"]
    [(_, code)] = answered(qq)
    assert code == 3
    # The automatic answer would come now; the stop sends what is open at once.
    client.stop()
    assert len(answered(qq)) == 1
    assert not qq.entries(kinds=["refused"])


def test_a_copy_and_a_replay_are_answered_once(qq: Simulator, make_client: MakeClient) -> None:
    client = make_client(qq)
    handled: queue.Queue[str] = queue.Queue()
    client.on("INTERACTION_CREATE")(lambda ctx, interaction: handled.put(interaction.id))
    client.start()
    qq.duplicate()
    pressed(qq)
    handled.get(timeout=10)
    client.stop()
    client.start()
    client.stop()
    assert len(answered(qq)) == 1
    assert not qq.entries(kinds=["refused"])


def test_other_types_get_no_answer(qq: Simulator, make_client: MakeClient) -> None:
    client = make_client(qq)
    handled: queue.Queue[int] = queue.Queue()
    client.on("INTERACTION_CREATE")(lambda ctx, interaction: handled.put(interaction.type))
    client.start()
    group = qq.platform.rooms.group.id
    for type in (13, 14, 18):
        qq.push("INTERACTION_CREATE", {"id": f"i-{type}", "type": type, "group_openid": group})
        assert handled.get(timeout=10) == type
    client.stop()
    assert answered(qq) == []


def test_ack_is_for_interactions_only(qq: Simulator, make_client: MakeClient) -> None:
    client = make_client(qq)
    outcome: queue.Queue[Any] = queue.Queue()

    @client.on_message
    def handle(ctx: Context, message: Any) -> None:
        with pytest.raises(BotError, match="INTERACTION_CREATE") as caught:
            ctx.ack()
        outcome.put(caught.value)

    client.start()
    qq.say("小明", "group", "x")
    assert isinstance(outcome.get(timeout=10), BotError)


def test_a_client_that_runs_has_its_thread_and_is_unhealthy_without(qq: Simulator, make_client: MakeClient) -> None:
    client = make_client(qq)
    client.start()
    assert "qqbot-acks" in {thread.name for thread in threading.enumerate()}
    assert client.healthy()
    client._acks.stop(5)
    assert not client.healthy()
    client.stop()
    assert "qqbot-acks" not in {thread.name for thread in threading.enumerate()}


def test_an_answer_without_a_running_client_is_sent_all_the_same(qq: Simulator, make_client: MakeClient) -> None:
    api = make_client(qq).api
    acks = Acknowledging(api, SystemClock())
    qq.press("小明", "group", "b-1", data="x")
    id = next(iter(qq.sending._open_interactions))
    acks.acknowledge(str(id), 2)
    api.close()
    assert answered(qq) == [(id, 2)]
