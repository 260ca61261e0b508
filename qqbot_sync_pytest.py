"""The pytest plugin of qqbot_sync: the fixtures `qqbot` and `qqbot_simulator`.

It is a module of its own, outside the package, because pytest imports every installed plugin in every project: this one
costs nothing, and needs no extra, until a test asks for a fixture.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from qqbot_sync import Simulator
    from qqbot_sync.testing import BotTest

__all__ = ["qqbot", "qqbot_simulator"]


@pytest.fixture
def qqbot_simulator(monkeypatch: pytest.MonkeyPatch) -> Iterator[Simulator]:
    """只有模拟器;环境变量指向它 / A running simulator of this test's own, to which the environment variables point."""
    from qqbot_sync import Simulator
    from qqbot_sync.config.table import VARIABLES

    # The bot under test sees nothing of the settings of whoever runs it.
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    with Simulator() as simulator:
        monkeypatch.setenv("QQ_BOT_ENVIRONMENT", simulator.url)
        monkeypatch.setenv("QQ_BOT_APP_ID", simulator.app_id)
        monkeypatch.setenv("QQ_BOT_SECRET", simulator.secret)
        yield simulator


@pytest.fixture
def qqbot(qqbot_simulator: Simulator) -> Iterator[BotTest]:
    """模拟器和连到它的客户端 / A running simulator and a client wired to it; an error in a handler fails the test."""
    from qqbot_sync.testing import BotTest

    with BotTest(qqbot_simulator) as test:
        yield test
