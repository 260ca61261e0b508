"""Pictures, videos, voice and files for groups and C2C: uploaded first, then sent by their `file_info`.

https://bot.q.qq.com/wiki/develop/api-v2/server-inter/message/send-receive/rich-media.html
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

from qqbot_sync.api.answers import Answer
from qqbot_sync.api.checks import chosen, given, text, whole, yes_no
from qqbot_sync.api.endpoint import endpoint
from qqbot_sync.api.files import HARD_LIMIT, Source, is_url, opened, recognised
from qqbot_sync.api.http import Http
from qqbot_sync.api.patience import Patience
from qqbot_sync.api.resource import Resource, quoted, unreadable
from qqbot_sync.api.storage import put_part
from qqbot_sync.api.uploading import FILES_TIMEOUT, Uploading
from qqbot_sync.config import Environment
from qqbot_sync.models import FileType, UploadedFile, UploadPlan
from qqbot_sync.protocol.replies import Group, User

__all__ = ["MediaCalls"]

FILE_TYPES = tuple(int(kind) for kind in FileType)


class MediaCalls(Resource):
    """Uploads. Thread-safe.

    `upload` does everything; the other calls are its steps. A `file_info` made for groups is good in any group, one
    made for users for any user, never across. Every call raises MediaError or another ApiError when the platform
    refuses, ConnectionFailed when it cannot be reached, OutcomeUnknown when nobody can tell, and TypeError or
    ValueError for bad arguments before anything is sent.
    """

    http: Http
    environment: Environment

    def upload(
        self,
        target: Group | User,
        source: Source,
        *,
        file_type: int | None = None,
        file_name: str | None = None,
        srv_send_msg: bool = False,
        chunked: bool | None = None,
        timeout: float = 600.0,
    ) -> UploadedFile:
        """Uploads a file: inline where it is small, in parts where it is not. Blocks until the platform has it all.

            file = api.upload(Group(openid), "cat.png")
            api.post_group_message(openid, media=file.media)

        Args:
            target: `Group(openid)` or `User(openid)`.
            source: a path, an http(s) URL that the platform fetches, bytes, or a file opened with "rb" (read from where
                it stands, and left open).
            file_type: 1 image, 2 video, 3 voice (silk), 4 file; None: by the name, else by the first bytes.
            file_name: None: the source's own.
            srv_send_msg: has the platform send it at once, as a proactive message.
            chunked: True: in parts whatever the size; False: never; None: from 5 MB.
            timeout: seconds for everything.

        Raises:
            OSError: the file cannot be read.
        """
        if not isinstance(target, (Group, User)):
            raise TypeError(f"target 必须是 Group 或 User / target must be a Group or User, not {target!r}")
        if file_name is not None:
            text("file_name", file_name)
        yes_no("srv_send_msg", srv_send_msg)
        if file_type is not None:
            chosen("file_type", file_type, FILE_TYPES)
        if is_url(source):
            kind = FileType(file_type) if file_type is not None else recognised(file_name or str(source))
            answer = self._uploading(target, kind, srv_send_msg, timeout).from_url(str(source), file_name)
        else:
            with opened(source, file_name) as file:
                kind = FileType(file_type) if file_type is not None else recognised(file.name)
                answer = self._uploading(target, kind, srv_send_msg, timeout).from_file(file, chunked=chunked)
        return self._uploaded(answer, f"{_place(target)}/files")

    @endpoint("POST", "/v2/users/{user_openid}/files", group="rich media")
    def post_c2c_file(
        self,
        openid: str,
        file_type: int | None = None,
        url: str | None = None,
        *,
        file_data: bytes | str | None = None,
        upload_id: str | None = None,
        file_name: str | None = None,
        srv_send_msg: bool = False,
        timeout: float = FILES_TIMEOUT,
    ) -> UploadedFile:
        """Uploads a file for users, or joins the parts of a chunked upload.

        Args:
            file_type: 1 image, 2 video, 3 voice (silk), 4 file.
            url: the platform fetches it from there; or `file_data`, or `upload_id`.
            file_data: the file itself, a few MB at most; text is taken for base64. Works, though undocumented.
            upload_id: of the chunked upload to be joined.
            file_name: what it is called.
            srv_send_msg: has the platform send it at once, as a proactive message.
            timeout: seconds.
        """
        body = _file_body(file_type, url, file_data, upload_id, file_name=file_name, srv_send_msg=srv_send_msg)
        return self._post_file(f"/v2/users/{quoted('openid', openid)}/files", body, timeout)

    @endpoint("POST", "/v2/groups/{group_openid}/files", group="rich media")
    def post_group_file(
        self,
        group_openid: str,
        file_type: int | None = None,
        url: str | None = None,
        *,
        file_data: bytes | str | None = None,
        upload_id: str | None = None,
        file_name: str | None = None,
        srv_send_msg: bool = False,
        timeout: float = FILES_TIMEOUT,
    ) -> UploadedFile:
        """Uploads a file for groups, or joins the parts of a chunked upload. Arguments as `post_c2c_file`."""
        body = _file_body(file_type, url, file_data, upload_id, file_name=file_name, srv_send_msg=srv_send_msg)
        return self._post_file(f"/v2/groups/{quoted('group_openid', group_openid)}/files", body, timeout)

    @endpoint("POST", "/v2/users/{user_id}/upload_prepare", group="rich media")
    def post_c2c_upload_prepare(
        self,
        openid: str,
        *,
        file_type: int,
        file_size: int,
        file_name: str,
        md5: str,
        sha1: str,
        md5_10m: str,
        timeout: float = 30.0,
    ) -> UploadPlan:
        """Begins a chunked upload for users; `upload` does it all.

        Args:
            file_type: as in `post_c2c_file`.
            file_size: bytes.
            file_name: what it is called.
            md5, sha1: of the file, in hexadecimal.
            md5_10m: MD5 of its first 10,002,432 bytes.
            timeout: seconds, retries included.
        """
        body = _prepare_body(file_type, file_size, file_name, hashes={"md5": md5, "sha1": sha1, "md5_10m": md5_10m})
        path = f"/v2/users/{quoted('openid', openid)}/upload_prepare"
        return self._call_for(UploadPlan, "POST", path, body=body, timeout=timeout)

    @endpoint("POST", "/v2/groups/{group_id}/upload_prepare", group="rich media")
    def post_group_upload_prepare(
        self,
        group_openid: str,
        *,
        file_type: int,
        file_size: int,
        file_name: str,
        md5: str,
        sha1: str,
        md5_10m: str,
        timeout: float = 30.0,
    ) -> UploadPlan:
        """Begins a chunked upload for groups. Arguments as `post_c2c_upload_prepare`."""
        body = _prepare_body(file_type, file_size, file_name, hashes={"md5": md5, "sha1": sha1, "md5_10m": md5_10m})
        path = f"/v2/groups/{quoted('group_openid', group_openid)}/upload_prepare"
        return self._call_for(UploadPlan, "POST", path, body=body, timeout=timeout)

    @endpoint("POST", "/v2/users/{user_id}/upload_part_finish", group="rich media")
    def post_c2c_upload_part_finish(
        self, openid: str, *, upload_id: str, part_index: int, block_size: int, md5: str, timeout: float = 30.0
    ) -> None:
        """Says that a part has been stored; 40093001 means not yet: ask again.

        Args:
            upload_id: of the upload.
            part_index: the part's `index`, as it came.
            block_size: bytes of this part.
            md5: of this part, in hexadecimal.
            timeout: seconds, retries included.
        """
        body = _finish_body(upload_id, part_index, block_size, md5)
        self._call("POST", f"/v2/users/{quoted('openid', openid)}/upload_part_finish", body=body, timeout=timeout)

    @endpoint("POST", "/v2/groups/{group_id}/upload_part_finish", group="rich media")
    def post_group_upload_part_finish(
        self, group_openid: str, *, upload_id: str, part_index: int, block_size: int, md5: str, timeout: float = 30.0
    ) -> None:
        """Says that a part has been stored. Arguments as `post_c2c_upload_part_finish`."""
        body = _finish_body(upload_id, part_index, block_size, md5)
        path = f"/v2/groups/{quoted('group_openid', group_openid)}/upload_part_finish"
        self._call("POST", path, body=body, timeout=timeout)

    @endpoint("PUT", "{presigned_url}", group="rich media")
    def _put_upload_part(self, url: str, block: bytes, patience: Patience) -> None:
        """Puts the bytes of a part where the plan says, without the token; a step of `upload`."""
        put_part(self.http, url, block, patience=patience, is_local=self.environment.api_url.startswith("http://"))

    def _uploading(self, target: Group | User, kind: FileType, srv_send_msg: bool, timeout: float) -> Uploading:
        return Uploading(
            self._caller,
            _place(target),
            put=self._put_upload_part,
            file_type=kind,
            srv_send_msg=srv_send_msg,
            timeout=timeout,
        )

    def _post_file(self, path: str, body: Mapping[str, Any], timeout: float) -> UploadedFile:
        answer = self._caller.call("POST", path, body=body, timeout=timeout, read_timeout=FILES_TIMEOUT)
        return self._uploaded(answer, path)

    def _uploaded(self, answer: Answer, path: str) -> UploadedFile:
        uploaded = self._decoder.decode(UploadedFile, answer.body or b"null")
        if not uploaded.file_info:
            raise unreadable(answer, "POST", path)
        return uploaded


def _place(target: Group | User) -> str:
    return target.path.removesuffix("/messages")


def _file_body(
    file_type: int | None,
    url: str | None,
    file_data: bytes | str | None,
    upload_id: str | None,
    *,
    file_name: str | None,
    srv_send_msg: bool,
) -> dict[str, Any]:
    sources = given(url=url, file_data=file_data, upload_id=upload_id)
    if len(sources) != 1:
        raise ValueError(
            "url、file_data、upload_id 必须且只能给一个 / give exactly one of url, file_data, upload_id, "
            f"not {', '.join(sources) or 'none'}"
        )
    if url is not None and not is_url(url):
        raise ValueError(f"url 必须以 http:// 或 https:// 开头 / url must begin with http:// or https://: {url!r}")
    if isinstance(file_data, (bytes, bytearray, memoryview)):
        sources["file_data"] = base64.b64encode(file_data).decode("ascii")
    elif file_data is not None and not isinstance(file_data, str):
        raise TypeError(f"file_data 必须是 bytes / file_data must be bytes, not {type(file_data).__name__}")
    if upload_id is not None:
        text("upload_id", upload_id)
    return {
        "file_type": chosen("file_type", file_type, FILE_TYPES),
        "srv_send_msg": yes_no("srv_send_msg", srv_send_msg),
        **sources,
        **given(file_name=None if file_name is None else text("file_name", file_name)),
    }


def _prepare_body(file_type: int, file_size: int, file_name: str, *, hashes: Mapping[str, str]) -> dict[str, Any]:
    return {
        "file_type": chosen("file_type", file_type, FILE_TYPES),
        "file_size": str(whole("file_size", file_size, 1, HARD_LIMIT)),
        "file_name": text("file_name", file_name),
        **{name: text(name, value) for name, value in hashes.items()},
    }


def _finish_body(upload_id: str, part_index: int, block_size: int, md5: str) -> dict[str, Any]:
    return {
        "upload_id": text("upload_id", upload_id),
        "part_index": whole("part_index", part_index, 0, 100_000),
        "block_size": str(whole("block_size", block_size, 1, HARD_LIMIT)),
        "md5": text("md5", md5),
    }
