"""`python -m qqbot_sync` is the command `qqbot-sync`."""

from __future__ import annotations

from qqbot_sync.cli import main

if __name__ == "__main__":
    main(prog_name="qqbot-sync")
