"""Reads frames as cheaply as Python can: what is left is the price of the simulator."""

from __future__ import annotations

import json
import urllib.request

from pointing import simulator
from stopwatch import seen

from qqbot_sync.gateway.connection import Route, dial
from qqbot_sync.intents import Intents

url, app_id, secret = simulator()


def call(path: str, token: str = "", body: object = None) -> dict[str, str]:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url + path, data, {"Content-Type": "application/json", "Authorization": token})
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=10) as answer:
        return json.load(answer)


token = "QQBot " + call("/app/getAppAccessToken", body={"appId": app_id, "clientSecret": secret})["access_token"]
link = dial(Route(call("/gateway", token)["url"]), timeout=10)
frames = link.frames()
next(frames)
link.send(json.dumps({"op": 2, "d": {"token": token, "intents": int(Intents.default()), "shard": [0, 1]}}).encode())
next(frames)
for _ in frames:
    seen()
