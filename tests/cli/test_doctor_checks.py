"""`doctor`: what single checks make of what they find, and what becomes of a report."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from qqbot_sync import BotClient, Environment, Intents
from qqbot_sync.cli.doctor.examination import Report, examine
from qqbot_sync.cli.doctor.finding import Finding, Status, Words
from qqbot_sync.cli.doctor.patient import Patient, Surroundings
from qqbot_sync.cli.doctor.table import CHECKS
from qqbot_sync.clock import SystemClock
from qqbot_sync.store import SqliteStore
from tests.api.support import Authority, Proxy, dead_port, reply
from tests.api.support import Peer as HttpPeer
from tests.cli.ward import NAMES, Ward
from tests.gateway.support import Peer, Wire


def checked(patient: Patient, *, timeout: float = 60.0) -> dict[str, Finding]:
    report = examine(patient, CHECKS, timeout=timeout)
    assert [check.name for check, _ in report.rows] == list(NAMES), "every row is there, in order"
    return {check.name: finding for check, finding in report.rows}


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
