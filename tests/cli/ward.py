"""What the tests of `doctor` share: patients with one thing wrong with them, or with nothing."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

from qqbot_sync import Environment, GatewayConfig, Simulator
from qqbot_sync.cli.doctor.finding import Status
from qqbot_sync.cli.doctor.patient import Patient, Surroundings
from qqbot_sync.cli.doctor.table import CHECKS
from tests.api.support import Authority
from tests.api.support import Peer as HttpPeer

__all__ = ["NAMES", "Case", "Ward"]

NAMES = tuple(check.name for check in CHECKS)


class Case(NamedTuple):
    """A patient with one thing wrong with it."""

    patient: Patient
    status: Status = Status.FAILED
    said: str = ""
    """Stands in what the row says, or in its fix."""


class Ward:
    """Makes patients, and ends what they were made with."""

    def __init__(self, ends: ExitStack, path: Path) -> None:
        self.ends = ends
        self.path = path

    def simulator(self, **options: Any) -> Simulator:
        return self.ends.enter_context(Simulator(**options))

    def http(self, authority: Authority | None = None) -> HttpPeer:
        peer = HttpPeer(authority.context() if authority is not None else None)
        self.ends.callback(peer.close)
        return peer

    def patient(self, settings: GatewayConfig, **options: Any) -> Patient:
        patient = Patient(settings, **options)
        self.ends.callback(patient.close)
        return patient

    def healthy(
        self, qq: Simulator | None = None, *, surroundings: Surroundings | None = None, **changes: Any
    ) -> Patient:
        """Everything is well but for the changes."""
        qq = qq or self.simulator()
        identifies = changes.pop("identifies", False)
        plain = {"app_id": qq.app_id, "app_secret": qq.secret, "environment": Environment.local(qq.url)}
        return self.patient(
            GatewayConfig(**{**plain, **changes}), surroundings=surroundings or Surroundings(), identifies=identifies
        )

    def of(self, environment: Environment, **changes: Any) -> Patient:
        return self.patient(
            GatewayConfig(
                **{"app_id": "102000001", "app_secret": "not-a-real-one", "environment": environment, **changes}
            )
        )

    def gateway_answer(self, **fields: Any) -> dict[str, Any]:
        """A whole `/gateway/bot`, whose gateway is a simulator's."""
        url = self.simulator().url.replace("http", "ws") + "/websocket"
        limit = {"total": 1000, "remaining": 900, "reset_after": 3_600_000, "max_concurrency": 1}
        return {"url": url, "shards": 1, "session_start_limit": limit, **fields}
