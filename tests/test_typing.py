"""What a type checker knows about handlers: `mypy --strict` on bots as users write them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from qqbot_sync.events import EVENTS, EventSpec, events_of
from qqbot_sync.models import ChatMessage, Model

ROOT = Path(__file__).parent.parent
TYPED = [spec for spec in EVENTS.values() if spec.model is not None]
MODELS = list(dict.fromkeys(spec.model for spec in TYPED if spec.model is not None))

Checked = dict[int, list[str]]
"""What mypy says, by line."""
Check = Callable[[str], Checked]

SAMPLE_BOT = '''
"""A bot that uses everything a handler can be."""

from qqbot_sync import BotClient, Context, Event, EventHandler
from qqbot_sync.models import GroupJoinRequest, Guild, Message, QQMessage, Ready


class Mine(EventHandler):
    def ready(self, ctx: Context, ready: Ready) -> None:
        print(ready.user.username if ready.user else "?")

    def at_message_create(self, ctx: Context, message: Message) -> None:
        ctx.reply(message.text.upper())

    def group_join_request(self, ctx: Context, request: GroupJoinRequest) -> None:
        print((request.username or "?").upper())

    def unknown_event(self, ctx: Context, data: object) -> None:
        print(ctx.name, data)


client = BotClient("app", "secret", handler=Mine())


@client.on(QQMessage)
def group(ctx: Context, message: QQMessage) -> None:
    ctx.reply(f"{message.text} {message.member_role}")


@client.on(Guild)
def joined(ctx: Context, guild: Guild) -> int:
    return len(guild.name)


@client.on(Event.C2C_MESSAGE_CREATE)
@client.on("GROUP_AT_MESSAGE_CREATE")
def named(ctx: Context, message: QQMessage) -> None:
    message.reply(message.content)


@client.on_message
def every(ctx: Context, message: Message | QQMessage) -> None:
    ctx.reply(message.text)


@client.on_message(scene="group", startswith="/")
def command(ctx: Context, message: QQMessage) -> None:
    answer = ctx.ask("name?", timeout=60)
    answer.reply(answer.content.strip())


def kept(ctx: Context, guild: Guild) -> int:
    return joined(ctx, guild) + 1


mentions: str | None = client.wait_for("AT_MESSAGE_CREATE", timeout=1).bot_id
client.run_forever()
'''


@pytest.fixture(scope="module")
def check(tmp_path_factory: pytest.TempPathFactory) -> Check:
    """Runs `mypy --strict` on a source; its cache lies beside that of `make check`."""
    place = tmp_path_factory.mktemp("typing")

    def run(source: str) -> Checked:
        file = place / "sample_bot.py"
        file.write_text(source, encoding="utf-8")
        command = [sys.executable, "-m", "mypy", "--strict", "--no-error-summary", "--show-error-codes"]
        options = ["--config-file", os.devnull, "--cache-dir", str(ROOT / ".mypy_cache" / "samples"), str(file)]
        ended = subprocess.run(
            [*command, *options],
            cwd=ROOT,
            env={**os.environ, "MYPYPATH": str(ROOT), "PYTHONUTF8": "1"},
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=55,
            check=False,
        )
        assert ended.returncode in (0, 1), ended.stdout + ended.stderr
        found: Checked = {}
        for line in ended.stdout.splitlines():
            told = re.match(r".*sample_bot\.py:(\d+): (.*)", line)
            # What is wrong in the package itself is told by `make check`.
            if told:
                found.setdefault(int(told[1]), []).append(told[2])
        return found

    return run


def name_of(model: type[Model]) -> str:
    return f"{model.__module__}.{model.__qualname__}"


def test_a_bot_as_users_write_it_is_accepted(check: Check) -> None:
    assert check(SAMPLE_BOT) == {}


def test_the_second_argument_is_typed_for_every_model_class_and_every_method(check: Check) -> None:
    """Walks the table of events: what `on(Model)` hands to a function, and what each method declares."""
    assert len(TYPED) == len(EVENTS) - 1
    lines = ["from qqbot_sync import BotClient, EventHandler", "from qqbot_sync import models", "client = BotClient()"]
    by_model: dict[int, type[Model]] = {}
    by_method: dict[int, EventSpec] = {}
    carried: list[type[Model]] = [*MODELS, ChatMessage]
    for model in carried:
        assert events_of(model)
        lines.append(f"client.on(models.{model.__name__})(lambda ctx, event: reveal_type(event))")
        by_model[len(lines)] = model
    for spec in TYPED:
        lines.append(f"reveal_type(EventHandler.{spec.callback})")
        by_method[len(lines)] = spec
    found = check("\n".join(lines))
    assert set(found) == set(by_model) | set(by_method)
    for line, model in by_model.items():
        assert found[line] == [f'note: Revealed type is "{name_of(model)}"']
    for line, spec in by_method.items():
        assert spec.model is not None
        (told,) = found[line]
        arguments = re.findall(r"(\w+): ([\w.]+)", told.removeprefix("note: "))
        assert [kind for _, kind in arguments[:3]] == [
            "qqbot_sync.dispatch.handler.EventHandler",
            "qqbot_sync.context.Context",
            name_of(spec.model),
        ], spec.name


def test_the_methods_that_are_no_events_are_typed_too(check: Check) -> None:
    found = check(
        "from qqbot_sync import EventHandler\n"
        "reveal_type(EventHandler.resumed)\nreveal_type(EventHandler.error)\nreveal_type(EventHandler.unknown_event)\n"
    )
    assert "ctx: qqbot_sync.context.Context)" in found[2][0]
    assert re.search(r"ctx: .*Context.*None.*, error: (builtins\.)?BaseException\)", found[3][0])
    assert "ctx: qqbot_sync.context.Context, data: Any)" in found[4][0]


def test_a_bot_that_takes_the_wrong_model_is_told_so(check: Check) -> None:
    """The function, the method, and a field that the model does not have."""
    found = check(
        "from qqbot_sync import BotClient, Context, EventHandler\n"
        "from qqbot_sync.models import Channel, Guild\n"
        "client = BotClient()\n"
        "@client.on(Guild)\n"
        "def one(ctx: Context, channel: Channel) -> None: ...\n"
        "class Mine(EventHandler):\n"
        "    def guild_create(self, ctx: Context, guild: Channel) -> None: ...\n"
        "@client.on(Guild)\n"
        "def other(ctx: Context, guild: Guild) -> None:\n"
        "    print(guild.content)\n"
        "@client.on(Guild)\n"
        "def third(ctx: Context) -> None: ...\n"
    )
    codes = {
        line: [code for text in told for code in re.findall(r"\[([\w-]+)\]$", text)] for line, told in found.items()
    }
    assert codes == {4: ["arg-type"], 7: ["override"], 10: ["attr-defined"], 11: ["arg-type"]}
