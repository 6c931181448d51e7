"""What every test shares: how Hypothesis searches, and nothing else."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

# A loaded machine must not turn a slow example into a failure; a red CI run must fail again when repeated.
settings.register_profile("local", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", settings.get_profile("local"), derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "local")
