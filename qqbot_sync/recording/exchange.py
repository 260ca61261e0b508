"""How one HTTP exchange is written down, and how the same call is known again."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from qqbot_sync import codec
from qqbot_sync.api.http import NetworkFailure, NotSent, Response, Unknown
from qqbot_sync.config import Environment
from qqbot_sync.recording.scrubbing import Scrubber

__all__ = ["TOKEN", "Call", "Exchange", "Paths", "described"]

LONGEST_TEXT = 2048
"""Characters of one text in a request; of a longer one, such as a file as base64, only length and hash are kept."""
HEADERS = ("Retry-After", "X-Tps-trace-ID")
"""The headers of an answer that mean something to this package."""
ANCHORS = ("msg_id", "event_id")
"""Fields of a request that say which message it answers."""
TOKEN = ""
"""The path of a call that is never written down: it exchanges the secret for a token."""


class Paths:
    """Names of calls that are the same on every host of the platform. Immutable, thread-safe."""

    def __init__(self, environment: Environment) -> None:
        known = [environment, *([environment.fallback] if environment.fallback is not None else [])]
        self._tokens = frozenset(each.token_url for each in known)
        self._bases = tuple(each.api_url for each in known)

    def of(self, url: str) -> str:
        """`/path?query` for a call of the API, host and path for any other, `TOKEN` for the one with the secret."""
        if url in self._tokens:
            return TOKEN
        for base in self._bases:
            if url.startswith(f"{base}/"):
                return url[len(base) :]
        parts = urlsplit(url)
        # The query of a foreign address is a signature, that is: a right.
        return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


@dataclass(frozen=True)
class Call:
    """What was asked. Immutable."""

    method: str
    path: str
    """With the query, whose fields are sorted."""
    body: Any = None
    """As JSON; of anything else its size and kind."""

    @property
    def key(self) -> tuple[str, str]:
        return self.method, self.path

    @property
    def shape(self) -> object:
        """Equal for calls that differ in their texts and numbers only, and answer the same message."""
        return _shape(self.body)


def described(method: str, path: str, headers: Mapping[str, str], body: bytes | None, *, scrubber: Scrubber) -> Call:
    """A call as it is written down.

    Args:
        path: as `Paths.of` gives it.
    """
    plain, _, query = path.partition("?")
    if query:
        plain += "?" + urlencode(sorted(parse_qsl(query, keep_blank_values=True)))
    return Call(method, scrubber.text(plain), None if body is None else _body(headers, body, scrubber))


def _body(headers: Mapping[str, str], body: bytes, scrubber: Scrubber) -> Any:
    kind = headers.get("Content-Type", "application/json").partition(";")[0]
    if kind == "application/json":
        try:
            return _shortened(scrubber.json(codec.loads(body)))
        except codec.Undecodable:
            pass
    return {"bytes": len(body), "kind": kind}


def _shortened(value: Any) -> Any:
    if isinstance(value, str) and len(value) > LONGEST_TEXT:
        digest = hashlib.sha256(value.encode("utf-8", "surrogatepass")).hexdigest()
        return f"({len(value)} characters, sha256 {digest})"
    if isinstance(value, list):
        return [_shortened(item) for item in value]
    if isinstance(value, dict):
        return {key: _shortened(item) for key, item in value.items()}
    return value


def _shape(value: Any, key: str = "") -> object:
    if key in ANCHORS:
        return str(value)
    if isinstance(value, dict):
        return tuple(sorted((name, _shape(item, name)) for name, item in value.items()))
    if isinstance(value, list):
        return tuple(_shape(item) for item in value)
    return ""


@dataclass
class Exchange:
    """One call and what came of it. Not thread-safe."""

    t: float
    """Seconds from the start of the recording to the call."""
    took: float
    """Seconds until the answer was there, or the attempt was over."""
    call: Call
    status: int = 0
    """Of the answer; 0: there was none."""
    headers: dict[str, str] = field(default_factory=dict)
    answer: bytes = b""
    failed: str = ""
    """`not sent` or `unknown`, where there was no answer."""
    why: str = ""
    """The words of the failure."""
    is_stale: bool = False
    """As in `Unknown`."""

    @property
    def ended(self) -> float:
        """Seconds from the start of the recording until its outcome was known."""
        return self.t + self.took

    @classmethod
    def of(cls, t: float, took: float, call: Call, outcome: Response | NetworkFailure, scrubber: Scrubber) -> Exchange:
        """What was seen, scrubbed."""
        if isinstance(outcome, Response):
            found = {name: outcome.headers.get(name) for name in HEADERS}
            headers = {name: scrubber.text(value) for name, value in found.items() if value}
            return cls(t, took, call, outcome.status, headers, _scrubbed(outcome.body, scrubber))
        failed = "not sent" if isinstance(outcome, NotSent) else "unknown"
        is_stale = isinstance(outcome, Unknown) and outcome.is_stale
        return cls(t, took, call, failed=failed, why=scrubber.text(str(outcome)), is_stale=is_stale)

    def outcome(self) -> Response:
        """The answer once more.

        Raises:
            NotSent, Unknown: there was none.
        """
        if self.status:
            return Response(self.status, _AnyCase(self.headers), self.answer)
        if self.failed == "not sent":
            raise NotSent(self.why)
        failure = Unknown(self.why)
        failure.is_stale = self.is_stale
        raise failure

    def to_json(self) -> dict[str, Any]:
        """As it stands in a file."""
        record: dict[str, Any] = {"kind": "http", "t": self.t, "method": self.call.method, "path": self.call.path}
        if self.call.body is not None:
            record["body"] = self.call.body
        record["took"] = self.took
        if self.failed:
            return {**record, "failed": self.failed, "why": self.why, **({"stale": True} if self.is_stale else {})}
        record["status"] = self.status
        if self.headers:
            record["headers"] = self.headers
        return {**record, **_answer_to_json(self.answer)}

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> Exchange:
        """From a file.

        Raises:
            KeyError, TypeError, ValueError: something is missing or wrong.
        """
        call = Call(str(record["method"]), str(record["path"]), record.get("body"))
        timing = float(record["t"]), float(record["took"])
        if "failed" in record:
            said, is_stale = str(record.get("why", "")), bool(record.get("stale"))
            return cls(*timing, call, failed=str(record["failed"]), why=said, is_stale=is_stale)
        headers = {str(name): str(value) for name, value in dict(record.get("headers", {})).items()}
        status = record["status"]
        if not isinstance(status, int) or not 100 <= status <= 999:
            raise ValueError(f"status {status!r}")
        return cls(*timing, call, status, headers, _answer_from_json(record))


class _AnyCase(dict[str, str]):
    """Headers, asked for in any case."""

    def __init__(self, headers: Mapping[str, str]) -> None:
        super().__init__({name.lower(): value for name, value in headers.items()})

    def __getitem__(self, name: str) -> str:
        return super().__getitem__(name.lower())

    def get(self, name: str, default: Any = None) -> Any:
        return super().get(name.lower(), default)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and super().__contains__(name.lower())


def _scrubbed(answer: bytes, scrubber: Scrubber) -> bytes:
    if not answer.strip():
        return b""
    try:
        return codec.dumps(scrubber.json(codec.loads(answer)))
    except codec.Undecodable:
        return scrubber.bytes(answer)


def _answer_to_json(answer: bytes) -> dict[str, Any]:
    if not answer:
        return {}
    try:
        return {"answer": codec.loads(answer)}
    except codec.Undecodable:
        pass
    try:
        return {"answer_text": answer.decode()}
    except UnicodeDecodeError:
        return {"answer_base64": base64.b64encode(answer).decode()}


def _answer_from_json(record: Mapping[str, Any]) -> bytes:
    if "answer" in record:
        return codec.dumps(record["answer"])
    if "answer_text" in record:
        return str(record["answer_text"]).encode()
    try:
        return base64.b64decode(str(record.get("answer_base64", "")), validate=True)
    except binascii.Error as error:
        raise ValueError(str(error)) from error
