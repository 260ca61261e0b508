"""What must not stand in a recording: secrets always, what people wrote on request."""

from __future__ import annotations

import threading
from typing import Any
from urllib.parse import quote

from qqbot_sync.logs.redaction import SECRETS

__all__ = ["BLANK", "PLACEHOLDER", "Scrubber"]

BLANK = "***"
"""What stands in place of a secret."""
PLACEHOLDER = "x"
"""What stands in place of each character of a hidden text."""
SHORTEST_SECRET = 4
"""Characters: blanking anything shorter would tear holes into everything."""
HIDDEN = frozenset(
    {
        *("content", "title", "description", "prompt", "text", "verify_message"),
        *("username", "nick", "card", "avatar", "file_name", "filename"),
        *("button_data", "label", "visited_label", "value", "values"),
    }
)
"""Keys whose texts are hidden on request, wherever they stand."""
KEPT = frozenset({" ", "\n", "\t"})
SIGNED = frozenset({"presigned_url"})
"""Addresses whose query is a right to write: only the part before it is kept."""


class Scrubber:
    """Blanks secrets, and hides texts where that is wanted. Thread-safe.

    Args:
        secrets: texts that are blanked wherever they occur, inside of other texts too.
        hide_texts: whether what people wrote is replaced by placeholders of the same length.
    """

    def __init__(self, *secrets: str, hide_texts: bool = False) -> None:
        self.hides_texts = hide_texts
        self._lock = threading.Lock()
        # Replaced, never changed: reading takes no lock.
        self._secrets: tuple[str, ...] = ()
        for secret in secrets:
            self.learn(secret)

    def __repr__(self) -> str:
        return f"<Scrubber of {len(self._secrets)} secrets>"

    def learn(self, secret: str) -> None:
        """One more text to blank; what was written before stays as it is."""
        if len(secret) < SHORTEST_SECRET:
            return
        with self._lock:
            known = {*self._secrets, secret, quote(secret, safe="")}
            # The longest first: a secret that holds another is blanked whole.
            self._secrets = tuple(sorted(known, key=len, reverse=True))

    def text(self, text: str) -> str:
        """The text without secrets."""
        for secret in self._secrets:
            if secret in text:
                text = text.replace(secret, BLANK)
        return text

    def bytes(self, data: bytes) -> bytes:
        """The same for bytes of any kind."""
        for secret in self._secrets:
            data = data.replace(secret.encode(), BLANK.encode())
        return data

    def json(self, value: Any) -> Any:
        """A copy of JSON data, scrubbed."""
        return self._json(value, hidden=False)

    def _json(self, value: Any, *, hidden: bool) -> Any:
        if isinstance(value, str):
            return _hidden(value) if hidden else self.text(value)
        if isinstance(value, list):
            return [self._json(item, hidden=hidden) for item in value]
        if isinstance(value, dict):
            return {self.text(key): self._field(key, item, hidden=hidden) for key, item in value.items()}
        return value

    def _field(self, key: str, value: Any, *, hidden: bool) -> Any:
        if key in SECRETS and value is not None:
            return BLANK
        if key in SIGNED and isinstance(value, str):
            return self.text(value.partition("?")[0])
        return self._json(value, hidden=hidden or (self.hides_texts and key in HIDDEN))


def _hidden(text: str) -> str:
    return "".join(sign if sign in KEPT else PLACEHOLDER for sign in text)
