"""The platform's own frames, pushed through a real gateway to real handlers: none is dropped."""

from __future__ import annotations

import json
import threading
import uuid
from typing import Any

import pytest

from qqbot_sync import Context, Intents, Simulator
from qqbot_sync.events import EVENTS, spec_of
from tests.client.conftest import MakeClient
from tests.support import event_payloads, eventually, payload

NAMES = event_payloads()


def fresh(frame: dict[str, Any]) -> tuple[dict[str, Any], str | None]:
    """The frame's body and id, with new ids: many samples share theirs and would count as duplicates."""
    data = json.loads(json.dumps(frame["d"]))
    if isinstance(data, dict):
        for field in ("id", "audit_id", "join_request_id"):
            if field in data:
                data[field] = uuid.uuid4().hex
    return data, f"{frame['t']}:{uuid.uuid4().hex}" if frame.get("id") else None


def test_there_are_101_of_them() -> None:
    assert len(NAMES) == 101


def test_every_frame_reaches_its_typed_handler(make_client: MakeClient) -> None:
    lock = threading.Lock()
    typed: list[tuple[str, Any, Any]] = []
    raw: list[dict[str, Any]] = []
    with Simulator(grant=Intents.all()) as qq:
        client = make_client(qq)
        frames = [payload(name) for name in NAMES]

        def take(ctx: Context, event: Any) -> None:
            with lock:
                typed.append((ctx.name, event, ctx.raw))

        for name in {frame["t"] for frame in frames}:
            client.on(name)(take)

        @client.on_raw
        def take_raw(ctx: Context, envelope: dict[str, Any]) -> None:
            with lock:
                raw.append(envelope)

        client.start()
        sent = []
        for frame in frames:
            data, event_id = fresh(frame)
            sent.append((frame["t"], data))
            qq.push(frame["t"], data, id=event_id)
        eventually(lambda: len(typed) == len(frames), what="101 events in their handlers")
        client.stop()
    key = lambda pair: (pair[0], json.dumps(pair[1], sort_keys=True))  # noqa: E731
    assert sorted(((name, data) for name, _, data in typed), key=key) == sorted(sent, key=key)
    dispatched = [envelope for envelope in raw if envelope["t"] not in ("READY", "RESUMED")]
    assert len(dispatched) == len(frames)
    for name, event, _ in typed:
        spec = spec_of(name)
        assert spec is not None
        assert spec.model is not None
        assert isinstance(event, spec.model), name
    # The documents' old forum samples write ids as numbers; nothing else differs from its model.
    assert {name.split("_")[0] for name, _ in client.metrics.snapshot().decode_mismatches} == {"FORUM"}


def test_frames_that_share_an_id_are_one_event(make_client: MakeClient) -> None:
    """Pushed as they are, samples with one id are copies of each other: handled once, counted."""
    frames = [payload(name) for name in NAMES]
    keys = set()
    for frame in frames:
        spec = EVENTS[frame["t"]]
        data = frame["d"] if isinstance(frame["d"], dict) else {}
        identity = data.get(spec.id_field) if spec.id_field else frame.get("id")
        keys.add((spec.family, identity) if identity else object())
    handled: list[str] = []
    with Simulator(grant=Intents.all()) as qq:
        client = make_client(qq, ordering="conversation")
        for name in {frame["t"] for frame in frames}:
            client.on(name)(lambda ctx, event: handled.append(ctx.name))
        client.start()
        for frame in frames:
            qq.push(frame["t"], frame["d"], id=frame.get("id"))
        marker = threading.Event()
        client.on("MARKER_EVENT")(lambda ctx, data: marker.set())
        qq.push("MARKER_EVENT", {})
        assert marker.wait(20)
        eventually(lambda: client.metrics.events_processed >= len(keys) + 1)
        client.stop()
    assert len(handled) == len(keys) < len(frames)
    assert client.metrics.snapshot().events_deduplicated == len(frames) - len(keys)


@pytest.mark.parametrize("odd", ["", None, [], 7, "text", {"id": 5, "author": []}])
def test_an_odd_body_still_reaches_its_handler(make_client: MakeClient, odd: Any) -> None:
    seen: list[tuple[Any, Any]] = []
    with Simulator(grant=Intents.all()) as qq:
        client = make_client(qq)
        client.on("GROUP_AT_MESSAGE_CREATE")(lambda ctx, message: seen.append((message, ctx.raw)))
        client.start()
        qq.push("GROUP_AT_MESSAGE_CREATE", odd)
        ((message, raw),) = eventually(lambda: seen)
        client.stop()
    assert isinstance(message, EVENTS["GROUP_AT_MESSAGE_CREATE"].model)  # type: ignore[arg-type]
    assert raw == odd
