"""`doctor`: every row of its table fails when what it checks is broken, and says what to do."""

from __future__ import annotations

import json
import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import trustme
from rich.console import Console

from qqbot_sync import BotClient, Environment, GatewayConfig, Intents, Simulator
from qqbot_sync.cli.doctor.examination import Report, examine
from qqbot_sync.cli.doctor.finding import Finding, Status, Words
from qqbot_sync.cli.doctor.patient import Patient, Surroundings
from qqbot_sync.cli.doctor.table import CHECKS
from qqbot_sync.cli.doctor.view import as_data, as_view
from qqbot_sync.clock import SystemClock
from qqbot_sync.store import SqliteStore
from tests.api.support import Authority, Proxy, dead_port, reply
from tests.api.support import Peer as HttpPeer
from tests.gateway.support import Peer, Wire

CHINESE = "[\u4e00-\u9fff]"
NAMES = tuple(check.name for check in CHECKS)


class Case(NamedTuple):
    """A patient with one thing wrong with it."""

    patient: Patient
    status: Status = Status.FAILED
    said: str = ""
    """Stands in what the row says, or in its fix."""


class Ward:
    """Makes patients, and ends what they were made with."""

    def __init__(self, ends: ExitStack, path: Path) -> None:
        self.ends = ends
        self.path = path

    def simulator(self, **options: Any) -> Simulator:
        return self.ends.enter_context(Simulator(**options))

    def http(self, authority: Authority | None = None) -> HttpPeer:
        peer = HttpPeer(authority.context() if authority is not None else None)
        self.ends.callback(peer.close)
        return peer

    def patient(self, settings: GatewayConfig, **options: Any) -> Patient:
        patient = Patient(settings, **options)
        self.ends.callback(patient.close)
        return patient

    def healthy(
        self, qq: Simulator | None = None, *, surroundings: Surroundings | None = None, **changes: Any
    ) -> Patient:
        """Everything is well but for the changes."""
        qq = qq or self.simulator()
        identifies = changes.pop("identifies", False)
        plain = {"app_id": qq.app_id, "app_secret": qq.secret, "environment": Environment.local(qq.url)}
        return self.patient(
            GatewayConfig(**{**plain, **changes}), surroundings=surroundings or Surroundings(), identifies=identifies
        )

    def of(self, environment: Environment, **changes: Any) -> Patient:
        return self.patient(
            GatewayConfig(
                **{"app_id": "102000001", "app_secret": "not-a-real-one", "environment": environment, **changes}
            )
        )

    def gateway_answer(self, **fields: Any) -> dict[str, Any]:
        """A whole `/gateway/bot`, whose gateway is a simulator's."""
        url = self.simulator().url.replace("http", "ws") + "/websocket"
        limit = {"total": 1000, "remaining": 900, "reset_after": 3_600_000, "max_concurrency": 1}
        return {"url": url, "shards": 1, "session_start_limit": limit, **fields}


@pytest.fixture
def ward(tmp_path: Path) -> Iterator[Ward]:
    with ExitStack() as ends:
        yield Ward(ends, tmp_path)


# -- one failure for every row --------------------------------------------------------------------------------------

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


def checked(patient: Patient, *, timeout: float = 60.0) -> dict[str, Finding]:
    report = examine(patient, CHECKS, timeout=timeout)
    assert [check.name for check, _ in report.rows] == list(NAMES), "every row is there, in order"
    return {check.name: finding for check, finding in report.rows}


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


# -- the checks in more detail ----------------------------------------------------------------------------------------


class TestHosts:
    """Old hosts and new ones: the bot works as long as each role has one."""

    def environment(self, main: str, newer: str) -> Environment:
        def of(url: str, fallback: Environment | None = None) -> Environment:
            return Environment(url, f"{url}/app/getAppAccessToken", is_local=True, fallback=fallback)

        return of(main, of(newer))

    def test_production_has_the_old_hosts_and_the_new_one(self, ward: Ward) -> None:
        hosts = ward.of(Environment.production()).hosts
        assert {host.name: set(host.roles) for host in hosts} == {
            "api.sgroup.qq.com": {"api"},
            "bots.qq.com": {"token"},
            "api.bot.qq.com": {"api", "token"},
        }
        sandbox = ward.of(Environment.sandbox()).hosts
        assert [host.name for host in sandbox] == ["sandbox.api.sgroup.qq.com", "bots.qq.com"]

    def test_a_dead_host_with_a_successor_is_yellow(self, ward: Ward) -> None:
        qq = ward.simulator()
        environment = self.environment(f"http://127.0.0.1:{dead_port()}", qq.url)
        report = examine(ward.healthy(qq, environment=environment), CHECKS, timeout=60)
        found = {check.name: finding for check, finding in report.rows}
        assert found["tcp"].status is Status.WARNING
        assert found["token"].status is found["websocket"].status is Status.OK
        assert report.colour == "yellow"
        assert set(found["dns"].facts["hosts"]) == set(found["tcp"].facts["hosts"]) > set(found["tls"].facts["hosts"])

    def test_two_dead_hosts_are_red(self, ward: Ward) -> None:
        dead = f"http://127.0.0.1:{dead_port()}"
        found = checked(ward.of(self.environment(dead, f"http://localhost:{dead_port()}")))
        assert found["tcp"].status is Status.FAILED

    def test_a_proxy_that_lets_everything_pass_is_named_without_its_password(self, ward: Ward) -> None:
        authority = Authority()
        peer = HttpPeer(authority.context("api.example.com"))
        ward.ends.callback(peer.close)
        proxy = Proxy(peer.port)
        ward.ends.callback(proxy.close)
        authority.ca.cert_pem.write_to_path(ward.path / "ca.pem")
        patient = ward.of(
            Environment("https://api.example.com", "https://api.example.com/app/getAppAccessToken"),
            proxy=f"http://someone:hidden@127.0.0.1:{proxy.port}",
        )
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("REQUESTS_CA_BUNDLE", str(ward.path / "ca.pem"))
            found = checked(patient)
        assert found["tunnel"].status is found["tls"].status is found["token"].status is Status.OK
        assert found["proxy"].facts == {"proxies": {"api.example.com": f"http://***@127.0.0.1:{proxy.port}"}}
        assert proxy.asked[0][0].startswith("CONNECT api.example.com:443")

    def test_a_proxy_that_is_not_there_is_what_the_fix_speaks_of(self, ward: Ward) -> None:
        """Not the firewall: the machine itself is asked for a way out, and nobody listens."""
        finding = checked(ward.of(Environment.production(), proxy=f"http://127.0.0.1:{dead_port()}"))["tcp"]
        assert finding.status is Status.FAILED
        assert [("QQ_BOT_PROXY" in fix.zh, "QQ_BOT_PROXY" in fix.en) for fix in finding.fix] == [(True, True)]

    def test_a_ca_file_that_does_not_exist_is_named(self, ward: Ward, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nowhere/ca.pem")
        finding = checked(ward.healthy())["proxy"]
        assert finding.status is Status.FAILED
        assert "/nowhere/ca.pem" in finding.said[0].en

    def test_a_host_that_hangs_is_left_in_time(self, ward: Ward) -> None:
        """The lookup never ends; the examination does."""
        over = threading.Event()
        ward.ends.callback(over.set)

        def resolve(host: str, port: int) -> list[str]:
            over.wait(20)
            return []

        report = examine(ward.healthy(surroundings=Surroundings(resolve=resolve)), CHECKS, timeout=0.3)
        found = {check.name: finding for check, finding in report.rows}
        assert report.colour == "red"
        assert "no result within" in found["dns"].said[0].en
        assert found["tls"].because == ("dns",)
        over.set()


class TestClock:
    @pytest.mark.parametrize(
        ("seconds", "status", "said"),
        [
            (0, Status.OK, "apart"),
            (60, Status.WARNING, "60 s"),
            (-60, Status.WARNING, "behind"),
            (-7300, "failed", "2 h"),
        ],
    )
    def test_it_is_compared_with_the_date_of_an_answer(
        self, ward: Ward, seconds: int, status: Status, said: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        peer = ward.http()
        peer.default = reply(ward.gateway_answer(), headers={"Date": "Sat, 21 Nov 2026 12:00:00 GMT"})
        noon = 1_795_262_400.5

        class Watch(SystemClock):
            def wall(self) -> float:
                return noon + seconds

        patient = ward.of(peer.environment)
        patient.surroundings = Surroundings(clock=Watch())
        finding = checked(patient)["clock"]
        assert finding.status is Status(status)
        assert said in finding.said[0].en

    def test_a_date_that_cannot_be_read_is_no_date(self, ward: Ward) -> None:
        peer = ward.http()
        peer.default = reply(ward.gateway_answer(), headers={"Date": "yesterday"})
        assert checked(ward.of(peer.environment))["clock"].status is Status.SKIPPED


class TestWhitelist:
    @pytest.mark.parametrize(
        ("message", "address"),
        [
            ("接口访问源IP不在白名单 203.0.113.7", "203.0.113.7"),
            ("source ip 203.0.113.7 is not in whitelist", "203.0.113.7"),
            ("IP[2001:db8::7] not allowed", "2001:db8::7"),
            ("接口访问源IP不在白名单", None),
        ],
    )
    @pytest.mark.parametrize("code", [11298, 40023002])
    def test_the_address_is_told_as_far_as_the_platform_tells_it(
        self, ward: Ward, message: str, address: str | None, code: int
    ) -> None:
        peer = ward.http()
        peer.default = reply({"code": code, "message": message}, 401)
        finding = checked(ward.of(peer.environment))["whitelist"]
        assert finding.facts["egress_ip"] == address
        assert str(code) in finding.said[0].en
        assert (address or "the public address") in finding.fix[0].en


class TestIntents:
    @pytest.mark.parametrize(
        ("grant", "status"),
        [
            (Intents.default(), Status.OK),
            (Intents.default().without_group_and_c2c_event(), Status.WARNING),
            (Intents.none(), Status.FAILED),
        ],
        ids=["public", "guild-only", "nothing"],
    )
    def test_each_bit_is_granted_or_refused(self, ward: Ward, grant: Intents, status: Status) -> None:
        qq = ward.simulator(grant=grant)
        qq.refusal_delay = 0.0
        finding = checked(ward.healthy(qq, identifies=True))["intents"]
        assert finding.status is status
        assert finding.facts["granted"] == list(grant.names())
        assert finding.facts["refused"] == list((Intents.all() & ~grant).names())
        assert finding.facts["unknown"] == []
        assert finding.facts["identifies"] == len(qq.entries(kinds=("identified", "turned_away")))

    def test_a_bot_that_runs_on_this_machine_is_left_alone(self, ward: Ward) -> None:
        qq = ward.simulator()
        with BotClient(qq.app_id, qq.secret, environment=Environment.local(qq.url)) as client:
            finding = checked(ward.healthy(qq, identifies=True))["intents"]
            assert finding.status is Status.WARNING
            assert "runs on this machine" in finding.said[0].en
            assert client.is_connected()
        assert len(qq.entries(kinds=("identified",))) == 1


class TestStore:
    @contextmanager
    def spoilt(self, path: Path, data: bytes) -> Iterator[str]:
        path.write_bytes(data)
        yield str(path)
        assert path.read_bytes() == data, "it only reads"

    def test_an_existing_store_is_read_and_left_alone(self, ward: Ward) -> None:
        path = ward.path / "bot.db"
        SqliteStore(path)
        before = sorted(ward.path.iterdir())
        assert checked(ward.healthy(store=str(path)))["store"].status is Status.OK
        assert sorted(ward.path.iterdir()) == before

    def test_a_file_that_is_no_store_is_red(self, ward: Ward) -> None:
        with self.spoilt(ward.path / "bot.db", b"not a database, but long enough to be taken for one" * 50) as path:
            assert checked(ward.healthy(store=path))["store"].status is Status.FAILED

    def test_an_empty_file_will_do(self, ward: Ward) -> None:
        with self.spoilt(ward.path / "bot.db", b"") as path:
            assert checked(ward.healthy(store=path))["store"].status is Status.OK

    def test_a_directory_is_red(self, ward: Ward) -> None:
        assert checked(ward.healthy(store=str(ward.path)))["store"].status is Status.FAILED


@pytest.mark.parametrize(
    ("settings", "row", "said"),
    [
        ({"app_id": "my-bot"}, "app_id", "digits"),
        ({"app_id": "机器人"}, "app_id", "ASCII"),
        ({"app_secret": '"quoted-secret"'}, "secret", "quotation marks"),
        ({"app_secret": "short"}, "secret", "5 characters"),
        ({"app_secret": None}, "secret", "not set"),
        ({"app_id": "102000001", "app_secret": "102000001"}, "secret", "the same"),
    ],
)
def test_what_cannot_be_a_credential_is_told(settings: dict[str, Any], row: str, said: str, ward: Ward) -> None:
    """By its form alone."""
    finding = checked(ward.healthy(**settings))[row]
    assert finding.status in (Status.WARNING, Status.FAILED)
    assert said in finding.said[0].en


def test_few_sessions_left_are_yellow(ward: Ward) -> None:
    qq = ward.simulator()
    qq.start_limit(total=1000, remaining=57)
    assert checked(ward.healthy(qq))["sessions"].status is Status.WARNING


def test_token_requests_that_come_too_often_are_told_apart_from_a_wrong_secret(ward: Ward) -> None:
    qq = ward.simulator()
    with qq.guard:
        qq.platform.tokens.calls_per_minute = 0
    finding = checked(ward.healthy(qq))["token"]
    assert finding.status is Status.FAILED
    assert "100001" in finding.said[0].en
    assert "try again in" in finding.fix[0].en


def test_a_python_that_is_newer_than_the_tests_is_yellow(ward: Ward) -> None:
    assert checked(ward.healthy(surroundings=Surroundings(python=(3, 99, 0))))["python"].status is Status.WARNING


def test_a_check_that_breaks_is_red_and_ends_nothing(ward: Ward) -> None:
    """A defect of doctor itself is a row, no traceback."""

    def examine_badly(patient: Patient) -> Finding:
        raise IndexError("list index out of range")

    broken = CHECKS[0]._replace(examine=examine_badly)
    report = examine(ward.healthy(), (broken, *CHECKS[1:]), timeout=60)
    assert report.rows[0][1].status is Status.FAILED
    assert "IndexError" in report.rows[0][1].said[0].en
    assert report.rows[-2][1].status is Status.OK


def test_words_are_taken_apart_only_where_they_are_two_languages() -> None:
    assert Words.of("中文 / English") == Words("中文", "English")
    assert Words.of("57 / 1000") == Words("57 / 1000", "57 / 1000")
    assert Words.of("plain").is_plain


@pytest.mark.parametrize(
    ("statuses", "colour"),
    [
        ((Status.OK, Status.SKIPPED), "green"),
        ((Status.OK, Status.WARNING), "yellow"),
        ((Status.WARNING, Status.FAILED), "red"),
    ],
)
def test_the_colour_is_that_of_the_worst_row(statuses: tuple[Status, ...], colour: str) -> None:
    rows = [(CHECKS[0], Finding(status, ())) for status in statuses]
    assert Report(rows, 0.0).colour == colour


def test_hello_of_another_kind_is_red(ward: Ward) -> None:
    """HTTP works, and what answers at the gateway's address is no gateway."""

    def script(wire: Wire) -> None:
        wire.handshake()
        wire.send(op=11)
        wire.receive()

    gateway = ward.ends.enter_context(Peer(script))
    peer = ward.http()
    peer.default = reply(ward.gateway_answer(url=gateway.url))
    finding = checked(ward.of(peer.environment))["websocket"]
    assert finding.status is Status.FAILED
    assert "no Hello" in finding.said[0].en
