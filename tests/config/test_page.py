"""docs/configuration.md is what the table of settings gives, and what it shows works."""

from __future__ import annotations

import ast
import importlib.util
import re
import sys
from pathlib import Path
from types import ModuleType

import pytest

from qqbot_sync import GatewayConfig
from qqbot_sync.config.dotenv import parse_dotenv
from qqbot_sync.config.table import ALIASES, SETTINGS, TABLES

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parent.parent.parent
PAGE = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def generator() -> ModuleType:
    path = ROOT / "docs" / "generate_configuration.py"
    spec = importlib.util.spec_from_file_location("generate_configuration", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def listing(language: str, number: int = 0) -> str:
    found: list[str] = re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    return found[number]


def test_the_page_is_what_the_generator_gives(generator: ModuleType) -> None:
    assert generator.page() == PAGE, "docs/configuration.md is out of date: run `make docs`"


@pytest.mark.parametrize("key", SETTINGS)
def test_a_setting_has_a_row_with_its_variable(key: str) -> None:
    rows = re.findall(rf"^\| `{re.escape(key)}` \|.*\| {SETTINGS[key].variable} \|.*$", PAGE, re.MULTILINE)
    assert len(rows) == 1


def test_the_file_on_the_page_sets_nothing_until_a_line_is_taken(tmp_path: Path) -> None:
    path = tmp_path / "qqbot.toml"
    path.write_text(listing("toml"), encoding="utf-8")
    assert GatewayConfig.from_file(path) == GatewayConfig()


@pytest.mark.parametrize("key", SETTINGS)
def test_each_line_of_the_file_works(key: str, tmp_path: Path) -> None:
    """Its example is a value that can be read. Ids of shards need their count, and it them."""
    table, _, name = key.rpartition(".")
    (line,) = re.findall(rf"^# ({name} = .*)$", listing("toml"), re.MULTILINE)
    partner = {"shards": "shard_count = 16", "shard_count": "shards = [0]"}.get(key, "")
    path = tmp_path / "qqbot.toml"
    path.write_text(f"{partner}\n[{table}]\n{line}" if table else f"{partner}\n{line}", encoding="utf-8")
    path.chmod(0o600)
    GatewayConfig.from_file(path)


def test_the_file_without_its_signs_holds_every_setting(generator: ModuleType) -> None:
    data = tomllib.loads(generator.sample(commented=False))
    keys = {name for name in data if name not in TABLES}
    keys |= {f"{table}.{name}" for table in TABLES for name in data[table]}
    assert keys == set(SETTINGS)


def test_the_listings_are_what_they_say() -> None:
    for code in re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL):
        ast.parse(code)
    assert set(parse_dotenv(listing("sh", 1))) <= {setting.variable for setting in SETTINGS.values()}


def test_both_languages_are_there() -> None:
    """Every setting is told in Chinese and in English."""
    for setting in SETTINGS.values():
        assert re.search("[\u4e00-\u9fff]|^$", setting.chinese), setting.key
        assert setting.english.isascii(), setting.key


def test_botrs_names_point_to_settings() -> None:
    assert set(ALIASES.values()) <= set(SETTINGS)
