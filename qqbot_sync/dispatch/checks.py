"""What users hand in, checked where they do: the executor, a check function, settings."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from qqbot_sync.dispatch import advice
from qqbot_sync.dispatch.registration import accepts, check_function

__all__ = ["check_choice", "check_executor", "check_settings", "checker"]

_PICKLING = ("ProcessPoolExecutor", "InterpreterPoolExecutor", "MPIPoolExecutor", "MPICommExecutor")
_PICKLING_MODULES = ("loky", "distributed", "mpi4py", "ipyparallel")


def check_executor(executor: object) -> None:
    """Raises TypeError for an executor that cannot run handlers."""
    kinds = type(executor).__mro__
    if any(kind.__name__ in _PICKLING or kind.__module__.split(".")[0] in _PICKLING_MODULES for kind in kinds):
        raise TypeError(advice.executor_pickles(type(executor).__name__))
    if not callable(getattr(executor, "submit", None)):
        raise TypeError(advice.no_executor(executor))


def checker(check: Callable[..., object] | None) -> Callable[[Any], object]:
    """`check` as a function of the context alone; a function of two arguments also gets the event."""
    if check is None:
        return _anything
    if callable(check) and not accepts(check, 1) and accepts(check, 2):
        both = check_function("event", check, 2)
        return lambda ctx: both(ctx, ctx.event)
    return check_function("check", check, 1)


def _anything(_: Any) -> bool:
    return True


def check_settings(**settings: object) -> None:
    """Raises TypeError or ValueError for what is no whole number, or too small."""
    for name, value in settings.items():
        least = 0 if name == "max_waiting" else 1
        if isinstance(value, bool) or not isinstance(value, int):
            raise TypeError(f"{name} 必须是整数 / {name} must be a whole number, not {value!r}")
        if value < least:
            raise ValueError(f"{name} 至少为 {least} / {name} must be at least {least}, not {value}")


def check_choice(name: str, value: object, known: tuple[str, ...]) -> None:
    """Raises ValueError for what is not among `known`."""
    if value not in known:
        listed = ", ".join(known)
        raise ValueError(f"{name} 只能是 {listed} / {name} must be one of {listed}, not {value!r}")
