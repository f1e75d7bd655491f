"""Settings of Hypothesis for the pure tests."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

# How long a machine takes that does something else as well says nothing about the code under test.
settings.register_profile("busy machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("busy machine")
