"""Checks of the gateway itself: the WebSocket, and with `--identify` the intents."""

from __future__ import annotations

from collections.abc import Sequence

from qqbot_sync.cli.doctor.finding import Check, Finding, Words, failed, failure_of, fine, not_done, warning
from qqbot_sync.cli.doctor.patient import Patient
from qqbot_sync.client.intent_report import how_to_get
from qqbot_sync.client.running import Identity
from qqbot_sync.config import ShardConfig
from qqbot_sync.errors import BotError, ConnectionFailed
from qqbot_sync.gateway.connection import Route
from qqbot_sync.gateway.probing import Probe, greeting
from qqbot_sync.intents import Intents
from qqbot_sync.lockfile import LockFile
from qqbot_sync.protocol.gateway_info import GatewayInfo
from qqbot_sync.protocol.narrowing import MOST_TRIES, IntentEvidence, single_bits
from qqbot_sync.protocol.pacing import IDENTIFY_WINDOW, IdentifyPace

__all__ = ["CHECKS", "PROBE_DEADLINE"]

STEP = 6.0
"""Seconds for one step of the dial, and for Hello."""
PROBE_DEADLINE = MOST_TRIES * (IDENTIFY_WINDOW + 3.0)
"""Seconds for all Identifies: paced, and each refusal with the seconds in which the platform may still say why."""


def check_websocket(patient: Patient) -> Finding:
    info = patient.gateway
    if not isinstance(info, GatewayInfo):
        return not_done()
    route = Route(info.url, patient.http.proxy_for(info.url), patient.http.ca_bundle)
    clock = patient.clock
    began = clock.now()
    try:
        greeting(route, clock=clock, timeout=STEP)
    except ConnectionFailed as error:
        return failure_of(
            error,
            fix="HTTP 可用而 WebSocket 不行:请检查代理与防火墙是否放行 WebSocket / "
            "HTTP works and WebSocket does not: check that proxy and firewall let WebSocket pass",
        )
    milliseconds = (clock.now() - began) * 1000
    return fine(
        f"收到 Hello,{milliseconds:.0f} ms / Hello after {milliseconds:.0f} ms", milliseconds=round(milliseconds)
    )


def check_intents(patient: Patient) -> Finding:
    if not patient.identifies:
        return not_done(
            f"要逐项测试请加 --identify,最多消耗 {MOST_TRIES} 次会话 / "
            f"--identify asks for each, for at most {MOST_TRIES} sessions of the day"
        )
    shards = patient.settings.shard_configs()
    identity = Identity(patient.api.app_id, patient.environment.api_url, shards)
    locks = [LockFile(part) for part in identity.parts()]
    try:
        if not all(lock.take(warn=False) for lock in locks):
            return warning(
                "机器人正在本机运行,登录可能使它掉线,因此未测试 / "
                "the bot runs on this machine and might be thrown out, so nothing was tried",
                fix="请先停止机器人 / stop the bot first",
            )
        return _probe(patient, shards[0] if shards else ShardConfig())
    finally:
        for lock in locks:
            lock.release()


def _probe(patient: Patient, shard: ShardConfig) -> Finding:
    probe = Probe(patient.api, patient.clock, IdentifyPace(), shard, progress=patient.progress)
    try:
        evidence = probe.run(Intents.all(), IntentEvidence(), timeout=PROBE_DEADLINE)
    except BotError as error:
        return failure_of(error)
    return judged(evidence, probe.tries)


def judged(evidence: IntentEvidence, tries: int) -> Finding:
    """What the answers mean for a bot of the usual kind."""
    unknown = evidence.unknown_of(Intents.all())
    facts = {
        "granted": list(evidence.granted.names()),
        "refused": list(evidence.refused.names()),
        "unknown": list(unknown.names()),
        "identifies": tries,
    }
    titles = ("已批准(granted)", "被拒绝(refused)", "未得知(unknown)")
    said = []
    for title, bits in zip(titles, (evidence.granted, evidence.refused, unknown), strict=True):
        if bits:
            # In both languages at once: the names are the longer part of it.
            line = f"{title}: {', '.join(bits.names())}"
            said.append(Words(line, line))
    usual = Intents.default() & evidence.refused
    if not evidence.granted and not unknown:
        return failed(*said, fix=_fixes(usual), **facts)
    if usual or unknown:
        return warning(*said, fix=_fixes(usual) if usual else ("请稍后再试 / try again later",), **facts)
    return fine(*said, **facts)


def _fixes(bits: Intents) -> tuple[str, ...]:
    ways: dict[str, list[str]] = {}
    for bit in single_bits(bits):
        ways.setdefault(" / ".join(how_to_get(bit)), []).append(str(bit))
    return tuple(_named(names, way) for way, names in ways.items())


def _named(names: Sequence[str], way: str) -> str:
    zh, _, en = way.partition(" / ")
    listed = ", ".join(names)
    return f"{listed}:{zh} / {listed}: {en}"


CHECKS = (
    Check("websocket", Words("WebSocket", "WebSocket"), check_websocket, ("gateway",)),
    Check(
        "intents",
        Words("事件权限", "intents"),
        check_intents,
        ("websocket", "sessions"),
        deadline=PROBE_DEADLINE + 30.0,
    ),
)
