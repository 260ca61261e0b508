"""One virtual environment for each foreign client, below `.venv-foreign` in the checkout: made once, used again."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

__all__ = ["REQUIREMENTS", "Missing", "prepare", "version_of"]

REQUIREMENTS: dict[str, tuple[str, ...]] = {
    "botpy": ("qq-botpy",),
    "nonebot": ("nonebot2", "aiohttp", "nonebot-adapter-qq"),
    # qg-botsdk imports certifi, but does not ask for it.
    "qg": ("qg-botsdk", "certifi"),
}
"""Client → what pip is asked for; its first name is the client's own, but for nonebot the adapter's is the last."""

CHECKOUT = Path(__file__).resolve().parents[3]
PIP_TIMEOUT = 600.0
"""Seconds that one installation may take."""


class Missing(Exception):
    """The client could not be installed."""


def prepare(client: str, environ: Mapping[str, str] | None = None) -> Path:
    """The Python of an environment that has `client`, which is made now if it is not there. Not thread-safe.

    Args:
        client: a key of `REQUIREMENTS`.
        environ: what pip runs with; None: the environment of this process.

    Raises:
        Missing: pip cannot install it here.
    """
    wanted = REQUIREMENTS[client]
    home = CHECKOUT / ".venv-foreign" / f"{client}-{sys.version_info[0]}.{sys.version_info[1]}"
    python = home / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    stamp, said = home / ".installed", " ".join(wanted)
    if python.exists() and stamp.exists() and stamp.read_text(encoding="utf-8") == said:
        return python
    _run([sys.executable, "-m", "venv", "--clear", str(home)], client, environ)
    pip = [str(python), "-m", "pip", "--disable-pip-version-check", "--retries", "2", "install", "--quiet", *wanted]
    _run(pip, client, environ)
    stamp.write_text(said, encoding="utf-8")
    return python


def version_of(python: Path, package: str) -> str:
    """The version of an installed package."""
    code = f"from importlib.metadata import version; print(version({package!r}))"
    return subprocess.run([str(python), "-c", code], capture_output=True, text=True, check=True).stdout.strip()


def _run(command: list[str], client: str, environ: Mapping[str, str] | None) -> None:
    try:
        done = subprocess.run(
            command,
            env=None if environ is None else dict(environ),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=PIP_TIMEOUT,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Missing(f"{client} could not be installed: {error}") from error
    if done.returncode:
        lines = done.stdout.decode("utf-8", "replace").strip().splitlines() or [f"exit status {done.returncode}"]
        raise Missing(f"{client} could not be installed: {lines[-1]}")
