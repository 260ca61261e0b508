"""A simulator, clients that are stopped whatever happens, and a bot that is started again on its file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme

from qqbot_sync import BotClient, Environment, Simulator
from qqbot_sync.store import SqliteStore
from tests.client.memory import Diary

MakeClient = Callable[..., BotClient]


@pytest.fixture
def qq() -> Iterator[Simulator]:
    with Simulator() as simulator:
        yield simulator


@pytest.fixture(params=["ws", "wss"])
def either_qq(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Simulator]:
    """A simulator over plain sockets, and one over TLS with a CA made for the test."""
    if request.param == "ws":
        with Simulator() as simulator:
            yield simulator
        return
    ca = trustme.CA()
    certificate = ca.issue_cert("127.0.0.1", "localhost")
    ca.cert_pem.write_to_path(tmp_path / "ca.pem")
    certificate.private_key_pem.write_to_path(tmp_path / "key.pem")
    for place, blob in enumerate(certificate.cert_chain_pems):
        blob.write_to_path(tmp_path / "cert.pem", append=place > 0)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "ca.pem"))
    with Simulator(certificate=(tmp_path / "cert.pem", tmp_path / "key.pem")) as simulator:
        yield simulator


@pytest.fixture
def make_client() -> Iterator[MakeClient]:
    """Makes clients for a simulator; stops them at the end."""
    clients: list[BotClient] = []

    def make(qq: Simulator, **options: Any) -> BotClient:
        client = BotClient(qq.app_id, qq.secret, environment=Environment.local(qq.url), **options)
        clients.append(client)
        return client

    yield make
    for client in clients:
        client.stop(timeout=0)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "bot.db"


@pytest.fixture
def again(qq: Simulator, make_client: MakeClient, path: Path) -> Any:
    """A new client on the same file, with a diary of its own, as the next process would make it."""
    diaries: list[Diary] = []

    def make(*, reply: Any = None, hold: tuple[str, ...] = (), **options: Any) -> tuple[BotClient, Diary]:
        diary = Diary(reply=reply)
        diary.hold(*hold)
        diaries.append(diary)
        return diary.attach(make_client(qq, store=SqliteStore(path), **options)), diary

    yield make
    for diary in diaries:
        diary.let_go()
