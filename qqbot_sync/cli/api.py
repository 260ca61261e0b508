"""`qqbot-sync api METHOD PATH [BODY]`: one raw call of the OpenAPI."""

from __future__ import annotations

import difflib
import json
import re
import sys
from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn
from urllib.parse import quote, urlencode, urlsplit

import click

from qqbot_sync.cli.completion import complete_path
from qqbot_sync.cli.failure import what_happened
from qqbot_sync.cli.known_calls import advice_on
from qqbot_sync.cli.options import connection_options, simulator_option, timeout_option
from qqbot_sync.cli.progress import doing
from qqbot_sync.cli.settings import need_credentials

if TYPE_CHECKING:
    from qqbot_sync.api import Api
    from qqbot_sync.api.answers import Answer
    from qqbot_sync.config import GatewayConfig

__all__ = ["command", "read_body", "read_path"]

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
_UNSEEN = re.compile("[\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
"""Signs that would steer a terminal, or that have no bytes: escaped, as JSON allows."""


# -- what was typed ---------------------------------------------------------------------------------------------------


def read_path(text: str) -> str:
    """The path, with whatever no URL holds written as %XX.

    Raises:
        ValueError: none, or one that would leave the platform's host.
    """
    if re.match(r"[A-Za-z]:[\\/]", text):
        raise ValueError(
            f"Git Bash 把路径改成了 / Git Bash has turned the path into {text!r}: 请设置 / set MSYS_NO_PATHCONV=1"
        )
    if "://" in text.partition("?")[0]:
        raise ValueError(
            f"只写路径,主机由环境决定 / write the path alone, the host follows from the environment: "
            f"{urlsplit(text).path or '/'}"
        )
    if not text.startswith("/"):
        raise ValueError(f"路径要以 / 开头 / the path must begin with a slash: /{text}")
    path = text.partition("?")[0]
    parts = path.split("/")
    if text.startswith("//") or "\\" in text or "#" in text or any(part in (".", "..") for part in parts):
        raise ValueError(f"路径不能离开平台的主机 / the path must stay as it is on the platform's host: {text!r}")
    if any(not sign.isprintable() for sign in text):
        raise ValueError(f"路径中有控制字符 / the path holds control characters: {text!r}")
    return quote(text, safe="/?&=%@:+,;!$'()*~-._")


def read_body(text: str | None) -> bytes | None:
    """BODY as JSON bytes: written out, `@FILE`, or `-` for standard input.

    Raises:
        ValueError: no JSON; the message says where it breaks.
        OSError: the file cannot be read.
    """
    if text is None:
        return None
    source, data = "", text
    if text == "-":
        source, data = "标准输入 / standard input: ", _decoded(sys.stdin.buffer.read(), "-")
    elif text.startswith("@"):
        source, data = f"{text[1:]}: ", _decoded(Path(text[1:]).read_bytes(), text[1:])
    try:
        value = json.loads(data, parse_constant=_refuse)
    except json.JSONDecodeError as error:
        lines = data.splitlines() or [""]
        line = lines[min(error.lineno, len(lines)) - 1]
        near = line[max(0, error.colno - 16) : error.colno + 15]
        advice = ";引号可能被 shell 去掉了,可用 @FILE / the shell may have eaten the quotes, @FILE keeps them"
        eaten = advice if not source and "{" in data and '"' not in data else ""
        raise ValueError(
            f"{source}不是 JSON / is no JSON: 第 {error.lineno} 行第 {error.colno} 列 / line {error.lineno} "
            f"column {error.colno}: {error.msg}, near {near!r}{eaten}"
        ) from error
    except RecursionError as error:
        raise ValueError(f"{source}嵌套过深 / nested too deeply") from error
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")


def _decoded(data: bytes, source: str) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"{source} 不是 UTF-8 文本 / is no UTF-8 text (byte {error.start})") from error


def _refuse(word: str) -> NoReturn:
    raise ValueError(f"{word} 不是 JSON / is no JSON")


def _method(_ctx: click.Context, _parameter: click.Parameter, value: str) -> str:
    if value.upper() in METHODS:
        return value.upper()
    near = difflib.get_close_matches(value.upper(), METHODS, n=1)
    advice = f";是不是 / did you mean {near[0]}?" if near else ""
    raise click.BadParameter(f"只能是 / must be one of {', '.join(METHODS)}; 而不是 / not {value!r}{advice}")


def _path(_ctx: click.Context, _parameter: click.Parameter, value: str) -> str:
    try:
        return read_path(value)
    except ValueError as error:
        raise click.BadParameter(str(error)) from error


def _body(_ctx: click.Context, _parameter: click.Parameter, value: str | None) -> bytes | None:
    try:
        return read_body(value)
    except (ValueError, OSError) as error:
        raise click.BadParameter(what_happened(error)) from error


def _query(_ctx: click.Context, _parameter: click.Parameter, value: tuple[str, ...]) -> list[tuple[str, str]]:
    pairs = []
    for text in value:
        name, equals, said = text.partition("=")
        if not equals or not name:
            raise click.BadParameter(f"写法 / write it as name=value: {text!r}")
        pairs.append((name, said))
    return pairs


# -- the call ---------------------------------------------------------------------------------------------------------


@click.command("api")
@click.argument("method", callback=_method, is_eager=True)
@click.argument("path", callback=_path, shell_complete=complete_path)
@click.argument("body", required=False, callback=_body)
@click.option("--query", metavar="NAME=VALUE", multiple=True, callback=_query, help="查询参数,可重复 / repeatable")
@click.option(
    "--include", is_flag=True, help="在标准错误上显示回答的头,含 trace id / the answer's headers too, on stderr"
)
@timeout_option
@simulator_option
@connection_options
def command(
    method: str,
    path: str,
    body: bytes | None,
    *,
    query: list[tuple[str, str]],
    include: bool,
    timeout: float,
    settings: GatewayConfig,
) -> None:
    """调用任意接口 / Call any endpoint of the OpenAPI with the bot's token.

    BODY 是 JSON:直接写出、@文件,或用 - 从标准输入读取。回答的 JSON 写到标准输出,状态写到标准错误;平台拒绝时退出状态为
    1。只发送一次,不重试(令牌失效时刷新后再发)。令牌不会显示。

    BODY is JSON: written out, @FILE, or - for standard input. The answer's JSON goes to stdout, the status to stderr;
    exit status 1 when the platform refuses. It is sent once and not repeated (but after a refused token, with a new
    one). The token is never shown.

    \b
    例 / examples:
      qqbot-sync api GET /users/@me
      qqbot-sync api GET /users/@me/guilds --query limit=10
      qqbot-sync api POST /channels/1234567/messages '{"content": "你好"}'
      qqbot-sync api PATCH /channels/1234567 @channel.json --include
    """
    from qqbot_sync import Api

    need_credentials(settings)
    advice = advice_on(method, path)
    if advice:
        click.echo(f"警告 / warning: {advice}; 仍然发送 / sent all the same", err=True)
    target = path + (("&" if "?" in path else "?") + urlencode(query) if query else "")
    with Api(settings.app_id, settings.app_secret, environment=settings.environment, proxy=settings.proxy) as api:
        with doing("请求中… / calling…"):
            answer, seconds = _called(api, method, target, body, timeout=timeout)
        _show(answer, seconds, include=include)
    if answer.error is not None:
        raise answer.error


def _called(api: Api, method: str, target: str, body: bytes | None, *, timeout: float) -> tuple[Answer, float]:
    """The answer, whatever it says, and the seconds it took.

    Raises:
        BotError: there is no answer.
    """
    from qqbot_sync.api.caller import Caller, unknown_outcome
    from qqbot_sync.api.http import NotSent, Unknown
    from qqbot_sync.clock import SystemClock

    clock = SystemClock()
    caller = Caller(api.app_id, api.environment, http=api.http, token=api.token, clock=clock)
    patience = caller.patience(timeout)
    may_renew = True
    while True:
        began = clock.now()
        try:
            answer = caller.once(method, target, body, patience=patience, read_timeout=timeout)
        except (NotSent, Unknown) as failure:
            if isinstance(failure, Unknown) and method != "GET":
                raise unknown_outcome(method, target, failure) from failure
            caller.give_up(method, target, failure)
        if not (answer.wants_token and may_renew):
            return answer, clock.now() - began
        may_renew = False
        api.token.expire(answer.token)


def _show(answer: Answer, seconds: float, *, include: bool) -> None:
    trace = f" · trace id {answer.trace_id}" if answer.trace_id else ""
    status = f"HTTP {answer.status} {_phrase(answer.status)}".rstrip()
    coloured = click.style(status, fg="green" if answer.error is None else "red")
    click.echo(_scrubbed(f"{coloured} · {1000 * seconds:.0f} ms{trace}"), err=True)
    if include:
        for line in _headers(answer.headers):
            click.echo(_scrubbed(line), err=True)
    if answer.is_json and answer.body.strip():
        text = json.dumps(answer.data, ensure_ascii=False, indent=2)
        _show_json(_scrubbed(_UNSEEN.sub(lambda sign: f"\\u{ord(sign[0]):04x}", text)))
    elif answer.body.strip():
        text = _scrubbed(answer.body.decode("utf-8", errors="replace"))
        click.echo("".join(sign if sign.isprintable() or sign in "\n\t" else "?" for sign in text))


def _headers(headers: Mapping[str, str]) -> list[str]:
    return [f"{name}: {value}" for name, value in headers.items()]


def _show_json(text: str) -> None:
    if not sys.stdout.isatty():
        click.echo(text)
        return
    from rich.console import Console
    from rich.highlighter import JSONHighlighter
    from rich.text import Text

    Console(highlight=False).print(JSONHighlighter()(Text(text)), soft_wrap=True)


def _scrubbed(text: str) -> str:
    """Without the token and the secret, wherever an answer repeats them."""
    from qqbot_sync.logs import known_secrets

    for value in known_secrets():
        text = text.replace(value, "***")
    return text


def _phrase(status: int) -> str:
    known: dict[int, Any] = {one.value: one.phrase for one in HTTPStatus}
    return str(known.get(status, ""))
