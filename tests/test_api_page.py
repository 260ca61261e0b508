"""docs/api.md is what the table of endpoints gives, and shows every call."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest

from qqbot_sync.api import Api
from qqbot_sync.api.endpoint import Endpoint, endpoints

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
TABLE = [one for one in endpoints(Api) if not one.name.startswith("_")]


@pytest.fixture(scope="module")
def generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("generate_api", ROOT / "docs" / "generate_api.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_is_what_the_generator_gives(generator: ModuleType) -> None:
    assert generator.page() == PAGE, "docs/api.md is out of date: run `make docs`"


@pytest.mark.parametrize("one", TABLE, ids=lambda one: one.name)
def test_a_call_is_shown_with_its_path_its_signature_and_its_aliases(one: Endpoint) -> None:
    (row,) = re.findall(rf"^\| `{one.name}`[^|]*\| `{one.method} {re.escape(one.path)}`.*$", PAGE, re.MULTILINE)
    assert not one.doc or one.doc in row
    _, found, rest = PAGE.partition(f"\n### {one.name}\n")
    assert found
    section = re.split(r"\n##", rest, maxsplit=1)[0]
    assert f"\n{one.name}(" in section
    assert all(f"`{alias}`" in section for alias in one.aliases)
    assert "'" not in section.partition("```text")[0]


@pytest.mark.parametrize("name", [name for name in dir(Api) if name.startswith("iter_")])
def test_an_iterator_is_named_with_its_call(name: str) -> None:
    assert f"`{name}`" in PAGE


def test_every_link_in_the_contents_leads_to_a_heading(generator: ModuleType) -> None:
    links = re.findall(r"^\* \[(.+?)\]\(#(.+?)\) \(\d+\)$", PAGE, re.MULTILINE)
    assert len(links) == len({one.group for one in TABLE})
    for title, _ in links:
        assert f"\n## {title}\n" in PAGE
