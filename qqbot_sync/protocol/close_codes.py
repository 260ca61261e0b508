"""Why a connection ended, and what to do about it: the close codes of the gateway as one table.

https://bot.q.qq.com/wiki/develop/api-v2/dev-prepare/interface-framework/event-emit.html
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum
from types import MappingProxyType

from qqbot_sync.errors import (
    ApiError,
    AuthenticationFailed,
    BotBanned,
    BotError,
    GatewayError,
    InvalidIntents,
    UnknownOpcode,
)

__all__ = ["CLOSE_CODES", "INTERNAL_ERRORS", "TRANSIENT", "CloseCode", "Verdict", "fatal_error", "verdict_of"]

INTERNAL_ERRORS = range(4900, 4914)
"""The platform's own errors: 4900 to 4913."""


class Verdict(Enum):
    """What the next connection begins with."""

    RESUME = "resume"
    """The session lives: resume it."""
    IDENTIFY = "identify"
    """The session is lost: identify anew."""
    FATAL = "fatal"
    """No further connection will help: stop and say why."""


@dataclass(frozen=True, slots=True)
class CloseCode:
    """One row of the table. Immutable, thread-safe."""

    code: int | None
    """None where the connection ended without a close frame."""
    meaning: str
    """Chinese / English."""
    verdict: Verdict
    routine: bool = False
    """Resume at once, without back-off: nothing is wrong."""
    pause: float = 0.0
    """Seconds to wait at least before the next connection; whoever waits makes it grow with every repetition."""
    refresh_token: bool = False
    """The token is refreshed by force before the next connection."""
    refresh_token_if_repeated: bool = False
    """The token is refreshed by force when the code comes twice in a row."""
    about_intents: bool = False
    """Identifying with fewer intents may help; fatal only where nothing is left to give up."""
    names_cause: bool = False
    """After op 9 the code says more than op 9 did: follow the code. Else the session counts as invalid, no more."""
    error: type[BotError] = GatewayError
    """What to raise when it is fatal, at once or because it keeps coming."""
    hint: str = ""
    """What the user can do, Chinese / English; empty where nothing is to be done."""


_OUR_BUG = (
    "这是 qqbot-sync 的缺陷,请升级;若仍出现,请附日志提交 issue / "
    "this is a defect of qqbot-sync: upgrade, and if it stays, open an issue with the log"
)

_ROWS: tuple[CloseCode, ...] = (
    CloseCode(1000, "正常关闭 / closed normally", Verdict.RESUME),
    CloseCode(1001, "服务器离开 / the server goes away", Verdict.RESUME),
    CloseCode(1005, "关闭但未给出原因 / closed without a code", Verdict.RESUME),
    CloseCode(1006, "连接中断 / the connection broke", Verdict.RESUME),
    CloseCode(1011, "服务器内部错误 / the server failed", Verdict.RESUME),
    CloseCode(4000, "未说明的原因 / no reason told", Verdict.RESUME),
    CloseCode(
        4001,
        "网关不认识我们发送的 opcode / an opcode of ours is unknown",
        Verdict.FATAL,
        names_cause=True,
        error=UnknownOpcode,
        hint=_OUR_BUG,
    ),
    CloseCode(
        4002,
        "网关读不懂我们发送的内容 / a payload of ours is invalid",
        Verdict.FATAL,
        names_cause=True,
        error=UnknownOpcode,
        hint=_OUR_BUG,
    ),
    CloseCode(4003, "尚未鉴权 / not authenticated", Verdict.IDENTIFY),
    CloseCode(
        4004,
        "鉴权失败,access token 无效 / authentication failed, the access token is not accepted",
        Verdict.IDENTIFY,
        names_cause=True,
        refresh_token=True,
        error=AuthenticationFailed,
        hint=(
            "请检查 AppID 与 AppSecret 是否属于同一个机器人,以及控制台的 IP 白名单 / "
            "check that app id and secret belong to the same bot, and the IP whitelist in the console"
        ),
    ),
    CloseCode(4005, "重复鉴权 / authenticated twice", Verdict.IDENTIFY),
    CloseCode(4006, "session id 无效 / the session id is invalid", Verdict.IDENTIFY),
    CloseCode(4007, "seq 错误 / the sequence number is wrong", Verdict.IDENTIFY),
    CloseCode(4008, "发送过快 / payloads were sent too fast", Verdict.RESUME, names_cause=True, pause=5.0),
    CloseCode(4009, "连接到期 / the connection has expired", Verdict.RESUME, routine=True),
    CloseCode(
        4010,
        "分片无效 / the shard is invalid",
        Verdict.FATAL,
        names_cause=True,
        hint=(
            "请检查 ShardConfig:shard_id 从 0 数起且小于 shard_count / "
            "check ShardConfig: shard_id counts from 0 and is below shard_count"
        ),
    ),
    CloseCode(
        4011,
        "单个分片的频道过多 / this shard has too many guilds",
        Verdict.FATAL,
        names_cause=True,
        hint=(
            "请增加分片,例如 ShardConfig(0, 2);建议数量见 /gateway/bot 的 shards / "
            "use more shards, such as ShardConfig(0, 2); /gateway/bot tells how many"
        ),
    ),
    CloseCode(
        4012,
        "网关版本无效 / the version of the gateway is invalid",
        Verdict.FATAL,
        names_cause=True,
        error=UnknownOpcode,
        hint=_OUR_BUG,
    ),
    CloseCode(
        4013,
        "intents 无效 / the intents are invalid",
        Verdict.FATAL,
        names_cause=True,
        about_intents=True,
        error=InvalidIntents,
        hint=(
            "请只使用 Intents 中的成员;若由处理函数推导而来,请升级 qqbot-sync / "
            "use members of Intents only; if they were derived from handlers, upgrade qqbot-sync"
        ),
    ),
    CloseCode(
        4014,
        "机器人没有这些 intents 的权限 / the bot was not granted these intents",
        Verdict.FATAL,
        names_cause=True,
        about_intents=True,
        error=InvalidIntents,
        hint=(
            "请在 q.qq.com 控制台申请相应事件的权限,或去掉需要它的处理函数 / "
            "apply for these events in the console at q.qq.com, or remove the handlers that need them"
        ),
    ),
    *(
        CloseCode(
            code,
            f"平台内部错误 {code} / internal error {code} of the platform",
            Verdict.IDENTIFY,
            names_cause=True,
            refresh_token_if_repeated=True,
        )
        for code in INTERNAL_ERRORS
    ),
    CloseCode(
        4914,
        "机器人已下架,只能连接沙箱 / the bot is delisted and may connect to the sandbox only",
        Verdict.FATAL,
        names_cause=True,
        error=BotBanned,
        hint=(
            "请在 q.qq.com 控制台重新上架,或设置 environment=Environment.sandbox() / "
            "list it again in the console at q.qq.com, or set environment=Environment.sandbox()"
        ),
    ),
    CloseCode(
        4915,
        "机器人已被封禁 / the bot is banned",
        Verdict.FATAL,
        names_cause=True,
        error=BotBanned,
        hint="请在 q.qq.com 控制台查看原因并申诉 / see the reason and appeal in the console at q.qq.com",
    ),
)

CLOSE_CODES: Mapping[int, CloseCode] = MappingProxyType({row.code: row for row in _ROWS if row.code is not None})
"""Every close code something is known about. The documents contradict themselves below their own table; this is it."""

TRANSIENT = CloseCode(None, "连接中断 / the connection broke", Verdict.RESUME)
"""What holds for every end that is not in the table: no close frame, a code nobody has met."""


def verdict_of(code: int | None) -> CloseCode:
    """What to do after a connection ended.

    Args:
        code: of the close frame; None when it ended without one (reset, timeout, end of file).
    """
    if code is None:
        return TRANSIENT
    known = CLOSE_CODES.get(code)
    return known if known else replace(TRANSIENT, code=code, meaning=f"未知的关闭码 {code} / unknown close code {code}")


def fatal_error(code: int | None, *, detail: str = "") -> BotError:
    """The typed error for an end that no further connection will mend.

    Args:
        code: of the close frame, in the table or not.
        detail: what else is known, such as the names of the intents that were asked for. No secrets.
    """
    row = verdict_of(code)
    message = f"{row.meaning}: {detail}" if detail else row.meaning
    hint = row.hint or None
    if issubclass(row.error, AuthenticationFailed):
        return row.error(message, close_code=code, code=code, hint=hint)
    if issubclass(row.error, GatewayError) and not issubclass(row.error, ApiError):
        return row.error(message, close_code=code, hint=hint)
    raise TypeError(f"the table names {row.error.__name__} for {code}, which cannot carry a close code")
