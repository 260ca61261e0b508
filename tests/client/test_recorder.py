"""The flight recorder: what a report holds, and what it never holds."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

import pytest

from qqbot_sync import BotBanned, Context, GatewayConfig, Simulator
from qqbot_sync.clock import SystemClock
from qqbot_sync.recorder import CALLS, FRAMES, LONGEST, NOTES, FlightRecorder, redacted
from tests.client.conftest import MakeClient
from tests.support import eventually

SAID = "a most private remark"


def talk(qq: Simulator, client: Any) -> None:
    @client.on_message()
    def echo(ctx: Context, message: Any) -> None:
        ctx.reply("ok")

    client.start()
    assert qq.say("小明", "group", SAID).replies()
    assert qq.say("小明", "channel", SAID).replies()


def reports() -> Path:
    """Where failures are reported: every user has a directory of their own."""
    return Path(tempfile.gettempdir()) / (
        f"qqbot_sync-reports-{os.getuid()}" if os.name == "posix" else "qqbot_sync-reports"
    )


def test_a_dump_tells_frames_states_calls_and_threads(qq: Simulator, make_client: MakeClient, tmp_path: Path) -> None:
    client = make_client(qq)
    talk(qq, client)
    qq.reconnect()
    eventually(lambda: client.metrics.snapshot().resumes == 1)
    text = client.dump(tmp_path / "report.txt").read_text(encoding="utf-8")
    for word in (
        "GROUP_AT_MESSAGE_CREATE",
        "shard 0 READY",
        "shard 0 RESUMED",
        "shard 0 down (op 7)",
        "> identify",
        "> resume",
        "echo",
        "qqbot-reader-0",
        "qqbot-supervisor",
        "events_processed",
        "Python",
    ):
        assert word in text, word


def test_it_holds_no_secret_no_token_and_no_text(qq: Simulator, make_client: MakeClient, tmp_path: Path) -> None:
    client = make_client(qq, proxy=None)
    talk(qq, client)
    text = client.dump(tmp_path / "report.txt").read_text(encoding="utf-8")
    assert qq.secret not in text
    assert client.api.token.get() not in text
    assert SAID not in text
    assert f"({len(SAID)} characters)" in text


def test_it_holds_no_secret_of_the_users_own_lines_and_settings(make_client: MakeClient, tmp_path: Path) -> None:
    """Stacks show source, and many a script names its secret in the very line that runs the bot."""
    with Simulator(secret="s3cr3t-in-a-line-of-code") as qq:
        client = make_client(qq, proxy="http://user:pa55word@127.0.0.1:9")
        talk(qq, client)
        file = client.dump(tmp_path / ("report.txt" if "s3cr3t-in-a-line-of-code" else ""))
        client.stop()
    report = file.read_text(encoding="utf-8")
    assert "client.dump(tmp_path" in report, "this very line is in it"
    assert "s3cr3t-in-a-line-of-code" not in report
    assert "pa55word" not in report


def test_half_a_character_of_the_platforms_does_not_keep_it_from_being_written(
    qq: Simulator, make_client: MakeClient, tmp_path: Path
) -> None:
    client = make_client(qq)
    client._recorder.note("the platform said \ud800")
    assert "said \\ud800" in client.dump(tmp_path / "report.txt").read_text(encoding="utf-8")


def test_a_report_that_cannot_be_written_is_said(
    qq: Simulator, make_client: MakeClient, caplog: pytest.LogCaptureFixture
) -> None:
    reports().write_text("in the way")
    client = make_client(qq)
    client.start()
    qq.close(4915)
    eventually(lambda: client.error is not None and "no report of the failure" in caplog.text)


def test_a_fatal_cause_writes_a_report(
    qq: Simulator, make_client: MakeClient, caplog: pytest.LogCaptureFixture
) -> None:
    client = make_client(qq)
    talk(qq, client)
    qq.close(4915)
    eventually(lambda: isinstance(client.error, BotBanned) and "attach to an issue" in caplog.text)
    (report,) = reports().iterdir()
    assert "4915" in report.read_text(encoding="utf-8")


def test_of_each_kind_the_last_are_kept_and_no_more() -> None:
    recorder = FlightRecorder(SystemClock())
    for number in range(2000):
        recorder.frames(0).append(b'{"op":0,"s":%d}' % number)
        recorder.note(f"note {number}")
        recorder.calls.append((0.0, 0.5, f"handler {number}", "E", None))
    lines = recorder.report([]).splitlines()
    for kind, kept in (('{"op":0,"s":', FRAMES), (" note ", NOTES), (" ms handler ", CALLS)):
        found = [line for line in lines if kind in line and "File" not in line]
        assert len(found) == kept
        assert "1999" in found[-1]
        assert str(2000 - kept) in found[0]


def test_of_a_large_frame_the_beginning_is_kept(qq: Simulator, make_client: MakeClient) -> None:
    client = make_client(qq)
    client.start()
    qq.push("SOMETHING_LARGE", {"x": "y" * 100_000})
    eventually(lambda: any(b"SOMETHING_LARGE" in frame for frame in client._recorder.frames(0)))
    assert max(len(frame) for frame in client._recorder.frames(0)) <= LONGEST


def test_with_metrics_off_nothing_is_recorded(qq: Simulator, make_client: MakeClient, tmp_path: Path) -> None:
    client = make_client(qq, config=GatewayConfig(metrics_enabled=False))
    talk(qq, client)
    text = client.dump(tmp_path / "report.txt").read_text(encoding="utf-8")
    assert '"t":"GROUP' not in text
    assert "shard 0 READY" not in text
    assert client.metrics.events_processed > 0


def test_a_path_that_cannot_be_written_is_an_error(qq: Simulator, make_client: MakeClient, tmp_path: Path) -> None:
    with pytest.raises(OSError):
        make_client(qq).dump(tmp_path / "missing" / "report.txt")


def test_redaction_reaches_everywhere() -> None:
    data = {"d": {"token": "T", "list": [{"content": "hello", "id": "1"}], "author": {"username": ""}}, "s": 5}
    assert redacted(data) == {
        "d": {"token": "***", "list": [{"content": "(5 characters)", "id": "1"}], "author": {"username": ""}},
        "s": 5,
    }
    assert data["d"]["token"] == "T"  # type: ignore[index]
