"""The README keeps its word: its bot is the example, its code is Python, its links lead somewhere."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import qqbot_sync

ROOT = Path(__file__).parent.parent
READMES = ("README.md", "README.zh-CN.md")
PAGES = (
    *READMES,
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "docs/README.md",
    *(f"docs/adr/{path.name}" for path in (ROOT / "docs" / "adr").glob("*.md")),
)


def listings(page: str) -> list[str]:
    return re.findall(r"```python\n(.*?)```", (ROOT / page).read_text(encoding="utf-8"), re.DOTALL)


@pytest.mark.parametrize("page", READMES)
def test_the_first_listing_is_the_echo_example(page: str) -> None:
    """Statement by statement."""
    example = ast.parse((ROOT / "examples" / "echo.py").read_text(encoding="utf-8"))
    assert ast.dump(ast.Module(example.body[1:], [])) == ast.dump(ast.parse(listings(page)[0]))


@pytest.mark.parametrize("page", READMES)
def test_every_listing_is_python_and_imports_what_exists(page: str) -> None:
    """No listing names what the package does not have."""
    for listing in listings(page):
        for node in ast.walk(ast.parse(listing)):
            if isinstance(node, ast.ImportFrom) and node.module == "qqbot_sync":
                for name in node.names:
                    assert hasattr(qqbot_sync, name.name), f"{page}: {name.name}"


def test_both_languages_have_the_same_listings() -> None:
    """As many, statement by statement, whatever their texts say."""

    def skeletons(page: str) -> list[str]:
        trees = [ast.parse(listing) for listing in listings(page)]
        for node in (node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Constant)):
            node.value = ""
        return [ast.unparse(tree) for tree in trees]

    assert skeletons(READMES[0]) == skeletons(READMES[1])


@pytest.mark.parametrize("page", PAGES)
def test_every_link_within_the_checkout_leads_somewhere(page: str) -> None:
    """Relative links name files that exist."""
    for link in re.findall(r"\]\(([^)#]+)\)", (ROOT / page).read_text(encoding="utf-8")):
        if not link.startswith("http"):
            assert ((ROOT / page).parent / link).exists(), f"{page}: {link}"


@pytest.mark.parametrize("page", READMES)
def test_the_test_listing_passes(page: str) -> None:
    """The listing under "testing a bot" is a test: it is run here."""
    listing = next(text for text in listings(page) if "def test_" in text)
    space: dict[str, object] = {}
    exec(compile(listing, page, "exec"), space)
    test = next(value for name, value in space.items() if name.startswith("test_"))
    assert callable(test)
    test()
