"""What the model tests share: captured bodies by file name, read through the real decoder."""

from __future__ import annotations

import json
from typing import Any, TypeVar

from qqbot_sync.codec import ModelDecoder, decode_envelope
from qqbot_sync.events import EVENTS
from qqbot_sync.models import Model
from tests.support import PAYLOADS, event_payloads, payload

M = TypeVar("M", bound=Model)


def read(name: str, model: type[M]) -> M:
    """The model of one captured frame, as a handler would get it; asserts that nothing in it was unexpected."""
    envelope = decode_envelope((PAYLOADS / f"{name}.json").read_bytes())
    assert envelope.t is not None
    assert EVENTS[envelope.t].model is model
    return build(model, envelope.d, event=envelope.t)


def build(model: type[M], d: Any, *, event: str = "") -> M:
    """The model of a body that is given as data or as JSON."""
    text = d if isinstance(d, bytes) or type(d).__name__ == "Raw" else json.dumps(d).encode()
    return ModelDecoder().decode(model, text, event=event)


def bodies() -> list[tuple[str, type[Model], dict[str, Any]]]:
    """File name, model and body of every captured event, READY included."""
    found = []
    for name in [*event_payloads(), "ready"]:
        frame = payload(name)
        model = EVENTS[frame["t"]].model
        assert model is not None
        found.append((name, model, frame["d"]))
    return found
