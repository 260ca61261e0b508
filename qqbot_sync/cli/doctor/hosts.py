"""Checks of the way to each host of the platform: proxy, DNS, TCP, tunnel, TLS, and what time it is there."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import closing
from email.utils import parsedate_to_datetime
from functools import partial
from urllib.parse import urlsplit

import urllib3

from qqbot_sync.api.http import NetworkFailure
from qqbot_sync.api.proxies import without_password
from qqbot_sync.cli.doctor.finding import Check, Finding, Status, Words, failed, failure_of, fine, not_done, warning
from qqbot_sync.cli.doctor.patient import Host, Knock, Patient, side_by_side

__all__ = ["CHECKS"]

CONNECT_TIMEOUT = 5.0
LOOKUP_TIMEOUT = 10.0
"""Seconds."""
ODD_CLOCK = 30.0
"""Seconds by which the clock may differ before it is worth a word."""
WRONG_CLOCK = 300.0
"""Seconds by which it may differ before certificates and signed webhooks are refused."""

_UNITS = ((86400, Words("天", "days")), (3600, Words("小时", "h")), (60, Words("分钟", "min")), (1, Words("秒", "s")))
NETWORK = "请检查网络、DNS 与防火墙 / check network, DNS and firewall"
FIREWALL = "请检查防火墙与安全组是否放行出站连接 / check that firewall and security group let connections out"
PROXY = "请检查 QQ_BOT_PROXY、HTTPS_PROXY 与代理的规则 / check QQ_BOT_PROXY, HTTPS_PROXY and the rules of the proxy"
NO_PROXY_THERE = (
    "代理没有应答:请确认它在运行,并核对 QQ_BOT_PROXY、HTTPS_PROXY 里的地址和端口 / "
    "the proxy does not answer: see that it runs, and that QQ_BOT_PROXY or HTTPS_PROXY has its address and port"
)
TLS = (
    "有人在中间解密流量,或根证书过旧:请关闭它的 HTTPS 检查,或用 REQUESTS_CA_BUNDLE 指向其根证书 / "
    "somebody decrypts the traffic, or the root certificates are old: turn HTTPS inspection off, or let "
    "REQUESTS_CA_BUNDLE name its CA file",
    "系统时间错误时也会如此 / a wrong clock has the same effect",
)


def check_proxy(patient: Patient) -> Finding:
    try:
        found = {host: patient.http.proxy_for(host.origin) for host in patient.hosts}
    except (ValueError, TypeError, ImportError) as error:
        return failure_of(error, fix=PROXY)
    shown = {host.name: without_password(proxy) if proxy else None for host, proxy in found.items()}
    if not any(shown.values()):
        unused = "(QQ_BOT_PROXY 不用于本机 / is not used for this machine)" if patient.settings.proxy else ""
        return fine(f"直连 / none, direct{unused and ' '}{unused}", proxies=shown)
    if len(set(shown.values())) == 1:
        return fine(next(iter(shown.values())) or "", proxies=shown)
    return fine(*_same([(name, proxy or "直连 / direct") for name, proxy in shown.items()]), proxies=shown)


def check_dns(patient: Patient) -> Finding:
    def look_up(host: Host) -> str:
        name, port = patient.next_hop(host)
        addresses = ", ".join(patient.surroundings.resolve(name, port))
        if (name, port) == host.endpoint:
            return addresses
        return f"→ {name}:{port} ({addresses})"

    return _each(patient, "dns", look_up, within=LOOKUP_TIMEOUT, fix=NETWORK)


def check_tcp(patient: Patient) -> Finding:
    def connect(host: Host) -> str:
        clock = patient.clock
        began = clock.now()
        with closing(socket.create_connection(patient.next_hop(host), timeout=CONNECT_TIMEOUT)) as sock:
            sock.shutdown(socket.SHUT_RDWR)
        return f"{(clock.now() - began) * 1000:.0f} ms"

    is_behind = any(patient.next_hop(host) != host.endpoint for host in patient.within_reach)
    return _each(patient, "tcp", connect, within=3 * CONNECT_TIMEOUT, fix=NO_PROXY_THERE if is_behind else FIREWALL)


def check_tunnel(patient: Patient) -> Finding:
    behind = [host for host in patient.within_reach if patient.http.proxy_for(host.origin)]
    if not behind:
        return not_done("没有代理 / no proxy is used")

    def pass_through(host: Host) -> str:
        knock = _knocked(patient, host)
        if knock.failure is not None and not _is_about(knock.failure, _TLS_ERRORS):
            raise knock.failure
        return "OK"

    return _each(patient, "tunnel", pass_through, within=20.0, fix=PROXY, hosts=behind)


def check_tls(patient: Patient) -> Finding:
    def shake_hands(host: Host) -> str:
        knock = _knocked(patient, host)
        if knock.failure is not None:
            raise knock.failure
        took = f"{knock.seconds * 1000:.0f} ms"
        if urlsplit(host.origin).scheme == "https":
            return took
        return f"{took},未加密(模拟器) / {took}, not encrypted (simulator)"

    found = _each(patient, "tls", shake_hands, within=20.0, fix=TLS)
    if found.status is Status.OK or any(
        knock.failure is not None and _is_about(knock.failure, _TLS_ERRORS) for knock in patient.knocks.values()
    ):
        return found
    return Finding(found.status, found.said, (Words.of(NETWORK),), found.facts)


def check_clock(patient: Patient) -> Finding:
    skews = {}
    for host, knock in patient.knocks.items():
        theirs = _date(knock)
        if theirs is not None:
            # A date has no fractions: on average it is half a second behind.
            skews[host] = knock.sent_at + knock.seconds / 2 - (theirs + 0.5)
    if not skews:
        return not_done("服务器没有报时 / no host told its time")
    skew = min(skews.values(), key=abs)
    facts = {"seconds_ahead": round(skew, 1)}
    if abs(skew) < ODD_CLOCK:
        return fine(f"相差 {abs(skew):.0f} 秒 / {abs(skew):.0f} s apart", **facts)
    way_zh, way_en = ("快", "ahead") if skew > 0 else ("慢", "behind")
    size, unit = next((size, unit) for size, unit in _UNITS if abs(skew) >= 2 * size or size == 1)
    amount = f"{abs(skew) / size:.0f}"
    said = f"本机时间{way_zh}了 {amount} {unit.zh} / this machine is {amount} {unit.en} {way_en}"
    judge = failed if abs(skew) >= WRONG_CLOCK else warning
    return judge(said, fix="请启用时间同步(NTP) / turn time synchronisation (NTP) on", **facts)


# -- what they share ----------------------------------------------------------------------------------------------

_TLS_ERRORS = (ssl.SSLError, urllib3.exceptions.SSLError)


def _each(
    patient: Patient,
    name: str,
    examine: Callable[[Host], str],
    *,
    within: float,
    fix: str | tuple[str, ...],
    hosts: list[Host] | None = None,
) -> Finding:
    """Examines each host that is within reach, side by side; what fails here is not examined any further.

    Red where a role (API, token) has no host left, yellow where a fallback is left.
    """

    def attempt(host: Host) -> str | Exception:
        try:
            return examine(host)
        except (OSError, NetworkFailure) as error:
            return error

    asked = hosts if hosts is not None else patient.within_reach
    found = side_by_side({host: partial(attempt, host) for host in asked}, within=within)
    rows: list[tuple[str, str]] = []
    facts: dict[str, object] = {}
    for host in asked:
        answer = found.get(host, TimeoutError(f"{within:.0f} 秒内没有结果 / no answer within {within:.0f} s"))
        is_well = isinstance(answer, str)
        text = answer if isinstance(answer, str) else _plain(answer)
        if not is_well:
            patient.gone[host.origin] = name
        rows.append((host.name, text if is_well else f"× {text}"))
        facts[host.name] = {"ok": is_well, "said": text}
    lines = _same(rows)
    if all(host.origin not in patient.gone for host in asked):
        return fine(*lines, hosts=facts)
    left = {role for host in patient.within_reach for role in host.roles}
    if left >= {role for host in patient.hosts for role in host.roles}:
        spare = "其余主机可用,SDK 会自动改用 / the other hosts will do, the bot turns to them by itself"
        return warning(*lines, fix=(*((fix,) if isinstance(fix, str) else fix), spare), hosts=facts)
    return failed(*lines, fix=fix, hosts=facts)


def _same(rows: list[tuple[str, str]]) -> list[Words]:
    """`host: text` for each, in both languages."""
    words = [(name, Words.of(text.removeprefix("× "))) for name, text in rows]
    marks = ["× " if text.startswith("× ") else "" for _, text in rows]
    return [
        Words(f"{name}: {mark}{said.zh}", f"{name}: {mark}{said.en}")
        for (name, said), mark in zip(words, marks, strict=True)
    ]


def _knocked(patient: Patient, host: Host) -> Knock:
    knock = patient.knocks.get(host)
    if knock is None:
        raise TimeoutError("没有回答 / no answer")
    return knock


def _date(knock: Knock) -> float | None:
    value = knock.response.headers.get("Date") if knock.response is not None else None
    try:
        return parsedate_to_datetime(value).timestamp() if value else None
    except (TypeError, ValueError, OverflowError):
        return None


def _is_about(error: BaseException, kinds: tuple[type[BaseException], ...]) -> bool:
    return any(isinstance(cause, kinds) for cause in _causes(error))


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error, what caused it, and what it carries."""
    waiting, seen = [error], set()
    while waiting:
        cause = waiting.pop()
        if id(cause) in seen:
            continue
        seen.add(id(cause))
        yield cause
        waiting += [
            other for other in (cause.__cause__, cause.__context__, *cause.args) if isinstance(other, BaseException)
        ]


def _plain(error: BaseException) -> str:
    text = str(error)
    if isinstance(error, NetworkFailure) or " / " in text:
        return text
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


CHECKS = (
    Check("proxy", Words("代理", "proxy"), check_proxy),
    Check("dns", Words("域名解析", "DNS"), check_dns, ("proxy",), 15.0),
    Check("tcp", Words("连接", "TCP"), check_tcp, ("dns",)),
    Check("tunnel", Words("经过代理", "tunnel"), check_tunnel, ("tcp",), 25.0),
    Check("tls", Words("加密", "TLS"), check_tls, ("tunnel", "tcp"), 25.0),
    Check("clock", Words("系统时间", "clock"), check_clock, ("tls",)),
)
