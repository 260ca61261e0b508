"""docs/events.md is what the table of events gives, and shows every event."""

from __future__ import annotations

import ast
import importlib.util
import json
import re
from dataclasses import fields
from pathlib import Path
from types import ModuleType

import pytest

from qqbot_sync.codec import ModelDecoder
from qqbot_sync.events import EVENTS, EventSpec
from tests.support import event_payloads, payload

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "events.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("generate_events", ROOT / "docs" / "generate_events.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def row_of(spec: EventSpec) -> list[str]:
    (row,) = re.findall(rf"^\| \[{spec.name}\]\(#{spec.name.lower()}\).*$", PAGE, re.MULTILINE)
    return [cell.strip() for cell in row.strip("|").split("|")]


def section_of(spec: EventSpec) -> str:
    _, found, rest = PAGE.partition(f"\n### {spec.name}\n")
    assert found
    return re.split(r"\n##", rest, maxsplit=1)[0]


def test_the_page_is_what_the_generator_gives(generator: ModuleType) -> None:
    assert generator.page() == PAGE, "docs/events.md is out of date: run `make docs`"


@pytest.mark.parametrize("spec", EVENTS.values(), ids=lambda spec: spec.name)
def test_an_event_is_shown_with_its_intent_model_callbacks_and_a_sample_of_its_own(spec: EventSpec) -> None:
    _, intent, model, _reply, callback, botrs, botpy = row_of(spec)
    for name in spec.intents.names():
        bit = int(spec.intents).bit_length() - 1
        assert intent.startswith(f"{bit} {name}")
    assert bool(spec.intents) == (intent != "–")
    assert all(name in intent for name in spec.wishes.names())
    section = section_of(spec)
    if spec.model is not None:
        assert f"[{spec.model.__name__}](" in model
        assert f"[{spec.model.__name__}](" in section
    assert callback == f"`{spec.callback}`"
    assert f"`EventHandler.{spec.callback}`" in section
    assert [botrs, botpy] == [f"`{name}`" if name else "–" for name in (spec.botrs, spec.botpy)]
    (sample,) = re.findall(r"```json\n(.*?)\n```", section, re.DOTALL)
    frame = json.loads(sample)
    assert frame["t"] == spec.name
    if spec.model is not None:
        odd: list[str] = []
        built = ModelDecoder(lambda event, field: odd.append(field)).decode(
            spec.model, json.dumps(frame["d"]).encode(), event=spec.name
        )
        assert built != spec.model()
        assert not odd or spec.name.startswith("FORUM_"), "only the old forum samples differ from their model"


def test_every_event_that_was_captured_shows_a_captured_sample(generator: ModuleType) -> None:
    captured = {payload(name)["t"] for name in event_payloads()} | {"READY", "RESUMED"}
    assert set(EVENTS) - captured == set(generator.MADE_UP) == {"DIRECT_MESSAGE_DELETE", "ENTER_AIO"}
    for name in generator.MADE_UP:
        assert "never captured" in section_of(EVENTS[name])


def test_a_made_up_sample_has_every_field_of_its_model_and_no_other(generator: ModuleType) -> None:
    for name, body in generator.MADE_UP.items():
        model = EVENTS[name].model
        assert model is not None
        assert list(body) == [field.name for field in fields(model)]


def test_headings_are_in_chinese_and_english() -> None:
    headings = re.findall(r"^##? (.+)$", PAGE, re.MULTILINE)
    assert len(headings) > 15
    for heading in headings:
        chinese, _, english = heading.partition(" / ")
        assert re.search("[\u4e00-\u9fff]", chinese), heading
        assert re.fullmatch(r"[A-Za-z() -]+", english), heading


def test_every_link_leads_somewhere() -> None:
    headings = set(re.findall(r"^### (\w+)$", PAGE, re.MULTILINE))
    for link in set(re.findall(r"\]\(([^)]+)\)", PAGE)):
        if link.startswith("#"):
            assert link[1:].upper() in headings, link
        else:
            assert (ROOT / "docs" / link).exists(), link


def test_the_listing_is_python() -> None:
    (listing,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    ast.parse(listing)
