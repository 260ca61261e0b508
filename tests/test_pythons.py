"""The parts that depend on the interpreter – exits, signals, TLS, decoding – on every other Python that is here."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
BATTERY = (
    "tests/client/test_conversation.py",
    "tests/client/test_processes.py",
    "tests/client/test_real_input.py",
    "tests/dispatch/test_exit.py",
    "tests/gateway",
    "tests/test_intents.py",
)


def interpreter(version: str) -> str | None:
    """The path of a working `pythonX.Y`; None if there is none."""
    found = shutil.which(f"python{version}")
    if found is None:
        return None
    asked = subprocess.run([found, "-c", "import sys; print(sys.executable)"], capture_output=True, text=True)
    return asked.stdout.strip() if asked.returncode == 0 else None


@pytest.mark.long
@pytest.mark.timeout(900)
@pytest.mark.parametrize("version", ["3.10", "3.11", "3.12", "3.13", "3.14"])
def test_another_python(version: str, tmp_path: Path) -> None:
    if version == f"{sys.version_info.major}.{sys.version_info.minor}":
        pytest.skip("this is the one that runs all the tests")
    python = interpreter(version)
    if python is None:
        pytest.skip(f"there is no python{version} on this machine")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
    subprocess.run([python, "-m", "venv", str(tmp_path / "venv")], check=True)
    inside = tmp_path / "venv" / ("Scripts" if sys.platform == "win32" else "bin") / "python"
    subprocess.run([inside, "-m", "pip", "install", "--quiet", "-e", f"{ROOT}[dev]"], check=True, env=environment)
    done = subprocess.run(
        [inside, "-m", "pytest", "-m", "not long", "-p", "no:cacheprovider", *BATTERY],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-2000:]
