"""Talking in a simulator: what lines mean, verbs from the command line, scripts, and the prompt in a real terminal."""

from __future__ import annotations

import contextlib
import inspect
import json
import os
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from rich.text import Text

from qqbot_sync import BotClient, Environment, Simulator
from qqbot_sync.cli import main
from qqbot_sync.cli.talk import verbs
from qqbot_sync.cli.talk.entries import SHOWN, clean, line_of
from qqbot_sync.cli.talk.lines import Expectation, Pause, Speech, Verb, parse, parse_script
from qqbot_sync.simulator import KINDS
from qqbot_sync.simulator.faults import VERBS
from tests.cli.test_group import run
from tests.support import PATIENCE, eventually

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
        assert verbs.summary(name), name
        assert verbs.usage(name).startswith(name)


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


@pytest.fixture
def qq() -> Iterator[Simulator]:
    """A running simulator in this process."""
    with Simulator() as simulator:
        yield simulator


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


@pytest.fixture
def echo(qq: Simulator) -> Iterator[BotClient]:
    """A bot in this process that answers everything but silence."""
    client = BotClient(qq.app_id, qq.secret, environment=Environment.local(qq.url))

    @client.on_message()
    def answer(ctx: Any, message: Any) -> None:
        if "安静" not in message.content:
            ctx.reply(f"你说:{message.content}")
        if "两次" in message.content:
            ctx.reply("又一次")

    with client:
        yield client


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


# ---------------------------------------------------------------- the prompt


CONTROLLED = (
    "import fcntl, runpy, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); "
    "runpy.run_module('qqbot_sync', run_name='__main__', alter_sys=True)"
)
"""`python -m qqbot_sync` on the terminal that controls it: only there Ctrl-C is a signal."""


class Terminal:
    """`qqbot-sync simulator` at the end of a pseudo-terminal."""

    def __init__(self, home: Path, *arguments: str) -> None:
        import pty

        self.master, slave = pty.openpty()
        self.process = subprocess.Popen(
            [sys.executable, "-c", CONTROLLED, "simulator", *arguments],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
            env={**os.environ, "HOME": str(home), "TERM": "xterm-256color", "LC_ALL": "C.UTF-8", "COLUMNS": "200"},
        )
        os.close(slave)
        self._raw = b""
        self._read = 0

    @property
    def text(self) -> str:
        return self._raw.decode("utf-8", errors="replace")

    def type(self, text: str) -> None:
        os.write(self.master, text.encode())

    def see(self, wanted: str) -> str:
        """Waits until this is on the screen, after what was seen before; gives what came up to its end."""
        end = time.monotonic() + PATIENCE
        while wanted.encode() not in self._raw[self._read :]:
            ready, _, _ = select.select([self.master], [], [], max(0.0, end - time.monotonic()))
            assert ready, f"{wanted!r} did not come; there is {self._raw[self._read :].decode(errors='replace')!r}"
            try:
                self._raw += os.read(self.master, 65536)
            except OSError:
                raise AssertionError(f"{wanted!r} did not come before the end: {self.text}") from None
        start = self._read
        self._read = self._raw.index(wanted.encode(), start) + len(wanted.encode())
        return self._raw[start : self._read].decode("utf-8", errors="replace")

    def ends(self) -> int:
        """Waits for the process, reading what it still prints, and gives its status."""
        end = time.monotonic() + PATIENCE
        while self.process.poll() is None:
            assert time.monotonic() < end, f"it did not end: {self.text}"
            if select.select([self.master], [], [], 0.05)[0]:
                with contextlib.suppress(OSError):
                    self._raw += os.read(self.master, 65536)
        return self.process.wait()

    def ends_by(self, push: Callable[[], None]) -> None:
        """Pushes, again and again, until the process ends."""
        end = time.monotonic() + PATIENCE
        while self.process.poll() is None and time.monotonic() < end:
            push()
            while select.select([self.master], [], [], 0.3)[0]:
                try:
                    self._raw += os.read(self.master, 65536)
                except OSError:
                    break

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self.master)


@pytest.fixture
def terminal(qq: Simulator, echo: BotClient, tmp_path: Path) -> Iterator[Terminal]:
    """A prompt on the simulator in which `echo` is online."""
    if os.name == "nt":
        pytest.skip("missing: pseudo-terminals")
    one = Terminal(tmp_path, "--url", qq.url)
    try:
        one.see("小明@group> ")
        yield one
    finally:
        one.close()


def test_at_the_prompt_one_writes_as_anyone_and_sees_the_answers(terminal: Terminal, qq: Simulator) -> None:
    """With colours, and without one's own words coming back as somebody else's."""
    terminal.type("你好\r")
    shown = terminal.see("你说:你好")
    assert "机器人" in shown
    assert "\x1b[" in shown
    assert "小明@group\x1b[0m: 你好" not in shown
    terminal.type("阿雅@c2c: 在吗\r")
    assert "阿雅" in terminal.see("你说:在吗")
    terminal.type("/as 老周\r")
    terminal.see("老周@group> ")
    terminal.type("/in channel\r")
    terminal.see("老周@channel> ")
    terminal.type("//ping\r")
    terminal.see("你说:/ping")
    said = [(entry["user"], entry["where"], entry["text"]) for entry in qq.entries(kinds=["said"])]
    assert said == [("小明", "group", "你好"), ("阿雅", "c2c", "在吗"), ("老周", "channel", "/ping")]


def test_verbs_are_played_at_the_prompt_and_what_they_do_is_seen(terminal: Terminal, qq: Simulator) -> None:
    """Faults, persons, the log, the overview; a slip ends nothing."""
    terminal.type("/drop\r")
    terminal.see("fault: drop")
    terminal.see("the bot is back")
    terminal.type("/join\r")
    terminal.see("GROUP_MEMBER_ADD")
    terminal.type("/close\r")
    terminal.see("close CODE")
    terminal.type("/close 7\r")
    terminal.see("1000 to 4999")
    terminal.type("/dorp\r")
    terminal.see("drop")
    terminal.type("/in nowhere\r")
    terminal.see("no place")
    terminal.type("/help\r")
    terminal.see("lose_answer")
    terminal.type("/help slow\r")
    terminal.see("/slow SECONDS")
    terminal.type("/log 1\r")
    terminal.see('"number":')
    terminal.type("好\r")
    terminal.see("你说:好")


def test_what_happens_elsewhere_appears_above_what_is_being_typed(terminal: Terminal, qq: Simulator) -> None:
    """The half-written line stands below it again, and is sent whole."""
    terminal.type("还没")
    terminal.see("还没")
    qq.say("老周", "group", "插一句")
    terminal.see("插一句")
    terminal.see("你说:插一句")
    terminal.see("小明@group> ")
    terminal.see("还没")
    terminal.type("写完\r")
    terminal.see("你说:还没写完")


def test_lines_are_edited_completed_and_remembered(terminal: Terminal, qq: Simulator, tmp_path: Path) -> None:
    """Arrow keys, tab, and a history for the next time."""
    pytest.importorskip("readline", reason="missing: readline")
    terminal.type("第一句\r")
    terminal.see("你说:第一句")
    terminal.type("\x1b[A")
    terminal.see("第一句")
    terminal.type("\r")
    terminal.see("你说:第一句")
    terminal.type("/ask_h\t")
    terminal.see("eartbeat")
    terminal.type("\r")
    terminal.see("fault: ask_heartbeat")
    terminal.type("/quit\r")
    assert terminal.ends() == 0
    assert "第一句" in (tmp_path / ".qqbot_sync_history").read_text(encoding="utf-8")
    again = Terminal(tmp_path, "--url", qq.url)
    try:
        again.see("小明@group> ")
        again.type("\x1b[A\x1b[A")
        again.see("ask_heartbeat")
    finally:
        again.close()


@pytest.mark.parametrize("way", ["/quit\r", "\x04", "\x03", "TERM"])
def test_the_prompt_ends_with_status_0(terminal: Terminal, way: str) -> None:
    """By word, by the end of the input, by Ctrl-C twice, by SIGTERM."""
    if way == "TERM":
        terminal.ends_by(lambda: terminal.process.send_signal(signal.SIGTERM))
    elif way == "\x03":
        # Until it has ended: one that comes before the first line is awaited may meet nobody.
        terminal.ends_by(lambda: terminal.type(way))
        assert "Ctrl-C" in terminal.text
    else:
        terminal.type(way)
    assert terminal.ends() == 0
    assert "Traceback" not in terminal.text


def test_a_simulator_that_goes_away_is_said_and_ends_nothing(terminal: Terminal, qq: Simulator) -> None:
    """The prompt stays, for the words that are still on the screen."""
    qq.stop()
    terminal.see("no simulator answers")
    terminal.type("hi\r")
    terminal.see("no simulator answers")
    terminal.type("/quit\r")
    assert terminal.ends() == 0


def test_in_a_terminal_the_simulator_of_ones_own_has_the_prompt(tmp_path: Path) -> None:
    """It prints what a bot needs, and shows the bot come online."""
    if os.name == "nt":
        pytest.skip("missing: pseudo-terminals")
    one = Terminal(tmp_path)
    try:
        found = one.see("小明@group> ")
        url, app_id, secret = (
            re.search(rf"{name}=(\S+)", found).group(1)  # type: ignore[union-attr]
            for name in ("QQ_BOT_ENVIRONMENT", "QQ_BOT_APP_ID", "QQ_BOT_SECRET")
        )
        with BotClient(app_id, secret, environment=Environment.local(url)) as client:
            one.see("the bot is online")
            eventually(client.is_connected)
        one.type("/quit\r")
        assert one.ends() == 0
    finally:
        one.close()


@pytest.mark.long
def test_the_bot_does_not_outlive_a_simulator_that_was_killed(tmp_path: Path) -> None:
    """A terminal that is closed, or `kill -9`: nothing is put away, and yet nothing is left."""
    if os.name == "nt":
        pytest.skip("missing: pipes that a child inherits")
    pid = tmp_path / "pid"
    bot = tmp_path / "bot.py"
    bot.write_text(
        "import os, pathlib\nfrom qqbot_sync import BotClient\nclient = BotClient()\n"
        f"client.on_start(lambda ctx, ready: pathlib.Path({str(pid)!r}).write_text(str(os.getpid())))\n"
        "client.on_message()(lambda ctx, message: None)\nclient.run_forever()\n",
        encoding="utf-8",
    )
    simulator = subprocess.Popen(
        [sys.executable, "-m", "qqbot_sync", "simulator", "--bot", str(bot)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    child = 0
    try:
        child = int(eventually(lambda: pid.exists() and pid.read_text(), what="the bot online"))
        simulator.kill()
        simulator.wait()
        eventually(lambda: not is_alive(child), what="the end of the bot")
    finally:
        simulator.kill()
        with contextlib.suppress(ProcessLookupError):
            if child:
                os.kill(child, signal.SIGKILL)


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    status = Path(f"/proc/{pid}/stat")
    # One that nobody has waited for is as good as gone.
    return not (status.exists() and status.read_text().rpartition(")")[2].split()[0] == "Z")
