"""Which reports of failures are kept."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from qqbot_sync import BotBanned, Simulator
from qqbot_sync.client.parts import MOST_REPORTS
from tests.client.conftest import MakeClient
from tests.support import eventually


def test_the_newest_report_stays_whatever_the_bot_is_called(
    qq: Simulator,
    make_client: MakeClient,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    tmp_path: Path,
) -> None:
    """All bots of one user share the directory, and another's name may stand behind this one's."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    first = make_client(qq)
    first.start()
    qq.close(4915)
    eventually(lambda: "a report fit to attach" in caplog.text)
    first.stop()
    (made,) = tmp_path.glob("qqbot_sync-reports*/*.txt")
    made.unlink()
    for number in range(MOST_REPORTS):
        (made.parent / f"zzz-20200101-000000-00000{number}.txt").write_text("of another bot")
    caplog.clear()

    second = make_client(qq)
    second.start()
    qq.close(4915)
    eventually(lambda: "a report fit to attach" in caplog.text)
    assert isinstance(second.error, BotBanned)
    names = sorted(one.name for one in made.parent.iterdir())
    assert len(names) == MOST_REPORTS
    assert names[0].startswith(qq.app_id)
    assert "zzz-20200101-000000-000000.txt" not in names
