"""The gateway: what is said on its connections, and the verbs that break them."""

from __future__ import annotations

import itertools
import socket
from collections.abc import Callable
from typing import Any

from qqbot_sync.codec import Undecodable, dumps, loads
from qqbot_sync.simulator import payloads
from qqbot_sync.simulator.frames import GARBAGE, text_frame
from qqbot_sync.simulator.guard import Guard
from qqbot_sync.simulator.link import Link
from qqbot_sync.simulator.platform import Platform
from qqbot_sync.simulator.sessions import TurnedAway

__all__ = ["Gateway"]

_ACK = text_frame(b'{"op":11}')
_RECONNECT = text_frame(b'{"op":7}')
_INVALID = text_frame(b'{"op":9,"d":false}')
_LINGER = 2.0
"""Seconds a client has to answer a close frame before its TCP connection is ended."""


class Gateway:
    """All gateway connections of one simulator.

    `serve`, `joined`, `left`, `receive`, `linger` and `slow_down` are called without the guard, by the thread of a
    connection. Everything else is called under the guard.
    """

    def __init__(self, platform: Platform, guard: Guard, later: Callable[[float, Callable[[], None]], None]) -> None:
        self._platform = platform
        self._guard = guard
        self._later = later
        self._numbers = itertools.count(1)
        self.links: dict[int, Link] = {}
        self.heartbeat_interval = 45.0
        """Seconds; Hello names it in ms."""
        self.refusal_delay = 0.2
        """Seconds between op 9 and the close frame that tells the cause."""
        self.frame_limit = (60, 1.0)
        """A client that sends more frames than that within so many seconds is closed with 4008."""
        self.delay = 0.0
        """Seconds each batch of frames waits before it is sent."""

    @property
    def touched(self) -> set[Any]:
        """Connections to wake when the guard is released."""
        return self._guard.touched

    # ---------------------------------------------------------------- called by the connections

    def serve(self, sock: socket.socket, head: bytes) -> None:
        """Serves one connection until it ends. Blocks."""
        Link(next(self._numbers), sock, self).serve(head)

    def joined(self, link: Link) -> None:
        """The handshake is done: Hello."""
        hello = {"op": 10, "d": {"heartbeat_interval": round(self.heartbeat_interval * 1000)}}
        with self._guard:
            self.links[link.number] = link
            self._platform.log.write("connected", link.number)
            link.send(text_frame(dumps(hello)))

    def left(self, link: Link) -> None:
        """The connection has ended."""
        with self._guard:
            if self.links.pop(link.number, None) is None:
                return
            if link.session is not None:
                self._platform.sessions.leave(link.session, link, link.close_code)
            session = link.session.id if link.session else None
            self._platform.log.write("disconnected", link.number, session, link.close_code, link.close_reason)

    def receive(self, link: Link, message: bytes) -> None:
        """One message of the client."""
        with self._guard:
            if link.is_leaving or link.deaf or not link.reads or link.number not in self.links:
                return
            try:
                self._converse(link, message)
            except TurnedAway as refusal:
                self._turn_away(link, refusal)

    def linger(self, link: Link) -> None:
        """A close frame is out: the client has two seconds to answer."""
        self._later(_LINGER, link.cut)

    def slow_down(self, link: Link) -> None:
        """Waits as long as `slow` asks for."""
        if self.delay:
            self._platform.clock.wait(link.is_cut, self.delay)

    # ---------------------------------------------------------------- the conversation

    def _converse(self, link: Link, message: bytes) -> None:
        self._check_pace(link)
        try:
            data = loads(message)
        except Undecodable as error:
            raise TurnedAway(4002, "payload is not JSON", announced=False) from error
        if not isinstance(data, dict):
            raise TurnedAway(4002, "payload is not an object", announced=False)
        op, d = data.get("op"), data.get("d")
        if op == 1:
            self._platform.log.write("heartbeat", link.number, d)
            link.send(_ACK)
        elif op == 2:
            self._identify(link, d)
        elif op == 6:
            self._resume(link, d)
        else:
            raise TurnedAway(4001, "unknown opcode", announced=False)

    def _check_pace(self, link: Link) -> None:
        count, seconds = self.frame_limit
        now = self._platform.clock.now()
        pace = link.pace
        while pace and pace[0] <= now - seconds:
            pace.popleft()
        pace.append(now)
        if len(pace) > count:
            raise TurnedAway(4008, "rate limited", announced=False)

    def _identify(self, link: Link, d: Any) -> None:
        if link.session is not None:
            raise TurnedAway(4005, "already authenticated", announced=False)
        platform = self._platform
        user = payloads.bot_user(platform.bot.id, platform.bot.username)
        link.session = session = platform.sessions.identify(d, link, user)
        platform.log.write("identified", link.number, session.id, session.intents, list(session.shard))

    def _resume(self, link: Link, d: Any) -> None:
        if link.session is not None:
            raise TurnedAway(4005, "already authenticated", announced=False)
        session, replayed = self._platform.sessions.resume(d, link)
        for other in list(self.links.values()):
            if other is not link and other.session is session:
                # The client came back before its old connection was known to be dead.
                other.session = None
                other.cut()
        link.session = session
        self._platform.log.write("resumed", link.number, session.id, d.get("seq"), replayed)

    def _turn_away(self, link: Link, refusal: TurnedAway) -> None:
        op = 9 if refusal.announced else None
        self._platform.log.write("turned_away", link.number, op, refusal.code, refusal.reason)
        if not refusal.announced:
            self.close_link(link, refusal.code, refusal.reason)
            return
        link.send(_INVALID)
        self._later(self.refusal_delay, lambda: self.close_link(link, refusal.code, refusal.reason))

    # ---------------------------------------------------------------- verbs

    def close_link(self, link: Link, code: int, reason: str) -> None:
        """Closes one connection; its session can be resumed where the code allows it."""
        if link.is_leaving:
            return
        link.is_leaving = True
        if link.session is not None:
            self._platform.sessions.leave(link.session, link, code)
        link.close(code, reason)
        self._later(_LINGER, link.cut)

    def drop(self, link: Link, *, reset: bool) -> None:
        """Cuts one connection without a close frame."""
        link.is_leaving = True
        if link.session is not None:
            self._platform.sessions.leave(link.session, link, 1006)
        link.cut(reset=reset)

    def reconnect(self, link: Link, grace: float) -> None:
        """op 7, and close 4009 after `grace` seconds if the client has not left by then."""
        link.send(_RECONNECT)
        self._later(grace, lambda: self.close_link(link, 4009, "session timed out"))

    def invalidate(self, link: Link, code: int) -> None:
        """op 9; the session is gone; the close frame follows."""
        if link.session is not None:
            self._platform.sessions.end(link.session)
        link.send(_INVALID)
        self._later(self.refusal_delay, lambda: self.close_link(link, code, "invalid session"))

    def ask_heartbeat(self, link: Link) -> None:
        """op 1 from the server, which the client answers with one of its own."""
        link.send(text_frame(b'{"op":1,"d":%d}' % (link.session.s if link.session else 0)))

    def garbage(self, link: Link, kind: str) -> None:
        """Puts rubbish on the wire; see `GARBAGE`."""
        link.send(GARBAGE[kind])
