"""Widths and line breaks of texts that mix Chinese and English."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qqbot_sync.cli.cells import cropped, filled, padded, width, wrapped


@pytest.mark.parametrize(("text", "cells"), [("", 0), ("abc", 3), ("你好", 4), ("a你b", 4), ("e\u0301", 1), ("👍", 2)])
def test_a_chinese_sign_takes_two_cells(text: str, cells: int) -> None:
    assert width(text) == cells


@given(st.text(alphabet="ab 你好,。、/(…", max_size=60), st.integers(4, 30))
def test_no_line_is_wider_than_asked_for_and_nothing_is_lost(text: str, cells: int) -> None:
    lines = filled(text, cells)
    assert all(width(line) <= cells for line in lines)
    assert "".join("".join(lines).split()) == "".join(text.split())


@given(st.text(alphabet="ab 你好", max_size=30), st.integers(1, 20))
def test_what_is_padded_has_exactly_that_width(text: str, cells: int) -> None:
    assert width(padded(text, cells)) == cells
    assert width(cropped(text, cells)) <= cells


def test_no_line_begins_with_a_comma() -> None:
    """Chinese is broken anywhere but before its punctuation."""
    assert filled("一二三,四五", 6) == ["一二", "三,四", "五"]


def test_two_languages_that_need_more_than_a_line_get_lines_of_their_own() -> None:
    text = "只看这些事件 / these events alone"
    assert wrapped(text, 40) == [text]
    assert wrapped(text, 30) == ["只看这些事件", "these events alone"]


def test_a_slash_between_chinese_words_is_no_border_between_languages() -> None:
    assert wrapped("频道 / 群聊 / 单聊的消息都在这里", 24) == ["频道 / 群聊 / 单聊的消息", "都在这里"]


def test_a_line_break_between_chinese_signs_is_no_blank() -> None:
    assert wrapped("互相\n踢下线,\n也可能 or\nnot", 60) == ["互相踢下线,也可能 or not"]
