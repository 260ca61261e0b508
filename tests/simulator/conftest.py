from __future__ import annotations

from collections.abc import Iterator

import pytest

from qqbot_sync.simulator import Simulator
from tests.simulator.support import BareBot, bare_bot


@pytest.fixture
def qq() -> Iterator[Simulator]:
    """A simulator with short delays."""
    with Simulator() as simulator:
        simulator.refusal_delay = 0.01
        yield simulator


@pytest.fixture
def bot(qq: Simulator) -> Iterator[BareBot]:
    """A bare bot with a good token."""
    with bare_bot(qq) as one:
        yield one
