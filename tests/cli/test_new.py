"""`qqbot-sync new`: what it writes works as it is, and it overwrites nothing."""

from __future__ import annotations

import configparser
import fnmatch
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from qqbot_sync import GatewayConfig
from qqbot_sync._version import __version__
from qqbot_sync.cli import main
from qqbot_sync.cli.new import LONGEST_USER, PIECES
from qqbot_sync.config.dotenv import read_dotenv
from tests.cli.test_reload import ask, running, simulator_of

ROOT = Path(__file__).parents[2]


def new(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["new", *arguments])


@pytest.fixture
def made(tmp_path: Path) -> Path:
    """A bot, as the command makes it."""
    done = new(str(tmp_path / "mybot"), "--name", "Dice Bot")
    assert done.exit_code == 0, done.output
    return tmp_path / "mybot"


def files_of(directory: Path) -> set[str]:
    return {path.relative_to(directory).as_posix() for path in directory.rglob("*") if path.is_file()}


# ---------------------------------------------------------------- the command


def test_every_piece_is_written_and_shown(tmp_path: Path) -> None:
    """The tree names each file; the next steps name the commands."""
    done = new(str(tmp_path / "mybot"))
    paths = {piece.path.replace("__SLUG__", "mybot") for piece in PIECES}
    assert files_of(tmp_path / "mybot") == paths
    assert all(path.rpartition("/")[2] in done.output for path in paths)
    assert f"cd {tmp_path / 'mybot'}" in done.output
    assert "qqbot-sync run bot.py --simulator --reload" in done.output


def test_no_mark_is_left_in_any_file(made: Path) -> None:
    """Names and versions are filled in everywhere; every text ends with a line break."""
    for path in files_of(made):
        text = (made / path).read_text(encoding="utf-8")
        assert not re.findall(r"__[A-Z]+__", text), path
        assert text.endswith("\n"), path
    assert "Dice Bot" in (made / "bot.py").read_text(encoding="utf-8")
    assert (made / "dice-bot.service").is_file()


def test_into_the_working_directory_with_other_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was there stays; there is no `cd` to do."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "LICENSE").write_text("mine", encoding="utf-8")
    (tmp_path / "tests").mkdir()
    done = new(".")
    assert done.exit_code == 0, done.output
    assert (tmp_path / "LICENSE").read_text(encoding="utf-8") == "mine"
    assert "cd " not in done.output


def test_it_overwrites_nothing_and_names_all_that_is_in_the_way(tmp_path: Path) -> None:
    """Neither is anything else written: all or nothing."""
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "test_bot.py").write_text("mine", encoding="utf-8")
    (tmp_path / "README.md").symlink_to("nowhere")
    done = new(str(tmp_path))
    assert done.exit_code == 1
    assert "tests/test_bot.py, README.md" in done.output
    assert len(done.output.strip().splitlines()) == 1
    assert files_of(tmp_path) == {"tests/test_bot.py"}
    assert (tmp_path / "tests" / "test_bot.py").read_text(encoding="utf-8") == "mine"


@pytest.mark.parametrize("target", ["file", "file/below"])
def test_a_file_in_place_of_the_directory_is_one_line(tmp_path: Path, target: str) -> None:
    """It says which name is taken."""
    (tmp_path / "file").write_text("mine", encoding="utf-8")
    done = new(str(tmp_path / target))
    assert done.exit_code == 1
    assert str(tmp_path / "file") in done.output
    assert len(done.output.strip().splitlines()) == 1


def test_a_file_in_place_of_the_tests_is_one_line(tmp_path: Path) -> None:
    """Found before anything is written."""
    (tmp_path / "tests").write_text("mine", encoding="utf-8")
    done = new(str(tmp_path))
    assert done.exit_code == 1
    assert ": tests" in done.output
    assert files_of(tmp_path) == {"tests"}


def test_what_was_begun_is_taken_back_when_a_file_cannot_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk leaves no half a bot."""
    real = Path.open

    def full(self: Path, *arguments: object, **options: object) -> object:
        if self.name == "Dockerfile":
            raise OSError(28, "No space left on device", str(self))
        return real(self, *arguments, **options)  # type: ignore[call-overload]

    monkeypatch.setattr(Path, "open", full)
    done = new(str(tmp_path / "deep" / "mybot"))
    assert done.exit_code == 1
    assert "No space left" in done.output
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("mybot", "mybot"),
        ("My Bot 2", "my-bot-2"),
        ("小助手", "qqbot"),
        ("24h", "bot-24h"),
        ("x" * 50, "x" * LONGEST_USER),
    ],
)
def test_the_name_becomes_one_that_a_service_can_have(tmp_path: Path, name: str, slug: str) -> None:
    """Service, user and image: lower case, no blank, no letter of another alphabet, not too long."""
    assert new(str(tmp_path), "--name", name).exit_code == 0
    assert (tmp_path / f"{slug}.service").is_file()
    compile((tmp_path / "bot.py").read_bytes(), "bot.py", "exec")
    assert name in (tmp_path / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["", 'a"""b', "a\nb", "a\\", "../up", " a", "x" * 51])
def test_a_name_that_would_break_a_file_is_refused(tmp_path: Path, name: str) -> None:
    """One line, status 2, nothing written."""
    done = new(str(tmp_path / "mybot"), f"--name={name}")
    assert done.exit_code == 2
    assert not (tmp_path / "mybot").exists()


def test_a_directory_whose_name_is_no_name_gets_a_plain_one(tmp_path: Path) -> None:
    """Only a name that was asked for is refused."""
    assert new(str(tmp_path / "it's mine")).exit_code == 0
    assert (tmp_path / "it's mine" / "qqbot.service").is_file()


# ---------------------------------------------------------------- the files


def test_the_settings_can_be_read_and_hold_no_secret(made: Path) -> None:
    """`GatewayConfig.from_file` takes them; each line that is commented out would be taken too."""
    assert GatewayConfig.from_file(made / "qqbot.toml").store == str(made / "bot.db")
    text = (made / "qqbot.toml").read_text(encoding="utf-8")
    (made / "all.toml").write_text(re.sub(r"(?m)^# (\w+ = )", r"\1", text), encoding="utf-8")
    assert GatewayConfig.from_file(made / "all.toml").max_age == "reply"
    assert set(read_dotenv(made / ".env.example").items()) == {("QQ_BOT_APP_ID", ""), ("QQ_BOT_SECRET", "")}
    assert "app_secret" not in text


def test_git_and_docker_leave_the_secret_out(made: Path) -> None:
    """`.env`, the store and recordings; not `.env.example`."""
    for ignore in (".gitignore", ".dockerignore"):
        lines = (made / ignore).read_text(encoding="utf-8").splitlines()
        patterns = [line for line in lines if line and not line.startswith("#")]
        for name in (".env", "bot.db", "bot.db-wal", "session.jsonl"):
            assert any(fnmatch.fnmatch(name, pattern) for pattern in patterns), (ignore, name)
    git = (made / ".gitignore").read_text(encoding="utf-8").splitlines()
    assert not any(fnmatch.fnmatch(".env.example", pattern) for pattern in git if pattern)


def test_the_requirements_are_met_by_this_version(made: Path) -> None:
    """And by no version that may be incompatible."""
    text = (made / "requirements.txt").read_text(encoding="utf-8")
    found = re.search(r"^qqbot_sync>=([\d.]+),<([\d.]+)$", text, re.MULTILINE)
    assert found
    assert found[1] == __version__
    this, following = ([int(part) for part in version.split(".")] for version in (__version__, found[2]))
    assert this < following
    assert "-r requirements.txt" in (made / "requirements-dev.txt").read_text(encoding="utf-8").splitlines()


def test_the_unit_starts_stops_and_restarts_the_bot(made: Path) -> None:
    """Every name in it is one that systemd knows; the places agree with each other."""
    unit = configparser.ConfigParser(interpolation=None, strict=False)
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read(made / "dice-bot.service", encoding="utf-8")
    service = unit["Service"]
    assert unit.sections() == ["Unit", "Service", "Install"]
    home = service["WorkingDirectory"]
    assert service["ExecStart"] == f"{home}/.venv/bin/qqbot-sync run bot.py"
    assert service["User"] == service["StateDirectory"] == "dice-bot"
    assert service["Restart"] == "on-failure"
    assert service["KillSignal"] == "SIGTERM"
    assert int(service["TimeoutStopSec"]) > 10, "run_forever drains for 10 s"
    assert service["RestartPreventExitStatus"] == "2"
    text = (made / "dice-bot.service").read_text(encoding="utf-8")
    assert f"QQ_BOT_STORE=/var/lib/{service['StateDirectory']}/bot.db" in text
    assert unit["Install"]["WantedBy"] == "multi-user.target"
    assert "%" not in text, "a percent sign is a specifier"
    assert set(unit["Unit"]) | set(service) <= SYSTEMD, "a name that systemd would ignore"


SYSTEMD = {
    *("Description", "Wants", "After", "StartLimitIntervalSec", "StartLimitBurst"),
    *("Type", "User", "WorkingDirectory", "EnvironmentFile", "Environment", "StateDirectory", "ExecStart", "Restart"),
    *("RestartSec", "RestartPreventExitStatus", "KillSignal", "TimeoutStopSec"),
    *("NoNewPrivileges", "ProtectHome", "ProtectSystem"),
}
DOCKER = {"FROM", "ENV", "WORKDIR", "COPY", "RUN", "USER", "VOLUME", "STOPSIGNAL", "CMD"}


def statements(path: Path) -> list[tuple[str, str]]:
    """A Dockerfile's statements: comments away, continued lines joined."""
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]
    joined = re.sub(r"\\\n\s*", " ", "\n".join(lines))
    return [(word, rest.strip()) for word, _, rest in (line.partition(" ") for line in joined.splitlines())]


def test_the_image_runs_the_bot_as_nobody_special(made: Path) -> None:
    """As far as it can be told without Docker: known statements, in an order that makes sense, files that exist."""
    found = statements(made / "Dockerfile")
    words = [word for word, _ in found]
    assert words[0] == "FROM"
    assert set(words) <= DOCKER
    last = dict(found)
    # As a list: a shell between Docker and the bot would keep the signal to itself.
    assert json.loads(last["CMD"]) == ["qqbot-sync", "run", "bot.py"]
    assert last["STOPSIGNAL"] == "SIGTERM"
    assert json.loads(last["VOLUME"]) == ["/data"]
    assert "QQ_BOT_STORE=/data/bot.db" in last["ENV"]
    assert last["USER"] not in ("root", "0")
    assert words.index("USER") > max(number for number, word in enumerate(words) if word == "RUN")
    ignored = (made / ".dockerignore").read_text(encoding="utf-8").splitlines()
    for source in [part for word, rest in found if word == "COPY" for part in rest.split()[:-1]]:
        assert (made / source).exists()
        assert source not in ignored
    assert not {"bot.py", "qqbot.toml", "requirements.txt"} & set(ignored)


def test_the_package_carries_every_template() -> None:
    """The command works where the package is installed and not only checked out; nothing lies there unused."""
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg", encoding="utf-8")
    places = setup["options.package_data"]["qqbot_sync.cli"].split()
    carried = {path.name for place in places for path in (ROOT / "qqbot_sync" / "cli").glob(place)}
    assert carried == {f"{piece.template}.template" for piece in PIECES}
    assert carried == {path.name for path in (ROOT / "qqbot_sync" / "cli" / "templates").iterdir()}


# ---------------------------------------------------------------- whole processes


@pytest.mark.long
def test_systemd_itself_finds_no_fault_with_the_unit(made: Path) -> None:
    """Where it can be asked; elsewhere the test above has to do."""
    verifier = shutil.which("systemd-analyze")
    unit = made / "dice-bot.service"
    text = unit.read_text(encoding="utf-8")
    unit.write_text(re.sub(r"(?m)^ExecStart=\S+", "ExecStart=/bin/true", text), encoding="utf-8")
    if verifier is not None:
        done = subprocess.run(
            [verifier, "verify", str(unit)], capture_output=True, encoding="utf-8", errors="replace", timeout=50
        )
        assert "dice-bot" not in done.stderr


@pytest.mark.long
def test_its_own_tests_pass(made: Path) -> None:
    """As a user would run them, and one that is broken fails."""

    def run_tests() -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "pytest", "-p", "qqbot_sync_pytest", "-p", "no:cacheprovider"],
            cwd=made,
            capture_output=True,
            encoding="utf-8",
            timeout=50,
            env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"},
        )

    done = run_tests()
    assert done.returncode == 0, done.stdout
    assert "7 passed" in done.stdout
    bot = (made / "bot.py").read_text(encoding="utf-8")
    (made / "bot.py").write_text(bot.replace('"pong"', '"peng"'), encoding="utf-8")
    done = run_tests()
    assert done.returncode == 1
    assert "5 failed" in done.stdout


@pytest.mark.long
def test_it_runs_with_a_simulator_as_it_is(made: Path) -> None:
    """The command of the next steps, in the directory; the store of the real bot is left alone."""
    with running("bot.py", "--simulator", "--reload", cwd=made) as bot:
        qq = simulator_of(bot)
        bot.says("READY")
        assert ask(qq, "/ping")() == "pong"
        bot.process.terminate()
        assert bot.ends() == 0, bot.everything()
    assert "bot.db" not in files_of(made)


@pytest.mark.long
def test_what_it_writes_is_formatted_and_without_faults(made: Path) -> None:
    """By the usual rules of ruff, in lines of 120."""
    for verb in (["check"], ["format", "--check"]):
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *verb, "--isolated", "--line-length", "120", "bot.py", "tests"],
            cwd=made,
            capture_output=True,
            encoding="utf-8",
            timeout=50,
        )
        assert done.returncode == 0, done.stdout + done.stderr
