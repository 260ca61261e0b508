"""One readable line for whatever went wrong."""

from __future__ import annotations

import sysconfig
import traceback
from pathlib import Path

import qqbot_sync
from qqbot_sync.errors import BotError

__all__ = ["one_line"]

_NOT_USERS = (
    str(Path(qqbot_sync.__file__).parent),
    *(sysconfig.get_paths()[name] for name in ("stdlib", "purelib", "platlib")),
)


def one_line(error: BaseException) -> str:
    """The error as one line: what happened, where in the user's file if it happened there, and how to see more."""
    text = " · ".join(part.strip() for part in str(error).splitlines() if part.strip())
    if isinstance(error, SyntaxError):
        text = f"{error.filename}:{error.lineno}: {error.msg}"
    elif isinstance(error, ImportError):
        text = f"无法导入 / cannot import: {text}"
    elif not isinstance(error, BotError | OSError | ValueError | TypeError):
        text = f"{type(error).__name__}: {text}" if text else type(error).__name__
    return f"错误 / error: {_place(error)}{text or type(error).__name__} (--debug: 调用栈 / traceback)"


def _place(error: BaseException) -> str:
    """`bot.py:12: ` for the innermost line of the user's own code; nothing where the cause lies outside of it."""
    if isinstance(error, BotError | SyntaxError):
        return ""
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        if _is_users(frame.filename):
            return f"{Path(frame.filename).name}:{frame.lineno}: "
    return ""


def _is_users(filename: str) -> bool:
    return not filename.startswith(("<", *_NOT_USERS))
