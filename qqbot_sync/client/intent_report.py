"""What is known about a bot's intents, as a value to print, to test and to raise from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from qqbot_sync.errors import InsufficientPermissions
from qqbot_sync.events import EVENTS
from qqbot_sync.intents import Intents
from qqbot_sync.protocol.narrowing import single_bits

__all__ = ["IntentReport", "events_without", "how_to_get"]

_PRIVATE = (
    "仅限私域机器人:请在 q.qq.com 将机器人设为私域,或改用 @机器人 的消息事件",
    "private-domain bots only: make the bot a private one in the console at q.qq.com, or use the events of mentions",
)
_AUDIO = ("仅限音频类机器人:请在 q.qq.com 申请", "audio bots only: apply in the console at q.qq.com")
_GROUPS = (
    "请在 q.qq.com 控制台为机器人开通群聊与单聊",
    "have groups and one-to-one chats enabled for the bot in the console at q.qq.com",
)
_APPLY = (
    "请在 q.qq.com 控制台申请相应事件的权限",
    "apply for these events in the console at q.qq.com",
)
_WAYS: Mapping[Intents, tuple[str, str]] = {
    Intents.GUILD_MESSAGES: _PRIVATE,
    Intents.FORUMS_EVENT: _PRIVATE,
    Intents.AUDIO_ACTION: _AUDIO,
    Intents.GROUP_AND_C2C_EVENT: _GROUPS,
}


@dataclass(frozen=True)
class IntentReport:
    """The intents a bot has, as far as anything proves it. Immutable, thread-safe.

        report = client.check_intents()
        print(report)
        report.raise_for_missing()

    https://bot.q.qq.com/wiki/develop/api-v2/dev-prepare/interface-framework/event-emit.html
    """

    granted: Intents
    """An Identify with these was accepted."""
    refused: Intents
    """The platform refused these."""
    unknown: Intents
    """Never tried, or tried together with others so that nobody can tell which of them was refused."""
    needed: Intents = field(default_factory=Intents.none)
    """What the client's handlers would like to have."""
    handlers: Mapping[Intents, tuple[str, ...]] = field(default_factory=dict, repr=False, compare=False)
    """For each bit of `needed`, the names of the handlers that want it."""

    @property
    def missing(self) -> Intents:
        """What the handlers would like and is not proven to be there."""
        return self.needed & ~self.granted

    def raise_for_missing(self, needed: Intents | None = None) -> None:
        """Returns if every needed bit is known to be granted.

        Args:
            needed: None: everything the client's handlers would like to have, wishes included.

        Raises:
            InsufficientPermissions: names each bit that is refused or not known, the events and handlers that depend on
                it, and what to do.
            TypeError: no `Intents`.
        """
        if needed is not None and not isinstance(needed, Intents):
            raise TypeError(f"needed 必须是 Intents / needed must be Intents (like Intents.default()), not {needed!r}")
        wanted = self.needed if needed is None else needed
        lacking = Intents(int(wanted) & ~int(self.granted))
        if lacking:
            lines = [self._line(bit) for bit in single_bits(lacking)]
            raise InsufficientPermissions(
                "\n".join(("缺少所需的 intents / the bot lacks intents that are needed:", *lines))
            )

    def _line(self, bit: Intents) -> str:
        """What the lack of one bit means, and what to do."""
        events = ", ".join(events_without(bit)) or "?"
        handlers = ", ".join(self.handlers.get(bit, ()))
        if bit & self.refused:
            verdict = "被平台拒绝 / refused by the platform"
            zh, en = how_to_get(bit)
        else:
            verdict = "尚未得知 / not known yet"
            zh = "请先 start(),或调用 check_intents(probe=True)"
            en = "start() first, or call check_intents(probe=True)"
        lost = f"  不会收到 / will not come: {events}" if bit & self.refused else f"  相关事件 / its events: {events}"
        waiting = f"\n  处理函数 / handlers: {handlers}" if handlers else ""
        return f"{bit} – {verdict}\n{lost}{waiting}\n  {zh} / {en}"

    def __str__(self) -> str:
        rows = (
            ("已批准 / granted", self.granted),
            ("被拒绝 / refused", self.refused),
            ("未得知 / unknown", self.unknown),
        )
        return "\n".join(f"{title}: {', '.join(bits.names()) or '–'}" for title, bits in rows)


def events_without(bit: Intents) -> tuple[str, ...]:
    """The names of the events that do not come without this bit, as the table of events has them."""
    return tuple(name for name, spec in EVENTS.items() if spec.intents and not int(spec.intents) & ~int(bit))


def how_to_get(bit: Intents) -> tuple[str, str]:
    """What to do about a refused bit: Chinese, English."""
    return _WAYS.get(bit, _APPLY)
