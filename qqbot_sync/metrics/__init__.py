"""Plain numbers of what the gateway and the handlers did: always on, cheap, readable at any time."""

from qqbot_sync.metrics.durations import Durations, Histogram
from qqbot_sync.metrics.gateway import GatewayMetrics
from qqbot_sync.metrics.snapshot import Counts, Gauges, MetricsSnapshot

__all__ = ["Counts", "Durations", "Gauges", "GatewayMetrics", "Histogram", "MetricsSnapshot"]
