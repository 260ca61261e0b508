"""`qqbot-sync record` and `replay`: a bot's file needs no change, and a bad file is one readable line."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from qqbot_sync import Simulator
from qqbot_sync.recording import read
from tests.cli.support import call, only_line
from tests.cli.test_group import run
from tests.recording.support import handmade, message, ready
from tests.support import eventually

BOT = """
from qqbot_sync import BotClient

client = BotClient()

@client.on_message()
def answer(ctx, message):
    print("heard", message.content, flush=True)
    ctx.reply("got " + message.content)
    if message.content == "end":
        client.stop()

if __name__ == "__main__":
    client.run_forever(logging=False)
"""


@pytest.fixture
def bot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A bot's file, in a working directory of its own."""
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "bot.py"
    path.write_text(BOT, encoding="utf-8")
    return path


@pytest.fixture
def whole(tmp_path: Path) -> Path:
    """A recording with two messages, in which nothing was answered."""
    events = (0.0, ready()), (0.1, message("one", s=2)), (0.2, message("two", s=3))
    return handmade(tmp_path / "session.jsonl", *events)


def recorded(bot: Path, file: Path, *options: str) -> str:
    """Records a short conversation; returns what the command said."""
    with Simulator() as qq:

        def talk() -> None:
            eventually(lambda: any(entry["kind"] == "identified" for entry in qq.entries()))
            for text in ("hello", "你好", "end"):
                qq.say("小明", "c2c", text)

        thread = threading.Thread(target=talk)
        thread.start()
        where = ("--app-id", qq.app_id, "--environment", qq.url)
        done = run("record", str(bot), "-o", str(file), *where, *options, QQ_BOT_SECRET=qq.secret)
        thread.join()
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["heard hello", "heard 你好", "heard end"]
    return done.stderr


def test_a_bot_is_recorded_and_played_back_without_a_network(bot: Path, tmp_path: Path) -> None:
    """The same output twice, no credentials, and a summary that says it was the same."""
    file = tmp_path / "session.jsonl"
    said = recorded(bot, file)
    assert "recorded" in said
    assert f"qqbot-sync replay {file}" in said
    assert read(file).is_whole
    for target in (str(bot), f"{bot}:client"):
        done = run("replay", str(file), target, "--speed", "inf", "--strict")
        assert done.returncode == 0, done.stderr
        assert done.stdout.splitlines() == ["heard hello", "heard 你好", "heard end"]
        assert "the same as in the recording" in done.stderr
        assert "never started" not in done.stderr
        assert "4 / 4" in done.stderr
        assert "3 次应答 / answered" in done.stderr


def test_texts_are_hidden_on_request(bot: Path, tmp_path: Path) -> None:
    """`--hide-texts` reaches the bot's client; `.gz` is compressed."""
    file = tmp_path / "session.jsonl.gz"
    recorded(bot, file, "--hide-texts")
    recording = read(file)
    assert recording.header.hides_texts
    assert not any("hello" in str(step) for step in recording.steps)


def test_an_existing_file_is_not_overwritten(bot: Path, whole: Path) -> None:
    """Said before the bot runs."""
    before = whole.read_bytes()
    done = call("record", str(bot), "-o", str(whole))
    assert done.exit_code == 2
    assert "not overwritten" in only_line(done.stderr)
    assert whole.read_bytes() == before


def test_a_file_cut_in_half_is_one_readable_line_with_the_fix(bot: Path, whole: Path) -> None:
    """Non-zero, no traceback, no bot run; `--partial` plays what is whole."""
    data = whole.read_bytes()
    whole.write_bytes(data[: data.index(b'"n":3') + 10])
    done = run("replay", str(whole), str(bot))
    assert done.returncode == 1
    line = only_line(done.stderr)
    assert "2 events and 0 calls" in line
    assert "--partial" in line
    assert "heard" not in done.stdout
    done = run("replay", str(whole), str(bot), "--partial", "--speed", "inf", "--unmatched", "ok")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["heard one"]
    assert "not whole" in done.stderr


def test_with_debug_there_is_a_traceback(bot: Path, whole: Path) -> None:
    """For whoever wants one."""
    whole.write_bytes(whole.read_bytes()[:-30])
    assert "Traceback" in run("--debug", "replay", str(whole), str(bot)).stderr


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (("nowhere.jsonl", "bot.py"), 1, "no such file"),
        (("bot.py", "bot.py"), 1, "no recording"),
        (("session.jsonl", "gone.py"), 2, "no such file"),
        (("session.jsonl", "bot.py", "--speed", "0"), 2, "above 0"),
        (("session.jsonl", "bot.py", "--speed", "fast"), 2, "inf"),
        (("session.jsonl", "bot.py", "--unmatched", "maybe"), 2, "unmatched"),
    ],
)
def test_what_cannot_be_played_is_one_line(
    bot: Path, whole: Path, arguments: tuple[str, ...], status: int, said: str
) -> None:
    """It names what is wrong."""
    done = call("replay", *arguments)
    assert done.exit_code == status, done.stderr
    assert said in only_line(done.stderr)


def test_differences_are_listed_and_strict_makes_them_a_failure(bot: Path, whole: Path) -> None:
    """Here the bot answers, and in the recording nobody did."""
    done = run("replay", str(whole), str(bot), "--speed", "inf", "--strict")
    assert done.returncode == 1
    assert "2 × POST /v2/users/A/messages" in done.stderr
    assert "differs from the recording" in done.stderr


def test_a_bot_that_never_starts_is_told(bot: Path, whole: Path) -> None:
    """Nothing was played, and nothing recorded."""
    bot.write_text("from qqbot_sync import BotClient\nclient = BotClient()\n", encoding="utf-8")
    assert "nothing was played" in run("replay", str(whole), str(bot)).stderr
    done = run("record", str(bot), "-o", "new.jsonl", QQ_BOT_APP_ID="1", QQ_BOT_SECRET="secret")
    assert "nothing was recorded" in done.stderr
    assert not Path("new.jsonl").exists()


def test_a_replay_ignores_what_the_environment_says_about_recording(bot: Path, whole: Path) -> None:
    """QQ_BOT_RECORD is for the live bot."""
    done = run("replay", str(whole), str(bot), "--speed", "inf", "--unmatched", "ok", QQ_BOT_RECORD="other.jsonl")
    assert done.returncode == 0, done.stderr
    assert not Path("other.jsonl").exists()


def test_the_help_has_examples() -> None:
    """For both."""
    for name in ("record", "replay"):
        done = call(name, "--help")
        assert f"qqbot-sync {name}" in done.output
        assert "例 / examples" in done.output
