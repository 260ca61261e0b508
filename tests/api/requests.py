"""Requests written by hand from the platform's documents (`tests/data/requests_*.jsonl`), and what was really sent.

One JSON object per line: `call`, `args`, `kwargs` → `method`, `path` (as on the wire), `query`, and either `body`
(JSON), or `form` and `file`, or neither; `headers` that this call must have beyond those of every call; `answer` and
`status` are what the server says. `{"bytes": "hex"}` as an argument stands for bytes.
"""

from __future__ import annotations

import email.parser
import email.policy
import json
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from qqbot_sync.api import Api
from tests.api.support import Got, Peer, reply

DATA = Path(__file__).parents[1] / "data"
Expected = dict[str, Any]


def load(name: str) -> list[Expected]:
    """The expectations of one file."""
    lines = (DATA / name).read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines if line.strip()]


def label(expected: Expected) -> str:
    return f"{expected['call']}-{','.join(expected.get('kwargs', {}))}"


def make(api: Api, peer: Peer, expected: Expected) -> tuple[Any, Got]:
    """Makes the call; gives its result and the request that came."""
    peer.say(reply(expected.get("answer", {}), expected.get("status", 200)))
    kwargs = {name: _argument(value) for name, value in expected.get("kwargs", {}).items()}
    result = getattr(api, expected["call"])(*expected.get("args", ()), **kwargs)
    assert len(peer.requests) == 1, "one call is one request"
    return result, peer.requests[0]


def check(got: Got, expected: Expected) -> None:
    """Compares a request with what it should be."""
    parts = urlsplit(got.path)
    assert (got.method, parts.path) == (expected["method"], expected["path"])
    assert dict(parse_qsl(parts.query, keep_blank_values=True)) == expected.get("query", {})
    assert got.headers["authorization"] == "QQBot token-1"
    assert got.headers["x-union-appid"] == "1024"
    assert got.headers["user-agent"].startswith("qqbot_sync/")
    for name, value in expected.get("headers", {}).items():
        assert got.headers[name.lower()] == value
    if "form" in expected:
        _check_form(got, expected)
    elif "body" in expected:
        assert got.headers["content-type"] == "application/json"
        assert got.json == expected["body"]
    else:
        assert got.body == b""
        assert "content-type" not in got.headers


def _check_form(got: Got, expected: Expected) -> None:
    kind = got.headers["content-type"]
    assert kind.startswith("multipart/form-data; boundary=")
    head = f"Content-Type: {kind}\r\n\r\n".encode()
    whole = email.parser.BytesParser(policy=email.policy.HTTP).parsebytes(head + got.body)
    parts: dict[str, EmailMessage] = {}
    for part in whole.iter_parts():  # type: ignore[attr-defined]
        parts[part["content-disposition"].params["name"]] = part
    picture = parts.pop("file_image")
    texts = {name: part.get_payload(decode=True).decode("utf-8") for name, part in parts.items()}  # type: ignore[union-attr]
    assert texts == expected["form"]
    assert picture.get_filename() == expected["file"]["name"]
    assert picture.get_content_type() == expected["file"]["type"]
    assert picture.get_payload(decode=True) == bytes.fromhex(expected["file"]["bytes"])


def _argument(value: Any) -> Any:
    return bytes.fromhex(value["bytes"]) if isinstance(value, dict) and set(value) == {"bytes"} else value
