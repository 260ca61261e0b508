"""A local QQ, to try, test and break bots without credentials; needs the extra `simulator`."""

from __future__ import annotations

try:
    import flask
    import websockets
except ImportError as error:
    raise ImportError(
        "模拟器需要额外的依赖,请安装 / the simulator needs more packages; install them: "
        'pip install "qqbot_sync[simulator]"'
    ) from error

from qqbot_sync.simulator.log import KINDS
from qqbot_sync.simulator.messages import Author, Message
from qqbot_sync.simulator.said import Said
from qqbot_sync.simulator.simulator import Simulator

__all__ = ["KINDS", "Author", "Message", "Said", "Simulator"]

del flask, websockets
