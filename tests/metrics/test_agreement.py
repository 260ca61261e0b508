"""After faults of every kind the client's numbers are those that the platform counted itself, to the last one.

The platform's side is read from the simulator's log alone: what it put on the wire, took, refused and closed.
"""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from qqbot_sync import (
    BotClient,
    ConnectionFailed,
    Context,
    Event,
    GatewayConfig,
    HeartbeatConfig,
    Intents,
    ReconnectConfig,
    Simulator,
    UrlNotAllowed,
)
from qqbot_sync.metrics import MetricsSnapshot
from qqbot_sync.protocol.replies import Target
from tests.client.clocks import out_of_reach, start_in_vain
from tests.client.conftest import MakeClient
from tests.support import eventually, payload

QUICK = ReconnectConfig(initial_delay=0.01, max_delay=0.05)
Numbers = dict[str, Any]


def counted_by_the_platform(qq: Simulator, heard: frozenset[str]) -> Numbers:
    """What the log says, as numbers. `heard`: the events the bot has handlers for."""
    kinds: Counter[str] = Counter()
    entries: dict[str, list[dict[str, Any]]] = {}
    for entry in qq.entries():
        kinds[entry["kind"]] += 1
        entries.setdefault(entry["kind"], []).append(entry)
    dispatched = entries.get("dispatched", [])
    for_handlers = [entry["id"] for entry in dispatched if entry["event"] in heard]
    greetings = kinds["identified"] + kinds["resumed"]
    refused = Counter(
        entry["code"] for entry in entries.get("refused", []) if entry["path"].endswith("/messages") and entry["code"]
    )
    return {
        "events_received": len(dispatched) + greetings,
        "events_unheard": len(dispatched) - len(for_handlers) + greetings,
        "events_deduplicated": len(for_handlers) - len(set(for_handlers)),
        "events_dispatched": len(set(for_handlers)),
        "events_processed": len(set(for_handlers)),
        "replies_sent": kinds["answered"],
        "replies_failed": refused[304003] + refused[40034024],
        "proactive_sent": kinds["sent"],
        "connection_attempts": kinds["connected"],
        "reconnections": kinds["connected"] - 1,
        "identifies": kinds["identified"],
        "resumes": kinds["resumed"],
        "heartbeats": kinds["heartbeat"],
    }


def counted_by_the_client(client: BotClient, names: Numbers) -> Numbers:
    """The same numbers of the client's snapshot."""
    now = client.metrics.snapshot()
    return {name: sum(value.values()) if isinstance(value := getattr(now, name), dict) else value for name in names}


def agree(client: BotClient, qq: Simulator, heard: frozenset[str], *, connections: int = 1) -> MetricsSnapshot:
    """Waits until nothing is under way any more; then both sides must have counted the same.

    Args:
        connections: how many there must have been by then.
    """

    def is_quiet() -> bool:
        expected = counted_by_the_platform(qq, heard)
        if expected["connection_attempts"] < connections:
            return False
        return client.is_connected() and counted_by_the_client(client, expected) == expected

    try:
        eventually(is_quiet)
    except AssertionError:
        expected = counted_by_the_platform(qq, heard)
        assert counted_by_the_client(client, expected) == expected
        raise
    return client.metrics.snapshot()


FAULTS: dict[str, Callable[[Simulator], object]] = {
    "op 7": lambda qq: qq.reconnect(),
    "close 4009": lambda qq: qq.close(4009),
    "close 4006": lambda qq: qq.invalidate(),
    "close 1011": lambda qq: qq.close(1011),
    "network": lambda qq: qq.drop(),
    "twice": lambda qq: qq.duplicate(3),
    "in another order": lambda qq: qq.reorder(3, within=0.05),
    "garbage": lambda qq: qq.garbage("json"),
    "beat": lambda qq: qq.ask_heartbeat(),
    "lost answers": lambda qq: qq.lose_answer(2, "/v2/"),
    "failures": lambda qq: qq.fail_http(500, 2, "/v2/"),
    "forbidden links": lambda qq: qq.fail_http(400, 2, "/v2/", code=304003),
}
CUTS = ("op 7", "close 4009", "close 4006", "close 1011", "network")
"""Those that end the connection, which is counted under this name."""


@pytest.mark.parametrize("seed", [1, *(pytest.param(seed, marks=pytest.mark.long) for seed in range(2, 12))])
def test_the_metrics_agree_with_the_platforms_own_counts_after_chaos(
    seed: int, qq: Simulator, make_client: MakeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("qqbot_sync.protocol.session.MAX_PAUSE", 0.05)
    client = make_client(qq, reconnect=QUICK)

    @client.on_message()
    def echo(ctx: Context, message: Any) -> None:
        ctx.reply(message.content.strip())

    heard = frozenset({Event.GROUP_AT_MESSAGE_CREATE, Event.C2C_MESSAGE_CREATE})
    client.start()
    dice = random.Random(seed)
    played = [*FAULTS, *FAULTS]
    dice.shuffle(played)
    for name in played:
        for place in ("group", "c2c", "group"):
            qq.say(dice.choice("甲乙丙"), place, "hi")
        if name == "close 4006":
            # What this session has not delivered is lost with it, and nobody could count it.
            agree(client, qq, heard)
        connections = len(qq.entries(kinds=["connected"])) + (name in CUTS)
        FAULTS[name](qq)
        for place in ("c2c", "group", "c2c"):
            qq.say(dice.choice("甲乙丙"), place, "hi")
        qq.push("GROUP_ADD_ROBOT", payload("group_add_robot")["d"])
        agree(client, qq, heard, connections=connections)
    now = agree(client, qq, heard)
    assert now.events_deduplicated == 6, "the fault did what it should"
    assert now.reconnections == dict.fromkeys(CUTS, 2)
    assert now.replies_failed == {"UrlNotAllowed": 4}
    assert now.frames_dropped == {"undecodable frame": 2}
    assert now.heartbeats == 2
    assert (now.identifies, now.resumes) == (3, 8)
    assert now.connection_successes == now.connection_attempts == 11
    assert now.events_decoded == now.events_processed
    assert now.handler_durations is not None
    assert now.handler_durations.count == now.events_processed
    assert now.events_failed == sum(now.replies_failed.values()), "an echo that was refused has failed"


def test_proactive_messages_are_counted_apart_from_replies(qq: Simulator, make_client: MakeClient) -> None:
    client = make_client(qq)
    groups: list[Target] = []

    @client.on_message()
    def echo(ctx: Context, message: Any) -> None:
        assert ctx.target is not None
        groups.append(ctx.target)
        ctx.client.send(ctx.target, "first")
        ctx.reply("reply")

    client.start()
    assert qq.say("小明", "group", "hi").replies()
    now = agree(client, qq, frozenset({Event.GROUP_AT_MESSAGE_CREATE}))
    assert (now.replies_sent, now.proactive_sent) == (1, 1)
    qq.fail_http(400, 1, "/v2/", code=304003)
    with pytest.raises(UrlNotAllowed):
        client.send(groups[0], "refused")
    now = client.metrics.snapshot()
    assert (now.proactive_failed, now.replies_failed) == ({"UrlNotAllowed": 1}, {})


def test_a_turned_away_resume_is_an_attempt_and_no_success(qq: Simulator, make_client: MakeClient) -> None:
    client = make_client(qq, reconnect=QUICK)
    client.start()
    qq.expire_token()
    qq.drop()
    eventually(lambda: qq.entries(kinds=["resumed"]), what="the resume with a fresh token")
    now = agree(client, qq, frozenset())
    assert (now.connection_attempts, now.connection_successes) == (3, 2)
    assert now.reconnections == {"network": 1, "close 4004": 1}


def test_a_dial_that_fails_is_an_attempt_and_nothing_else() -> None:
    with Simulator() as qq:
        client = out_of_reach(qq.url)
    with pytest.raises(ConnectionFailed):
        start_in_vain(client)
    now = client.metrics.snapshot()
    assert now.connection_attempts >= 1
    assert (now.connection_successes, now.events_received, now.reconnections) == (0, 0, {})
    assert (now.connection_start, now.latency) == (None, None)


def test_dials_that_fail_after_a_lost_connection_are_one_reconnection(qq: Simulator, make_client: MakeClient) -> None:
    client = make_client(qq, reconnect=QUICK)
    client.start()
    qq.refuse_connections(3600)
    qq.drop()
    eventually(lambda: client.metrics.snapshot().connection_attempts >= 4)
    now = client.metrics.snapshot()
    assert now.reconnections == {"network": 1}
    assert now.connection_successes == 1


def test_an_answer_that_ask_took_counts_as_processed(qq: Simulator, make_client: MakeClient) -> None:
    client = make_client(qq)

    @client.on_message()
    def greet(ctx: Context, message: Any) -> None:
        ctx.reply(f"hello {ctx.ask('your name?', timeout=20).content.strip()}")

    client.start()
    first = qq.say("小明", "group", "hi")
    assert first.replies()
    qq.say("小明", "group", "Ming")
    assert len(first.replies(count=2)) == 2
    now = agree(client, qq, frozenset({Event.GROUP_AT_MESSAGE_CREATE}))
    assert now.events_processed == 2
    assert now.handlers[next(iter(now.handlers))].count == 1


def test_an_interaction_nobody_handles_is_unheard_once(qq: Simulator, make_client: MakeClient) -> None:
    client = make_client(qq, intents=Intents.default())
    client.start()
    qq.push("INTERACTION_CREATE", payload("interaction_create")["d"], id="e1")
    agree(client, qq, frozenset())


def test_a_handler_that_fails_and_one_that_waits_are_told_apart(qq: Simulator, make_client: MakeClient) -> None:
    client = make_client(qq)
    began, go_on = threading.Event(), threading.Event()

    @client.on_message(startswith="wait")
    def wait(ctx: Context, message: Any) -> None:
        began.set()
        assert go_on.wait(20)

    @client.on_message(startswith="fail")
    def fail(ctx: Context, message: Any) -> None:
        raise ValueError("on purpose")

    client.start()
    qq.say("小明", "group", "wait")
    assert began.wait(20)
    qq.say("小红", "group", "fail")
    eventually(lambda: client.metrics.snapshot().events_failed == 1)
    now = client.metrics.snapshot()
    assert (now.events_dispatched, now.events_processed) == (2, 1)
    assert [name.rpartition(".")[2] for name in now.handlers] == ["fail"]
    go_on.set()
    eventually(lambda: client.metrics.events_processed == 2)
    assert sorted(name.rpartition(".")[2] for name in client.metrics.snapshot().handlers) == ["fail", "wait"]


def test_queue_depth_age_and_latency_are_in_the_snapshot(qq: Simulator, make_client: MakeClient) -> None:
    client = make_client(qq, workers=1, heartbeat=HeartbeatConfig(interval=0.05))
    began, go_on = threading.Event(), threading.Event()

    @client.on_message()
    def wait(ctx: Context, message: Any) -> None:
        began.set()
        assert go_on.wait(20)

    client.start()
    qq.say("小明", "group", "1")
    assert began.wait(20)
    qq.say("小红", "group", "2")
    qq.say("小刚", "group", "3")
    eventually(lambda: client.metrics.snapshot().queue_depth == 2)
    eventually(lambda: client.metrics.snapshot().queue_age > 0)
    assert eventually(lambda: client.metrics.snapshot().latency is not None)
    assert client.metrics.snapshot().last_heartbeat is not None
    go_on.set()
    eventually(lambda: client.metrics.snapshot().queue_depth == 0)
    client.stop()
    assert client.metrics.snapshot().latency is None


def test_the_watchdog_keeps_the_rate_of_a_running_client(qq: Simulator, make_client: MakeClient) -> None:
    client = make_client(qq)

    @client.on_message()
    def echo(ctx: Context, message: Any) -> None:
        ctx.reply("hi")

    client.start()
    assert qq.say("小明", "group", "hi").replies()
    eventually(lambda: client.metrics.get_events_per_second(60) > 0, what="the rate")
    assert client.metrics.get_events_per_second() > 0
    eventually(lambda: client.metrics.get_events_per_second(0.1) == 0.0, what="a second without events")


def test_with_metrics_off_the_plain_counters_stay_on(qq: Simulator, make_client: MakeClient) -> None:
    client = make_client(qq, config=GatewayConfig(metrics_enabled=False))

    @client.on_message()
    def echo(ctx: Context, message: Any) -> None:
        ctx.reply("hi")

    client.start()
    assert qq.say("小明", "group", "hi").replies()
    now = agree(client, qq, frozenset({Event.GROUP_AT_MESSAGE_CREATE}))
    assert (now.events_processed, now.replies_sent) == (1, 1)
    assert (now.handler_durations, now.handlers) == (None, {})
