"""The command as a whole: loads late, says what is wrong in one line, and never fails at printing."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from qqbot_sync.cli import main
from qqbot_sync.cli.cells import width
from qqbot_sync.cli.group import COMMANDS, SECTIONS


def run(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """The command as a process, with a deadline."""
    return subprocess.run(
        [sys.executable, "-m", "qqbot_sync", *arguments],
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        timeout=50,
        stdin=subprocess.DEVNULL,
        env={**os.environ, "PYTHONIOENCODING": "utf-8", **environ},
    )


def test_a_bot_loads_neither_click_nor_rich() -> None:
    """Importing the package, and making a client, leaves the command line's libraries alone."""
    code = (
        "import sys; from qqbot_sync import BotClient; BotClient('1', 'x');"
        "print([name for name in ('click', 'rich', 'flask', 'websockets') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=50)
    assert done.stdout.strip() == "[]", done.stderr


def test_the_overview_lists_every_command_without_importing_one() -> None:
    """`--help` works from the table of names alone."""
    code = (
        "import sys; from qqbot_sync.cli import main\n"
        "try: main(['--help'])\n"
        "except SystemExit as end: assert end.code == 0\n"
        "assert not [name for name in sys.modules if name.startswith('qqbot_sync.cli.demo')]"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, encoding="utf-8", errors="replace", timeout=50
    )
    assert done.returncode == 0, done.stderr
    assert all(name in done.stdout for name in COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help(name: str) -> None:
    """Each command loads, is named as in the table, knows `--debug`, and shows how it is called."""
    result = CliRunner().invoke(main, [name, "--help"], prog_name="qqbot-sync")
    assert result.exit_code == 0
    assert "--debug" in result.output
    _, found, examples = result.output.partition("例 / examples")
    assert found
    assert f"qqbot-sync {name}" in examples


@pytest.mark.parametrize("name", ["", *COMMANDS])
@pytest.mark.parametrize("columns", [80, 110])
def test_every_help_page_fits_the_terminal(name: str, columns: int) -> None:
    """In cells, of which a Chinese sign takes two; and whatever it says, it says in both languages."""
    result = CliRunner(env={"COLUMNS": str(columns)}).invoke(main, [*([name] if name else []), "--help"])
    too_wide = [line for line in result.output.splitlines() if width(line) > columns]
    assert not too_wide
    assert not result.output.isascii()


def test_the_overview_groups_every_command_once() -> None:
    """Under headings, start here first, each with what it is for in both languages, and with examples."""
    output = CliRunner(env={"COLUMNS": "80"}).invoke(main, ["--help"]).output
    headings = [output.index(heading) for heading in SECTIONS if heading in output]
    assert headings == sorted(headings)
    assert len(headings) >= 4
    for name, entry in COMMANDS.items():
        assert len(re.findall(rf"^  {name} ", output, re.MULTILINE)) == 1
        chinese, slash, english = entry.summary.partition(" / ")
        assert slash
        assert not chinese.isascii()
        assert english
    assert "qqbot-sync demo" in output.partition("例 / examples")[2]


def test_the_overview_loads_nothing_heavy() -> None:
    """Tab and `--help` are asked for often: beyond what the package itself imports there is little."""
    code = (
        "import sys, qqbot_sync\n"
        "known = set(sys.modules)\n"
        "import click\n"
        "clicks = {name for name in sys.modules if name not in known}\n"
        "from qqbot_sync.cli import main\n"
        "try: main(['--help'])\n"
        "except SystemExit: pass\n"
        "new = set(sys.modules) - known - clicks\n"
        "heavy = [n for n in new if n.split('.')[0] in ('rich', 'flask', 'werkzeug', 'websockets', 'readline')]\n"
        "ours = [n for n in new if n.startswith('qqbot_sync')]\n"
        "print(); print(len(ours), len(new), heavy)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, encoding="utf-8", errors="replace", timeout=50
    )
    assert done.returncode == 0, done.stderr
    ours, new, heavy = done.stdout.splitlines()[-1].split(maxsplit=2)
    assert heavy == "[]"
    assert int(ours) <= 8
    assert int(new) <= 40


def test_version_names_package_python_and_libraries() -> None:
    """What to quote in a report."""
    output = CliRunner().invoke(main, ["version"]).output
    assert "qqbot_sync 0." in output
    assert "Python 3." in output
    assert "websocket-client" in output


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("simulater", "simulator"), ("sned", "send"), ("tial", "tail"), ("compleet", "completion"), ("dance", "--help")],
)
def test_an_unknown_command_is_told_the_nearest(typed: str, meant: str) -> None:
    """Exit status 2, one line, and where to read on."""
    result = CliRunner().invoke(main, [typed], prog_name="qqbot-sync")
    assert result.exit_code == 2
    (line,) = result.stderr.splitlines()
    assert typed in line
    assert meant in line


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--helq"], "--help"),
        (["send"], "TARGET"),
        (["send", "group:1", "two", "words"], "quote"),
        (["send", "--reply-to"], "--reply-to"),
        (["tail", "--cuont", "3"], "--count"),
        (["tail", "--count", "none"], "--count"),
        (["completion", "csh"], "SHELL"),
    ],
)
def test_what_was_typed_wrong_is_one_line(arguments: list[str], said: str) -> None:
    """Not click's three, and with the command whose help explains it."""
    result = CliRunner().invoke(main, arguments, prog_name="qqbot-sync")
    assert result.exit_code == 2
    (line,) = result.stderr.splitlines()
    assert said in line
    assert "--help" in line


def test_without_a_command_there_is_the_overview() -> None:
    """Not an error message."""
    result = CliRunner().invoke(main, [])
    assert "从这里开始" in result.output
    assert "错误" not in result.output


def test_an_error_is_one_line(tmp_path: Path) -> None:
    """The user's bug: file, line, kind and text, status 1, and no traceback."""
    bot = tmp_path / "bot.py"
    bot.write_text("x = 1\nprint(undefined_name)\n", encoding="utf-8")
    done = run("run", str(bot))
    assert done.returncode == 1
    assert len(done.stderr.strip().splitlines()) == 1
    assert "bot.py:2" in done.stderr
    assert "undefined_name" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("order", ["before", "after"])
def test_debug_shows_the_traceback(tmp_path: Path, order: str) -> None:
    """`--debug` is understood before and after the command's name."""
    bot = tmp_path / "bot.py"
    bot.write_text("print(undefined_name)\n", encoding="utf-8")
    done = run(*(["--debug", "run", str(bot)] if order == "before" else ["run", "--debug", str(bot)]))
    assert done.returncode == 1
    assert "Traceback" in done.stderr


@pytest.mark.parametrize("encoding", ["ascii", "gbk"])
def test_output_cannot_fail_on_a_narrow_console(tmp_path: Path, encoding: str) -> None:
    """Chinese, and signs that the console lacks, are replaced, never an error; the bot's own prints included."""
    good, bad = tmp_path / "good.py", tmp_path / "bad.py"
    good.write_text("print('好 ✓ \\U0001f600')", encoding="utf-8")
    bad.write_text("raise ValueError('坏了 ✓ \\U0001f600 \\ud800')", encoding="utf-8")
    for arguments, status in ((["--help"], 0), (["run", str(good)], 0), (["run", str(bad)], 1)):
        done = run(*arguments, PYTHONIOENCODING=encoding)
        assert "UnicodeEncodeError" not in done.stderr
        assert done.returncode == status, done.stderr
