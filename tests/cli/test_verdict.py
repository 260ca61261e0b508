"""The demo's count is made from the simulator's log and sees what is lost and what is doubled."""

from __future__ import annotations

from typing import Any

from qqbot_sync.cli.demo.verdict import Verdict


def said(ident: str, where: str = "group", user: str = "小明") -> dict[str, Any]:
    return {"kind": "said", "id": ident, "where": where, "user": user, "text": f"text of {ident}", "time": 1.0}


def answered(msg_id: str | None) -> dict[str, Any]:
    return {"kind": "answered", "msg_id": msg_id, "time": 2.0}


def test_each_answered_once_holds() -> None:
    """Two messages, one answer each: nothing lost, nothing doubled."""
    verdict = Verdict.of([said("a"), said("b", "c2c"), answered("a"), answered("b")], {"a": "…", "b": "…"})
    assert verdict.holds()
    assert (verdict.total.said, verdict.total.answered, verdict.total.lost, verdict.total.doubled) == (2, 2, 0, 0)
    assert verdict.places["c2c"].said == 1


def test_a_message_without_an_answer_is_lost() -> None:
    """The verdict fails and names the message."""
    verdict = Verdict.of([said("a"), said("b"), answered("a")], {"a": "…", "b": "…"})
    assert not verdict.holds()
    assert verdict.total.lost == 1
    assert any("text of b" in fault for fault in verdict.faults)


def test_a_message_answered_twice_is_doubled() -> None:
    """The verdict fails and names the message, even though the number of answers equals the number of messages."""
    verdict = Verdict.of([said("a"), said("b"), answered("a"), answered("a")], {"a": "…", "b": "…"})
    assert not verdict.holds()
    assert (verdict.total.lost, verdict.total.doubled) == (1, 1)
    assert any("text of a" in fault for fault in verdict.faults)


def test_a_message_the_log_lacks_is_a_fault() -> None:
    """What was written but is not in the log cannot be claimed."""
    verdict = Verdict.of([said("a"), answered("a")], {"a": "…", "b": "小林: hello"})
    assert not verdict.holds()
    assert any("小林: hello" in fault for fault in verdict.faults)


def test_an_answer_to_nothing_is_a_fault() -> None:
    """An answer whose message nobody wrote is reported."""
    assert not Verdict.of([said("a"), answered("a"), answered("ghost")], {"a": "…"}).holds()


def test_nothing_said_does_not_hold() -> None:
    """An empty log proves nothing."""
    assert not Verdict.of([], {}).holds()


def test_the_time_offline_is_from_cut_to_resume() -> None:
    """Later ends, such as the bot's own, do not count."""
    log: list[dict[str, Any]] = [
        said("a"),
        {"kind": "disconnected", "time": 10.0},
        {"kind": "dispatched", "connected": False, "time": 10.1},
        {"kind": "resumed", "time": 10.5, "replayed": 1},
        answered("a"),
        {"kind": "disconnected", "time": 20.0},
    ]
    verdict = Verdict.of(log, {"a": "…"})
    assert (verdict.offline, verdict.missed, verdict.resumed, verdict.replayed) == (0.5, 1, 1, 1)
