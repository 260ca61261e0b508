"""`doctor`: every row of its table fails when what it checks is broken, and says what to do."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Callable
from pathlib import Path

import pytest
import trustme
from rich.console import Console

from qqbot_sync import Environment, Intents
from qqbot_sync.cli.doctor.examination import Report, examine
from qqbot_sync.cli.doctor.finding import Status
from qqbot_sync.cli.doctor.patient import Patient, Surroundings
from qqbot_sync.cli.doctor.table import CHECKS
from qqbot_sync.cli.doctor.view import as_data, as_view
from tests.api.support import Authority, Proxy, dead_port, reply
from tests.cli.ward import NAMES, Case, Ward

CHINESE = "[\u4e00-\u9fff]"
FAILURES: dict[str, Callable[[Ward], Case]] = {}


def failure(name: str) -> Callable[[Callable[[Ward], Case]], Callable[[Ward], Case]]:
    def register(make: Callable[[Ward], Case]) -> Callable[[Ward], Case]:
        assert name not in FAILURES
        FAILURES[name] = make
        return make

    return register


@failure("python")
def old_python(ward: Ward) -> Case:
    return Case(ward.healthy(surroundings=Surroundings(python=(3, 9, 18))), said="3.9.18")


@failure("packages")
def old_package(ward: Ward) -> Case:
    def version_of(name: str) -> str | None:
        return {"requests": "2.20.0", "msgspec": None}.get(name, "99.0") if name != "websocket-client" else "1.8.0"

    requirements = ["requests<3,>=2.32.3", "websocket-client<2,>=1.8", "msgspec>=0.19", 'x>=1; python_version < "3.0"']
    around = Surroundings(version_of=version_of, requirements=lambda: requirements)
    return Case(ward.healthy(surroundings=around), said='pip install "requests<3,>=2.32.3" "msgspec>=0.19"')


@failure("extras")
def half_an_extra(ward: Ward) -> Case:
    real = Surroundings()
    around = Surroundings(version_of=lambda name: None if name.lower() == "flask" else real.version_of(name))
    return Case(ward.healthy(surroundings=around), Status.WARNING, "flask")


@failure("store")
def no_directory(ward: Ward) -> Case:
    return Case(ward.healthy(store=str(ward.path / "nowhere" / "bot.db")), said="nowhere")


@failure("app_id")
def no_app_id(ward: Ward) -> Case:
    return Case(ward.healthy(app_id=None), said="QQ_BOT_APP_ID")


@failure("secret")
def blank_in_secret(ward: Ward) -> Case:
    return Case(ward.healthy(app_secret="abc defgh"), said="QQ_BOT_SECRET")


@failure("proxy")
def odd_proxy(ward: Ward) -> Case:
    return Case(ward.healthy(proxy="ftp://127.0.0.1:21"), said="QQ_BOT_PROXY")


@failure("dns")
def no_dns(ward: Ward) -> Case:
    def resolve(host: str, port: int) -> list[str]:
        raise socket.gaierror(-2, "Name or service not known")

    return Case(ward.healthy(surroundings=Surroundings(resolve=resolve)), said="Name or service not known")


@failure("tcp")
def nobody_listens(ward: Ward) -> Case:
    return Case(ward.of(Environment.local(f"http://127.0.0.1:{dead_port()}")), said="ConnectionRefusedError")


@failure("tunnel")
def proxy_refuses(ward: Ward) -> Case:
    proxy = Proxy(dead_port(), status=403)
    ward.ends.callback(proxy.close)
    patient = ward.of(Environment.production(), proxy=f"http://someone:hidden@127.0.0.1:{proxy.port}")
    return Case(patient, said="403")


@failure("tls")
def self_made_certificate(ward: Ward) -> Case:
    peer = ward.http(Authority(trustme.CA()))
    return Case(ward.of(Environment.local(peer.url)), said="CERTIFICATE_VERIFY_FAILED")


@failure("clock")
def another_time(ward: Ward) -> Case:
    peer = ward.http()
    peer.default = reply(ward.gateway_answer(), headers={"Date": "Mon, 01 Jan 2024 00:00:00 GMT"})
    return Case(ward.of(peer.environment), said="ahead")


@failure("token")
def wrong_secret(ward: Ward) -> Case:
    return Case(ward.healthy(app_secret="another-secret"), said="100016")


@failure("whitelist")
def unknown_address(ward: Ward) -> Case:
    peer = ward.http()
    peer.default = reply({"code": 11298, "message": "接口访问源IP不在白名单 203.0.113.7", "trace_id": "t"}, 401)
    return Case(ward.of(peer.environment), said="203.0.113.7")


@failure("gateway")
def token_not_accepted(ward: Ward) -> Case:
    qq = ward.simulator()
    qq.fail_http(401, times=5, path="/gateway", code=11244)
    return Case(ward.healthy(qq), said="11244")


@failure("sessions")
def no_sessions_left(ward: Ward) -> Case:
    qq = ward.simulator()
    qq.start_limit(total=1000, remaining=0, reset_after=7200)
    return Case(ward.healthy(qq), said="2.0 h")


@failure("websocket")
def no_websocket(ward: Ward) -> Case:
    peer = ward.http()
    peer.default = reply(ward.gateway_answer(url=f"ws://127.0.0.1:{dead_port()}/websocket"))
    return Case(ward.of(peer.environment), said="WebSocket")


@failure("intents")
def no_intents(ward: Ward) -> Case:
    qq = ward.simulator(grant=Intents.none())
    qq.refusal_delay = 0.0
    return Case(ward.healthy(qq, identifies=True), said="q.qq.com")


def nothing_secret_in(report: Report, patient: Patient) -> None:
    """Neither the secret nor a token nor a proxy's password is in any form of the report."""
    console = Console(width=200)
    with console.capture() as captured:
        console.print(as_view(report, patient, console))
    text = captured.get() + json.dumps(as_data(report, patient), ensure_ascii=False)
    secrets = ["hidden", patient.settings.app_secret or "?" * 8]
    if "api" in vars(patient):
        secrets += patient.api.token.secrets()
    assert not [secret for secret in secrets if secret in text]


def standing_on(name: str) -> set[str]:
    """The rows that make no sense without this one."""
    found = {name}
    for check in CHECKS:
        if found & set(check.needs):
            found.add(check.name)
    return found - {name}


@pytest.mark.parametrize("name", NAMES)
def test_every_row_fails_when_what_it_checks_is_broken(name: str, ward: Ward) -> None:
    """It alone: what stands on it is skipped and says why, everything else is as it would be without it."""
    case = FAILURES[name](ward)
    report = examine(case.patient, CHECKS, timeout=60)
    found = {check.name: one for check, one in report.rows}
    finding = found[name]
    text = " ".join(f"{words.zh} {words.en}" for words in (*finding.said, *finding.fix))
    assert finding.status is case.status, (finding, found)
    assert case.said in text
    assert finding.fix, "what is wrong comes with what to do"
    for words in finding.fix:
        assert re.search(CHINESE, words.zh), "the remedy is told in both languages"
        assert not re.search(CHINESE, words.en)
    nothing_secret_in(report, case.patient)
    failed = {other for other, one in found.items() if one.status is Status.FAILED}
    assert failed == ({name} if case.status is Status.FAILED else set())
    for other in standing_on(name) if case.status is Status.FAILED else ():
        assert found[other].status is Status.SKIPPED
        assert found[other].because == (name,)


def test_every_failure_has_its_row() -> None:
    """No case is left over from a row that has gone."""
    assert set(FAILURES) == set(NAMES)


def test_the_page_has_every_row() -> None:
    """docs/doctor.md explains each by its name."""
    page = (Path(__file__).parents[2] / "docs" / "doctor.md").read_text(encoding="utf-8")
    table = page[page.index("| `name` |") : page.index("### JSON")]
    assert [name for name in re.findall(r"`([a-z_]+)`", table.replace("`name`", "")) if name in NAMES] == list(NAMES)


def test_what_a_row_needs_stands_above_it() -> None:
    """And each name is there once."""
    assert len(set(NAMES)) == len(NAMES)
    for place, check in enumerate(CHECKS):
        assert set(check.needs) <= set(NAMES[:place])


def test_a_healthy_bot_is_green(ward: Ward) -> None:
    """Every row is well, or skipped because there is nothing to check; no session is used."""
    qq = ward.simulator()
    report = examine(ward.healthy(qq, store=str(ward.path / "bot.db")), CHECKS, timeout=60)
    assert report.colour == "green"
    assert {check.name for check, one in report.rows if one.status is Status.SKIPPED} == {"tunnel", "clock", "intents"}
    assert not any(one.because for _, one in report.rows)
    assert qq.entries(kinds=("identified",)) == []
    assert list(ward.path.iterdir()) == [], "it only reads"
