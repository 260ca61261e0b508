"""A bot that writes down what its handlers see, and recordings made by hand."""

from __future__ import annotations

import json
import threading
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

from qqbot_sync import BotClient, BotError, Context, Environment, ReconnectConfig, Simulator
from qqbot_sync.api.http import Response, Unknown
from qqbot_sync.recording import Recording, UnreadableRecording, read
from qqbot_sync.recording.exchange import Call, Exchange
from qqbot_sync.recording.playback import Playback
from qqbot_sync.recording.scrubbing import Scrubber
from qqbot_sync.recording.steps import Mark
from qqbot_sync.recording.tape import Tape
from tests.support import FakeClock, eventually

__all__ = ["Diary", "at_rest", "handmade", "message", "ready", "record", "replay", "reports"]

QUICK = ReconnectConfig(initial_delay=0.01, max_delay=0.05)
Diary = dict[str, list[tuple[object, ...]]]
"""What happened to each event, by its id: what its handlers saw, sent and got."""


def keep_diary(client: BotClient, *, patience: float = 0.2) -> Diary:
    """Registers handlers that echo, ask and wait, and write down each step."""
    diary: Diary = defaultdict(list)
    lock = threading.Lock()

    def note(ctx: Context, *what: object) -> None:
        with lock:
            diary[str(ctx.raw["id"])].append((ctx.name, ctx.keys.author, ctx.redelivered, *what))

    @client.on_message()
    def talk(ctx: Context, message: Any) -> None:
        text = message.content.strip()
        note(ctx, "said", text)
        try:
            if text == "ask":
                answer = ctx.ask("名字?", timeout=patience)
                note(ctx, "answered", answer.content)
                note(ctx, "sent", answer.reply(f"你好 {answer.content}").id)
            elif text == "wait":
                note(ctx, "sent", ctx.reply("等").id)
                found = ctx.wait_for("C2C_MESSAGE_CREATE", check=lambda other: "signal" in other.content, timeout=20)
                note(ctx, "found", found.content)
            else:
                note(ctx, "sent", ctx.reply(f"你说:{text}").id)
        except (BotError, TimeoutError) as error:
            note(ctx, type(error).__name__)

    return diary


def record(qq: Simulator, path: Path, play: Callable[[BotClient], object], **options: Any) -> Diary:
    """Runs that bot against a simulator while it is recorded, until `play` has ended and nothing is left to do."""
    client = BotClient(
        qq.app_id,
        qq.secret,
        environment=Environment.local(qq.url),
        record=str(path),
        reconnect=QUICK,
        **options,
    )
    diary = keep_diary(client)
    client.start()
    try:
        play(client)
        at_rest(client)
    finally:
        client.stop()
    return diary


def at_rest(client: BotClient) -> None:
    """Waits until every handler has come to its end."""
    dispatcher = client._dispatcher
    eventually(
        lambda: client.is_connected() and not dispatcher._backlog.unfinished,
        what="the end",
    )


def replay(path: Path, *, speed: float = float("inf"), **options: Any) -> tuple[Diary, BotClient]:
    """Runs that bot on a recording."""
    client = BotClient(replay=str(path), replay_speed=speed, **options)
    diary = keep_diary(client)
    client.run_forever(logging=False)
    return diary, client


def reports(client: BotClient) -> Any:
    """What came of a client's replay."""
    playback = client._taping._playback  # type: ignore[attr-defined]
    assert isinstance(playback, Playback)
    return playback.report()


# -- made by hand -----------------------------------------------------------------------------------------------------


def ready(session: str = "one", s: int = 1) -> bytes:
    """The frame that begins a session."""
    user = {"id": "777", "username": "机器人", "bot": True}
    return _frame("READY", s, {"version": 1, "session_id": session, "user": user, "shard": [0, 1]})


def message(text: str, *, s: int, author: str = "A", id: str | None = None) -> bytes:
    """A C2C message."""
    ident = id or f"message-{s}"
    d = {"id": ident, "author": {"id": author, "user_openid": author}, "content": text}
    return _frame("C2C_MESSAGE_CREATE", s, d, id=f"C2C_MESSAGE_CREATE:{ident}")


def _frame(name: str, s: int, d: object, **more: object) -> bytes:
    return json.dumps({"op": 0, "s": s, "t": name, **more, "d": d}, ensure_ascii=False).encode()


def handmade(
    path: Path,
    *events: tuple[float, bytes],
    calls: tuple[tuple[Call, Response | Unknown], ...] = (),
    marks: tuple[Mark, ...] | None = None,
    redelivered: tuple[float, ...] = (),
) -> Path:
    """A recording of these (seconds, frame).

    Args:
        marks: what the handlers did; None: each event was done as soon as it had come.
        redelivered: the times of the events that are.
    """
    clock, scrubber = FakeClock(), Scrubber()
    began = clock.now()
    tape = Tape(path, app_id="1024", api_url="http://127.0.0.1:1", scrubber=scrubber, clock=clock)
    for t, frame in events:
        number = tape.event(began + t, (0, 1), frame, redelivered=t in redelivered)
        if marks is None:
            tape.mark("done", number, when=began + t)
    for mark in marks or ():
        tape.mark(mark.what, mark.number, mark.wait, when=began + mark.t)
    for call, outcome in calls:
        tape.exchange(Exchange.of(0.0, 0.0, call, outcome, scrubber))
    tape.close()
    return path


def unreadable(path: Path, **options: Any) -> str | Recording:
    """What is wrong with a file, or what is in it."""
    try:
        return read(path, **options)
    except UnreadableRecording as error:
        return str(error)
