"""The table of all checks, in the order in which they are made: what each needs stands above it."""

from __future__ import annotations

from qqbot_sync.cli.doctor import credentials, gateway, hosts, machine, platform
from qqbot_sync.cli.doctor.finding import Check

__all__ = ["CHECKS"]

CHECKS: tuple[Check, ...] = (
    *machine.CHECKS,
    *credentials.CHECKS,
    *hosts.CHECKS,
    *platform.CHECKS,
    *gateway.CHECKS,
)
