"""A whole platform whose gateway sends exactly the bytes it is given: for what no simulator may say."""

from __future__ import annotations

import json
import queue
import threading
from typing import Any

from qqbot_sync import BotClient, Environment
from tests.api.support import Peer as HttpPeer
from tests.api.support import reply
from tests.gateway.support import Peer, Wire, encode
from tests.support import PATIENCE

__all__ = ["BOT_ID", "ScriptedPlatform"]

BOT_ID = "7"
READY = {"version": 1, "session_id": "S", "user": {"id": BOT_ID, "username": "bot", "bot": True}, "shard": [0, 1]}


class ScriptedPlatform:
    """Answers HTTP as a platform does, greets every bot with Hello and READY, and then says what it is told to say.

    Args:
        ready: the body of READY.
        after_ready: bytes of frames that leave in one piece with READY.
    """

    def __init__(self, *, ready: Any = READY, after_ready: tuple[bytes, ...] = ()) -> None:
        self._ready = ready
        self._after_ready = after_ready
        self._wires: queue.Queue[Wire] = queue.Queue()
        self._sending = threading.Lock()
        self._wire: Wire | None = None
        self._seq = 1 + len(after_ready)
        self.greetings: list[dict[str, Any]] = []
        """Every Identify and Resume."""
        self._gateway = Peer(self._play)
        self._http = HttpPeer()
        limit = {"total": 1000, "remaining": 1000, "reset_after": 0, "max_concurrency": 100}
        self._http.default = reply({"url": self._gateway.url, "shards": 1, "session_start_limit": limit})

    @property
    def environment(self) -> Environment:
        return self._http.environment

    @property
    def requests(self) -> list[str]:
        """The paths of all HTTP calls but those for tokens."""
        return [request.path for request in self._http.requests]

    def client(self, **options: Any) -> BotClient:
        """A client of this platform, not started."""
        return BotClient("app", "secret", environment=self.environment, **options)

    def next_seq(self) -> int:
        """The next `s`."""
        self._seq += 1
        return self._seq

    def say(self, data: bytes) -> None:
        """Sends one text frame to the bot that is connected."""
        if self._wire is None:
            self._wire = self._wires.get(timeout=PATIENCE)
        with self._sending:
            self._wire.frame(data)

    def dispatch(self, name: str, d: Any, **fields: Any) -> None:
        """Sends one event."""
        self.say(json.dumps({"op": 0, "s": self.next_seq(), "t": name, "d": d, **fields}).encode())

    def _play(self, wire: Wire) -> None:
        wire.handshake()
        wire.send(op=10, d={"heartbeat_interval": 45000})
        self.greetings.append(wire.json())
        first = json.dumps({"op": 0, "s": 1, "t": "READY", "d": self._ready}).encode()
        wire.raw(b"".join(encode(data) for data in (first, *self._after_ready)))
        self._wires.put(wire)
        while True:
            opcode, data = wire.receive()
            if opcode == 8:
                return
            if opcode == 1 and json.loads(data).get("op") == 1:
                with self._sending:
                    wire.send(op=11)

    def close(self) -> None:
        self._http.close()
        self._gateway.close()

    def __enter__(self) -> ScriptedPlatform:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
