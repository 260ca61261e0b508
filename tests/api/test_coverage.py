"""Every row of the platform's interface is a method of `Api`, under the names that other SDKs gave it."""

from __future__ import annotations

import csv
import inspect
from collections import Counter
from pathlib import Path

import pytest

from qqbot_sync.api import Api
from qqbot_sync.api.endpoint import GROUPS, aliases, endpoint, endpoints

ROWS = list(
    csv.DictReader(
        (Path(__file__).parents[1] / "fixtures" / "openapi_coverage.tsv").read_text(encoding="utf-8").splitlines(),
        delimiter="\t",
    )
)
PENDING: set[str] = set()
"""Groups that are not there yet."""
GUILD_GROUPS = set(GROUPS) - {
    "c2c messages",
    "group messages",
    "rich media",
    "group management",
    "menu and panels",
    "interactions",
}
TABLE = endpoints(Api)


def test_the_file_has_all_its_rows() -> None:
    assert len(ROWS) == 114
    assert {row["group"] for row in ROWS} - {"adjacent"} == set(GROUPS)


def test_every_row_is_reached() -> None:
    wanted = Counter(
        (row["METHOD"], row["path"], row["group"]) for row in ROWS if row["group"] not in PENDING | {"adjacent"}
    )
    there = Counter((one.method, one.path, one.group) for one in TABLE)
    missing = {key: count for key, count in wanted.items() if there[key] < count}
    assert not missing


def test_no_endpoint_is_made_up() -> None:
    known = {(row["METHOD"], row["path"], row["group"]) for row in ROWS}
    assert {(one.method, one.path, one.group) for one in TABLE} <= known


def test_every_name_of_botrs_and_botpy_is_there() -> None:
    names = [
        (row["group"], name.strip())
        for row in ROWS
        for column in ("botrs", "botpy")
        for name in row[column].split(",")
        if row["group"] not in PENDING | {"auth", "adjacent"} and name.strip() != "-"
    ]
    # In Rust the second of a pair takes a struct; here every sender takes keyword arguments.
    missing = [name for _, name in names if not name.endswith("_with_params") and not hasattr(Api, name)]
    assert not missing
    assert len(names) > 90


@pytest.mark.parametrize("one", TABLE, ids=lambda one: one.name)
def test_the_docstring_tells_what_the_table_tells(one: object) -> None:
    (found,) = [each for each in TABLE if each is one]
    method = getattr(Api, found.name)
    text = inspect.getdoc(method) or ""
    assert found.summary
    assert found.summary.split(".")[0] in " ".join(text.split())
    if found.legacy:
        assert "Legacy" in text or "Experimental" in text
    if found.deprecated:
        assert "Deprecated" in text
    if found.private_only:
        assert "rivate-domain bots" in text
    if found.doc:
        assert found.doc.startswith("https://bot.q.qq.com/wiki/develop/")


@pytest.mark.parametrize("one", [one for one in TABLE if not one.name.startswith("_")], ids=lambda one: one.name)
def test_a_call_takes_at_most_three_arguments_by_position(one: object) -> None:
    (found,) = [each for each in TABLE if each is one]
    parameters = list(inspect.signature(getattr(Api, found.name)).parameters.values())[1:]
    by_position = [each for each in parameters if each.kind is each.POSITIONAL_OR_KEYWORD]
    assert len(by_position) <= 3
    assert "timeout" in {each.name for each in parameters}


def test_an_alias_is_the_same_method_and_is_listed_with_it() -> None:
    assert aliases(Api)["get_delete_member"] == "delete_member"
    assert vars(Api)["__doc__"]
    for alias, name in aliases(Api).items():
        assert getattr(Api, alias) is getattr(Api, name)
    (row,) = [one for one in TABLE if one.name == "delete_member"]
    assert row.aliases == ("get_delete_member",)


def test_the_table_is_in_the_order_of_the_groups() -> None:
    order = [list(GROUPS).index(one.group) for one in TABLE]
    assert order == sorted(order)


def test_a_group_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ValueError, match="guild"):
        endpoint("GET", "/x", group="guild")
