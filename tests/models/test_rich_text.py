"""The three encodings of forum texts become one."""

from __future__ import annotations

import json
from typing import Any

import pytest

from qqbot_sync import models as m
from tests.models.payloads import build, read

RICH: dict[str, Any] = {
    "paragraphs": [
        {"elems": [{"type": 1, "text": {"text": "看", "props": {"font_bold": True}}}], "props": {"alignment": 1}},
        {"elems": []},
        {"elems": [{"url": {"url": "https://qq.com", "desc": "QQ"}}, {"type": 0, "text": {"text": "!"}}]},
    ]
}


def content(value: object) -> m.RichText | None:
    info = build(m.Thread, {"thread_info": {"content": value}}).thread_info
    assert info is not None
    return info.content


def test_json_in_a_text_as_in_the_events_of_today() -> None:
    rich = content(json.dumps(RICH))
    assert rich is not None
    assert rich.text == "看\n\nQQ!"
    assert rich.paragraphs[0].props == m.ParagraphProps(alignment=m.Alignment.MIDDLE)
    assert [elem.kind for elem in rich.paragraphs[2].elems] == ["url", "text"]


def test_an_object_is_read_like_its_json_text() -> None:
    assert content(RICH) == content(json.dumps(RICH))


@pytest.mark.parametrize("plain", ["一个标题", "2024", "null", "true", "{not json", '"quoted"'])
def test_plain_text_as_in_the_titles_of_the_api(plain: str) -> None:
    rich = content(plain)
    assert rich is not None
    assert rich.text == plain


def test_a_list_of_parts_as_in_the_samples_of_2021() -> None:
    info = read("forum_thread_create", m.Thread).thread_info
    assert info is not None
    assert info.content is not None
    assert info.content.text.replace("\u2009", " ") == "tencent #隐私子频道 Apple"
    named = info.content.paragraphs[0].elems[1]
    assert (named.kind, named.channel_info) == (
        "channel_info",
        m.ChannelInfo(channel_id="1505272", channel_name="#隐私子频道"),
    )
    post = read("forum_post_create", m.Post).post_info
    assert post is not None
    assert post.content is not None
    assert post.content.text == "test[表情:109]111[表情:13]"


def test_a_mention_in_the_encoding_of_2021() -> None:
    rich = content([{"type": 2, "at_info": {"type": 1, "user_info": {"id": 7, "nick": "小明"}}}])
    assert rich is not None
    assert rich.text == "@小明"


@pytest.mark.parametrize("empty", ["", "{}", {}, []])
def test_nothing_is_an_empty_text(empty: object) -> None:
    rich = content(empty)
    assert rich is not None
    assert rich.text == ""


def test_missing_and_null_are_none() -> None:
    assert content(None) is None
    assert build(m.ThreadInfo, {}).content is None


def test_pictures_and_videos_read_as_their_address() -> None:
    rich = content(
        {
            "paragraphs": [
                {
                    "elems": [
                        {"type": 2, "image": {"plat_image": {"url": "https://a/1.png"}, "width_percent": 0.5}},
                        {"type": 3, "video": {"third_url": "https://a/2.mp4"}},
                    ]
                }
            ]
        }
    )
    assert rich is not None
    assert rich.text == "https://a/1.pnghttps://a/2.mp4"


def test_a_document_encoded_wrongly_costs_only_itself() -> None:
    thread = build(m.Thread, {"guild_id": "1", "thread_info": {"content": '{"paragraphs": 5}', "title": [7, None]}})
    assert thread.guild_id == "1"
    assert thread.thread_info is not None
    assert thread.thread_info.content == m.RichText()
