"""A bot for the demo that dies before it is online."""

from __future__ import annotations

raise SystemExit("this bot has bad news")
