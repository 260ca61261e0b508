"""`qqbot-sync run`: a file or module as `__main__`, a client in a file or module, and where its settings come from."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from qqbot_sync.cli import main
from qqbot_sync.cli.target import Target
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


def test_a_module_alone_runs_as_main() -> None:
    """As with `python -m`."""
    assert Target.parse("my.bots") == ("my.bots", None, False)


@pytest.mark.parametrize(
    "text",
    [
        "gone.py",
        "gone.py:client",
        "a/b:client",
        "C:\\gone.py",
        "module:",
        ":client",
        "a b",
        "my-bot",
        "m:a.b",
        "..",
        "/",
    ],
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


@pytest.fixture
def inside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A directory to be in, and a process that forgets what a command does to it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(sys, "argv", list(sys.argv))
    monkeypatch.setattr(os, "environ", os.environ.copy())
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        if name.partition(".")[0] in ("bot", "mybots"):
            del sys.modules[name]


def invoke(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["run", *arguments])


CLIENT = "from qqbot_sync import BotClient\nclient = BotClient('1', 'secret')\n"
BROKEN = [
    ("gone.py", "", 2, "gone.py"),
    ("gone", "", 1, "there is no module gone"),
    ("gone.part:client", "", 1, "there is no module gone.part"),
    ("bot.gone:client", CLIENT, 1, "there is no module bot.gone"),
    (".", "", 2, "directory"),
    ("bot.py", "x = 1\nimport gone\n", 1, "bot.py:2: "),
    ("bot:client", "x = 1\nimport gone\n", 1, "bot.py:2: "),
    ("bot", "x = 1\nimport gone\n", 1, "bot.py:2: "),
    ("bot.py", "x = 1\ndef broken(:\n", 1, "bot.py:2: "),
    ("bot.py:client", "x = 1\ndef broken(:\n", 1, "bot.py:2: "),
    ("bot:client", "x = 1\ndef broken(:\n", 1, "bot.py:2: "),
    ("bot.py:client", "x = 1\n", 2, "has no BotClient"),
    ("bot:client", "robot = 1\n", 2, "has no BotClient"),
    ("bot:robot", CLIENT, 2, "it has: client"),
    ("bot.py", "from qqbot_sync import BotClient\nBotClient('1', 'x', workers='many')", 1, "bot.py:2: "),
]


@pytest.mark.parametrize(("target", "text", "status", "said"), BROKEN)
def test_what_cannot_run_is_one_line(inside: Path, target: str, text: str, status: int, said: str) -> None:
    """File and line where it is the user's, the fix, a status, no traceback; with `--debug` there is one."""
    (inside / "bot.py").write_text(text, encoding="utf-8")
    done = invoke(target)
    assert done.exit_code == status, done.output
    assert said in done.output
    assert len(done.output.strip().splitlines()) == 1
    assert "Traceback" in invoke("--debug", target).output


def test_a_reloaded_module_that_is_not_there_is_one_line(inside: Path) -> None:
    """There is nothing to watch, so nothing to wait for."""
    done = invoke("gone:client", "--reload")
    assert done.exit_code == 1
    assert len(done.output.strip().splitlines()) == 1


def test_a_module_runs_as_main_with_its_arguments(inside: Path) -> None:
    """From the working directory, as by `python -m`."""
    (inside / "mybots").mkdir()
    (inside / "mybots" / "dice.py").write_text("import sys\nprint(__name__, sys.argv[1:])", encoding="utf-8")
    assert "__main__ ['--sides', '6']" in invoke("mybots.dice", "--sides", "6").output


@pytest.mark.parametrize("target", ["bot.py", "bot"])
def test_a_client_that_nobody_started_gets_a_hint(inside: Path, target: str) -> None:
    """The commonest first mistake is a file that ends before the bot is online; it is no error."""
    (inside / "bot.py").write_text(CLIENT, encoding="utf-8")
    done = invoke(target)
    assert "client.run_forever()" in done.output
    assert f"{target}:client" in done.output
    assert done.exit_code == 0


def test_the_file_sees_the_settings_of_options_env_file_and_toml(inside: Path) -> None:
    """A plain `BotClient()`, by their order of precedence; what else is in `.env` is there as well."""
    (inside / "qqbot.toml").write_text("app_id = '1'\nworkers = 3\nmax_waiting = 30\n", encoding="utf-8")
    (inside / ".env").write_text("QQ_BOT_SECRET=hidden\nQQ_BOT_WORKERS=4\nWEATHER_KEY=sunny\n", encoding="utf-8")
    (inside / ".env").chmod(0o600)
    (inside / "bot.py").write_text(
        "import os\nfrom qqbot_sync import BotClient\nclient = BotClient()\nconfig = client.config\n"
        "print(client.api.app_id, config.workers, config.max_waiting, config.environment, os.environ['WEATHER_KEY'])\n",
        encoding="utf-8",
    )
    done = invoke("bot.py", "--app-id", "2", "--environment", "sandbox")
    assert done.stdout.startswith("2 4 30 "), done.output
    assert "sandbox" in done.output
    assert "sunny" in done.output
    assert "hidden" not in done.output


def test_a_simulator_is_stronger_than_every_setting(inside: Path) -> None:
    """And its sessions do not go into the store of the real bot."""
    (inside / "qqbot.toml").write_text("store = 'bot.db'\nworkers = 3\n", encoding="utf-8")
    (inside / "bot.py").write_text(
        "from qqbot_sync import BotClient\nwith BotClient() as client:\n"
        "    print(client.is_connected(), client.config.workers)\n",
        encoding="utf-8",
    )
    done = invoke("bot.py", "--simulator", "--app-id", "2", "--environment", "sandbox")
    assert "True 3" in done.output, done.output
    assert not (inside / "bot.db").exists()


def test_missing_credentials_are_one_line(tmp_path: Path) -> None:
    """The line names the variable to set."""
    bot = tmp_path / "bot.py"
    bot.write_text("from qqbot_sync import BotClient\nclient = BotClient()\n", encoding="utf-8")
    done = run("run", f"{bot}:client")
    assert done.returncode == 2
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
