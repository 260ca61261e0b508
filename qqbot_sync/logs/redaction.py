"""What no line may show: secrets and tokens always, what people wrote on request.

Three nets, because none holds everything. Data is blanked by its keys before it becomes text. Text is searched for what
looks like a secret: an Authorization header, `secret=…`, a password in a URL. And what is secret in this process is
known from whoever holds it, so that it is found even in the middle of a sentence, in an exception of another library.

The third needs a place that a handler set up late finds too. It hangs, weakly, on the package's logger: logging's own
registry, not a variable of ours (DESIGN 4).
"""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Iterable
from typing import Any, Protocol
from weakref import ref

from qqbot_sync import codec

__all__ = [
    "HIDDEN",
    "SECRETS",
    "HoldsSecrets",
    "Payload",
    "blank",
    "confide",
    "hide_texts",
    "known_secrets",
    "redacted",
]

HIDDEN = "***"
SECRETS = frozenset(
    {
        "token",
        "access_token",
        "refresh_token",
        "appSecret",
        "app_secret",
        "clientSecret",
        "client_secret",
        "Authorization",
        "authorization",
        "secret",
        "password",
    }
)
"""Keys whose values are blanked, whatever they are: in log lines, reports and recordings."""
TEXTS = frozenset({"content", "username", "nick", "title", "description", "verify_message", "button_data", "avatar"})
SHORTEST_SECRET = 8
"""Characters: what is shorter stands in every other word, and protects nothing."""
LONGEST_VALUE, LONGEST_PAYLOAD = 500, 4000
"""Characters of one text in a payload, and of all of it, that a line shows."""


# -- data -----------------------------------------------------------------------------------------------------------


def redacted(value: Any, *, texts: bool = False) -> Any:
    """A copy of JSON data with secrets blanked and, unless `texts`, what people wrote replaced by its length.

    Thread-safe.
    """
    if isinstance(value, dict):
        return {key: _hidden(key, item, texts=texts) for key, item in value.items()}
    if isinstance(value, list):
        return [redacted(item, texts=texts) for item in value]
    return value


def _hidden(key: str, value: Any, *, texts: bool) -> Any:
    if key in SECRETS:
        return HIDDEN
    if not texts and key in TEXTS and isinstance(value, str):
        return f"({len(value)} characters)" if value else ""
    return redacted(value, texts=texts)


class Payload:
    """JSON on its way into a line at DEBUG: read and blanked only if somebody writes the line. Thread-safe."""

    __slots__ = ("_data",)

    def __init__(self, data: bytes) -> None:
        self._data = data

    def shown(self, *, texts: bool) -> str:
        """As text, without secrets; `texts`: with what people wrote."""
        try:
            data = redacted(codec.loads(self._data), texts=texts)
            text = codec.dumps(_shortened(data)).decode("utf-8", "replace")
        except (codec.Undecodable, RecursionError):
            return f"({len(self._data)} bytes that are no JSON)"
        return text if len(text) <= LONGEST_PAYLOAD else f"{text[:LONGEST_PAYLOAD]}… ({len(text)} characters)"

    def __str__(self) -> str:
        return self.shown(texts=True)


def _shortened(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _shortened(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_shortened(item) for item in value]
    if isinstance(value, str) and len(value) > LONGEST_VALUE:
        return f"{value[:LONGEST_VALUE]}… ({len(value)} characters)"
    return value


# -- text -----------------------------------------------------------------------------------------------------------

_QUOTE = r"\\{0,2}[\"']?"
_PATTERNS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"\b(QQBot\s+)[^\s\"'\\,;)}\]]+"), rf"\1{HIDDEN}"),
    (re.compile(r"\b(Bearer\s+)[^\s\"'\\,;)}\]]{8,}"), rf"\1{HIDDEN}"),
    (re.compile(r"\b(Bot\s+\d+\.)[^\s\"'\\,;)}\]]+"), rf"\1{HIDDEN}"),
    (re.compile(rf"(?i)(\bauthorization{_QUOTE}\s*[:=]\s*{_QUOTE})[^\"'\\\r\n,}}]+"), rf"\1{HIDDEN}"),
    (
        re.compile(
            rf"(?i)((?<![\w/])\w*(?:token|secret|password|passwd){_QUOTE}\s*[:=]\s*b?{_QUOTE})(?!<)[^\s\"'\\,;&)}}\]]{{4,}}"
        ),
        rf"\1{HIDDEN}",
    ),
    (re.compile(r"(://)[^/\s:@\"']*:[^/\s@\"']+@"), rf"\1{HIDDEN}@"),
    (re.compile(r"(?i)([?&](?:sign|signature|sig)=)[^&\s\"']+"), rf"\1{HIDDEN}"),
)


def blank(text: str, known: Iterable[str] = ()) -> str:
    """The text without what is, or looks like, a secret. Thread-safe.

    Args:
        known: secrets by value.
    """
    for value in known:
        if value in text:
            text = text.replace(value, HIDDEN)
    for pattern, by in _PATTERNS:
        text = pattern.sub(by, text)
    return text


def hide_texts(text: str, body: bytes) -> str:
    """The text without what people wrote in the event that is being handled.

    Args:
        body: the event's, JSON.
    """
    try:
        written = set(_texts_in(codec.loads(body)))
    except (codec.Undecodable, RecursionError):
        return text
    # In an exception or as JSON a text may stand with its line breaks and quotes escaped.
    shown = {form: len(value) for value in written for form in _forms(value)}
    for value, length in sorted(shown.items(), key=lambda item: len(item[0]), reverse=True):
        by = f"({length} characters)"
        # A short word would else be found in the middle of others.
        pattern = rf"(?<!\w){re.escape(value)}(?!\w)" if len(value) < 4 and value.isascii() else re.escape(value)
        text = re.sub(pattern, by, text)
    return text


def _forms(value: str) -> tuple[str, ...]:
    return value, repr(value)[1:-1], codec.dumps(value).decode("utf-8", "replace")[1:-1]


def _texts_in(value: Any) -> Iterable[str]:
    if isinstance(value, dict):
        for key, item in value.items():
            if key in TEXTS and isinstance(item, str):
                yield from {item, item.strip()} - {""}
            else:
                yield from _texts_in(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts_in(item)


# -- what is known ----------------------------------------------------------------------------------------------------


class HoldsSecrets(Protocol):
    """Whoever knows something that no line may show."""

    def secrets(self) -> Iterable[str]:
        """What must not be shown, now. Called by any thread, for every line."""


class _Confidants(logging.Filter):
    """Those who hold secrets, weakly. It hangs on a logger and filters nothing. Thread-safe."""

    def __init__(self) -> None:
        super().__init__()
        self._lock = threading.Lock()
        # Replaced, never changed: every line reads it, in a child too that was forked while the lock was held.
        self._holders: tuple[ref[HoldsSecrets], ...] = ()

    def add(self, holder: HoldsSecrets) -> None:
        with self._lock:
            self._holders = (*(one for one in self._holders if one() is not None), ref(holder))

    def values(self) -> list[str]:
        holders = [holder for one in self._holders if (holder := one()) is not None]
        return [value for holder in holders for value in holder.secrets() if len(value) >= SHORTEST_SECRET]


def confide(holder: HoldsSecrets) -> None:
    """Our handlers and formatters blank what `holder` knows, as long as it lives. Thread-safe."""
    logger = logging.getLogger("qqbot_sync")
    # Two threads may both add one: all are asked.
    found = [one for one in logger.filters if isinstance(one, _Confidants)]
    if not found:
        found = [_Confidants()]
        logger.addFilter(found[0])
    found[0].add(holder)


def known_secrets() -> list[str]:
    """What is secret in this process now, longest first. Thread-safe."""
    logger = logging.getLogger("qqbot_sync")
    values = {value for one in list(logger.filters) if isinstance(one, _Confidants) for value in one.values()}
    return sorted(values, key=len, reverse=True)
