"""Output that cannot fail, whatever the console can show."""

from __future__ import annotations

import sys

__all__ = ["make_output_safe"]


def make_output_safe() -> None:
    """Lets stdout and stderr replace what they cannot encode, such as Chinese on an ASCII console or ✓ on a GBK one.

    Called once by the command, before anything is printed. Not thread-safe.
    """
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="replace")
