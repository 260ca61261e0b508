"""The platform's storage, to which the parts of a chunked upload go. It must not see the token.

https://bot.q.qq.com/wiki/develop/api-v2/server-inter/message/send-receive/rich-media.html
"""

from __future__ import annotations

from urllib.parse import urlsplit

from qqbot_sync.api.caller import USER_AGENT
from qqbot_sync.api.http import CONNECT_TIMEOUT, Http, NetworkFailure, NotSent, Response
from qqbot_sync.api.patience import Patience
from qqbot_sync.errors import MediaError

__all__ = ["put_part"]

PART_TIMEOUT = 300.0
"""Seconds for the bytes of one part."""
MOST_REPEATS = 2
"""Times a part is sent again after a failure that passes; the same bytes in the same place do no harm."""


def put_part(http: Http, url: str, block: bytes, *, patience: Patience, is_local: bool) -> None:
    """Stores one part.

    Args:
        url: presigned by the platform.
        patience: the deadline of the whole upload.
        is_local: the platform is a simulator, whose storage may speak plain http.

    Raises:
        MediaError: the storage refused, or could not be reached.
        Stopped: closed meanwhile.
    """
    parts = urlsplit(url)
    if parts.scheme != "https" and not (is_local and parts.scheme == "http"):
        raise MediaError("上传地址不是 https,已拒绝 / the address for a part is no https, refused", path=parts.hostname)
    repeats = 0
    while True:
        outcome = _try(http, url, block, patience)
        status = outcome.status if isinstance(outcome, Response) else None
        if status is not None and 200 <= status < 300:
            return
        is_passing = status is None or status in (408, 429) or status >= 500
        if not is_passing or repeats >= MOST_REPEATS or not patience.pause():
            said = f"HTTP {status}" if status is not None else f"{type(outcome).__name__}: {outcome}"
            raise MediaError(
                f"上传分片失败 / a part could not be stored: {said}",
                status=status,
                method="PUT",
                # Without the query, which is the right to write there.
                path=f"{parts.hostname}{parts.path}",
                retryable=is_passing,
            )
        repeats += 1


def _try(http: Http, url: str, block: bytes, patience: Patience) -> Response | NetworkFailure:
    left = patience.left()
    if left <= 0:
        return NotSent("no time left")
    try:
        return http.request(
            "PUT",
            url,
            headers={"Content-Type": "application/octet-stream", "User-Agent": USER_AGENT},
            body=block,
            timeout=(min(CONNECT_TIMEOUT, left), min(PART_TIMEOUT, left)),
            within=left,
            repeatable=True,
        )
    except NetworkFailure as failure:
        return failure
