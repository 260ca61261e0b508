"""`qqbot-sync new DIRECTORY`: a bot to start from, with its tests, its settings and what it takes to deploy it."""

from __future__ import annotations

import os
import re
import sys
from contextlib import suppress
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from qqbot_sync._version import __version__

if TYPE_CHECKING:
    from rich.tree import Tree

__all__ = ["PIECES", "Piece", "command"]


class Piece(NamedTuple):
    """One file of the new bot."""

    path: str
    """Where it goes; `__SLUG__` in it is replaced."""
    template: str
    """Its text, in `templates/`. The names carry no leading dot: packaging tools leave such files out."""
    chinese: str
    english: str


PIECES = (
    Piece("bot.py", "bot.py", "机器人", "the bot"),
    Piece("qqbot.toml", "qqbot.toml", "设置,没有密钥", "settings, no secret"),
    Piece(".env.example", "env.example", "复制为 .env 并填写", "copy to .env and fill in"),
    Piece("tests/test_bot.py", "test_bot.py", "用模拟器的测试", "tests with the simulator"),
    Piece("requirements.txt", "requirements.txt", "运行需要的", "what it needs to run"),
    Piece("requirements-dev.txt", "requirements-dev.txt", "试用和测试需要的", "and to be tried and tested"),
    Piece("__SLUG__.service", "bot.service", "systemd 服务", "systemd unit"),
    Piece("Dockerfile", "Dockerfile", "镜像", "image"),
    Piece(".dockerignore", "dockerignore", "密钥不进镜像", "no secret goes into it"),
    Piece(".gitignore", "gitignore", "密钥不进 git", "no secret goes into git"),
    Piece("README.md", "README.md", "说明", "how to use all this"),
)
NAME = re.compile(r"\w[\w .-]{0,49}")
"""It stands in comments, in TOML and in a Python text: nothing that would end one of them."""
FALLBACK = "qqbot"
LONGEST_USER = 31
"""Letters of a user's name on Linux; the service runs as a user of the bot's name."""


@click.command("new")
@click.argument("directory", type=click.Path(path_type=Path))
@click.option("--name", help="机器人的名字,默认为目录名 / the bot's name; default: that of the directory")
def command(directory: Path, name: str | None) -> None:
    """新建一个机器人 / Make a bot to start from.

    写好机器人、设置、用模拟器的测试、systemd 服务和 Dockerfile。已有的文件绝不覆盖。

    Writes the bot, its settings, tests with the simulator, a systemd unit and a Dockerfile. Never overwrites a file.

    \b
    例 / examples:
      qqbot-sync new mybot
      qqbot-sync new . --name 小助手
    """
    title = _checked(name) if name is not None else _title_of(directory)
    values = {"__NAME__": title, "__SLUG__": _slug(title), "__VERSION__": __version__, "__NEXT__": _next_version()}
    texts = {_filled(piece.path, values): _filled(_template(piece.template), values) for piece in PIECES}
    _check_free(directory, texts)
    _write(directory, texts)
    _show(directory, values)


def _title_of(directory: Path) -> str:
    name = directory.resolve().name
    return name if NAME.fullmatch(name) else FALLBACK


def _checked(name: str) -> str:
    if not NAME.fullmatch(name):
        raise click.UsageError(
            f"名字只能由文字、数字、空格和 . - _ 组成,最多 50 个 / a name is made of letters, digits, blanks and "
            f". - _, 50 at most: {name!r}"
        )
    return name


def _slug(title: str) -> str:
    """The name as a service, a user and an image can have it."""
    plain = re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")
    if plain and not plain[0].isalpha():
        plain = f"bot-{plain}"
    return plain[:LONGEST_USER].strip("-") or FALLBACK


def _next_version() -> str:
    """The first version that may be incompatible: before 1.0 the next minor one."""
    major, minor = (int(part) for part in __version__.split(".")[:2])
    return f"{major + 1}" if major else f"0.{minor + 1}"


def _template(name: str) -> str:
    return (files("qqbot_sync.cli") / "templates" / f"{name}.template").read_text(encoding="utf-8")


def _filled(text: str, values: dict[str, str]) -> str:
    for mark, value in values.items():
        text = text.replace(mark, value)
    return text


def _check_free(directory: Path, paths: dict[str, str]) -> None:
    """Raises OSError, naming all that is in the way, before anything is written."""
    for parent in (directory, *directory.parents):
        if os.path.lexists(parent) and not parent.is_dir():
            raise NotADirectoryError(f"{parent} 不是目录 / is not a directory: choose another name")
    taken = [path for path in paths if os.path.lexists(directory / path)]
    # `tests` may be a file.
    taken += [str(Path(path).parent) for path in paths if _is_file(directory / Path(path).parent)]
    if taken:
        raise FileExistsError(
            f"{directory} 里已有这些文件,什么都没写 / nothing was written, these are in the way in {directory}: "
            f"{', '.join(dict.fromkeys(taken))}"
        )


def _is_file(path: Path) -> bool:
    return os.path.lexists(path) and not path.is_dir()


def _write(directory: Path, texts: dict[str, str]) -> None:
    """Writes all files, or, where one cannot be written, none."""
    made: list[Path] = []
    try:
        for path, text in texts.items():
            target = directory / path
            for parent in reversed((target, *target.parents)[1:]):
                if not parent.exists():
                    parent.mkdir()
                    made.append(parent)
            # Exclusive: whoever made the file a moment ago keeps it.
            with target.open("x", encoding="utf-8", newline="\n") as file:
                made.append(target)
                file.write(text)
    except BaseException:
        for one in reversed(made):
            with suppress(OSError):
                one.rmdir() if one.is_dir() else one.unlink()
        raise


def _show(directory: Path, values: dict[str, str]) -> None:
    """The tree and the next steps."""
    from rich.console import Console
    from rich.text import Text

    console = Console(highlight=False, soft_wrap=True)
    console.print(_tree(directory, values))
    steps = [
        (f"cd {_quoted(directory)}", ""),
        ("pip install -r requirements-dev.txt", ""),
        ("qqbot-sync run bot.py --simulator --reload", "本机试用 / try it here"),
        ("pytest", "测试 / tests"),
        (f"{'copy' if sys.platform == 'win32' else 'cp'} .env.example .env", "填入凭据 / fill it in"),
        ("qqbot-sync run bot.py", "上线 / go online"),
    ]
    if directory.resolve() == Path.cwd():
        del steps[0]
    width = max(len(step) for step, comment in steps if comment)
    console.print("\n接下来 / next:", style="bold")
    for step, comment in steps:
        line = Text("  ").append(step, style="cyan")
        if comment:
            line.append(f"{' ' * (width - len(step))}  # {comment}", style="dim")
        console.print(line)


def _tree(directory: Path, values: dict[str, str]) -> Tree:
    from rich.text import Text
    from rich.tree import Tree

    tree = Tree(Text(f"{directory}{os.sep}", style="bold"), guide_style="dim")
    branches: dict[str, Tree] = {}
    paths = [_filled(piece.path, values) for piece in PIECES]
    width = max(map(len, paths)) + 2
    for path, piece in zip(paths, PIECES, strict=True):
        parent, _, name = path.rpartition("/")
        if parent and parent not in branches:
            branches[parent] = tree.add(Text(f"{parent}/", style="bold"))
        line = Text(name)
        line.append(f"{' ' * (width - len(name) - 4 * bool(parent))}{piece.chinese} / {piece.english}", style="dim")
        branches.get(parent, tree).add(line)
    return tree


def _quoted(path: Path) -> str:
    text = str(path)
    return f'"{text}"' if re.search(r"[\s&()'$]", text) else text
