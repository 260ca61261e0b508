"""`.env` files: `NAME=value` line by line, read strictly."""

from __future__ import annotations

import os
import re
from pathlib import Path

__all__ = ["parse_dotenv", "read_dotenv"]

_BLANK = re.compile(r"\s*(#[^\n]*)?(\n|\Z)")
_NAME = re.compile(r"[ \t]*(?:export[ \t]+)?([A-Za-z_][A-Za-z0-9_.]*)[ \t]*=[ \t]*")
_SINGLE = re.compile(r"'([^']*)'")
_DOUBLE = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_PLAIN = re.compile(r"[^\n]*")
_COMMENT = re.compile(r"(?:^|\s)#.*")
_END = re.compile(r"[ \t]*(#[^\n]*)?(\n|\Z)")
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t"}


def read_dotenv(path: str | os.PathLike[str]) -> dict[str, str]:
    """The variables of a file; nothing is put into the environment.

    Raises:
        OSError: the file cannot be read.
        ValueError: not UTF-8, or a line that cannot be read; the message names file and line, never a value.
    """
    try:
        return parse_dotenv(Path(path).read_text(encoding="utf-8-sig"))
    except UnicodeDecodeError:
        raise ValueError(f"{path}: 不是 UTF-8 文本 / is not UTF-8 text: save it as UTF-8") from None
    except ValueError as error:
        raise ValueError(f"{path}:{error}") from None


def parse_dotenv(text: str) -> dict[str, str]:
    """The variables of a text.

    `export` before a name is allowed; a value may stand in 'single quotes' (as it is) or "double quotes" (with \\n,
    \\" and \\\\), and then span lines; unquoted, it ends at a `#` after a blank. Nothing is substituted.

    Raises:
        ValueError: `LINE: what is wrong`; a value is never shown.
    """
    text = text.removeprefix("\ufeff").replace("\r\n", "\n")
    found: dict[str, str] = {}
    at = 0
    while at < len(text):
        line = text.count("\n", 0, at) + 1
        if blank := _BLANK.match(text, at):
            at = blank.end()
            continue
        name = _NAME.match(text, at)
        if name is None:
            raise ValueError(f"{line}: 应为 名称=值 / expected NAME=value")
        if name[1] in found:
            raise ValueError(f"{line}: {name[1]} 重复 / {name[1]} is given twice")
        found[name[1]], at = _value(text, name.end(), line)
    return found


def _value(text: str, at: int, line: int) -> tuple[str, int]:
    """The value that begins there, and where the next line begins."""
    quote = text[at : at + 1]
    if quote not in ("'", '"') or not quote:
        plain = _PLAIN.match(text, at)
        assert plain is not None
        return _COMMENT.sub("", plain[0]).strip(), plain.end() + 1
    quoted = (_SINGLE if quote == "'" else _DOUBLE).match(text, at)
    if quoted is None:
        raise ValueError(f"{line}: 引号没有结束 / the quote is not closed")
    end = _END.match(text, quoted.end())
    if end is None:
        raise ValueError(f"{line}: 引号之后有多余的内容 / something follows the closing quote")
    value = quoted[1] if quote == "'" else re.sub(r"\\(.)", _unescaped, quoted[1], flags=re.DOTALL)
    return value, max(end.end(), quoted.end())


def _unescaped(escape: re.Match[str]) -> str:
    # A backslash that escapes nothing known stays: Windows paths are written so.
    return _ESCAPES.get(escape[1], escape[1] if escape[1] in '"\\$' else escape[0])
