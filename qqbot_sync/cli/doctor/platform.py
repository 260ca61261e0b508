"""Checks of what the platform says: token, IP whitelist, `/gateway/bot`, sessions."""

from __future__ import annotations

import re

from qqbot_sync.cli.doctor.finding import Check, Finding, Words, failed, failure_of, fine, not_done, warning
from qqbot_sync.cli.doctor.patient import Patient
from qqbot_sync.errors import ApiError, BotError, RateLimited
from qqbot_sync.protocol.error_codes import IP_WHITELIST_CODES
from qqbot_sync.protocol.gateway_info import GatewayInfo

__all__ = ["CHECKS"]

TOKEN_TIMEOUT = 12.0
"""Seconds."""
FEW = 0.1
"""Share of a day's sessions below which it is worth a word."""
_ADDRESS = re.compile(r"(?<![\w.:])(?:\d{1,3}(?:\.\d{1,3}){3}|[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){2,7})(?![\w.:])")


def check_token(patient: Patient) -> Finding:
    try:
        patient.api.token.get(timeout=TOKEN_TIMEOUT)
    except RateLimited as error:
        wait = f"{error.retry_after:.0f}"
        return failure_of(error, fix=f"请在 {wait} 秒后再试 / try again in {wait} s")
    except BotError as error:
        return failure_of(error)
    return fine("AppID 与 AppSecret 有效 / app id and secret are accepted")


def check_whitelist(patient: Patient) -> Finding:
    answer = patient.gateway
    if not isinstance(answer, ApiError) or answer.code not in IP_WHITELIST_CODES:
        if isinstance(answer, BotError):
            return not_done("/gateway/bot 没有成功,无从得知 / cannot be told, because /gateway/bot failed")
        return fine("平台接受本机的出口 IP / the platform accepts the address of this machine")
    address = address_in(answer.message)
    facts = {"code": answer.code, "egress_ip": address, "trace_id": answer.trace_id}
    seen = f":{address}" if address else ""
    add = f"将 {address} " if address else "将本机的公网出口 IP(经代理时是代理的出口)"
    name = address or "the public address of this machine (of the proxy, when there is one)"
    return failed(
        f"出口 IP 不在白名单中{seen}(错误码 {answer.code}) / "
        f"the address of this machine is not whitelisted{seen.replace(':', ': ')} (code {answer.code})",
        fix=(
            f"请{add}加入 q.qq.com「开发设置」的 IP 白名单,几分钟后生效 / "
            f"add {name} to the IP whitelist in the console of q.qq.com; it takes some minutes",
            "出口 IP 常变时,请经固定 IP 的代理;沙箱环境不检查白名单 / "
            "where the address changes, use a proxy with a fixed one; the sandbox has no whitelist",
        ),
        **facts,
    )


def address_in(message: str) -> str | None:
    """The address that the platform names in its refusal."""
    found = _ADDRESS.search(message)
    return found.group() if found else None


def check_gateway(patient: Patient) -> Finding:
    answer = patient.gateway
    if isinstance(answer, BotError):
        return failure_of(answer)
    try:
        patient.environment.check_url(answer.url, name="gateway URL")
    except ValueError as error:
        return failure_of(error)
    shards = f"建议分片数 {answer.shards} / {answer.shards} shard{'s' if answer.shards > 1 else ''} recommended"
    return fine(answer.url, shards, url=answer.url, shards=answer.shards, max_concurrency=answer.max_concurrency)


def check_sessions(patient: Patient) -> Finding:
    info = patient.gateway
    if not isinstance(info, GatewayInfo):
        return not_done()
    facts = {"remaining": info.remaining, "total": info.total, "reset_after": info.reset_after}
    if info.remaining is None:
        return fine("平台没有说明 / the platform does not say", **facts)
    hours = (info.reset_after or 0.0) / 3600
    of = f" / {info.total}" if info.total is not None else ""
    said = Words(
        f"今天还剩 {info.remaining}{of} 次,{hours:.1f} 小时后重置",
        f"{info.remaining}{of} left today, reset in {hours:.1f} h",
    )
    advice = (
        "频繁重启会消耗会话次数;用 stop() 正常退出、使用 SqliteStore 可恢复会话 / "
        "restarts use sessions up; a bot that leaves by stop() and has a SqliteStore resumes instead"
    )
    if info.is_exhausted:
        wait = f"请等待 {hours:.1f} 小时 / wait {hours:.1f} h"
        return failed(said, fix=(wait, advice), **facts)
    if info.total and info.remaining < FEW * info.total:
        return warning(said, fix=advice, **facts)
    return fine(said, **facts)


CHECKS = (
    Check("token", Words("令牌", "token"), check_token, ("app_id", "secret", "tls")),
    Check("whitelist", Words("IP 白名单", "whitelist"), check_whitelist, ("token",)),
    Check("gateway", Words("网关地址", "/gateway/bot"), check_gateway, ("token", "whitelist")),
    Check("sessions", Words("会话次数", "session limit"), check_sessions, ("gateway",)),
)
