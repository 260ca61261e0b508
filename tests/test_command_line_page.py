"""docs/command_line.md knows every command, and names no option that there is not."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest

from qqbot_sync.cli import main
from qqbot_sync.cli.group import COMMANDS

PAGE = (Path(__file__).parent.parent / "docs" / "command_line.md").read_text(encoding="utf-8")
GLOBAL = {"--help", "--debug"}
CONNECTION = {"--app-id", "--secret", "--environment", "--proxy", "--config", "--env-file", "--simulator"}


def section(name: str) -> str:
    _, found, rest = PAGE.partition(f"\n## `qqbot-sync {name}`\n")
    assert found, f"docs/command_line.md says nothing about {name}"
    return rest.partition("\n## ")[0]


def options(name: str) -> dict[str, bool]:
    """Every long option of a command, and whether its help is hidden."""
    command = main.get_command(click.Context(main), name)
    assert command is not None
    long = ((opt, param) for param in command.params if isinstance(param, click.Option) for opt in param.opts)
    return {opt: param.hidden for opt, param in long if opt.startswith("--")}


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_described_in_both_languages(name: str) -> None:
    text = re.sub(r"```.*?```", "", section(name), flags=re.DOTALL)
    assert re.search(r"[\u4e00-\u9fff]{4}", text)
    assert re.search(r"[A-Za-z]{2,} [a-z]{2,} [a-z]{2,}", text)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_that_is_named_exists(name: str) -> None:
    named = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", section(name))) - GLOBAL
    # A transcript shows other programs too.
    assert named - {"--format"} <= set(options(name))


@pytest.mark.parametrize("name", ["tail", "send", "api", "completion", "version"])
def test_no_option_is_kept_quiet(name: str) -> None:
    shown = {option for option, is_hidden in options(name).items() if not is_hidden}
    assert all(f"`{option}" in section(name) for option in shown - GLOBAL - CONNECTION)
    assert all(f"`{option}" in PAGE for option in shown)


@pytest.mark.parametrize("name", COMMANDS)
def test_the_overview_leads_to_every_command(name: str) -> None:
    assert f"[`{name}`](#qqbot-sync-{name})" in PAGE


@pytest.mark.parametrize("link", re.findall(r"\]\(([^)#]+)\)", PAGE))
def test_every_link_leads_somewhere(link: str) -> None:
    assert (Path(__file__).parent.parent / "docs" / link).exists()
