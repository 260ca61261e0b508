"""A message under review, from the send to the verdict, with a client and the simulator."""

from __future__ import annotations

import queue
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from qqbot_sync import (
    BotBanned,
    Channel,
    ContentRejected,
    Context,
    Group,
    Intents,
    InvalidIntents,
    PendingAudit,
    Sent,
    Simulator,
    Stopped,
)
from tests.client.conftest import MakeClient
from tests.support import eventually

AUDITED = Intents.default()


def room(qq: Simulator) -> Group:
    return Group(qq.platform.rooms.group.id)


def test_a_message_that_passes_is_sent(qq: Simulator, make_client: MakeClient) -> None:
    client = make_client(qq, intents=AUDITED)
    client.start()
    qq.audit(result="pass", after=0.05)
    pending = client.send(room(qq), "请审核")
    assert isinstance(pending, PendingAudit)
    sent = pending.wait(10)
    [passed] = qq.entries(kinds=["audit"])
    assert (type(sent), sent.id) == (Sent, passed["message_id"])
    sent.recall()
    assert [entry["id"] for entry in qq.entries(kinds=["recalled"])] == [sent.id]


def test_a_message_that_is_refused_is_an_error(qq: Simulator, make_client: MakeClient) -> None:
    client = make_client(qq, intents=AUDITED)
    client.start()
    qq.audit(result="reject", after=0.05)
    pending = client.send(Channel(qq.platform.rooms.lobby.id), "请审核")
    assert isinstance(pending, PendingAudit)
    with pytest.raises(ContentRejected):
        pending.wait(10)


def test_a_verdict_is_kept_from_the_moment_of_the_send(qq: Simulator, make_client: MakeClient) -> None:
    client = make_client(qq, intents=AUDITED)
    client.start()
    qq.audit(result="pass", after=0.0)
    pending = client.send(room(qq), "请审核")
    assert isinstance(pending, PendingAudit)
    seen = client.metrics.snapshot
    eventually(lambda: qq.entries(kinds=["audit"]) and seen().events_received >= 1)
    eventually(lambda: pending._case.verdict)
    assert pending.wait(0.001).id


def test_a_reply_that_is_held_is_waited_for_without_holding_up_others(qq: Simulator, make_client: MakeClient) -> None:
    client = make_client(qq, intents=AUDITED, workers=1)
    said: queue.Queue[Any] = queue.Queue()

    @client.on_message
    def handle(ctx: Context, message: Any) -> None:
        if "审核" in message.content:
            pending = ctx.reply("请审核")
            assert isinstance(pending, PendingAudit)
            said.put("waiting")
            said.put(pending.wait(20).id)
        else:
            said.put(message.content.strip())

    client.start()
    qq.audit(result="pass", after=3600)
    qq.say("小明", "group", "审核")
    assert said.get(timeout=20) == "waiting"
    qq.say("小明", "group", "别的")
    assert said.get(timeout=20) == "别的"
    audit_id = eventually(lambda: next(iter(client.api.audits._cases), None))
    qq.push("MESSAGE_AUDIT_PASS", {"audit_id": audit_id, "message_id": "M"})
    assert said.get(timeout=20) == "M"


def test_handlers_see_the_verdict_as_well(qq: Simulator, make_client: MakeClient) -> None:
    client = make_client(qq)
    seen: queue.Queue[Any] = queue.Queue()
    client.on("MESSAGE_AUDIT_PASS")(lambda ctx, audit: seen.put(audit.audit_id))
    client.start()
    qq.audit(after=0.0)
    pending = client.send(room(qq), "请审核")
    assert isinstance(pending, PendingAudit)
    assert pending.wait(10).id
    assert seen.get(timeout=10) == pending.audit_id


def test_without_the_intent_waiting_is_refused_at_once(qq: Simulator, make_client: MakeClient) -> None:
    client = make_client(qq)
    client.on_message(lambda ctx, message: None)
    client.start()
    qq.audit()
    pending = client.send(room(qq), "请审核")
    assert isinstance(pending, PendingAudit)
    with pytest.raises(InvalidIntents, match="MESSAGE_AUDIT"):
        pending.wait()


def test_a_client_that_does_not_run_says_so(qq: Simulator, make_client: MakeClient) -> None:
    client = make_client(qq, intents=AUDITED)
    qq.audit()
    pending = client.send(room(qq), "请审核")
    assert isinstance(pending, PendingAudit)
    with pytest.raises(Stopped, match="start"):
        pending.wait()
    client.api.close()


@pytest.mark.parametrize("fatal", [False, True])
def test_the_end_of_the_client_ends_the_wait(qq: Simulator, make_client: MakeClient, fatal: bool) -> None:
    client = make_client(qq, intents=AUDITED)
    client.start()
    qq.audit(after=3600)
    pending = client.send(room(qq), "请审核")
    assert isinstance(pending, PendingAudit)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(pending.wait, 30)
        eventually(lambda: pending._case.waiting)
        if fatal:
            qq.close(4914)
        else:
            client.stop()
        error = waiting.exception(20)
    assert type(error) is (BotBanned if fatal else Stopped)
    if fatal:
        assert error is client.error
    with pytest.raises(type(error)):  # type: ignore[arg-type]
        pending.wait()
