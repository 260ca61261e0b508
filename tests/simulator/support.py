"""A bare bot: nothing but a WebSocket and an HTTP client, so that tests see what is really on the wire."""

from __future__ import annotations

import json
import ssl
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import requests
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from qqbot_sync.intents import Intents
from qqbot_sync.simulator import Simulator
from tests.support import PATIENCE

Json = dict[str, Any]
PATHS = {"channel": "/channels/{}", "direct": "/dms/{}", "group": "/v2/groups/{}", "c2c": "/v2/users/{}"}


class Socket:
    """One gateway connection of the bare bot."""

    def __init__(self, connection: ClientConnection, token: str) -> None:
        self.connection = connection
        self.token = token

    def read(self, timeout: float = PATIENCE) -> Json:
        """The next frame."""
        frame: Json = json.loads(self.connection.recv(timeout, decode=True))
        return frame

    def read_until(self, name: str) -> list[Json]:
        """The frames up to the first one of this event."""
        frames = [self.read()]
        while frames[-1].get("t") != name:
            frames.append(self.read())
        return frames

    def send(self, op: int, d: Any = None) -> None:
        self.connection.send(json.dumps({"op": op, "d": d}))

    def identify(self, intents: int = Intents.default(), shard: object = (0, 1), **changes: Any) -> None:
        d = {"token": f"QQBot {self.token}", "intents": int(intents), "shard": shard, "properties": {}}
        self.send(2, {**d, **changes})

    def resume(self, session_id: str, seq: object, **changes: Any) -> None:
        self.send(6, {"token": f"QQBot {self.token}", "session_id": session_id, "seq": seq, **changes})

    def is_silent(self) -> bool:
        """Whether nothing is on its way: the answer to a heartbeat is the next frame."""
        self.send(1)
        return self.read() == {"op": 11}

    def end(self) -> tuple[int, str]:
        """Reads to the end of the connection, and gives the close code and reason (1006: no close frame)."""
        try:
            while True:
                self.connection.recv(PATIENCE)
        except ConnectionClosed as closed:
            received = closed.rcvd
        return (1006, "") if received is None else (received.code, received.reason)


class BareBot:
    """HTTP as the bot speaks it."""

    def __init__(self, qq: Simulator, *, verify: bool | str = True) -> None:
        self.qq = qq
        self.http = requests.Session()
        self.http.trust_env = False
        self.http.verify = verify
        self.token = self.get_token()
        self._stack = ExitStack()

    def get_token(self) -> str:
        answer = self.ask_token(self.qq.app_id, self.qq.secret).json()
        return str(answer["access_token"])

    def ask_token(self, app_id: object, secret: object) -> requests.Response:
        body = {"appId": app_id, "clientSecret": secret}
        return self.http.post(f"{self.qq.url}/app/getAppAccessToken", json=body, timeout=PATIENCE)

    def call(self, method: str, path: str, body: Any = None, **options: Any) -> requests.Response:
        headers = {"Authorization": f"QQBot {self.token}", **options.pop("headers", {})}
        return self.http.request(
            method, self.qq.url + path, json=body, headers=headers, timeout=options.pop("timeout", PATIENCE), **options
        )

    def send(self, scene: str, id: str, **body: Any) -> requests.Response:
        return self.call("POST", PATHS[scene].format(id) + "/messages", body)

    def control(self, method: str, **arguments: Any) -> requests.Response:
        return self.http.post(f"{self.qq.url}/_simulator/{method}", json=arguments, timeout=PATIENCE)

    def connect(self, *, tls: ssl.SSLContext | None = None) -> Socket:
        """A gateway connection; Hello has not been read."""
        url = self.call("GET", "/gateway").json()["url"]
        connection = self._stack.enter_context(
            connect(url, ssl=tls, proxy=None, max_size=None, close_timeout=1, ping_interval=None)
        )
        return Socket(connection, self.token)

    def live(self, intents: int = Intents.default(), shard: object = (0, 1)) -> tuple[Socket, str]:
        """A connection with a session, and the session's id."""
        socket = self.connect()
        socket.read()
        socket.identify(intents, shard)
        return socket, str(socket.read()["d"]["session_id"])

    def close(self) -> None:
        self._stack.close()
        self.http.close()


@contextmanager
def bare_bot(qq: Simulator, *, verify: bool | str = True) -> Iterator[BareBot]:
    bot = BareBot(qq, verify=verify)
    try:
        yield bot
    finally:
        bot.close()


def place_of(frame: Json) -> tuple[str, str]:
    """Scene and id of the endpoint that answers a message frame."""
    d, name = frame["d"], frame["t"]
    if name.startswith("GROUP_"):
        return "group", d["group_openid"]
    if name.startswith("C2C_"):
        return "c2c", d["author"]["user_openid"]
    if name.startswith("DIRECT_"):
        return "direct", d["guild_id"]
    return "channel", d["channel_id"]
