"""The Django application of the sandbox."""

from __future__ import annotations

from django.apps import AppConfig

from .wording import spoken


class SandboxConfig(AppConfig):
    """Register the tables under the label `sandbox`."""

    name = "synapse.sandbox.backend"
    label = "sandbox"
    verbose_name = spoken("Synapse sandbox")  # type: ignore[assignment]
    default_auto_field = "django.db.models.BigAutoField"
