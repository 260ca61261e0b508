"""Makes the checks one after the other, each within its deadline, and skips what makes no sense any more."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

from qqbot_sync.cli.doctor.finding import Check, Finding, Status, failed, failure_of, not_done
from qqbot_sync.cli.doctor.patient import Patient, side_by_side
from qqbot_sync.clock import Clock
from qqbot_sync.errors import BotError

__all__ = ["Report", "examine"]

OUT_OF_TIME = "deadline"
"""In `because`: the whole examination took too long."""


@dataclass(frozen=True)
class Report:
    """All findings, in the order of the table. Immutable."""

    rows: Sequence[tuple[Check, Finding]]
    seconds: float

    @property
    def colour(self) -> str:
        """`green`, `yellow` or `red`."""
        if self.count(Status.FAILED) or any(OUT_OF_TIME in finding.because for _, finding in self.rows):
            return "red"
        return "yellow" if self.count(Status.WARNING) else "green"

    def count(self, status: Status) -> int:
        """How many rows went like that."""
        return sum(finding.status is status for _, finding in self.rows)


def examine(
    patient: Patient,
    checks: Sequence[Check],
    *,
    timeout: float,
    begins: Callable[[Check], object] = bool,
) -> Report:
    """Makes all checks.

    Args:
        timeout: seconds for all of them.
        begins: told before each.
    """
    clock = patient.clock
    began = clock.now()
    rows = tuple(_rows(patient, checks, end=began + timeout, begins=begins))
    return Report(rows, clock.now() - began)


def _rows(
    patient: Patient, checks: Sequence[Check], *, end: float, begins: Callable[[Check], object]
) -> Iterator[tuple[Check, Finding]]:
    found: dict[str, Finding] = {}
    for check in checks:
        missing = tuple(dict.fromkeys(root for name in check.needs for root in _roots(name, found[name])))
        left = end - patient.clock.now()
        if missing:
            finding = not_done(because=missing)
        elif left <= 0:
            finding = not_done(because=(OUT_OF_TIME,))
        else:
            begins(check)
            finding = _made(check, patient, patient.clock, within=min(check.deadline, left))
        found[check.name] = finding.mapped(patient.without_secrets)
        yield check, found[check.name]


def _roots(name: str, finding: Finding) -> tuple[str, ...]:
    """The checks whose failure makes senseless what stands on this one; none where it is well."""
    return (name,) if finding.status is Status.FAILED else finding.because


def _made(check: Check, patient: Patient, clock: Clock, *, within: float) -> Finding:
    began = clock.now()
    try:
        finding = side_by_side({check.name: partial(check.examine, patient)}, within=within).get(check.name)
    except (BotError, OSError, ValueError) as error:
        finding = failure_of(error)
    except Exception as error:  # noqa: BLE001  the other checks are worth more than a traceback
        finding = failed(
            f"{type(error).__name__}: {error}",
            fix="这是 doctor 的缺陷,请提交 issue / this is a defect of doctor: open an issue",
        )
    if finding is None:
        finding = failed(
            f"{within:.0f} 秒内没有结果 / no result within {within:.0f} s",
            fix="请检查网络,或加大 --timeout / check the network, or use a larger --timeout",
        )
    return replace(finding, seconds=clock.now() - began)
