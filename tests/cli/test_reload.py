"""`qqbot-sync run --reload`: which files count, when a change counts, and whole processes that lose nothing."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from qqbot_sync.cli import sources
from qqbot_sync.cli.reload import Reloader
from qqbot_sync.cli.sources import QUIET, Changes, Snapshot, Sources, tree_of_module
from qqbot_sync.cli.talk.remote import Remote
from tests.support import PATIENCE, eventually

BOT = """
from qqbot_sync import BotClient
client = BotClient()

@client.on_message()
def answer(ctx, message):
    ctx.reply("VERSION " + message.text)

if __name__ == "__main__":
    client.run_forever()
"""
posix = pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")


# ---------------------------------------------------------------- which files


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A bot's directory with everything that may lie in one."""
    for name in (
        "bot.py",
        "qqbot.toml",
        ".env",
        "notes.txt",
        "bot.db",
        "parts/games.py",
        ".git/hook.py",
        "__pycache__/bot.py",
        "env/pyvenv.cfg",
        "env/lib/library.py",
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True, parents=True)
        (tmp_path / name).write_text("1", encoding="utf-8")
    return tmp_path.resolve()


def names(tree: Path, found: Snapshot) -> set[str]:
    return {Path(path).relative_to(tree).as_posix() for path in found}


def test_sources_and_settings_are_watched_and_nothing_else(tree: Path) -> None:
    """Python, TOML and `.env`; no hidden directory, no cache, no virtual environment, no data."""
    assert names(tree, Sources([tree]).look()) == {"bot.py", "qqbot.toml", ".env", "parts/games.py"}


def test_a_file_that_is_named_may_come_later(tree: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    """A settings file elsewhere; one that is not there yet is no error."""
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "production.env"
    watched = Sources([tree], [elsewhere])
    before = watched.look()
    elsewhere.write_text("QQ_BOT_WORKERS=2", encoding="utf-8")
    assert set(watched.look()) - set(before) == {str(elsewhere)}


@pytest.mark.parametrize("change", ["longer", "same length", "replaced", "deleted", "new"])
def test_every_kind_of_change_is_seen(tree: Path, change: str) -> None:
    """The time, the length or the file itself is another one."""
    watched = Sources([tree])
    bot, before = tree / "bot.py", watched.look()
    if change == "longer":
        bot.write_text("12", encoding="utf-8")
        os.utime(bot, ns=(before[str(bot)][0],) * 2)
    elif change == "same length":
        bot.write_text("2", encoding="utf-8")
        os.utime(bot, ns=(before[str(bot)][0] + 1,) * 2)
    elif change == "replaced":
        (tree / "draft").write_text("2", encoding="utf-8")
        os.utime(tree / "draft", ns=(before[str(bot)][0],) * 2)
        (tree / "draft").replace(bot)
    elif change == "deleted":
        bot.unlink()
    else:
        (tree / "new.py").touch()
    assert watched.look() != before


def test_a_vast_tree_is_cut_and_the_near_files_stay(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bot in the home directory does not read the whole disk five times a second."""
    monkeypatch.setattr(sources, "MOST_ENTRIES", 12)
    for number in range(20):
        (tree / "parts" / f"deep{number}").mkdir()
        (tree / "parts" / f"deep{number}" / "part.py").touch()
    watched = Sources([tree])
    found = names(tree, watched.look())
    assert watched.is_cut
    assert {"bot.py", "qqbot.toml", ".env"} <= found
    assert len(found) < 10


def test_a_module_is_watched_with_its_whole_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without importing it: what is broken may be there."""
    (tmp_path / "mybots").mkdir()
    (tmp_path / "mybots" / "__init__.py").write_text("raise SystemExit('imported')", encoding="utf-8")
    (tmp_path / "alone.py").write_text("raise SystemExit('imported')", encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert tree_of_module("mybots.games.dice") == tmp_path / "mybots"
    assert tree_of_module("alone") == tmp_path
    assert tree_of_module("no_such_module_at_all.part") is None


# ---------------------------------------------------------------- when a change counts

ONE: Snapshot = {"bot.py": (1, 1, 1)}
TWO: Snapshot = {"bot.py": (2, 1, 1)}
THREE: Snapshot = {"bot.py": (3, 1, 1), "new.py": (3, 1, 2)}


def test_a_change_counts_once_and_only_when_all_is_quiet() -> None:
    """Not at the first look, not before the quiet time is over, and not twice."""
    changes = Changes(ONE)
    assert changes.look(ONE, 0.0) == []
    assert changes.look(TWO, 0.0) == []
    assert changes.look(TWO, QUIET / 2) == []
    assert changes.look(TWO, QUIET) == ["bot.py"]
    assert changes.look(TWO, 20.0) == []


def test_several_quick_changes_are_one() -> None:
    """Each begins the quiet time anew; what comes out is the difference to what runs."""
    changes = Changes(ONE)
    assert changes.look(TWO, 0.0) == []
    assert changes.look(THREE, QUIET * 0.9) == []
    assert changes.look(THREE, QUIET * 1.8) == []
    assert changes.look(THREE, QUIET * 2) == ["bot.py", "new.py"]


def test_a_change_that_is_taken_back_is_none() -> None:
    """As an editor does that writes a test file, or a `git stash` and `git stash pop`."""
    changes = Changes(ONE)
    changes.look(TWO, 0.0)
    assert changes.look(ONE, 0.1) == []
    assert changes.look(ONE, 5.0) == []


# ---------------------------------------------------------------- whole processes


class Running:
    """`qqbot-sync run … --reload` as a process; `says` waits for what it writes to stderr."""

    def __init__(self, *arguments: str, cwd: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "qqbot_sync", "run", *arguments],
            stdin=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            errors="replace",
            cwd=cwd,
            env={
                # Whoever runs the tests may keep Python from writing the cache that one of them is about.
                **{name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"},
                "PYTHONIOENCODING": "utf-8",
                "TMPDIR": tempfile.gettempdir(),
                "PYTHONPATH": str(Path(__file__).parents[2]),
            },
        )
        self._lines: list[str] = []
        self._heard = threading.Condition()
        self._looked_at = 0
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stderr is not None
        with self.process.stderr as lines:
            for line in lines:
                with self._heard:
                    self._lines.append(line)
                    self._heard.notify_all()

    def says(self, *texts: str) -> str:
        """Waits for the next line, after those that were waited for before, with one of `texts`."""

        def next_line() -> str | None:
            for number in range(self._looked_at, len(self._lines)):
                if any(text in self._lines[number] for text in texts):
                    self._looked_at = number + 1
                    return self._lines[number]
            return None

        with self._heard:
            line = self._heard.wait_for(next_line, PATIENCE)
            assert line, self.everything()
            return line

    def everything(self) -> str:
        return "".join(self._lines)

    def ends(self) -> int:
        """Its exit status; what it wrote is complete then."""
        status = self.process.wait(PATIENCE)
        self._reader.join(PATIENCE)
        return status


@contextmanager
def running(*arguments: str, cwd: Path) -> Iterator[Running]:
    bot = Running(*arguments, cwd=cwd)
    try:
        yield bot
    finally:
        bot.process.kill()
        bot.process.wait()
        bot._reader.join()


def simulator_of(bot: Running) -> Remote:
    found = re.search(r"http://[\d.:]+", bot.says("模拟器 / simulator"))
    assert found
    return Remote(found[0])


def ask(qq: Remote, text: str) -> Callable[[], str]:
    """Somebody writes; the result waits for the answer."""
    said = qq.call("say", user="小明", where="group", text=text)
    return lambda: qq.call("replies", id=said["id"], timeout=PATIENCE, count=1)[0]["content"]


def test_a_change_restarts_the_bot_and_nothing_said_meanwhile_is_lost(tmp_path: Path) -> None:
    """The simulator stays the same; each message is answered once, by the old version or by the new one, in order."""
    file = tmp_path / "bot.py"
    file.write_text(BOT.replace("VERSION", "one"), encoding="utf-8")
    with running("bot.py", "--simulator", "--reload", cwd=tmp_path) as bot:
        qq = simulator_of(bot)
        bot.says("READY")
        assert ask(qq, "before")() == "one before"
        file.write_text(BOT.replace("VERSION", "two"), encoding="utf-8")
        answers = [ask(qq, "0")]
        for moment in ("changed, restarting", "SIGTERM: stopping", "stopped;", "RESUMED"):
            bot.says(moment)
            answers += [ask(qq, str(len(answers) + more)) for more in range(3)]
        said = [answer() for answer in answers]
        assert [text.split()[1] for text in said] == [str(number) for number in range(len(said))]
        versions = [text.split()[0] for text in said]
        assert versions == sorted(versions)
        assert versions[-6:] == ["two"] * 6
        assert bot.everything().count("changed, restarting: bot.py") == 1
        bot.process.send_signal(signal.SIGTERM)
        assert bot.ends() == 0, bot.everything()


@pytest.mark.long
@posix
def test_a_broken_version_waits_for_the_next_change(tmp_path: Path) -> None:
    """A syntax error leaves the old version alone; one that dies leaves a readable line; then Ctrl-C has its status."""
    file = tmp_path / "bot.py"
    file.write_text("import no_such_thing_at_all\n", encoding="utf-8")
    with running("bot.py", "--simulator", "--reload", cwd=tmp_path) as bot:
        qq = simulator_of(bot)
        assert "bot.py:1" in bot.says("no_such_thing_at_all")
        bot.says("waiting for a change")
        file.write_text(BOT.replace("VERSION", "one"), encoding="utf-8")
        bot.says("READY")
        file.write_text("def broken(:\n", encoding="utf-8")
        assert "bot.py:1: " in bot.says("the old version goes on")
        assert ask(qq, "still there?")() == "one still there?"
        file.write_text("raise SystemExit(3)\n", encoding="utf-8")
        assert "3" in bot.says("waiting for a change")
        assert "Traceback" not in bot.everything()
        bot.process.send_signal(signal.SIGINT)
        assert bot.ends() == 3, bot.everything()


@pytest.mark.long
@posix
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_both_and_the_bot_finishes_what_it_has_begun(tmp_path: Path, number: int) -> None:
    """The handler that runs answers first; the status is the bot's, and no process is left."""
    (tmp_path / "bot.py").write_text(
        BOT.replace('ctx.reply("VERSION', 'begun.set(); go.wait(2); ctx.reply("VERSION')
        .replace("client = ", "import os, threading\nbegun, go = threading.Event(), threading.Event()\nclient = ")
        .replace(
            "def answer(ctx, message):", "def answer(ctx, message):\n    print('pid', os.getpid(), file=sys.stderr)"
        )
        .replace("import os,", "import os, sys,"),
        encoding="utf-8",
    )
    with running("bot.py", "--simulator", "--reload", cwd=tmp_path) as bot:
        qq = simulator_of(bot)
        bot.says("READY")
        answer = ask(qq, "slow")
        child = int(bot.says("pid").split()[1])
        bot.process.send_signal(number)
        assert answer() == "VERSION slow"
        assert bot.ends() == 0, bot.everything()
        assert not alive(child)


@pytest.mark.long
@posix
def test_ctrl_c_during_a_restart_is_the_first_one(tmp_path: Path) -> None:
    """The bot that drains for the restart goes on draining, and no new version starts."""
    file = tmp_path / "bot.py"
    text = "import sys, threading\n" + BOT.replace(
        'ctx.reply("', 'print("begun", file=sys.stderr); threading.Event().wait(2); ctx.reply("'
    )
    file.write_text(text, encoding="utf-8")
    with running("bot.py", "--simulator", "--reload", cwd=tmp_path) as bot:
        qq = simulator_of(bot)
        bot.says("READY")
        answer = ask(qq, "slow")
        bot.says("begun")
        file.write_text(text + "# changed\n", encoding="utf-8")
        bot.says("SIGTERM: stopping")
        bot.process.send_signal(signal.SIGINT)
        assert answer() == "VERSION slow"
        assert bot.ends() == 0, bot.everything()
        assert "RESUMED" not in bot.everything()


@pytest.mark.long
@posix
def test_a_second_ctrl_c_leaves_at_once(tmp_path: Path) -> None:
    """A handler that hangs does not keep anybody: status 130, as without `--reload`."""
    (tmp_path / "bot.py").write_text(
        "import sys, threading\n"
        + BOT.replace('ctx.reply("VERSION', 'print("hangs", file=sys.stderr); threading.Event().wait(); ctx.reply("'),
        encoding="utf-8",
    )
    with running("bot.py", "--simulator", "--reload", cwd=tmp_path) as bot:
        qq = simulator_of(bot)
        bot.says("READY")
        ask(qq, "hello")
        bot.says("hangs")
        bot.process.send_signal(signal.SIGINT)
        bot.says("SIGINT: stopping")
        bot.process.send_signal(signal.SIGINT)
        assert bot.ends() == 130, bot.everything()


@pytest.mark.long
@posix
def test_the_bot_does_not_outlive_a_parent_that_was_killed(tmp_path: Path) -> None:
    """`kill -9` of the parent is a SIGTERM to the child: it drains, and is gone."""
    (tmp_path / "bot.py").write_text(
        "import os, sys\nprint('pid', os.getpid(), file=sys.stderr)\n" + BOT, encoding="utf-8"
    )
    with running("bot.py", "--simulator", "--reload", cwd=tmp_path) as bot:
        child = int(bot.says("pid").split()[1])
        bot.says("READY")
        bot.process.kill()
        try:
            eventually(lambda: not alive(child), what="the end of the child")
        finally:
            with suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
        bot.ends()
        assert "SIGTERM: stopping" in bot.everything()


@pytest.mark.long
def test_a_bot_that_ends_well_ends_the_command(tmp_path: Path) -> None:
    """A script that is done, or a bot that was told to stop: status 0, as without `--reload`."""
    (tmp_path / "bot.py").write_text("print('done')", encoding="utf-8")
    with running("bot.py", "--reload", cwd=tmp_path) as bot:
        assert bot.ends() == 0, bot.everything()


@pytest.mark.long
def test_changed_settings_and_a_changed_part_reach_the_bot(tmp_path: Path) -> None:
    """`.env`, `qqbot.toml` and a module beside the file, also one of the same length; with `module:client`."""
    package = tmp_path / "mybots"
    package.mkdir()
    (package / "__init__.py").touch()
    words = package / "words.py"
    words.write_text("WORD = 'one'", encoding="utf-8")
    os.utime(words, ns=(1_700_000_000 * 10**9,) * 2)
    (package / "main.py").write_text(
        "import os\n"
        + BOT.replace('"VERSION "', "WORD + os.environ.get('EXTRA', '') + str(client.config.workers) + ' '").replace(
            "client = ", "from mybots.words import WORD\nclient = "
        ),
        encoding="utf-8",
    )
    (tmp_path / "qqbot.toml").write_text("workers = 3\n", encoding="utf-8")
    with running("mybots.main:client", "--simulator", "--reload", cwd=tmp_path) as bot:
        qq = simulator_of(bot)
        bot.says("READY")
        assert ask(qq, "a")() == "one3 a"
        # Within the same second, which is all that Python's cache of compiled modules looks at.
        words.write_text("WORD = 'two'", encoding="utf-8")
        os.utime(words, ns=(1_700_000_000 * 10**9 + 1,) * 2)
        bot.says("RESUMED")
        assert ask(qq, "b")() == "two3 b"
        (tmp_path / "qqbot.toml").write_text("workers = 4\n", encoding="utf-8")
        bot.says("RESUMED")
        assert ask(qq, "c")() == "two4 c"
        (tmp_path / ".env").write_text("QQ_BOT_WORKERS=5\nEXTRA=!\n", encoding="utf-8")
        bot.says("RESUMED")
        assert ask(qq, "d")() == "two!5 d"
        (tmp_path / "qqbot.toml").write_text("wokers = 4\n", encoding="utf-8")
        bot.says("wokers")
        bot.says("waiting for a change")
        bot.process.terminate()
        assert bot.ends() == 1, bot.everything()


@pytest.mark.long
@posix
def test_a_bot_that_does_not_end_is_made_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that ignores the gentle signal is killed after the grace, and the new version starts."""
    monkeypatch.setattr("qqbot_sync.cli.reload.GRACE", 0.3)
    file, out = tmp_path / "bot.py", tmp_path / "out"
    file.write_text(
        "import signal, sys\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        f"open({str(out)!r}, 'w').write('stubborn')\nsignal.pause()\n",
        encoding="utf-8",
    )

    def change() -> None:
        eventually(out.exists)
        file.write_text(f"open({str(out)!r}, 'w').write('new')", encoding="utf-8")

    changer = threading.Thread(target=change)
    changer.start()
    try:
        reloader = Reloader(lambda pipe: [sys.executable, str(file)], Sources([tmp_path]), environ=os.environ)
        assert reloader.run() == 0
    finally:
        changer.join()
    assert out.read_text(encoding="utf-8") == "new"


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    # An orphan that nobody has waited for is a zombie, and has ended.
    status = Path(f"/proc/{pid}/stat")
    return not status.exists() or status.read_text().rpartition(")")[2].split()[0] != "Z"
