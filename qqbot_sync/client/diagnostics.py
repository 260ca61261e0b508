"""`GatewayDiagnostics`: how a client is, as data and as a table for people."""

from __future__ import annotations

import os
import platform
import sys
import threading
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, TextIO

from qqbot_sync._version import __version__
from qqbot_sync.client.state import ConnectionState, ShardInfo
from qqbot_sync.client.status import facts_of, one_line, print_table, write_text

if TYPE_CHECKING:
    from qqbot_sync.client.client import BotClient
    from qqbot_sync.client.logbook import Stay
    from qqbot_sync.client.run import Run
    from qqbot_sync.dispatch import Dispatcher
    from qqbot_sync.intents import Intents

__all__ = ["GatewayDiagnostics"]

RECENT = 60.0
"""Seconds over which the present rate of events is counted."""


class GatewayDiagnostics:
    """How a client is: before its start, while it runs, after its end. Asks nobody, and takes no lock for long.

        client.diagnostics.print_status()
        json.dumps(client.diagnostics.as_dict())

    Thread-safe. It holds no numbers itself: every look is a new one.
    """

    def __init__(self, client: BotClient) -> None:
        self._client = client

    def as_dict(self) -> dict[str, Any]:
        """Everything as plain data that `json` can write; docs/diagnostics.md lists the keys, which stay."""
        client = self._client
        with client._lock:
            run, dispatcher, stay = client._run, client._dispatcher, client._logbook.stay
        metrics, now, wall = client.metrics.snapshot(), client._clock.now(), client._clock.wall()
        is_over = run is None and stay is not None
        uptime = (
            0.0 if stay is None else max(0.0, (stay.ended_at if is_over and stay.ended_at else now) - stay.began_at)
        )
        received = metrics.events_received - (0 if stay is None else stay.received_before)
        attempts, successes = metrics.connection_attempts, metrics.connection_successes
        error = client.error
        return {
            "taken_at": _iso(wall),
            "qqbot_sync": __version__,
            "python": platform.python_version(),
            "pid": os.getpid(),
            "app_id": client.api.app_id,
            "environment": client.api.environment.api_url,
            "state": str(client.state),
            "connected": client.is_connected(),
            "healthy": client.healthy(),
            "error": None if error is None else f"{type(error).__name__}: {error}",
            "started_at": None if stay is None else _iso(stay.began_wall),
            "uptime": uptime,
            "connections": {
                "attempts": attempts,
                "successes": successes,
                "success_rate": successes / attempts if attempts else None,
                "identifies": metrics.identifies,
                "resumes": metrics.resumes,
                "reconnections": dict(metrics.reconnections),
            },
            "events": {
                "received": metrics.events_received,
                "processed": metrics.events_processed,
                "failed": metrics.events_failed,
                "unheard": metrics.events_unheard,
                "deduplicated": metrics.events_deduplicated,
                "dropped": metrics.events_dropped,
                "expired": metrics.events_expired,
                "per_second": received / uptime if uptime > 0 else 0.0,
                "per_second_last_minute": client.metrics.get_events_per_second(RECENT),
            },
            "messages": {
                "replies_sent": metrics.replies_sent,
                "replies_failed": dict(metrics.replies_failed),
                "proactive_sent": metrics.proactive_sent,
                "proactive_failed": dict(metrics.proactive_failed),
            },
            "heartbeat": {
                "latency": metrics.latency,
                "acknowledged": metrics.heartbeats,
                "last_ago": None if metrics.last_heartbeat is None else max(0.0, now - metrics.last_heartbeat),
            },
            "queue": {"depth": metrics.queue_depth, "size": client.config.queue_size, "age": metrics.queue_age},
            "intents": _intents(client, run, stay),
            "shards": _shards(client, run, stay),
            "workers": _workers(client, dispatcher),
            "threads": _threads(client, run, dispatcher),
            "errors": [
                {
                    "where": fault.where,
                    "kind": fault.kind,
                    "text": fault.text,
                    "count": fault.count,
                    "first_at": _iso(fault.first_at),
                    "last_at": _iso(fault.last_at),
                    "seconds_ago": max(0.0, wall - fault.last_at),
                }
                for fault in client._logbook.faults()
            ],
        }

    def print_status(self, file: TextIO | None = None) -> None:
        """Writes how the client is: a table where `file` is a terminal, plain text elsewhere. It cannot fail on a
        console that lacks characters.

        Args:
            file: None: standard output.
        """
        target = file or sys.stdout
        if target is None:
            return
        facts = facts_of(self.as_dict())
        if target.isatty() and print_table(facts, target):
            return
        write_text(facts, target)

    def __str__(self) -> str:
        return facts_of(self.as_dict()).text()

    def __repr__(self) -> str:
        return f"<GatewayDiagnostics {one_line(self.as_dict())}>"


def _iso(wall: float) -> str:
    return datetime.fromtimestamp(wall, timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _intents(client: BotClient, run: Run | None, stay: Stay | None) -> dict[str, list[str]]:
    pair: tuple[Intents, Intents]
    if run is not None:
        pair = run.plan.asked, run.wanted
    elif stay is not None and stay.intents is not None:
        pair = stay.intents
    else:
        pair = client.intents, client.intents
    asked, wanted = pair
    return {"asked": list(asked.names()), "given_up": list((wanted & ~asked).names())}


def _shards(client: BotClient, run: Run | None, stay: Stay | None) -> list[dict[str, Any]]:
    infos: tuple[ShardInfo, ...] = run.shard_infos() if run is not None else ()
    if run is None and stay is not None:
        ended = ConnectionState.STOPPED if client.error is None else ConnectionState.FAILED
        infos = tuple(info._replace(state=ended, latency=None) for info in stay.shards)
    return [
        {
            "id": info.shard_id,
            "count": info.shard_count,
            "state": str(info.state),
            "latency": info.latency,
            "session_id": None if info.session is None else info.session.session_id,
            "sequence_number": None if info.session is None else info.session.sequence_number,
        }
        for info in infos
    ]


def _workers(client: BotClient, dispatcher: Dispatcher) -> dict[str, Any]:
    doing = dispatcher.doing()
    waiting = sum(one.is_waiting for one in doing)
    return {
        "limit": client.config.workers,
        "busy": len(doing) - waiting,
        "waiting": waiting,
        "doing": [
            {
                "handler": one.handler,
                "event": one.event,
                "event_id": one.event_id,
                "seconds": one.seconds,
                "waiting": one.is_waiting,
            }
            for one in sorted(doing, key=lambda one: -one.seconds)
        ],
    }


def _threads(client: BotClient, run: Run | None, dispatcher: Dispatcher) -> dict[str, bool]:
    """The threads there must be, and whether they live; then others of ours that live."""
    names = {thread.name for thread in threading.enumerate()}
    # A simulator in the same process is not the client's.
    alive = [name for name in names if name.startswith("qqbot-") and not name.startswith("qqbot-sim-")]
    threads: dict[str, bool] = {}
    if run is not None:
        threads = {**run.threads(), **dispatcher.threads(), "qqbot-acks": client._acks.is_running}
        # A heartbeat lives as long as its connection; a run that plays a recording has neither.
        for info in run.shard_infos() if run.is_connected() else ():
            name = f"qqbot-heartbeat-{info.shard_id}"
            if f"qqbot-reader-{info.shard_id}" in threads:
                threads[name] = name in alive
    return {**threads, **{name: True for name in sorted(alive) if name not in threads}}
