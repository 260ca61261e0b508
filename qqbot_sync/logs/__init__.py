"""The log of this package: which parts speak, what a line shows, and what no line may ever show.

Importing configures nothing. `setup_logging` is for programs, `log_to_stderr` for those that have configured nothing.
"""

from qqbot_sync.logs.formats import JsonFormatter, TextFormatter
from qqbot_sync.logs.handler import LogHandler, SafeStream, catch_up
from qqbot_sync.logs.place import EventFields, Place, about, here
from qqbot_sync.logs.redaction import HoldsSecrets, Payload, blank, confide, known_secrets, redacted
from qqbot_sync.logs.setup import AREAS, log_to_stderr, setup_logging
from qqbot_sync.logs.spec import LEVELS, read_spec

__all__ = [
    "AREAS",
    "LEVELS",
    "EventFields",
    "HoldsSecrets",
    "JsonFormatter",
    "LogHandler",
    "Payload",
    "Place",
    "SafeStream",
    "TextFormatter",
    "about",
    "blank",
    "catch_up",
    "confide",
    "here",
    "known_secrets",
    "log_to_stderr",
    "read_spec",
    "redacted",
    "setup_logging",
]
