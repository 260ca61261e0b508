"""docs/logging.md is true: its code runs, and nothing is missing."""

from __future__ import annotations

import inspect
import logging
import re
from pathlib import Path

import pytest

from qqbot_sync import setup_logging
from qqbot_sync.logs import AREAS, LEVELS, JsonFormatter


def test_the_page_is_true(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its code runs, and it names every area, level and argument there is."""
    page = (Path(__file__).parents[2] / "docs" / "logging.md").read_text(encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(logging, "raiseExceptions", True)
    for block in re.findall(r"(?ms)^```python\n(.*?)^```", page):
        exec(compile(block, "logging.md", "exec"), {})
    for area in AREAS:
        assert f"`qqbot_sync.{area}`" in page
    for level in LEVELS:
        assert f'`"{level}"`' in page
    for argument in inspect.signature(setup_logging).parameters:
        assert argument == "spec" or f"`{argument}=" in page
    for key in re.findall(r'line\["(\w+)"\]|^ {12}"(\w+)":', inspect.getsource(JsonFormatter.format), re.M):
        assert f"`{key[0] or key[1]}`" in page
