"""Talking in a simulator: what lines mean, verbs from the command line, and scripts."""

from __future__ import annotations

import inspect
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from rich.text import Text

from qqbot_sync import BotClient, Simulator
from qqbot_sync.cli import main
from qqbot_sync.cli.talk import verbs
from qqbot_sync.cli.talk.chinese import SUMMARIES
from qqbot_sync.cli.talk.entries import SHOWN, clean, line_of
from qqbot_sync.cli.talk.lines import Expectation, Pause, Speech, Verb, parse, parse_script
from qqbot_sync.simulator import KINDS
from qqbot_sync.simulator.faults import VERBS
from tests.cli.test_group import run

# ---------------------------------------------------------------- lines


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", None),
        ("  ", None),
        ("你好", Speech(None, None, "你好")),
        ("小明@group: 你好", Speech("小明", "group", "你好")),
        ("小明@group:你好", Speech("小明", "group", "你好")),
        ("a b@c2c: x: y", Speech("a b", "c2c", "x: y")),
        ("小明@channel:123: 12:30", Speech("小明", "channel:123", "12:30")),
        ("小明@channel:现在 12:30", Speech("小明", "channel", "现在 12:30")),
        ("小明@group: /ping", Speech("小明", "group", "/ping")),
        ("a@b.com: x", Speech(None, None, "a@b.com: x")),
        ("//ping 1", Speech(None, None, "/ping 1")),
        ("/drop", Verb("drop", [])),
        ("/close 4009 'a b' shard=1", Verb("close", ["4009", "a b", "shard=1"])),
        ("/", Verb("", [])),
    ],
)
def test_a_line_of_the_prompt_is_a_message_or_a_verb(text: str, line: object) -> None:
    """A message of one's own, of somebody else, or a verb; `//` says what begins with a stroke."""
    assert parse(text) == line


def test_a_script_has_expectations_and_pauses_too() -> None:
    """With the numbers of their lines; comments and empty lines count and mean nothing."""
    text = "# hi\n\n小明@group: 你好\nexpect: 你说\nexpect:b\nexpect nothing\n/drop\nwait 0.5\n"
    assert parse_script(text) == [
        (3, Speech("小明", "group", "你好")),
        (4, Expectation("你说")),
        (5, Expectation("b")),
        (6, Expectation(None)),
        (7, Verb("drop", [])),
        (8, Pause(0.5)),
    ]


@pytest.mark.parametrize("text", ["nonsense", "expect: early", "expect nothing", "a@nowhere: x", "/close '", "wait"])
def test_a_line_that_means_nothing_is_named_by_its_number(text: str) -> None:
    """Before anything is played."""
    with pytest.raises(ValueError, match=r"^2: "):
        parse_script(f"# first\n{text}\n")


# ---------------------------------------------------------------- verbs and their words


@pytest.mark.parametrize(
    ("name", "words", "arguments"),
    [
        ("drop", [], {}),
        ("drop", ["reset=true", "shard=1"], {"reset": True, "shard": 1}),
        ("close", ["4009", "bye bye"], {"code": 4009, "reason": "bye bye"}),
        ("slow", ["0.5"], {"seconds": 0.5}),
        ("fail_http", ["503", "2", "/v2", "code=7"], {"status": 503, "times": 2, "path": "/v2", "code": 7}),
        ("say", ["小明", "group", "a=b"], {"user": "小明", "where": "group", "text": "a=b"}),
        ("push", ["X", '{"a":1}', "id=1"], {"name": "X", "d": {"a": 1}, "id": "1"}),
        ("schedule", ["5", "close", "4009"], {"after": 5.0, "verb": "close", "code": 4009}),
        ("log", ["3", "said,sent"], {"since": 3, "kinds": ["said", "sent"]}),
        ("chaos", ["7", "0.5", "duration=3"], {"seed": 7, "rate": 0.5, "duration": 3.0}),
    ],
)
def test_words_become_the_arguments_of_the_method(name: str, words: list[str], arguments: dict[str, Any]) -> None:
    """In order or by name, of the type that the method's signature says."""
    assert verbs.bind(name, words) == arguments


def test_the_prompt_gives_person_and_place_to_the_verbs_that_take_them() -> None:
    """They can still be named."""
    spoken = {"user": "小明", "where": "group"}
    assert verbs.bind("press", ["1"], **spoken) == {**spoken, "button": "1"}
    assert verbs.bind("join", ["user=阿雅"], **spoken) == {"user": "阿雅", "where": "group"}
    assert verbs.bind("add_friend", [], **spoken) == {"user": "小明"}
    assert verbs.bind("drop", [], **spoken) == {}


@pytest.mark.parametrize(
    ("name", "words", "named"),
    [
        ("dorp", [], "drop"),
        ("close", [], "close CODE"),
        ("close", ["x"], "code='x'"),
        ("close", ["4009", "a", "b"], "'b'"),
        ("drop", ["reset=maybe"], "reset"),
        ("push", ["X", "{"], "d="),
        ("schedule", ["5", "explode"], "explode"),
        ("schedule", ["5", "close"], "close CODE"),
    ],
)
def test_words_that_do_not_fit_are_an_error_that_says_how_it_is_written(
    name: str, words: list[str], named: str
) -> None:
    """A wrong name brings the nearest ones."""
    with pytest.raises(ValueError, match=re.escape(named)):
        verbs.bind(name, words)


def test_every_method_of_the_control_is_a_verb_with_a_usage_and_a_sentence() -> None:
    """A new method of the simulator shows up by itself."""
    assert set(VERBS) <= set(verbs.names())
    listed = [name for group in verbs.groups().values() for name in group]
    assert sorted(listed) == verbs.names()
    for name in verbs.names():
        chinese, english = verbs.summary(name)
        assert re.search("[一-鿿]", chinese), name
        assert english, name
        assert verbs.usage(name).startswith(name)
    assert sorted(SUMMARIES) == verbs.names()


def test_every_kind_of_entry_that_is_shown_has_a_line() -> None:
    """Whatever its fields hold; nothing in it moves the cursor."""
    odd = "\x1b[2Jx\ny"
    for kind in SHOWN:
        entry: dict[str, Any] = {"kind": kind, **dict.fromkeys(KINDS[kind], odd)}
        if kind == "fault":
            entry["arguments"] = {"seconds": 1}
        line = line_of(entry, {odd: "小明"})
        assert isinstance(line, Text)
        assert "\x1b" not in line.plain
    assert clean("") == ""


# ---------------------------------------------------------------- one verb to a running simulator


def do(qq: Simulator, *words: str) -> Result:
    return CliRunner().invoke(main, ["simulator", "--url", qq.url, *words])


ARGUMENTS = {"close": ["4009"], "slow": ["0"], "refuse_connections": ["0"], "hang_http": ["0"]}


@pytest.mark.parametrize("verb", VERBS)
def test_every_fault_verb_is_there_from_the_command_line(qq: Simulator, verb: str) -> None:
    """Silent, status 0, and played."""
    done = do(qq, verb, *ARGUMENTS.get(verb, []))
    assert (done.exit_code, done.output) == (0, "")
    assert [entry["verb"] for entry in qq.entries(kinds=["fault"])] == [verb]


def test_what_a_verb_answers_is_printed_as_json(qq: Simulator) -> None:
    """And the simulator is found by the bot's own environment variable, too."""
    said = json.loads(do(qq, "say", "小明", "group", "你好").output)
    assert qq.entries(kinds=["said"])[0]["id"] == said["id"]
    tally = CliRunner().invoke(main, ["simulator", "tally"], env={"QQ_BOT_ENVIRONMENT": qq.url})
    assert json.loads(tally.output)["said"] == 1


@pytest.mark.parametrize(
    ("words", "status", "named"),
    [
        (["explode"], 2, "explode"),
        (["close"], 2, "CODE"),
        (["close", "99"], 1, "99"),
        (["say", "小明", "nowhere", "x"], 1, "nowhere"),
        (["drop", "--port", "1"], 2, "--url"),
        ([], 2, "--script"),
    ],
)
def test_what_cannot_be_done_is_one_line(qq: Simulator, words: list[str], status: int, named: str) -> None:
    """Status 2 for what is written wrongly, 1 for what the simulator refuses."""
    done = do(qq, *words)
    assert done.exit_code == status
    assert len(done.output.strip().splitlines()) == 1
    assert named in done.output


@pytest.mark.parametrize(
    ("url", "status", "named"), [("http://127.0.0.1:1", 1, "qqbot-sync simulator"), ("nonsense", 1, "nonsense")]
)
def test_a_simulator_that_is_not_there_is_one_line(url: str, status: int, named: str) -> None:
    """With what to do."""
    done = CliRunner().invoke(main, ["simulator", "--url", url, "drop"])
    assert done.exit_code == status
    assert len(done.output.strip().splitlines()) == 1
    assert named in done.output


def test_a_verb_without_a_simulator_says_what_is_missing() -> None:
    """No `--url`, and none in the environment."""
    done = CliRunner().invoke(main, ["simulator", "drop"])
    assert (done.exit_code, "--url" in done.output) == (2, True)


def test_the_plain_simulator_loads_neither_rich_nor_requests_for_it() -> None:
    """Only the prompt and scripts need the terminal's library."""
    source = inspect.getsource(sys.modules["qqbot_sync.cli.simulator"])
    assert not re.search(r"^(from|import) (rich|requests|qqbot_sync\.cli\.talk)", source, re.MULTILINE)


# ---------------------------------------------------------------- scripts


def script(tmp_path: Path, text: str) -> str:
    file = tmp_path / "talk.txt"
    file.write_text(text, encoding="utf-8")
    return str(file)


def test_a_script_plays_a_conversation_and_ends_with_status_0(qq: Simulator, echo: BotClient, tmp_path: Path) -> None:
    """Messages, answers in order, silence, verbs and pauses."""
    talk = script(
        tmp_path,
        "\ufeff# 一段对话\n小明@group: 两次\nexpect: 你说:两次\nexpect: 又一次\n/drop\nwait 0.01\n阿雅@c2c: 在吗\n"
        "expect: 在吗\n阿雅@group: 安静\nexpect nothing\n",
    )
    done = do(qq, "--script", talk, "--timeout", "20")
    assert done.exit_code == 0, done.output
    assert "阿雅@c2c: 在吗" in done.output
    assert "4 expectations, 0 failed" in done.output
    assert [entry["verb"] for entry in qq.entries(kinds=["fault"])] == ["drop"]


def test_an_expectation_that_fails_is_shown_and_the_status_is_1(qq: Simulator, echo: BotClient, tmp_path: Path) -> None:
    """Line, what was expected, what came; the rest is played all the same."""
    talk = script(
        tmp_path,
        "小明@group: a\nexpect: 再见\nexpect: a\n小明@group: b\nexpect: b\n小明@group: 安静\nexpect: x\n"
        "小明@group: c\nexpect nothing\n",
    )
    done = do(qq, "--script", talk, "--timeout", "0.3")
    assert done.exit_code == 1
    assert "talk.txt:2: 期待 / expected: 再见 · 得到 / got: 你说:a" in done.output
    assert "talk.txt:3" in done.output
    assert "talk.txt:7" in done.output
    assert "no answer within 0.3 s" in done.output
    assert "talk.txt:9" in done.output
    assert "5 expectations, 4 failed" in done.output


@pytest.mark.parametrize(
    ("text", "status", "named"),
    [
        ("小明@group: x\n/explode\n", 2, "talk.txt:2"),
        ("小明@group: x\n/close\n", 2, "talk.txt:2"),
        ("nonsense\n", 2, "talk.txt:1"),
        ("小明@group: x\n小明@group:404: x\n", 1, "talk.txt:2"),
    ],
)
def test_a_slip_in_a_script_is_one_line_with_its_number(
    qq: Simulator, echo: BotClient, tmp_path: Path, text: str, status: int, named: str
) -> None:
    """Before anything is played, unless only the simulator can know."""
    done = do(qq, "--script", script(tmp_path, text))
    assert done.exit_code == status
    assert named in done.output.strip().splitlines()[-1]
    assert len(qq.entries(kinds=["said"])) == (1 if status == 1 else 0)


def test_a_script_that_is_no_text_is_one_line(qq: Simulator, tmp_path: Path) -> None:
    """Status 2, and the name of the file."""
    file = tmp_path / "talk.txt"
    file.write_bytes(b"\xff\xfe")
    done = do(qq, "--script", str(file))
    assert (done.exit_code, "UTF-8" in done.output) == (2, True)


PAGE = Path(__file__).parents[2] / "docs" / "simulator.md"


@pytest.mark.long
def test_the_script_in_the_documentation_plays(qq: Simulator, echo: BotClient, tmp_path: Path) -> None:
    """As it stands there."""
    (text,) = re.findall(r"## 脚本.*?```text\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    done = do(qq, "--script", script(tmp_path, text), "--timeout", "20")
    assert done.exit_code == 0, done.output


def test_the_documentation_names_every_fault_verb() -> None:
    """In its table."""
    page = PAGE.read_text(encoding="utf-8")
    assert [verb for verb in (*VERBS, "schedule", "chaos") if not re.search(rf"`{verb}[` ]", page)] == []


@pytest.mark.long
def test_simulator_bot_and_script_are_one_command(tmp_path: Path) -> None:
    """The bot runs as a process, comes online, and is gone at the end; one that ends early is named."""
    bot = tmp_path / "bot.py"
    bot.write_text(
        "import os\nfrom qqbot_sync import BotClient\nclient = BotClient()\n"
        "open('pid', 'w').write(str(os.getpid()))\n"
        "client.on_message()(lambda ctx, message: ctx.reply('pong'))\nclient.run_forever()\n",
        encoding="utf-8",
    )
    talk = script(tmp_path, "小明@group: ping\nexpect: pong\n")
    command = [sys.executable, "-m", "qqbot_sync", "simulator", "--bot", str(bot), "--script", talk]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", timeout=50, cwd=tmp_path)
    assert done.returncode == 0, done.stdout
    assert "√ pong" in done.stdout
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)
    bot.write_text("raise SystemExit(3)\n", encoding="utf-8")
    failed = run("simulator", "--bot", str(bot), "--script", talk)
    assert failed.returncode == 1
    assert "exit status 3" in failed.stdout
    assert "before it was online" in failed.stderr
