"""A simulator."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from qqbot_sync import Simulator


@pytest.fixture
def qq() -> Iterator[Simulator]:
    with Simulator() as simulator:
        yield simulator
