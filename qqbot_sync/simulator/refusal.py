"""What the platform says when it refuses a call."""

from __future__ import annotations

from typing import Any

__all__ = ["Refusal"]


class Refusal(Exception):
    """An error of the platform: HTTP status, code and message. Immutable, thread-safe."""

    def __init__(self, code: int, message: str, *, status: int = 400, data: dict[str, Any] | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status
        self.data = data

    def body(self, trace_id: str) -> dict[str, Any]:
        """The JSON body of the answer."""
        body: dict[str, Any] = {"message": self.message, "code": self.code, "err_code": self.code, "trace_id": trace_id}
        if self.data is not None:
            body["data"] = self.data
        return body
