"""A guild on a simulator, a bot's `Api` at it, and a gateway connection that hears everything."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from qqbot_sync.api import Api
from qqbot_sync.config import Environment
from qqbot_sync.intents import Intents
from qqbot_sync.simulator import Simulator
from tests.simulator.support import BareBot, Socket, bare_bot


@dataclass
class World:
    """Everything a test about guilds needs."""

    qq: Simulator
    api: Api
    socket: Socket
    bot: BareBot

    @property
    def guild(self) -> str:
        """The id of the guild that always exists."""
        with self.qq.guard:
            return self.qq.platform.rooms.home.id

    @property
    def lobby(self) -> str:
        """The id of its first channel."""
        with self.qq.guard:
            return self.qq.platform.rooms.lobby.id

    def user(self, name: str, where: str = "channel") -> str:
        """The user id of a person, who joins the guild."""
        self.qq.join(name, where)
        self.heard("GUILD_MEMBER_ADD")
        with self.qq.guard:
            return self.qq.platform.rooms.person(name).user_id

    def heard(self, name: str) -> dict[str, Any]:
        """The body of the next event, which must be this one."""
        frame = self.socket.read()
        assert frame["t"] == name
        body: dict[str, Any] = frame["d"]
        return body

    def is_quiet(self) -> bool:
        """Whether no event is on its way."""
        return self.socket.is_silent()

    def say(self, user: str, text: str, where: str = "channel") -> str:
        """Somebody writes in a channel; gives the message's id."""
        id: str = self.qq.say(user, where, text, at_bot=False).id
        self.heard("MESSAGE_CREATE")
        return id


@contextmanager
def world(**options: Any) -> Iterator[World]:
    """A simulator whose bot may hear everything, and is connected."""
    with Simulator(grant=Intents.all(), **options) as qq, bare_bot(qq) as bot:
        socket, _ = bot.live(Intents.all())
        with Api(qq.app_id, qq.secret, environment=Environment.local(qq.url)) as api:
            yield World(qq, api, socket, bot)
