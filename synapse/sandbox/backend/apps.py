"""The Django application of the sandbox."""

from __future__ import annotations

from django.apps import AppConfig


class SandboxConfig(AppConfig):
    """Register the tables under the label `sandbox`."""

    name = "synapse.sandbox.backend"
    label = "sandbox"
    verbose_name = "Synapse sandbox"
    default_auto_field = "django.db.models.BigAutoField"
