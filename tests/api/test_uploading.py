"""Whole uploads, from whatever the file comes as, against a platform and a storage that count everything."""

from __future__ import annotations

import base64
import hashlib
import io
from pathlib import Path
from typing import Any

import pytest

from qqbot_sync.api import Api, Http
from qqbot_sync.api.files import HARD_LIMIT, HEAD, recognised
from qqbot_sync.api.patience import Patience
from qqbot_sync.api.storage import put_part
from qqbot_sync.errors import ApiError, MediaError, OutcomeUnknown, QuotaExceeded, ServerError
from qqbot_sync.models import FileType
from qqbot_sync.protocol.replies import Channel, Group, User
from tests.api.support import Got, Peer, QuickClock, Step, reply, reset

PNG = b"\x89PNG\r\n\x1a\n" + bytes(40)
DONE = reply({"file_uuid": "u", "file_info": "F", "ttl": 60})
OK = reply({})
NOT_YET = reply({"code": 40093001, "message": "not stored"}, 500)
STORED = reply(None)


def md5(data: bytes) -> str:
    return hashlib.md5(data).hexdigest()


def plan(peer: Peer, *sizes: int, first: int = 1, **more: Any) -> Step:
    parts = [
        {"index": first + place, "presigned_url": f"{peer.url}/bucket/{place}?sign=s3cret", "block_size": str(size)}
        for place, size in enumerate(sizes)
    ]
    return reply({"upload_id": "up", "block_size": str(sizes[0] if sizes else 1), "parts": parts, **more})


def steps(peer: Peer) -> list[str]:
    return [f"{got.method} {got.path.partition('?')[0]}" for got in peer.requests]


def puts(peer: Peer) -> list[Got]:
    return [got for got in peer.requests if got.method == "PUT"]


# -- small files ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("target", "place"), [(Group("G"), "/v2/groups/G"), (User("U"), "/v2/users/U")])
def test_a_small_file_goes_inline(peer: Peer, api: Api, target: Any, place: str) -> None:
    peer.say(DONE)
    uploaded = api.upload(target, PNG, file_name="猫.png")
    assert (uploaded.file_info, uploaded.ttl, uploaded.media.file_info) == ("F", 60, "F")
    assert steps(peer) == [f"POST {place}/files"]
    assert peer.requests[0].json == {
        "file_type": 1,
        "srv_send_msg": False,
        "file_name": "猫.png",
        "file_data": base64.b64encode(PNG).decode(),
    }


def test_a_url_is_left_to_the_platform(peer: Peer, api: Api) -> None:
    peer.say(DONE, DONE)
    api.upload(Group("G"), "https://example.com/a/film.MP4?x=1")
    api.upload(Group("G"), "http://example.com/a", file_type=3, file_name="a.silk", srv_send_msg=True)
    first, second = (got.json for got in peer.requests)
    assert first == {"file_type": 2, "srv_send_msg": False, "url": "https://example.com/a/film.MP4?x=1"}
    assert second == {
        "file_type": 3,
        "srv_send_msg": True,
        "url": "http://example.com/a",
        "file_name": "a.silk",
    }


class Pipe(io.RawIOBase):
    """A stream that cannot be rewound."""

    def __init__(self, data: bytes) -> None:
        self._rest = io.BytesIO(data)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        return self._rest.readinto(buffer)


def test_a_file_may_come_as_anything(peer: Peer, api: Api, tmp_path: Path) -> None:
    path = tmp_path / "猫.png"
    path.write_bytes(PNG)
    peer.default = DONE
    with path.open("rb") as file, path.open("rb") as later:
        later.seek(8)
        for source in (path, str(path), file, PNG, bytearray(PNG), memoryview(PNG), io.BytesIO(PNG), Pipe(PNG), later):
            api.upload(Group("G"), source)  # type: ignore[arg-type]
        assert not file.closed
    bodies = [got.json for got in peer.requests]
    whole = base64.b64encode(PNG).decode()
    assert [body["file_data"] for body in bodies] == [whole] * 8 + [base64.b64encode(PNG[8:]).decode()]
    assert [body["file_name"] for body in bodies] == ["猫.png"] * 3 + ["file.png"] * 5 + ["猫.png"]
    assert {body["file_type"] for body in bodies} == {1}


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a.PNG", FileType.IMAGE),
        ("a.jpeg", FileType.IMAGE),
        ("a.mp4", FileType.VIDEO),
        ("a.silk", FileType.VOICE),
        ("a.wav", FileType.VOICE),
        ("a.pdf", FileType.FILE),
        ("a", FileType.FILE),
        ("https://x/a.png?y=.mp4#z", FileType.IMAGE),
    ],
)
def test_a_name_tells_what_a_file_is(name: str, kind: FileType) -> None:
    assert recognised(name) is kind


def test_the_first_bytes_tell_where_there_is_no_name(peer: Peer, api: Api) -> None:
    peer.default = DONE
    heads = {
        b"\xff\xd8\xff\xe0": (1, "file.jpg"),
        b"GIF89a": (1, "file.gif"),
        b"RIFF\0\0\0\0WEBP": (1, "file.webp"),
        b"\0\0\0\x18ftypmp42": (2, "file.mp4"),
        b"\x02#!SILK_V3": (3, "file.silk"),
        b"#!SILK_V3": (3, "file.silk"),
        b"RIFF\0\0\0\0WAVE": (3, "file.wav"),
        b"hello": (4, "file.bin"),
    }
    for head in heads:
        api.upload(User("U"), head)
    assert [(got.json["file_type"], got.json["file_name"]) for got in peer.requests] == list(heads.values())


# -- large files ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("first", [0, 1])
def test_a_large_file_goes_in_parts(peer: Peer, api: Api, tmp_path: Path, first: int) -> None:
    data = bytes(range(256)) * (HEAD // 256) + b"beyond the head, and a rest"
    path = tmp_path / "film.mp4"
    path.write_bytes(data)
    sizes = (4_000_000, 4_000_000, len(data) - 8_000_000)
    peer.say(plan(peer, *sizes, first=first), STORED, OK, STORED, OK, STORED, OK, DONE)
    assert api.upload(Group("G"), path).file_info == "F"
    finish = "POST /v2/groups/G/upload_part_finish"
    assert steps(peer) == [
        "POST /v2/groups/G/upload_prepare",
        *(step for place in range(3) for step in (f"PUT /bucket/{place}", finish)),
        "POST /v2/groups/G/files",
    ]
    assert peer.requests[0].json == {
        "file_type": 2,
        "file_size": str(len(data)),
        "file_name": "film.mp4",
        "md5": md5(data),
        "sha1": hashlib.sha1(data).hexdigest(),
        "md5_10m": md5(data[:10_002_432]),
    }
    assert b"".join(got.body for got in puts(peer)) == data
    finished = [got.json for got in peer.requests if got.path.endswith("upload_part_finish")]
    assert finished == [
        {"upload_id": "up", "part_index": first + place, "block_size": str(size), "md5": md5(got.body)}
        for place, (size, got) in enumerate(zip(sizes, puts(peer), strict=True))
    ]
    assert peer.requests[-1].json == {
        "file_type": 2,
        "srv_send_msg": False,
        "file_name": "film.mp4",
        "upload_id": "up",
    }


def test_the_storage_never_sees_who_we_are(peer: Peer, api: Api) -> None:
    peer.say(plan(peer, 5), STORED, OK, DONE)
    api.upload(Group("G"), b"12345", chunked=True)
    [put] = puts(peer)
    assert put.path == "/bucket/0?sign=s3cret"
    assert put.headers["content-type"] == "application/octet-stream"
    assert put.headers["content-length"] == "5"
    assert not {"authorization", "x-union-appid", "cookie"} & set(put.headers)
    assert not any("token-1" in value for value in put.headers.values())


def test_a_file_the_platform_has_already_is_only_named(peer: Peer, api: Api) -> None:
    peer.say(plan(peer), DONE)
    api.upload(User("U"), b"12345", chunked=True)
    assert steps(peer) == ["POST /v2/users/U/upload_prepare", "POST /v2/users/U/files"]


def test_sizes_may_be_numbers_or_missing(peer: Peer, api: Api) -> None:
    parts = [{"index": 1, "presigned_url": f"{peer.url}/b/{place}"} for place in range(3)]
    peer.say(reply({"upload_id": "up", "block_size": 2, "parts": parts}), STORED, OK, STORED, OK, STORED, OK, DONE)
    api.upload(User("U"), b"12345", chunked=True)
    assert [got.body for got in puts(peer)] == [b"12", b"34", b"5"]


@pytest.mark.parametrize("sizes", [(2, 2), (5, 5)])
def test_parts_that_do_not_fit_the_file_are_the_platforms_fault(peer: Peer, api: Api, sizes: tuple[int, ...]) -> None:
    peer.default = OK
    peer.say(plan(peer, *sizes))
    with pytest.raises(ServerError, match="parts"):
        api.upload(User("U"), b"12345", chunked=True)


def test_an_answer_without_an_upload_or_a_file_is_the_platforms_fault(peer: Peer, api: Api) -> None:
    peer.default = OK
    with pytest.raises(ServerError, match="upload_id"):
        api.upload(User("U"), b"12345", chunked=True)
    with pytest.raises(ServerError, match="/v2/users/U/files"):
        api.upload(User("U"), b"12345")
    with pytest.raises(ServerError, match="/v2/groups/G/files"):
        api.post_group_file("G", 1, "https://example.com/a.png")


# -- what passes, and what does not ---------------------------------------------------------------------------------


def test_a_part_that_is_not_stored_yet_is_asked_for_again(peer: Peer, api: Api, clock: QuickClock) -> None:
    config = {"concurrency": 1, "retry_timeout": 300, "retry_delay": 2}
    peer.say(plan(peer, 5, upload_config=config), STORED, NOT_YET, NOT_YET, NOT_YET, OK, DONE)
    assert api.upload(Group("G"), b"12345", chunked=True).file_info == "F"
    assert clock.waits == [2.0, 2.0, 2.0]
    assert len(puts(peer)) == 1


def test_asking_ends_when_the_platform_says_so(peer: Peer, api: Api, clock: QuickClock) -> None:
    peer.say(plan(peer, 5, retry_timeout=3), STORED)
    peer.default = NOT_YET
    with pytest.raises(MediaError) as caught:
        api.upload(Group("G"), b"12345", chunked=True)
    assert caught.value.code == 40093001
    assert clock.waits == [1.0, 1.0, 1.0]


def test_asking_ends_at_the_deadline(peer: Peer, api: Api, clock: QuickClock) -> None:
    peer.say(plan(peer, 5), STORED)
    peer.default = NOT_YET
    with pytest.raises(MediaError):
        api.upload(Group("G"), b"12345", chunked=True, timeout=5)
    assert sum(clock.waits) <= 5


def test_a_used_up_day_is_an_error_at_once(peer: Peer, api: Api, clock: QuickClock) -> None:
    peer.say(plan(peer, 5), STORED, reply({"code": 40093002, "message": "x"}, 500))
    with pytest.raises(QuotaExceeded):
        api.upload(Group("G"), b"12345", chunked=True)
    assert clock.waits == []


@pytest.mark.parametrize("trouble", [reply(b"<Error/>", 503), reply(b"", 429), reset])
def test_a_storage_that_fails_gets_the_part_again(peer: Peer, api: Api, trouble: Step) -> None:
    peer.say(plan(peer, 5), trouble, trouble, STORED, OK, DONE)
    assert api.upload(Group("G"), b"12345", chunked=True).file_info == "F"
    assert [got.body for got in puts(peer)] == [b"12345"] * 3


def test_a_storage_that_goes_on_failing_is_given_up(peer: Peer, api: Api) -> None:
    peer.say(plan(peer, 5))
    peer.default = reply(b"", 500)
    with pytest.raises(MediaError) as caught:
        api.upload(Group("G"), b"12345", chunked=True)
    assert (caught.value.status, caught.value.retryable, len(puts(peer))) == (500, True, 3)


def test_a_storage_that_refuses_is_not_asked_again_and_its_signature_is_not_shown(peer: Peer, api: Api) -> None:
    peer.say(plan(peer, 5), reply(b"<Error>AccessDenied</Error>", 403))
    with pytest.raises(MediaError) as caught:
        api.upload(Group("G"), b"12345", chunked=True)
    assert len(puts(peer)) == 1
    assert "/bucket/0" in str(caught.value)
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/x", "ftp://127.0.0.1/x", "/x"])
def test_an_address_that_is_no_https_is_refused(url: str, clock: QuickClock) -> None:
    import threading

    patience = Patience(clock, 5, stopped=threading.Event())
    with pytest.raises(MediaError, match="https"):
        put_part(Http(), url, b"x", patience=patience, is_local=False)


@pytest.mark.parametrize(
    "trouble",
    [reset, reply({"code": 850027}, 500), reply({"code": 40093001}, 500), reply(b"", 502), reply({"code": 1}, 429)],
)
def test_an_upload_that_fails_in_passing_is_repeated(peer: Peer, api: Api, trouble: Step) -> None:
    peer.say(trouble, trouble, DONE)
    assert api.upload(Group("G"), PNG).file_info == "F"
    peer.say(trouble, trouble, trouble)
    with pytest.raises((ApiError, OutcomeUnknown)):
        api.upload(Group("G"), PNG)
    assert len(peer.requests) == 6


@pytest.mark.parametrize("trouble", [reset, reply(b"", 502)])
def test_an_upload_that_is_a_message_is_not_repeated_where_it_may_have_been_sent(
    peer: Peer, api: Api, trouble: Step
) -> None:
    peer.say(trouble)
    with pytest.raises((ServerError, OutcomeUnknown)):
        api.upload(Group("G"), PNG, srv_send_msg=True)
    assert len(peer.requests) == 1


def test_a_refusal_that_stays_is_raised_at_once(peer: Peer, api: Api) -> None:
    peer.say(reply({"code": 850019, "message": "format"}, 400))
    with pytest.raises(MediaError, match="850019"):
        api.upload(Group("G"), PNG)
    assert len(peer.requests) == 1


# -- bad input ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "kwargs", "named"),
    [
        ((Channel("C"), PNG), {}, "target"),
        (("G", PNG), {}, "target"),
        ((Group("G"), b""), {}, "empty"),
        ((Group("G"), 5), {}, "source"),
        ((Group("G"), io.StringIO("text")), {}, "source"),
        ((Group("G"), PNG), {"file_type": 5}, "file_type"),
        ((Group("G"), PNG), {"file_name": " "}, "file_name"),
        ((Group("G"), PNG), {"srv_send_msg": 1}, "srv_send_msg"),
        ((Group("G"), PNG), {"timeout": 0}, "timeout"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_a_bad_argument_is_refused_before_anything_is_sent(
    peer: Peer, api: Api, arguments: tuple[Any, ...], kwargs: dict[str, Any], named: str
) -> None:
    with pytest.raises((TypeError, ValueError), match=named):
        api.upload(*arguments, **kwargs)
    assert not peer.requests


def test_a_file_that_is_too_large_is_refused_before_anything_is_sent(peer: Peer, api: Api, tmp_path: Path) -> None:
    path = tmp_path / "large.bin"
    with path.open("wb") as file:
        file.truncate(HARD_LIMIT + 1)
    with pytest.raises(ValueError, match="200 MB"):
        api.upload(Group("G"), path)
    assert not peer.requests


def test_a_file_that_is_not_there_is_an_error_of_the_system(api: Api, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        api.upload(Group("G"), tmp_path / "none.png")


def test_a_file_that_shrinks_meanwhile_is_noticed(peer: Peer, api: Api, tmp_path: Path) -> None:
    path = tmp_path / "log.txt"
    path.write_bytes(b"12345")

    def shrink(line: Any, got: Got) -> bool:
        path.write_bytes(b"1")
        return plan(peer, 5)(line, got)

    peer.say(shrink)
    with pytest.raises(ValueError, match="shorter"):
        api.upload(Group("G"), path, chunked=True)
