"""Odd bytes from a real socket to a real handler: whatever can be read arrives typed, the rest is counted."""

from __future__ import annotations

import copy
import inspect
import json
import logging
import queue
import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from qqbot_sync import BotClient, Context, EventHandler, Intents, Simulator
from qqbot_sync.events import EVENTS
from qqbot_sync.models import Model, Ready
from tests.client.conftest import MakeClient
from tests.client.scripted import ScriptedPlatform
from tests.mutations import Pushed, frames, read_back
from tests.support import PATIENCE, PAYLOADS, eventually, payload

Got = queue.Queue[tuple[Context, Any]]

bounded = settings(
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
    # A frame that never arrives costs the whole patience: it is shown as it was drawn, not made smaller.
    phases=(Phase.explicit, Phase.generate),
)
TYPED = [name for name, spec in EVENTS.items() if spec.model is not None and name != "READY"]
MARKER = "A_NEW_EVENT"


def use_everything(value: Any) -> None:
    """Reads every property of a model and of the models inside it, and writes it in every form: nothing may raise."""
    if isinstance(value, (list, dict)):
        for each in value.values() if isinstance(value, dict) else value:
            use_everything(each)
    if not isinstance(value, Model):
        return
    for name, _ in inspect.getmembers(type(value), lambda member: isinstance(member, property)):
        found = getattr(value, name)
        if not isinstance(found, Model) or type(found) is not type(value):
            use_everything(found)
    for field in fields(value):
        use_everything(getattr(value, field.name))
    assert repr(value)
    assert copy.deepcopy(value) == value
    assert value.to_json()
    assert type(value).from_dict(value.to_dict()) == value


def check(name: str, ctx: Context, event: Any, sent: dict[str, Any]) -> None:
    """What a handler got is its model, beside everything that came."""
    model = EVENTS[name].model
    assert model is not None
    assert ctx.name == name
    assert type(event) is model
    assert repr(ctx.raw) == repr(sent.get("d"))
    assert repr(ctx.envelope) == repr(sent)
    use_everything(event)
    assert isinstance(ctx.content, str)
    assert repr((ctx, ctx.target, ctx.anchor, ctx.keys))


@contextmanager
def listening(platform: ScriptedPlatform) -> Iterator[tuple[BotClient, Got, Got]]:
    """A client that hears every event of the table typed, and everything raw."""
    typed: Got = queue.Queue()
    raw: Got = queue.Queue()
    client = platform.client()
    for name in TYPED:
        client.on(name)(lambda ctx, event: typed.put((ctx, event)))

    @client.on_raw
    def everything(ctx: Context, envelope: dict[str, Any]) -> None:
        if ctx.name != "READY":
            raw.put((ctx, envelope))

    try:
        client.start()
        yield client, typed, raw
    finally:
        client.stop(timeout=0)


def push_and_check(examples: int) -> None:
    with ScriptedPlatform() as platform, listening(platform) as (client, typed, raw):

        @settings(bounded, max_examples=examples)
        @given(frames())
        def each(pushed: Pushed) -> None:
            data = pushed.sent(platform.next_seq())
            platform.say(data)
            try:
                ctx, event = typed.get(timeout=PATIENCE)
            except queue.Empty:
                raise AssertionError(f"this frame reached no handler: {data!r}") from None
            sent = read_back(data)
            check(pushed.name, ctx, event, sent)
            assert repr(raw.get(timeout=PATIENCE)[1]) == repr(sent)

        each()
        numbers = client.metrics.snapshot()
        assert numbers.frames_dropped == {}
        assert numbers.events_deduplicated == numbers.events_failed == 0
        assert client.is_connected()
        assert len(platform.greetings) == 1


def test_a_frame_with_anything_wrong_in_it_reaches_its_handler_as_its_model() -> None:
    push_and_check(300)


@pytest.mark.long
def test_many_frames_with_anything_wrong_in_them_reach_their_handlers_as_their_models() -> None:
    push_and_check(10_000)


def every_method(typed: Got) -> EventHandler:
    """A handler that overrides every method for an event that has a model."""

    def method(self: EventHandler, ctx: Context, event: Any) -> None:
        typed.put((ctx, event))

    kind = type("Everything", (EventHandler,), {EVENTS[name].callback: method for name in TYPED})
    handler: EventHandler = kind()
    return handler


def test_a_body_with_anything_wrong_in_it_reaches_its_method_through_a_simulator(make_client: MakeClient) -> None:
    """The same with the simulator as the platform, and an `EventHandler` that overrides every method."""
    typed: Got = queue.Queue()
    with Simulator(grant=Intents.all()) as qq:
        client = make_client(qq, handler=every_method(typed))
        client.start()

        @settings(bounded, max_examples=100)
        @given(frames(as_json=True))
        def each(pushed: Pushed) -> None:
            frame = json.loads(pushed.sent(0))
            qq.push(pushed.name, frame["d"], id=frame["id"])
            ctx, event = typed.get(timeout=PATIENCE)
            check(pushed.name, ctx, event, {**ctx.envelope, "d": frame["d"]})

        each()
        assert client.metrics.snapshot().frames_dropped == {}
        client.stop()


@pytest.mark.parametrize("odd", ["", None, [], 7, {}, {"session_id": 5, "user": [], "shard": "x", "version": {}}])
def test_an_odd_ready_is_a_ready(odd: Any) -> None:
    """The bot works, and `on_ready` gets a `Ready`."""
    with ScriptedPlatform(ready=odd) as platform:
        client = platform.client()
        seen: Got = queue.Queue()
        client.on_ready(lambda ctx, ready: seen.put((ctx, ready)))
        client.on("FRIEND_ADD")(lambda ctx, friend: seen.put((ctx, friend)))
        client.start()
        assert type(seen.get(timeout=PATIENCE)[1]) is Ready
        platform.dispatch("FRIEND_ADD", payload("friend_add")["d"])
        assert type(seen.get(timeout=PATIENCE)[1]) is EVENTS["FRIEND_ADD"].model
        assert client.bot_id is None
        client.stop()


# -- what cannot be read ----------------------------------------------------------------------------------------------

UNREADABLE = {
    "nothing": b"",
    "no JSON": b"hello",
    "only bad bytes": b"\xff\xfe\x80",
    "no object": b"[1,2]",
    "a text": b'"GROUP_AT_MESSAGE_CREATE"',
    "null": b"null",
    "no opcode and no name": b'{"d":{}}',
    "an opcode that is none": b'{"op":"dispatch"}',
    "a body that does not end": b'{"op":0,"s":9,"t":"GUILD_CREATE","d":{"id":"1"',
    "a body that is no JSON": b'{"op":0,"s":9,"t":"GUILD_CREATE","d":{"id":01}}',
    "lists past all limits": b'{"op":0,"s":9,"t":"GUILD_CREATE","d":' + b"[" * 150_000 + b"]" * 150_000 + b"}",
    "objects past all limits": b'{"op":0,"s":9,"t":"GUILD_CREATE","d":' + b'{"a":' * 150_000 + b"1" + b"}" * 150_001,
}


def cut_frames(count: int) -> list[bytes]:
    """Captured frames that end too early."""
    dice = random.Random(4)
    whole = [path.read_bytes().strip() for path in sorted(PAYLOADS.glob("[!_]*.json"))]
    chosen = [dice.choice(whole) for _ in range(count)]
    return [frame[: dice.randrange(len(frame))] for frame in chosen]


def push_garbage(garbage: list[bytes], caplog: pytest.LogCaptureFixture) -> None:
    with ScriptedPlatform() as platform, listening(platform) as (client, typed, _raw):
        session = client.get_session_info()
        assert session is not None
        for number, data in enumerate(garbage, start=1):
            platform.say(data)
            platform.dispatch("FRIEND_ADD", {"openid": str(number)})
            ctx, friend = typed.get(timeout=PATIENCE)
            assert (ctx.name, friend.openid) == ("FRIEND_ADD", str(number)), f"after {data[:80]!r}"
        assert client.metrics.snapshot().frames_dropped == {"undecodable frame": len(garbage)}
        warnings = [record for record in caplog.records if record.levelno >= logging.WARNING]
        assert len(warnings) == 1, [record.getMessage() for record in warnings]
        assert "undecodable frame" in warnings[0].getMessage()
        after = client.get_session_info()
        assert after is not None
        assert after.session_id == session.session_id
        assert client.is_connected()
        assert client.metrics.reconnection_count == 0
        assert len(platform.greetings) == 1


def test_a_frame_that_nobody_can_read_is_counted_logged_once_and_ends_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Every kind of it, and captured frames that end too early, each followed by an event that arrives."""
    push_garbage([*UNREADABLE.values(), *cut_frames(50)], caplog)


@pytest.mark.long
def test_thousands_of_frames_that_end_too_early_end_nothing(caplog: pytest.LogCaptureFixture) -> None:
    push_garbage(cut_frames(5000), caplog)


# -- what is told about it --------------------------------------------------------------------------------------------


def test_a_mismatch_is_counted_each_time_and_logged_once_for_its_event_and_field(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with ScriptedPlatform() as platform, listening(platform) as (client, typed, _raw):
        for number in range(3):
            platform.dispatch("GROUP_AT_MESSAGE_CREATE", {"id": number + 1, "author": {"bot": "maybe"}})
            platform.dispatch("C2C_MESSAGE_CREATE", {"id": f"c{number}", "content": None})
        for _ in range(6):
            typed.get(timeout=PATIENCE)
        assert client.metrics.snapshot().decode_mismatches == {
            ("GROUP_AT_MESSAGE_CREATE", "id"): 3,
            ("GROUP_AT_MESSAGE_CREATE", "author.bot"): 3,
            ("C2C_MESSAGE_CREATE", "content"): 3,
        }
    told = sorted(record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING)
    assert len(told) == 3
    for line, (event, field) in zip(
        told,
        [
            ("C2C_MESSAGE_CREATE", "content"),
            ("GROUP_AT_MESSAGE_CREATE", "author.bot"),
            ("GROUP_AT_MESSAGE_CREATE", "id"),
        ],
        strict=True,
    ):
        assert line.startswith(f"{event}: field {field} ")


# -- events nobody knows yet ------------------------------------------------------------------------------------------

UNKNOWN_BODIES: list[Any] = [{"new": [1, {"deep": None}]}, [1, "two"], "text", "", 7, None, True, {}]


@pytest.mark.parametrize("d", UNKNOWN_BODIES, ids=repr)
def test_an_unknown_event_reaches_its_name_on_raw_and_unknown_event_with_the_raw_body(d: Any) -> None:
    seen: queue.Queue[tuple[str, str, Any]] = queue.Queue()

    class Handler(EventHandler):
        def unknown_event(self, ctx: Context, data: Any) -> None:
            seen.put(("unknown_event", ctx.name, data))

    with ScriptedPlatform() as platform:
        client = platform.client(handler=Handler())
        client.on("friend_add")(lambda ctx, friend: None)
        client.on(MARKER.lower())(lambda ctx, data: seen.put(("on", ctx.name, data)))

        @client.on_raw
        def raw(ctx: Context, envelope: dict[str, Any]) -> None:
            if ctx.name not in ("READY", "FRIEND_ADD"):
                seen.put(("on_raw", ctx.name, envelope["d"]))

        client.start()
        platform.dispatch("FRIEND_ADD", {"openid": "U"})
        platform.dispatch(MARKER, d, id="E:1")
        heard = [seen.get(timeout=PATIENCE) for _ in range(3)]
        eventually(lambda: client.metrics.events_processed == 3)
        assert seen.empty()
        client.stop()
    assert heard[0] == ("on_raw", MARKER, d)
    assert sorted(heard[1:]) == [("on", MARKER, d), ("unknown_event", MARKER, d)]


def test_an_unknown_event_that_is_odd_inside_arrives_as_well() -> None:
    """Bad bytes and lone surrogates are no reason to keep it back."""
    with ScriptedPlatform() as platform:
        client = platform.client()
        seen: Got = queue.Queue()
        client.on(MARKER)(lambda ctx, data: seen.put((ctx, data)))
        client.start()
        platform.say(b'{"op":0,"s":2,"t":"A_NEW_EVENT","d":{"a":"x\xff\\ud83d","b":' + b"[" * 200 + b"]" * 200 + b"}}")
        _, data = seen.get(timeout=PATIENCE)
        client.stop()
    assert data["a"] == "x\ufffd\ud83d"
    assert repr(data["b"]) == "[" * 200 + "]" * 200
