"""Clients that nobody here wrote run against the simulator, pointed at it by nothing but their hosts."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from qqbot_sync.simulator import Simulator
from tests.simulator.foreign.environments import Missing, prepare
from tests.support import eventually

pytestmark = [pytest.mark.long, pytest.mark.timeout(900)]

SCRIPTS = Path(__file__).parent / "foreign"
CLIENTS = ("botpy", "nonebot", "qg")
RESUMING = ("botpy", "nonebot")
"""Those that resume; qg-botsdk 4.3 identifies anew after every end."""
SCENES = ("channel", "direct", "group", "c2c")
ENVIRON = dict(os.environ)
"""As it was before the tests cleaned it: pip may need the proxy."""
WAIT = 60.0
"""Seconds for what a foreign client does in its own time."""


class Foreign:
    """A foreign client in a process of its own."""

    def __init__(self, name: str, qq: Simulator, home: Path) -> None:
        self.qq = qq
        self.resumes = name in RESUMING
        self.output = home / "output.txt"
        environ = {key: value for key, value in ENVIRON.items() if not key.lower().endswith("_proxy")}
        environ.update(
            SIMULATOR_URL=qq.url, SIMULATOR_APP_ID=qq.app_id, SIMULATOR_SECRET=qq.secret, PYTHONIOENCODING="utf-8"
        )
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                [str(python_of(name)), str(SCRIPTS / f"{name}_echo.py")],
                cwd=home,
                env=environ,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    def said(self) -> str:
        return self.output.read_text(encoding="utf-8", errors="replace")

    def count(self, *kinds: str) -> int:
        assert self.process.poll() is None, f"the client has ended:\n{self.said()}"
        return len(self.qq.entries(kinds=kinds))

    def answers(self, word: str, scenes: Sequence[str] = SCENES) -> None:
        """Somebody says `word` in each of the scenes; each gets one answer."""
        for scene in scenes:
            said = self.qq.say("小明", scene, f"{word}-{scene}")
            replies = [message.content for message in said.replies(timeout=WAIT)]
            assert replies == [f"echo {word}-{scene}"], f"in {scene}: {replies}\n{self.said()}"

    def end(self) -> None:
        self.process.kill()
        self.process.wait()


def python_of(name: str) -> Path:
    try:
        return prepare(name, ENVIRON)
    except Missing as error:
        if ENVIRON.get("CI") == "true":
            raise
        pytest.skip(f"missing: {error}")


@pytest.fixture(params=CLIENTS)
def foreign(request: pytest.FixtureRequest, qq: Simulator, tmp_path: Path) -> Iterator[Foreign]:
    """An echo bot on a foreign client, connected to the simulator."""
    with qq.guard:
        qq.platform.shows_mentions = True
    client = Foreign(request.param, qq, tmp_path)
    try:
        eventually(lambda: client.count("identified"), within=WAIT, what="its Identify")
        eventually(lambda: "READY" in client.said().split(), within=WAIT, what="its own word that it is READY")
        yield client
    finally:
        client.end()


def test_a_foreign_client_answers_in_every_scene_and_again_after_a_reconnect(foreign: Foreign, qq: Simulator) -> None:
    foreign.answers("before")
    sessions = foreign.count("identified", "resumed")
    qq.reconnect(grace=0.1)
    if foreign.resumes:
        # In a group, because guild messages need a live session.
        foreign.answers("meanwhile", ["group"])
    eventually(lambda: foreign.count("identified", "resumed") > sessions, within=WAIT, what="its return")
    foreign.answers("after")

    assert foreign.count("resumed") == foreign.resumes
    assert len(qq.connections()) == 1
    assert not qq.entries(kinds=["refused", "turned_away"])
    tally = qq.tally()
    assert tally["answered"] == tally["said"] == 2 * len(SCENES) + foreign.resumes
    assert not tally["doubled"]
