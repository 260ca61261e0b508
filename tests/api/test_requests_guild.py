"""What every call about guilds really sends, against expectations written by hand from the platform's documents."""

from __future__ import annotations

import io
from datetime import datetime, timezone
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from qqbot_sync.api import Api
from qqbot_sync.api.endpoint import endpoints
from qqbot_sync.models import (
    AnnouncesType,
    APIIdentify,
    ChannelType,
    EmojiType,
    Keyboard,
    Markdown,
    PermissionBits,
    RecommendChannel,
    RemindType,
    RichText,
    ThreadFormat,
)
from tests.api.requests import Expected, check, label, load, make
from tests.api.support import Peer, reply
from tests.api.test_coverage import GUILD_GROUPS

EXPECTED = load("requests_guild.jsonl")


@pytest.mark.parametrize("expected", EXPECTED, ids=label)
def test_a_call_sends_what_the_documents_say(api: Api, peer: Peer, expected: Expected) -> None:
    _, got = make(api, peer, expected)
    check(got, expected)


def test_every_call_about_guilds_has_an_expectation() -> None:
    expected = {one["call"] for one in EXPECTED}
    calls = {one.name for one in endpoints(Api) if one.group in GUILD_GROUPS - {"auth"}}
    assert calls <= expected


def test_a_get_without_a_body_names_no_content_type(api: Api, peer: Peer) -> None:
    api.get_guild("G")
    assert "content-type" not in peer.requests[0].headers


# -------------------------------------------------------------------- arguments that JSON cannot write


MOMENT = datetime(2026, 10, 1, 12, 0, tzinfo=timezone.utc)


@pytest.mark.parametrize(
    ("call", "args", "kwargs", "body"),
    [
        ("mute_all", ("G",), {"mute_end_timestamp": MOMENT}, {"mute_end_timestamp": "1790856000"}),
        ("create_channel", ("G",), {"name": "x", "type": ChannelType.VOICE}, {"name": "x", "type": 2}),
        ("create_channel", ("G",), {"name": "x", "type": 20001}, {"name": "x", "type": 20001}),
        (
            "update_channel_role_permissions",
            ("C", "R"),
            {"add": PermissionBits.VIEW | PermissionBits.SPEAK, "remove": PermissionBits.LIVE},
            {"add": "5", "remove": "8"},
        ),
        (
            "create_recommend_announce",
            ("G", [RecommendChannel("C", "看")]),
            {"announces_type": AnnouncesType.WELCOME},
            {"announces_type": 1, "recommend_channels": [{"channel_id": "C", "introduce": "看"}]},
        ),
        ("update_schedule", ("C", "S"), {"remind_type": RemindType.AT_START}, {"schedule": {"remind_type": "1"}}),
        (
            "update_schedule",
            ("C", "S"),
            {"start_timestamp": MOMENT},
            {"schedule": {"start_timestamp": "1790856000000"}},
        ),
        (
            "post_permission_demand",
            ("G", "C"),
            {"api_identify": APIIdentify("/guilds/{guild_id}", "GET"), "desc": "x"},
            {"channel_id": "C", "api_identify": {"path": "/guilds/{guild_id}", "method": "GET"}, "desc": "x"},
        ),
        (
            "post_message",
            ("C",),
            {"markdown": Markdown(content="# x"), "keyboard": Keyboard(id="7"), "msg_id": "M"},
            {"markdown": {"content": "# x"}, "keyboard": {"id": "7"}, "msg_id": "M"},
        ),
        (
            "patch_guild_message",
            ("C", "M"),
            {"keyboard": Keyboard(id="7"), "markdown": Markdown(content="# x")},
            {"keyboard": {"id": "7"}, "markdown": {"content": "# x"}},
        ),
    ],
)
def test_enums_datetimes_and_models_are_sent_as_the_platform_writes_them(
    api: Api, peer: Peer, call: str, args: tuple[Any, ...], kwargs: dict[str, Any], body: dict[str, Any]
) -> None:
    getattr(api, call)(*args, **kwargs)
    assert peer.requests[0].json == body


def test_a_rich_text_becomes_json_text(api: Api, peer: Peer) -> None:
    rich = RichText.from_dict({"paragraphs": [{"elems": [{"type": 1, "text": {"text": "文"}}]}]})
    api.post_thread("C", title="题", content=rich, format=ThreadFormat.JSON)
    sent = peer.requests[0].json
    assert sent["format"] == 4
    assert sent["content"] == '{"paragraphs":[{"elems":[{"type":1,"text":{"text":"文"}}]}]}'


def test_an_emoji_type_may_be_the_enum(api: Api, peer: Peer) -> None:
    peer.say(reply(None, 204))
    api.put_reaction("C", "M", emoji_type=EmojiType.EMOJI, emoji_id=128077)
    assert urlsplit(peer.requests[0].path).path.endswith("/reactions/2/128077")


def test_a_picture_may_be_a_path_an_open_file_or_bytes(api: Api, peer: Peer, tmp_path: Path) -> None:
    data = b"GIF89a..."
    path = tmp_path / "猫.gif"
    path.write_bytes(data)
    with path.open("rb") as file:
        for source in (path, str(path), file, io.BytesIO(data), bytearray(data)):
            sent = api.post_message("C", file_image=source)
            assert sent.id == "default"
    for got in peer.requests:
        assert data in got.body
        assert b"Content-Type: image/gif" in got.body
    assert all("猫.gif".encode() in got.body for got in peer.requests[:3])
    assert all(b'filename="image.gif"' in got.body for got in peer.requests[3:])
