"""What writes parts of the package from its declarations."""

from __future__ import annotations
