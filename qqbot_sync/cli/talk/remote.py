"""A simulator over HTTP: `POST {url}/_simulator/<method>`."""

from __future__ import annotations

from typing import Any

import requests

__all__ = ["Remote"]

_CONNECT = 5.0
_MARGIN = 10.0
"""Seconds an answer may take beyond what the call itself waits for."""


class Remote:
    """The methods of a simulator that runs somewhere, by name. Thread-safe: a session of its own for each call.

    Args:
        url: as the simulator prints it.
    """

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")

    def call(self, method: str, **arguments: Any) -> Any:
        """Calls one method and gives its answer.

        Raises:
            ValueError: the simulator refuses the arguments; its own words.
            ConnectionError: no simulator is there.
        """
        wait = arguments.get("timeout", 0)
        try:
            with requests.Session() as session:
                # A proxy from the environment, or credentials from a .netrc, are of no use on this machine.
                session.trust_env = False
                answer = session.post(
                    f"{self.url}/_simulator/{method}", json=arguments, timeout=(_CONNECT, wait + _MARGIN)
                )
        except (requests.exceptions.InvalidSchema, requests.exceptions.MissingSchema, requests.exceptions.InvalidURL):
            raise ValueError(f"不是网址 / not a URL: {self.url!r}; 例 / like http://127.0.0.1:8080") from None
        except requests.RequestException as error:
            raise ConnectionError(
                f"{self.url} 没有模拟器回应,请先运行 qqbot-sync simulator / no simulator answers at {self.url}; "
                f"start one with: qqbot-sync simulator"
            ) from error
        try:
            data = answer.json()
        except ValueError:
            data = None
        if answer.status_code == 400 and isinstance(data, dict) and "error" in data:
            raise ValueError(str(data["error"]))
        if answer.status_code != 200:
            raise ConnectionError(
                f"{self.url} 不是模拟器 / what answers at {self.url} is no simulator (HTTP {answer.status_code})"
            )
        return data

    def is_online(self) -> bool:
        """Whether a bot has a session."""
        return any(connection["session"] for connection in self.call("connections"))

    def last_number(self) -> int:
        """The number of the newest entry of the log."""
        entries = self.call("log")
        return int(entries[-1]["number"]) if entries else 0
