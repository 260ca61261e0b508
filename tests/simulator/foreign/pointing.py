"""Points foreign clients at a simulator: their hosts are changed while they run, and nothing else is.

Runs inside the environments of the foreign clients, so it imports nothing of ours.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

__all__ = ["TOKEN_URL", "point_botpy", "replace_literal", "say", "simulator"]

TOKEN_URL = "https://bots.qq.com/app/getAppAccessToken"


def simulator() -> tuple[str, str, str]:
    """URL, app id and secret, as the test handed them over."""
    return os.environ["SIMULATOR_URL"], os.environ["SIMULATOR_APP_ID"], os.environ["SIMULATOR_SECRET"]


def say(text: str) -> None:
    """Tells the test something: a line of its own on standard output."""
    sys.stdout.write(f"\n{text}\n")
    sys.stdout.flush()


def replace_literal(function: Callable[..., Any], old: str, new: str) -> None:
    """Rewrites a text that is written out in the body of `function`.

    Raises:
        LookupError: it is not there; a newer version of the client keeps it elsewhere.
    """
    code = function.__code__
    if old not in code.co_consts:
        raise LookupError(f"{function.__qualname__} does not mention {old!r}")
    function.__code__ = code.replace(co_consts=tuple(new if const == old else const for const in code.co_consts))


def point_botpy(url: str) -> None:
    """Points qq-botpy at `url`: domain, scheme, and the address of the token."""
    from botpy.http import Route
    from botpy.robot import Token

    parts = urlsplit(url)
    Route.SCHEME = parts.scheme
    Route.DOMAIN = Route.SANDBOX_DOMAIN = parts.netloc
    replace_literal(Token.update_access_token, TOKEN_URL, f"{url}/app/getAppAccessToken")
