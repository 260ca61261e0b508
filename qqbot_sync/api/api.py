"""Every call of the OpenAPI on one object, which works with and without a gateway."""

from __future__ import annotations

import os
from types import TracebackType

from qqbot_sync import codec
from qqbot_sync.api.access_token import AccessTokenCalls
from qqbot_sync.api.announces import AnnounceCalls
from qqbot_sync.api.api_permissions import APIPermissionCalls
from qqbot_sync.api.audio import AudioCalls
from qqbot_sync.api.audits import Audits
from qqbot_sync.api.caller import Caller
from qqbot_sync.api.channel_permissions import ChannelPermissionCalls
from qqbot_sync.api.channels import ChannelCalls
from qqbot_sync.api.forum import ForumCalls
from qqbot_sync.api.gateway import GatewayCalls
from qqbot_sync.api.group_admission import GroupAdmissionCalls
from qqbot_sync.api.groups import GroupCalls
from qqbot_sync.api.guild_messages import GuildMessageCalls
from qqbot_sync.api.guilds import GuildCalls
from qqbot_sync.api.http import Http
from qqbot_sync.api.interactions import InteractionCalls
from qqbot_sync.api.join_approval import JoinApprovalCalls
from qqbot_sync.api.media import MediaCalls
from qqbot_sync.api.members import MemberCalls
from qqbot_sync.api.message_settings import MessageSettingCalls
from qqbot_sync.api.messages import MessageCalls
from qqbot_sync.api.mutes import MuteCalls
from qqbot_sync.api.numbers import Numbers
from qqbot_sync.api.pace import Pacing
from qqbot_sync.api.panels import PanelCalls
from qqbot_sync.api.pins import PinCalls
from qqbot_sync.api.qq_messages import QQMessageCalls
from qqbot_sync.api.reactions import ReactionCalls
from qqbot_sync.api.roles import RoleCalls
from qqbot_sync.api.schedules import ScheduleCalls
from qqbot_sync.api.streaming import StreamCalls
from qqbot_sync.api.token import Token
from qqbot_sync.api.users import UserCalls
from qqbot_sync.api.webhook_sessions import WebhookSessionCalls
from qqbot_sync.clock import Clock, SystemClock
from qqbot_sync.config import Environment

__all__ = ["Api", "MissingCredentials"]


class Api(
    AccessTokenCalls,
    GatewayCalls,
    WebhookSessionCalls,
    UserCalls,
    GuildCalls,
    ChannelCalls,
    ChannelPermissionCalls,
    MemberCalls,
    RoleCalls,
    MuteCalls,
    MessageSettingCalls,
    AnnounceCalls,
    PinCalls,
    ScheduleCalls,
    ReactionCalls,
    AudioCalls,
    ForumCalls,
    GuildMessageCalls,
    QQMessageCalls,
    StreamCalls,
    MessageCalls,
    MediaCalls,
    GroupCalls,
    GroupAdmissionCalls,
    JoinApprovalCalls,
    PanelCalls,
    InteractionCalls,
    APIPermissionCalls,
):
    """The platform's HTTP interface as blocking calls. Thread-safe; also a context manager.

        with Api() as api:
            print(api.me().username)

    Args:
        app_id: of the bot; None: QQ_BOT_APP_ID.
        app_secret: of the bot; None: QQ_BOT_SECRET. It appears in no log, error or repr.
        environment: None: QQ_BOT_ENVIRONMENT (production, sandbox or the URL of a simulator), else production.
        proxy: URL; None: what the environment says.
        clock: for tests.
        pool_size: connections kept warm; at least the number of threads that send.
        ca_bundle: file of the trusted authorities; None: REQUESTS_CA_BUNDLE, else certifi's.
        http: one that is shared; it is then not closed here.
        pacing: before a call that would break a published rate: `wait` for its turn, `raise` RateLimited, or `off`.

    Attributes:
        app_id: of the bot.
        environment: where the platform is.
        token: gives the access token.
        http: the connections, and the proxy for the gateway.
        pace: keeps the published rates; `pace.pacing` may be changed at any time.
        audits: what reviewers decide about messages; fed by `BotClient`.
        wait_ready: set by `BotClient`; see `MessageCalls`.

    Raises:
        ValueError: app id or secret is missing; the message says where to get them.
    """

    def __init__(
        self,
        app_id: str | None = None,
        app_secret: str | None = None,
        *,
        environment: Environment | None = None,
        proxy: str | None = None,
        clock: Clock | None = None,
        pool_size: int = 32,
        ca_bundle: str | None = None,
        http: Http | None = None,
        pacing: Pacing = "wait",
    ) -> None:
        self.app_id = _credential("app_id", app_id, "QQ_BOT_APP_ID")
        secret = _credential("app_secret", app_secret, "QQ_BOT_SECRET")
        self.environment = _environment(environment)
        clock = clock or SystemClock()
        self._owns_http = http is None
        self.http = http or Http(
            proxy=proxy or os.environ.get("QQ_BOT_PROXY"), ca_bundle=ca_bundle, pool_size=pool_size, clock=clock
        )
        self.token = Token(self.app_id, secret, self.environment, self.http, clock)
        self._caller = Caller(self.app_id, self.environment, http=self.http, token=self.token, clock=clock)
        self._decoder = codec.ModelDecoder()
        self._numbers = Numbers()
        self.pace = self._caller.pace
        self.pace.pacing = pacing
        self.audits = Audits(clock)

    def __repr__(self) -> str:
        return f"<Api of app {self.app_id} at {self.environment.api_url}>"

    def __enter__(self) -> Api:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Wakes calls that wait for another try (they raise Stopped) and closes idle connections. Idempotent.

        A call that waits for an answer ends by itself. A later call works, on new connections.
        """
        self._caller.close()
        if self._owns_http:
            self.http.close()


class MissingCredentials(ValueError):
    """Neither argument nor environment has the app id or the secret; the message says where to find it."""


def _credential(name: str, value: object, variable: str) -> str:
    found = os.environ.get(variable) if value is None else value
    if isinstance(found, int) and not isinstance(found, bool) and name == "app_id":
        found = str(found)
    if found is not None and not isinstance(found, str):
        raise TypeError(f"{name} 必须是文本 / {name} must be text, not {type(found).__name__}")
    text = (found or "").strip()
    if not text:
        raise MissingCredentials(
            f"缺少 {name}:请传入参数 {name},或设置环境变量 {variable};可在 https://q.qq.com 的「开发设置」中找到 / "
            f"{name} is missing: pass {name} or set {variable}; you find it in the console of https://q.qq.com"
        )
    if not text.isascii() or not text.isprintable() or " " in text:
        raise ValueError(
            f"{name} 含有空格或非 ASCII 字符,请重新复制(参数 {name} 或环境变量 {variable}) / "
            f"{name} holds blanks or characters that are not ASCII, copy it again (argument {name} or {variable})"
        )
    return text


def _environment(value: Environment | None) -> Environment:
    if value is None:
        text = os.environ.get("QQ_BOT_ENVIRONMENT", "").strip()
        return Environment.parse(text) if text else Environment.production()
    if not isinstance(value, Environment):
        raise TypeError(
            f"environment 必须是 Environment,例如 Environment.sandbox() / "
            f"environment must be an Environment, such as Environment.sandbox(), not {value!r}"
        )
    return value
