"""The numbers of a client for Prometheus, and a health check, over HTTP.

Needs the extra `[prometheus]`. Names and units: https://prometheus.io/docs/practices/naming/
"""

from __future__ import annotations

import platform
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
)
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector, CollectorRegistry

from qqbot_sync import codec
from qqbot_sync._version import __version__
from qqbot_sync.clock import Clock
from qqbot_sync.ext.web import WebServer
from qqbot_sync.metrics import Histogram, MetricsSnapshot

if TYPE_CHECKING:
    from qqbot_sync.client import BotClient

__all__ = ["BUCKETS", "GatewayCollector", "MetricsServer"]

PREFIX = "qqbot_sync_"
BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 25.0, 50.0, 100.0, 250.0)
"""Upper ends of the buckets for handlers, in seconds: from an echo to an `ask` that waits for minutes."""
COUNTERS = (
    ("events_received", "Events that arrived, heard or not; a copy counts as well."),
    ("events_decoded", "Event bodies that were made into a model."),
    ("events_dispatched", "Events accepted for a handler, an ask, a wait_for or events()."),
    ("events_processed", "Events whose handlers are done."),
    ("events_failed", "Events of which a handler raised."),
    ("events_unheard", "Events nobody listens to."),
    ("events_dropped", "Events given up by an overflow policy."),
    ("events_expired", "Events dropped because they were older than max_age."),
    ("events_deduplicated", "Copies of events that had come before."),
    ("connection_attempts", "Times a shard dialed."),
    ("identifies", "Sessions begun (READY)."),
    ("resumes", "Sessions taken up again (RESUMED)."),
    ("heartbeats", "Heartbeats that the platform acknowledged."),
)
"""Fields of the snapshot that are counters without labels."""


class GatewayCollector(Collector):
    """Gives the numbers of a client to a registry of prometheus_client, beside metrics of one's own. Thread-safe."""

    def __init__(self, client: BotClient) -> None:
        self._client = client

    def collect(self) -> Iterator[Metric]:
        """All metrics, as they stand now."""
        client = self._client
        now, histograms = client.metrics.snapshot(), client.metrics.histograms()
        yield InfoMetricFamily(
            PREFIX.rstrip("_"), "This package.", {"version": __version__, "python": platform.python_version()}
        )
        yield from _counters(now)
        yield from _labelled(now)
        yield from _gauges(now)
        yield from self._states()
        yield _histogram(histograms)

    def _states(self) -> Iterator[Metric]:
        client = self._client
        yield _gauge("healthy", "1 where client.healthy(), else 0: what /healthz answers.", int(client.healthy()))
        present = client.state
        states = GaugeMetricFamily(f"{PREFIX}state", "1 for the state the client is in.", labels=["state"])
        for state in type(present):
            states.add_metric([state.value], int(state is present))
        yield states
        connected = GaugeMetricFamily(f"{PREFIX}shard_connected", "1 while the shard is READY.", labels=["shard"])
        latency = GaugeMetricFamily(
            f"{PREFIX}heartbeat_latency_seconds", "Between the last heartbeat and its ACK.", labels=["shard"]
        )
        for shard in client.shards:
            connected.add_metric([str(shard.shard_id)], int(shard.state.value == "connected"))
            if shard.latency is not None:
                latency.add_metric([str(shard.shard_id)], shard.latency)
        yield connected
        yield latency


def _counters(now: MetricsSnapshot) -> Iterator[Metric]:
    for name, text in COUNTERS:
        yield CounterMetricFamily(PREFIX + name, text, value=getattr(now, name))


def _labelled(now: MetricsSnapshot) -> Iterator[Metric]:
    yield _counter("frames_dropped", "Frames that meant nothing.", ("reason",), _single(now.frames_dropped))
    yield _counter(
        "decode_mismatches",
        "Fields whose value had another type than their model says.",
        ("event", "field"),
        now.decode_mismatches,
    )
    yield _counter(
        "reconnections",
        "Dials that followed the end of a connection, by the reason of that end.",
        ("reason",),
        _single(now.reconnections),
    )
    yield _counter(
        "messages_sent",
        "Messages that the platform took.",
        ("kind",),
        {("reply",): now.replies_sent, ("proactive",): now.proactive_sent},
    )
    failed = {("reply", cause): count for cause, count in now.replies_failed.items()}
    failed |= {("proactive", cause): count for cause, count in now.proactive_failed.items()}
    yield _counter("messages_failed", "Messages that were given up, by the error.", ("kind", "error"), failed)


def _gauges(now: MetricsSnapshot) -> Iterator[Metric]:
    yield _gauge("queue_depth", "Events accepted and not yet begun.", now.queue_depth)
    yield _gauge("queue_age_seconds", "Since the oldest of them arrived.", now.queue_age)
    for name, text, when in (
        ("last_heartbeat_timestamp_seconds", "When the last heartbeat was acknowledged.", now.last_heartbeat),
        ("connection_start_timestamp_seconds", "When the first READY came.", now.connection_start),
    ):
        if when is not None:
            yield _gauge(name, text, now.taken_at_wall - now.taken_at + when)


def _single(counts: Mapping[str, int]) -> dict[tuple[str, ...], int]:
    return {(key,): count for key, count in counts.items()}


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(PREFIX + name, text, value=value)


def _counter(name: str, text: str, labels: tuple[str, ...], counts: Mapping[Any, int]) -> Metric:
    family = CounterMetricFamily(PREFIX + name, text, labels=labels)
    for values, count in sorted(counts.items()):
        family.add_metric(values, count)
    return family


def _histogram(histograms: Mapping[str, Histogram]) -> Metric:
    family = HistogramMetricFamily(
        f"{PREFIX}handler_duration_seconds", "How long handlers ran, what they waited for included.", labels=["handler"]
    )
    for handler, histogram in histograms.items():
        buckets = [(str(bound), float(histogram.up_to(bound))) for bound in BUCKETS]
        family.add_metric([handler], [*buckets, ("+Inf", float(histogram.count))], histogram.total)
    return family


class MetricsServer(WebServer):
    """`/metrics` and `/healthz` of one client. Thread-safe; also a context manager. Made by `client.serve_metrics`.

    It listens from the beginning to `close()`, whatever becomes of the client: one that has failed answers 503.
    """

    def __init__(self, client: BotClient, port: int, *, host: str = "127.0.0.1", clock: Clock | None = None) -> None:
        self._client = client
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(GatewayCollector(client))
        super().__init__(port, host, name="qqbot-metrics", clock=clock)

    def answer(self, path: str, accept: str) -> tuple[HTTPStatus, str, bytes]:
        """(status, content type, body) for a GET of `path`."""
        if path == "/metrics":
            encode, content_type = choose_encoder(accept)
            return HTTPStatus.OK, content_type, encode(self._registry)
        if path == "/healthz":
            is_healthy, facts = self._health()
            status = HTTPStatus.OK if is_healthy else HTTPStatus.SERVICE_UNAVAILABLE
            return status, "application/json", codec.dumps(facts)
        return HTTPStatus.NOT_FOUND, "text/plain; charset=utf-8", b"/metrics, /healthz\n"

    def _health(self) -> tuple[bool, dict[str, Any]]:
        client = self._client
        is_healthy, error, heartbeat = client.healthy(), client.error, client.metrics.last_heartbeat
        return is_healthy, {
            "healthy": is_healthy,
            "state": str(client.state),
            "connected": client.is_connected(),
            "error": None if error is None else f"{type(error).__name__}: {error}".splitlines()[0],
            "latency_seconds": client.latency,
            "seconds_since_heartbeat": None if heartbeat is None else max(0.0, self._clock.now() - heartbeat),
            "queue_depth": client.queue_depth,
            "queue_age_seconds": client.queue_age,
        }
