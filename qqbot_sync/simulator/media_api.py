"""The calls of rich media, and the storage that the parts of a large file go to."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from typing import Any

from flask import Flask, Response, request

from qqbot_sync.simulator.guard import Guard
from qqbot_sync.simulator.media_desk import StoredFile, file_type_of
from qqbot_sync.simulator.platform import Platform
from qqbot_sync.simulator.refusal import Refusal
from qqbot_sync.simulator.rooms import Scene
from qqbot_sync.simulator.routes import Call, Routes
from qqbot_sync.simulator.rules import RULES
from qqbot_sync.simulator.sending import Sending

__all__ = ["STORAGE", "MediaApi"]

STORAGE = "/_storage"
_PLACES: tuple[tuple[Scene, str], ...] = (("c2c", "/v2/users/{place}"), ("group", "/v2/groups/{place}"))


class MediaApi:
    """Not thread-safe: called under the simulator's lock, which the storage takes by itself.

    Args:
        base_url: of the simulator, where the storage is too.
    """

    def __init__(
        self,
        app: Flask,
        platform: Platform,
        sending: Sending,
        routes: Routes,
        guard: Guard,
        *,
        base_url: Callable[[], str],
    ) -> None:
        self._platform = platform
        self._sending = sending
        self._guard = guard
        self._base_url = base_url
        for scene, path in _PLACES:
            self._add(routes, scene, path)
        app.add_url_rule(f"{STORAGE}/<upload>/<int:position>", "store a part", self.store_part, methods=["PUT"])

    def _add(self, routes: Routes, scene: Scene, path: str) -> None:
        routes.add("POST", f"{path}/files", lambda call: self.upload(scene, call))
        routes.add("POST", f"{path}/upload_prepare", lambda call: self.prepare(scene, call))
        routes.add("POST", f"{path}/upload_part_finish", lambda call: self.finish_part(scene, call))

    def upload(self, scene: Scene, call: Call) -> dict[str, Any]:
        place, fields, desk = self._place(scene, call), call.fields, self._platform.media
        if fields.get("upload_id"):
            file = desk.join(scene, place, fields)
        elif fields.get("file_data"):
            data = _decoded(fields["file_data"])
            file = StoredFile(scene, file_type_of(fields), str(fields.get("file_name") or ""), len(data), data=data)
        else:
            file = self._fetched(scene, fields)
        answer = desk.store(file)
        if fields.get("srv_send_msg"):
            body = {"msg_type": 7, "media": {"file_info": answer["file_info"]}}
            answer["id"] = self._sending.send(scene, place, body)["id"]
        if fields.get("upload_id") and file.file_type != 4:
            answer["raw_url"] = f"{self._base_url()}{STORAGE}/raw/{answer['file_uuid']}"
        return answer

    def prepare(self, scene: Scene, call: Call) -> dict[str, Any]:
        desk = self._platform.media
        upload = desk.begin(scene, self._place(scene, call), call.fields)
        base = f"{self._base_url()}{STORAGE}/{upload.id}"
        return {
            "upload_id": upload.id,
            "block_size": str(desk.block_size),
            "parts": [
                {
                    "index": position + desk.first_index,
                    "presigned_url": f"{base}/{position}?sign={upload.secret}",
                    "block_size": str(size),
                }
                for position, size in enumerate(upload.sizes)
            ],
            "upload_config": {"concurrency": 1, "retry_timeout": 300, "retry_delay": 1},
        }

    def finish_part(self, scene: Scene, call: Call) -> dict[str, Any]:
        self._platform.media.finish_part(scene, self._place(scene, call), call.fields)
        return {}

    def store_part(self, upload: str, position: int) -> Response:
        """The storage: it knows no tokens, and wants none."""
        with self._guard:
            known = self._platform.media.uploads.get(upload)
            is_signed = known is not None and request.args.get("sign") == known.secret
            if "Authorization" in request.headers or known is None or not is_signed or position >= len(known.sizes):
                return Response("<Error><Code>AccessDenied</Code></Error>", 403, content_type="application/xml")
            known.blocks[position] = request.get_data()
        return Response(status=200)

    def _place(self, scene: Scene, call: Call) -> str:
        place = call.ids["place"]
        if self._platform.rooms.knows(scene, place) is None:
            raise Refusal(*RULES[scene].unknown_place)
        return place

    def _fetched(self, scene: Scene, fields: dict[str, Any]) -> StoredFile:
        url = fields.get("url")
        if not isinstance(url, str) or not url.startswith(("http://", "https://")):
            raise Refusal(12002, "url must be an http address")
        if url in self._platform.media.unreachable:
            raise Refusal(850026, "download failed")
        return StoredFile(scene, file_type_of(fields), str(fields.get("file_name") or ""), 0, url=url)


def _decoded(data: Any) -> bytes:
    try:
        return base64.b64decode(data, validate=True)
    except (TypeError, ValueError, binascii.Error) as error:
        raise Refusal(12002, "file_data is not base64") from error
