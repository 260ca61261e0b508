"""`qqbot-sync send TARGET TEXT`: one message, without a gateway."""

from __future__ import annotations

import difflib
import sys
from typing import TYPE_CHECKING

import click

from qqbot_sync.cli.completion import complete_target
from qqbot_sync.cli.options import connection_options, simulator_option, timeout_option
from qqbot_sync.cli.progress import doing
from qqbot_sync.cli.settings import need_credentials

if TYPE_CHECKING:
    from qqbot_sync.api import Sent
    from qqbot_sync.config import GatewayConfig
    from qqbot_sync.protocol.replies import Target

__all__ = ["TARGETS", "command", "parse_target"]

TARGETS = {"channel": "ID", "group": "OPENID", "user": "OPENID", "direct": "GUILD_ID"}
"""Kind of target → what stands behind its colon."""
_OTHER_WORDS = {"c2c": "user", "friend": "user", "dm": "direct", "dms": "direct", "guild": "channel", "qq": "user"}
"""What other people call the kinds."""


def parse_target(text: str) -> Target:
    """`group:OPENID` and the like as a target of `send`.

    Raises:
        ValueError: something else; the message says how it is written.
    """
    from qqbot_sync import Channel, Direct, Group, User

    kind, colon, value = text.strip().partition(":")
    kinds: dict[str, type[Target]] = {"channel": Channel, "group": Group, "user": User, "direct": Direct}
    if kind.lower() in kinds and colon:
        if not value.strip():
            raise ValueError(f"缺少 id / the id is missing: {kind.lower()}:{TARGETS[kind.lower()]}")
        return kinds[kind.lower()](value.strip())
    meant = _OTHER_WORDS.get(kind.lower()) or next(iter(difflib.get_close_matches(kind.lower(), kinds, n=1)), None)
    advice = f";是不是 / did you mean {meant}:{value or TARGETS[meant]}?" if meant else ""
    known = ", ".join(f"{kind}:{value}" for kind, value in TARGETS.items())
    raise ValueError(f"写法 / write one of: {known}; 而不是 / not {text!r}{advice}")


def _target(_ctx: click.Context, _parameter: click.Parameter, value: str) -> Target:
    try:
        return parse_target(value)
    except ValueError as error:
        raise click.BadParameter(str(error)) from error


@click.command("send")
@click.argument("target", callback=_target, shell_complete=complete_target)
@click.argument("text")
@click.option(
    "--reply-to",
    metavar="MSG_ID",
    default=None,
    help="回复这条消息(被动消息) / answer this message; without it the message is a proactive one",
)
@timeout_option
@click.option("--json", "as_json", is_flag=True, help="以 JSON 打印平台的回答 / print the platform's answer as JSON")
@simulator_option
@connection_options
def command(
    target: Target, text: str, *, reply_to: str | None, timeout: float, as_json: bool, settings: GatewayConfig
) -> None:
    """发一条文字消息,打印它的 id / Send one text message and print its id.

    TARGET 是 channel:ID、group:OPENID、user:OPENID 或 direct:GUILD_ID;TEXT 写作 - 时从标准输入读取。
    没有 --reply-to 的是主动消息,平台对其数量有限制。频道消息要求机器人在线(否则 304018)。

    TARGET is channel:ID, group:OPENID, user:OPENID or direct:GUILD_ID; a TEXT of - is read from standard input.
    Without --reply-to it is a proactive message, of which the platform allows few. Messages to a guild need a bot that
    is online (304018 otherwise).

    \b
    例 / examples:
      qqbot-sync send channel:1234567 '构建完成'
      qqbot-sync send group:0A1B2C 你好 --reply-to ROBOT1.0_x
      git log -1 --format=%s | qqbot-sync send user:0A1B2C -
      qqbot-sync send group:0A1B2C hi --simulator http://127.0.0.1:8080
    """
    from qqbot_sync import Api
    from qqbot_sync.protocol.replies import Anchor

    said = _from_input() if text == "-" else text
    if not said.strip():
        raise click.UsageError("消息内容为空 / the message is empty")
    need_credentials(settings)
    api = Api(settings.app_id, settings.app_secret, environment=settings.environment, proxy=settings.proxy)
    with api, doing("发送中… / sending…"):
        # Fails at once where there is no network; the message itself is given the whole time.
        api.token.get(timeout=timeout)
        sent = api.send(target, said, anchor=Anchor(msg_id=reply_to) if reply_to else None, timeout=timeout)
    _tell(sent, as_json=as_json)


def _from_input() -> str:
    data = sys.stdin.buffer.read()
    try:
        return data.decode("utf-8-sig").rstrip("\r\n")
    except UnicodeDecodeError as error:
        raise click.UsageError(
            f"标准输入不是 UTF-8 文本 / standard input is no UTF-8 text (byte {error.start})"
        ) from error


def _tell(sent: Sent, *, as_json: bool) -> None:
    """The id on stdout, so that `$(…)` holds it and nothing else; what there is to know besides on stderr."""
    from qqbot_sync.api import PendingAudit, SendUnconfirmed
    from qqbot_sync.codec import dumps

    audit_id = sent.audit_id if isinstance(sent, PendingAudit) else None
    if as_json:
        answer = sent.raw[0] if sent.raw else {}
        click.echo(dumps({"id": sent.id, "audit_id": audit_id, "answer": answer}).decode())
    elif sent.id is not None:
        click.echo(sent.id)
    if audit_id is not None:
        click.echo(f"等待人工审核 / a reviewer looks at it first: audit_id {audit_id}", err=True)
    elif isinstance(sent, SendUnconfirmed):
        click.echo(sent.reason, err=True)
