from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from qqbot_sync.api import Api
from tests.api.support import Authority, Peer, QuickClock


@pytest.fixture(scope="session")
def authority() -> Authority:
    return Authority()


@pytest.fixture(scope="session")
def ca_file(authority: Authority, tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("ca") / "ca.pem"
    authority.ca.cert_pem.write_to_path(str(path))
    return str(path)


@pytest.fixture
def peer() -> Iterator[Peer]:
    peer = Peer()
    yield peer
    peer.close()


@pytest.fixture(params=["http", "https"])
def any_peer(request: pytest.FixtureRequest, authority: Authority) -> Iterator[Peer]:
    """The same peer, without and with TLS."""
    peer = Peer(authority.context() if request.param == "https" else None)
    yield peer
    peer.close()


@pytest.fixture
def clock() -> QuickClock:
    return QuickClock()


@pytest.fixture
def api(peer: Peer, clock: QuickClock) -> Iterator[Api]:
    """An Api at `peer` whose pauses take no time."""
    with Api("1024", "s3cr3t-of-the-bot", environment=peer.environment, clock=clock) as api:
        yield api


@pytest.fixture
def wrong_ca(tmp_path: Path) -> str:
    path = tmp_path / "other.pem"
    Authority().ca.cert_pem.write_to_path(str(path))
    return str(path)
