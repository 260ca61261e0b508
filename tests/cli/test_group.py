"""The command as a whole: loads late, says what is wrong in one line, and never fails at printing."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from qqbot_sync.cli import main
from qqbot_sync.cli.group import COMMANDS


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
    """Each command loads, is named as in the table, and knows `--debug`."""
    result = CliRunner().invoke(main, [name, "--help"])
    assert result.exit_code == 0
    assert "--debug" in result.output
    assert name in result.output


def test_version_names_package_python_and_libraries() -> None:
    """What to quote in a report."""
    output = CliRunner().invoke(main, ["version"]).output
    assert "qqbot_sync 0." in output
    assert "Python 3." in output
    assert "websocket-client" in output


def test_an_unknown_command_is_a_usage_error() -> None:
    """Exit status 2, and the name."""
    result = CliRunner().invoke(main, ["dance"])
    assert result.exit_code == 2
    assert "dance" in result.output


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
