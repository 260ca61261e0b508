"""The simulator as another process sees it: `POST {url}/_simulator/<method>`."""

from __future__ import annotations

from typing import Any

import requests

__all__ = ["Remote"]

CONNECT = 5.0
"""Seconds to connect to a process on this machine."""
MARGIN = 10.0
"""Seconds an answer may take beyond what the call itself waits for."""


class Remote:
    """The simulator's control calls over HTTP. Not thread-safe: the demo has one thread that plays."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._session = requests.Session()
        # A proxy from the environment, or credentials from a .netrc, are of no use on this machine.
        self._session.trust_env = False

    def say(self, who: str, where: str, text: str) -> str:
        """A person writes; returns the message's id."""
        answer = self._call("say", user=who, where=where, text=text)
        return str(answer["id"])

    def replies(self, message_id: str, *, timeout: float) -> list[str]:
        """The texts that answer a message: as soon as there is one, or none after `timeout` seconds."""
        found = self._call("replies", wait=timeout, id=message_id, timeout=timeout, count=1)
        return [str(reply["content"]) for reply in found]

    def drop(self) -> None:
        """Cuts the bot's connection without a goodbye."""
        self._call("drop")

    def log(self, *kinds: str) -> list[dict[str, Any]]:
        """The entries of these kinds, oldest first."""
        return list(self._call("log", kinds=list(kinds)))

    def close(self) -> None:
        self._session.close()

    def _call(self, method: str, *, wait: float = 0.0, **arguments: Any) -> Any:
        answer = self._session.post(f"{self.url}/_simulator/{method}", json=arguments, timeout=(CONNECT, wait + MARGIN))
        answer.raise_for_status()
        return answer.json()
