"""The page for those who come from BotRS: a counterpart for every listing of its gateway guide, and each runs."""

from __future__ import annotations

import contextlib
import io
import logging
import re
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from qqbot_sync import BotBanned, Simulator
from qqbot_sync.client import running
from qqbot_sync.protocol.close_codes import CLOSE_CODES
from tests.support import PATIENCE, eventually

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "from_botrs.md").read_text(encoding="utf-8")
SECTIONS = re.findall(r"^## (\d+) (.*?)$(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)
LISTINGS = 19
"""In the gateway guide of BotRS 0.2.8."""

AREAS = ("client", "gateway", "dispatch", "http", "simulator")
Check = Callable[[Simulator, Callable[[], str]], None]
"""Talks to the running listing and judges it; the second argument gives what it has printed so far."""


def online(qq: Simulator, count: int = 1) -> None:
    eventually(lambda: sum(entry["kind"] == "identified" for entry in qq.log) >= count, what="coming online")


def answers(where: str, text: str, expected: str) -> Check:
    """The bot comes online and answers so (a regular expression)."""

    def check(qq: Simulator, printed: Callable[[], str]) -> None:
        online(qq)
        (reply, *_) = qq.say("小明", where, text).replies(timeout=PATIENCE)
        assert re.fullmatch(expected, reply.content), reply.content

    return check


def prints(*expected: str) -> Check:
    """The listing ends by itself, and has printed these."""

    def check(qq: Simulator, printed: Callable[[], str]) -> None:
        for text in expected:
            eventually(lambda text=text: re.search(text, printed()), what=f"{text!r} being printed")

    return check


def heartbeats_fail(qq: Simulator, printed: Callable[[], str]) -> None:
    online(qq)
    qq.deaf()
    prints(r"resumed: \{'heartbeat': 1\}")(qq, printed)
    answers("group", "ping", "pong")(qq, printed)


def four_kinds(qq: Simulator, printed: Callable[[], str]) -> None:
    answers("channel", "hi", "收到")(qq, printed)
    qq.push("GUILD_CREATE", {"id": "1", "name": "新频道"})
    qq.push("TOMORROWS_EVENT", {"is": "new"})
    prints("ready: .+", "joined 新频道", r"TOMORROWS_EVENT \{'is': 'new'\}")(qq, printed)


def commands(qq: Simulator, printed: Callable[[], str]) -> None:
    answers("group", "!ping", "Pong!")(qq, printed)
    unheard = qq.say("小明", "group", "ping")
    answers("channel", "!status", "状态: 在线")(qq, printed)
    assert unheard.replies(timeout=0) == []


def four_shards(qq: Simulator, printed: Callable[[], str]) -> None:
    online(qq, 4)
    prints(*(rf"shard \({number}, 4\)" for number in range(4)))(qq, printed)

    def all_connected() -> bool:
        (reply, *_) = qq.say("小明", "group", "?").replies(timeout=PATIENCE)
        return bool(reply.content == ", ".join(f"{number}: connected" for number in range(4)))

    eventually(all_connected)


def diagnosed(qq: Simulator, printed: Callable[[], str]) -> None:
    answers("group", "/status", r"运行 \d+ 秒")(qq, printed)
    prints("100")(qq, printed)


def logged(qq: Simulator, printed: Callable[[], str]) -> None:
    online(qq)
    said = qq.say("小明", "channel", "hi")
    prints(
        "qqbot-.*user: ",
        "session: ",
        "version: 1",
        "shard: 0/1",
        f"message {said.id}, .* author 小明",
        "gateway.*DEBUG|DEBUG.*gateway",
    )(qq, printed)


CHECKS: dict[int, Check] = {
    1: answers("group", "ping", "pong"),
    2: prints("https://api.sgroup.qq.com\n", "https://sandbox.api.sgroup.qq.com\n", "ws://127.0.0.1:"),
    3: answers("group", "ping", "pong"),
    4: answers("group", "?", r"会话 \S+ 序列号 \d+ 分片 \(0, 1\)"),
    5: answers("group", "?", r"\d+ ms|还没有心跳 / no heartbeat yet"),
    6: heartbeats_fail,
    7: four_kinds,
    8: commands,
    9: prints("GUILDS", "FORUMS_EVENT", "GUILD_MEMBERS", "True"),
    10: prints("granted: .*PUBLIC_GUILD_MESSAGES", "refused: "),
    11: answers("channel", "?", "分片 / shard 0 of 1"),
    12: four_shards,
    13: prints("check app id and secret: "),
    14: answers("group", "oops", r"出错了 / failed: \s*oops"),
    15: answers("group", "?", r"收到 \d+ 每秒 [\d.]+"),
    16: answers("group", "?", "done"),
    17: logged,
    18: diagnosed,
    19: answers("group", "ping", "pong"),
}


@pytest.fixture
def surroundings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Simulator]:
    """A simulator that a plain `BotClient()` finds, a directory of its own, and a log as it was."""
    loggers = [logging.getLogger(name) for name in ("qqbot_sync", *(f"qqbot_sync.{area}" for area in AREAS))]
    before = [(logger, logger.level, list(logger.handlers)) for logger in loggers]
    with Simulator() as qq:
        monkeypatch.setenv("QQ_BOT_ENVIRONMENT", qq.url)
        monkeypatch.setenv("QQ_BOT_APP_ID", qq.app_id)
        monkeypatch.setenv("QQ_BOT_SECRET", qq.secret)
        monkeypatch.chdir(tmp_path)
        yield qq
    for logger, level, handlers in before:
        logger.setLevel(level)
        logger.handlers[:] = handlers


def test_every_listing_of_the_guide_has_its_counterpart() -> None:
    assert [int(number) for number, *_ in SECTIONS] == list(range(1, LISTINGS + 1))
    assert sorted(CHECKS) == list(range(1, LISTINGS + 1))


@pytest.mark.parametrize("number", range(1, LISTINGS + 1))
def test_the_listing_runs(number: int, surroundings: Simulator) -> None:
    """As it stands, against the simulator."""
    (code,) = re.findall(r"```python\n(.*?)```", SECTIONS[number - 1][2], re.DOTALL)
    out = io.StringIO()
    failures: list[BaseException] = []

    def run() -> None:
        try:
            exec(compile(code, f"from_botrs.md, {number}", "exec"), {"__name__": "__main__"})
        except BaseException as error:
            failures.append(error)

    listing = threading.Thread(target=run, name=f"listing {number}")
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
        listing.start()
        try:
            CHECKS[number](surroundings, out.getvalue)
        finally:
            for client in list(running._running.values()):
                client.stop()
            listing.join(PATIENCE)
    assert not listing.is_alive()
    assert failures == []


def test_the_recovery_table_says_what_the_package_does() -> None:
    """For every close code it names."""
    rows = {
        "Identify": (4006, 4007, *(code for code in CLOSE_CODES if 4900 <= code <= 4913)),
        "Resume": (4008, 4009),
    }
    for what, codes in rows.items():
        for code in codes:
            assert CLOSE_CODES[code].verdict.name == what.upper(), code
    assert {CLOSE_CODES[code].error for code in (4914, 4915)} == {BotBanned}


def test_both_languages_have_their_links() -> None:
    for link in re.findall(r"\]\(([^)#]+)\)", PAGE):
        assert (ROOT / "docs" / link).exists(), link
