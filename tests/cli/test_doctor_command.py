"""`qqbot-sync doctor` as it is called: exit status, table, JSON, progress, and no secret in any of it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import unicodedata
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from rich.console import Console

from qqbot_sync import Environment, GatewayConfig, Intents, Simulator
from qqbot_sync.cli import main
from qqbot_sync.cli.doctor.examination import examine
from qqbot_sync.cli.doctor.patient import Patient
from qqbot_sync.cli.doctor.table import CHECKS
from qqbot_sync.cli.doctor.view import as_data, as_view
from tests.api.support import Peer as HttpPeer
from tests.api.support import Proxy, dead_port, reply
from tests.cli.test_doctor import FAILURES
from tests.cli.ward import NAMES, Ward

SECRET = "s3cr3t-that-nobody-may-see"


def environ_of(qq: Simulator, **changes: str) -> dict[str, str]:
    return {
        "QQ_BOT_APP_ID": qq.app_id,
        "QQ_BOT_SECRET": qq.secret,
        "QQ_BOT_ENVIRONMENT": qq.url,
        "COLUMNS": "100",
        **changes,
    }


def doctor(environ: Mapping[str, str], *arguments: str, cwd: Path | None = None) -> Result:
    """The command in this process."""
    return CliRunner().invoke(main, ["doctor", *arguments], env=dict(environ))


@pytest.fixture(autouse=True)
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No settings lie about in the working directory."""
    monkeypatch.chdir(tmp_path)


def cells(line: str) -> int:
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in line)


class TestExitStatus:
    def test_green_is_0(self) -> None:
        with Simulator() as qq:
            result = doctor(environ_of(qq))
        assert result.exit_code == 0, result.output
        assert "一切正常 / all is well" in result.stdout

    def test_yellow_is_0(self) -> None:
        with Simulator() as qq:
            qq.start_limit(total=1000, remaining=30)
            result = doctor(environ_of(qq))
        assert result.exit_code == 0
        assert "with reservations" in result.stdout

    def test_red_is_1(self) -> None:
        with Simulator() as qq:
            result = doctor(environ_of(qq, QQ_BOT_SECRET=SECRET))
        assert result.exit_code == 1
        assert "something must be fixed" in result.stdout
        assert "Traceback" not in result.output

    def test_without_credentials_the_table_says_so(self) -> None:
        """Missing credentials are a finding, not a usage error: everything else is checked all the same."""
        with Simulator() as qq:
            result = doctor({"QQ_BOT_ENVIRONMENT": qq.url, "COLUMNS": "100"})
        assert result.exit_code == 1
        assert "QQ_BOT_APP_ID" in result.stdout
        assert re.search(r"√ +连接 TCP", result.stdout)

    @pytest.mark.parametrize("arguments", [["--timeout", "soon"], ["--timeout", "0"], ["--nothing"], ["extra"]])
    def test_wrong_usage_is_2(self, arguments: list[str]) -> None:
        assert doctor({}, *arguments).exit_code == 2


class TestJson:
    def run(self, environ: Mapping[str, str], *arguments: str) -> Any:
        result = doctor(environ, "--json", *arguments)
        data = json.loads(result.stdout)
        assert result.exit_code == (1 if data["status"] == "red" else 0)
        return data

    def test_it_has_every_row(self) -> None:
        with Simulator() as qq:
            data = self.run(environ_of(qq))
            assert data["environment"] == qq.url
        assert (data["format"], data["status"]) == (1, "green")
        assert tuple(row["name"] for row in data["checks"]) == NAMES
        for row in data["checks"]:
            assert set(row) == {"name", "title", "status", "result", "fix", "because", "facts", "seconds"}
            assert set(row["title"]) == {"zh", "en"}
            assert row["status"] in ("ok", "warning", "failed", "skipped")
            assert all(set(words) == {"zh", "en"} for words in (*row["result"], *row["fix"]))

    def test_facts_are_for_programs(self) -> None:
        with Simulator(grant=Intents.default()) as qq:
            qq.refusal_delay = 0.0
            qq.start_limit(total=1000, remaining=900, reset_after=3600)
            data = self.run(environ_of(qq), "--identify")
        facts = {row["name"]: row["facts"] for row in data["checks"]}
        assert facts["sessions"]["remaining"] == 900
        assert facts["sessions"]["reset_after"] == pytest.approx(3600, abs=60)
        assert facts["intents"]["granted"] == list(Intents.default().names())
        assert facts["intents"]["identifies"] == 8

    def test_a_row_says_why_it_was_skipped(self) -> None:
        with Simulator() as qq:
            data = self.run(environ_of(qq, QQ_BOT_SECRET=SECRET))
        because = {row["name"]: row["because"] for row in data["checks"]}
        assert because["websocket"] == ["token"]
        assert because["token"] == []


class TestTable:
    @pytest.mark.parametrize("name", ["tls", "whitelist", "intents", "tunnel"])
    def test_no_line_is_longer_than_the_terminal_and_no_words_are_lost(self, name: str, tmp_path: Path) -> None:
        with ExitStack() as ends:
            patient = FAILURES[name](Ward(ends, tmp_path)).patient
            report = examine(patient, CHECKS, timeout=60)
            for columns in (60, 80, 120):
                console = Console(width=columns, force_terminal=False)
                with console.capture() as captured:
                    console.print(as_view(report, patient, console))
                lines = [line.rstrip() for line in captured.get().splitlines()]
                assert max(map(cells, lines)) <= columns
                shown = "".join("".join(lines).split())
                for _, finding in report.rows:
                    for words in (*finding.said, *finding.fix):
                        # Two signs are the least that can be looked for, and a line may be broken between them once.
                        pairs = re.findall("(?=([一-鿿]{2}))", words.zh)
                        assert sum(pair not in shown for pair in pairs) <= len(pairs) / 8, (words, shown)

    def test_signs_tell_what_colours_do(self) -> None:
        """For who sees no colours, and for files."""
        with Simulator() as qq:
            qq.start_limit(total=1000, remaining=30)
            result = doctor(environ_of(qq))
        assert re.search(r"^! +会话次数 session limit", result.stdout, re.M)
        assert re.search(r"^√ +令牌 token", result.stdout, re.M)
        assert re.search(r"^- +事件权限 intents", result.stdout, re.M)
        assert "\x1b" not in result.stdout

    def test_no_line_in_a_file_ends_in_blanks(self) -> None:
        with Simulator() as qq:
            lines = doctor(environ_of(qq)).stdout.splitlines()
        assert len(lines) > 20
        assert [line for line in lines if line != line.rstrip()] == []

    def test_what_is_skipped_names_the_cause(self) -> None:
        with Simulator() as qq:
            result = doctor(environ_of(qq, QQ_BOT_SECRET=SECRET))
        assert "skipped (because token failed)" in result.stdout
        assert "跳过" in result.stdout


class TestSecrets:
    """Neither the secret nor a token nor a proxy's password; `test_doctor` looks into the report of every failure."""

    @pytest.mark.parametrize("status", [200, 400, 500])
    @pytest.mark.parametrize("as_json", [True, False])
    def test_a_platform_that_quotes_the_request_gives_nothing_away(self, status: int, as_json: bool) -> None:
        """Whatever the answer holds: JSON, or a page."""
        token = "t0ken-that-nobody-may-see"
        peer = HttpPeer()
        quoted = {"access_token": token, "expires_in": "7200"}
        peer.default = reply({"code": 500, "message": f"you said QQBot {token} and {SECRET}"}, status)
        try:
            for answer in (reply(quoted), reply({"code": 1, "message": f"clientSecret={SECRET}"}, status)):
                peer.token_answers.append(answer)
                environ = {"QQ_BOT_APP_ID": "102000001", "QQ_BOT_SECRET": SECRET, "QQ_BOT_ENVIRONMENT": peer.url}
                result = doctor(environ, *(["--json"] if as_json else []))
                assert result.exit_code == 1
                assert SECRET not in result.output
                assert token not in result.output
                assert "***" in result.output, "it was there, and was blotted out"
        finally:
            peer.close()

    def test_a_proxys_password_is_not_told(self) -> None:
        proxy = Proxy(dead_port(), status=407)
        try:
            environ = {
                "QQ_BOT_APP_ID": "102000001",
                "QQ_BOT_SECRET": SECRET,
                "QQ_BOT_PROXY": f"http://someone:pa55word@127.0.0.1:{proxy.port}",
            }
            result = doctor(environ, "--json")
        finally:
            proxy.close()
        assert "407" in result.stdout
        assert "pa55word" not in result.output


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="missing: pseudo-terminals")
def test_progress_is_shown_on_a_terminal_and_the_report_is_clean() -> None:
    """On stderr, which is the terminal; stdout can be piped away."""
    leader, follower = os.openpty()
    with Simulator() as qq:
        process = subprocess.Popen(
            [sys.executable, "-m", "qqbot_sync", "doctor", "--json"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=follower,
            env={**os.environ, **environ_of(qq), "PYTHONIOENCODING": "utf-8", "TERM": "xterm-256color"},
        )
        os.close(follower)
        shown = b""
        while True:
            try:
                data = os.read(leader, 65536)
            except OSError:
                break
            if not data:
                break
            shown += data
        stdout, _ = process.communicate(timeout=50)
    os.close(leader)
    assert process.returncode == 0
    assert json.loads(stdout)["status"] == "green"
    text = shown.decode(errors="replace")
    assert re.search(rf"{len(CHECKS)}/{len(CHECKS)} .*intents", text), text


def test_the_report_can_be_read_on_a_console_of_windows() -> None:
    """GBK has the signs of the table."""
    with Simulator() as qq:
        done = subprocess.run(
            [sys.executable, "-m", "qqbot_sync", "doctor"],
            capture_output=True,
            timeout=50,
            stdin=subprocess.DEVNULL,
            env={**os.environ, **environ_of(qq), "PYTHONIOENCODING": "gbk:strict"},
        )
    assert done.returncode == 0, done.stderr
    assert "√" in done.stdout.decode("gbk")


def test_the_environment_is_named() -> None:
    """Production and sandbox by name, a simulator by its URL."""
    for environment, name in (
        (Environment.production(), "production"),
        (Environment.sandbox(), "sandbox"),
        (Environment.local("http://127.0.0.1:1"), "http://127.0.0.1:1"),
    ):
        patient = Patient(GatewayConfig(environment=environment))
        report = examine(patient, (), timeout=1)
        assert as_data(report, patient)["environment"] == name
        patient.close()
