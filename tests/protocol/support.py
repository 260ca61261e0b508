"""What several protocol tests share: hypothesis settings that never flake."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

BOUNDED = settings(
    derandomize=True,
    database=None,
    deadline=None,
    max_examples=400,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
"""The same examples in every run, and no judgement about speed."""
