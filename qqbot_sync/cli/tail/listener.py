"""A client that only listens."""

from __future__ import annotations

from dataclasses import replace

from qqbot_sync.client import BotClient
from qqbot_sync.client.acknowledging import Acknowledging
from qqbot_sync.config import GatewayConfig
from qqbot_sync.events import RawEvent
from qqbot_sync.intents import Intents
from qqbot_sync.protocol.negotiation import IntentPlan

__all__ = ["Listener"]


class _Silent(Acknowledging):
    """Answers no interaction."""

    def arrived(self, event: RawEvent) -> None:
        """Leaves it to the bot."""


class Listener(BotClient):
    """A client without handlers, which answers nothing: not even the buttons that a bot acknowledges by itself.

    Args:
        settings: of the bot; its `intents`, where given, overrule the other two.
        required: bits without which there is no point in listening.
        wished: bits that are left out when the platform refuses them. Neither: `Intents.default()`.
    """

    def __init__(self, settings: GatewayConfig, *, required: Intents, wished: Intents) -> None:
        # No report of a failure: what went wrong is said in one line.
        # The bot's own handlers stay silent, and its session and its tape are left to it.
        bare = replace(settings, handler=None, executor=None, store=None, record=None, replay=None)
        super().__init__(config=replace(bare, metrics_enabled=False))
        self._acks = _Silent(self.api, self._clock)
        self._required, self._wished = required, wished

    def _plan(self) -> IntentPlan:
        if self.config.intents is not None or not self._required | self._wished:
            return super()._plan()
        return IntentPlan(self._required, self._wished & ~self._required)
