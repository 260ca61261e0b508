"""One whole upload: inline where the file is small, in parts where it is not, and what may be tried again.

An upload is no message: repeating a step whose outcome is unknown costs time and nothing else. Only one that is to be
sent at once (`srv_send_msg`) is never repeated blindly.
"""

from __future__ import annotations

import base64
import hashlib
import logging
from collections.abc import Callable
from typing import Any

from qqbot_sync.api.answers import Answer
from qqbot_sync.api.caller import Caller
from qqbot_sync.api.files import SOFT_LIMITS, LocalFile
from qqbot_sync.api.patience import Patience
from qqbot_sync.codec import ModelDecoder
from qqbot_sync.errors import ApiError, MediaError, OutcomeUnknown, RateLimited, ServerError
from qqbot_sync.models import FileType, UploadPart, UploadPlan
from qqbot_sync.protocol.error_codes import Retry, classify

__all__ = ["CHUNKED_FROM", "FILES_TIMEOUT", "Uploading"]

log = logging.getLogger("qqbot_sync.http")

CHUNKED_FROM = 5 << 20
"""Bytes from which a file goes in parts: as base64 in JSON the platform refuses it at about 10 MB (HTTP 413)."""
FILES_TIMEOUT = 120.0
"""Seconds the platform may take to fetch, convert or join a file."""
MOST_REPEATS = 2
"""Times a step is repeated that failed in a way that passes."""
NOT_STORED_CODE = 40093001
"""The part has not reached the platform's storage yet, or an upload failed: ask again."""
RETRY_TIMEOUT, LONGEST_RETRY, RETRY_DELAY = 300.0, 600.0, 1.0
"""Seconds to go on asking about a part: by default, at most, and the pause between."""

Put = Callable[[str, bytes, Patience], None]


class Uploading:
    """One upload to one place. Not thread-safe: it belongs to the thread that uploads.

    Args:
        caller: makes the calls.
        place: `/v2/users/{openid}` or `/v2/groups/{openid}`.
        put: carries the bytes of a part to an address of the storage.
        file_type: what it is to be shown as.
        srv_send_msg: the platform sends it at once, as a proactive message.
        timeout: seconds for everything.
    """

    def __init__(
        self,
        caller: Caller,
        place: str,
        *,
        put: Put,
        file_type: FileType,
        srv_send_msg: bool,
        timeout: float,
    ) -> None:
        self._caller = caller
        self._put = put
        self._place = place
        self._common = {"file_type": int(file_type), "srv_send_msg": srv_send_msg}
        self._sends = srv_send_msg
        self._soft_limit = SOFT_LIMITS.get(file_type)
        self._patience = caller.patience(timeout)

    def from_url(self, url: str, file_name: str | None) -> Answer:
        """The platform fetches it."""
        named = {"file_name": file_name} if file_name else {}
        return self._post("files", {**self._common, "url": url, **named}, is_final=True)

    def from_file(self, file: LocalFile, *, chunked: bool | None = None) -> Answer:
        """Uploads it.

        Args:
            chunked: None: as the size demands.
        """
        if self._soft_limit is not None and file.size > self._soft_limit:
            log.info(
                "%s 有 %d 字节,将以普通文件送达 / %s has %d bytes and will arrive as a plain file",
                file.name,
                file.size,
                file.name,
                file.size,
            )
        if chunked is None:
            chunked = file.size >= CHUNKED_FROM
        return self._in_parts(file) if chunked else self._inline(file)

    def _inline(self, file: LocalFile) -> Answer:
        data = base64.b64encode(file.read(0, file.size)).decode("ascii")
        return self._post("files", {**self._common, "file_name": file.name, "file_data": data}, is_final=True)

    def _in_parts(self, file: LocalFile) -> Answer:
        hashes = file.hashes()
        wanted = {
            "file_type": self._common["file_type"],
            "file_size": str(file.size),
            "file_name": file.name,
            **hashes._asdict(),
        }
        answer = self._post("upload_prepare", wanted)
        plan = ModelDecoder().decode(UploadPlan, answer.body or b"null")
        if not plan.upload_id:
            raise self._failure("upload_prepare", "回答中没有 upload_id / the answer holds no upload_id", answer)
        start = 0
        for place, part in enumerate(plan.parts):
            size = _size_of(part, plan, left=file.size - start, is_last=place == len(plan.parts) - 1)
            if size <= 0:
                raise self._failure("upload_prepare", "平台给出的分片无法使用 / the parts cannot be used", answer)
            self._send_part(plan, part, file.read(start, size))
            start += size
        if plan.parts and start != file.size:
            raise self._failure("upload_prepare", "分片没有覆盖整个文件 / the parts do not cover the file", answer)
        joined = {**self._common, "file_name": file.name, "upload_id": plan.upload_id}
        return self._post("files", joined, is_final=True)

    def _send_part(self, plan: UploadPlan, part: UploadPart, block: bytes) -> None:
        if not part.presigned_url:
            raise MediaError("平台没有给出上传地址 / the platform gave no address for a part", path=self._place)
        self._put(part.presigned_url, block, self._patience)
        done = {
            "upload_id": plan.upload_id,
            "part_index": part.index,
            "block_size": str(len(block)),
            "md5": hashlib.new("md5", block, usedforsecurity=False).hexdigest(),
        }
        config = plan.upload_config
        limit = min(float((config and config.retry_timeout) or RETRY_TIMEOUT), LONGEST_RETRY)
        delay = float((config and config.retry_delay) or RETRY_DELAY)
        end = self._caller.clock.now() + limit
        while True:
            try:
                self._post("upload_part_finish", done)
            except ApiError as error:
                now = self._caller.clock.now()
                if error.code != NOT_STORED_CODE or now + delay > end or self._patience.left() <= delay:
                    raise
                self._patience.hold(delay)
            else:
                return

    def _post(self, step: str, body: dict[str, Any], *, is_final: bool = False) -> Answer:
        """One call, repeated where that can help and does no harm.

        Args:
            is_final: the step that makes a message of it, where the platform is to send it.
        """
        repeats = 0
        may_repeat = not (is_final and self._sends)
        while True:
            try:
                return self._caller.call(
                    "POST",
                    f"{self._place}/{step}",
                    body=body,
                    timeout=max(self._patience.left(), 0.001),
                    read_timeout=FILES_TIMEOUT,
                )
            except OutcomeUnknown:
                if not may_repeat or repeats >= MOST_REPEATS or not self._patience.pause():
                    raise
            except ApiError as error:
                wait = error.retry_after if isinstance(error, RateLimited) else None
                if (
                    repeats >= MOST_REPEATS
                    or not self._may_pass(step, error, may_repeat)
                    or not self._patience.pause(wait)
                ):
                    raise
            repeats += 1

    def _may_pass(self, step: str, error: ApiError, may_repeat: bool) -> bool:
        if step == "upload_part_finish" and error.code == NOT_STORED_CODE:
            # It has a patience of its own.
            return False
        if error.code is None and isinstance(error, ServerError) and not may_repeat:
            return False
        return isinstance(error, RateLimited) or classify(error.status, error.code).retry in (Retry.YES, Retry.ONCE)

    def _failure(self, step: str, said: str, answer: Answer) -> ServerError:
        return ServerError(
            said, status=answer.status, trace_id=answer.trace_id, method="POST", path=f"{self._place}/{step}"
        )


def _size_of(part: UploadPart, plan: UploadPlan, *, left: int, is_last: bool) -> int:
    """Bytes of a part. Their place in the list decides, not `index`, whose base the platform's pages get wrong."""
    size = part.block_size or plan.block_size or left
    return left if is_last and size >= left else min(size, left)
