"""Gateway sessions: who may have one, what goes to which, and what is replayed. Pure: no socket, no thread."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Any, Protocol

from qqbot_sync.clock import Clock
from qqbot_sync.codec import dumps
from qqbot_sync.intents import Intents
from qqbot_sync.simulator.frames import text_frame
from qqbot_sync.simulator.ids import Ids
from qqbot_sync.simulator.tokens import Tokens

__all__ = ["NOT_RESUMABLE", "Peer", "Session", "Sessions", "StartLimit", "TurnedAway"]

NOT_RESUMABLE = frozenset({4001, 4002, 4003, 4004, 4005, 4006, 4007, 4010, 4011, 4012, 4013, 4014, *range(4900, 4916)})
"""Close codes after which the platform does not take a Resume.

https://bot.q.qq.com/wiki/develop/api-v2/dev-prepare/interface-framework/event-emit.html
"""


class TurnedAway(Exception):
    """Identify or Resume was refused: op 9 first where `announced`, then this close code. Immutable."""

    def __init__(self, code: int, reason: str, *, announced: bool = True) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason
        self.announced = announced


class Peer(Protocol):
    """The connection a session speaks through."""

    def send(self, frame: bytes) -> None:
        """Queues one encoded frame; never blocks."""


class Session:
    """One session: its counter `s` and what it can replay. Not thread-safe."""

    __slots__ = ("buffer", "forgotten", "id", "intents", "left_at", "peer", "s", "shard", "size")

    def __init__(self, id: str, shard: tuple[int, int], intents: int) -> None:
        self.id = id
        self.shard = shard
        self.intents = intents
        self.s = 0
        self.buffer: deque[tuple[int, float, bytes]] = deque()
        self.size = 0
        self.forgotten = 0
        """The highest `s` that cannot be replayed any more."""
        self.peer: Peer | None = None
        self.left_at: float | None = None

    def hears(self, bits: int, unless: int, guild_id: int | None) -> bool:
        """Whether an event of these intents comes to this session.

        Args:
            bits: the bits of which one must be asked for; 0 for an event that needs none.
            unless: bits of which none may be asked for.
            guild_id: None for events of groups, persons and the bot itself, which shard 0 gets.
        """
        if (bits and not self.intents & bits) or self.intents & unless:
            return False
        index, count = self.shard
        return count == 1 or (0 if guild_id is None else (guild_id >> 22) % count) == index

    def forget(self, *, before: float, beyond: int) -> None:
        """Drops what is older than `before`, and the oldest while more than `beyond` bytes are kept."""
        buffer = self.buffer
        while buffer and (buffer[0][1] < before or self.size > beyond):
            self.forgotten, _, frame = buffer.popleft()
            self.size -= len(frame)


class StartLimit:
    """`session_start_limit`: sessions per day and per 5 seconds. Not thread-safe."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._recent: deque[float] = deque()
        self._resets_at = clock.now() + 86400.0
        self.total = 100_000
        self.remaining = self.total
        self.max_concurrency = 1000

    def set(
        self,
        *,
        total: int | None = None,
        remaining: int | None = None,
        reset_after: float | None = None,
        max_concurrency: int | None = None,
    ) -> None:
        """Changes what is given (`reset_after` in seconds)."""
        if total is not None:
            self.total = total
            self.remaining = min(self.remaining, total)
        if remaining is not None:
            self.remaining = remaining
        if reset_after is not None:
            self._resets_at = self._clock.now() + reset_after
        if max_concurrency is not None:
            self.max_concurrency = max_concurrency

    def take(self) -> bool:
        """Counts one more session; False when there is none left today, or too many came within 5 s."""
        now = self._renew()
        while self._recent and self._recent[0] <= now - 5.0:
            self._recent.popleft()
        if self.remaining <= 0 or len(self._recent) >= self.max_concurrency:
            return False
        self.remaining -= 1
        self._recent.append(now)
        return True

    def as_data(self) -> dict[str, int]:
        """The object that `/gateway/bot` shows; `reset_after` in ms."""
        left = self._resets_at - self._renew()
        return {
            "total": self.total,
            "remaining": self.remaining,
            "reset_after": int(left * 1000),
            "max_concurrency": self.max_concurrency,
        }

    def _renew(self) -> float:
        now = self._clock.now()
        if now >= self._resets_at:
            self.remaining = self.total
            self._resets_at = now + 86400.0
        return now


class Sessions:
    """All sessions of the bot. Not thread-safe."""

    def __init__(self, clock: Clock, ids: Ids, tokens: Tokens, *, grant: Intents) -> None:
        self._clock = clock
        self._ids = ids
        self._tokens = tokens
        self._known: dict[str, Session] = {}
        self.grant = grant
        self.start_limit = StartLimit(clock)
        self.resume_window = 300.0
        """Seconds an event can be replayed, and a session outlives its connection."""
        self.buffer_bytes = 64 << 20
        """What one session keeps for a replay at most."""

    def __iter__(self) -> Iterator[Session]:
        return iter(self._known.values())

    def __len__(self) -> int:
        return len(self._known)

    def identify(self, d: Any, peer: Peer, user: dict[str, Any]) -> Session:
        """A new session, with READY on its way.

        Raises:
            TurnedAway: token, shard or intents are refused, or the day's sessions are used up.
        """
        if not isinstance(d, dict):
            raise TurnedAway(4002, "identify without a body", announced=False)
        self._check_token(d)
        shard = _shard(d.get("shard") or [0, 1])
        intents = self._check_intents(d.get("intents"))
        if not self.start_limit.take():
            raise TurnedAway(4903, "too many sessions")
        self.expire()
        session = Session(self._ids.uuid(), shard, intents)
        self._known[session.id] = session
        session.peer = peer
        ready = {"version": 1, "session_id": session.id, "user": user, "shard": list(shard)}
        session.s = 1
        peer.send(text_frame(b'{"op":0,"s":1,"t":"READY","d":%b}' % dumps(ready)))
        return session

    def resume(self, d: Any, peer: Peer) -> tuple[Session, int]:
        """The old session, with what it missed and RESUMED on their way, and the number of events replayed.

        Raises:
            TurnedAway: the token is bad, the session is gone, or `seq` cannot be replayed from.
        """
        if not isinstance(d, dict):
            raise TurnedAway(4002, "resume without a body", announced=False)
        self._check_token(d)
        self.expire()
        session = self._known.get(str(d.get("session_id")))
        if session is None:
            raise TurnedAway(4006, "invalid session id")
        session.forget(before=self._clock.now() - self.resume_window, beyond=self.buffer_bytes)
        seq = d.get("seq")
        if isinstance(seq, bool) or not isinstance(seq, int) or not session.forgotten <= seq <= session.s:
            raise TurnedAway(4007, "seq error")
        session.peer, session.left_at = peer, None
        replay = [frame for s, _, frame in session.buffer if s > seq]
        for frame in replay:
            peer.send(frame)
        session.s += 1
        peer.send(text_frame(b'{"op":0,"s":%d,"t":"RESUMED","d":""}' % session.s))
        return session, len(replay)

    def dispatch(
        self, name: str, d: bytes, *, bits: int, event_id: str | None, guild_id: int | None, unless: int = 0
    ) -> list[tuple[Session, int]]:
        """Gives one event to every session that hears it, and says to which and as which `s`."""
        now = self._clock.now()
        tail = b',"t":%b%b,"d":%b}' % (dumps(name), b',"id":%b' % dumps(event_id) if event_id else b"", d)
        reached = []
        for session in self._known.values():
            if not session.hears(bits, unless, guild_id):
                continue
            session.s = s = session.s + 1
            frame = text_frame(b'{"op":0,"s":%d%b' % (s, tail))
            session.buffer.append((s, now, frame))
            session.size += len(frame)
            session.forget(before=now - self.resume_window, beyond=self.buffer_bytes)
            if session.peer is not None:
                session.peer.send(frame)
            reached.append((session, s))
        return reached

    def leave(self, session: Session, peer: Peer, code: int) -> None:
        """The connection of a session has ended; with a code that allows no Resume the session ends too."""
        if session.peer is not peer:
            return
        session.peer = None
        session.left_at = self._clock.now()
        if code in NOT_RESUMABLE:
            self.end(session)

    def end(self, session: Session) -> None:
        """The session can be resumed no more."""
        self._known.pop(session.id, None)

    def expire(self) -> None:
        """Ends the sessions that have been without a connection for too long."""
        limit = self._clock.now() - self.resume_window
        for session in [one for one in self if one.left_at is not None and one.left_at < limit]:
            self.end(session)

    def is_live(self) -> bool:
        """Whether any session has a connection."""
        return any(session.peer is not None for session in self)

    def _check_token(self, d: dict[str, Any]) -> None:
        # The scheme is optional: botgo resumes with the bare token, and the platform lets it.
        if not self._tokens.is_good(str(d.get("token")).removeprefix("QQBot ")):
            raise TurnedAway(4004, "authentication fail", announced=False)

    def _check_intents(self, intents: Any) -> int:
        if isinstance(intents, bool) or not isinstance(intents, int) or intents < 0 or intents & ~int(Intents.all()):
            raise TurnedAway(4013, "invalid intents")
        if intents & ~int(self.grant):
            raise TurnedAway(4014, "disallowed intents")
        return intents


def _shard(value: Any) -> tuple[int, int]:
    whole = isinstance(value, list) and len(value) == 2 and all(type(part) is int for part in value)
    if not whole or not 0 <= value[0] < value[1]:
        raise TurnedAway(4010, "invalid shard", announced=False)
    return value[0], value[1]
