"""One readable line for whatever went wrong."""

from __future__ import annotations

import sysconfig
import traceback
from pathlib import Path

import click

import qqbot_sync
from qqbot_sync.errors import BotError, ConnectionFailed
from qqbot_sync.logs import known_secrets

__all__ = ["Told", "one_line", "tell", "usage_line", "what_happened"]

_BEGINNING = "错误 / error:"
_NOT_USERS = (
    str(Path(qqbot_sync.__file__).parent),
    *(sysconfig.get_paths()[name] for name in ("stdlib", "purelib", "platlib")),
)


class Told(click.ClickException):
    """Something that click found, or a command said on purpose, as one line on stderr.

    Args:
        error: what was found; its exit status is kept.
        command: whose help explains it, where the error does not know.
    """

    def __init__(self, error: click.ClickException, *, command: str = "") -> None:
        super().__init__(usage_line(error, command=command))
        self.exit_code = error.exit_code  # type: ignore[misc]

    def show(self, file: object = None) -> None:  # noqa: ARG002  click calls it so
        tell(self.message)


def tell(line: str) -> None:
    """Prints the line on stderr; in a terminal it begins in red."""
    click.echo(line.replace(_BEGINNING, click.style(_BEGINNING, fg="red", bold=True), 1), err=True)


def one_line(error: BaseException, *, debug: bool = False) -> str:
    """The error as one line: what happened, where in the user's file if it happened there, and how to see more.

    Args:
        debug: the traceback was shown already.
    """
    more = "" if debug else " (--debug: 调用栈 / traceback)"
    return f"{_BEGINNING} {_place(error)}{what_happened(error)}{more}"


def what_happened(error: BaseException) -> str:
    """The error's own words on one line, without secrets; with its kind where it is none that a user can expect."""
    text = _flat(str(error))
    if isinstance(error, SyntaxError):
        text = f"{error.filename}:{error.lineno}: {error.msg}"
    elif isinstance(error, ImportError):
        text = f"无法导入 / cannot import: {text}"
    elif isinstance(error, OSError) and error.strerror and error.filename is not None:
        text = f"{_PROBLEMS.get(type(error), '无法使用 / cannot be used')}: {error.filename} ({error.strerror})"
    elif not isinstance(error, BotError | OSError | ValueError | TypeError):
        text = f"{type(error).__name__}: {text}" if text else type(error).__name__
    if isinstance(error, ConnectionFailed) and not error.hint:
        text = f"{text} · {_NO_CONNECTION}"
    for value in known_secrets():
        text = text.replace(value, "***")
    return text or type(error).__name__


def usage_line(error: click.ClickException, *, command: str = "") -> str:
    """What was wrong with the command as it was typed, as one line, with where to read more."""
    if isinstance(error, click.UsageError):
        command = error.ctx.command_path if error.ctx is not None else command
    else:
        command = ""
    more = f" ({command} --help)" if command else ""
    return f"{_BEGINNING} {_flat(_said(error))}{more}"


_NO_CONNECTION = (
    "请检查网络、代理和防火墙,qqbot-sync doctor 会逐项检查 / "
    "check network, proxy and firewall; qqbot-sync doctor looks at one after the other"
)
_PROBLEMS: dict[type[OSError], str] = {
    FileNotFoundError: "找不到 / no such file",
    PermissionError: "没有权限 / not permitted",
    IsADirectoryError: "是目录 / is a directory",
    FileExistsError: "已经存在 / exists already",
}


def _said(error: click.ClickException) -> str:
    if isinstance(error, click.NoSuchOption):
        near = ", ".join(error.possibilities or ())
        advice = f";是不是 / did you mean: {near}?" if near else ""
        return f"没有选项 / there is no option {error.option_name}{advice}"
    if isinstance(error, click.BadParameter):
        name = error.param_hint or (error.param.opts[-1:] if error.param is not None else "")
        hint = name if isinstance(name, str) else " / ".join(name)
        if isinstance(error.param, click.Argument) and not error.param_hint:
            hint = error.param.human_readable_name
        if isinstance(error, click.MissingParameter):
            return f"缺少 / missing: {hint}"
        return f"{hint}: {error.message}" if hint else error.message
    if isinstance(error, click.BadOptionUsage):
        return f"选项的写法不对 / {error.message}"
    if error.message.startswith("Got unexpected extra argument"):
        return f"多出的参数,带空格的文字要加引号 / {error.message}; quote a text that has blanks"
    return error.format_message()


def _flat(text: str) -> str:
    return " · ".join(part.strip() for part in text.splitlines() if part.strip())


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
