"""`qqbot-sync run`: a file as `__main__`, a client in a file, a client in a module."""

from __future__ import annotations

from pathlib import Path

import click
import pytest

from qqbot_sync.cli.run import Target
from tests.cli.test_group import run


def test_a_file_that_exists_runs_as_main(tmp_path: Path) -> None:
    """No client is named."""
    path = tmp_path / "bot.py"
    path.touch()
    assert Target.parse(str(path)) == (str(path), None, True)


def test_a_client_in_a_file(tmp_path: Path) -> None:
    """The part after the last colon is the client's name."""
    path = tmp_path / "bot.py"
    path.touch()
    assert Target.parse(f"{path}:client") == (str(path), "client", True)


def test_a_client_in_a_module() -> None:
    """Dots are allowed, and no file is needed."""
    assert Target.parse("my.bots:client") == ("my.bots", "client", False)


@pytest.mark.parametrize(
    "text", ["gone.py", "gone.py:client", "a/b:client", "C:\\gone.py", "module", "module:", ":client"]
)
def test_what_is_neither_is_a_usage_error(text: str) -> None:
    """The message says what was looked for."""
    with pytest.raises(click.UsageError):
        Target.parse(text)


def test_the_file_is_main_and_gets_its_arguments(tmp_path: Path) -> None:
    """As `python FILE ARGUMENTS`: name, arguments, and its own directory for imports."""
    (tmp_path / "beside.py").write_text("value = 'found'", encoding="utf-8")
    bot = tmp_path / "bot.py"
    bot.write_text("import sys, beside\nprint(__name__, sys.argv[1:], beside.value, __file__)", encoding="utf-8")
    done = run("run", str(bot), "one", "--two", "3")
    assert done.stdout.split() == ["__main__", "['one',", "'--two',", "'3']", "found", str(bot)], done.stderr
    assert done.returncode == 0


def test_the_status_of_the_file_is_the_status_of_the_command(tmp_path: Path) -> None:
    """`sys.exit(7)` stays 7."""
    bot = tmp_path / "bot.py"
    bot.write_text("import sys; sys.exit(7)", encoding="utf-8")
    assert run("run", str(bot)).returncode == 7


def test_a_name_that_is_no_client_names_those_that_are(tmp_path: Path) -> None:
    """One line, with what the file does have."""
    bot = tmp_path / "bot.py"
    bot.write_text("from qqbot_sync import BotClient\nrobot = BotClient('1', 'secret')\n", encoding="utf-8")
    done = run("run", f"{bot}:client")
    assert done.returncode == 2
    assert "robot" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_module_that_is_not_there_is_one_line() -> None:
    """No traceback for a typo."""
    done = run("run", "no_such_module_at_all:client")
    assert done.returncode == 1
    assert "no_such_module_at_all" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_missing_credentials_are_one_line(tmp_path: Path) -> None:
    """The line names the variable to set."""
    bot = tmp_path / "bot.py"
    bot.write_text("from qqbot_sync import BotClient\nclient = BotClient()\n", encoding="utf-8")
    done = run("run", f"{bot}:client")
    assert done.returncode == 1
    assert "QQ_BOT_" in done.stderr
    assert "Traceback" not in done.stderr


def test_simulator_only_sets_the_environment(tmp_path: Path) -> None:
    """The file needs no change, and the simulator can be reached while it runs."""
    bot = tmp_path / "bot.py"
    bot.write_text(
        "import os, urllib.request\n"
        "url = os.environ['QQ_BOT_ENVIRONMENT']\n"
        "assert os.environ['QQ_BOT_APP_ID'] and os.environ['QQ_BOT_SECRET']\n"
        "from qqbot_sync import BotClient\n"
        "with BotClient() as client:\n"
        "    print('online', client.is_connected())\n",
        encoding="utf-8",
    )
    done = run("run", str(bot), "--simulator")
    assert "online True" in done.stdout, done.stderr
    assert done.returncode == 0


def test_with_a_simulator_the_conversation_is_shown(tmp_path: Path) -> None:
    """What people and the bot say goes to stderr; the line that is printed for talking is one that works."""
    bot = tmp_path / "bot.py"
    bot.write_text(
        "import os, urllib.request\n"
        "from qqbot_sync import BotClient\n"
        "client = BotClient()\n"
        "client.on_message()(lambda ctx, message: (ctx.reply('hello ' + message.text), client.stop()))\n"
        "@client.on_start\n"
        "def talk(ctx, ready):\n"
        '    body = \'{"user": "小明", "where": "group", "text": "你好"}\'.encode()\n'
        "    urllib.request.urlopen(os.environ['QQ_BOT_ENVIRONMENT'] + '/_simulator/say', body).read()\n"
        "client.run_forever()\n",
        encoding="utf-8",
    )
    done = run("run", str(bot), "--simulator")
    assert done.returncode == 0, done.stderr
    assert "talk to the bot" in done.stderr
    assert "[group] 小明: 你好" in done.stderr
    assert "[group] -> hello 你好" in done.stderr


def test_a_client_in_a_file_is_run_until_it_stops(tmp_path: Path) -> None:
    """`FILE:client` is imported, not run as `__main__`, and `run_forever()` is called."""
    bot = tmp_path / "mybot.py"
    bot.write_text(
        "from qqbot_sync import BotClient\n"
        "client = BotClient()\n"
        "assert __name__ == 'mybot'\n"
        "@client.on_start\n"
        "def started(ctx, ready):\n"
        "    print('started', flush=True)\n"
        "    client.stop()\n",
        encoding="utf-8",
    )
    done = run("run", f"{bot}:client", "--simulator")
    assert "started" in done.stdout, done.stderr
    assert done.returncode == 0
